/* body.c - see body.h. */
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "html.h"

/* RFC 8621 4.1.4's parseStructure. Its lists of text and html may be switched off (null there)
 * within an alternative. */
struct choice {
	const struct part *part;
	size_t n;
	int *up;		/* index of the parent */
	struct body *b;
};

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static bool is_media(const struct part *p)
{
	return strncmp(p->content_type, "image/", 6) == 0 ||
		strncmp(p->content_type, "audio/", 6) == 0 ||
		strncmp(p->content_type, "video/", 6) == 0;
}

static void push(size_t *list, size_t *n, size_t i)
{
	if (*n < BODY_MAX_PARTS)
		list[(*n)++] = i;
}

static void push_text(struct choice *c, size_t i)
{
	push(c->b->text, &c->b->texts, i);
}

static void push_html(struct choice *c, size_t i)
{
	push(c->b->html, &c->b->htmls, i);
}

/* Whether a leaf is shown where it stands. nth: its place among its siblings. */
static bool shown(const struct part *p, int nth, bool related)
{
	if (p->kind != PART_LEAF || is(p->disposition, "attachment"))
		return false;
	if (!is(p->content_type, "text/plain") && !is(p->content_type, "text/html") && !is_media(p))
		return false;
	return nth == 0 || (!related && (is_media(p) || !p->filename));
}

/* parent -1: the root itself. Depth is that of the parts, bounded by the parser. */
static void choose(struct choice *c, int parent, bool in_alternative, bool text, bool html, int depth)
{
	const char *type = parent >= 0 ? c->part[parent].content_type : "multipart/mixed";
	bool alternative = is(type, "multipart/alternative");
	size_t texts = c->b->texts, htmls = c->b->htmls, new_texts, new_htmls;
	int nth = -1;

	for (size_t i = parent + 1; i < c->n; i++) {
		const struct part *p = &c->part[i];

		if (c->up[i] != parent || p->scan_only || p->kind > PART_MESSAGE)
			continue;
		nth++;
		if (p->kind == PART_MULTIPART && depth < 64) {
			choose(c, i, in_alternative || is(p->content_type, "multipart/alternative"),
				text, html, depth + 1);
			continue;
		}
		if (!shown(p, nth, is(type, "multipart/related")) || is_media(p))
			continue;
		if (alternative) {
			if (is(p->content_type, "text/plain"))
				push_text(c, i);
			else
				push_html(c, i);
			continue;
		}
		if (in_alternative && is(p->content_type, "text/plain"))
			html = false;
		if (in_alternative && is(p->content_type, "text/html"))
			text = false;
		if (text)
			push_text(c, i);
		if (html)
			push_html(c, i);
	}
	new_texts = c->b->texts;
	new_htmls = c->b->htmls;
	if (!alternative || !text || !html)
		return;
	if (texts == new_texts)		/* only the one kind: it stands for both */
		for (size_t i = htmls; i < new_htmls; i++)
			push_text(c, c->b->html[i]);
	if (htmls == new_htmls)
		for (size_t i = texts; i < new_texts; i++)
			push_html(c, c->b->text[i]);
}

static int find_parent(const struct part *part, size_t i)
{
	for (size_t j = i; part[i].parent && j-- > 0;)
		if (part[j].id && strcmp(part[j].id, part[i].parent) == 0)
			return (int)j;
	return part[i].parent ? -2 : -1;
}

void body_select(const struct part *part, size_t n, struct body *out)
{
	struct choice c = { .part = part, .n = n, .b = out, .up = malloc((n + 1) * sizeof(int)) };

	out->texts = out->htmls = 0;
	if (!c.up)
		return;
	for (size_t i = 0; i < n; i++)
		c.up[i] = part[i].scan_only ? -2 : find_parent(part, i);
	choose(&c, -1, false, true, true, 0);
	free(c.up);
}

void body_flags(struct part *part, size_t n)
{
	struct body b;

	body_select(part, n, &b);
	for (size_t i = 0; i < b.texts; i++)
		part[b.text[i]].body = true;
	for (size_t i = 0; i < b.htmls; i++)
		part[b.html[i]].body = true;
}

