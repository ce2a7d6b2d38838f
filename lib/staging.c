/* staging.c - see staging.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "home.h"
#include "lease.h"
#include "staging.h"

#define MAX_OPEN_PACKS	128		/* descriptors kept; the tenant used longest ago gives way */
#define MAX_KNOWN	(1u << 20)	/* digests remembered per tenant: forgotten all at once, then
					 * a repeat costs a second copy, nothing else */

struct known { uint8_t digest[DIGEST_BYTES]; uint64_t offset; const char *path; };

struct tenant_area {
	struct tenant_area *next;
	char *dir;			/* HOME/run/staging/LEASE/TENANT */
	char name[TENANT_MAX_BYTES + 1];
	int pack_fd;			/* -1: closed */
	const char *pack_path;
	unsigned packs;			/* packs begun so far */
	uint64_t written;		/* bytes in the pack, on disk */
	struct buf pending;		/* bytes behind those */
	uint64_t used;			/* clock of the last use */
	struct known *tab;		/* open addressing, cap a power of two */
	size_t n, cap;
};

struct path { struct path *next; char s[]; };	/* handed out: kept to the end */

struct staging {
	char *dir;			/* HOME/run/staging/LEASE */
	struct tenant_area *areas;
	struct path *paths;
	struct tenant_area *dirty;	/* the one area with pending bytes */
	time_t touched;			/* when the lease's folder got its mtime */
	uint64_t clock;
	int open_packs;
};

static char *join(const char *a, const char *b)
{
	char *s = NULL;
	return asprintf(&s, "%s/%s", a, b) < 0 ? NULL : s;
}

static const char *keep_path(struct staging *s, const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	struct path *p = malloc(sizeof *p + n);

	if (!p)
		return NULL;
	stpcpy(stpcpy(stpcpy(p->s, dir), "/"), name);
	p->next = s->paths;
	s->paths = p;
	return p->s;
}

enum status staging_open(const char *home, const char *lease, struct staging **out)
{
	struct staging *s = calloc(1, sizeof *s);

	if (!s || asprintf(&s->dir, "%s/run/staging/%s", home, lease) < 0) {
		free(s);
		return st_fail(ST_NOMEM, "no memory for staging");
	}
	*out = s;
	return ST_OK;
}

/* ---- digests seen ---- */

static struct known *slot(struct known *tab, size_t cap, const uint8_t *digest)
{
	uint64_t h;

	memcpy(&h, digest, sizeof h);	/* a digest is a hash already */
	for (size_t i = h & (cap - 1);; i = (i + 1) & (cap - 1))
		if (!tab[i].path || memcmp(tab[i].digest, digest, DIGEST_BYTES) == 0)
			return &tab[i];
}

static bool known_grow(struct tenant_area *a)
{
	size_t cap = a->cap ? 2 * a->cap : 256;

	if (a->n >= MAX_KNOWN) {
		memset(a->tab, 0, a->cap * sizeof *a->tab);
		a->n = 0;
		return true;
	}
	struct known *tab = calloc(cap, sizeof *tab);
	if (!tab)
		return false;
	for (size_t i = 0; i < a->cap; i++)
		if (a->tab[i].path)
			*slot(tab, cap, a->tab[i].digest) = a->tab[i];
	free(a->tab);
	a->tab = tab;
	a->cap = cap;
	return true;
}

/* ---- tenants ---- */

static enum status area_of(struct staging *s, const char *tenant, struct tenant_area **out)
{
	const char *name = tenant ? tenant : STAGING_NO_TENANT;

	if (tenant && !tenant_valid(tenant, strlen(tenant)))
		return st_fail(ST_BAD, "not a tenant's name: %s", tenant);
	for (struct tenant_area *a = s->areas; a; a = a->next)
		if (strcmp(a->name, name) == 0) {
			*out = a;
			return ST_OK;
		}
	struct tenant_area *a = calloc(1, sizeof *a);
	if (!a)
		return st_fail(ST_NOMEM, "no memory for staging");
	a->pack_fd = -1;
	strcpy(a->name, name);
	a->dir = join(s->dir, name);
	if (!a->dir) {
		free(a);
		return st_fail(ST_NOMEM, "no memory for staging");
	}
	enum status st = file_mkdirs(a->dir, 0700);
	if (st != ST_OK) {
		free(a->dir);
		free(a);
		return st;
	}
	a->next = s->areas;
	s->areas = a;
	*out = a;
	return ST_OK;
}

static void close_pack(struct staging *s, struct tenant_area *a)
{
	if (a->pack_fd < 0)
		return;
	close(a->pack_fd);	/* written with errors seen; nothing is synced here */
	a->pack_fd = -1;
	s->open_packs--;
}

