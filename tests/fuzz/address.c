/* Address lists; and a normal form is its own normal form. */
#include "common.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf list = { 0 }, first = { 0 }, a = { 0 }, b = { 0 };

	addresses_json((const char *)p, n, &list);
	check_array(&list, n, 60);
	address_first((const char *)p, n, &first);
	check_text(&first, n, 3);
	if (address_normal((const char *)p, n, &a) == ST_OK) {
		check_text(&a, n, 12);
		assert(address_normal(a.p, a.len, &b) == ST_OK);
		assert(a.len == b.len && memcmp(a.p, b.p, a.len) == 0);
	}
	buf_clear(&a);
	domain_utf8((const char *)p, n, &a);
	check_text(&a, n, 12);
	buf_free(&list);
	buf_free(&first);
	buf_free(&a);
	buf_free(&b);
	return 0;
}
