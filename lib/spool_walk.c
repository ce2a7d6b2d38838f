/*
 * spool_walk.c - what lies in a spool, and whether it is a message yet.
 *
 * Only names are read here, and kept as offsets into one buffer: a spool may
 * hold hundreds of thousands. Links, FIFOs and what begins with a dot do not exist for us.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "notify.h"
#include "spool_in.h"

#define QUIET_S 2	/* where nobody can tell who is writing: unchanged for so long */

static bool ends(const char *s, size_t n, const char *tail)
{
	size_t t = strlen(tail);

	return n > t && !memcmp(s + n - t, tail, t);
}

/* aws s3 downloads to NAME.XXXXXXXX (hex digits of either case) and renames. Eight decimal
 * digits may be a date, so they count only behind something like an SES id. */
static bool aws_temporary(const char *name, size_t n)
{
	size_t id;

	if (n < 10 || name[n - 9] != '.' || strspn(name + n - 8, "0123456789abcdefABCDEF") != 8)
		return false;
	id = strspn(name, "0123456789abcdefghijklmnopqrstuv");
	return (id == n - 9 && id >= 20) || strspn(name + n - 8, "0123456789") != 8;
}

static bool passed_over(const struct spool *s, const char *name)
{
	size_t n = strlen(name);

	if (s->kind == SPOOL_MAILDIR || s->kind == SPOOL_MBOX)
		return false;
	return ends(name, n, ".tmp") || ends(name, n, ".part") || aws_temporary(name, n)
		|| !strcmp(name, SES_SETUP_NAME);
}

static bool grow(void *list, size_t *cap, size_t n, size_t size)
{
	void *more;

	if (n < *cap)
		return true;
	more = realloc(*(void **)list, (*cap ? *cap * 2 : 256) * size);
	if (!more)
		return false;
	*cap = *cap ? *cap * 2 : 256;
	*(void **)list = more;
	return true;
}

static size_t add_path(struct walk *w, uint32_t dir, const char *name, size_t *base_out)
{
	size_t at = w->text.len;

	if (w->dirs) {
		size_t len = strlen(w->text.p + w->dir[dir]);

		if (!buf_room(&w->text, len + strlen(name) + 2))
			return at;
		buf_add(&w->text, w->text.p + w->dir[dir], len);
		if (len)
			buf_chr(&w->text, '/');
	}
	*base_out = w->text.len;
	buf_add(&w->text, name, strlen(name) + 1);
	return at;
}

static enum status no_memory(void)
{
	return st_fail(ST_NOMEM, "out of memory");
}

enum status walk_add(struct walk *w, uint32_t dir, const char *name, bool note)
{
	struct found e = { .dir = dir, .note = note, .first_note = -1, .content = -1 };

	if (note ? !grow(&w->note, &w->note_cap, w->notes, sizeof e)
	    : !grow(&w->raw, &w->raw_cap, w->raws, sizeof e))
		return no_memory();
	e.path = add_path(w, dir, name, &e.base);
	if (note)
		w->note[w->notes++] = e;
	else
		w->raw[w->raws++] = e;
	return buf_ok(&w->text) ? ST_OK : no_memory();
}

static enum status add_dir(struct walk *w, uint32_t up, const char *name)
{
	size_t base;

	if (!grow(&w->dir, &w->dir_cap, w->dirs, sizeof *w->dir))
		return no_memory();
	size_t at = add_path(w, up, name, &base);
	w->dir[w->dirs++] = at;
	return buf_ok(&w->text) ? ST_OK : no_memory();
}

