/* Dates as people type them. */
#include <stdio.h>

#include "when.h"

#define NOW 1795392000	/* 2026-11-23T00:00:00Z */
static int failed;

static void is(const char *text, int64_t want)
{
	int64_t got = -1;
	enum status st = when_parse(text, NOW, &got);

	if (st == (want == -1 ? ST_BAD : ST_OK) && got == want)
		return;
	printf("%s: %lld, not %lld\n", text, (long long)got, (long long)want);
	failed = 1;
}

int main(void)
{
	is("2026-11-23", NOW);
	is("2026-11-23T01:00:00Z", NOW + 3600);
	is("2026-11-23T01:00:00+01:00", NOW);
	is("2026-11-22t23:30:00-00:30", NOW);
	is("7d", NOW - 7 * 86400);
	is("2w", NOW - 14 * 86400);
	is("12h", NOW - 12 * 3600);
	is("30min", NOW - 1800);
	is("1y", NOW - 365 * 86400);
	is("0d", NOW);
	is("1970-01-01", 1);	/* 0 is "open" */
	is("999999999y", NOW - 999999999ll * 365 * 86400);
	is("1000000000d", -1);
	is("", -1);
	is("7", -1);
	is("7 d", -1);
	is("-7d", -1);
	is("7dd", -1);
	is("2026-13-01", -1);
	is("2026-02-30", -1);
	is("2026-11", -1);
	is("2026-11-23 01:00", -1);
	is("2026-11-23Tnoon", -1);
	is("Mon, 23 Nov 2026 00:00:00 +0000", -1);
	if (!failed)
		puts("ok");
	return failed;
}
