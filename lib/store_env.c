/*
 * store_env.c - the index as an LMDB environment: its results as our statuses, keys that sort, opening it.
 *
 * The rules (NOTLS, no WRITEMAP, one opening per process, a look before LMDB believes a file) come from measurements with 0.9.24.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_priv.h"

static const char *const table_name[TABLES] = { "meta", "msg", "sha", "node", "comp", "comp_node",
	"thread_msg", "thread_last", "date", "addr", "delivery", "event", "setting" };

/* ---- LMDB, as statuses ---- */

enum status store_mdb(const struct store *s, int rc, const char *what)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ST_OK;
	case MDB_NOTFOUND:
		return st_fail(ST_NOTFOUND, "tenant %s: %s: not found", s->tenant, what);
	case MDB_MAP_FULL: case MDB_MAP_RESIZED: case MDB_READERS_FULL: case MDB_TXN_FULL:
		return st_fail(ST_AGAIN, "tenant %s: %s: %s", s->tenant, what, mdb_strerror(rc));
	case MDB_CORRUPTED: case MDB_PAGE_NOTFOUND: case MDB_INVALID: case MDB_VERSION_MISMATCH:
	case MDB_PANIC: case MDB_INCOMPATIBLE: case MDB_CURSOR_FULL:
	case MDB_BAD_TXN:	/* an earlier step met damage: any other failure would have ended it */
		return st_fail(ST_BAD, "tenant %s: %s: the index is damaged (%s): weir-fsck --rebuild %s",
			s->tenant, what, mdb_strerror(rc), s->tenant);
	}
	if (rc > 0)
		return st_fail(st_errno(rc), "tenant %s: %s: %s", s->tenant, what, strerror(rc));
	return st_fail(ST_BUG, "tenant %s: %s: %s", s->tenant, what, mdb_strerror(rc));
}

enum status db_get(struct store *s, enum table t, const void *key, size_t n, MDB_val *out)
{
	MDB_val k = { n, (void *)key };
	int rc = mdb_get(s->txn, s->dbi[t], &k, out);

	if (rc == MDB_NOTFOUND)
		return ST_NOTFOUND;
	return rc ? store_mdb(s, rc, table_name[t]) : ST_OK;
}

enum status db_put(struct store *s, enum table t, const void *key, size_t n, const void *p, size_t len)
{
	MDB_val k = { n, (void *)key }, v = { len, (void *)p };
	int rc = mdb_put(s->txn, s->dbi[t], &k, &v, 0);

	return rc ? store_mdb(s, rc, table_name[t]) : ST_OK;
}

enum status db_reserve(struct store *s, enum table t, const void *key, size_t n, size_t len, bool append, void **out)
{
	MDB_val k = { n, (void *)key }, v = { len, NULL };
	int rc = mdb_put(s->txn, s->dbi[t], &k, &v, MDB_RESERVE | (append ? MDB_APPEND : 0));

	*out = v.mv_data;
	return rc ? store_mdb(s, rc, table_name[t]) : ST_OK;
}

enum status db_del(struct store *s, enum table t, const void *key, size_t n)
{
	MDB_val k = { n, (void *)key };
	int rc = mdb_del(s->txn, s->dbi[t], &k, NULL);

	return rc && rc != MDB_NOTFOUND ? store_mdb(s, rc, table_name[t]) : ST_OK;
}

enum status db_cursor(struct store *s, enum table t, MDB_cursor **out)
{
	int rc = mdb_cursor_open(s->txn, s->dbi[t], out);

	return rc ? store_mdb(s, rc, table_name[t]) : ST_OK;
}

enum status db_step(struct store *s, MDB_cursor *c, MDB_val *k, MDB_val *v, MDB_cursor_op op)
{
	int rc = mdb_cursor_get(c, k, v, op);

	if (rc == MDB_NOTFOUND)
		return ST_END;
	return rc ? store_mdb(s, rc, "read") : ST_OK;
}

/* ---- keys ---- */

void key_u64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

uint64_t key_get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

void key_date(uint8_t *p, int64_t date)
{
	key_u64(p, (uint64_t)date ^ (1ull << 63));
}

int64_t key_get_date(const uint8_t *p)
{
	return (int64_t)(key_get_u64(p) ^ (1ull << 63));
}

