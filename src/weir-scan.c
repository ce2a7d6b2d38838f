/*
 * weir-scan - look for viruses in every part and in the raw message.
 *
 * Adds `scan`. Clean is a claim that was earned; infected parts are removed; what could not be
 * looked at is held. The judging is lib/inspect.h, the looking lib/scan.h; here are the options,
 * the workers and their folders.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "home.h"
#include "inspect.h"
#include "lease.h"
#include "pool.h"
#include "workdir.h"

#define OUTDATED_S	600		/* how long signatures may be used after they have changed */
#define LEDGER_MAP	(16ull << 30)	/* address space of the ledger, none of it memory */
#define WORKER_BYTES	(2ull << 30)	/* of memory for one worker, beyond the signatures */

static const char help[] =
	"usage: weir-scan [--db DIR]... [--clamd SOCKET] [-j N] [--home DIR] [-R DIR]...\n"
	"\n"
	"Reads records of weir-extract, looks for viruses in every part and in the raw\n"
	"message and appends \"scan\" to each record. Only what was looked at is clean.\n"
	"\n"
	"  --db DIR             signatures: a folder or a file (default /var/lib/clamav)\n"
	"  --min-signatures N   fewer are an error (default 1)\n"
	"  --clamd SOCKET       ask this clamd instead\n"
	"  --clamd-canary FILE  what clamd must find (default HOME/clamd-canary)\n"
	"  -j N                 worker processes (default: one per processor)\n"
	"  --timeout SECONDS    for one message (default 300)\n"
	"  --tmpdir DIR         scratch space (default HOME/run)\n"
	"  --raw-as-mail        have libclamav read every raw message as mail, too\n"
	"  --allow-unscanned    hold nothing for being unscanned: mail gets through unseen\n"
	"  --max-file BYTES --max-total BYTES --max-files N --max-depth N --max-ms N\n"
	"                       limits for one object (100 MB, 400 MB, 10000, 17, 60000)\n"
	"  -R DIR               messages may lie beneath DIR (default: $WEIR_SPOOL or .)\n"
	"  --home DIR           instead of $WEIR_HOME\n"
	"  -h, --help           this text\n"
	"  --version            the version\n";

struct shared { int exit; };		/* the workers' say in the exit status */

struct opts {
	const char *home, *tmpdir;
	struct scan_opts scan;
	struct roots *roots;
	bool any_root, raw_as_mail, allow_unscanned;
	long jobs, timeout_s;
	/* while running: */
	char lease[LEASE_NAME_BYTES];
	struct scanner *scanner;
	struct inspector *inspector;	/* in a worker */
	struct shared *shared;
	time_t outdated;		/* since when */
};

enum { OPT_HOME = 256, OPT_DB, OPT_MIN, OPT_CLAMD, OPT_CANARY, OPT_TIMEOUT, OPT_TMPDIR, OPT_AS_MAIL,
	OPT_ALLOW, OPT_FILE, OPT_TOTAL, OPT_FILES, OPT_DEPTH, OPT_MS, OPT_VERSION };

static const struct option longopts[] = {
	{ "home", required_argument, NULL, OPT_HOME }, { "db", required_argument, NULL, OPT_DB },
	{ "min-signatures", required_argument, NULL, OPT_MIN },
	{ "clamd", required_argument, NULL, OPT_CLAMD },
	{ "clamd-canary", required_argument, NULL, OPT_CANARY },
	{ "jobs", required_argument, NULL, 'j' }, { "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "tmpdir", required_argument, NULL, OPT_TMPDIR },
	{ "raw-as-mail", no_argument, NULL, OPT_AS_MAIL },
	{ "allow-unscanned", no_argument, NULL, OPT_ALLOW },
	{ "max-file", required_argument, NULL, OPT_FILE },
	{ "max-total", required_argument, NULL, OPT_TOTAL },
	{ "max-files", required_argument, NULL, OPT_FILES },
	{ "max-depth", required_argument, NULL, OPT_DEPTH }, { "max-ms", required_argument, NULL, OPT_MS },
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, OPT_VERSION }, { 0 }
};

