/*
 * body.h - which parts are the text that a mail reader shows, and that text.
 *
 * The choice is that of RFC 8621 section 4.1.4 (JMAP), so text/plain is preferred for `text` and text/html for `html`, and
 * each stands in for the other where there is only one. Works on any list of parts, parsed just now or read from a record.
 */
#ifndef WEIR_BODY_H
#define WEIR_BODY_H

#include "part.h"

#define BODY_MAX_PARTS 100	/* more inline parts are left to the list of parts */

struct body {
	size_t text[BODY_MAX_PARTS], html[BODY_MAX_PARTS];	/* indices of text parts, in order */
	size_t texts, htmls;
};

void body_select(const struct part *part, size_t n, struct body *out);
/* Sets `body` on each part that body_select chooses. */
void body_flags(struct part *part, size_t n);

struct body_result {
	const char *part;	/* the first part it comes from; NULL: there is no text. The part's own string */
	bool cut;		/* longer than max */
	bool from_html;		/* no text/plain: text made from HTML */
	int bits;		/* HDR_ bits of the charsets */
};
/* The message's text as UTF-8 with LF line ends, appended to out, at most max bytes. Several inline parts
 * follow each other with an empty line between. ST_NOMEM; a part that cannot be read is left out. */
enum status body_text(struct part_source *s, const struct body *b, size_t max, struct buf *out,
	struct body_result *res);
/* The message's HTML as written, in UTF-8. res->part NULL if it has none. Hostile: for programs, never for a terminal. */
enum status body_html(struct part_source *s, const struct body *b, size_t max, struct buf *out,
	struct body_result *res);
/* At most `chars` characters of text, blanks and line ends folded to one blank each. */
void body_preview(const char *text, size_t len, size_t chars, struct buf *out);

#endif
