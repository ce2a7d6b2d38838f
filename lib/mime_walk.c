/*
 * mime_walk.c - GMime's tree as a list of parts.
 *
 * GMime tells what is a part of what and where the bytes of a leaf are. What lies between
 * its parts is looked at line by line, so that nothing is left out (reading.c takes it from there).
 */
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime_internal.h"

#define MAX_LOOKALIKES 100	/* nodes whose boundaries are compared with a line */
#define MAX_LOST 8	/* delimiters that GMime saw and we do not find: give up looking */

static int new_node(struct reader *r)
{
	struct node *n;

	if (r->nodes % 16 == 0) {
		n = realloc(r->node, (r->nodes + 16) * sizeof(*n));
		if (!n) {
			r->w->nomem = true;
			return -1;
		}
		r->node = n;
	}
	memset(&r->node[r->nodes], 0, sizeof(*n));
	r->node[r->nodes].part = -1;
	return (int)r->nodes++;
}

/* The first delimiter line of that boundary in [r->pos, end): its begin and the line after it. */
static bool find_delimiter(struct reader *r, const char *boundary, size_t end,
	size_t *line_out, size_t *next_out)
{
	size_t pos = r->pos, next;
	bool close;

	for (; pos < end; pos = next) {
		size_t n = line_len(r->p, r->end, pos, &next);

		if (n && r->p[pos] == '-' && is_delimiter(r->p + pos, n, boundary, &close)) {
			*line_out = pos;
			*next_out = next;
			return true;
		}
	}
	return false;
}

/* Where the text before a delimiter line ends: its line end belongs to the delimiter (RFC 2046 5.1.1). */
static size_t before_eol(const struct reader *r, size_t at, size_t least)
{
	if (at > least && r->p[at - 1] == '\n')
		at--;
	if (at > least && r->p[at - 1] == '\r')
		at--;
	return at;
}

static void end_node(struct reader *r, struct node *n, size_t at)
{
	n->end = at > n->head.body ? at : n->head.body;
	if (n->multipart && n->children && !n->terminated && !r->of)
		mime_defect(r->w->m, "unterminated_multipart", NULL, NULL);	/* said once */
	if (n->part >= 0) {
		struct part *p = &r->w->m->part[n->part];

		p->end = n->end;
		p->size = p->kind == PART_MESSAGE ? p->end - p->begin : 0;
	}
}

/* The first n of the entities that have ended since the last part (the innermost) end at `at`. */
static void settle(struct reader *r, int n, size_t at)
{
	for (int i = 0; i < n; i++)
		end_node(r, &r->node[r->closed[i]], at);
	r->n_closed -= n;
	memmove(r->closed, r->closed + n, r->n_closed * sizeof(*r->closed));
}

/* Which of r->closed the line closes, or -1. */
static int closes(const struct reader *r, const char *line, size_t n)
{
	bool close;

	for (int i = 0; n > 2 && line[0] == '-' && i < r->n_closed; i++) {
		const struct node *c = &r->node[r->closed[i]];

		if (c->boundary && c->children && is_delimiter(line, n, c->boundary, &close) && close)
			return i;
	}
	return -1;
}

struct stray { size_t begin, end; int owner; };

static void stray(struct reader *r, struct stray s, bool prologue)
{
	enum part_kind kind = prologue ? PART_PROLOGUE : PART_EPILOGUE;
	size_t next, n;

	while (s.begin < s.end && (n = line_len(r->p, s.end, s.begin, &next),
			all_blank(r->p + s.begin, n)))
		s.begin = next;
	while (s.end > s.begin && all_blank(r->p + s.end - 1, 1))
		s.end--;
	while (s.end > s.begin && (r->p[s.end - 1] == '\n' || all_blank(r->p + s.end - 1, 1)))
		s.end--;
	if (s.owner >= 0 && r->node[s.owner].children == 0)
		kind = PART_UNCLAIMED;
	if (s.begin < s.end)
		read_stray(r, s.begin, s.end, s.owner, kind);
}

/* [r->pos, to) is in no part. prologue_of: the multipart whose first part comes next, or -1. Lines that
 * close a multipart that has ended divide it, and end what is within that multipart. */
