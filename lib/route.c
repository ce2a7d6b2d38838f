/*
 * route.c - see route.h.
 *
 * Three named databases: "meta" holds the schema version and the platform's shared domain, "domains" maps a domain to
 * its tenant, "addresses" an address on the shared domain. Values are checked words, so one is never a path to leave by.
 * LMDB rules: MDB_NOTLS, no WRITEMAP, stale readers cleared at open, and one environment per
 * process (LMDB forgets its locks if a second one of the same file is closed).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "route_priv.h"

#define ROUTES_SCHEMA		"1"
#define ROUTES_MAP_BYTES	(1ull << 30)	/* sparse: some ten million domains */

enum status routes_fail(int rc, const char *what)
{
	enum status st = rc == MDB_MAP_FULL || rc == MDB_READERS_FULL || rc == MDB_MAP_RESIZED ? ST_AGAIN
		: rc == MDB_NOTFOUND ? ST_NOTFOUND
		: rc == MDB_VERSION_MISMATCH || rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ? ST_CONFIG
		: rc > 0 ? st_errno(rc) : ST_IO;

	if (st == ST_CONFIG)
		return st_fail(st, "routes: %s: %s (remove the folder routes of the home, then weir-tenant routes makes it again "
			"from all tenants' settings)", what, mdb_strerror(rc));
	return st_fail(st, "routes: %s: %s", what, mdb_strerror(rc));
}

/* The schema version is written with the first domain and must be ours ever after. */
static enum status check_schema(struct routes *r, MDB_txn *txn)
{
	MDB_val key = { 6, "schema" }, val;
	int rc = mdb_get(txn, r->meta, &key, &val);

	if (rc == MDB_NOTFOUND && r->write) {
		val = (MDB_val){ strlen(ROUTES_SCHEMA), ROUTES_SCHEMA };
		rc = mdb_put(txn, r->meta, &key, &val, 0);
		return rc == 0 ? ST_OK : routes_fail(rc, "write schema version");
	}
	if (rc != 0)
		return routes_fail(rc, "read schema version");
	if (val.mv_size != strlen(ROUTES_SCHEMA) || memcmp(val.mv_data, ROUTES_SCHEMA, val.mv_size) != 0)
		return st_fail(ST_CONFIG, "routes: schema version %.*s is not known to this weir",
			(int)val.mv_size, (char *)val.mv_data);
	return ST_OK;
}

static enum status open_databases(struct routes *r)
{
	unsigned flags = r->write ? MDB_CREATE : 0;
	MDB_txn *txn = NULL;
	enum status st;
	int rc = mdb_txn_begin(r->env, NULL, r->write ? 0 : MDB_RDONLY, &txn);

	if (rc != 0)
		return routes_fail(rc, "begin");
	rc = mdb_dbi_open(txn, "meta", flags, &r->meta);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "domains", flags, &r->domains);
	if (rc == 0) {
		rc = mdb_dbi_open(txn, "addresses", flags, &r->addresses);
		r->has_addresses = rc == 0;
		if (rc == MDB_NOTFOUND && !r->write)	/* made by a weir that knew of no shared domain */
			rc = 0;
	}
	st = rc == 0 ? check_schema(r, txn) : routes_fail(rc, "open");
	if (st != ST_OK) {
		mdb_txn_abort(txn);
		return st;
	}
	rc = mdb_txn_commit(txn);
	return rc == 0 ? ST_OK : routes_fail(rc, "commit");
}

static enum status open_env(struct routes *r, const char *path)
{
	int rc = mdb_env_create(&r->env), dead;

	if (rc != 0)
		return routes_fail(rc, "create");
	mdb_env_set_maxdbs(r->env, 4);
	mdb_env_set_mapsize(r->env, ROUTES_MAP_BYTES);
	rc = mdb_env_open(r->env, path, MDB_NOTLS | (r->write ? 0 : MDB_RDONLY), 0600);
	if (rc != 0)
		return routes_fail(rc, path);
	mdb_reader_check(r->env, &dead);
	return open_databases(r);
}

