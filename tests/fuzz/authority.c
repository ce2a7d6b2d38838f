/* Replies of name servers: whatever comes back says one thing, and every pointer of it stays within its text. */
#include "authority.h"
#include "common.h"
#include "dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum authority_result r = AUTHORITY_PENDING;
	struct authority_rr *rr = NULL;
	struct buf text = { 0 };
	size_t i, count = 0;
	int rcode = -1;

	if (authority_parse(p, n, 0x1234, "x.example", DNS_TXT, &r, &rcode, &rr, &count, &text) == ST_OK) {
		assert(r >= AUTHORITY_ANSWER && r <= AUTHORITY_SERVFAIL && rcode >= 0 && rcode <= 15);
		assert(count <= AUTHORITY_MAX_RR);
		for (i = 0; i < count; i++) {
			struct buf b = { 0 };
			uint16_t preference;

			assert(rr[i].rdata.p >= text.p && rr[i].rdata.p + rr[i].rdata.len <= text.p + text.len);
			assert(strlen(rr[i].owner) < 1024);
			dns_txt(rr[i].rdata, &b);
			dns_name(rr[i].rdata, 0, &b);
			dns_mx(rr[i].rdata, &preference);
			buf_free(&b);
		}
	}
	free(rr);
	buf_free(&text);
	return 0;
}
