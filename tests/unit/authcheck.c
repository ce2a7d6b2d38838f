/* Where a message came from, as SES's Received field says; and results as a header field. */
#include "check.h"
#include "authcheck.h"
#include "same.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define END "\r\n by inbound-smtp.eu-west-1.amazonaws.com with SMTP id x\r\n for b@c.example;\r\n Mon, 09 Nov 2026 05:42:04 +0000 (UTC)"

/* want NULL: nothing can be told. */
static void received(const char *text, const char *want_ip, const char *want_helo)
{
	struct buf helo = { 0 };
	struct spf_ip ip = { 0 };
	char *exact = exactly(text, strlen(text)), got[INET6_ADDRSTRLEN] = "none";

	if (ses_received(exact, strlen(text), &helo, &ip))
		inet_ntop(ip.v6 ? AF_INET6 : AF_INET, ip.b, got, sizeof got);
	CHECK_STR(got, want_ip ? want_ip : "none");
	CHECK_STR(buf_cstr(&helo), want_helo);
	buf_free(&helo);
	free(exact);
}

static void received_fields(void)
{
	received(" from mx.a.example (host.a.example [192.0.2.1])" END, "192.0.2.1", "mx.a.example");
	received(" from mx.a.example (host.a.example [2001:db8::1])" END, "2001:db8::1", "mx.a.example");
	received(" from mx.a.example (host.a.example [IPv6:2001:db8::1])" END, "2001:db8::1", "mx.a.example");
	received(" from [192.0.2.9] (host.a.example [192.0.2.1])" END, "192.0.2.1", "[192.0.2.9]");
	received(" from mx ([192.0.2.1])" END, "192.0.2.1", "mx");
	received(" from x ([192.0.2.9]) (h [192.0.2.1])" END, "192.0.2.1", "");	/* no name: not known */
	received(" from x (y (h [192.0.2.1])" END, "192.0.2.1", "");
	received(" from (h [192.0.2.1])" END, "192.0.2.1", "");
	received(" from x (h [192.0.2.1]" END, NULL, "");
	received(" from x (h 192.0.2.1)" END, NULL, "");
	received(" from x (h [192.0.2.1] )" END, NULL, "");
	received(" from x (h [192.0.2.256])" END, NULL, "");
	received(" from x (h [192.0.2.1][])" END, NULL, "");
	received(" from x [192.0.2.1])" END, NULL, "");
	received(" by x (h [192.0.2.1])" END, NULL, "");
	received(" from x (h [192.0.2.1]) by inbound-smtp.x (h [192.0.2.9])" END, NULL, "");
	received(" from x (h [192.0.2.1]) by mx.a.example", NULL, "");
	received("from", NULL, "");
	received("", NULL, "");
	received("by inbound-smtp.", NULL, "");
	received(")by inbound-smtp.", NULL, "");
	received("])by inbound-smtp.", NULL, "");
	received("[])by inbound-smtp.", NULL, "");
}

static unsigned claims_of(const char *field)
{
	struct buf raw = { 0 };
	struct dkim *dkim = NULL;
	struct authcheck *c = NULL;
	struct auth_facts facts = { 0 };
	unsigned n = 99;

	buf_fmt(&raw, "%s\r\nFrom: a@x.example\r\n\r\ntext\r\n", field);
	CHECK(dkim_new(&dkim) == ST_OK);
	CHECK(authcheck_begin(&(struct authcheck_opts){ .dkim = dkim, .authserv_id = "mx.us.example", .now = 1 }, raw.p, raw.len, &facts, &c) == ST_OK);
	if (c)
		n = c->claims;
	authcheck_free(&c);
	dkim_free(&dkim);
	buf_free(&raw);
	return n;
}

static void claims(void)
{
	CHECK(claims_of("Authentication-Results: mx.us.example; spf=pass") == 1);
	CHECK(claims_of("Authentication-Results:mx.us.example") == 1);
	CHECK(claims_of("Authentication-Results: MX.us.EXAMPLE 1; spf=pass") == 1);
	CHECK(claims_of("Authentication-Results: mx.us.example/1; spf=pass") == 1);
	CHECK(claims_of("Authentication-Results: mx.us.example(c); spf=pass") == 1);
	CHECK(claims_of("Authentication-Results: (a (b) \\) c) \"mx.us.example\"; spf=pass") == 1);
	CHECK(claims_of("Authentication-Results:\r\n\tmx.us.example;\r\n spf=pass") == 1);
	CHECK(claims_of("authentication-results: mx.us.example;\r\nAuthentication-Results: mx.us.example;") == 2);
	CHECK(claims_of("Authentication-Results: mx.us.example.x; spf=pass") == 0);
	CHECK(claims_of("Authentication-Results: x.mx.us.example; spf=pass") == 0);
	CHECK(claims_of("Authentication-Results: x; mx.us.example") == 0);
	CHECK(claims_of("Authentication-Results: (mx.us.example) x") == 0);
	CHECK(claims_of("Authentication-Results: (mx.us.example") == 0);
	CHECK(claims_of("Authentication-Results: \"mx.us.example") == 0);
	CHECK(claims_of("Authentication-Results: (\\") == 0);
	CHECK(claims_of("Authentication-Results:") == 0);
	CHECK(claims_of("X-Authentication-Results: mx.us.example") == 0);
}

static void header_is(const struct authcheck *c, const char *want)
{
	struct buf b = { 0 };

	authcheck_header(c, "mx.us.example", &b);
	CHECK_STR(buf_cstr(&b), want);
	buf_free(&b);
}

static void headers(void)
{
	struct authcheck c = { 0 };

	header_is(&c, "Authentication-Results: mx.us.example; none\n");
	c.spf.result = AUTH_SOFTFAIL;
	buf_str(&c.spf.domain, "x.example");
	buf_str(&c.spf.why, "a \"q\" \\ \r\n\tX: y \xff(;");
	c.dmarc.result = AUTH_PASS;
	buf_str(&c.dmarc.author, "x;y");
	header_is(&c, "Authentication-Results: mx.us.example;\n"
		"\tspf=softfail reason=\"a \\\"q\\\" \\\\ ???X: y ?(;\" smtp.mailfrom=x.example;\n"
		"\tdmarc=pass header.from=\"x;y\"\n");
	buf_free(&c.spf.domain);
	buf_free(&c.spf.why);
	buf_free(&c.dmarc.author);
}

int main(void)
{
	received_fields();
	claims();
	headers();
	return CHECK_DONE();
}
