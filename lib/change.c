/*
 * change.c - see change.h.
 */
#include "change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "route.h"
#include "settings_priv.h"

/* ---- what follows ---- */

struct choice { char first[ADDRESS_MAX_BYTES + 1], active[ADDRESS_MAX_BYTES + 1]; };

static enum status choose(void *arg, const char *address, const struct address_setting *a)
{
	struct choice *c = arg;

	if (c->first[0] == '\0')
		strcpy(c->first, address);
	if (a->inactive)
		return ST_OK;
	strcpy(c->active, address);
	return ST_END;
}

static enum status settle_primary(struct store *st)
{
	char now[ADDRESS_MAX_BYTES + 1];
	struct address_setting a = { .inactive = false };
	struct choice c = { "", "" };
	struct buf json = { 0 };
	enum status rc = setting_primary(st, now);

	if (rc == ST_OK)
		rc = setting_address(st, now, &a);
	if (rc != ST_NOTFOUND && (rc != ST_OK || !a.inactive))
		return rc;
	rc = setting_addresses(st, choose, &c);
	if (rc != ST_OK)
		return rc;
	if (c.active[0] == '\0' && a.inactive)	/* it stays, as long as there is none that could send */
		return ST_OK;
	if (c.first[0] == '\0')
		return setting_put(st, "primary", "", NULL);
	json_cstr(&json, NULL, c.active[0] != '\0' ? c.active : c.first);
	rc = setting_put(st, "primary", "", &json);
	buf_free(&json);
	return rc;
}

static enum status note_inbox(void *arg, const char *inbox)
{
	struct buf *names = arg;

	buf_add(names, inbox, strlen(inbox) + 1);
	return names->failed ? st_fail(ST_NOMEM, "settings: out of memory") : ST_OK;
}

static enum status settle_inboxes(struct store *st)
{
	struct buf names = { 0 }, json = { 0 };
	enum status rc = setting_inboxes(st, note_inbox, &names);
	size_t n = 0;

	for (size_t at = 0; rc == ST_OK && at < names.len; at += strlen(names.p + at) + 1) {
		const char *name = names.p + at;

		if (++n > INBOXES_MAX)
			rc = st_fail(ST_BAD, "more than %d inboxes", INBOXES_MAX);
		else if (strcmp(name, INBOX_DEFAULT) != 0)
			rc = setting_get(st, "inbox/", name, &json);
		if (rc == ST_NOTFOUND) {
			buf_clear(&json);
			buf_str(&json, "{}");
			rc = setting_put(st, "inbox/", name, &json);
		}
	}
	buf_free(&names);
	buf_free(&json);
	return rc;
}

enum status settings_settle(struct store *st)
{
	enum status rc = settle_primary(st);

	return rc == ST_OK ? settle_inboxes(st) : rc;
}

static enum status note_domain(void *arg, const char *domain, const struct domain_setting *d)
{
	return note_inbox(arg, domain);
}

static enum status note_address(void *arg, const char *address, const struct address_setting *a)
{
	return note_inbox(arg, address);
}

enum status settings_forget(struct store *st)
{
	struct buf names = { 0 };
	enum status rc = setting_addresses(st, note_address, &names);

	if (rc == ST_OK)
		rc = setting_domains(st, note_domain, &names);
	for (size_t at = 0; rc == ST_OK && at < names.len; at += strlen(names.p + at) + 1)
		rc = strchr(names.p + at, '@') != NULL ? setting_address_set(st, names.p + at, NULL)
			: setting_domain_set(st, names.p + at, NULL);
	buf_free(&names);
	return rc;
}

/* ---- whether it goes together ---- */

struct check { struct store *st; const char *shared; char active_shared[ADDRESS_MAX_BYTES + 1]; };

/* The inbox that something leads to must not be a removed one. */
static enum status check_inbox(struct check *c, const char *who, const char *inbox)
{
	char present[INBOX_MAX_BYTES + 1];
	enum status rc = inbox_present(c->st, inbox, present);

	if (rc == ST_OK && strcmp(present, inbox) != 0)
		rc = st_fail(ST_BAD, "%s leads to the inbox %s, which was removed: its successor is %s", who, inbox, present);
	return rc;
}

static enum status check_shared(struct check *c, const char *address, bool inactive)
{
	enum status rc = routes_shared_check(address);

	if (rc != ST_OK || inactive)
		return rc;
	if (c->active_shared[0] != '\0')
		return st_fail(ST_BAD, "%s and %s: one address on the shared domain is active at a time (weir-address --swap "
			"makes one take the other's place)", c->active_shared, address);
	strcpy(c->active_shared, address);
	return ST_OK;
}

static enum status check_address(void *arg, const char *address, const struct address_setting *a)
{
	struct check *c = arg;
	const char *domain = strrchr(address, '@') + 1, *tenant = store_tenant(c->st);
	struct domain_setting d;
	enum status rc;

