/* RDATA from strangers: names, strings, exchanges. */
#include "common.h"
#include "dns.h"
#include "dns_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = { (const char *)p, n };
	uint8_t wire[DNS_MAX_WIRE], back[DNS_MAX_WIRE];
	struct buf b = { 0 }, line = { 0 };
	char *name = strndup((const char *)p, n);
	uint16_t preference;
	size_t len;

	dns_txt(s, &b);
	assert(b.len <= n);
	dns_mx(s, &preference);
	for (size_t at = 0; at <= n && at < 4; at++) {
		buf_clear(&b);
		if (dns_name(s, at, &b))	/* what it writes is the same name again */
			assert(dns_wire_of(buf_cstr(&b), true, wire) == dns_wire_len(p + at));
	}
	for (int escapes = 0; escapes < 2; escapes++) {
		len = dns_wire_of(name, escapes, wire);
		buf_clear(&b);
		if (len) {
			assert(dns_wire_check(wire, len) == len);
			dns_text_of(wire, &b);
			assert(dns_wire_of(buf_cstr(&b), true, back) == len && !memcmp(wire, back, len));
		}
	}
	dns_write(&line, "x", DNS_TXT, &(struct dns_answer){ .result = DNS_FOUND, .canonical = "x", .why = "", .n = 1, .rdata = &s });
	assert(line.len > 0);
	buf_free(&b);
	buf_free(&line);
	free(name);
	return 0;
}
