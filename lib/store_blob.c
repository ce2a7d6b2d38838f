/*
 * store_blob.c - bytes by digest: small ones in the journal, large ones in files of their own.
 *
 * A blob enters only if its bytes have the digest it is filed under. A row with no references is a
 * blob that nothing names (any more): it is kept, found again, but not shown.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "store_priv.h"

#define PIECE_BYTES (256u << 10)

void blob_path(const uint8_t *sha, char out[80])
{
	char hex[DIGEST_HEX + 1];

	hex_of(sha, DIGEST_BYTES, hex);
	snprintf(out, 80, "%.2s/%s", hex, hex);
}

enum status sha_get(struct store *s, const uint8_t *sha, struct sha_row *out)
{
	MDB_val v;
	enum status st = db_get(s, T_SHA, sha, DIGEST_BYTES, &v);

	memset(out, 0, sizeof *out);
	if (st == ST_NOTFOUND)
		return ST_OK;
	if (st != ST_OK)
		return st;
	if (v.mv_size != sizeof *out)
		return st_fail(ST_BAD, "tenant %s: a damaged row in sha: weir-fsck --rebuild %s", s->tenant, s->tenant);
	memcpy(out, v.mv_data, sizeof *out);
	return ST_OK;
}

enum status sha_put(struct store *s, const uint8_t *sha, const struct sha_row *row)
{
	return db_put(s, T_SHA, sha, DIGEST_BYTES, row, sizeof *row);
}

/* ---- files ---- */

