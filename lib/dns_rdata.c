/*
 * dns_rdata.c - see dns.h and dns_back.h: names and RDATA between wire form and text, without trusting either.
 *
 * Names inside RDATA come uncompressed from both back-ends; a compression pointer is refused.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "dns.h"
#include "dns_back.h"
#include "digest.h"

/* ---- names ---- */

static bool three_digits(const char *p)
{
	return isdigit((unsigned char)p[0]) && isdigit((unsigned char)p[1]) && isdigit((unsigned char)p[2]) &&
		(p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0') <= 255;
}

/* One byte of a label at *p; *p goes behind it. */
static int label_byte(const char **p, bool escapes)
{
	const char *s = *p;
	int c = (unsigned char)*s++;

	if (escapes && c == '\\' && three_digits(s)) {
		c = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
		s += 3;
	} else if (escapes && c == '\\' && *s != '\0') {
		c = (unsigned char)*s++;
	}
	*p = s;
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

size_t dns_wire_of(const char *name, bool escapes, uint8_t wire[DNS_MAX_WIRE])
{
	size_t len = 1, start = 0;
	const char *p = name;
	int c;

	if (*p == '\0' || (p[0] == '.' && p[1] == '\0')) {
		wire[0] = 0;	/* the root */
		return 1;
	}
	while (*p) {
		if (*p == '.') {
			if (len == start + 1)
				return 0;
			wire[start] = (uint8_t)(len - start - 1);
			start = len++;
			p++;
			continue;
		}
		c = label_byte(&p, escapes);
		if (len - start > 63 || len >= DNS_MAX_WIRE - 1)
			return 0;
		wire[len++] = (uint8_t)c;
	}
	wire[start] = (uint8_t)(len - start - 1);
	if (wire[start] != 0)
		wire[len++] = 0;	/* no final dot stood there */
	return len;
}

size_t dns_wire_len(const uint8_t *wire)
{
	size_t len = 0;

	while (wire[len])
		len += 1u + wire[len];
	return len + 1;
}

size_t dns_wire_check(const uint8_t *p, size_t len)
{
	size_t at = 0;

	while (at < len && p[at] != 0) {
		if (p[at] > 63)
			return 0;
		at += 1u + p[at];
		if (at >= DNS_MAX_WIRE)
			return 0;
	}
	return at < len ? at + 1 : 0;
}

/* Bytes that mean something in a zone file, or nothing to people. */
static bool odd(int c)
{
	return c <= 0x20 || c >= 0x7f || strchr(".\\\"();@$", c) != NULL;
}

void dns_text_of(const uint8_t *wire, struct buf *out)
{
	size_t at = 0, i;

	for (; wire[at]; at += 1u + wire[at]) {
		if (at > 0)
			buf_chr(out, '.');
		for (i = 1; i <= wire[at]; i++) {
			int c = wire[at + i];

			if (odd(c))
				buf_fmt(out, "\\%03d", c);
			else
				buf_chr(out, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
		}
	}
}

/* FNV-1a; seeded, as senders choose the names. */
uint32_t dns_hash(const uint8_t *wire, size_t len, uint32_t seed)
{
	uint32_t h = 2166136261u ^ seed;

	for (size_t i = 0; i < len; i++)
		h = (h ^ wire[i]) * 16777619u;
	return h ^ (h >> 15);
}

/* ---- types ---- */

static const struct { const char *name; uint16_t type; } types[] = {
	{ "A", DNS_A }, { "NS", DNS_NS }, { "CNAME", DNS_CNAME }, { "SOA", DNS_SOA }, { "PTR", DNS_PTR }, { "MX", DNS_MX },
	{ "TXT", DNS_TXT }, { "AAAA", DNS_AAAA }, { "DS", DNS_DS }, { "SRV", 33 }, { "DNAME", 39 }, { "RRSIG", 46 },
	{ "NSEC", 47 }, { "DNSKEY", 48 }, { "NSEC3", 50 }, { "NSEC3PARAM", 51 }, { "TLSA", 52 }, { "SPF", 99 },
	{ "CAA", 257 },
};

uint16_t dns_type_of(const char *word, size_t len)
{
	char digits[6] = "";
	unsigned long n;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strlen(types[i].name) == len && !strncasecmp(types[i].name, word, len))
			return types[i].type;
	if (len < 5 || len > 9 || strncasecmp(word, "TYPE", 4) != 0)
		return 0;
	memcpy(digits, word + 4, len - 4);
	n = strspn(digits, "0123456789") == len - 4 ? strtoul(digits, NULL, 10) : 0;
	return n <= 65535 ? (uint16_t)n : 0;
}

void dns_type_name(uint16_t type, struct buf *out)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (types[i].type == type) {
			buf_str(out, types[i].name);
			return;
		}
	}
	buf_fmt(out, "TYPE%u", type);
}

/* ---- RDATA ---- */

bool dns_txt(struct span rdata, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)rdata.p;
	size_t at;

	/* RFC 1035 3.3.14: one or more strings, that fill the RDATA. */
	for (at = 0; at < rdata.len; at += 1u + p[at])
		;
	if (rdata.len == 0 || at != rdata.len)
		return false;
	for (at = 0; at < rdata.len; at += 1u + p[at])
		buf_add(out, p + at + 1, p[at]);
	return true;
}

