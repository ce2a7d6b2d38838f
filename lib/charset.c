/*
 * charset.c - charset names as mail writes them, and conversion to UTF-8.
 */
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

#define FFFD "\xef\xbf\xbd"

/* ---- UTF-8 ---- */

void utf8_put(struct buf *out, uint32_t cp)
{
	char b[4];

	if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	if (cp < 0x80) {
		buf_chr(out, (char)cp);
	} else if (cp < 0x800) {
		b[0] = (char)(0xc0 | cp >> 6);
		b[1] = (char)(0x80 | (cp & 63));
		buf_add(out, b, 2);
	} else if (cp < 0x10000) {
		b[0] = (char)(0xe0 | cp >> 12);
		b[1] = (char)(0x80 | (cp >> 6 & 63));
		b[2] = (char)(0x80 | (cp & 63));
		buf_add(out, b, 3);
	} else {
		b[0] = (char)(0xf0 | cp >> 18);
		b[1] = (char)(0x80 | (cp >> 12 & 63));
		b[2] = (char)(0x80 | (cp >> 6 & 63));
		b[3] = (char)(0x80 | (cp & 63));
		buf_add(out, b, 4);
	}
}

/* The length of the plain ASCII, without NUL, that p begins with. */
static size_t ascii_run(const unsigned char *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t w;

		memcpy(&w, p + i, 8);
		if ((w | (w - 0x0101010101010101u)) & 0x8080808080808080u)
			break;		/* a high byte, or (perhaps) a NUL */
	}
	while (i < n && p[i] && p[i] < 0x80)
		i++;
	return i;
}

/* RFC 3629: the bytes of the well-formed character at p (0: none there), and in *bad_out
 * how many of a broken one belong together (Unicode 3.9, maximal subpart). */
static size_t utf8_char(const unsigned char *p, size_t n, size_t *bad_out)
{
	unsigned char c = p[0], lo = 0x80, hi = 0xbf;
	size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	*bad_out = 1;
	if (len <= 1)
		return c ? len : 0;
	if (c == 0xe0)
		lo = 0xa0;
	else if (c == 0xed)
		hi = 0x9f;
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;
	for (size_t i = 1; i < len; i++) {
		if (i >= n || p[i] < lo || p[i] > hi) {
			*bad_out = i;
			return 0;
		}
		lo = 0x80;
		hi = 0xbf;
	}
	return len;
}

/* The length of the well-formed text, without NUL, that p begins with. */
static size_t utf8_run(const unsigned char *p, size_t n)
{
	size_t i = 0, bad;

	while (i < n) {
		size_t k = ascii_run(p + i, n - i);

		i += k;
		if (i < n && k == 0) {
			k = utf8_char(p + i, n - i, &bad);
			if (k == 0)
				break;
			i += k;
		}
	}
	return i;
}

int utf8_repair(const char *p, size_t n, struct buf *out)
{
	const unsigned char *s = (const unsigned char *)p;
	int bits = 0;

	while (n) {
		size_t k = utf8_run(s, n), bad;

		buf_add(out, s, k);
		s += k;
		n -= k;
		if (n) {
			utf8_char(s, n, &bad);
			buf_add(out, FFFD, 3);
			s += bad;
			n -= bad;
			bits = HDR_BAD_BYTES;
		}
	}
	return bits;
}

/* ---- names ---- */

enum how { NONE, UTF8, ASCII, W1252, UTF16, JIS, HZ, ICONV };

/* Names without their punctuation, and what we convert them with: often a superset,
 * because what is sent under the name is (encoding.spec.whatwg.org, 4.2). Sorted by key. */