static int depth(const char *path)
{
	int n = *path ? 1 : 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static enum status take(struct spool *s, struct walk *w, int fd, uint32_t dir, const char *name, int type)
{
	size_t n = strlen(name);
	struct stat sb;

	if (name[0] == '.')
		return ST_OK;
	if (type == DT_UNKNOWN && fstatat(fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		type = S_ISREG(sb.st_mode) ? DT_REG : S_ISDIR(sb.st_mode) ? DT_DIR : DT_UNKNOWN;
	if (type == DT_DIR) {
		if (s->kind == SPOOL_MAILDIR && (dir != 0 || (strcmp(name, "new") && strcmp(name, "cur"))))
			return ST_OK;
		if (depth(w->text.p + w->dir[dir]) < SPOOL_DEPTH)
			return add_dir(w, dir, name);
		spool_say(s, "%s/%s: more than %d folders deep, not looked into",
			w->text.p + w->dir[dir], name, SPOOL_DEPTH);
		return ST_OK;
	}
	if (type != DT_REG || passed_over(s, name) || (s->kind == SPOOL_MAILDIR && dir == 0)) {
		w->skipped++;
		return ST_OK;
	}
	return walk_add(w, dir, name, ends(name, n, ".json")
		&& (s->kind == SPOOL_AUTO || s->kind == SPOOL_SES));
}

static const char *sort_text;	/* qsort(3) passes no argument; one thread */

static int by_path(const void *a, const void *b)
{
	return strcmp(sort_text + ((const struct found *)a)->path,
		sort_text + ((const struct found *)b)->path);
}

enum status walk_spool(struct spool *s, struct walk *w)
{
	enum status st;

	*w = (struct walk){ 0 };
	if (s->root < 0)
		return ST_OK;
	st = add_dir(w, 0, "");
	for (uint32_t i = 0; st == ST_OK && i < w->dirs; i++) {
		int fd = spool_open_dir(s->root, w->text.p + w->dir[i]), copy;
		DIR *d = fd < 0 ? NULL : fdopendir(fd);

		if (!d && i == 0)
			return st_fail_errno("read %s", s->dir);
		if (!d) {	/* gone meanwhile, or not ours to read */
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == EIO) {
				st = st_fail_errno("read %s/%s", s->dir, w->text.p + w->dir[i]);
				if (fd >= 0)
					close(fd);
				break;
			}
			if (errno != ENOENT) {
				spool_say(s, "%s: %s", w->text.p + w->dir[i], strerror(errno));
				w->denied++;
			}
			continue;
		}
		copy = dirfd(d);
		for (struct dirent *e; st == ST_OK && (e = readdir(d)); )
			st = take(s, w, copy, i, e->d_name, e->d_type);
		closedir(d);
	}
	sort_text = w->text.p;
	if (w->raws)
		qsort(w->raw, w->raws, sizeof *w->raw, by_path);
	if (w->notes)
		qsort(w->note, w->notes, sizeof *w->note, by_path);
	return st;
}

void walk_free(struct walk *w)
{
	buf_free(&w->text);
	free(w->raw);
	free(w->note);
	free(w->dir);
	*w = (struct walk){ 0 };
}

/* Whether somebody has the file open for writing. A read lease is refused then
 * (fcntl(2)); it ends when fd is closed. */
static bool being_written(int fd, const struct stat *sb)
{
	static bool ignored;

	if (!ignored)	/* a writer that comes while we hold the lease has the kernel tell us by signal */
		signal(SIGIO, SIG_IGN);
	ignored = true;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	if (errno == EAGAIN)
		return true;
	return sb->st_mtime + QUIET_S > time(NULL);
}

enum status spool_open_ready(int dirfd, const char *name, int *fd_out, struct stat *sb_out)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))	/* AGAIN would say: not whole yet */
		return st_fail(ST_NOMEM, "open %s: %s", name, strerror(errno));
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENXIO
			? st_fail(ST_NOTFOUND, "%s: gone", name) : st_fail_errno("open %s", name);
	if (fstat(fd, sb_out) != 0 || !S_ISREG(sb_out->st_mode)) {
		close(fd);
		return st_fail(ST_NOTFOUND, "%s: not a file", name);
	}
	if (sb_out->st_size == 0 || being_written(fd, sb_out)) {
		close(fd);
		return st_fail(ST_AGAIN, "%s: not whole yet", name);
	}
	*fd_out = fd;
	return ST_OK;
}
