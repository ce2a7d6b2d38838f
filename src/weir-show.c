/*
 * weir-show - a thread or a message as a person wants to read it.
 *
 * The text is read again from the stored bytes (lib/reread); the lines are lib/page's.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "home.h"
#include "page.h"
#include "query.h"
#include "reread.h"
#include "sandbox.h"

#define SHOW_TEXT_BYTES	(1u << 20)	/* of one message; weir-cat --text gives the rest */

static const char help[] =
	"usage: weir-show [OPTION...] TENANT ID...\n"
	"\n"
	"Shows a thread or a message: who, when, what about, its text and attachments, and what to beware\n"
	"of. ID is a thread's or a message's id or the beginning of one (6 digits or more), or a Message-ID.\n"
	"\n"
	"      --no-text    without the text\n"
	"      --home DIR   instead of $WEIR_HOME\n"
	"  -h, --help       this text\n"
	"      --version    the version\n";

struct opts { const char *home; int no_text; };

struct run {
	const struct opts *opts;
	struct store *store;
	struct reread *reread;
	struct buf *message;	/* entities, collected within the snapshot */
	size_t n, cap;
	struct buf thread;	/* its entity; empty: a message was asked for */
	bool printed;
};

static enum status collect_message(void *arg, const struct store_message *m)
{
	struct run *run = arg;
	struct buf *b;

	if (run->n == run->cap) {
		size_t cap = run->cap * 2 + 16;

		b = realloc(run->message, cap * sizeof(*b));
		if (b == NULL)
			return st_fail(ST_NOMEM, "out of memory");
		memset(b + run->cap, 0, (cap - run->cap) * sizeof(*b));
		run->message = b;
		run->cap = cap;
	}
	b = &run->message[run->n++];
	buf_clear(b);
	buf_add(b, m->json.p, m->json.len);
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

/* ---- printing, outside the snapshot ---- */

static enum status read_raw(struct run *run, struct span entity, struct buf *raw)
{
	struct span sha = json_get(entity, "raw.sha256");
	uint8_t digest[DIGEST_BYTES];
	enum status st = store_begin(run->store);

	if (st != ST_OK)
		return st;
	if (sha.len == DIGEST_HEX + 2 && hex_read(sha.p + 1, DIGEST_HEX, digest, DIGEST_BYTES))
		st = store_blob_read(run->store, digest, raw);
	else
		st = st_fail(ST_BUG, "a message without raw digest");
	store_abort(run->store);
	return st;
}

/* What cannot be read again costs the text, not the rest: weir-fsck is there to complain. */
static void print_text(struct run *run, struct span entity)
{
	struct message_opts o = { .text = true, .text_bytes = SHOW_TEXT_BYTES };
	struct buf raw = { 0 }, json = { 0 }, text = { 0 };
	enum status st = read_raw(run, entity, &raw);
	struct span again;

	if (st == ST_OK)
		st = reread_message(run->reread, raw.p, raw.len, &o, &json);
	again = (struct span){ buf_cstr(&json), json.len };
	if (st != ST_OK)
		puts("[the text cannot be read again; this is how it began:]");
	else if (json_is(json_get(again, "message.text_from"), "html"))
		puts("[made from HTML]");
	json_text(st == ST_OK ? json_get(again, "message.text") : json_get(entity, "message.preview"), &text);
	page_text(buf_cstr(&text), text.len);
	if (st == ST_OK && json_true(json_get(again, "message.text_truncated")))
		puts("[there is more: weir-cat --text]");
	buf_free(&raw);
	buf_free(&json);
	buf_free(&text);
}

static void print_message(struct run *run, const struct buf *json)
{
	struct span entity = { json->p, json->len };

	if (run->printed)
		printf("\n--------\n\n");
	run->printed = true;
	page_head(entity);
	if (!run->opts->no_text) {
		putchar('\n');
		print_text(run, entity);
	}
	page_attachments(entity);
}

static void print_thread(struct run *run)
{
	if (run->thread.len == 0)
		return;
	if (run->printed)
		printf("\n========\n\n");
	page_thread((struct span){ run->thread.p, run->thread.len });
	run->printed = false;	/* no line between this and the first message */
}

static enum status keep_thread(void *arg, const struct store_thread *t)
{
	struct buf *b = arg;

	buf_clear(b);
	buf_add(b, t->json.p, t->json.len);
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

static enum status collect(struct run *run, const char *id)
{
	static const struct node none;
	struct node thread;
	char hex[2 * NODE_BYTES + 1];
	enum status st = store_begin(run->store);

	if (st != ST_OK)
		return st;
	run->n = 0;
	buf_clear(&run->thread);
	st = find_any(run->store, id, &thread, collect_message, run);
	if (st == ST_OK && memcmp(&thread, &none, sizeof(none)) != 0) {
		hex_of(thread.b, NODE_BYTES, hex);
		st = store_thread(run->store, hex, keep_thread, &run->thread);
	}
	store_abort(run->store);
	return st;
}

static int show(struct run *run, const char *tenant, int n, char *ids[])
{
	enum status st = run->opts->no_text ? ST_OK : reread_start(&run->reread);
	int status = 0;

	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-show", .home = run->opts->home,
			.tenant = tenant });
	if (st == ST_OK)
		st = store_open(run->opts->home, tenant, STORE_READ, &run->store);
	if (st != ST_OK)
		status = cli_fail(st, tenant);
	for (int i = 0; st == ST_OK && i < n; i++) {
		enum status one = collect(run, ids[i]);

		if (one != ST_OK) {
			status = st_worse(status, cli_fail(one, ids[i]));
			continue;
		}
		print_thread(run);
		for (size_t k = 0; k < run->n; k++)
			print_message(run, &run->message[k]);
	}
	store_close(&run->store);
	reread_stop(&run->reread);
	return status;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "no-text", no_argument, NULL, 'n' },
		{ "home", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	struct run run = { .opts = &o };
	enum status st;
	int opt, status;

	cli_start("weir-show", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'n': o.no_text = 1; break;
		case 'H': o.home = optarg; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	if (argc - optind < 2)
		cli_usage("a tenant and an id wanted");
	st = home_dir(o.home, &o.home);
	status = st == ST_OK ? show(&run, argv[optind], argc - optind - 1, argv + optind + 1) : cli_fail(st, "home");
	for (size_t i = 0; i < run.cap; i++)
		buf_free(&run.message[i]);
	free(run.message);
	buf_free(&run.thread);
	return cli_finish(status);
}
