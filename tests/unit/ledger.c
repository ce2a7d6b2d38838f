/* The ledger gives back what was put, for the same configuration only, and drops what is damaged or passing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "ledger.h"

#define CHECK(x) do { if (!(x)) { printf("%d: %s (%s)\n", __LINE__, #x, st_text()); failed = 1; } } while (0)
static int failed;

static const uint8_t one[LEDGER_CONF_BYTES] = { 1 }, two[LEDGER_CONF_BYTES] = { 2 };

static void run(const char *home)
{
	struct finding clean = { .verdict = VERDICT_CLEAN }, got;
	struct finding bad = { .verdict = VERDICT_INFECTED, .name = "Some.Name" };
	struct finding no = { .verdict = VERDICT_UNSCANNED, .reason = finding_reason("encrypted"), .name = "ZIP" };
	struct finding late = { .verdict = VERDICT_UNSCANNED, .reason = finding_reason("timeout") };
	uint8_t d[4][DIGEST_BYTES] = { { 1 }, { 2 }, { 3 }, { 4 } };
	struct ledger *l = NULL;

	CHECK(ledger_open(home, one, &l) == ST_OK);
	CHECK(ledger_get(l, d[0], LOOK_PART, &got) == ST_NOTFOUND);
	CHECK(ledger_put(l, d[0], LOOK_PART, &clean) == ST_OK);
	CHECK(ledger_get(l, d[0], LOOK_PART, &got) == ST_OK && got.verdict == VERDICT_CLEAN);
	CHECK(ledger_get(l, d[0], LOOK_PLAIN, &got) == ST_NOTFOUND);
	CHECK(ledger_put(l, d[1], LOOK_PLAIN, &bad) == ST_OK);
	CHECK(ledger_put(l, d[2], LOOK_PART, &no) == ST_OK);
	CHECK(ledger_put(l, d[3], LOOK_PART, &late) == ST_OK);
	CHECK(ledger_get(l, d[3], LOOK_PART, &got) == ST_NOTFOUND);
	for (int i = 0; i < 3 * LEDGER_BATCH; i++) {
		uint8_t x[DIGEST_BYTES] = { 9, (uint8_t)i, (uint8_t)(i >> 8) };
		CHECK(ledger_put(l, x, LOOK_PART, &clean) == ST_OK);
	}
	CHECK(ledger_close(&l) == ST_OK);
	CHECK(ledger_open(home, one, &l) == ST_OK);
	CHECK(ledger_get(l, d[1], LOOK_PLAIN, &got) == ST_OK && got.verdict == VERDICT_INFECTED
		&& !strcmp(got.name, "Some.Name") && !got.reason);
	CHECK(ledger_get(l, d[2], LOOK_PART, &got) == ST_OK && got.verdict == VERDICT_UNSCANNED
		&& !strcmp(got.reason, "encrypted") && !strcmp(got.name, "ZIP"));
	CHECK(ledger_close(&l) == ST_OK);
	CHECK(ledger_open(home, two, &l) == ST_OK);
	CHECK(ledger_get(l, d[1], LOOK_PLAIN, &got) == ST_NOTFOUND);
	CHECK(ledger_put(l, d[1], LOOK_PLAIN, &clean) == ST_OK);
	CHECK(ledger_close(&l) == ST_OK);
	CHECK(ledger_open(home, one, &l) == ST_OK);
	CHECK(ledger_get(l, d[1], LOOK_PLAIN, &got) == ST_NOTFOUND);
	CHECK(ledger_close(&l) == ST_OK);
}

int main(void)
{
	char home[] = "/tmp/weir-ledger.XXXXXX";

	if (!mkdtemp(home))
		return 1;
	run(home);
	file_rmtree(AT_FDCWD, home);
	if (!failed)
		printf("ok\n");
	return failed;
}