enum status routes_open(const char *home, int write, struct routes **out)
{
	struct routes *r = calloc(1, sizeof(*r));
	struct buf path = { 0 };
	enum status st = ST_OK;

	if (r == NULL)
		return st_fail(ST_NOMEM, "routes: out of memory");
	r->write = write;
	buf_fmt(&path, "%s/routes", home);
	if (!buf_ok(&path))
		st = st_fail(ST_NOMEM, "routes: out of memory");
	else if (write)
		st = file_mkdirs(path.p, 0700);
	/* Somebody may be making it right now, or was killed then: the folder comes first, data.mdb later, what is in it last. */
	if (st == ST_OK && !write) {
		struct buf data = { 0 };
		struct stat sb = { .st_size = 0 };

		buf_fmt(&data, "%s/data.mdb", path.p);
		if ((stat(buf_cstr(&data), &sb) == 0 || errno == ENOENT) && sb.st_size == 0) {
			buf_free(&data);
			buf_free(&path);
			*out = r;
			return ST_OK;
		}
		buf_free(&data);
	}
	if (st == ST_OK)
		st = open_env(r, path.p);
	/* The file is there, the first commit is not: empty as well. */
	if (st == ST_NOTFOUND && !write) {
		mdb_env_close(r->env);
		r->env = NULL;
		st = ST_OK;
	}
	buf_free(&path);
	if (st == ST_OK)
		*out = r;
	else
		routes_close(&r);
	return st;
}

void routes_close(struct routes **r)
{
	if (*r == NULL)
		return;
	if ((*r)->read != NULL)
		mdb_txn_abort((*r)->read);
	if ((*r)->env != NULL)
		mdb_env_close((*r)->env);
	free(*r);
	*r = NULL;
}

/* A read transaction that sees what is committed now. */
enum status routes_look(struct routes *r)
{
	int rc = r->read != NULL ? mdb_txn_renew(r->read)
		: mdb_txn_begin(r->env, NULL, MDB_RDONLY, &r->read);

	return rc == 0 ? ST_OK : routes_fail(rc, "begin");
}

enum status routes_tenant(MDB_val val, const char *domain, char *tenant_out)
{
	if (!tenant_valid(val.mv_data, val.mv_size))
		return st_fail(ST_BAD, "routes: %s: no tenant's name stands there", domain);
	memcpy(tenant_out, val.mv_data, val.mv_size);
	tenant_out[val.mv_size] = '\0';
	return ST_OK;
}

static enum status check_key(const char *domain, MDB_val *key)
{
	*key = (MDB_val){ strlen(domain), (void *)(uintptr_t)domain };
	if (key->mv_size == 0 || key->mv_size > ROUTES_KEY_MAX)
		return st_fail(ST_BAD, "routes: a domain has 1 to %d bytes", ROUTES_KEY_MAX);
	return ST_OK;
}

static enum status no_such(const char *domain)
{
	return st_fail(ST_NOTFOUND, "no tenant has the domain %s", domain);
}

enum status routes_get(struct routes *r, const char *domain, char *tenant_out)
{
	MDB_val key, val;
	enum status st = check_key(domain, &key);
	int rc;

	if (st != ST_OK)
		return st;
	if (r->env == NULL)
		return no_such(domain);
	st = routes_look(r);
	if (st != ST_OK)
		return st;
	rc = mdb_get(r->read, r->domains, &key, &val);
	st = rc == 0 ? routes_tenant(val, domain, tenant_out)
		: rc == MDB_NOTFOUND ? no_such(domain) : routes_fail(rc, domain);
	mdb_txn_reset(r->read);
	return st;
}

static enum status set_in(struct routes *r, MDB_txn *txn, const char *domain, const char *tenant)
{
	char owner[TENANT_MAX_BYTES + 1];
	MDB_val key, val;
	enum status st = check_key(domain, &key);
	int rc;

