/* mime.c - the lists of parts and defects, and one call for a whole message; see mime.h. */
#include <gmime/gmime.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "defect.h"
#include "mime.h"
#include "mime_internal.h"

void mime_init(void)
{
	g_mime_init();
}

/* ---- the lists ---- */

static char *copy(struct work *w, const char *s)
{
	char *c = s ? strdup(s) : NULL;

	if (s && !c)
		w->nomem = true;
	return c;
}

void mime_defect(struct mime *m, const char *name, const char *part, const char *fmt, ...)
{
	struct mime_defect *d;
	char text[256];
	va_list ap;

	for (size_t i = 0; i < m->defects; i++)	/* once for a part */
		if (strcmp(m->defect[i].name, name) == 0 && (part == m->defect[i].part ||
				(part && m->defect[i].part && !strcmp(part, m->defect[i].part))))
			return;
	if (m->defects >= MIME_MAX_DEFECTS) {
		if (m->defects > MIME_MAX_DEFECTS)
			return;
		name = "too_many_defects";
		part = fmt = NULL;
	}
	if (m->defects % 16 == 0) {
		d = realloc(m->defect, (m->defects + 16) * sizeof(*d));
		if (!d)
			return;
		m->defect = d;
	}
	d = &m->defect[m->defects++];
	*d = (struct mime_defect){ .name = name, .part = part ? strdup(part) : NULL };
	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		d->detail = strdup(text);
	}
}

/* Whether it matters to the decoded bytes if a CR is a line end. */
static bool cr_matters(const struct reader *r, const struct part *p)
{
	size_t n = p->end - p->begin;

	return p->encoding == ENC_QP || p->encoding == ENC_UU || (p->encoding != ENC_BASE64
		&& p->end <= r->end && memmem(r->p + p->begin, n, "begin ", 6));
}

/* Whether these bytes, decoded like that, are in the list. */
static bool listed(const struct reader *r, const struct part *p, const char *in)
{
	const struct mime *m = r->w->m;
	int cr = -1;

	for (size_t i = 0; i < m->parts; i++) {
		const struct part *q = &m->part[i];

		if (q->begin == p->begin && q->end == p->end && q->encoding == p->encoding &&
				q->kind != PART_MULTIPART && q->stop_at_padding == p->stop_at_padding &&
				q->skip_padding == p->skip_padding &&
				(!q->in == !in) && (!in || strcmp(q->in, in) == 0)) {
			if (q->cr == r->cr || p->in)
				return true;
			if (cr < 0)
				cr = cr_matters(r, p);
			if (!cr)
				return true;
		}
	}
	return false;
}

int add_part(struct reader *r, const struct part *p)
{
	struct mime *m = r->w->m;
	const char *in = p->in ? p->in : r->in;
	struct part *q;
	char id[PART_ID_MAX_BYTES + 32];

	if (!p->id && p->of && listed(r, p, in))
		return -1;
	if (m->parts >= r->w->l.parts) {
		mime_defect(m, "too_many_parts", NULL, NULL);
		if (p->kind != PART_UNCLAIMED || m->parts > r->w->l.parts + 16)
			return -1;
	}
	if (m->parts % 16 == 0) {
		q = realloc(m->part, (m->parts + 16) * sizeof(*q));
		if (!q) {
			r->w->nomem = true;
			return -1;
		}
		m->part = q;
	}
	if (!p->id)
		snprintf(id, sizeof(id), "%.*s.a%u", PART_ID_MAX_BYTES - 12, p->of ? p->of : "1",
			++r->w->serial);
	q = &m->part[m->parts++];
	*q = *p;
	q->id = copy(r->w, p->id ? p->id : id);
	q->parent = copy(r->w, p->parent);
	q->content_type = copy(r->w, p->content_type ? p->content_type : "text/plain");
	q->charset = copy(r->w, p->charset);
	q->disposition = copy(r->w, p->disposition);
	q->filename = copy(r->w, p->filename);
	q->cid = copy(r->w, p->cid);
	q->in = copy(r->w, in);
	q->of = copy(r->w, p->of);
	q->cr = p->in ? false : r->cr;
	q->scan_only |= r->of != NULL;
	if (q->kind == PART_ALTERNATE)
		mime_defect(m, "other_reading", NULL, NULL);
	return (int)m->parts - 1;
}

/* ---- the message ---- */

static void note_message(struct mime *m, const struct prescan *s, const struct mime_limits *l)
{
	if (s->bom)
		mime_defect(m, "byte_order_mark", NULL, NULL);
	if (s->header_too_big)
		mime_defect(m, "header_too_big", NULL, NULL);
	if (s->nul)
		mime_defect(m, "nul_byte", NULL, "%zu", s->nul);
	if (s->bare_cr)
		mime_defect(m, m->cr ? "bare_cr_structure" : "bare_cr", NULL, "%zu", s->bare_cr);
	if (s->longest_line > l->pre.line_bytes)
		mime_defect(m, "long_line", NULL, "%zu bytes", s->longest_line);
	if (s->no_separator)
		mime_defect(m, "no_header_end", NULL, NULL);
}

static void defaults(const struct mime_limits *in, struct mime_limits *l)
{
	memset(l, 0, sizeof(*l));
	if (in)
		*l = *in;
	if (!l->parts)
		l->parts = MIME_MAX_PARTS;
	if (!l->depth || l->depth > MIME_MAX_DEPTH)
		l->depth = MIME_MAX_DEPTH;
	if (!l->readings)
		l->readings = MIME_MAX_READINGS;
	if (!l->decoded_bytes)
		l->decoded_bytes = MIME_MAX_DECODED_BYTES;
	if (!l->pre.line_bytes)
		l->pre.line_bytes = PRESCAN_MAX_LINE_BYTES;
}

enum status mime_parse(char *raw, size_t len, const struct mime_limits *limits,
	struct mime **out)
{
	struct work w = { 0 };
	struct reader whole = { .w = &w, .p = raw, .end = len, .id = "1", .depth = 1 };
	struct prescan pre = { 0 };
	struct mime *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (!m)
		return st_fail(ST_NOMEM, "parse: out of memory");
	defaults(limits, &w.l);
	w.m = m;
	m->raw = raw;
	m->len = len;
	read_container(&whole, &pre);
	note_message(m, &pre, &w.l);
	m->header = header_begin(raw, len);
	m->body = pre.body;
	buf_free(&w.text);
	if (!w.nomem)
		body_flags(m->part, m->parts);
	m->source = (struct part_source){ .raw = raw, .len = len, .part = m->part,
		.parts = m->parts };
	if (w.nomem) {
		mime_free(&m);
		return st_fail(ST_NOMEM, "parse: out of memory");
	}
	*out = m;
	return ST_OK;
}

void mime_free(struct mime **mp)
{
	struct mime *m = *mp;

	if (!m)
		return;
	part_source_done(&m->source);
	parts_free(&m->part, m->parts);
	for (size_t i = 0; i < m->defects; i++) {
		free(m->defect[i].part);
		free(m->defect[i].detail);
	}
	free(m->defect);
	free(m);
	*mp = NULL;
}
