/*
 * weir-parse - raw MIME to records: what a message says, its parts, and what is wrong with it.
 *
 * Never guesses what stdin is: raw MIME, unless -r says that it is records which name files. Hostile bytes are
 * met in worker processes only; what kills one is "unparseable", and its neighbours are not harmed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "defect.h"
#include "digest.h"
#include "file.h"
#include "home.h"
#include "message.h"
#include "pool.h"
#include "sandbox.h"

#define TIMEOUT_MS 10000
#define MEMORY_MB  400
#define KEEP_BYTES (1u << 20)	/* a bigger buffer is freed after use */

static const char help[] =
	"usage: weir-parse [options] [FILE...] | weir-parse -r [options] <RECORDS >RECORDS\n"
	"\n"
	"Makes a record of each raw message (stdin, or the FILEs), or appends `message`, `parts` and\n"
	"`defects` to records that name one. See weir-parse(1).\n"
	"\n"
	"  -r, --records       stdin is records, not a message\n"
	"  -R, --root DIR      with -r: files may be beneath DIR (repeatable)\n"
	"      --home DIR      with -r: weir's home\n"
	"  -j, --jobs N        worker processes (1)\n"
	"      --text --html --headers            put them into the record (default without -r)\n"
	"      --no-text --no-html --no-headers   leave them out (default with -r)\n"
	"      --text-bytes N  of text and of html at most (262144)\n"
	"      --max-parts N, --max-depth N, --max-header-bytes N, --max-params N\n"
	"      --timeout MS    for one message (10000)\n"
	"      --memory MB     of a worker (400)\n"
	"  -e                  exit 1 if programs may read a message in different ways\n"
	"  -h, --help          this text\n"
	"      --version       the version\n";

struct opts {
	bool records, verdict;
	int text, html, headers;	/* -1: as the mode has it */
	struct message_opts message;
	struct mime_limits limits;
	struct roots *roots;
	const char *home;
	struct buf in;			/* the message on stdin, read before the workers are made */
	struct buf raw;			/* a worker's, kept from message to message */
	bool *suspicious;		/* shared with the workers */
};

/* ---- in a worker ---- */

static enum status start(void *arg, int worker_index)
{
	mime_init();
	return sandbox_worker();
}

static enum status read_message(struct opts *o, const struct rec *rec)
{
	struct buf *raw = &o->raw;
	struct buf path = { 0 };
	enum status st = ST_OK;
	int fd = -1;

	if (!json_text(rec_get(rec, "raw.path"), &path)) {
		if (o->records)
			return st_fail(ST_BAD, "no raw.path in the record");
		buf_clear(raw);
		buf_add(raw, o->in.p, o->in.len);
		return buf_ok(raw) ? ST_OK : st_fail(ST_NOMEM, "message: out of memory");
	}
	if (o->records)
		st = roots_open(o->roots, buf_cstr(&path), &fd);
	else {
		fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			st = st_fail_errno("open %s", buf_cstr(&path));
	}
	if (st == ST_OK)
		st = file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, raw);
	if (fd >= 0)
		close(fd);
	buf_free(&path);
	return st;
}

static enum status unparseable(const struct rec *rec, struct buf *extra)
{
	cli_warn("%s: unparseable: %s", rec_label(rec), st_text());
	rec_quarantine(extra, "weir-parse", "unparseable", st_text());
	return ST_OK;
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	struct opts *o = arg;
	struct message_opts mo = o->message;
	struct mime *m = NULL;
	enum status st = read_message(o, rec);

	if (st == ST_OK && o->raw.len == 0)
		st = st_fail(ST_LIMIT, "the message is empty");
	if (st == ST_OK)
		st = mime_parse(o->raw.p, o->raw.len, &o->limits, &m);
	if (st == ST_OK) {
		mo.max_bytes = RECORD_MAX_BYTES - rec->len - 4096;
		st = message_json(m, &mo, extra);
		for (size_t i = 0; i < m->defects; i++) {
			const struct defect_word *w = defect_find(m->defect[i].name,
				strlen(m->defect[i].name));
			if (w && w->suspicious)
				*o->suspicious = true;
		}
	}
	mime_free(&m);
	if (o->raw.cap > KEEP_BYTES)
		buf_free(&o->raw);
	if (st != ST_LIMIT && st != ST_NOMEM)
		return st;
	buf_clear(extra);
	return unparseable(rec, extra);
}

/* ---- in the parent ---- */

static void failed(void *arg, const struct rec *rec, enum pool_failure why, int detail,
	struct buf *extra)
{
	if (why == POOL_TIMEOUT)
		st_fail(ST_LIMIT, "not parsed within %d ms", detail);
	else if (why == POOL_MEMORY)
		st_fail(ST_LIMIT, "the parser ran out of memory");
	else
		st_fail(ST_LIMIT, "the parser crashed (signal %d)", detail);
	unparseable(rec, extra);
}