static void account(struct reader *r, size_t to, int prologue_of)
{
	struct stray s[MIME_MAX_DEPTH + 2] = { { r->pos, to, prologue_of } };
	int n = 0, i;
	size_t next;

	if (prologue_of < 0 && r->n_closed)
		s[0].owner = r->closed[0];
	if (r->n_closed && r->node[r->closed[0]].swallow)	/* its content, not a stray */
		s[0].begin = s[0].end;
	for (size_t pos = r->pos; pos < to && r->n_closed && n <= MIME_MAX_DEPTH; pos = next) {
		i = closes(r, r->p + pos, line_len(r->p, to, pos, &next));
		if (i < 0)
			continue;
		if (s[n].begin < s[n].end)
			s[n].end = pos;
		r->node[r->closed[i]].terminated = true;
		s[++n] = (struct stray){ next, to, r->closed[i] };
		settle(r, i, before_eol(r, pos, r->pos));
	}
	settle(r, r->n_closed, before_eol(r, to, r->pos));
	r->pos = to;
	for (i = 0; i <= n; i++)
		stray(r, s[i], prologue_of >= 0);
}

static void closed(struct reader *r, int node)
{
	if (r->n_closed < (int)(sizeof(r->closed) / sizeof(*r->closed)))
		r->closed[r->n_closed++] = node;
}

static void walk(struct reader *r, GMimeObject *o, const struct place *at);

/* The name a defect goes by: in another reading that of the part it is a reading of. */
static const char *tag(const struct reader *r, const char *id)
{
	return r->of ? r->of : id;
}

static void walk_children(struct reader *r, GMimeMultipart *mp, int node, const struct place *up)
{
	const char *boundary = r->node[node].boundary;
	char id[PART_ID_MAX_BYTES];
	size_t line, next;

	for (int i = 0; i < g_mime_multipart_get_count(mp); i++) {
		struct place at = { id, up->id, up->depth + 1, r->pos, boundary, up };

		if (r->w->m->parts >= r->w->l.parts) {
			mime_defect(r->w->m, "too_many_parts", NULL, NULL);
			break;
		}
		if (boundary && r->lost < MAX_LOST) {
			if (find_delimiter(r, boundary, r->end, &line, &next)) {
				r->node[node].children++;
				account(r, line, i == 0 ? node : -1);
				r->pos = at.begin = next;
			} else
				r->lost++;
		}
		snprintf(id, sizeof(id), "%.*s.%d", (int)sizeof(id) - 12, up->id, i + 1);
		walk(r, g_mime_multipart_get_part(mp, i), &at);
	}
}

static void walk_multipart(struct reader *r, GMimeMultipart *mp, int node, const struct place *at)
{
	struct node *n = &r->node[node];
	struct part p = { .id = (char *)at->id, .parent = (char *)at->parent,
		.kind = PART_MULTIPART, .begin = n->head.body, .end = n->head.body };
	char *type = g_mime_content_type_get_mime_type(
		g_mime_object_get_content_type(GMIME_OBJECT(mp)));

	n->multipart = true;
	const char *boundary = g_mime_object_get_content_type_parameter(GMIME_OBJECT(mp),
		"boundary");
	if (boundary && *boundary) {
		n->boundary = strdup(boundary);
		r->w->nomem |= !n->boundary;
	}
	if (!r->of)
		n->part = add_entity(r, n, &p, type ? type : "multipart/mixed");
	g_free(type);
	r->pos = n->head.body;
	if (!n->boundary)
		mime_defect(r->w->m, "no_boundary", tag(r, at->id), NULL);
	else if (g_mime_multipart_get_count(mp) == 0)
		mime_defect(r->w->m, "boundary_missing", tag(r, at->id), NULL);
	n->too_deep = at->depth >= (int)r->w->l.depth;
	if (n->too_deep)
		mime_defect(r->w->m, "too_deep", tag(r, at->id), NULL);
	else
		walk_children(r, mp, node, at);
	closed(r, node);
}

static bool is_encoded(enum encoding e)
{
	return e == ENC_BASE64 || e == ENC_QP || e == ENC_UU;
}