static long number(const char *s, long max)
{
	char *end;

	errno = 0;
	long v = strtol(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || v < 1 || v > max)
		cli_usage("not a number from 1 to %ld: %s", max, s);
	return v;
}

static void add_db(struct opts *o, const char *path)
{
	if (o->scan.dbs == SCAN_MAX_DBS)
		cli_usage("more than %d --db", SCAN_MAX_DBS);
	o->scan.db[o->scan.dbs++] = path;
}

static bool limit_option(struct scan_limits *l, int c)
{
	switch (c) {
	case OPT_FILE: l->file_bytes = (uint64_t)number(optarg, 2000000000); return true;
	case OPT_TOTAL: l->total_bytes = (uint64_t)number(optarg, 1L << 40); return true;
	case OPT_FILES: l->files = (unsigned)number(optarg, 1000000); return true;
	case OPT_DEPTH: l->depth = (unsigned)number(optarg, 100); return true;
	case OPT_MS: l->ms = (unsigned)number(optarg, 3600000); return true;
	default: return false;
	}
}

static int add_root(struct opts *o, const char *dir)
{
	enum status st = roots_add(o->roots, dir);

	o->any_root = true;
	return st == ST_OK ? 0 : cli_fail(st, dir);
}

static int options(int argc, char **argv, struct opts *o)
{
	int c, rc = 0;

	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":hR:j:", longopts, NULL)) != -1)
		switch (c) {
		case 'R': rc = add_root(o, optarg); break;
		case 'j': o->jobs = number(optarg, POOL_MAX_WORKERS); break;
		case OPT_HOME: o->home = optarg; break;
		case OPT_DB: add_db(o, optarg); break;
		case OPT_MIN: o->scan.min_signatures = (unsigned)number(optarg, 1000000000); break;
		case OPT_CLAMD: o->scan.clamd = optarg; break;
		case OPT_CANARY: o->scan.clamd_canary = optarg; break;
		case OPT_TIMEOUT: o->timeout_s = number(optarg, 86400); break;
		case OPT_TMPDIR: o->tmpdir = optarg; break;
		case OPT_AS_MAIL: o->raw_as_mail = true; break;
		case OPT_ALLOW: o->allow_unscanned = true; break;
		case 'h': cli_help();
		case OPT_VERSION: cli_version();
		default:
			if (!limit_option(&o->scan.limits, c))
				cli_bad_option(argv, c);
		}
	if (rc == 0 && optind < argc)
		cli_usage("unexpected argument: %s", argv[optind]);
	return rc;
}

/* ---- in a worker ---- */

static enum status start(void *arg, int index)
{
	struct opts *o = arg;
	char dir[4096];

	enum status st = workdir_make(o->tmpdir, getpid(), dir, sizeof dir);
	if (st == ST_OK)
		st = scanner_start(o->scanner, dir);
	if (st != ST_OK)
		return st;
	return inspector_open(&(struct inspect_opts){ .home = o->home, .lease = o->lease,
		.roots = o->roots, .scanner = o->scanner, .raw_as_mail = o->raw_as_mail,
		.allow_unscanned = o->allow_unscanned }, &o->inspector);
}

/* Mail of the next minutes may still be judged by what was loaded (the verdict says by what);
 * a scanner that runs for days must not grow old with its signatures. */
static bool too_old(struct opts *o)
{
	if (!o->outdated && scanner_outdated(o->scanner))
		o->outdated = time(NULL);
	return o->outdated && time(NULL) - o->outdated >= OUTDATED_S;
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	struct opts *o = arg;
	bool passing = false;
	enum status st = ST_OK;

	if (too_old(o)) {
		rec_hold(extra, "weir-scan", "signatures_changed", "start weir-scan again", 60);
		passing = true;
	} else {
		st = inspect_record(o->inspector, rec, extra, &passing);
	}
	if (passing)
		o->shared->exit = EX_WEIR_AGAIN;
	return st;
}

static void finish(void *arg)
{
	struct opts *o = arg;

	if (inspector_close(&o->inspector) != ST_OK)
		cli_warn("%s", st_text());	/* some bytes will be scanned twice: no more than that */
}

