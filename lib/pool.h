/*
 * pool.h - worker processes that may die: records in, results out, in order.
 *
 * Parsing and scanning meet hostile bytes, so they run in children with
 * limits. The parent reads records, hands them out, and writes the results in
 * the order of the input. A worker that crashes, runs out of memory or time
 * costs only the record it was at: that is tried once more (whoever killed the worker
 * may have meant something else), then failed() says what becomes of it. The
 * others it had been given go to a new worker.
 */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include <sys/types.h>
#include "record.h"

#define POOL_MAX_WORKERS 64

enum pool_failure { POOL_CRASH, POOL_TIMEOUT, POOL_MEMORY };

struct pool_opts {
	const char *prog;		/* for lines on stderr */
	int workers;			/* 1..POOL_MAX_WORKERS */
	unsigned timeout_ms;		/* wall time for one record; 0: none */
	size_t memory_bytes;		/* RLIMIT_AS on top of what the parent maps at fork; 0: none */
	void *arg;
	/* In the child, once, before the first record: sandbox, private TMPDIR. A
	 * failure ends the run with its status. May be NULL. */
	enum status (*start)(void *arg, int worker_index);
	/* In the child: extra members for the record (as rec_filter's each()).
	 * The same meaning of its result as there. */
	enum status (*each)(void *arg, const struct rec *rec, struct buf *extra);
	/* In the child, once, after the last record of an ordinary end. May be NULL. */
	void (*finish)(void *arg);
	/* In the parent: extra members for the record a worker died of (detail: the signal's number,
	 * 0 if it exited, or the milliseconds). ST_NOMEM from each() under memory_bytes counts as
	 * POOL_MEMORY: more of the same memory would not help tomorrow either. */
	void (*failed)(void *arg, const struct rec *rec, enum pool_failure why,
		int detail, struct buf *extra);
	/* In the parent, after a worker (pid) has ended, however: clean up its folder. May be NULL. */
	void (*ended)(void *arg, pid_t pid, int worker_index);
};

/* In each(): the record may take that much of the processor's time from now on; then its worker ends, as by the timeout
 * (POOL_TIMEOUT, detail: these milliseconds). Wall time is no measure of what a message costs where others work beside it. */
void pool_limit_cpu(unsigned ms);

/* Reads stdin to its end, writes stdout. Returns the exit status (65 if some
 * record was quarantined by each() or failed(), 75/74/78 as rec_filter). Stopped records
 * are passed on in their place without a worker. SIGTERM and SIGINT end the workers.
 * A worker has neither our stdin nor our stdout, and what it sends is checked: one that was
 * taken over can spoil the records it is given, but no others. Needs cli_start(). */
int pool_run(const struct pool_opts *opts);

#endif
