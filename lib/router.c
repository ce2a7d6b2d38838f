/*
 * router.c - see router.h.
 */
#include "router.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "route.h"

struct open_store { struct store *store; struct buf policy; uint64_t used; };

struct router {
	const char *home;
	struct routes *routes;
	struct open_store slot[ROUTER_TENANTS];
	size_t slots, keep;
	uint64_t clock;
};

enum status router_open(const char *home, size_t keep, struct router **out)
{
	struct router *r = calloc(1, sizeof(*r));
	enum status st;

	if (r == NULL)
		return st_fail(ST_NOMEM, "router: out of memory");
	r->home = home;
	r->keep = keep > 0 && keep < ROUTER_TENANTS ? keep : ROUTER_TENANTS;
	st = routes_open(home, 0, &r->routes);
	if (st == ST_OK)
		*out = r;
	else
		router_close(&r);
	return st;
}

static void slot_close(struct open_store *s)
{
	store_close(&s->store);
	buf_free(&s->policy);
	s->used = 0;
}

void router_close(struct router **r)
{
	if (*r == NULL)
		return;
	for (size_t i = 0; i < (*r)->slots; i++)
		slot_close(&(*r)->slot[i]);
	routes_close(&(*r)->routes);
	free(*r);
	*r = NULL;
}

/* The policy is read once: it holds for the run. */
static enum status slot_open(struct open_store *s, const char *home, const char *tenant)
{
	enum status st = store_open(home, tenant, STORE_READ, &s->store);

	if (st != ST_OK)
		return st;
	buf_clear(&s->policy);
	st = store_begin(s->store);
	if (st == ST_OK) {
		st = setting_policy(s->store, &s->policy);
		store_abort(s->store);
	}
	if (st != ST_OK)
		slot_close(s);
	return st;
}

/* The tenant's open store; the one that was not used for longest makes room. */
static enum status tenant_store(struct router *r, const char *tenant, struct open_store **out)
{
	struct open_store *oldest = NULL;
	enum status st;

	for (size_t i = 0; i < r->slots; i++) {
		struct open_store *s = &r->slot[i];

		if (s->store != NULL && strcmp(store_tenant(s->store), tenant) == 0) {
			s->used = ++r->clock;
			*out = s;
			return ST_OK;
		}
		if (oldest == NULL || s->used < oldest->used)
			oldest = s;
	}
	if (r->slots < r->keep)
		oldest = &r->slot[r->slots++];
	else
		slot_close(oldest);
	st = slot_open(oldest, r->home, tenant);
	if (st == ST_OK) {
		oldest->used = ++r->clock;
		*out = oldest;
	}
	return st;
}

/* A domain has a tenant, or is the one that all share: then each address has. */
static enum status find_tenant(struct router *r, const char *address, const char *domain, char *tenant_out, bool *shared_out)
{
	char shared[DOMAIN_MAX_BYTES + 1];
	enum status st = routes_get(r->routes, domain, tenant_out);

	if (st != ST_NOTFOUND)
		return st;
	st = routes_shared(r->routes, shared);
	if (st != ST_OK)
		return st;
	if (strcmp(shared, domain) != 0)
		return st_fail(ST_NOTFOUND, "no tenant has the domain %s", domain);
	*shared_out = true;
	st = routes_get_address(r->routes, address, tenant_out);
	return st == ST_NOTFOUND ? st_fail(ST_NOTFOUND, "no tenant has that address on the shared domain %s", domain) : st;
}

static enum status resolve(struct router *r, const char *address, struct route *out)
{
	const char *domain = strrchr(address, '@') + 1;
	struct open_store *s = NULL;
	bool shared = false;
	enum status st = find_tenant(r, address, domain, out->tenant, &shared);

	if (st != ST_OK)
		return st;
	st = tenant_store(r, out->tenant, &s);
	if (st == ST_NOTFOUND)
		return st_fail(ST_CONFIG, "domain %s: its tenant %s does not exist", domain, out->tenant);
	if (st == ST_OK)
		st = store_begin(s->store);
	if (st != ST_OK)
		return st;
	st = setting_resolve(s->store, address, &out->to);
	store_abort(s->store);
	out->to.shared = shared;
	if (st == ST_NOTFOUND && shared)	/* a tag where there are none, or a change that is under way */
		return st_fail(ST_NOTFOUND, "%s has no such address on the shared domain %s", out->tenant, domain);
	if (st == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "domain %s is %s's, but no such address", domain, out->tenant);
	out->inactive = st == ST_DENIED;	/* nothing else in there is refused: the store is open */
	return out->inactive ? ST_OK : st;
}

enum status router_find(struct router *r, const char *rcpt, size_t len, struct route *out)
{
	struct buf address = { 0 };
	enum status st = address_normal(rcpt, len, &address);

	out->inactive = false;
	if (st == ST_OK && !buf_ok(&address))
		st = st_fail(ST_NOMEM, "router: out of memory");
	else if (st == ST_BAD || (st == ST_OK && address.len > ADDRESS_MAX_BYTES))
		st = st_fail(ST_NOTFOUND, "not an address");
	if (st == ST_OK)
		st = resolve(r, address.p, out);
	buf_free(&address);
	return st;
}

enum status router_policy(struct router *r, const char *tenant, const char **json_out)
{
	struct open_store *s = NULL;
	enum status st = tenant_store(r, tenant, &s);

	if (st == ST_OK)
		*json_out = buf_cstr(&s->policy);
	return st;
}
