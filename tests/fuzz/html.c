/* Text from HTML: valid UTF-8 in (it is repaired first), valid UTF-8 out, never more than asked for. */
#include "common.h"
#include "html.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf in = { 0 }, out = { 0 };
	size_t max = n && p[0] == '<' ? 1u << 20 : 100;

	utf8_repair((const char *)p, n, &in);
	html_text(buf_cstr(&in), in.len, max, &out);
	check_text(&out, in.len, 30);
	assert(out.len <= max);
	buf_free(&in);
	buf_free(&out);
	return 0;
}