/* One record for a raw message; path NULL: it came on stdin. */
static enum status write_record(struct digest *sha, uint64_t size, const char *path, int fd)
{
	uint8_t bytes[DIGEST_BYTES];
	char hex[DIGEST_HEX + 1];
	struct buf line = { 0 };
	enum status st = digest_end(sha, bytes);

	if (st != ST_OK)
		return st;
	hex_of(bytes, sizeof(bytes), hex);
	json_open(&line, NULL, '{');
	json_int(&line, "weir", RECORD_VERSION);
	json_cstr(&line, "id", hex);
	json_open(&line, "raw", '{');
	if (path)
		json_cstr(&line, "path", path);
	json_int(&line, "size", (int64_t)size);
	json_close(&line, '}');
	json_close(&line, '}');
	buf_chr(&line, '\n');
	st = buf_ok(&line) ? file_write_all(fd, line.p, line.len) :
		st_fail(ST_NOMEM, "record: out of memory");
	buf_free(&line);
	return st;
}

static enum status feed_stdin(const struct buf *in, int out)
{
	struct digest sha = { 0 };
	enum status st = digest_begin(&sha);

	if (st == ST_OK) {
		digest_add(&sha, in->p, in->len);
		st = write_record(&sha, in->len, NULL, out);
	}
	digest_free(&sha);
	return st;
}

/* Digest and size of a file of any size: too big is for the worker to say, in the record. */
static enum status digest_file(int fd, struct digest *sha, uint64_t *size)
{
	static char block[1 << 16];
	enum status st = digest_begin(sha);
	ssize_t n = 1;

	*size = 0;
	while (st == ST_OK && n > 0) {
		n = read(fd, block, sizeof(block));
		if (n < 0 && errno != EINTR)
			return st_fail_errno("read");
		if (n > 0) {
			digest_add(sha, block, (size_t)n);
			*size += (uint64_t)n;
		}
		n = n < 0 ? 1 : n;
	}
	return st;
}

static int feed_file(const char *name, int out)
{
	struct digest sha = { 0 };
	char path[PATH_MAX];
	uint64_t size;
	enum status st = ST_OK;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || !realpath(name, path))
		st = st_fail_errno("open");
	if (st == ST_OK && !utf8_valid(path, strlen(path)))
		st = st_fail(ST_BAD, "the name is not UTF-8: no record can hold it");
	if (st == ST_OK)
		st = digest_file(fd, &sha, &size);
	if (st == ST_OK)
		st = write_record(&sha, size, path, out);
	if (fd >= 0)
		close(fd);
	digest_free(&sha);
	return st == ST_OK ? EX_WEIR_OK : cli_fail(st, name);
}

/* The records of raw input come from a child process, so that the pool reads them as any others. */
static pid_t feed(const struct opts *o, char *const files[], int n)
{
	int pipes[2], status = 0;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid != 0) {
		if (pid > 0 && dup2(pipes[0], 0) < 0)
			pid = -1;
		close(pipes[0]);
		close(pipes[1]);
		return pid;
	}
	close(pipes[0]);
	for (int i = 0; i < n; i++)
		status = st_worse(status, feed_file(files[i], pipes[1]));
	if (n == 0 && feed_stdin(&o->in, pipes[1]) != ST_OK)
		status = cli_fail(ST_IO, "stdin");
	_exit(status);
}

/* The folders of records, or the files that were named: nothing else is read from here on. */
static enum status enter(const struct opts *o, char *const files[], int n)
{
	struct sandbox_path *also = calloc((size_t)n + 1, sizeof(*also));
	enum status st;

	if (!also)
		return st_fail(ST_NOMEM, "out of memory");
	for (int i = 0; i < n; i++)
		also[i] = (struct sandbox_path){ files[i], SANDBOX_READ };
	st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-parse", .home = o->home, .roots = o->roots,
		.also = also });
	free(also);
	return st;
}

static int run(struct opts *o, int jobs, unsigned timeout_ms, size_t memory, char *const files[],
	int n)
{
	struct pool_opts pool = { .prog = "weir-parse", .workers = jobs, .timeout_ms = timeout_ms,
		.memory_bytes = memory, .arg = o, .start = start, .each = each, .failed = failed };
	pid_t pid = 0;
	int status, how = 0;
	enum status st;

	if (!o->records && n == 0) {
		st = file_read_fd(0, 0, -1, MESSAGE_MAX_BYTES, &o->in);
		if (st == ST_OK && o->in.len == 0)
			st = st_fail(ST_BAD, "no message on it");
		if (st != ST_OK)
			return cli_fail(st, "stdin");
	}
	if (!o->records) {
		pid = feed(o, files, n);
		if (pid < 0)
			return cli_fail(st_fail_errno("fork"), "input");
	}
	st = enter(o, files, n);
	status = st == ST_OK ? pool_run(&pool) : cli_fail(st, "start");
	if (pid > 0 && waitpid(pid, &how, 0) == pid)
		status = st_worse(status, WIFEXITED(how) ? WEXITSTATUS(how) : EX_WEIR_BUG);
	return status == 0 && o->verdict && *o->suspicious ? EX_WEIR_NO : status;
}

