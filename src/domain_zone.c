/* domain_zone.c - weir-domain records, zone, delegation, mta-sts: what is to stand in DNS, printed. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "change.h"
#include "cli.h"
#include "home.h"
#include "records.h"
#include "weir-domain.h"
#include "zone.h"

/* All or nothing: a zone file that is cut off is worse than none. */
static int print(const struct opts *o, const struct records *r, const char *name, const char *origin, enum records_format fallback)
{
	enum records_format f = o->json ? FORMAT_JSON : fallback;
	struct buf text = { 0 };
	enum status st = ST_OK;

	if (o->format != NULL)
		st = records_format(o->format, &f);
	if (st != ST_OK)
		cli_usage("--format: %s", st_text());
	records_print(r, f, name, origin, &text);
	if (!buf_ok(&text))
		st = st_fail(ST_NOMEM, "out of memory");
	else if (text.len > 0)
		fwrite(text.p, 1, text.len, stdout);
	buf_free(&text);
	return st == ST_OK ? 0 : cli_fail(st, name);
}

/* A plain domain has no provider, and the record builder says so. */
static int records_of(const struct opts *o, const char *text, enum records_format fallback,
	enum status (*make)(const struct domain *, const struct providers *, struct records *))
{
	char tenant[TENANT_MAX_BYTES + 1];
	struct records r = { 0 };
	struct domain d;
	enum status st;
	int status = read_domain(o, text, &d, tenant);

	if (status != 0)
		return status;
	st = make(&d, o->providers, &r);
	status = st == ST_OK ? print(o, &r, d.name, NULL, fallback) : cli_fail(st, d.name);
	records_free(&r);
	return status;
}

int verb_records(const struct opts *o, int n, char *args[])
{
	return records_of(o, args[0], FORMAT_TABLE, domain_records);
}

/* ---- zones ---- */

struct numbering { const struct opts *o; const char *name; struct domain d; };

static enum status number(void *arg, struct store *st)
{
	struct numbering *n = arg;
	bool changed = false;
	enum status rc = domain_get(st, n->name, &n->d);

	if (rc == ST_OK)
		rc = zone_serial(&n->d, n->o->providers, time(NULL), &changed);
	return rc == ST_OK && changed ? domain_set(st, &n->d) : rc;
}

static int platform(const struct opts *o, bool delegation)
{
	struct records r = { 0 };
	struct provider own;
	enum status st = delegation ? platform_delegation(o->providers, &own, &r) :
		platform_zone(o->home, o->providers, time(NULL), &own, &r);
	int status = st == ST_OK ? print(o, &r, own.dkim, delegation ? NULL : own.dkim, FORMAT_BIND) : cli_fail(st, "platform");

	records_free(&r);
	return status;
}

/* The serial is kept before the zone is seen: what name servers have is never newer than what we know. */
int verb_zone(const struct opts *o, int n, char *args[])
{
	char name[DOMAIN_MAX_BYTES + 1], tenant[TENANT_MAX_BYTES + 1];
	struct numbering num = { .o = o, .name = name };
	struct records r = { 0 };
	enum status st;
	int status;

	if (o->platform)
		return platform(o, false);
	status = find_domain(o, args[0], name, tenant);
	if (status != 0)
		return status;
	st = settings_change(o->home, tenant, CHANGE_KEEP, number, &num);
	if (st == ST_OK)
		st = zone_records(&num.d, o->providers, &r);
	status = st == ST_OK ? print(o, &r, name, name, FORMAT_BIND) : cli_fail(st, name);
	records_free(&r);
	return status;
}

int verb_delegation(const struct opts *o, int n, char *args[])
{
	return o->platform ? platform(o, true) : records_of(o, args[0], FORMAT_BIND, delegation_records);
}

int verb_mta_sts(const struct opts *o, int n, char *args[])
{
	char tenant[TENANT_MAX_BYTES + 1];
	struct buf text = { 0 };
	struct domain d;
	enum status st;
	int status = read_domain(o, args[0], &d, tenant);

	if (status != 0)
		return status;
	st = mta_sts_policy(&d, o->providers, &text);
	if (st == ST_OK && text.len == 0)
		st = st_fail(ST_NOTFOUND, "it has no MTA-STS (weir-domain set %s --mta-sts testing --mta-sts-host NAME)", d.name);
	if (st == ST_OK)
		fwrite(text.p, 1, text.len, stdout);
	buf_free(&text);
	return st == ST_OK ? 0 : cli_fail(st, d.name);
}
