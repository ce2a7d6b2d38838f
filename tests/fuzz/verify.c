/* Texts that strangers publish, judged against what is expected of them: one verdict each, and no text grows. */
#include "common.h"
#include "verify.h"
#include "verify_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct { enum rr_role role; const char *data; } wants[] = {
		{ RR_SPF, "\"v=spf1 include:amazonses.com ~all\"" }, { RR_DMARC, "\"v=DMARC1; p=none; rua=mailto:d@x.example\"" },
		{ RR_MTA_STS, "\"v=STSv1; id=1\"" }, { RR_KEY, "\"v=DKIM1; p=QUJD\"" } };
	struct rr want = { .owner = (char *)"x.example", .type = DNS_TXT, .role = wants[n % 4].role, .data = (char *)wants[n % 4].data };
	const struct rr *one = &want;
	size_t half = n / 2, i;
	struct verify_item item[2] = { { DNS_TXT, { (const char *)p, half } }, { DNS_TXT, { (const char *)p + half, n - half } } };
	struct verify_seen seen = { .how = SEEN_RECORDS, .n = 2, .item = item, .why = "" };
	struct verify_judged j[3] = { 0 };
	struct buf text = { 0 };

	verify_judge(&one, 1, &seen, j, j + 1);
	assert(j[0].verdict == VERDICT_OK || j[0].verdict == VERDICT_MISSING || j[0].verdict == VERDICT_WRONG);
	assert((j[0].verdict == VERDICT_MISSING) == (j[0].at < 0));
	assert(j[0].verdict != VERDICT_OK || verify_text_same(want.role, item[j[0].at].text, item[j[0].at].text));
	verify_item_text(&item[0], &text);
	assert(text.len <= 4 * half + 3 * (half / 255) + 2);
	for (i = 0; i < text.len; i++)
		assert(text.p[i] >= ' ' && text.p[i] <= '~');
	buf_free(&text);
	for (i = 0; i < 3; i++)
		buf_free(&j[i].why);
	return 0;
}
