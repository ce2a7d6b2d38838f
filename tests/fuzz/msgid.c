/* Message ids: without blanks, each once, not too long. */
#include "common.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf list = { 0 }, first = { 0 };

	ids_json((const char *)p, n, &list);
	check_array(&list, n, 9);
	id_first((const char *)p, n, &first);
	check_text(&first, n, 3);
	assert(!first.len || !strpbrk(first.p, " \t\r\n"));
	buf_free(&list);
	buf_free(&first);
	return 0;
}
