/*
 * dmarc.c - the verdict: RFC 9989 4.10.2 (alignment), 5.3 (what a receiver does), 11.5 (several authors).
 */
#include <string.h>
#include <strings.h>

#include "address.h"
#include "dmarc_walk.h"
#include "plain.h"

/* One author at work. */
struct check {
	struct dns *d;
	const struct dmarc_query *q;
	const char *author;
	struct dmarc_result *r;
	struct dmarc_walk walk, other;	/* the author's, and that of the identifier at hand */
	bool walked;
	bool pending, nomem;
	struct dmarc_record rec;	/* spans into r->record */
};

enum align { ALIGN_NO, ALIGN_YES, ALIGN_UNKNOWN };

/* What became of the identifiers that are, or may be, aligned. */
struct tally { bool unknown, temperror, unchecked; struct buf what; };

static void end_with(struct check *c, enum auth_result result)
{
	c->r->result = result;
	buf_clear(&c->r->why);
}

/* The author's walk, once. False: stopped, with the result set or pending. */
static bool walk(struct check *c)
{
	enum status st;

	if (c->walked)
		return true;
	st = dmarc_walk(c->d, c->author, &c->walk);
	c->pending = c->pending || st == ST_AGAIN;
	c->nomem = c->nomem || st == ST_NOMEM;
	c->walked = st == ST_OK;
	return c->walked;
}

static void copy(struct buf *to, const struct buf *from)
{
	buf_clear(to);
	if (from->len)
		buf_add(to, from->p, from->len);
}

/* Finds the record that applies (4.10.1). False: the check is over, or pending. */
static bool discover(struct check *c)
{
	struct dmarc_result *r = c->r;
	bool several;

	switch (dmarc_lookup(c->d, c->author, &r->record, &several)) {
	case DMARC_PENDING:
		c->pending = true;
		return false;
	case DMARC_FAILED:
		end_with(c, AUTH_TEMPERROR);
		buf_fmt(&r->why, "_dmarc.%s could not be looked up", c->author);
		return false;
	case DMARC_FOUND:
		buf_str(&r->policy_domain, c->author);
		r->queries = 1;
		return true;
	default:
		break;
	}
	if (!walk(c))
		return false;
	r->queries = c->walk.queries;
	copy(&r->policy_domain, &c->walk.policy_domain);
	copy(&r->record, &c->walk.text);
	if (c->walk.result == AUTH_TEMPERROR) {
		end_with(c, AUTH_TEMPERROR);
		buf_fmt(&r->why, "_dmarc.%s could not be looked up", buf_cstr(&c->walk.failed));
		return false;
	}
	copy(&r->org, &c->walk.org);
	if (r->policy_domain.len)
		return true;
	end_with(c, AUTH_NONE);
	buf_fmt(&r->why, c->walk.several ? "there are several DMARC records for %s, so none counts (RFC 9989 4.10)" :
		"%s has no DMARC record, nor has a domain above it", c->author);
	return false;
}

/* ---- alignment (4.10.2) ---- */

static bool same_or_below(const char *name, const char *domain)
{
	size_t n = strlen(name), m = strlen(domain);

	return n >= m && strcmp(name + n - m, domain) == 0 && (n == m || name[n - m - 1] == '.');
}

/* Both end in the same label: without that they have no organizational domain in common. */
static bool related(const char *a, const char *b)
{
	const char *p = strrchr(a, '.'), *q = strrchr(b, '.');

	return strcmp(p ? p + 1 : a, q ? q + 1 : b) == 0;
}

/* ALIGN_UNKNOWN: some name could not be told, or is pending (c->pending). */
static enum align aligned(struct check *c, const char *domain, bool strict)
{
	enum status st;

	if (strcmp(domain, c->author) == 0)
		return ALIGN_YES;
	if (strict || !related(domain, c->author))
		return ALIGN_NO;
	if (!walk(c) || c->walk.result == AUTH_TEMPERROR)
		return ALIGN_UNKNOWN;
	copy(&c->r->org, &c->walk.org);
	/* the organizational domain of what is not below it is another one: not worth eight queries */
	if (!same_or_below(domain, buf_cstr(&c->walk.org)))
		return ALIGN_NO;
	st = dmarc_walk(c->d, domain, &c->other);
	c->pending = c->pending || st == ST_AGAIN;
	c->nomem = c->nomem || st == ST_NOMEM;
	if (st != ST_OK || c->other.result == AUTH_TEMPERROR)
		return ALIGN_UNKNOWN;
	return strcmp(buf_cstr(&c->other.org), buf_cstr(&c->walk.org)) == 0 ? ALIGN_YES : ALIGN_NO;
}

