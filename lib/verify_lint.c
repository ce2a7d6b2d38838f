/*
 * verify_lint.c - what is wrong beside the records that are wanted, see verify.h: the questions that the first answers give rise
 * to, and findings. Codes are explained in weir-domain(1).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dmarc.h"
#include "spf.h"
#include "verify_priv.h"

#define MX_LOOKED_UP 5	/* exchanges of a name */

/* ---- doubled suffix ---- */

static const char *doubled(struct verify_work *w, const char *owner, char name[2 * DOMAIN_MAX_BYTES + 3])
{
	const char *zone = w->zone[0] ? w->zone : verify_parent(w->d->name);

	if (!zone)
		return NULL;
	snprintf(name, 2 * DOMAIN_MAX_BYTES + 3, "%s.%s", owner, zone);
	return strlen(name) <= DOMAIN_MAX_BYTES ? name : NULL;
}

/* Web forms add the zone's name: "x.acme.example" entered in the zone acme.example is x.acme.example.acme.example. */
static void find_doubled(struct verify *v)
{
	struct verify_work *w = v->work;
	char name[2 * DOMAIN_MAX_BYTES + 3];
	size_t i;

	for (i = 0; i < v->n_row; i++) {
		struct verify_row *row = &v->row[i];
		const struct dns_answer *a;

		if (row->verdict != VERDICT_MISSING || row->at_parent || !doubled(w, row->owner, name))
			continue;
		a = verify_dns(w, name, row->type);
		if (!w->saying || !a || a->result != DNS_FOUND)
			continue;
		row->why = verify_fmt(w, "it stands at %s: the zone's name was added to it, so enter the name without the zone's", name);
		verify_find(v, "doubled-suffix", false, verify_fmt(w, "%s", name), verify_fmt(w, "%s %s was entered as %s",
			rr_type_name(row->type), row->owner, name));
	}
}

/* ---- MX ---- */

static void lint_exchange(struct verify *v, const char *owner, const struct verify_item *it)
{
	struct verify_work *w = v->work;
	const char *host = memchr(it->text.p, ' ', it->text.len);
	const char *name = host ? verify_fmt(w, "%.*s", (int)(it->text.p + it->text.len - host - 2), host + 1) : "";
	const struct dns_answer *a;
	uint8_t ip[16];

	if (!name[0])
		return;		/* "0 .": RFC 7505 */
	if (inet_pton(AF_INET, name, ip) == 1) {
		if (w->saying)
			verify_find(v, "mx-address", true, owner, verify_fmt(w, "the MX of %s is the address %s: it must be a host's name "
				"(RFC 5321 5.1)", owner, name));
		return;
	}
	a = verify_dns(w, name, DNS_CNAME);
	if (w->saying && a && a->result == DNS_FOUND)
		verify_find(v, "mx-cname", true, owner, verify_fmt(w, "the MX of %s, %s, is an alias (CNAME): it must be a host with addresses "
			"(RFC 2181 10.3)", owner, name));
}

static bool is_expected(const struct group *g, const struct verify_item *it)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (strlen(g->rr[i]->data) == it->text.len && strncasecmp(g->rr[i]->data, it->text.p, it->text.len) == 0)
			return true;
	return false;
}

/* The provider's own hosts are its matter. */
static void lint_mx(struct verify *v, const struct group *g)
{
	size_t i;

	for (i = 0; i < g->chosen.n && i < MX_LOOKED_UP; i++)
		if (!is_expected(g, &g->chosen.item[i]))
			lint_exchange(v, g->owner, &g->chosen.item[i]);
}

/* ---- SPF, DMARC ---- */

static void lint_spf(struct verify *v, const struct group *g)
{
	struct verify_work *w = v->work;
	const struct verify_item *record = NULL;
	struct spf_lint lint;
	size_t i, n = 0;

	for (i = 0; i < g->chosen.n; i++)
		if (spf_is_record(g->chosen.item[i].text.p, g->chosen.item[i].text.len)) {
			record = record ? record : &g->chosen.item[i];
			n++;
		}
	if (n > 1 && w->saying)
		verify_find(v, "two-spf", true, g->owner, verify_fmt(w, "%s has %zu SPF records: receivers take that for an error and use none "
			"(RFC 7208 4.5); join them into one", g->owner, n));
	if (!record)
		return;
	if (spf_lint(w->dns, g->owner, record->text.p, &lint) != ST_OK) {
		w->pending = true;
		return;
	}
	for (i = 0; w->saying && i < lint.n; i++)
		if (lint.finding[i].what != SPF_LINT_SEVERAL)
			verify_find(v, verify_fmt(w, "spf-%s", spf_problem_name(lint.finding[i].what)), lint.finding[i].fatal,
				verify_fmt(w, "%s", lint.finding[i].at), verify_fmt(w, "%s", lint.finding[i].text));
}

