/* json_bytes.h - within json*.c: walking over text eight bytes at a time. See json.h. */
#ifndef WEIR_JSON_BYTES_H
#define WEIR_JSON_BYTES_H

#include <stdint.h>
#include <string.h>

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

static inline const char *blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

static inline int hex4(const char *p, const char *end)
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

#endif
