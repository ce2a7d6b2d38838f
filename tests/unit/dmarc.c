/* DMARC: each case with its section of RFC 9989. The DNS of a case is a string: "name record|name record|!line of the file". */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "dmarc.h"
#include "file.h"

static struct dns *open_dns(const char *zone)
{
	char path[] = "/tmp/weir-dmarc-XXXXXX", *copy = strdup(zone), *rest = copy, *one;
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
			fprintf(f, "_dmarc.%.*s. TXT \"%s\"\n", (int)(space - one), one, space + 1);
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

static enum auth_result word(const char *p, size_t n)
{
	static const enum auth_result all[] = { AUTH_PASS, AUTH_FAIL, AUTH_NONE, AUTH_TEMPERROR, AUTH_PERMERROR, AUTH_SOFTFAIL,
		AUTH_NEUTRAL, AUTH_UNCHECKED };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strlen(auth_result_name(all[i])) == n && strncmp(auth_result_name(all[i]), p, n) == 0)
			return all[i];
	abort();
}

/* "pass a.example,fail b.example" */
static size_t signatures(char *s, struct dmarc_dkim *out)
{
	size_t n = 0;
	char *one;

	while (s && (one = strsep(&s, ",")) != NULL) {
		char *space = strchr(one, ' ');

		out[n].result = word(one, (size_t)(space - one));
		out[n++].domain = space + 1;
	}
	return n;
}

static const char *dash(struct buf *b)
{
	return b->len ? buf_cstr(b) : "-";
}

struct one { const char *section, *zone, *from, *spf, *dkim, *want; };

/* want: result, the tag and policy published, disposition, policy domain, organizational domain */
static void run(const struct one *c)
{
	struct dns *d = open_dns(c->zone);
	struct dmarc_authors authors;
	struct dmarc_dkim dkim[20];
	struct dmarc_query q = { .authors = &authors, .spf = AUTH_NONE, .dkim = dkim };
	struct dmarc_result r = { 0 };
	struct buf got = { 0 };
	char *list = c->dkim ? strdup(c->dkim) : NULL;
	enum status st;

	CHECK(dmarc_authors(c->from, strlen(c->from), &authors) == ST_OK);
	q.n_dkim = signatures(list, dkim);
	if (c->spf) {
		const char *space = strchr(c->spf, ' ');

		q.spf = word(c->spf, space ? (size_t)(space - c->spf) : strlen(c->spf));
		q.spf_domain = space ? space + 1 : NULL;
	}
	while ((st = dmarc_check(d, &q, &r)) == ST_AGAIN)
		CHECK(dns_wait(d, -1) == ST_OK);
	CHECK(st == ST_OK);
	CHECK(r.why.len > 0);
	CHECK(r.result == AUTH_FAIL || r.disposition == DMARC_NONE);
	CHECK((r.result == AUTH_PASS) == (r.spf_aligned || r.dkim_aligned));
	buf_fmt(&got, "%s %s=%s %s %s %s", auth_result_name(r.result), r.policy_tag, dmarc_policy_name(r.published),
		dmarc_policy_name(r.disposition), dash(&r.policy_domain), dash(&r.org));
	if (strcmp(buf_cstr(&got), c->want) != 0)
		fprintf(stderr, "RFC 9989 %s: From %s, spf %s, dkim %s: %s\n", c->section, c->from, c->spf ? c->spf : "-",
			c->dkim ? c->dkim : "-", buf_cstr(&r.why));
	CHECK_STR(buf_cstr(&got), c->want);
	buf_free(&got);
	dmarc_result_free(&r);
	free(list);
	dns_close(&d);
}

#define CORP "corp.example v=DMARC1; p=reject"
#define F(domain) "From: a@" domain "\n\n"

