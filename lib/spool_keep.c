/*
 * spool_keep.c - hold, quarantine, release, requeue, status. See spool.h.
 *
 * A message that is held or in quarantine has NAME.why.json beside it: by whom, why,
 * since when, how often it was tried, and the record as it came.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "header.h"
#include "lease.h"
#include "spool_in.h"

/* ---- why.json ---- */

#define NEXT_RUNS 4

static enum status read_file(int dirfd, const char *name, struct buf *b)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum status st;

	if (fd < 0)
		return st_fail_errno("open %s", name);
	st = file_read_fd(fd, 0, -1, RECORD_MAX_BYTES * 2, b);
	close(fd);
	return st;
}

static int64_t number(struct span v, const char *key)
{
	int64_t n = 0;

	return json_get_int(json_get(v, key), &n) ? n : 0;
}

bool spool_why_read(int dirfd, const char *name, struct why *out)
{
	char file[SPOOL_NAME_BYTES + 16];
	struct buf b = { 0 }, reason = { 0 };
	bool ok;

	*out = (struct why){ 0 };
	spool_why_name(name, file);
	ok = read_file(dirfd, file, &b) == ST_OK && b.len && json_valid(b.p, b.len) == ST_OK;
	if (ok) {
		struct span v = { b.p, b.len };

		out->tries = number(v, "tries");
		out->since = number(v, "since_unix");
		out->held = number(v, "held_unix");
		json_text(json_get(v, "reason"), &reason);
		snprintf(out->reason, sizeof out->reason, "%s", buf_cstr(&reason));
	}
	buf_free(&reason);
	buf_free(&b);
	return ok;
}

static void time_key(struct buf *b, const char *key, const char *unix_key, int64_t t)
{
	char text[32];

	date_rfc3339(t, text);
	json_cstr(b, key, text);
	json_int(b, unix_key, t);
}

/* 15 minutes, or what the record asks for; twice as long each time, up to six hours. Asked for 0, the
 * machine failed, not the message: the next run, until it has failed often; then at most 15 minutes. */
static int64_t due_at(struct span what, int64_t tries, int64_t now)
{
	int64_t wait = number(what, "retry_s"), most;

	if (wait == 0 && json_get(what, "retry_s").p) {
		wait = tries > NEXT_RUNS ? 60ll << (tries > NEXT_RUNS + 4 ? 4 : tries - NEXT_RUNS - 1) : 0;
		return now + (wait < SPOOL_RETRY_S ? wait : SPOOL_RETRY_S);
	}
	if (wait <= 0)
		wait = SPOOL_RETRY_S;
	most = wait > SPOOL_RETRY_MAX_S ? wait : SPOOL_RETRY_MAX_S;
	if (most > 30 * 86400)
		most = 30 * 86400;
	for (int64_t i = 1; i < tries && wait < most; i++)
		wait *= 2;
	return now + (wait < most ? wait : most);
}

/* *due_out: when it comes back. */
static void why_json(struct buf *b, struct span what, struct span rec, bool hold,
	const struct why *before, int64_t *due_out)
{
	int64_t now = time(NULL), tries = before->tries + 1;
	struct span k, v, it = what;

	*due_out = due_at(what, tries, now);
	json_open(b, NULL, '{');
	json_int(b, "weir", RECORD_VERSION);
	while (it.p && json_member(&it, &k, &v)) {
		char key[32];

		snprintf(key, sizeof key, "%.*s", (int)k.len, k.p);
		if (!strcmp(key, "by") || !strcmp(key, "reason") || !strcmp(key, "detail"))
			json_raw(b, key, v.p, v.len);
	}
	time_key(b, "since", "since_unix", before->since ? before->since : now);
	time_key(b, "held", "held_unix", now);
	json_int(b, "tries", tries);
	if (hold)
		time_key(b, "not_before", "not_before_unix", *due_out);
	if (rec.p)
		json_raw(b, "record", rec.p, rec.len);
	json_close(b, '}');
	buf_chr(b, '\n');
}

static enum status why_write(struct spool *s, enum state to, const char *name, struct span what,
	struct span rec, const struct why *before)
{
	char file[SPOOL_NAME_BYTES + 16];
	struct buf b = { 0 };
	int64_t due;
	enum status st;

	spool_why_name(name, file);
	why_json(&b, what, rec, to == IN_HOLD, before, &due);
	st = buf_ok(&b) ? file_write_at(s->state[to], file, b.p, b.len, false)
		: st_fail(ST_NOMEM, "out of memory");
	buf_free(&b);
	if (st == ST_OK && to == IN_HOLD) {
		struct timespec t[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = due } };

		if (utimensat(s->state[to], file, t, 0) != 0)
			st = st_fail_errno("set the time of %s", file);
	}
	return st;
}

