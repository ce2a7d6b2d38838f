/* domain_add.c - weir-domain add and set: everything is checked before anything is kept. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "change.h"
#include "cli.h"
#include "home.h"
#include "keyring.h"
#include "records.h"
#include "settings.h"
#include "suffix.h"
#include "weir-domain.h"

struct adding { const struct opts *o; const char *tenant, *name; bool is_new, keys_made, keys_went; struct buf warnings; };

/* RFC 9990 4: another organization must say that it wants our reports. */
static enum status warn_reports(const struct domain *d, struct buf *warnings)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < d->n_rua + d->n_ruf; i++) {
		const char *at = strchr(i < d->n_rua ? d->rua[i] : d->ruf[i - d->n_rua], '@') + 1;
		bool same = false;

		st = suffix_same(d->name, at, &same);
		if (st == ST_OK && !same)
			buf_fmt(warnings, "reports go to another organization: its zone needs %s._report._dmarc.%s. TXT \"v=DMARC1\" (RFC 9990 4)\n",
				d->name, at);
	}
	return st;
}

/* DMARC without reports is half of it, and reports to an address that nobody has are lost. (A new domain cannot
 * have addresses yet.) */
static enum status warn_lost_reports(struct store *st, const struct domain *d, bool is_new, struct buf *warnings)
{
	enum status rc = ST_OK;

	if (d->mode != DOMAIN_PLAIN && d->n_rua == 0)
		buf_fmt(warnings, "DMARC without reports: nobody will tell of forged mail (--rua dmarc@%s)\n", d->name);
	for (size_t i = 0; rc == ST_OK && !is_new && i < d->n_rua + d->n_ruf; i++) {
		const char *address = i < d->n_rua ? d->rua[i] : d->ruf[i - d->n_rua];
		struct destination to;

		if (strcmp(strchr(address, '@') + 1, d->name) != 0)
			continue;
		rc = setting_resolve(st, address, &to);
		if (rc == ST_NOTFOUND) {
			buf_fmt(warnings, "nobody receives the reports to %s: weir-address --inbox reports add %s %s\n",
				address, store_tenant(st), address);
			rc = ST_OK;
		}
	}
	return rc;
}

/* ---- the change ---- */

static enum status ensure_keys(struct adding *a, struct domain *d)
{
	if (!d->own_keys || d->slot[0].selector[0] != '\0')
		return ST_OK;
	a->keys_made = true;
	return keyring_create(a->o->home, a->tenant, d, strcmp(d->provider, "own") != 0, time(NULL));
}

static enum status change(void *arg, struct store *st)
{
	struct adding *a = arg;
	const struct opts *o = a->o;
	struct domain_setting s = { "", "" };
	struct domain d;
	enum status rc = setting_domain(st, a->name, &s);
	bool had_keys;

	if (rc == ST_OK)
		rc = domain_get(st, a->name, &d);
	else if (rc == ST_NOTFOUND && a->is_new)
		domain_init(&d, a->name), d.mode = DOMAIN_PLAIN, rc = ST_OK;
	if (rc != ST_OK)
		return rc;
	had_keys = d.own_keys;
	/* Adding again without --any takes it back; a catch-all is weir-address's. */
	if (a->is_new || o->any)
		snprintf(s.any, sizeof(s.any), "%s", o->any ? o->inbox : "");
	rc = edit_domain(&d, o->edit, o->n_edit);
	if (rc == ST_OK)
		rc = ensure_keys(a, &d);
	if (rc == ST_OK)
		rc = domain_check(&d, o->providers, &a->warnings);
	if (rc == ST_OK)
		rc = warn_reports(&d, &a->warnings);
	if (rc == ST_OK)
		rc = setting_domain_set(st, a->name, &s);
	if (rc == ST_OK && d.mode != DOMAIN_PLAIN)
		rc = domain_set(st, &d);
	if (rc == ST_OK)
		rc = warn_lost_reports(st, &d, a->is_new, &a->warnings);
	a->keys_went = had_keys && !d.own_keys;
	return rc;
}

static enum status sweep(void *arg, struct store *st)
{
	return keyring_sweep(arg, st);
}

static int apply(struct adding *a)
{
	enum status st = settings_change(a->o->home, a->tenant, CHANGE_KEEP, change, a);
	char *line = NULL, *rest = NULL;

	/* Keys that nobody names: made and not kept, or let go of. */
	if (st != ST_OK && a->keys_made) {
		char why[512];

		snprintf(why, sizeof(why), "%s", st_text());
		settings_change(a->o->home, a->tenant, CHANGE_KEEP, sweep, (void *)(uintptr_t)a->o->home);
		st = st_fail(st, "%s", why);
	} else if (st == ST_OK && a->keys_went) {
		st = settings_change(a->o->home, a->tenant, CHANGE_KEEP, sweep, (void *)(uintptr_t)a->o->home);
	}
	for (line = st == ST_OK && a->warnings.len > 0 ? strtok_r(a->warnings.p, "\n", &rest) : NULL; line != NULL; line = strtok_r(NULL, "\n", &rest))
		cli_warn("%s: %s", a->name, line);
	buf_free(&a->warnings);
	return st == ST_OK ? 0 : cli_fail(st, a->name);
}

int verb_add(const struct opts *o, int n, char *args[])
{
	struct adding a = { .o = o, .tenant = args[0], .is_new = true };
	struct buf name = { 0 };
	enum status st = domain_name(args[1], &name);
	int status;

	if (st != ST_OK) {
		buf_free(&name);
		cli_usage("%s", st_text());
	}
	a.name = name.p;
	st = suffix_check(name.p);
	status = st == ST_OK ? apply(&a) : cli_fail(st, name.p);
	buf_free(&name);
	return status;
}

int verb_set(const struct opts *o, int n, char *args[])
{
	char name[DOMAIN_MAX_BYTES + 1], tenant[TENANT_MAX_BYTES + 1];
	struct adding a = { .o = o, .tenant = tenant, .name = name };
	int status = find_domain(o, args[0], name, tenant);

	if (o->n_edit == 0 && !o->any)
		cli_usage("set: nothing is said to be changed");
	return status == 0 ? apply(&a) : status;
}
