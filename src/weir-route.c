/*
 * weir-route - which tenant, address and inbox a message is for, by its envelope.
 *
 * One record comes in, one goes out for each tenant that has a recipient: with that tenant's recipients and nobody
 * else's. So this is the one filter that changes what others wrote: envelope.to is cut down to the tenant's own.
 * Recipients that are nobody's go out in a record of their own, on hold.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"
#include "header.h"
#include "record.h"
#include "router.h"
#include "sandbox.h"

#define ROUTE_MAX_RECIPIENTS	1000	/* RFC 5321 4.5.3.1.8 asks for 100, SES takes 50 */
#define ROUTE_RETRY_S		3600	/* somebody may add the address */
#define WHY_MAX_BYTES		400

static const char help[] =
	"usage: weir-route [--home DIR] [--tenant NAME [--address ADDRESS] [--inbox NAME]]\n"
	"\n"
	"Appends `tenant` and `recipients` to each record, by envelope.to: one record for each tenant.\n"
	"What is nobody's is put on hold. See weir-route(1).\n"
	"\n"
	"      --home DIR         instead of $WEIR_HOME\n"
	"      --tenant NAME      everything goes to this tenant, also what has no envelope\n"
	"      --address ADDRESS  with --tenant: recipient of what has none\n"
	"      --inbox NAME       with --tenant: inbox of what has no address of the tenant's (default)\n"
	"  -h, --help             this text\n"
	"      --version          the version\n";

struct opts { const char *home, *tenant, *address, *inbox; };

/* What one outgoing record says; tenant "" is the one on hold. */
struct group { char tenant[TENANT_MAX_BYTES + 1]; struct buf to, recipients; };

struct run {
	struct opts opts;
	struct router *router;
	struct rec_io *io;
	struct destination fallback;	/* --tenant */
	struct group *group;
	size_t groups, cap;
	struct buf why;			/* of the recipients on hold */
	size_t held, inactive;		/* how many these are; whose address is switched off */
	int status;
};

static enum status group_of(struct run *run, const char *tenant, struct group **out)
{
	struct group *g;

	for (size_t i = 0; i < run->groups; i++)
		if (strcmp(run->group[i].tenant, tenant) == 0) {
			*out = &run->group[i];
			return ST_OK;
		}
	if (run->groups == run->cap) {
		size_t cap = run->cap + 8;

		g = realloc(run->group, cap * sizeof(*g));
		if (g == NULL)
			return st_fail(ST_NOMEM, "out of memory");
		memset(g + run->cap, 0, (cap - run->cap) * sizeof(*g));
		run->group = g;
		run->cap = cap;
	}
	g = &run->group[run->groups++];
	snprintf(g->tenant, sizeof(g->tenant), "%s", tenant);
	buf_clear(&g->to);
	buf_clear(&g->recipients);
	json_open(&g->to, NULL, '[');
	json_open(&g->recipients, NULL, '[');
	*out = g;
	return ST_OK;
}

/* The tag as the sender wrote it: behind the same '+' as in the normal form. In a quoted local part
 * they need not be the same, so there the normal form's is taken. */
static void add_tag(struct group *g, const char *rcpt, size_t len, const struct destination *to)
{
	const char *p = rcpt, *at = memrchr(rcpt, '@', len);
	int plus = to->tag_plus;

	if (at == NULL || len == 0 || *rcpt == '"')
		return;
	for (; p < at; p++)
		if (*p == '+' && --plus == 0)
			break;
	if (p < at)
		json_str(&g->recipients, "tag", p + 1, (size_t)(at - p - 1));
}

/* rcpt_json NULL: the message has no envelope recipient. */
static enum status add_recipient(struct run *run, const char *tenant, struct span rcpt_json,
	struct span rcpt, const struct destination *to, const char *match)
{
	struct group *g;
	enum status st = group_of(run, tenant, &g);

