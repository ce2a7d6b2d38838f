/* The 8 records: exactly these, in this order. What goes into a zone, and what never does. */
#include <stdlib.h>
#include "check.h"
#include "records.h"

static struct providers *providers;

static void fill(struct domain *d)
{
	domain_init(d, "service.acme.example");
	strcpy(d->provider, "ses:eu-central-1");
	strcpy(d->token[0], "tokenaaa");
	strcpy(d->token[1], "tokenbbb");
	strcpy(d->token[2], "tokenccc");
}

static void test_eight(void)
{
	struct records r = { 0 };
	struct domain d;
	struct buf b = { 0 };

	fill(&d);
	CHECK(domain_records(&d, providers, &r) == ST_OK);
	CHECK(r.n == 8);
	for (size_t i = 0; i < r.n; i++)
		buf_fmt(&b, "%s %s %u %s %s\n", rr_type_name(r.rr[i].type), r.rr[i].owner, (unsigned)r.rr[i].ttl, r.rr[i].data,
			rr_role_name(r.rr[i].role));
	CHECK_STR(buf_cstr(&b),
		"CNAME tokenaaa._domainkey.service.acme.example 3600 tokenaaa.dkim.amazonses.com. dkim\n"
		"CNAME tokenbbb._domainkey.service.acme.example 3600 tokenbbb.dkim.amazonses.com. dkim\n"
		"CNAME tokenccc._domainkey.service.acme.example 3600 tokenccc.dkim.amazonses.com. dkim\n"
		"MX service.acme.example 3600 10 inbound-smtp.eu-central-1.amazonaws.com. inbound\n"
		"MX mail.service.acme.example 3600 10 feedback-smtp.eu-central-1.amazonses.com. feedback\n"
		"TXT service.acme.example 3600 \"v=spf1 include:amazonses.com ~all\" spf\n"
		"TXT _dmarc.service.acme.example 3600 \"v=DMARC1; p=none\" dmarc\n"
		"TXT mail.service.acme.example 3600 \"v=spf1 include:amazonses.com ~all\" mail-from-spf\n");
	records_free(&r);
	buf_free(&b);
}

/* On failure nothing new stays in the list. */
static void test_nothing_half(void)
{
	struct records r = { 0 };
	struct domain d;

	fill(&d);
	CHECK(domain_records(&d, providers, &r) == ST_OK);
	d.token[2][0] = '\0';
	CHECK(domain_records(&d, providers, &r) == ST_BAD);
	CHECK(r.n == 8);
	strcpy(d.provider, "ses:eu-north-77");
	CHECK(domain_records(&d, providers, &r) == ST_BAD);
	strcpy(d.provider, "own");
	CHECK(domain_records(&d, providers, &r) == ST_CONFIG);
	CHECK(r.n == 8);
	records_free(&r);
}

static void test_txt(void)
{
	static const size_t lengths[] = { 0, 1, 254, 255, 256, 509, 510, 511, 2000 };
	char text[2001];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct buf data = { 0 }, back = { 0 };
		size_t run = 0, longest = 0;

		memset(text, 'a', lengths[i]);
		text[lengths[i]] = '\0';
		CHECK(records_txt(text, &data) == ST_OK);
		records_text(data.p, &back);
		CHECK_STR(buf_cstr(&back), text);
		for (const char *p = data.p; *p != '\0'; p++) {
			run = *p == 'a' ? run + 1 : 0;
			longest = run > longest ? run : longest;
		}
		CHECK(longest <= 255);
		buf_free(&data);
		buf_free(&back);
	}
	for (const char *const *p = (const char *const[]){ "a\"b", "a\\b", "a\nb", "a\tb", "\x7f", "\xc3\xa4", NULL }; *p != NULL; p++) {
		struct buf data = { 0 };

		CHECK(records_txt(*p, &data) == ST_BAD);
		CHECK(data.len == 0);
		buf_free(&data);
	}
}

static void test_conflict(void)
{
	struct records r = { 0 };

	records_add(&r, "a.example", DNS_MX, 60, RR_INBOUND, "10 b.example.");
	records_add(&r, "a.example", DNS_MX, 60, RR_INBOUND, "20 b.example.");
	records_add(&r, "x.example", DNS_CNAME, 60, RR_PORTAL, "b.example.");
	CHECK(records_conflict(&r) == ST_OK);
	records_add(&r, "x.example", DNS_TXT, 60, RR_SPF, "\"v\"");
	CHECK(records_conflict(&r) == ST_BAD);
	CHECK(strstr(st_text(), "CNAME") != NULL && strstr(st_text(), "x.example") != NULL);
	r.rr[3].owner[0] = 'y';
	CHECK(records_conflict(&r) == ST_OK);
	records_add(&r, "a.example", DNS_MX, 60, RR_INBOUND, "20 b.example.");
	CHECK(records_conflict(&r) == ST_BAD);
	records_free(&r);
}

static void test_long_owner(void)
{
	struct records r = { 0 };
	char name[256];

	memset(name, 'a', 254);
	name[254] = '\0';
	CHECK(records_add(&r, name, DNS_A, 60, RR_APEX, "192.0.2.1") == ST_BAD);
	name[253] = '\0';
	CHECK(records_add(&r, name, DNS_A, 60, RR_APEX, "192.0.2.1") == ST_OK);
	records_free(&r);
}

int main(void)
{
	CHECK(providers_read("{}", 2, &providers) == ST_OK);
	test_eight();
	test_nothing_half();
	test_txt();
	test_conflict();
	test_long_owner();
	providers_close(&providers);
	return CHECK_DONE();
}