static void close_oldest_pack(struct staging *s)
{
	struct tenant_area *oldest = NULL;

	for (struct tenant_area *a = s->areas; a; a = a->next)
		if (a->pack_fd >= 0 && !a->pending.len && (!oldest || a->used < oldest->used))
			oldest = a;
	if (oldest)
		close_pack(s, oldest);
}

/* Begins a new pack: packs are never reopened, so a lost descriptor costs a file name only. */
static enum status begin_pack(struct staging *s, struct tenant_area *a)
{
	char name[32];

	if (s->open_packs >= MAX_OPEN_PACKS)
		close_oldest_pack(s);
	snprintf(name, sizeof name, "pack.%d.%u", (int)getpid(), a->packs++);
	const char *path = keep_path(s, a->dir, name);
	if (!path)
		return st_fail(ST_NOMEM, "no memory for staging");
	a->pack_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->pack_fd < 0)
		return st_fail_errno("create %s", path);
	s->open_packs++;
	a->written = 0;
	a->pack_path = path;
	return ST_OK;
}

static enum status area_flush(struct tenant_area *a)
{
	if (!a->pending.len)
		return ST_OK;
	enum status st = file_write_all(a->pack_fd, a->pending.p, a->pending.len);
	if (st == ST_OK)
		a->written += a->pending.len;
	buf_clear(&a->pending);
	return st;
}

/* A write failed (a full disk): the pack is cut back to what was good, which records that went
 * out before may name; the table is not to be trusted. The next put begins a new pack. */
static void area_forget(struct staging *s, struct tenant_area *a)
{
	if (a->cap)
		memset(a->tab, 0, a->cap * sizeof *a->tab);
	a->n = 0;
	buf_clear(&a->pending);
	if (a->pack_fd >= 0 && ftruncate(a->pack_fd, (off_t)a->written) != 0)
		errno = 0;	/* half an object that nobody knows of stays behind */
	close_pack(s, a);
}

static enum status put_file(struct staging *s, struct tenant_area *a,
	const uint8_t *digest, const void *p, size_t n, struct staged *out)
{
	char name[DIGEST_HEX + 1], proc[64];

	hex_of(digest, DIGEST_BYTES, name);
	out->path = keep_path(s, a->dir, name);
	out->offset = 0;
	if (!out->path)
		return st_fail(ST_NOMEM, "no memory for staging");
	int fd = open(a->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {	/* overlayfs of old, NFS */
		fd = open(a->dir, O_DIRECTORY | O_CLOEXEC);
		enum status st = fd < 0 ? st_fail_errno("open %s", a->dir)
			: file_write_at(fd, name, p, n, false);
		if (fd >= 0)
			close(fd);
		return st;
	}
	if (fd < 0)
		return st_fail_errno("create a file in %s", a->dir);
	enum status st = file_write_all(fd, p, n);
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	if (st == ST_OK && linkat(AT_FDCWD, proc, AT_FDCWD, out->path, AT_SYMLINK_FOLLOW) != 0
	    && errno != EEXIST)
		st = st_fail_errno("link %s", out->path);
	if (close(fd) != 0 && st == ST_OK)
		st = st_fail_errno("close %s", out->path);
	return st;
}

static enum status put_pack(struct staging *s, struct tenant_area *a,
	const void *p, size_t n, struct staged *out)
{
	enum status st = ST_OK;

	if (a->pack_fd >= 0 && a->written + a->pending.len + n > STAGING_PACK_BYTES) {
		st = area_flush(a);
		close_pack(s, a);
	}
	if (st == ST_OK && a->pack_fd < 0)
		st = begin_pack(s, a);
	if (st != ST_OK)
		return st;
	out->path = a->pack_path;
	s->dirty = a;
	out->offset = a->written + a->pending.len;
	buf_add(&a->pending, p, n);
	return buf_ok(&a->pending) ? ST_OK : st_fail(ST_NOMEM, "no memory for staging");
}

/* Another host takes a lease that is idle for an hour for dead (lease.h), and a folder's mtime does not
 * change by what happens further down. */
static void touch_lease(struct staging *s)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec - s->touched < LEASE_IDLE_S / 10)
		return;
	s->touched = now.tv_sec;
	utimensat(AT_FDCWD, s->dir, NULL, 0);
}

