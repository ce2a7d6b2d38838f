/* json_check.c - whether text is JSON that we take, see json.h. Grammar: RFC 8259; UTF-8: RFC 3629, table 3-7 of Unicode. */
#include <string.h>
#include "json.h"
#include "json_bytes.h"

#define MAX_KNOWN_KEYS 64	/* members of one object that are held against each other */

struct check {
	const char *start, *end;
	enum status st;
	struct json_pair *member;	/* wanted of the outermost object, or NULL */
	size_t max, n;
};

/* The keys of one object so far; seen has a bit for each kind of key that was met, so
 * that most keys need no comparing. */
struct known { struct span key[MAX_KNOWN_KEYS]; size_t n; uint64_t seen; bool escaped; };

static const char *check_value(struct check *c, const char *p, int depth);

static const char *wrong(struct check *c, enum status st, const char *why, const char *at)
{
	if (c->st == ST_OK) {
		c->st = st_fail(st, "byte %zu: %s", (size_t)(at - c->start), why);
	}
	return NULL;
}

/* An escape: p is after the backslash. */
static const char *check_escape(struct check *c, const char *p)
{
	int high, low;

	if (p < c->end && *p && strchr("\"\\/bfnrt", *p))
		return p + 1;
	if (p == c->end || *p != 'u')
		return wrong(c, ST_BAD, "unknown escape", p);
	high = hex4(p + 1, c->end);
	if (high < 0)
		return wrong(c, ST_BAD, "\\u without four digits", p);
	if (high < 0xd800 || high > 0xdfff)
		return p + 5;
	low = c->end - p >= 7 && p[5] == '\\' && p[6] == 'u' ? hex4(p + 7, c->end) : -1;
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return wrong(c, ST_BAD, "lone surrogate", p);
	return p + 11;
}

/* p is after the opening quote; the result after the closing one. */
static const char *check_string(struct check *c, const char *p, bool *escaped_out)
{
	const char *end = c->end;

	for (;;) {
		unsigned char ch;

		p = plain(p, end);
		if (p == end)
			return wrong(c, ST_BAD, "unterminated string", p);
		ch = (unsigned char)*p;
		if (ch == '"')
			return p + 1;
		if (ch == '\\') {
			*escaped_out = true;
			p = check_escape(c, p + 1);
			if (!p)
				return NULL;
		} else if (ch >= 0x80) {
			size_t n = utf8_char(p, end);

			if (n == 0)
				return wrong(c, ST_BAD, "invalid UTF-8", p);
			p += n;
		} else {
			return wrong(c, ST_BAD, "control byte in a string", p);
		}
	}
}

static inline bool digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static const char *check_number(struct check *c, const char *p)
{
	const char *end = c->end;

	if (*p == '-')
		p++;
	if (!digit(p, end))
		return wrong(c, ST_BAD, "no value", p);
	if (*p == '0')
		p++;
	else
		while (digit(p, end))
			p++;
	if (p < end && *p == '.') {
		p++;
		if (!digit(p, end))
			return wrong(c, ST_BAD, "no digit after the point", p);
		while (digit(p, end))
			p++;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!digit(p, end))
			return wrong(c, ST_BAD, "no digit in the exponent", p);
		while (digit(p, end))
			p++;
	}
	return p;
}

static const char *check_word(struct check *c, const char *p, const char *word, size_t n)
{
	if ((size_t)(c->end - p) < n || memcmp(p, word, n) != 0)
		return wrong(c, ST_BAD, "no value", p);
	return p + n;
}

