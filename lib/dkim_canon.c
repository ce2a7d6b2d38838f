/*
 * dkim_canon.c - the fields of a header: found, taken from the lowest up, in canonical form (RFC 6376 3.4, 5.4.2).
 *
 * Line ends are LF or CRLF and come out as CRLF: spools keep mail with either. A CR without LF and NUL are bytes like any
 * other. Bodies: dkim_body.c.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dkim_priv.h"

bool dkim_canon_read(struct span s, struct dkim_canon *out)
{
	const char *slash = s.p ? memchr(s.p, '/', s.len) : NULL;
	struct span head = { s.p, slash ? (size_t)(slash - s.p) : s.len };
	struct span body = slash ? (struct span){ slash + 1, s.len - head.len - 1 } : (struct span){ "simple", 6 };

	if (!s.p)
		head = (struct span){ "simple", 6 };
	out->relaxed_head = span_is(head, "relaxed");
	out->relaxed_body = span_is(body, "relaxed");
	return (out->relaxed_head || span_is(head, "simple")) && (out->relaxed_body || span_is(body, "simple"));
}

const char *dkim_canon_name(struct dkim_canon c)
{
	static const char *const names[2][2] = {
		{ "simple/simple", "simple/relaxed" }, { "relaxed/simple", "relaxed/relaxed" } };

	return names[c.relaxed_head][c.relaxed_body];
}

/* ---- the header ---- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static uint32_t name_hash(const char *p, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)lower(p[i])) * 16777619u;
	return h;
}

static enum field_kind kind_of(const char *p, const struct field *f)
{
	switch (f->name_len) {	/* most fields are of no interest */
	case 2: return field_is(p, f, "To") ? FIELD_USUAL : FIELD_OTHER;
	case 4: return field_is(p, f, "From") ? FIELD_FROM : field_is(p, f, "Date") ? FIELD_USUAL : FIELD_OTHER;
	case 7: return field_is(p, f, "Subject") ? FIELD_USUAL : FIELD_OTHER;
	case 8: return field_is(p, f, "ARC-Seal") ? FIELD_SEAL : FIELD_OTHER;
	case 12: return field_is(p, f, "Content-Type") ? FIELD_USUAL : FIELD_OTHER;
	case 14: return field_is(p, f, "DKIM-Signature") ? FIELD_DKIM : FIELD_OTHER;
	case 21: return field_is(p, f, "ARC-Message-Signature") ? FIELD_AMS : FIELD_OTHER;
	case 26: return field_is(p, f, "ARC-Authentication-Results") ? FIELD_AAR : FIELD_OTHER;
	default: return FIELD_OTHER;
	}
}

enum status dkim_fields_read(const char *p, size_t len, struct dkim_fields *out)
{
	size_t begin = header_begin(p, len), pos = begin;
	struct field f;

	out->p = p;
	out->n = 0;
	out->too_many = false;
	while (field_next(p, len, &pos, &f)) {
		if (out->n == DKIM_MAX_FIELDS || f.end - begin > DKIM_MAX_HEADER_BYTES) {
			out->too_many = true;
			break;
		}
		if (out->n == out->cap) {
			size_t cap = out->cap ? 4 * out->cap : 64;
			void *more = realloc(out->f, cap * sizeof(*out->f));

			if (!more)
				return st_fail(ST_NOMEM, "header: out of memory");
			out->f = more;
			out->cap = cap;
		}
		out->f[out->n++] = (struct dkim_field){ .at = f, .hash = name_hash(p + f.begin, f.name_len),
			.kind = kind_of(p, &f) };
	}
	out->body = pos;
	return ST_OK;
}

struct dkim_field *dkim_field_take(struct dkim_fields *h, struct span name, size_t skip)
{
	uint32_t hash = name_hash(name.p, name.len);

	for (size_t i = h->n; i-- > 0;) {
		struct dkim_field *f = &h->f[i];

		if (f->hash == hash && !f->taken && i != skip && f->at.name_len == name.len && name.len &&
				strncasecmp(h->p + f->at.begin, name.p, name.len) == 0) {
			f->taken = true;
			return f;
		}
	}
	return NULL;
}

void dkim_fields_untake(struct dkim_fields *h)
{
	for (size_t i = 0; i < h->n; i++)
		h->f[i].taken = false;
}

/* ---- a field ---- */

/* Copies p[0..n) with CRLF for every line end (simple, 3.4.1). */
static void add_crlf(const char *p, size_t n, struct buf *out)
{
	while (n) {
		const char *nl = memchr(p, '\n', n);
		size_t line = nl ? (size_t)(nl - p) : n;

		buf_add(out, p, nl && line && p[line - 1] == '\r' ? line - 1 : line);
		if (!nl)
			return;
		buf_add(out, "\r\n", 2);
		p = nl + 1;
		n -= line + 1;
	}
}

/* Unfolds, and makes one blank of several (3.4.2). *blank: some are due. Room must be there. */
static char *squeeze(char *to, const char *p, size_t n, bool *blank)
{
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == ' ' || c == '\t') {
			*blank = true;
		} else if (c == '\n' || (c == '\r' && i + 1 < n && p[i + 1] == '\n')) {
			;
		} else {
			if (*blank)
				*to++ = ' ';
			*blank = false;
			*to++ = c;
		}
	}
	return to;
}

static void add_relaxed(const char *p, const struct field *f, struct span cut, struct buf *out)
{
	char *to, *value;
	bool blank = false;
	size_t cut_at = cut.p ? (size_t)(cut.p - p) : f->value_end, behind = cut_at + cut.len;

	if (!buf_room(out, f->end - f->begin + 2))
		return;
	to = out->p + out->len;
	for (size_t i = 0; i < f->name_len; i++)
		*to++ = lower(p[f->begin + i]);
	*to++ = ':';
	value = to;
	to = squeeze(to, p + f->value, cut_at - f->value, &blank);
	if (cut.p)
		to = squeeze(to, p + behind, f->value_end - behind, &blank);
	if (to > value && *value == ' ')	/* blanks before the value */
		memmove(value, value + 1, (size_t)(--to - value));
	out->len = (size_t)(to - out->p);
}

void dkim_field_canon(const struct dkim_fields *h, const struct dkim_field *f, bool relaxed, struct span cut, bool last,
	struct buf *out)
{
	size_t cut_at = cut.p ? (size_t)(cut.p - h->p) : f->at.value_end;

	if (relaxed) {
		add_relaxed(h->p, &f->at, cut, out);
	} else {
		add_crlf(h->p + f->at.begin, cut_at - f->at.begin, out);
		if (cut.p)
			add_crlf(cut.p + cut.len, f->at.value_end - cut_at - cut.len, out);
	}
	if (!last)
		buf_add(out, "\r\n", 2);
}

enum status dkim_hash(struct dkim *d, const void *p, size_t n, uint8_t out[HASH_BYTES])
{
	if (EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) != 1 || EVP_DigestUpdate(d->ctx, p, n) != 1 ||
			EVP_DigestFinal_ex(d->ctx, out, NULL) != 1)
		return st_fail(ST_NOMEM, "SHA-256 failed");
	return ST_OK;
}
