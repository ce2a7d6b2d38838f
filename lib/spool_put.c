/*
 * spool_put.c - messages into a spool: one, or an mbox's. See spool.h.
 *
 * An mbox is taken apart so that dying at any point doubles and loses nothing:
 *
 *	FILE -> .weir/mbox/N			one rename: nobody appends to it from now on
 *	.weir/mbox/N -> .weir/split-N/...		each message a file, then one sync
 *	.weir/split-N -> .weir/ready-N		one rename: all messages are there
 *	.weir/mbox/N -> .weir/mbox/done/N
 *	.weir/ready-N/... -> the spool		one rename each, whoever does it
 *
 * N is the mbox's inode number. Whatever is left unfinished is finished by the next claim.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include "digest.h"
#include "mbox.h"
#include "notify.h"
#include "spool_in.h"

#define CHUNK (256u << 10)

/* ---- put ---- */

static bool good_name(const char *s)
{
	static const char *const kept[] = { ".json", ".tmp", ".part" };
	size_t n = strlen(s);

	if (!n || n > SPOOL_NAME_MAX || s[0] == '.' || !strcmp(s, SES_SETUP_NAME))
		return false;
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (n > strlen(kept[i]) && !strcmp(s + n - strlen(kept[i]), kept[i]))
			return false;
	return n == strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._=,:+@-");
}

static enum status write_temp(int dir, const char *temp, const void *p, size_t n, bool sync)
{
	int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
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

static bool same_bytes(int dir, const char *name, const void *p, size_t n)
{
	struct buf b = { 0 };
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool same = fd >= 0 && file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &b) == ST_OK
		&& b.len == n && !memcmp(b.p, p, n);

	if (fd >= 0)
		close(fd);
	buf_free(&b);
	return same;
}

/* own: the name is made from the bytes, so what has it may be replaced. */
static enum status put_file(int temp_dir, int dir, const char *name, const void *p, size_t n, bool own, bool sync)
{
	static unsigned seq;
	char temp[64];
	enum status st;

	snprintf(temp, sizeof temp, ".tmp.%ld.%lld.%u", (long)getpid(), (long long)time(NULL), seq++);
	st = write_temp(temp_dir, temp, p, n, sync);
	if (st == ST_OK && own && renameat(temp_dir, temp, dir, name) != 0)
		st = st_fail_errno("rename to %s", name);
	if (st == ST_OK && !own && !spool_rename(temp_dir, temp, dir, name)) {
		st = st_fail_errno("put %s", name);
		if (st == ST_EXISTS && same_bytes(dir, name, p, n)) {
			unlinkat(temp_dir, temp, 0);
			st = ST_OK;
		}
	}
	if (st != ST_OK)
		unlinkat(temp_dir, temp, 0);
	else if (sync && fsync(dir) != 0)
		st = st_fail_errno("fsync the folder of %s", name);
	return st;
}

static enum status digest_name(const void *p, size_t n, char out[41])
{
	uint8_t d[DIGEST_BYTES];
	enum status st = digest_of(p, n, d);

	if (st == ST_OK)
		hex_of(d, 20, out);
	return st;
}

/* Where messages go: new/ and tmp/ of a maildir, else the spool itself. */
struct place { int dir, temp; };

static enum status place_open(struct spool *s, struct place *out)
{
	bool maildir = s->kind == SPOOL_MAILDIR;

	if (s->kind == SPOOL_MBOX)
		return st_fail(ST_BAD, "%s: an mbox: messages cannot be put into it", s->dir);
	if (maildir)
		mkdirat(s->root, "tmp", 0700);
	out->dir = spool_open_dir(s->root, maildir ? "new" : "");
	out->temp = spool_open_dir(s->root, maildir ? "tmp" : "");
	if (out->dir >= 0 && out->temp >= 0)
		return ST_OK;
	return st_fail_errno("open %s", s->dir);
}

static void place_close(struct place *p)
{
	if (p->dir >= 0)
		close(p->dir);
	if (p->temp >= 0)
		close(p->temp);
}

/* A notification in SES's form, but it says that it is not SES's. */
static enum status put_note(struct spool *s, const struct place *at, const char *name, const struct spool_put *how)
{
	char digest[41], file[SPOOL_NAME_BYTES + 64];
	struct buf b = { 0 };
	enum status st;

