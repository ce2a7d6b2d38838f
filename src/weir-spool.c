/*
 * weir-spool - the queue: claims messages out of a spool, and at the end of the
 * pipeline moves each to where it belongs.
 *
 * All that is done to a spool is in lib/spool.h; here are the words for it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "home.h"
#include "progress.h"
#include "sandbox.h"
#include "spool.h"

#define WAKES_MAX 16

static const char help[] =
	"usage: weir-spool list|claim|ack|tally|hold|release|requeue|put|status [OPTIONS] SPOOL [NAME...]\n"
	"\n"
	"  list SPOOL             one record a message, nothing is moved\n"
	"  claim SPOOL            takes messages: one record each, for weir-parse -r\n"
	"  ack SPOOL <RECORDS     to done/, hold/, quarantine/, or back, as the records say\n"
	"  tally SPOOL <RECORDS   moves nothing: names what was not stored, and why\n"
	"  hold SPOOL NAME...     to hold/ by hand\n"
	"  release SPOOL [NAME...]  from hold/ back into the spool\n"
	"  requeue SPOOL NAME...|--all  from done/ and quarantine/ back into the spool\n"
	"  put SPOOL <MESSAGE     one message into the spool\n"
	"  status SPOOL           how many are where\n"
	"\n"
	"  -k, --kind KIND        ses, maildir, mbox or raw (default: found out)\n"
	"  -n, --limit N          claim, list: at most N\n"
	"      --wake REASON=FILE claim: what is held for REASON, if FILE is newer\n"
	"      --recipient-header FIELD  claim, list: mail not from SES is for whom FIELD names\n"
	"      --delete           ack: delete what is stored instead of moving it to done/\n"
	"      --progress         ack, tally: on stderr, how far it is\n"
	"      --summary          ack, tally: one line on stderr at the end\n"
	"      --all              requeue: all\n"
	"      --reason WORD, --detail TEXT, --retry SECONDS  hold; release: only that reason\n"
	"      --name ID, --from ADDRESS, --to ADDRESS  put: file name, envelope\n"
	"      --mbox             put: stdin is an mbox\n"
	"      --json             ack, tally, release, requeue, put, status: the counts as JSON\n"
	"  -v, --verbose          ack, claim: the counts on stderr; tally: details\n"
	"  -h, --help             this text\n"
	"      --version          the version\n";

struct opts {
	enum spool_kind kind;
	uint64_t limit;
	struct spool_wake wake[WAKES_MAX];
	size_t wakes;
	const char *recipient_header, *reason, *detail, *name, *from;
	char **to;
	size_t recipients;
	long retry_s;
	bool remove, all, mbox, json, verbose, progress, summary;
	char **names;
	size_t n;
	int exit;		/* what was met so far */
};

static void say(void *arg, const char *line)
{
	cli_warn("%s", line);
}

static int fail(struct opts *o, enum status st, const char *what)
{
	return st == ST_OK ? o->exit : st_worse(o->exit, cli_fail(st, what));
}

static enum status emit(void *arg, const char *line, size_t len)
{
	return rec_emit_line(arg, line, len);
}

/* {"weir":1,...} on stdout: pairs of a word and a number, ended by NULL. */
struct count { const char *word; uint64_t n; };
static void counts(const struct opts *o, const char *what, const struct count *c)
{
	struct buf b = { 0 };

	if (o->json) {
		json_open(&b, NULL, '{');
		json_int(&b, "weir", RECORD_VERSION);
		json_cstr(&b, "type", what);
		for (; c->word; c++)
			json_int(&b, c->word, (int64_t)c->n);
		json_close(&b, '}');
		printf("%s\n", buf_cstr(&b));
	} else if (o->verbose) {
		for (; c->word; c++)
			buf_fmt(&b, "%s%llu %s", b.len ? ", " : "", (unsigned long long)c->n, c->word);
		cli_warn("%s: %s", what, buf_cstr(&b));
	}
	buf_free(&b);
}

static int do_claim(struct spool *s, struct opts *o, bool list)
{
	struct rec_io *io;
	struct spool_claim c = { .list = list, .recipient_header = o->recipient_header,
		.limit = o->limit, .wake = o->wake, .wakes = o->wakes, .emit = emit };
	enum status st = rec_io_open(0, 1, &io), closed;

	if (st != ST_OK)
		return fail(o, st, "claim");
	c.arg = io;
	st = spool_claim(s, &c);
	closed = rec_io_close(&io);
	if (st == ST_OK || st == ST_END)
		st = closed;
	if (c.bad)
		o->exit = st_worse(o->exit, EX_WEIR_DATA);
	if (c.denied)
		o->exit = st_worse(o->exit, EX_WEIR_IO);
	o->json = false;	/* stdout has the records */
	counts(o, list ? "listed" : "claimed", (struct count[]){ { "messages", c.claimed },
		{ "not whole yet", c.not_yet }, { "unusable", c.bad }, { "not ours to take", c.denied },
		{ "taken over from the dead", c.taken_over }, { NULL, 0 } });
	return fail(o, st, list ? "list" : "claim");
}

