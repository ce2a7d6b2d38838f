/*
 * route.h - which tenant a domain belongs to: HOME/routes, one small LMDB environment for all.
 *
 * Domains are in normal form (header.h domain_normal). A domain has one tenant. What addresses a tenant has is
 * in the tenant's own store, as settings "domain/DOMAIN" and "address/LOCAL@DOMAIN".
 */
#ifndef WEIR_ROUTE_H
#define WEIR_ROUTE_H
#include "status.h"
struct routes;
enum status routes_open(const char *home, int write, struct routes **out);	/* write: made if missing; read: a missing one is empty */
void routes_close(struct routes **r);
/* tenant_out: at least TENANT_MAX_BYTES + 1. ST_NOTFOUND. */
enum status routes_get(struct routes *r, const char *domain, char *tenant_out);
enum status routes_set(struct routes *r, const char *domain, const char *tenant);	/* ST_EXISTS if another tenant has it */
enum status routes_del(struct routes *r, const char *domain);
enum status routes_each(struct routes *r, enum status (*fn)(void *arg, const char *domain, const char *tenant), void *arg);
#endif
