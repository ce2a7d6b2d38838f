/* part.c - see part.h. */
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "part.h"

static const char *const KINDS[] = { "leaf", "multipart", "message", "uuencode", "prologue",
	"epilogue", "unclaimed", "alternate" };
#define KIND_COUNT (sizeof(KINDS) / sizeof(*KINDS))

static const char *const ENCODINGS[] = { "base64", "quoted-printable", "x-uuencode", "unknown" };
static const enum encoding ENCODING_OF[] = { ENC_BASE64, ENC_QP, ENC_UU, ENC_UNKNOWN };

bool part_has_bytes(const struct part *p)
{
	return p->kind != PART_MULTIPART;
}

const char *part_kind_name(enum part_kind k)
{
	return (size_t)k < KIND_COUNT ? KINDS[k] : "leaf";
}

/* ---- JSON ---- */

static void optional(struct buf *b, const char *key, const char *s)
{
	if (s)
		json_str(b, key, s, strlen(s));
}

static void flag(struct buf *b, const char *key, bool v)
{
	if (v)
		json_bool(b, key, true);
}

void part_json(struct buf *b, const struct part *p)
{
	json_open(b, NULL, '{');
	optional(b, "part", p->id);
	optional(b, "parent", p->parent);
	optional(b, "kind", part_kind_name(p->kind));
	optional(b, "content_type", p->content_type);
	optional(b, "charset", p->charset);
	optional(b, "disposition", p->disposition);
	optional(b, "filename", p->filename);
	optional(b, "cid", p->cid);
	flag(b, "inline", p->inline_);
	optional(b, "encoding", p->encoding == ENC_IDENTITY && p->identity ? p->identity : encoding_name(p->encoding));
	json_open(b, "range", '[');
	json_int(b, NULL, (int64_t)p->begin);
	json_int(b, NULL, (int64_t)p->end);
	json_close(b, ']');
	optional(b, "in", p->in);
	flag(b, "cr", p->cr);
	flag(b, "stop_at_padding", p->stop_at_padding);
	flag(b, "skip_padding", p->skip_padding);
	flag(b, "scan_only", p->scan_only);
	optional(b, "of", p->of);
	flag(b, "body", p->body);
	json_int(b, "size", (int64_t)p->size);
	flag(b, "tnef", p->tnef);
	json_close(b, '}');
}

static char *text_member(struct span v, const char *key, bool *nomem)
{
	struct span s = json_get(v, key);
	struct buf b = { 0 };

	if (!s.p || !json_text(s, &b))
		return NULL;
	buf_cstr(&b);
	if (!buf_ok(&b) || !b.p) {
		buf_free(&b);
		b.p = strdup("");
	}
	*nomem |= !b.p;
	return b.p;
}

static enum encoding encoding_word(struct span v, const char **identity_out)
{
	*identity_out = json_is(v, "8bit") ? "8bit" : json_is(v, "binary") ? "binary" : NULL;
	for (size_t i = 0; i < sizeof(ENCODINGS) / sizeof(*ENCODINGS); i++)
		if (json_is(v, ENCODINGS[i]))
			return ENCODING_OF[i];
	return ENC_IDENTITY;
}

static bool read_numbers(struct span v, struct part *p)
{
	struct span it = json_get(v, "range"), e;
	int64_t n[2], size = 0;

	if (json_type(it) != '[')
		return false;
	for (int i = 0; i < 2; i++)
		if (!json_elem(&it, &e) || !json_get_int(e, &n[i]))
			return false;
	if (n[0] < 0 || n[1] < n[0])
		return false;
	json_get_int(json_get(v, "size"), &size);
	p->begin = n[0];
	p->end = n[1];
	p->size = size < 0 ? 0 : size;
	return true;
}

enum status part_of_json(struct span v, struct part *out)
{
	struct part p = { 0 };
	struct span kind = json_get(v, "kind");
	bool nomem = false, known = false;