/* One identifier: true if it is an aligned pass; otherwise what it means for the verdict goes to t. */
static bool identifier(struct check *c, struct tally *t, const char *method, const char *raw, enum auth_result result, bool strict)
{
	struct buf domain = { 0 };
	enum align a = ALIGN_NO;
	bool asked = result == AUTH_PASS || result == AUTH_TEMPERROR || result == AUTH_UNCHECKED;

	if (!asked)
		return false;
	if (!raw) {		/* unchecked, and of what is not known: it might have been aligned */
		t->unchecked = t->unchecked || result == AUTH_UNCHECKED;
		t->temperror = t->temperror || result == AUTH_TEMPERROR;
		return false;
	}
	if (domain_normal(raw, strlen(raw), &domain) == ST_OK && !domain.failed)
		a = aligned(c, domain.p, strict);
	c->nomem = c->nomem || domain.failed;
	if (a != ALIGN_NO) {
		t->unknown = t->unknown || (result == AUTH_PASS && a == ALIGN_UNKNOWN);
		t->temperror = t->temperror || result == AUTH_TEMPERROR;
		t->unchecked = t->unchecked || result == AUTH_UNCHECKED;
		if (t->what.len == 0)
			buf_fmt(&t->what, "%s for %s", method, domain.p);
	}
	buf_free(&domain);
	return a == ALIGN_YES && result == AUTH_PASS;
}

static void align_all(struct check *c, struct tally *t)
{
	const struct dmarc_query *q = c->q;
	struct dmarc_result *r = c->r;
	struct buf passed = { 0 };

	if (identifier(c, t, "SPF", q->spf_domain, q->spf, c->rec.strict_spf)) {
		r->spf_aligned = true;
		copy(&passed, &t->what);
	}
	for (size_t i = 0; i < q->n_dkim && i < DMARC_MAX_DKIM; i++) {
		if (passed.len == 0)
			buf_clear(&t->what);
		if (!identifier(c, t, "DKIM", q->dkim[i].domain, q->dkim[i].result, c->rec.strict_dkim) || r->dkim_aligned)
			continue;
		r->dkim_aligned = true;
		r->dkim_at = i;
		if (passed.len == 0)
			copy(&passed, &t->what);
	}
	if (passed.len)
		copy(&t->what, &passed);
	buf_free(&passed);
}

/* ---- policy (4.7, 4.10.1) ---- */

/* Whether the author domain exists (3.2.13: NXDOMAIN and nothing else says that it does not). False: stopped. */
static bool exists(struct check *c, bool *out)
{
	const struct dns_answer *a;
	enum dns_result result = dns_ask(c->d, c->author, DNS_A, &a);

	if (result == DNS_PENDING) {
		c->pending = true;
		return false;
	}
	if (dns_failed(result)) {
		end_with(c, AUTH_TEMPERROR);
		buf_fmt(&c->r->why, "whether %s exists could not be looked up, and the policy depends on it", c->author);
		return false;
	}
	/* a CNAME that leads nowhere is a record, so the name exists (A.4) */
	*out = result != DNS_NXDOMAIN || strcasecmp(a->canonical, c->author) != 0;
	return true;
}

/* failed: the message did not pass, so it matters whether np applies; else the DNS is not asked for that. False: stopped. */
static bool set_policy(struct check *c, bool failed)
{
	const struct dmarc_record *rec = &c->rec;
	struct dmarc_result *r = c->r;
	bool is_there = true;

	r->published = rec->p;
	memcpy(r->policy_tag, "p", 2);
	if (rec->use == DMARC_AS_NONE) {
		r->published = DMARC_NONE;
		return true;
	}
	if (strcmp(buf_cstr(&r->policy_domain), c->author) == 0)
		return true;
	if (rec->np != DMARC_ABSENT && failed && !exists(c, &is_there))
		return false;
	if (!is_there) {
		r->published = rec->np;
		memcpy(r->policy_tag, "np", 3);
	} else if (rec->sp != DMARC_ABSENT) {
		r->published = rec->sp;
		memcpy(r->policy_tag, "sp", 3);
	}
	return true;
}

static enum dmarc_policy one_down(enum dmarc_policy p)
{
	return p == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}

static void fail(struct check *c)
{
	struct dmarc_result *r = c->r;

	end_with(c, AUTH_FAIL);
	r->disposition = r->test ? one_down(r->published) : r->published;
	buf_fmt(&r->why, "neither SPF nor DKIM passed for a domain that is aligned with %s; the record of %s asks for %s=%s",
		c->author, buf_cstr(&r->policy_domain), r->policy_tag, dmarc_policy_name(r->published));
	if (r->test)
		buf_fmt(&r->why, ", and for testing (t=y), so for %s", dmarc_policy_name(r->disposition));
}