	if (c->shared[0] != '\0' && strcmp(domain, c->shared) == 0) {
		rc = check_shared(c, address, a->inactive);
	} else {
		rc = setting_domain(c->st, domain, &d);
		if (rc == ST_NOTFOUND)
			rc = st_fail(ST_BAD, "%s: %s has no domain %s (weir-domain add %s %s)", address, tenant, domain, tenant, domain);
	}
	return rc == ST_OK ? check_inbox(c, address, a->inbox) : rc;
}

static enum status check_domain(void *arg, const char *domain, const struct domain_setting *d)
{
	struct check *c = arg;
	struct address_setting a;
	enum status rc = d->any[0] != '\0' ? check_inbox(c, domain, d->any) : ST_OK;

	if (rc != ST_OK || d->catch_all[0] == '\0')
		return rc;
	if (strcmp(strrchr(d->catch_all, '@') + 1, domain) != 0)
		return st_fail(ST_BAD, "%s: its catch-all %s is in another domain", domain, d->catch_all);
	rc = setting_address(c->st, d->catch_all, &a);
	return rc == ST_NOTFOUND ? st_fail(ST_BAD, "%s: its catch-all %s is no address that there is", domain, d->catch_all) : rc;
}

static enum status check_removed(void *arg, const char *key, struct span json)
{
	struct check *c = arg;
	char name[INBOX_MAX_BYTES + 1], present[INBOX_MAX_BYTES + 1];
	enum status rc = setting_name("inbox/", key, name, INBOX_MAX_BYTES);

	if (rc != ST_OK || json_get(json, "successor").p == NULL)
		return rc;
	if (strcmp(name, INBOX_DEFAULT) == 0)
		return st_fail(ST_BAD, "the inbox " INBOX_DEFAULT " is always there: it has no successor");
	return inbox_present(c->st, name, present);
}

enum status settings_check(struct store *st, const char *shared)
{
	struct check c = { .st = st, .shared = shared };
	enum status rc = setting_list(st, "inbox/", check_removed, &c);

	if (rc == ST_OK)
		rc = setting_addresses(st, check_address, &c);
	if (rc == ST_OK)
		rc = setting_domains(st, check_domain, &c);
	return rc == ST_OK ? domains_check(st) : rc;
}

/* ---- routes ---- */

struct wanted { const char *shared; struct buf names; size_t n; };

static enum status want(struct wanted *w, const char *name)
{
	buf_add(&w->names, name, strlen(name) + 1);
	w->n++;
	return w->names.failed ? st_fail(ST_NOMEM, "settings: out of memory") : ST_OK;
}

static enum status want_domain(void *arg, const char *domain, const struct domain_setting *d)
{
	return want(arg, domain);
}

static enum status want_address(void *arg, const char *address, const struct address_setting *a)
{
	struct wanted *w = arg;

	return w->shared[0] != '\0' && strcmp(strrchr(address, '@') + 1, w->shared) == 0 ? want(w, address) : ST_OK;
}

/* What the settings of the transaction say, to routes. */
static enum status sync(struct store *st, struct routes *routes, const char *shared, enum routes_sync how)
{
	struct wanted w = { .shared = shared };
	const char **names = NULL;
	enum status rc = setting_domains(st, want_domain, &w);

	if (rc == ST_OK)
		rc = setting_addresses(st, want_address, &w);
	if (rc == ST_OK) {
		names = calloc(w.n + 1, sizeof(*names));
		if (names == NULL)
			rc = st_fail(ST_NOMEM, "settings: out of memory");
	}
	if (rc == ST_OK) {
		const char *p = w.names.p;

		for (size_t i = 0; i < w.n; i++, p += strlen(p) + 1)
			names[i] = p;
		rc = routes_sync(routes, store_tenant(st), names, w.n, how);
	}
	free(names);
	buf_free(&w.names);
	return rc;
}

/* ---- all tenants' routes ---- */

struct filling { const char *home; struct routes *routes; struct store *st; routes_clash_fn clash; void *arg; };

static enum status fill_name(struct filling *f, const char *name)
{
	enum status rc = routes_fill_name(f->routes, store_tenant(f->st), name);

	if (rc != ST_EXISTS)
		return rc;
	if (f->clash != NULL)
		f->clash(f->arg, store_tenant(f->st), name);
	return ST_OK;
}

static enum status fill_domain(void *arg, const char *domain, const struct domain_setting *d)
{
	return fill_name(arg, domain);
}

/* An address is in a domain of the tenant's or on the shared one: so a shared domain that was lost is found again. */
static enum status fill_address(void *arg, const char *address, const struct address_setting *a)
{
	struct filling *f = arg;
	const char *domain = strrchr(address, '@') + 1;
	char shared[DOMAIN_MAX_BYTES + 1];
	struct domain_setting d;
	enum status rc = setting_domain(f->st, domain, &d);

