/* SPF: each case with its clause of RFC 7208. What the RFC's own suite has is not repeated here (tests/suite-spf.bats). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "same.h"
#include "spf.h"

/* "name record|name record|!line of the file" */
static struct dns *open_dns(const char *zone)
{
	char path[] = "/tmp/weir-spf-XXXXXX", *copy = strdup(zone), *rest = copy, *one;
	struct dns_opts o = { .file = path };
	struct dns *d = NULL;
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!f || !copy)
		abort();
	while ((one = strsep(&rest, "|")) != NULL) {
		char *space = strchr(one, ' ');

		if (*one == '!')
			fprintf(f, "%s\n", one + 1);
		else if (space)
			fprintf(f, "%.*s. TXT \"%s\"\n", (int)(space - one), one, space + 1);
	}
	fclose(f);
	if (dns_open(&o, &d) != ST_OK) {
		fprintf(stderr, "%s\n", st_text());
		abort();
	}
	unlink(path);
	free(copy);
	return d;
}

/* ---- grammar: 4.6.1, 12 ---- */

static void valid(const char *record, bool want)
{
	size_t n = strlen(record);
	char *exact = exactly(record, n);
	enum status st = spf_record_check(exact, n);

	if ((st == ST_OK) != want)
		fprintf(stderr, "%s: %s\n", record, st == ST_OK ? "valid" : st_text());
	CHECK((st == ST_OK) == want);
	CHECK(st == ST_OK || st == ST_BAD);
	free(exact);
}

