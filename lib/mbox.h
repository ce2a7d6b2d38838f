/*
 * mbox.h - taking an mbox apart: mboxrd, and what others call mbox.
 *
 * A message begins at a line "From " that is the first line, or follows an
 * empty line and looks like a postmark (it names a month and a time of day). So "From "
 * in the middle of a body stays a body line. Of lines ">From ", ">>From "... one '>' is
 * taken away (mboxrd); the empty line before the next postmark, or at the
 * end, is the mbox's and goes too. All other bytes stay: CRLF, NUL, no final newline.
 */
#ifndef WEIR_MBOX_H
#define WEIR_MBOX_H

#include "buf.h"
#include "status.h"

/* One message; p lives until the function returns. truncated: it had more
 * than max bytes and only the first max are here. Not ST_OK: ends the reading. */
typedef enum status (*mbox_message_fn)(void *arg, const char *p, size_t len, bool truncated);

struct mbox {
	size_t max;			/* bytes of a message */
	mbox_message_fn message;
	void *arg;
	/* private: */
	struct buf text, line;
	bool begun, in_message, after_blank, truncated;
	size_t blank;			/* bytes of an empty line held back: it may be the separator */
};

void mbox_init(struct mbox *m, size_t max, mbox_message_fn message, void *arg);
/* Any split of the input gives the same messages. ST_BAD: it does not begin
 * with "From "; ST_NOMEM; whatever message() returned. */
enum status mbox_feed(struct mbox *m, const void *p, size_t n);
enum status mbox_end(struct mbox *m);
void mbox_done(struct mbox *m);

#endif