	if (rc != ST_NOTFOUND)
		return rc;
	rc = routes_fill_shared(f->routes, domain, shared);
	return rc == ST_OK && strcmp(domain, shared) == 0 ? fill_name(f, address) : rc;
}

static enum status fill_tenant(void *arg, const char *tenant)
{
	struct filling *f = arg;
	enum status rc = store_open(f->home, tenant, STORE_READ, &f->st);

	if (rc == ST_OK)
		rc = store_begin(f->st);
	if (rc == ST_OK) {
		rc = setting_domains(f->st, fill_domain, f);
		if (rc == ST_OK)
			rc = setting_addresses(f->st, fill_address, f);
		store_abort(f->st);
	}
	store_close(&f->st);
	return rc;
}

static enum status fill(void *arg, struct routes *r)
{
	struct filling *f = arg;

	f->routes = r;
	return store_tenants(f->home, fill_tenant, f);
}

static enum status fill_routes(struct routes *routes, const char *home, routes_clash_fn clash, void *arg)
{
	enum status rc = routes_fill(routes, fill, &(struct filling){ .home = home, .clash = clash, .arg = arg });
	char why[512];

	if (rc == ST_OK)
		return rc;
	snprintf(why, sizeof(why), "%s", st_text());
	return st_fail(rc, "routes are made of all tenants' settings, and not all can be read: %s", why);
}

enum status settings_routes(const char *home, routes_clash_fn clash, void *arg)
{
	struct routes *routes = NULL;
	enum status rc = routes_open(home, 1, &routes);

	if (rc == ST_OK)
		rc = fill_routes(routes, home, clash, arg);
	routes_close(&routes);
	return rc;
}

/* The tenant's store and routes, open; routes are whole. A store is open once in a process: not while all are read. */
static enum status open_both(const char *home, const char *tenant, struct store **st, struct routes **routes)
{
	bool whole = false;
	enum status rc = store_open(home, tenant, STORE_WRITE, st);

	if (rc == ST_OK)
		rc = routes_open(home, 1, routes);
	if (rc == ST_OK)
		rc = routes_whole(*routes, &whole);
	if (rc != ST_OK || whole)
		return rc;
	store_close(st);
	rc = fill_routes(*routes, home, NULL, NULL);
	return rc == ST_OK ? store_open(home, tenant, STORE_WRITE, st) : rc;
}

/* ---- the whole ---- */

static enum status change_in(struct store *st, struct routes *routes, const char *shared, enum change_how how, settings_fn fn,
	void *arg)
{
	enum status rc = sync(st, routes, shared, ROUTES_REPAIR);

	if (rc == ST_OK)
		rc = fn(arg, st);
	if (rc == ST_OK)
		rc = settings_settle(st);
	if (rc == ST_OK)
		rc = settings_check(st, shared);
	return rc == ST_OK ? sync(st, routes, shared, how == CHANGE_KEEP ? ROUTES_MUST : ROUTES_TRY) : rc;
}

/* The store would not commit: routes say again what it says. */
static void undo(struct store *st, struct routes *routes, const char *shared)
{
	if (store_begin(st) != ST_OK)
		return;
	sync(st, routes, shared, ROUTES_REPAIR);
	store_abort(st);
}

enum status settings_change(const char *home, const char *tenant, enum change_how how, settings_fn fn, void *arg)
{
	char shared[DOMAIN_MAX_BYTES + 1];
	struct routes *routes = NULL;
	struct store *st = NULL;
	enum status rc = open_both(home, tenant, &st, &routes);

	if (rc == ST_OK)
		rc = store_begin(st);
	if (rc == ST_OK) {
		rc = routes_shared(routes, shared);
		if (rc == ST_OK)
			rc = change_in(st, routes, shared, how, fn, arg);
		if (rc != ST_OK || how == CHANGE_TRY) {
			store_abort(st);
		} else {
			rc = store_commit(st);
			if (rc != ST_OK) {
				char why[512];

				strncpy(why, st_text(), sizeof(why) - 1);
				why[sizeof(why) - 1] = '\0';
				undo(st, routes, shared);
				rc = st_fail(rc, "%s", why);
			}
		}
	}
	routes_close(&routes);
	store_close(&st);
	return rc;
}

enum status settings_read(const char *home, const char *tenant, settings_fn fn, void *arg)
{
	struct store *st = NULL;
	enum status rc = store_open(home, tenant, STORE_READ, &st);

	if (rc == ST_OK)
		rc = store_begin(st);
	if (rc == ST_OK) {
		rc = fn(arg, st);
		store_abort(st);
	}
	store_close(&st);
	return rc;
}
