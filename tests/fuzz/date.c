/* Dates: in range; and what is written reads back. */
#include "common.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int64_t t = 0, back = 0;
	int zone = 0;
	bool known = false;
	char text[32];

	if (date_parse((const char *)p, n, &t, &zone, &known) != ST_OK)
		return 0;
	assert(t >= 0 && t <= 253402300799 && zone > -1440 && zone < 1440);
	date_rfc3339(t, text);
	assert(date_parse(text, strlen(text), &back, &zone, &known) == ST_OK);
	assert(back == t && zone == 0 && known);
	return 0;
}
