/*
 * weir-scan - look for viruses in every part and in the raw message.
 *
 * Adds `scan`. Clean is a claim that was earned; infected parts are removed; what could not be
 * looked at is held. The judging is lib/inspect.h, the looking lib/scan.h, the workers lib/scanpool.h.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "home.h"
#include "lease.h"
#include "inspect.h"
#include "pool.h"
#include "rescan.h"
#include "sandbox.h"
#include "scanpool.h"
#include "workdir.h"

static const char help[] =
	"usage: weir-scan [--db DIR]... [--clamd SOCKET] [-j N] [--home DIR] [-R DIR]...\n"
	"       weir-scan --missing | --exposed [-e] [--tenant NAME] [--db DIR]... [--home DIR]\n"
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
	"  --cpu SECONDS        of the processor, for one message (default 8, and 0.5 for each MB)\n"
	"  --tmpdir DIR         scratch space (default memory, and HOME/run)\n"
	"  --raw-as-mail        have libclamav read every raw message as mail, too\n"
	"  --allow-unscanned    hold nothing for being unscanned: mail gets through unseen\n"
	"  --max-file BYTES --max-total BYTES --max-files N --max-depth N --max-ms N\n"
	"                       limits for one object (100 MB, 400 MB, 10000, 17, 60000)\n"
	"  -R DIR               messages may lie beneath DIR (default: $WEIR_SPOOL or .)\n"
	"  --home DIR           instead of $WEIR_HOME\n"
	"  --missing            tell which delivered bytes these signatures have not seen\n"
	"  --exposed            scan those, and tell which delivered bytes are infected\n"
	"  --tenant NAME        only of this tenant\n"
	"  -e                   exit 1 if there are any\n"
	"  -h, --help           this text\n"
	"  --version            the version\n";

struct opts {
	const char *home, *tmpdir, *tenant;
	struct scan_opts scan;
	struct roots *roots;
	bool any_root, raw_as_mail, allow_unscanned, missing, exposed, verdict;
	long jobs, timeout_s, cpu_s;
	struct scanner *scanner;
	bool in_memory;		/* as far as it goes */
	struct scratch memory[POOL_MAX_WORKERS];	/* one for each worker */
};

enum { OPT_HOME = 256, OPT_DB, OPT_MIN, OPT_CLAMD, OPT_CANARY, OPT_TIMEOUT, OPT_CPU, OPT_TMPDIR, OPT_AS_MAIL,
	OPT_ALLOW, OPT_FILE, OPT_TOTAL, OPT_FILES, OPT_DEPTH, OPT_MS, OPT_MISSING, OPT_EXPOSED,
	OPT_TENANT, OPT_VERSION };

