/* A domain's settings as text, and what single values may be. */
#include "check.h"
#include "domain.h"
#include "json.h"

static void test_round_trip(void)
{
	static const char whole[] = "{\"mode\":\"delegated\",\"provider\":\"own\",\"keys\":["
		"{\"selector\":\"w1-a\",\"state\":\"active\",\"since\":5,\"algorithm\":\"rsa\",\"public\":\"QUJD\",\"file\":\"w1-a-0.pem\"},"
		"{\"selector\":\"w2-b\",\"state\":\"published\",\"since\":6,\"seen\":7,\"algorithm\":\"ed25519\",\"public\":\"QUJE\",\"file\":\"f\"},"
		"{\"selector\":\"w3-c\",\"state\":\"free\",\"since\":0}],\"mail_from\":\"bounce\",\"ttl\":300,\"spf_all\":\"-\","
		"\"spf_include\":[\"_spf.x.example\"],\"dmarc\":\"p=reject; adkim=s\",\"rua\":[\"d@x.example\"],\"ruf\":[\"f@x.example\"],"
		"\"mta_sts\":\"testing\",\"mta_sts_host\":\"sts.x.example\",\"tls_rpt\":[\"mailto:t@x.example\"],\"null_mx\":true,"
		"\"portal\":[{\"name\":\"portal.a.example\",\"target\":\"cdn.x.example\"}],\"apex\":[\"192.0.2.1\",\"2001:db8::1\"],"
		"\"ns\":[{\"name\":\"ns.a.example\",\"addresses\":[\"192.0.2.2\"]}],\"serial\":4294967295,\"serial_of\":"
		"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}";
	struct domain d, again;
	struct buf b = { 0 };

	CHECK(domain_read("a.example", whole, strlen(whole), &d) == ST_OK);
	domain_write(&d, &b);
	CHECK_STR(buf_cstr(&b), whole);
	CHECK(domain_read("a.example", b.p, b.len, &again) == ST_OK);
	CHECK(memcmp(&d, &again, sizeof(d)) == 0);
	buf_clear(&b);
	domain_init(&d, "a.example");
	domain_write(&d, &b);
	CHECK(domain_read("a.example", b.p, b.len, &again) == ST_OK);
	CHECK(memcmp(&d, &again, sizeof(d)) == 0);
	buf_free(&b);
}

static void test_refused_json(void)
{
	static const char *const bad[] = {
		"", "[]", "{\"x\":1}", "{\"mode\":\"other\"}", "{\"mode\":1}", "{\"ttl\":-1}", "{\"ttl\":604801}", "{\"ttl\":\"60\"}",
		"{\"ttl\":1.5}", "{\"spf_all\":\"+\"}", "{\"spf_all\":\"\"}", "{\"tokens\":[\"a\",\"b\"]}",
		"{\"tokens\":[\"a\",\"b\",\"c\",\"d\"]}", "{\"tokens\":[\"a\",\"b\",\"c.d\"]}", "{\"tokens\":[\"a\",\"b\",\"\"]}",
		"{\"tokens\":[\"a\",\"b\",\"c\\u0000d\"]}", "{\"provider\":\"gmail\"}", "{\"provider\":\"ses:\"}", "{\"dmarc\":\"aspf=s\"}",
		"{\"dmarc\":\"p=none\\\"\"}", "{\"rua\":[\"a,b@x.example\"]}", "{\"rua\":\"a@x.example\"}", "{\"null_mx\":1}",
		"{\"apex\":[\"1.2.3\"]}", "{\"apex\":[\"1.2.3.4\\n\"]}", "{\"ns\":[{}]}", "{\"ns\":[{\"name\":\"a\\nb\"}]}",
		"{\"keys\":[]}", "{\"keys\":[{\"selector\":\"a\",\"state\":\"active\",\"since\":1}]}",
		"{\"keys\":[{\"selector\":\"a\",\"state\":\"free\",\"since\":1,\"public\":\"QUJD\"}]}",
		"{\"keys\":[{\"selector\":\"a\",\"state\":\"active\",\"since\":1,\"algorithm\":\"rsa\",\"public\":\"QUJD\",\"file\":\"../x\"}]}",
		"{\"portal\":[{\"name\":\"a.example\"}]}", "{\"portal\":[{\"name\":\"a b\",\"target\":\"c.example\"}]}",
		"{\"serial\":4294967296}", "{\"serial_of\":\"ab\"}", "{\"mail_from\":\"-a\"}", "{\"mail_from\":\"a.b\"}",
		"{\"ttl\":60,\"ttl\":60}", "{\"tls_rpt\":[\"http://x.example\"]}", "{\"tls_rpt\":[\"https://x.example/;v=\"]}",
		"{\"spf_include\":[\"a.example b.example\"]}", "{\"spf_include\":[\"%{i}.x.example\"]}", "{\"mta_sts\":\"on\"}", NULL };
	struct domain d;

	for (const char *const *p = bad; *p != NULL; p++)
		if (domain_read("a.example", *p, strlen(*p), &d) == ST_OK)
			CHECK_STR(*p, "refused");
}

