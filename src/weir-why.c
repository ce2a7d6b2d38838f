/*
 * weir-why - why a message is where it is: what each stage said of it.
 *
 * Looks into the tenants' stores, and beside the messages that a spool holds. Given a tenant, it knows of nothing
 * but what is that tenant's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "explain.h"
#include "file.h"
#include "home.h"
#include "page.h"
#include "query.h"
#include "sandbox.h"
#include "spool.h"

#define WHY_FILE_MAX (8u << 20)	/* a record and a little more */
#define SPOOLS_MAX 64

static const char help[] =
	"usage: weir-why [OPTION...] [TENANT] WHAT\n"
	"\n"
	"Tells what each stage said of a message. WHAT is its id or the beginning of one (6 digits or more),\n"
	"its Message-ID, or its name in the spool (path, or the name under .weir). With TENANT, only what is\n"
	"that tenant's.\n"
	"\n"
	"      --spool DIR    look here too (repeatable; default: $WEIR_SPOOL)\n"
	"      --json         the stored entities, and what stands beside held messages\n"
	"      --home DIR     instead of $WEIR_HOME\n"
	"  -h, --help         this text\n"
	"      --version      the version\n";

struct opts { const char *home, *tenant, *spool[SPOOLS_MAX]; size_t spools; int json; };
struct run {
	const struct opts *opts;
	const char *what;
	char name[SPOOL_NAME_BYTES];	/* WHAT as a state name */
	char id[DIGEST_HEX + 1];	/* of a file of that name; "" if none was found */
	struct store *store;
	size_t found;
};

/* Whether a state name is the one asked for: the whole, or the last part of the path it stands for (an SES id). */
static bool name_is(const struct run *run, const char *name, size_t len)
{
	size_t n = strlen(run->name);

	return n > 0 && len >= n && memcmp(name + len - n, run->name, n) == 0
		&& (len == n || (len >= n + 3 && memcmp(name + len - n - 3, "%2F", 3) == 0));
}

/* ---- stores ---- */

static enum status print_stored(void *arg, const struct store_message *m)
{
	struct run *run = arg;

	run->found++;
	if (run->opts->json) {
		printf("%.*s\n", (int)m->json.len, m->json.p);
		return ST_OK;
	}
	printf("%s%s: stored, message ", run->found > 1 ? "\n" : "", store_tenant(run->store));
	page_string(json_get(m->json, "id"));
	fputs("\n  ", stdout);
	page_string(json_get(m->json, "message.subject"));
	putchar('\n');
	explain(m->json);
	return ST_OK;
}

static enum status print_if_named(void *arg, const struct store_message *m)
{
	struct run *run = arg;
	struct span it = json_get(m->json, "deliveries"), e;
	struct buf name = { 0 };
	bool same = false;

	while (!same && json_elem(&it, &e)) {
		buf_clear(&name);
		same = json_text(json_get(e, "spool"), &name) && name_is(run, buf_cstr(&name), name.len);
	}
	buf_free(&name);
	return same ? print_stored(run, m) : ST_OK;
}

/* By the digest of the file, if the spool has it still; else by an id; else by the name that each message came under. */
static enum status look_in_store(struct run *run)
{
	struct store_query all = { 0 };
	enum status st;

	if (run->id[0] != '\0')
		return store_message(run->store, run->id, print_stored, run);
	st = find_messages(run->store, run->what, print_stored, run);
	return st == ST_USAGE ? store_messages(run->store, &all, print_if_named, run) : st;
}

static enum status look_in_tenant(void *arg, const char *tenant)
{
	struct run *run = arg;
	enum status st;

	st = store_open(run->opts->home, tenant, STORE_READ, &run->store);
	if (st == ST_OK)
		st = store_begin(run->store);
	if (st == ST_OK) {
		st = look_in_store(run);
		store_abort(run->store);
	}
	store_close(&run->store);
	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st == ST_BAD) {	/* several begin so: of no interest to the other tenants */
		cli_warn("%s: %s", tenant, st_text());
		return ST_OK;
	}
	return st;
}

/* ---- spools ---- */

