/*
 * weir-export - a tenant's messages out of the store: as an mbox, into a maildir, as JSON Lines.
 *
 * Messages go out byte for byte as they are stored; an mbox is mboxrd, the one form of it that can be undone. What is
 * exported is settled in one snapshot; each message is then read by itself, so that a slow pipe pins nothing.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "home.h"
#include "query.h"
#include "sandbox.h"

static const char help[] =
	"usage: weir-export [OPTION...] TENANT\n"
	"\n"
	"Writes messages to stdout as an mbox (mboxrd), the oldest first.\n"
	"\n"
	"      --maildir DIR    into this maildir instead; what is there already is left alone\n"
	"      --jsonl          the entities, JSON Lines\n"
	"      --lf             lines end in LF, as local mail programs like it: bytes and ids change\n"
	QUERY_HELP
	"      --home DIR       instead of $WEIR_HOME\n"
	"  -h, --help           this text\n"
	"      --version        the version\n";

struct opts { const char *home, *maildir; struct query query; bool jsonl, lf; };

struct run {
	const struct opts *opts;
	struct store *store;
	uint8_t (*id)[DIGEST_BYTES];
	size_t n, cap;
	int cur_fd;
	struct buf json, raw;
};

static enum status collect_id(void *arg, const struct store_message *m)
{
	struct run *run = arg;

	if (run->n == run->cap) {
		size_t cap = run->cap * 2 + 1024;
		void *p = realloc(run->id, cap * sizeof(*run->id));

		if (p == NULL)
			return st_fail(ST_NOMEM, "out of memory");
		run->id = p;
		run->cap = cap;
	}
	memcpy(run->id[run->n++], m->id, DIGEST_BYTES);
	return ST_OK;
}

static enum status collect(struct run *run)
{
	struct asked asked = { 0 };
	enum status st = store_begin(run->store);

	if (st != ST_OK)
		return st;
	st = query_prepare(&run->opts->query, run->store, &asked);
	if (st == ST_OK)
		st = store_messages(run->store, &asked.q, collect_id, run);
	store_abort(run->store);
	query_done(&asked);
	return st;
}

/* ---- one message ---- */

static enum status keep(void *arg, const struct store_message *m)
{
	struct run *run = arg;
	struct span sha = json_get(m->json, "raw.sha256");
	uint8_t digest[DIGEST_BYTES];

	buf_add(&run->json, m->json.p, m->json.len);
	if (run->opts->jsonl)
		return ST_OK;
	if (sha.len != DIGEST_HEX + 2 || !hex_read(sha.p + 1, DIGEST_HEX, digest, DIGEST_BYTES))
		return st_fail(ST_BUG, "a message without raw digest");
	return store_blob_read(run->store, digest, &run->raw);
}

/* CRLF to LF, in place. A CR by itself is the sender's business. */
static void to_lf(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] != '\r' || i + 1 == b->len || b->p[i + 1] != '\n')
			b->p[n++] = b->p[i];
	b->len = n;
}

/* Whether a "From " line with this sender can be told from others' (no blanks, nothing strange). */
static bool plain_sender(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] <= ' ' || b->p[i] == 0x7f)
			return false;
	return b->len > 0;
}

/* From a@x.example Mon Nov  9 05:42:04 2026: what RFC 4155 asks for. */
static void from_line(struct span entity)
{
	struct span it = json_get(entity, "deliveries"), first;
	struct buf sender = { 0 };
	int64_t date = 0;
	char text[64];
	struct tm tm;
	time_t t;

	if (json_elem(&it, &first))
		json_text(json_get(first, "envelope_from"), &sender);
	json_get_int(json_get(entity, "message.date.unix"), &date);
	t = date;
	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
	printf("From %s %s\n", plain_sender(&sender) ? sender.p : "MAILER-DAEMON", text);
	buf_free(&sender);
}

static bool needs_quote(const char *p, const char *end)
{
	while (p < end && *p == '>')
		p++;
	return end - p >= 5 && memcmp(p, "From ", 5) == 0;
}

static void print_mbox(const struct run *run)
{
	const char *p = run->raw.p, *end = p + run->raw.len;

	from_line((struct span){ run->json.p, run->json.len });
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *next = nl != NULL ? nl + 1 : end;

		if (needs_quote(p, end))
			putchar('>');
		fwrite(p, 1, (size_t)(next - p), stdout);
		p = next;
	}
	/* An mbox cannot say that a last line had no end. */
	fputs(run->raw.len > 0 && end[-1] != '\n' ? "\n\n" : "\n", stdout);
}