enum status hash16(const char *prefix, const char *str, size_t n, uint8_t out[ID16])
{
	static struct digest d;
	uint8_t whole[DIGEST_BYTES];
	enum status st = digest_begin(&d);

	if (st == ST_OK) {
		digest_add(&d, prefix, strlen(prefix));
		digest_add(&d, str, n);
		st = digest_end(&d, whole);
	}
	if (st == ST_OK)
		memcpy(out, whole, ID16);
	return st;
}

/* ---- the environment ---- */

/* LMDB walks into whatever the file says. So look first at what it would believe: both meta pages, and that the
 * file is as long as they say (a page behind its end would be a SIGBUS). lmdb-0.9's MDB_page and MDB_meta. */
static enum status data_check(struct store *s, int fd, off_t size)
{
	struct { uint64_t pgno; uint16_t pad, flags; uint32_t bounds; } page;
	struct { uint32_t magic, version; uint64_t address, mapsize;
		struct { uint32_t pad; uint16_t flags, depth; uint64_t branch, leaf, overflow, entries, root; } db[2];
		uint64_t last_page, txnid; } meta;
	uint64_t page_bytes = 4096, end = 0, newest = 0;

	for (int i = 0; i < 2; i++) {
		off_t at = (off_t)(i * page_bytes);

		if (pread(fd, &page, 16, at) != 16 || pread(fd, &meta, sizeof meta, at + 16) != sizeof meta
				|| page.flags != 8 || meta.magic != 0xBEEFC0DE || meta.version != 1
				|| meta.db[0].pad < 512 || meta.db[0].pad > 65536
				|| meta.last_page > (1ull << 50))
			return st_fail(ST_BAD, "tenant %s: the index has a damaged first page: weir-fsck --rebuild %s",
				s->tenant, s->tenant);
		page_bytes = meta.db[0].pad;
		if (i == 0 || meta.txnid > newest) {
			newest = meta.txnid;
			end = (meta.last_page + 1) * page_bytes;
		}
	}
	if ((uint64_t)size < end)
		return st_fail(ST_BAD, "tenant %s: the index is cut short (%lld of %llu bytes): weir-fsck --rebuild %s",
			s->tenant, (long long)size, (unsigned long long)end, s->tenant);
	return ST_OK;
}

static enum status data_look(struct store *s, bool create)
{
	char name[64];
	struct stat sb;
	enum status st = ST_OK;
	int fd;

	snprintf(name, sizeof name, "%s/data.mdb", s->entities);
	fd = openat(s->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		if (create)
			return ST_OK;
		return st_fail(ST_BAD, "tenant %s: the index is missing: weir-fsck --rebuild %s", s->tenant, s->tenant);
	}
	if (fd < 0 || fstat(fd, &sb) < 0)
		st = st_fail_errno("tenant %s: index", s->tenant);
	else
		st = create && sb.st_size == 0 ? ST_OK : data_check(s, fd, sb.st_size);
	if (fd >= 0)
		close(fd);
	return st;
}

enum status schema_check(struct store *s)
{
	MDB_val v;
	uint32_t schema;
	enum status st = db_get(s, T_META, "schema", 6, &v);

	if (st == ST_NOTFOUND || (st == ST_OK && v.mv_size != sizeof schema))
		return st_fail(ST_BAD, "tenant %s: the index has no schema: weir-fsck --rebuild %s", s->tenant, s->tenant);
	if (st != ST_OK)
		return st;
	memcpy(&schema, v.mv_data, sizeof schema);
	if (schema != STORE_SCHEMA)
		return st_fail(ST_CONFIG, "tenant %s: its store has schema %u, this program knows %d",
			s->tenant, schema, STORE_SCHEMA);
	return ST_OK;
}

enum status state_load(struct store *s)
{
	MDB_val v;
	enum status st = db_get(s, T_META, "state", 5, &v);

	if (st == ST_NOTFOUND || (st == ST_OK && v.mv_size != sizeof s->state))
		return st_fail(ST_BAD, "tenant %s: the index has no state: weir-fsck --rebuild %s", s->tenant, s->tenant);
	if (st == ST_OK) {
		memcpy(&s->state, v.mv_data, sizeof s->state);
		s->state_before = s->state;
	}
	return st;
}