/* ---- text ---- */

static void separate(struct buf *out, size_t from)
{
	if (out->len == from)
		return;
	if (out->p[out->len - 1] != '\n')
		buf_chr(out, '\n');
	buf_chr(out, '\n');
}

static enum status add_html_as_text(struct part_source *s, const struct part *p, size_t max,
	struct buf *out, struct body_result *res)
{
	struct buf html = { 0 };
	bool cut = false;
	/* markup is several times its text; a preview need not see all of it */
	enum status st = part_text(s, p, max * 16 + 65536, &html, &cut, &res->bits);
	size_t from = out->len;

	if (st == ST_OK && html.len)
		html_text(html.p, html.len, max, out);
	res->cut |= cut || out->len - from >= max;
	buf_free(&html);
	return st;
}

static bool all_blank(const char *p, size_t n)
{
	while (n && strchr(" \t\r\n", *p) && *p) {
		p++;
		n--;
	}
	return n == 0;
}

/* The text of the listed parts; as HTML what is HTML. */
static void add_parts(struct part_source *s, const size_t *list, size_t n, size_t max,
	struct buf *out, struct body_result *res)
{
	size_t from = out->len, room;

	for (size_t i = 0; i < n; i++) {
		const struct part *p = &s->part[list[i]];
		bool cut = false;

		separate(out, from);
		room = out->len - from < max ? max - (out->len - from) : 0;
		res->cut |= !room;
		if (!room)
			break;
		if (is(p->content_type, "text/html"))
			add_html_as_text(s, p, room, out, res);
		else {
			part_text(s, p, room, out, &cut, &res->bits);
			res->from_html = false;
		}
		res->cut |= cut;
		if (!res->part)
			res->part = p->id;
	}
}

enum status body_text(struct part_source *s, const struct body *b, size_t max, struct buf *out,
	struct body_result *res)
{
	size_t from = out->len;

	*res = (struct body_result){ .from_html = true };
	add_parts(s, b->text, b->texts, max, out, res);
	/* Many mailers send an empty text/plain beside their HTML. */
	if (all_blank(out->p ? out->p + from : "", out->len - from) && b->htmls) {
		struct body_result html = { .from_html = true };
		size_t blank = out->len;

		add_parts(s, b->html, b->htmls, max, out, &html);
		if (html.from_html && !all_blank(out->p ? out->p + blank : "", out->len - blank)) {
			memmove(out->p + from, out->p + blank, out->len - blank + 1);
			out->len -= blank - from;
			*res = html;
		} else if (out->p) {
			out->len = blank;
			out->p[blank] = 0;
		}
	}
	if (!res->part)
		res->from_html = false;
	return buf_ok(out) ? ST_OK : st_fail(ST_NOMEM, "text: out of memory");
}

enum status body_html(struct part_source *s, const struct body *b, size_t max, struct buf *out,
	struct body_result *res)
{
	size_t from = out->len;

	*res = (struct body_result){ 0 };
	for (size_t i = 0; i < b->htmls && out->len - from < max; i++) {
		const struct part *p = &s->part[b->html[i]];
		bool cut = false;

		if (!is(p->content_type, "text/html"))
			continue;
		part_text(s, p, max - (out->len - from), out, &cut, &res->bits);
		res->cut |= cut;
		if (!res->part)
			res->part = p->id;
	}
	return buf_ok(out) ? ST_OK : st_fail(ST_NOMEM, "html: out of memory");
}

void body_preview(const char *text, size_t len, size_t chars, struct buf *out)
{
	size_t from = out->len;
	bool blank = false;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c <= ' ' || c == 0x7f) {
			blank = out->len > from;
			continue;
		}
		if ((c & 0xc0) != 0x80) {	/* a character begins */
			if (chars < (size_t)blank + 1)
				return;
			chars -= (size_t)blank + 1;
			if (blank)
				buf_chr(out, ' ');
			blank = false;
		}
		buf_chr(out, (char)c);
	}
}
