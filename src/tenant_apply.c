/*
 * tenant_apply.c - weir-tenant plan and apply: a text in the place of settings, or what that would be.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "change.h"
#include "cli.h"
#include "domain.h"
#include "file.h"
#include "keyring.h"
#include "plan.h"
#include "suffix.h"
#include "suffix.h"
#include "weir-tenant.h"

static struct providers *providers;

enum status apply_prepare(const struct opts *o)
{
	enum status st = suffix_open();

	return st == ST_OK ? providers_open(o->home, NULL, &providers) : st;
}

struct applying {
	const struct opts *o;
	const struct plan *plan;
	const char *tenant;
	bool keep, keys;	/* keys: files may lie there that no domain names */
	struct buf told, domains;	/* names of those that are new or changed, each with its NUL */
};

/* What weir-domain add asks of a new one. */
static enum status check_new(const char *domain)
{
	struct buf normal = { 0 };
	enum status st = domain_name(domain, &normal);

	buf_free(&normal);
	if (st == ST_OK)
		st = suffix_check(domain);
	return st == ST_BAD ? st_fail(st, "domain %s: %s", domain, strdupa(st_text())) : st;
}

static enum status tell(void *arg, const struct plan_change *c)
{
	struct applying *a = arg;
	enum status st = ST_OK;

	if (strcmp(c->kind, "domain") == 0) {
		a->keys = true;
		if (strcmp(c->op, "add") == 0)
			st = check_new(c->name);
		if (strcmp(c->op, "remove") != 0)
			buf_add(&a->domains, c->name, strlen(c->name) + 1);
	}
	if (st != ST_OK)
		return st;
	return a->o->json ? plan_change_json(c, a->tenant, &a->told) : plan_change_text(c, &a->told);
}

static enum status make_keys(struct applying *a, struct store *st, const char *name)
{
	struct domain d;
	enum status rc = domain_get(st, name, &d);

	if (rc != ST_OK || d.mode == DOMAIN_PLAIN || !plan_domain_lacks_keys(&d))
		return rc;
	rc = keyring_create(a->o->home, a->tenant, &d, strcmp(d.provider, "own") != 0, time(NULL));
	return rc == ST_OK ? domain_set(st, &d) : rc;
}

static enum status apply_in(void *arg, struct store *st)
{
	struct applying *a = arg;
	enum status rc = plan_apply(st, a->plan, tell, a);

	for (size_t at = 0; rc == ST_OK && a->keep && at < a->domains.len; at += strlen(a->domains.p + at) + 1)
		rc = make_keys(a, st, a->domains.p + at);
	return rc;
}

static enum status sweep(void *arg, struct store *st)
{
	return keyring_sweep(arg, st);
}

/* Keys that nobody names: made and not kept, or let go of. The first failure is the one that is told. */
static enum status change(struct applying *a)
{
	enum status st = settings_change(a->o->home, a->tenant, a->keep ? CHANGE_KEEP : CHANGE_TRY, apply_in, a);

	if (a->keep && a->keys) {
		char *why = strdupa(st_text());
		enum status swept = settings_change(a->o->home, a->tenant, CHANGE_KEEP, sweep, (void *)(uintptr_t)a->o->home);

		st = st != ST_OK ? st_fail(st, "%s", why) : swept;
	}
	return st;
}

enum status apply(const struct opts *o, const char *name, bool keep, bool *changes_out)
{
	struct applying a = { .o = o, .keep = keep };
	struct plan *plan = NULL;
	struct buf text = { 0 };
	enum status rc = file_read_fd(STDIN_FILENO, 0, -1, PLAN_MAX_BYTES, &text);

	if (rc == ST_OK)
		rc = plan_read(buf_cstr(&text), text.len, plan_domain_member, providers, &plan);
	if (rc == ST_OK) {
		a.plan = plan;
		a.tenant = name != NULL ? name : plan_tenant(plan);
		rc = *a.tenant != '\0' ? change(&a) : st_fail(ST_USAGE, "the settings name no tenant, and neither does the command");
	}
	if (rc == ST_OK && o->json)
		fwrite(buf_cstr(&a.told), 1, a.told.len, stdout);
	else if (rc == ST_OK)
		cli_safe(stdout, buf_cstr(&a.told), a.told.len, 1);
	*changes_out = a.told.len > 0;
	plan_free(&plan);
	buf_free(&text);
	buf_free(&a.told);
	buf_free(&a.domains);
	providers_close(&providers);
	return rc;
}
