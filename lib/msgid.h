/*
 * msgid.h - message ids (RFC 5322 3.6.4) of Message-ID, References, In-Reply-To.
 */
#ifndef WEIR_MSGID_H
#define WEIR_MSGID_H

#include <stddef.h>
#include "buf.h"

#define IDS_MAX		512	/* of one field: the first 1 and the last 511 (HDR_LIMIT) */
#define ID_MAX_BYTES	998	/* a longer id is left out (HDR_LIMIT) */

/* The ids in order, without brackets, each once, as JSON strings appended to an open array. Takes what is
 * between < and >, less blanks (ids get folded in the middle); with no bracket at all, the words with
 * an @. HDR_ bits. */
int ids_json(const char *p, size_t n, struct buf *b);
/* The first one, bare, appended to out. For Message-ID: with no bracket a field of a single word is
 * an id also without @. */
int id_first(const char *p, size_t n, struct buf *out);

#endif
