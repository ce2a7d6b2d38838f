/*
 * spool_claim.c - taking messages out of a spool, one rename each. See spool.h.
 *
 * Order: the work of the dead goes back, what is due comes out of hold/, then
 * notifications find their messages (spool_note.c), last come the messages
 * that nobody announced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lease.h"
#include "spool_claim.h"

bool claim_enough(const struct claim *k)
{
	return k->c->limit && k->c->claimed >= k->c->limit;
}

static enum status no_memory(void)
{
	return st_fail(ST_NOMEM, "out of memory");
}

/* ---- folders ---- */

static enum status take_over(void *arg, const char *name)
{
	struct claim *k = arg;
	struct stat sb;

	if (fstatat(k->s->state[IN_CLAIMED], name, &sb, AT_SYMLINK_NOFOLLOW) != 0
	    || !S_ISDIR(sb.st_mode))
		return ST_OK;
	if (spool_lease_alive(k->s, name, sb.st_mtime, k->now)) {
		buf_add(&k->alive, name, strlen(name) + 1);
		return ST_OK;
	}
	return spool_empty_lease(k->s, name, &k->c->taken_over);
}

static enum status need_lease(struct claim *k)
{
	enum status st;

	if (k->lease_fd >= 0)
		return ST_OK;
	st = lease_name(k->lease);
	if (st != ST_OK)
		return st;
	if (mkdirat(k->s->state[IN_CLAIMED], k->lease, 0700) != 0)
		return st_fail_errno("make lease %s", k->lease);
	k->lease_fd = spool_open_dir(k->s->state[IN_CLAIMED], k->lease);
	return k->lease_fd < 0 ? st_fail_errno("open lease %s", k->lease) : ST_OK;
}

/* -1: gone. */
int claim_dir(struct claim *k, const struct found *e)
{
	if (k->dir_fd >= 0 && k->dir == e->dir)
		return k->dir_fd;
	if (k->dir_fd >= 0)
		close(k->dir_fd);
	k->dir_fd = spool_open_dir(k->s->root, k->w.text.p + k->w.dir[e->dir]);
	k->dir = e->dir;
	return k->dir_fd;
}

