/*
 * reread.h - stored messages parsed again for people who want their text, in a process that may die of them.
 *
 * Text is not kept in the store, the raw message is; and its bytes are as hostile as on the first day. So a helper
 * process is started before any store is opened (a process that has one open must not fork). It makes a child with limits for each
 * message; what kills that child costs the text of one message.
 */
#ifndef WEIR_REREAD_H
#define WEIR_REREAD_H

#include "message.h"

#define REREAD_CPU_S		20
#define REREAD_WALL_S		60
#define REREAD_MEMORY_BYTES	(1024ul << 20)	/* on top of what is mapped already */
#define REREAD_TEXT_BYTES	(16u << 20)	/* of text and of html */

struct reread;
/* Call before store_open, with nothing unwritten in stdio. */
enum status reread_start(struct reread **out);
/* {"message":{...},"parts":[...],"defects":[...]} into json (cleared first), with text, html and headers as o says. ST_BAD: the
 * bytes cannot be parsed, or the parser died of them. Other failures mean that the helper is gone. */
enum status reread_message(struct reread *r, const void *raw, size_t len, const struct message_opts *o, struct buf *json);
void reread_stop(struct reread **r);

#endif
