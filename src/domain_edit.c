/* domain_edit.c - options put into a domain's settings, one after the other. What goes together is domain_check()'s to say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "weir-domain.h"

static enum status number(const char *text, unsigned long max, const char *what, uint32_t *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > max)
		return st_fail(ST_BAD, "%s: %.40s is no number from 0 to %lu", what, text, max);
	*out = (uint32_t)n;
	return ST_OK;
}

/* A list's next place: the first time that its option stands there the old list goes, and an empty word is just that. */
static enum status place(const char *arg, bool *begun, size_t *n, size_t max, const char *what, bool *skip)
{
	if (!*begun)
		*n = 0;
	*begun = true;
	*skip = arg[0] == '\0';
	if (!*skip && *n == max)
		return st_fail(ST_BAD, "%s: at most %zu", what, max);
	return ST_OK;
}

static enum status name_into(const char *text, char *out)
{
	struct buf name = { 0 };
	enum status st = domain_dns_name(text, &name);

	if (st == ST_OK)
		memcpy(out, name.p, name.len + 1);
	buf_free(&name);
	return st;
}

static bool within(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	return n >= d && strcmp(name + n - d, domain) == 0 && (n == d || name[n - d - 1] == '.');
}

/* NAME=TARGET. NAME is below the domain, whether it says so or not. */
static enum status portal(struct domain *d, const char *arg)
{
	struct portal *p = &d->portal[d->n_portal];
	const char *eq = strchr(arg, '=');
	char text[4 * DOMAIN_MAX_BYTES];
	enum status st;

	if (eq == NULL || eq == arg || (size_t)(eq - arg) >= sizeof(text) / 2)
		return st_fail(ST_BAD, "--portal-cname %.60s: it is NAME=TARGET, as portal=acme.portals.example", arg);
	snprintf(text, sizeof(text), "%.*s", (int)(eq - arg), arg);
	st = name_into(text, p->name);
	if (st == ST_OK && !within(p->name, d->name)) {
		if (text[strlen(text) - 1] == '.')
			return st_fail(ST_BAD, "--portal-cname %.60s: it does not lie in %s", text, d->name);
		snprintf(text, sizeof(text), "%s.%s", p->name, d->name);
		st = name_into(text, p->name);
	}
	if (st == ST_OK)
		st = name_into(eq + 1, p->target);
	if (st == ST_OK)
		d->n_portal++;
	return st;
}

/* NAME, or NAME=IP,IP. */
static enum status name_server(struct domain *d, const char *arg)
{
	struct name_server *ns = &d->ns[d->n_ns];
	size_t n = strcspn(arg, "=");
	char text[4 * DOMAIN_MAX_BYTES];
	enum status st;

	memset(ns, 0, sizeof(*ns));
	snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : sizeof(text) - 1), arg);
	st = name_into(text, ns->name);
	for (const char *p = arg + n; st == ST_OK && *p != '\0';) {
		size_t len = strcspn(++p, ",");

		if (ns->n_address == NS_ADDRESSES_MAX)
			return st_fail(ST_BAD, "--ns %s: at most %d addresses", ns->name, NS_ADDRESSES_MAX);
		snprintf(text, sizeof(text), "%.*s", (int)(len < 100 ? len : 100), p);
		st = name_server_address(text, ns->address[ns->n_address]);
		if (st == ST_OK)
			ns->n_address++;
		p += len;
	}
	if (st == ST_OK)
		d->n_ns++;
	return st;
}

static enum status provider(struct domain *d, const char *arg)
{
	if (strlen(arg) > PROVIDER_NAME_MAX)
		return st_fail(ST_BAD, "%.60s is no provider: there are own and ses:REGION", arg);
	if (strcmp(d->provider, arg) == 0)
		return ST_OK;
	/* SES's tokens belong to an account and a region, and mean nothing to "own". */
	memset(d->token, 0, sizeof(d->token));
	snprintf(d->provider, sizeof(d->provider), "%s", arg);
	return ST_OK;
}

static enum status mta_sts(struct domain *d, const char *arg)
{
	if (strcmp(arg, "off") == 0 || arg[0] == '\0') {
		d->mta_sts[0] = d->mta_sts_host[0] = '\0';
		return ST_OK;
	}
	if (strcmp(arg, "none") != 0 && strcmp(arg, "testing") != 0 && strcmp(arg, "enforce") != 0)
		return st_fail(ST_BAD, "--mta-sts %.40s: it is testing, enforce or none (RFC 8461 3.2), or off", arg);
	snprintf(d->mta_sts, sizeof(d->mta_sts), "%s", arg);
	return ST_OK;
}

static enum status serial(struct domain *d, const char *arg)
{
	uint32_t n;
	enum status st = number(arg, UINT32_MAX, "--serial", &n);

	if (st == ST_OK && d->serial != 0 && (n == d->serial || (int32_t)(n - d->serial) < 0))
		st = st_fail(ST_BAD, "--serial %u is not after %u, which name servers have (RFC 1982): they would not take the zone over", n,
			d->serial);
	if (st == ST_OK) {
		d->serial = n;
		d->serial_of[0] = '\0';
	}
	return st;
}

#define BEGUN(e) &begun[(e) - E_FIRST]

static enum status edit_list(struct domain *d, const struct edit *e, bool begun[E_END - E_FIRST], size_t *tokens)
{
	const char *arg = e->arg;
	bool skip = false, *b = BEGUN(e->opt);
	enum status st;

