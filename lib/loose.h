/*
 * loose.h - encoded bytes in a raw message, whatever its structure says.
 *
 * The net under the parser. Mail readers differ in what they take for a header, a boundary or an
 * encoding; but to be malware for any of them, bytes must stand there as base64, quoted-printable or
 * uuencode. So what no part has decoded is searched for lines that look like these, and each find is
 * scanned, too. Ordinary mail has none or few. Linear in the message.
 */
#ifndef WEIR_LOOSE_H
#define WEIR_LOOSE_H

#include "decode.h"
#include "redact.h"

#define LOOSE_MAX 64		/* finds; the last one takes the rest of the message */
#define LOOSE_MIN_BASE64 40	/* letters that a run of base64 must have in lines without junk */

struct loose { uint64_t begin, end; enum encoding enc; int phase; /* base64: letters to skip first */ };

/* Finds in raw[0..len) outside of covered[0..n) (sorted, apart). header: where the body begins; folded
 * lines before it do not count. Returns how many, at most LOOSE_MAX. */
size_t loose_find(const char *raw, size_t len, size_t header, const struct byte_range *covered, size_t n,
	struct loose out[LOOSE_MAX]);
/* Its bytes, decoded, appended to b. */
void loose_decode(const char *raw, const struct loose *l, struct buf *b);

#endif
