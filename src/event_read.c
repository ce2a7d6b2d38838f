/* event_read.c - see event.h: reports out of files, mails and records, shown and stored. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "digest.h"
#include "event.h"
#include "home.h"
#include "inputs.h"
#include "record.h"
#include "reread.h"
#include "sandbox.h"
#include "stores.h"

struct run {
	const struct event_opts *opts;
	struct reread *reread;
	struct routes *routes;
	struct stores *stores;
	struct reportsum *sum;
	int status;
	/* the mail or file at hand */
	const char *name;		/* for stderr */
	struct store *store;		/* in a transaction; NULL: nothing is stored */
	const char *tenant;		/* NULL: nobody's */
	struct report_came came;
	size_t good, bad;
	struct buf other;		/* why an attachment that did not claim to be a report is none */
	struct buf out;			/* what is to be printed, or appended to the record */
	struct buf raw, parts;
};

/* ---- one report ---- */

static enum status text_of(struct span entity, const char *member, struct buf *b)
{
	buf_clear(b);
	return json_text(json_get(entity, member), b) && buf_ok(b) ? ST_OK : st_fail(ST_BUG, "an entity without %s", member);
}

/* Whether the tenant may have it: it must be about a domain of the tenant's. */
static enum status check_owner(struct run *run, struct span entity)
{
	char owner[TENANT_MAX_BYTES + 1];
	struct buf domain = { 0 };
	enum status st = text_of(entity, "domain", &domain);

	if (st == ST_OK)
		st = report_owner(run->routes, buf_cstr(&domain), owner);
	if (st == ST_NOTFOUND || (st == ST_OK && strcmp(owner, run->tenant) != 0))
		st = st_fail(ST_BAD, "a report about %s, which is no domain of %s: nothing of it is stored", buf_cstr(&domain), run->tenant);
	buf_free(&domain);
	return st;
}

static enum status store_it(struct run *run, struct span entity, bool *new_out)
{
	enum status st = run->tenant ? check_owner(run, entity)
		: st_fail(ST_BAD, "the record has no tenant (weir-route adds it): nothing is stored");

	if (st == ST_OK && !run->store) {
		st = stores_get(run->stores, run->tenant, &run->store);
		if (st == ST_OK)
			st = store_begin(run->store);
		if (st != ST_OK)
			run->store = NULL;
	}
	return st == ST_OK ? report_put(run->store, entity, &run->came, new_out) : st;
}

/* Ends the transaction of the mail at hand. */
static enum status settle(struct run *run, enum status st)
{
	if (run->store && st == ST_OK)
		st = store_commit(run->store);
	else if (run->store)
		store_abort(run->store);
	run->store = NULL;
	return st;
}

/* What is about the report, not about us: said, and the rest goes on. */
static bool about_input(enum status st)
{
	return st == ST_BAD || st == ST_LIMIT;
}

/* ---- files and mails: shown ---- */

/* A line, shown when the mail or file is done with: what could not be stored is not shown as if it were. */
static enum status keep_for_output(struct run *run, struct span entity, bool stored, bool is_new)
{
	buf_add(&run->out, entity.p, entity.len - stored);
	if (stored) {
		json_cstr(&run->out, "stored", is_new ? "new" : "known");
		json_close(&run->out, '}');
	}
	buf_chr(&run->out, '\n');
	return buf_ok(&run->out) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

static enum status take(void *arg, const struct report_found *f)
{
	struct run *run = arg;
	bool storing = run->opts->tenant != NULL, is_new = false;
	enum status st = f->st;

	if (st == ST_OK && storing)
		st = store_it(run, f->entity, &is_new);
	if (st == ST_OK)
		st = keep_for_output(run, f->entity, storing, is_new);
	if (st == ST_OK) {
		run->good++;
		return ST_OK;
	}
	if (!about_input(st))
		return st;
	if (f->st != ST_OK && !f->declared && !f->failure) {
		if (run->other.len == 0)
			buf_str(&run->other, st_text());
		return ST_OK;
	}
	run->bad++;
	cli_warn("%s: %s%s%s%s", run->name, f->part ? "part " : "", f->part ? f->part : "", f->part ? ": " : "", st_text());
	return ST_OK;
}

static enum status read_mail(struct run *run)
{
	struct message_opts none = { 0 };
	uint8_t sha[DIGEST_BYTES];
	static char id[DIGEST_HEX + 1];
	enum status st = digest_of(run->raw.p ? run->raw.p : "", run->raw.len, sha);

