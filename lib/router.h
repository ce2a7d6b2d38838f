/*
 * router.h - from an envelope recipient to a tenant, an address and an inbox.
 *
 * Joins routes (which tenant has the domain) and settings (which of its addresses it is). Keeps the stores it
 * looks into open, the ones used last: so a process that has a router opens no store itself, and never forks.
 */
#ifndef WEIR_ROUTER_H
#define WEIR_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include "home.h"
#include "settings.h"
#include "status.h"

#define ROUTER_TENANTS 200	/* three file descriptors and three maps each */

struct router;
struct route {
	char tenant[TENANT_MAX_BYTES + 1];
	struct destination to;
	bool inactive;		/* the tenant has the address and has switched it off: `to` says nothing */
};

/* keep: stores kept open, at most ROUTER_TENANTS (0: that many). */
enum status router_open(const char *home, size_t keep, struct router **out);
void router_close(struct router **r);

/* rcpt as it stands in the envelope: any bytes. ST_NOTFOUND: no tenant is to have it, and st_text() tells people
 * why. Everything else is about us, not about the recipient. */
enum status router_find(struct router *r, const char *rcpt, size_t len, struct route *out);

/* The tenant's policy as JSON, "" if nothing is set; lives until the next call. ST_NOTFOUND: no such tenant. */
enum status router_policy(struct router *r, const char *tenant, const char **json_out);

#endif
