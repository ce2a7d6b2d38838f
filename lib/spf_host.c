/*
 * spf_host.c - see spf_eval.h: check_host() of RFC 7208 4, records, redirects.
 *
 * Includes recurse, each at the cost of one of SPF_MAX_TERMS, so no deeper than that.
 */
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "plain.h"
#include "spf_eval.h"

/* ---- results ---- */

enum spf_step spf_stop(struct spf_eval *e, enum auth_result result, const char *at)
{
	e->r->result = result;
	buf_clear(&e->r->at);
	buf_clear(&e->r->term);
	buf_clear(&e->r->why);
	plain_str(&e->r->at, at);
	return SPF_STOP;
}

enum spf_step spf_permerror(struct spf_eval *e, const char *at, const char *why)
{
	char kept[512];		/* why may be st_text() */

	snprintf(kept, sizeof kept, "%s", why);
	spf_stop(e, AUTH_PERMERROR, at);
	buf_str(&e->r->why, "the SPF record of ");
	plain_str(&e->r->why, at);
	buf_str(&e->r->why, " is not valid: ");
	plain_str(&e->r->why, kept);
	return SPF_STOP;
}

enum spf_step spf_temperror(struct spf_eval *e, const char *at, const char *type, const char *name, const struct dns_answer *a)
{
	spf_stop(e, AUTH_TEMPERROR, at);
	buf_fmt(&e->r->why, "%s of ", type);
	plain_str(&e->r->why, name);
	buf_fmt(&e->r->why, " could not be looked up: %s", dns_result_name(a->result));
	if (a->why && *a->why) {
		buf_str(&e->r->why, ", ");
		plain_str(&e->r->why, a->why);
	}
	return SPF_STOP;
}

static enum auth_result of_qualifier(char q)
{
	return q == '+' ? AUTH_PASS : q == '-' ? AUTH_FAIL : q == '~' ? AUTH_SOFTFAIL : AUTH_NEUTRAL;
}

/* A directive matched: that is the result of its record. */
static enum auth_result decide(struct spf_eval *e, const char *at, const struct spf_term *t)
{
	enum auth_result result = of_qualifier(t->qualifier);
	char what[96];

	spf_stop(e, result, at);
	plain_add(&e->r->term, t->text.p, t->text.len);
	snprintf(what, sizeof what, result == AUTH_PASS ? "allows %s" : result == AUTH_FAIL ? "refuses %s" :
		result == AUTH_SOFTFAIL ? "says that %s is probably not allowed" : "says neither yes nor no to %s", e->ip);
	buf_str(&e->r->why, "\"");
	plain_add(&e->r->why, t->text.p, t->text.len);
	buf_str(&e->r->why, "\" in the SPF record of ");
	plain_str(&e->r->why, at);
	buf_fmt(&e->r->why, " %s", what);
	return result;
}

/* ---- records ---- */

bool spf_domain_good(const char *name)
{
	size_t label = 0, labels = 0, n = strlen(name);

	if (n && name[n - 1] == '.')
		n--;
	if (n == 0 || n > DOMAIN_MAX_BYTES || name[0] == '[')
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && name[i] != '.') {
			label++;
			continue;
		}
		if (label == 0 || label > 63)
			return false;
		label = 0;
		labels++;
	}
	return labels > 1;
}

enum spf_found spf_record_of(const struct dns_answer *a, struct buf *out)
{
	struct buf text = { 0 };
	int n = 0;

	for (size_t i = 0; i < a->n; i++) {
		buf_clear(&text);
		if (!dns_txt(a->rdata[i], &text) || !spf_is_record(buf_cstr(&text), text.len))
			continue;
		if (n++ == 0)
			buf_add(out, text.p, text.len);
	}
	if (text.failed)
		out->failed = true;
	buf_free(&text);
	return n == 0 ? SPF_FOUND_NONE : n == 1 ? SPF_FOUND_ONE : SPF_FOUND_SEVERAL;
}

/* The record of a domain, checked as a whole (4.4 to 4.6). SPF_YES: it is in rec. SPF_NO: there is none. */
static enum spf_step fetch(struct spf_eval *e, const char *domain, struct buf *rec)
{
	const struct dns_answer *a;
	enum dns_result result;

