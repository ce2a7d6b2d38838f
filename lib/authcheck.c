/*
 * authcheck.c - see authcheck.h: the three checks of a message, each as far as names are known. What is said of
 * them: authcheck_say.c; where the facts come from: authcheck_facts.c.
 */
#include "authcheck.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "field.h"

enum { STEP_SPF, STEP_HELO, STEP_DKIM, STEP_WALK, STEP_ARC, STEP_DMARC, STEPS };

struct authcheck_priv {
	bool done[STEPS];
	const struct dns_entry *blocker[STEPS];	/* the first name that this step waits for */
	char *receiver;
	struct dmarc_authors authors;
	struct dmarc_walk walk;
};

/* ---- beginning ---- */

/* The authserv-id of a field's value: behind blanks and comments, a token or a quoted string (RFC 8601 2.2). */
static bool claims(const char *p, size_t n, const char *id)
{
	size_t at = 0, depth = 0, len = strlen(id);
	bool quoted;

	for (; at < n && (depth || isspace((unsigned char)p[at]) || p[at] == '('); at++) {
		if (p[at] == '\\' && depth)
			at++;
		else if (p[at] == '(')
			depth++;
		else if (p[at] == ')')
			depth--;
	}
	quoted = at < n && p[at] == '"';
	at += quoted;
	if (len == 0 || at > n || n - at < len || strncasecmp(p + at, id, len) != 0)
		return false;
	at += len;
	if (at == n)
		return !quoted;
	return quoted ? p[at] == '"' : isspace((unsigned char)p[at]) || strchr(";(/", p[at]) != NULL;
}

static unsigned count_claims(const char *p, size_t len, const char *id)
{
	size_t at = header_begin(p, len);
	unsigned n = 0;
	struct field f;

	while (field_next(p, len, &at, &f))
		if (field_is(p, &f, "Authentication-Results") && claims(p + f.value, f.value_end - f.value, id))
			n++;
	return n;
}

enum status authcheck_begin(const struct authcheck_opts *o, const char *raw, size_t len, struct auth_facts *f,
	struct authcheck **out)
{
	struct authcheck *c = calloc(1, sizeof *c);
	enum status st = ST_OK;

	if (c) {
		c->priv = calloc(1, sizeof *c->priv);
		c->facts = *f;
		*f = (struct auth_facts){ 0 };
	}
	if (c && c->priv)
		c->priv->receiver = strdup(o->authserv_id);
	if (!c || !c->priv || !c->priv->receiver)
		st = st_fail(ST_NOMEM, "authentication: out of memory");
	if (st == ST_OK) {
		c->now = o->now;
		c->has_raw = raw != NULL;
	}
	if (st == ST_OK && raw)
		st = dmarc_authors(raw, len, &c->priv->authors);
	if (st == ST_OK && raw)
		st = dkim_begin(o->dkim, raw, len, o->now, &c->dkim);
	if (st == ST_OK && raw && o->arc)
		st = arc_begin(o->dkim, raw, len, o->now, &c->arc);
	if (st == ST_OK && raw)
		c->claims = count_claims(raw, len, o->authserv_id);
	if (st != ST_OK)
		authcheck_free(&c);
	else
		*out = c;
	return st;
}

void authcheck_free(struct authcheck **check)
{
	struct authcheck *c = *check;

	if (!c)
		return;
	auth_facts_free(&c->facts);
	spf_result_free(&c->spf);
	spf_result_free(&c->helo);
	dmarc_result_free(&c->dmarc);
	dkim_check_free(&c->dkim);
	arc_check_free(&c->arc);
	if (c->priv) {
		dmarc_walk_free(&c->priv->walk);
		free(c->priv->receiver);
	}
	free(c->priv);
	free(c);
	*check = NULL;
}

/* ---- the steps: each returns whether it is done ---- */

static bool no_memory(enum auth_result *result, struct buf *why)
{
	*result = AUTH_TEMPERROR;
	buf_clear(why);
	buf_str(why, "out of memory");
	return true;
}

static bool step_spf(struct authcheck *c, struct dns *d, enum spf_identity identity, struct spf_result *r)
{
	struct spf_query q = { .identity = identity, .ip = c->facts.ip, .helo = buf_cstr(&c->facts.helo),
		.mail_from = buf_cstr(&c->facts.from), .receiver = c->priv->receiver, .now = c->now };
	enum status st;

	if (!c->facts.ip_known || (identity == SPF_HELO ? !c->facts.helo.len : !c->facts.from_known)) {
		r->result = AUTH_UNCHECKED;
		buf_str(&r->why, !c->facts.ip_known ? "the address of the client is not known" :
			identity == SPF_HELO ? "the HELO name is not known" : "the envelope sender is not known");
		return true;
	}
	st = spf_check(d, &q, r);
	if (st == ST_AGAIN)
		return false;
	return st == ST_OK || no_memory(&r->result, &r->why);
}