static size_t number(const char *name, const char *text, size_t max)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || v < 1 || v > max)
		cli_usage("--%s: a number from 1 to %zu, not %s", name, max, text);
	return v;
}

static int open_roots(struct opts *o)
{
	const char *home;
	enum status st = ST_OK;

	if (!o->records)
		return EX_WEIR_OK;
	if (o->roots)
		return EX_WEIR_OK;
	st = roots_new(&o->roots);
	if (st == ST_OK)
		st = home_dir(o->home, &home);
	if (st == ST_OK)
		st = roots_default(o->roots, home);
	return st == ST_OK ? EX_WEIR_OK : cli_fail(st, "folders");
}

static void add_root(struct opts *o, const char *dir)
{
	enum status st = o->roots ? ST_OK : roots_new(&o->roots);

	if (st == ST_OK)
		st = roots_add(o->roots, dir);
	if (st != ST_OK)
		exit(cli_fail(st, dir));
}

enum { TEXT = 256, NO_TEXT, HTML, NO_HTML, HEADERS, NO_HEADERS, TEXT_BYTES, MAX_PARTS, MAX_DEPTH,
	MAX_HEADER, MAX_PARAMS, TIMEOUT, MEMORY, HOME, VERSION };

static const struct option options[] = {
	{ "records", no_argument, NULL, 'r' }, { "root", required_argument, NULL, 'R' },
	{ "jobs", required_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' },
	{ "text", no_argument, NULL, TEXT }, { "no-text", no_argument, NULL, NO_TEXT },
	{ "html", no_argument, NULL, HTML }, { "no-html", no_argument, NULL, NO_HTML },
	{ "headers", no_argument, NULL, HEADERS },
	{ "no-headers", no_argument, NULL, NO_HEADERS },
	{ "text-bytes", required_argument, NULL, TEXT_BYTES },
	{ "max-parts", required_argument, NULL, MAX_PARTS },
	{ "max-depth", required_argument, NULL, MAX_DEPTH },
	{ "max-header-bytes", required_argument, NULL, MAX_HEADER },
	{ "max-params", required_argument, NULL, MAX_PARAMS },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "memory", required_argument, NULL, MEMORY },
	{ "home", required_argument, NULL, HOME },
	{ "version", no_argument, NULL, VERSION }, { NULL, 0, NULL, 0 },
};

struct workers { int jobs; size_t timeout_ms, memory_mb; };

static void read_options(int argc, char *argv[], struct opts *o, struct workers *w)
{
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":rR:j:eh", options, NULL)) != -1) {
		switch (opt) {
		case 'r': o->records = true; break;
		case 'R': add_root(o, optarg); break;
		case 'j': w->jobs = (int)number("jobs", optarg, POOL_MAX_WORKERS); break;
		case 'e': o->verdict = true; break;
		case TEXT: case NO_TEXT: o->text = opt == TEXT; break;
		case HTML: case NO_HTML: o->html = opt == HTML; break;
		case HEADERS: case NO_HEADERS: o->headers = opt == HEADERS; break;
		case TEXT_BYTES: o->message.text_bytes = number("text-bytes", optarg, 1 << 20); break;
		case MAX_PARTS: o->limits.parts = (unsigned)number("max-parts", optarg, 2000); break;
		case MAX_DEPTH: o->limits.depth = (unsigned)number("max-depth", optarg, MIME_MAX_DEPTH); break;
		case MAX_HEADER: o->limits.pre.header_bytes = number("max-header-bytes", optarg,
			MESSAGE_MAX_BYTES); break;
		case MAX_PARAMS: o->limits.pre.params = number("max-params", optarg, 1000); break;
		case TIMEOUT: w->timeout_ms = number("timeout", optarg, 3600000); break;
		case MEMORY: w->memory_mb = number("memory", optarg, 1 << 16); break;
		case HOME: o->home = optarg; break;
		case 'h': cli_help();
		case VERSION: cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	if (o->records && optind < argc)
		cli_usage("-r reads records on stdin, no operand wanted: %s", argv[optind]);
	o->message.text = o->text < 0 ? !o->records : o->text;
	o->message.html = o->html < 0 ? !o->records : o->html;
	o->message.headers = o->headers < 0 ? !o->records : o->headers;
}

int main(int argc, char *argv[])
{
	struct opts o = { .text = -1, .html = -1, .headers = -1 };
	struct workers w = { 1, TIMEOUT_MS, MEMORY_MB };
	int status;

	cli_start("weir-parse", help);
	read_options(argc, argv, &o, &w);
	o.suspicious = mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	if (o.suspicious == MAP_FAILED)
		return cli_fail(st_fail_errno("mmap"), "start");
	status = open_roots(&o);
	if (status == EX_WEIR_OK)
		status = run(&o, w.jobs, (unsigned)w.timeout_ms, w.memory_mb << 20, argv + optind, argc - optind);
	roots_free(&o.roots);
	buf_free(&o.in);
	return cli_finish(status);
}
