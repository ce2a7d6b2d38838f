/*
 * part.h - one part of a message: where its bytes are and how to decode them.
 *
 * Needs no MIME parser: who has a record's `parts` (or a stored entity's) and the raw bytes
 * gets every part's content from here. Ranges are absolute offsets [begin,end) of the encoded
 * body in its container: the raw message, or the decoded bytes of the part named by `in`.
 * They come from a record, so they are checked against the bytes at each use.
 */
#ifndef WEIR_PART_H
#define WEIR_PART_H

#include <stdbool.h>
#include <stdint.h>
#include "decode.h"
#include "json.h"
#include "status.h"

#define PART_MAX_CONTAINERS	8	/* `in` of `in` of ... */
#define PART_ID_MAX_BYTES	128

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE, PART_UU,
	PART_PROLOGUE, PART_EPILOGUE, PART_UNCLAIMED /* body bytes in no part */,
	PART_ALTERNATE /* another reading of bytes that are in another part, too */ };

struct part {
	char *id;		/* "1", "1.2", "1.2.u1": unique; the root is "1" */
	char *parent;		/* NULL for the root */
	enum part_kind kind;
	char *content_type;	/* "text/plain", lower case, always there */
	char *charset, *disposition, *filename, *cid;	/* NULL: absent; UTF-8 */
	char *in;		/* container part's id; NULL: the raw message */
	char *of;		/* ALTERNATE: the part whose bytes these are, too */
	enum encoding encoding;
	const char *identity;	/* the word for ENC_IDENTITY, a constant: "8bit", "binary"; NULL: "7bit" */
	bool cr;		/* container is read with bare CR taken for LF (same length, same offsets) */
	bool stop_at_padding;	/* the reading that ends base64 at the first '=' */
	bool skip_padding;	/* the reading that passes over each '=' */
	bool scan_only;		/* another reading, prologue...: scanned, never shown */
	bool body;		/* it is (part of) the message's text or html */
	bool inline_;		/* shown where it stands: Content-Disposition, or referred to by cid */
	bool tnef;		/* a winmail.dat */
	uint64_t begin, end;	/* encoded bytes in the container */
	uint64_t size;		/* decoded bytes */
};

/* Whether the part has bytes of its own to extract, scan or show: all but MULTIPART. A MESSAGE's bytes
 * are the enclosed message, whose parts are listed, too. */
bool part_has_bytes(const struct part *p);

const char *part_kind_name(enum part_kind k);

/* Appends the part as an object of the `parts` array. */
void part_json(struct buf *b, const struct part *p);
/* Reads one element of `parts`. The strings are malloc'ed: part_done(). ST_BAD if it is not
 * what part_json writes (unknown kind, range upside down...); out is zeroed then. */
enum status part_of_json(struct span v, struct part *out);
/* All of an array: *out_parts is malloc'ed, parts_free() ends it. ST_BAD, ST_NOMEM. */
enum status parts_of_json(struct span array, struct part **out_parts, size_t *out_n);
void part_done(struct part *p);
void parts_free(struct part **parts, size_t n);

/* ---- bytes ---- */
/* A message's bytes and its parts, for part_bytes(). Fill the first four, zero the rest. */
struct part_source {
	const char *raw;
	size_t len;
	const struct part *part;
	size_t parts;
	/* private: the container read last */
	struct buf held;
	const struct part *held_part;
	bool held_cr;
};
void part_source_done(struct part_source *s);

/* The part's encoded bytes, in place: a span of the raw message or of the decoded container
 * (valid until the next call with this source). Follows `in` and `cr`. ST_BAD if the range does not lie
 * within the container or the container is missing, ST_LIMIT, ST_NOMEM. */
enum status part_encoded(struct part_source *s, const struct part *p, struct span *out);
/* The part's decoded bytes appended to b. d_out (may be NULL) gets what the decoder met. */
enum status part_bytes(struct part_source *s, const struct part *p, struct buf *b,
	struct decoder *d_out);
/* The decoded bytes of a text part as UTF-8 appended to b, CRLF as LF, at most max bytes
 * (0: no limit; cut between characters, *cut_out says so). HDR_ bits of charset_to_utf8 in *bits_out. */
enum status part_text(struct part_source *s, const struct part *p, size_t max, struct buf *b,
	bool *cut_out, int *bits_out);

/* The size of well-formed base64 without decoding it. False (size unknown) if anything but its alphabet, line
 * ends, blanks and padding at the end is there. */
bool base64_size(const char *p, size_t n, uint64_t *size_out);

/* bare CR in p[0..n) to LF, into b (same length). */
void cr_to_lf(const char *p, size_t n, struct buf *b);

#endif