	if (st != ST_OK)
		return st;
	if (rcpt_json.p != NULL)
		json_raw(&g->to, NULL, rcpt_json.p, rcpt_json.len);
	json_open(&g->recipients, NULL, '{');
	json_str(&g->recipients, "rcpt", rcpt.p, rcpt.len);
	json_cstr(&g->recipients, "address", to->address);
	json_cstr(&g->recipients, "inbox", to->inbox);
	if (to->match == MATCH_TAG)
		add_tag(g, rcpt.p, rcpt.len, to);
	json_cstr(&g->recipients, "match", match);
	if (to->shared)
		json_bool(&g->recipients, "shared", true);
	json_close(&g->recipients, '}');
	return ST_OK;
}

static enum status add_held(struct run *run, struct span rcpt_json, const char *why)
{
	struct group *g;
	enum status st = group_of(run, "", &g);

	if (st != ST_OK)
		return st;
	json_raw(&g->to, NULL, rcpt_json.p, rcpt_json.len);
	run->held++;
	if (run->why.len < WHY_MAX_BYTES)
		buf_fmt(&run->why, "%s%.*s: %s", run->why.len > 0 ? "; " : "",
			(int)(rcpt_json.len > 256 ? 256 : rcpt_json.len), rcpt_json.p, why);
	return ST_OK;
}

static enum status add_fallback(struct run *run, struct span rcpt_json, struct span rcpt)
{
	struct destination to = run->fallback;
	struct buf normal = { 0 };
	enum status st;

	if (rcpt_json.p == NULL)
		rcpt = (struct span){ to.address, strlen(to.address) };
	else if (address_normal(rcpt.p, rcpt.len, &normal) == ST_OK && normal.len <= ADDRESS_MAX_BYTES)
		snprintf(to.address, sizeof(to.address), "%s", buf_cstr(&normal));
	st = add_recipient(run, run->opts.tenant, rcpt_json, rcpt, &to, "option");
	buf_free(&normal);
	return st;
}

/* One recipient of the envelope to its group. */
static enum status place(struct run *run, struct span rcpt_json, struct span rcpt)
{
	struct route route;
	enum status st = router_find(run->router, rcpt.p, rcpt.len, &route);
	bool ours = st == ST_OK && !route.inactive && (run->opts.tenant == NULL || strcmp(route.tenant, run->opts.tenant) == 0);

	if (ours)
		return add_recipient(run, route.tenant, rcpt_json, rcpt, &route.to, match_name(route.to.match));
	if (st == ST_OK && route.inactive) {
		char why[TENANT_MAX_BYTES + 40];

		snprintf(why, sizeof(why), "%s's address is switched off", route.tenant);
		run->inactive++;
		return add_held(run, rcpt_json, why);
	}
	if (st == ST_OK)
		return add_held(run, rcpt_json, "belongs to another tenant than the one --tenant names");
	if (st != ST_NOTFOUND)
		return st;
	if (run->opts.tenant != NULL)
		return add_fallback(run, rcpt_json, rcpt);
	return add_held(run, rcpt_json, st_text());
}

/* Whether the same recipient stands before e in the array. Quadratic, hence ROUTE_MAX_RECIPIENTS. */
static bool seen_before(struct span to, struct span e)
{
	struct span it = to, f;

	while (json_elem(&it, &f) && f.p < e.p)
		if (f.len == e.len && strncasecmp(f.p, e.p, e.len) == 0)
			return true;
	return false;
}

static enum status place_all(struct run *run, struct span to)
{
	struct span it = to, e;
	struct buf text = { 0 };
	enum status st = ST_OK;
	size_t n = 0;

	while (st == ST_OK && json_type(to) == '[' && json_elem(&it, &e)) {
		if (++n > ROUTE_MAX_RECIPIENTS) {
			st = st_fail(ST_LIMIT, "more than %d recipients", ROUTE_MAX_RECIPIENTS);
			break;
		}
		if (seen_before(to, e))
			continue;
		buf_clear(&text);
		if (!json_text(e, &text))
			st = add_held(run, e, "not an address");
		else
			st = place(run, e, (struct span){ buf_cstr(&text), text.len });
	}
	buf_free(&text);
	if (st == ST_OK && n == 0 && run->opts.tenant != NULL)
		st = add_fallback(run, (struct span){ NULL, 0 }, (struct span){ NULL, 0 });
	return st;
}

