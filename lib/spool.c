/*
 * spool.c - opening a spool, its names, and how a message moves. See spool.h.
 *
 * Claiming is in spool_claim.c, what lies in the spool in spool_walk.c, ack in
 * spool_ack.c, put and mboxes in spool_put.c, the rest in spool_keep.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "digest.h"
#include "lease.h"
#include "spool_in.h"

const char *const spool_states[STATES] = { "claimed", "hold", "quarantine", "done" };
static const char *const kinds[] = { "auto", "ses", "maildir", "mbox", "raw" };

bool spool_kind_of(const char *word, enum spool_kind *out)
{
	for (int i = SPOOL_AUTO; i <= SPOOL_RAW; i++)
		if (!strcmp(word, kinds[i])) {
			*out = (enum spool_kind)i;
			return true;
		}
	return false;
}

void spool_tell(struct spool *s, void (*say)(void *arg, const char *line), void *arg)
{
	s->say = say;
	s->arg = arg;
}

void spool_say(struct spool *s, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!s->say)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	s->say(s->arg, line);
}

/* ---- open ---- */

int spool_open_dir(int dirfd, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	return (int)syscall(SYS_openat2, dirfd, *path ? path : ".", &how, sizeof how);
}

static void open_states(struct spool *s)
{
	char path[64];

	for (int i = 0; i < STATES && s->root >= 0; i++) {
		snprintf(path, sizeof path, "%s/%s", SPOOL_STATE, spool_states[i]);
		if (s->state[i] < 0)
			s->state[i] = spool_open_dir(s->root, path);
	}
}

enum status spool_make(struct spool *s)
{
	char path[64];

	if (s->root < 0 && mkdir(s->dir, 0700) != 0 && errno != EEXIST)
		return st_fail_errno("make %s", s->dir);
	if (s->root < 0)
		s->root = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0)
		return st_fail_errno("open %s", s->dir);
	if (mkdirat(s->root, SPOOL_STATE, 0700) != 0 && errno != EEXIST)
		return st_fail_errno("make %s/%s", s->dir, SPOOL_STATE);
	for (int i = 0; i < STATES; i++) {
		snprintf(path, sizeof path, "%s/%s", SPOOL_STATE, spool_states[i]);
		if (s->state[i] < 0 && mkdirat(s->root, path, 0700) != 0 && errno != EEXIST)
			return st_fail_errno("make %s/%s", s->dir, path);
	}
	open_states(s);
	for (int i = 0; i < STATES; i++)
		if (s->state[i] < 0)
			return st_fail_errno("open %s/%s/%s", s->dir, SPOOL_STATE, spool_states[i]);
	return ST_OK;
}

enum status spool_join(const struct spool *s)
{
	struct buf path = { 0 };
	enum status st;

	buf_fmt(&path, "%s/%s", s->dir, SPOOL_STATE);
	st = buf_ok(&path) ? lease_join(buf_cstr(&path)) : st_fail(ST_NOMEM, "out of memory");
	buf_free(&path);
	return st;
}

bool spool_lease_alive(const struct spool *s, const char *lease, time_t last_active, time_t now)
{
	struct buf path = { 0 };
	bool alive;

	buf_fmt(&path, "%s/%s", s->dir, SPOOL_STATE);
	alive = !buf_ok(&path) || lease_alive(buf_cstr(&path), lease, last_active, now);
	buf_free(&path);
	return alive;
}

static bool is_mbox(const char *path)
{
	char head[5];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);

	if (fd >= 0)
		close(fd);
	return n == 0 || (n == 5 && !memcmp(head, "From ", 5));
}