static const struct alias { const char *key, *iconv; enum how how; } aliases[] = {
	{ "646", NULL, ASCII },
	{ "88591", NULL, W1252 },
	{ "arabic", "ISO-8859-6", ICONV },
	{ "armscii8", "ARMSCII-8", ICONV },
	{ "ascii", NULL, ASCII },
	{ "asmo708", "ISO-8859-6", ICONV },
	{ "big5", "BIG5-HKSCS", ICONV },
	{ "big5eten", "BIG5-HKSCS", ICONV },
	{ "big5hkscs", "BIG5-HKSCS", ICONV },
	{ "cnbig5", "BIG5-HKSCS", ICONV },
	{ "cngb", "GB18030", ICONV },
	{ "cp949", "CP949", ICONV },
	{ "cyrillic", "ISO-8859-5", ICONV },
	{ "eccp932", "CP932", ICONV },
	{ "euccn", "GB18030", ICONV },
	{ "eucjp", "EUC-JP-MS", ICONV },
	{ "euckr", "CP949", ICONV },
	{ "euctw", "EUC-TW", ICONV },
	{ "gb18030", "GB18030", ICONV },
	{ "gb2312", "GB18030", ICONV },
	{ "gb231280", "GB18030", ICONV },
	{ "gbk", "GB18030", ICONV },
	{ "georgianps", "GEORGIAN-PS", ICONV },
	{ "greek", "ISO-8859-7", ICONV },
	{ "hebrew", "ISO-8859-8", ICONV },
	{ "hzgb2312", NULL, HZ },
	{ "iso10646ucs2", NULL, UTF16 },
	{ "iso2022cn", "ISO-2022-CN", ICONV },
	{ "iso2022jp", NULL, JIS },
	{ "iso2022jp1", NULL, JIS },
	{ "iso2022jp2", "ISO-2022-JP-2", ICONV },
	{ "iso2022jp3", NULL, JIS },
	{ "iso2022jpms", NULL, JIS },
	{ "iso2022kr", "ISO-2022-KR", ICONV },
	{ "iso646us", NULL, ASCII },
	{ "isoir6", NULL, ASCII },
	{ "isoir100", NULL, W1252 },
	{ "jis", NULL, JIS },
	{ "johab", "JOHAB", ICONV },
	{ "koi8", "KOI8-R", ICONV },
	{ "koi8r", "KOI8-R", ICONV },
	{ "koi8ru", "KOI8-RU", ICONV },
	{ "koi8t", "KOI8-T", ICONV },
	{ "koi8u", "KOI8-U", ICONV },
	{ "korean", "CP949", ICONV },
	{ "ksc5601", "CP949", ICONV },
	{ "ksc56011987", "CP949", ICONV },
	{ "ksc56011989", "CP949", ICONV },
	{ "l1", NULL, W1252 },
	{ "l2", "ISO-8859-2", ICONV },
	{ "latin1", NULL, W1252 },
	{ "latin2", "ISO-8859-2", ICONV },
	{ "latin3", "ISO-8859-3", ICONV },
	{ "latin4", "ISO-8859-4", ICONV },
	{ "latin5", "WINDOWS-1254", ICONV },
	{ "latin6", "ISO-8859-10", ICONV },
	{ "latin9", "ISO-8859-15", ICONV },
	{ "mac", "MACINTOSH", ICONV },
	{ "macce", "MAC-CENTRALEUROPE", ICONV },
	{ "maccentraleurroman", "MAC-CENTRALEUROPE", ICONV },
	{ "maccyrillic", "MAC-CYRILLIC", ICONV },
	{ "macicelandic", "MAC-IS", ICONV },
	{ "macintosh", "MACINTOSH", ICONV },
	{ "macroman", "MACINTOSH", ICONV },
	{ "macukrainian", "MAC-UK", ICONV },
	{ "ms932", "CP932", ICONV },
	{ "ms936", "GB18030", ICONV },
	{ "ms949", "CP949", ICONV },
	{ "ms950", "CP950", ICONV },
	{ "mskanji", "CP932", ICONV },
	{ "shiftjis", "CP932", ICONV },
	{ "sjis", "CP932", ICONV },
	{ "tcvn", "TCVN", ICONV },
	{ "thai", "CP874", ICONV },
	{ "tis620", "CP874", ICONV },
	{ "ucs2", NULL, UTF16 },
	{ "ucs4", "UCS-4", ICONV },
	{ "uhc", "CP949", ICONV },
	{ "unicode", NULL, UTF16 },
	{ "unicode11utf7", "UTF-7", ICONV },
	{ "unicode20utf7", "UTF-7", ICONV },
	{ "unicode11utf8", NULL, UTF8 },
	{ "unicode20utf8", NULL, UTF8 },
	{ "us", NULL, ASCII },
	{ "usascii", NULL, ASCII },
	{ "utf16", NULL, UTF16 },
	{ "utf16be", "UTF-16BE", ICONV },
	{ "utf16le", "UTF-16LE", ICONV },
	{ "utf32", "UTF-32", ICONV },
	{ "utf32be", "UTF-32BE", ICONV },
	{ "utf32le", "UTF-32LE", ICONV },
	{ "utf7", "UTF-7", ICONV },
	{ "utf8", NULL, UTF8 },
	{ "utf8mb3", NULL, UTF8 },
	{ "utf8mb4", NULL, UTF8 },
	{ "viscii", "VISCII", ICONV },
	{ "visual", "ISO-8859-8", ICONV },
	{ "win874", "CP874", ICONV },
};

