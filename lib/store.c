/*
 * store.c - a tenant's store: opening, transactions, and the thin layer over LMDB.
 *
 * A batch is: lock, LMDB transaction, journal entries and blob files, sync, LMDB commit, unlock. The rules for
 * LMDB (NOTLS, no WRITEMAP, one environment per process) come from measurements with 0.9.24.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "home.h"
#include "store_priv.h"

static const char *const table_name[TABLES] = { "meta", "msg", "sha", "node", "comp", "comp_node",
	"thread_msg", "thread_last", "date", "addr", "delivery", "event", "setting" };

static struct store *open_stores;

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
	case MDB_PANIC: case MDB_INCOMPATIBLE:
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

static enum status schema_check(struct store *s)
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

static uint64_t data_inode(const struct store *s)
{
	char name[64];
	struct stat sb;

	snprintf(name, sizeof name, "%s/data.mdb", s->entities);
	return fstatat(s->dir_fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 ? sb.st_ino : 0;
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

/* ---- opening and closing ---- */

void store_free(struct store *s)
{
	int *fd[] = { &s->dir_fd, &s->blob_fd, &s->pack_fd, &s->lock_fd };

	store_env_close(s);
	pack_writer_free(&s->journal);
	pack_reader_done(&s->reader);
	for (size_t i = 0; i < sizeof fd / sizeof *fd; i++)
		if (*fd[i] >= 0)
			close(*fd[i]);
	digest_free(&s->digest);
	entity_free(&s->entity);
	delivery_free(&s->delivery);
	buf_free(&s->raw);
	buf_free(&s->entry);
	buf_free(&s->scratch);
	free(s->tenant);
	free(s->path);
	free(s);
}

static enum status folder(int at, const char *name, int *fd_out)
{
	*fd_out = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *fd_out < 0 ? st_fail_errno("%s", name) : ST_OK;
}

/* Everything but the environment. The tenant's folder must be there; the others may be missing. */
enum status store_dir_open(const char *home, const char *tenant, struct store **out)
{
	struct buf path = { 0 };
	struct store *s = calloc(1, sizeof *s);
	enum status st;

	if (!s)
		return st_fail(ST_NOMEM, "tenant %s: out of memory", tenant);
	s->dir_fd = s->blob_fd = s->pack_fd = s->lock_fd = -1;
	s->entities = "entities";
	pack_reader_init(&s->reader, -1);
	st = tenant_path(home, tenant, NULL, &path);
	if (st == ST_OK) {
		s->path = strdup(buf_cstr(&path));
		s->tenant = strdup(tenant);
		if (!s->path || !s->tenant)
			st = st_fail(ST_NOMEM, "tenant %s: out of memory", tenant);
	}
	buf_free(&path);
	if (st == ST_OK) {
		s->dir_fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (s->dir_fd < 0)
			st = errno == ENOENT ? st_fail(ST_NOTFOUND, "no tenant %s", tenant)
				: st_fail_errno("tenant %s", tenant);
	}
	if (st == ST_OK) {
		*out = s;
		return ST_OK;
	}
	store_free(s);
	return st;
}

enum status store_blobs_open(struct store *s)
{
	enum status st = folder(s->dir_fd, "blobs", &s->blob_fd);

	if (st == ST_OK)
		st = folder(s->blob_fd, "pack", &s->pack_fd);
	if (st == ST_NOTFOUND)
		return st_fail(ST_BAD, "tenant %s: blobs/pack is missing", s->tenant);
	if (st == ST_OK)
		pack_reader_init(&s->reader, s->pack_fd);
	return st;
}

enum status store_lock(struct store *s)
{
	int rc;

	if (s->lock_fd < 0)
		s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return st_fail_errno("tenant %s: lock", s->tenant);
	do
		rc = flock(s->lock_fd, LOCK_EX);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? st_fail_errno("tenant %s: lock", s->tenant) : ST_OK;
}

void store_unlock(struct store *s)
{
	flock(s->lock_fd, LOCK_UN);
}

