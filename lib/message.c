/* message.c - see message.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "body.h"
#include "header.h"
#include "message.h"

/* ---- fields ---- */

enum form { ID, IDS, TEXT, ADDRESSES, DATE };

/* In the order of the record. many: a repeated field is read on, not left out. */
static const struct known {
	const char *name, *key;
	enum form form;
	bool many;
} KNOWN[] = {
	{ "Message-ID", "message_id", ID, false },
	{ "In-Reply-To", "in_reply_to", IDS, false },
	{ "References", "references", IDS, false },
	{ "Subject", "subject", TEXT, false },
	{ "From", "from", ADDRESSES, false },
	{ "Sender", "sender", ADDRESSES, false },
	{ "To", "to", ADDRESSES, true },
	{ "Cc", "cc", ADDRESSES, true },
	{ "Bcc", "bcc", ADDRESSES, true },
	{ "Reply-To", "reply_to", ADDRESSES, false },
	{ "Date", "date", DATE, false },
};
#define KNOWN_COUNT (sizeof(KNOWN) / sizeof(*KNOWN))
#define REPEATS_MAX 8

struct found { struct field f[REPEATS_MAX]; size_t n; };

static const struct { int bit; const char *defect; } BITS[] = {
	{ HDR_RAW_8BIT, "raw_8bit_header" }, { HDR_BAD_WORD, "bad_encoded_word" },
	{ HDR_BAD_CHARSET, "unknown_charset" }, { HDR_LIMIT, "header_limit" },
	{ HDR_BAD_ADDRESS, "bad_address" }, { HDR_NESTED_GROUP, "nested_group" },
	{ HDR_BAD_DATE, "bad_date" }, { HDR_CONTROL, "control_in_header" },
};

static void note_bits(struct mime *m, int bits, const char *field)
{
	for (size_t i = 0; m && bits && i < sizeof(BITS) / sizeof(*BITS); i++)
		if (bits & BITS[i].bit)
			mime_defect(m, BITS[i].defect, NULL, "%s", field);
}

static void find_fields(const char *p, size_t pos, size_t end, struct found *found)
{
	struct field f;

	while (field_next(p, end, &pos, &f)) {
		if (!f.name_len || !strchr("mirsftcbdMIRSFTCBD", p[f.begin]))
			continue;
		for (size_t k = 0; k < KNOWN_COUNT; k++)
			if (field_is(p, &f, KNOWN[k].name)) {
				if (found[k].n < REPEATS_MAX)
					found[k].f[found[k].n] = f;
				found[k].n++;
				break;
			}
	}
}

static void text_member(struct buf *b, const char *key, const struct buf *v)
{
	json_str(b, key, v->p ? v->p : "", v->len);
}

static int date_json(const char *p, size_t n, struct buf *b)
{
	struct buf raw = { 0 };
	int64_t t;
	int zone, bits;
	bool known;
	char utc[32], offset[16];

	bits = header_text(p, n, &raw);
	json_open(b, "date", '{');
	if (date_parse(p, n, &t, &zone, &known) == ST_OK) {
		date_rfc3339(t, utc);
		json_cstr(b, "utc", utc);
		json_int(b, "unix", t);
		snprintf(offset, sizeof(offset), "%c%02d%02d", known && zone >= 0 ? '+' : '-',
			(zone < 0 ? -zone : zone) / 60 % 100, (zone < 0 ? -zone : zone) % 60);
		json_cstr(b, "offset", known ? offset : "-0000");
	} else
		bits |= HDR_BAD_DATE;
	text_member(b, "raw", &raw);
	json_close(b, '}');
	buf_free(&raw);
	return bits;
}

static int field_json(const char *p, const struct known *k, const struct found *found, struct buf *b)
{
	const struct field *f = &found->f[0];
	const char *v = p + f->value;
	size_t len = f->value_end - f->value, n = k->many ? found->n : 1;
	struct buf text = { 0 };
	int bits = 0;

	switch (k->form) {
	case ID:
		bits = id_first(v, len, &text);
		if (text.len)
			text_member(b, k->key, &text);
		break;
	case TEXT:
		bits = header_text(v, len, &text);
		text_member(b, k->key, &text);
		break;
	case DATE:
		bits = date_json(v, len, b);
		break;
	case IDS:
		json_open(b, k->key, '[');
		bits = ids_json(v, len, b);
		json_close(b, ']');
		break;
	case ADDRESSES:
		json_open(b, k->key, '[');
		for (size_t i = 0; i < n && i < REPEATS_MAX; i++)
			bits |= addresses_json(p + found->f[i].value,
				found->f[i].value_end - found->f[i].value, b);
		json_close(b, ']');
		break;
	}
	buf_free(&text);
	return bits;
}

void message_fields(const char *p, size_t begin, size_t end, struct mime *m, struct buf *b)
{
	struct found found[KNOWN_COUNT] = { 0 };

	find_fields(p, begin, end, found);
	for (size_t k = 0; k < KNOWN_COUNT; k++) {
		if (!found[k].n)
			continue;
		if (found[k].n > 1 && m)
			mime_defect(m, "duplicate_field", NULL, "%s", KNOWN[k].name);
		note_bits(m, field_json(p, &KNOWN[k], &found[k], b), KNOWN[k].name);
	}
}