struct charset { enum how how; char name[24]; };

/* Lower-case letters and digits only; a leading "x-" or "cs" prefix is the caller's. 0: too long. */
static size_t squeeze(const char *p, size_t n, char key[CHARSET_NAME_MAX + 1])
{
	size_t k = 0;

	if (n > CHARSET_NAME_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			key[k++] = c;
	}
	key[k] = '\0';
	return k;
}

/* The number at s, if nothing but `tail` follows it; else 0. */
static unsigned number_only(const char *s, const char *tail)
{
	char *end;
	unsigned long v;

	if (*s < '1' || *s > '9')
		return 0;
	v = strtoul(s, &end, 10);
	return v < 100000 && (*end == '\0' || strcmp(end, tail) == 0) ? (unsigned)v : 0;
}

static bool code_page(unsigned cp, struct charset *out)
{
	static const struct { unsigned short cp; const char *name; } east[] = {
		{ 932, "CP932" }, { 936, "GB18030" }, { 949, "CP949" }, { 950, "CP950" },
		{ 1361, "JOHAB" }, { 874, "CP874" }, { 10000, "MACINTOSH" }, { 10007, "MAC-CYRILLIC" },
		{ 10029, "MAC-CENTRALEUROPE" }, { 20866, "KOI8-R" }, { 21866, "KOI8-U" },
		{ 28592, "ISO-8859-2" }, { 28595, "ISO-8859-5" }, { 28605, "ISO-8859-15" },
		{ 51932, "EUC-JP-MS" }, { 51949, "CP949" }, { 54936, "GB18030" }, { 65000, "UTF-7" },
	};

	*out = (struct charset){ .how = ICONV };
	if (cp == 1252 || cp == 28591) {
		out->how = W1252;
	} else if (cp == 65001) {
		out->how = UTF8;
	} else if (cp == 20127 || cp == 367) {
		out->how = ASCII;
	} else if (cp == 50220 || cp == 50221 || cp == 50222) {
		out->how = JIS;
	} else if (cp >= 1250 && cp <= 1258) {
		memcpy(out->name, "WINDOWS-125", 11);
		out->name[11] = (char)('0' + cp % 10);
	} else if (cp == 437 || cp == 737 || cp == 775 || (cp >= 850 && cp <= 869)) {
		memcpy(out->name, "CP", 2);
		for (int i = 4; i >= 2; i--, cp /= 10)
			out->name[i] = (char)('0' + cp % 10);
	} else {
		for (size_t i = 0; i < sizeof(east) / sizeof(east[0]); i++)
			if (east[i].cp == cp)
				strcpy(out->name, east[i].name);
		if (!out->name[0])
			out->how = NONE;
	}
	return out->how != NONE;
}

static bool iso_8859(unsigned part, struct charset *out)
{
	/* WHATWG: 1 is windows-1252, 9 windows-1254, 11 windows-874; there is no 12. */
	*out = (struct charset){ .how = ICONV };
	if (part == 0 || part == 12 || part > 16)
		return false;
	if (part == 1)
		out->how = W1252;
	else if (part == 9)
		strcpy(out->name, "WINDOWS-1254");
	else if (part == 11)
		strcpy(out->name, "CP874");
	else {
		memcpy(out->name, "ISO-8859-", 9);
		if (part >= 10)
			out->name[9] = '1';
		out->name[part >= 10 ? 10 : 9] = (char)('0' + part % 10);
	}
	return true;
}

