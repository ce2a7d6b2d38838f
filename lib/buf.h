/*
 * buf.h - a growing byte buffer.
 *
 * Out of memory is sticky: the buffer keeps what it has, drops what comes
 * and says so in `failed`. Check buf_ok() once, before the bytes are used.
 * A zeroed struct is an empty buffer. p is NUL-terminated whenever len > 0 or
 * after any call that returned; the NUL is not counted.
 */
#ifndef WEIR_BUF_H
#define WEIR_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf { char *p; size_t len, cap; bool failed; };

/* A piece of somebody else's bytes. p NULL: absent. */
struct span { const char *p; size_t len; };

void buf_free(struct buf *b);			/* frees, leaves it empty */
void buf_clear(struct buf *b);			/* len 0, memory kept, failed false */
bool buf_ok(const struct buf *b);
bool buf_room(struct buf *b, size_t more);	/* room for more bytes; false: no memory */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_chr(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *buf_cstr(struct buf *b);		/* "" when empty, never NULL */

#endif
