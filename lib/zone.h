/*
 * zone.h - what makes records a zone: SOA, NS, and a serial that only grows.
 *
 * A secondary takes a zone over only if its serial is after the one it has (RFC 1982), so the serial changes whenever
 * the content does, and stays where it does not: printing a zone twice gives the same bytes. New serials are the time in
 * seconds, or the old one plus 1 where that is later.
 */
#ifndef WEIR_ZONE_H
#define WEIR_ZONE_H

#include <stdbool.h>
#include <stdint.h>
#include "records.h"

/* RFC 1912 2.2's orders of magnitude. The last is also how long "there is no such name" is believed (RFC 2308 4). */
#define SOA_REFRESH	7200
#define SOA_RETRY	900
#define SOA_EXPIRE	1209600
#define SOA_NEGATIVE	300
#define ZONE_TTL	3600	/* SOA and NS */
#define KEY_TTL		3600	/* keys: how long a rotation waits */
#define PLATFORM_FILE	"platform.serial"	/* in HOME */

/* RFC 1982 3.2: whether a is after b. Neither is if they are 2^31 apart. */
bool serial_after(uint32_t a, uint32_t b);
/* A serial after was: the time if it is, else was + 1; never 0. */
uint32_t serial_next(uint32_t was, int64_t now);

/* Brings d->serial and d->serial_of up to date with what zone_records() gives now; the caller keeps d (domain_set). As zone_records(). */
enum status zone_serial(struct domain *d, const struct providers *p, int64_t now, bool *changed_out);

/* The zone of dkim.PLATFORM: the keys of all tenants. Its serial is kept in HOME/platform.serial, under a lock.
 * A tenant whose settings cannot be read makes the whole fail: a zone without its keys would take them back.
 * *provider_out has the zone's name (dkim). ST_CONFIG: no platform or no name servers. */
enum status platform_zone(const char *home, const struct providers *p, int64_t now, struct provider *provider_out, struct records *out);
/* Its NS, for the parent zone. */
enum status platform_delegation(const struct providers *p, struct provider *provider_out, struct records *out);

#endif
