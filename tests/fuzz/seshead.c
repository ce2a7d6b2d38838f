/* seshead: never a crash; all that is said lies inside the message. */
#include <stdint.h>
#include <stdlib.h>
#include "seshead.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void inside(struct span v, const char *p, size_t n)
{
	if (v.p && (v.p < p || v.p + v.len > p + n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct seshead h;

	seshead_parse(p, n, &h);
	inside(h.from, p, n);
	inside(h.rcpt, p, n);
	inside(h.smtp_id, p, n);
	inside(h.date, p, n);
	inside(h.auth_results, p, n);
	if (!h.ses && (h.from.p || h.verdicts.word[SES_SPAM]))
		abort();
	inside(seshead_field(p, n, "To"), p, n);
	return 0;
}
