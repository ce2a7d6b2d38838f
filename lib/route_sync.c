/*
 * route_sync.c - see route.h: the domain that all share, and routes made to say what a tenant's settings say.
 */
#include <stdlib.h>
#include <string.h>

#include "route_priv.h"

static MDB_val val_of(const char *s)
{
	return (MDB_val){ strlen(s), (void *)(uintptr_t)s };
}

/* ---- the shared domain ---- */

static enum status read_shared(struct routes *r, MDB_txn *txn, char *domain_out)
{
	MDB_val key = val_of("shared"), val;
	int rc = mdb_get(txn, r->meta, &key, &val);

	domain_out[0] = '\0';
	if (rc == MDB_NOTFOUND)
		return ST_OK;
	if (rc != 0)
		return routes_fail(rc, "shared domain");
	if (val.mv_size > ROUTES_KEY_MAX)
		return st_fail(ST_BAD, "routes: the shared domain is no domain");
	memcpy(domain_out, val.mv_data, val.mv_size);
	domain_out[val.mv_size] = '\0';
	return ST_OK;
}

enum status routes_shared(struct routes *r, char *domain_out)
{
	enum status st;

	domain_out[0] = '\0';
	if (r->env == NULL)
		return ST_OK;
	st = routes_look(r);
	if (st == ST_OK) {
		st = read_shared(r, r->read, domain_out);
		mdb_txn_reset(r->read);
	}
	return st;
}

enum status routes_not_shared(struct routes *r, MDB_txn *txn, const char *domain)
{
	char shared[ROUTES_KEY_MAX + 1];
	enum status st = read_shared(r, txn, shared);

	if (st == ST_OK && strcmp(shared, domain) == 0)
		st = st_fail(ST_EXISTS, "%s is the platform's shared domain: it has addresses of many tenants (weir-address)", domain);
	return st;
}

static enum status begin(struct routes *r, MDB_txn **txn)
{
	int rc;

	if (!r->write)
		return st_fail(ST_BUG, "routes: opened for reading only");
	rc = mdb_txn_begin(r->env, NULL, 0, txn);
	return rc == 0 ? ST_OK : routes_fail(rc, "begin");
}

static enum status end(MDB_txn *txn, enum status st)
{
	int rc;

	if (st != ST_OK) {
		mdb_txn_abort(txn);
		return st;
	}
	rc = mdb_txn_commit(txn);
	return rc == 0 ? ST_OK : routes_fail(rc, "commit");
}

enum status routes_shared_check(const char *address)
{
	static const char *const ours[] = { "abuse", "admin", "administrator", "hostmaster", "mailer-daemon", "noc", "postmaster",
		"root", "security", "webmaster" };
	const char *at = strrchr(address, '@');
	size_t n = at != NULL ? (size_t)(at - address) : 0;

	if (n == 0 || n > 64 || strspn(address, "abcdefghijklmnopqrstuvwxyz0123456789._-") < n || address[0] == '.' || address[n - 1] == '.')
		return st_fail(ST_BAD, "on the shared domain a local part is of a-z, 0-9, '.', '_' and '-', at most 64, "
			"not %.*s", (int)(n > 80 ? 80 : n), address);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strlen(ours[i]) == n && memcmp(ours[i], address, n) == 0)
			return st_fail(ST_BAD, "%s on the shared domain is the platform's own (RFC 2142)", ours[i]);
	return ST_OK;
}

enum status routes_get_address(struct routes *r, const char *address, char *tenant_out)
{
	char base[ROUTES_ADDRESS_MAX + 1];
	const char *at = strrchr(address, '@');
	size_t local = at != NULL ? (size_t)(at - address) : 0;
	const char *plus = memchr(address, '+', local);
	MDB_val key, val;
	enum status st;
	int rc;

	if (plus != NULL)
		local = (size_t)(plus - address);
	if (r->env == NULL || !r->has_addresses || at == NULL || local + strlen(at) > ROUTES_ADDRESS_MAX)
		return st_fail(ST_NOTFOUND, "nobody has that address");
	memcpy(base, address, local);
	strcpy(base + local, at);	/* fits: checked above */
	st = routes_look(r);
	if (st != ST_OK)
		return st;
	key = val_of(base);
	rc = mdb_get(r->read, r->addresses, &key, &val);
	st = rc == 0 ? routes_tenant(val, "an address", tenant_out)
		: rc == MDB_NOTFOUND ? st_fail(ST_NOTFOUND, "nobody has that address") : routes_fail(rc, "addresses");
	mdb_txn_reset(r->read);
	return st;
}

