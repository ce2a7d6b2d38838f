/* A domain's verification over time. */
#include <stdlib.h>
#include <unistd.h>
#include "check.h"
#include "verify_state.h"

#define T0 1795392000	/* 2026-11-23 */
#define H 3600

static void is(int line, struct verify_state *s, enum vseen seen, int64_t at, enum vstate state, enum vnews news)
{
	enum vnews got = verify_state_next(s, seen, at);

	if (s->state != state || got != news) {
		fprintf(stderr, "line %d: %s, news \"%s\"\n", line, vstate_name(s->state), vnews_name(got));
		check_failures++;
	}
}
#define IS(seen, at, state, news) is(__LINE__, &s, VSEEN_##seen, at, VSTATE_##state, VNEWS_##news)

static void to_success(void)
{
	struct verify_state s = { 0 };

	IS(BROKEN, T0, PENDING, STATE);
	IS(UNKNOWN, T0 + H, PENDING, NONE);
	IS(BROKEN, T0 + 72 * H - 1, PENDING, NONE);
	IS(WELL, T0 + 72 * H - 1, SUCCESS, STATE);
	CHECK(s.verified == T0 + 72 * H - 1 && s.since == s.verified);
	IS(WELL, T0 + 80 * H, SUCCESS, NONE);
	CHECK(s.since == T0 + 72 * H - 1 && s.verified == T0 + 80 * H);
}

static void never_published(void)
{
	struct verify_state s = { 0 };

	IS(BROKEN, T0, PENDING, STATE);
	IS(UNKNOWN, T0 + 100 * H, PENDING, NONE);	/* DNS being down proves nothing */
	IS(BROKEN, T0 + 100 * H, FAILED, STATE);
	IS(UNKNOWN, T0 + 101 * H, FAILED, NONE);
	IS(WELL, T0 + 200 * H, SUCCESS, STATE);
}

static void dns_down(void)
{
	struct verify_state s = { 0 };
	int i;

	IS(WELL, T0, SUCCESS, STATE);
	IS(UNKNOWN, T0 + H, TEMPORARY_FAILURE, STATE);
	for (i = 2; i < 24 * 30; i++)
		IS(UNKNOWN, T0 + i * H, TEMPORARY_FAILURE, NONE);
	CHECK(s.warned == 0 && s.verified == T0);
	IS(WELL, T0 + 24 * 30 * H, SUCCESS, STATE);
}

static void warned_before_failed(void)
{
	struct verify_state s = { 0 };

	IS(WELL, T0, SUCCESS, STATE);
	IS(BROKEN, T0 + H, SUCCESS, WARNING);
	IS(BROKEN, T0 + 73 * H - 1, SUCCESS, NONE);
	IS(BROKEN, T0 + 73 * H, FAILED, STATE);
}

static void mended_in_time(void)
{
	struct verify_state s = { 0 };

	IS(WELL, T0, SUCCESS, STATE);
	IS(BROKEN, T0 + H, SUCCESS, WARNING);
	IS(WELL, T0 + 2 * H, SUCCESS, MENDED);
	IS(BROKEN, T0 + 100 * H, SUCCESS, WARNING);	/* the time begins anew */
	IS(BROKEN, T0 + 101 * H, SUCCESS, NONE);
	IS(UNKNOWN, T0 + 102 * H, TEMPORARY_FAILURE, STATE);
	IS(BROKEN, T0 + 103 * H, TEMPORARY_FAILURE, NONE);
	IS(BROKEN, T0 + 172 * H, FAILED, STATE);
}

/* A clock that jumps back may not shorten anything. */
static void clock_back(void)
{
	struct verify_state s = { 0 };

	IS(WELL, T0, SUCCESS, STATE);
	IS(BROKEN, T0 - 1000 * H, SUCCESS, WARNING);
	CHECK(s.warned == T0 && s.checked == T0);
	IS(BROKEN, T0 + H, SUCCESS, NONE);
}

/* ---- rows against the last look ---- */

static struct verify_row rows[3] = {
	{ .verdict = VERDICT_OK, .owner = "x.example", .type = DNS_TXT, .expected = "\"v=spf1 -all\"", .why = "", .note = "" },
	{ .verdict = VERDICT_OK, .owner = "x.example", .type = DNS_MX, .expected = "10 a.example.", .why = "", .note = "" },
	{ .verdict = VERDICT_OK, .owner = "_dmarc.x.example", .type = DNS_TXT, .expected = "\"v=DMARC1; p=none\"", .why = "", .note = "" },
};

