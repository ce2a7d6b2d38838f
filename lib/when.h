/*
 * when.h - points in time as people type them on a command line.
 */
#ifndef WEIR_WHEN_H
#define WEIR_WHEN_H

#include <stdint.h>
#include "status.h"

/* "2026-11-20" (midnight UTC), "2026-11-20T09:15:00Z" and with an offset (RFC 3339), or a while before now:
 * "30min", "12h", "7d", "2w", "1y" (365 days). Never 0, which means "open" in a query. ST_BAD with the forms in st_text(). */
enum status when_parse(const char *text, int64_t now, int64_t *out);

#endif
