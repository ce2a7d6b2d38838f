/*
 * spool_ack.c - the end of the pipeline: what becomes of each message. See spool.h.
 *
 * A message for several tenants comes as several records (fanout). It is done with
 * when all have come, and goes where the one worst off wants it: hold before put back
 * before quarantine before done. The store takes the rest again and changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lease.h"
#include "spool_in.h"

enum outcome { OUT_DONE, OUT_QUARANTINE, OUT_RELEASE, OUT_HOLD };

/* One of several records of a message came; the worst so far. */
struct part_seen {
	char *key;		/* lease/name */
	int64_t seen;
	enum outcome worst;
	char *what, *rec;	/* of the worst, NULL: not needed */
	size_t what_len, rec_len;
};

struct lease { char name[LEASE_NAME_BYTES]; int fd; };

struct spool_ack {
	struct spool *s;
	bool remove;
	struct lease *lease;	/* all that were seen */
	size_t leases, current;
	void *parts;		/* tsearch(3) */
	struct spool_counts n;
	struct buf name, word, key;
};

enum status spool_ack_open(struct spool *s, bool remove, struct spool_ack **out)
{
	struct spool_ack *a = calloc(1, sizeof *a);
	enum status st = a ? spool_make(s) : st_fail(ST_NOMEM, "out of memory");

	if (st == ST_OK)
		st = spool_join(s);

	if (st != ST_OK) {
		free(a);
		return st;
	}
	a->s = s;
	a->remove = remove;
	*out = a;
	return ST_OK;
}

static bool lease_word(const char *s)
{
	size_t n = strlen(s);

	return n && n < LEASE_NAME_BYTES && s[0] != '.' && n == strspn(s,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
}

static enum status find_lease(struct spool_ack *a, const char *name, struct lease **out)
{
	struct lease *more;

	if (a->leases && !strcmp(a->lease[a->current].name, name)) {
		*out = &a->lease[a->current];
		return ST_OK;
	}
	for (a->current = 0; a->current < a->leases; a->current++)
		if (!strcmp(a->lease[a->current].name, name)) {
			*out = &a->lease[a->current];
			return ST_OK;
		}
	a->current = 0;
	more = realloc(a->lease, (a->leases + 1) * sizeof *more);
	if (!more)
		return st_fail(ST_NOMEM, "out of memory");
	a->lease = more;
	more += a->leases;
	snprintf(more->name, sizeof more->name, "%s", name);
	more->fd = spool_open_dir(a->s->state[IN_CLAIMED], name);
	if (more->fd < 0 && errno != ENOENT)
		return st_fail_errno("open lease %s", name);
	a->current = a->leases++;
	*out = more;
	return ST_OK;
}

/* ---- one message, all its records in ---- */

static void remove_all(int fd, const char *name)
{
	char file[SPOOL_NAME_BYTES + 16];

	for (int k = 0; k < 1000; k++) {
		spool_note_name(name, k, file);
		if (unlinkat(fd, file, 0) != 0)
			break;
	}
	spool_why_name(name, file);
	unlinkat(fd, file, 0);
}

static enum status settle(struct spool_ack *a, struct lease *l, const char *name, enum outcome out,
	bool beside, struct span what, struct span rec)
{
	uint64_t *count = NULL;
	enum status st = ST_OK;

	if (l->fd < 0) {
		st = ST_NOTFOUND;
	} else if (out == OUT_DONE && a->remove) {
		count = &a->n.done;
		if (unlinkat(l->fd, name, 0) != 0)
			st = st_fail_errno("delete %s", name);
		else if (beside)
			remove_all(l->fd, name);
	} else if (out == OUT_DONE) {
		count = &a->n.done;
		st = spool_move(a->s, l->fd, name, IN_DONE, beside);
	} else if (out == OUT_RELEASE) {
		count = &a->n.released;
		spool_say(a->s, "%s: neither stored nor stopped by any stage: back into the spool", name);
		st = spool_put_back(a->s, l->fd, name);
	} else {
		count = out == OUT_HOLD ? &a->n.held : &a->n.quarantined;
		st = spool_stop(a->s, l->fd, name, name, out == OUT_HOLD ? IN_HOLD : IN_QUARANTINE,
			what, rec);
	}
	if (st == ST_NOTFOUND) {	/* the lease was taken over: somebody does it again, nothing is lost */
		spool_say(a->s, "%s: no longer ours", name);
		a->n.lost++;
		return ST_OK;
	}
	if (st == ST_OK)
		++*count;
	return st;
}

static enum outcome outcome_of(const struct rec *rec, struct span *what)
{
	*what = rec_get(rec, "hold");
	if (what->p)
		return OUT_HOLD;
	*what = rec_get(rec, "quarantine");
	if (what->p)
		return OUT_QUARANTINE;
	return rec_get(rec, "stored").p ? OUT_DONE : OUT_RELEASE;
}

/* ---- several records of one message ---- */

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct part_seen *)a)->key, ((const struct part_seen *)b)->key);
}