/* ---- in step ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int key_against(const void *key, const void *elem)
{
	const MDB_val *k = key;
	const char *name = *(const char *const *)elem;
	size_t n = strlen(name);
	int cmp = memcmp(k->mv_data, name, k->mv_size < n ? k->mv_size : n);

	return cmp != 0 ? cmp : k->mv_size < n ? -1 : k->mv_size > n;
}

/* Takes away what is the tenant's here and not among the names. */
static enum status drop_others(struct routes *r, MDB_txn *txn, MDB_dbi dbi, const char *tenant, const char **names, size_t n)
{
	MDB_cursor *cur = NULL;
	MDB_val key, val;
	int rc = mdb_cursor_open(txn, dbi, &cur);

	if (rc == 0)
		rc = mdb_cursor_get(cur, &key, &val, MDB_FIRST);
	while (rc == 0) {
		bool ours = val.mv_size == strlen(tenant) && memcmp(val.mv_data, tenant, val.mv_size) == 0;

		if (ours && !(n > 0 && bsearch(&key, names, n, sizeof(*names), key_against) != NULL))
			rc = mdb_cursor_del(cur, 0);
		if (rc == 0)
			rc = mdb_cursor_get(cur, &key, &val, MDB_NEXT);
	}
	if (cur != NULL)
		mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? ST_OK : routes_fail(rc, "list");
}

/* What stands at a domain when a tenant wants one below or above it: one tenant's records and mail would be another's to redirect. */
static enum status related(const char *tenant, const char *name, const char *other, const char *owner)
{
	if (owner != NULL && strcmp(owner, tenant) == 0)
		return ST_OK;
	return st_fail(ST_EXISTS, "%s lies %s %s, which %s: one tenant's domain is not within another's", name,
		strlen(name) > strlen(other) ? "below" : "above", other, owner != NULL ? "another tenant has" : "all tenants share");
}

static bool below(const char *p, size_t n, const char *domain, size_t len)
{
	return n > len + 1 && p[n - len - 1] == '.' && memcmp(p + n - len, domain, len) == 0;
}

static enum status check_above(struct routes *r, MDB_txn *txn, const char *tenant, const char *name)
{
	char owner[TENANT_MAX_BYTES + 1];
	enum status st = ST_OK;

	for (const char *dot = strchr(name, '.'); dot != NULL && st == ST_OK; dot = strchr(dot + 1, '.')) {
		MDB_val key = val_of(dot + 1), val;
		int rc = mdb_get(txn, r->domains, &key, &val);

		if (rc == MDB_NOTFOUND)
			continue;
		st = rc == 0 ? routes_tenant(val, dot + 1, owner) : routes_fail(rc, dot + 1);
		if (st == ST_OK)
			st = related(tenant, name, dot + 1, owner);
	}
	return st;
}

static enum status check_below(struct routes *r, MDB_txn *txn, const char *tenant, const char *name)
{
	char owner[TENANT_MAX_BYTES + 1], other[ROUTES_KEY_MAX + 1];
	MDB_cursor *cur = NULL;
	MDB_val key, val;
	enum status st = ST_OK;
	int rc = mdb_cursor_open(txn, r->domains, &cur);

	if (rc == 0)
		rc = mdb_cursor_get(cur, &key, &val, MDB_FIRST);
	for (; rc == 0 && st == ST_OK; rc = mdb_cursor_get(cur, &key, &val, MDB_NEXT)) {
		if (key.mv_size > ROUTES_KEY_MAX || !below(key.mv_data, key.mv_size, name, strlen(name)))
			continue;
		memcpy(other, key.mv_data, key.mv_size);
		other[key.mv_size] = '\0';
		st = routes_tenant(val, other, owner);
		if (st == ST_OK)
			st = related(tenant, name, other, owner);
	}
	if (cur != NULL)
		mdb_cursor_close(cur);
	return st != ST_OK || rc == MDB_NOTFOUND ? st : routes_fail(rc, "list");
}

