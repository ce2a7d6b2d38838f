/*
 * weir-store.c - the entities of a batch of records, in one transaction for each tenant.
 *
 * Refuses what has not been authenticated and scanned; prints a record only when it is durable. A record that cannot be
 * stored is held and its neighbours go on.
 */
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "home.h"
#include "lease.h"
#include "proof.h"
#include "sandbox.h"
#include "staging.h"
#include "stores.h"

#define BATCH_RECORDS	1000
#define BATCH_PER_TENANT 10		/* a transaction costs as much as 8 messages: with many tenants the batch goes on for so many each, */
#define BATCH_MOST	8000		/* but never beyond this */
#define TENANT_HASHES	4096
#define NOBODY		SIZE_MAX
#define BATCH_BYTES	(64u << 20)	/* of raw messages: they are not kept in memory, but synced at once */
#define BATCH_LINE_BYTES (16u << 20)	/* of records: these are */

static const char help[] =
	"usage: weir-store [--home DIR] [-R DIR]... [-n RECORDS] [--allow-unscanned] [-v]\n"
	"\n"
	"Reads records that came through weir-scan, stores their messages in their tenants' stores, and\n"
	"prints each with \"stored\" once it is durable.\n"
	"\n"
	"  -R, --root DIR       a folder whose files records may name (default: $WEIR_SPOOL, or the current\n"
	"                       folder; and the staging folder)\n"
	"  -n, --batch RECORDS  at most so many records in a transaction (default 1000; up to 8000 over many tenants)\n"
	"  --allow-unscanned    store messages that nobody scanned; each entity says so\n"
	"  --home DIR           instead of $WEIR_HOME\n"
	"  -v                   a line for each batch\n"
	"  -h, --help           this\n"
	"  --version\n";

/* A record of the batch, and what is to be said about it. */
struct item {
	char *line;
	struct rec rec;
	struct span tenant;	/* of rec */
	size_t next, last;	/* the next of the same tenant; in the first one, the last. NOBODY: none */
	size_t next_tenant;	/* in a tenant's first: the first of another tenant with the same hash */
	bool waiting;		/* for its tenant's transaction */
	struct store_result result;
	struct buf extra;
};

struct run {
	const char *home;
	struct roots *roots;
	bool allow_unscanned, verbose, has_root;
	size_t max;		/* -n; 0: as the tenants are many */
	struct item *item;
	size_t items;		/* there is room for */
	size_t n, line_bytes;
	size_t tenants;		/* in the batch */
	size_t first[TENANT_HASHES];	/* a tenant's first record */
	uint64_t raw_bytes;
	struct stores *stores;
	int exit;
};

static void hold(struct run *r, struct item *it, const char *reason, const char *detail, int status, long retry_s)
{
	cli_warn("%s: %s", rec_label(&it->rec), detail);
	buf_clear(&it->extra);
	rec_hold(&it->extra, "weir-store", reason, detail, retry_s);
	it->waiting = false;
	r->exit = st_worse(r->exit, status);
}

/* ---- one tenant's share of the batch ---- */

static bool only_this_record(enum status st)
{
	return st == ST_BAD || st == ST_NOTFOUND || st == ST_DENIED || st == ST_LIMIT;
}

static enum status put_all(struct run *r, struct store *s, size_t first)
{
	enum status st = ST_OK;

	for (size_t i = first; st == ST_OK && i != NOBODY; i = r->item[i].next) {
		struct item *it = &r->item[i];
		const char *allowed;

		if (!it->waiting)
			continue;
		allowed = r->allow_unscanned && !proof_scanned(&it->rec) ? "--allow-unscanned" : NULL;
		st = store_put(s, r->roots, &it->rec, allowed, &it->result);
		if (only_this_record(st)) {
			hold(r, it, "not_stored", st_text(), EX_WEIR_DATA, 0);
			st = ST_OK;
		}
	}
	/* Ids as they are after the whole batch. */
	for (size_t i = first; st == ST_OK && i != NOBODY; i = r->item[i].next)
		if (r->item[i].waiting)
			st = store_thread_of(s, &r->item[i].result.node, &r->item[i].result.thread);
	return st;
}

static enum status store_tenant_batch(struct run *r, size_t first)
{
	struct span tenant = r->item[first].tenant;
	char name[TENANT_MAX_BYTES + 1];
	struct store *s;
	enum status st;

	if (tenant.len < 3 || tenant.len - 2 > TENANT_MAX_BYTES)
		return st_fail(ST_BAD, "no tenant name");
	memcpy(name, tenant.p + 1, tenant.len - 2);
	name[tenant.len - 2] = '\0';
	st = stores_get(r->stores, name, &s);
	if (st == ST_OK)
		st = store_begin(s);
	if (st != ST_OK)
		return st;
	st = put_all(r, s, first);
	if (st == ST_OK)
		return store_commit(s);
	store_abort(s);
	return st;
}

