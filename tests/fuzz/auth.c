/* Authentication-Results: whatever the text, no more than one answer, and a pass only where it says so. */
#include <stdint.h>
#include <stdlib.h>

#include "auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum auth_method m = 0; m < AUTH_METHODS; m++) {
		enum auth_result r = auth_in_text((const char *)data, size, m);

		if (r != AUTH_UNCHECKED && auth_result_of(m, auth_result_name(r), __builtin_strlen(auth_result_name(r))) != r)
			abort();
	}
	return 0;
}