static void walk_message(struct reader *r, GMimeMessagePart *mp, int node, const struct place *at)
{
	struct node *n = &r->node[node];
	struct part p = { .id = (char *)at->id, .parent = (char *)at->parent,
		.kind = PART_MESSAGE, .begin = n->head.body, .end = n->head.body };
	GMimeMessage *msg = g_mime_message_part_get_message(mp);
	GMimeObject *root = msg ? g_mime_message_get_mime_part(msg) : NULL;
	char id[PART_ID_MAX_BYTES];
	struct place inner = { id, at->id, at->depth + 1, p.begin, NULL, at };

	/* GMime knows no "base64;": we do, and read its bytes once its end is known. */
	n->swallow = is_encoded(n->enc);
	if (n->swallow)
		p.encoding = n->enc;
	if (!r->of || n->swallow)
		n->part = add_entity(r, n, &p, "message/rfc822");
	n = &r->node[node];
	r->pos = p.begin;
	snprintf(id, sizeof(id), "%.*s.1", (int)sizeof(id) - 4, at->id);
	n->too_deep = root && at->depth >= (int)r->w->l.depth;
	if (n->too_deep)
		mime_defect(r->w->m, "too_deep", tag(r, at->id), NULL);
	else if (root && !n->swallow)
		walk(r, root, &inner);
	closed(r, node);
}

/* GMime takes the kind of line end before a delimiter from elsewhere in the message: where the kinds are
 * mixed it is a byte off. */
static size_t true_end(const struct reader *r, size_t begin, size_t end)
{
	if (end >= r->end)
		return end;
	if (r->p[end] == '\n' && end > begin && r->p[end - 1] == '\r')
		return end - 1;
	if (r->p[end] != '\r' && r->p[end] != '\n' && end + 1 < r->end && r->p[end + 1] == '\n')
		return end + 1;
	return end;
}

/* Whether the line begins with "--" and the boundary of some multipart met so far. */
static bool like_delimiter(const struct reader *r, const char *line, size_t n)
{
	for (size_t i = r->nodes; n > 2 && i-- > 0 && i + MAX_LOOKALIKES > r->nodes;) {
		const char *b = r->node[i].boundary;

		if (b && n >= strlen(b) + 2 && memcmp(line + 2, b, strlen(b)) == 0)
			return true;
	}
	return false;
}

/* A line of a leaf that begins as a delimiter does and goes on (RFC 2046 5.1.1 can be read so that it is one), or that
 * would be one of a multipart that has ended. Its offset, or the leaf's end. */
static size_t find_lookalike(const struct reader *r, const struct part *p, const struct place *at)
{
	const char *end = r->p + p->end, *c = r->p + p->begin;

	if (!at->boundary)
		return p->end;
	for (; (c = memchr(c, '-', end - c)) != NULL; c++)
		if (end - c > 2 && c[1] == '-' && (c == r->p + p->begin || c[-1] == '\n') &&
				like_delimiter(r, c, end - c))
			return c - r->p;
	return p->end;
}

/* o NULL: all from the header to the end, as text. */
static void walk_leaf(struct reader *r, GMimePart *o, int node, const struct place *at)
{
	struct node *n = &r->node[node];
	GMimeDataWrapper *w = o ? g_mime_part_get_content(o) : NULL;
	GMimeStream *s = w ? g_mime_data_wrapper_get_stream(w) : NULL;
	struct part p = { .id = (char *)at->id, .parent = (char *)at->parent, .encoding = n->enc,
		.begin = n->head.body, .end = o ? n->head.body : r->end };
	char *type = o ? g_mime_content_type_get_mime_type(g_mime_object_get_content_type(GMIME_OBJECT(o))) : NULL;

	if (s && s->bound_start >= 0 && s->bound_end >= s->bound_start &&
			(size_t)s->bound_end <= r->end) {
		p.begin = s->bound_start;
		p.end = s->bound_end;
	}
	if (at->boundary)
		p.end = true_end(r, p.begin, p.end);
	if (p.begin != n->head.body && p.end > p.begin) {
		mime_defect(r->w->m, "header_in_body", tag(r, at->id), NULL);
		r->pos = n->head.body < p.begin ? n->head.body : p.begin;
		account(r, p.begin, -1);
	}
	r->pos = p.end;
	n = &r->node[node];
	n->end = p.end;
	n->lookalike = find_lookalike(r, &p, at);
	n->part = add_entity(r, n, &p, type ? type : "text/plain");
	if (n->part >= 0)
		read_uuencode(r, n->part);
	g_free(type);
}

