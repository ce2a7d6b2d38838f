# weir: `make demo`, `make test`. See README.md.
CC      ?= cc
BUILD   ?= build
BIN     ?= bin
PREFIX  ?= /usr/local
T       ?= tests

PKGS     = gmime-3.0 libclamav zlib lmdb libssl libcrypto json-c libidn2 libseccomp ldns libpsl expat
PROGRAMS = $(patsubst src/%.c,%,$(wildcard src/weir-*.c))
MODULES  = $(patsubst lib/%.c,%,$(wildcard lib/*.c))
UNITS    = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
SUITES   = $(filter-out $(if $(wildcard /usr/include/opendkim/dkim.h),,opendkim),$(patsubst tests/suite/%.c,%,$(wildcard tests/suite/*.c)))
TOOLS    = $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))
FUZZERS  = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
PIPES    = ingest ingest-maildir verify-domains
SCRIPTS  = bin/weir $(PIPES:%=pipelines/%) pipelines/common.bash .ci/run .ci/need samples/setup samples/demo samples/hostile/make-large \
	tests/bench/bench tests/bench/scale tests/bench/verify tests/bench/auth tests/bench/dkim completion/weir.bash

# What Debian 12 calls the things we need: to build and run, to test, to fuzz, to lint.
DEB_BUILD = gcc make pkg-config libc6-dev libgmime-3.0-dev libclamav-dev zlib1g-dev liblmdb-dev libssl-dev \
	libjson-c-dev libidn2-dev libseccomp-dev libunbound-dev libldns-dev libpsl-dev libexpat1-dev dns-root-data jq
DEB_TEST  = bats lmdb-utils clamav-testfiles clamav-daemon mandoc python3 python3-jsonschema python3-yaml openssl zip unzip \
	nsd bind9-utils knot-dnssecutils ldnsutils libopendkim-dev python3-dkim python3-nacl python3-spf postfix
DEB_FUZZ  = clang
DEB_LINT  = shellcheck mandoc cppcheck

WARN     = -Wall -Wextra -Wmissing-prototypes -Wshadow -Wformat=2 -Wno-unused-parameter
CFLAGS  ?= -O2 -g
ALL_CFLAGS  = -std=gnu17 -D_GNU_SOURCE $(WARN) $(CFLAGS) $(WERROR) -Ilib $(shell pkg-config --cflags $(PKGS))
LIBS     = -lpthread

all: $(PROGRAMS:%=$(BIN)/%)

# What a program needs beyond the common libraries.
COMMON_LIBS = $(shell pkg-config --libs libcrypto libidn2 lmdb json-c libseccomp)
GMIME_LIBS  = $(shell pkg-config --libs gmime-3.0)
$(BIN)/weir-parse $(BIN)/weir-cat $(BIN)/weir-show: EXTRA = $(GMIME_LIBS)
# Not asked for by pkg-config: libunbound.pc wants libevent.pc, which libunbound-dev does not bring.
DNS_LIBS    = -lunbound $(shell pkg-config --libs ldns)
$(BIN)/weir-scan:  EXTRA = $(shell pkg-config --libs libclamav zlib)
$(BIN)/weir-auth:  EXTRA = $(DNS_LIBS)
$(BIN)/weir-event: EXTRA = $(GMIME_LIBS) $(shell pkg-config --libs expat zlib)
$(BIN)/weir-tenant: EXTRA = $(shell pkg-config --libs libpsl)
$(BIN)/weir-domain: EXTRA = $(DNS_LIBS) $(shell pkg-config --libs libpsl)

$(BUILD)/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libweir.a: $(MODULES:%=$(BUILD)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

# A program of many verbs has those that need more in files of their own: src/domain_x.c goes into weir-domain alone.
$(BIN)/weir-domain: $(patsubst src/%.c,$(BUILD)/src/%.o,$(wildcard src/domain_*.c))
$(BIN)/weir-event: $(patsubst src/%.c,$(BUILD)/src/%.o,$(wildcard src/event_*.c))
$(BIN)/weir-tenant: $(patsubst src/%.c,$(BUILD)/src/%.o,$(wildcard src/tenant_*.c))
$(BUILD)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BIN)/weir-%: src/weir-%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -MF $(BUILD)/weir-$*.d $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(BUILD)/libweir.a $(EXTRA) $(COMMON_LIBS) $(LIBS)

# C unit tests: tests/unit/x.c, run from tests/unit.bats.
# tests/suite/x.c reads other projects' test data, run from tests/suite-x.bats.
# tests/tools/x.c are programs that tests run.
units: $(UNITS:%=$(BUILD)/unit/%) $(SUITES:%=$(BUILD)/suite/%) $(TOOLS:%=$(BUILD)/tools/%)
BUILD_TEST = $(CC) $(ALL_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libweir.a $(GMIME_LIBS) $(DNS_LIBS) -lpsl -lexpat -lz $(COMMON_LIBS) $(LIBS)
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(BUILD_TEST)
$(BUILD)/tools/%: tests/tools/%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(BUILD_TEST)
# Alone: libopendkim has functions of the same names as lib/dkim.
$(BUILD)/suite/opendkim: tests/suite/opendkim.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -lopendkim
$(BUILD)/suite/%: tests/suite/%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(BUILD_TEST)

# ---- for people: each of these installs what it lacks, then works from a clean clone ----

deps:
	@.ci/need $(DEB_BUILD)

demo: deps
	@$(MAKE) -s all
	@samples/demo

# One file of tests: make test T=tests/spool.bats
test: deps
	@.ci/need $(DEB_TEST)
	@$(MAKE) all units
	bats $(T)

# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer, built elsewhere.
ASAN_ENV = ASAN_OPTIONS=abort_on_error=0:exitcode=99:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
	LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
asan: deps
	@.ci/need $(DEB_TEST)
	@$(MAKE) BUILD=build-asan BIN=build-asan/bin all units \
		CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-format-truncation"
	$(ASAN_ENV) WEIR_ASAN=1 WEIR_BIN=$(CURDIR)/build-asan/bin WEIR_UNIT=$(CURDIR)/build-asan/unit WEIR_TOOLS=$(CURDIR)/build-asan/tools bats $(T)

# kill -9 at KILLS random moments, then LOAD messages through 4 pipelines at once: SEED= repeats a run.
KILLS ?= 200
LOAD  ?= 20000
SEED  ?= $$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
crash: deps
	@.ci/need $(DEB_TEST)
	@$(MAKE) -s all
	@tests/tools/crash --kills $(KILLS) --seed $(SEED)
	@tests/tools/load --messages $(LOAD) --seed $(SEED)

# Messages and megabytes a second: CORPUS=, BENCH_RUNS=, BENCH_SAVE=1 writes docs/bench.md.
bench: deps
	@$(MAKE) -s all units $(BUILD)/bench/record $(BUILD)/bench/dkim
	@$(BUILD)/bench/record
	@tests/bench/verify
	@tests/bench/bench
	@[ -z "$(BENCH_SCALE)" ] || tests/bench/scale
	@tests/bench/auth
	@tests/bench/dkim

$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libweir.a $(DNS_LIBS) $(COMMON_LIBS) $(LIBS)

# fuzz runs each harness for FUZZ_S seconds; fuzz-smoke shows in a few that they all still work.
FUZZ_S ?= 600
fuzz-smoke: FUZZ_S = 2
fuzz fuzz-smoke: deps
	@.ci/need $(DEB_FUZZ)
	@$(MAKE) CC=clang BUILD=build-fuzz fuzzers \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined -Wno-format-nonliteral -Wno-missing-field-initializers -Wno-string-plus-int"
	@for f in $(FUZZERS); do mkdir -p build-fuzz/corpus/$$f; echo "fuzz $$f"; \
		build-fuzz/fuzz/$$f -max_total_time=$(FUZZ_S) -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
			$$([ ! -f tests/fuzz/dict/$$f.dict ] || echo -dict=tests/fuzz/dict/$$f.dict) \
			-artifact_prefix=build-fuzz/$$f- build-fuzz/corpus/$$f samples/hostile samples/spool/in \
			>build-fuzz/$$f.log 2>&1 || { tail -40 build-fuzz/$$f.log; exit 1; }; done
fuzzers: $(FUZZERS:%=$(BUILD)/fuzz/%)
$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libweir.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $< $(BUILD)/libweir.a \
		$(GMIME_LIBS) $(DNS_LIBS) -lpsl -lexpat -lz $(COMMON_LIBS) $(LIBS)

lint: deps
	@.ci/need $(DEB_LINT)
	shellcheck -x $(SCRIPTS) tests/*.bash
	mandoc -T lint -W warning man/*.[157]
	cppcheck -q -j2 --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -D_GNU_SOURCE -Ilib lib src
	@$(MAKE) BUILD=build-lint BIN=build-lint/bin WERROR=-Werror all units

# ---- installing ----
DESTDIR ?=
bindir   = $(DESTDIR)$(PREFIX)/bin
execdir  = $(DESTDIR)$(PREFIX)/libexec/weir
mandir   = $(DESTDIR)$(PREFIX)/share/man
docdir   = $(DESTDIR)$(PREFIX)/share/doc/weir
compdir  = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
MAN      = $(wildcard man/*.[157])

install: all
	install -d $(bindir) $(execdir) $(docdir)/examples $(compdir) $(mandir)/man1 $(mandir)/man5 $(mandir)/man7
	install -m 755 bin/weir $(PROGRAMS:%=$(BIN)/%) $(bindir)
	install -m 755 $(PIPES:%=pipelines/%) $(execdir)
	install -m 644 pipelines/common.bash $(execdir)
	install -m 644 README.md LICENSE man/weir-record.schema.json $(docdir)
	install -m 644 pipelines/crontab.example $(docdir)/examples
	install -m 644 completion/weir.bash $(compdir)/weir
	for p in $(PROGRAMS); do ln -sf weir $(compdir)/$$p; done
	for m in $(MAN); do install -m 644 $$m $(mandir)/man$${m##*.}; done

uninstall:
	rm -f $(bindir)/weir $(PROGRAMS:%=$(bindir)/%) $(compdir)/weir $(PROGRAMS:%=$(compdir)/%)
	for m in $(MAN); do rm -f $(mandir)/man$${m##*.}/$${m##*/}; done
	rm -rf $(execdir) $(docdir)

clean:
	rm -rf build build-* bin/weir-*

.PHONY: all units fuzzers deps demo test asan crash bench fuzz fuzz-smoke lint install uninstall clean
-include $(wildcard $(BUILD)/*.d $(BUILD)/src/*.d $(BUILD)/unit/*.d $(BUILD)/suite/*.d $(BUILD)/tools/*.d $(BUILD)/fuzz/*.d)
