/*
 * authcheck_say.c - see authcheck.h: results as a record has them. For people and for mail programs: authcheck_show.c.
 */
#include "authcheck.h"

#include <arpa/inet.h>
#include <string.h>
#include "header.h"

/* As long as a spool waits at most. Somebody is to look at it: if it were judged again every few hours, it would come out one day when
 * the author's DNS does not answer, for temperror stops nothing. */
#define DMARC_HOLD_S	(30l * 86400)

static const enum auth_method methods[] = { AUTH_SPF, AUTH_DKIM, AUTH_DMARC };

/* Not the whole of what a stranger wrote. */
static void cut(struct buf *b, const char *key, const char *text)
{
	size_t n = strlen(text), most = AUTHCHECK_MAX_REASON;

	while (n > most && most > 0 && (text[most] & 0xc0) == 0x80)
		most--;		/* not within a character */
	if (n)
		json_str(b, key, text, n > most ? most : n);
}

static void text(struct buf *b, const char *key, const struct buf *value)
{
	if (value->len)
		cut(b, key, value->p);
}

static void result(struct buf *b, enum auth_result r)
{
	json_cstr(b, "result", auth_result_name(r));
}

/* A line each: "txt x.example\n". */
static void names(struct buf *b, const struct buf *lines)
{
	const char *p = lines->len ? lines->p : "", *nl;

	if (!*p)
		return;
	json_open(b, "names", '[');
	for (; (nl = strchr(p, '\n')) != NULL; p = nl + 1)
		json_str(b, NULL, p, (size_t)(nl - p));
	json_close(b, ']');
}

/* ---- the three methods ---- */

static void ip_text(const struct spf_ip *ip, char out[INET6_ADDRSTRLEN])
{
	if (!inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->b, out, INET6_ADDRSTRLEN))
		out[0] = '\0';
}

static void spf_json(const struct authcheck *c, struct buf *b)
{
	char ip[INET6_ADDRSTRLEN];

	result(b, c->spf.result);
	text(b, "domain", &c->spf.domain);
	if (c->facts.ip_known) {
		ip_text(&c->facts.ip, ip);
		json_cstr(b, "ip", ip);
		json_cstr(b, "ip_from", c->facts.ip_from);
	}
	text(b, "reason", &c->spf.why);
	text(b, "term", &c->spf.term);
	text(b, "at", &c->spf.at);
	names(b, &c->spf.names);
	if (c->helo.result == AUTH_UNCHECKED)
		return;
	json_open(b, "helo", '{');
	result(b, c->helo.result);
	text(b, "domain", &c->helo.domain);
	text(b, "reason", &c->helo.why);
	json_close(b, '}');
}

static void signature_json(const struct dkim_signature *s, struct buf *b)
{
	struct buf flags = { 0 };

	json_open(b, NULL, '{');
	json_cstr(b, "result", dkim_result_name(s->result));
	cut(b, "domain", s->domain);
	cut(b, "selector", s->selector);
	cut(b, "identity", s->identity);
	cut(b, "algorithm", s->algorithm);
	if (s->key_bits)
		json_int(b, "bits", s->key_bits);
	cut(b, "canon", s->canon);
	cut(b, "b", s->b);
	if (s->signed_at >= 0 && s->signed_at < (int64_t)1 << 53)
		json_int(b, "signed", s->signed_at);
	if (s->expires >= 0 && s->expires < (int64_t)1 << 53)
		json_int(b, "expires", s->expires);
	dkim_flags(s->flags, &flags);
	if (flags.len) {
		json_open(b, "flags", '[');
		for (char *save = NULL, *w = strtok_r(flags.p, " ", &save); w; w = strtok_r(NULL, " ", &save))
			json_cstr(b, NULL, w);
		json_close(b, ']');
	}
	cut(b, "reason", s->reason);
	json_close(b, '}');
	buf_free(&flags);
}