	if (!spf_domain_good(domain))
		return SPF_NO;
	result = spf_ask(e, domain, DNS_TXT, &a);
	if (result == DNS_PENDING)
		return SPF_STOP;
	if (dns_failed(result))
		return spf_temperror(e, domain, "TXT", domain, a);
	switch (result == DNS_FOUND ? spf_record_of(a, rec) : SPF_FOUND_NONE) {
	case SPF_FOUND_NONE:
		return SPF_NO;
	case SPF_FOUND_SEVERAL:
		return spf_permerror(e, domain, "there are several of them (RFC 7208 4.5)");
	default:
		return spf_record_check(buf_cstr(rec), rec->len) == ST_OK ? SPF_YES : spf_permerror(e, domain, st_text());
	}
}

/* The first term of that kind. */
static bool find_term(const struct buf *rec, enum spf_kind kind, struct spf_term *out)
{
	struct span rest = { rec->p + 6, rec->len - 6 };

	while (spf_term_next(&rest, out) == ST_OK)
		if (out->kind == kind)
			return true;
	return false;
}

/* All directives in order. AUTH_NONE: none matched; AUTH_UNCHECKED: stopped. */
static enum auth_result walk(struct spf_eval *e, const char *domain, const struct buf *rec, int depth)
{
	struct span rest = { rec->p + 6, rec->len - 6 };
	struct spf_term t;

	while (spf_term_next(&rest, &t) == ST_OK) {
		enum spf_step s = spf_match(e, domain, &t, depth);

		if (s == SPF_STOP)
			return AUTH_UNCHECKED;
		if (s == SPF_YES)
			return decide(e, domain, &t);
	}
	return AUTH_NONE;
}

/* 6.2: exp counts for the record that says fail, not for one that is included. */
static void keep_exp(struct spf_eval *e, const char *domain, const struct buf *rec)
{
	struct spf_term t;

	if (!find_term(rec, SPF_EXP, &t))
		return;
	buf_clear(&e->exp);
	buf_add(&e->exp, t.domain.p, t.domain.len);
	snprintf(e->exp_domain, sizeof e->exp_domain, "%s", domain);
}

/* No directive matched: the redirect's target in name (SPF_YES), or neutral (SPF_NO). */
static enum spf_step follow(struct spf_eval *e, const struct buf *rec, char name[SPF_NAME_BYTES])
{
	struct spf_term t;
	char to[SPF_NAME_BYTES];

	if (!find_term(rec, SPF_REDIRECT, &t)) {
		spf_stop(e, AUTH_NEUTRAL, name);
		buf_str(&e->r->why, "the SPF record of ");
		plain_str(&e->r->why, name);
		buf_fmt(&e->r->why, " does not say anything about %s", e->ip);
		return SPF_NO;
	}
	if (spf_count_term(e, name) == SPF_STOP || spf_target(e, name, t.domain, to) == SPF_STOP)
		return SPF_STOP;
	memcpy(name, to, SPF_NAME_BYTES);
	return SPF_YES;
}

/* What a step that stopped the evaluation left as the result. */
static enum auth_result stopped(const struct spf_eval *e)
{
	return e->pending ? AUTH_UNCHECKED : e->r->result;
}

enum auth_result spf_host(struct spf_eval *e, const char *domain, int depth)
{
	char name[SPF_NAME_BYTES], why[2 * SPF_NAME_BYTES];
	struct buf rec = { 0 };
	enum auth_result result;
	bool redirected = false;
	enum spf_step s;

	snprintf(name, sizeof name, "%s", domain);
	for (;; redirected = true) {
		buf_clear(&rec);
		s = fetch(e, name, &rec);
		if (s == SPF_NO && redirected) {	/* 6.1 */
			snprintf(why, sizeof why, "it redirects to %s, which has no SPF record", name);
			s = spf_permerror(e, domain, why);
		}
		if (s == SPF_NO) {
			spf_stop(e, AUTH_NONE, name);
			plain_str(&e->r->why, name);
			buf_str(&e->r->why, spf_domain_good(name) ? " has no SPF record" : " is no domain name that could have an SPF record");
			result = AUTH_NONE;
			break;
		}
		result = s == SPF_STOP ? AUTH_UNCHECKED : walk(e, name, &rec, depth);
		if (result == AUTH_UNCHECKED) {
			result = stopped(e);
			break;
		}
		if (result == AUTH_FAIL && depth == 0)
			keep_exp(e, name, &rec);
		if (result != AUTH_NONE)
			break;
		s = follow(e, &rec, name);
		if (s != SPF_YES) {
			result = s == SPF_NO ? AUTH_NEUTRAL : stopped(e);
			break;
		}
	}
	e->nomem = e->nomem || rec.failed;
	buf_free(&rec);
	return result;
}
