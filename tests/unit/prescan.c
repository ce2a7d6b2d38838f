/* What a MIME parser gets to see, and that the bytes come back as they were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prescan.h"

#define CHECK(ok, ...) do { if (!(ok)) { printf("%s:%d: ", __FILE__, __LINE__); \
	printf(__VA_ARGS__); puts(""); failed = 1; } } while (0)

static int failed;

/* Pre-scans text; what is seen instead must be `seen` (NULL: not compared). */
static struct prescan scan(const char *text, const char *seen, const struct prescan_limits *l)
{
	size_t n = strlen(text);
	char *p = malloc(n + 1);
	struct prescan s;

	memcpy(p, text, n + 1);
	CHECK(prescan_mask(p, n, l, &s) == ST_OK, "%s", st_text());
	if (seen)
		CHECK(strcmp(p, seen) == 0, "%s\nis seen as\n%s", text, p);
	prescan_unmask(p, &s);
	CHECK(memcmp(p, text, n + 1) == 0, "%s\nbecame\n%s", text, p);
	prescan_done(&s);
	free(p);
	return s;
}

static void what_is_seen(void)
{
	struct prescan_limits two = { .params = 2 };

	scan("From: a:a:a:;\nContent-Type: x/y\nCc: b\nDate: c\n\nbody\n",
		"Xrom: a:a:a:;\nContent-Type: x/y\nXc: b\n ate: c\n\nbody\n", NULL);
	scan("X: y\n\n--b\nTo: a:b\n Cc: c\nNot-To: d\n\ntext\n",
		"X: y\n\n--b\nXo: a:b\n Cc: c\nNot-To: d\n\ntext\n", NULL);
	scan("Content-Type: a/b\nContent-Type: c/d\n\nContent-Type: e/f\n",
		"Content-Type: a/b\nXontent-Type: c/d\n\nContent-Type: e/f\n", NULL);
	scan("content-transfer-encoding : 7bit\nContent-Transfer-Encoding: base64\n--b\nContent-Type: a/b\n",
		"content-transfer-encoding : 7bit\nXontent-Transfer-Encoding: base64\n--b\nContent-Type: a/b\n", NULL);
	scan("Content-Type: a/b; c=d;\n e=f\n\n", "Content-Type: a/b; c=d;\n e=f\n\n", &two);
	scan("Content-Type: a/b; c=d;\n e=f; g=h;\n i=j\n\n", "Content-Type: a/b; c=d;\n e=f      \n    \n\n", &two);
	scan("Content-Type: a/b\r\n boundary=c\r\n\r\n", "Content-Type: a/b;  boundary=c\r\n\r\n", NULL);
}

static void numbers(void)
{
	struct prescan s = scan("\xef\xbb\xbf" "A: b\r\nC: d\r\n\r\nx\ry\r\r\n--\n", NULL, NULL);

	CHECK(s.bom && s.fields == 2 && s.body == 17, "%zu fields, body at %zu", s.fields, s.body);
	CHECK(s.bare_cr == 2 && s.lf == 5 && s.lines == 5, "%zu CR %zu LF %zu lines", s.bare_cr, s.lf, s.lines);
	CHECK(s.delimiters == 0 && !s.no_separator && s.cut == 26, "cut at %zu", s.cut);
	s = scan("A: b\n", NULL, NULL);
	CHECK(s.no_separator, "no empty line");
	s = scan("A: b\n\n", NULL, NULL);
	CHECK(!s.no_separator && s.body == 6, "an empty line, no body");
	s = scan("", NULL, NULL);
	CHECK(s.lines == 0, "nothing");
}

/* Where GMime may begin: the last field before Content-*, if the header begins as nobody doubts and has an end. */
static void start_of_what_matters(void)
{
	static const struct { const char *text; size_t start; } is[] = {
		{ "From: a\nReceived: b\n c\nTo: d\nContent-Type: x/y\n\nz", 23 },
		{ "From: a\nReceived: b\nContent-Type: x/y\nTo: d\n\nz", 8 },	/* the first row only */
		{ "From: a\nnone\nTo: d\n\nz", 13 },
		{ "From: a\nTo: d\nnone\n\nz", 8 },
		{ "From: a\n\nz", 0 },
		{ "Content-Type: x/y\nTo: d\nCc: e\n\nz", 0 },
		{ "none\nFrom: a\nTo: d\n\nz", 0 },
		{ "{\"a\": 1}\nFrom: a\nTo: d\n\nz", 0 },
		{ "From : a\nTo: d\nCc: e\n\nz", 0 },
		{ "From: a\n{\"b\": 1}\n\nz", 0 },
		{ "From: a\nTo: d\nCc: e\n", 0 },
	};

	for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
		struct prescan s = scan(is[i].text, NULL, NULL);
		CHECK(s.start == is[i].start, "%s\nstarts at %zu", is[i].text, s.start);
	}
}

static void limits(void)
{
	static const char text[] = "A: b\n\nboundary\n--1\n--2\n--3\n";
	struct prescan_limits l = { .delimiters = 3 };
	struct prescan s = scan(text, NULL, &l);

	CHECK(!s.too_many && s.cut == strlen(text), "three are three");
	l.delimiters = 2;
	s = scan(text, NULL, &l);
	CHECK(s.too_many && s.cut == strlen(text) - 4, "cut at %zu", s.cut);
	s = scan("A: b\n\n--1\n--2\n--3\n", NULL, &l);
	CHECK(!s.too_many, "no boundary anywhere: a patch");
	l = (struct prescan_limits){ .header_bytes = 6 };
	s = scan("A: b\n\nx", NULL, &l);
	CHECK(!s.header_too_big, "six are six");
	l.header_bytes = 5;
	s = scan("A: b\nC: d\n\nx", "X: b\n\n\n d\n\nx", &l);
	CHECK(s.header_too_big && s.body == 5, "body at %zu", s.body);
}

int main(void)
{
	what_is_seen();
	numbers();
	start_of_what_matters();
	limits();
	if (!failed)
		puts("ok");
	return failed;
}