static bool lookup_key(const char *key, struct charset *out)
{
	static const char *const prefix[] = { "windows", "win", "cp", "ibm", "microsoftcp", "oem" };

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcmp(aliases[i].key, key) == 0) {
			*out = (struct charset){ .how = aliases[i].how };
			if (aliases[i].iconv)
				strcpy(out->name, aliases[i].iconv);
			return true;
		}
	}
	if (strncmp(key, "ansix34", 7) == 0) {
		*out = (struct charset){ .how = ASCII };
		return true;
	}
	if (strncmp(key, "iso8859", 7) == 0) {
		unsigned part = number_only(key + 7, "");

		/* "iso-8859-1:1987" and so on; "iso-8859-8-i" and "-e": logical order either way */
		if (!part)
			part = number_only(key + 7, "i");
		if (!part)
			part = number_only(key + 7, "e");
		while (part > 16 && part >= 10000)
			part /= 10000;
		return iso_8859(part, out);
	}
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		size_t n = strlen(prefix[i]);
		unsigned cp = strncmp(key, prefix[i], n) == 0 ? number_only(key + n, "") : 0;

		if (cp)
			return code_page(cp, out);
	}
	return false;
}

static bool lookup(const char *cs, size_t n, struct charset *out)
{
	char key[CHARSET_NAME_MAX + 1];
	size_t len;

	while (n && ((unsigned char)*cs <= ' ' || *cs == '"' || *cs == '\'')) {
		cs++;
		n--;
	}
	len = squeeze(cs, n, key);
	if (len == 0)
		return false;
	if (lookup_key(key, out))
		return true;
	/* "x-sjis", "csISO2022JP" */
	if (len > 1 && key[0] == 'x' && n > 1 && (cs[1] == '-' || cs[1] == '_'))
		return lookup_key(key + 1, out);
	if (len > 2 && key[0] == 'c' && key[1] == 's')
		return lookup_key(key + 2, out);
	return false;
}

/* ---- iconv, opened once per charset ---- */

#define OPEN_MAX_CHARSETS 16

static struct { char name[24]; iconv_t cd; unsigned used; } opened[OPEN_MAX_CHARSETS];

static iconv_t converter(const char *name)
{
	static unsigned clock;
	size_t oldest = 0;
	iconv_t cd;

	for (size_t i = 0; i < OPEN_MAX_CHARSETS; i++) {
		if (strcmp(opened[i].name, name) == 0) {
			opened[i].used = ++clock;
			iconv(opened[i].cd, NULL, NULL, NULL, NULL);
			return opened[i].cd;
		}
		if (opened[i].used < opened[oldest].used)
			oldest = i;
	}
	cd = iconv_open("UTF-8", name);
	if (cd == (iconv_t)-1)
		return cd;
	if (opened[oldest].name[0])
		iconv_close(opened[oldest].cd);
	strcpy(opened[oldest].name, name);
	opened[oldest].cd = cd;
	opened[oldest].used = ++clock;
	return cd;
}

/* step: bytes to skip where nothing fits (the charset's unit). */
static int by_iconv(iconv_t cd, size_t step, const char *p, size_t n, struct buf *out)
{
	char tmp[4096];
	char *in = (char *)(uintptr_t)p;
	bool flushed = false;
	int bits = 0;

	while (!flushed && !out->failed) {
		char *w = tmp;
		size_t room = sizeof(tmp), rc;

		flushed = n == 0;
		rc = flushed ? iconv(cd, NULL, NULL, &w, &room) : iconv(cd, &in, &n, &w, &room);
		/* own check of what comes back: NUL, and converters that make surrogates */
		bits |= utf8_repair(tmp, (size_t)(w - tmp), out);
		if (rc == (size_t)-1 && n && (errno != E2BIG || w == tmp)) {
			buf_add(out, FFFD, 3);
			bits |= HDR_BAD_BYTES;
			step = step < n ? step : n;
			in += step;
			n -= step;
		}
	}
	return bits;
}