	for (size_t i = 0; i < KIND_COUNT; i++)
		if (json_is(kind, KINDS[i])) {
			p.kind = i;
			known = true;
		}
	memset(out, 0, sizeof(*out));
	if (!known || !read_numbers(v, &p))
		return st_fail(ST_BAD, "parts: kind or range of a part cannot be read");
	p.id = text_member(v, "part", &nomem);
	p.parent = text_member(v, "parent", &nomem);
	p.content_type = text_member(v, "content_type", &nomem);
	p.charset = text_member(v, "charset", &nomem);
	p.disposition = text_member(v, "disposition", &nomem);
	p.filename = text_member(v, "filename", &nomem);
	p.cid = text_member(v, "cid", &nomem);
	p.in = text_member(v, "in", &nomem);
	p.of = text_member(v, "of", &nomem);
	p.encoding = encoding_word(json_get(v, "encoding"), &p.identity);
	p.cr = json_true(json_get(v, "cr"));
	p.stop_at_padding = json_true(json_get(v, "stop_at_padding"));
	p.skip_padding = json_true(json_get(v, "skip_padding"));
	p.scan_only = json_true(json_get(v, "scan_only"));
	p.body = json_true(json_get(v, "body"));
	p.inline_ = json_true(json_get(v, "inline"));
	p.tnef = json_true(json_get(v, "tnef"));
	if (!nomem && p.id && *p.id && strlen(p.id) <= PART_ID_MAX_BYTES && p.content_type) {
		*out = p;
		return ST_OK;
	}
	part_done(&p);
	return nomem ? st_fail(ST_NOMEM, "parts: out of memory") :
		st_fail(ST_BAD, "parts: a part without id or content_type");
}

enum status parts_of_json(struct span array, struct part **out_parts, size_t *out_n)
{
	struct part *part = NULL, *more;
	struct span it = array, e;
	size_t n = 0;
	enum status st = ST_OK;

	while (st == ST_OK && json_type(array) == '[' && json_elem(&it, &e)) {
		if (n % 32 == 0) {
			more = realloc(part, (n + 32) * sizeof(*part));
			if (!more) {
				st = st_fail(ST_NOMEM, "parts: out of memory");
				break;
			}
			part = more;
		}
		st = part_of_json(e, &part[n]);
		n += st == ST_OK;
	}
	if (st != ST_OK) {
		parts_free(&part, n);
		n = 0;
	}
	*out_parts = part;
	*out_n = n;
	return st;
}

void part_done(struct part *p)
{
	free(p->id);
	free(p->parent);
	free(p->content_type);
	free(p->charset);
	free(p->disposition);
	free(p->filename);
	free(p->cid);
	free(p->in);
	free(p->of);
	memset(p, 0, sizeof(*p));
}

void parts_free(struct part **parts, size_t n)
{
	for (size_t i = 0; *parts && i < n; i++)
		part_done(&(*parts)[i]);
	free(*parts);
	*parts = NULL;
}

/* ---- bytes ---- */

void part_source_done(struct part_source *s)
{
	buf_free(&s->held);
	s->held_part = NULL;
}

void cr_to_lf(const char *p, size_t n, struct buf *b)
{
	size_t at = b->len;

	buf_add(b, p, n);
	if (!buf_ok(b))
		return;
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\r' && !(i + 1 < n && p[i + 1] == '\n'))
			b->p[at + i] = '\n';
}

/* What a byte counts for, in one number: so that counting needs no memory but the table. */
#define DIGIT	1ull
#define BLANK	0ull
#define PAD	(1ull << 32)
#define OTHER	(1ull << 40)

