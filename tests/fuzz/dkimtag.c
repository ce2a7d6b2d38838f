/* Tag lists: what is read lies within the text, in order, and no tag is there twice. */
#include "common.h"
#include "dkim_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dkim_tags t;
	struct dkim_sig s = { 0 };
	const char *text = (const char *)p;

	if (!dkim_tags_read(text, n, "dsi", &t))
		for (size_t i = 0; i < t.n; i++) {
			assert(t.tag[i].name.len && t.tag[i].name.p >= text && t.tag[i].raw.p + t.tag[i].raw.len <= text + n);
			assert(t.tag[i].value.p >= t.tag[i].raw.p && t.tag[i].value.p + t.tag[i].value.len <= t.tag[i].raw.p + t.tag[i].raw.len);
			assert(i == 0 || t.tag[i].name.p > t.tag[i - 1].raw.p + t.tag[i - 1].raw.len);
			for (size_t k = 0; k < i; k++)
				assert(t.tag[k].name.len != t.tag[i].name.len || memcmp(t.tag[k].name.p, t.tag[i].name.p, t.tag[i].name.len));
		}
	for (int kind = SIG_DKIM; kind <= SIG_SEAL; kind++) {
		bool good = dkim_sig_read((enum dkim_sig_kind)kind, (struct span){ text, n }, 1800000000, &s);

		assert(good == !s.why[0]);
		assert(!good || (s.algorithm && s.b_len && strchr(buf_cstr(&s.domain), '.') && s.selector.len));
		assert(!s.identity.len || (utf8_valid(s.identity.p, s.identity.len) && !memchr(s.identity.p, '\0', s.identity.len)));
		dkim_sig_done(&s);
		memset(&s, 0, sizeof(s));
	}
	return 0;
}
