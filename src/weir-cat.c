/*
 * weir-cat - the bytes of a message: as it is stored, its text, its HTML, its header, an attachment.
 */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "field.h"
#include "file.h"
#include "home.h"
#include "query.h"
#include "reread.h"
#include "sandbox.h"

static const char help[] =
	"usage: weir-cat [OPTION...] TENANT MESSAGE\n"
	"       weir-cat [OPTION...] TENANT --attachment SHA256\n"
	"\n"
	"Writes a message to stdout, byte for byte as it is stored. MESSAGE is an id or the beginning of\n"
	"one (6 digits or more), or a Message-ID.\n"
	"\n"
	"      --text             its text in UTF-8 (made from the HTML if there is no other)\n"
	"      --html             its HTML in UTF-8\n"
	"      --headers          its header, as it stands\n"
	"      --attachment WHAT  the attachment with this part number, digest (or the beginning of one) or file name\n"
	"      --json             the entity\n"
	"      --home DIR         instead of $WEIR_HOME\n"
	"  -h, --help             this text\n"
	"      --version          the version\n";

enum what { RAW, TEXT, HTML, HEADERS, ATTACHMENT, JSON };
struct opts { const char *home, *attachment; enum what what; };

struct run {
	const struct opts *opts;
	struct store *store;
	struct reread *reread;
	struct buf entity, bytes;
	size_t messages, attachments;
	uint8_t digest[DIGEST_BYTES];
};

static enum status keep_message(void *arg, const struct store_message *m)
{
	struct run *run = arg;

	if (run->messages++ > 0)
		return st_fail(ST_BAD, "several messages have that Message-ID: name one by its id (weir-ls messages)");
	buf_clear(&run->entity);
	buf_add(&run->entity, m->json.p, m->json.len);
	return buf_ok(&run->entity) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

/* ---- attachments ---- */

/* How --attachment names it: 3 the part, 2 the digest, 1 the file name; 0 not at all. */
static int names(struct span a, const char *what)
{
	static const char *const keys[] = { "filename", "sha256", "part" };
	struct buf b = { 0 };
	int found = 0;

	for (int i = 2; i >= 0 && found == 0; i--) {
		size_t n = strlen(what);

		buf_clear(&b);
		if (json_text(json_get(a, keys[i]), &b)
				&& (strcmp(buf_cstr(&b), what) == 0 || (i == 1 && n >= 6 && strncmp(buf_cstr(&b), what, n) == 0)))
			found = i + 1;
	}
	buf_free(&b);
	return found;
}

static enum status take_digest(struct run *run, struct span a)
{
	struct span sha = json_get(a, "sha256"), removed = json_get(a, "removed");

	if (removed.p != NULL)
		return st_fail(ST_NOTFOUND, "that attachment was removed: %.*s", (int)removed.len, removed.p);
	if (sha.len != DIGEST_HEX + 2 || !hex_read(sha.p + 1, DIGEST_HEX, run->digest, DIGEST_BYTES))
		return st_fail(ST_BUG, "an attachment without digest");
	return ST_OK;
}

/* The best match wins; two of the same kind with different bytes are one too many. */
static enum status pick_attachment(struct run *run, struct span list)
{
	struct span it = list, e, best = { 0 };
	int rank = 0, equals = 0;

	while (json_elem(&it, &e)) {
		int r = names(e, run->opts->attachment);
		struct span a = json_get(best, "sha256"), b = json_get(e, "sha256");

		if (r == 0 || r < rank)
			continue;
		equals = r > rank ? 1 : equals + !(a.len == b.len && memcmp(a.p, b.p, a.len) == 0);
		rank = r;
		best = e;
	}
	if (rank == 0)
		return st_fail(ST_NOTFOUND, "the message has no attachment %s", run->opts->attachment);
	if (equals > 1)
		return st_fail(ST_BAD, "several attachments are called %s: name one by its part", run->opts->attachment);
	return take_digest(run, best);
}

/* Without a message: the whole digest, of something that is an attachment in this store. */
static enum status match_digest(void *arg, struct span json)
{
	struct run *run = arg;

	if (!json_is(json_get(json, "sha256"), run->opts->attachment) || json_get(json, "removed").p != NULL)
		return ST_OK;
	run->attachments++;
	return take_digest(run, json) == ST_OK ? ST_END : ST_BUG;
}

static enum status find_attachment(struct run *run)
{
	struct store_query all = { 0 };
	enum status st = store_attachments(run->store, &all, match_digest, run);

	if ((st == ST_OK || st == ST_END) && run->attachments == 0)
		return st_fail(ST_NOTFOUND, "no attachment has the digest %s", run->opts->attachment);
	return st == ST_END ? ST_OK : st;
}

/* ---- what goes out ---- */

static enum status header_only(struct buf *b)
{
	struct field f;
	size_t at = header_begin(b->p, b->len);