/* A file that is not for us. */
enum status claim_quarantine(struct claim *k, int from, const char *file, const char *name,
	const char *reason, const char *detail)
{
	struct buf what = { 0 };
	enum status st;

	k->c->bad++;
	json_open(&what, NULL, '{');
	json_cstr(&what, "by", "weir-spool");
	json_cstr(&what, "reason", reason);
	json_cstr(&what, "detail", detail);
	json_close(&what, '}');
	spool_say(k->s, "%s: %s: %s", name, reason, detail);
	st = k->c->list ? ST_OK : spool_stop(k->s, from, file, name, IN_QUARANTINE,
		(struct span){ what.p, what.len }, (struct span){ NULL, 0 });
	buf_free(&what);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* ---- one message ---- */

static enum status emit(struct claim *k, const char *path, const char *name, const struct stat *sb,
	const struct facts *f, int beside, bool own_file)
{
	struct item it = { .beside = beside, .name = name, .path = path, .lease = k->c->list ? NULL : k->lease,
		.text = k->text.p, .len = k->text.len, .mtime = sb->st_mtime };
	enum status st;

	buf_clear(&k->file);
	if (k->c->list)
		buf_fmt(&k->file, "%s/%s", k->s->dir, path);
	else
		buf_fmt(&k->file, "%s/%s/%s/%s/%s", k->s->dir, SPOOL_STATE, spool_states[IN_CLAIMED],
			k->lease, name);
	if (own_file && utf8_valid(k->file.p, k->file.len))
		it.file = k->file.p;
	st = spool_record(k->s, &it, f, k->c->recipient_header, &k->digest, &k->line);
	if (st != ST_OK)
		return st;
	k->c->claimed++;
	return k->c->emit(k->c->arg, k->line.p, k->line.len);
}

/* fd is closed. In list mode `from` is the folder that has it, else our lease. */
static enum status finish(struct claim *k, int fd, const char *path, const char *name,
	const struct stat *sb, const struct facts *f, int beside)
{
	char detail[80];
	enum status st;

	if ((uint64_t)sb->st_size > MESSAGE_MAX_BYTES) {
		close(fd);
		snprintf(detail, sizeof detail, "%lld bytes, more than %u", (long long)sb->st_size,
			MESSAGE_MAX_BYTES);
		return claim_quarantine(k, k->lease_fd, name, name, "too_big_message", detail);
	}
	st = file_read_fd(fd, 0, sb->st_size, MESSAGE_MAX_BYTES, &k->text);
	close(fd);
	if (st == ST_BAD) {	/* somebody cuts it short: not whole, then */
		k->c->not_yet++;
		return k->c->list ? ST_OK : spool_put_back(k->s, k->lease_fd, name);
	}
	return st == ST_OK ? emit(k, path, name, sb, f, beside, true) : st;
}

/* The file behind a name may have been replaced between open and rename. */
static enum status same_file(struct claim *k, const char *name, int *fd, struct stat *sb)
{
	struct stat now;

	if (fstatat(k->lease_fd, name, &now, AT_SYMLINK_NOFOLLOW) != 0)
		return st_fail_errno("stat %s", name);
	if (now.st_ino == sb->st_ino && now.st_dev == sb->st_dev) {
		sb->st_size = now.st_size;
		return ST_OK;
	}
	close(*fd);
	*fd = -1;
	return spool_open_ready(k->lease_fd, name, fd, sb);
}

static enum status gather(struct claim *k, const struct found *e, struct facts *f)
{
	enum status st = ST_OK;

	facts_init(f);
	for (int64_t i = e->first_note; i >= 0 && st == ST_OK; i = k->note[i].next)
		st = facts_add(f, &k->note[i].note);
	return st;
}

/* How many there were. */
static int take_notes(struct claim *k, const struct found *e, const char *name)
{
	int count = 0;

	for (int64_t i = e->first_note; i >= 0; i = k->note[i].next) {
		const struct found *n = &k->w.note[k->note[i].entry];
		int dir = claim_dir(k, n);

		if (dir >= 0)
			count += spool_move_note(dir, walk_base(&k->w, n), k->lease_fd, name);
	}
	return count;
}

/* A message that came inside its notification (SNS action). */
static enum status write_content(struct claim *k, struct found *e, const char *name, int *fd, struct stat *sb)
{
	const struct note *n = &k->note[e->content].note;
	enum status st = file_write_at(k->lease_fd, name, n->content, n->content_len, true);

	return st == ST_OK ? spool_open_ready(k->lease_fd, name, fd, sb) : st;
}

static enum status claim_file(struct claim *k, struct found *e, const struct facts *f,
	const char *name, int *fd, struct stat *sb)
{
	int dir = claim_dir(k, e);
	enum status st;

	if (dir < 0)
		return st_fail(ST_NOTFOUND, "gone");
	st = spool_open_ready(dir, walk_base(&k->w, e), fd, sb);
	if (st == ST_OK && f->size >= 0 && f->size != sb->st_size)
		st = st_fail(ST_AGAIN, "%s: not whole yet", name);
	if (st != ST_OK || k->c->list)
		return st;
	if (!spool_rename(dir, walk_base(&k->w, e), k->lease_fd, name))
		return st_fail_errno("claim %s", name);
	return same_file(k, name, fd, sb);
}

enum status claim_entry(struct claim *k, size_t i)
{
	struct found *e = &k->w.raw[i];
	char name[SPOOL_NAME_BYTES];
	struct facts f;
	struct stat sb;
	int fd = -1, beside;
	enum status st = spool_name(walk_path(&k->w, e), name);

	if (st == ST_OK && !k->c->list)
		st = need_lease(k);
	if (st != ST_OK || e->gone)
		return st;
	st = gather(k, e, &f);
	if (st == ST_OK)
		st = e->content >= 0 ? write_content(k, e, name, &fd, &sb)
			: claim_file(k, e, &f, name, &fd, &sb);
	e->gone = true;	/* or not ours this time */
	if (st == ST_OK) {
		beside = k->c->list ? 0 : take_notes(k, e, name);
		st = finish(k, fd, walk_path(&k->w, e), name, &sb, &f, beside);
	} else {
		if (fd >= 0)
			close(fd);
		k->c->not_yet += st == ST_AGAIN;
		if (st == ST_DENIED) {
			spool_say(k->s, "%s: %s", name, st_text());
			k->c->denied++;
		}
		/* EXISTS: one of that name has come out of hold/, this one is next. */
		if (st == ST_AGAIN || st == ST_NOTFOUND || st == ST_DENIED || st == ST_EXISTS)
			st = ST_OK;
	}
	facts_done(&f);
	return st;
}

/* ---- messages that have been here before: hold/, done/ ---- */

/* A whole message from hold/ or done/ into our lease. */
enum status claim_state(struct claim *k, enum state from, const char *name)
{
	char path[4096], why[SPOOL_NAME_BYTES + 16];
	int source = k->s->state[from], fd = -1;
	struct kept kept;
	struct stat sb;
	enum status st = need_lease(k);

	if (st != ST_OK || claim_enough(k))
		return st;
	if (!spool_path(name, path, sizeof path))
		snprintf(path, sizeof path, "%s", name);
	if (!spool_rename(source, name, k->lease_fd, name))
		return errno == ENOENT || errno == EEXIST ? ST_OK : st_fail_errno("claim %s", name);
	spool_move_notes(source, name, k->lease_fd, name);
	spool_why_name(name, why);
	if (from == IN_HOLD)
		spool_rename(source, why, k->lease_fd, why);
	st = note_facts(k, k->lease_fd, name, &kept);
	if (st == ST_OK)
		st = spool_open_ready(k->lease_fd, name, &fd, &sb);
	if (st == ST_OK)
		st = finish(k, fd, path, name, &sb, &kept.facts, (int)kept.n + 1);
	else if (st == ST_AGAIN || st == ST_NOTFOUND)
		st = ST_OK;
	note_facts_done(&kept);
	return st;
}

static time_t newest(const char *path)
{
	struct stat sb;
	time_t t;
	DIR *d;

	if (stat(path, &sb) != 0)
		return 0;
	t = sb.st_mtime;
	d = S_ISDIR(sb.st_mode) ? opendir(path) : NULL;
	for (struct dirent *e; d && (e = readdir(d)); )
		if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &sb, 0) == 0
		    && sb.st_mtime > t)
			t = sb.st_mtime;
	if (d)
		closedir(d);
	return t;
}