static enum status make_folders(struct store *s)
{
	static const char *const names[] = { "blobs", "blobs/pack", "blobs/tmp", "entities", "keys" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (mkdirat(s->dir_fd, names[i], 0700) < 0 && errno != EEXIST)
			return st_fail_errno("tenant %s: make %s", s->tenant, names[i]);
	return ST_OK;
}

static bool made_already(const struct store *s)
{
	return faccessat(s->dir_fd, "entities/data.mdb", F_OK, AT_SYMLINK_NOFOLLOW) == 0
		|| faccessat(s->dir_fd, "blobs/pack/00000001.pack", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Made under another name and renamed, so that a half-made store is none. */
static enum status create_locked(struct store *s)
{
	enum status st = make_folders(s);

	if (st == ST_OK && made_already(s))
		return st_fail(ST_EXISTS, "tenant %s is there already", s->tenant);
	if (st == ST_OK)
		st = file_rmtree(s->dir_fd, "entities.new");
	if (st == ST_OK && mkdirat(s->dir_fd, "entities.new", 0700) < 0)
		st = st_fail_errno("tenant %s: make entities", s->tenant);
	if (st != ST_OK)
		return st;
	s->entities = "entities.new";
	s->mode = STORE_WRITE;
	st = store_env_open(s, true);
	store_env_close(s);
	if (st == ST_OK && renameat(s->dir_fd, "entities.new", s->dir_fd, "entities") < 0)
		st = st_fail_errno("tenant %s: entities", s->tenant);
	if (st == ST_OK && fsync(s->dir_fd) < 0)
		st = st_fail_errno("tenant %s", s->tenant);
	return st;
}

enum status store_create(const char *home, const char *tenant)
{
	struct buf path = { 0 };
	struct store *s;
	enum status st = tenant_path(home, tenant, NULL, &path);

	if (st == ST_OK)
		st = file_mkdirs(buf_cstr(&path), 0700);
	if (st == ST_OK)
		st = store_dir_open(home, tenant, &s);
	if (st == ST_OK) {
		st = store_lock(s);
		if (st == ST_OK)
			st = create_locked(s);
		store_free(s);
	}
	if (st == ST_OK) {
		buf_str(&path, "/..");
		st = file_fsync_dir(buf_cstr(&path));
	}
	buf_free(&path);
	return st;
}

static bool is_open(const char *path)
{
	for (struct store *s = open_stores; s; s = s->next)
		if (!strcmp(s->path, path))
			return true;
	return false;
}

enum status store_open(const char *home, const char *tenant, enum store_mode mode, struct store **out)
{
	struct store *s;
	enum status st = store_dir_open(home, tenant, &s);

	if (st != ST_OK)
		return st;
	s->mode = mode;
	if (is_open(s->path))
		st = st_fail(ST_BUG, "tenant %s: opened twice", tenant);
	else if (!made_already(s))
		st = st_fail(ST_NOTFOUND, "no tenant %s", tenant);
	if (st == ST_OK)
		st = store_blobs_open(s);
	if (st == ST_OK)
		st = store_env_open(s, false);
	if (st == ST_OK && mode == STORE_WRITE)
		st = pack_writer_new(s->pack_fd, &s->journal);
	if (st != ST_OK) {
		store_free(s);
		return st;
	}
	s->next = open_stores;
	open_stores = s;
	*out = s;
	return ST_OK;
}

void store_close(struct store **sp)
{
	struct store *s = *sp, **at;

	if (!s)
		return;
	if (s->txn)
		store_abort(s);
	for (at = &open_stores; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	store_free(s);
	*sp = NULL;
}

const char *store_tenant(const struct store *s)
{
	return s->tenant;
}

static int is_tenant(const struct dirent *d)
{
	return tenant_valid(d->d_name, strlen(d->d_name));
}

enum status store_tenants(const char *home, enum status (*each)(void *arg, const char *tenant), void *arg)
{
	struct buf path = { 0 };
	struct dirent **list = NULL;
	enum status st = ST_OK;
	int n;

	buf_fmt(&path, "%s/tenants", home);
	n = scandir(buf_cstr(&path), &list, is_tenant, alphasort);
	if (n < 0 && errno != ENOENT)
		st = st_fail_errno("%s", buf_cstr(&path));
	for (int i = 0; i < n; i++) {
		if (st == ST_OK)
			st = each(arg, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	buf_free(&path);
	return st == ST_END ? ST_OK : st;
}

/* ---- transactions ---- */

enum status store_count(struct store *s, struct store_counts *out)
{
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		*out = (struct store_counts){ s->state.messages, s->state.threads, s->state.attachments,
			s->state.deliveries, s->state.events };
	return st;
}

enum status store_need(struct store *s, enum store_mode mode)
{
	if (!s->txn)
		return st_fail(ST_BUG, "tenant %s: no transaction", s->tenant);
	if (mode == STORE_WRITE && s->mode != STORE_WRITE)
		return st_fail(ST_BUG, "tenant %s: open for reading only", s->tenant);
	return ST_OK;
}

/* After a rebuild the environment we have open is a file without a name. */
static enum status env_refresh(struct store *s)
{
	if (s->env && data_inode(s) == s->env_ino)
		return ST_OK;
	store_env_close(s);
	return store_env_open(s, false);
}

static enum status txn_begin(struct store *s)
{
	unsigned flags = s->mode == STORE_READ ? MDB_RDONLY : 0;
	int rc = mdb_txn_begin(s->env, NULL, flags, &s->txn);

	if (rc == MDB_MAP_RESIZED) {
		rc = mdb_env_set_mapsize(s->env, 0);
		if (!rc)
			rc = mdb_txn_begin(s->env, NULL, flags, &s->txn);
	}
	if (rc)
		s->txn = NULL;
	return rc ? store_mdb(s, rc, "begin") : ST_OK;
}

enum status store_begin(struct store *s)
{
	enum status st = ST_OK;

	if (s->txn)
		return st_fail(ST_BUG, "tenant %s: a transaction in a transaction", s->tenant);
	if (s->mode == STORE_WRITE)
		st = store_lock(s);
	if (st != ST_OK)
		return st;
	st = env_refresh(s);
	if (st == ST_OK)
		st = txn_begin(s);
	if (st == ST_OK)
		st = schema_check(s);
	if (st == ST_OK)
		st = state_load(s);
	if (st == ST_OK && s->mode == STORE_WRITE)
		st = pack_seek(s->journal, s->state.tail);
	if (st != ST_OK)
		store_abort(s);
	return st;
}

void store_abort(struct store *s)
{
	if (s->txn)
		mdb_txn_abort(s->txn);
	s->txn = NULL;
	if (s->mode != STORE_WRITE)
		return;
	blob_files_undo(s);
	s->state = s->state_before;
	store_unlock(s);
}

enum status journal_add(struct store *s, enum pack_kind kind, const void *p, size_t n)
{
	return s->replay ? ST_OK : pack_append(s->journal, kind, NULL, p, n, NULL);
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

static enum status commit_write(struct store *s)
{
	enum status st;
	int rc;

	s->state.batches++;
	buf_clear(&s->scratch);
	buf_fmt(&s->scratch, "{\"batch\":%llu}", (unsigned long long)s->state.batches);
	st = journal_add(s, PACK_COMMIT, s->scratch.p, s->scratch.len);
	if (st == ST_OK && !s->replay)
		st = pack_flush(s->journal, true);
	if (st == ST_OK)
		st = blob_files_sync(s);
	if (st == ST_OK && !s->replay)
		s->state.tail = pack_tell(s->journal);
	if (st == ST_OK)
		st = state_save(s);
	if (st != ST_OK)
		return st;
	rc = mdb_txn_commit(s->txn);
	s->txn = NULL;
	if (rc)
		return store_mdb(s, rc, "commit");
	store_extend(s);
	return ST_OK;
}

enum status store_commit(struct store *s)
{
	struct pack_loc now;
	enum status st = store_need(s, STORE_READ);

	if (st != ST_OK || s->mode == STORE_READ) {
		store_abort(s);
		return st;
	}
	/* Every change has a journal entry: without one there is nothing to commit. */
	now = pack_tell(s->journal);
	if (now.file != s->state.tail.file || now.offset != s->state.tail.offset)
		st = commit_write(s);
	if (st != ST_OK || s->txn) {
		store_abort(s);
		return st;
	}
	s->state_before = s->state;
	store_unlock(s);
	return ST_OK;
}
