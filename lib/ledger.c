/* ledger.c - see ledger.h. */
#include <lmdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "ledger.h"

#define MAP_BYTES (16ull << 30)		/* sparse: the file grows on demand; ~100 bytes an entry */
#define KEY_BYTES (DIGEST_BYTES + 1)

/* What is stored. Fixed size up to the name. */
struct entry {
	uint8_t check[8];		/* of key and all that follows */
	uint8_t conf[LEDGER_CONF_BYTES];
	uint8_t verdict, reason;	/* reason: index into reasons[] + 1 */
	char name[LEDGER_NAME_BYTES];	/* cut at its NUL */
};
#define ENTRY_HEAD offsetof(struct entry, name)

struct pending { uint8_t key[KEY_BYTES]; struct entry e; size_t len; };

struct ledger {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *reader;		/* reset between reads */
	uint8_t conf[LEDGER_CONF_BYTES];
	struct pending pending[LEDGER_BATCH];
	size_t n;
};

/* The order is part of the schema. */
static const char *const reasons[] = { "encrypted", "too_big", "too_deep", "too_many", "too_long",
	"unsupported", "corrupt", "error", "no_canary", "timeout", "crash" };
#define N_REASONS (sizeof reasons / sizeof *reasons)

static size_t reason_index(const char *word)
{
	size_t i = 0;

	while (i < N_REASONS && strcmp(reasons[i], word) != 0)
		i++;
	return i;
}

const char *finding_reason(const char *word)
{
	size_t i = reason_index(word);

	return i < N_REASONS ? reasons[i] : NULL;
}

bool finding_lasts(const struct finding *f)
{
	static const char *const passing[] = { "too_long", "error", "no_canary", "timeout", "crash" };

	for (size_t i = 0; f->verdict == VERDICT_UNSCANNED && i < sizeof passing / sizeof *passing; i++)
		if (!f->reason || strcmp(f->reason, passing[i]) == 0)
			return false;
	return true;
}

/* ---- opening ---- */

static enum status fail(int rc, const char *what)
{
	enum status st = rc == MDB_MAP_FULL || rc == MDB_READERS_FULL || rc == MDB_MAP_RESIZED
		? ST_AGAIN : rc == MDB_VERSION_MISMATCH || rc == MDB_INVALID ? ST_CONFIG
		: rc > 0 ? st_errno(rc) : ST_IO;

	bool damaged = rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND;
	return st_fail(st, "ledger: %s: %s%s", what, mdb_strerror(rc), damaged ? ": remove it, all is scanned again then" : "");
}

/* The schema's number, checked or written. */
static int check_schema(struct ledger *l, MDB_txn *txn, bool *unknown)
{
	MDB_val key = { 6, "schema" }, val;
	uint8_t version = LEDGER_SCHEMA;
	int rc = mdb_get(txn, l->dbi, &key, &val);

	if (rc == MDB_NOTFOUND) {
		val = (MDB_val){ 1, &version };
		return mdb_put(txn, l->dbi, &key, &val, 0);
	}
	*unknown = rc == 0 && (val.mv_size != 1 || *(uint8_t *)val.mv_data != LEDGER_SCHEMA);
	return rc;
}

static enum status begin(struct ledger *l, const char *path)
{
	MDB_txn *txn = NULL;
	bool unknown = false;
	int dead;

	int rc = mdb_env_create(&l->env);
	if (rc == 0)
		rc = mdb_env_set_mapsize(l->env, MAP_BYTES);
	if (rc == 0)
		rc = mdb_env_open(l->env, path, MDB_NOTLS, 0600);
	if (rc == 0)
		rc = mdb_reader_check(l->env, &dead);
	if (rc == 0)
		rc = mdb_txn_begin(l->env, NULL, 0, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
	if (rc == 0)
		rc = check_schema(l, txn, &unknown);
	if (rc != 0 || unknown)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	if (unknown)
		return st_fail(ST_CONFIG, "ledger: %s was made by another version: remove it", path);
	if (rc == 0)
		rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->reader);
	if (rc != 0)
		return fail(rc, path);
	mdb_txn_reset(l->reader);
	return ST_OK;
}

enum status ledger_open(const char *home, const uint8_t conf[LEDGER_CONF_BYTES], struct ledger **out)
{
	struct ledger *l = calloc(1, sizeof *l);
	char *path = NULL;

	if (!l || asprintf(&path, "%s/ledger", home) < 0) {
		free(l);
		return st_fail(ST_NOMEM, "no memory for the ledger");
	}
	memcpy(l->conf, conf, LEDGER_CONF_BYTES);
	enum status st = file_mkdirs(path, 0700);
	if (st == ST_OK)
		st = begin(l, path);
	free(path);
	if (st != ST_OK)
		ledger_close(&l);
	*out = l;
	return st;
}

/* ---- entries ---- */

