/*
 * weir-thread.c - which thread each message belongs to: appends `thread`.
 *
 * Reads the tenant's store and remembers what this run has seen; writes nothing. weir-store joins
 * threads for good, in its own transaction; what stands here is what it will find, unless another
 * pipeline brings a message in between that joins this thread with an older one.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "forest.h"
#include "home.h"
#include "sandbox.h"
#include "stores.h"

#define REMEMBER_NODES (4u << 20)	/* then what was seen is forgotten: weir-store has it by now */

static const char help[] =
	"usage: weir-thread [--home DIR] [--no-store]\n"
	"\n"
	"Appends `thread` to each record: the thread's id, the message's own node, and the nodes it links to\n"
	"by References and In-Reply-To (never by subject).\n"
	"\n"
	"  --no-store   look only at the records of this run; they need no tenant\n"
	"  --home DIR   instead of $WEIR_HOME\n"
	"  -h, --help   this\n"
	"  --version\n";

struct tenant { struct tenant *next; char *name; struct forest *forest; };

struct run { const char *home; bool no_store; struct stores *stores; struct tenant *tenants; };

static enum status tenant_of(struct run *r, const char *name, struct tenant **out)
{
	struct tenant *t = NULL;

	for (t = r->tenants; t && strcmp(t->name, name); t = t->next)
		;
	if (!t) {
		t = calloc(1, sizeof *t);
		if (!t || !(t->name = strdup(name)))
			return st_fail(ST_NOMEM, "out of memory");
		t->next = r->tenants;
		r->tenants = t;
	}
	*out = t;
	if (t->forest && !r->no_store && forest_nodes(t->forest) > REMEMBER_NODES)
		forest_free(&t->forest);
	return t->forest ? ST_OK : forest_new(&t->forest);
}

/* A node met for the first time brings the thread that the store has for it. */
static enum status remember(struct store *s, struct forest *f, const struct node *n, bool *known)
{
	struct node thread;
	enum status st;

	if (forest_has(f, n)) {
		*known = true;
		return ST_OK;
	}
	st = s ? store_thread_of(s, n, &thread) : ST_NOTFOUND;
	if (st == ST_OK)
		*known = true;
	if (st == ST_OK)
		return forest_join(f, n, &thread);
	return st == ST_NOTFOUND ? forest_join(f, n, n) : st;
}

struct links { struct node self, link[THREAD_MAX_LINKS]; size_t n; };

static enum status join(struct store *s, struct forest *f, const struct links *l, bool *known)
{
	enum status st = remember(s, f, &l->self, known);

	for (size_t i = 0; st == ST_OK && i < l->n; i++) {
		st = remember(s, f, &l->link[i], known);
		if (st == ST_OK)
			st = forest_join(f, &l->self, &l->link[i]);
	}
	return st;
}

static void node_json(struct buf *b, const char *key, const struct node *n)
{
	char hex[2 * NODE_BYTES + 1];

	hex_of(n->b, NODE_BYTES, hex);
	json_str(b, key, hex, 2 * NODE_BYTES);
}

static void thread_json(struct buf *b, const struct links *l, const struct node *id, bool known)
{
	json_open(b, "thread", '{');
	node_json(b, "id", id);
	node_json(b, "node", &l->self);
	json_open(b, "links", '[');
	for (size_t i = 0; i < l->n; i++)
		node_json(b, NULL, &l->link[i]);
	json_close(b, ']');
	if (!known)
		json_bool(b, "new", true);
	json_close(b, '}');
}

/* The store's snapshot lasts for one record. A tenant without a store is one whose threads are all new. */
static enum status join_in_store(struct run *r, const char *tenant, struct forest *f, const struct links *l, bool *known)
{
	struct store *s = NULL;
	enum status st = r->no_store ? ST_NOTFOUND : stores_get(r->stores, tenant, &s);

	if (st == ST_NOTFOUND)
		return join(NULL, f, l, known);
	if (st == ST_OK)
		st = store_begin(s);
	if (st != ST_OK)
		return st;
	st = join(s, f, l, known);
	if (st == ST_OK)
		return store_commit(s);
	store_abort(s);
	return st;
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	static struct buf name;
	struct run *r = arg;
	struct links l;
	struct tenant *t = NULL;
	struct node id;
	bool known = false;
	enum status st = thread_links(rec, &l.self, l.link, &l.n);

	buf_clear(&name);
	json_text(rec_get(rec, "tenant"), &name);
	if (!name.len && !r->no_store) {
		rec_hold(extra, "weir-thread", "not_routed", "the record names no tenant (weir-route)", 0);
		return st;
	}
	if (st == ST_OK)
		st = tenant_of(r, buf_cstr(&name), &t);
	if (st == ST_OK)
		st = join_in_store(r, buf_cstr(&name), t->forest, &l, &known);
	if (st != ST_OK)
		return st;
	id = forest_min(t->forest, &l.self);
	thread_json(extra, &l, &id, known);
	return ST_OK;
}

static void done(struct run *r)
{
	while (r->tenants) {
		struct tenant *t = r->tenants;

		r->tenants = t->next;
		forest_free(&t->forest);
		free(t->name);
		free(t);
	}
	stores_free(&r->stores);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "home", 1, NULL, 'H' }, { "no-store", 0, NULL, 'N' },
		{ "help", 0, NULL, 'h' }, { "version", 0, NULL, 'V' }, { 0 } };
	struct run r = { 0 };
	const char *home = NULL;
	enum status st = ST_OK;
	int c, rc;

	cli_start("weir-thread", help);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		switch (c) {
		case 'H': home = optarg; break;
		case 'N': r.no_store = true; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, c);
		}
	}
	if (optind < argc)
		cli_usage("%s: records come on standard input", argv[optind]);
	if (!r.no_store) {
		st = home_dir(home, &r.home);
		if (st == ST_OK)
			st = stores_new(r.home, STORE_READ, &r.stores);
	}
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-thread", .home = r.home });
	if (st != ST_OK)
		return cli_finish(cli_fail(st, "start"));
	rc = rec_filter("weir-thread", each, &r);
	done(&r);
	return cli_finish(rc);
}
