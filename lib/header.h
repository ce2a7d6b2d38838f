/*
 * header.h - decoding what stands in header fields; includes one header a topic.
 *
 * Whatever comes in, valid UTF-8 without NUL goes out. All functions are linear in
 * their input, do not recurse, and stop at named limits. Input is a field body (after the colon) as it
 * stands in the file, folding included; appended to `out` in all cases.
 */
#ifndef WEIR_HEADER_H
#define WEIR_HEADER_H

#include "address.h"	/* address lists, normal forms */
#include "charset.h"	/* bytes to UTF-8 */
#include "date.h"	/* dates */
#include "msgid.h"	/* Message-ID, References */
#include "params.h"	/* Content-Type and its parameters */
#include "words.h"	/* Subject, encoded words */

/* What was guessed or repaired: bits that become defects. */
enum {
	HDR_RAW_8BIT = 1,	/* unencoded bytes over 127 that are not UTF-8: charset guessed */
	HDR_BAD_WORD = 2,	/* an encoded word that does not decode: left as written */
	HDR_BAD_CHARSET = 4,	/* unknown charset: guessed */
	HDR_LIMIT = 8,		/* a limit cut something off */
	HDR_BAD_ADDRESS = 16, HDR_NESTED_GROUP = 32, HDR_BAD_DATE = 64,
	HDR_CONTROL = 128,	/* control bytes; NUL, CR and LF have been replaced */
	HDR_DUP_PARAM = 256,	/* the same parameter twice, or name and name* */
	HDR_BAD_BYTES = 512	/* bytes that the named charset does not have: U+FFFD */
};

#endif