static void changes(struct store *st)
{
	struct verify v = { .n_row = 2, .row = rows };
	struct verify_state s = { 0 }, again = { 0 };

	CHECK(verify_change(&s, &rows[0]) == VCHANGE_NONE);
	s.state = VSTATE_SUCCESS;
	s.since = s.first = s.checked = s.verified = T0;
	CHECK(verify_remember(&s, &v) == ST_OK && s.n == 2);
	CHECK(!verify_changed(&s, &v));
	rows[0].verdict = VERDICT_MISSING;
	CHECK(verify_change(&s, &rows[0]) == VCHANGE_VANISHED && verify_changed(&s, &v));
	rows[0].verdict = VERDICT_WRONG;
	CHECK(verify_change(&s, &rows[0]) == VCHANGE_DRIFTED);
	v.n_row = 3;
	rows[2].verdict = VERDICT_MISSING;
	CHECK(verify_change(&s, &rows[2]) == VCHANGE_NEW);
	/* Kept and read again; what could not be looked up keeps what was known. */
	rows[1].verdict = VERDICT_TEMPERROR;
	CHECK(verify_remember(&s, &v) == ST_OK && s.n == 3);
	CHECK(store_begin(st) == ST_OK);
	CHECK(verify_state_set(st, "x.example", &s) == ST_OK && store_commit(st) == ST_OK);
	CHECK(store_begin(st) == ST_OK && verify_state_get(st, "x.example", &again) == ST_OK);
	CHECK(again.state == VSTATE_SUCCESS && again.verified == T0 && again.n == 3);
	CHECK(again.memory[0].verdict == VERDICT_WRONG && again.memory[1].verdict == VERDICT_OK);
	rows[0].verdict = VERDICT_OK;
	CHECK(verify_change(&again, &rows[0]) == VCHANGE_BACK);
	store_abort(st);
	verify_state_free(&s);
	verify_state_free(&again);
}

static enum status may(struct store *st, const char *domain, int64_t now)
{
	enum status rc = store_begin(st);

	if (rc == ST_OK)
		rc = verify_may_send(st, domain, now);
	store_abort(st);
	return rc;
}

static void put(struct store *st, const char *key, const char *json)
{
	CHECK(store_begin(st) == ST_OK && store_set(st, key, json, json ? strlen(json) : 0) == ST_OK && store_commit(st) == ST_OK);
}

static void sending(struct store *st)
{
	CHECK(may(st, "x.example", T0) == ST_BAD && strstr(st_text(), "no domain"));	/* though its state is success */
	put(st, "domain/x.example", "{}");
	CHECK(may(st, "x.example", T0) == ST_OK);
	CHECK(may(st, "x.example", T0 + VERIFY_TRUST_S) == ST_OK);
	CHECK(may(st, "x.example", T0 + VERIFY_TRUST_S + 1) == ST_AGAIN);
	put(st, "verify/x.example", "{\"state\":\"temporary_failure\",\"since\":5,\"verified\":1795392000}");
	CHECK(may(st, "x.example", T0 + H) == ST_OK);
	CHECK(may(st, "x.example", T0 + 73 * H) == ST_AGAIN);
	put(st, "verify/x.example", "{\"state\":\"failed\",\"since\":5,\"verified\":1795392000}");
	CHECK(may(st, "x.example", T0) == ST_BAD && strstr(st_text(), "failed"));
	put(st, "verify/x.example", "{\"state\":\"pending\",\"since\":5}");
	CHECK(may(st, "x.example", T0) == ST_BAD);
	put(st, "verify/x.example", "{\"state\":\"fine\"}");
	CHECK(may(st, "x.example", T0) == ST_BAD && strstr(st_text(), "no sense"));
	CHECK(store_begin(st) == ST_OK && verify_forget(st, "x.example") == ST_OK && store_commit(st) == ST_OK);
	CHECK(may(st, "x.example", T0) == ST_BAD && strstr(st_text(), "not_started"));
	CHECK(store_begin(st) == ST_OK && verify_forget(st, "x.example") == ST_OK && store_commit(st) == ST_OK);
}

int main(void)
{
	char dir[] = "/tmp/weir-unit.XXXXXX", *home = mkdtemp(dir);
	char remove[64];
	struct store *st = NULL;

	to_success();
	never_published();
	dns_down();
	warned_before_failed();
	mended_in_time();
	clock_back();
	CHECK(home && store_create(home, "acme") == ST_OK && store_open(home, "acme", STORE_WRITE, &st) == ST_OK);
	if (st) {
		changes(st);
		sending(st);
	}
	store_close(&st);
	snprintf(remove, sizeof remove, "rm -rf '%s'", dir);
	if (system(remove) != 0)
		check_failures++;
	return CHECK_DONE();
}
