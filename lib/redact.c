/* redact.c - see redact.h. */
#include <stdlib.h>
#include <string.h>

#include "redact.h"

static int part_named(const struct part *part, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (part[i].id && strcmp(part[i].id, id) == 0)
			return (int)i;
	return -1;
}

/* The part whose bytes stand in the raw message; -1: there is none. */
static int outermost(const struct part *part, size_t n, size_t i)
{
	int at = (int)i;

	for (size_t hops = 0; at >= 0 && part[at].in; hops++) {
		if (hops > n)
			return -1;	/* a circle */
		at = part_named(part, n, part[at].in);
	}
	return at;
}

static int by_begin(const void *a, const void *b)
{
	const struct byte_range *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

size_t ranges_merge(struct byte_range *r, size_t n)
{
	size_t k = 0;

	if (n)
		qsort(r, n, sizeof *r, by_begin);
	for (size_t i = 0; i < n; i++) {
		if (k && r[i].begin <= r[k - 1].end) {
			if (r[i].end > r[k - 1].end)
				r[k - 1].end = r[i].end;
		} else {
			r[k++] = r[i];
		}
	}
	return k;
}

static bool touches(const struct part *p, const struct byte_range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p->end > p->begin && p->begin < r[i].end && p->end > r[i].begin)
			return true;
	return false;
}

enum status redact_plan(const struct part *part, size_t n, bool *gone,
	struct byte_range *range, size_t *ranges_out)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (!gone[i])
			continue;
		int top = outermost(part, n, i);
		if (top < 0)
			return st_fail(ST_BAD, "part %s is in none", part[i].id);
		if (part[top].end > part[top].begin)
			range[k++] = (struct byte_range){ part[top].begin, part[top].end };
	}
	k = ranges_merge(range, k);
	for (size_t i = 0; i < n; i++) {
		int top = outermost(part, n, i);
		if (top >= 0 && part_has_bytes(&part[i]) && touches(&part[top], range, k))
			gone[i] = true;
	}
	*ranges_out = k;
	return ST_OK;
}

enum status redact(const char *raw, size_t len, const struct byte_range *range, size_t ranges,
	struct buf *out)
{
	uint64_t at = 0;

	for (size_t i = 0; i < ranges; i++) {
		if (range[i].begin < at || range[i].end < range[i].begin || range[i].end > len)
			return st_fail(ST_BAD, "a part lies outside of the message");
		buf_add(out, raw + at, range[i].begin - at);
		at = range[i].end;
	}
	buf_add(out, raw + at, len - at);
	return buf_ok(out) ? ST_OK : st_fail(ST_NOMEM, "no memory for the message without a part");
}