static void lint_dmarc(struct verify *v, const struct group *g)
{
	struct verify_work *w = v->work;
	size_t i, n = 0;

	if (!w->saying)
		return;
	for (i = 0; i < g->chosen.n; i++) {
		struct dmarc_record r;
		struct buf why = { 0 };
		enum dmarc_use use = dmarc_record_read(g->chosen.item[i].text.p, g->chosen.item[i].text.len, &r);

		if (use == DMARC_NOT_A_RECORD)
			continue;
		n++;
		dmarc_problem_text(&r, &why);
		if (why.len > 0)
			verify_find(v, use == DMARC_USED ? "dmarc" : "dmarc-discarded", use != DMARC_USED, g->owner,
				verify_fmt(w, "DMARC record of %s: %.*s", g->owner, (int)(why.len < 700 ? why.len : 700), why.p));
		buf_free(&why);
	}
	if (n > 1)
		verify_find(v, "two-dmarc", true, g->owner, verify_fmt(w, "%s has %zu DMARC records: receivers use none of them (RFC 9989 4.7)",
			g->owner, n));
}

/* ---- texts, aliases, wildcards ---- */

static void lint_text(struct verify *v, const struct group *g)
{
	size_t i;

	for (i = 0; i < g->chosen.n; i++) {
		struct span s = g->chosen.item[i].text;

		if (s.len > 1 && (s.p[0] == '"' || s.p[0] == '\\') && memchr(s.p, '=', s.len))
			verify_find(v, "quotes", false, g->owner, verify_fmt(v->work, "a TXT record of %s has quotes or backslashes in its text: they were "
				"entered twice", g->owner));
	}
}

static void lint_alias(struct verify *v, const struct group *g)
{
	if (!g->chosen.alias || g->type == DNS_CNAME)
		return;
	if (g->chosen.beside)
		verify_find(v, "cname-beside", true, g->owner, verify_fmt(v->work, "%s has a CNAME (to %s) and other records beside it, which is "
			"forbidden (RFC 1034 3.6.2): what a receiver sees is chance", g->owner, g->chosen.alias));
	else
		verify_find(v, "cname", true, g->owner, verify_fmt(v->work, "%s is a CNAME (to %s): no other record can stand at the name "
			"(RFC 1034 3.6.2)", g->owner, g->chosen.alias));
}

static void lint_wildcard(struct verify *v)
{
	static const struct { const char *under; uint16_t type; } probes[] = { { "", DNS_TXT }, { "", DNS_MX }, { "_domainkey.", DNS_TXT } };
	struct verify_work *w = v->work;
	char name[DOMAIN_MAX_BYTES + 80];
	size_t i;

	for (i = 0; i < sizeof probes / sizeof *probes; i++) {
		const struct dns_answer *a;

		snprintf(name, sizeof name, "%s.%s%s", w->probe, probes[i].under, w->d->name);
		a = strlen(name) <= DOMAIN_MAX_BYTES ? verify_dns(w, name, probes[i].type) : NULL;
		if (!a || (a->result != DNS_FOUND && (!a->canonical || strcasecmp(a->canonical, name) == 0 || dns_failed(a->result))))
			continue;
		verify_find(v, "wildcard", false, v->domain, verify_fmt(w, "any name below %s%s has a %s record (a wildcard, *): a record that is "
			"missing may seem to be there", probes[i].under, v->domain, rr_type_name(probes[i].type)));
		return;
	}
}

static void lint_secure(struct verify *v)
{
	struct verify_work *w = v->work;
	size_t i;

	for (i = 0; i < w->n_group; i++) {
		const struct dns_answer *a = verify_dns(w, w->group[i].owner, w->group[i].type);

		if (a && a->result == DNS_BOGUS) {
			verify_find(v, "bogus", true, w->group[i].owner, verify_fmt(w, "DNSSEC says that the answer for %s is forged (%.300s): receivers "
				"that validate see nothing of it", w->group[i].owner, a->why));
			return;
		}
	}
}

static void lint_group(struct verify *v, const struct group *g)
{
	if (g->at_parent)
		return;
	if (g->type == DNS_MX)
		lint_mx(v, g);
	if (g->type == DNS_TXT && (g->rr[0]->role == RR_SPF || g->rr[0]->role == RR_MAIL_FROM_SPF))
		lint_spf(v, g);
	if (g->type == DNS_TXT && g->rr[0]->role == RR_DMARC)
		lint_dmarc(v, g);
}

/* Run twice: first everything is asked for, and when all is there, once more to say it. */
static void ask_and_say(struct verify *v)
{
	struct verify_work *w = v->work;
	size_t i;

	find_doubled(v);
	for (i = 0; i < w->n_group; i++)
		lint_group(v, &w->group[i]);
}

bool verify_follow(struct verify *v)
{
	struct verify_work *w = v->work;
	size_t i;

	w->saying = false;
	ask_and_say(v);
	if (w->pending)
		return false;
	w->saying = true;
	ask_and_say(v);
	for (i = 0; i < w->n_group; i++) {
		if (w->group[i].at_parent)
			continue;
		lint_alias(v, &w->group[i]);
		if (w->group[i].type == DNS_TXT)
			lint_text(v, &w->group[i]);
	}
	lint_wildcard(v);
	lint_secure(v);
	return true;
}
