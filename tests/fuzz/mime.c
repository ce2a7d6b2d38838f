/* Any bytes: the record is valid JSON, the bytes are put back, every part can be read back from its JSON, and no two
 * parts have the same name. */
#include "common.h"
#include "message.h"

static void read_back(struct mime *m, struct span parts)
{
	struct part_source s = { .raw = m->raw, .len = m->len };
	struct buf a = { 0 };
	struct part *part;
	size_t n;

	assert(parts_of_json(parts, &part, &n) == ST_OK && n == m->parts);
	s.part = part;
	s.parts = n;
	for (size_t i = 0; i < n; i++) {
		buf_clear(&a);
		assert(part_bytes(&s, &part[i], &a, NULL) == ST_OK);
		for (size_t j = 0; j < i && j < 50; j++)
			assert(strcmp(part[i].id, part[j].id) != 0);
	}
	part_source_done(&s);
	parts_free(&part, n);
	buf_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct message_opts o = { .text = true, .html = true, .headers = true };
	struct buf b = { 0 };
	struct mime *m;
	static bool ready;
	char *raw = malloc(n + 1);

	if (!ready)
		mime_init();
	ready = true;
	memcpy(raw, p, n);
	assert(mime_parse(raw, n, NULL, &m) == ST_OK);
	assert(memcmp(raw, p, n) == 0);
	buf_chr(&b, '{');
	assert(message_json(m, &o, &b) == ST_OK);
	buf_chr(&b, '}');
	assert(json_valid(b.p, b.len) == ST_OK);
	read_back(m, json_get((struct span){ b.p, b.len }, "parts"));
	mime_free(&m);
	buf_free(&b);
	free(raw);
	return 0;
}