static bool named(const char *text, const char *want)
{
	struct buf b = { 0 };
	bool ok = domain_name(text, &b) == ST_OK && strcmp(b.p, want) == 0;

	buf_free(&b);
	return ok;
}

static void test_names(void)
{
	static const char *const bad[] = {
		"", ".", "example", "a..example", ".a.example", "a.example..", "a_b.example", "a b.example", "-a.example", "a-.example",
		"ab--c.example", "xn--n3h.example" /* a snowman */, "\xe2\x98\x83.example", "xn--a.example", "xn--.example",
		"1.2.3.4", "[1.2.3.4]", "a.123", "a\"b.example", "a\nb.example", "a;b.example", "\xff.example", "*.example", "@.example", NULL };
	struct buf b = { 0 };
	char label[70], name[400] = "";

	CHECK(named("A.Example", "a.example"));
	CHECK(named("a.example.", "a.example"));
	CHECK(named("b\xc3\xbc" "cher.example", "xn--bcher-kva.example"));
	CHECK(named("B\xc3\x9c" "CHER.example", "xn--bcher-kva.example"));
	CHECK(named("xn--bcher-kva.example", "xn--bcher-kva.example"));
	CHECK(named("XN--BCHER-KVA.example", "xn--bcher-kva.example"));
	CHECK(named("0.1.a", "0.1.a"));
	for (const char *const *p = bad; *p != NULL; p++)
		if (domain_name(*p, &b) == ST_OK)
			CHECK_STR(*p, "refused");
	CHECK(b.len == 0);
	for (int n = 62; n <= 64; n++) {
		memset(label, 'a', (size_t)n);
		strcpy(label + n, ".b");
		CHECK(named(label, label) == (n <= 63));
	}
	for (int i = 0; i < 84; i++)
		strcat(name, "ab.");	/* 252 */
	strcpy(name + 252, "a");
	CHECK(named(name, name));
	strcpy(name + 252, "ab");
	CHECK(!named(name, name));
	CHECK(domain_dns_name("_dmarc.a.example", &b) == ST_OK);
	buf_free(&b);
}

