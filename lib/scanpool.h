/*
 * scanpool.h - weir-scan's workers: each inspects records in a process and a scratch folder of its own.
 */
#ifndef WEIR_SCANPOOL_H
#define WEIR_SCANPOOL_H

#include "file.h"
#include "scan.h"
#include "scratch.h"

#define SCANPOOL_OUTDATED_S	600	/* how long signatures are used after their files have changed */
#define SCANPOOL_CPU_MS_MB	500
#define SCANPOOL_WORKER_BYTES	(2ull << 30)	/* memory for one worker, beyond the signatures */

struct scanpool_opts {
	const char *home, *tmpdir;	/* tmpdir: where scratch folders go */
	const struct scratch *memory;	/* one for each worker, to be used before those; or NULL */
	const struct roots *roots;
	struct scanner *scanner;	/* loaded, not started */
	bool raw_as_mail, allow_unscanned;
	int workers;
	unsigned timeout_s;		/* for one message */
	unsigned cpu_s;			/* of the processor, for one message, and SCANPOOL_CPU_MS_MB for each MB of it */
};

/* Reads stdin to its end, writes stdout; the exit status: as pool_run, and 75 if something is held for a reason
 * that may be gone soon. */
int scanpool_run(const struct scanpool_opts *o);

#endif
