/*
 * unpack.h - the one document in a report file: as it is, gzip (RFC 1952) or ZIP (APPNOTE 6.3.10), in pieces.
 *
 * For files that strangers mail us by the thousand and that should be small: whatever is odd about one is a refusal with
 * a reason, nothing is repaired. Memory is one buffer of 64 KB, whatever the file claims about itself; time is linear in
 * what comes out, which has two limits.
 */
#ifndef WEIR_UNPACK_H
#define WEIR_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "status.h"

#define UNPACK_MAX_PACKED_BYTES	(16u << 20)	/* of the file */
#define UNPACK_MAX_BYTES	(64u << 20)	/* of the document */
#define UNPACK_MAX_RATIO	200		/* document : file; a long report of one sender in which only the address changes has 100 */
#define UNPACK_FREE_BYTES	(1u << 20)	/* a document up to this size may have any ratio */
#define UNPACK_MAX_MEMBERS	100		/* of a ZIP, with what is skipped; streams of a gzip */

struct unpack_limits { size_t packed_bytes, bytes, ratio; };	/* 0: the above */

struct unpacked {
	const char *container;	/* "none", "gzip", "zip" */
	size_t bytes;		/* of the document */
	size_t trailing;	/* bytes behind the last gzip stream */
};

/* Gets the document piece by piece; what it returns ends unpack() unless it is ST_OK. */
typedef enum status (*unpack_fn)(void *arg, const void *p, size_t n);

/* Told by its first bytes which of the three it is. A ZIP must hold one file, besides folders and what
 * macOS adds (__MACOSX/...). ST_BAD: encrypted, damaged (also a wrong checksum), a method other than
 * stored and deflate, no file in it or several. ST_LIMIT: st_text() has the limit. What fn has had by then is to be thrown away:
 * a checksum comes last. out is filled in all cases. */
enum status unpack(const void *p, size_t n, const struct unpack_limits *limits, unpack_fn fn, void *arg, struct unpacked *out);

#endif
