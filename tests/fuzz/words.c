/* Unstructured text: also no line ends come out. */
#include "common.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf out = { 0 };

	header_text((const char *)p, n, &out);
	check_text(&out, n, 6);
	assert(!out.len || (!memchr(out.p, '\n', out.len) && !memchr(out.p, '\r', out.len)));
	buf_free(&out);
	return 0;
}
