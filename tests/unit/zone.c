/* Serials, and what a zone has beside the 8 records. */
#include "check.h"
#include "zone.h"

static const char table[] = "{\"own\":{\"platform\":\"platform.example\",\"inbound\":\"mx.platform.example\",\"feedback\":\"fb.platform.example\","
	"\"spf\":\"include:_spf.platform.example\",\"hostmaster\":\"d.ns@platform.example\",\"ns\":[{\"name\":\"ns1.platform.example\"}]}}";
static struct providers *providers;

static void fill(struct domain *d)
{
	domain_init(d, "a.example");
	d->mode = DOMAIN_DELEGATED;
	strcpy(d->provider, "own");
	d->own_keys = true;
	strcpy(d->slot[0].selector, "w1-a");
	strcpy(d->slot[1].selector, "w2-b");
	strcpy(d->slot[2].selector, "w3-c");
}

static void test_serials(void)
{
	CHECK(serial_after(2, 1) && !serial_after(1, 2) && !serial_after(1, 1));
	CHECK(serial_after(0, UINT32_MAX) && serial_after(1, UINT32_MAX - 5));
	CHECK(!serial_after(0x80000001, 1) && !serial_after(1, 0x80000001));	/* undefined: neither */
	CHECK(serial_after(0x80000000, 1));
	CHECK(serial_next(0, 1700000000) == 1700000000);
	CHECK(serial_next(1700000000, 1700000000) == 1700000001);
	CHECK(serial_next(1700000000, 1600000000) == 1700000001);	/* the clock went back */
	CHECK(serial_next(3000000000u, 1700000000) == 3000000001u);
	CHECK(serial_next(4000000000u, 1700000000) == 1700000000);	/* that far on, the time is after it (RFC 1982) */
	CHECK(serial_next(UINT32_MAX, 4294967295) == 1);		/* 0 is left out */
	CHECK(serial_next(UINT32_MAX - 1, 5) == 5);			/* it wrapped: RFC 1982 says that 5 is after it */
}

static void test_serial_follows_content(void)
{
	struct domain d;
	bool changed;
	uint32_t was;

	fill(&d);
	CHECK(zone_serial(&d, providers, 1000, &changed) == ST_OK && changed && d.serial == 1000);
	CHECK(zone_serial(&d, providers, 2000, &changed) == ST_OK && !changed && d.serial == 1000);
	d.ttl = 300;
	CHECK(zone_serial(&d, providers, 900, &changed) == ST_OK && changed && d.serial == 1001);
	d.ttl = 3600;	/* back again: still a change for those that have the one between */
	CHECK(zone_serial(&d, providers, 900, &changed) == ST_OK && changed && d.serial == 1002);
	was = d.serial;
	d.mode = DOMAIN_SELF_MANAGED;
	CHECK(zone_serial(&d, providers, 900, &changed) == ST_BAD && d.serial == was && !changed);
}

static const struct rr *find(const struct records *r, enum rr_role role)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->rr[i].role == role)
			return &r->rr[i];
	return NULL;
}

static void test_zone(void)
{
	struct records r = { 0 };
	struct domain d;

	fill(&d);
	d.serial = 7;
	CHECK(zone_records(&d, providers, &r) == ST_OK);
	CHECK(r.n == 10);
	CHECK(r.rr[0].type == DNS_SOA && r.rr[1].type == DNS_NS);
	CHECK_STR(r.rr[0].data, "ns1.platform.example. d\\.ns.platform.example. 7 7200 900 1209600 300");
	CHECK_STR(find(&r, RR_DKIM)->data, "w1-a.dkim.platform.example.");
	records_free(&r);
	/* A name server in the zone needs its address there. */
	d.n_ns = 1;
	strcpy(d.ns[0].name, "ns.a.example");
	CHECK(zone_records(&d, providers, &r) == ST_BAD && r.n == 0);
	CHECK(delegation_records(&d, providers, &r) == ST_BAD && r.n == 0);
	strcpy(d.ns[0].address[0], "192.0.2.7");
	strcpy(d.ns[0].address[1], "2001:db8::7");
	d.ns[0].n_address = 2;
	CHECK(delegation_records(&d, providers, &r) == ST_OK && r.n == 3);
	CHECK(find(&r, RR_GLUE) != NULL);
	records_free(&r);
	strcpy(d.ns[0].name, "ns.aa.example");	/* not within: no glue */
	CHECK(delegation_records(&d, providers, &r) == ST_OK && r.n == 1);
	records_free(&r);
	d.mode = DOMAIN_SELF_MANAGED;
	CHECK(zone_records(&d, providers, &r) == ST_BAD);
}

static void test_portals(void)
{
	static const char *const taken[] = { "a.example", "mail.a.example", "_dmarc.a.example", "w1-a._domainkey.a.example", "b.example",
		"xa.example" };
	struct records r = { 0 };
	struct domain d;

	fill(&d);
	d.n_portal = 1;
	strcpy(d.portal[0].target, "cdn.x.example");
	strcpy(d.portal[0].name, "portal.a.example");
	strcpy(d.apex[0], "192.0.2.1");
	strcpy(d.apex[1], "2001:db8::1");
	d.n_apex = 2;
	CHECK(zone_records(&d, providers, &r) == ST_OK && r.n == 13);
	CHECK(find(&r, RR_PORTAL) != NULL && find(&r, RR_APEX) != NULL);
	records_free(&r);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		strcpy(d.portal[0].name, taken[i]);
		CHECK(zone_records(&d, providers, &r) == ST_BAD && r.n == 0);
	}
}

static void test_check(void)
{
	struct buf warnings = { 0 };
	struct domain d;

	fill(&d);
	CHECK(domain_check(&d, providers, &warnings) == ST_OK && warnings.len == 0);
	d.ttl = DOMAIN_TTL_MIN;
	CHECK(domain_check(&d, providers, NULL) == ST_OK);
	d.ttl--;
	CHECK(domain_check(&d, providers, NULL) == ST_BAD);
	d.ttl = 3600;
	for (d.n_include = 0; d.n_include < DOMAIN_INCLUDES_MAX; d.n_include++)
		snprintf(d.include[d.n_include], sizeof(d.include[0]), "s%zu.example", d.n_include);
	CHECK(domain_check(&d, providers, NULL) == ST_BAD);	/* 11 lookups */
	CHECK(strstr(st_text(), "11 lookups") != NULL);
	d.n_include--;
	CHECK(domain_check(&d, providers, &warnings) == ST_OK && warnings.len > 0);
	strcpy(d.include[0], "s1.example");
	CHECK(domain_check(&d, providers, NULL) == ST_BAD);
	d.n_include = 0;
	d.null_mx = true;
	CHECK(domain_check(&d, providers, NULL) == ST_OK);
	strcpy(d.mta_sts, "enforce");
	strcpy(d.mta_sts_host, "w.x.example");
	CHECK(domain_check(&d, providers, NULL) == ST_BAD);
	d.null_mx = false;
	CHECK(domain_check(&d, providers, NULL) == ST_OK);
	d.mta_sts_host[0] = '\0';
	CHECK(domain_check(&d, providers, NULL) == ST_BAD);
	d.mta_sts[0] = '\0';
	strcpy(d.slot[2].selector, "w1-a");
	CHECK(domain_check(&d, providers, NULL) == ST_BAD);
	buf_free(&warnings);
}

int main(void)
{
	CHECK(providers_read(table, strlen(table), &providers) == ST_OK);
	test_serials();
	test_serial_follows_content();
	test_zone();
	test_portals();
	test_check();
	providers_close(&providers);
	return CHECK_DONE();
}
