/* loose_find and loose_decode stay within the message, whatever it is. */
#include <string.h>
#include "loose.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct byte_range covered = { n / 3, n / 2 };
	struct loose found[LOOSE_MAX];
	struct buf b = { 0 };
	size_t k = loose_find((const char *)p, n, n / 4, &covered, 1, found);

	for (size_t i = 0; i < k; i++) {
		if (found[i].end > n || found[i].begin > found[i].end)
			__builtin_trap();
		buf_clear(&b);
		loose_decode((const char *)p, &found[i], &b);
	}
	buf_free(&b);
	return 0;
}
