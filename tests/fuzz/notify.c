/* notify: never a crash; what is read is well-formed. */
#include <stdint.h>
#include <stdlib.h>
#include "notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct notes notes;

	if (notify_parse((const char *)p, n, &notes) != ST_OK && notes.n)
		abort();
	for (size_t i = 0; i < notes.n; i++)
		if (notes.note[i].kind == NOTE_RECEIPT && !notes.note[i].message_id && !notes.note[i].object_key)
			abort();
	notes_free(&notes);
	return 0;
}
