/* DMARC records: what is read lies within what was given, and problems have words. */
#include "common.h"
#include "dmarc.h"

static void inside(struct span s, const char *p, size_t n)
{
	assert(!s.p || s.len == 0 || (s.p >= p && s.p + s.len <= p + n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct dmarc_record r;
	struct dmarc_authors a;
	struct buf text = { 0 };
	struct span list, uri;
	bool good;

	dmarc_record_read(p, n, &r);
	inside(r.rua, p, n);
	inside(r.ruf, p, n);
	list = r.rua;
	while (dmarc_uri_next(&list, &uri, &good))
		inside(uri, p, n);
	dmarc_problem_text(&r, &text);
	assert((text.len > 0) == (r.problems != 0));
	check_text(&text, n, 1000);
	buf_free(&text);
	dmarc_authors(p, n, &a);
	assert(a.n <= DMARC_MAX_AUTHORS);
	return 0;
}
