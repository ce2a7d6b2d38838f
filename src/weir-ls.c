/*
 * weir-ls - what a tenant's store holds: threads, messages, attachments, inboxes, events; and which tenants there are.
 *
 * Every list streams from one snapshot of one tenant's store. On a terminal it is a table, in a pipe tab-separated
 * fields, with --json the entities of weir-record(5).
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cell.h"
#include "cli.h"
#include "header.h"
#include "home.h"
#include "query.h"
#include "sandbox.h"
#include "settings.h"

#define SHORT_ID 12	/* digits of an id in a table; all of them in a pipe */
#define INBOXES_MAX 10000

static const char help[] =
	"usage: weir-ls [OPTION...] [threads | messages | attachments | inboxes | events] TENANT\n"
	"       weir-ls [OPTION...] tenants\n"
	"\n"
	"Lists what the tenant has: its threads if nothing else is asked for.\n"
	"\n"
	QUERY_HELP
	"      --json           the entities, JSON Lines\n"
	"      --table          columns also where stdout is no terminal\n"
	"      --home DIR       instead of $WEIR_HOME\n"
	"  -h, --help           this text\n"
	"      --version        the version\n";

struct opts { const char *home; struct query query; int json, table; };

struct inbox { char name[INBOX_MAX_BYTES + 1]; uint64_t messages; };
struct run {
	const struct opts *opts;
	struct store *store;
	struct asked asked;
	struct table table;
	struct inbox *inbox;
	size_t inboxes;
};

static bool pretty(const struct opts *o)
{
	return o->table || isatty(STDOUT_FILENO);
}

/* ---- cells ---- */

static void text_cell(struct buf *b, struct span v)
{
	json_text(v, b);
}

static void id_cell(struct run *run, struct buf *b, struct span v)
{
	text_cell(b, v);
	if (run->table.pretty && b->len > SHORT_ID)
		b->p[b->len = SHORT_ID] = '\0';
}

/* 2026-11-20 09:15 on a terminal, RFC 3339 in a pipe; nothing for no date. */
static void date_cell(struct run *run, struct buf *b, int64_t date)
{
	char text[32];

	if (date == 0)
		return;
	date_rfc3339(date, text);
	if (run->table.pretty) {
		text[10] = ' ';
		text[16] = '\0';
	}
	buf_str(b, text);
}

static void count_cell(struct buf *b, uint64_t n)
{
	buf_fmt(b, "%llu", (unsigned long long)n);
}

/* "J. Doe, Kim": names, or addresses where there is no name. */
static void people_cell(struct buf *b, struct span people)
{
	struct span it = people, e;

	while (json_elem(&it, &e)) {
		struct span name = json_get(e, "name"), group = json_get(e, "group");

		if (b->len > 0)
			buf_str(b, ", ");
		text_cell(b, name.len > 2 ? name : group.p != NULL ? group : json_get(e, "address"));
	}
}

static enum status print_json(void *arg, struct span json)
{
	fwrite(json.p, 1, json.len, stdout);
	putchar('\n');
	return ST_OK;
}

/* ---- the lists ---- */

static enum status print_thread(void *arg, const struct store_thread *t)
{
	struct run *run = arg;
	struct buf *cell = run->table.cell;

	if (run->opts->json)
		return print_json(NULL, t->json);
	date_cell(run, &cell[0], t->last);
	count_cell(&cell[1], t->messages);
	count_cell(&cell[2], t->attachments);
	id_cell(run, &cell[3], json_get(t->json, "id"));
	people_cell(&cell[4], json_get(t->json, "participants"));
	text_cell(&cell[5], json_get(t->json, "subject"));
	table_row(&run->table);
	return ST_OK;
}

static enum status list_threads(struct run *run)
{
	static const char *const titles[] = { "LAST", "MSGS", "FILES", "THREAD", "PEOPLE", "SUBJECT" };
	static const int widths[] = { 16, 4, 5, SHORT_ID, 0, 0 }, share[] = { 0, 0, 0, 0, 2, 3 };

	if (!run->opts->json)
		table_begin(&run->table, pretty(run->opts), 6, titles, widths, share);
	return store_threads(run->store, &run->asked.q, print_thread, run);
}

/* What a reader should know before opening it: ! something was removed, ? something was not scanned, = it is a duplicate. */
static const char *mark(struct span json)
{
	struct span it = json_get(json, "attachments"), e;

	while (json_elem(&it, &e))
		if (json_get(e, "removed").p != NULL)
			return "!";
	if (json_is(json_get(json, "scan.verdict"), "unscanned"))
		return "?";
	for (it = json_get(json, "deliveries"); json_elem(&it, &e); )
		if (json_get(e, "duplicate_of").p != NULL)
			return "=";
	return "";
}