static bool read_json(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = fd >= 0 && file_read_fd(fd, 0, -1, WHY_FILE_MAX, b) == ST_OK && json_valid(buf_cstr(b), b->len) == ST_OK;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Whether a record is the one asked for, by id or Message-ID. */
static bool is_asked_for(const struct run *run, struct span rec)
{
	struct buf b = { 0 };
	size_t n = strlen(run->what);
	bool yes = n >= 6 && json_text(json_get(rec, "id"), &b) && strncasecmp(buf_cstr(&b), run->what, n) == 0;

	buf_clear(&b);
	if (!yes && json_text(json_get(rec, "message.message_id"), &b) && b.len > 0)
		yes = strcmp(buf_cstr(&b), run->what) == 0
			|| (n == b.len + 2 && run->what[0] == '<' && strncmp(run->what + 1, b.p, b.len) == 0);
	buf_free(&b);
	return yes;
}

static bool is_tenants(const struct run *run, struct span rec)
{
	struct buf b = { 0 };
	bool yes = run->opts->tenant == NULL || (json_text(json_get(rec, "tenant"), &b)
		&& strcmp(buf_cstr(&b), run->opts->tenant) == 0);

	buf_free(&b);
	return yes;
}

static void print_stopped(struct run *run, const char *state, const char *name, struct span why)
{
	struct span rec = json_get(why, "record");

	run->found++;
	if (run->opts->json) {
		printf("%.*s\n", (int)why.len, why.p);
		return;
	}
	printf("%s%s: ", run->found > 1 ? "\n" : "", state);
	cli_safe(stdout, name, strlen(name), 0);
	fputs("\n  ", stdout);
	page_string(json_get(rec, "message.subject"));
	putchar('\n');
	if (rec.p != NULL)
		explain(rec);
	fputs("  stopped by  ", stdout);
	page_string(json_get(why, "by"));
	fputs(": ", stdout);
	page_string(json_get(why, "reason"));
	fputs(": ", stdout);
	page_string(json_get(why, "detail"));
	fputs("\n  since       ", stdout);
	page_string(json_get(why, "since"));
	if (json_get(why, "not_before").p != NULL) {
		fputs(", again at ", stdout);
		page_string(json_get(why, "not_before"));
	}
	putchar('\n');
}

/* hold/ and quarantine/: everything has a NAME.why.json beside it. */
static void look_in_stopped(struct run *run, const char *spool, const char *state)
{
	static const char suffix[] = ".why.json";
	struct buf path = { 0 }, json = { 0 };
	struct dirent *e;
	DIR *d;

	buf_fmt(&path, "%s/.weir/%s", spool, state);
	d = opendir(buf_cstr(&path));
	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		struct span why;

		if (n <= strlen(suffix) || strcmp(e->d_name + n - strlen(suffix), suffix) != 0)
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/.weir/%s/%s", spool, state, e->d_name);
		if (!read_json(buf_cstr(&path), &json))
			continue;
		n -= strlen(suffix);
		why = (struct span){ json.p, json.len };
		if ((name_is(run, e->d_name, n) || is_asked_for(run, json_get(why, "record")))
				&& is_tenants(run, json_get(why, "record"))) {
			e->d_name[n] = '\0';
			print_stopped(run, state, e->d_name, why);
		}
	}
	if (d != NULL)
		closedir(d);
	buf_free(&path);
	buf_free(&json);
}

/* A file of that name: its digest leads to what was stored of it. */
static void digest_file(struct run *run, const char *path, const char *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct buf b = { 0 };
	uint8_t sha[DIGEST_BYTES];
	bool ok = fd >= 0 && file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &b) == ST_OK && digest_of(b.p, b.len, sha) == ST_OK;

	if (ok)
		hex_of(sha, DIGEST_BYTES, run->id);
	if (fd >= 0)
		close(fd);
	buf_free(&b);
}

/* Calls fn for each file of that name in a folder. */
static void each_named(struct run *run, const char *dir, void (*fn)(struct run *run, const char *path, const char *name))
{
	struct buf path = { 0 };
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!name_is(run, e->d_name, strlen(e->d_name)))
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/%s", dir, e->d_name);
		fn(run, buf_cstr(&path), e->d_name);
	}
	if (d != NULL)
		closedir(d);
	buf_free(&path);
}

static void print_claimed(struct run *run, const char *path, const char *name)
{
	run->found++;
	fputs("claimed: ", stdout);
	cli_safe(stdout, path, strlen(path), 0);
	puts("\n  a pipeline is at it");
}

static void print_waiting(struct run *run, const char *path)
{
	run->found++;
	fputs("waiting: ", stdout);
	cli_safe(stdout, path, strlen(path), 0);
	puts("\n  no pipeline has claimed it yet");
}

