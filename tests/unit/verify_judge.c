/* Expected against found, for one name and type. */
#include <stdlib.h>
#include "check.h"
#include "verify.h"

#define SPF "\"v=spf1 include:amazonses.com ~all\""
#define DMARC "\"v=DMARC1; p=none; rua=mailto:d@x.example\""

static struct rr want_rr(uint16_t type, enum rr_role role, const char *data)
{
	return (struct rr){ .owner = (char *)"x.example", .type = type, .ttl = 300, .data = (char *)data, .role = role };
}

/* One wanted record against texts: verdict of it, and how many are extra; a part of its why. */
static void is(int line, struct rr want, const char *const *found, const char *alias, enum verdict verdict, size_t extras, const char *part)
{
	struct verify_item item[8];
	struct verify_judged j[9] = { 0 };
	struct verify_seen seen = { .how = SEEN_RECORDS, .why = "", .alias = alias, .item = item };
	const struct rr *w = &want;
	size_t i, n = 0;

	for (; found && found[seen.n]; seen.n++)
		item[seen.n] = (struct verify_item){ want.type, { found[seen.n], strlen(found[seen.n]) } };
	if (seen.n == 0)
		seen.how = SEEN_NOTHING;
	verify_judge(&w, 1, &seen, j, j + 1);
	for (i = 0; i < seen.n; i++)
		n += j[1 + i].verdict == VERDICT_EXTRA;
	if (j[0].verdict != verdict || n != extras || !strstr(buf_cstr(&j[0].why), part)) {
		fprintf(stderr, "line %d: %s, %zu extra, \"%s\"\n", line, verdict_name(j[0].verdict), n, buf_cstr(&j[0].why));
		check_failures++;
	}
	for (i = 0; i < 9; i++)
		buf_free(&j[i].why);
}
#define IS(type, role, data, alias, verdict, extras, part, ...) \
	is(__LINE__, want_rr(type, role, data), (const char *const[]){ __VA_ARGS__, NULL }, alias, verdict, extras, part)

static void names(void)
{
	const char *cname = "t1.dkim.y.example.", *mx = "10 in.y.example.";

	IS(DNS_CNAME, RR_DKIM, cname, NULL, VERDICT_OK, 0, "", "t1.dkim.y.example.");
	IS(DNS_CNAME, RR_DKIM, "T1.dkim.Y.example.", NULL, VERDICT_OK, 0, "", "t1.dkim.y.example.");
	IS(DNS_CNAME, RR_DKIM, cname, NULL, VERDICT_WRONG, 0, "replace", "t2.dkim.y.example.");
	IS(DNS_CNAME, RR_DKIM, cname, NULL, VERDICT_WRONG, 0, "zone's name was added", "t1.dkim.y.example.x.example.");
	IS(DNS_CNAME, RR_DKIM, cname, NULL, VERDICT_MISSING, 0, "add", NULL);
	IS(DNS_MX, RR_FEEDBACK, mx, NULL, VERDICT_OK, 0, "", "10 in.y.example.");
	IS(DNS_MX, RR_FEEDBACK, mx, NULL, VERDICT_OK, 1, "", "20 other.example.", "10 in.y.example.");
	IS(DNS_MX, RR_FEEDBACK, mx, NULL, VERDICT_WRONG, 0, "preference", "20 in.y.example.");
	IS(DNS_MX, RR_FEEDBACK, mx, NULL, VERDICT_WRONG, 0, "zone's name was added", "10 in.y.example.x.example.");
	IS(DNS_MX, RR_FEEDBACK, mx, NULL, VERDICT_WRONG, 1, "replace", "10 a.example.", "10 b.example.");
	IS(DNS_MX, RR_INBOUND, "0 .", NULL, VERDICT_OK, 0, "", "0 .");
	IS(DNS_MX, RR_INBOUND, mx, "z.example.", VERDICT_WRONG, 0, "CNAME", "10 in.y.example.");
	IS(DNS_A, RR_APEX, "192.0.2.1", NULL, VERDICT_OK, 1, "", "192.0.2.1", "192.0.2.2");
}