static void dkim_json(const struct authcheck *c, struct buf *b)
{
	result(b, c->dkim_result);
	if (!c->dkim) {
		json_cstr(b, "reason", "the message could not be read");
		return;
	}
	if (c->dkim_which)
		cut(b, "domain", c->dkim_which->domain);
	json_open(b, "signatures", '[');
	for (size_t i = 0; i < c->dkim->n; i++)
		signature_json(&c->dkim->sig[i], b);
	json_close(b, ']');
	if (c->dkim->unread)
		json_int(b, "unread", (int64_t)c->dkim->unread);
}

static void dmarc_json(const struct authcheck *c, struct buf *b)
{
	const struct dmarc_result *r = &c->dmarc;
	const char *policy = dmarc_policy_name(r->published);

	result(b, r->result);
	text(b, "domain", &r->author);
	if (*policy)
		json_cstr(b, "policy", policy);
	if (r->result == AUTH_FAIL)
		json_cstr(b, "disposition", *dmarc_policy_name(r->disposition) ? dmarc_policy_name(r->disposition) : "none");
	if (r->policy_tag[0])
		json_cstr(b, "tag", r->policy_tag);
	text(b, "policy_domain", &r->policy_domain);
	text(b, "organization", &r->org);
	if (r->test)
		json_bool(b, "test", true);
	if (r->spf_aligned)
		json_bool(b, "spf_aligned", true);
	if (r->dkim_aligned)
		json_bool(b, "dkim_aligned", true);
	text(b, "reason", &r->why);
}

static void arc_json(const struct arc_check *a, struct buf *b)
{
	json_open(b, "arc", '{');
	json_cstr(b, "result", dkim_result_name(a->result));
	if (a->n) {
		json_open(b, "sets", '[');
		for (size_t i = 0; i < a->n; i++) {
			json_open(b, NULL, '{');
			cut(b, "domain", a->set[i].domain);
			cut(b, "selector", a->set[i].selector);
			json_close(b, '}');
		}
		json_close(b, ']');
	}
	cut(b, "reason", a->reason);
	json_close(b, '}');
}

/* ---- together with the spool's ---- */

static bool fills_in(const struct authcheck_said *s, enum auth_method m)
{
	return s->spool && s->spool->by[m].result != AUTH_UNCHECKED && authcheck_result(s->check, m) == AUTH_UNCHECKED;
}

static void method_json(const struct authcheck_said *s, enum auth_method m, const char *action, struct buf *b)
{
	const struct auth_finding *f = s->spool ? &s->spool->by[m] : NULL;

	json_open(b, auth_method_name(m), '{');
	if (fills_in(s, m)) {
		result(b, f->result);
		json_cstr(b, "source", s->spool->source);
		if (f->ses[0])
			json_cstr(b, "ses", f->ses);
		if (f->policy[0])
			json_cstr(b, "policy", f->policy);
		text(b, "reason", m == AUTH_SPF ? &s->check->spf.why : &s->check->dmarc.why);
	} else if (m == AUTH_SPF) {
		spf_json(s->check, b);
	} else if (m == AUTH_DKIM) {
		dkim_json(s->check, b);
	} else {
		dmarc_json(s->check, b);
	}
	if (m == AUTH_DMARC && action)
		json_cstr(b, "action", action);
	json_close(b, '}');
}

/* "neutral" is to be treated exactly as "none" (RFC 7208 8.2), and SES has one word for both. */
static enum auth_result alike(enum auth_method m, enum auth_result r)
{
	return m == AUTH_SPF && r == AUTH_NEUTRAL ? AUTH_NONE : r;
}

static void differs_json(const struct authcheck_said *s, struct buf *b)
{
	bool any = false;

	for (size_t i = 0; i < AUTH_METHODS; i++) {
		enum auth_method m = methods[i];
		enum auth_result ours = authcheck_result(s->check, m), theirs = s->spool->by[m].result;

		if (ours == AUTH_UNCHECKED || theirs == AUTH_UNCHECKED || alike(m, ours) == alike(m, theirs))
			continue;
		if (!any)
			json_open(b, "differs", '[');
		any = true;
		json_cstr(b, NULL, auth_method_name(m));
	}
	if (any)
		json_close(b, ']');
}

