/* authority_wire.c - addresses of name servers and queries as they go out, see authority.h. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "authority_priv.h"

static bool public4(const uint8_t *b)
{
	return !(b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 || (b[0] == 100 && (b[1] & 0xc0) == 64) ||
		(b[0] == 169 && b[1] == 254) || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
		(b[0] == 192 && b[1] == 0 && b[2] == 0) || (b[0] == 198 && (b[1] & 0xfe) == 18));
}

/* Only 2000::/3 has been given out; what stands for an IPv4 address (mapped, 6to4, NAT64) is none of a name server. */
static bool public6(const uint8_t *b)
{
	return (b[0] & 0xe0) == 0x20 && !(b[0] == 0x20 && b[1] == 0x02) && !(b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0);
}

bool authority_public(const char *ip)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, ip, b) == 1)
		return public4(b);
	return inet_pton(AF_INET6, ip, b) == 1 && public6(b);
}

bool authority_address(const char *text, uint16_t port, struct sockaddr_storage *sa, socklen_t *len, char *ip)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;
	const char *at = strchr(text, '@');
	size_t n = at ? (size_t)(at - text) : strlen(text);
	unsigned long given = port;
	char *end = NULL;

	if (n == 0 || n >= INET6_ADDRSTRLEN)
		return false;
	memcpy(ip, text, n);
	ip[n] = '\0';
	if (at) {
		given = strtoul(at + 1, &end, 10);
		if (at[1] < '0' || at[1] > '9' || *end || given == 0 || given > 65535)
			return false;
	}
	memset(sa, 0, sizeof *sa);
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)given);
		*len = sizeof *v4;
		return true;
	}
	if (inet_pton(AF_INET6, ip, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)given);
	*len = sizeof *v6;
	return true;
}

size_t authority_query(const char *name, uint16_t type, uint16_t id, bool edns, uint8_t *p)
{
	static const uint8_t opt[11] = { 0, 0, 41, EDNS_BYTES >> 8, EDNS_BYTES & 0xff };
	const char *s = name, *dot;
	size_t at = 12, n;

	memset(p, 0, 12);
	p[0] = (uint8_t)(id >> 8);
	p[1] = (uint8_t)id;
	p[5] = 1;
	while (*s) {
		dot = strchrnul(s, '.');
		n = (size_t)(dot - s);
		if (n == 0 || n > 63 || at + n + 1 > 12 + 254)
			return 0;
		p[at++] = (uint8_t)n;
		memcpy(p + at, s, n);
		at += n;
		s = *dot ? dot + 1 : dot;
	}
	p[at++] = 0;
	p[at++] = (uint8_t)(type >> 8);
	p[at++] = (uint8_t)type;
	p[at++] = 0;
	p[at++] = 1;
	if (edns) {
		p[11] = 1;
		memcpy(p + at, opt, sizeof opt);
		at += sizeof opt;
	}
	return at;
}

const char *authority_words(enum authority_result r, int rcode)
{
	switch (r) {
	case AUTHORITY_LAME: return rcode == 0 || rcode == 3 ? "answers without authority" : "refuses to answer for the zone";
	case AUTHORITY_SERVFAIL: return rcode == 1 || rcode == 4 ? "does not understand the question" : "says that it failed";
	case AUTHORITY_PRIVATE: return "has an address that the public cannot reach";
	case AUTHORITY_UNREACHABLE: return "cannot be reached from this machine";
	case AUTHORITY_TIMEOUT: return "does not answer";
	case AUTHORITY_BAD: return "sends what is no answer";
	default: return "";
	}
}