static void mark_stored(struct item *it)
{
	char hex[2 * NODE_BYTES + 1];

	hex_of(it->result.thread.b, NODE_BYTES, hex);
	json_open(&it->extra, "stored", '{');
	json_bool(&it->extra, "new", it->result.is_new);
	json_str(&it->extra, "thread", hex, 2 * NODE_BYTES);
	json_close(&it->extra, '}');
	it->waiting = false;
}

/* The tenant of the first waiting record, and all others of his. */
static void settle(struct run *r, size_t first)
{
	enum status st = store_tenant_batch(r, first);
	const char *reason = st == ST_NOTFOUND ? "no_tenant" : "store_failed";

	for (size_t i = first; i != NOBODY; i = r->item[i].next) {
		if (!r->item[i].waiting)
			continue;
		if (st == ST_OK)
			mark_stored(&r->item[i]);
		else
			hold(r, &r->item[i], reason, st_text(), st_exit(st), st == ST_NOTFOUND ? 0 : REC_NEXT_RUN);
	}
}

/* ---- the batch ---- */

static void begin_batch(struct run *r)
{
	r->n = r->line_bytes = r->tenants = 0;
	r->raw_bytes = 0;
	for (size_t i = 0; i < TENANT_HASHES; i++)
		r->first[i] = NOBODY;
}

static enum status batch_write(struct run *r, struct rec_io *io)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < r->n; i++)
		if (r->item[i].waiting)
			settle(r, i);
	for (size_t i = 0; st == ST_OK && i < r->n; i++)
		st = rec_emit(io, &r->item[i].rec, r->item[i].extra.p ? r->item[i].extra.p : "", r->item[i].extra.len);
	if (st == ST_OK)
		st = rec_flush(io);
	for (size_t i = 0; i < r->n; i++) {
		free(r->item[i].line);
		buf_clear(&r->item[i].extra);
	}
	if (r->verbose && r->n)
		cli_warn("a batch of %zu records", r->n);
	begin_batch(r);
	return st;
}

/* The reader's line is gone with the next record: the same spans, in our copy. */
static void item_point(struct item *it, const struct rec *rec)
{
	it->rec.line = it->line;
	it->rec.len = rec->len;
	it->rec.number = rec->number;
	it->rec.keys = rec->keys;
	for (size_t i = 0; i < rec->keys; i++) {
		it->rec.key[i] = rec->key[i];
		it->rec.key[i].key.p = it->line + (rec->key[i].key.p - rec->line);
		it->rec.key[i].value.p = it->line + (rec->key[i].value.p - rec->line);
	}
}

/* Puts record i behind those of its tenant. */
static void chain(struct run *r, size_t i)
{
	struct item *it = &r->item[i];
	uint32_t hash = 2166136261u;	/* FNV-1a */
	size_t *at;

	for (size_t k = 0; k < it->tenant.len; k++)
		hash = (hash ^ (unsigned char)it->tenant.p[k]) * 16777619u;
	it->next = it->next_tenant = NOBODY;
	it->last = i;
	for (at = &r->first[(hash ^ hash >> 16) % TENANT_HASHES]; *at != NOBODY; at = &r->item[*at].next_tenant) {
		struct item *first = &r->item[*at];

		if (first->tenant.len != it->tenant.len || memcmp(first->tenant.p, it->tenant.p, it->tenant.len))
			continue;
		r->item[first->last].next = i;
		first->last = i;
		return;
	}
	*at = i;
	r->tenants++;
}

static bool batch_full(const struct run *r)
{
	if (r->line_bytes >= BATCH_LINE_BYTES || r->raw_bytes >= BATCH_BYTES)
		return true;
	if (r->max)
		return r->n >= r->max;
	return r->n >= BATCH_MOST || (r->n >= BATCH_RECORDS && r->n >= r->tenants * BATCH_PER_TENANT);
}

static enum status batch_add(struct run *r, const struct rec *rec)
{
	struct item *it = &r->item[r->n];
	const char *reason = NULL;
	int64_t size;
	int status;

	it->line = malloc(rec->len ? rec->len : 1);
	if (!it->line)
		return st_fail(ST_NOMEM, "a batch: out of memory");
	memcpy(it->line, rec->line, rec->len);
	item_point(it, rec);
	it->tenant = rec_get(&it->rec, "tenant");
	it->waiting = !rec_stopped(rec);
	r->n++;
	r->line_bytes += rec->len;
	if (json_get_int(rec_get(rec, "raw.size"), &size) && size > 0)
		r->raw_bytes += (uint64_t)size;
	if (!it->waiting)
		return ST_OK;
	chain(r, r->n - 1);
	status = proof_check(rec, r->allow_unscanned, &reason);
	if (status)
		hold(r, it, reason, st_text(), status, status == EX_WEIR_AGAIN ? 600 : 0);
	return ST_OK;
}

