/*
 * dkim_body.c - the hashes of a body in canonical form (RFC 6376 3.4.3, 3.4.4).
 *
 * One pass for each form, whatever number of signatures want it, each with its own limit (l=). Line ends are LF or CRLF and
 * count as CRLF. Nothing is copied where it is canonical already: runs of such lines go to SHA-256 as they lie.
 */
#include <stdlib.h>
#include <string.h>

#include "dkim_priv.h"

struct sink {	/* bytes on their way to SHA-256; short pieces are collected */
	struct dkim *d;
	struct dkim_body **mark;	/* what has a limit, the smallest first */
	size_t marks;
	uint64_t total;			/* canonical bytes so far */
	bool failed;
	size_t held;
	char hold[8192];
};

static void sink_flush(struct sink *s)
{
	if (s->held && EVP_DigestUpdate(s->d->ctx, s->hold, s->held) != 1)
		s->failed = true;
	s->held = 0;
}

static void sink_keep(struct sink *s, const char *p, size_t n)
{
	s->total += n;
	if (n > sizeof(s->hold) - s->held)
		sink_flush(s);
	if (n > sizeof(s->hold) / 4) {
		sink_flush(s);
		if (EVP_DigestUpdate(s->d->ctx, p, n) != 1)
			s->failed = true;
	} else {
		memcpy(s->hold + s->held, p, n);
		s->held += n;
	}
}

/* All limits that are reached get the hash of what was there until now. */
static void sink_marks(struct sink *s)
{
	while (s->marks && (uint64_t)s->mark[0]->limit == s->total) {
		sink_flush(s);
		if (EVP_MD_CTX_copy_ex(s->d->copy, s->d->ctx) != 1 ||
				EVP_DigestFinal_ex(s->d->copy, s->mark[0]->hash, NULL) != 1)
			s->failed = true;
		s->mark++;
		s->marks--;
	}
}

static void sink_add(struct sink *s, const char *p, size_t n)
{
	while (s->marks && (uint64_t)s->mark[0]->limit - s->total <= n) {
		size_t take = (size_t)((uint64_t)s->mark[0]->limit - s->total);

		sink_keep(s, p, take);
		sink_marks(s);
		p += take;
		n -= take;
	}
	sink_keep(s, p, n);
}

/* Where the last line ends that is not empty (relaxed: not of blanks only), without its line end; 0: there is none. */
static size_t body_end(const char *p, size_t len, bool relaxed)
{
	size_t n = len;

	while (n > 0) {
		char c = p[n - 1];
		bool eol = c == '\n' || (c == '\r' && n < len && p[n] == '\n');

		if (!eol && !(relaxed && (c == ' ' || c == '\t')))
			break;
		n--;
	}
	return n;
}

static void body_simple(struct sink *s, const char *p, size_t n)
{
	size_t begin = 0, i = 0;

	n = body_end(p, n, false);
	while (i < n) {
		const char *nl = memchr(p + i, '\n', n - i);

		if (!nl)
			break;
		i = (size_t)(nl - p) + 1;
		if (i >= 2 && p[i - 2] == '\r')
			continue;
		sink_add(s, p + begin, i - 1 - begin);
		sink_add(s, "\r\n", 2);
		begin = i;
	}
	sink_add(s, p + begin, n - begin);
	sink_add(s, "\r\n", 2);
}

/* Whether a tab or two blanks in a row begin in p[0..16). Made for the compiler to do at once. */
static bool busy16(const char *p)
{
	unsigned char busy = 0;

	for (size_t i = 0; i < 16; i++)
		busy |= (unsigned char)((p[i] == '\t') | ((p[i] == ' ') & (p[i + 1] == ' ')));
	return busy;
}

/* Whether the line (without blanks at its end) has something to squeeze. */
static bool busy(const char *p, size_t n)
{
	size_t i = 0;

	if (n < 17) {
		for (; i < n; i++)
			if (p[i] == '\t' || (p[i] == ' ' && p[i + 1] == ' '))
				return true;
		return false;
	}
	for (; i + 17 <= n; i += 16)
		if (busy16(p + i))
			return true;
	return busy16(p + n - 17) || p[n - 1] == '\t';
}

