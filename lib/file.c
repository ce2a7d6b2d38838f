/* file.c - see file.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "file.h"

/* ---- reading ---- */

/* One read more than the size asks for shows the end (or that the file grew). */
static enum status read_to_end(int fd, off_t offset, size_t max, struct buf *b)
{
	struct stat sb;
	size_t guess = 65536;

	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode))
		guess = sb.st_size > offset ? (size_t)(sb.st_size - offset) + 1 : 1;
	if (guess > max)
		guess = max + 1;
	for (;;) {
		ssize_t n;

		if (!buf_room(b, guess))
			return st_fail(ST_NOMEM, "out of memory");
		n = S_ISREG(sb.st_mode) ? pread(fd, b->p + b->len, guess, offset + (off_t)b->len)
			: read(fd, b->p + b->len, guess);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return st_fail_errno("read");
		if (n == 0)
			return ST_OK;
		b->len += (size_t)n;
		b->p[b->len] = '\0';
		if (b->len > max)
			return st_fail(ST_LIMIT, "more than %zu bytes", max);
		guess = (size_t)n < guess ? guess - (size_t)n : 65536;
	}
}

enum status file_read_fd(int fd, off_t offset, int64_t len, size_t max, struct buf *b)
{
	buf_clear(b);
	if (len < 0)
		return read_to_end(fd, offset, max, b);
	if ((uint64_t)len > max)
		return st_fail(ST_LIMIT, "more than %zu bytes", max);
	if (!buf_room(b, (size_t)len))
		return st_fail(ST_NOMEM, "out of memory");
	while (b->len < (size_t)len) {
		ssize_t n = pread(fd, b->p + b->len, (size_t)len - b->len, offset + (off_t)b->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return st_fail_errno("read");
		if (n == 0)
			return st_fail(ST_BAD, "ends after %zu of %lld bytes", b->len, (long long)len);
		b->len += (size_t)n;
	}
	b->p[b->len] = '\0';
	return ST_OK;
}

/* ---- writing ---- */

enum status file_write_all(int fd, const void *p, size_t n)
{
	const char *s = p;

	while (n > 0) {
		ssize_t done = write(fd, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (done < 0) {
			st_fail_errno("write");
			return ST_IO;
		}
		s += done;
		n -= (size_t)done;
	}
	return ST_OK;
}

static enum status write_temp(int dirfd, const char *temp, const void *p, size_t n, bool sync)
{
	int fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum status st;

	if (fd < 0)
		return st_fail_errno("create %s", temp);
	st = file_write_all(fd, p, n);
	if (st == ST_OK && sync && fsync(fd) != 0)
		st = st_fail_errno("fsync %s", temp);
	if (close(fd) != 0 && st == ST_OK)
		st = st_fail_errno("close %s", temp);
	return st;
}

enum status file_write_at(int dirfd, const char *name, const void *p, size_t n, bool sync)
{
	static unsigned seq;
	char temp[64];
	enum status st;

	snprintf(temp, sizeof temp, ".tmp.%ld.%u", (long)getpid(), seq++);
	st = write_temp(dirfd, temp, p, n, sync);
	if (st == ST_EXISTS) {	/* left by a dead process of our number */
		unlinkat(dirfd, temp, 0);
		st = write_temp(dirfd, temp, p, n, sync);
	}
	if (st == ST_OK && renameat(dirfd, temp, dirfd, name) != 0)
		st = st_fail_errno("rename %s to %s", temp, name);
	if (st != ST_OK) {
		unlinkat(dirfd, temp, 0);
		return st;
	}
	if (sync && dirfd == AT_FDCWD)
		return file_fsync_dir(".");
	if (sync && fsync(dirfd) != 0)
		return st_fail_errno("fsync the folder of %s", name);
	return ST_OK;
}

enum status file_fsync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum status st = ST_OK;

	if (fd < 0)
		return st_fail_errno("open %s", path);
	if (fsync(fd) != 0)
		st = st_fail_errno("fsync %s", path);
	close(fd);
	return st;
}

/* ---- folders ---- */

enum status file_mkdirs(const char *path, mode_t mode)
{
	struct stat sb;
	enum status st = ST_OK;
	char *copy = strdup(path);
	char *p = copy;

