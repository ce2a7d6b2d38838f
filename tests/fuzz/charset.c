/* A charset's name up to the first line end, then bytes in it. */
#include "common.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *nl = n ? memchr(p, '\n', n) : NULL;
	size_t name = nl ? (size_t)(nl - p) : 0;
	struct buf out = { 0 };

	charset_to_utf8((const char *)p, name, (const char *)p + name, n - name, &out);
	check_text(&out, n, 12);
	buf_free(&out);
	return 0;
}
