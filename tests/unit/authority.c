/* Name servers' replies, and which addresses are asked at all. Servers themselves: tests/verify.bats. */
#include <stdlib.h>
#include "authority.h"
#include "check.h"
#include "dns.h"

#define NAME "\1x\7example\0"
#define NAME_BYTES 11

struct packet { uint8_t p[512]; size_t n; };

static void put(struct packet *k, const void *p, size_t n)
{
	memcpy(k->p + k->n, p, n);
	k->n += n;
}

/* Id 0x1234, question x.example MX. */
static struct packet reply(int flags1, int flags2, int answers, int authority, int extra)
{
	struct packet k = { .n = 0 };
	uint8_t head[12] = { 0x12, 0x34, (uint8_t)flags1, (uint8_t)flags2, 0, 1, 0, (uint8_t)answers, 0, (uint8_t)authority, 0, (uint8_t)extra };

	put(&k, head, 12);
	put(&k, NAME, NAME_BYTES);
	put(&k, "\0\17\0\1", 4);
	return k;
}

static void add_rr(struct packet *k, const char *owner, size_t owner_len, int type, const void *data, size_t n)
{
	uint8_t fixed[10] = { 0, (uint8_t)type, 0, 1, 0, 0, 1, 0x2c, (uint8_t)(n >> 8), (uint8_t)n };

	put(k, owner, owner_len);
	put(k, fixed, 10);
	put(k, data, n);
}

static enum status parse(const struct packet *k, enum authority_result *r, size_t *n)
{
	struct authority_rr *rr = NULL;
	struct buf text = { 0 };
	int rcode = -1;
	enum status st = authority_parse(k->p, k->n, 0x1234, "X.example.", DNS_MX, r, &rcode, &rr, n, &text);

	free(rr);
	buf_free(&text);
	return st;
}

static void results(void)
{
	static const char mx[] = "\0\12\2mx\xc0\x0c";	/* 10 mx.x.example, compressed */
	enum authority_result r;
	struct packet k;
	size_t n;

	k = reply(0x84, 0, 1, 0, 0);
	add_rr(&k, "\xc0\x0c", 2, DNS_MX, mx, 7);
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_ANSWER && n == 1);
	k.p[2] = 0x80;	/* without authority: a cache */
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_LAME);
	k = reply(0x84, 0, 0, 0, 0);
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_NODATA);
	k = reply(0x84, 3, 0, 0, 0);
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_NXDOMAIN);
	k = reply(0x80, 3, 0, 0, 0);
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_LAME);
	k = reply(0x84, 5, 0, 0, 0);
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_LAME);
	k = reply(0x84, 2, 0, 0, 0);
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_SERVFAIL);
	k = reply(0x80, 0, 0, 1, 0);
	add_rr(&k, "\xc0\x0c", 2, DNS_NS, "\2ns\xc0\x0c", 5);
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_REFERRAL);
	k = reply(0x80, 0, 0, 1, 0);
	add_rr(&k, "\0", 1, DNS_NS, "\2ns\xc0\x0c", 5);	/* to the root: it knows nothing of the zone */
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_LAME);
	k = reply(0x80, 0, 0, 1, 0);
	add_rr(&k, "\3sub\xc0\x0c", 6, DNS_NS, "\2ns\xc0\x0c", 5);	/* below what was asked for */
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_LAME);
	k = reply(0x80, 0, 0, 1, 0);
	add_rr(&k, "\2zz\7example\0", 12, DNS_NS, "\2ns\xc0\x0c", 5);	/* elsewhere */
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_LAME);
}

static void refused(void)
{
	enum authority_result r = AUTHORITY_PENDING;
	struct packet k, good = reply(0x84, 0, 0, 0, 0);
	size_t n, len;

	k = good;
	k.p[0] = 0x13;
	CHECK(parse(&k, &r, &n) == ST_BAD);	/* another id */
	k = good;
	k.p[2] = 0x04;
	CHECK(parse(&k, &r, &n) == ST_BAD);	/* a query */
	k = good;
	k.p[13] = 'y';
	CHECK(parse(&k, &r, &n) == ST_BAD);	/* another name */
	k = good;
	k.p[12 + NAME_BYTES + 1] = 16;
	CHECK(parse(&k, &r, &n) == ST_BAD);	/* another type */
	k = good;
	k.p[2] |= 2;
	CHECK(parse(&k, &r, &n) == ST_LIMIT);
	k = good;
	k.p[7] = 1;
	CHECK(parse(&k, &r, &n) == ST_BAD);	/* promises an answer that is not there */
	k = good;
	k.p[6] = 1;
	k.p[7] = 1;
	CHECK(parse(&k, &r, &n) == ST_BAD && strstr(st_text(), "more than"));	/* 257 */
	k = reply(0x80, 1, 0, 0, 0);
	k.p[5] = 0;
	k.n = 12;
	CHECK(parse(&k, &r, &n) == ST_OK && r == AUTHORITY_SERVFAIL);	/* FORMERR without the question */
	for (len = 0; len < good.n; len++) {
		k = good;
		k.n = len;
		CHECK(parse(&k, &r, &n) == ST_BAD);
	}
}

static void addresses(void)
{
	static const char *const never[] = { "127.0.0.1", "127.255.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "100.64.0.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1",
		"ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "x", "1.2.3" };
	static const char *const fine[] = { "9.9.9.9", "172.15.0.1", "172.32.0.1", "192.167.1.1", "100.63.0.1", "100.128.0.1", "2620:fe::fe" };
	struct authority *a = NULL;
	const struct authority_reply *r;
	size_t i;

	for (i = 0; i < sizeof never / sizeof *never; i++)
		if (authority_public(never[i]) && ++check_failures)
			fprintf(stderr, "%s is taken for public\n", never[i]);
	for (i = 0; i < sizeof fine / sizeof *fine; i++)
		CHECK(authority_public(fine[i]));
	CHECK(authority_new(&(struct authority_opts){ 0 }, &a) == ST_OK);
	CHECK(authority_ask(a, "127.0.0.1@53", "x.example", DNS_MX, &r) == AUTHORITY_PRIVATE);
	CHECK(authority_ask(a, "localhost", "x.example", DNS_MX, &r) == AUTHORITY_BAD);
	CHECK(authority_ask(a, "192.0.2.1@0", "x.example", DNS_MX, &r) == AUTHORITY_BAD);
	CHECK(authority_ask(a, "192.0.2.1@65536", "x.example", DNS_MX, &r) == AUTHORITY_BAD);
	CHECK(authority_ask(a, "192.0.2.1@+5", "x.example", DNS_MX, &r) == AUTHORITY_BAD);
	CHECK(authority_pending(a) == 0 && authority_wait(a, -1) == ST_END);
	authority_free(&a);
}

int main(void)
{
	results();
	refused();
	addresses();
	return CHECK_DONE();
}
