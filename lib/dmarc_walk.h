/*
 * dmarc_walk.h - between dmarc_walk.c and dmarc.c. Not for other modules.
 */
#ifndef WEIR_DMARC_WALK_H
#define WEIR_DMARC_WALK_H

#include "dmarc.h"

enum dmarc_lookup { DMARC_NO_RECORD, DMARC_FOUND, DMARC_PENDING, DMARC_FAILED };
/* The one DMARC record at _dmarc.<domain> (4.10, steps 1 and 2); its text. several: there were more, so there is none. */
enum dmarc_lookup dmarc_lookup(struct dns *d, const char *domain, struct buf *text, bool *several);

#endif