	if (st == ST_OK) {
		hex_of(sha, DIGEST_BYTES, id);
		run->came.message = id;
		st = reread_message(run->reread, buf_cstr(&run->raw), run->raw.len, &none, &run->parts);
	}
	if (st != ST_OK)
		return st;
	struct span all = { run->parts.p, run->parts.len };
	run->came.from = json_get(all, "message.from");
	return reports_of_mail(run->opts->kind, run->raw.p, run->raw.len, json_get(all, "parts"), take, run);
}

static enum status read_report(struct run *run)
{
	struct buf entity = { 0 };
	struct report_found f = { .declared = true };
	enum status st;

	f.st = run->raw.len > 0 ? report_read(run->opts->kind, run->raw.p, run->raw.len, &entity) : st_fail(ST_BAD, "it is empty");
	f.entity = (struct span){ entity.p, entity.len };
	st = f.st == ST_NOMEM ? f.st : take(run, &f);
	buf_free(&entity);
	return st;
}

/* The lines kept: as they are, or added up. */
static enum status show(struct run *run)
{
	const char *p = buf_cstr(&run->out), *end = p + run->out.len;
	enum status st = ST_OK;

	if (run->opts->json) {
		fwrite(p, 1, run->out.len, stdout);
		return ST_OK;
	}
	while (st == ST_OK && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		st = reportsum_add(run->sum, (struct span){ p, (size_t)(nl - p) });
		p = nl + 1;
	}
	return st;
}

/* fd is closed. */
static void read_one(struct run *run, const char *name, int fd)
{
	enum status st = fd < 0 ? st_fail_errno("open") : file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &run->raw);

	if (fd > STDIN_FILENO)
		close(fd);
	run->name = name;
	run->tenant = run->opts->tenant;
	run->came = (struct report_came){ 0 };
	run->good = run->bad = 0;
	buf_clear(&run->other);
	if (st == ST_OK)
		st = run->opts->bare ? read_report(run) : read_mail(run);
	st = settle(run, st);
	if (st == ST_OK && run->good == 0 && run->bad == 0)
		st = run->other.len ? st_fail(ST_BAD, "no report is attached: %s", buf_cstr(&run->other))
			: st_fail(ST_BAD, "no report is attached; if it is a report itself and no mail, say --report");
	if (st == ST_OK)
		st = show(run);
	buf_clear(&run->out);
	if (st != ST_OK)
		run->status = st_worse(run->status, cli_fail(st, name));
	if (run->bad > 0)
		run->status = st_worse(run->status, EX_WEIR_DATA);
}

static enum status open_stores(struct run *run)
{
	enum status st = routes_open(run->opts->home, 0, &run->routes);

	return st == ST_OK ? stores_new(run->opts->home, STORE_WRITE, &run->stores) : st;
}

static void done(struct run *run)
{
	stores_free(&run->stores);
	routes_close(&run->routes);
	reread_stop(&run->reread);
	reportsum_free(&run->sum);
	buf_free(&run->other);
	buf_free(&run->out);
	buf_free(&run->raw);
	buf_free(&run->parts);
}

/* The files that were named, and the tenant's store if there is one to store with. */
static enum status enter(const struct event_opts *o, const struct inputs *in)
{
	return sandbox_enter(&(struct sandbox_opts){ .profile = o->tenant ? "weir-event" : "weir-event.look",
		.home = o->tenant ? o->home : NULL, .tenant = o->tenant, .also = inputs_paths(in) });
}

int event_read(const struct event_opts *o, int n, char *files[])
{
	struct run run = { .opts = o };
	struct inputs *in = NULL;
	struct store *store;
	enum status st = o->bare ? ST_OK : reread_start(&run.reread);

	if (st == ST_OK)
		st = reportsum_new(o->kind, o->sum, &run.sum);
	if (st == ST_OK && o->tenant)
		st = open_stores(&run);
	if (st == ST_OK)
		st = inputs_new(files, n, &in);
	if (st == ST_OK)
		st = enter(o, in);
	if (st == ST_OK && o->tenant)	/* a tenant that is not there is said once, not for each file */
		st = stores_get(run.stores, o->tenant, &store);
	if (st != ST_OK) {
		run.status = cli_fail(st, o->tenant ? o->tenant : "start");
		inputs_free(&in);
		done(&run);
		return run.status;
	}
	if (n == 0)
		read_one(&run, "standard input", STDIN_FILENO);
	for (int i = 0; i < n; i++)
		read_one(&run, files[i], inputs_open(in, i));
	inputs_free(&in);
	if (!o->json)
		reportsum_print(run.sum, isatty(STDOUT_FILENO), false);
	done(&run);
	return run.status;
}

