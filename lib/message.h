/*
 * message.h - a parsed message as the members `message`, `parts` and `defects` of a record, weir-record(5).
 */
#ifndef WEIR_MESSAGE_H
#define WEIR_MESSAGE_H

#include "mime.h"

#define MESSAGE_TEXT_BYTES	(256u << 10)	/* of text and of html in a record */
#define MESSAGE_HEADERS_BYTES	(256u << 10)	/* of all values in `headers` */
#define MESSAGE_MAX_FIELDS	10000
#define MESSAGE_PREVIEW_CHARS	200

struct message_opts {
	bool text, html, headers;	/* with them; preview is always there */
	size_t text_bytes;		/* 0: MESSAGE_TEXT_BYTES */
	size_t max_bytes;		/* of the whole result: text, html, headers are left out to keep to it; 0: none */
};

/* Appends `"message":{...},"parts":[...],"defects":[...]` to b. Adds to m's defects what the fields show. ST_NOMEM. */
enum status message_json(struct mime *m, const struct message_opts *o, struct buf *b);

/* Appends the members of `message` that come from header fields (message_id ... date), for who has a header block
 * only. m may be NULL: defects are dropped then. */
void message_fields(const char *p, size_t begin, size_t end, struct mime *m, struct buf *b);
/* Appends "headers":[{"name","value","raw","range"}]: all fields in order, decoded and as written. False if cut at a limit. */
bool message_headers(const char *p, size_t begin, size_t end, struct buf *b);

#endif