/* What a killed writer left. Nobody else writes there: we hold the lock. */
static void temp_sweep(struct store *s)
{
	int fd = openat(s->blob_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	s->temp_swept = true;
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			unlinkat(fd, d->d_name, 0);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

static enum status temp_open(struct store *s, char name[40], int *fd_out)
{
	if (!s->temp_swept)
		temp_sweep(s);
	if (mkdirat(s->blob_fd, "tmp", 0700) < 0 && errno != EEXIST)
		return st_fail_errno("tenant %s: blobs/tmp", s->tenant);
	snprintf(name, 40, "tmp/%ld.%u", (long)getpid(), s->temp_count++);
	*fd_out = openat(s->blob_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *fd_out < 0 ? st_fail_errno("tenant %s: blobs/%s", s->tenant, name) : ST_OK;
}

static enum status temp_rename(struct store *s, const char *name, const uint8_t *sha)
{
	struct made_file *m = malloc(sizeof *m);
	char to[80], dir[3];

	if (!m)
		return st_fail(ST_NOMEM, "tenant %s: out of memory", s->tenant);
	blob_path(sha, to);
	snprintf(dir, sizeof dir, "%.2s", to);
	if ((mkdirat(s->blob_fd, dir, 0700) < 0 && errno != EEXIST)
			|| renameat(s->blob_fd, name, s->blob_fd, to) < 0) {
		free(m);
		return st_fail_errno("tenant %s: blobs/%s", s->tenant, to);
	}
	memcpy(m->sha, sha, DIGEST_BYTES);
	m->next = s->made;
	s->made = m;
	return ST_OK;
}

static void made_forget(struct store *s)
{
	while (s->made) {
		struct made_file *m = s->made;

		s->made = m->next;
		free(m);
	}
}

/* One syncfs for all files of the batch: a tenth of what an fsync for each costs. */
enum status blob_files_sync(struct store *s)
{
	if (s->made && syncfs(s->blob_fd) < 0)
		return st_fail_errno("tenant %s: sync blobs", s->tenant);
	made_forget(s);
	return ST_OK;
}

void blob_files_undo(struct store *s)
{
	char path[80];

	for (struct made_file *m = s->made; m; m = m->next) {
		blob_path(m->sha, path);
		unlinkat(s->blob_fd, path, 0);
	}
	made_forget(s);
}

bool blob_file_size(struct store *s, const uint8_t *sha, uint64_t *size_out)
{
	char path[80];
	struct stat sb;

	blob_path(sha, path);
	if (fstatat(s->blob_fd, path, &sb, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(sb.st_mode))
		return false;
	*size_out = (uint64_t)sb.st_size;
	return true;
}

/* ---- bytes in ---- */

static enum status put_file(struct store *s, const uint8_t *sha, const void *p, size_t n)
{
	char name[40];
	int fd = -1;
	enum status st = temp_open(s, name, &fd);

	if (st != ST_OK)
		return st;
	st = file_write_all(fd, p, n);
	if (close(fd) < 0 && st == ST_OK)
		st = st_fail_errno("tenant %s: blobs/%s", s->tenant, name);
	if (st == ST_OK)
		st = temp_rename(s, name, sha);
	if (st != ST_OK)
		unlinkat(s->blob_fd, name, 0);
	return st;
}

enum status blob_put(struct store *s, const uint8_t *sha, const void *p, size_t n)
{
	struct sha_row row;
	enum status st = sha_get(s, sha, &row);

	if (st != ST_OK || row.where != BLOB_NOWHERE)
		return st;
	row.size = n;
	row.where = n <= BLOB_PACK_MAX_BYTES ? BLOB_IN_PACK : BLOB_IN_FILE;
	if (row.where == BLOB_IN_PACK)
		st = pack_append(s->journal, PACK_BLOB, sha, p, n, &row.loc);
	else
		st = put_file(s, sha, p, n);
	return st == ST_OK ? sha_put(s, sha, &row) : st;
}

static enum status wrong_bytes(const struct entity_blob *b)
{
	char hex[DIGEST_HEX + 1];

	hex_of(b->sha, DIGEST_BYTES, hex);
	return st_fail(ST_BAD, "%.*s: its bytes are no longer those of %.12s", (int)b->path.len, b->path.p, hex);
}

static enum status check(struct store *s, const struct entity_blob *b, const void *p, size_t n)
{
	uint8_t found[DIGEST_BYTES];
	enum status st = digest_begin(&s->digest);

	if (st != ST_OK)
		return st;
	digest_add(&s->digest, p, n);
	st = digest_end(&s->digest, found);
	if (st == ST_OK && (n != b->size || memcmp(found, b->sha, DIGEST_BYTES)))
		return wrong_bytes(b);
	return st;
}

/* Pieces of a large file to a temporary one, digested on the way. */
static enum status copy_pieces(struct store *s, int from, const struct entity_blob *b, int to)
{
	uint8_t found[DIGEST_BYTES];
	uint64_t left = b->size;
	off_t at = b->offset;
	enum status st = digest_begin(&s->digest);

	while (st == ST_OK && left) {
		size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

		st = file_read_fd(from, at, (int64_t)n, PIECE_BYTES, &s->scratch);
		if (st == ST_BAD)
			return wrong_bytes(b);
		if (st != ST_OK)
			return st;
		digest_add(&s->digest, s->scratch.p, n);
		st = file_write_all(to, s->scratch.p, n);
		at += (off_t)n;
		left -= n;
	}
	if (st == ST_OK)
		st = digest_end(&s->digest, found);
	if (st == ST_OK && memcmp(found, b->sha, DIGEST_BYTES))
		return wrong_bytes(b);
	return st;
}

static enum status copy_large(struct store *s, int from, const struct entity_blob *b)
{
	struct sha_row row;
	char name[40];
	int to = -1;
	enum status st = sha_get(s, b->sha, &row);

	if (st == ST_OK)
		st = temp_open(s, name, &to);
	if (st != ST_OK)
		return st;
	st = copy_pieces(s, from, b, to);
	if (close(to) < 0 && st == ST_OK)
		st = st_fail_errno("tenant %s: blobs/%s", s->tenant, name);
	if (st == ST_OK)
		st = temp_rename(s, name, b->sha);
	if (st != ST_OK) {
		unlinkat(s->blob_fd, name, 0);
		return st;
	}
	row.where = BLOB_IN_FILE;
	row.size = b->size;
	return sha_put(s, b->sha, &row);
}

static enum status copy_small(struct store *s, int from, const struct entity_blob *b, bool keep)
{
	struct buf *to = keep ? &s->raw : &s->scratch;
	enum status st = file_read_fd(from, b->offset, (int64_t)b->size, BLOB_PACK_MAX_BYTES, to);

	if (st == ST_BAD)
		return wrong_bytes(b);
	if (st == ST_OK)
		st = check(s, b, to->p, to->len);
	if (st != ST_OK)
		return st;
	if (keep)
		s->raw_path = b->path;
	return blob_put(s, b->sha, to->p, to->len);
}

static bool in_raw(const struct store *s, const struct entity_blob *b)
{
	return s->raw_path.p && b->path.len == s->raw_path.len
		&& !memcmp(b->path.p, s->raw_path.p, b->path.len)
		&& b->offset >= 0 && (uint64_t)b->offset <= s->raw.len
		&& b->size <= s->raw.len - (uint64_t)b->offset;
}

/* Whether path lies in HOME/run/staging, but not in the folder of this tenant, LEASE/TENANT. A record that says
 * so was not made by our stages: they write one tenant's bytes for one tenant's records. */
static bool staged_for_another(const struct store *s, const char *path)
{
	size_t home = strlen(s->path) - strlen("/tenants/") - strlen(s->tenant), n = strlen(s->tenant);
	const char *staging = "/run/staging/", *lease, *tenant;

	if (strncmp(path, s->path, home) || strncmp(path + home, staging, strlen(staging)))
		return false;
	lease = path + home + strlen(staging);
	tenant = strchr(lease, '/');
	return !tenant || strncmp(tenant + 1, s->tenant, n) || tenant[1 + n] != '/' || strstr(path, "/../");
}

enum status blob_put_from(struct store *s, const struct roots *roots, const struct entity_blob *b, bool keep)
{
	struct sha_row row;
	int fd;
	enum status st = sha_get(s, b->sha, &row);

	if (st != ST_OK || row.where != BLOB_NOWHERE)
		return st;
	if (in_raw(s, b)) {
		st = check(s, b, s->raw.p + b->offset, b->size);
		return st == ST_OK ? blob_put(s, b->sha, s->raw.p + b->offset, b->size) : st;
	}
	if (!b->path.p)
		return st_fail(ST_BAD, "the record does not say where the bytes are");
	if (b->path.len >= 4096)
		return st_fail(ST_BAD, "a file name of %zu bytes", b->path.len);
	char path[4096];
	memcpy(path, b->path.p, b->path.len);
	path[b->path.len] = '\0';
	if (staged_for_another(s, path))
		return st_fail(ST_DENIED, "%s is not staged for tenant %s", path, s->tenant);
	st = roots_open(roots, path, &fd);
	if (st != ST_OK)
		return st;
	st = b->size <= BLOB_PACK_MAX_BYTES ? copy_small(s, fd, b, keep) : copy_large(s, fd, b);
	close(fd);
	return st;
}

enum status blob_ref(struct store *s, const uint8_t *sha, uint64_t size, int by)
{
	struct sha_row row;
	enum status st = sha_get(s, sha, &row);

	if (st != ST_OK)
		return st;
	if (row.where == BLOB_NOWHERE) {	/* only a rebuild that met damage: fsck tells */
		uint64_t found;

		if (blob_file_size(s, sha, &found))
			row.where = BLOB_IN_FILE;
		row.size = size;
	}
	row.refs += (uint64_t)(int64_t)by;
	return sha_put(s, sha, &row);
}

/* ---- bytes out ---- */

static enum status not_there(struct store *s, const uint8_t *sha)
{
	char hex[DIGEST_HEX + 1];

	hex_of(sha, DIGEST_BYTES, hex);
	return st_fail(ST_NOTFOUND, "tenant %s has no blob %s", s->tenant, hex);
}

static enum status file_out(struct store *s, const uint8_t *sha, uint64_t size,
	enum status (*fn)(void *arg, const void *p, size_t n), void *arg)
{
	uint8_t found[DIGEST_BYTES];
	char path[80];
	uint64_t at = 0;
	enum status st = ST_OK;
	int fd;

	blob_path(sha, path);
	fd = openat(s->blob_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? st_fail(ST_BAD, "tenant %s: blobs/%s is missing", s->tenant, path)
			: st_fail_errno("tenant %s: blobs/%s", s->tenant, path);
	st = digest_begin(&s->digest);
	while (st == ST_OK && at < size) {
		size_t n = size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;

		st = file_read_fd(fd, (off_t)at, (int64_t)n, PIECE_BYTES, &s->scratch);
		if (st != ST_OK)
			break;
		digest_add(&s->digest, s->scratch.p, n);
		st = fn(arg, s->scratch.p, n);
		at += n;
	}
	close(fd);
	if (st == ST_OK)
		st = digest_end(&s->digest, found);
	if (st == ST_OK && memcmp(found, sha, DIGEST_BYTES))
		st = st_fail(ST_BAD, "tenant %s: blobs/%s is damaged", s->tenant, path);
	return st;
}

enum status store_blob(struct store *s, const uint8_t sha[DIGEST_BYTES],
	enum status (*fn)(void *arg, const void *p, size_t n), void *arg)
{
	uint8_t found[DIGEST_BYTES];
	struct sha_row row;
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = sha_get(s, sha, &row);
	if (st != ST_OK)
		return st;
	if (!row.refs)
		return not_there(s, sha);
	if (row.where == BLOB_IN_FILE)
		return file_out(s, sha, row.size, fn, arg);
	if (row.where == BLOB_NOWHERE)
		return st_fail(ST_BAD, "tenant %s: a blob is lost: see weir-fsck %s", s->tenant, s->tenant);
	st = pack_read(&s->reader, row.loc, &s->raw, found);
	if (st == ST_NOTFOUND)
		st = ST_BAD;
	if (st == ST_OK && memcmp(found, sha, DIGEST_BYTES))
		st = st_fail(ST_BAD, "tenant %s: the journal has another blob at that place", s->tenant);
	return st == ST_OK ? fn(arg, s->raw.p, s->raw.len) : st;
}

static enum status collect(void *arg, const void *p, size_t n)
{
	buf_add(arg, p, n);
	return buf_ok(arg) ? ST_OK : st_fail(ST_NOMEM, "a blob: out of memory");
}

enum status store_blob_read(struct store *s, const uint8_t sha[DIGEST_BYTES], struct buf *b)
{
	buf_clear(b);
	return store_blob(s, sha, collect, b);
}