enum status spool_stop(struct spool *s, int from, const char *file, const char *name, enum state to,
	struct span what, struct span rec)
{
	char dest[SPOOL_NAME_BYTES], stem[SPOOL_NAME_BYTES], why[SPOOL_NAME_BYTES + 16];
	struct why before;
	enum status st;
	int err;

	spool_why_read(from, file, &before);
	spool_stem(name, stem);
	memcpy(dest, stem, sizeof dest);
	for (int k = 2; spool_has(s->state[to], dest) && k < 1000; k++)
		snprintf(dest, sizeof dest, "%.*s~%d", SPOOL_NAME_BYTES - 8, stem, k);
	st = why_write(s, to, dest, what, rec, &before);
	if (st != ST_OK)
		return st;
	s->touched[to] = true;
	if (!spool_rename(from, file, s->state[to], dest)) {
		err = errno;
		if (!spool_has(s->state[to], dest)) {
			spool_why_name(dest, why);
			unlinkat(s->state[to], why, 0);
		}
		errno = err;
		return st_fail_errno("move %s to %s", name, spool_states[to]);
	}
	if (spool_part(file) == PART_RAW)
		spool_move_notes(from, file, s->state[to], dest);
	spool_why_name(file, why);
	unlinkat(from, why, 0);
	return ST_OK;
}

/* ---- by hand ---- */

/* The folder and the name in it of a message that lies in the spool. */
static enum status in_spool(struct spool *s, const char *given, int *dir_out, char *base, char *name)
{
	char path[4096];
	const char *slash;

	if (strlen(given) >= sizeof path)
		return st_fail(ST_NOTFOUND, "%.100s...: no such message", given);
	for (int try = 0; try < 2; try++) {
		if (try == 0)
			snprintf(path, sizeof path, "%s", given);
		else if (!spool_path(given, path, sizeof path))
			break;
		slash = strrchr(path, '/');
		snprintf(base, 256, "%.255s", slash ? slash + 1 : path);
		if (slash)
			path[slash - path] = '\0';
		*dir_out = spool_open_dir(s->root, slash ? path : "");
		if (slash)
			path[strlen(path)] = '/';
		if (*dir_out >= 0 && base[0] != '.' && spool_has(*dir_out, base))
			return spool_name(path, name);
		if (*dir_out >= 0)
			close(*dir_out);
	}
	return st_fail(ST_NOTFOUND, "%s: no such message in %s", given, s->dir);
}

enum status spool_hold(struct spool *s, const char *given, const char *reason,
	const char *detail, long retry_s)
{
	char base[256], name[SPOOL_NAME_BYTES];
	struct buf what = { 0 };
	int dir = -1;
	enum status st = spool_make(s);

	if (st == ST_OK)
		st = in_spool(s, given, &dir, base, name);
	if (st != ST_OK)
		return st;
	json_open(&what, NULL, '{');
	json_cstr(&what, "by", "weir-spool");
	json_cstr(&what, "reason", reason);
	json_cstr(&what, "detail", detail);
	json_int(&what, "retry_s", retry_s);
	json_close(&what, '}');
	st = spool_stop(s, dir, base, name, IN_HOLD, (struct span){ what.p, what.len },
		(struct span){ NULL, 0 });
	buf_free(&what);
	close(dir);
	return st == ST_OK ? spool_sync(s) : st;
}

struct back { struct spool *s; enum state from; const char *reason; uint64_t n; };

static enum status back_one(void *arg, const char *name)
{
	struct back *b = arg;
	char file[SPOOL_NAME_BYTES + 16];
	int dir = b->s->state[b->from];
	struct why why;
	enum status st;

	if (spool_part(name) != PART_RAW)
		return ST_OK;
	if (b->reason && (!spool_why_read(dir, name, &why) || strcmp(why.reason, b->reason)))
		return ST_OK;
	spool_why_name(name, file);
	unlinkat(dir, file, 0);
	st = spool_put_back(b->s, dir, name);
	b->n += st == ST_OK;
	b->s->touched[b->from] = true;
	if (st == ST_BAD || st == ST_NOTFOUND)
		spool_say(b->s, "%s", st_text());
	return st == ST_BAD || st == ST_NOTFOUND ? ST_OK : st;
}

static enum status back_named(struct back *b, const enum state from[], size_t states, const char *given)
{
	char name[SPOOL_NAME_BYTES];

	for (size_t i = 0; i < states; i++)
		if (spool_find(b->s->state[from[i]], given, name)) {
			b->from = from[i];
			return back_one(b, name);
		}
	return st_fail(ST_NOTFOUND, "%s: no such message in %s", given, spool_states[from[0]]);
}