static enum status print_message(void *arg, const struct store_message *m)
{
	struct run *run = arg;
	struct buf *cell = run->table.cell;
	struct span it = json_get(m->json, "attachments"), e;
	uint64_t files = 0;

	if (run->opts->json)
		return print_json(NULL, m->json);
	while (json_elem(&it, &e))
		files++;
	date_cell(run, &cell[0], m->date);
	buf_str(&cell[1], mark(m->json));
	count_cell(&cell[2], files);
	id_cell(run, &cell[3], json_get(m->json, "id"));
	people_cell(&cell[4], json_get(m->json, "message.from"));
	text_cell(&cell[5], json_get(m->json, "message.subject"));
	table_row(&run->table);
	return ST_OK;
}

static enum status list_messages(struct run *run)
{
	static const char *const titles[] = { "DATE", "", "FILES", "MESSAGE", "FROM", "SUBJECT" };
	static const int widths[] = { 16, 1, 5, SHORT_ID, 0, 0 }, share[] = { 0, 0, 0, 0, 2, 3 };

	if (!run->opts->json)
		table_begin(&run->table, pretty(run->opts), 6, titles, widths, share);
	return store_messages(run->store, &run->asked.q, print_message, run);
}

static enum status print_attachment(void *arg, struct span json)
{
	struct run *run = arg;
	struct buf *cell = run->table.cell;
	struct span removed = json_get(json, "removed");
	int64_t size = 0;

	if (run->opts->json)
		return print_json(NULL, json);
	json_get_int(json_get(json, "size"), &size);
	id_cell(run, &cell[0], json_get(json, "message"));
	text_cell(&cell[1], json_get(json, "part"));
	count_cell(&cell[2], (uint64_t)size);
	id_cell(run, &cell[3], json_get(json, "sha256"));
	text_cell(&cell[4], json_get(json, "content_type"));
	if (removed.p != NULL) {
		buf_str(&cell[5], "REMOVED ");
		text_cell(&cell[5], removed);
		buf_str(&cell[5], ": ");
	}
	text_cell(&cell[5], json_get(json, "filename"));
	table_row(&run->table);
	return ST_OK;
}

static enum status list_attachments(struct run *run)
{
	static const char *const titles[] = { "MESSAGE", "PART", "SIZE", "SHA256", "TYPE", "NAME" };
	static const int widths[] = { SHORT_ID, 6, 9, SHORT_ID, 0, 0 }, share[] = { 0, 0, 0, 0, 2, 3 };

	if (!run->opts->json)
		table_begin(&run->table, pretty(run->opts), 6, titles, widths, share);
	return store_attachments(run->store, &run->asked.q, print_attachment, run);
}

static enum status print_event(void *arg, struct span json)
{
	struct run *run = arg;
	struct buf *cell = run->table.cell;

	if (run->opts->json)
		return print_json(NULL, json);
	text_cell(&cell[0], json_get(json, "time"));
	text_cell(&cell[1], json_get(json, "type"));
	buf_add(&cell[2], json.p, json.len);
	table_row(&run->table);
	return ST_OK;
}

static enum status list_events(struct run *run)
{
	static const char *const titles[] = { "TIME", "TYPE", "EVENT" };
	static const int widths[] = { 20, 12, 0 }, share[] = { 0, 0, 1 };

	if (!run->opts->json)
		table_begin(&run->table, pretty(run->opts), 3, titles, widths, share);
	return store_events(run->store, run->asked.q.since, run->asked.q.before, print_event, run);
}

/* ---- inboxes: those that addresses lead to, and those that have mail ---- */

static enum status count_inbox(struct run *run, const char *name, uint64_t more)
{
	struct inbox *p;

	for (size_t i = 0; i < run->inboxes; i++)
		if (strcmp(run->inbox[i].name, name) == 0) {
			run->inbox[i].messages += more;
			return ST_OK;
		}
	if (run->inboxes == INBOXES_MAX)
		return st_fail(ST_LIMIT, "more than %d inboxes", INBOXES_MAX);
	p = realloc(run->inbox, (run->inboxes + 1) * sizeof(*p));
	if (p == NULL)
		return st_fail(ST_NOMEM, "out of memory");
	run->inbox = p;
	p += run->inboxes++;
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->messages = more;
	return ST_OK;
}

static enum status inbox_of_address(void *arg, const char *address, const struct address_setting *a)
{
	return count_inbox(arg, a->inbox, 0);
}

static enum status inbox_of_domain(void *arg, const char *domain, const struct domain_setting *d)
{
	return d->any[0] != '\0' ? count_inbox(arg, d->any, 0) : ST_OK;
}

/* A message counts once in an inbox, however many addresses brought it there. */
static bool counted_before(struct span deliveries, struct span delivery, struct span inbox)
{
	struct span it = deliveries, e;

	while (json_elem(&it, &e) && e.p < delivery.p) {
		struct span other = json_get(e, "inbox");

		if (other.len == inbox.len && memcmp(other.p, inbox.p, inbox.len) == 0)
			return true;
	}
	return false;
}

