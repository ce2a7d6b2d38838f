/*
 * home.h - where weir keeps its things, and which words may name a tenant.
 */
#ifndef WEIR_HOME_H
#define WEIR_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include "buf.h"
#include "status.h"

#define TENANT_MAX_BYTES 63

/* $WEIR_HOME if set and not empty (made absolute), else /var/lib/weir for root,
 * else ~/.local/share/weir. Never NULL after ST_OK; lives for ever.
 * ST_CONFIG if none can be told. Creates nothing. */
enum status home_dir(const char *option_or_null, const char **out);

/* A tenant's name: [a-z0-9] then up to 62 of [a-z0-9-], not ending in '-'. */
bool tenant_valid(const char *name, size_t len);

/* HOME/tenants/NAME[/sub] into b (cleared). ST_BAD for an invalid name. */
enum status tenant_path(const char *home, const char *tenant, const char *sub, struct buf *b);

#endif
