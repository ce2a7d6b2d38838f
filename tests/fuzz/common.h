/* What all harnesses assert: valid UTF-8 without NUL comes out, and not too much of it. */
#ifndef WEIR_FUZZ_COMMON_H
#define WEIR_FUZZ_COMMON_H
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "header.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* times: output bytes per input byte. */
static inline void check_text(const struct buf *b, size_t n, size_t times)
{
	assert(!b->failed);
	assert(b->len <= n * times + 64);
	assert(b->len == 0 || (utf8_valid(b->p, b->len) && !memchr(b->p, '\0', b->len)));
}

/* b holds the elements of an array. */
static inline void check_array(struct buf *b, size_t n, size_t times)
{
	struct buf all = { 0 };

	check_text(b, n, times);
	buf_fmt(&all, "[%s]", buf_cstr(b));
	assert(json_valid(all.p, all.len) == ST_OK);
	buf_free(&all);
}
#endif
