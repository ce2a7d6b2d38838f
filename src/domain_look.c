/* domain_look.c - see domain_look.h. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "cli.h"
#include "domain_look.h"
#include "route.h"
#include "sandbox.h"
#include "when.h"

/* ---- options ---- */

bool domain_view_option(struct dns_view_opts *v, int opt, const char *arg)
{
	char *end;

	switch (opt) {
	case VIEW_RESOLVER: v->dns.resolver = arg; break;
	case VIEW_DNS: v->dns.file = arg; break;
	case VIEW_DNSSEC: v->dns.dnssec = true; break;
	case VIEW_ANCHOR: v->dns.anchor = arg; break;
	case VIEW_AUTHORITY: v->authority = arg; break;
	case VIEW_NO_AUTHORITY: v->no_authority = true; break;
	case VIEW_DIFF: v->diff = true; break;
	case VIEW_CHANGES: v->changes = true; break;
	case VIEW_MESSAGE: v->message = arg; break;
	case VIEW_SINCE: v->since = arg; break;
	case VIEW_NOW: v->now = arg; break;
	case VIEW_AUTHORITY_PORT:
		v->authority_port = (int)strtol(arg, &end, 10);
		if (*end || v->authority_port < 1 || v->authority_port > 65535)
			cli_usage("%s is no port: 1 to 65535", arg);
		break;
	default:
		return false;
	}
	return true;
}

/* ---- opening ---- */

static enum status open_dns(struct look *l)
{
	const struct dns_view_opts *o = l->o;
	struct authority_opts ao = { .port = (uint16_t)o->authority_port, .any_address = o->authority_port != 0 || o->authority != NULL };
	enum status rc = dns_open(&o->dns, &l->dns);

	l->vo.authority = o->authority;
	l->vo.no_authority = o->no_authority || o->dns.file != NULL;	/* records in a file have no name servers */
	if (rc == ST_OK && !l->vo.no_authority)
		rc = authority_new(&ao, &l->au);
	return rc;
}

/* Which files may be touched: each tenant's store, but not its private keys, while answers of strangers are read. */
struct fence { const char *home; bool keys; struct sandbox_path *path; size_t n, max; };

static enum status fence_add(struct fence *f, const char *tenant, const char *sub, enum sandbox_may may)
{
	struct buf path = { 0 };
	enum status rc = tenant_path(f->home, tenant, sub, &path);

	if (rc == ST_OK && f->n + 2 > f->max) {
		size_t max = f->max ? 2 * f->max : 64;
		struct sandbox_path *more = reallocarray(f->path, max, sizeof *more);

		if (more) {
			f->path = more;
			f->max = max;
		} else {
			rc = st_fail(ST_NOMEM, "out of memory");
		}
	}
	if (rc == ST_OK) {
		f->path[f->n++] = (struct sandbox_path){ path.p, may };
		f->path[f->n] = (struct sandbox_path){ NULL, SANDBOX_NONE };
	} else {
		buf_free(&path);
	}
	return rc;
}

static enum status fence_tenant(void *arg, const char *tenant)
{
	struct fence *f = arg;
	enum status rc = fence_add(f, tenant, NULL, SANDBOX_LIST);

	if (rc == ST_OK)
		rc = fence_add(f, tenant, "entities", SANDBOX_WRITE);
	if (rc == ST_OK)
		rc = fence_add(f, tenant, "blobs", SANDBOX_WRITE);
	if (rc == ST_OK)
		rc = fence_add(f, tenant, "lock", SANDBOX_USE);
	return rc == ST_OK && f->keys ? fence_add(f, tenant, "keys", SANDBOX_READ) : rc;
}

static enum status enter(const struct dns_view_opts *o, bool keys)
{
	struct fence f = { .home = o->home, .keys = keys };
	enum status rc = store_tenants(o->home, fence_tenant, &f);
	size_t i;

	if (rc == ST_NOTFOUND)
		rc = ST_OK;	/* no tenants yet */
	if (rc == ST_OK)
		rc = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-domain.verify", .home = o->home, .also = f.path,
			.network = o->dns.file == NULL });
	for (i = 0; i < f.n; i++)
		free((void *)(uintptr_t)f.path[i].path);
	free(f.path);
	return rc;
}

enum status look_open(struct look *l, bool keys, int64_t *now)
{
	const struct dns_view_opts *o = l->o;
	enum status rc = ST_OK;

	if (o->now)
		rc = when_parse(o->now, time(NULL), now);
	if (rc == ST_OK)
		rc = providers_open(o->home, o->providers, &l->providers);
	if (rc == ST_OK)
		rc = open_dns(l);
	if (rc == ST_OK)
		rc = enter(o, keys);
	if (rc == ST_OK)
		rc = stores_new(o->home, STORE_WRITE, &l->stores);
	return rc;
}

static void job_free(struct look_job *j)
{
	verify_free(&j->v);
	records_free(&j->records);
	records_free(&j->delegation);
	verify_state_free(&j->before);
	verify_state_free(&j->after);
	free(j);
}

static void free_portion(struct look *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		job_free(l->job[i]);
	free(l->job);
	l->job = NULL;
	l->n = 0;
}

void look_close(struct look *l)
{
	free_portion(l);
	free(l->name);
	stores_free(&l->stores);
	authority_free(&l->au);
	dns_close(&l->dns);
	providers_close(&l->providers);
}

/* ---- which domains ---- */

static enum status add_name(void *arg, const char *domain, const char *tenant)
{
	struct look *l = arg;