/* DATE.ID.weir: the same message gets the same name, so exporting again adds only what is new. */
static enum status put_maildir(struct run *run, const uint8_t id[DIGEST_BYTES])
{
	char hex[DIGEST_HEX + 1], name[128];
	int64_t date = 0;

	hex_of(id, DIGEST_BYTES, hex);
	json_get_int(json_get((struct span){ run->json.p, run->json.len }, "message.date.unix"), &date);
	snprintf(name, sizeof(name), "%lld.%s.weir:2,", (long long)date, hex);
	if (faccessat(run->cur_fd, name, F_OK, 0) == 0)
		return ST_OK;
	return file_write_at(run->cur_fd, name, run->raw.p, run->raw.len, false);
}

static enum status export_one(struct run *run, const uint8_t id[DIGEST_BYTES])
{
	char hex[DIGEST_HEX + 1];
	enum status st = store_begin(run->store);

	if (st != ST_OK)
		return st;
	buf_clear(&run->json);
	buf_clear(&run->raw);
	hex_of(id, DIGEST_BYTES, hex);
	st = store_message(run->store, hex, keep, run);
	store_abort(run->store);
	if (st == ST_OK && !(buf_ok(&run->json) && buf_ok(&run->raw)))
		st = st_fail(ST_NOMEM, "out of memory");
	if (st != ST_OK)
		return st;
	if (run->opts->jsonl) {
		printf("%s\n", run->json.p);
		return ST_OK;
	}
	if (run->opts->lf)
		to_lf(&run->raw);
	if (run->opts->maildir != NULL)
		return put_maildir(run, id);
	print_mbox(run);
	return ST_OK;
}

static enum status open_maildir(struct run *run)
{
	static const char *const folders[] = { "new", "tmp", "cur" };
	struct buf path = { 0 };
	enum status st = ST_OK;

	for (int i = 0; st == ST_OK && i < 3; i++) {
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", run->opts->maildir, folders[i]);
		st = buf_ok(&path) ? file_mkdirs(path.p, 0700) : st_fail(ST_NOMEM, "out of memory");
	}
	if (st == ST_OK) {
		run->cur_fd = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (run->cur_fd < 0)
			st = st_fail_errno("open %s", path.p);
	}
	buf_free(&path);
	return st;
}

static int export(struct run *run, const char *tenant)
{
	enum status st = run->opts->maildir != NULL ? open_maildir(run) : ST_OK;
	struct sandbox_path also[2] = { { run->opts->maildir, SANDBOX_WRITE } };
	int status = 0;

	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-export", .home = run->opts->home,
			.tenant = tenant, .also = also });
	if (st == ST_OK)
		st = store_open(run->opts->home, tenant, STORE_READ, &run->store);
	if (st == ST_OK)
		st = collect(run);
	for (size_t i = 0; st == ST_OK && i < run->n && !ferror(stdout); i++) {
		enum status one = export_one(run, run->id[i]);
		char hex[DIGEST_HEX + 1];

		hex_of(run->id[i], DIGEST_BYTES, hex);
		if (one != ST_OK)
			status = st_worse(status, cli_fail(one, hex));
		if (one == ST_IO && run->opts->maildir != NULL)
			break;
	}
	if (st == ST_OK && run->cur_fd >= 0 && syncfs(run->cur_fd) != 0)
		st = st_fail_errno("sync %s", run->opts->maildir);
	if (run->cur_fd >= 0)
		close(run->cur_fd);
	store_close(&run->store);
	return st == ST_OK ? status : st_worse(status, cli_fail(st, tenant));
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		QUERY_OPTIONS,
		{ "maildir", required_argument, NULL, 'm' },
		{ "jsonl", no_argument, NULL, 'j' },
		{ "lf", no_argument, NULL, 'l' },
		{ "home", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	struct run run = { .opts = &o, .cur_fd = -1 };
	enum status st;
	int opt, status;

	cli_start("weir-export", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'm': o.maildir = optarg; break;
		case 'j': o.jsonl = true; break;
		case 'l': o.lf = true; break;
		case 'H': o.home = optarg; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default:
			if (!query_option(&o.query, opt, optarg))
				cli_bad_option(argv, opt);
		}
	}
	if (argc - optind != 1)
		cli_usage("one tenant wanted");
	if (o.jsonl && (o.maildir != NULL || o.lf))
		cli_usage("--jsonl goes with neither --maildir nor --lf");
	st = home_dir(o.home, &o.home);
	status = st == ST_OK ? export(&run, argv[optind]) : cli_fail(st, "home");
	free(run.id);
	buf_free(&run.json);
	buf_free(&run.raw);
	return cli_finish(status);
}