static void spf(void)
{
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_OK, 0, "", "v=spf1 include:amazonses.com ~all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_OK, 0, "", "verification=abc", "V=SPF1  include:AmazonSES.com ~all ");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_MISSING, 0, "add", "verification=abc");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_WRONG, 0, "replace", "v=spf1 include:amazonses.com -all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_WRONG, 0, "replace", "v=spf1 +all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_OK, 1, "", "v=spf1 include:amazonses.com ~all", "v=spf1 mx -all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_OK, 1, "", "v=spf1 include:amazonses.com ~all", "v=spf1 include:amazonses.com ~all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_WRONG, 0, "quotes", "\"v=spf1 include:amazonses.com ~all\"");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_WRONG, 0, "quotes", "v=spf1\\ include:amazonses.com ~all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_WRONG, 0, "blanks", "v=spf1 include:amazon ses.com ~all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_WRONG, 0, "blanks", "v=spf1 include:amazonses.com~all");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_WRONG, 0, "cut off", "v=spf1 include:amazonses.com");
	IS(DNS_TXT, RR_SPF, SPF, NULL, VERDICT_MISSING, 0, "add", "v=spf10 include:amazonses.com ~all");
}

static void dmarc(void)
{
	IS(DNS_TXT, RR_DMARC, DMARC, NULL, VERDICT_OK, 0, "", "v=DMARC1; p=none; rua=mailto:d@x.example");
	IS(DNS_TXT, RR_DMARC, DMARC, NULL, VERDICT_OK, 0, "", "v=DMARC1;rua=mailto:d@x.example;p=none;");
	IS(DNS_TXT, RR_DMARC, DMARC, NULL, VERDICT_WRONG, 0, "replace", "v=DMARC1; p=reject; rua=mailto:d@x.example");
	IS(DNS_TXT, RR_DMARC, DMARC, NULL, VERDICT_OK, 1, "", "v=DMARC1; p=none; rua=mailto:d@x.example", "v=DMARC1; p=reject");
	IS(DNS_TXT, RR_DMARC, DMARC, NULL, VERDICT_MISSING, 0, "add", "v=DMARC12; p=none");
	IS(DNS_TXT, RR_DMARC, DMARC, NULL, VERDICT_MISSING, 0, "add", "v=spf1 -all");
	/* The version first, always: elsewhere it is another text to receivers. */
	CHECK(!verify_text_same(RR_DMARC, (struct span){ "p=none; v=DMARC1", 16 }, (struct span){ "v=DMARC1; p=none", 16 }));
}

static void unknown(void)
{
	struct rr w = want_rr(DNS_TXT, RR_SPF, SPF);
	const struct rr *wp = &w;
	struct verify_seen seen = { .how = SEEN_FAILED, .why = "timeout" };
	struct verify_judged j = { 0 };

	verify_judge(&wp, 1, &seen, &j, NULL);
	CHECK(j.verdict == VERDICT_TEMPERROR && j.why.len == 0);
	seen.how = SEEN_NOT_ASKED;
	verify_judge(&wp, 1, &seen, &j, NULL);
	CHECK(j.verdict == VERDICT_TEMPERROR);
}

/* Three name servers wanted, two of them and a stranger there. */
static void sets(void)
{
	struct rr r[3] = { want_rr(DNS_NS, RR_NS, "ns1.p.example."), want_rr(DNS_NS, RR_NS, "ns2.p.example."), want_rr(DNS_NS, RR_NS, "ns3.p.example.") };
	const struct rr *w[3] = { &r[0], &r[1], &r[2] };
	struct verify_item it[3] = { { DNS_NS, { "ns3.p.example.", 14 } }, { DNS_NS, { "other.example.", 14 } }, { DNS_NS, { "ns1.p.example.", 14 } } };
	struct verify_seen seen = { .how = SEEN_RECORDS, .n = 3, .item = it };
	struct verify_judged j[6] = { 0 };
	size_t i;

	verify_judge(w, 3, &seen, j, j + 3);
	CHECK(j[0].verdict == VERDICT_OK && j[2].verdict == VERDICT_OK);
	CHECK(j[1].verdict == VERDICT_WRONG && j[1].at == 1);
	CHECK(j[4].verdict == VERDICT_OK);
	for (i = 0; i < 6; i++)
		buf_free(&j[i].why);
}

int main(void)
{
	names();
	spf();
	dmarc();
	unknown();
	sets();
	return CHECK_DONE();
}