/* A name that is not there is said, and the others done all the same. */
static enum status back(struct spool *s, const enum state from[], size_t states, char *const names[],
	size_t n, const char *reason, uint64_t *count_out)
{
	struct back b = { .s = s, .reason = reason };
	enum status st = spool_make(s), missing = ST_OK;

	for (size_t i = 0; i < n && st == ST_OK; i++) {
		st = back_named(&b, from, states, names[i]);
		if (st == ST_NOTFOUND) {
			spool_say(s, "%s", st_text());
			missing = st;
			st = ST_OK;
		}
	}
	for (size_t i = 0; i < states && !n && st == ST_OK; i++) {
		b.from = from[i];
		st = spool_each(s->state[from[i]], back_one, &b);
	}
	*count_out = b.n;
	if (st == ST_OK)
		st = spool_sync(s);
	return st == ST_OK ? missing : st;
}

enum status spool_release(struct spool *s, char *const names[], size_t n, const char *reason,
	uint64_t *count_out)
{
	static const enum state from[] = { IN_HOLD };

	return back(s, from, 1, names, n, reason, count_out);
}

enum status spool_requeue(struct spool *s, char *const names[], size_t n, uint64_t *count_out)
{
	static const enum state from[] = { IN_DONE, IN_QUARANTINE };

	return back(s, from, 2, names, n, NULL, count_out);
}

/* ---- status ---- */

#define REASONS 64
struct tally {
	struct spool *s;
	enum state state;
	uint64_t n, due, leases, dead;
	time_t now;
	struct { char word[64]; uint64_t n; } reason[REASONS];
};

static enum status count_one(void *arg, const char *name)
{
	struct tally *t = arg;
	char file[SPOOL_NAME_BYTES + 16];
	int dir = t->s->state[t->state], i = 0;
	struct why why;
	struct stat sb;

	if (spool_part(name) != PART_RAW)
		return ST_OK;
	t->n++;
	if (t->state == IN_DONE)
		return ST_OK;
	spool_why_name(name, file);
	if (fstatat(dir, file, &sb, AT_SYMLINK_NOFOLLOW) != 0 || sb.st_mtime <= t->now)
		t->due++;
	if (!spool_why_read(dir, name, &why))
		return ST_OK;
	while (i < REASONS - 1 && t->reason[i].n && strcmp(t->reason[i].word, why.reason))
		i++;
	memcpy(t->reason[i].word, why.reason, sizeof why.reason);
	t->reason[i].n++;
	return ST_OK;
}

static enum status count_file(void *arg, const char *name)
{
	((struct tally *)arg)->n += spool_part(name) == PART_RAW;
	return ST_OK;
}

static enum status count_lease(void *arg, const char *name)
{
	struct tally *t = arg;
	int fd = spool_open_dir(t->s->state[IN_CLAIMED], name);
	struct stat sb;
	enum status st;

	if (fd < 0)
		return ST_OK;
	t->leases++;
	t->dead += fstat(fd, &sb) == 0 && !spool_lease_alive(t->s, name, sb.st_mtime, t->now);
	st = spool_each(fd, count_file, t);
	close(fd);
	return st;
}

static enum status state_json(struct spool *s, enum state state, struct buf *out)
{
	struct tally t = { .s = s, .state = state, .now = time(NULL) };
	enum status st = s->state[state] < 0 ? ST_OK
		: spool_each(s->state[state], state == IN_CLAIMED ? count_lease : count_one, &t);

	json_int(out, spool_states[state], (int64_t)t.n);
	if (state == IN_CLAIMED) {
		json_int(out, "leases", (int64_t)t.leases);
		json_int(out, "dead_leases", (int64_t)t.dead);
	}
	if (state == IN_HOLD)
		json_int(out, "due", (int64_t)t.due);
	if (state == IN_HOLD || state == IN_QUARANTINE) {
		json_open(out, state == IN_HOLD ? "hold_reasons" : "quarantine_reasons", '{');
		for (int i = 0; i < REASONS && t.reason[i].n; i++)
			json_int(out, t.reason[i].word, (int64_t)t.reason[i].n);
		json_close(out, '}');
	}
	return st;
}

static enum status count_mbox(void *arg, const char *name, const char *p, size_t n)
{
	++*(uint64_t *)arg;
	return ST_OK;
}

enum status spool_status(struct spool *s, struct buf *out)
{
	static const char *const kinds[] = { "folder", "ses", "maildir", "mbox", "raw" };
	struct walk w;
	uint64_t in_mbox = 0;
	enum status st = walk_spool(s, &w);

	if (st == ST_OK && s->mbox)
		st = spool_peek_mbox(s, count_mbox, &in_mbox);
	json_cstr(out, "dir", s->dir);
	json_cstr(out, "kind", kinds[s->kind]);
	json_int(out, "incoming", (int64_t)(w.raws + in_mbox));
	json_int(out, "notifications", (int64_t)w.notes);
	json_int(out, "skipped", (int64_t)w.skipped);
	walk_free(&w);
	for (int i = 0; i < STATES && st == ST_OK; i++)
		st = state_json(s, (enum state)i, out);
	return st;
}
