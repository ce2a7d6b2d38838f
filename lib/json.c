/* json.c - see json.h. Grammar: RFC 8259; UTF-8: RFC 3629, table 3-7 of Unicode. */
#include <string.h>
#include "json.h"

/* ---- bytes ---- */

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* High bit set in some byte of the result if a byte of v is no plain text of a JSON string:
 * below 0x20, '"', '\\', or not ASCII. May also mark bytes after the first hit. */
static inline uint64_t special(uint64_t v)
{
	uint64_t quote = v ^ (ONES * '"'), slash = v ^ (ONES * '\\');

	return (((v - ONES * 0x20) | (quote - ONES) | (slash - ONES)) | v) & HIGHS;
}

static inline uint64_t load(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The first byte of p..end that is not plain. */
static inline const char *plain(const char *p, const char *end)
{
	while (end - p >= 16) {
		uint64_t a = special(load(p)), b = special(load(p + 8));

		if (a | b)
			break;
		p += 16;
	}
	while (p < end) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			break;
		p++;
	}
	return p;
}

/* The length of the valid non-ASCII character at p, or 0. */
static inline size_t utf8_char(const char *s, const char *end)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t left = (size_t)(end - s);

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < 2)
		return 0;
	if (p[0] < 0xe0)
		return (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (left < 3 || (p[2] & 0xc0) != 0x80 || (p[1] & 0xc0) != 0x80)
		return 0;
	if (p[0] < 0xf0) {	/* no overlong, no surrogate */
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (left < 4 || (p[3] & 0xc0) != 0x80)
		return 0;
	if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return 4;
}

/* How many bytes one U+FFFD stands for: the longest start of a character
 * (Unicode 3.9, "substitution of maximal subparts"), at least one byte. */
static size_t utf8_subpart(const char *s, const char *end)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t left = (size_t)(end - s), want, n = 1;
	unsigned lo = 0x80, hi = 0xbf;

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 1;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	while (n < want && n < left && p[n] >= lo && p[n] <= hi) {
		lo = 0x80;
		hi = 0xbf;
		n++;
	}
	return n;
}

