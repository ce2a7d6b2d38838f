/* field.c - see field.h. */
#include <string.h>
#include <strings.h>

#include "field.h"

size_t line_len(const char *p, size_t end, size_t pos, size_t *next_out)
{
	const char *nl = memchr(p + pos, '\n', end - pos);
	size_t stop = nl ? (size_t)(nl - p) : end;

	*next_out = nl ? stop + 1 : end;
	if (nl && stop > pos && p[stop - 1] == '\r')
		stop--;
	return stop - pos;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Splits the first line at begin: a name is printable ASCII up to the colon (RFC 5322 3.6.8). */
static void read_name(const char *p, struct field *f, size_t line_end)
{
	size_t i = f->begin, name;

	while (i < line_end && p[i] > ' ' && p[i] < 127 && p[i] != ':')
		i++;
	name = i;
	while (i < line_end && is_blank(p[i]))
		i++;
	if (i >= line_end || p[i] != ':' || name == f->begin)
		return;
	f->name_len = name - f->begin;
	f->blank_before_colon = i > name;
	f->value = i + 1;
}

bool field_next(const char *p, size_t end, size_t *pos, struct field *out)
{
	size_t next, n;

	memset(out, 0, sizeof(*out));
	if (*pos >= end) {
		*pos = end;
		return false;
	}
	n = line_len(p, end, *pos, &next);
	if (n == 0 && next > *pos) {
		*pos = next;
		return false;
	}
	out->begin = out->value = *pos;
	read_name(p, out, *pos + n);
	out->value_end = *pos + n;
	while (next < end && is_blank(p[next])) {
		size_t at = next;

		n = line_len(p, end, at, &next);
		out->value_end = at + n;
	}
	out->end = *pos = next;
	return true;
}

bool field_is(const char *p, const struct field *f, const char *name)
{
	return f->name_len && strlen(name) == f->name_len &&
		strncasecmp(p + f->begin, name, f->name_len) == 0;
}

bool field_find(const char *p, size_t begin, size_t end, const char *name, int nth,
	struct field *out)
{
	while (field_next(p, end, &begin, out))
		if (field_is(p, out, name) && nth-- == 0)
			return true;
	return false;
}

/* "From a@b Mon Nov 16 ...": what an mbox puts before a message. "From : a@b" is the field (RFC 5322 4.5.2). */
static bool mbox_line(const char *p, size_t len)
{
	size_t i = 5;

	if (len < 5 || memcmp(p, "From ", 5) != 0)
		return false;
	while (i < len && is_blank(p[i]))
		i++;
	return i == len || p[i] != ':';
}

size_t header_begin(const char *p, size_t len)
{
	size_t pos = 0, next;

	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		pos = 3;
	if (mbox_line(p + pos, len - pos)) {
		line_len(p, len, pos, &next);
		pos = next;
	}
	return pos;
}
