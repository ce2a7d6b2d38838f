/* reports: whose a domain is, and what readers make of reports and receipts in any order. */
#include <fcntl.h>
#include <stdlib.h>

#include "check.h"
#include "file.h"
#include "home.h"
#include "reports.h"

static char home[] = "/tmp/reports.XXXXXX";

static void the_closest_owner_above_counts(void)
{
	struct routes *r = NULL;
	char tenant[TENANT_MAX_BYTES + 1];

	CHECK(routes_open(home, 1, &r) == ST_OK);
	CHECK(routes_set(r, "acme.example", "acme") == ST_OK && routes_set(r, "shop.acme.example", "shop") == ST_OK);
	CHECK(report_owner(r, "acme.example", tenant) == ST_OK && !strcmp(tenant, "acme"));
	CHECK(report_owner(r, "a.b.acme.example", tenant) == ST_OK && !strcmp(tenant, "acme"));
	CHECK(report_owner(r, "shop.acme.example", tenant) == ST_OK && !strcmp(tenant, "shop"));
	CHECK(report_owner(r, "x.shop.acme.example", tenant) == ST_OK && !strcmp(tenant, "shop"));
	CHECK(report_owner(r, "workshop.acme.example", tenant) == ST_OK && !strcmp(tenant, "acme"));
	CHECK(report_owner(r, "example", tenant) == ST_NOTFOUND && report_owner(r, "notacme.example", tenant) == ST_NOTFOUND);
	CHECK(report_owner(r, "", tenant) == ST_NOTFOUND && report_owner(r, ".acme.example.", tenant) == ST_NOTFOUND);
	routes_close(&r);
}

/* Three that claim to be the same report, and one other. */
static struct { const char *json; struct { const char *message, *auth; } came[3]; } set[] = {
	{ "{\"weir\":1,\"type\":\"dmarc-report\",\"time\":\"2026-11-17T00:00:00Z\",\"key\":\"00000000000000000000000000000001\",\"messages\":1}",
	  { { "m1", NULL }, { "m2", "{\"dmarc\":{\"result\":\"pass\"}}" } } },
	{ "{\"weir\":1,\"type\":\"dmarc-report\",\"time\":\"2026-11-17T00:00:00Z\",\"key\":\"00000000000000000000000000000001\",\"messages\":2}",
	  { { "m3", "{\"dmarc\":{\"result\":\"fail\"}}" } } },
	{ "{\"weir\":1,\"type\":\"dmarc-report\",\"time\":\"2026-11-17T00:00:00Z\",\"key\":\"00000000000000000000000000000001\",\"messages\":3}",
	  { { "m4", "{\"dmarc\":{\"result\":\"temperror\"}}" } } },
	{ "{\"weir\":1,\"type\":\"tls-report\",\"time\":\"2026-11-18T00:00:00Z\",\"key\":\"00000000000000000000000000000002\"}",
	  { { "m4", "{\"dmarc\":{\"result\":\"pass\"}}" } } },
};
#define SET (sizeof set / sizeof *set)

static void put(struct store *s, size_t i)
{
	struct span e = { set[i].json, strlen(set[i].json) };
	bool is_new;

	for (int k = 0; k < 3 && set[i].came[k].message; k++) {
		const char *auth = set[i].came[k].auth;
		struct report_came came = { .message = set[i].came[k].message, .auth = { auth, auth ? strlen(auth) : 0 } };

		CHECK(report_put(s, e, &came, &is_new) == ST_OK && is_new == (k == 0));
		CHECK(report_put(s, e, &came, &is_new) == ST_OK && !is_new);
	}
}

static int seen;
static enum status check_seen(void *arg, const struct report_seen *r)
{
	int64_t n;

	seen++;
	CHECK(r->report && r->proof == PROOF_PASS && r->receipt.p);
	if (report_is(r->json, REPORT_DMARC))
		CHECK(json_get_int(json_get(r->json, "messages"), &n) && n == 1 && r->receipts == 2 && r->conflict
			&& json_is(json_get(r->receipt, "message"), "m2"));
	else
		CHECK(r->receipts == 1 && !r->conflict && seen == 2);
	return ST_OK;
}

static void the_better_proven_one_counts_in_whatever_order_they_come(void)
{
	static const int orders[][SET] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 } };
	char name[8], digest[3][DIGEST_HEX + 1];
	struct store *s = NULL;

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "t%d", i);
		CHECK(store_create(home, name) == ST_OK && store_open(home, name, STORE_WRITE, &s) == ST_OK);
		for (size_t k = 0; k < SET; k++) {
			CHECK(store_begin(s) == ST_OK);
			put(s, (size_t)orders[i][k]);
			CHECK(store_commit(s) == ST_OK);
		}
		store_close(&s);
		CHECK(store_open(home, name, STORE_READ, &s) == ST_OK && store_begin(s) == ST_OK);
		seen = 0;
		CHECK(reports_each(s, 0, 0, check_seen, NULL) == ST_OK && seen == 2);
		CHECK(store_digest(s, digest[i]) == ST_OK);
		CHECK_STR(digest[i], digest[0]);
		store_abort(s);
		store_close(&s);
	}
}

static void proof_is_never_more_than_was_found(void)
{
	static const struct { const char *auth; enum report_proof proof; } table[] = {
		{ NULL, PROOF_UNCHECKED }, { "{}", PROOF_UNCHECKED }, { "{\"dmarc\":{}}", PROOF_UNCHECKED }, { "{\"dmarc\":\"pass\"}", PROOF_UNCHECKED },
		{ "{\"dkim\":{\"result\":\"pass\"},\"spf\":{\"result\":\"pass\"}}", PROOF_UNCHECKED }, { "{\"dmarc\":{\"result\":\"none\"}}", PROOF_UNCHECKED },
		{ "{\"dmarc\":{\"result\":\"permerror\"}}", PROOF_UNCHECKED }, { "{\"dmarc\":{\"result\":\"Pass\"}}", PROOF_UNCHECKED },
		{ "{\"dmarc\":{\"result\":\"fail\"}}", PROOF_FAIL }, { "{\"dmarc\":{\"result\":\"pass\"}}", PROOF_PASS },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		CHECK(report_proof_of((struct span){ table[i].auth, table[i].auth ? strlen(table[i].auth) : 0 }) == table[i].proof);
}

int main(void)
{
	CHECK(mkdtemp(home) != NULL);
	the_closest_owner_above_counts();
	the_better_proven_one_counts_in_whatever_order_they_come();
	proof_is_never_more_than_was_found();
	file_rmtree(AT_FDCWD, home);
	return CHECK_DONE();
}