static void grammar(void)
{
	struct buf big = { 0 };

	valid("v=spf1", true);				/* 4.5 */
	valid("V=SPF1 -ALL", true);
	valid("v=spf1   a   mx ", true);		/* 4.6.1: 1*SP, 12: *SP at the end */
	valid("v=spf1\ta -all", false);
	valid("v=spf1 a\t-all", false);
	valid("v=spf10 a", false);
	valid("v=spf1 +a ?mx ~ptr -all", true);
	valid("v=spf1 --all", false);
	valid("v=spf1 - all", false);
	valid("v=spf1 all all", true);
	valid("v=spf1 a/0 a//0 a/32//128", true);	/* 5.6, dual-cidr-length */
	valid("v=spf1 a/33", false);
	valid("v=spf1 a//129", false);
	valid("v=spf1 a/", false);
	valid("v=spf1 a//", false);
	valid("v=spf1 a/24/64", false);
	valid("v=spf1 a/00", false);
	valid("v=spf1 a/024", false);
	valid("v=spf1 a/4294967297", false);
	valid("v=spf1 a:x.example/24//64", true);
	valid("v=spf1 a:/24", false);
	valid("v=spf1 a:", false);
	valid("v=spf1 a:x.example/99", false);
	valid("v=spf1 a:x/y.example/24", true);		/* 7.1: '/' within a domain-spec */
	valid("v=spf1 mx:x.example/24/24", false);
	valid("v=spf1 ptr/24", false);			/* 5.5 has no prefix */
	valid("v=spf1 include", false);
	valid("v=spf1 include:x.example/24", false);
	valid("v=spf1 exists:x.example", true);
	valid("v=spf1 ip4:192.0.2.1", true);
	valid("v=spf1 ip4:192.0.2.1/0", true);
	valid("v=spf1 ip4:192.0.2.1/33", false);
	valid("v=spf1 ip4:192.0.2.1/", false);
	valid("v=spf1 ip4:192.0.2.01", false);
	valid("v=spf1 ip4:192.0.2.256", false);
	valid("v=spf1 ip4:192.0.2", false);
	valid("v=spf1 ip4:2001:db8::1", false);
	valid("v=spf1 ip4", false);
	valid("v=spf1 ip6:2001:db8::1/128", true);
	valid("v=spf1 ip6:2001:db8::1/129", false);
	valid("v=spf1 ip6:192.0.2.1", false);
	valid("v=spf1 ip6:2001:db8:::1", false);
	valid("v=spf1 ip6:fe80::1%lo", false);
	valid("v=spf1 ip:192.0.2.1", false);		/* no such mechanism */
	valid("v=spf1 a:example", false);		/* 7.1: two labels at least */
	valid("v=spf1 a:x.123", false);
	valid("v=spf1 a:x.-a", false);
	valid("v=spf1 a:x.a-", false);
	valid("v=spf1 a:x.a-1", true);
	valid("v=spf1 a:x.example.", true);
	valid("v=spf1 a:x.example..", false);
	valid("v=spf1 a:%{d}", true);
	valid("v=spf1 a:%{d}.", false);			/* domain-end is a macro or a toplabel, no lone dot */
	valid("v=spf1 a:%{d}x", false);
	valid("v=spf1 a:x%%", true);
	valid("v=spf1 a:%{d0}.x.example", false);	/* 7.3: nonzero */
	valid("v=spf1 a:%{d1r.-+,/_=}.x.example", true);
	valid("v=spf1 a:%{dr1}.x.example", false);
	valid("v=spf1 a:%{d;}.x.example", false);
	valid("v=spf1 a:%{d", false);
	valid("v=spf1 a:%", false);
	valid("v=spf1 a:%{}.x.example", false);
	valid("v=spf1 a:%{c}.x.example", false);	/* 7.2: c r t for exp alone */
	valid("v=spf1 a:%{T}.x.example", false);
	valid("v=spf1 exp=%{r}.x.example", false);	/* exp's own domain-spec is none either */
	valid("v=spf1 redirect=x.example exp=y.example", true);
	valid("v=spf1 redirect=x.example Redirect=y.example", false);	/* 6 */
	valid("v=spf1 exp=x.example exp=x.example", false);
	valid("v=spf1 redirect=", false);
	valid("v=spf1 redirect:x.example", false);
	valid("v=spf1 foo=bar foo=baz foo=", true);	/* 6: unknown modifiers are ignored */
	valid("v=spf1 foo=%{c}", true);
	valid("v=spf1 foo=%", false);
	valid("v=spf1 1foo=bar", false);
	valid("v=spf1 a:b=c.example", true);
	valid("v=spf1 ip4:192.0.2.1\xa0", false);	/* 3.1 */
	CHECK(spf_record_check("v=spf1 a:x.example\0", 19) == ST_BAD);
	buf_str(&big, "v=spf1 ");
	while (big.len < SPF_MAX_RECORD_BYTES)
		buf_chr(&big, ' ');
	CHECK(spf_record_check(big.p, big.len) == ST_OK);
	buf_chr(&big, ' ');
	CHECK(spf_record_check(big.p, big.len) == ST_BAD);
	buf_free(&big);
}

/* ---- macros: 7.4's table ---- */

static void macro(const char *ip, const char *text, const char *want)
{
	struct spf_macros m = { .local = { "strong-bad", 10 }, .sender_domain = { "email.example", 13 }, .domain = { "email.example", 13 },
		.helo = { "mx.example", 10 }, .now = 1767225600 };
	struct buf out = { 0 };
	struct span s = { text, strlen(text) };

	CHECK(spf_ip(ip, strlen(ip), &m.ip));
	CHECK(spf_macro_check(s, SPF_EXPLANATION) == ST_OK);
	CHECK(spf_macro_expand(s, &m, &out) == ST_OK);
	check_same(text, &out, want);
}