/* How many messages there are to come: what waits, and what is claimed already. */
static uint64_t how_many(struct spool *s)
{
	struct buf b = { 0 };
	int64_t waiting = 0, claimed = 0;

	json_open(&b, NULL, '{');
	if (spool_status(s, &b) == ST_OK) {
		json_close(&b, '}');
		json_get_int(json_get((struct span){ b.p, b.len }, "incoming"), &waiting);
		json_get_int(json_get((struct span){ b.p, b.len }, "claimed"), &claimed);
	}
	buf_free(&b);
	return (uint64_t)(waiting + claimed);
}

static void show(const struct opts *o, struct progress *p, const struct spool_counts *end)
{
	struct buf b = { 0 };

	if (o->progress && !end)
		progress_live(p, &b);
	else if (o->summary && end)
		progress_summary(p, end, &b);
	fprintf(stderr, "%s%s%s", o->progress ? "\r\033[K" : "", buf_cstr(&b), b.len && end ? "\n" : "");
	fflush(stderr);
	buf_free(&b);
}

/* A record whose message stays where it is: what was not stored is named, for nothing else will do it. */
static enum status tally(struct opts *o, const struct rec *rec, struct spool_counts *n)
{
	struct span hold = rec_get(rec, "hold"), stop = hold.p ? hold : rec_get(rec, "quarantine");
	struct buf b = { 0 };

	if (!stop.p && rec_get(rec, "stored").p) {
		n->done++;
		return ST_OK;
	}
	*(hold.p ? &n->held : stop.p ? &n->quarantined : &n->lost) += 1;
	o->exit = st_worse(o->exit, stop.p && !hold.p ? EX_WEIR_DATA : EX_WEIR_AGAIN);
	if (o->progress)
		fputs("\r\033[K", stderr);
	json_text(json_get(stop, "by"), &b);
	buf_str(&b, ": ");
	json_text(json_get(stop, o->verbose ? "detail" : "reason"), &b);
	cli_warn("%s: not stored: %s", rec_label(rec), stop.p ? buf_cstr(&b) : "no stage says why");
	buf_free(&b);
	return ST_OK;
}

static int do_ack(struct spool *s, struct opts *o, bool settle)
{
	struct progress p;
	struct spool_ack *a = NULL;
	struct spool_counts n = { 0 };
	struct rec_io *io = NULL;
	struct rec rec;
	enum status st = settle ? spool_ack_open(s, o->remove, &a) : ST_OK, r;

	if (st != ST_OK)
		return fail(o, st, "ack");
	progress_begin(&p);
	st = rec_io_open(0, -1, &io);
	while (st == ST_OK) {
		r = rec_next(io, &rec);
		if (r == ST_END)
			break;
		if (o->progress && !p.total)
			p.total = how_many(s);
		if (r == ST_OK) {
			progress_record(&p, &rec);
			r = settle ? spool_ack_record(a, &rec) : tally(o, &rec, &n);
		}
		if (o->progress && progress_due(&p))
			show(o, &p, NULL);
		if (r != ST_OK)
			o->exit = fail(o, r, "ack");
		if (r == ST_IO || r == ST_NOMEM)
			st = r;
	}
	if (io)
		rec_io_close(&io);
	r = settle ? spool_ack_close(&a, &n) : ST_OK;
	if (o->progress || o->summary)
		show(o, &p, &n);
	if (n.released)
		o->exit = st_worse(o->exit, EX_WEIR_AGAIN);
	counts(o, settle ? "acked" : "tallied", (struct count[]){ { "done", n.done }, { "held", n.held },
		{ "quarantined", n.quarantined }, { "released", n.released }, { "lost", n.lost },
		{ NULL, 0 } });
	return fail(o, r, "ack");
}

static int do_hold(struct spool *s, struct opts *o)
{
	if (!o->n)
		cli_usage("hold: which messages?");
	for (size_t i = 0; i < o->n; i++)
		o->exit = fail(o, spool_hold(s, o->names[i], o->reason ? o->reason : "by-hand",
			o->detail ? o->detail : "held by hand", o->retry_s), "hold");
	return o->exit;
}