static void walk_node(struct reader *r, GMimeObject *o, int node, const struct place *at)
{
	struct node *n = &r->node[node];
	bool odd = false;

	if (n->head.encoding.p)
		n->enc = encoding_of(n->head.encoding.p, n->head.encoding.len, &odd, &n->identity);
	n->odd = odd;
	n->lookalike = SIZE_MAX;
	if (!at->up && !r->in && !r->of && n->head.content_fields && !n->head.version)
		mime_defect(r->w->m, "no_mime_version", NULL, NULL);
	if (odd)
		mime_defect(r->w->m, "odd_encoding", tag(r, at->id), NULL);
	if (n->enc == ENC_UNKNOWN)
		mime_defect(r->w->m, "unknown_encoding", tag(r, at->id), NULL);
	if (!o)
		walk_leaf(r, NULL, node, at);
	else if (GMIME_IS_MULTIPART(o))
		walk_multipart(r, GMIME_MULTIPART(o), node, at);
	else if (GMIME_IS_MESSAGE_PART(o))
		walk_message(r, GMIME_MESSAGE_PART(o), node, at);
	else if (GMIME_IS_PART(o))
		walk_leaf(r, GMIME_PART(o), node, at);
}

static void walk(struct reader *r, GMimeObject *o, const struct place *at)
{
	int node = new_node(r);

	if (node < 0 || !o)
		return;
	read_head(r->p, at->begin, r->end, at, &r->node[node].head);
	walk_node(r, o, node, at);
}

/* ---- messages of one part ---- */

static size_t skip(struct span s, size_t i, const char *these)
{
	while (i < s.len && s.p[i] && strchr(these, s.p[i]))
		i++;
	return i;
}

/* "text/plain", parameters or not, or nothing at all (RFC 2045 5.2). */
static bool is_text(struct span type)
{
	size_t i = skip(type, 0, " \t");

	if (!type.p)
		return true;
	if (type.len - i < 6 || strncasecmp(type.p + i, "text/", 5) != 0)
		return false;
	size_t end = skip(type, i + 5, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.0123456789");
	bool named = end > i + 5;
	end = skip(type, end, " \t\r\n");
	return named && (end == type.len || type.p[end] == ';');
}

/* Whether there is nothing to find for GMime: a header in which nothing is odd, and it says text. Most mail is of
 * that kind, and GMime would only look at each of its lines. r->pre is of the same bytes. */
static bool is_one_text(const struct reader *r, const struct head *h)
{
	const struct prescan *s = &r->pre;

	return h->fields && !h->malformed && !h->blank_line && !h->blank_before_colon && h->types <= 1 && h->encodings <= 1
		&& !s->bare_cr && !s->nul && !s->bom && !s->no_separator && !s->header_too_big && !s->field_too_big
		&& !s->too_many_params && !s->too_many && !s->masks_full && is_text(h->type);
}

/* ---- one look ---- */

/* GMime over [begin,cut), without a copy: the array borrows our bytes, and gives them back before it goes. */
static GMimeMessage *ask_gmime(char *p, size_t begin, size_t end, GByteArray **array_out,
	GMimeStream **stream_out)
{
	GMimeParser *parser;
	GMimeMessage *msg;

	*array_out = g_byte_array_new();
	(*array_out)->data = (guint8 *)p;
	(*array_out)->len = end;
	*stream_out = g_mime_stream_mem_new_with_byte_array(*array_out);
	g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(*stream_out), FALSE);
	g_mime_stream_set_bounds(*stream_out, begin, end);
	parser = g_mime_parser_new_with_stream(*stream_out);
	g_mime_parser_set_persist_stream(parser, TRUE);
	msg = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	return msg;
}