enum status staging_put(struct staging *s, const char *tenant, const uint8_t digest[DIGEST_BYTES],
	const void *p, size_t n, struct staged *out)
{
	struct tenant_area *a = NULL;
	enum status st = area_of(s, tenant, &a);

	if (st == ST_OK && s->dirty && s->dirty != a)
		st = staging_flush(s);
	if (st != ST_OK)
		return st;
	a->used = ++s->clock;
	touch_lease(s);
	if (2 * a->n >= a->cap && !known_grow(a))
		return st_fail(ST_NOMEM, "no memory for staging");
	struct known *k = slot(a->tab, a->cap, digest);
	if (k->path) {
		*out = (struct staged){ k->path, k->offset };
		return ST_OK;
	}
	st = n > STAGING_PACK_OBJECT_MAX ? put_file(s, a, digest, p, n, out)
		: put_pack(s, a, p, n, out);
	if (st != ST_OK)
		return st;
	memcpy(k->digest, digest, DIGEST_BYTES);
	k->path = out->path;
	k->offset = out->offset;
	a->n++;
	return ST_OK;
}

enum status staging_put_file(struct staging *s, const char *tenant,
	const uint8_t digest[DIGEST_BYTES], const void *p, size_t n, struct staged *out)
{
	struct tenant_area *a = NULL;
	enum status st = area_of(s, tenant, &a);

	if (st != ST_OK)
		return st;
	touch_lease(s);
	return put_file(s, a, digest, p, n, out);
}

enum status staging_flush(struct staging *s)
{
	struct tenant_area *a = s->dirty;

	if (!a)
		return ST_OK;
	s->dirty = NULL;
	enum status st = area_flush(a);
	if (st != ST_OK)
		area_forget(s, a);
	return st;
}

enum status staging_close(struct staging **sp)
{
	struct staging *s = *sp;

	if (!s)
		return ST_OK;
	enum status st = staging_flush(s);
	for (struct tenant_area *a = s->areas, *next; a; a = next) {
		next = a->next;
		close_pack(s, a);
		buf_free(&a->pending);
		free(a->tab);
		free(a->dir);
		free(a);
	}
	for (struct path *p = s->paths, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	free(s->dir);
	free(s);
	*sp = NULL;
	return st;
}

enum status staging_join(const char *home)
{
	char *run = join(home, "run");
	enum status st = run ? lease_join(run) : st_fail(ST_NOMEM, "no memory for staging");

	free(run);
	return st;
}

enum status staging_sweep(const char *home)
{
	struct dirent *e;
	struct stat sb;
	char *path = join(home, "run/staging"), *run = join(home, "run");

	if (!path || !run) {
		free(path);
		free(run);
		return st_fail(ST_NOMEM, "no memory for staging");
	}
	DIR *d = opendir(path);
	if (!d) {
		enum status st = errno == ENOENT ? ST_OK : st_fail_errno("open %s", path);
		free(path);
		free(run);
		return st;
	}
	enum status st = ST_OK;
	while (st == ST_OK && (e = readdir(d))) {
		if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISDIR(sb.st_mode) && !lease_alive(run, e->d_name, sb.st_mtime, time(NULL)))
			st = file_rmtree(dirfd(d), e->d_name);
	}
	closedir(d);
	free(path);
	free(run);
	return st;
}

/* ---- the promise that infected bytes are gone ---- */

static enum status overwrite(int fd, off_t offset, uint64_t size)
{
	static const char zero[1 << 16];

	while (size) {
		size_t n = size < sizeof zero ? (size_t)size : sizeof zero;
		ssize_t w = pwrite(fd, zero, n, offset);
		if (w <= 0)
			return st_fail_errno("overwrite");
		offset += w;
		size -= (uint64_t)w;
	}
	return ST_OK;
}

enum status staging_wipe(const char *home, const char *path, uint64_t offset, uint64_t size)
{
	struct roots *r = NULL;
	struct stat sb;
	uint8_t digest[DIGEST_BYTES];
	int fd = -1;
	char *dir = join(home, "run/staging"), proc[64];

	enum status st = dir ? roots_new(&r) : st_fail(ST_NOMEM, "no memory for staging");
	if (st == ST_OK)
		st = roots_add(r, dir);
	if (st == ST_OK)
		st = roots_open(r, path, &fd);
	if (st != ST_OK)
		goto out;
	if (fstat(fd, &sb) != 0) {
		st = st_fail_errno("stat %s", path);
		goto out;
	}
	const char *base = strrchr(path, '/') + 1;
	if (offset == 0 && (uint64_t)sb.st_size <= size
	    && hex_read(base, strlen(base), digest, sizeof digest)) {	/* packs go on growing */
		st = roots_unlink(r, path);
		goto out;
	}
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	int wfd = open(proc, O_WRONLY | O_CLOEXEC);	/* the very file that was checked */
	if (wfd < 0) {
		st = st_fail_errno("open %s for writing", path);
		goto out;
	}
	if (size && fallocate(wfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)offset, (off_t)size) != 0)
		st = overwrite(wfd, (off_t)offset, size);
	close(wfd);
out:
	if (fd >= 0)
		close(fd);
	roots_free(&r);
	free(dir);
	return st;
}
