/* mbox: any split of the input gives the same messages. */
#include <stdio.h>
#include <string.h>
#include "mbox.h"

#define CHECK(c) do { if (!(c)) { printf("%s:%d: %s\n", __FILE__, __LINE__, #c); return 1; } } while (0)
#define F "From a@b Mon Nov 16 12:00:00 2026\n"

static enum status add(void *arg, const char *p, size_t n, bool truncated)
{
	struct buf *b = arg;

	buf_add(b, p, n);
	buf_str(b, truncated ? "!|" : "|");
	return ST_OK;
}

/* All messages, each followed by '|', fed in pieces of `step`. NULL: not an mbox. */
static const char *split(const char *in, size_t step, size_t max)
{
	static struct buf b;
	struct mbox m;
	enum status st = ST_OK;
	size_t n = strlen(in);

	buf_clear(&b);
	mbox_init(&m, max, add, &b);
	for (size_t i = 0; i < n && st == ST_OK; i += step)
		st = mbox_feed(&m, in + i, n - i < step ? n - i : step);
	if (st == ST_OK)
		st = mbox_end(&m);
	mbox_done(&m);
	return st == ST_OK ? buf_cstr(&b) : NULL;
}

static int cases(size_t step)
{
	static const struct { const char *in, *out; } c[] = {
		{ "", "" },
		{ F, "" },
		{ F F F "a\n", "From a@b Mon Nov 16 12:00:00 2026\nFrom a@b Mon Nov 16 12:00:00 2026\na\n|" },
		{ F "\n" F "\na\n", "\na\n|" },
		{ F "a\n\n" F "b\n\n", "a\n|b\n|" },
		{ F "a\n" F "b\n", "a\n" F "b\n|" },
		{ F "a\n\n\n" F "b", "a\n\n|b|" },
		{ F "a\r\n\r\nFrom x Mon Nov 16 12:00:00 2026\r\nb\r\n", "a\r\n|b\r\n|" },
		{ F "a\n\nFrom now on at 12:30 we\n", "a\n\nFrom now on at 12:30 we\n|" },
		{ F "a\n\nFrom x Sep it is\n", "a\n\nFrom x Sep it is\n|" },
		{ F ">From a\n>>From b\n> From c\n>from d\nx>From e\n", "From a\n>From b\n> From c\n>from d\nx>From e\n|" },
		{ F "a\n\nFrom 1234567890abcdef Mon Sep 17 00:00:00 2001\nb\n", "a\n|b\n|" },
		{ F "a\n\nFrom x@y Mon Nov 16 12:00 2026 +0100", "a\n|" },
		{ "anything From x\n", NULL },
		{ "\n" F "a\n", NULL },
	};

	for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
		const char *got = split(c[i].in, step, 4096);

		if (got == c[i].out || (got && c[i].out && !strcmp(got, c[i].out)))
			continue;
		printf("case %zu, step %zu: got [%s] want [%s]\n", i, step, got ? got : "-", c[i].out ? c[i].out : "-");
		return 1;
	}
	return 0;
}

/* A postmark's words far along a line are a sentence's; the same in one piece and in many. Found by fuzzing. */
static int far_along_a_line(void)
{
	static char in[4096], out[4096], cut[128];
	static const size_t steps[] = { 1, 7, 4096 };

	snprintf(in, sizeof in, F "a\n\nFrom %01500d Nov 12:00 \nb\n", 0);
	snprintf(out, sizeof out, "a\n\nFrom %01500d Nov 12:00 \nb\n|", 0);
	snprintf(cut, sizeof cut, "%.100s!|", out);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		CHECK(!strcmp(split(in, steps[i], 4096), out));
		CHECK(!strcmp(split(in, steps[i], 100), cut));
	}
	return 0;
}

int main(void)
{
	for (size_t step = 1; step < 40; step++)
		if (cases(step))
			return 1;
	for (size_t step = 1; step < 200; step += 66) {
		CHECK(!strcmp(split(F "1234567\n\n" F "b\n", step, 8), "1234567\n|b\n|"));
		CHECK(!strcmp(split(F "12345678\n\n" F "b\n", step, 8), "12345678!|b\n|"));
		CHECK(!strcmp(split(F "1234567890123456789\n\n" F "b\n", step, 8), "12345678!|b\n|"));
		CHECK(!strcmp(split(F "1\n2\n3\n4\n5\n\n" F "b\n", step, 8), "1\n2\n3\n4\n!|b\n|"));
	}
	if (far_along_a_line())
		return 1;
	puts("ok");
	return 0;
}
