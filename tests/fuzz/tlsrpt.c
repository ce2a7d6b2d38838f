/* tlsrpt_read: whatever a report says, what comes out is one valid JSON object of bounded size. */
#include "common.h"
#include "tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf out = { 0 };
	enum status st = tlsrpt_read(p, n, NULL, &out);

	assert(st == ST_OK || st == ST_BAD || st == ST_LIMIT);
	assert((st == ST_OK) == (out.len > 0));
	assert(st != ST_OK || (json_valid(out.p, out.len) == ST_OK && out.len < TLSRPT_MAX_ENTITY_BYTES + (1u << 20)));
	buf_free(&out);
	return 0;
}