enum status state_save(struct store *s)
{
	return db_put(s, T_META, "state", 5, &s->state, sizeof s->state);
}

static enum status tables_open(struct store *s, bool create)
{
	const uint32_t schema = STORE_SCHEMA;
	int rc = mdb_txn_begin(s->env, NULL, create ? 0 : MDB_RDONLY, &s->txn);
	enum status st = ST_OK;

	if (rc)
		return store_mdb(s, rc, "begin");
	for (int t = 0; t < TABLES && !rc; t++)
		rc = mdb_dbi_open(s->txn, table_name[t], create ? MDB_CREATE : 0, &s->dbi[t]);
	if (rc == MDB_NOTFOUND)
		st = st_fail(ST_BAD, "tenant %s: the index lacks a table: weir-fsck --rebuild %s", s->tenant, s->tenant);
	else if (rc)
		st = store_mdb(s, rc, "open tables");
	if (st == ST_OK && create) {
		s->state = (struct state){ .next_seq = 1, .next_comp = 1 };
		st = db_put(s, T_META, "schema", 6, &schema, sizeof schema);
		if (st == ST_OK)
			st = state_save(s);
	} else if (st == ST_OK) {
		st = schema_check(s);
	}
	rc = st == ST_OK ? mdb_txn_commit(s->txn) : 0;
	if (st != ST_OK)
		mdb_txn_abort(s->txn);
	s->txn = NULL;
	return rc ? store_mdb(s, rc, "open tables") : st;
}

uint64_t data_inode(const struct store *s)
{
	char name[64];
	struct stat sb;

	snprintf(name, sizeof name, "%s/data.mdb", s->entities);
	return fstatat(s->dir_fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 ? sb.st_ino : 0;
}

/* LMDB met a page that cannot be and would abort(): it cannot go on, and nothing of the batch is written. So the
 * one place in the library that speaks and ends the process, with what a damaged index ends with elsewhere. */
static void damaged(MDB_env *env, const char *what)
{
	const struct store *s = mdb_env_get_userctx(env);

	dprintf(STDERR_FILENO, "weir: tenant %s: the index is damaged (%s): weir-fsck --rebuild %s\n", s->tenant, what, s->tenant);
	_exit(s->mode == STORE_WRITE ? EX_WEIR_IO : EX_WEIR_DATA);
}

enum status store_env_open(struct store *s, bool create)
{
	struct buf path = { 0 };
	enum status st = data_look(s, create);
	int rc, dead;

	if (st != ST_OK)
		return st;
	rc = mdb_env_create(&s->env);
	if (rc)
		return store_mdb(s, rc, "index");
	mdb_env_set_userctx(s->env, s);
	mdb_env_set_assert(s->env, damaged);
	buf_fmt(&path, "%s/%s", s->path, s->entities);
	mdb_env_set_maxdbs(s->env, TABLES);
	mdb_env_set_maxreaders(s->env, 254);
	rc = mdb_env_set_mapsize(s->env, STORE_MAP_BYTES);
	if (!rc)
		rc = mdb_env_open(s->env, buf_cstr(&path), MDB_NOTLS | (s->mode == STORE_READ ? MDB_RDONLY : 0), 0600);
	buf_free(&path);
	if (!rc)
		mdb_reader_check(s->env, &dead);
	st = rc ? store_mdb(s, rc, "open index") : tables_open(s, create);
	s->env_ino = data_inode(s);
	if (st != ST_OK)
		store_env_close(s);
	return st;
}

void store_env_close(struct store *s)
{
	if (s->env)
		mdb_env_close(s->env);
	s->env = NULL;
}

/* LMDB need not have written the last pages it counts; data_check() wants them there. */
void store_extend(struct store *s)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat sb;
	int fd;

	if (mdb_env_info(s->env, &info) || mdb_env_stat(s->env, &stat) || mdb_env_get_fd(s->env, &fd)
			|| fstat(fd, &sb) < 0)
		return;
	if ((uint64_t)sb.st_size < (info.me_last_pgno + 1) * (uint64_t)stat.ms_psize
			&& ftruncate(fd, (off_t)((info.me_last_pgno + 1) * stat.ms_psize)) < 0)
		return;	/* then the next open says what is wrong */
}