static bool woken(struct claim *k, const char *name, const time_t *changed)
{
	struct why why;

	if (!k->c->wakes || !spool_why_read(k->s->state[IN_HOLD], name, &why))
		return false;
	for (size_t i = 0; i < k->c->wakes; i++)
		if (!strcmp(k->c->wake[i].reason, why.reason) && changed[i] >= why.held)
			return true;
	return false;
}

struct due { struct claim *k; time_t *changed; };

static enum status claim_due(void *arg, const char *name)
{
	struct due *d = arg;
	char why[SPOOL_NAME_BYTES + 16];
	struct stat sb;

	if (spool_part(name) != PART_RAW || claim_enough(d->k))
		return ST_OK;
	spool_why_name(name, why);
	if (fstatat(d->k->s->state[IN_HOLD], why, &sb, AT_SYMLINK_NOFOLLOW) == 0
	    && sb.st_mtime > d->k->now && !woken(d->k, name, d->changed))
		return ST_OK;
	return claim_state(d->k, IN_HOLD, name);
}

static enum status claim_held(struct claim *k)
{
	struct due d = { k, calloc(k->c->wakes + 1, sizeof(time_t)) };
	enum status st;

	if (!d.changed)
		return no_memory();
	for (size_t i = 0; i < k->c->wakes; i++)
		d.changed[i] = newest(k->c->wake[i].file);
	st = spool_each(k->s->state[IN_HOLD], claim_due, &d);
	free(d.changed);
	return st;
}

/* ---- all of it ---- */

static enum status peek(void *arg, const char *name, const char *p, size_t n)
{
	struct claim *k = arg;
	struct facts f;

	facts_init(&f);
	buf_clear(&k->text);
	buf_add(&k->text, p, n);
	if (!buf_ok(&k->text))
		return no_memory();
	return claim_enough(k) ? ST_END : emit(k, name, name, &(struct stat){ .st_mtime = k->now }, &f, 0, false);
}

static enum status begin(struct claim *k)
{
	enum status st = ST_OK;

	k->lease_fd = k->dir_fd = -1;
	k->now = time(NULL);
	if (!k->c->list)
		st = spool_make(k->s);
	if (st == ST_OK && !k->c->list)
		st = spool_join(k->s);
	if (st == ST_OK && k->s->mbox && !k->c->list)
		st = spool_split_mbox(k->s);
	if (st == ST_OK && !k->c->list)
		st = spool_each(k->s->state[IN_CLAIMED], take_over, k);
	if (st == ST_OK && !buf_ok(&k->alive))
		st = no_memory();
	return st;
}

static void end(struct claim *k)
{
	if (k->lease_fd >= 0) {
		close(k->lease_fd);	/* rmdir fails, as it should, unless it is empty */
		unlinkat(k->s->state[IN_CLAIMED], k->lease, AT_REMOVEDIR);
	}
	if (k->dir_fd >= 0)
		close(k->dir_fd);
	note_end_window(k);
	walk_free(&k->w);
	free(k->by_base);
	free(k->note);
	free(k->hit);
	digest_free(&k->digest);
	buf_free(&k->alive);
	buf_free(&k->text);
	buf_free(&k->line);
	buf_free(&k->file);
}

enum status spool_claim(struct spool *s, struct spool_claim *c)
{
	struct claim k = { .s = s, .c = c };
	enum status st;

	c->claimed = c->not_yet = c->bad = c->denied = c->taken_over = 0;
	st = begin(&k);
	if (st == ST_OK && !c->list)
		st = claim_held(&k);
	if (st == ST_OK && !claim_enough(&k))
		st = walk_spool(s, &k.w);
	c->denied += k.w.denied;
	k.sorted = k.w.raws;
	if (st == ST_OK)
		st = note_claim(&k);
	for (size_t i = 0; i < k.sorted && st == ST_OK && !claim_enough(&k); i++)
		st = claim_entry(&k, i);
	if (st == ST_OK && c->list && s->mbox)
		st = spool_peek_mbox(s, peek, &k);
	end(&k);
	if (st == ST_OK || st == ST_END)
		st = spool_sync(s);
	return st;
}
