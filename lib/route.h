/*
 * route.h - which tenant a domain belongs to: HOME/routes, one small LMDB environment for all.
 *
 * Domains are in normal form (header.h domain_normal). A domain has one tenant. What addresses a tenant has is
 * in the tenant's own store, as settings "domain/DOMAIN" and "address/LOCAL@DOMAIN". One domain may be the platform's
 * own, shared by all: there each address has one tenant, and stands here too. A tenant's domain never lies within another's:
 * who has acme.example can make a zone in which service.acme.example is theirs.
 *
 * The settings are the truth, this is the index over all tenants: routes_sync() makes it say what they say. Between
 * the two commits of a change, mail for what only one of them knows is nobody's and is held: it never reaches
 * another tenant. change.h does both in order.
 */
#ifndef WEIR_ROUTE_H
#define WEIR_ROUTE_H
#include <stdbool.h>
#include <stddef.h>
#include "status.h"
struct routes;
enum status routes_open(const char *home, int write, struct routes **out);	/* write: made if missing; read: a missing one is empty */
void routes_close(struct routes **r);
/* tenant_out: at least TENANT_MAX_BYTES + 1. ST_NOTFOUND. */
enum status routes_get(struct routes *r, const char *domain, char *tenant_out);
enum status routes_set(struct routes *r, const char *domain, const char *tenant);	/* ST_EXISTS if another tenant has it, or all share it */
enum status routes_del(struct routes *r, const char *domain);
enum status routes_each(struct routes *r, enum status (*fn)(void *arg, const char *domain, const char *tenant), void *arg);

/* ---- the shared domain ---- */
/* domain_out: at least 254 bytes; "" if there is none. */
enum status routes_shared(struct routes *r, char *domain_out);
/* domain NULL: none any more. ST_EXISTS: a tenant has that domain, or addresses on the present one. */
enum status routes_shared_set(struct routes *r, const char *domain);
/* Whether addresses such as this may be on the shared domain: a-z, 0-9, '.', '_' and '-' in the local part, none of the
 * names by which the platform itself is written to (RFC 2142). So one tenant's address is never another's with a tag. ST_BAD. */
enum status routes_shared_check(const char *address);
/* The tenant of an address on the shared domain, with a tag or without. ST_NOTFOUND. */
enum status routes_get_address(struct routes *r, const char *address, char *tenant_out);

/* ---- in step ---- */
enum routes_sync {
	ROUTES_REPAIR,	/* what belongs to another tenant is passed over */
	ROUTES_MUST,	/* ST_EXISTS if anything does, is the shared domain, or is a new domain below or above such a one; nothing is changed */
	ROUTES_TRY	/* the same, and nothing is changed in any case */
};
/* Makes the tenant's domains and addresses (they have an '@') exactly these, in one transaction. Sorts names. Looks at all routes there
 * are: 0.1 ms for 1,000. */
enum status routes_sync(struct routes *r, const char *tenant, const char **names, size_t n, enum routes_sync how);

/* ---- made again ---- */
/* Routes that are new know nobody, and would give one tenant's domain to whoever asks first. So nothing is changed in them before
 * every tenant's settings were read into them once (change.h settings_routes). *whole_out: whether that was done. */
enum status routes_whole(struct routes *r, bool *whole_out);
/* Calls fn within one transaction of routes, in which it calls routes_fill_name() and routes_fill_shared(); then they are whole. fn may read
 * stores, and must not take a tenant's lock: who holds one waits for routes. */
enum status routes_fill(struct routes *r, enum status (*fn)(void *arg, struct routes *r), void *arg);
/* Only adds: what others have changed meanwhile stays. ST_EXISTS: it is another tenant's here, and stays so. */
enum status routes_fill_name(struct routes *r, const char *tenant, const char *name);
/* What stands as the shared domain while routes are filled (254 bytes); domain_in, not NULL, if there is none yet. */
enum status routes_fill_shared(struct routes *r, const char *domain_in, char *domain_out);
#endif
