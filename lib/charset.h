/*
 * charset.h - bytes in a charset to UTF-8.
 *
 * Mail names charsets wrongly, so names are read as mail readers do: "utf8", "x-sjis", gb2312 as
 * gb18030, iso-8859-1 as windows-1252. Only charsets of our own list reach iconv: it knows 1,100
 * more, which no mail uses and whose converters have had holes.
 * Trap: glibc loads its converters from /usr/lib/.../gconv at their first use; a sandbox must leave
 * that folder readable, or call charset_known() with what is wanted before it closes.
 */
#ifndef WEIR_CHARSET_H
#define WEIR_CHARSET_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"

#define CHARSET_NAME_MAX 63	/* a longer name is no charset */

/* Bytes in a charset, appended to out as UTF-8. Bad sequences and NUL become U+FFFD (HDR_BAD_BYTES). cs
 * NULL, empty, us-ascii or unknown: UTF-8 if the bytes are that, else windows-1252 (or iso-2022-jp, if its
 * escapes are there). Returns HDR_RAW_8BIT (bytes over 127 although none or us-ascii was named), HDR_BAD_CHARSET
 * (unknown name), HDR_BAD_BYTES. */
int charset_to_utf8(const char *cs, size_t cs_len, const char *p, size_t n, struct buf *out);

/* Whether we can convert from it (iconv has been asked to open it). */
bool charset_known(const char *cs, size_t cs_len);

/* Bytes that should be UTF-8, appended; what is not, and NUL, becomes U+FFFD. HDR_BAD_BYTES or 0. */
int utf8_repair(const char *p, size_t n, struct buf *out);

/* Appends a code point; U+FFFD for NUL, surrogates and what is past U+10FFFF. */
void utf8_put(struct buf *out, uint32_t cp);

#endif