	while (field_next(b->p, b->len, &at, &f))
		;
	b->len = at;
	return ST_OK;
}

static enum status text_only(struct run *run)
{
	const bool html = run->opts->what == HTML;
	struct message_opts o = { .text = !html, .html = html, .text_bytes = REREAD_TEXT_BYTES };
	struct buf json = { 0 };
	struct span v;
	enum status st = reread_message(run->reread, run->bytes.p, run->bytes.len, &o, &json);

	if (st == ST_OK) {
		v = json_get((struct span){ json.p, json.len }, html ? "message.html" : "message.text");
		buf_clear(&run->bytes);
		if (!json_text(v, &run->bytes))
			st = st_fail(ST_NOTFOUND, "the message has no %s", html ? "HTML" : "text");
	}
	buf_free(&json);
	return st;
}

/* Within the snapshot: everything into memory, nothing to stdout. */
static enum status collect(struct run *run, const char *message)
{
	const struct opts *o = run->opts;
	struct span entity, sha;
	enum status st = message != NULL ? find_messages(run->store, message, keep_message, run) : find_attachment(run);

	if (st != ST_OK)
		return st;
	entity = (struct span){ run->entity.p, run->entity.len };
	if (o->what == JSON) {
		buf_add(&run->bytes, entity.p, entity.len);
		buf_chr(&run->bytes, '\n');
		return ST_OK;
	}
	if (o->what == ATTACHMENT) {
		if (message != NULL)
			st = pick_attachment(run, json_get(entity, "attachments"));
	} else {
		sha = json_get(entity, "raw.sha256");
		if (sha.len != DIGEST_HEX + 2 || !hex_read(sha.p + 1, DIGEST_HEX, run->digest, DIGEST_BYTES))
			st = st_fail(ST_BUG, "a message without raw digest");
	}
	return st == ST_OK ? store_blob_read(run->store, run->digest, &run->bytes) : st;
}

/* Bytes as they are; but no stranger's control characters to a terminal. */
static enum status put_out(const char *p, size_t n)
{
	if (!isatty(STDOUT_FILENO))
		return file_write_all(STDOUT_FILENO, p, n);
	for (size_t line = 0; line < n; ) {
		const char *nl = memchr(p + line, '\n', n - line);
		size_t end = nl ? (size_t)(nl - p) : n;
		bool cr = nl && end > line && p[end - 1] == '\r';

		cli_safe(stdout, p + line, end - line - cr, 1);
		if (nl)
			putchar('\n');
		line = end + (nl != NULL);
	}
	return ST_OK;
}

static enum status cat(struct run *run, const char *tenant, const char *message)
{
	const enum what what = run->opts->what;
	enum status st = what == TEXT || what == HTML ? reread_start(&run->reread) : ST_OK;

	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-cat", .home = run->opts->home,
			.tenant = tenant });
	if (st == ST_OK)
		st = store_open(run->opts->home, tenant, STORE_READ, &run->store);
	if (st == ST_OK)
		st = store_begin(run->store);
	if (st == ST_OK) {
		st = collect(run, message);
		store_abort(run->store);
	}
	store_close(&run->store);
	if (st == ST_OK && (what == TEXT || what == HTML))
		st = text_only(run);
	if (st == ST_OK && what == HEADERS)
		st = header_only(&run->bytes);
	if (st == ST_OK && run->bytes.len > 0)
		st = put_out(run->bytes.p, run->bytes.len);
	reread_stop(&run->reread);
	return st;
}

static void read_options(int argc, char *argv[], struct opts *o)
{
	static const struct option options[] = {
		{ "text", no_argument, NULL, 't' },
		{ "html", no_argument, NULL, 'x' },
		{ "headers", no_argument, NULL, 'e' },
		{ "attachment", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'J' },
		{ "home", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	enum what what = RAW;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 't': what = TEXT; break;
		case 'x': what = HTML; break;
		case 'e': what = HEADERS; break;
		case 'a': what = ATTACHMENT; o->attachment = optarg; break;
		case 'J': what = JSON; break;
		case 'H': o->home = optarg; continue;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
		if (o->what != RAW)
			cli_usage("only one of --text, --html, --headers, --attachment and --json");
		o->what = what;
	}
}

int main(int argc, char *argv[])
{
	struct opts o = { 0 };
	struct run run = { .opts = &o };
	const char *message;
	enum status st;

	cli_start("weir-cat", help);
	read_options(argc, argv, &o);
	argc -= optind;
	argv += optind;
	if (argc != 2 && !(argc == 1 && o.what == ATTACHMENT))
		cli_usage("a tenant and a message wanted");
	message = argc == 2 ? argv[1] : NULL;
	st = home_dir(o.home, &o.home);
	if (st == ST_OK)
		st = cat(&run, argv[0], message);
	buf_free(&run.entity);
	buf_free(&run.bytes);
	return cli_finish(st == ST_OK ? 0 : cli_fail(st, message != NULL ? message : argv[0]));
}