/* RFC 8601's words for DKIM are a subset. */
static enum auth_result of_dkim(enum dkim_result r)
{
	static const enum auth_result words[] = { [DKIM_NONE] = AUTH_NONE, [DKIM_PASS] = AUTH_PASS, [DKIM_FAIL] = AUTH_FAIL,
		[DKIM_NEUTRAL] = AUTH_NEUTRAL, [DKIM_POLICY] = AUTH_POLICY, [DKIM_TEMPERROR] = AUTH_TEMPERROR,
		[DKIM_PERMERROR] = AUTH_PERMERROR };

	return words[r];
}

static bool step_dkim(struct authcheck *c, struct dns *d)
{
	if (!c->dkim)
		return true;	/* AUTH_UNCHECKED */
	if (!dkim_step(c->dkim, d))
		return false;
	c->dkim_result = of_dkim(dkim_overall(c->dkim, &c->dkim_which));
	return true;
}

/* Asks early for what step_dmarc will want: the names do not depend on what SPF and DKIM say. */
static bool step_walk(struct authcheck *c, struct dns *d)
{
	const struct dmarc_authors *a = &c->priv->authors;

	return !c->has_raw || a->n == 0 || dmarc_walk(d, a->domain[0], &c->priv->walk) != ST_AGAIN;
}

/* "DKIM pass" above "DMARC fail" for the same domain: people would take that for a mistake of ours. */
static void say_testing(struct authcheck *c)
{
	if (c->dmarc.result == AUTH_PASS || c->dmarc.result == AUTH_NONE || c->dmarc.result == AUTH_PERMERROR)
		return;
	for (size_t i = 0; i < c->dkim->n; i++) {
		const struct dkim_signature *s = &c->dkim->sig[i];

		if (s->result != DKIM_PASS || !(s->flags & DKIM_TESTING))
			continue;
		buf_fmt(&c->dmarc.why, "; the signature of %s passed, but its key is for testing (t=y) and does not count", s->domain);
		return;
	}
}

static bool step_dmarc(struct authcheck *c, struct dns *d)
{
	struct dmarc_dkim sigs[DMARC_MAX_DKIM];
	struct dmarc_query q = { .authors = &c->priv->authors, .spf = c->spf.result,
		.spf_domain = c->spf.domain.len ? buf_cstr(&c->spf.domain) : NULL, .dkim = sigs };
	enum status st;
	int passes;

	if (!c->has_raw) {
		buf_str(&c->dmarc.why, "the message could not be read");
		return true;
	}
	/* Those that passed first: what is left out at the limit is nothing that could help. A key that is being tested
	 * (t=y) makes the message no better than unsigned (RFC 6376 3.6.1). */
	for (passes = 1; passes >= 0; passes--) {
		for (size_t i = 0; i < c->dkim->n && q.n_dkim < DMARC_MAX_DKIM; i++) {
			const struct dkim_signature *s = &c->dkim->sig[i];

			if ((s->result == DKIM_PASS) == passes && !(s->flags & DKIM_TESTING) && s->domain[0])
				sigs[q.n_dkim++] = (struct dmarc_dkim){ s->domain, of_dkim(s->result) };
		}
	}
	st = dmarc_check(d, &q, &c->dmarc);
	if (st == ST_AGAIN)
		return false;
	if (st != ST_OK)
		return no_memory(&c->dmarc.result, &c->dmarc.why);
	say_testing(c);
	return true;
}

static bool step(struct authcheck *c, struct dns *d, int which)
{
	switch (which) {
	case STEP_SPF:	return step_spf(c, d, SPF_MAIL_FROM, &c->spf);
	case STEP_HELO:	return step_spf(c, d, SPF_HELO, &c->helo);
	case STEP_DKIM:	return step_dkim(c, d);
	case STEP_WALK:	return step_walk(c, d);
	case STEP_ARC:	return !c->arc || arc_step(c->arc, d);
	default:	return step_dmarc(c, d);
	}
}

bool authcheck_step(struct authcheck *c, struct dns *d)
{
	struct authcheck_priv *p = c->priv;
	bool all = true;
	int i;

	for (i = 0; i < STEPS; i++) {
		if (i == STEP_DMARC && !all)
			break;
		if (p->done[i] || (p->blocker[i] && !dns_settled(p->blocker[i]) && !dns_hurried(d))) {
			all = all && p->done[i];
			continue;
		}
		dns_blocker(d);		/* forget whose it was */
		p->done[i] = step(c, d, i);
		p->blocker[i] = p->done[i] ? NULL : dns_blocker(d);
		all = all && p->done[i];
	}
	return all;
}

bool authcheck_stirs(const struct authcheck *c)
{
	for (int i = 0; i < STEPS; i++)
		if (c->priv->blocker[i] && dns_settled(c->priv->blocker[i]))
			return true;
	return false;
}

enum auth_result authcheck_result(const struct authcheck *c, enum auth_method m)
{
	return m == AUTH_SPF ? c->spf.result : m == AUTH_DKIM ? c->dkim_result : c->dmarc.result;
}