/* ---- in the parent ---- */

static void failed(void *arg, const struct rec *rec, enum pool_failure why, int detail, struct buf *extra)
{
	struct opts *o = arg;
	char text[80];

	snprintf(text, sizeof text, why == POOL_TIMEOUT ? "after %d ms" : "worker ended by signal %d", detail);
	inspect_unscanned(rec, o->scanner, o->allow_unscanned,
		why == POOL_TIMEOUT ? "timeout" : why == POOL_MEMORY ? "too_big" : "crash",
		why == POOL_MEMORY ? "out of memory" : text, extra);
	if (why != POOL_MEMORY)
		o->shared->exit = EX_WEIR_AGAIN;
}

static void ended(void *arg, pid_t pid, int index)
{
	workdir_remove(((struct opts *)arg)->tmpdir, pid);
}

/* Without signatures nothing passes, but nothing gets lost either: it is held. */
static enum status no_signatures(void *arg, const struct rec *rec, struct buf *extra)
{
	rec_hold(extra, "weir-scan", "no_signatures", arg, HOLD_PASSING_S);
	return ST_OK;
}

static int hold_all(enum status st)
{
	char why[512];
	int rc = cli_fail(st, "nothing can be scanned");

	snprintf(why, sizeof why, "%s", st_text());
	return st_worse(rc, rec_filter("weir-scan", no_signatures, why));
}

/* The folders: staging, which weir-extract may be about to make, and scratch space. */
static enum status prepare(struct opts *o, char *staging, char *scratch, size_t size)
{
	enum status st = home_dir(o->home, &o->home);

	if (st != ST_OK)
		return st;
	snprintf(staging, size, "%s/run/staging", o->home);
	snprintf(scratch, size, "%s/run", o->home);
	st = file_mkdirs(staging, 0700);
	if (st == ST_OK)
		st = o->any_root ? roots_add(o->roots, staging) : roots_default(o->roots, o->home);
	o->scan.tmpdir = o->tmpdir = o->tmpdir ? o->tmpdir : scratch;
	if (st == ST_OK)
		st = workdir_sweep(o->tmpdir);
	return st == ST_OK ? lease_name(o->lease) : st;
}

static int run(struct opts *o)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!o->jobs)
		o->jobs = cpus < 1 ? 1 : cpus > POOL_MAX_WORKERS ? POOL_MAX_WORKERS : cpus;
	o->shared = mmap(NULL, sizeof *o->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (o->shared == MAP_FAILED)
		return cli_fail(st_fail_errno("shared memory"), "start");
	if (o->allow_unscanned)
		cli_warn("--allow-unscanned: mail that was not scanned is delivered");
	int rc = pool_run(&(struct pool_opts){ .prog = "weir-scan", .workers = (int)o->jobs,
		.timeout_ms = (unsigned)o->timeout_s * 1000, .memory_bytes = LEDGER_MAP + WORKER_BYTES,
		.arg = o, .start = start, .each = each, .finish = finish, .failed = failed, .ended = ended });
	return st_worse(rc, o->shared->exit);
}

int main(int argc, char **argv)
{
	static char staging[PATH_MAX], scratch[PATH_MAX], canary[PATH_MAX];
	struct opts o = { .timeout_s = 300 };
	enum status st;
	int rc;

	cli_start("weir-scan", help);
	st = roots_new(&o.roots);
	if (st != ST_OK)
		return cli_fail(st, "start");
	rc = options(argc, argv, &o);
	if (rc != 0)
		goto out;
	st = prepare(&o, staging, scratch, PATH_MAX);
	snprintf(canary, sizeof canary, "%s/clamd-canary", o.home ? o.home : "");
	if (!o.scan.clamd_canary)
		o.scan.clamd_canary = canary;
	if (st == ST_OK)
		st = scanner_load(&o.scan, &o.scanner);
	rc = st == ST_OK ? run(&o) : hold_all(st);
out:
	scanner_free(&o.scanner);
	roots_free(&o.roots);
	return cli_finish(rc);
}