/* ---- records ---- */

static void put_number(struct buf *b, struct span entity, const char *member)
{
	struct span v = json_get(entity, member);

	if (v.p)
		json_raw(b, member, v.p, v.len);
}

static void put_refused(struct run *run, const struct report_found *f, enum status st)
{
	const char *why = f->failure ? "unsupported" : st == ST_LIMIT ? "limit" : f->st == ST_OK ? "foreign" : "unusable";

	json_cstr(&run->out, "state", "refused");
	json_cstr(&run->out, "why", why);
	json_cstr(&run->out, "detail", st_text());
	if (!f->failure) {
		run->bad++;
		cli_warn("%s: part %s: %s", run->name, f->part, st_text());
	}
}

static enum status note(void *arg, const struct report_found *f)
{
	static const char *const members[] = { "key", "domain", "org", "messages", "succeeded", "failed" };
	struct run *run = arg;
	bool is_new = false;
	enum status st = f->st == ST_OK ? store_it(run, f->entity, &is_new) : f->st;

	if (st != ST_OK && !about_input(st))
		return st;
	if (f->st != ST_OK && !f->declared && !f->failure)
		return ST_OK;	/* some other attachment */
	json_open(&run->out, NULL, '{');
	json_cstr(&run->out, "part", f->part);
	if (st != ST_OK)
		put_refused(run, f, st);
	else
		json_cstr(&run->out, "state", is_new ? "new" : "known");
	for (size_t i = 0; f->st == ST_OK && i < sizeof members / sizeof *members; i++)
		put_number(&run->out, f->entity, members[i]);
	if (st == ST_OK)
		json_cstr(&run->out, "proof", report_proof_name(report_proof_of(run->came.auth)));
	json_close(&run->out, '}');
	return ST_OK;
}

static enum status read_raw(struct run *run, const struct rec *rec)
{
	struct buf path = { 0 };
	int64_t size;
	int fd;
	enum status st = json_text(rec_get(rec, "raw.path"), &path) && json_get_int(rec_get(rec, "raw.size"), &size)
		? roots_open(run->opts->roots, buf_cstr(&path), &fd) : st_fail(ST_BAD, "no raw.path and raw.size in the record");

	if (st == ST_OK) {
		st = file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &run->raw);
		close(fd);
	}
	if (st == ST_OK && run->raw.len != (uint64_t)size)
		st = st_fail(ST_AGAIN, "%s has %zu bytes, the record says %lld", buf_cstr(&path), run->raw.len, (long long)size);
	buf_free(&path);
	return st;
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	struct run *run = arg;
	const char *key = run->opts->kind == REPORT_DMARC ? "dmarc_reports" : "tls_reports";
	struct span parts = rec_get(rec, "parts");
	struct buf tenant = { 0 }, id = { 0 };
	enum status st;

	if (rec_get(rec, key).p)
		return ST_OK;	/* been here */
	if (!parts.p)
		return st_fail(ST_BAD, "no parts in the record: weir-parse makes them");
	if (!reports_possible(run->opts->kind, parts))
		return ST_OK;
	run->name = rec_label(rec);
	run->bad = 0;
	buf_clear(&run->out);
	run->tenant = json_text(rec_get(rec, "tenant"), &tenant) ? buf_cstr(&tenant) : NULL;
	json_text(rec_get(rec, "id"), &id);
	run->came = (struct report_came){ buf_cstr(&id), rec_get(rec, "message.from"), rec_get(rec, "auth") };
	st = read_raw(run, rec);
	if (st == ST_OK)
		st = reports_of_mail(run->opts->kind, run->raw.p, run->raw.len, parts, note, run);
	st = settle(run, st);
	if (st == ST_OK && run->out.len > 0) {
		json_open(extra, key, '[');
		buf_add(extra, run->out.p, run->out.len);
		json_close(extra, ']');
	}
	if (run->bad > 0)
		run->status = EX_WEIR_DATA;
	buf_free(&tenant);
	buf_free(&id);
	return st;
}

int event_records(const struct event_opts *o)
{
	struct run run = { .opts = o };
	enum status st = o->any_root ? ST_OK : roots_default(o->roots, o->home);

	if (st == ST_OK)
		st = open_stores(&run);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-event", .home = o->home, .roots = o->roots });
	int rc = st == ST_OK ? rec_filter("weir-event", each, &run) : cli_fail(st, "start");
	done(&run);
	return st_worse(rc, run.status);
}