	if (s->kind != SPOOL_AUTO && s->kind != SPOOL_SES)
		return st_fail(ST_BAD, "%s: recipients can be told only in a spool with notifications", s->dir);
	json_open(&b, NULL, '{');
	json_cstr(&b, "notificationType", "Received");
	json_cstr(&b, "by", "weir-spool");
	json_open(&b, "mail", '{');
	json_cstr(&b, "messageId", name);
	json_cstr(&b, "source", how->from ? how->from : "");
	json_close(&b, '}');
	json_open(&b, "receipt", '{');
	json_open(&b, "recipients", '[');
	for (size_t i = 0; i < how->recipients; i++)
		json_cstr(&b, NULL, how->to[i]);
	json_close(&b, ']');
	json_close(&b, '}');
	json_close(&b, '}');
	st = buf_ok(&b) ? digest_name(b.p, b.len, digest) : st_fail(ST_NOMEM, "out of memory");
	if (st == ST_OK) {
		snprintf(file, sizeof file, "%s-%.12s.json", name, digest);
		st = put_file(at->temp, at->dir, file, b.p, b.len, true, true);
	}
	buf_free(&b);
	return st;
}

enum status spool_put(struct spool *s, const void *p, size_t n, const struct spool_put *how)
{
	struct place at = { -1, -1 };
	char name[SPOOL_NAME_BYTES];
	enum status st;

	if (!n)
		return st_fail(ST_BAD, "an empty message is none");
	if (n > MESSAGE_MAX_BYTES)
		return st_fail(ST_LIMIT, "a message of more than %u bytes", MESSAGE_MAX_BYTES);
	if (how->name && !good_name(how->name))
		return st_fail(ST_BAD, "%s: no name for a message", how->name);
	st = place_open(s, &at);
	if (st == ST_OK && how->name)
		snprintf(name, sizeof name, "%s", how->name);
	else if (st == ST_OK)
		st = digest_name(p, n, name);
	if (st == ST_OK && how->recipients)	/* first: alone it waits */
		st = put_note(s, &at, name, how);
	if (st == ST_OK)
		st = put_file(at.temp, at.dir, name, p, n, !how->name, true);
	place_close(&at);
	return st;
}

/* ---- taking an mbox apart ---- */

struct taking {
	struct spool *s;
	struct place at;
	unsigned number;	/* 0: names are digests alone */
	uint64_t n, bad;
	enum status (*fn)(void *arg, const char *name, const char *p, size_t n);
	void *arg;
};

static enum status take(void *arg, const char *p, size_t n, bool truncated)
{
	struct taking *t = arg;
	char digest[41], name[64];
	enum status st = digest_name(p, n, digest);

	if (st != ST_OK)
		return st;
	if (truncated) {
		spool_say(t->s, "message %llu: more than %u bytes, left out",
			(unsigned long long)(t->n + t->bad + 1), MESSAGE_MAX_BYTES);
		t->bad++;
		return ST_OK;
	}
	t->n++;
	if (t->number)
		snprintf(name, sizeof name, "%06u-%.32s", t->number++, digest);
	else
		snprintf(name, sizeof name, "%s", digest);
	return t->fn ? t->fn(t->arg, name, p, n)
		: put_file(t->at.temp, t->at.dir, name, p, n, true, false);
}

static enum status take_apart(struct taking *t, int fd)
{
	char *chunk = malloc(CHUNK);
	struct mbox m;
	enum status st = chunk ? ST_OK : st_fail(ST_NOMEM, "out of memory");

	mbox_init(&m, MESSAGE_MAX_BYTES, take, t);
	while (st == ST_OK) {
		ssize_t n = read(fd, chunk, CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			st = st_fail_errno("read mbox");
		else if (n == 0)
			break;
		else
			st = mbox_feed(&m, chunk, (size_t)n);
	}
	if (st == ST_OK)
		st = mbox_end(&m);
	mbox_done(&m);
	free(chunk);
	return st;
}

enum status spool_put_mbox(struct spool *s, int fd, uint64_t *count_out, uint64_t *bad_out)
{
	struct taking t = { .s = s, .at = { -1, -1 } };
	enum status st = place_open(s, &t.at);