static void end_gmime(GMimeMessage *msg, GByteArray *array, GMimeStream *stream)
{
	if (msg)
		g_object_unref(msg);
	g_object_unref(stream);
	array->data = NULL;
	array->len = 0;
	g_byte_array_free(array, TRUE);
}

/* Not even a header: all of it is text. */
static void read_as_text(struct reader *r)
{
	struct part p = { .id = (char *)r->id, .parent = (char *)r->parent, .begin = r->begin,
		.end = r->end, .size = r->end - r->begin, .of = (char *)r->of,
		.kind = r->of ? PART_ALTERNATE : PART_LEAF, .content_type = "text/plain" };
	int i;

	if (!r->of)
		mime_defect(r->w->m, "no_header", r->id, NULL);
	else
		p.id = NULL;
	i = add_part(r, &p);
	r->pos = r->end;
	if (i >= 0)
		read_text_as_entities(r, r->begin, r->end, r->of ? r->of : r->w->m->part[i].id);
}

/* What GMime's tree gives reason to look at again. Other readers add parts meanwhile, not nodes. */
static void read_on(struct reader *r)
{
	for (size_t i = 0; i < r->nodes; i++) {
		const struct node *n = &r->node[i];
		struct part *p = n->part >= 0 ? &r->w->m->part[n->part] : NULL;
		struct decoder d;

		if (p && n->swallow)
			measure(r, p, &d);
		if (p && !n->multipart && (n->swallow || p->encoding == n->enc))
			read_leaf_again(r, n);
		p = n->part >= 0 ? &r->w->m->part[n->part] : NULL;
		if (p && is_message_type(p->content_type) && is_encoded(p->encoding))
			read_enclosed(r, n->part);
		read_entity_again(r, n);
		n = &r->node[i];
		if (n->part >= 0 && !n->multipart && n->lookalike < n->end) {
			const char *id = tag(r, r->w->m->part[n->part].id);

			mime_defect(r->w->m, "boundary_lookalike", id, NULL);
			read_text_as_entities(r, n->lookalike, n->end, id);
		}
	}
	if (r->nodes && r->node[0].head.fields == 0 && r->node[0].part >= 0 && !r->of)
		read_text_as_entities(r, r->node[0].head.body, r->end, r->id);
}

static void note_limits(struct reader *r, const struct prescan *s)
{
	if (s->field_too_big)
		mime_defect(r->w->m, "field_too_big", tag(r, r->id), NULL);
	if (s->too_many_params)
		mime_defect(r->w->m, "too_many_params", tag(r, r->id), NULL);
	if (s->too_many)
		mime_defect(r->w->m, "too_many_parts", NULL, NULL);
}

void read_entity(struct reader *r)
{
	size_t begin = r->begin + header_begin(r->p + r->begin, r->end - r->begin);
	struct place root = { r->id, r->parent, r->depth, begin, NULL, NULL };
	GByteArray *array = NULL;
	GMimeStream *stream = NULL;
	GMimeMessage *msg = NULL;
	struct head head;

	read_head(r->p, begin, r->end, &root, &head);
	if (prescan_mask(r->p + r->begin, r->end - r->begin, &r->w->l.pre, &r->pre) != ST_OK) {
		r->w->nomem = true;
		prescan_done(&r->pre);
		return;
	}
	bool simple = is_one_text(r, &head);
	if (!simple)
		msg = ask_gmime(r->p, r->pre.start ? r->begin + r->pre.start : begin, r->begin + r->pre.cut, &array, &stream);
	prescan_unmask(r->p + r->begin, &r->pre);
	prescan_done(&r->pre);
	note_limits(r, &r->pre);
	GMimeObject *o = msg ? g_mime_message_get_mime_part(msg) : NULL;
	r->pos = begin;
	int node = simple || o ? new_node(r) : -1;
	if (node >= 0) {
		r->node[node].head = head;
		walk_node(r, o, node, &root);
		account(r, r->end, -1);
	} else if (!simple && !o)
		read_as_text(r);
	if (!simple)
		end_gmime(msg, array, stream);	/* now: other readings may nest */
	read_on(r);
	for (size_t i = 0; i < r->nodes; i++)
		free(r->node[i].boundary);
	free(r->node);
	r->node = NULL;
}