static void test_dmarc(void)
{
	static const struct { const char *in, *want; } good[] = {
		{ "reject", "p=reject" }, { "p=NONE", "p=none" }, { "adkim=s", "p=none; adkim=s" }, { "adkim=s;p=quarantine;", "p=quarantine; adkim=s" },
		{ " p = reject ; t=y ", "p=reject; t=y" }, { "p=none; fo=1:d:s", "p=none; fo=1:d:s" }, { "aspf=r", "p=none; aspf=r" },
		{ "np=reject;sp=quarantine", "p=none; sp=quarantine; np=reject" } };
	static const char *const bad[] = { "", "on", "p=", "p=all", "aspf=s", "p=none;aspf=s", "ASPF=S", "pct=50", "rf=afrf", "ri=3600", "rua=a@b.example",
		"v=DMARC1", "p=none;p=none", "p=none;;x", "x=y", "psd=y", "fo=2", "fo=1:1", "fo=", "fo=1:", "p=none\"", "adkim=s; aspf",
		"p=reject, adkim=s", "p=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL };
	char out[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CHECK(domain_dmarc(good[i].in, out) == ST_OK);
		CHECK_STR(out, good[i].want);
	}
	for (const char *const *p = bad; *p != NULL; p++)
		if (domain_dmarc(*p, out) == ST_OK)
			CHECK_STR(*p, "refused");
}

static void test_reports(void)
{
	static const char *const bad[] = { "", "a", "@x.example", "a@", "a@b", "a b@x.example", "a,b@x.example", "a!10m@x.example", "a%2c@x.example",
		"a@x.example,b@x.example", "a@x.example!10m", "a;v@x.example", "\"a\"@x.example", "mailto:", NULL };
	char out[REPORT_MAX_BYTES + 1];

	CHECK(domain_report_address("mailto:D.m+a@X.example", out) == ST_OK);
	CHECK_STR(out, "D.m+a@x.example");
	for (const char *const *p = bad; *p != NULL; p++)
		CHECK(domain_report_address(*p, out) == ST_BAD);
	CHECK(domain_tls_rpt("a@x.example", out) == ST_OK);
	CHECK_STR(out, "mailto:a@x.example");
	CHECK(domain_tls_rpt("https://x.example/r?a=1", out) == ST_OK);
}

static void test_providers(void)
{
	static const char *const bad[] = { "", "[]", "{\"gmail\":{}}", "{\"ses:\":{}}", "{\"own\":1}", "{\"own\":{\"x\":1}}",
		"{\"ses:a-1\":{\"platform\":\"x.example\"}}", "{\"own\":{\"inbound\":\"a b\"}}", "{\"own\":{\"inbound\":\"a.example\\n\"}}",
		"{\"own\":{\"spf\":\"all\"}}", "{\"own\":{\"spf\":\"include:a b\"}}", "{\"own\":{\"spf\":\"exists:%{i}.x\"}}",
		"{\"own\":{\"spf_lookups\":11}}", "{\"own\":{\"ns\":[{\"name\":\"ns.x.example\",\"addresses\":[\"1\"]}]}}",
		"{\"own\":{\"hostmaster\":\"x.example\"}}", "{\"own\":{},\"own\":{}}", NULL };
	static const char own[] = "{\"own\":{\"platform\":\"platform.example\",\"inbound\":\"mx.platform.example\",\"feedback\":\"bounce.platform.example\","
		"\"spf\":\"include:_spf.platform.example\",\"hostmaster\":\"dns@platform.example\",\"ns\":[{\"name\":\"NS1.platform.example\","
		"\"addresses\":[\"192.0.2.1\",\"2001:DB8:0::1\"]}]},\"ses:eu-west-1\":{\"inbound\":\"in.x.example\"}}";
	struct providers *p = NULL;
	struct provider by;

	for (const char *const *b = bad; *b != NULL; b++)
		CHECK(providers_read(*b, strlen(*b), &p) == ST_CONFIG && p == NULL);
	CHECK(providers_read(own, strlen(own), &p) == ST_OK);
	CHECK(provider_get(p, "own", &by) == ST_OK);
	CHECK_STR(by.dkim, "dkim.platform.example");
	CHECK_STR(by.ns[0].name, "ns1.platform.example");
	CHECK_STR(by.ns[0].address[1], "2001:db8::1");
	CHECK(provider_get(p, "ses:eu-west-1", &by) == ST_OK);
	CHECK_STR(by.inbound, "in.x.example");
	CHECK_STR(by.feedback, "feedback-smtp.eu-west-1.amazonses.com");
	CHECK(provider_get(p, "ses:ca-west-1", &by) == ST_OK);
	CHECK_STR(by.dkim, "dkim.ca-west-1.amazonses.com");
	CHECK_STR(by.inbound, "");
	CHECK(provider_get(p, "ses:eu-centrall-1", &by) == ST_BAD);
	CHECK(provider_get(p, "mailgun", &by) == ST_BAD);
	providers_close(&p);
	CHECK(providers_read("{}", 2, &p) == ST_OK);
	CHECK(provider_get(p, "own", &by) == ST_CONFIG);
	providers_close(&p);
}

int main(void)
{
	test_round_trip();
	test_refused_json();
	test_names();
	test_dmarc();
	test_reports();
	test_providers();
	return CHECK_DONE();
}
