/* SPF records and macros: terms lie within the record; what the grammar accepts expands, within its limit. */
#include "common.h"
#include "spf.h"

static void expand(struct span s, enum spf_text kind)
{
	static const struct spf_macros m = { .local = { "a-b.c=d", 7 }, .sender_domain = { "x.example", 9 }, .domain = { "d.example", 9 },
		.helo = { "h%{i}", 5 }, .ip = { .v6 = true, .b = { 0x20, 1, 0xd, 0xb8 } }, .now = 1 };
	struct buf out = { 0 }, name = { 0 };

	if (spf_macro_check(s, kind) == ST_OK) {
		enum status st = spf_macro_expand(s, &m, &out);

		assert(st == ST_OK ? out.len <= SPF_MAX_EXPANDED_BYTES : st == ST_LIMIT);
		assert(spf_macro_name(s, &m, &name) == st && name.len <= 253);
	}
	buf_free(&out);
	buf_free(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct span all = { p, n }, rest = { p + 6, n - 6 };
	struct spf_term t;
	struct spf_ip ip;

	expand(all, SPF_DOMAIN_SPEC);
	expand(all, SPF_EXPLANATION);
	spf_ip(p, n, &ip);
	if (!spf_is_record(p, n))
		return 0;
	while (spf_term_next(&rest, &t) == ST_OK) {
		assert(t.text.p >= p && t.text.p + t.text.len <= p + n && t.text.len);
		assert(t.cidr4 >= 0 && t.cidr4 <= 32 && t.cidr6 >= 0 && t.cidr6 <= 128);
		if (t.domain.p)
			expand(t.domain, SPF_DOMAIN_SPEC);
	}
	return 0;
}
