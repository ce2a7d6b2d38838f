/*
 * mime_head.c - from the raw header of an entity to a struct part.
 *
 * GMime's own idea of types, names and encodings is not asked: of repeated fields the first counts, as for most mail readers.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "mime_internal.h"

#define FILENAME_MAX_BYTES 1024
#define TEXT_KEPT_BYTES (256u << 10)

bool all_blank(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t' || *p == '\r')) {
		p++;
		n--;
	}
	return n == 0;
}

static void keep_first(const char *p, const struct field *f, struct span *s, unsigned *count)
{
	if (count && (*count)++)
		return;
	if (s->p)
		return;
	s->p = p + f->value;
	s->len = f->value_end - f->value;
}

/* Whether the line at begin is "--boundary" or "--boundary--" and nothing more (GMime's rule). */
bool is_delimiter(const char *line, size_t n, const char *boundary, bool *close)
{
	size_t b = strlen(boundary);

	if (n < b + 2 || line[0] != '-' || line[1] != '-' || memcmp(line + 2, boundary, b) != 0)
		return false;
	line += b + 2;
	n -= b + 2;
	*close = n >= 2 && line[0] == '-' && line[1] == '-';
	if (*close) {
		line += 2;
		n -= 2;
	}
	return all_blank(line, n);
}

/* An enclosing multipart's delimiter ends a header without an empty line. */
static bool ends_here(const char *line, size_t n, const struct place *at)
{
	bool close;

	for (; n > 2 && line[0] == '-' && at; at = at->up)
		if (at->boundary && is_delimiter(line, n, at->boundary, &close))
			return true;
	return false;
}

/* "Content-Type", a line end, blanks, ":": some unfold first (Mozilla, ripmime). */
static bool name_is_folded(const char *p, const struct field *f)
{
	size_t i = f->begin;

	if (f->end - i < 8 || strncasecmp(p + i, "Content-", 8) != 0)
		return false;
	while (i < f->end && p[i] > ' ' && p[i] < 127 && p[i] != ':')
		i++;
	while (i < f->end && strchr(" \t\r\n", p[i]) && p[i])
		i++;
	return i < f->end && p[i] == ':';
}

void read_head(const char *p, size_t begin, size_t end, const struct place *at,
	struct head *h)
{
	struct field f;
	size_t pos = begin, line, next;

	memset(h, 0, sizeof(*h));
	h->begin = begin;
	while (field_next(p, end, &pos, &f)) {
		if (p[f.begin] == '-' && ends_here(p + f.begin,
				line_len(p, end, f.begin, &next), at)) {
			pos = f.begin;
			break;
		}
		h->fields++;
		if (!f.name_len) {
			h->malformed++;
			if (!h->no_field && f.begin > begin)
				h->no_field = f.begin;
			if (!h->folded_name && f.begin > begin && name_is_folded(p, &f))
				h->folded_name = f.begin;
			continue;
		}
		h->blank_before_colon |= f.blank_before_colon;
		/* Blank lines that GMime takes for folding end the header for other readers. */
		for (line = f.begin; !h->blank_line && line < f.end; line = next) {
			size_t n = line_len(p, f.end, line, &next);

			if (n && line > begin && all_blank(p + line, n))
				h->blank_line = line;
		}
		if ((p[f.begin] | 0x20) == 'm')
			h->version |= field_is(p, &f, "MIME-Version");
		if ((p[f.begin] | 0x20) != 'c' || f.name_len < 10 || p[f.begin + 7] != '-')
			continue;
		h->content_fields += strncasecmp(p + f.begin, "content", 7) == 0;
		if (field_is(p, &f, "Content-Type"))
			keep_first(p, &f, &h->type, &h->types);
		else if (field_is(p, &f, "Content-Transfer-Encoding"))
			keep_first(p, &f, &h->encoding, &h->encodings);
		else if (field_is(p, &f, "Content-Disposition"))
			keep_first(p, &f, &h->disposition, NULL);
		else if (field_is(p, &f, "Content-ID"))
			keep_first(p, &f, &h->cid, NULL);
	}
	h->body = pos;
}

static void note_params(struct reader *r, const char *id, int bits)
{
	if (bits & HDR_DUP_PARAM)
		mime_defect(r->w->m, "duplicate_parameter", id, NULL);
	if (bits & HDR_LIMIT)
		mime_defect(r->w->m, "too_many_params", id, NULL);
}

static void note_head(struct reader *r, const struct head *h, const char *id)
{
	struct mime *m = r->w->m;

	if (h->types > 1)
		mime_defect(m, "duplicate_content_type", id, "%u fields", h->types);
	if (h->encodings > 1)
		mime_defect(m, "duplicate_encoding", id, "%u fields", h->encodings);
	if (h->blank_before_colon)
		mime_defect(m, "blank_before_colon", id, NULL);
	if (h->malformed)
		mime_defect(m, "malformed_field", id, "%u lines", h->malformed);
}

/* A file name for people: never a path of ours, and not endless. */
static void short_name(char *name)
{
	size_t n = strlen(name);

	if (n <= FILENAME_MAX_BYTES)
		return;
	n = FILENAME_MAX_BYTES;
	while (n && (name[n] & 0xc0) == 0x80)
		n--;
	name[n] = 0;
}

static void take_disposition(struct reader *r, const struct head *h, struct part *p,
	struct value_params *v)
{
	const char *name;

	if (!h->disposition.p || params_parse(h->disposition.p, h->disposition.len, v) != ST_OK)
		return;
	note_params(r, p->id, v->bits);
	p->disposition = v->value && *v->value ? v->value : NULL;
	name = params_get(v, "filename");
	if (!name || !*name)
		name = params_get(v, "name");
	if (name && *name)
		p->filename = (char *)name;
}

