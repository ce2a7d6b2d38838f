/* route_priv.h - what route.c and route_sync.c share. Not for others. */
#ifndef WEIR_ROUTE_PRIV_H
#define WEIR_ROUTE_PRIV_H

#include <lmdb.h>
#include <stdbool.h>
#include "buf.h"
#include "header.h"
#include "home.h"
#include "route.h"

#define ROUTES_KEY_MAX		253	/* a domain: RFC 1035 2.3.4, without the final dot */
#define ROUTES_ADDRESS_MAX	254	/* RFC 5321 4.5.3.1.3 */

struct routes {
	MDB_env *env;		/* NULL: nothing was ever written, all is empty */
	MDB_txn *read;		/* kept, reset between lookups */
	MDB_txn *fill;		/* within routes_fill() */
	MDB_dbi meta, domains, addresses;
	bool has_addresses;	/* false: there is no such database yet */
	int write;
};

/* What an LMDB result means. */
enum status routes_fail(int rc, const char *what);
/* A read transaction that sees what is committed now: r->read, to be reset. */
enum status routes_look(struct routes *r);
/* The tenant's name that stands at a domain or address. ST_BAD: none stands there. */
enum status routes_tenant(MDB_val val, const char *name, char *tenant_out);
/* ST_EXISTS if it is the platform's shared domain. */
enum status routes_not_shared(struct routes *r, MDB_txn *txn, const char *domain);

#endif