static void part_free(void *p)
{
	struct part_seen *s = p;

	free(s->key);
	free(s->what);
	free(s->rec);
	free(s);
}

static struct part_seen *part_of(struct spool_ack *a, const char *key)
{
	struct part_seen *p = calloc(1, sizeof *p);
	void *node;

	if (!p)
		return NULL;
	p->key = strdup(key);
	node = p->key ? tsearch(p, &a->parts, by_key) : NULL;
	if (!node || *(struct part_seen **)node != p)
		part_free(p);
	return node ? *(struct part_seen **)node : NULL;
}

static bool keep(char **to, size_t *len, struct span v)
{
	free(*to);
	*to = v.p ? malloc(v.len + 1) : NULL;
	*len = v.len;
	if (*to)
		memcpy(*to, v.p, v.len);
	return *to || !v.p;
}

static enum status one_of_many(struct spool_ack *a, struct lease *l, const char *name, int64_t of,
	enum outcome out, bool beside, struct span what, struct span rec)
{
	struct part_seen *p;
	enum status st = ST_OK;

	buf_clear(&a->key);
	buf_fmt(&a->key, "%s/%s", l->name, name);
	p = buf_ok(&a->key) ? part_of(a, a->key.p) : NULL;
	if (!p)
		return st_fail(ST_NOMEM, "out of memory");
	if (p->seen++ == 0 || out > p->worst) {
		p->worst = out;
		if (what.p && (!keep(&p->what, &p->what_len, what) || !keep(&p->rec, &p->rec_len, rec)))
			return st_fail(ST_NOMEM, "out of memory");
	}
	if (p->seen < of)
		return ST_OK;
	st = settle(a, l, name, p->worst, beside, (struct span){ p->what, p->what_len },
		(struct span){ p->rec, p->rec_len });
	tdelete(p, &a->parts, by_key);
	part_free(p);
	return st;
}

/* ---- records ---- */

static bool same_spool(struct spool_ack *a, const struct rec *rec)
{
	buf_clear(&a->word);
	return json_text(rec_get(rec, "spool.dir"), &a->word) && !strcmp(buf_cstr(&a->word), a->s->dir);
}

static bool state_name(const char *s)
{
	return *s && *s != '.' && strlen(s) < SPOOL_NAME_BYTES && spool_part(s) == PART_RAW
		&& strlen(s) == strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789._=,:+@-%~");
}

enum status spool_ack_record(struct spool_ack *a, const struct rec *rec)
{
	struct lease *l = NULL;
	struct span what, line = { rec->line, rec->len };
	enum outcome out = outcome_of(rec, &what);
	int64_t of = 1;
	bool beside;
	enum status st;

	buf_clear(&a->name);
	if (!json_text(rec_get(rec, "spool.name"), &a->name) || !state_name(buf_cstr(&a->name)))
		return st_fail(ST_BAD, "a record of no spool");
	if (!same_spool(a, rec))
		return st_fail(ST_BAD, "%s: not from %s", buf_cstr(&a->name), a->s->dir);
	buf_clear(&a->word);
	if (!json_text(rec_get(rec, "spool.lease"), &a->word) || !lease_word(buf_cstr(&a->word)))
		return st_fail(ST_BAD, "%s: was not claimed", buf_cstr(&a->name));
	st = find_lease(a, buf_cstr(&a->word), &l);
	if (st != ST_OK)
		return st;
	json_get_int(rec_get(rec, "fanout.of"), &of);
	beside = rec_get(rec, "spool.beside").p != NULL;
	return of > 1 ? one_of_many(a, l, buf_cstr(&a->name), of, out, beside, what, line)
		: settle(a, l, buf_cstr(&a->name), out, beside, what, line);
}

enum status spool_ack_close(struct spool_ack **ap, struct spool_counts *out)
{
	struct spool_ack *a = *ap;
	enum status st = ST_OK, s1;

	for (size_t i = 0; i < a->leases; i++) {
		s1 = a->lease[i].fd < 0 ? ST_OK : spool_empty_lease(a->s, a->lease[i].name, &a->n.released);
		if (s1 != ST_OK)
			st = s1;
		if (a->lease[i].fd >= 0)
			close(a->lease[i].fd);
	}
	s1 = spool_sync(a->s);
	if (s1 == ST_OK && a->s->state[IN_CLAIMED] >= 0 && fsync(a->s->state[IN_CLAIMED]) != 0)
		s1 = st_fail_errno("fsync %s/claimed", a->s->dir);
	if (st == ST_OK)
		st = s1;
	if (out)
		*out = a->n;
	tdestroy(a->parts, part_free);
	free(a->lease);
	buf_free(&a->name);
	buf_free(&a->word);
	buf_free(&a->key);
	free(a);
	*ap = NULL;
	return st;
}
