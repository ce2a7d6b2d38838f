/*
 * spool_claim.c - taking messages out of a spool, one rename each. See spool.h.
 *
 * Order: the work of the dead goes back, what is due comes out of hold/, then
 * notifications find their messages (a window of them at a time, so that the
 * pipeline starts at once), last the messages that nobody announced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "lease.h"
#include "spool_record.h"

#define WINDOW 1000	/* notifications read before their messages are claimed */

struct loaded { struct note note; size_t entry; int64_t next; };

struct claim {
	struct spool *s;
	struct spool_claim *c;
	struct walk w;
	size_t sorted;			/* w.raw beyond it were added later */
	uint32_t *by_base;		/* of w.raw, by base name; NULL: not made yet */
	struct loaded *note;
	size_t notes, note_cap;
	size_t *hit, hits, hit_cap;	/* messages with notifications of this window */
	char lease[LEASE_NAME_BYTES];
	int lease_fd, dir_fd;
	int64_t dir;			/* the folder that dir_fd is */
	struct buf alive, text, line, file;
	struct digest digest;
	time_t now;
};

static bool enough(const struct claim *k)
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
	if (lease_alive(name, sb.st_mtime, k->now)) {
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
static int dir_of(struct claim *k, const struct found *e)
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
static enum status quarantine(struct claim *k, int from, const char *file, const char *name,
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
	const struct facts *f, bool own_file)
{
	struct item it = { .name = name, .path = path, .lease = k->c->list ? NULL : k->lease,
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
	const struct stat *sb, const struct facts *f)
{
	char detail[80];
	enum status st;

	if ((uint64_t)sb->st_size > MESSAGE_MAX_BYTES) {
		close(fd);
		snprintf(detail, sizeof detail, "%lld bytes, more than %u", (long long)sb->st_size,
			MESSAGE_MAX_BYTES);
		return quarantine(k, k->lease_fd, name, name, "too_big_message", detail);
	}
	st = file_read_fd(fd, 0, sb->st_size, MESSAGE_MAX_BYTES, &k->text);
	close(fd);
	if (st == ST_BAD) {	/* somebody cuts it short: not whole, then */
		k->c->not_yet++;
		return k->c->list ? ST_OK : spool_put_back(k->s, k->lease_fd, name);
	}
	return st == ST_OK ? emit(k, path, name, sb, f, true) : st;
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

static void take_notes(struct claim *k, const struct found *e, const char *name)
{
	for (int64_t i = e->first_note; i >= 0; i = k->note[i].next) {
		const struct found *n = &k->w.note[k->note[i].entry];
		int dir = dir_of(k, n);

		if (dir >= 0)
			spool_move_note(dir, walk_base(&k->w, n), k->lease_fd, name);
	}
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
	int dir = dir_of(k, e);
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

static enum status claim_entry(struct claim *k, size_t i)
{
	struct found *e = &k->w.raw[i];
	char name[SPOOL_NAME_BYTES];
	struct facts f;
	struct stat sb;
	int fd = -1;
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
		if (!k->c->list)
			take_notes(k, e, name);
		st = finish(k, fd, walk_path(&k->w, e), name, &sb, &f);
	} else {
		if (fd >= 0)
			close(fd);
		k->c->not_yet += st == ST_AGAIN;
		if (st == ST_DENIED) {
			spool_say(k->s, "%s: %s", name, st_text());
			k->c->bad++;
		}
		/* EXISTS: one of that name has come out of hold/, this one is next. */
		if (st == ST_AGAIN || st == ST_NOTFOUND || st == ST_DENIED || st == ST_EXISTS)
			st = ST_OK;
	}
	facts_done(&f);
	return st;
}

/* ---- messages that have been here before: hold/, done/ ---- */

static enum status read_note_file(struct claim *k, int dir, const char *file, struct notes *out)
{
	struct stat sb;
	int fd = -1;
	enum status st = spool_open_ready(dir, file, &fd, &sb);

	*out = (struct notes){ 0 };
	if (st != ST_OK)
		return st;
	st = file_read_fd(fd, 0, -1, NOTIFY_MAX_BYTES, &k->text);
	close(fd);
	return st == ST_OK ? notify_parse(k->text.p, k->text.len, out) : st;
}

/* All that is known from the notifications beside name. keep holds them. */
static enum status facts_of(struct claim *k, int dir, const char *name, struct facts *f,
	struct notes keep[], size_t max, size_t *n)
{
	char file[SPOOL_NAME_BYTES + 16];
	enum status st = ST_OK;

	facts_init(f);
	for (*n = 0; *n < max && st != ST_NOTFOUND; ) {
		spool_note_name(name, (int)*n, file);
		st = read_note_file(k, dir, file, &keep[*n]);
		if (st == ST_NOTFOUND)
			break;
		for (size_t i = 0; st == ST_OK && i < keep[*n].n; i++)
			if (facts_add(f, &keep[*n].note[i]) != ST_OK)
				return no_memory();
		++*n;	/* one that cannot be read now could before: no reason to stop */
	}
	return ST_OK;
}

static void notes_done(struct notes keep[], size_t n, struct facts *f)
{
	while (n)
		notes_free(&keep[--n]);
	facts_done(f);
}

#define KEEP 32

/* A whole message from hold/ or done/ into our lease. */
static enum status claim_state(struct claim *k, enum state from, const char *name)
{
	char path[4096], why[SPOOL_NAME_BYTES + 16];
	int source = k->s->state[from], fd = -1;
	struct notes keep[KEEP];
	struct facts f;
	struct stat sb;
	size_t n;
	enum status st = need_lease(k);

	if (st != ST_OK || enough(k))
		return st;
	if (!spool_path(name, path, sizeof path))
		snprintf(path, sizeof path, "%s", name);
	if (!spool_rename(source, name, k->lease_fd, name))
		return errno == ENOENT || errno == EEXIST ? ST_OK : st_fail_errno("claim %s", name);
	spool_move_notes(source, name, k->lease_fd, name);
	spool_why_name(name, why);
	if (from == IN_HOLD)
		spool_rename(source, why, k->lease_fd, why);
	st = facts_of(k, k->lease_fd, name, &f, keep, KEEP, &n);
	if (st == ST_OK)
		st = spool_open_ready(k->lease_fd, name, &fd, &sb);
	if (st == ST_OK)
		st = finish(k, fd, path, name, &sb, &f);
	else if (st == ST_AGAIN || st == ST_NOTFOUND)
		st = ST_OK;
	notes_done(keep, n, &f);
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

	if (spool_part(name) != PART_RAW || enough(d->k))
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

/* ---- which message a notification is about ---- */

static const struct walk *sort_walk;	/* qsort(3) passes no argument; one thread */

static int by_base(const void *a, const void *b)
{
	const struct found *x = &sort_walk->raw[*(const uint32_t *)a];
	const struct found *y = &sort_walk->raw[*(const uint32_t *)b];
	int c = strcmp(walk_base(sort_walk, x), walk_base(sort_walk, y));

	return c ? c : strcmp(walk_path(sort_walk, x), walk_path(sort_walk, y));
}

static int64_t find_path(struct claim *k, const char *path)
{
	size_t lo = 0, hi = k->sorted;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(path, walk_path(&k->w, &k->w.raw[mid]));

		if (c == 0)
			return (int64_t)mid;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	for (size_t i = k->sorted; i < k->w.raws; i++)
		if (!strcmp(path, walk_path(&k->w, &k->w.raw[i])))
			return (int64_t)i;
	return -1;
}

static int64_t find_base(struct claim *k, const char *base)
{
	size_t lo = 0, hi = k->sorted;

	if (!k->by_base) {
		k->by_base = malloc((k->sorted + 1) * sizeof *k->by_base);
		if (!k->by_base)
			return -1;
		for (uint32_t i = 0; i < k->sorted; i++)
			k->by_base[i] = i;
		sort_walk = &k->w;
		qsort(k->by_base, k->sorted, sizeof *k->by_base, by_base);
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(base, walk_base(&k->w, &k->w.raw[k->by_base[mid]])) <= 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo < k->sorted && !strcmp(base, walk_base(&k->w, &k->w.raw[k->by_base[lo]])))
		return k->by_base[lo];
	return -1;
}

/* The paths under which a note's message may lie, the likeliest first: the key as it
 * is and without its first folders (the prefix that was synced), then SES's id. */
static const char *candidate(const struct note *n, int i)
{
	const char *key = n->object_key;

	for (; key; i--) {
		while (*key == '/')
			key++;
		if (!*key)
			break;
		if (i == 0)
			return key;
		key = strchr(key, '/');
	}
	return i == 0 ? n->message_id : NULL;
}

static int64_t find_raw(struct claim *k, const struct note *n)
{
	const char *path;
	int64_t found;

	for (int i = 0; (path = candidate(n, i)); i++) {
		found = find_path(k, path);
		if (found >= 0 && !k->w.raw[found].gone)
			return found;
	}
	/* SES's ids are unique, so any folder will do; S3's keys need not be. */
	for (int i = 0; n->kind == NOTE_RECEIPT && (path = candidate(n, i)); i++) {
		if (strchr(path, '/'))
			continue;
		found = find_base(k, path);
		if (found >= 0 && !k->w.raw[found].gone)
			return found;
	}
	return -1;
}

/* Whether a state folder has that message: under the path itself or in any folder of the spool. */
static bool in_folder(struct claim *k, int dir, const struct note *n, char name[SPOOL_NAME_BYTES])
{
	const char *path;
	char full[4096];

	for (int i = 0; (path = candidate(n, i)); i++) {
		if (spool_name(path, name) == ST_OK && spool_has(dir, name))
			return true;
		if (strchr(path, '/'))
			continue;
		for (size_t d = 1; d < k->w.dirs && d < 64; d++) {
			snprintf(full, sizeof full, "%s/%s", k->w.text.p + k->w.dir[d], path);
			if (spool_name(full, name) == ST_OK && spool_has(dir, name))
				return true;
		}
	}
	return false;
}

static bool claimed_by_others(struct claim *k, const struct note *n)
{
	char name[SPOOL_NAME_BYTES];
	bool found = k->lease_fd >= 0 && in_folder(k, k->lease_fd, n, name);

	for (size_t i = 0; i < k->alive.len && !found; i += strlen(k->alive.p + i) + 1) {
		int dir = spool_open_dir(k->s->state[IN_CLAIMED], k->alive.p + i);

		found = dir >= 0 && in_folder(k, dir, n, name);
		if (dir >= 0)
			close(dir);
	}
	return found;
}

/* Whether it names anyone whom the message in done/ was not for. What it was
 * for: its notifications say it, or without one SES's header. */
static bool names_more(struct claim *k, const char *name, const struct note *n)
{
	struct notes keep[KEEP];
	struct facts f;
	struct stat sb;
	size_t count;
	int fd = -1;
	bool more = false;

	if (n->kind != NOTE_RECEIPT || facts_of(k, k->s->state[IN_DONE], name, &f, keep, KEEP, &count) != ST_OK)
		return false;
	struct seshead h = { 0 };
	if (!f.receipt && spool_open_ready(k->s->state[IN_DONE], name, &fd, &sb) == ST_OK) {
		if (file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &k->text) == ST_OK)
			seshead_parse(k->text.p, k->text.len, &h);
		close(fd);
	}
	for (size_t i = 0; i < n->recipients && !more; i++)
		more = !facts_has(&f, n->to[i]) && !(h.ses && h.rcpt.len == strlen(n->to[i])
			&& !strncasecmp(h.rcpt.p, n->to[i], h.rcpt.len));
	notes_done(keep, count, &f);
	return more;
}

/* A notification whose message has gone on already. *known_out: it has. */
static enum status late(struct claim *k, size_t i, bool *known_out)
{
	const struct found *e = &k->w.note[k->note[i].entry];
	const struct note *n = &k->note[i].note;
	char name[SPOOL_NAME_BYTES];
	static const enum state where[] = { IN_HOLD, IN_DONE, IN_QUARANTINE };
	int dir;

	for (size_t w = 0; w < 3; w++) {
		if (!in_folder(k, k->s->state[where[w]], n, name))
			continue;
		*known_out = true;
		if (enough(k))
			return ST_OK;
		bool again = where[w] == IN_HOLD || (where[w] == IN_DONE && names_more(k, name, n));
		dir = dir_of(k, e);
		if (dir < 0 || !spool_move_note(dir, walk_base(&k->w, e), k->s->state[where[w]], name))
			return ST_OK;
		k->s->touched[where[w]] = true;
		return again ? claim_state(k, where[w], name) : ST_OK;
	}
	*known_out = claimed_by_others(k, n);
	return ST_OK;
}

/* ---- notifications ---- */

static enum status add_hit(struct claim *k, size_t raw)
{
	if (k->hits == k->hit_cap) {
		size_t cap = k->hit_cap ? k->hit_cap * 2 : WINDOW;
		size_t *more = realloc(k->hit, cap * sizeof *more);

		if (!more)
			return no_memory();
		k->hit = more;
		k->hit_cap = cap;
	}
	k->hit[k->hits++] = raw;
	return ST_OK;
}

static bool good_file_name(const char *id)
{
	return id && *id && *id != '.' && strlen(id) <= SPOOL_NAME_MAX - 8
		&& strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
			== strlen(id);
}

static enum status attach(struct claim *k, size_t i)
{
	struct loaded *l = &k->note[i];
	int64_t raw = find_raw(k, &l->note);
	bool known = false;
	enum status st = ST_OK;

	if (raw < 0 && !k->c->list)
		st = late(k, i, &known);
	if (st != ST_OK || known)
		return st;
	if (raw < 0 && l->note.has_content && !k->c->list && good_file_name(l->note.message_id)) {
		st = walk_add(&k->w, 0, l->note.message_id, false);
		if (st != ST_OK)
			return st;
		raw = (int64_t)k->w.raws - 1;
		k->w.raw[raw].content = (int64_t)i;
	}
	if (raw < 0)	/* it waits for its message */
		return ST_OK;
	l->next = k->w.raw[raw].first_note;
	k->w.raw[raw].first_note = (int64_t)i;
	return l->next < 0 ? add_hit(k, (size_t)raw) : ST_OK;
}

static enum status keep_note(struct claim *k, struct note *n, size_t entry, size_t *out)
{
	if (k->notes == k->note_cap) {
		size_t cap = k->note_cap ? k->note_cap * 2 : WINDOW;
		struct loaded *more = realloc(k->note, cap * sizeof *more);

		if (!more)
			return no_memory();
		k->note = more;
		k->note_cap = cap;
	}
	k->note[k->notes] = (struct loaded){ .note = *n, .entry = entry, .next = -1 };
	*n = (struct note){ 0 };	/* ours now */
	*out = k->notes++;
	return ST_OK;
}

/* A file with several notifications: each becomes a file of its own, under names that are the same
 * if we die here and do it again. They are read after the others. */
static enum status split(struct claim *k, size_t entry, struct notes *notes)
{
	char name[SPOOL_NAME_BYTES], part[SPOOL_NAME_BYTES + 32], done[SPOOL_NAME_BYTES];
	uint32_t dir = k->w.note[entry].dir;
	int fd = dir_of(k, &k->w.note[entry]);
	enum status st = spool_name(walk_base(&k->w, &k->w.note[entry]), name);

	if (st == ST_OK)
		st = spool_name(walk_path(&k->w, &k->w.note[entry]), done);
	if (st != ST_OK)
		return st;
	snprintf(name + strlen(name) - strlen("%2Ejson"), 8, "-part");

	for (size_t i = 0; i < notes->n && st == ST_OK && fd >= 0; i++) {
		const char *json = notes->note[i].json;

		snprintf(part, sizeof part, "%s.%04u.json", name, (unsigned)i + 1);
		if (!json)
			continue;
		st = file_write_at(fd, part, json, strlen(json), i + 1 == notes->n);
		if (st == ST_OK)
			st = walk_add(&k->w, dir, part, true);
	}
	if (st == ST_OK && fd >= 0 && renameat(fd, walk_base(&k->w, &k->w.note[entry]),
			k->s->state[IN_DONE], done) != 0 && errno != ENOENT)
		st = st_fail_errno("move %s to done", name);
	k->s->touched[IN_DONE] = true;
	return st;
}

static enum status load_note(struct claim *k, size_t entry)
{
	struct notes notes = { 0 };
	char name[SPOOL_NAME_BYTES];
	int dir = dir_of(k, &k->w.note[entry]);
	size_t at = 0;
	enum status st;

	if (dir < 0)
		return ST_OK;
	st = read_note_file(k, dir, walk_base(&k->w, &k->w.note[entry]), &notes);
	if (st == ST_NOTFOUND || st == ST_AGAIN) {
		k->c->not_yet += st == ST_AGAIN;
		return ST_OK;
	}
	if (st == ST_BAD || st == ST_LIMIT) {
		st = spool_name(walk_path(&k->w, &k->w.note[entry]), name);
		return st != ST_OK ? st : quarantine(k, dir, walk_base(&k->w, &k->w.note[entry]), name,
			"bad_notification", st_text());
	}
	if (st == ST_OK && notes.n > 1 && !k->c->list)
		st = split(k, entry, &notes);
	else
		for (size_t i = 0; st == ST_OK && i < notes.n; i++) {
			if (notes.note[i].kind >= NOTE_SKIP)
				continue;
			st = keep_note(k, &notes.note[i], entry, &at);
			if (st == ST_OK)
				st = attach(k, at);
		}
	notes_free(&notes);
	return st;
}

static int by_number(const void *a, const void *b)	/* w.raw is in order of names */
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static void end_window(struct claim *k)
{
	for (size_t i = 0; i < k->hits; i++)
		k->w.raw[k->hit[i]].first_note = k->w.raw[k->hit[i]].content = -1;
	for (size_t i = k->sorted; i < k->w.raws; i++)
		k->w.raw[i].gone = true;
	for (size_t i = 0; i < k->notes; i++)
		note_free(&k->note[i].note);
	k->notes = k->hits = 0;
}

static enum status claim_announced(struct claim *k)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < k->w.notes && st == ST_OK && !enough(k); ) {
		for (size_t n = 0; n < WINDOW && i < k->w.notes && st == ST_OK; n++)
			st = load_note(k, i++);
		if (k->hits)
			qsort(k->hit, k->hits, sizeof *k->hit, by_number);
		for (size_t h = 0; h < k->hits && st == ST_OK && !enough(k); h++)
			st = claim_entry(k, k->hit[h]);
		end_window(k);
	}
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
	return enough(k) ? ST_END : emit(k, name, name, &(struct stat){ .st_mtime = k->now }, &f, false);
}

static enum status begin(struct claim *k)
{
	enum status st = ST_OK;

	k->lease_fd = k->dir_fd = -1;
	k->now = time(NULL);
	if (!k->c->list)
		st = spool_make(k->s);
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
	end_window(k);
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

	c->claimed = c->not_yet = c->bad = c->taken_over = 0;
	st = begin(&k);
	if (st == ST_OK && !c->list)
		st = claim_held(&k);
	if (st == ST_OK && !enough(&k))
		st = walk_spool(s, &k.w);
	k.sorted = k.w.raws;
	if (st == ST_OK)
		st = claim_announced(&k);
	for (size_t i = 0; i < k.sorted && st == ST_OK && !enough(&k); i++)
		st = claim_entry(&k, i);
	if (st == ST_OK && c->list && s->mbox)
		st = spool_peek_mbox(s, peek, &k);
	end(&k);
	if (st == ST_OK || st == ST_END)
		st = spool_sync(s);
	return st;
}