static const struct one cases[] = {
	/* B.1.1, B.1.2 and 4.4's table: alignment. "corp.example" stands where the RFC has example.com. */
	{ "B.1.1 1", CORP, F("corp.example"), "pass corp.example", NULL, "pass p=reject none corp.example -" },
	{ "B.1.1 2", CORP, F("corp.example"), "pass child.corp.example", NULL, "pass p=reject none corp.example corp.example" },
	{ "B.1.1 3", CORP, F("child.corp.example"), "pass other.example", NULL, "fail p=reject reject corp.example corp.example" },
	{ "B.1.2 1", CORP, F("corp.example"), NULL, "pass corp.example", "pass p=reject none corp.example -" },
	{ "B.1.2 2", CORP, F("child.corp.example"), NULL, "pass corp.example", "pass p=reject none corp.example corp.example" },
	{ "B.1.2 3", CORP, F("child.corp.example"), NULL, "pass other.example", "fail p=reject reject corp.example corp.example" },
	{ "4.4 table", CORP, F("news.corp.example"), "pass foo.corp.example", NULL, "pass p=reject none corp.example corp.example" },
	{ "4.4 table", CORP, F("news.corp.example"), NULL, "pass foo.other.example", "fail p=reject reject corp.example corp.example" },
	{ "4.4 RFC 4343", CORP, F("CORP.Example"), "pass Corp.EXAMPLE", NULL, "pass p=reject none corp.example -" },
	{ "4.4.1 any signature", CORP, F("corp.example"), NULL, "fail corp.example,pass esp.example,pass corp.example", "pass p=reject none corp.example corp.example" },
	{ "4.4.1 not validated", CORP, F("corp.example"), NULL, "fail corp.example,permerror corp.example", "fail p=reject reject corp.example -" },
	{ "4.4.2 softfail is no pass", CORP, F("corp.example"), "softfail corp.example", NULL, "fail p=reject reject corp.example -" },
	{ "4.4 a name that only ends alike", CORP, F("corp.example"), "pass evilcorp.example", NULL, "fail p=reject reject corp.example corp.example" },
	{ "4.4 a sibling under the suffix", CORP, F("corp.example"), "pass example", NULL, "fail p=reject reject corp.example corp.example" },

	/* 4.7: strict */
	{ "4.7 aspf=s", "corp.example v=DMARC1; p=reject; aspf=s", F("corp.example"), "pass m.corp.example", NULL, "fail p=reject reject corp.example -" },
	{ "4.7 aspf=s", "corp.example v=DMARC1; p=reject; aspf=s", F("corp.example"), "pass corp.example", NULL, "pass p=reject none corp.example -" },
	{ "4.7 aspf is not adkim", "corp.example v=DMARC1; p=reject; aspf=s", F("corp.example"), NULL, "pass m.corp.example", "pass p=reject none corp.example corp.example" },
	{ "4.7 adkim=s", "corp.example v=DMARC1; p=reject; adkim=s", F("m.corp.example"), NULL, "pass corp.example", "fail p=reject reject corp.example corp.example" },
	{ "4.7 adkim=S", "corp.example v=DMARC1; p=reject; adkim=S", F("corp.example"), NULL, "pass m.corp.example", "fail p=reject reject corp.example -" },
	{ "4.8 adkim=x: default r", "corp.example v=DMARC1; p=reject; adkim=x", F("corp.example"), NULL, "pass m.corp.example", "pass p=reject none corp.example corp.example" },

	/* B.4: the walk */
	{ "B.4.1", "corp.example v=DMARC1; p=quarantine|signing.corp.example v=DMARC1; p=none", F("corp.example"), NULL, "pass signing.corp.example", "pass p=quarantine none corp.example corp.example" },
	{ "B.4.1 spf", "corp.example v=DMARC1; p=quarantine|signing.corp.example v=DMARC1; p=none", F("corp.example"), "pass corp.example", NULL, "pass p=quarantine none corp.example -" },
	{ "B.4.2", "corp.example v=DMARC1; p=reject|signing.corp.example v=DMARC1; p=none", F("a.b.c.d.e.f.g.h.i.j.k.corp.example"), "pass corp.example", NULL, "pass p=reject none corp.example corp.example" },
	{ "B.4.2", "corp.example v=DMARC1; p=reject|signing.corp.example v=DMARC1; p=none", F("a.b.c.d.e.f.g.h.i.j.k.corp.example"), NULL, "pass signing.corp.example", "pass p=reject none corp.example corp.example" },
	{ "B.4.2 fail", "corp.example v=DMARC1; p=reject|signing.corp.example v=DMARC1; p=none", F("a.b.c.d.e.f.g.h.i.j.k.corp.example"), NULL, NULL, "fail p=reject reject corp.example corp.example" },
#define BANK "bank.example v=DMARC1; p=reject; psd=y|giant.bank.example v=DMARC1; p=quarantine"
	{ "B.4.3 spf", BANK, F("giant.bank.example"), "pass mail.giant.bank.example", NULL, "pass p=quarantine none giant.bank.example giant.bank.example" },
	{ "B.4.3 dkim", BANK, F("giant.bank.example"), NULL, "pass mail.mega.bank.example", "fail p=quarantine quarantine giant.bank.example giant.bank.example" },
	{ "B.4.3 the other way", BANK, F("mail.mega.bank.example"), NULL, "pass giant.bank.example", "fail p=reject reject bank.example mega.bank.example" },
	{ "4.10.2 psd=y above", "example v=DMARC1; p=none; psd=y", F("a.mail.corp.example"), "pass corp.example", NULL, "pass p=none none example corp.example" },
	{ "4.10.2 psd=n", "mail.corp.example v=DMARC1; p=reject; psd=n|" CORP, F("a.mail.corp.example"), "pass corp.example", NULL, "fail p=reject reject mail.corp.example mail.corp.example" },
	{ "4.10.2 psd=n", "mail.corp.example v=DMARC1; p=reject; psd=n|" CORP, F("a.mail.corp.example"), "pass b.mail.corp.example", NULL, "pass p=reject none mail.corp.example mail.corp.example" },
	{ "4.10.2 fewest labels", "mail.corp.example v=DMARC1; p=none|" CORP, F("a.mail.corp.example"), "pass b.corp.example", NULL, "pass p=reject none corp.example corp.example" },
	{ "4.10.2 no record of its own: itself", CORP, F("corp.example"), NULL, "pass other.example", "fail p=reject reject corp.example corp.example" },
	{ "4.10.2 psd=y where the walk starts is no end below", "bank.example v=DMARC1; p=reject; psd=y", F("bank.example"), "pass x.bank.example", NULL, "fail p=reject reject bank.example bank.example" },
	{ "4.10.1 never a record between", "example v=DMARC1; p=none; psd=y; sp=quarantine|x.giant.example v=DMARC1; p=reject", F("y.x.giant.example"), NULL, NULL, "fail sp=quarantine quarantine example giant.example" },
	{ "4.10.1 the PSD's counts only without the organization's", "example v=DMARC1; p=reject; psd=y|corp.example v=DMARC1; p=none", F("a.corp.example"), NULL, NULL, "fail p=none none corp.example corp.example" },

	/* 4.10: eight queries */
	{ "4.10 eight labels", "a.b.c.d.e.f.g.example v=DMARC1; p=reject", F("a.b.c.d.e.f.g.example"), NULL, NULL, "fail p=reject reject a.b.c.d.e.f.g.example -" },
	{ "4.10 eight labels: the seventh is asked", "b.c.d.e.f.g.example v=DMARC1; p=reject", F("a.b.c.d.e.f.g.example"), NULL, NULL, "fail p=reject reject b.c.d.e.f.g.example b.c.d.e.f.g.example" },
	{ "4.10 nine labels: the eighth is not asked", "b.c.d.e.f.g.h.example v=DMARC1; p=reject", F("a.b.c.d.e.f.g.h.example"), NULL, NULL, "none = none - a.b.c.d.e.f.g.h.example" },
	{ "4.10 nine labels: the seventh is", "c.d.e.f.g.h.example v=DMARC1; p=reject", F("a.b.c.d.e.f.g.h.example"), NULL, NULL, "fail p=reject reject c.d.e.f.g.h.example c.d.e.f.g.h.example" },
	{ "4.10 nine labels: psd=y at the seventh", "c.d.e.f.g.h.example v=DMARC1; p=reject; psd=y", F("a.b.c.d.e.f.g.h.example"), "pass b.c.d.e.f.g.h.example", NULL, "pass p=reject none c.d.e.f.g.h.example b.c.d.e.f.g.h.example" },

	/* 4.7, 4.10.1: which policy */
	{ "4.7 sp", "corp.example v=DMARC1; p=reject; sp=none|!a.corp.example. A 192.0.2.1", F("a.corp.example"), NULL, NULL, "fail sp=none none corp.example corp.example" },
	{ "4.7 sp is not for the domain itself", "corp.example v=DMARC1; p=reject; sp=none", F("corp.example"), NULL, NULL, "fail p=reject reject corp.example -" },
	{ "4.7 np, NXDOMAIN", "corp.example v=DMARC1; p=none; sp=quarantine; np=reject", F("gone.corp.example"), NULL, NULL, "fail np=reject reject corp.example corp.example" },
	{ "4.7 np, exists: sp", "corp.example v=DMARC1; p=none; sp=quarantine; np=reject|!a.corp.example. A 192.0.2.1", F("a.corp.example"), NULL, NULL, "fail sp=quarantine quarantine corp.example corp.example" },
	{ "4.7 np, exists: p without sp", "corp.example v=DMARC1; p=quarantine; np=reject|!a.corp.example. MX 1 m.corp.example.", F("a.corp.example"), NULL, NULL, "fail p=quarantine quarantine corp.example corp.example" },
	{ "3.2.13 NODATA exists", "corp.example v=DMARC1; p=none; np=reject|!b.a.corp.example. A 192.0.2.1", F("a.corp.example"), NULL, NULL, "fail p=none none corp.example corp.example" },
	{ "A.4 a CNAME exists", "corp.example v=DMARC1; p=none; np=reject|!a.corp.example. CNAME gone.corp.example.", F("a.corp.example"), NULL, NULL, "fail p=none none corp.example corp.example" },
	{ "4.7 no np: sp", "corp.example v=DMARC1; p=none; sp=reject", F("gone.corp.example"), NULL, NULL, "fail sp=reject reject corp.example corp.example" },
	{ "4.7 np of a PSD", "example v=DMARC1; p=none; np=reject; psd=y", F("gone.example"), NULL, NULL, "fail np=reject reject example gone.example" },
	{ "5.3.6 existence not told", "corp.example v=DMARC1; p=none; np=reject|!a.corp.example. A TIMEOUT", F("a.corp.example"), NULL, NULL, "temperror p=none none corp.example corp.example" },
	{ "5.3.6 existence does not matter for a pass", "corp.example v=DMARC1; p=none; np=reject|!a.corp.example. A TIMEOUT", F("a.corp.example"), "pass corp.example", NULL, "pass p=none none corp.example corp.example" },
	{ "4.7 t=y, reject", "corp.example v=DMARC1; p=reject; t=y", F("corp.example"), NULL, NULL, "fail p=reject quarantine corp.example -" },
	{ "4.7 t=y, quarantine", "corp.example v=DMARC1; p=quarantine; t=y", F("corp.example"), NULL, NULL, "fail p=quarantine none corp.example -" },
	{ "4.7 t=y, none", "corp.example v=DMARC1; p=none; t=y", F("corp.example"), NULL, NULL, "fail p=none none corp.example -" },
	{ "4.7 t=y, sp", "corp.example v=DMARC1; p=none; sp=reject; t=y", F("a.corp.example"), NULL, NULL, "fail sp=reject quarantine corp.example corp.example" },
	{ "4.8 t=yes: default n", "corp.example v=DMARC1; p=reject; t=yes", F("corp.example"), NULL, NULL, "fail p=reject reject corp.example -" },
	{ "A.6 pct is gone", "corp.example v=DMARC1; p=reject; pct=0", F("corp.example"), NULL, NULL, "fail p=reject reject corp.example -" },
	{ "B.2.5", "test.corp.example v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@corp.example, mailto:tld-test@thirdparty.example; t=y", F("test.corp.example"), NULL, NULL, "fail p=quarantine none test.corp.example -" },

	/* 4.7, 4.8, 4.10.1: records that are not as they should be */
	{ "4.10.1 no p, rua", "corp.example v=DMARC1; rua=mailto:d@corp.example", F("corp.example"), NULL, NULL, "fail p=none none corp.example -" },
	{ "4.10.1 no p, rua, but a pass", "corp.example v=DMARC1; rua=mailto:d@corp.example", F("corp.example"), "pass corp.example", NULL, "pass p=none none corp.example -" },
	{ "4.10.1 no p, no rua", "corp.example v=DMARC1; adkim=s", F("corp.example"), NULL, NULL, "permerror = none corp.example -" },
	{ "4.10.1 no p, bad rua", "corp.example v=DMARC1; rua=d@corp.example", F("corp.example"), NULL, NULL, "permerror = none corp.example -" },
	{ "4.10.1 bad p, rua", "corp.example v=DMARC1; p=rejct; rua=mailto:d@corp.example", F("corp.example"), NULL, NULL, "fail p=none none corp.example -" },
	{ "4.10.1 bad sp, rua", "corp.example v=DMARC1; p=reject; sp=no; rua=mailto:d@corp.example", F("corp.example"), NULL, NULL, "fail p=none none corp.example -" },
	{ "4.10.1 bad np, no rua", "corp.example v=DMARC1; p=reject; np=no", F("corp.example"), NULL, NULL, "permerror = none corp.example -" },
	{ "4.10 2 several", CORP "|" "corp.example v=DMARC1; p=none", F("corp.example"), NULL, NULL, "none = none - corp.example" },
	{ "4.10 2 several at the author, one above", CORP "|a.corp.example v=DMARC1; p=none|a.corp.example v=DMARC1; p=quarantine", F("a.corp.example"), NULL, NULL, "fail p=reject reject corp.example corp.example" },
	{ "4.10 2 other TXT beside it", CORP "|corp.example v=spf1 -all|corp.example v=DMARC2; p=none", F("corp.example"), NULL, NULL, "fail p=reject reject corp.example -" },
	{ "4.7 v is case-sensitive", "corp.example v=dmarc1; p=reject", F("corp.example"), NULL, NULL, "none = none - corp.example" },
	{ "4.7 v is first", "corp.example p=reject; v=DMARC1", F("corp.example"), NULL, NULL, "none = none - corp.example" },
	{ "4.8 v=DMARC11", "corp.example v=DMARC11; p=reject", F("corp.example"), NULL, NULL, "none = none - corp.example" },
	{ "4.8 blanks", "corp.example v = DMARC1 ;  p = Reject  ;", F("corp.example"), NULL, NULL, "fail p=reject reject corp.example -" },
	{ "4.5 strings are joined", "!_dmarc.corp.example. TXT \"v=DMARC1; p=re\" \"ject\"", F("corp.example"), NULL, NULL, "fail p=reject reject corp.example -" },
	{ "4.10.1 none", "other.example v=DMARC1; p=reject", F("corp.example"), "pass corp.example", NULL, "none = none - corp.example" },
	{ "4.10.1 null answer", "!_dmarc.corp.example. A 192.0.2.1", F("corp.example"), NULL, NULL, "none = none - corp.example" },

	/* 5.3.6: what could not be told */
	{ "5.3.6 author", "!_dmarc.corp.example. SERVFAIL", F("corp.example"), "pass corp.example", NULL, "temperror = none - -" },
	{ "5.3.6 above", "!_dmarc.corp.example. TIMEOUT", F("a.corp.example"), "pass a.corp.example", NULL, "temperror = none - -" },
	{ "5.3.6 above, not needed", CORP "|!_dmarc.example. TIMEOUT", F("corp.example"), "pass corp.example", NULL, "pass p=reject none corp.example -" },
	{ "5.3.6 above, needed", CORP "|!_dmarc.example. TIMEOUT", F("corp.example"), "pass m.corp.example", NULL, "temperror p=reject none corp.example -" },
	{ "5.3.6 beyond psd=n", "corp.example v=DMARC1; p=reject; psd=n|!_dmarc.example. TIMEOUT", F("corp.example"), "pass m.corp.example", NULL, "pass p=reject none corp.example corp.example" },
	{ "5.3.6 the identifier's own walk", CORP "|!_dmarc.m.corp.example. SERVFAIL", F("corp.example"), "pass m.corp.example", NULL, "temperror p=reject none corp.example corp.example" },
	{ "5.3.6 another identifier passes", CORP "|!_dmarc.m.corp.example. SERVFAIL", F("corp.example"), "pass m.corp.example", "pass corp.example", "pass p=reject none corp.example corp.example" },
	{ "5.3.6 SPF temperror, aligned", CORP, F("corp.example"), "temperror corp.example", NULL, "temperror p=reject none corp.example -" },
	{ "5.3.6 SPF temperror, not aligned", CORP, F("corp.example"), "temperror other.example", NULL, "fail p=reject reject corp.example corp.example" },
	{ "5.3.6 DKIM temperror, aligned", CORP, F("corp.example"), "fail corp.example", "temperror corp.example", "temperror p=reject none corp.example -" },
	{ "5.3.6 DKIM temperror beside a pass", CORP, F("corp.example"), NULL, "temperror corp.example,pass corp.example", "pass p=reject none corp.example -" },
	{ "5.3.3 SPF not checked", CORP, F("corp.example"), "unchecked", NULL, "unchecked p=reject none corp.example -" },
	{ "5.3.3 SPF not checked, DKIM passes", CORP, F("corp.example"), "unchecked", "pass corp.example", "pass p=reject none corp.example -" },
	{ "5.3.3 SPF not checked, of another domain", CORP, F("corp.example"), "unchecked other.example", NULL, "fail p=reject reject corp.example corp.example" },

	/* 5.3.1, 11.5: authors */
	{ "5.3.1 no From", CORP, "To: a@corp.example\n\n", "pass corp.example", NULL, "permerror = none - -" },
	{ "5.3.1 two fields", CORP, "From: a@corp.example\nFrom: a@corp.example\n\n", "pass corp.example", NULL, "permerror = none - -" },
	{ "5.3.1 two fields, one with a blank", CORP, "From: a@corp.example\nFROM : b@other.example\n\n", "pass corp.example", NULL, "permerror = none - -" },
	{ "5.3.1 no address", CORP, "From: Corp\n\n", NULL, NULL, "permerror = none - -" },
	{ "5.3.1 an empty group", CORP, "From: undisclosed:;\n\n", NULL, NULL, "permerror = none - -" },
	{ "5.3.1 an address literal", CORP, "From: a@[192.0.2.1]\n\n", NULL, NULL, "permerror = none - -" },
	{ "5.3.1 a@b@c", CORP, "From: a@corp.example@other.example\n\n", NULL, NULL, "permerror = none - -" },
	{ "5.3.1 two readings", CORP, "From: a@other.example b@corp.example\n\n", "pass other.example", NULL, "permerror = none - -" },
	{ "5.3.1 an @ in a display name is a name", CORP, "From: \"b@corp.example\" <a@other.example>\n\n", "pass other.example", NULL, "none = none - other.example" },
	{ "5.3.1 U-label", "xn--brse-5qa.example v=DMARC1; p=reject", "From: a@b\xc3\xb6rse.example\n\n", "pass xn--brse-5qa.example", NULL, "pass p=reject none xn--brse-5qa.example -" },
	{ "5.3.1 one domain twice is one", CORP, "From: a@corp.example, b@Corp.example\n\n", "pass corp.example", NULL, "pass p=reject none corp.example -" },
	{ "5.3.1 in a group", CORP, "From: g: a@corp.example;\n\n", NULL, NULL, "fail p=reject reject corp.example -" },
	{ "11.5 two domains, both pass", CORP "|two.example v=DMARC1; p=none", "From: a@corp.example, b@two.example\n\n", "pass corp.example", "pass two.example", "pass p=reject none corp.example corp.example" },
	{ "11.5 two domains, one fails", CORP "|two.example v=DMARC1; p=none", "From: b@two.example, a@corp.example\n\n", NULL, "pass two.example", "fail p=reject reject corp.example corp.example" },
	{ "11.5 the strictest of those that fail", "two.example v=DMARC1; p=quarantine|" CORP "|three.example v=DMARC1; p=none", "From: b@two.example, a@corp.example, c@three.example\n\n", NULL, NULL, "fail p=reject reject corp.example -" },
	{ "11.5 one passes, one has no record", CORP, "From: a@corp.example, v@victim.example\n\n", "pass corp.example", NULL, "none = none - victim.example" },
	{ "11.5 four domains", CORP, "From: a@corp.example, b@b.example, c@c.example, d@d.example\n\n", NULL, NULL, "fail p=reject reject corp.example -" },
	{ "11.5 five domains", CORP, "From: a@corp.example, b@b.example, c@c.example, d@d.example, e@e.example\n\n", "pass corp.example", NULL, "permerror = none - -" },
};