static bool same_span(struct span a, struct span b)
{
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* Keys with escapes are compared by what they mean. Rare: kept out of line. */
static bool __attribute__((noinline)) same_meaning(struct span a, struct span b)
{
	struct buf x = { 0 }, y = { 0 };
	bool same;

	json_text((struct span){ a.p - 1, a.len + 2 }, &x);
	json_text((struct span){ b.p - 1, b.len + 2 }, &y);
	same = !buf_ok(&x) || !buf_ok(&y) ||
		(x.len == y.len && (x.len == 0 || memcmp(x.p, y.p, x.len) == 0));
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* Remembers the key; false if it was there already. */
static bool new_key(struct known *known, struct span key, bool escaped)
{
	uint64_t kind = key.len;
	size_t i;

	if (key.len)
		kind = kind * 31 + (unsigned char)key.p[0] * 7 + (unsigned char)key.p[key.len - 1];
	kind = 1ull << (kind & 63);
	known->escaped |= escaped;
	if (known->escaped) {
		for (i = 0; i < known->n; i++)
			if (same_meaning(known->key[i], key))
				return false;
	} else if (known->seen & kind) {
		for (i = 0; i < known->n; i++)
			if (same_span(known->key[i], key))
				return false;
	}
	known->seen |= kind;
	if (known->n < MAX_KNOWN_KEYS)
		known->key[known->n++] = key;
	return true;
}

static const char *keep_member(struct check *c, struct span key, const char *value, const char *end)
{
	if (c->n == c->max)
		return wrong(c, ST_LIMIT, "too many members", key.p);
	c->member[c->n].key = key;
	c->member[c->n].value = (struct span){ value, (size_t)(end - value) };
	c->n++;
	return end;
}

/* One member; p is at its key's quote, the result after its value. */
static const char *check_member(struct check *c, const char *p, int depth, struct known *known)
{
	const char *start = p + 1, *value;
	struct span key = { start, 0 };
	bool escaped = false;

	if (p == c->end || *p != '"')
		return wrong(c, ST_BAD, "no key", p);
	p = check_string(c, start, &escaped);
	if (!p)
		return NULL;
	key.len = (size_t)(p - 1 - start);
	if (!new_key(known, key, escaped))
		return wrong(c, ST_BAD, "repeated key", start);
	p = blanks(p, c->end);
	if (p == c->end || *p != ':')
		return wrong(c, ST_BAD, "no colon after the key", p);
	value = blanks(p + 1, c->end);
	p = check_value(c, value, depth + 1);
	if (p && depth == 0 && c->member)
		p = keep_member(c, key, value, p);
	return p;
}

/* p is after the bracket that opened. */
static const char *check_object(struct check *c, const char *p, int depth)
{
	struct known known;

	known.n = 0;
	known.seen = 0;
	known.escaped = false;
	p = blanks(p, c->end);
	if (p < c->end && *p == '}')
		return p + 1;
	for (;;) {
		p = check_member(c, p, depth, &known);
		if (!p)
			return NULL;
		p = blanks(p, c->end);
		if (p < c->end && *p == '}')
			return p + 1;
		if (p == c->end || *p != ',')
			return wrong(c, ST_BAD, "neither comma nor }", p);
		p = blanks(p + 1, c->end);
	}
}

static const char *check_array(struct check *c, const char *p, int depth)
{
	p = blanks(p, c->end);
	if (p < c->end && *p == ']')
		return p + 1;
	for (;;) {
		p = check_value(c, blanks(p, c->end), depth + 1);
		if (!p)
			return NULL;
		p = blanks(p, c->end);
		if (p < c->end && *p == ']')
			return p + 1;
		if (p == c->end || *p != ',')
			return wrong(c, ST_BAD, "neither comma nor ]", p);
		p++;
	}
}

/* depth: how many brackets are open around p. */
static const char *check_value(struct check *c, const char *p, int depth)
{
	bool escaped;

	if (p == c->end)
		return wrong(c, ST_BAD, "no value", p);
	switch (*p) {
	case '"':
		return check_string(c, p + 1, &escaped);
	case '{':
	case '[':
		if (depth == JSON_MAX_DEPTH)
			return wrong(c, ST_LIMIT, "too deep", p);
		return *p == '{' ? check_object(c, p + 1, depth) : check_array(c, p + 1, depth);
	case 't':
		return check_word(c, p, "true", 4);
	case 'f':
		return check_word(c, p, "false", 5);
	case 'n':
		return check_word(c, p, "null", 4);
	default:
		return check_number(c, p);
	}
}

static enum status check_all(struct check *c)
{
	const char *p = blanks(c->start, c->end);

	if (c->member && (p == c->end || *p != '{'))
		wrong(c, ST_BAD, "no object", p);
	if (c->st == ST_OK)
		p = check_value(c, p, 0);
	if (c->st == ST_OK && blanks(p, c->end) != c->end)
		wrong(c, ST_BAD, "bytes after the value", p);
	return c->st;
}

enum status json_valid(const char *text, size_t len)
{
	struct check c = { .start = text, .end = text + len };

	return check_all(&c);
}

enum status json_object(const char *text, size_t len, struct json_pair *member, size_t max,
	size_t *n_out)
{
	struct check c = { .start = text, .end = text + len, .member = member, .max = max };
	enum status st = check_all(&c);

	*n_out = c.n;
	return st;
}