static void ours_json(const struct authcheck_said *s, const char *action, struct buf *b)
{
	char when[32];

	json_open(b, "auth", '{');
	json_cstr(b, "source", "weir");
	date_rfc3339(s->check->now, when);
	json_cstr(b, "time", when);
	for (size_t i = 0; i < AUTH_METHODS; i++)
		method_json(s, methods[i], action, b);
	if (s->check->arc)
		arc_json(s->check->arc, b);
	if (s->spool && strcmp(s->spool->source, "none") != 0) {
		auth_json_as("spool", s->spool, NULL, b);
		differs_json(s, b);
	}
	if (s->check->claims)
		json_int(b, "ignored", s->check->claims);
	if (s->header)
		json_cstr(b, "header", s->header);
	json_close(b, '}');
}

/* ---- the tenant's policy ---- */

enum dmarc_action dmarc_action_of(const struct rec *rec, enum dmarc_policy asked)
{
	struct span v;

	if (asked != DMARC_REJECT && asked != DMARC_QUARANTINE)
		return DMARC_DELIVER;
	v = rec ? rec_get(rec, asked == DMARC_REJECT ? "policy.dmarc.reject" : "policy.dmarc.quarantine") : (struct span){ NULL, 0 };
	return json_is(v, "hold") ? DMARC_HOLD : json_is(v, "deliver") ? DMARC_DELIVER : DMARC_FLAG;
}

static enum dmarc_policy policy_of(const char *word)
{
	return !strcmp(word, "reject") ? DMARC_REJECT : !strcmp(word, "quarantine") ? DMARC_QUARANTINE : DMARC_NONE;
}

/* Whom DMARC should ask cannot be told. People are shown somebody all the same, so whoever forges a From must not be better off
 * with two of them, or a broken one, than with a plain one whose domain says p=reject. */
static bool unreadable(const struct authcheck_said *s)
{
	return s->check && s->check->dmarc.result == AUTH_PERMERROR && s->check->dmarc.unreadable;
}

/* What the author's domain asks for, if DMARC failed, by whoever has said so. */
static enum dmarc_policy asked_for(const struct authcheck_said *s)
{
	const struct auth_finding *f = s->spool ? &s->spool->by[AUTH_DMARC] : NULL;

	if (unreadable(s))
		return DMARC_REJECT;
	if (s->check && !fills_in(s, AUTH_DMARC))
		return s->check->dmarc.result == AUTH_FAIL ? s->check->dmarc.disposition : DMARC_NONE;
	return f && f->result == AUTH_FAIL ? policy_of(f->policy) : DMARC_NONE;
}

void authcheck_json(const struct authcheck_said *s, struct buf *b)
{
	static const char *const words[] = { "deliver", "flag", "hold" };
	enum dmarc_policy asked = asked_for(s);
	enum dmarc_action action = dmarc_action_of(s->rec, asked);
	bool asks = s->rec && (asked == DMARC_REJECT || asked == DMARC_QUARANTINE);
	struct buf why = { 0 }, tenant = { 0 };

	if (s->check)
		ours_json(s, asks ? words[action] : NULL, b);
	else
		auth_json_as("auth", s->spool, asks ? words[action] : NULL, b);
	if (action != DMARC_HOLD)
		return;
	json_text(rec_get(s->rec, "tenant"), &tenant);
	if (unreadable(s))
		buf_fmt(&why, "%s, so no domain can be asked", buf_cstr((struct buf *)&s->check->dmarc.why));
	else
		buf_fmt(&why, "DMARC fails, the author's domain asks for %s", dmarc_policy_name(asked));
	buf_fmt(&why, ", and so the tenant's policy dmarc.%s has it held; to let such mail go: \"weir-tenant set %s dmarc.%s flag\", "
		"then \"weir-spool release --reason dmarc\"",
		dmarc_policy_name(asked), tenant.len ? tenant.p : "TENANT", dmarc_policy_name(asked));
	rec_hold(b, "weir-auth", "dmarc", buf_cstr(&why), DMARC_HOLD_S);
	buf_free(&tenant);
	buf_free(&why);
}
