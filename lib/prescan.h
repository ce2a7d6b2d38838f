/*
 * prescan.h - one pass over raw bytes before a MIME parser sees them.
 *
 * GMime 3.2.13 overflows its stack on "Cc: a:a:a:...", is quadratic in parameters, and needs 1.9 KB
 * for each part. So we count first, and mask what it could choke on: bytes are overwritten in place
 * with others of the same length (offsets stay true) and put back afterwards. What it never gets to see are address fields
 * (lib/header reads them), all but the first Content-Type and Content-Transfer-Encoding of a block (most mail
 * readers take the first, GMime the last), parameters beyond a limit, NUL.
 */
#ifndef WEIR_PRESCAN_H
#define WEIR_PRESCAN_H

#include <stdbool.h>
#include <stddef.h>
#include "buf.h"
#include "status.h"

#define PRESCAN_MAX_HEADER_BYTES	(1u << 20)	/* of the first header block */
#define PRESCAN_MAX_FIELD_BYTES		(64u << 10)	/* of one Content-* field */
#define PRESCAN_MAX_PARAMS		64		/* ';' in one Content-* field */
#define PRESCAN_MAX_DELIMITERS		6000		/* lines that begin with "--" */
#define PRESCAN_MAX_LINE_BYTES		(1u << 20)	/* noted, not refused */
#define PRESCAN_MAX_MASKS		100000

struct prescan_limits {	/* zero: the default above */
	size_t header_bytes, field_bytes, params, delimiters, line_bytes;
};

struct prescan {
	size_t lines, bare_cr, lf, nul, delimiters, longest_line;
	size_t fields;			/* of the first header block */
	size_t body;			/* where the first header block ends */
	size_t start;			/* a MIME parser need not look at what is before: fields that are hidden; 0: all */
	size_t cut;			/* a MIME parser may look at [0,cut) only */
	bool bom, header_too_big, field_too_big, too_many_params, masks_full;
	bool too_many;			/* cut < len: more delimiters or fields than the limits */
	bool no_separator;		/* header block runs to the end */
	size_t duplicate_content;	/* repeated Content-Type or -Transfer-Encoding in one block */
	struct buf masks, old;		/* private: what was overwritten, in order */
};

/* Looks at p[0..len) and overwrites what is to be hidden. Linear. Call prescan_unmask with the
 * same bytes when the parser is done, then prescan_done. ST_NOMEM: the bytes may be spoilt. */
enum status prescan_mask(char *p, size_t len, const struct prescan_limits *limits,
	struct prescan *out);
void prescan_unmask(char *p, struct prescan *s);
void prescan_done(struct prescan *s);

#endif
