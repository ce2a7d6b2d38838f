/* progress.c: what is counted, and how it is said. */
#include <stdio.h>
#include <string.h>
#include "progress.h"

#define CHECK(x) do { if (!(x)) { printf("line %d: %s\n", __LINE__, #x); return 1; } } while (0)

static void feed(struct progress *p, const char *line)
{
	struct rec rec;

	if (rec_parse(&rec, line, strlen(line)) == ST_OK)
		progress_record(p, &rec);
}

int main(void)
{
	struct progress p;
	struct spool_counts n = { .done = 3, .held = 2, .quarantined = 1 };
	struct buf b = { 0 };
	char line[200];

	progress_begin(&p);
	feed(&p, "{\"weir\":1,\"scan\":{\"verdict\":\"infected\"},\"stored\":{\"new\":true}}");
	feed(&p, "{\"weir\":1,\"fanout\":{\"n\":1,\"of\":2},\"stored\":{\"new\":true}}");
	feed(&p, "{\"weir\":1,\"fanout\":{\"n\":2,\"of\":2},\"stored\":{\"new\":false}}");
	feed(&p, "{\"weir\":1,\"hold\":{\"by\":\"x\",\"reason\":\"unroutable\"}}");
	feed(&p, "{\"weir\":1,\"hold\":{\"by\":\"x\",\"reason\":\"encrypted\"}}");
	feed(&p, "{\"weir\":1,\"quarantine\":{\"by\":\"x\",\"reason\":\"unparseable\"}}");
	CHECK(p.messages == 5);		/* the message for two tenants is one */
	CHECK(p.fresh == 2 && p.infected == 1 && p.held == 2);
	progress_summary(&p, &n, &b);
	CHECK(strncmp(buf_cstr(&b), "5 messages in ", 14) == 0);
	CHECK(strstr(buf_cstr(&b), ": 3 stored (2 new), 1 infected and cut, 2 held (1 unroutable, 1 encrypted), 1 in quarantine"));

	p.total = 10;
	p.shown_ms = p.start_ms + 1000;
	buf_clear(&b);
	progress_live(&p, &b);
	CHECK(strcmp(buf_cstr(&b), "5 of 10 (50 %), 5/s, 1 infected, 2 held, 2 s left") == 0);

	/* More reasons than are told apart end in "other"; none is lost. */
	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof line, "{\"weir\":1,\"hold\":{\"by\":\"x\",\"reason\":\"r%d\"}}", i);
		feed(&p, line);
	}
	CHECK(p.reasons == PROGRESS_REASONS && !strcmp(p.reason[PROGRESS_REASONS - 1].word, "other"));
	CHECK(p.held == 22);
	buf_free(&b);
	puts("ok");
	return 0;
}