	if (!copy)
		return st_fail(ST_NOMEM, "out of memory");
	while (st == ST_OK && p) {
		p += strspn(p, "/");
		p = strchr(p, '/');
		if (p)
			*p = '\0';
		if (*copy && mkdir(copy, mode) != 0 && errno != EEXIST)
			st = st_fail_errno("make folder %s", copy);
		if (p)
			*p = '/';
	}
	free(copy);
	if (st == ST_OK && stat(path, &sb) != 0)
		return st_fail_errno("folder %s", path);
	if (st == ST_OK && !S_ISDIR(sb.st_mode))
		return st_fail(ST_EXISTS, "%s is no folder", path);
	return st;
}

#define RMTREE_MAX_DEPTH 64

static enum status rmtree(int dirfd, const char *name, int depth)
{
	enum status st = ST_OK;
	struct dirent *e;
	DIR *dir;
	int fd;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return ST_OK;
	if (errno != EISDIR && errno != EPERM)
		return st_fail_errno("remove %s", name);
	if (depth == 0)
		return st_fail(ST_LIMIT, "remove %s: too deep", name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return st_fail_errno("open folder %s", name);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return st_fail(ST_NOMEM, "out of memory");
	}
	while (st == ST_OK && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			st = rmtree(fd, e->d_name, depth - 1);
	closedir(dir);
	if (st == ST_OK && unlinkat(dirfd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		st = st_fail_errno("remove folder %s", name);
	return st;
}

enum status file_rmtree(int dirfd, const char *name)
{
	return rmtree(dirfd, name, RMTREE_MAX_DEPTH);
}

/* ---- roots ---- */

#define ROOTS_MAX 64

/* Known by the name it was given and by the one it has after all links: a
 * record may say either. Both lead to fd, opened when the root was added. */
struct root { char *given, *real; int fd; };
struct roots { struct root root[ROOTS_MAX]; size_t n; };

enum status roots_new(struct roots **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

void roots_free(struct roots **r)
{
	size_t i;

	for (i = 0; *r && i < (*r)->n; i++) {
		free((*r)->root[i].given);
		free((*r)->root[i].real);
		close((*r)->root[i].fd);
	}
	free(*r);
	*r = NULL;
}

static char *absolute(const char *dir)
{
	struct buf b = { 0 };
	char *cwd = NULL;

	if (dir[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return NULL;
		buf_str(&b, cwd);
		buf_chr(&b, '/');
		free(cwd);
	}
	buf_str(&b, dir);
	while (b.len > 1 && b.p[b.len - 1] == '/')
		b.p[--b.len] = '\0';
	if (!buf_ok(&b))
		buf_free(&b);
	return b.p;
}

enum status roots_add(struct roots *r, const char *dir)
{
	struct root root = { .fd = -1 };

	if (r->n == ROOTS_MAX)
		return st_fail(ST_LIMIT, "more than %d folders", ROOTS_MAX);
	root.fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0)
		return st_fail_errno("folder %s", dir);
	root.real = realpath(dir, NULL);
	root.given = absolute(dir);
	if (!root.real || !root.given) {
		free(root.real);
		free(root.given);
		close(root.fd);
		return st_fail_errno("folder %s", dir);
	}
	r->root[r->n++] = root;
	return ST_OK;
}

enum status roots_each(const struct roots *r, enum status (*fn)(void *arg, int fd, const char *path),
	void *arg)
{
	enum status st = ST_OK;
	size_t i;

	for (i = 0; st == ST_OK && i < r->n; i++)
		st = fn(arg, r->root[i].fd, r->root[i].real);
	return st;
}

static enum status add_spools(struct roots *r, const char *list)
{
	enum status st = ST_OK;
	char *copy = strdup(list);
	char *save = NULL, *dir;

	if (!copy)
		return st_fail(ST_NOMEM, "out of memory");
	for (dir = strtok_r(copy, ":", &save); dir && st == ST_OK; dir = strtok_r(NULL, ":", &save))
		st = roots_add(r, dir);
	free(copy);
	return st;
}

enum status roots_default(struct roots *r, const char *home)
{
	const char *list = getenv("WEIR_SPOOL");
	struct buf b = { 0 };
	enum status st;

	st = list && *list ? add_spools(r, list) : roots_add(r, ".");
	if (st != ST_OK)
		return st;
	buf_fmt(&b, "%s/run/staging", home);
	if (buf_ok(&b) && access(b.p, F_OK) == 0)
		st = roots_add(r, b.p);
	buf_free(&b);
	return st;
}

/* What follows prefix and its '/' in path; NULL if path is not beneath it. */
static const char *beneath(const char *prefix, const char *path)
{
	size_t n = strlen(prefix);

	if (n == 1)	/* "/" */
		n = 0;
	if (strncmp(path, prefix, n) != 0 || path[n] != '/')
		return NULL;
	path += n + strspn(path + n, "/");
	return *path ? path : NULL;
}

/* EAGAIN: something was renamed while the kernel looked (openat2(2)). */
static int open_beneath(int dirfd, const char *rest, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int tries = 0;
	long fd;

	do
		fd = syscall(SYS_openat2, dirfd, rest, &how, sizeof how);
	while (fd < 0 && (errno == EAGAIN || errno == EINTR) && ++tries < 16);
	return (int)fd;
}

/* Calls for the first root that has it; a file that is under several roots by
 * name is looked for in each. */
static enum status roots_find(const struct roots *r, const char *path, int flags, int *fd_out)
{
	enum status st = st_fail(ST_DENIED, "%s: not beneath a given folder", path);
	size_t i;

	if (path[0] != '/')
		return st_fail(ST_DENIED, "%s: not an absolute path", path);
	for (i = r->n; i-- > 0; ) {
		const char *rest = beneath(r->root[i].real, path);

		if (!rest)
			rest = beneath(r->root[i].given, path);
		if (!rest)
			continue;
		*fd_out = open_beneath(r->root[i].fd, rest, flags);
		if (*fd_out >= 0)
			return ST_OK;
		st = st_fail_errno("open %s", path);
		if (st != ST_NOTFOUND && st != ST_DENIED)
			return st;
	}
	return st;
}

enum status roots_open(const struct roots *r, const char *path, int *fd_out)
{
	struct stat sb;
	int fd = -1;
	enum status st;

	/* NONBLOCK: a FIFO must not hold us up before we see that it is one. */
	st = roots_find(r, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, &fd);
	if (st != ST_OK)
		return st;
	if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode)) {
		close(fd);
		return st_fail(ST_DENIED, "%s: not a regular file", path);
	}
	*fd_out = fd;
	return ST_OK;
}

enum status roots_unlink(const struct roots *r, const char *path)
{
	const char *name = strrchr(path, '/');
	struct buf dir = { 0 };
	struct stat sb;
	enum status st;
	int fd = -1;

	if (!name || !name[1] || !strcmp(name, "/.") || !strcmp(name, "/.."))
		return st_fail(ST_DENIED, "%s: no file name", path);
	/* "/." so that a file directly in a root has its root as folder, not less. */
	buf_add(&dir, path, (size_t)(name - path));
	buf_str(&dir, "/.");
	if (!buf_ok(&dir)) {
		buf_free(&dir);
		return st_fail(ST_NOMEM, "out of memory");
	}
	st = roots_find(r, dir.p, O_PATH | O_DIRECTORY | O_CLOEXEC, &fd);
	buf_free(&dir);
	if (st != ST_OK)
		return st;
	if (fstatat(fd, name + 1, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		st = st_fail_errno("remove %s", path);
	else if (!S_ISREG(sb.st_mode))
		st = st_fail(ST_DENIED, "%s: not a regular file", path);
	else if (unlinkat(fd, name + 1, 0) != 0)
		st = st_fail_errno("remove %s", path);
	close(fd);
	return st;
}