/* A domain that is new may not lie below or above another tenant's. */
static enum status check_relatives(struct routes *r, MDB_txn *txn, const char *tenant, const char *name)
{
	char shared[ROUTES_KEY_MAX + 1];
	size_t n = strlen(name), len;
	enum status st = read_shared(r, txn, shared);

	len = strlen(shared);
	if (st == ST_OK && len > 0 && (below(name, n, shared, len) || below(shared, len, name, n)))
		st = related(tenant, name, shared, NULL);
	if (st == ST_OK)
		st = check_above(r, txn, tenant, name);
	return st == ST_OK ? check_below(r, txn, tenant, name) : st;
}

static enum status put_name(struct routes *r, MDB_txn *txn, const char *tenant, const char *name)
{
	bool address = strchr(name, '@') != NULL;
	char owner[TENANT_MAX_BYTES + 1];
	MDB_val key = val_of(name), val;
	enum status st;
	int rc;

	if (key.mv_size == 0 || key.mv_size > (address ? ROUTES_ADDRESS_MAX : ROUTES_KEY_MAX))
		return st_fail(ST_BAD, "routes: %s is too long", name);
	rc = mdb_get(txn, address ? r->addresses : r->domains, &key, &val);
	if (rc == 0) {
		st = routes_tenant(val, name, owner);
		if (st == ST_OK && strcmp(owner, tenant) != 0)
			st = st_fail(ST_EXISTS, "another tenant has the %s %s", address ? "address" : "domain", name);
		return st;
	}
	if (rc != MDB_NOTFOUND)
		return routes_fail(rc, name);
	st = address ? ST_OK : routes_not_shared(r, txn, name);
	if (st == ST_OK && !address)
		st = check_relatives(r, txn, tenant, name);
	if (st != ST_OK)
		return st;
	val = val_of(tenant);
	rc = mdb_put(txn, address ? r->addresses : r->domains, &key, &val, 0);
	return rc == 0 ? ST_OK : routes_fail(rc, name);
}

static enum status sync_in(struct routes *r, MDB_txn *txn, const char *tenant, const char **names, size_t n, enum routes_sync how)
{
	enum status st;

	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	st = drop_others(r, txn, r->domains, tenant, names, n);
	if (st == ST_OK)
		st = drop_others(r, txn, r->addresses, tenant, names, n);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		st = put_name(r, txn, tenant, names[i]);
		if (st == ST_EXISTS && how == ROUTES_REPAIR)
			st = ST_OK;
	}
	return st;
}

enum status routes_sync(struct routes *r, const char *tenant, const char **names, size_t n, enum routes_sync how)
{
	MDB_txn *txn = NULL;
	enum status st;

	if (!tenant_valid(tenant, strlen(tenant)))
		return st_fail(ST_BAD, "routes: %s is no tenant's name", tenant);
	st = begin(r, &txn);
	if (st != ST_OK)
		return st;
	st = sync_in(r, txn, tenant, names, n, how);
	if (how == ROUTES_TRY) {
		mdb_txn_abort(txn);
		return st;
	}
	return end(txn, st);
}

/* ---- made again ---- */

static enum status read_whole(struct routes *r, MDB_txn *txn, bool *whole_out)
{
	MDB_val key = val_of("whole"), val;
	int rc = mdb_get(txn, r->meta, &key, &val);

	*whole_out = rc == 0;
	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK : routes_fail(rc, "whole");
}

enum status routes_whole(struct routes *r, bool *whole_out)
{
	enum status st;

	*whole_out = false;
	if (r->env == NULL)
		return ST_OK;
	st = routes_look(r);
	if (st == ST_OK) {
		st = read_whole(r, r->read, whole_out);
		mdb_txn_reset(r->read);
	}
	return st;
}

enum status routes_fill(struct routes *r, enum status (*fn)(void *arg, struct routes *r), void *arg)
{
	MDB_val key = val_of("whole"), val = val_of("1");
	enum status st = begin(r, &r->fill);
	int rc;

