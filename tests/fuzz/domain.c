/*
 * A domain's settings and the table of providers, as people write them: whatever is accepted can be printed into a zone, a line a
 * record, and is the same when it is read again.
 */
#include "common.h"
#include "domain.h"
#include "records.h"
#include "zone.h"

static void check_zone(const struct domain *d, const struct providers *p)
{
	struct records r = { 0 };
	struct buf text = { 0 };
	size_t lines = 0;

	if (domain_check(d, p, NULL) != ST_OK || d->mode == DOMAIN_PLAIN)
		return;
	assert((d->mode == DOMAIN_DELEGATED ? zone_records(d, p, &r) : domain_records(d, p, &r)) == ST_OK);
	records_print(&r, FORMAT_BIND, d->name, NULL, &text);
	for (size_t i = 0; i < text.len; i++) {
		lines += text.p[i] == '\n';
		assert(text.p[i] == '\n' || (text.p[i] >= ' ' && text.p[i] <= '~'));
	}
	assert(lines == 2 * r.n);	/* a comment and a record each */
	buf_free(&text);
	records_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char own[] = "{\"own\":{\"platform\":\"p.example\",\"inbound\":\"m.p.example\",\"feedback\":\"f.p.example\","
		"\"spf\":\"include:s.p.example\",\"ns\":[{\"name\":\"ns.p.example\"}]}}";
	static struct providers *table;
	struct providers *said = NULL;
	static struct domain d, again;
	struct buf json = { 0 };

	if (!table)
		assert(providers_read(own, sizeof(own) - 1, &table) == ST_OK);
	if (domain_read("a.example", (const char *)p, n, &d) == ST_OK) {
		domain_write(&d, &json);
		assert(domain_read("a.example", json.p, json.len, &again) == ST_OK);
		assert(memcmp(&d, &again, sizeof(d)) == 0);
		check_zone(&d, table);
	}
	if (providers_read((const char *)p, n, &said) == ST_OK && d.mode != DOMAIN_PLAIN)
		check_zone(&d, said);
	providers_close(&said);
	buf_free(&json);
	return 0;
}
