/* domain_check.c - whether a domain's settings go together, see domain.h. Most of it is asking for the records and looking at them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "domain.h"
#include "records.h"
#include "zone.h"

#define SPF_LOOKUPS_MAX	10	/* RFC 7208 4.6.4 */
#define TXT_GOOD_BYTES	450	/* RFC 7208 3.4: so that an answer still fits 512 */

static void warn(struct buf *warnings, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct buf *warnings, const char *fmt, ...)
{
	char line[600];
	va_list ap;

	if (warnings == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_str(warnings, line);
	buf_chr(warnings, '\n');
}

/* Each include costs a lookup at least; what stands behind it is weir-domain verify's to count. */
static enum status check_spf(const struct domain *d, const struct provider *by, struct buf *warnings)
{
	size_t lookups = (size_t)by->spf_lookups + d->n_include;

	for (size_t i = 0; i < d->n_include; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(d->include[i], d->include[j]) == 0)
				return st_fail(ST_BAD, "SPF: %s is included twice", d->include[i]);
	for (size_t i = 0; i < d->n_include; i++) {
		if (strcmp(d->include[i], d->name) == 0)
			return st_fail(ST_BAD, "SPF: %s would include itself", d->name);
		if (strncmp(by->spf, "include:", 8) == 0 && strcmp(by->spf + 8, d->include[i]) == 0)
			return st_fail(ST_BAD, "SPF: %s stands there already, it is %s's", d->include[i], by->name);
	}
	if (lookups > SPF_LOOKUPS_MAX)
		return st_fail(ST_BAD, "SPF would take %zu lookups (%d for %s, one at least for each include): receivers give up after %d "
			"(RFC 7208 4.6.4); take includes away, or ask their owners for ip4: ranges", lookups, by->spf_lookups, by->name,
			SPF_LOOKUPS_MAX);
	if (lookups > SPF_LOOKUPS_MAX - 3)
		warn(warnings, "SPF takes %zu lookups of %d before what the includes include", lookups, SPF_LOOKUPS_MAX);
	return ST_OK;
}

static enum status check_reports(const struct domain *d)
{
	for (size_t i = 0; i < d->n_rua; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(d->rua[i], d->rua[j]) == 0)
				return st_fail(ST_BAD, "DMARC: rua=%s stands there twice", d->rua[i]);
	for (size_t i = 0; i < d->n_ruf; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(d->ruf[i], d->ruf[j]) == 0)
				return st_fail(ST_BAD, "DMARC: ruf=%s stands there twice", d->ruf[i]);
	for (size_t i = 0; i < d->n_rua + d->n_ruf; i++) {
		const char *a = i < d->n_rua ? d->rua[i] : d->ruf[i - d->n_rua];

		if (d->null_mx && strcmp(strchr(a, '@') + 1, d->name) == 0)
			return st_fail(ST_BAD, "reports to %s could not arrive: %s takes no mail (--null-mx)", a, d->name);
	}
	return ST_OK;
}

static enum status check_dkim(const struct domain *d)
{
	for (size_t i = 0; i < DOMAIN_SLOTS; i++)
		for (size_t j = 0; j < i; j++)
			if (d->own_keys ? strcmp(d->slot[i].selector, d->slot[j].selector) == 0 : strcmp(d->token[i], d->token[j]) == 0)
				return st_fail(ST_BAD, "DKIM: %s stands there twice: the three tokens differ",
					d->own_keys ? d->slot[i].selector : d->token[i]);
	if (strcmp(d->provider, "own") == 0 && !d->own_keys)
		return st_fail(ST_BAD, "DKIM: with the provider own the keys are ours: tokens are SES's");
	return ST_OK;
}

static enum status check_mta_sts(const struct domain *d)
{
	if (d->mta_sts[0] == '\0')
		return d->mta_sts_host[0] == '\0' ? ST_OK : st_fail(ST_BAD, "--mta-sts-host goes with --mta-sts");
	if (d->mta_sts_host[0] == '\0')
		return st_fail(ST_BAD, "MTA-STS needs --mta-sts-host: the web server that mta-sts.%s leads to", d->name);
	if (d->null_mx && strcmp(d->mta_sts, "none") != 0)
		return st_fail(ST_BAD, "MTA-STS is for mail that comes in: %s takes none (--null-mx)", d->name);
	return ST_OK;
}

static enum status check_zone_only(const struct domain *d)
{
	const char *what = d->n_portal > 0 ? "--portal-cname" : d->n_apex > 0 ? "--apex" : d->n_ns > 0 ? "--ns" : NULL;

	if (d->mode != DOMAIN_DELEGATED && what != NULL)
		return st_fail(ST_BAD, "%s is for a delegated domain: %s's zone is its owner's (--delegated makes it ours)", what, d->name);
	return ST_OK;
}

static void look_at(const struct records *r, struct buf *warnings)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rr *rr = &r->rr[i];

		if (rr->type == DNS_TXT && rr->role != RR_KEY && strlen(rr->data) > TXT_GOOD_BYTES)
			warn(warnings, "the TXT record at %s has %zu bytes: over %d some resolvers need a second try (RFC 7208 3.4)",
				rr->owner, strlen(rr->data), TXT_GOOD_BYTES);
	}
}

enum status domain_check(const struct domain *d, const struct providers *p, struct buf *warnings)
{
	struct records r = { 0 };
	struct provider by;
	struct buf name = { 0 };
	enum status st;

	if (d->mode == DOMAIN_PLAIN)
		return ST_OK;
	st = domain_name(d->name, &name);
	buf_free(&name);
	if (st == ST_OK && (d->ttl < DOMAIN_TTL_MIN || d->ttl > DOMAIN_TTL_MAX))
		st = st_fail(ST_BAD, "a TTL of %u: it is from %d to %d seconds", (unsigned)d->ttl, DOMAIN_TTL_MIN, DOMAIN_TTL_MAX);
	if (st == ST_OK && d->provider[0] == '\0')
		st = st_fail(ST_BAD, "nobody is said to carry %s's mail: --provider own, or --provider ses:REGION", d->name);
	if (st == ST_OK)
		st = provider_get(p, d->provider, &by);
	if (st == ST_OK)
		st = check_zone_only(d);
	if (st == ST_OK)
		st = check_dkim(d);
	if (st == ST_OK)
		st = check_spf(d, &by, warnings);
	if (st == ST_OK)
		st = check_reports(d);
	if (st == ST_OK)
		st = check_mta_sts(d);
	if (st == ST_OK)
		st = d->mode == DOMAIN_DELEGATED ? zone_records(d, p, &r) : domain_records(d, p, &r);
	if (st == ST_OK)
		look_at(&r, warnings);
	records_free(&r);
	return st;
}