	if (l->n_name == l->max_name) {
		size_t max = l->max_name ? 2 * l->max_name : 64;
		struct look_name *more = reallocarray(l->name, max, sizeof *more);

		if (!more)
			return st_fail(ST_NOMEM, "out of memory");
		l->name = more;
		l->max_name = max;
	}
	snprintf(l->name[l->n_name].tenant, sizeof l->name->tenant, "%s", tenant);
	snprintf(l->name[l->n_name].domain, sizeof l->name->domain, "%s", domain);
	l->n_name++;
	return ST_OK;
}

static enum status add_given(struct look *l, struct routes *routes, const char *name)
{
	char tenant[TENANT_MAX_BYTES + 1];
	struct buf domain = { 0 };
	enum status rc = domain_normal(name, strlen(name), &domain);

	if (rc != ST_OK || domain.len == 0 || domain.len > DOMAIN_MAX_BYTES)
		rc = st_fail(ST_NOTFOUND, "that is no domain");
	else
		rc = routes_get(routes, buf_cstr(&domain), tenant);
	if (rc == ST_NOTFOUND)
		st_fail(rc, "no tenant has this domain: weir-domain add TENANT %s", name);
	if (rc == ST_OK)
		rc = add_name(l, buf_cstr(&domain), tenant);
	buf_free(&domain);
	return rc;
}

static int by_tenant(const void *a, const void *b)
{
	const struct look_name *x = a, *y = b;
	int c = strcmp(x->tenant, y->tenant);

	return c ? c : strcmp(x->domain, y->domain);
}

static void drop_twice(struct look *l)
{
	size_t i, n = 0;

	if (l->n_name > 1)
		qsort(l->name, l->n_name, sizeof *l->name, by_tenant);
	for (i = 0; i < l->n_name; i++)
		if (n == 0 || by_tenant(&l->name[n - 1], &l->name[i]) != 0)
			l->name[n++] = l->name[i];
	l->n_name = n;
}

enum status look_list(struct look *l, int n, char *names[], int *status)
{
	struct routes *routes = NULL;
	enum status rc = routes_open(l->o->home, 0, &routes);
	int i;

	l->all = n == 0;
	if (rc == ST_OK && l->all)
		rc = routes_each(routes, add_name, l);
	for (i = 0; rc == ST_OK && i < n; i++) {
		rc = add_given(l, routes, names[i]);
		if (rc == ST_NOTFOUND) {
			*status = st_worse(*status, cli_fail(rc, names[i]));
			rc = ST_OK;
		}
	}
	routes_close(&routes);
	drop_twice(l);
	return rc;
}

/* ---- a portion ---- */

static enum status expected(struct look *l, struct look_job *j)
{
	enum status rc;

	if (j->d.mode == DOMAIN_DELEGATED) {
		rc = zone_records(&j->d, l->providers, &j->records);
		return rc == ST_OK ? delegation_records(&j->d, l->providers, &j->delegation) : rc;
	}
	return domain_records(&j->d, l->providers, &j->records);
}

static enum status read_domain(struct look *l, struct look_job *j, const char *name)
{
	struct store *st = NULL;
	enum status rc = stores_get(l->stores, j->tenant, &st);

	if (rc == ST_OK)
		rc = store_begin(st);
	if (rc != ST_OK)
		return rc;
	rc = domain_get(st, name, &j->d);
	store_abort(st);
	if (rc == ST_OK && j->d.mode == DOMAIN_PLAIN)
		rc = st_fail(ST_NOTFOUND, "nothing was settled about its DNS: weir-domain set %s --provider NAME", name);
	return rc;
}

/* ST_OK without j->v: there is nothing to look at, or it was said why not. */
static enum status prepare(struct look *l, struct look_job *j, const struct look_name *name, int *status)
{
	enum status rc;

	snprintf(j->tenant, sizeof j->tenant, "%s", name->tenant);
	rc = read_domain(l, j, name->domain);
	if (rc == ST_NOTFOUND && l->all)
		return ST_OK;
	if (rc == ST_OK)
		rc = expected(l, j);
	if (rc == ST_OK)
		rc = verify_new(&j->d, &j->records, j->d.mode == DOMAIN_DELEGATED ? &j->delegation : NULL, &l->vo, &j->v);
	if (rc == ST_NOTFOUND || rc == ST_BAD || rc == ST_CONFIG || rc == ST_LIMIT) {
		*status = st_worse(*status, cli_fail(rc, name->domain));
		rc = ST_OK;
	}
	return rc;
}

static enum status done(void *arg, size_t at, struct verify *v) { return ST_OK; }

static enum status look_up(struct look *l)
{
	struct verify **list = calloc(l->n + 1, sizeof *list);
	size_t i, n = 0;
	enum status rc;

	if (!list)
		return st_fail(ST_NOMEM, "out of memory");
	for (i = 0; i < l->n; i++)
		if (l->job[i]->v)
			list[n++] = l->job[i]->v;
	rc = verify_run(list, n, l->dns, l->au, done, l);
	free(list);
	return rc;
}

enum status look_next(struct look *l, bool *more, int *status)
{
	enum status rc = ST_OK;

	free_portion(l);
	l->job = calloc(LOOK_PORTION, sizeof *l->job);
	if (!l->job)
		return st_fail(ST_NOMEM, "out of memory");
	while (rc == ST_OK && l->n < LOOK_PORTION && l->next < l->n_name) {
		struct look_job *j = calloc(1, sizeof *j);

		if (!j)
			return st_fail(ST_NOMEM, "out of memory");
		rc = prepare(l, j, &l->name[l->next++], status);
		if (rc == ST_OK && j->v)
			l->job[l->n++] = j;
		else
			job_free(j);
	}
	*more = l->next < l->n_name;
	return rc == ST_OK ? look_up(l) : rc;
}
