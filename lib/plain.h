/*
 * plain.h - strangers' bytes shown in a sentence of ours: printable ASCII, whatever comes in.
 */
#ifndef WEIR_PLAIN_H
#define WEIR_PLAIN_H

#include <string.h>
#include "buf.h"

/* Appends p[0..n): bytes that are not printable ASCII as \DDD (RFC 1035 5.1), a backslash doubled. */
static inline void plain_add(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < ' ' || c >= 0x7f)
			buf_fmt(b, "\\%03d", c);
		else if (c == '\\')
			buf_str(b, "\\\\");
		else
			buf_chr(b, (char)c);
	}
}

static inline void plain_str(struct buf *b, const char *s) { plain_add(b, s, strlen(s)); }

#endif