bool message_headers(const char *p, size_t begin, size_t end, struct buf *b)
{
	struct buf v = { 0 };
	struct field f;
	size_t n = 0, bytes = 0;
	bool whole = true;

	json_open(b, "headers", '[');
	while (field_next(p, end, &begin, &f)) {
		bytes += f.end - f.begin;
		whole = ++n <= MESSAGE_MAX_FIELDS && bytes <= MESSAGE_HEADERS_BYTES;
		if (!whole)
			break;
		json_open(b, NULL, '{');
		json_str(b, "name", p + f.begin, f.name_len);
		buf_clear(&v);
		header_text(p + f.value, f.value_end - f.value, &v);
		text_member(b, "value", &v);
		json_str(b, "raw", p + f.value, f.value_end - f.value);
		json_open(b, "range", '[');
		json_int(b, NULL, (int64_t)f.begin);
		json_int(b, NULL, (int64_t)f.end);
		json_close(b, ']');
		json_close(b, '}');
	}
	json_close(b, ']');
	buf_free(&v);
	return whole;
}

/* ---- text ---- */

static void note_text(struct mime *m, const struct body_result *r)
{
	if (r->bits & HDR_BAD_CHARSET)
		mime_defect(m, "unknown_charset", r->part, NULL);
	if (r->bits & (HDR_RAW_8BIT | HDR_BAD_WORD))
		mime_defect(m, "bad_text", r->part, NULL);
}

static enum status add_text(struct mime *m, const struct message_opts *o, const struct body *body,
	struct buf *b)
{
	size_t max = o->text_bytes ? o->text_bytes : MESSAGE_TEXT_BYTES;
	struct buf text = { 0 }, preview = { 0 };
	struct body_result r;
	enum status st;

	if (!o->text)
		max = MESSAGE_PREVIEW_CHARS * 4 + 1024;
	st = body_text(&m->source, body, max, &text, &r);
	if (st == ST_OK && r.part) {
		note_text(m, &r);
		if (o->text) {
			text_member(b, "text", &text);
			if (r.cut)
				json_bool(b, "text_truncated", true);
		}
		json_cstr(b, "text_part", r.part);
		if (r.from_html)
			json_cstr(b, "text_from", "html");
	}
	if (st == ST_OK)
		body_preview(text.p, text.len, MESSAGE_PREVIEW_CHARS, &preview);
	if (st == ST_OK && o->html) {
		buf_clear(&text);
		st = body_html(&m->source, body, max, &text, &r);
		if (st == ST_OK && r.part) {
			text_member(b, "html", &text);
			json_cstr(b, "html_part", r.part);
		}
	}
	text_member(b, "preview", &preview);
	buf_free(&text);
	buf_free(&preview);
	return st;
}

static enum status one_message(struct mime *m, const struct message_opts *o, struct buf *b)
{
	struct buf lf = { 0 };
	struct body body;
	const char *p = m->raw;
	enum status st;

	if (m->cr) {
		cr_to_lf(m->raw, m->len, &lf);
		p = buf_cstr(&lf);
	}
	if (!buf_ok(&lf))
		return st_fail(ST_NOMEM, "message: out of memory");
	body_select(m->part, m->parts, &body);
	json_open(b, "message", '{');
	message_fields(p, m->header, m->body, m, b);
	st = add_text(m, o, &body, b);
	if (o->headers && !message_headers(p, m->header, m->body, b))
		mime_defect(m, "too_many_fields", NULL, NULL);
	json_close(b, '}');
	buf_free(&lf);
	return st;
}

static void lists(const struct mime *m, struct buf *b)
{
	json_open(b, "parts", '[');
	for (size_t i = 0; i < m->parts; i++)
		part_json(b, &m->part[i]);
	json_close(b, ']');
	json_open(b, "defects", '[');
	for (size_t i = 0; i < m->defects; i++) {
		const struct mime_defect *d = &m->defect[i];

		json_open(b, NULL, '{');
		json_cstr(b, "name", d->name);
		if (d->part)
			json_cstr(b, "part", d->part);
		if (d->detail)
			json_cstr(b, "detail", d->detail);
		json_close(b, '}');
	}
	json_close(b, ']');
}

enum status message_json(struct mime *m, const struct message_opts *o, struct buf *b)
{
	struct message_opts less = *o;
	size_t from = b->len;
	enum status st = one_message(m, o, b);

	if (st == ST_OK)
		lists(m, b);
	if (st == ST_OK && o->max_bytes && b->len - from > o->max_bytes && buf_ok(b) &&
			(o->text || o->html || o->headers)) {
		mime_defect(m, "text_too_big", NULL, NULL);
		b->len = from;
		less.text = less.html = less.headers = false;
		st = one_message(m, &less, b);
		lists(m, b);
	}
	return st == ST_OK && !buf_ok(b) ? st_fail(ST_NOMEM, "message: out of memory") : st;
}
