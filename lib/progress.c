/*
 * progress.c - what people see of a run. See progress.h.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "progress.h"

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p)
{
	memset(p, 0, sizeof *p);
	p->start_ms = p->shown_ms = clock_ms();
}

/* The word is ours (weir-record(5)), so it is short; a longer one is cut. The last place is for all others. */
static void count_reason(struct progress *p, struct span word)
{
	struct buf b = { 0 };
	size_t i;

	json_text(word, &b);
	for (i = 0; i < p->reasons; i++)
		if (!strncmp(p->reason[i].word, buf_cstr(&b), sizeof p->reason[i].word - 1))
			break;
	if (i == PROGRESS_REASONS)
		i--;
	if (i == p->reasons) {
		snprintf(p->reason[i].word, sizeof p->reason[i].word, "%s",
			i == PROGRESS_REASONS - 1 ? "other" : buf_cstr(&b));
		p->reasons++;
	}
	p->reason[i].n++;
	buf_free(&b);
}

void progress_record(struct progress *p, const struct rec *rec)
{
	struct span hold = rec_get(rec, "hold");
	int64_t n = 1;

	/* A message for several tenants is several records, and one message. */
	json_get_int(rec_get(rec, "fanout.n"), &n);
	p->messages += n == 1;
	p->fresh += json_true(rec_get(rec, "stored.new"));
	p->infected += n == 1 && json_is(rec_get(rec, "scan.verdict"), "infected");
	if (hold.p) {
		p->held++;
		count_reason(p, json_get(hold, "reason"));
	}
}

bool progress_due(struct progress *p)
{
	int64_t now = clock_ms();

	if (now - p->shown_ms < PROGRESS_EVERY_MS)
		return false;
	p->shown_ms = now;
	return true;
}

static uint64_t rate(uint64_t n, int64_t ms)
{
	return n * 1000 / (uint64_t)(ms > 0 ? ms : 1);
}

void progress_live(const struct progress *p, struct buf *out)
{
	uint64_t per_s = rate(p->messages, p->shown_ms - p->start_ms);

	buf_fmt(out, "%llu", (unsigned long long)p->messages);
	if (p->total >= p->messages && p->total)
		buf_fmt(out, " of %llu (%llu %%)", (unsigned long long)p->total,
			(unsigned long long)(p->messages * 100 / p->total));
	buf_fmt(out, ", %llu/s, %llu infected, %llu held", (unsigned long long)per_s,
		(unsigned long long)p->infected, (unsigned long long)p->held);
	if (p->total > p->messages && per_s)
		buf_fmt(out, ", %llu s left", (unsigned long long)((p->total - p->messages) / per_s + 1));
}

void progress_summary(const struct progress *p, const struct spool_counts *n, struct buf *out)
{
	int64_t ms = clock_ms() - p->start_ms;

	buf_fmt(out, "%llu message%s in %.1f s (%llu/s): %llu stored (%llu new), %llu infected and cut, %llu held",
		(unsigned long long)p->messages, p->messages == 1 ? "" : "s", (double)ms / 1000, (unsigned long long)rate(p->messages, ms),
		(unsigned long long)n->done, (unsigned long long)p->fresh, (unsigned long long)p->infected,
		(unsigned long long)n->held);
	for (size_t i = 0; i < p->reasons; i++)
		buf_fmt(out, "%s%llu %s", i ? ", " : " (", (unsigned long long)p->reason[i].n, p->reason[i].word);
	buf_fmt(out, "%s, %llu in quarantine", p->reasons ? ")" : "", (unsigned long long)n->quarantined);
	if (n->released)
		buf_fmt(out, ", %llu back in the spool", (unsigned long long)n->released);
}