/* What the identifiers say together. */
static void judge(struct check *c, const struct tally *t)
{
	struct dmarc_result *r = c->r;
	bool pass = r->spf_aligned || r->dkim_aligned;

	if (!set_policy(c, !pass))
		return;
	if (pass) {
		end_with(c, AUTH_PASS);
		buf_fmt(&r->why, "%s passed, which is aligned with %s", t->what.p, c->author);
	} else if (t->unknown || t->temperror) {
		end_with(c, AUTH_TEMPERROR);
		buf_fmt(&r->why, "%s could not be checked now, and might be aligned with %s",
			t->what.len ? t->what.p : "SPF", c->author);
	} else if (t->unchecked) {
		end_with(c, AUTH_UNCHECKED);
		buf_fmt(&r->why, "%s was not checked, and might be aligned with %s", t->what.len ? t->what.p : "SPF", c->author);
	} else {
		fail(c);
	}
}

/* ---- authors ---- */

static void clear(struct dmarc_result *r)
{
	struct buf *all[] = { &r->author, &r->policy_domain, &r->org, &r->record, &r->why };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_clear(all[i]);
	r->result = AUTH_UNCHECKED;
	r->published = r->disposition = DMARC_ABSENT;
	r->policy_tag[0] = '\0';
	r->test = r->unreadable = r->spf_aligned = r->dkim_aligned = false;
	r->dkim_at = 0;
	r->queries = 0;
}

static enum status check_author(struct dns *d, const struct dmarc_query *q, const char *author, struct dmarc_result *r)
{
	struct check c = { .d = d, .q = q, .author = author, .r = r };
	struct tally t = { 0 };

	clear(r);
	buf_str(&r->author, author);
	r->disposition = DMARC_NONE;
	if (discover(&c)) {
		dmarc_record_read(buf_cstr(&r->record), r->record.len, &c.rec);
		r->test = c.rec.test;
		if (c.rec.use == DMARC_UNUSABLE) {
			end_with(&c, AUTH_PERMERROR);
			buf_fmt(&r->why, "the DMARC record of %s cannot be used: ", buf_cstr(&r->policy_domain));
			dmarc_problem_text(&c.rec, &r->why);
		} else {
			align_all(&c, &t);
			if (!c.pending)
				judge(&c, &t);
		}
	}
	c.nomem = c.nomem || t.what.failed || r->author.failed || r->policy_domain.failed || r->org.failed ||
		r->record.failed || r->why.failed;
	dmarc_walk_free(&c.walk);
	dmarc_walk_free(&c.other);
	buf_free(&t.what);
	if (c.nomem)
		return st_fail(ST_NOMEM, "DMARC: out of memory");
	return c.pending ? ST_AGAIN : ST_OK;
}

/* Of two authors the one that decides (11.5): "the most strict policy selected among the checks that fail". */
static bool worse(const struct dmarc_result *a, const struct dmarc_result *b)
{
	static const int weight[] = { [AUTH_PASS] = 0, [AUTH_NONE] = 1, [AUTH_PERMERROR] = 2, [AUTH_UNCHECKED] = 3,
		[AUTH_TEMPERROR] = 4, [AUTH_FAIL] = 5 };

	if (a->result != b->result)
		return weight[a->result] > weight[b->result];
	return a->result == AUTH_FAIL && a->disposition > b->disposition;
}

/* A header that does not say who the author is. */
static bool no_author(const struct dmarc_authors *a, struct dmarc_result *r)
{
	const char *why = a->fields == 0 ? "the message has no From field" :
		a->fields > 1 ? "the message has several From fields" :
		a->malformed ? "an address in From is malformed" :
		a->many ? "From has more domains than are checked" :
		a->n == 0 ? "From has no address with a domain" : NULL;

	if (!why)
		return false;
	clear(r);
	r->result = AUTH_PERMERROR;
	r->unreadable = a->fields > 0;
	r->disposition = DMARC_NONE;
	buf_fmt(&r->why, "%s (RFC 9989 5.3.1)", why);
	return true;
}

enum status dmarc_check(struct dns *d, const struct dmarc_query *q, struct dmarc_result *r)
{
	struct dmarc_result one = { 0 }, swap;
	enum status st, out = ST_OK;

	if (no_author(q->authors, r))
		return r->why.failed ? st_fail(ST_NOMEM, "DMARC: out of memory") : ST_OK;
	for (size_t i = 0; i < q->authors->n; i++) {	/* all of them also when one is pending: so all names are asked for */
		st = check_author(d, q, q->authors->domain[i], i ? &one : r);
		if (st != ST_OK)
			out = out == ST_NOMEM ? out : st;
		if (i && st == ST_OK && out == ST_OK && worse(&one, r)) {
			swap = *r;
			*r = one;
			one = swap;
		}
	}
	dmarc_result_free(&one);
	return out;
}

void dmarc_result_free(struct dmarc_result *r)
{
	struct buf *all[] = { &r->author, &r->policy_domain, &r->org, &r->record, &r->why };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_free(all[i]);
}