static void add_squeezed(struct sink *s, const char *p, size_t n)
{
	char line[1024];
	bool blank = false;

	for (size_t at = 0; at < n; at += sizeof(line) / 2) {
		size_t part = n - at < sizeof(line) / 2 ? n - at : sizeof(line) / 2;
		char *to = line;

		for (size_t i = at; i < at + part; i++) {
			if (p[i] == ' ' || p[i] == '\t') {
				blank = true;
				continue;
			}
			if (blank)
				*to++ = ' ';
			blank = false;
			*to++ = p[i];
		}
		sink_add(s, line, (size_t)(to - line));
	}
}

static void body_relaxed(struct sink *s, const char *p, size_t n)
{
	size_t run = 0, i = 0, end = body_end(p, n, true);

	while (i < end) {	/* [run, i): lines that are canonical as they are */
		const char *nl = memchr(p + i, '\n', end - i);
		size_t next = nl ? (size_t)(nl - p) + 1 : end, eol = nl ? next - 1 : end, stop;

		if (nl && eol > i && p[eol - 1] == '\r')
			eol--;
		stop = eol;
		while (stop > i && (p[stop - 1] == ' ' || p[stop - 1] == '\t'))
			stop--;
		bool squeezed = stop > i && busy(p + i, stop - i);
		if (!squeezed && stop == eol && next - eol == 2) {
			i = next;
			continue;
		}
		sink_add(s, p + run, i - run);
		if (squeezed)
			add_squeezed(s, p + i, stop - i);
		else
			sink_add(s, p + i, stop - i);
		sink_add(s, "\r\n", 2);
		run = i = next;
	}
	sink_add(s, p + run, i - run);
}

static int by_limit(const void *a, const void *b)
{
	const struct dkim_body *const *x = a, *const *y = b;

	return ((*x)->limit > (*y)->limit) - ((*x)->limit < (*y)->limit);
}

/* One form of the body: those of want[] that are of it, all at once. */
static bool hash_form(struct dkim *d, const char *p, size_t len, bool relaxed, struct dkim_body *want, size_t n)
{
	struct dkim_body *mark[DKIM_MAX_SIGNATURES] = { 0 };
	uint8_t whole[HASH_BYTES];
	struct sink s;

	s = (struct sink){ .d = d, .mark = mark };
	for (size_t i = 0; i < n; i++)
		if (want[i].relaxed == relaxed && want[i].limit >= 0)
			mark[s.marks++] = &want[i];
	/* cppcheck-suppress uninitvar ; pointers are sorted, and all are set */
	qsort(mark, s.marks, sizeof(*mark), by_limit);
	if (EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) != 1)
		return false;
	sink_marks(&s);
	if (relaxed)
		body_relaxed(&s, p, len);
	else
		body_simple(&s, p, len);
	sink_flush(&s);
	if (EVP_DigestFinal_ex(d->ctx, whole, NULL) != 1)
		return false;
	while (s.marks)
		s.mark[--s.marks]->too_short = true;
	for (size_t i = 0; i < n; i++)
		if (want[i].relaxed == relaxed && want[i].limit < 0)
			memcpy(want[i].hash, whole, HASH_BYTES);
	return !s.failed;
}

enum status dkim_body_hash(struct dkim *d, const char *p, size_t len, struct dkim_body *want, size_t n)
{
	bool form[2] = { false, false };

	for (size_t i = 0; i < n; i++) {
		want[i].too_short = false;
		form[want[i].relaxed] = true;
	}
	for (int relaxed = 0; relaxed < 2; relaxed++)
		if (form[relaxed] && !hash_form(d, p, len, relaxed, want, n))
			return st_fail(ST_NOMEM, "SHA-256 of a body failed");
	return ST_OK;
}
