/* unpack stays within its bytes and its limits, whatever the file claims. */
#include "common.h"
#include "unpack.h"

static enum status count(void *arg, const void *p, size_t n)
{
	size_t *all = arg;

	for (size_t i = 0; i < n; i += 512)	/* readable, all of it */
		*all += ((const volatile unsigned char *)p)[i] & 0;
	*all += n;
	return ST_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct unpack_limits max = { .bytes = 1 << 20 };
	struct unpacked info;
	size_t all = 0;
	enum status st = unpack(p, n, &max, count, &all, &info);

	assert(all <= max.bytes && info.trailing <= n);
	assert(st != ST_OK || all == info.bytes);
	assert(st == ST_OK || st == ST_BAD || st == ST_LIMIT);
	return 0;
}