/* <id> without its brackets, in `out`. */
static char *take_cid(const struct head *h, struct buf *out)
{
	if (!h->cid.p)
		return NULL;
	id_first(h->cid.p, h->cid.len, out);
	return out->len && buf_ok(out) ? out->p : NULL;
}

static bool valid_type(const char *t)
{
	const char *slash = t ? strchr(t, '/') : NULL;

	return slash && slash > t && slash[1] && !strchr(slash + 1, '/');
}

static bool is_multipart(const char *t)
{
	return strncmp(t, "multipart/", 10) == 0;
}

static bool is_tnef(const struct part *p)
{
	return strcmp(p->content_type, "application/ms-tnef") == 0 ||
		strcmp(p->content_type, "application/vnd.ms-tnef") == 0 ||
		(p->filename && strcasecmp(p->filename, "winmail.dat") == 0);
}

/* Decoded size, without decoding where that is not needed; what the decoder met. Text of a usual size
 * stays in w->text, for read_uuencode. */
static void measure_bytes(struct reader *r, struct part *p, struct decoder *d)
{
	struct buf *out = &r->w->text;
	size_t n = p->end - p->begin;

	r->w->text_kept = false;
	decoder_init(d, p->encoding);
	d->stop_at_padding = p->stop_at_padding;
	d->skip_padding = p->skip_padding;
	p->size = n;
	if (p->encoding == ENC_IDENTITY || p->encoding == ENC_UNKNOWN || n == 0)
		return;
	bool text = strncmp(p->content_type, "text/", 5) == 0 && n <= TEXT_KEPT_BYTES;
	if (p->encoding == ENC_BASE64 && !p->stop_at_padding && !p->skip_padding && !text &&
			base64_size(r->p + p->begin, n, &p->size))
		return;
	buf_clear(out);
	p->size = 0;
	for (size_t at = 0; at < n && !d->done; at += TEXT_KEPT_BYTES) {
		p->size += out->len;
		buf_clear(out);
		decoder_feed(d, r->p + p->begin + at, n - at < TEXT_KEPT_BYTES ? n - at : TEXT_KEPT_BYTES,
			out);
	}
	decoder_end(d, out);
	p->size += out->len;
	r->w->nomem |= out->failed;
	r->w->text_kept = text && !out->failed;
}

void measure(struct reader *r, struct part *p, struct decoder *d)
{
	masks_lift(r);
	measure_bytes(r, p, d);
	masks_lower(r);
}

static void note_decoded(struct reader *r, const struct decoder *d, const char *id)
{
	struct mime *m = r->w->m;

	if (d->enc == ENC_BASE64 && d->padding_inside)
		mime_defect(m, "base64_padding_inside", id, NULL);
	if (d->enc == ENC_BASE64 && d->junk)
		mime_defect(m, "base64_junk", id, NULL);
	if (d->enc == ENC_BASE64 && d->truncated)
		mime_defect(m, "base64_truncated", id, NULL);
	if (d->enc == ENC_QP && d->soft_cr)
		mime_defect(m, "soft_break_cr", id, NULL);
	if (d->enc == ENC_UU && d->truncated)
		mime_defect(m, "uuencode_truncated", id, NULL);
}

bool is_message_type(const char *t)
{
	return strcmp(t, "message/rfc822") == 0 || strcmp(t, "message/global") == 0 ||
		strcmp(t, "message/news") == 0;
}

int add_entity(struct reader *r, struct node *n, struct part *p, const char *gmime_type)
{
	struct value_params type = { 0 }, disp = { 0 };
	struct buf cid = { 0 };
	struct decoder d;
	int index;

	p->content_type = (char *)gmime_type;
	p->identity = n->enc == ENC_IDENTITY ? n->identity : NULL;
	if (n->head.type.p && params_parse(n->head.type.p, n->head.type.len, &type) == ST_OK) {
		note_params(r, p->id, type.bits);
		p->charset = (char *)params_get(&type, "charset");
		p->filename = (char *)params_get(&type, "name");
		if (valid_type(type.value) && (p->kind != PART_LEAF || !is_multipart(type.value)))
			p->content_type = type.value;
		else if (n->head.type.len)
			mime_defect(r->w->m, "bad_content_type", p->id, NULL);
	}
	take_disposition(r, &n->head, p, &disp);
	if (p->filename)
		short_name(p->filename);
	p->cid = take_cid(&n->head, &cid);
	p->inline_ = p->disposition ? strcmp(p->disposition, "inline") == 0 : p->cid != NULL;
	p->tnef = is_tnef(p);
	if (p->kind == PART_LEAF && is_message_type(p->content_type) &&
			(p->encoding == ENC_BASE64 || p->encoding == ENC_QP || p->encoding == ENC_UU))
		p->kind = PART_MESSAGE;
	if (p->kind == PART_LEAF && strcmp(p->content_type, "message/partial") == 0)
		mime_defect(r->w->m, "partial_message", p->id, NULL);
	measure(r, p, &d);
	if (r->of) {
		p->kind = PART_ALTERNATE;
		p->id = NULL;
		p->of = (char *)r->of;
		p->parent = (char *)r->parent;
	}
	index = add_part(r, p);
	n->padding_inside = d.padding_inside;
	if (index >= 0) {
		note_decoded(r, &d, r->w->m->part[index].id);
		note_head(r, &n->head, r->w->m->part[index].id);
	}
	params_free(&type);
	params_free(&disp);
	buf_free(&cid);
	return index;
}

