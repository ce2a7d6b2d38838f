/*
 * params.c - parameters of Content-Type and Content-Disposition.
 *
 *	field	  = value *(";" parameter)
 *	parameter = name ["*" section] ["*"] "=" (token / quoted-string)
 *
 * Pieces are read in one pass into a table of fixed size, then put together by name.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "header.h"

struct piece {
	size_t name, name_len;		/* in names */
	size_t value, value_len;	/* in values */
	long section;			/* -1: name=, name*= */
	bool ext;			/* %XX, and charset'language' in the first */
	bool used;
};

struct scan {
	const char *end;
	struct buf names, values;
	size_t pieces;
	bool unclosed;			/* a comment without end has been met: '(' is text from there on */
	int bits;
	struct piece piece[PARAM_PIECES_MAX];	/* last: only what is used gets written */
};

#define COMMENT_LOOK_BYTES 256		/* how far a comment at the end of a bare value is looked for */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* p is at '('. Behind the matching ')', or NULL if there is none. */
static const char *skip_comment(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return NULL;
}

/* Blanks and comments. An unclosed comment is text, and is looked for once. */
static const char *skip_cfws(struct scan *s, const char *p)
{
	for (;;) {
		const char *q;

		p = skip_blanks(p, s->end);
		if (p == s->end || *p != '(' || s->unclosed)
			return p;
		q = skip_comment(p, s->end);
		s->unclosed = q == NULL;
		if (!q)
			return p;
		p = q;
	}
}

/* Whether "name=" begins here: a parameter whose semicolon was forgotten. */
static bool at_param(const char *p, const char *end)
{
	const char *q = p;

	while (q < end && is_name(*q))
		q++;
	if (q == p)
		return false;
	q = skip_blanks(q, end);
	return q < end && *q == '=';
}

/* ---- values ---- */

/* Outlook quotes paths without escaping: "C:\Temp\x.doc". */
static bool drive_path(const char *p, const char *end)
{
	return end - p > 4 && lower(p[0]) >= 'a' && lower(p[0]) <= 'z' && p[1] == ':' &&
		p[2] == '\\' && p[3] != '\\' && p[3] != '"';
}

/* p is behind the opening quote; without a closing one, all that is left is the value. */
static const char *read_quoted(struct scan *s, const char *p)
{
	bool literal = drive_path(p, s->end);

	while (p < s->end && *p != '"') {
		if (*p == '\r' || *p == '\n') {		/* the blank after a fold stays */
			p++;
			continue;
		}
		if (*p == '\\' && p + 1 < s->end && (!literal || p[1] == '"'))
			p++;
		buf_chr(&s->values, *p++);
	}
	return p < s->end ? p + 1 : p;
}

/* Behind a comment of moderate length and the blanks after it; p if there is none. */
static const char *skip_last_comment(const char *p, const char *end)
{
	const char *near = end - p > COMMENT_LOOK_BYTES ? p + COMMENT_LOOK_BYTES : end;
	const char *q = p < end && *p == '(' ? skip_comment(p, near) : NULL;

	return q ? skip_blanks(q, end) : p;
}

static const char *trim(struct scan *s, size_t from, const char *p)
{
	while (s->values.len > from && is_blank(s->values.p[s->values.len - 1]))
		s->values.len--;
	return p;
}

/* Up to ';'. Blanks belong to it ("name=my file.txt") unless a parameter follows them, or
 * a comment that ends the value ("us-ascii (Plain text)"). */
static const char *read_bare(struct scan *s, const char *p)
{
	size_t from = s->values.len;

	while (p < s->end && *p != ';') {
		if (is_blank(*p)) {
			const char *q = skip_blanks(p, s->end);
			const char *c = skip_last_comment(q, s->end);

			if (at_param(q, s->end))
				return trim(s, from, q);
			if (c == s->end || *c == ';' || (c != q && at_param(c, s->end)))
				return trim(s, from, c);
			buf_chr(&s->values, ' ');
			p = q;
		}
		buf_chr(&s->values, *p++);
	}
	return trim(s, from, p);
}

/* ---- one parameter ---- */

/* "name*2*" is section 2, extended; "name*" extended. What is no such thing stays in the name. */
static void split_name(struct scan *s, struct piece *pc)
{
	const char *name = s->names.p + pc->name;
	size_t n = pc->name_len, digits = 0;

	pc->section = -1;
	if (n > 1 && name[n - 1] == '*') {
		pc->ext = true;
		n--;
	}
	while (digits < n && name[n - 1 - digits] >= '0' && name[n - 1 - digits] <= '9')
		digits++;
	if (digits && digits <= 5 && n > digits + 1 && name[n - 1 - digits] == '*') {
		pc->section = strtol(name + n - digits, NULL, 10);
		n -= digits + 1;
	}
	pc->name_len = n;
}