static void make_key(uint8_t key[KEY_BYTES], const uint8_t *digest, enum look how)
{
	memcpy(key, digest, DIGEST_BYTES);
	key[DIGEST_BYTES] = (uint8_t)how;
}

/* The first 8 bytes of SHA-256(key, entry after its check). */
static bool check_of(const uint8_t *key, const void *entry, size_t len, uint8_t out[8])
{
	uint8_t text[KEY_BYTES + sizeof(struct entry)], digest[DIGEST_BYTES];

	memcpy(text, key, KEY_BYTES);
	memcpy(text + KEY_BYTES, (const uint8_t *)entry + 8, len - 8);
	if (digest_of(text, KEY_BYTES + len - 8, digest) != ST_OK)
		return false;
	memcpy(out, digest, 8);
	return true;
}

static bool read_entry(const struct ledger *l, const uint8_t *key, const MDB_val *val,
	struct finding *out)
{
	struct entry e = {0};
	uint8_t check[8];

	if (val->mv_size < ENTRY_HEAD || val->mv_size >= sizeof e)
		return false;
	memcpy(&e, val->mv_data, val->mv_size);
	if (memcmp(e.conf, l->conf, sizeof e.conf) != 0
	    || !check_of(key, &e, val->mv_size, check) || memcmp(check, e.check, 8) != 0
	    || e.verdict < VERDICT_CLEAN || e.verdict > VERDICT_UNSCANNED || e.reason > N_REASONS)
		return false;
	out->verdict = e.verdict;
	out->reason = e.reason ? reasons[e.reason - 1] : NULL;
	memcpy(out->name, e.name, sizeof out->name);
	return true;
}

enum status ledger_get(struct ledger *l, const uint8_t digest[DIGEST_BYTES], enum look how,
	struct finding *out)
{
	uint8_t key[KEY_BYTES];
	MDB_val k = { sizeof key, key }, v;

	make_key(key, digest, how);
	for (size_t i = l->n; i-- > 0; )	/* not committed yet */
		if (memcmp(l->pending[i].key, key, KEY_BYTES) == 0) {
			v = (MDB_val){ l->pending[i].len, &l->pending[i].e };
			return read_entry(l, key, &v, out) ? ST_OK : ST_NOTFOUND;
		}
	int rc = mdb_txn_renew(l->reader);
	if (rc != 0)
		return fail(rc, "read");
	rc = mdb_get(l->reader, l->dbi, &k, &v);
	bool there = rc == 0 && read_entry(l, key, &v, out);
	mdb_txn_reset(l->reader);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return fail(rc, "read");
	return there ? ST_OK : ST_NOTFOUND;
}

enum status ledger_put(struct ledger *l, const uint8_t digest[DIGEST_BYTES], enum look how,
	const struct finding *f)
{
	if (!finding_lasts(f))
		return ST_OK;
	if (l->n == LEDGER_BATCH) {
		enum status st = ledger_commit(l);
		if (st != ST_OK)
			return st;
	}
	struct pending *p = &l->pending[l->n];
	memset(p, 0, sizeof *p);
	make_key(p->key, digest, how);
	memcpy(p->e.conf, l->conf, sizeof p->e.conf);
	p->e.verdict = (uint8_t)f->verdict;
	if (f->verdict == VERDICT_UNSCANNED)
		p->e.reason = (uint8_t)(reason_index(f->reason) + 1);
	snprintf(p->e.name, sizeof p->e.name, "%s", f->name);
	p->len = ENTRY_HEAD + strlen(p->e.name);
	if (!check_of(p->key, &p->e, p->len, p->e.check))
		return st_fail(ST_NOMEM, "ledger: no digest");
	l->n++;
	return f->verdict == VERDICT_INFECTED ? ledger_commit(l) : ST_OK;
}

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct pending *)a)->key, ((const struct pending *)b)->key, KEY_BYTES);
}

/* One transaction; on failure the batch is dropped: it will be scanned again. */
enum status ledger_commit(struct ledger *l)
{
	MDB_txn *txn = NULL;
	size_t n = l->n;

	l->n = 0;
	if (n == 0)
		return ST_OK;
	qsort(l->pending, n, sizeof *l->pending, by_key);
	int rc = mdb_txn_begin(l->env, NULL, 0, &txn);
	if (rc != 0)
		return fail(rc, "write");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		MDB_val k = { KEY_BYTES, l->pending[i].key }, v = { l->pending[i].len, &l->pending[i].e };
		rc = mdb_put(txn, l->dbi, &k, &v, 0);
	}
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	return rc == 0 ? ST_OK : fail(rc, "write");
}

enum status ledger_close(struct ledger **lp)
{
	struct ledger *l = *lp;

	if (!l)
		return ST_OK;
	enum status st = l->env ? ledger_commit(l) : ST_OK;
	if (l->reader)
		mdb_txn_abort(l->reader);
	if (l->env)
		mdb_env_close(l->env);
	free(l);
	*lp = NULL;
	return st;
}