/* ---- our own converters ---- */

static int by_1252(const char *p, size_t n, struct buf *out)
{
	static const unsigned short high[32] = {
		0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
		0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
	};
	const unsigned char *s = (const unsigned char *)p;
	int bits = 0;

	while (n) {
		size_t k = ascii_run(s, n);

		buf_add(out, s, k);
		s += k;
		n -= k;
		for (; n && (*s >= 0x80 || *s == 0); s++, n--) {
			utf8_put(out, *s >= 0x80 && *s < 0xa0 ? high[*s - 0x80] : *s);
			if (!*s)
				bits = HDR_BAD_BYTES;
		}
	}
	return bits;
}

/*
 * ISO-2022-JP (RFC 1468) by way of CP932: the same characters in other clothes, and so the rows that
 * NEC and IBM added, which Japanese mailers send under this name, and half-width katakana
 * (ESC ( I) decode. ESC $ @, ESC $ B, ESC & @: two bytes; ESC ( x: one; ESC $ ( x: JIS X 0212/0213, U+FFFD.
 */
static int by_jis(const char *p, size_t n, struct buf *out)
{
	struct buf sjis = { 0 };
	enum { ONE, KANA, TWO, OTHER } mode = ONE;
	int bits = 0;

	for (size_t i = 0; i < n && !sjis.failed; i++) {
		unsigned char a = (unsigned char)p[i], b = i + 1 < n ? (unsigned char)p[i + 1] : 0;

		if (a == 0x1b && b == '(' && i + 2 < n) {
			mode = p[i + 2] == 'I' ? KANA : ONE;
			i += 2;
		} else if (a == 0x1b && b == '$' && i + 3 < n && p[i + 2] == '(') {
			mode = OTHER;
			i += 3;
		} else if (a == 0x1b && b == '$' && i + 2 < n) {
			mode = TWO;
			i += 2;
		} else if (a == 0x1b && b == '&' && i + 2 < n) {
			i += 2;			/* announces the revision of the next */
		} else if (a == '\n' || a == '\r') {
			mode = ONE;		/* RFC 1468: lines end in ASCII */
			buf_chr(&sjis, (char)a);
		} else if (a <= 0x20 || a == 0x7f || mode == ONE) {
			buf_chr(&sjis, (char)a);
		} else if (mode == KANA) {
			buf_chr(&sjis, (char)(a | 0x80));
		} else if (b < 0x21 || b > 0x7e || a > 0x7e || mode == OTHER) {
			buf_add(&sjis, "\xfc\xfc", 2);	/* nothing is there: U+FFFD */
			i += b > 0x20 && mode == OTHER;
		} else {
			unsigned char s1 = (unsigned char)((a - 0x21) / 2 + 0x81);
			unsigned char s2 = (unsigned char)(a & 1 ? b + 0x1f + (b >= 0x60) : b + 0x7e);
			char two[2] = { (char)(s1 >= 0xa0 ? s1 + 0x40 : s1), (char)s2 };

			buf_add(&sjis, two, 2);
			i++;
		}
	}
	if (converter("CP932") == (iconv_t)-1)
		bits = utf8_repair(sjis.p, sjis.len, out);
	else
		bits = by_iconv(converter("CP932"), 1, sjis.p, sjis.len, out);
	if (sjis.failed)
		out->failed = true;
	buf_free(&sjis);
	return bits;
}

/* HZ (RFC 1843): ~{ to ~} are GB 2312 characters with the high bits off. */
static int by_hz(const char *p, size_t n, struct buf *out)
{
	struct buf gb = { 0 };
	bool two = false;
	int bits;

	for (size_t i = 0; i < n && !gb.failed; i++) {
		char next = i + 1 < n ? p[i + 1] : 0;

		if (p[i] == '~' && (next == '{' || next == '}')) {
			two = next == '{';
			i++;
		} else if (p[i] == '~' && (next == '~' || next == '\n') && !two) {
			if (next == '~')
				buf_chr(&gb, '~');
			i++;
		} else {
			if (p[i] == '\n')
				two = false;
			buf_chr(&gb, (char)(two && p[i] > ' ' ? p[i] | 0x80 : p[i]));
		}
	}
	if (converter("GB18030") == (iconv_t)-1)
		bits = utf8_repair(gb.p, gb.len, out);
	else
		bits = by_iconv(converter("GB18030"), 1, gb.p, gb.len, out);
	if (gb.failed)
		out->failed = true;
	buf_free(&gb);
	return bits;
}

