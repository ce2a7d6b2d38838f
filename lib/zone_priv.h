/* zone_priv.h - what zone.c and zone_platform.c share. */
#ifndef WEIR_ZONE_PRIV_H
#define WEIR_ZONE_PRIV_H
#include "digest.h"
#include "zone.h"
enum status zone_digest(const struct records *r, char hex_out[DIGEST_HEX + 1]);	/* of all but the SOA's serial */
enum status zone_set_serial(struct records *r, uint32_t serial);	/* of the SOA among them */
bool zone_within(const char *name, const char *zone);	/* at or below it */
const char *zone_parent(const char *name);		/* without its first label; itself if it has but one */
enum status zone_add_soa(struct records *out, const char *zone, const struct name_server *ns, const char *hostmaster, uint32_t serial);
enum status zone_add_servers(struct records *out, const char *zone, const struct name_server *ns, size_t n);	/* NS and glue */
#endif
