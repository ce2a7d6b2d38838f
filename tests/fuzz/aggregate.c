/* aggregate_read: whatever a report says, what comes out is one valid JSON object of bounded size; damage makes none. */
#include "aggregate.h"
#include "common.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct unpack_limits max = { .bytes = 1 << 20 };
	struct buf out = { 0 };
	enum status st = aggregate_read(p, n, &max, &out);

	assert(st == ST_OK || st == ST_BAD || st == ST_LIMIT);
	assert((st == ST_OK) == (out.len > 0));
	if (st == ST_OK) {
		struct span all = { out.p, out.len }, rows = json_get(all, "rows"), row;
		int64_t sum = 0, messages = -1, rest = 0, c;

		assert(json_valid(out.p, out.len) == ST_OK && out.len < AGGREGATE_MAX_ROWS_BYTES + (1u << 20));
		while (json_elem(&rows, &row)) {
			assert(json_get_int(json_get(row, "count"), &c) && c > 0);
			sum += c;
		}
		json_get_int(json_get(all, "rest.messages"), &rest);
		assert(json_get_int(json_get(all, "messages"), &messages) && messages == sum + rest);
	}
	buf_free(&out);
	return 0;
}
