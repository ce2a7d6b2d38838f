/* archive_look stays within its bytes, whatever they are. */
#include <stdint.h>
#include "archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct archive_opts o = { 1 << 20, 4 << 20, false };
	const char *detail;

	archive_look(p, n, &o, &detail);
	return 0;
}
