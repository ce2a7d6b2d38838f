/*
 * extract.h - the parts of a message, decoded and digested, written to staging.
 *
 * One read of the raw file, one pass over each part. Parts that are not encoded are not written
 * at all: their bytes are those of the raw file (or of the part they are in).
 * One struct for a whole run; it keeps its memory from message to message.
 */
#ifndef WEIR_EXTRACT_H
#define WEIR_EXTRACT_H

#include "file.h"
#include "record.h"

#define EXTRACT_MAX_DECODED_BYTES (256u << 20)	/* sum over the encoded parts of one message */

struct extract;

struct extract_opts {
	const char *home;
	const struct roots *roots;	/* where raw files may lie */
	uint64_t max_decoded_bytes;	/* per message; 0: EXTRACT_MAX_DECODED_BYTES */
};

/* Takes a lease, removes what dead ones left in staging. */
enum status extract_open(const struct extract_opts *o, struct extract **out);
/* Appends "attachments":[...] to extra, one element per part that has bytes. A message that decodes to more
 * than the limit gets a "hold" (too_big) instead. ST_AGAIN: the raw file is not as the record says
 * (changed under us); ST_BAD: the record's parts make no sense; ST_IO, ST_DENIED. */
enum status extract_record(struct extract *x, const struct rec *rec, struct buf *extra);
enum status extract_close(struct extract **x);

#endif
