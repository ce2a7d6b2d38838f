/*
 * normal.c - the form of an address in which it is compared: routing, settings.
 *
 * Domains: A-labels in lower case (IDNA 2008 with the mapping of UTS #46, by libidn2). Local parts: lower
 * case, NFC, no needless quotes. SMTP leaves the case of local parts to the receiver (RFC 5321 2.4); we are it.
 */
#include <idn2.h>
#include <locale.h>
#include <string.h>
#include <wctype.h>

#include "header.h"
#include "json.h"

static bool high(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return true;
	return false;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ---- domains ---- */

/* Labels of letters, digits, '-' and (as many send it) '_', 1-63 each. */
static bool good_domain(const char *p, size_t n)
{
	size_t label = 0;

	if (n == 0 || n > DOMAIN_MAX_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = lower(p[i]);

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_') {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return label > 0;
}

static bool good_literal(const char *p, size_t n)
{
	if (n < 3 || n > DOMAIN_MAX_BYTES || p[0] != '[' || p[n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < n; i++) {
		char c = lower(p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-'))
			return false;
	}
	return true;
}

static void add_lower(const char *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_chr(out, lower(p[i]));
}

static enum status no_domain(const char *p, size_t n)
{
	return st_fail(ST_BAD, "no domain name: %.*s", (int)(n < 100 ? n : 100), p);
}

enum status domain_normal(const char *p, size_t n, struct buf *out)
{
	char name[4 * DOMAIN_MAX_BYTES + 1];
	uint8_t *ascii = NULL;
	enum status st = ST_OK;

	if (n > 1 && p[n - 1] == '.')
		n--;
	if (good_literal(p, n) || good_domain(p, n)) {
		add_lower(p, n, out);
		return out->failed ? st_fail(ST_NOMEM, "domain: out of memory") : ST_OK;
	}
	if (n == 0 || n >= sizeof(name) || !high(p, n) || memchr(p, '\0', n) || !utf8_valid(p, n))
		return no_domain(p, n);
	memcpy(name, p, n);
	name[n] = '\0';
	if (idn2_lookup_u8((uint8_t *)name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return no_domain(p, n);
	n = strlen((char *)ascii);
	if (n > 1 && ascii[n - 1] == '.')	/* an ideographic full stop at the end */
		n--;
	/* The mapping can make '/' or blanks of what was none. */
	if (good_domain((char *)ascii, n))
		add_lower((char *)ascii, n, out);
	else
		st = no_domain(p, n);
	idn2_free(ascii);
	return st;
}

enum status domain_utf8(const char *p, size_t n, struct buf *out)
{
	struct buf ascii = { 0 }, back = { 0 };
	char *utf8 = NULL;
	enum status st = domain_normal(p, n, &ascii);

	if (st == ST_OK && memmem(ascii.p, ascii.len, "xn--", 4) &&
			idn2_to_unicode_8z8z(ascii.p, &utf8, 0) == IDN2_OK &&
			utf8_valid(utf8, strlen(utf8)) &&
			domain_normal(utf8, strlen(utf8), &back) == ST_OK &&
			back.len == ascii.len && memcmp(back.p, ascii.p, ascii.len) == 0)
		buf_str(out, utf8);
	else if (st == ST_OK)
		buf_add(out, ascii.p, ascii.len);
	idn2_free(utf8);
	buf_free(&ascii);
	buf_free(&back);
	return st;
}

/* ---- local parts ---- */

static bool atom_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("()<>[]:;@\\,\"", c);
}

/* Lower case of a UTF-8 word. C.UTF-8 is part of libc; without it, as it is. */
static void add_lower_utf8(const char *p, size_t n, struct buf *out)
{
	static locale_t c_utf8;
	const unsigned char *s = (const unsigned char *)p;

	if (!c_utf8)
		c_utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	for (size_t i = 0; i < n;) {
		size_t k = s[i] < 0x80 ? 1 : s[i] < 0xe0 ? 2 : s[i] < 0xf0 ? 3 : 4;
		uint32_t cp = k == 1 ? s[i] : s[i] & (0x7fu >> k);

		for (size_t j = 1; j < k && i + j < n; j++)
			cp = cp << 6 | (s[i + j] & 63);
		if (c_utf8)
			cp = (uint32_t)towlower_l((wint_t)cp, c_utf8);
		utf8_put(out, cp);
		i += k;
	}
}

/* NFC comes with libidn2's mapping; a word that is no label keeps its composition. */
static void add_nfc(const char *p, size_t n, struct buf *out)
{
	struct buf low = { 0 };
	uint8_t *ascii = NULL;
	char *utf8 = NULL;

	add_lower_utf8(p, n, &low);
	if (low.len && idn2_lookup_u8((uint8_t *)low.p, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
			idn2_to_unicode_8z8z((char *)ascii, &utf8, 0) == IDN2_OK && utf8_valid(utf8, strlen(utf8)))
		buf_str(out, utf8);
	else
		buf_add(out, low.p, low.len);
	out->failed |= low.failed;
	idn2_free(ascii);
	idn2_free(utf8);
	buf_free(&low);
}

/* Word by word, where a word is letters, digits and what is not ASCII. */
static void fold_local(const char *p, size_t n, struct buf *out)
{
	size_t i = 0, j;

	while (i < n) {
		for (j = i; j < n; j++) {
			char c = lower(p[j]);

			if (!((unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
				break;
		}
		if (high(p + i, j - i))
			add_nfc(p + i, j - i, out);
		else
			add_lower(p + i, j - i, out);
		if (j < n)
			buf_chr(out, p[j++]);
		i = j;
	}
}

/* The local part without quotes and escapes. False: it is none. */
static bool unquote(const char *p, size_t n, struct buf *out)
{
	bool quoted = n >= 2 && p[0] == '"' && p[n - 1] == '"';

	for (size_t i = quoted; i < n - quoted; i++) {
		unsigned char c = (unsigned char)p[i];

		if (quoted && c == '\\' && i + 2 < n)
			c = (unsigned char)p[++i];
		else if (quoted ? c == '"' || c == '\\' : !atom_char((char)c))
			return false;
		if (c < ' ' || c == 0x7f)
			return false;
		buf_chr(out, (char)c);
	}
	return out->len > 0 && out->len <= LOCAL_MAX_BYTES;
}

static void add_local(const struct buf *folded, struct buf *out)
{
	bool plain = folded->p[0] != '.';

	for (size_t i = 0; plain && i < folded->len; i++)
		plain = atom_char(folded->p[i]);
	if (plain) {
		buf_add(out, folded->p, folded->len);
		return;
	}
	buf_chr(out, '"');
	for (size_t i = 0; i < folded->len; i++) {
		if (folded->p[i] == '"' || folded->p[i] == '\\')
			buf_chr(out, '\\');
		buf_chr(out, folded->p[i]);
	}
	buf_chr(out, '"');
}

enum status address_normal(const char *p, size_t n, struct buf *out)
{
	struct buf local = { 0 }, folded = { 0 };
	size_t was = out->len;
	const char *at;
	enum status st = ST_BAD;

	while (n && (p[0] == ' ' || p[0] == '<')) {
		p++;
		n--;
	}
	while (n && (p[n - 1] == ' ' || p[n - 1] == '>'))
		n--;
	at = n ? memrchr(p, '@', n) : NULL;
	if (at && at > p && utf8_valid(p, n) && unquote(p, (size_t)(at - p), &local)) {
		fold_local(local.p, local.len, &folded);
		if (!folded.failed && folded.len && folded.len <= LOCAL_MAX_BYTES) {
			add_local(&folded, out);
			buf_chr(out, '@');
			st = domain_normal(at + 1, (size_t)(p + n - at - 1), out);
		}
	}
	if (local.failed || folded.failed || out->failed)
		st = ST_NOMEM;
	buf_free(&local);
	buf_free(&folded);
	if (st == ST_OK)
		return ST_OK;
	if (out->p)
		out->p[was] = '\0';
	out->len = was;
	return st_fail(st, "no address: %.*s", (int)(n < 100 ? n : 100), n ? p : "");
}
