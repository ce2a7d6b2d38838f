/* A message through all checks, with DNS that knows little: an end, valid JSON, a header field of one line each. */
#include "common.h"
#include "authcheck.h"
#include <stdio.h>
#include <unistd.h>

static struct dns *zone(void)
{
	struct dns *d = NULL;
	FILE *f = fopen("/tmp/weir-fuzz-auth.zone", "w");

	assert(f && fputs("x TXT \"v=spf1 a -all\"\nx A 192.0.2.1\n_dmarc.x TXT \"v=DMARC1; p=reject\"\n"
		"s._domainkey.x TXT \"v=DKIM1; p=\"\nt._domainkey.x SERVFAIL\n", f) >= 0 && fclose(f) == 0);
	assert(dns_open(&(struct dns_opts){ .file = "/tmp/weir-fuzz-auth.zone" }, &d) == ST_OK);
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct dns *d;
	static struct dkim *dkim;
	struct authcheck *c = NULL;
	struct auth_facts facts = { .ip_known = true, .from_known = true };
	struct buf json = { 0 }, head = { 0 }, helo = { 0 };

	if (!d)
		d = zone();
	assert(dkim || dkim_new(&dkim) == ST_OK);
	ses_received((const char *)p, n, &helo, &facts.ip);
	buf_str(&facts.from, "a@x");
	buf_str(&facts.helo, buf_cstr(&helo));
	assert(authcheck_begin(&(struct authcheck_opts){ .dkim = dkim, .authserv_id = "mx", .now = 1795535073, .arc = true }, (const char *)p, n, &facts, &c) == ST_OK);
	while (!authcheck_step(c, d))
		dns_wait(d, -1);
	json_open(&json, NULL, '{');
	authcheck_json(&(struct authcheck_said){ .check = c }, &json);
	json_close(&json, '}');
	assert(json_valid(json.p, json.len) == ST_OK);
	authcheck_header(c, "mx", &head);
	for (size_t i = 0; i + 1 < head.len; i++)
		assert(head.p[i] >= ' ' ? head.p[i] < 0x7f : head.p[i] == '\t' || (head.p[i] == '\n' && head.p[i + 1] == '\t'));
	authcheck_free(&c);
	buf_free(&json);
	buf_free(&head);
	buf_free(&helo);
	dns_sweep(d);
	return 0;
}
