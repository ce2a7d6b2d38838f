/* A message: judged and its seals, too; and what can be signed passes afterwards. The key is anybody's. */
#include <sys/mman.h>
#include <unistd.h>
#include "arc.h"
#include "common.h"

#define KEY "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFjT5nepXO12ak7SxiNVhM/+y/XH7Y+c9reHk9C+6vFe\n-----END PRIVATE KEY-----\n"
#define ZONE "s._domainkey.acme.example TXT \"k=ed25519; p=XW1SwqFl+5dMMV1z9kJggpVbPF5KplPtTVQ1j7zVi2U=\"\n"

static struct dkim *d;
static struct dns *dns;
static struct dkim_signer *signer;

static void start(void)
{
	int fd = memfd_create("zone", 0);
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, ZONE, strlen(ZONE)) < 0 || dns_open(&(struct dns_opts){ .file = path }, &dns) != ST_OK || dkim_new(&d) != ST_OK ||
			dkim_signer_new(KEY, strlen(KEY), "acme.example", "s", &signer) != ST_OK)
		abort();
}

static enum dkim_result judge(const char *p, size_t n)
{
	struct dkim_check *c;
	struct arc_check *a;

	if (dkim_begin(d, p, n, 1800000000, &c) != ST_OK || arc_begin(d, p, n, 1800000000, &a) != ST_OK)
		abort();
	while (!dkim_step(c, dns) || !arc_step(a, dns))
		dns_wait(dns, -1);
	enum dkim_result first = c->n ? c->sig[0].result : DKIM_NONE;
	for (size_t i = 0; i < c->n; i++) {
		assert(c->sig[i].result != DKIM_NONE && (c->sig[i].result == DKIM_PASS) == !c->sig[i].reason[0]);
		for (const char *s = c->sig[i].reason; *s; s++)
			assert(*s >= ' ' && *s < 127);
	}
	dkim_check_free(&c);
	arc_check_free(&a);
	dns_sweep(dns);
	return first;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf out = { 0 };

	if (!d)
		start();
	judge((const char *)p, n);
	if (dkim_sign(d, (const char *)p, n, &signer, 1, &(struct dkim_sign_opts){ .now = 1800000000 }, &out) == ST_OK) {
		buf_add(&out, p, n);
		assert(judge(out.p, out.len) == DKIM_PASS);
	}
	buf_free(&out);
	return 0;
}