static const char *read_param(struct scan *s, const char *p)
{
	struct piece pc = { .name = s->names.len, .value = s->values.len };

	while (p < s->end && is_name(*p)) {
		if (s->names.len - pc.name < PARAM_NAME_MAX)
			buf_chr(&s->names, lower(*p));
		else
			s->bits |= HDR_LIMIT;
		p++;
	}
	pc.name_len = s->names.len - pc.name;
	buf_chr(&s->names, '\0');
	p = skip_cfws(s, p);
	if (p == s->end || *p != '=' || s->names.failed)
		return p < s->end && *p != ';' ? p + 1 : p;
	p = skip_blanks(p + 1, s->end);
	if (p < s->end && *p == '"')
		p = read_quoted(s, p + 1);
	else
		p = read_bare(s, p);
	pc.value_len = s->values.len - pc.value;
	if (pc.name_len == 0 || s->values.failed)
		return p;
	if (s->pieces == PARAM_PIECES_MAX) {
		s->bits |= HDR_LIMIT;
		return p;
	}
	split_name(s, &pc);
	s->piece[s->pieces++] = pc;
	return p;
}

static void read_all(struct scan *s, const char *p)
{
	while (p < s->end) {
		p = skip_blanks(p, s->end);
		if (p < s->end && *p == '(') {
			const char *q = skip_cfws(s, p);

			p = q == p ? p + 1 : q;
		} else if (p < s->end && *p == ';') {
			p++;
		} else if (p < s->end) {
			p = read_param(s, p);
		}
	}
}

/* ---- the value in front ---- */

static const char *read_value(struct scan *s, const char *p, struct buf *out)
{
	const char *end = s->end;

	p = skip_cfws(s, p);
	while (p < end && *p != ';') {
		const char *q = skip_cfws(s, p);

		if (q != p && out->len && at_param(q, end))
			return q;
		p = q;
		while (p < end && *p != ';' && *p != '(' && !is_blank(*p) && out->len < PARAM_VALUE_MAX) {
			buf_chr(out, lower(*p));
			p++;
		}
		if (p < end && *p != ';' && p == q) {	/* an unclosed comment, or too long */
			const char *semi = memchr(p, ';', (size_t)(end - p));

			return semi ? semi : end;
		}
	}
	return p;
}

/* ---- putting together ---- */

static void percent_decode(const char *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '%' && i + 2 < n && hex_value(p[i + 1]) >= 0 && hex_value(p[i + 2]) >= 0) {
			buf_chr(out, (char)(hex_value(p[i + 1]) << 4 | hex_value(p[i + 2])));
			i += 2;
		} else {
			buf_chr(out, p[i]);
		}
	}
}

/* One more piece of a value; its charset, if it is the first that has one. */
static void add_piece(struct scan *s, const struct piece *pc, bool first, struct buf *bytes,
	const char **cs, size_t *cs_len)
{
	const char *p = buf_cstr(&s->values) + pc->value, *q1, *q2 = NULL;
	size_t n = pc->value_len;

	if (!pc->ext) {
		buf_add(bytes, p, n);
		return;
	}
	q1 = first ? memchr(p, '\'', n) : NULL;
	if (q1)
		q2 = memchr(q1 + 1, '\'', n - (size_t)(q1 + 1 - p));
	if (q2 && q1 - p <= CHARSET_NAME_MAX) {
		*cs = p;
		*cs_len = (size_t)(q1 - p);
		n -= (size_t)(q2 + 1 - p);
		p = q2 + 1;
	} else if (!first && *cs_len && n > *cs_len && p[*cs_len] == '\'' &&
			strncasecmp(p, *cs, *cs_len) == 0) {
		/* RFC 2231 4.1 names the charset once; some say it in each piece */
		p += *cs_len + 1;
		n -= *cs_len + 1;
	}
	percent_decode(p, n, bytes);
}

/* Lower sections first; pieces as written among equals. */
static size_t next_section(const struct scan *s, const size_t *set, size_t n, long after)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++) {
		const struct piece *pc = &s->piece[set[i]];

		if (pc->section > after && (best == n || pc->section < s->piece[set[best]].section))
			best = i;
	}
	return best;
}