/* UTF-16 without a mark is big-endian by RFC 2781 and little-endian in practice: where the zeros are tells. */
static const char *utf16_order(const char *p, size_t n)
{
	size_t even = 0, odd = 0;

	if (n >= 2 && (unsigned char)p[0] == 0xfe && (unsigned char)p[1] == 0xff)
		return "UTF-16BE";
	if (n >= 2 && (unsigned char)p[0] == 0xff && (unsigned char)p[1] == 0xfe)
		return "UTF-16LE";
	for (size_t i = 0; i + 1 < n && i < 512; i += 2) {
		even += p[i] == 0;
		odd += p[i + 1] == 0;
	}
	return odd > even ? "UTF-16LE" : "UTF-16BE";
}

static bool has_jis_escape(const char *p, size_t n)
{
	const char *esc = n > 5 ? memmem(p, n, "\x1b$", 2) : NULL;

	return esc && (size_t)(p + n - esc) > 2 && (esc[2] == 'B' || esc[2] == '@');
}

static bool utf8_but_for_nul(const unsigned char *p, size_t n)
{
	size_t i = 0, k;

	for (; i < n; i += k) {
		k = p[i] ? utf8_run(p + i, n - i) : 1;
		if (k == 0)
			return false;
	}
	return true;
}

/* No charset that helps. */
static int guess(const char *p, size_t n, struct buf *out)
{
	if (has_jis_escape(p, n) && ascii_run((const unsigned char *)p, n) == n)
		return by_jis(p, n, out);
	if (utf8_run((const unsigned char *)p, n) == n) {
		buf_add(out, p, n);
		return 0;
	}
	if (utf8_but_for_nul((const unsigned char *)p, n))	/* NUL is no sign of windows-1252 */
		return utf8_repair(p, n, out);
	return HDR_RAW_8BIT | by_1252(p, n, out);
}

bool charset_known(const char *cs, size_t cs_len)
{
	struct charset c;

	if (!lookup(cs, cs_len, &c))
		return false;
	return c.how != ICONV || converter(c.name) != (iconv_t)-1;
}

int charset_to_utf8(const char *cs, size_t cs_len, const char *p, size_t n, struct buf *out)
{
	struct charset c = { .how = NONE };
	const char *order;
	iconv_t cd;
	size_t step = 1;

	if (n == 0)
		return 0;
	if (!cs || cs_len == 0)
		return guess(p, n, out);
	if (!lookup(cs, cs_len, &c))
		return HDR_BAD_CHARSET | guess(p, n, out);
	switch (c.how) {
	case UTF8:
		if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
			return utf8_repair(p + 3, n - 3, out);
		return utf8_repair(p, n, out);
	case ASCII: return guess(p, n, out);
	case W1252: return by_1252(p, n, out);
	case JIS: return by_jis(p, n, out);
	case HZ: return by_hz(p, n, out);
	case UTF16:
		order = utf16_order(p, n);
		strcpy(c.name, order);
		break;
	case ICONV:
	case NONE:
		break;
	}
	cd = converter(c.name);
	if (cd == (iconv_t)-1)
		return HDR_BAD_CHARSET | guess(p, n, out);
	if (strstr(c.name, "16") && strstr(c.name, "UTF"))
		step = 2;
	else if (strstr(c.name, "32") && strstr(c.name, "UTF"))
		step = 4;
	if (step == 2 && n >= 2 && (memcmp(p, "\xfe\xff", 2) == 0 || memcmp(p, "\xff\xfe", 2) == 0)) {
		p += 2;
		n -= 2;
	}
	return by_iconv(cd, step, p, n, out);
}
