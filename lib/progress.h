/*
 * progress.h - what people see of a run: how far it is, and one line at its end.
 *
 * Counts what the records at the end of the pipeline say and puts it into words;
 * printing is the program's. Zeroed: nothing counted yet.
 */
#ifndef WEIR_PROGRESS_H
#define WEIR_PROGRESS_H

#include "record.h"
#include "spool.h"

#define PROGRESS_REASONS 8	/* kinds of holds that are told apart */
#define PROGRESS_EVERY_MS 200

struct progress {
	int64_t start_ms, shown_ms;
	uint64_t total;		/* messages that there are, 0: not known */
	uint64_t messages, fresh, infected, held;
	struct { char word[24]; uint64_t n; } reason[PROGRESS_REASONS];
	size_t reasons;
};

void progress_begin(struct progress *p);
void progress_record(struct progress *p, const struct rec *rec);
/* Whether PROGRESS_EVERY_MS have gone since it last said so. */
bool progress_due(struct progress *p);
/* "1234 of 5588 (22 %), 3102/s, 2 infected, 5 held, 1 s left" */
void progress_live(const struct progress *p, struct buf *out);
/* "64 messages in 0.3 s (210/s): 62 stored (67 new), 3 infected and cut, 2 held (1 encrypted, 1 unroutable), ..." */
void progress_summary(const struct progress *p, const struct spool_counts *n, struct buf *out);

#endif
