/* domain_history.c - weir-domain history, see domain_verify.h: what verify has kept in the tenant's store. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "cli.h"
#include "domain_look.h"
#include "json.h"
#include "record.h"
#include "route.h"
#include "sandbox.h"
#include "when.h"

struct event { char *json; size_t len, at; int64_t ms; };
struct telling { const struct dns_view_opts *o; const char *domain; struct event *event; size_t n, max; };

static void text(struct span v)
{
	struct buf b = { 0 };

	if (json_text(v, &b))
		cli_safe(stdout, buf_cstr(&b), b.len, 0);
	buf_free(&b);
}

static void record_line(struct span e)
{
	struct span change = json_get(e, "change"), found = json_get(e, "found");

	fputs("    ", stdout);
	text(json_get(e, "verdict"));
	if (change.p) {
		fputs(json_is(change, "new") ? " (newly required" : " (", stdout);
		if (!json_is(change, "new"))
			text(change);
		putchar(')');
	}
	putchar(' ');
	text(json_get(e, "rrtype"));
	putchar(' ');
	text(json_get(e, "owner"));
	if (found.p) {
		fputs(": ", stdout);
		text(found);
	}
	putchar('\n');
}

static void lines(struct span e)
{
	struct span it = json_get(e, "records"), row, was = json_get(e, "was");

	text(json_get(e, "time"));
	fputs("  ", stdout);
	text(json_get(e, "state"));
	if (was.p) {
		fputs(", was ", stdout);
		text(was);
	}
	if (json_is(json_get(e, "news"), "warning"))
		fputs(", warning: it fails unless this is mended", stdout);
	if (json_is(json_get(e, "news"), "mended"))
		fputs(", mended", stdout);
	putchar('\n');
	while (it.p && json_elem(&it, &row))
		record_line(row);
}

static void tell(const struct dns_view_opts *o, struct span e)
{
	struct buf b = { 0 };

	if (!o->json) {
		lines(e);
		return;
	}
	buf_fmt(&b, "{\"weir\":%d,", RECORD_VERSION);	/* an event is an object with at least its type */
	buf_add(&b, e.p + 1, e.len - 1);
	if (buf_ok(&b))
		printf("%s\n", b.p);
	buf_free(&b);
}

static enum status collect(void *arg, struct span e)
{
	struct telling *t = arg;
	struct event *one;

	if (!json_is(json_get(e, "type"), DOMAIN_EVENT) || !json_is(json_get(e, "domain"), t->domain))
		return ST_OK;
	if (t->n == t->max) {
		size_t max = t->max ? 2 * t->max : 64;
		struct event *more = reallocarray(t->event, max, sizeof *more);

		if (!more)
			return st_fail(ST_NOMEM, "out of memory");
		t->event = more;
		t->max = max;
	}
	one = &t->event[t->n];
	*one = (struct event){ .json = strndup(e.p, e.len), .len = e.len, .at = t->n };
	if (!one->json)
		return st_fail(ST_NOMEM, "out of memory");
	json_get_int(json_get(e, "ms"), &one->ms);
	t->n++;
	return ST_OK;
}

static struct span time_of(const struct event *e) { return json_get((struct span){ e->json, e->len }, "time"); }

/* The store has them in order of seconds. */
static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	struct span s = time_of(x), t = time_of(y);

	if (s.len != t.len || memcmp(s.p, t.p, s.len) != 0)
		return x->at < y->at ? -1 : 1;
	return x->ms != y->ms ? (x->ms < y->ms ? -1 : 1) : x->at < y->at ? -1 : 1;
}

static enum status tell_all(struct telling *t, int64_t since)
{
	char tenant[TENANT_MAX_BYTES + 1];
	struct routes *routes = NULL;
	struct store *st = NULL;
	enum status rc = routes_open(t->o->home, 0, &routes);
	size_t i;

	if (rc == ST_OK)
		rc = routes_get(routes, t->domain, tenant);
	if (rc == ST_NOTFOUND)
		rc = st_fail(rc, "no tenant has this domain");
	if (rc == ST_OK)
		rc = store_open(t->o->home, tenant, STORE_READ, &st);
	if (rc == ST_OK)
		rc = store_begin(st);
	if (rc == ST_OK) {
		rc = store_events(st, since, 0, collect, t);
		store_abort(st);
	}
	store_close(&st);
	routes_close(&routes);
	if (t->n > 1)
		qsort(t->event, t->n, sizeof *t->event, by_time);
	for (i = 0; i < t->n; i++) {
		if (rc == ST_OK)
			tell(t->o, (struct span){ t->event[i].json, t->event[i].len });
		free(t->event[i].json);
	}
	free(t->event);
	return rc;
}

int domain_history(const struct dns_view_opts *o, const char *name)
{
	struct buf domain = { 0 };
	int64_t since = 0;
	enum status rc = ST_OK;

	if (o->since)
		rc = when_parse(o->since, time(NULL), &since);
	if (rc == ST_OK && (domain_normal(name, strlen(name), &domain) != ST_OK || domain.len == 0 || domain.len > DOMAIN_MAX_BYTES))
		rc = st_fail(ST_USAGE, "that is no domain");
	if (rc == ST_OK)
		rc = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-domain.history", .home = o->home });
	if (rc == ST_OK)
		rc = tell_all(&(struct telling){ .o = o, .domain = buf_cstr(&domain) }, since);
	buf_free(&domain);
	return rc == ST_OK ? 0 : cli_fail(rc, name);
}
