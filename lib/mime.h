/*
 * mime.h - one message as a list of parts: GMime's tree with byte ranges, and the readings
 * that other programs could make of the same bytes.
 *
 * GMime has crashed on hostile bytes: what it cannot take is masked by prescan.h first, and
 * programs that meet unknown mail call mime_parse in a worker process (pool.h). Who only wants the bytes of parts
 * already listed in a record needs part.h, not this.
 *
 * What is promised (and tested): every byte of the body is in a part, a header block of a part, a
 * boundary line or blank; each reading that a mail reader or scanner is known to make of the bytes is a part
 * with scan_only, or a defect with `unscanned` says that it is not.
 */
#ifndef WEIR_MIME_H
#define WEIR_MIME_H

#include "field.h"
#include "part.h"
#include "prescan.h"

#define MIME_MAX_PARTS		1000
#define MIME_MAX_DEPTH		32
#define MIME_MAX_READINGS	32		/* times GMime is asked about one message */
#define MIME_MAX_DECODED_BYTES	(128u << 20)	/* of enclosed messages that we must decode */
#define MIME_MAX_DEFECTS	100		/* then the word too_many_defects */

struct mime_limits {	/* zero: the default above (and prescan.h's) */
	unsigned parts, depth, readings;
	size_t decoded_bytes;
	struct prescan_limits pre;
};

struct mime_defect { const char *name; char *part, *detail; };	/* part, detail may be NULL */

struct mime {
	char *raw;		/* the caller's bytes */
	size_t len;
	struct part *part;	/* document order; readings after what they are readings of */
	size_t parts;
	struct mime_defect *defect;
	size_t defects;
	size_t header, body;	/* raw offsets: the header block's begin, the body's begin */
	bool cr;		/* no LF anywhere: read with CR as line end */
	struct part_source source;	/* ready for part_bytes() */
};

/* Once per process, before the first mime_parse. */
void mime_init(void);
/* Parses raw[0..len). raw is the caller's, must stay until mime_free and must be writable: the bytes are masked while
 * GMime looks and the same again on return. Never fails for what the bytes are: ST_NOMEM only. */
enum status mime_parse(char *raw, size_t len, const struct mime_limits *limits,
	struct mime **out);
void mime_free(struct mime **m);

void mime_defect(struct mime *m, const char *name, const char *part, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