static int do_back(struct spool *s, struct opts *o, bool requeue)
{
	uint64_t n = 0;
	enum status st;

	if (requeue && !o->n == !o->all)
		cli_usage("requeue: which messages? Names, or --all");
	st = requeue ? spool_requeue(s, o->names, o->n, &n)
		: spool_release(s, o->names, o->n, o->reason, &n);
	counts(o, requeue ? "requeued" : "released", (struct count[]){ { "messages", n }, { NULL, 0 } });
	return st == ST_NOTFOUND ? st_worse(o->exit, EX_WEIR_DATA)	/* was said, by name */
		: fail(o, st, requeue ? "requeue" : "release");
}

static int do_put(struct spool *s, struct opts *o)
{
	struct spool_put how = { o->name, o->from, o->to, o->recipients };
	struct buf b = { 0 };
	uint64_t n = 0, bad = 0;
	enum status st;

	if (o->mbox) {
		st = spool_put_mbox(s, 0, &n, &bad);
		if (bad)
			o->exit = EX_WEIR_DATA;
	} else {
		st = file_read_fd(0, 0, -1, MESSAGE_MAX_BYTES, &b);
		if (st == ST_OK)
			st = spool_put(s, b.p, b.len, &how);
		n = st == ST_OK;
	}
	buf_free(&b);
	counts(o, "put", (struct count[]){ { "messages", n }, { "unusable", bad }, { NULL, 0 } });
	return fail(o, st, "put");
}

static void print_status(struct span v)
{
	static const char *const rows[] = { "incoming", "notifications", "skipped", "claimed", "hold",
		"quarantine", "done" };
	int64_t n, due, leases, dead;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		n = due = leases = dead = 0;
		json_get_int(json_get(v, rows[i]), &n);
		printf("%-14s %8lld", rows[i], (long long)n);
		json_get_int(json_get(v, "due"), &due);
		json_get_int(json_get(v, "leases"), &leases);
		json_get_int(json_get(v, "dead_leases"), &dead);
		if (!strcmp(rows[i], "claimed") && leases)
			printf("  in %lld leases, %lld dead", (long long)leases, (long long)dead);
		if (!strcmp(rows[i], "hold") && n)
			printf("  %lld due", (long long)due);
		char key[32];
		snprintf(key, sizeof key, "%s_reasons", rows[i]);
		struct span it = json_get(v, key), word, count;
		while (it.p && json_member(&it, &word, &count)) {
			printf("  ");
			cli_safe(stdout, word.p, word.len, 0);
			printf(" %.*s", (int)count.len, count.p);
		}
		putchar('\n');
	}
}

static int do_status(struct spool *s, struct opts *o)
{
	struct buf b = { 0 };
	enum status st;

	json_open(&b, NULL, '{');
	json_int(&b, "weir", RECORD_VERSION);
	json_cstr(&b, "type", "spool");
	st = spool_status(s, &b);
	json_close(&b, '}');
	if (st == ST_OK && o->json)
		printf("%s\n", buf_cstr(&b));
	else if (st == ST_OK)
		print_status((struct span){ b.p, b.len });
	buf_free(&b);
	return fail(o, st, "status");
}

/* From here on only the spool can be written to, and only what --wake looks at read. */
static enum status fence_in(const struct spool *s, const struct opts *o)
{
	struct sandbox_path also[WAKES_MAX + 2] = { 0 };
	struct sandbox_opts fence = { .profile = "weir-spool", .also = also };
	struct buf folder = { 0 }, run = { 0 };
	const char *home;
	enum status st;

	/* Only where a home is anyway: what was said about this machine is remembered in it. */
	if (home_dir(NULL, &home) == ST_OK) {
		buf_fmt(&run, "%s/run", home);
		if (buf_ok(&run) && access(run.p, W_OK) == 0)
			fence.home = home;
	}
	spool_folder(s, &folder);
	also[0] = (struct sandbox_path){ buf_cstr(&folder), SANDBOX_WRITE };
	for (size_t i = 0; i < o->wakes; i++)
		also[i + 1] = (struct sandbox_path){ o->wake[i].file, SANDBOX_READ };
	st = buf_ok(&folder) ? sandbox_enter(&fence) : st_fail(ST_NOMEM, "out of memory");
	buf_free(&folder);
	buf_free(&run);
	return st;
}

static int run(const char *word, struct spool *s, struct opts *o)
{
	if (!strcmp(word, "list") || !strcmp(word, "claim"))
		return do_claim(s, o, *word == 'l');
	if (!strcmp(word, "ack"))
		return do_ack(s, o, true);
	if (!strcmp(word, "tally"))
		return do_ack(s, o, false);
	if (!strcmp(word, "hold"))
		return do_hold(s, o);
	if (!strcmp(word, "release") || !strcmp(word, "requeue"))
		return do_back(s, o, !strcmp(word, "requeue"));
	return strcmp(word, "put") ? do_status(s, o) : do_put(s, o);
}

