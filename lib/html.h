/*
 * html.h - readable text from HTML, for mail that has no text/plain part.
 *
 * A tolerant one-pass tokenizer, not a browser: tags end lines or vanish, script, style, head and comments are
 * dropped, entities decoded, blanks folded, links followed by <URL> when their text differs. Never recurses.
 */
#ifndef WEIR_HTML_H
#define WEIR_HTML_H
#include "buf.h"
/* html is valid UTF-8; so is what is appended to out, at most max bytes. */
void html_text(const char *html, size_t len, size_t max, struct buf *out);
#endif