bool base64_size(const char *p, size_t n, uint64_t *size_out)
{
	static uint64_t worth[256];
	const unsigned char *u = (const unsigned char *)p;
	uint64_t a = 0, b = 0, digits, pads;
	const char *pad;

	if (worth[0] != OTHER) {
		for (int c = 255; c >= 0; c--)
			worth[c] = c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
				"abcdefghijklmnopqrstuvwxyz", c) ? DIGIT : c == '=' ? PAD :
				c && strchr(" \t\r\n", c) ? BLANK : OTHER;
	}
	if (n >> 30)
		return false;
	for (size_t i = 0; i + 1 < n; i += 2) {
		a += worth[u[i]];
		b += worth[u[i + 1]];
	}
	a += b + (n % 2 ? worth[u[n - 1]] : 0);
	digits = a & 0xffffffff;
	pads = a >> 32 & 0xff;
	*size_out = digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0);
	if (a >= OTHER || pads > 2 || (digits + pads) % 4)
		return false;
	pad = memchr(p, '=', n);
	for (; pad && pad < p + n; pad++)	/* nothing follows the padding */
		if (worth[(unsigned char)*pad] == DIGIT)
			return false;
	return true;
}

static const struct part *by_id(const struct part_source *s, const char *id)
{
	for (size_t i = 0; i < s->parts; i++)
		if (s->part[i].id && strcmp(s->part[i].id, id) == 0)
			return &s->part[i];
	return NULL;
}

static enum status cut_out(struct span whole, const struct part *p, struct span *out)
{
	if (p->end < p->begin || p->end > whole.len)
		return st_fail(ST_BAD, "part %s: its range is not in its container", p->id);
	out->p = whole.p + p->begin;
	out->len = p->end - p->begin;
	return ST_OK;
}

static enum status decode_into(const struct part *p, struct span bytes, struct buf *b,
	struct decoder *d_out)
{
	struct decoder d;

	decoder_init(&d, p->encoding);
	d.stop_at_padding = p->stop_at_padding;
	d.skip_padding = p->skip_padding;
	decode_all(&d, bytes.p, bytes.len, b);
	if (d_out)
		*d_out = d;
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "part %s: out of memory", p->id);
}

/* Line ends of the bytes in `from` as LF, into s->held. */
static enum status hold_cr(struct part_source *s, struct span from)
{
	struct buf lf = { 0 };

	cr_to_lf(from.p, from.len, &lf);
	buf_free(&s->held);
	s->held = lf;
	return buf_ok(&lf) ? ST_OK : st_fail(ST_NOMEM, "parts: out of memory");
}

/* Fills s->held with the bytes that part `c` encloses (c NULL: the raw message). Containers
 * are nested at most PART_MAX_CONTAINERS deep: from the outside in, so without recursion. */
static enum status hold(struct part_source *s, const struct part *c, bool cr)
{
	const struct part *chain[PART_MAX_CONTAINERS];
	struct span from = { s->raw, s->len }, bytes;
	enum status st = ST_OK;
	size_t n = 0;

	for (; c; c = c->in ? by_id(s, c->in) : NULL) {
		if (n == PART_MAX_CONTAINERS)
			return st_fail(ST_LIMIT, "part %s: containers too deep", c->id);
		chain[n++] = c;
		if (c->in && !by_id(s, c->in))
			return st_fail(ST_BAD, "part %s: no part %s", c->id, c->in);
	}
	s->held_part = NULL;
	while (n-- > 0) {
		struct buf next = { 0 };

		if (chain[n]->cr) {
			st = hold_cr(s, from);
			from = (struct span){ s->held.p, s->held.len };
		}
		if (st == ST_OK)
			st = cut_out(from, chain[n], &bytes);
		if (st == ST_OK)
			st = decode_into(chain[n], bytes, &next, NULL);
		buf_free(&s->held);
		s->held = next;
		if (st != ST_OK)
			return st;
		from = (struct span){ buf_cstr(&s->held), s->held.len };
	}
	return cr ? hold_cr(s, from) : ST_OK;
}

enum status part_encoded(struct part_source *s, const struct part *p, struct span *out)
{
	const struct part *c = p->in ? by_id(s, p->in) : NULL;
	enum status st;