static uint64_t number(const char *s, const char *what)
{
	char *end;
	unsigned long long n = strtoull(s, &end, 10);

	if (!*s || *end || s[strspn(s, "0123456789")] || n > 1000000000)
		cli_usage("%s: not a number: %s", what, s);
	return n;
}

static void add_wake(struct opts *o, char *arg)
{
	char *eq = strchr(arg, '=');

	if (eq && eq > arg && eq[1] && o->wakes < WAKES_MAX) {
		*eq = '\0';
		o->wake[o->wakes++] = (struct spool_wake){ arg, eq + 1 };
		return;
	}
	cli_usage("--wake takes REASON=FILE, up to %d times: %s", WAKES_MAX, arg);
}

enum { O_WAKE = 256, O_HEADER, O_DELETE, O_ALL, O_REASON, O_DETAIL, O_RETRY, O_NAME, O_FROM, O_TO,
	O_MBOX, O_JSON, O_PROGRESS, O_SUMMARY, O_VERSION };

static const struct option options[] = {
	{ "kind", required_argument, NULL, 'k' }, { "limit", required_argument, NULL, 'n' },
	{ "wake", required_argument, NULL, O_WAKE }, { "delete", no_argument, NULL, O_DELETE },
	{ "recipient-header", required_argument, NULL, O_HEADER },
	{ "all", no_argument, NULL, O_ALL }, { "reason", required_argument, NULL, O_REASON },
	{ "detail", required_argument, NULL, O_DETAIL }, { "retry", required_argument, NULL, O_RETRY },
	{ "name", required_argument, NULL, O_NAME }, { "from", required_argument, NULL, O_FROM },
	{ "to", required_argument, NULL, O_TO }, { "mbox", no_argument, NULL, O_MBOX },
	{ "json", no_argument, NULL, O_JSON }, { "verbose", no_argument, NULL, 'v' },
	{ "progress", no_argument, NULL, O_PROGRESS }, { "summary", no_argument, NULL, O_SUMMARY },
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, O_VERSION }, { 0 }
};

static void read_options(int argc, char *argv[], struct opts *o)
{
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":k:n:vh", options, NULL)) != -1) {
		switch (opt) {
		case 'k':
			if (!spool_kind_of(optarg, &o->kind))
				cli_usage("no kind of spool: %s", optarg);
			break;
		case 'n': o->limit = number(optarg, "--limit"); break;
		case O_WAKE: add_wake(o, optarg); break;
		case O_HEADER: o->recipient_header = optarg; break;
		case O_DELETE: o->remove = true; break;
		case O_ALL: o->all = true; break;
		case O_REASON: o->reason = optarg; break;
		case O_DETAIL: o->detail = optarg; break;
		case O_RETRY: o->retry_s = (long)number(optarg, "--retry"); break;
		case O_NAME: o->name = optarg; break;
		case O_FROM: o->from = optarg; break;
		case O_TO: o->to[o->recipients++] = optarg; break;
		case O_MBOX: o->mbox = true; break;
		case O_JSON: o->json = true; break;
		case O_PROGRESS: o->progress = true; break;
		case O_SUMMARY: o->summary = true; break;
		case 'v': o->verbose = true; break;
		case 'h': cli_help();
		case O_VERSION: cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
}

int main(int argc, char *argv[])
{
	static const char *const words[] = { "list", "claim", "ack", "hold", "release", "requeue",
		"put", "status", "tally" };
	struct opts o = { .to = calloc((size_t)argc + 1, sizeof *o.to) };
	const char *word = NULL;
	struct spool *s;
	enum status st;
	int status;

	cli_start("weir-spool", help);
	if (!o.to)
		return cli_finish(cli_fail(ST_NOMEM, "start"));
	read_options(argc, argv, &o);
	for (size_t i = 0; i < sizeof words / sizeof *words && optind < argc; i++)
		if (!strcmp(argv[optind], words[i]))
			word = words[i];
	if (!word)
		cli_usage(optind < argc ? "unknown: %s" : "what to do?%s", optind < argc ? argv[optind] : "");
	if (++optind == argc)
		cli_usage("%s: which spool?", word);
	st = spool_open(argv[optind], o.kind, &s);
	if (st != ST_OK) {
		free(o.to);
		return cli_finish(cli_fail(st, word));
	}
	o.names = argv + optind + 1;
	o.n = (size_t)(argc - optind - 1);
	if (o.n && strcmp(word, "hold") && strcmp(word, "release") && strcmp(word, "requeue"))
		cli_usage("%s: no more operands wanted: %s", word, o.names[0]);
	spool_tell(s, say, NULL);
	st = fence_in(s, &o);
	status = st == ST_OK ? run(word, s, &o) : cli_fail(st, word);
	spool_close(&s);
	free(o.to);
	return cli_finish(status);
}