static enum status inboxes_of_message(void *arg, const struct store_message *m)
{
	struct span all = json_get(m->json, "deliveries"), it = all, e;
	struct buf name = { 0 };
	enum status st = ST_OK;

	while (st == ST_OK && json_elem(&it, &e)) {
		struct span inbox = json_get(e, "inbox");

		buf_clear(&name);
		if (json_text(inbox, &name) && !counted_before(all, e, inbox))
			st = count_inbox(arg, buf_cstr(&name), 1);
	}
	buf_free(&name);
	return st;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct inbox *)a)->name, ((const struct inbox *)b)->name);
}

static void print_inbox(struct run *run, const struct inbox *i)
{
	struct buf b = { 0 };

	if (!run->opts->json) {
		count_cell(&run->table.cell[0], i->messages);
		buf_str(&run->table.cell[1], i->name);
		table_row(&run->table);
		return;
	}
	json_open(&b, NULL, '{');
	json_int(&b, "weir", RECORD_VERSION);
	json_cstr(&b, "type", "inbox");
	json_cstr(&b, "tenant", store_tenant(run->store));
	json_cstr(&b, "inbox", i->name);
	json_int(&b, "messages", (int64_t)i->messages);
	json_close(&b, '}');
	printf("%s\n", buf_cstr(&b));
	buf_free(&b);
}

static enum status list_inboxes(struct run *run)
{
	static const char *const titles[] = { "MESSAGES", "INBOX" };
	static const int widths[] = { 8, 0 }, share[] = { 0, 1 };
	enum status st = setting_addresses(run->store, inbox_of_address, run);

	if (st == ST_OK)
		st = setting_domains(run->store, inbox_of_domain, run);
	if (st == ST_OK)
		st = store_messages(run->store, &run->asked.q, inboxes_of_message, run);
	if (st != ST_OK)
		return st;
	if (!run->opts->json)
		table_begin(&run->table, pretty(run->opts), 2, titles, widths, share);
	if (run->inboxes > 0)
		qsort(run->inbox, run->inboxes, sizeof(*run->inbox), by_name);
	for (size_t i = 0; i < run->inboxes; i++)
		print_inbox(run, &run->inbox[i]);
	return ST_OK;
}

/* ---- */

static const struct { const char *name; enum status (*fn)(struct run *); } lists[] = {
	{ "threads", list_threads }, { "messages", list_messages }, { "attachments", list_attachments },
	{ "inboxes", list_inboxes }, { "events", list_events },
};

static int list(const struct opts *o, const char *tenant, enum status (*fn)(struct run *))
{
	struct run run = { .opts = o };
	enum status st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-ls", .home = o->home, .tenant = tenant });

	if (st == ST_OK)
		st = store_open(o->home, tenant, STORE_READ, &run.store);
	if (st == ST_OK)
		st = store_begin(run.store);
	if (st == ST_OK) {
		st = query_prepare(&o->query, run.store, &run.asked);
		if (st == ST_OK)
			st = fn(&run);
		store_abort(run.store);
	}
	store_close(&run.store);
	query_done(&run.asked);
	table_end(&run.table);
	free(run.inbox);
	return st == ST_OK ? 0 : cli_fail(st, tenant);
}

static enum status print_tenant(void *arg, const char *tenant)
{
	const struct opts *o = arg;

	printf(o->json ? "{\"weir\":1,\"type\":\"tenant\",\"tenant\":\"%s\"}\n" : "%s\n", tenant);
	return ST_OK;
}

static int tenants(struct opts *o)
{
	enum status st = store_tenants(o->home, print_tenant, o);

	return st == ST_OK ? 0 : cli_fail(st, "tenants");
}

static int run_list(struct opts *o, int n, char *args[])
{
	if (n == 1 && strcmp(args[0], "tenants") == 0)
		return tenants(o);
	for (size_t i = 0; n == 2 && i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(args[0], lists[i].name) == 0)
			return list(o, args[1], lists[i].fn);
	if (n == 1)
		return list(o, args[0], list_threads);
	cli_usage("%s", n == 0 ? "whose? (weir-ls tenants)" : "unknown word, or too many");
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		QUERY_OPTIONS,
		{ "json", no_argument, NULL, 'J' },
		{ "table", no_argument, NULL, 'T' },
		{ "home", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	enum status st;
	int opt;

	cli_start("weir-ls", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'J': o.json = 1; break;
		case 'T': o.table = 1; break;
		case 'H': o.home = optarg; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default:
			if (!query_option(&o.query, opt, optarg))
				cli_bad_option(argv, opt);
		}
	}
	st = home_dir(o.home, &o.home);
	return cli_finish(st == ST_OK ? run_list(&o, argc - optind, argv + optind) : cli_fail(st, "home"));
}
