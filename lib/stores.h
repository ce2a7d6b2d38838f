/*
 * stores.h - the stores of the tenants a run meets, the least recently used one closed when there are too many.
 *
 * Every open store has three maps and eight descriptors; LMDB allows one opening for each process.
 */
#ifndef WEIR_STORES_H
#define WEIR_STORES_H

#include "store.h"

#define STORES_MAX 200

struct stores;
/* home must outlive it. Raises the limit of open files as far as it may. ST_NOMEM. */
enum status stores_new(const char *home, enum store_mode mode, struct stores **out);
void stores_free(struct stores **s);	/* closes them all */
/* The store of a tenant, as store_open() gives it; it lives at least until the next call. No transaction may be open in any. */
enum status stores_get(struct stores *s, const char *tenant, struct store **out);

#endif
