/*
 * change.h - the one way in which programs change a tenant's settings: the store and HOME/routes in step, or nothing.
 *
 * In order: take the tenant's lock; put right what a crash left half done (the settings are the truth: routes are
 * made to say what they say); call fn; settle what follows from it (a primary address, inboxes that addresses lead to);
 * check the whole (settings_check); write routes, then the store. Killed between the two, or with the disk full, the next
 * change of that tenant puts routes right; until then mail for what only one side knows is held.
 * A process that calls this opens no store and no routes of its own.
 */
#ifndef WEIR_CHANGE_H
#define WEIR_CHANGE_H

#include "store.h"

/* Gets the store within its transaction, and changes settings (settings.h). Anything but ST_OK: nothing is kept. */
typedef enum status (*settings_fn)(void *arg, struct store *st);

enum change_how {
	CHANGE_KEEP,
	CHANGE_TRY	/* everything is checked, nothing is kept: what would it be? */
};
/* ST_NOTFOUND no such tenant; ST_EXISTS another tenant has the domain or address; ST_BAD settings_check() refuses, with the reason; and
 * what fn, store.h and route.h give. */
enum status settings_change(const char *home, const char *tenant, enum change_how how, settings_fn fn, void *arg);

/* The same for who only looks: one snapshot, nothing is repaired. */
enum status settings_read(const char *home, const char *tenant, settings_fn fn, void *arg);

/* Gets what a tenant's settings say is its own, while routes say that it is another's. */
typedef void (*routes_clash_fn)(void *arg, const char *tenant, const char *name);
/* Makes HOME/routes, or adds what is missing in it, from the settings of all tenants: after it was lost, or restored from an older
 * copy. The shared domain is found by the addresses on it. settings_change() does it by itself where routes are new. If one tenant's
 * settings cannot be read nothing is changed: what it has would be free for others. clash may be NULL. */
enum status settings_routes(const char *home, routes_clash_fn clash, void *arg);

/* What settings_change() settles after fn: one primary address as soon as there is any (an active one, the first by name), an inbox/NAME
 * for each inbox that something leads to. */
enum status settings_settle(struct store *st);
/* Every address and every domain of the tenant goes; for a tenant that is to be removed. */
enum status settings_forget(struct store *st);
/* Whether the settings go together: each address in a domain of the tenant's or on `shared` ("": there is none), one active there
 * at most; catch-alls, inboxes and the primary address exist; no inbox is its own successor. ST_BAD names what does not. */
enum status settings_check(struct store *st, const char *shared);

#endif
