/* domain_remove.c - weir-domain remove: a domain goes with its addresses' consent, and its keys after it. */
#include <string.h>
#include "change.h"
#include "cli.h"
#include "keyring.h"
#include "settings.h"
#include "verify_state.h"
#include "weir-domain.h"

struct removing { const struct opts *o; const char *name; size_t moved; };

static enum status drop(void *arg, struct store *st)
{
	struct removing *r = arg;
	struct domain_setting unused;
	enum status rc = setting_domain(st, r->name, &unused);

	if (rc == ST_NOTFOUND)
		return st_fail(rc, "%s has no domain %s", store_tenant(st), r->name);
	if (rc == ST_OK)
		rc = setting_domain_clear(st, r->name, r->o->successor, &r->moved);
	if (rc == ST_OK)
		rc = setting_domain_set(st, r->name, NULL);
	return rc == ST_OK ? verify_forget(st, r->name) : rc;	/* if it comes back, it is looked at anew */
}

static enum status sweep(void *arg, struct store *st)
{
	return keyring_sweep(arg, st);
}

int verb_remove(const struct opts *o, int n, char *args[])
{
	struct buf name = { 0 }, successor = { 0 };
	struct removing r = { .o = o };
	struct opts with = *o;
	enum status st = domain_normal(args[1], strlen(args[1]), &name);

	if (st != ST_OK || name.len == 0 || name.len > DOMAIN_MAX_BYTES)
		cli_usage("%s is no domain", args[1]);
	if (o->successor != NULL) {
		st = strchr(o->successor, '@') != NULL ? address_normal(o->successor, strlen(o->successor), &successor) :
			domain_normal(o->successor, strlen(o->successor), &successor);
		if (st != ST_OK)
			cli_usage("--successor: %s is neither a domain nor an address", o->successor);
		with.successor = successor.p;
	}
	r.name = name.p;
	r.o = &with;
	st = settings_change(o->home, args[0], CHANGE_KEEP, drop, &r);
	if (st == ST_OK)
		st = settings_change(o->home, args[0], CHANGE_KEEP, sweep, (void *)(uintptr_t)o->home);
	if (st == ST_OK && r.moved > 0)
		cli_warn("%s: %zu address%s went to %s", name.p, r.moved, r.moved == 1 ? "" : "es", with.successor != NULL ?
			with.successor : "nobody: they were inactive");
	if (st != ST_OK)
		cli_fail(st, args[1]);
	buf_free(&name);
	buf_free(&successor);
	return st_exit(st);
}