static bool has_dir(int root, const char *name)
{
	struct stat sb;

	return fstatat(root, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(sb.st_mode);
}

/* An mbox that was claimed is gone, but FILE.weir is there. */
static enum status open_path(struct spool *s, const char *path)
{
	char beside[4096];
	struct stat sb;
	int err;

	snprintf(beside, sizeof beside, "%s.weir", path);
	s->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = errno;
	if (s->root >= 0) {
		s->dir = realpath(path, NULL);
		return s->dir ? ST_OK : st_fail_errno("%s", path);
	}
	errno = err;
	if (err != ENOTDIR && !(err == ENOENT && stat(beside, &sb) == 0))
		return st_fail_errno("%s", path);
	if (err == ENOTDIR && stat(path, &sb) == 0 && (!S_ISREG(sb.st_mode) || !is_mbox(path)))
		return st_fail(ST_BAD, "%s: neither a folder nor an mbox", path);
	if (s->kind != SPOOL_AUTO && s->kind != SPOOL_MBOX)
		return st_fail(ST_BAD, "%s: not a folder", path);
	s->kind = SPOOL_MBOX;
	s->mbox = realpath(path, NULL);
	if (!s->mbox && errno == ENOENT) {
		s->dir = realpath(beside, NULL);
		s->mbox = s->dir ? strndup(s->dir, strlen(s->dir) - strlen(".weir")) : NULL;
	} else if (s->mbox && asprintf(&s->dir, "%s.weir", s->mbox) < 0) {
		s->dir = NULL;
	}
	if (!s->dir || !s->mbox)
		return st_fail_errno("%s", path);
	s->root = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ST_OK;
}

enum status spool_open(const char *path, enum spool_kind kind, struct spool **out)
{
	struct spool *s = calloc(1, sizeof *s);
	enum status st;

	*out = NULL;
	if (!s)
		return st_fail(ST_NOMEM, "out of memory");
	s->kind = kind;
	s->root = -1;
	for (int i = 0; i < STATES; i++)
		s->state[i] = -1;
	st = open_path(s, path);
	if (st == ST_OK && !utf8_valid(s->dir, strlen(s->dir)))
		st = st_fail(ST_BAD, "%s: a spool's path must be UTF-8, records name it", path);
	if (st != ST_OK) {
		spool_close(&s);
		return st;
	}
	if (s->kind == SPOOL_AUTO && has_dir(s->root, "new") && has_dir(s->root, "cur"))
		s->kind = SPOOL_MAILDIR;
	open_states(s);
	*out = s;
	return ST_OK;
}

void spool_folder(const struct spool *s, struct buf *b)
{
	if (s->mbox)
		buf_add(b, s->mbox, (size_t)(strrchr(s->mbox, '/') - s->mbox) + 1);
	else
		buf_str(b, s->dir);
}

void spool_close(struct spool **sp)
{
	struct spool *s = *sp;

	if (!s)
		return;
	for (int i = 0; i < STATES; i++)
		if (s->state[i] >= 0)
			close(s->state[i]);
	if (s->root >= 0)
		close(s->root);
	free(s->dir);
	free(s->mbox);
	free(s);
	*sp = NULL;
}

/* ---- names ---- */

static bool plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
		|| (c && strchr("._=,:+@-", c));
}

/* The maildir flags stay readable at the end of a name that had to be cut. */
static enum status cut_name(const char *path, char *enc, size_t head, char out[SPOOL_NAME_BYTES])
{
	const char *flags = strstr(path, ":2,");
	uint8_t d[DIGEST_BYTES];
	char hex[DIGEST_HEX + 1];
	enum status st = digest_of(path, strlen(path), d);

	if (st != ST_OK)
		return st;
	hex_of(d, 16, hex);
	enc[head] = '\0';
	for (char *p = enc; *p; p++)
		if (*p == '%')
			*p = '_';
	if (!flags || strlen(flags) > 16 || strspn(flags + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"abcdefghijklmnopqrstuvwxyz") != strlen(flags + 3))
		flags = "";
	snprintf(out, SPOOL_NAME_BYTES, "%s.%s%s", enc, hex, flags);
	return ST_OK;
}