static const struct option longopts[] = {
	{ "home", required_argument, NULL, OPT_HOME }, { "db", required_argument, NULL, OPT_DB },
	{ "min-signatures", required_argument, NULL, OPT_MIN },
	{ "clamd", required_argument, NULL, OPT_CLAMD },
	{ "clamd-canary", required_argument, NULL, OPT_CANARY },
	{ "jobs", required_argument, NULL, 'j' }, { "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "cpu", required_argument, NULL, OPT_CPU },
	{ "tmpdir", required_argument, NULL, OPT_TMPDIR },
	{ "raw-as-mail", no_argument, NULL, OPT_AS_MAIL },
	{ "allow-unscanned", no_argument, NULL, OPT_ALLOW },
	{ "max-file", required_argument, NULL, OPT_FILE },
	{ "max-total", required_argument, NULL, OPT_TOTAL },
	{ "max-files", required_argument, NULL, OPT_FILES },
	{ "max-depth", required_argument, NULL, OPT_DEPTH }, { "max-ms", required_argument, NULL, OPT_MS },
	{ "missing", no_argument, NULL, OPT_MISSING }, { "exposed", no_argument, NULL, OPT_EXPOSED },
	{ "tenant", required_argument, NULL, OPT_TENANT },
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
	while (rc == 0 && (c = getopt_long(argc, argv, ":hR:j:e", longopts, NULL)) != -1)
		switch (c) {
		case 'R': rc = add_root(o, optarg); break;
		case 'j': o->jobs = number(optarg, POOL_MAX_WORKERS); break;
		case OPT_HOME: o->home = optarg; break;
		case OPT_DB: add_db(o, optarg); break;
		case OPT_MIN: o->scan.min_signatures = (unsigned)number(optarg, 1000000000); break;
		case OPT_CLAMD: o->scan.clamd = optarg; break;
		case OPT_CANARY: o->scan.clamd_canary = optarg; break;
		case OPT_TIMEOUT: o->timeout_s = number(optarg, 86400); break;
		case OPT_CPU: o->cpu_s = number(optarg, 86400); break;
		case OPT_TMPDIR: o->tmpdir = optarg; break;
		case OPT_AS_MAIL: o->raw_as_mail = true; break;
		case 'e': o->verdict = true; break;
		case OPT_MISSING: o->missing = true; break;
		case OPT_EXPOSED: o->exposed = true; break;
		case OPT_TENANT: o->tenant = optarg; break;
		case OPT_ALLOW: o->allow_unscanned = true; break;
		case 'h': cli_help();
		case OPT_VERSION: cli_version();
		default:
			if (!limit_option(&o->scan.limits, c))
				cli_bad_option(argv, c);
		}
	if (rc == 0 && optind < argc)
		cli_usage("unexpected argument: %s", argv[optind]);
	if ((o->missing || o->exposed) && o->scan.clamd)
		cli_usage("--missing and --exposed need --db: the signatures of clamd are not known here");
	return rc;
}

/* Without signatures nothing passes, but nothing gets lost either: it is held. */
struct no_scanner { enum status st; char why[512]; };

/* A full disk or no memory is the machine's failure and says so; the rest is the signatures'. */
static enum status no_signatures(void *arg, const struct rec *rec, struct buf *extra)
{
	const struct no_scanner *n = arg;

	if (n->st == ST_IO || n->st == ST_NOMEM || n->st == ST_AGAIN || n->st == ST_DENIED) {
		st_fail(n->st, "%s", n->why);
		rec_failure(extra, "weir-scan", n->st);
	} else {
		rec_hold(extra, "weir-scan", "no_signatures", n->why, HOLD_PASSING_S);
	}
	return ST_OK;
}

static int hold_all(enum status st)
{
	struct no_scanner n = { .st = st };
	int rc = cli_fail(st, "nothing can be scanned");

	snprintf(n.why, sizeof n.why, "%s", st_text());
	return st_worse(rc, rec_filter("weir-scan", no_signatures, &n));
}

static long default_jobs(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > POOL_MAX_WORKERS ? POOL_MAX_WORKERS : cpus;
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
		st = lease_join(scratch);
	if (st == ST_OK)
		st = o->any_root ? roots_add(o->roots, staging) : roots_default(o->roots, o->home);
	o->in_memory = st == ST_OK && !o->tmpdir && !o->scan.clamd && !o->missing && scratch_open(o->memory, (int)o->jobs);
	o->scan.tmpdir = o->tmpdir = o->tmpdir ? o->tmpdir : scratch;
	if (st == ST_OK)
		st = workdir_sweep(o->tmpdir);
	return st;
}

static int run(struct opts *o)
{
	return scanpool_run(&(struct scanpool_opts){ .home = o->home, .tmpdir = o->tmpdir,
		.memory = o->in_memory ? o->memory : NULL, .roots = o->roots, .scanner = o->scanner, .raw_as_mail = o->raw_as_mail,
		.allow_unscanned = o->allow_unscanned, .workers = (int)o->jobs,
		.timeout_s = (unsigned)o->timeout_s,
		.cpu_s = (unsigned)o->cpu_s });
}

/* ---- what has been delivered ---- */

static enum status print_line(void *arg, const char *json, size_t len)
{
	return printf("%.*s\n", (int)len, json) < 0 ? st_fail_errno("write") : ST_OK;
}

static int look_again(struct opts *o)
{
	struct jury jury = {0};
	struct rescan_counts n = {0};
	enum status st = ST_OK;

	if (o->exposed)		/* before the ledger and any store are open */
		st = jury_open(o->scanner, o->tmpdir, o->in_memory ? o->memory : NULL,
			(unsigned)o->timeout_s, &jury);
	if (st == ST_OK)
		st = rescan(&(struct rescan_opts){ .home = o->home, .tenant = o->tenant,
			.scanner = o->scanner, .jury = o->exposed ? &jury : NULL, .line = print_line }, &n);
	jury_close(&jury);
	if (st != ST_OK)
		return cli_fail(st, o->exposed ? "--exposed" : "--missing");
	if (o->exposed && n.missing)
		cli_warn("%llu of %llu delivered objects could not be scanned",
			(unsigned long long)n.missing, (unsigned long long)n.objects);
	if (o->verdict && (o->exposed ? n.exposed : n.missing))
		return EX_WEIR_NO;
	return 0;
}

/* Once the signatures are loaded: what is left is mail. */
static enum status enter(const struct opts *o)
{
	struct sandbox_path also[SCAN_MAX_DBS + POOL_MAX_WORKERS + 3] = {
		{ o->tmpdir, SANDBOX_WRITE }, { o->scan.clamd_canary, SANDBOX_READ } };
	size_t n = 2;

	for (size_t i = 0; i < o->scan.dbs; i++)
		also[n++] = (struct sandbox_path){ o->scan.db[i], SANDBOX_READ };
	if (o->scan.dbs == 0)
		also[n++] = (struct sandbox_path){ SCAN_DB_DEFAULT, SANDBOX_READ };
	for (long i = 0; o->in_memory && i < o->jobs; i++)
		also[n++] = (struct sandbox_path){ o->memory[i].path, SANDBOX_WRITE };
	return sandbox_enter(&(struct sandbox_opts){ .home = o->home, .roots = o->roots, .also = also,
		.profile = o->missing || o->exposed ? "weir-scan.again" : "weir-scan", .tenant = o->tenant,
		.unix_sockets = o->scan.clamd != NULL });
}

int main(int argc, char **argv)
{
	static char staging[PATH_MAX], scratch[PATH_MAX], canary[PATH_MAX];
	struct opts o = { .timeout_s = 300, .cpu_s = 8 };
	enum status st;
	int rc;

	cli_start("weir-scan", help);
	st = roots_new(&o.roots);
	if (st != ST_OK)
		return cli_fail(st, "start");
	rc = options(argc, argv, &o);
	if (rc != 0)
		goto out;
	if (!o.jobs)
		o.jobs = default_jobs();
	st = prepare(&o, staging, scratch, PATH_MAX);
	snprintf(canary, sizeof canary, "%s/clamd-canary", o.home ? o.home : "");
	if (!o.scan.clamd_canary)
		o.scan.clamd_canary = canary;
	if (st == ST_OK)
		st = scanner_load(&o.scan, &o.scanner);
	if (st == ST_OK)
		st = enter(&o);
	if (o.missing || o.exposed)
		rc = st == ST_OK ? look_again(&o) : cli_fail(st, "nothing can be scanned");
	else
		rc = st == ST_OK ? run(&o) : hold_all(st);
out:
	scanner_free(&o.scanner);
	roots_free(&o.roots);
	return cli_finish(rc);
}
