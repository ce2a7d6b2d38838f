/* json.c - writing JSON, see json.h. Checking and reading are in json_check.c and json_read.c. */
#include <string.h>
#include "json.h"
#include "json_bytes.h"

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