/* ---- records ---- */

static void record(const char *text, enum dmarc_use use, int problems, const char *what)
{
	struct dmarc_record r;
	struct buf b = { 0 };
	char *exact = malloc(strlen(text) + 1);

	memcpy(exact, text, strlen(text));
	CHECK(dmarc_record_read(exact, strlen(text), &r) == use);
	if (r.problems != problems)
		fprintf(stderr, "%s: problems %d, want %d\n", text, r.problems, problems);
	CHECK(r.problems == problems);
	dmarc_problem_text(&r, &b);
	if (strncmp(buf_cstr(&b), what, strlen(what)) != 0 || (!*what && b.len))
		CHECK_STR(buf_cstr(&b), what);
	buf_free(&b);
	free(exact);
}

static void records(void)
{
	struct buf big = { 0 };
	struct dmarc_record r;

	record("v=DMARC1;p=none", DMARC_USED, 0, "");
	record("v=DMARC1; p=none; rua=mailto:a@x.example", DMARC_USED, 0, "");
	record("V=DMARC1; P=none", DMARC_USED, 0, "");
	record("v=DMARC1", DMARC_UNUSABLE, DMARC_P_NO_P, "p: there is no p");
	record("v=DMARC1; p=", DMARC_UNUSABLE, DMARC_P_BAD_P | DMARC_P_SYNTAX, "p: the policy");
	record("v=DMARC1; p=none; p=reject", DMARC_UNUSABLE, DMARC_P_BAD_P | DMARC_P_TWICE, "p: the policy");
	record("v=DMARC1; p=reject; adkim=s; adkim=s", DMARC_USED, DMARC_P_TWICE | DMARC_P_BAD_VALUE, "adkim: the tag stands twice");
	record("v=DMARC1; p=reject; v=DMARC1", DMARC_USED, DMARC_P_TWICE, "v: the tag");
	record("v=DMARC1; p=reject; ; ;;", DMARC_USED, 0, "");
	record("v=DMARC1; p=reject; nonsense", DMARC_USED, DMARC_P_SYNTAX, "nonsense: ");
	record("v=DMARC1; p=reject; s_p=none", DMARC_USED, DMARC_P_SYNTAX, "s_p: ");
	record("v=DMARC1; p=reject; rau=mailto:a@x.example", DMARC_USED, DMARC_P_UNKNOWN, "rau: no tag");
	record("v=DMARC1; p=reject; pct=50; ri=86400; rf=afrf", DMARC_USED, DMARC_P_OBSOLETE, "pct: RFC 9989");
	record("v=DMARC1; p=reject; rua=mailto:a@x.example!10m", DMARC_USED, DMARC_P_OBSOLETE, "rua: RFC 9989");
	record("v=DMARC1; p=reject; rua=a@x.example", DMARC_USED, DMARC_P_BAD_RUA, "rua: an address");
	record("v=DMARC1; p=reject; rua=mailto:x.example", DMARC_USED, DMARC_P_BAD_RUA, "rua: an address");
	record("v=DMARC1; p=reject; rua=mailto:a@x.example,", DMARC_USED, DMARC_P_BAD_RUA, "rua: an address");
	record("v=DMARC1; p=reject; ruf=https://x.example/r; fo=1:d:s", DMARC_USED, 0, "");
	record("v=DMARC1; p=reject; ruf=mailto:a@x.example; fo=0:1", DMARC_USED, DMARC_P_BAD_VALUE, "fo: the value");
	record("v=DMARC1; p=reject; ruf=mailto:a@x.example; fo=d:d", DMARC_USED, DMARC_P_BAD_VALUE, "fo: the value");
	record("v=DMARC1; p=reject; fo=1", DMARC_USED, DMARC_P_FO_ALONE, "fo: fo does");
	record("v=DMARC1; p=reject; psd=yes", DMARC_USED, DMARC_P_BAD_VALUE, "psd: the value");
	record("v=DMARC1; p=rej\xc3\xa9" "ct", DMARC_UNUSABLE, DMARC_P_BAD_P | DMARC_P_SYNTAX, "p: the policy");
	record(" v=DMARC1; p=reject", DMARC_NOT_A_RECORD, 0, "");
	record("v=DMARC1 p=reject", DMARC_NOT_A_RECORD, 0, "");
	record("v=DMARC", DMARC_NOT_A_RECORD, 0, "");
	record("v", DMARC_NOT_A_RECORD, 0, "");
	record("", DMARC_NOT_A_RECORD, 0, "");
	buf_str(&big, "v=DMARC1; p=reject; ");
	while (big.len < DMARC_MAX_RECORD_BYTES)
		buf_chr(&big, ';');
	CHECK(dmarc_record_read(big.p, big.len, &r) == DMARC_USED);
	buf_chr(&big, ';');
	CHECK(dmarc_record_read(big.p, big.len, &r) == DMARC_NOT_A_RECORD);
	buf_free(&big);
}

/* ---- the edge of eight ---- */

static int asked;

static void count(void *arg, const char *name, uint16_t type, const struct dns_answer *a)
{
	asked++;
}

static void edge(int labels, int want)
{
	struct dns *d = open_dns("other.example v=DMARC1; p=none");
	struct dmarc_walk w = { 0 };
	struct buf name = { 0 };

	for (int i = 1; i < labels; i++)
		buf_fmt(&name, "l%d.", i);
	buf_str(&name, "example");
	asked = 0;
	dns_on_use(d, count, NULL);
	while (dmarc_walk(d, name.p, &w) == ST_AGAIN)
		CHECK(dns_wait(d, -1) == ST_OK);
	CHECK(asked == want);
	CHECK(w.queries == want);
	CHECK_STR(buf_cstr(&w.org), name.p);
	dmarc_walk_free(&w);
	buf_free(&name);
	dns_close(&d);
}

int main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		run(&cases[i]);
	records();
	edge(1, 1);
	edge(2, 2);
	edge(7, 7);
	edge(8, DMARC_MAX_QUERIES);
	edge(9, DMARC_MAX_QUERIES);
	edge(60, DMARC_MAX_QUERIES);
	return CHECK_DONE();
}
