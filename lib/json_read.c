/* json_read.c - values out of JSON that has been checked, see json.h. */
#include <string.h>
#include "json.h"
#include "json_bytes.h"

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