	if (st != ST_OK)
		return st;
	rc = mdb_get(txn, r->domains, &key, &val);
	if (rc == 0) {
		st = routes_tenant(val, domain, owner);
		if (st == ST_OK && strcmp(owner, tenant) != 0)
			st = st_fail(ST_EXISTS, "another tenant has the domain %s", domain);
		return st;
	}
	if (rc != MDB_NOTFOUND)
		return routes_fail(rc, domain);
	st = routes_not_shared(r, txn, domain);
	if (st != ST_OK)
		return st;
	val = (MDB_val){ strlen(tenant), (void *)(uintptr_t)tenant };
	rc = mdb_put(txn, r->domains, &key, &val, 0);
	return rc == 0 ? ST_OK : routes_fail(rc, domain);
}

static enum status del_in(struct routes *r, MDB_txn *txn, const char *domain, const char *tenant)
{
	MDB_val key;
	enum status st = check_key(domain, &key);
	int rc;

	if (st != ST_OK)
		return st;
	rc = mdb_del(txn, r->domains, &key, NULL);
	return rc == 0 ? ST_OK : rc == MDB_NOTFOUND ? no_such(domain) : routes_fail(rc, domain);
}

static enum status change(struct routes *r, const char *domain, const char *tenant,
	enum status (*fn)(struct routes *, MDB_txn *, const char *, const char *))
{
	MDB_txn *txn = NULL;
	enum status st;
	int rc;

	if (!r->write)
		return st_fail(ST_BUG, "routes: opened for reading only");
	rc = mdb_txn_begin(r->env, NULL, 0, &txn);
	if (rc != 0)
		return routes_fail(rc, "begin");
	st = fn(r, txn, domain, tenant);
	if (st != ST_OK) {
		mdb_txn_abort(txn);
		return st;
	}
	rc = mdb_txn_commit(txn);
	return rc == 0 ? ST_OK : routes_fail(rc, "commit");
}

enum status routes_set(struct routes *r, const char *domain, const char *tenant)
{
	if (!tenant_valid(tenant, strlen(tenant)))
		return st_fail(ST_BAD, "routes: %s is no tenant's name", tenant);
	return change(r, domain, tenant, set_in);
}

enum status routes_del(struct routes *r, const char *domain)
{
	return change(r, domain, NULL, del_in);
}

static enum status each_in(struct routes *r, MDB_cursor *cur,
	enum status (*fn)(void *arg, const char *domain, const char *tenant), void *arg)
{
	char domain[ROUTES_KEY_MAX + 1], tenant[TENANT_MAX_BYTES + 1];
	MDB_val key, val;
	enum status st = ST_OK;
	int rc = mdb_cursor_get(cur, &key, &val, MDB_FIRST);

	for (; rc == 0 && st == ST_OK; rc = mdb_cursor_get(cur, &key, &val, MDB_NEXT)) {
		if (key.mv_size > ROUTES_KEY_MAX)
			return st_fail(ST_BAD, "routes: a key is too long");
		memcpy(domain, key.mv_data, key.mv_size);
		domain[key.mv_size] = '\0';
		st = routes_tenant(val, domain, tenant);
		if (st == ST_OK)
			st = fn(arg, domain, tenant);
	}
	if (st != ST_OK)
		return st == ST_END ? ST_OK : st;
	return rc == MDB_NOTFOUND ? ST_OK : routes_fail(rc, "list");
}

enum status routes_each(struct routes *r,
	enum status (*fn)(void *arg, const char *domain, const char *tenant), void *arg)
{
	MDB_cursor *cur = NULL;
	enum status st;
	int rc;

	if (r->env == NULL)
		return ST_OK;
	st = routes_look(r);
	if (st != ST_OK)
		return st;
	rc = mdb_cursor_open(r->read, r->domains, &cur);
	st = rc == 0 ? each_in(r, cur, fn, arg) : routes_fail(rc, "list");
	if (cur != NULL)
		mdb_cursor_close(cur);
	mdb_txn_reset(r->read);
	return st;
}
