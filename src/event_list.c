/* event_list.c - see event.h: a tenant's reports added up, and its events. */
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "cli.h"
#include "event.h"
#include "sandbox.h"

#define SHORT_KEY 12	/* digits in a table; all of them in a pipe */

struct run {
	const struct event_opts *opts;
	struct reportsum *sum;
	struct table table;
	struct buf domain, out;
	uint64_t left_out;
};

/* Whether the event's domain is the one asked for or beneath it. */
static bool wanted(struct run *run, struct span json)
{
	struct buf d = { 0 };
	size_t n = run->domain.len;
	bool yes = n == 0;

	if (!yes && json_text(json_get(json, "domain"), &d) && d.len >= n)
		yes = memcmp(d.p + d.len - n, run->domain.p, n) == 0 && (d.len == n || d.p[d.len - n - 1] == '.');
	buf_free(&d);
	return yes;
}

/* ---- sums ---- */

static enum status add(void *arg, const struct report_seen *r)
{
	struct run *run = arg;

	if (!report_is(r->json, run->opts->kind) || !wanted(run, r->json))
		return ST_OK;
	if (r->proof < PROOF_PASS && !run->opts->unproven) {
		run->left_out++;
		return ST_OK;
	}
	return reportsum_add(run->sum, r->json);
}

/* ---- the list ---- */

static void count_cell(struct buf *b, struct span v)
{
	int64_t n;

	if (json_get_int(v, &n))
		buf_fmt(b, "%lld", (long long)n);
}

static void row(struct run *run, const struct report_seen *r)
{
	struct buf *cell = run->table.cell;
	bool tls = report_is(r->json, REPORT_TLS);
	int64_t succeeded, failed;

	json_text(json_get(r->json, "time"), &cell[0]);
	json_text(json_get(r->json, "type"), &cell[1]);
	if (r->report) {
		buf_str(&cell[2], report_proof_name(r->proof));
		buf_str(&cell[2], r->conflict ? "!" : "");
		if (tls && json_get_int(json_get(r->json, "succeeded"), &succeeded) && json_get_int(json_get(r->json, "failed"), &failed))
			buf_fmt(&cell[3], "%lld", (long long)(succeeded + failed));
		else
			count_cell(&cell[3], json_get(r->json, "messages"));
		count_cell(&cell[4], json_get(r->json, "failed"));
		json_text(json_get(r->json, "domain"), &cell[5]);
		json_text(json_get(r->json, "org"), &cell[6]);
		json_text(json_get(r->json, "key"), &cell[7]);
	}
	if (run->table.pretty && cell[0].len > 16) {
		cell[0].p[10] = ' ';
		cell[0].p[cell[0].len = 16] = '\0';
	}
	if (run->table.pretty && cell[7].len > SHORT_KEY)
		cell[7].p[cell[7].len = SHORT_KEY] = '\0';
	table_row(&run->table);
}

/* The event as it is stored, and what its receipts say. */
static void print_json(struct run *run, const struct report_seen *r)
{
	struct buf *b = &run->out;

	buf_clear(b);
	if (!r->report) {
		buf_add(b, r->json.p, r->json.len);
	} else {
		buf_add(b, r->json.p, r->json.len - 1);
		json_cstr(b, "proof", report_proof_name(r->proof));
		json_int(b, "receipts", (int64_t)r->receipts);
		if (r->receipt.p)
			json_raw(b, "receipt", r->receipt.p, r->receipt.len);
		if (r->conflict)
			json_bool(b, "conflict", true);
		json_close(b, '}');
	}
	fwrite(b->p, 1, b->len, stdout);
	putchar('\n');
}

static enum status show(void *arg, const struct report_seen *r)
{
	struct run *run = arg;

	if (!wanted(run, r->json) || (run->opts->type && !json_is(json_get(r->json, "type"), run->opts->type)))
		return ST_OK;
	if (run->opts->json)
		print_json(run, r);
	else
		row(run, r);
	return buf_ok(&run->out) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

static void begin_list(struct run *run)
{
	static const char *const titles[] = { "TIME", "TYPE", "PROOF", "COUNT", "FAILED", "DOMAIN", "REPORTED BY", "KEY" };
	static const int widths[] = { 16, 12, 10, 8, 8, 0, 0, SHORT_KEY }, share[] = { 0, 0, 0, 0, 0, 1, 1, 0 };

	if (!run->opts->json)
		table_begin(&run->table, run->opts->pretty || isatty(STDOUT_FILENO), 8, titles, widths, share);
}

/* ---- both ---- */

static int with_store(struct run *run, const char *tenant, report_seen_fn fn)
{
	const struct event_opts *o = run->opts;
	struct store *store = NULL;
	enum status st = ST_OK;

	if (o->domain && domain_normal(o->domain, strlen(o->domain), &run->domain) != ST_OK)
		st = st_fail(ST_USAGE, "--domain %s is no domain", o->domain);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-event.list", .home = o->home, .tenant = tenant });
	if (st == ST_OK)
		st = store_open(o->home, tenant, STORE_READ, &store);
	if (st == ST_OK)
		st = store_begin(store);
	if (st == ST_OK) {
		st = reports_each(store, o->since, o->before, fn, run);
		store_abort(store);
	}
	store_close(&store);
	return st == ST_OK ? 0 : cli_fail(st, tenant);
}

int event_table(const struct event_opts *o)
{
	struct run run = { .opts = o };
	enum status st = reportsum_new(o->kind, o->sum, &run.sum);
	int rc = st == ST_OK ? with_store(&run, o->table, add) : cli_fail(st, o->table);

	if (rc == 0)
		reportsum_print(run.sum, true, o->json);
	if (rc == 0 && run.left_out > 0)
		cli_warn("%llu reports left out: the mail that brought them did not pass DMARC, as far as is known (--unproven counts them)",
			(unsigned long long)run.left_out);
	reportsum_free(&run.sum);
	buf_free(&run.domain);
	return rc;
}

int event_list(const struct event_opts *o, const char *tenant)
{
	struct run run = { .opts = o };
	int rc;

	begin_list(&run);
	rc = with_store(&run, tenant, show);
	table_end(&run.table);
	buf_free(&run.domain);
	buf_free(&run.out);
	return rc;
}