	if (st == ST_OK)
		st = take_apart(&t, fd);
	if (st == ST_OK && syncfs(s->root) != 0)
		st = st_fail_errno("sync %s", s->dir);
	place_close(&t.at);
	*count_out = t.n;
	*bad_out = t.bad;
	return st;
}

enum status spool_peek_mbox(struct spool *s, enum status (*fn)(void *arg, const char *name,
	const char *p, size_t n), void *arg)
{
	struct taking t = { .s = s, .number = 1, .fn = fn, .arg = arg };
	int fd = open(s->mbox, O_RDONLY | O_CLOEXEC);
	enum status st;

	if (fd < 0)
		return errno == ENOENT ? ST_OK : st_fail_errno("open %s", s->mbox);
	st = take_apart(&t, fd);
	close(fd);
	return st == ST_END ? ST_OK : st;
}

/* ---- an mbox as spool ---- */

/* Locks as mail programs do: FILE.lock, fcntl(2), flock(2). Whoever waits for the lock has the
 * file open for writing, which spool_open_ready sees. */
static bool rename_locked(struct spool *s, int state, const char *to)
{
	int fd = open(s->mbox, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool ok = fd >= 0 && fcntl(fd, F_OFD_SETLK, &l) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0
		&& renameat(AT_FDCWD, s->mbox, state, to) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static enum status take_mbox(struct spool *s, int state)
{
	char lock[4096 + 16], to[64];
	struct stat sb;
	int fd = -1, dot;
	enum status st;
	bool ok;

	st = spool_open_ready(AT_FDCWD, s->mbox, &fd, &sb);
	if (fd >= 0)
		close(fd);
	if (st == ST_NOTFOUND || (st == ST_AGAIN && sb.st_size == 0))
		return ST_OK;
	snprintf(lock, sizeof lock, "%s.lock", s->mbox);
	dot = st == ST_OK ? open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) : -1;
	ok = st == ST_OK && (dot >= 0 || errno == EACCES || errno == EPERM);
	snprintf(to, sizeof to, "mbox/%llu", (unsigned long long)sb.st_ino);
	if (ok && !rename_locked(s, state, to))
		ok = false;
	if (dot >= 0) {
		close(dot);
		unlink(lock);
	}
	if (!ok)
		spool_say(s, "%s: somebody is writing to it: later", s->mbox);
	return st == ST_AGAIN ? ST_OK : st;
}

static enum status split_one(struct spool *s, int state, const char *number)
{
	char split[64], ready[64], from[64], done[64];
	struct taking t = { .s = s, .number = 1 };
	int fd;
	enum status st = ST_OK;

	snprintf(split, sizeof split, "split-%.40s", number);
	snprintf(ready, sizeof ready, "ready-%.40s", number);
	snprintf(from, sizeof from, "mbox/%.40s", number);
	snprintf(done, sizeof done, "mbox/done/%.40s", number);
	if (faccessat(state, ready, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		st = file_rmtree(state, split);
		if (st == ST_OK && mkdirat(state, split, 0700) != 0)
			return st_fail_errno("make %s", split);
		t.at.dir = t.at.temp = spool_open_dir(state, split);
		fd = openat(state, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (st == ST_OK && (fd < 0 || t.at.dir < 0))
			st = st_fail_errno("open %s", from);
		if (st == ST_OK)
			st = take_apart(&t, fd);
		if (st == ST_OK && syncfs(state) != 0)
			st = st_fail_errno("sync %s", s->dir);
		if (fd >= 0)
			close(fd);
		if (t.at.dir >= 0)
			close(t.at.dir);
		if (st == ST_OK && renameat(state, split, state, ready) != 0)
			st = st_fail_errno("rename %s", split);
	}
	if (st == ST_OK && renameat(state, from, state, done) != 0)
		st = st_fail_errno("move %s", from);
	return st;
}

static enum status finish_one(struct spool *s, int state, const char *ready)
{
	int dir = spool_open_dir(state, ready);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	enum status st = ST_OK;

	if (!d)
		return st_fail_errno("open %s", ready);
	for (struct dirent *e; st == ST_OK && (e = readdir(d)); )
		if (e->d_name[0] != '.' && renameat(dirfd(d), e->d_name, s->root, e->d_name) != 0)
			st = st_fail_errno("move %s", e->d_name);
	closedir(d);
	if (st == ST_OK && unlinkat(state, ready, AT_REMOVEDIR) != 0)
		st = st_fail_errno("remove %s", ready);
	return st;
}

struct splitting { struct spool *s; int state; };

static enum status each_taken(void *arg, const char *name)
{
	struct splitting *x = arg;

	return strcmp(name, "done") ? split_one(x->s, x->state, name) : ST_OK;
}

static enum status each_ready(void *arg, const char *name)
{
	struct splitting *x = arg;

	return strncmp(name, "ready-", 6) ? ST_OK : finish_one(x->s, x->state, name);
}

enum status spool_split_mbox(struct spool *s)
{
	struct splitting x = { s, spool_open_dir(s->root, SPOOL_STATE) };
	int lock = -1, taken = -1;
	enum status st = ST_OK;

	if (x.state >= 0 && ((mkdirat(x.state, "mbox", 0700) != 0 && errno != EEXIST)
	    || (mkdirat(x.state, "mbox/done", 0700) != 0 && errno != EEXIST)))
		st = st_fail_errno("make %s/%s/mbox", s->dir, SPOOL_STATE);
	if (st == ST_OK && x.state >= 0) {
		lock = openat(x.state, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		taken = spool_open_dir(x.state, "mbox");
	}
	if (st == ST_OK && (lock < 0 || taken < 0 || flock(lock, LOCK_EX) != 0))
		st = st_fail_errno("lock %s", s->dir);
	if (st == ST_OK)
		st = take_mbox(s, x.state);
	if (st == ST_OK)
		st = spool_each(taken, each_taken, &x);
	if (st == ST_OK)
		st = spool_each(x.state, each_ready, &x);
	if (lock >= 0)
		close(lock);
	if (taken >= 0)
		close(taken);
	if (x.state >= 0)
		close(x.state);
	return st;
}