static char *finish(struct scan *s, struct buf *bytes, bool ext, const char *cs, size_t cs_len)
{
	struct buf out = { 0 };
	size_t cut = bytes->len;

	if (cut > PARAM_VALUE_MAX) {
		cut = PARAM_VALUE_MAX;
		while (!ext && cut && (bytes->p[cut] & 0xc0) == 0x80)
			cut--;		/* not inside a UTF-8 character */
		s->bits |= HDR_LIMIT;
	}
	if (bytes->failed)
		return NULL;
	if (ext) {
		s->bits |= charset_to_utf8(cs, cs_len, bytes->p, cut, &out);
		for (size_t i = 0; i < out.len; i++) {
			if (out.p[i] == '\r' || out.p[i] == '\n') {
				out.p[i] = ' ';
				s->bits |= HDR_CONTROL;
			}
		}
	} else if (cut) {
		s->bits |= words_text(bytes->p, cut, &out);
	}
	buf_cstr(&out);
	if (out.failed || !buf_room(&out, 1)) {
		buf_free(&out);
		return NULL;
	}
	out.p[out.len] = '\0';
	return out.p;
}

/* The parameter that piece `at` belongs to: the sections in order, else name*, else name. */
static char *assemble(struct scan *s, size_t at)
{
	size_t set[PARAM_PIECES_MAX], n = 0, pick = PARAM_PIECES_MAX, plain = 0;
	const struct piece *head = &s->piece[at];
	struct buf bytes = { 0 };
	const char *cs = NULL;
	size_t cs_len = 0;
	bool ext = false, sections = false;
	char *value;

	for (size_t i = at; i < s->pieces; i++) {
		struct piece *pc = &s->piece[i];

		if (pc->used || pc->name_len != head->name_len ||
				memcmp(s->names.p + pc->name, s->names.p + head->name, head->name_len) != 0)
			continue;
		pc->used = true;
		set[n++] = i;
		sections |= pc->section >= 0;
		if (pc->section < 0) {
			plain++;
			if (pick == PARAM_PIECES_MAX || (pc->ext && !s->piece[pick].ext))
				pick = i;
		}
	}
	if (plain > 1 || (plain && sections))
		s->bits |= HDR_DUP_PARAM;
	if (pick != PARAM_PIECES_MAX && (s->piece[pick].ext || !sections)) {
		add_piece(s, &s->piece[pick], true, &bytes, &cs, &cs_len);
		ext = s->piece[pick].ext;
	} else {
		long after = -1;
		size_t i, count = 0;

		for (; (i = next_section(s, set, n, after)) < n; count++) {
			const struct piece *pc = &s->piece[set[i]];

			add_piece(s, pc, count == 0, &bytes, &cs, &cs_len);
			ext |= pc->ext;
			after = pc->section;
		}
		if (count + plain < n)
			s->bits |= HDR_DUP_PARAM;
	}
	value = finish(s, &bytes, ext, cs, cs_len);
	buf_free(&bytes);
	return value;
}

static char *copy_utf8(const char *p, size_t n, int *bits)
{
	struct buf out = { 0 };

	*bits |= charset_to_utf8(NULL, 0, p, n, &out);
	buf_cstr(&out);
	if (out.failed || !buf_room(&out, 1)) {
		buf_free(&out);
		return NULL;
	}
	out.p[out.len] = '\0';
	return out.p;
}

enum status params_parse(const char *p, size_t n, struct value_params *out)
{
	struct scan *s = malloc(sizeof(*s));
	struct buf value = { 0 };
	bool ok;

	memset(out, 0, sizeof(*out));
	if (!s)
		return st_fail(ST_NOMEM, "parameters: out of memory");
	memset(s, 0, offsetof(struct scan, piece));
	s->end = p + n;
	p = read_value(s, p, &value);
	read_all(s, p);
	out->value = copy_utf8(value.p, value.len, &s->bits);
	ok = out->value && !value.failed && !s->names.failed && !s->values.failed;
	for (size_t i = 0; ok && i < s->pieces; i++) {
		struct param *pa = &out->param[out->params];

		if (s->piece[i].used)
			continue;
		if (out->params == PARAMS_MAX) {
			s->bits |= HDR_LIMIT;
			break;
		}
		pa->name = copy_utf8(s->names.p + s->piece[i].name, s->piece[i].name_len, &s->bits);
		pa->value = assemble(s, i);
		out->params++;
		ok = pa->name && pa->value;
	}
	out->bits = s->bits;
	buf_free(&value);
	buf_free(&s->names);
	buf_free(&s->values);
	free(s);
	if (ok)
		return ST_OK;
	params_free(out);
	return st_fail(ST_NOMEM, "parameters: out of memory");
}

void params_free(struct value_params *v)
{
	for (size_t i = 0; i < v->params; i++) {
		free(v->param[i].name);
		free(v->param[i].value);
	}
	free(v->value);
	memset(v, 0, sizeof(*v));
}

const char *params_get(const struct value_params *v, const char *name)
{
	for (size_t i = 0; i < v->params; i++)
		if (strcasecmp(v->param[i].name, name) == 0)
			return v->param[i].value;
	return NULL;
}