	if (p->in && !c)
		return st_fail(ST_BAD, "part %s: no part %s", p->id, p->in);
	if (!c && !p->cr)
		return cut_out((struct span){ s->raw, s->len }, p, out);
	/* the raw message with CR as LF is held as the part after the last */
	if (!s->held_part || s->held_part != (c ? c : s->part + s->parts) ||
			s->held_cr != p->cr) {
		st = hold(s, c, p->cr);
		if (st != ST_OK)
			return st;
		s->held_part = c ? c : s->part + s->parts;
		s->held_cr = p->cr;
	}
	return cut_out((struct span){ buf_cstr(&s->held), s->held.len }, p, out);
}

enum status part_bytes(struct part_source *s, const struct part *p, struct buf *b,
	struct decoder *d_out)
{
	struct span bytes;
	enum status st = part_encoded(s, p, &bytes);

	return st == ST_OK ? decode_into(p, bytes, b, d_out) : st;
}

/* CRLF to LF, in place. */
static void crlf_to_lf(struct buf *b, size_t from)
{
	size_t to = from, at = from, n;
	const char *cr;

	while (at < b->len) {
		cr = memchr(b->p + at, '\r', b->len - at);
		n = cr ? (size_t)(cr - (b->p + at)) : b->len - at;
		memmove(b->p + to, b->p + at, n);
		to += n;
		at += n;
		if (cr && !(at + 1 < b->len && b->p[at + 1] == '\n'))
			b->p[to++] = '\r';
		at += cr != NULL;
	}
	b->len = to;
	if (b->p)
		b->p[to] = 0;
}

/* Cuts b at most max bytes behind from, before a character's first byte. */
static bool cut_text(struct buf *b, size_t from, size_t max)
{
	size_t at = from + max;

	if (!max || b->len <= at)
		return false;
	while (at > from && (b->p[at] & 0xc0) == 0x80)
		at--;
	b->len = at;
	b->p[at] = 0;
	return true;
}

/* The text of the first n encoded bytes. */
static enum status text_of(const struct part *p, struct span enc, struct buf *b, int *bits)
{
	struct buf bytes = { 0 };
	size_t from = b->len;
	enum status st = ST_OK;

	if (p->encoding != ENC_IDENTITY && p->encoding != ENC_UNKNOWN) {
		st = decode_into(p, enc, &bytes, NULL);
		enc = (struct span){ buf_cstr(&bytes), bytes.len };
	}
	if (st == ST_OK)
		*bits = charset_to_utf8(p->charset, p->charset ? strlen(p->charset) : 0,
			enc.p, enc.len, b);
	buf_free(&bytes);
	if (st == ST_OK && !buf_ok(b))
		st = st_fail(ST_NOMEM, "part %s: out of memory", p->id);
	if (st == ST_OK && b->p)
		crlf_to_lf(b, from);
	return st;
}

enum status part_text(struct part_source *s, const struct part *p, size_t max, struct buf *b,
	bool *cut_out_, int *bits_out)
{
	struct span enc;
	size_t from = b->len, whole;
	int bits = 0;
	bool cut;
	enum status st = part_encoded(s, p, &enc);

	if (st != ST_OK)
		return st;
	/* A bit more than we want is mostly enough; where it is not (soft line breaks, shift
	 * sequences), all of it is read. */
	whole = enc.len;
	if (max && max < SIZE_MAX / 4 && enc.len > max * 2 + 1024)
		enc.len = max * 2 + 1024;
	st = text_of(p, enc, b, &bits);
	if (st == ST_OK && enc.len < whole && b->len - from < max + 8) {
		b->len = from;
		enc.len = whole;
		st = text_of(p, enc, b, &bits);
	}
	if (st != ST_OK)
		return st;
	cut = cut_text(b, from, max);
	if (cut_out_)
		*cut_out_ = cut;
	if (bits_out)
		*bits_out |= bits;
	return ST_OK;
}
