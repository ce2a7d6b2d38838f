/* The base64 decoder: any split gives the same bytes and findings, and no more than the input allows. */
#include "common.h"
#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf whole = { 0 }, parts = { 0 };
	struct decoder a, b;
	size_t step = n ? p[0] % 7 + 1 : 1;

	decoder_init(&a, ENC_BASE64);
	decoder_init(&b, ENC_BASE64);
	a.stop_at_padding = b.stop_at_padding = n && p[n - 1] & 1;
	a.skip_padding = b.skip_padding = n && p[n - 1] & 2;
	decode_all(&a, p, n, &whole);
	for (size_t i = 0; i < n; i += step)
		decoder_feed(&b, p + i, n - i < step ? n - i : step, &parts);
	decoder_end(&b, &parts);
	assert(whole.len == parts.len && (!whole.len || memcmp(whole.p, parts.p, whole.len) == 0));
	assert(a.junk == b.junk && a.padding_inside == b.padding_inside && a.truncated == b.truncated);
	assert(whole.len <= n * 1 + 64);
	buf_free(&whole);
	buf_free(&parts);
	return 0;
}
