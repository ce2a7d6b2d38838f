/*
 * msgid.c - RFC 5322 3.6.4.
 *
 *	references = *("<" id ">"), and anything else between them in practice
 */
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "json.h"

struct id { const char *p; size_t len; };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next id at or after *p. Without its '>' an id ends at the next '<' or blank. */
static bool next_bracketed(const char **p, const char *end, struct id *out)
{
	const char *open = memchr(*p, '<', (size_t)(end - *p)), *q;

	if (!open)
		return false;
	out->p = ++open;
	for (q = open; q < end && *q != '>' && *q != '<'; q++)
		;
	*p = q;
	if (q < end && *q == '>') {
		*p = q + 1;
	} else {
		while (open < q && is_blank(*open))
			open++;
		out->p = open;
		while (open < q && !is_blank(*open))
			open++;
		q = open;
	}
	out->len = (size_t)(q - out->p);
	return true;
}

/* The next word with an @ (any: also without). */
static bool next_word(const char **p, const char *end, bool any, struct id *out)
{
	while (*p < end) {
		while (*p < end && (is_blank(**p) || **p == ','))
			++*p;
		out->p = *p;
		while (*p < end && !is_blank(**p) && **p != ',')
			++*p;
		out->len = (size_t)(*p - out->p);
		if (out->len && (any || memchr(out->p, '@', out->len)))
			return true;
	}
	return false;
}

static bool next_id(const char **p, const char *end, bool bracketed, struct id *out)
{
	return bracketed ? next_bracketed(p, end, out) : next_word(p, end, false, out);
}

/* The id without blanks, as UTF-8 in out. False: there is nothing, or too much. */
static bool clean(const struct id *id, struct buf *tmp, struct buf *out, int *bits)
{
	buf_clear(tmp);
	buf_clear(out);
	for (size_t i = 0; i < id->len && tmp->len <= ID_MAX_BYTES; i++)
		if (!is_blank(id->p[i]))
			buf_chr(tmp, id->p[i]);
	if (tmp->len > ID_MAX_BYTES) {
		*bits |= HDR_LIMIT;
		return false;
	}
	*bits |= charset_to_utf8(NULL, 0, tmp->p, tmp->len, out);
	return out->len > 0;
}

struct seen { size_t at, len; };	/* in texts */

static bool is_new(const struct seen *seen, size_t n, const struct buf *texts, const struct buf *id)
{
	for (size_t i = 0; i < n; i++)
		if (seen[i].len == id->len && memcmp(texts->p + seen[i].at, id->p, id->len) == 0)
			return false;
	return true;
}

int ids_json(const char *p, size_t n, struct buf *b)
{
	const char *end = p + n, *q = p;
	bool bracketed = n && memchr(p, '<', n) != NULL;
	struct id first = { 0 }, last[IDS_MAX - 1], id;
	struct buf tmp = { 0 }, text = { 0 }, texts = { 0 };
	struct seen seen[IDS_MAX];
	size_t count = 0, kept, out = 0;
	int bits = 0;

	/* the first, and a ring of the last */
	while (next_id(&q, end, bracketed, &id)) {
		if (count == 0)
			first = id;
		else
			last[(count - 1) % (IDS_MAX - 1)] = id;
		count++;
	}
	if (count > IDS_MAX)
		bits |= HDR_LIMIT;
	kept = count < IDS_MAX ? count : IDS_MAX;
	for (size_t i = 0; i < kept; i++) {
		size_t k = count - kept + i;

		id = i == 0 ? first : last[(k - 1) % (IDS_MAX - 1)];
		if (!clean(&id, &tmp, &text, &bits) || !is_new(seen, out, &texts, &text))
			continue;
		seen[out++] = (struct seen){ texts.len, text.len };
		buf_add(&texts, text.p, text.len);
		if (texts.failed)
			break;
		json_str(b, NULL, text.p, text.len);
	}
	if (tmp.failed || text.failed || texts.failed)
		b->failed = true;
	buf_free(&tmp);
	buf_free(&text);
	buf_free(&texts);
	return bits;
}

int id_first(const char *p, size_t n, struct buf *out)
{
	const char *end = p + n, *q = p;
	bool bracketed = n && memchr(p, '<', n) != NULL;
	struct buf tmp = { 0 }, text = { 0 };
	struct id id;
	int bits = 0;
	bool found = false;

	while (!found && next_id(&q, end, bracketed, &id))
		found = clean(&id, &tmp, &text, &bits);
	if (!found && !bracketed) {
		struct id other;

		q = p;
		if (next_word(&q, end, true, &id) && !next_word(&q, end, true, &other))
			found = clean(&id, &tmp, &text, &bits);
	}
	if (found)
		buf_add(out, text.p, text.len);
	if (tmp.failed || text.failed)
		out->failed = true;
	buf_free(&tmp);
	buf_free(&text);
	return bits;
}
