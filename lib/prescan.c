/* prescan.c - see prescan.h. */
#include <string.h>
#include <strings.h>

#include "field.h"
#include "prescan.h"

#define HIDE_FIELDS_MAX 1000
#define LONGEST_NAME 32	/* of those we look for: Content-Transfer-Encoding has 25 */

struct mask { size_t at, n; };

/* What GMime must not decode itself: it does so while parsing, and has crashed on it. */
static const struct { const char *name; size_t len; } HIDDEN[] = { { "From", 4 }, { "Sender", 6 },
	{ "Reply-To", 8 }, { "To", 2 }, { "Cc", 2 }, { "Bcc", 3 }, { "Subject", 7 }, { "Date", 4 },
	{ "Message-ID", 10 }, { "References", 10 }, { "In-Reply-To", 11 } };

static void overwrite(char *p, struct prescan *s, size_t at, size_t n, char with)
{
	struct mask m = { at, n };

	if (s->masks.len / sizeof(m) >= PRESCAN_MAX_MASKS) {
		s->masks_full = true;
		return;
	}
	buf_add(&s->masks, &m, sizeof(m));
	buf_add(&s->old, p + at, n);
	if (!buf_ok(&s->masks) || !buf_ok(&s->old))
		return;
	for (size_t i = at; i < at + n; i++)
		if (p[i] != '\n' && p[i] != '\r')
			p[i] = with;
}

void prescan_unmask(char *p, struct prescan *s)
{
	const struct mask *m = (const void *)s->masks.p;
	size_t n = s->masks.len / sizeof(*m), old = s->old.len;

	while (n-- > 0) {		/* backwards: a later mask may lie within an earlier one */
		old -= m[n].n;
		memcpy(p + m[n].at, s->old.p + old, m[n].n);
	}
	buf_clear(&s->masks);
	buf_clear(&s->old);
}

void prescan_done(struct prescan *s)
{
	buf_free(&s->masks);
	buf_free(&s->old);
}

/* "multipart/mixed\n boundary=b", without the ';': made "multipart/mixed;  boundary=b" for GMime, as
 * mail readers have it. */
static void forgotten_semicolon(char *p, const struct field *f, struct prescan *s)
{
	size_t at = f->value, w;

	for (; at + 9 <= f->value_end; at++)
		if ((p[at] | 0x20) == 'b' && strncasecmp(p + at, "boundary=", 9) == 0)
			break;
	if (at + 9 > f->value_end)
		return;
	for (w = at; w > f->value && p[w - 1] && strchr(" \t\r\n", p[w - 1]); w--)
		;
	if (w == at || w == f->value || p[w - 1] == ';')
		return;
	overwrite(p, s, w, at - w, ' ');
	if (s->masks_full)
		return;
	memset(p + w, ' ', at - w);	/* line ends, too */
	p[w] = ';';
}

/* A Content-* field: NUL out, parameters and bytes within the limits. Quoted or not, each
 * ';' counts: that is the upper bound of what GMime will see. */
static void content_field(char *p, const struct field *f, const struct prescan_limits *l,
	struct prescan *s)
{
	size_t params = 0, at = f->value, end = f->value_end;
	char *nul = p + at;

	while ((nul = memchr(nul, 0, p + end - nul)) != NULL)
		overwrite(p, s, nul - p, 1, ' ');
	for (; at < end && at - f->value < l->field_bytes; at++)
		if (p[at] == ';' && params++ == l->params)
			break;
	if (at == end)
		return;
	if (at - f->value >= l->field_bytes)
		s->field_too_big = true;
	else
		s->too_many_params = true;
	overwrite(p, s, at, end - at, ' ');
}

/* The state of the block of lines that looks like a header. */
struct block { bool type, encoding; };

static void maybe_field(char *p, size_t end, size_t line, struct block *b,
	const struct prescan_limits *l, struct prescan *s)
{
	struct field f;
	size_t pos = line, colon;

	switch (p[line] | 0x20) {
	case 'c': case 'f': case 's': case 'r': case 't': case 'b': case 'd': case 'm': case 'i':
		break;
	default:
		return;
	}
	/* The name decides before the (maybe long) field is looked for. */
	while (pos < end && pos - line <= LONGEST_NAME && p[pos] > ' ' && p[pos] < 127 &&
			p[pos] != ':')
		pos++;
	for (colon = pos; colon < end && (p[colon] == ' ' || p[colon] == '\t'); colon++)
		;
	if (colon >= end || p[colon] != ':')
		return;
	f = (struct field){ .begin = line, .name_len = pos - line };
	if (f.name_len > 8 && strncasecmp(p + line, "Content-", 8) == 0) {
		pos = line;
		if (!field_next(p, end, &pos, &f) || !f.name_len)
			return;
		bool type = field_is(p, &f, "Content-Type");
		bool encoding = field_is(p, &f, "Content-Transfer-Encoding");
		if ((type && b->type) || (encoding && b->encoding)) {
			s->duplicate_content++;
			overwrite(p, s, line, 1, 'X');
		}
		b->type |= type;
		b->encoding |= encoding;
		content_field(p, &f, l, s);
		if (type)
			forgotten_semicolon(p, &f, s);
		return;
	}
	for (size_t i = 0; i < sizeof(HIDDEN) / sizeof(*HIDDEN); i++)
		if (f.name_len == HIDDEN[i].len &&
				strncasecmp(p + line, HIDDEN[i].name, f.name_len) == 0) {
			overwrite(p, s, line, 1, 'X');
			return;
		}
}

