/* same.h - for tests of decoders: input in a block of its own size, output compared and freed. */
#ifndef WEIR_SAME_H
#define WEIR_SAME_H

#include <stdlib.h>

#include "buf.h"
#include "check.h"

/* A read past the end of this copy is ASan's to find. The caller frees it. */
static inline char *exactly(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, p, n);
	return copy;
}

/* Empties got. */
static inline void check_same(const char *what, struct buf *got, const char *want)
{
	if (strcmp(buf_cstr(got), want) != 0)
		fprintf(stderr, "%s\n\tgot  [%s]\n\twant [%s]\n", what, buf_cstr(got), want);
	CHECK(strcmp(buf_cstr(got), want) == 0);
	buf_free(got);
}

#endif