static enum status run(struct run *r, struct rec_io *io)
{
	struct rec rec;
	enum status st;

	for (;;) {
		st = rec_next(io, &rec);
		if (st == ST_BAD || st == ST_LIMIT) {
			cli_warn("%s", st_text());
			r->exit = st_worse(r->exit, EX_WEIR_DATA);
			continue;
		}
		if (st == ST_OK)
			st = batch_add(r, &rec);
		if (st != ST_OK)
			break;
		if (batch_full(r) || !rec_ready(io))
			st = batch_write(r, io);
		if (st != ST_OK)
			return st;
	}
	return st == ST_END ? batch_write(r, io) : st;
}

/* ---- main ---- */

static void options(int argc, char **argv, struct run *r, const char **home)
{
	static const struct option longs[] = { { "root", 1, NULL, 'R' }, { "batch", 1, NULL, 'n' },
		{ "home", 1, NULL, 'H' }, { "allow-unscanned", 0, NULL, 'U' }, { "help", 0, NULL, 'h' },
		{ "version", 0, NULL, 'V' }, { 0 } };
	char *end;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":R:n:vh", longs, NULL)) != -1) {
		switch (c) {
		case 'R':
			if (roots_add(r->roots, optarg) != ST_OK)
				exit(cli_fail(ST_USAGE, "-R"));
			r->has_root = true;
			break;
		case 'n':
			r->max = strtoul(optarg, &end, 10);
			if (*end || r->max < 1 || r->max > 100000)
				cli_usage("-n %s: 1 to 100000", optarg);
			break;
		case 'H': *home = optarg; break;
		case 'U': r->allow_unscanned = true; break;
		case 'v': r->verbose = true; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, c);
		}
	}
	if (optind < argc)
		cli_usage("%s: records come on standard input", argv[optind]);
}

/* Where records may point: -R or the spool, and staging, which must be there before weir-extract has made it. */
static enum status set_roots(struct run *r)
{
	struct buf b = { 0 };
	enum status st;

	buf_fmt(&b, "%s/run/staging", r->home);
	st = file_mkdirs(buf_cstr(&b), 0700);
	if (st == ST_OK)
		st = staging_join(r->home);
	if (st == ST_OK)
		st = r->has_root ? roots_add(r->roots, buf_cstr(&b)) : roots_default(r->roots, r->home);
	buf_clear(&b);
	buf_fmt(&b, "%s/run", r->home);
	if (st == ST_OK)	/* staging stays while we need it, should weir-extract have ended */
		st = lease_join(buf_cstr(&b));
	buf_free(&b);
	return st;
}

int main(int argc, char **argv)
{
	struct run r = { 0 };
	struct rec_io *io = NULL;
	const char *home = NULL;
	enum status st;

	cli_start("weir-store", help);
	st = roots_new(&r.roots);
	if (st != ST_OK)
		return cli_finish(cli_fail(st, "start"));
	options(argc, argv, &r, &home);
	st = home_dir(home, &r.home);
	if (st == ST_OK)
		st = set_roots(&r);
	if (st == ST_OK)
		st = stores_new(r.home, STORE_WRITE, &r.stores);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-store", .home = r.home, .roots = r.roots });
	if (st == ST_OK)
		st = rec_io_open(STDIN_FILENO, STDOUT_FILENO, &io);
	r.items = r.max ? r.max : BATCH_MOST;
	r.item = calloc(r.items, sizeof *r.item);
	begin_batch(&r);
	if (st == ST_OK && !r.item)
		st = st_fail(ST_NOMEM, "out of memory");
	if (st != ST_OK) {
		r.exit = cli_fail(st, "start");
		goto out;
	}
	if (r.allow_unscanned)
		cli_warn("--allow-unscanned: messages that nobody has scanned are stored as they are");
	/* LMDB takes and gives back the pages of each batch: keep them, or the kernel clears them every time (a tenth of it all). */
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TOP_PAD, 16 << 20);
	(void)!fcntl(STDIN_FILENO, F_SETPIPE_SZ, 1 << 20);	/* a whole batch may wait while we commit */
	st = run(&r, io);
	if (st != ST_OK)
		r.exit = st_worse(r.exit, cli_fail(st, "run"));
	st = rec_io_close(&io);
	if (st != ST_OK)
		r.exit = st_worse(r.exit, cli_fail(st, "standard output"));
out:
	stores_free(&r.stores);
	for (size_t i = 0; r.item && i < r.items; i++)
		buf_free(&r.item[i].extra);
	free(r.item);
	roots_free(&r.roots);
	return cli_finish(r.exit);
}