bool utf8_valid(const char *s, size_t len)
{
	const char *p = s, *end = s + len;

	while (p < end) {
		size_t n = 1;

		if (end - p >= 8 && !(load(p) & HIGHS)) {
			p += 8;
			continue;
		}
		if ((unsigned char)*p >= 0x80)
			n = utf8_char(p, end);
		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

/* ---- writing ---- */

static void comma(struct buf *b)
{
	if (b->len > 0 && !strchr("{[,:\n ", b->p[b->len - 1]))
		buf_chr(b, ',');
}

/* The text between the quotes. */
static bool put_text(struct buf *b, const char *s, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = s, *end = s + len;
	bool repaired = false;

	while (p < end) {
		const char *stop = plain(p, end);
		unsigned char c;
		size_t n;

		buf_add(b, p, (size_t)(stop - p));
		p = stop;
		if (p == end)
			break;
		c = (unsigned char)*p;
		n = 1;
		if (c >= 0x80) {
			n = utf8_char(p, end);
			if (n)
				buf_add(b, p, n);
		} else if (c == '"' || c == '\\') {
			buf_add(b, (char[]){ '\\', (char)c }, 2);
		} else if (c == '\n' || c == '\t' || c == '\r') {
			buf_str(b, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
		} else if (c) {
			buf_add(b, (char[]){ '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] }, 6);
		} else {
			n = 0;
		}
		if (n == 0) {
			buf_str(b, "\xef\xbf\xbd");
			repaired = true;
			n = utf8_subpart(p, end);
		}
		p += n;
	}
	return repaired;
}

static void put_key(struct buf *b, const char *key)
{
	comma(b);
	if (!key)
		return;
	buf_chr(b, '"');
	put_text(b, key, strlen(key));
	buf_add(b, "\":", 2);
}

void json_open(struct buf *b, const char *key, char bracket)
{
	put_key(b, key);
	buf_chr(b, bracket);
}

void json_close(struct buf *b, char bracket)
{
	buf_chr(b, bracket);
}

bool json_str(struct buf *b, const char *key, const char *s, size_t len)
{
	bool repaired;

	put_key(b, key);
	buf_chr(b, '"');
	repaired = put_text(b, s, len);
	buf_chr(b, '"');
	return repaired;
}

void json_cstr(struct buf *b, const char *key, const char *s)
{
	if (s)
		json_str(b, key, s, strlen(s));
	else
		json_null(b, key);
}

void json_int(struct buf *b, const char *key, int64_t v)
{
	put_key(b, key);
	buf_fmt(b, "%lld", (long long)v);
}

void json_bool(struct buf *b, const char *key, bool v)
{
	put_key(b, key);
	buf_str(b, v ? "true" : "false");
}

void json_null(struct buf *b, const char *key)
{
	put_key(b, key);
	buf_str(b, "null");
}

void json_raw(struct buf *b, const char *key, const char *text, size_t len)
{
	put_key(b, key);
	buf_add(b, text, len);
}

/* ---- checking ---- */

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

static inline const char *blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static int hex4(const char *p, const char *end)
{
	int v = 0, i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char d = p[i];

		v <<= 4;
		if (d >= '0' && d <= '9')
			v |= d - '0';
		else if (d >= 'a' && d <= 'f')
			v |= d - 'a' + 10;
		else if (d >= 'A' && d <= 'F')
			v |= d - 'A' + 10;
		else
			return -1;
	}
	return v;
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

/* ---- reading ---- */

/* After the string whose opening quote is at p - 1. */
static const char *skip_string(const char *p, const char *end)
{
	while (p < end) {
		p = plain(p, end);
		if (p == end)
			break;
		if (*p == '"')
			return p + 1;
		p += *p == '\\' ? 2 : 1;
	}
	return end;
}

/* After the value at p. Strings matter (they may hold brackets), little else does. */
static const char *skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		switch (*p++) {
		case '"':
			p = skip_string(p, end);
			break;
		case '{': case '[':
			depth++;
			continue;
		case '}': case ']':
			if (depth)
				depth--;
			break;
		case ',': case ':': case ' ': case '\t': case '\n': case '\r':
			continue;
		default:	/* number or word */
			while (p < end && !strchr(",]} \t\n\r", *p))
				p++;
		}
		if (depth == 0)
			break;
	}
	return p < end ? p : end;
}

static struct span take_value(const char **p, const char *end)
{
	struct span v = { *p, 0 };

	*p = skip_value(*p, end);
	v.len = (size_t)(*p - v.p);
	return v;
}

/* The walkers leave `it` at the comma before the next one, or at the bracket
 * that closes: neither can start an array, so the first call is told apart. */
static bool step(struct span *it, char open, char close, const char **p)
{
	const char *end = it->p + it->len;

	if (!it->p || it->len == 0 || (*it->p != ',' && *it->p != open))
		return false;
	*p = blanks(it->p + 1, end);
	return *p < end && **p != close;
}

static void leave(struct span *it, const char *p)
{
	const char *end = it->p + it->len;

	p = blanks(p, end);
	it->p = p;
	it->len = (size_t)(end - p);
}

bool json_elem(struct span *it, struct span *elem_out)
{
	const char *p;

	if (!step(it, '[', ']', &p))
		return false;
	*elem_out = take_value(&p, it->p + it->len);
	leave(it, p);
	return true;
}

bool json_member(struct span *it, struct span *key_out, struct span *val_out)
{
	const char *end = it->p + it->len, *p;

	if (it->p && it->len && *it->p == '"')
		p = it->p;
	else if (!step(it, '{', '}', &p))
		return false;
	if (*p != '"')
		return false;
	key_out->p = ++p;
	p = skip_string(p, end);
	key_out->len = (size_t)(p - key_out->p);
	if (key_out->len)
		key_out->len--;
	p = blanks(p, end);
	if (p == end || *p != ':')
		return false;
	p = blanks(p + 1, end);
	*val_out = take_value(&p, end);
	leave(it, p);
	return true;
}

struct span json_get(struct span v, const char *path)
{
	while (v.p && *path) {
		size_t n = strcspn(path, ".");
		struct span it = v, key, val;

		v = (struct span){ 0 };
		if (!it.p || json_type(it) != '{')
			break;
		while (json_member(&it, &key, &val)) {
			if (key.len == n && memcmp(key.p, path, n) == 0) {
				v = val;
				break;
			}
		}
		path += n;
		if (*path == '.')
			path++;
	}
	return v;
}

char json_type(struct span v)
{
	return v.p && v.len ? *v.p : 0;
}

static void put_char(struct buf *b, unsigned long c)
{
	if (c == 0)
		c = 0xfffd;
	if (c < 0x80) {
		buf_chr(b, (char)c);
	} else if (c < 0x800) {
		buf_add(b, (char[]){ (char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)) }, 2);
	} else if (c < 0x10000) {
		buf_add(b, (char[]){ (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
			(char)(0x80 | (c & 63)) }, 3);
	} else {
		buf_add(b, (char[]){ (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
			(char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)) }, 4);
	}
}

/* p is after "\u"; the result after what was used. */
static const char *put_unicode(struct buf *b, const char *p, const char *end)
{
	int high = hex4(p, end), low;

	if (high < 0) {
		put_char(b, 0xfffd);
		return end;
	}
	p += 4;
	if (high < 0xd800 || high > 0xdfff) {
		put_char(b, (unsigned long)high);
		return p;
	}
	low = end - p >= 2 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2, end) : -1;
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff) {
		put_char(b, 0xfffd);
		return p;
	}
	put_char(b, 0x10000ul + ((unsigned long)(high - 0xd800) << 10) + (unsigned long)(low - 0xdc00));
	return p + 6;
}

static const char *put_escape(struct buf *b, const char *p, const char *end)
{
	if (p == end)
		return end;
	switch (*p) {
	case 'b':
		buf_chr(b, '\b');
		break;
	case 'f':
		buf_chr(b, '\f');
		break;
	case 'n':
		buf_chr(b, '\n');
		break;
	case 'r':
		buf_chr(b, '\r');
		break;
	case 't':
		buf_chr(b, '\t');
		break;
	case 'u':
		return put_unicode(b, p + 1, end);
	default:
		buf_chr(b, *p);
	}
	return p + 1;
}

bool json_text(struct span v, struct buf *b)
{
	const char *p, *end, *slash;

	if (json_type(v) != '"' || v.len < 2)
		return false;
	p = v.p + 1;
	end = v.p + v.len - 1;
	while (p < end) {
		slash = memchr(p, '\\', (size_t)(end - p));
		buf_add(b, p, (size_t)((slash ? slash : end) - p));
		if (!slash)
			break;
		p = put_escape(b, slash + 1, end);
	}
	return true;
}

bool json_is(struct span v, const char *s)
{
	size_t n = strlen(s);

	return json_type(v) == '"' && v.len == n + 2 && memcmp(v.p + 1, s, n) == 0;
}

bool json_get_int(struct span v, int64_t *out)
{
	bool minus = json_type(v) == '-';
	const char *p, *end;
	int64_t n = 0;

	if (!v.p)
		return false;
	p = v.p + minus;
	end = v.p + v.len;
	if (p == end)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (*p - '0');
		if (n > (int64_t)1 << 53)
			return false;
	}
	*out = minus ? -n : n;
	return true;
}

bool json_true(struct span v)
{
	return v.p && v.len == 4 && memcmp(v.p, "true", 4) == 0;
}