/* ".json" at the end is kept for notifications: that dot is written %2E. */
enum status spool_name(const char *path, char out[SPOOL_NAME_BYTES])
{
	char enc[SPOOL_NAME_MAX + 8];
	size_t n = 0, len = strlen(path);

	for (size_t i = 0; i < len && n <= SPOOL_NAME_MAX; i++) {
		unsigned char c = (unsigned char)path[i];
		bool dot = c == '.' && (i == 0 || !strcmp(path + i, ".json"));

		if (plain(c) && !dot)
			enc[n++] = (char)c;
		else
			n += (size_t)snprintf(enc + n, 4, "%%%02X", c);
	}
	enc[n] = '\0';
	if (n > SPOOL_NAME_MAX)
		return cut_name(path, enc, SPOOL_NAME_MAX - 60, out);
	memcpy(out, enc, n + 1);
	return ST_OK;
}

void spool_stem(const char *name, char out[SPOOL_NAME_BYTES])
{
	snprintf(out, SPOOL_NAME_BYTES, "%.*s", (int)strcspn(name, "~"), name);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* No empty, ".", ".." or hidden parts: it stays inside, and will be seen there. */
static bool path_inside(const char *path)
{
	for (const char *p = path; ; p++) {
		if (*p == '.' || *p == '/' || !*p)
			return false;
		p = strchr(p, '/');
		if (!p)
			return true;
	}
}

bool spool_path(const char *name, char *out, size_t size)
{
	size_t n = 0;

	for (const char *p = name; *p && *p != '~'; p++) {
		int c = (unsigned char)*p;

		if (c == '%') {
			if (hex(p[1]) < 0 || hex(p[2]) < 0)
				return false;
			c = hex(p[1]) * 16 + hex(p[2]);
			p += 2;
		} else if (!plain((unsigned char)c)) {
			return false;
		}
		if (!c || n + 1 >= size)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return path_inside(out);
}

static bool ends(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n > t && !strcmp(s + n - t, tail);
}

enum part spool_part(const char *name)
{
	return ends(name, ".why.json") ? PART_WHY : ends(name, ".json") ? PART_NOTE : PART_RAW;
}

void spool_note_name(const char *name, int k, char out[SPOOL_NAME_BYTES + 16])
{
	if (k == 0)
		snprintf(out, SPOOL_NAME_BYTES + 16, "%s.json", name);
	else
		snprintf(out, SPOOL_NAME_BYTES + 16, "%s!%d.json", name, k + 1);
}

void spool_why_name(const char *name, char out[SPOOL_NAME_BYTES + 16])
{
	snprintf(out, SPOOL_NAME_BYTES + 16, "%s.why.json", name);
}

bool spool_has(int dirfd, const char *name)
{
	struct stat sb;

	return dirfd >= 0 && fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0
		&& S_ISREG(sb.st_mode);
}

bool spool_find(int dirfd, const char *name, char out[SPOOL_NAME_BYTES])
{
	if (dirfd < 0 || !*name)
		return false;
	if (strlen(name) < SPOOL_NAME_BYTES && !strchr(name, '/') && name[0] != '.'
	    && spool_part(name) == PART_RAW && spool_has(dirfd, name)) {
		memcpy(out, name, strlen(name) + 1);
		return true;
	}
	return spool_name(name, out) == ST_OK && spool_has(dirfd, out);
}

/* ---- moving ---- */

bool spool_rename(int from, const char *name, int to, const char *to_name)
{
	if (renameat2(from, name, to, to_name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL)
		return false;
	/* A file system without RENAME_NOREPLACE (NFS): nearly as good. */
	if (faccessat(to, to_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return false;
	}
	return renameat(from, name, to, to_name) == 0;
}

bool spool_move_note(int from, const char *file, int to, const char *name)
{
	char dest[SPOOL_NAME_BYTES + 16];

	for (int k = 0; k < 1000; k++) {
		spool_note_name(name, k, dest);
		if (spool_rename(from, file, to, dest))
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

void spool_move_notes(int from, const char *from_name, int to, const char *to_name)
{
	char file[SPOOL_NAME_BYTES + 16];

	for (int k = 0; k < 1000; k++) {
		spool_note_name(from_name, k, file);
		if (!spool_move_note(from, file, to, to_name))
			return;
	}
}

/* What is done was stored: a second copy takes the place of the first. What is
 * held or in quarantine was not, and stays beside it. */
enum status spool_move(struct spool *s, int from, const char *name, enum state to, bool beside)
{
	char dest[SPOOL_NAME_BYTES], stem[SPOOL_NAME_BYTES], file[SPOOL_NAME_BYTES + 16];
	bool moved = false;

	spool_stem(name, stem);
	memcpy(dest, stem, sizeof dest);
	for (int k = 2; !moved && k < 1000; k++) {
		moved = to == IN_DONE ? renameat(from, name, s->state[to], dest) == 0
			: spool_rename(from, name, s->state[to], dest);
		if (moved || errno != EEXIST)
			break;
		snprintf(dest, sizeof dest, "%.*s~%d", SPOOL_NAME_BYTES - 8, stem, k);
	}
	if (!moved)
		return st_fail_errno("move %s to %s", name, spool_states[to]);
	s->touched[to] = true;
	if (!beside)
		return ST_OK;
	spool_move_notes(from, name, s->state[to], dest);
	spool_why_name(name, file);
	unlinkat(from, file, 0);
	return ST_OK;
}

/* The folder in the spool where path lies, made again if need be, and the name
 * in it. One step at a time, so that no link leads out. */
static int home_of(struct spool *s, const char *path, const char **base)
{
	char part[256];
	int dir = spool_open_dir(s->root, ""), next;

	for (const char *slash; dir >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
		next = spool_open_dir(dir, part);
		if (next < 0 && errno == ENOENT && mkdirat(dir, part, 0700) == 0)
			next = spool_open_dir(dir, part);
		int err = errno;
		close(dir);
		errno = err;
		dir = next;
	}
	*base = path;
	return dir;
}

/* A maildir shows only new/ and cur/. A name that was cut goes where it is seen. */
static bool path_back(struct spool *s, const char *name, char *out, size_t size)
{
	char path[4096];

	if (!spool_path(name, path, sizeof path))
		return false;
	if (s->kind == SPOOL_MAILDIR && strncmp(path, "new/", 4) && strncmp(path, "cur/", 4))
		return snprintf(out, size, "cur/%s", path) < (int)size;
	return snprintf(out, size, "%s", path) < (int)size;
}

static bool note_back(int from, const char *file, int to, const char *base)
{
	char dest[512];

	for (int k = 1; k < 1000; k++) {
		if (k == 1)
			snprintf(dest, sizeof dest, "%.245s.json", base);
		else
			snprintf(dest, sizeof dest, "%.240s.%d.json", base, k);
		if (spool_rename(from, file, to, dest))
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

enum status spool_put_back_note(struct spool *s, int from, const char *file)
{
	char name[SPOOL_NAME_BYTES], path[4096];
	const char *base;
	int dir;
	bool moved;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(file, "!~"), file);
	if (ends(name, ".json"))
		name[strlen(name) - 5] = '\0';
	if (!path_back(s, name, path, sizeof path))
		return st_fail(ST_BAD, "%s: no name of a spool", file);
	dir = home_of(s, path, &base);
	moved = dir >= 0 && note_back(from, file, dir, base);
	if (dir >= 0)
		close(dir);
	return moved || errno == ENOENT ? ST_OK : st_fail_errno("put back %s", file);
}

enum status spool_put_back(struct spool *s, int from, const char *name)
{
	char path[4096], file[SPOOL_NAME_BYTES + 16];
	const char *base;
	enum status st = ST_OK;
	int dir;

	if (!path_back(s, name, path, sizeof path))
		return st_fail(ST_BAD, "%s: no name of a spool", name);
	dir = home_of(s, path, &base);
	if (dir < 0)
		return st_fail_errno("put back %s", name);
	for (int k = 0; k < 1000; k++) {	/* a notification alone waits, so it goes first */
		spool_note_name(name, k, file);
		if (!note_back(from, file, dir, base))
			break;
	}
	if (!spool_rename(from, name, dir, base)) {
		st = st_fail_errno("put back %s", name);
		if (st == ST_EXISTS)	/* a newer one is there: ours waits its turn in hold/ */
			st = spool_move(s, from, name, IN_HOLD, true);
	}
	close(dir);
	return st;
}

/* ---- leases ---- */

struct emptying { struct spool *s; int fd; enum part part; uint64_t n; };

static enum status empty_one(void *arg, const char *name)
{
	struct emptying *e = arg;
	char file[SPOOL_NAME_BYTES + 16];
	enum status st = ST_OK;

	if (spool_part(name) != e->part)
		return ST_OK;
	spool_why_name(name, file);
	if (e->part == PART_WHY) {
		unlinkat(e->fd, name, 0);
	} else if (e->part == PART_NOTE) {
		st = spool_put_back_note(e->s, e->fd, name);
	} else if (spool_has(e->fd, file)) {	/* it came from hold/: its tries count on */
		spool_rename(e->fd, file, e->s->state[IN_HOLD], file);
		st = spool_move(e->s, e->fd, name, IN_HOLD, true);
		e->n++;
	} else {
		st = spool_put_back(e->s, e->fd, name);
		e->n++;
	}
	if (st == ST_NOTFOUND)	/* another claimer was faster */
		return ST_OK;
	if (st == ST_BAD)
		spool_say(e->s, "%s", st_text());
	return st == ST_BAD ? ST_OK : st;
}

static enum status drop_temp(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *e; d && (e = readdir(d)); )
		if (!strncmp(e->d_name, ".tmp.", 5))
			unlinkat(fd, e->d_name, 0);
	if (d)
		closedir(d);
	return ST_OK;
}

enum status spool_empty_lease(struct spool *s, const char *lease, uint64_t *n_out)
{
	struct emptying e = { .s = s, .fd = spool_open_dir(s->state[IN_CLAIMED], lease) };
	static const enum part order[] = { PART_RAW, PART_NOTE, PART_WHY };
	enum status st = ST_OK;

	if (e.fd < 0)
		return errno == ENOENT ? ST_OK : st_fail_errno("open lease %s", lease);
	for (size_t i = 0; i < 3 && st == ST_OK; i++) {
		e.part = order[i];
		st = spool_each(e.fd, empty_one, &e);
	}
	drop_temp(e.fd);
	close(e.fd);
	if (st == ST_OK)
		unlinkat(s->state[IN_CLAIMED], lease, AT_REMOVEDIR);
	if (n_out)
		*n_out += e.n;
	return st;
}

/* ---- folders ---- */

enum status spool_each(int dirfd, enum status (*fn)(void *arg, const char *name), void *arg)
{
	struct buf names = { 0 };
	enum status st = ST_OK;
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (!d)
		return st_fail_errno("read folder");
	for (struct dirent *e; (e = readdir(d)); )
		if (e->d_name[0] != '.')
			buf_add(&names, e->d_name, strlen(e->d_name) + 1);
	closedir(d);
	if (!buf_ok(&names))
		st = st_fail(ST_NOMEM, "out of memory");
	for (size_t i = 0; st == ST_OK && i < names.len; i += strlen(names.p + i) + 1)
		st = fn(arg, names.p + i);
	buf_free(&names);
	return st;
}

enum status spool_sync(struct spool *s)
{
	for (int i = 0; i < STATES; i++) {
		if (s->touched[i] && fsync(s->state[i]) != 0)
			return st_fail_errno("fsync %s/%s", s->dir, spool_states[i]);
		s->touched[i] = false;
	}
	return ST_OK;
}