/* Whether the word is anywhere: without a boundary parameter no line is a delimiter. */
static bool has_boundary_word(const char *p, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i++)
		if ((p[i] | 0x20) == 'b' && strncasecmp(p + i, "boundary", 8) == 0)
			return true;
	return false;
}

static void defaults(const struct prescan_limits *in, struct prescan_limits *l)
{
	if (in)
		*l = *in;
	if (!l->header_bytes)
		l->header_bytes = PRESCAN_MAX_HEADER_BYTES;
	if (!l->field_bytes)
		l->field_bytes = PRESCAN_MAX_FIELD_BYTES;
	if (!l->params)
		l->params = PRESCAN_MAX_PARAMS;
	if (!l->delimiters)
		l->delimiters = PRESCAN_MAX_DELIMITERS;
	if (!l->line_bytes)
		l->line_bytes = PRESCAN_MAX_LINE_BYTES;
}

/* A name that nobody doubts: GMime does not take just anything for a header's first field. */
static bool is_ordinary(const char *p, const struct field *f)
{
	size_t i = 0;

	while (i < f->name_len && (((p[f->begin + i] | 0x20) >= 'a' && (p[f->begin + i] | 0x20) <= 'z')
			|| p[f->begin + i] == '-'))
		i++;
	return i && i == f->name_len && i <= LONGEST_NAME && !f->blank_before_colon;
}

/* The first block's fields are not GMime's business: all in a row become one field's folded lines,
 * and of the first row, which is most of a header, it sees the last field only. Returns whether the field is hidden. */
static bool hide_field(char *p, const struct field *f, bool last_hidden, bool first_row, struct prescan *s)
{
	if (!f->name_len && !last_hidden)
		return false;
	if (f->name_len > 8 && strncasecmp(p + f->begin, "Content-", 8) == 0)
		return false;
	if (first_row && last_hidden && is_ordinary(p, f))
		s->start = f->begin;
	else
		overwrite(p, s, f->begin, 1, last_hidden ? ' ' : 'X');
	return true;
}

/* The first header block: where it ends, or where we say that it does. */
static void first_block(char *p, size_t len, const struct prescan_limits *l, struct prescan *s)
{
	size_t pos = header_begin(p, len), limit = len;
	bool hidden = false, first_row = true;
	struct field f;

	s->bom = pos >= 3 && p[0] == (char)0xef;
	if (len - pos > l->header_bytes)
		limit = pos + l->header_bytes;
	while (field_next(p, limit, &pos, &f)) {
		if (s->fields++ < HIDE_FIELDS_MAX)
			hidden = hide_field(p, &f, hidden, first_row, s);
		first_row &= hidden && s->fields < HIDE_FIELDS_MAX && (s->fields > 1 || is_ordinary(p, &f));
	}
	if (s->start)
		overwrite(p, s, s->start, 1, 'X');
	s->body = pos;
	if (pos < limit || (pos >= 2 && p[pos - 1] == '\n' && (p[pos - 2] == '\n' ||
			(pos >= 3 && p[pos - 2] == '\r' && p[pos - 3] == '\n'))))
		return;
	if (limit == len) {
		s->no_separator = true;
		s->start = 0;	/* GMime would find no header in a last line without an end */
		return;
	}
	s->header_too_big = true;	/* end it here: two line ends over two bytes */
	for (size_t i = 0; i < 2 && limit + i < len; i++) {
		overwrite(p, s, limit + i, 1, '\n');
		p[limit + i] = '\n';
	}
}

enum status prescan_mask(char *p, size_t len, const struct prescan_limits *limits,
	struct prescan *s)
{
	struct prescan_limits l = { 0 };
	struct block block = { 0 };
	size_t pos = 0, next, n, cut = len, full = len;

	defaults(limits, &l);
	memset(s, 0, sizeof(*s));
	first_block(p, len, &l, s);
	for (const char *z = p; (z = memchr(z, 0, p + len - z)) != NULL; z++)
		s->nul++;
	for (; pos < len; pos = next) {
		n = line_len(p, len, pos, &next);
		s->lines++;
		s->lf += next > pos + n;
		if (n > s->longest_line)
			s->longest_line = n;
		if (n == 0) {
			memset(&block, 0, sizeof(block));
			continue;
		}
		for (const char *c = p + pos; (c = memchr(c, '\r', p + pos + n - c)) != NULL; c++)
			s->bare_cr++;
		if (p[pos] == '-' && n > 2 && p[pos + 1] == '-') {
			memset(&block, 0, sizeof(block));
			if (s->delimiters++ == l.delimiters)
				cut = pos;
		} else if (!s->masks_full && pos >= s->start) {
			maybe_field(p, len, pos, &block, &l, s);
			if (s->masks_full)
				full = pos;
		}
	}
	s->cut = full;
	if (s->delimiters > l.delimiters && cut < full && has_boundary_word(p, len))
		s->cut = cut;
	s->too_many = s->cut < len;
	if (!buf_ok(&s->masks) || !buf_ok(&s->old))
		return st_fail(ST_NOMEM, "pre-scan: out of memory");
	return ST_OK;
}
