/*
 * verify_print.h - what was found about a domain, as a table, as the change to a zone, as JSON.
 *
 * Everything of a stranger's is made harmless here: in tables by cli_safe, in zone lines by the escapes of RFC 1035 5.1, in
 * JSON as text (bytes that are no UTF-8 become U+FFFD).
 */
#ifndef WEIR_VERIFY_PRINT_H
#define WEIR_VERIFY_PRINT_H

#include <stdio.h>
#include "verify.h"
#include "verify_state.h"

struct verify_told {		/* what is told beside the result */
	const char *tenant;
	const struct verify_state *before, *after;	/* NULL: states are not kept (plan) */
	enum vnews news;
	const struct buf *simulation;	/* objects for a JSON array, plan's; NULL: none */
};

/* One JSON object without a newline: weir-domain(1), --json. */
void verify_json(const struct verify *v, const struct verify_told *t, struct buf *out);

/* A page for people. colour: with ANSI colours. */
void verify_page(FILE *f, const struct verify *v, const struct verify_told *t, bool colour);

/* The change from what is published to what should be, in the order in which to make it: lines of a zone file behind "- "
 * (remove) and "+ " (add), and "; " before what is meant for people. Nothing if there is nothing to change and nothing grave to tell. */
void verify_diff(const struct verify *v, const struct verify_told *t, struct buf *out);

/* An item as RDATA in presentation form: TXT quoted, split at 255 bytes, odd bytes as \DDD. */
void verify_item_text(const struct verify_item *it, struct buf *out);
/* A stranger's text within a comment: what is not printable ASCII is '?'. */
void verify_ascii(const char *text, struct buf *out);

#endif