bool dns_name(struct span rdata, size_t at, struct buf *out)
{
	if (at >= rdata.len || !dns_wire_check((const uint8_t *)rdata.p + at, rdata.len - at))
		return false;
	dns_text_of((const uint8_t *)rdata.p + at, out);
	return true;
}

bool dns_mx(struct span rdata, uint16_t *preference)
{
	const uint8_t *p = (const uint8_t *)rdata.p;

	if (rdata.len < 3 || dns_wire_check(p + 2, rdata.len - 2) != rdata.len - 2)
		return false;
	*preference = (uint16_t)(p[0] << 8 | p[1]);
	return true;
}

void dns_reverse(const uint8_t *address, bool v6, struct buf *out)
{
	int i;

	if (!v6) {
		buf_fmt(out, "%u.%u.%u.%u.in-addr.arpa", address[3], address[2], address[1], address[0]);
		return;
	}
	for (i = 15; i >= 0; i--)
		buf_fmt(out, "%x.%x.", address[i] & 15u, address[i] >> 4);
	buf_str(out, "ip6.arpa");
}

/* ---- as lines of a file ---- */

/* Character-strings as a zone file has them (RFC 1035 5.1). False: they do not fill the RDATA. */
static bool write_txt(struct span rdata, struct buf *b)
{
	struct buf whole = { 0 };
	const uint8_t *p = (const uint8_t *)rdata.p;
	bool ok = dns_txt(rdata, &whole);

	buf_free(&whole);
	for (size_t at = 0; ok && at < rdata.len; at += 1u + p[at]) {
		buf_str(b, at ? " \"" : "\"");
		for (size_t i = 1; i <= p[at]; i++) {
			int c = p[at + i];

			if (c < 0x20 || c >= 0x7f)
				buf_fmt(b, "\\%03d", c);
			else if (c == '"' || c == '\\')
				buf_fmt(b, "\\%c", c);
			else
				buf_chr(b, (char)c);
		}
		buf_chr(b, '"');
	}
	return ok;
}

static bool write_name(struct span rdata, size_t at, struct buf *b)
{
	if (at >= rdata.len || dns_wire_check((const uint8_t *)rdata.p + at, rdata.len - at) != rdata.len - at)
		return false;
	dns_text_of((const uint8_t *)rdata.p + at, b);
	buf_chr(b, '.');
	return true;
}

/* As people write it, where that says every byte; else RFC 3597 5: \# length hex. */
static void write_rdata(uint16_t type, struct span rdata, struct buf *b)
{
	char text[INET6_ADDRSTRLEN];
	size_t start = b->len;
	uint16_t preference;
	bool ok = false;

	if (type == DNS_TXT) {
		ok = write_txt(rdata, b);
	} else if ((type == DNS_A && rdata.len == 4) || (type == DNS_AAAA && rdata.len == 16)) {
		ok = inet_ntop(type == DNS_A ? AF_INET : AF_INET6, rdata.p, text, sizeof text) != NULL;
		buf_str(b, ok ? text : "");
	} else if (type == DNS_MX && dns_mx(rdata, &preference)) {
		buf_fmt(b, "%u ", preference);
		ok = write_name(rdata, 2, b);
	} else if (type == DNS_PTR || type == DNS_NS || type == DNS_CNAME) {
		ok = write_name(rdata, 0, b);
	}
	if (ok || b->failed)
		return;
	b->len = start;
	buf_fmt(b, "\\# %zu ", rdata.len);
	for (size_t i = 0; i < rdata.len; i++)
		buf_fmt(b, "%02x", (uint8_t)rdata.p[i]);
}

static void write_line(struct buf *b, const char *name, uint32_t ttl, uint16_t type)
{
	buf_fmt(b, "%s. ", name);
	if (ttl != UINT32_MAX)
		buf_fmt(b, "%u ", ttl);
	dns_type_name(type, b);
	buf_chr(b, ' ');
}

void dns_write(struct buf *b, const char *name, uint16_t type, const struct dns_answer *a)
{
	static const char *const words[] = { [DNS_NODATA] = "NODATA", [DNS_NXDOMAIN] = "NXDOMAIN",
		[DNS_SERVFAIL] = "SERVFAIL", [DNS_TIMEOUT] = "TIMEOUT", [DNS_BOGUS] = "BOGUS" };
	const char *at = name;

	if (a->result == DNS_PENDING || a->result == DNS_BADNAME)
		return;
	if (a->result == DNS_FOUND && type != DNS_CNAME && strcmp(a->canonical, name) != 0) {
		write_line(b, name, a->ttl, DNS_CNAME);
		buf_fmt(b, "%s.\n", a->canonical);
		at = a->canonical;
	}
	for (size_t i = 0; a->result == DNS_FOUND && i < a->n; i++) {
		write_line(b, at, a->ttl, type);
		write_rdata(type, a->rdata[i], b);
		buf_chr(b, '\n');
	}
	if (a->result != DNS_FOUND) {
		write_line(b, name, UINT32_MAX, type);
		buf_fmt(b, "%s\n", words[a->result]);
	}
	if (a->secure) {
		write_line(b, name, UINT32_MAX, type);
		buf_str(b, "SECURE\n");
	}
}
