/*
 * spool_note.c - notifications and the messages they are about. See spool.h.
 *
 * Either may come first, or alone. Keys and ids from a notification are compared
 * with the names of files that were found, and with state names; no path is ever made of them and opened.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "spool_claim.h"

static enum status no_memory(void)
{
	return st_fail(ST_NOMEM, "out of memory");
}

enum status note_read(struct claim *k, int dir, const char *file, struct notes *out)
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

enum status note_facts(struct claim *k, int dir, const char *name, struct kept *kept)
{
	char file[SPOOL_NAME_BYTES + 16];
	enum status st;

	facts_init(&kept->facts);
	for (kept->n = 0; kept->n < KEEP; kept->n++) {
		struct notes *notes = &kept->notes[kept->n];

		spool_note_name(name, (int)kept->n, file);
		st = note_read(k, dir, file, notes);
		if (st == ST_NOTFOUND)
			break;
		/* One that cannot be read now could before: no reason to stop. */
		for (size_t i = 0; st == ST_OK && i < notes->n; i++)
			st = facts_add(&kept->facts, &notes->note[i]);
		if (st == ST_NOMEM)
			return st;
	}
	return ST_OK;
}

void note_facts_done(struct kept *kept)
{
	while (kept->n)
		notes_free(&kept->notes[--kept->n]);
	facts_done(&kept->facts);
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
	struct seshead h = { 0 };
	struct kept kept;
	struct stat sb;
	int fd = -1;
	bool more = false;

	if (n->kind != NOTE_RECEIPT || note_facts(k, k->s->state[IN_DONE], name, &kept) != ST_OK)
		return false;
	if (!kept.facts.receipt && spool_open_ready(k->s->state[IN_DONE], name, &fd, &sb) == ST_OK) {
		if (file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &k->text) == ST_OK)
			seshead_parse(k->text.p, k->text.len, &h);
		close(fd);
	}
	for (size_t i = 0; i < n->recipients && !more; i++)
		more = !facts_has(&kept.facts, n->to[i]) && !(h.ses && h.rcpt.len == strlen(n->to[i])
			&& !strncasecmp(h.rcpt.p, n->to[i], h.rcpt.len));
	note_facts_done(&kept);
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
		if (claim_enough(k))
			return ST_OK;
		bool again = where[w] == IN_HOLD || (where[w] == IN_DONE && names_more(k, name, n));
		dir = claim_dir(k, e);
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
	int fd = claim_dir(k, &k->w.note[entry]);
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
	int dir = claim_dir(k, &k->w.note[entry]);
	size_t at = 0;
	enum status st;

	if (dir < 0)
		return ST_OK;
	st = note_read(k, dir, walk_base(&k->w, &k->w.note[entry]), &notes);
	if (st == ST_NOTFOUND || st == ST_AGAIN) {
		k->c->not_yet += st == ST_AGAIN;
		return ST_OK;
	}
	if (st == ST_BAD || st == ST_LIMIT) {
		st = spool_name(walk_path(&k->w, &k->w.note[entry]), name);
		return st != ST_OK ? st : claim_quarantine(k, dir, walk_base(&k->w, &k->w.note[entry]), name,
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

void note_end_window(struct claim *k)
{
	for (size_t i = 0; i < k->hits; i++)
		k->w.raw[k->hit[i]].first_note = k->w.raw[k->hit[i]].content = -1;
	for (size_t i = k->sorted; i < k->w.raws; i++)
		k->w.raw[i].gone = true;
	for (size_t i = 0; i < k->notes; i++)
		note_free(&k->note[i].note);
	k->notes = k->hits = 0;
}

enum status note_claim(struct claim *k)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < k->w.notes && st == ST_OK && !claim_enough(k); ) {
		for (size_t n = 0; n < WINDOW && i < k->w.notes && st == ST_OK; n++)
			st = load_note(k, i++);
		if (k->hits)
			qsort(k->hit, k->hits, sizeof *k->hit, by_number);
		for (size_t h = 0; h < k->hits && st == ST_OK && !claim_enough(k); h++)
			st = claim_entry(k, k->hit[h]);
		note_end_window(k);
	}
	return st;
}
