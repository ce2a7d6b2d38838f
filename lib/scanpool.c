/* scanpool.c - see scanpool.h. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "inspect.h"
#include "lease.h"
#include "pool.h"
#include "sandbox.h"
#include "scanpool.h"
#include "workdir.h"

#define LEDGER_MAP	(16ull << 30)	/* address space of the ledger, none of it memory */

struct shared { int exit; };		/* the workers' say in the exit status */

struct run {
	const struct scanpool_opts *o;
	char lease[LEASE_NAME_BYTES];	/* the pipeline's: staging must outlive the worker */
	struct shared *shared;
	struct inspector *inspector;	/* in a worker */
	time_t outdated;		/* since when */
};

/* ---- in a worker ---- */

static enum status start(void *arg, int index)
{
	struct run *r = arg;
	char dir[4096], memory[80];

	enum status st = workdir_make(r->o->tmpdir, getpid(), dir, sizeof dir);
	if (st == ST_OK && r->o->memory)
		st = workdir_make(r->o->memory[index].path, getpid(), memory, sizeof memory);
	if (st == ST_OK)
		st = scanner_start(r->o->scanner, dir, r->o->memory ? memory : NULL);
	if (st == ST_OK)
		st = sandbox_worker();
	if (st != ST_OK)
		return st;
	return inspector_open(&(struct inspect_opts){ .home = r->o->home, .lease = r->lease,
		.roots = r->o->roots, .scanner = r->o->scanner, .raw_as_mail = r->o->raw_as_mail,
		.allow_unscanned = r->o->allow_unscanned }, &r->inspector);
}

/* Mail of the next minutes may still be judged by what was loaded (the verdict says by what);
 * a scanner that runs for days must not grow old with its signatures. */
static bool too_old(struct run *r)
{
	if (!r->outdated && scanner_outdated(r->o->scanner))
		r->outdated = time(NULL);
	return r->outdated && time(NULL) - r->outdated >= SCANPOOL_OUTDATED_S;
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	struct run *r = arg;
	bool passing = false;
	enum status st = ST_OK;
	int64_t size = 0;

	if (!json_get_int(rec_get(rec, "raw.size"), &size) || size < 0 || size > MESSAGE_MAX_BYTES)
		size = MESSAGE_MAX_BYTES;
	pool_limit_cpu(r->o->cpu_s * 1000 + (unsigned)(size >> 20) * SCANPOOL_CPU_MS_MB);

	if (too_old(r)) {
		rec_hold(extra, "weir-scan", "signatures_changed", "start weir-scan again", 60);
		passing = true;
	} else {
		st = inspect_record(r->inspector, rec, extra, &passing);
	}
	if (passing)
		r->shared->exit = EX_WEIR_AGAIN;
	return st;
}

static void finish(void *arg)
{
	struct run *r = arg;

	if (inspector_close(&r->inspector) != ST_OK)
		cli_warn("%s", st_text());	/* some bytes will be scanned twice: no more than that */
}

/* ---- in the parent ---- */

static void failed(void *arg, const struct rec *rec, enum pool_failure why, int detail, struct buf *extra)
{
	struct run *r = arg;
	char text[80];

	snprintf(text, sizeof text, why == POOL_TIMEOUT ? "not done after %d ms" : "worker ended by signal %d", detail);
	inspect_unscanned(rec, r->o->scanner, r->o->allow_unscanned,
		why == POOL_TIMEOUT ? "timeout" : why == POOL_MEMORY ? "too_big" : "crash",
		why == POOL_MEMORY ? "out of memory" : text, extra);
	if (why != POOL_MEMORY)
		r->shared->exit = EX_WEIR_AGAIN;
}

static void ended(void *arg, pid_t pid, int index)
{
	const struct scanpool_opts *o = ((struct run *)arg)->o;

	workdir_remove(o->tmpdir, pid);
	if (o->memory)
		workdir_remove(o->memory[index].path, pid);
}

int scanpool_run(const struct scanpool_opts *o)
{
	struct run r = { .o = o };

	enum status st = lease_name(r.lease);
	r.shared = mmap(NULL, sizeof *r.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r.shared == MAP_FAILED)
		st = st_fail_errno("shared memory");
	if (st != ST_OK)
		return cli_fail(st, "start");
	if (o->allow_unscanned)
		cli_warn("--allow-unscanned: mail that was not scanned is delivered");
	int rc = pool_run(&(struct pool_opts){ .prog = "weir-scan", .workers = o->workers,
		.timeout_ms = o->timeout_s * 1000, .memory_bytes = LEDGER_MAP + SCANPOOL_WORKER_BYTES,
		.arg = &r, .start = start, .each = each, .finish = finish, .failed = failed, .ended = ended });
	rc = st_worse(rc, r.shared->exit);
	munmap(r.shared, sizeof *r.shared);
	return rc;
}
