/*
 * page.h - stored entities as lines for people, on stdout.
 *
 * All that a stranger wrote goes through cli_safe and stands behind a word of ours or is indented: nothing in a message
 * can pass for a line of ours.
 */
#ifndef WEIR_PAGE_H
#define WEIR_PAGE_H

#include "json.h"

/* The text of a JSON string, on one line. Nothing if it is none. */
void page_string(struct span v);
/* "spf pass, dkim none, dmarc fail (asks for reject)" of the member auth. */
void page_auth(struct span auth);

/* Who, when, what about, to which inbox, and what to beware of: lines of a message entity. */
void page_head(struct span entity);
/* Text of many lines, indented. */
void page_text(const char *p, size_t len);
/* "Attachments:" and what is left of them; nothing if there are none. */
void page_attachments(struct span entity);
/* The lines above a thread's messages. */
void page_thread(struct span thread);

#endif