static void look_in_claimed(struct run *run, const char *spool)
{
	struct buf path = { 0 };
	struct dirent *e;
	DIR *d;

	buf_fmt(&path, "%s/.weir/claimed", spool);
	d = opendir(buf_cstr(&path));
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		buf_clear(&path);
		buf_fmt(&path, "%s/.weir/claimed/%s", spool, e->d_name);
		each_named(run, buf_cstr(&path), print_claimed);
	}
	if (d != NULL)
		closedir(d);
	buf_free(&path);
}

static void look_at_name(struct run *run, const char *spool)
{
	char plain[4096];
	struct buf path = { 0 };

	buf_fmt(&path, "%s/.weir/done", spool);
	each_named(run, buf_cstr(&path), digest_file);
	if (run->opts->tenant == NULL) {	/* whose it is, is not known yet */
		look_in_claimed(run, spool);
		buf_clear(&path);
		if (spool_path(run->name, plain, sizeof(plain)))
			buf_fmt(&path, "%s/%s", spool, plain);
		if (path.len > 0 && access(path.p, F_OK) == 0)
			print_waiting(run, path.p);
	}
	buf_free(&path);
}

/* WHAT may be a path in the spool, or the state name itself. */
static void name_of_what(struct run *run)
{
	char plain[4096];

	run->name[0] = '\0';
	if (strlen(run->what) < sizeof(run->name) && spool_path(run->what, plain, sizeof(plain)))
		snprintf(run->name, sizeof(run->name), "%s", run->what);
	else if (spool_name(run->what, run->name) != ST_OK)
		run->name[0] = '\0';
}

static int why(struct run *run)
{
	const struct opts *o = run->opts;
	enum status st;

	name_of_what(run);
	if (o->tenant != NULL) {
		st = store_open(o->home, o->tenant, STORE_READ, &run->store);
		store_close(&run->store);
		if (st != ST_OK)
			return cli_fail(st, o->tenant);
	}
	for (size_t i = 0; i < o->spools; i++) {
		look_in_stopped(run, o->spool[i], "hold");
		look_in_stopped(run, o->spool[i], "quarantine");
		look_at_name(run, o->spool[i]);
	}
	st = o->tenant != NULL ? look_in_tenant(run, o->tenant) : store_tenants(o->home, look_in_tenant, run);
	if (st != ST_OK && st != ST_NOTFOUND)
		return cli_fail(st, run->what);
	if (run->found == 0)
		return cli_fail(st_fail(ST_NOTFOUND, "in no store%s%s", o->spools > 0 ? " and no spool" : "",
			o->spools == 0 ? " (and no spool named: --spool)" : ""), run->what);
	return 0;
}

/* Read the stores and the spools, and nothing else. */
static enum status fence(const struct opts *o)
{
	struct sandbox_path also[SPOOLS_MAX + 1] = { { NULL, SANDBOX_NONE } };

	for (size_t i = 0; i < o->spools; i++)
		also[i] = (struct sandbox_path){ o->spool[i], SANDBOX_READ };
	return sandbox_enter(&(struct sandbox_opts){ .profile = "weir-why", .home = o->home, .tenant = o->tenant, .also = also });
}

static void default_spools(struct opts *o)
{
	char *list = getenv("WEIR_SPOOL"), *p;

	if (o->spools > 0 || list == NULL)
		return;
	for (p = strtok(list, ":"); p != NULL && o->spools < SPOOLS_MAX; p = strtok(NULL, ":"))
		o->spool[o->spools++] = p;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "spool", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'J' },
		{ "home", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	struct run run = { .opts = &o };
	enum status st;
	int opt;

	cli_start("weir-why", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			if (o.spools == SPOOLS_MAX)
				cli_usage("more than %d spools", SPOOLS_MAX);
			o.spool[o.spools++] = optarg;
			break;
		case 'J': o.json = 1; break;
		case 'H': o.home = optarg; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	if (argc - optind < 1 || argc - optind > 2)
		cli_usage("one message wanted");
	if (argc - optind == 2)
		o.tenant = argv[optind];
	run.what = argv[argc - 1];
	default_spools(&o);
	st = home_dir(o.home, &o.home);
	if (st == ST_OK)
		st = fence(&o);
	return cli_finish(st == ST_OK ? why(&run) : cli_fail(st, "home"));
}
