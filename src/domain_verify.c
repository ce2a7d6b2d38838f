/*
 * domain_verify.c - weir-domain verify, see domain_verify.h. Looking and keeping are two steps: no transaction is open while names
 * are asked for, and what was found is kept (state, history) before it is told.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "date.h"
#include "domain_look.h"
#include "json.h"
#include "verify_print.h"

/* What must be mended by people outweighs what mends itself. */
static int worse(int a, int b)
{
	if ((a == EX_WEIR_NO && (b == EX_WEIR_OK || b == EX_WEIR_AGAIN)) || (b == EX_WEIR_NO && (a == EX_WEIR_OK || a == EX_WEIR_AGAIN)))
		return EX_WEIR_NO;
	if (a == EX_WEIR_NO || b == EX_WEIR_NO)
		return a == EX_WEIR_NO ? b : a;
	return st_worse(a, b);
}

/* ---- history ---- */

static void event_rows(const struct verify *v, const struct verify_state *before, struct buf *b)
{
	size_t i;

	json_open(b, "records", '[');
	for (i = 0; i < v->n_row; i++) {
		const struct verify_row *r = &v->row[i];
		enum vchange change = verify_change(before, r);

		if (r->verdict == VERDICT_TEMPERROR || (r->verdict == VERDICT_OK && change == VCHANGE_NONE))
			continue;
		json_open(b, NULL, '{');
		json_cstr(b, "owner", r->owner);
		json_cstr(b, "rrtype", rr_type_name(r->type));
		json_cstr(b, "verdict", verdict_name(r->verdict));
		if (change != VCHANGE_NONE)
			json_cstr(b, "change", vchange_name(change));
		if (r->n_found > 0) {
			struct buf text = { 0 };

			verify_item_text(&r->found[0], &text);
			json_str(b, "found", buf_cstr(&text), text.len < 500 ? text.len : 500);
			buf_free(&text);
		}
		json_close(b, '}');
	}
	json_close(b, ']');
}

static enum status keep_event(struct store *st, const struct look_job *j)
{
	struct buf b = { 0 };
	struct timespec clock;
	char when[32];
	enum status rc;

	json_open(&b, NULL, '{');
	json_cstr(&b, "type", DOMAIN_EVENT);
	date_rfc3339(j->after.checked, when);
	json_cstr(&b, "time", when);
	clock_gettime(CLOCK_REALTIME, &clock);
	json_int(&b, "ms", clock.tv_nsec / 1000000);	/* two looks within a second stay in order */
	json_cstr(&b, "domain", j->d.name);
	json_cstr(&b, "state", vstate_name(j->after.state));
	if (j->after.state != j->before.state)
		json_cstr(&b, "was", vstate_name(j->before.state));
	if (j->news != VNEWS_NONE)
		json_cstr(&b, "news", vnews_name(j->news));
	event_rows(j->v, &j->before, &b);
	json_close(&b, '}');
	rc = buf_ok(&b) ? store_event(st, b.p, b.len) : st_fail(ST_NOMEM, "out of memory");
	buf_free(&b);
	return rc;
}

/* What was there before is read again here: another run may have been quicker. */
static enum status keep(struct store *st, struct look_job *j, int64_t now)
{
	struct domain d;
	enum status rc = domain_get(st, j->d.name, &d);

	if (rc != ST_OK)
		return rc;
	rc = verify_state_get(st, j->d.name, &j->before);
	if (rc == ST_OK)
		rc = verify_state_get(st, j->d.name, &j->after);
	if (rc != ST_OK)
		return rc;
	j->changed = verify_changed(&j->before, j->v);
	j->news = verify_state_next(&j->after, verify_seen_of(j->v), now);
	rc = verify_remember(&j->after, j->v);
	if (rc == ST_OK)
		rc = verify_state_set(st, j->d.name, &j->after);
	if (rc == ST_OK && (j->news != VNEWS_NONE || j->changed))
		rc = keep_event(st, j);
	return rc;
}

/* One transaction for a tenant's domains; jobs are in order of tenants. A domain that was removed meanwhile is left out. */
static enum status keep_tenant(struct look *l, size_t from, size_t to, int64_t now, int *status)
{
	struct store *st = NULL;
	enum status rc = stores_get(l->stores, l->job[from]->tenant, &st);
	size_t i;

	if (rc == ST_OK)
		rc = store_begin(st);
	if (rc != ST_OK)
		return rc;
	for (i = from; i < to && rc == ST_OK; i++) {
		struct look_job *j = l->job[i];

		if (!j->v)
			continue;
		rc = keep(st, j, now);
		if (rc == ST_NOTFOUND || rc == ST_BAD) {	/* what is damaged of one domain stops no other */
			if (rc == ST_BAD)
				*status = worse(*status, cli_fail(rc, j->d.name));
			j->gone = true;
			rc = ST_OK;
		}
	}
	if (rc == ST_OK)
		return store_commit(st);
	store_abort(st);
	return rc;
}

static enum status keep_all(struct look *l, int64_t now, int *status)
{
	size_t i, k;
	enum status rc = ST_OK;

	for (i = 0; i < l->n && rc == ST_OK; i = k) {
		for (k = i + 1; k < l->n && strcmp(l->job[k]->tenant, l->job[i]->tenant) == 0; k++)
			;
		rc = keep_tenant(l, i, k, now, status);
	}
	return rc;
}

/* ---- telling ---- */

static void tell(const struct dns_view_opts *o, const struct look_job *j)
{
	struct verify_told told = { .tenant = j->tenant, .before = &j->before, .after = &j->after, .news = j->news };
	struct buf b = { 0 };

	if (o->changes && !j->changed && j->news == VNEWS_NONE)
		return;
	if (o->json)
		verify_json(j->v, &told, &b);
	else if (o->diff)
		verify_diff(j->v, &told, &b);
	else
		verify_page(stdout, j->v, &told, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
	if (!buf_ok(&b))
		cli_warn("%s: out of memory", j->d.name);
	if (b.len > 0)
		fwrite(b.p, 1, b.len, stdout);
	if (b.len > 0 && o->json)
		putchar('\n');
	buf_free(&b);
}

static int status_of(const struct dns_view_opts *o, const struct look_job *j)
{
	if (o->status && !verify_well(j->v) && (verify_broken(j->v) || j->v->count[VERDICT_TEMPERROR] == 0))
		return EX_WEIR_NO;
	return j->v->count[VERDICT_TEMPERROR] > 0 ? EX_WEIR_AGAIN : EX_WEIR_OK;
}

int domain_verify(const struct dns_view_opts *o, int n, char *names[])
{
	struct look l = { .o = o };
	int64_t now = time(NULL);
	enum status rc = look_open(&l, false, &now);
	int status = 0;
	bool more = true;
	size_t i;

	if (rc == ST_OK)
		rc = look_list(&l, n, names, &status);
	while (rc == ST_OK && more) {
		rc = look_next(&l, &more, &status);
		if (rc == ST_OK)
			rc = keep_all(&l, now, &status);
		for (i = 0; rc == ST_OK && i < l.n; i++) {
			if (l.job[i]->v && !l.job[i]->gone) {
				tell(o, l.job[i]);
				status = worse(status, status_of(o, l.job[i]));
			}
		}
	}
	if (rc != ST_OK)
		status = worse(status, cli_fail(rc, "verify"));
	look_close(&l);
	return status;
}