/* Several recipients may be held for several reasons: the detail has each one's. */
static void add_hold(struct run *run, struct buf *extra)
{
	if (run->inactive == run->held)
		rec_hold(extra, "weir-route", "inactive", buf_cstr(&run->why), ROUTE_RETRY_S);
	else if (run->opts.tenant != NULL)
		rec_hold(extra, "weir-route", "other_tenant", buf_cstr(&run->why), ROUTE_RETRY_S);
	else
		rec_hold(extra, "weir-route", "unroutable", buf_cstr(&run->why), ROUTE_RETRY_S);
}

/* The members of one outgoing record. */
static enum status describe(struct run *run, struct group *g, size_t n, struct buf *extra)
{
	const char *policy = "";
	enum status st;

	if (g->tenant[0] != '\0') {
		st = router_policy(run->router, g->tenant, &policy);
		if (st != ST_OK)
			return st;
		json_cstr(extra, "tenant", g->tenant);
		json_raw(extra, "recipients", g->recipients.p, g->recipients.len);
	}
	if (run->groups > 1) {
		json_open(extra, "fanout", '{');
		json_int(extra, "n", (int64_t)n + 1);
		json_int(extra, "of", (int64_t)run->groups);
		json_close(extra, '}');
	}
	if (policy[0] != '\0')
		json_raw(extra, "policy", policy, strlen(policy));
	if (g->tenant[0] == '\0')
		add_hold(run, extra);
	return buf_ok(extra) && buf_ok(&g->to) && buf_ok(&g->recipients) ? ST_OK
		: st_fail(ST_NOMEM, "out of memory");
}

/* All or nothing: the members are made for every group before the first record goes out, or a failure
 * half way would leave a fan-out that never becomes complete. */
static enum status emit_groups(struct run *run, const struct rec *rec)
{
	struct span to = rec_get(rec, "envelope.to");
	struct buf extra = { 0 };
	size_t *end = calloc(run->groups, sizeof(*end)), from = 0;
	enum status st = end != NULL ? ST_OK : st_fail(ST_NOMEM, "out of memory");

	for (size_t i = 0; st == ST_OK && i < run->groups; i++) {
		struct buf one = { 0 };

		json_close(&run->group[i].to, ']');
		json_close(&run->group[i].recipients, ']');
		st = describe(run, &run->group[i], i, &one);
		buf_add(&extra, one.p, one.len);
		end[i] = extra.len;
		buf_free(&one);
	}
	if (st == ST_OK && !buf_ok(&extra))
		st = st_fail(ST_NOMEM, "out of memory");
	for (size_t i = 0; st == ST_OK && i < run->groups; from = end[i++]) {
		struct buf *own = &run->group[i].to;

		st = rec_emit_replaced(run->io, rec, to, own->p, own->len, extra.p + from, end[i] - from);
	}
	free(end);
	buf_free(&extra);
	return st;
}

/* ST_OK with *sent_out false: what is to be said about the record is in extra. */
static enum status route_one(struct run *run, const struct rec *rec, struct buf *extra, bool *sent_out)
{
	enum status st;

	*sent_out = false;
	if (rec_stopped(rec) || rec_get(rec, "tenant").p != NULL)
		return ST_OK;
	run->groups = 0;
	run->held = run->inactive = 0;
	buf_clear(&run->why);
	st = place_all(run, rec_get(rec, "envelope.to"));
	if (st == ST_LIMIT) {
		rec_hold(extra, "weir-route", "too_many_recipients", st_text(), 0);
		return ST_OK;
	}
	if (st == ST_OK && run->groups == 0) {
		rec_hold(extra, "weir-route", "no_recipients", "the envelope names nobody", ROUTE_RETRY_S);
		return ST_OK;
	}
	if (st == ST_OK)
		st = emit_groups(run, rec);
	*sent_out = st == ST_OK;
	return st;
}

