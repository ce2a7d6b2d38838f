/*
 * decode.h - content transfer encodings, RFC 2045 section 6, and uuencode.
 *
 * GMime 3.2.13 stops base64 at the first '='; mail readers differ. We read to
 * the end and report, so that nothing hides behind a padded group.
 * All decoders stream: feed any split of the input, get the same bytes.
 */
#ifndef WEIR_DECODE_H
#define WEIR_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "status.h"

enum encoding { ENC_IDENTITY, ENC_BASE64, ENC_QP, ENC_UU, ENC_UNKNOWN };

/* Content-Transfer-Encoding's value to an encoding. Tolerant as mail readers are: case, blanks,
 * quotes, a comment, a trailing ';' or parameters ("\"base64\"", "base64;", "base64 (x)"); *odd_out says that it was not
 * written as RFC 2045 has it. 7bit 8bit binary and "" are IDENTITY; x-uuencode, uuencode,
 * x-uue are UU; anything else UNKNOWN (bytes pass as identity). *word_out (may be NULL) is a constant: encoding_name()
 * of it, but "8bit" or "binary" where that is what stands there. */
enum encoding encoding_of(const char *value, size_t len, bool *odd_out, const char **word_out);
const char *encoding_name(enum encoding e);	/* "base64", "quoted-printable", "7bit"... */

struct decoder {
	enum encoding enc;
	bool stop_at_padding;	/* base64: behave as readers that end at the first '=' */
	bool skip_padding;	/* base64: behave as readers that pass over '=' (PHP), or over some (Python) */
	/* what was met, set by the decoder: */
	bool junk;		/* bytes that the encoding does not know were skipped */
	bool padding_inside;	/* base64 went on after a padded group */
	bool soft_cr;		/* quoted-printable: '=' before a CR that ends no line: a soft break, or not, or up to the next LF */
	bool truncated;		/* ended inside a group, or uuencode without "end" */
	/* private: */
	uint32_t acc; int have; bool padded, done; unsigned char keep[128]; size_t kept; int uu_state;
};

void decoder_init(struct decoder *d, enum encoding enc);
/* Decodes n bytes, appending to out. IDENTITY and UNKNOWN copy. */
void decoder_feed(struct decoder *d, const void *p, size_t n, struct buf *out);
void decoder_end(struct decoder *d, struct buf *out);
/* The whole of it at once. */
void decode_all(struct decoder *d, const void *p, size_t n, struct buf *out);

/* The first inline uuencoded file at or after `from` in text: "begin 644 name" at a line start (or with any other
 * mode, or with none and two blanks: mail readers take that, too), followed by at least one line that is valid uuencode. begin/end are offsets of the first data line and of the
 * end of the "end" line (or of the text). Returns false if there is none. */
struct uu_found { size_t begin, end, line; const char *name; size_t name_len; };
bool uu_find(const char *text, size_t len, size_t from, struct uu_found *out);

#endif
