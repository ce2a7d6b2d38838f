/* Fuzz lib/record and lib/json: a line is refused, or every promise about it holds. */
#include <stdint.h>
#include <stdlib.h>
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct span it = { text, size }, key, val;
	struct buf b = { 0 };
	struct rec rec;
	size_t i;

	for (i = 0; i < 100 && json_member(&it, &key, &val); i++)
		json_text(val, &b);	/* of unchecked text: only memory-safe */
	buf_clear(&b);
	json_str(&b, NULL, text, size);
	if (json_valid(b.p, b.len) != ST_OK)
		abort();
	if (rec_parse(&rec, text, size) == ST_OK) {
		if (!utf8_valid(rec.line, rec.len) || rec.line[rec.len - 1] != '}')
			abort();
		for (i = 0; i < rec.keys; i++)
			if (json_valid(rec.key[i].value.p, rec.key[i].value.len) != ST_OK)
				abort();
		rec_label(&rec);
	}
	buf_free(&b);
	return 0;
}