static int route_all(struct run *run)
{
	struct buf extra = { 0 };
	struct rec rec;
	enum status st;

	do {
		st = rec_next(run->io, &rec);
		if (st == ST_OK) {
			bool sent;
			enum status one;
			int rc;

			buf_clear(&extra);
			one = route_one(run, &rec, &extra, &sent);
			rc = sent ? 0 : rec_finish(run->io, "weir-route", &rec, one, &extra);
			run->status = st_worse(run->status, rc);
			if (rc == EX_WEIR_IO && rec_flush(run->io) != ST_OK)
				break;
		}
		if (st == ST_BAD || st == ST_LIMIT)
			run->status = st_worse(run->status, cli_fail(st, "standard input"));
		else if (st != ST_OK && st != ST_END)
			run->status = st_worse(run->status, cli_fail(st, "records"));
	} while (st == ST_OK || st == ST_BAD || st == ST_LIMIT);
	buf_free(&extra);
	st = rec_io_close(&run->io);
	if (st != ST_OK)
		run->status = st_worse(run->status, cli_fail(st, "records"));
	return run->status;
}

/* What --tenant, --address and --inbox say, checked before the first record. */
static enum status prepare(struct run *run)
{
	struct opts *o = &run->opts;
	struct buf normal = { 0 };
	struct route route;
	const char *policy;
	enum status st;

	if (o->tenant == NULL)
		return ST_OK;
	st = router_policy(run->router, o->tenant, &policy);
	if (st != ST_OK)
		return st;
	snprintf(run->fallback.inbox, sizeof(run->fallback.inbox), "%s", o->inbox != NULL ? o->inbox : INBOX_DEFAULT);
	if (o->address == NULL)
		return ST_OK;
	st = address_normal(o->address, strlen(o->address), &normal);
	if (st == ST_OK && normal.len > ADDRESS_MAX_BYTES)
		st = st_fail(ST_BAD, "--address is too long");
	if (st == ST_OK)
		snprintf(run->fallback.address, sizeof(run->fallback.address), "%s", buf_cstr(&normal));
	buf_free(&normal);
	if (st == ST_OK && o->inbox == NULL && router_find(run->router, o->address, strlen(o->address), &route) == ST_OK
			&& !route.inactive && strcmp(route.tenant, o->tenant) == 0)
		snprintf(run->fallback.inbox, sizeof(run->fallback.inbox), "%s", route.to.inbox);
	return st;
}

static void read_options(int argc, char *argv[], struct opts *o)
{
	static const struct option options[] = {
		{ "home", required_argument, NULL, 'H' },
		{ "tenant", required_argument, NULL, 't' },
		{ "address", required_argument, NULL, 'a' },
		{ "inbox", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'H': o->home = optarg; break;
		case 't': o->tenant = optarg; break;
		case 'a': o->address = optarg; break;
		case 'i': o->inbox = optarg; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	if (optind < argc)
		cli_usage("no operand wanted: %s", argv[optind]);
	if (o->tenant == NULL && (o->address != NULL || o->inbox != NULL))
		cli_usage("--address and --inbox need --tenant");
	if (o->inbox != NULL && !inbox_valid(o->inbox, strlen(o->inbox)))
		cli_usage("no inbox can be called %s", o->inbox);
}

int main(int argc, char *argv[])
{
	struct run run = { 0 };
	enum status st;

	cli_start("weir-route", help);
	read_options(argc, argv, &run.opts);
	st = home_dir(run.opts.home, &run.opts.home);
	if (st == ST_OK)
		st = router_open(run.opts.home, 0, &run.router);
	if (st == ST_OK)
		st = prepare(&run);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-route", .home = run.opts.home });
	if (st == ST_OK)
		st = rec_io_open(STDIN_FILENO, STDOUT_FILENO, &run.io);
	if (st == ST_NOTFOUND || st == ST_BAD)
		st = st_fail(ST_CONFIG, "%s", st_text());
	run.status = st == ST_OK ? route_all(&run) : cli_fail(st, "start");
	for (size_t i = 0; i < run.cap; i++) {
		buf_free(&run.group[i].to);
		buf_free(&run.group[i].recipients);
	}
	free(run.group);
	buf_free(&run.why);
	router_close(&run.router);
	return cli_finish(run.status);
}
