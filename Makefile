# weir: `make demo`, `make test`. See README.md.
CC      ?= cc
BUILD   ?= build
BIN     ?= bin
PKGS     = gmime-3.0 libclamav lmdb libssl libcrypto json-c libidn2 libseccomp
CFLAGS  ?= -O2 -g
WARN     = -Wall -Wextra -Wmissing-prototypes -Wshadow -Wformat=2 -Wno-unused-parameter
ALL_CFLAGS  = -std=gnu17 -D_GNU_SOURCE $(WARN) $(CFLAGS) -Ilib $(shell pkg-config --cflags $(PKGS))
LIBS     = -lpthread
PROGRAMS = $(patsubst src/%.c,%,$(wildcard src/weir-*.c))
MODULES  = $(patsubst lib/%.c,%,$(wildcard lib/*.c))
UNITS    = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))

all: $(PROGRAMS:%=$(BIN)/%)

# What a program needs beyond the common libraries.
COMMON_LIBS = $(shell pkg-config --libs libcrypto libidn2 lmdb json-c libseccomp)
$(BIN)/weir-parse: EXTRA = $(shell pkg-config --libs gmime-3.0)
$(BIN)/weir-scan:  EXTRA = $(shell pkg-config --libs libclamav)

$(BUILD)/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libweir.a: $(MODULES:%=$(BUILD)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BIN)/weir-%: src/weir-%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(BUILD)/weir-$*.d $(LDFLAGS) -o $@ $< $(BUILD)/libweir.a $(EXTRA) $(COMMON_LIBS) $(LIBS)

# C unit tests: tests/unit/x.c, run from tests/unit.bats.
units: $(UNITS:%=$(BUILD)/unit/%)
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libweir.a $(shell pkg-config --libs gmime-3.0) $(COMMON_LIBS) $(LIBS)

test: all units
	bats tests

clean:
	rm -rf build build-* bin/weir-*

.PHONY: all units test clean
-include $(wildcard $(BUILD)/*.d $(BUILD)/unit/*.d)