static void macros(void)
{
	struct spf_macros m = { .local = { "", 0 } };
	struct buf big = { 0 }, out = { 0 };

	macro("192.0.2.3", "%{s}", "strong-bad@email.example");
	macro("192.0.2.3", "%{o} %{d} %{d4} %{d3} %{d2} %{d1}", "email.example email.example email.example email.example email.example example");
	macro("192.0.2.3", "%{dr} %{d2r}", "example.email example.email");
	macro("192.0.2.3", "%{l} %{l-} %{lr} %{lr-} %{l1r-}", "strong-bad strong.bad strong-bad bad.strong strong");
	macro("192.0.2.3", "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.email.example");
	macro("192.0.2.3", "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.email.example");
	macro("2001:db8::cb01", "%{ir}.%{v}._spf.%{d2}",
		"1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.email.example");
	macro("2001:db8::cb01", "%{c} %{C}", "2001:db8::cb01 2001%3Adb8%3A%3Acb01");
	macro("::ffff:192.0.2.3", "%{c} %{v}", "192.0.2.3 in-addr");	/* 5 */
	macro("192.0.2.3", "%{S} %% %_ %-", "strong-bad%40email.example %   %20");
	macro("192.0.2.3", "%{h} %{p} %{r} %{t}", "mx.example unknown unknown 1767225600");
	macro("192.0.2.3", "%{l99r-}", "bad.strong");
	macro("192.0.2.3", "%{l1-} %{l99999999999999999999-}", "bad strong.bad");

	/* 7.3: a name over 253 bytes loses labels on the left */
	for (int i = 0; i < 30; i++)
		buf_fmt(&big, "label%03d.", i);
	buf_str(&big, "x.example.");
	CHECK(spf_macro_name((struct span){ big.p, big.len }, &m, &out) == ST_OK);
	CHECK(out.len <= 253 && out.len > 240);
	CHECK(strncmp(out.p, "label0", 6) == 0 && strcmp(out.p + out.len - 10, ".x.example") == 0);
	buf_clear(&out);
	buf_clear(&big);
	for (int i = 0; i < 300; i++)
		buf_chr(&big, 'x');
	CHECK(spf_macro_name((struct span){ big.p, big.len }, &m, &out) == ST_OK && out.len == 0);
	while (big.len < SPF_MAX_EXPANDED_BYTES)
		buf_chr(&big, 'x');
	CHECK(spf_macro_expand((struct span){ big.p, big.len }, &m, &out) == ST_OK);
	buf_chr(&big, 'x');
	buf_clear(&out);
	CHECK(spf_macro_expand((struct span){ big.p, big.len }, &m, &out) == ST_LIMIT);
	buf_free(&big);
	buf_free(&out);
}

/* ---- check_host ---- */

struct one { const char *clause, *zone, *ip, *helo, *from, *want; };

/* from NULL: the HELO identity. want: result, deciding term, the record's domain */
static void run(const struct one *c)
{
	struct dns *d = open_dns(c->zone);
	struct spf_query q = { .identity = c->from ? SPF_MAIL_FROM : SPF_HELO, .helo = c->helo, .mail_from = c->from };
	struct spf_result r = { 0 };
	struct buf got = { 0 };
	enum status st;

	CHECK(spf_ip(c->ip, strlen(c->ip), &q.ip));
	while ((st = spf_check(d, &q, &r)) == ST_AGAIN)
		CHECK(dns_wait(d, -1) == ST_OK);
	CHECK(st == ST_OK && r.why.len > 0);
	CHECK(r.terms <= SPF_MAX_TERMS || r.result == AUTH_PERMERROR);
	CHECK(r.voids <= SPF_MAX_VOIDS || r.result == AUTH_PERMERROR);
	for (size_t i = 0; i < r.why.len; i++)
		CHECK(r.why.p[i] >= ' ' && r.why.p[i] < 0x7f);
	buf_fmt(&got, "%s %s %s", auth_result_name(r.result), r.term.len ? r.term.p : "-", r.at.len ? r.at.p : "-");
	if (strcmp(got.p, c->want) != 0)
		fprintf(stderr, "RFC 7208 %s: %s\n", c->clause, buf_cstr(&r.why));
	CHECK_STR(got.p, c->want);
	buf_free(&got);
	spf_result_free(&r);
	dns_close(&d);
}

#define A10 " a:a.x.example a:a.x.example a:a.x.example a:a.x.example a:a.x.example a:a.x.example a:a.x.example a:a.x.example a:a.x.example a:a.x.example"
#define HOST "|!a.x.example. A 198.51.100.1"

