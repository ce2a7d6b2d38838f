/*
 * mime.h - one message: pre-scan with limits, GMime's tree with byte ranges, and the readings
 * that other programs could make of the same bytes.
 *
 * Ranges are absolute offsets [begin,end) of a part's encoded body in the container it is in: the raw message, or the
 * decoded bytes of the part named by `in`. Call mime_parse in a worker process only: GMime has crashed on hostile bytes.
 */
#ifndef WEIR_MIME_H
#define WEIR_MIME_H

#include <stdbool.h>
#include <stdint.h>
#include "decode.h"
#include "status.h"

#define MIME_MAX_HEADER_BYTES	(1u << 20)	/* of one header block */
#define MIME_MAX_FIELD_BYTES	(256u << 10)	/* of one field */
#define MIME_MAX_FIELDS		10000
#define MIME_MAX_PARTS		1000
#define MIME_MAX_DEPTH		32
#define MIME_MAX_LINE_BYTES	(1u << 20)	/* noted, not refused */
#define MIME_MAX_DECODED_BYTES	(256u << 20)	/* sum over all parts */

enum part_kind { PART_LEAF, PART_MULTIPART, PART_MESSAGE, PART_UU,
	PART_PROLOGUE, PART_EPILOGUE, PART_UNCLAIMED /* body bytes in no part */, PART_ALTERNATE /* another reading */ };

struct part {
	char *id;		/* "1", "1.2", "1.2.u1": unique; the root is "1" */
	char *parent;		/* NULL for the root */
	enum part_kind kind;
	char *content_type;	/* "text/plain", lower case; what counts for us */
	char *charset, *disposition, *filename, *cid;	/* NULL: absent; UTF-8 */
	enum encoding encoding;
	char *in;		/* container part's id; NULL: the raw message */
	bool cr;		/* container is read with bare CR taken for LF (same length, same offsets) */
	bool stop_at_padding;	/* the reading that ends base64 at the first '=' */
	bool scan_only;		/* another reading, prologue...: scanned, never shown */
	char *of;		/* ALTERNATE: the part whose bytes these are, too */
	bool body;		/* it is (part of) the message's text */
	bool inline_;
	uint64_t begin, end;	/* encoded bytes in the container */
	uint64_t size;		/* decoded bytes */
};

struct mime;	/* a parsed message; see mime.c for what is in it */

#endif
