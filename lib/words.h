/*
 * words.h - unstructured header text: folding and RFC 2047 encoded words.
 *
 * Input is a field body (after the colon) as it stands in the file, folding included. Valid UTF-8
 * without NUL, CR and LF is appended to out. Linear, whatever comes in.
 */
#ifndef WEIR_WORDS_H
#define WEIR_WORDS_H

#include <stddef.h>
#include "buf.h"

/* Unstructured text (Subject): unfolded (RFC 5322 2.2.3; the blanks around a fold become one space),
 * trimmed, encoded words decoded (RFC 2047, language suffix of RFC 2231 5; adjacent
 * words joined, also when a multibyte character or a base64 group is split
 * between them, and after a padded one), raw 8-bit repaired. HDR_ bits. */
int header_text(const char *p, size_t n, struct buf *out);

/* The same for text that has been unfolded and unquoted already (a phrase, a parameter's
 * value): nothing is trimmed or folded. */
int words_text(const char *p, size_t n, struct buf *out);

#endif
