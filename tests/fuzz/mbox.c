/* mbox: whole and in two pieces, the same messages; nothing longer than the input. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum status add(void *arg, const char *s, size_t len, bool truncated)
{
	buf_add(arg, s, len);
	buf_str(arg, truncated ? "!|" : "|");
	return ST_OK;
}

static bool split(const uint8_t *p, size_t n, size_t at, struct buf *out)
{
	struct mbox m;
	bool ok;

	mbox_init(&m, 1000, add, out);
	ok = mbox_feed(&m, p, at) == ST_OK && mbox_feed(&m, p + at, n - at) == ST_OK && mbox_end(&m) == ST_OK;
	mbox_done(&m);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf a = { 0 }, b = { 0 };

	if (split(p, n, 0, &a) != split(p, n, n ? p[0] % (n + 1) : 0, &b))
		abort();
	if (a.len != b.len || (a.len && memcmp(a.p, b.p, a.len)) || a.len > 3 * n + 3)
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
