/* Fuzz lib/plan: a text is refused with a line, or every setting it means is valid JSON under a key the store would take. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "plan_priv.h"
#include "provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct providers *providers;
	struct plan *p = NULL;
	char *text = malloc(size + 1);

	if (text == NULL || (providers == NULL && providers_read("{}", 2, &providers) != ST_OK))
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (plan_read(text, size, plan_domain_member, providers, &p) == ST_OK)
		for (size_t i = 0; i < p->wanted.n; i++) {
			const char *key = pair_key(&p->wanted, i), *kind, *prefix;
			struct span v = pair_value(&p->wanted, i);

			if (json_valid(v.p, v.len) != ST_OK || section_of(key, &kind, &prefix) == SECTIONS || strlen(key) > 400)
				abort();
		}
	plan_free(&p);
	free(text);
	return 0;
}