	switch (e->opt) {
	case E_TOKEN:
		st = place(arg, b, tokens, DOMAIN_SLOTS, "--dkim-token", &skip);
		if (st == ST_OK && *tokens == 0)
			memset(d->token, 0, sizeof(d->token));
		return st == ST_OK && !skip ? domain_label(arg, d->token[(*tokens)++]) : st;
	case E_SPF_INCLUDE:
		st = place(arg, b, &d->n_include, DOMAIN_INCLUDES_MAX, "--spf-include", &skip);
		return st == ST_OK && !skip ? name_into(arg, d->include[d->n_include++]) : st;
	case E_RUA:
		st = place(arg, b, &d->n_rua, DOMAIN_REPORTS_MAX, "--rua", &skip);
		return st == ST_OK && !skip ? domain_report_address(arg, d->rua[d->n_rua++]) : st;
	case E_RUF:
		st = place(arg, b, &d->n_ruf, DOMAIN_REPORTS_MAX, "--ruf", &skip);
		return st == ST_OK && !skip ? domain_report_address(arg, d->ruf[d->n_ruf++]) : st;
	case E_TLS_RPT:
		st = place(arg, b, &d->n_tls_rpt, DOMAIN_REPORTS_MAX, "--tls-rpt", &skip);
		return st == ST_OK && !skip ? domain_tls_rpt(arg, d->tls_rpt[d->n_tls_rpt++]) : st;
	case E_PORTAL:
		st = place(arg, b, &d->n_portal, DOMAIN_PORTALS_MAX, "--portal-cname", &skip);
		return st == ST_OK && !skip ? portal(d, arg) : st;
	case E_APEX:
		st = place(arg, b, &d->n_apex, DOMAIN_APEX_MAX, "--apex", &skip);
		return st == ST_OK && !skip ? name_server_address(arg, d->apex[d->n_apex++]) : st;
	default:
		st = place(arg, b, &d->n_ns, NAME_SERVERS_MAX, "--ns", &skip);
		return st == ST_OK && !skip ? name_server(d, arg) : st;
	}
}

static enum status edit_one(struct domain *d, const struct edit *e)
{
	switch (e->opt) {
	case E_SELF: d->mode = DOMAIN_SELF_MANAGED; return ST_OK;
	case E_DELEGATED: d->mode = DOMAIN_DELEGATED; return ST_OK;
	case E_PROVIDER: return provider(d, e->arg);
	case E_MAIL_FROM: return domain_label(e->arg, d->mail_from);
	case E_TTL: return number(e->arg, DOMAIN_TTL_MAX, "--ttl", &d->ttl);
	case E_SPF_ALL: return domain_spf_all(e->arg, &d->spf_all);
	case E_DMARC: return domain_dmarc(e->arg, d->dmarc);
	case E_MTA_STS: return mta_sts(d, e->arg);
	case E_MTA_STS_HOST: return e->arg[0] != '\0' ? name_into(e->arg, d->mta_sts_host) : (d->mta_sts_host[0] = '\0', ST_OK);
	case E_NULL_MX: d->null_mx = true; return ST_OK;
	case E_RECEIVE: d->null_mx = false; return ST_OK;
	case E_SERIAL: return serial(d, e->arg);
	default: return st_fail(ST_BUG, "option %d", e->opt);
	}
}

/* Whose keys: tokens are SES's, --byodkim and the provider own say ours. */
static enum status settle_keys(struct domain *d, bool byodkim, size_t tokens)
{
	if (byodkim && tokens > 0)
		return st_fail(ST_BAD, "--dkim-token and --byodkim: either SES's keys or ours");
	if (tokens > 0 && strcmp(d->provider, "own") == 0)
		return st_fail(ST_BAD, "--dkim-token: tokens are SES's; with the provider own the keys are ours");
	if (tokens > 0 && tokens < DOMAIN_SLOTS)
		return st_fail(ST_BAD, "--dkim-token stands there %zu time%s: SES shows three", tokens, tokens == 1 ? "" : "s");
	if (tokens > 0 && d->own_keys) {
		d->own_keys = false;
		memset(d->slot, 0, sizeof(d->slot));
	}
	if (byodkim || (strcmp(d->provider, "own") == 0 && !d->own_keys)) {
		memset(d->token, 0, sizeof(d->token));
		d->own_keys = true;	/* keyring_create() makes them if there are none */
	}
	return ST_OK;
}

enum status edit_domain(struct domain *d, const struct edit *edit, size_t n)
{
	bool begun[E_END - E_FIRST] = { false }, byodkim = false;
	size_t tokens = 0;
	enum status st = ST_OK;

	if (n > 0 && d->mode == DOMAIN_PLAIN)
		d->mode = DOMAIN_SELF_MANAGED;
	/* The provider first: what stands before it on the command line is meant for it, too. */
	for (size_t i = 0; i < n && st == ST_OK; i++)
		if (edit[i].opt == E_PROVIDER)
			st = provider(d, edit[i].arg);
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		const struct edit *e = &edit[i];

		if (e->opt == E_BYODKIM)
			byodkim = true;
		else if (e->opt == E_TOKEN || e->opt == E_SPF_INCLUDE || e->opt == E_RUA || e->opt == E_RUF || e->opt == E_TLS_RPT ||
				e->opt == E_PORTAL || e->opt == E_APEX || e->opt == E_NS)
			st = edit_list(d, e, begun, &tokens);
		else if (e->opt != E_PROVIDER)
			st = edit_one(d, e);
	}
	return st == ST_OK && n > 0 ? settle_keys(d, byodkim, tokens) : st;
}
