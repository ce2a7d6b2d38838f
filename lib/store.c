/*
 * store.c - a tenant's store: making, opening, transactions.
 *
 * A batch is: lock, LMDB transaction, journal entries and blob files, sync, LMDB commit, unlock.
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

static struct store *open_stores;

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
	buf_free(&s->copies.except);
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
	s->copies.known = false;
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
		st = store_catch_up(s);
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
