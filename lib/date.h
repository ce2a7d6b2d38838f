/*
 * date.h - the date-time of a mail header.
 */
#ifndef WEIR_DATE_H
#define WEIR_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "status.h"

#define DATE_MAX_BYTES 512	/* a longer field is no date */

/* A date-time (RFC 5322 3.3, 4.3, and what real mailers send: no day name, two-digit years, named zones,
 * "GMT+0200", ISO 8601, asctime, no seconds). zone_min: minutes east of UTC; *zone_known false for "-0000",
 * military letters (RFC 5322 4.3) and none. Range 1970-9999, else ST_BAD, and out-parameters are untouched. */
enum status date_parse(const char *p, size_t n, int64_t *unix_out, int *zone_min_out, bool *zone_known_out);

/* 2026-11-23T06:00:00Z */
void date_rfc3339(int64_t unix_time, char out[32]);

#endif