	if (st != ST_OK)
		return st;
	st = fn(arg, r);
	if (st == ST_OK) {
		rc = mdb_put(r->fill, r->meta, &key, &val, 0);
		st = rc == 0 ? ST_OK : routes_fail(rc, "whole");
	}
	st = end(r->fill, st);
	r->fill = NULL;
	return st;
}

enum status routes_fill_name(struct routes *r, const char *tenant, const char *name)
{
	bool address = strchr(name, '@') != NULL;
	char owner[TENANT_MAX_BYTES + 1];
	MDB_val key = val_of(name), val = val_of(tenant);
	enum status st;
	int rc;

	if (r->fill == NULL)
		return st_fail(ST_BUG, "routes: not being filled");
	if (key.mv_size == 0 || key.mv_size > (address ? ROUTES_ADDRESS_MAX : ROUTES_KEY_MAX))
		return st_fail(ST_BAD, "routes: %.80s is too long", name);
	rc = mdb_put(r->fill, address ? r->addresses : r->domains, &key, &val, MDB_NOOVERWRITE);
	if (rc != MDB_KEYEXIST)
		return rc == 0 ? ST_OK : routes_fail(rc, name);
	st = routes_tenant(val, name, owner);
	return st == ST_OK && strcmp(owner, tenant) != 0 ? st_fail(ST_EXISTS, "the tenant %s has %s", owner, name) : st;
}

enum status routes_fill_shared(struct routes *r, const char *domain_in, char *domain_out)
{
	MDB_val key = val_of("shared"), val;
	enum status st;
	int rc;

	if (r->fill == NULL)
		return st_fail(ST_BUG, "routes: not being filled");
	st = read_shared(r, r->fill, domain_out);
	if (st != ST_OK || *domain_out != '\0' || domain_in == NULL)
		return st;
	val = val_of(domain_in);
	if (val.mv_size > ROUTES_KEY_MAX)
		return st_fail(ST_BAD, "routes: %.80s is too long", domain_in);
	rc = mdb_put(r->fill, r->meta, &key, &val, 0);
	strcpy(domain_out, domain_in);	/* fits: checked above */
	return rc == 0 ? ST_OK : routes_fail(rc, "shared domain");
}

/* ---- another shared domain ---- */

static enum status shared_in(struct routes *r, MDB_txn *txn, const char *domain)
{
	char owner[TENANT_MAX_BYTES + 1], now[ROUTES_KEY_MAX + 1];
	MDB_val key = val_of("shared"), named, val;
	MDB_stat stat;
	enum status st = read_shared(r, txn, now);
	int rc;

	if (st != ST_OK || (domain != NULL && strcmp(now, domain) == 0))
		return st;
	rc = mdb_stat(txn, r->addresses, &stat);
	if (rc != 0)
		return routes_fail(rc, "shared addresses");
	if (stat.ms_entries > 0)
		return st_fail(ST_EXISTS, "%zu addresses are on the shared domain %s: remove them first (weir-address)",
			stat.ms_entries, now);
	if (domain == NULL) {
		rc = mdb_del(txn, r->meta, &key, NULL);
		return rc == 0 || rc == MDB_NOTFOUND ? ST_OK : routes_fail(rc, "shared domain");
	}
	named = val_of(domain);
	rc = mdb_get(txn, r->domains, &named, &val);
	if (rc == 0) {
		st = routes_tenant(val, domain, owner);
		return st == ST_OK ? st_fail(ST_EXISTS, "the tenant %s has the domain %s: a shared one is nobody's", owner, domain) : st;
	}
	/* Nor may it lie within a tenant's domain, or around one. */
	if (rc == MDB_NOTFOUND)
		st = check_above(r, txn, "", domain);
	if (rc == MDB_NOTFOUND && st == ST_OK)
		st = check_below(r, txn, "", domain);
	if (st != ST_OK)
		return st;
	rc = rc == MDB_NOTFOUND ? mdb_put(txn, r->meta, &key, &named, 0) : rc;
	return rc == 0 ? ST_OK : routes_fail(rc, "shared domain");
}

enum status routes_shared_set(struct routes *r, const char *domain)
{
	MDB_txn *txn = NULL;
	enum status st = begin(r, &txn);

	return st == ST_OK ? end(txn, shared_in(r, txn, domain)) : st;
}