static const struct one cases[] = {
	{ "2.3 HELO", "mx.x.example v=spf1 a -all|!mx.x.example. A 192.0.2.1", "192.0.2.1", "mx.x.example", NULL, "pass a mx.x.example" },
	{ "2.3 HELO says nothing of MAIL FROM", "mx.x.example v=spf1 a -all|!mx.x.example. A 192.0.2.1|x.example v=spf1 -all", "192.0.2.1", "mx.x.example", "a@x.example", "fail -all x.example" },
	{ "2.3 HELO is an address", "x.example v=spf1 -all", "192.0.2.1", "[192.0.2.1]", NULL, "none - [192.0.2.1]" },
	{ "2.3 HELO not known", "x.example v=spf1 -all", "192.0.2.1", NULL, NULL, "unchecked - -" },
	{ "2.4 null sender", "mx.x.example v=spf1 exists:%{l}.x.example -all|!postmaster.x.example. A 127.0.0.2", "192.0.2.1", "mx.x.example", "", "pass exists:%{l}.x.example mx.x.example" },
	{ "2.4 null sender, no HELO", "x.example v=spf1 -all", "192.0.2.1", NULL, "", "unchecked - -" },
	{ "4.3 no local part", "x.example v=spf1 exists:%{l}.x.example -all|!postmaster.x.example. A 127.0.0.2", "192.0.2.1", "h", "@x.example", "pass exists:%{l}.x.example x.example" },
	{ "4.3 an @ in a quoted local part", "x.example v=spf1 -all", "192.0.2.1", "h", "\"a@b.example\"@x.example", "fail -all x.example" },
	{ "4.3 one label", "x.example v=spf1 -all", "192.0.2.1", "h", "a@localhost", "none - localhost" },
	{ "4.3 a final dot", "x.example v=spf1 -all", "192.0.2.1", "h", "a@x.example.", "fail -all x.example" },
	{ "2.3 U-label", "xn--brse-5qa.example v=spf1 +all", "192.0.2.1", "h", "a@b\xc3\xb6rse.example", "pass +all xn--brse-5qa.example" },
	{ "4.4 SERVFAIL", "!x.example. SERVFAIL", "192.0.2.1", "h", "a@x.example", "temperror - x.example" },
	{ "4.4 timeout", "!x.example. TXT TIMEOUT", "192.0.2.1", "h", "a@x.example", "temperror - x.example" },
	{ "4.4 NXDOMAIN", "y.example v=spf1 -all", "192.0.2.1", "h", "a@x.example", "none - x.example" },
	{ "4.5 two records", "x.example v=spf1 -all|x.example v=spf1 +all", "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "4.5 through a CNAME", "y.example v=spf1 -all|!x.example. CNAME y.example.", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "4.6 an error behind the match", "x.example v=spf1 +all oops", "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "4.6 an error in a record not reached", "x.example v=spf1 +all include:y.example|y.example v=spf1 oops", "192.0.2.1", "h", "a@x.example", "pass +all x.example" },
	{ "4.7 default", "x.example v=spf1 ip4:192.0.2.2", "192.0.2.1", "h", "a@x.example", "neutral - x.example" },

	{ "4.6.4 ten terms", "x.example v=spf1" A10 " -all" HOST, "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "4.6.4 eleven terms", "x.example v=spf1" A10 " a:a.x.example -all" HOST, "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "4.6.4 eleven terms, a match before", "x.example v=spf1 ip4:192.0.2.1" A10 " a:a.x.example -all" HOST, "192.0.2.1", "h", "a@x.example", "pass ip4:192.0.2.1 x.example" },
	{ "4.6.4 redirect is the eleventh", "x.example v=spf1" A10 " redirect=y.example|y.example v=spf1 -all" HOST, "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "4.6.4 over all records", "x.example v=spf1 include:y.example a:a.x.example -all|y.example v=spf1" A10 " -all" HOST, "192.0.2.1", "h", "a@x.example", "permerror - y.example" },
	{ "4.6.4 two voids", "x.example v=spf1 a:n1.x.example mx:n2.x.example -all", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "4.6.4 three voids", "x.example v=spf1 a:n1.x.example mx:n2.x.example exists:n3.x.example -all", "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "4.6.4 terms are counted, not the exchanges of one", "x.example v=spf1 mx -all|!x.example. MX 1 n1.x.example.|!x.example. MX 2 n2.x.example.|!x.example. MX 3 n3.x.example.", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "4.6.4 include that does not exist is no void but an error", "x.example v=spf1 include:n.x.example -all", "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "4.6.4 a loop ends", "x.example v=spf1 include:x.example -all", "192.0.2.1", "h", "a@x.example", "permerror - x.example" },

	{ "5 mapped", "x.example v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "h", "a@x.example", "pass ip4:192.0.2.1 x.example" },
	{ "5 mapped is not ip6", "x.example v=spf1 ip6:::/0 -all", "::ffff:192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "5.1 behind all", "x.example v=spf1 ?all ip4:192.0.2.1", "192.0.2.1", "h", "a@x.example", "neutral ?all x.example" },
	{ "5.2 none", "x.example v=spf1 include:y.example ~all|!y.example. A 192.0.2.9", "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "5.2 temperror", "x.example v=spf1 include:y.example +all|!y.example. SERVFAIL", "192.0.2.1", "h", "a@x.example", "temperror - y.example" },
	{ "5.2 permerror", "x.example v=spf1 include:y.example +all|y.example v=spf1 oops", "192.0.2.1", "h", "a@x.example", "permerror - y.example" },
	{ "5.2 the qualifier is the includer's", "x.example v=spf1 ?include:y.example -all|y.example v=spf1 +all", "192.0.2.1", "h", "a@x.example", "neutral ?include:y.example x.example" },
	{ "5.2 fail does not match", "x.example v=spf1 include:y.example ~all|y.example v=spf1 -all", "192.0.2.1", "h", "a@x.example", "softfail ~all x.example" },
	{ "5.3 prefix edges", "x.example v=spf1 a/25 -all|!x.example. A 192.0.2.128", "192.0.2.127", "h", "a@x.example", "fail -all x.example" },
	{ "5.3 prefix edges", "x.example v=spf1 a/25 -all|!x.example. A 192.0.2.128", "192.0.2.255", "h", "a@x.example", "pass a/25 x.example" },
	{ "5.3 v6 prefix", "x.example v=spf1 a//33 -all|!x.example. AAAA 2001:db8:8000::1", "2001:db8:7fff::1", "h", "a@x.example", "fail -all x.example" },
	{ "5.3 temperror", "x.example v=spf1 a -all|!x.example. A TIMEOUT", "192.0.2.1", "h", "a@x.example", "temperror - x.example" },
	{ "5.3 AAAA is not asked for IPv4", "x.example v=spf1 a -all|!x.example. A 192.0.2.1|!x.example. AAAA TIMEOUT", "192.0.2.1", "h", "a@x.example", "pass a x.example" },
	{ "5.4 no MX is no implicit A", "x.example v=spf1 mx -all|!x.example. A 192.0.2.1", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "5.4 null MX", "x.example v=spf1 mx -all|!x.example. MX 0 .", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "5.4 an exchange that cannot be told", "x.example v=spf1 mx -all|!x.example. MX 1 m1.x.example.|!x.example. MX 2 m2.x.example.|!m1.x.example. SERVFAIL|!m2.x.example. A 192.0.2.9", "192.0.2.1", "h", "a@x.example", "temperror - x.example" },
	{ "5.5 an error of PTR is no match", "x.example v=spf1 ptr -all|!1.2.0.192.in-addr.arpa. SERVFAIL", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "5.5 a name whose address cannot be told is skipped", "x.example v=spf1 ptr -all|!1.2.0.192.in-addr.arpa. PTR a.x.example.|!1.2.0.192.in-addr.arpa. PTR b.x.example.|!a.x.example. SERVFAIL|!b.x.example. A 192.0.2.1", "192.0.2.1", "h", "a@x.example", "pass ptr x.example" },
	{ "5.5 not by the end of a label", "x.example v=spf1 ptr -all|!1.2.0.192.in-addr.arpa. PTR evilx.example.|!evilx.example. A 192.0.2.1", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "5.5 a PTR that is not confirmed", "x.example v=spf1 ptr -all|!1.2.0.192.in-addr.arpa. PTR a.x.example.|!a.x.example. A 192.0.2.2", "192.0.2.1", "h", "a@x.example", "fail -all x.example" },
	{ "5.7 exists", "x.example v=spf1 exists:%{ir}.x.example -all|!1.2.0.192.x.example. A 127.0.0.2", "192.0.2.1", "h", "a@x.example", "pass exists:%{ir}.x.example x.example" },
	{ "5.7 temperror", "x.example v=spf1 exists:e.x.example -all|!e.x.example. SERVFAIL", "192.0.2.1", "h", "a@x.example", "temperror - x.example" },

	{ "6.1 redirect", "x.example v=spf1 redirect=y.example|y.example v=spf1 ip4:192.0.2.1 -all", "192.0.2.1", "h", "a@x.example", "pass ip4:192.0.2.1 y.example" },
	{ "6.1 ignored beside all", "x.example v=spf1 redirect=y.example ~all|y.example v=spf1 +all", "192.0.2.1", "h", "a@x.example", "softfail ~all x.example" },
	{ "6.1 no record", "x.example v=spf1 redirect=y.example", "192.0.2.1", "h", "a@x.example", "permerror - x.example" },
	{ "6.1 temperror", "x.example v=spf1 redirect=y.example|!y.example. SERVFAIL", "192.0.2.1", "h", "a@x.example", "temperror - y.example" },
	{ "6.1 d is the target's", "x.example v=spf1 redirect=y.example|y.example v=spf1 exists:%{d}.t.example -all|!y.example.t.example. A 127.0.0.2", "192.0.2.1", "h", "a@x.example", "pass exists:%{d}.t.example y.example" },
	{ "7.3 o stays", "x.example v=spf1 include:y.example -all|y.example v=spf1 exists:%{o}.t.example|!x.example.t.example. A 127.0.0.2", "192.0.2.1", "h", "a@x.example", "pass include:y.example x.example" },
	{ "7.3 p", "x.example v=spf1 exists:%{p}.t.example -all|!1.2.0.192.in-addr.arpa. PTR m.x.example.|!m.x.example. A 192.0.2.1|!m.x.example.t.example. A 127.0.0.2", "192.0.2.1", "h", "a@x.example", "pass exists:%{p}.t.example x.example" },
	{ "7.3 p cannot be told: unknown", "x.example v=spf1 exists:%{p}.t.example -all|!1.2.0.192.in-addr.arpa. TIMEOUT|!unknown.t.example. A 127.0.0.2", "192.0.2.1", "h", "a@x.example", "pass exists:%{p}.t.example x.example" },
	{ "7.3 a local part that is no label", "x.example v=spf1 exists:%{l}.t.example -all", "192.0.2.1", "h", "a..b@x.example", "fail -all x.example" },
};

/* ---- explanations: 6.2 ---- */

static void explained(const char *clause, const char *zone, const char *from, const char *want)
{
	struct dns *d = open_dns(zone);
	struct spf_query q = { .mail_from = from, .helo = "h.example", .want_exp = true, .receiver = "weir.example" };
	struct spf_result r = { 0 };
	enum status st;

	CHECK(spf_ip("192.0.2.1", 9, &q.ip));
	while ((st = spf_check(d, &q, &r)) == ST_AGAIN)
		CHECK(dns_wait(d, -1) == ST_OK);
	CHECK(st == ST_OK && r.result == AUTH_FAIL && strncmp(r.why.p, "\"-all\" in the", 13) == 0);
	check_same(clause, &r.exp, want);
	q.want_exp = false;
	while ((st = spf_check(d, &q, &r)) == ST_AGAIN)
		CHECK(dns_wait(d, -1) == ST_OK);
	CHECK(r.exp.len == 0 && !strstr(r.names.p, "txt e."));	/* only on request */
	spf_result_free(&r);
	dns_close(&d);
}

static void explanations(void)
{
	explained("6.2", "x.example v=spf1 -all exp=e.x.example|e.x.example %{i} may not, says %{r}", "a@x.example", "192.0.2.1 may not, says weir.example");
	explained("6.2 two records", "x.example v=spf1 -all exp=e.x.example|e.x.example one|e.x.example two", "a@x.example", "");
	explained("6.2 SERVFAIL", "x.example v=spf1 -all exp=e.x.example|!e.x.example. SERVFAIL", "a@x.example", "");
	explained("6.2 bad macro", "x.example v=spf1 -all exp=e.x.example|e.x.example 100% no", "a@x.example", "");
	explained("6.2 too long", "x.example v=spf1 -all exp=%{l}.e.x.example.%{d}", "a@x.example", "");
	explained("6.2 the sender's bytes", "x.example v=spf1 -all exp=e.x.example|e.x.example no, %{l}", "a\r\nX: \x1b@x.example", "no, a??X: ?");
	explained("6.2 not an include's", "x.example v=spf1 include:y.example -all|y.example v=spf1 -all exp=e.x.example|e.x.example no", "a@x.example", "");
}

/* ---- what is told of a check ---- */

static void told(void)
{
	struct dns *d = open_dns("x.example v=spf1 a a mx -all|!x.example. MX 1 m.x.example.|!x.example. A 192.0.2.7|!m.x.example. A 192.0.2.8");
	struct spf_query q = { .mail_from = "A.B@X.example", .helo = "h.example" };
	struct spf_result r = { 0 };
	enum status st;

	CHECK(spf_ip("192.0.2.1", 9, &q.ip));
	for (int i = 0; i < 2; i++) {		/* the same again from what is known */
		while ((st = spf_check(d, &q, &r)) == ST_AGAIN)
			CHECK(dns_wait(d, -1) == ST_OK);
		CHECK(st == ST_OK && r.terms == 3 && r.voids == 0);
		CHECK_STR(buf_cstr(&r.sender), "A.B@x.example");
		CHECK_STR(buf_cstr(&r.domain), "x.example");
		CHECK_STR(buf_cstr(&r.names), "txt x.example\na x.example\nmx x.example\na m.x.example\n");
		CHECK_STR(buf_cstr(&r.why), "\"-all\" in the SPF record of x.example refuses 192.0.2.1");
	}
	spf_result_free(&r);
	dns_close(&d);
}

static void addresses(void)
{
	static const struct { const char *text; bool ok, v6; } all[] = {
		{ "192.0.2.1", true, false }, { "[192.0.2.1]", true, false }, { "IPv6:2001:db8::1", true, true },
		{ "[IPv6:2001:db8::1]", true, true }, { "2001:db8::1", true, true }, { "::ffff:192.0.2.1", true, false },
		{ "IPv6:192.0.2.1", false, false }, { "192.0.2", false, false }, { "192.0.2.01", false, false }, { "", false, false },
		{ "[]", false, false }, { "192.0.2.1 ", false, false }, { "2001:db8::1%lo", false, false },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", false, false },
	};
	struct spf_ip ip;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		CHECK(spf_ip(all[i].text, strlen(all[i].text), &ip) == all[i].ok);
		CHECK(!all[i].ok || ip.v6 == all[i].v6);
	}
	CHECK(!spf_ip("192.0.2.1\0", 10, &ip));
}

/* ---- lint ---- */

static void lint(const char *zone, const char *record, int terms, int voids, const char *want)
{
	struct dns *d = open_dns(zone);
	struct spf_lint l;
	struct buf got = { 0 };
	enum status st;

	while ((st = spf_lint(d, "x.example", record, &l)) == ST_AGAIN)
		CHECK(dns_wait(d, -1) == ST_OK);
	CHECK(st == ST_OK);
	for (size_t i = 0; i < l.n; i++)
		buf_fmt(&got, "%s%s%s", i ? " " : "", l.finding[i].fatal ? "!" : "", spf_problem_name(l.finding[i].what));
	if (l.terms != terms || l.voids != voids)
		fprintf(stderr, "%s: %d terms, %d voids\n", zone, l.terms, l.voids);
	CHECK(l.terms == terms && l.voids == voids);
	check_same(zone, &got, want);
	dns_close(&d);
}

static void lints(void)
{
	struct buf many = { 0 };

	lint("x.example v=spf1 ip4:192.0.2.1 -all", NULL, 0, 0, "");
	lint("y.example v=spf1 -all", NULL, 0, 0, "!no-record");
	lint("y.example v=spf1 -all", "v=spf1 include:y.example -all", 1, 0, "");
	lint("x.example v=spf1 -all|x.example v=spf1 ~all", NULL, 0, 0, "!several-records");
	lint("x.example v=spf1 oops", NULL, 0, 0, "!syntax");
	lint("x.example v=spf1 include:y.example ~all|y.example v=spf1 oops", NULL, 1, 0, "!syntax");
	lint("x.example v=spf1 include:y.example ~all", NULL, 1, 0, "!no-record");
	lint("x.example v=spf1 include:y.example ~all|y.example v=spf1 include:x.example ~all", NULL, 2, 0, "!loop");
	lint("x.example v=spf1 redirect=x.example.", NULL, 1, 0, "!loop");
	lint("x.example v=spf1 include:y.example a mx ~all|y.example v=spf1 a ~all a|!x.example. A 192.0.2.1|!x.example. MX 1 x.example.|!y.example. AAAA 2001:db8::1", NULL, 4, 0, "unreached");
	lint("x.example v=spf1" A10 " -all" HOST, NULL, 10, 0, "");
	lint("x.example v=spf1" A10 " a:a.x.example -all" HOST, NULL, 11, 0, "!too-many-lookups");
	lint("x.example v=spf1 include:y.example" A10 " -all|y.example v=spf1 -all" HOST, NULL, 11, 0, "!too-many-lookups");
	lint("x.example v=spf1 a:n1.x.example mx:n2.x.example -all", NULL, 2, 2, "void void");
	lint("x.example v=spf1 a:n1.x.example mx:n2.x.example exists:n3.x.example -all", NULL, 3, 3, "void void void !too-many-voids");
	lint("x.example v=spf1 ptr +all", NULL, 1, 0, "ptr pass-all");
	lint("x.example v=spf1 ip4:192.0.2.1", NULL, 0, 0, "open-end");
	lint("x.example v=spf1 redirect=y.example -all|y.example v=spf1 -all", NULL, 0, 0, "unreached");
	lint("x.example v=spf1 include:y.example -all|!y.example. SERVFAIL", NULL, 1, 0, "unknown");
	lint("x.example v=spf1 include:%{d}.y.example -all", NULL, 1, 0, "");
	/* a tree of includes, wide and deep: the walk ends */
	for (int i = 0; i < 12; i++) {
		buf_fmt(&many, "%sr%d.example v=spf1", i ? "|" : "x.example v=spf1 include:r0.example -all|", i);
		for (int j = 0; j < 8; j++)
			buf_fmt(&many, " include:r%d.example", i + 1);
		buf_str(&many, " -all");
	}
	buf_str(&many, "|r12.example v=spf1 -all");
	{
		struct dns *d = open_dns(many.p);
		struct spf_lint l;
		enum status st;

		while ((st = spf_lint(d, "x.example", NULL, &l)) == ST_AGAIN)
			CHECK(dns_wait(d, -1) == ST_OK);
		CHECK(st == ST_OK && l.terms > SPF_MAX_TERMS && l.terms < 1000 && l.fatal >= 1);
		dns_close(&d);
	}
	buf_free(&many);
}

int main(void)
{
	grammar();
	macros();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		run(&cases[i]);
	explanations();
	told();
	addresses();
	lints();
	return CHECK_DONE();
}
