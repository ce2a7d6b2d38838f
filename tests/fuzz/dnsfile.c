/* The file of DNS records: whatever it says, what is read from it can be written and read again. */
#include "common.h"
#include "dns.h"
#include <stdio.h>
#include <unistd.h>

static char path[64];

static struct dns *open_bytes(const void *p, size_t n)
{
	struct dns *d = NULL;
	FILE *f;

	if (!path[0])
		snprintf(path, sizeof path, "/tmp/weir-fuzz-dns.%d", (int)getpid());
	f = fopen(path, "w");
	assert(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
	if (dns_open(&(struct dns_opts){ .file = path }, &d) != ST_OK)
		d = NULL;
	unlink(path);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint16_t types[] = { DNS_A, DNS_TXT, DNS_MX, DNS_CNAME, DNS_PTR, DNS_AAAA };
	struct dns *d = open_bytes(p, n), *again;
	const struct dns_answer *a, *b;
	struct buf lines;

	for (size_t i = 0; d && i < 12; i++) {
		const char *name = i < 6 ? "a" : "b.a";

		lines = (struct buf){ 0 };
		dns_ask(d, name, types[i % 6], NULL);
		dns_wait(d, -1);
		dns_ask(d, name, types[i % 6], &a);
		dns_write(&lines, name, types[i % 6], a);
		again = open_bytes(lines.p, lines.len);
		assert(again && !lines.failed && dns_ask(again, name, types[i % 6], NULL) == DNS_PENDING && dns_wait(again, -1) == ST_OK);
		assert(dns_ask(again, name, types[i % 6], &b) == a->result && a->n == b->n && a->secure == b->secure);
		dns_close(&again);
		buf_free(&lines);
	}
	dns_close(&d);
	return 0;
}
