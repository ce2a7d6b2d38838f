/* authrun.c - see authrun.h. */
#include "authrun.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"

#define SWEEP_EVERY 2000	/* messages: forget answers that are over their TTL */
#define LOOK_MS	    100		/* how often deadlines are looked at while nothing happens */

struct job {
	struct job *next;
	char *line;		/* a copy: the reader's buffer goes on */
	struct rec rec;
	struct auth spool;
	struct authcheck *check;
	int64_t until;		/* ms */
};

struct run {
	const struct authrun_opts *o;
	struct rec_io *io;
	struct job *first, **last;
	size_t n, bytes, begun;
	struct buf raw, path;
	int worst;
	bool end;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- one message ---- */

static void job_free(struct job *j)
{
	authcheck_free(&j->check);
	free(j->line);
	free(j);
}

/* *raw_out NULL: the record names no file (the message came on standard input). */
static enum status read_raw(struct run *r, const struct rec *rec, const char **raw_out)
{
	enum status st;
	int64_t size;
	int fd;

	*raw_out = NULL;
	buf_clear(&r->path);
	if (json_type(rec_get(rec, "raw.path")) == 0)
		return ST_OK;
	if (!json_text(rec_get(rec, "raw.path"), &r->path) || !json_get_int(rec_get(rec, "raw.size"), &size) || size < 0)
		return st_fail(ST_BAD, "no raw.path and raw.size in the record");
	st = roots_open(r->o->roots, buf_cstr(&r->path), &fd);
	if (st != ST_OK)
		return st;
	st = file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &r->raw);
	close(fd);
	if (st == ST_OK && r->raw.len != (uint64_t)size)
		return st_fail(ST_AGAIN, "%s has %zu bytes, the record says %lld", r->path.p, r->raw.len, (long long)size);
	*raw_out = buf_cstr(&r->raw);
	return st;
}

static enum status begin(struct run *r, struct job *j)
{
	struct authcheck_opts o = { .dkim = r->o->dkim, .authserv_id = r->o->authserv_id,
		.now = r->o->now ? r->o->now : (int64_t)time(NULL), .arc = r->o->arc };
	struct auth_facts facts = { 0 };
	const char *raw;
	enum status st = read_raw(r, &j->rec, &raw);

	if (st == ST_OK)
		st = auth_facts_of(&j->rec, raw, r->raw.len, &facts);
	if (st == ST_OK)
		st = authcheck_begin(&o, raw, r->raw.len, &facts, &j->check);
	auth_facts_free(&facts);
	return st;
}

static void finish(struct run *r, struct job *j, enum status st)
{
	struct authcheck_said said = { .check = j->check, .spool = &j->spool, .rec = &j->rec };
	struct buf extra = { 0 }, header = { 0 };

	if (st == ST_OK && j->check && r->o->header) {
		authcheck_header(j->check, r->o->authserv_id, &header);
		said.header = buf_cstr(&header);
	}
	if (st == ST_OK)
		authcheck_json(&said, &extra);
	if (header.failed)
		extra.failed = true;
	r->worst = st_worse(r->worst, rec_finish(r->io, "weir-auth", &j->rec, st, &extra));
	buf_free(&extra);
	buf_free(&header);
}

/* Once more, with what is known: the rest is temperror. */
static void hurry(struct run *r, struct job *j)
{
	dns_hurry(r->o->dns, true);
	authcheck_step(j->check, r->o->dns);
	dns_hurry(r->o->dns, false);
}

/* ---- the window ---- */

static struct job *job_new(const struct rec *rec)
{
	struct job *j = calloc(1, sizeof *j);

	if (j)
		j->line = malloc(rec->len + 1);
	if (!j || !j->line) {
		free(j);
		return NULL;
	}
	memcpy(j->line, rec->line, rec->len);
	j->line[rec->len] = '\0';
	if (rec_parse(&j->rec, j->line, rec->len) != ST_OK) {	/* it was one a moment ago */
		job_free(j);
		return NULL;
	}
	j->rec.number = rec->number;
	j->until = now_ms() + AUTHCHECK_MAX_S * 1000;
	return j;
}

/* A record that needs no waiting for goes out at once. */
static void take(struct run *r, const struct rec *rec)
{
	struct job *j, here = { .rec = *rec };
	enum status st;

	if (rec_stopped(rec)) {
		st = rec_emit(r->io, rec, "", 0);
		if (st != ST_OK && !rec_failed(r->io))
			r->worst = st_worse(r->worst, cli_fail(st, rec_label(rec)));
		return;
	}
	auth_from_verdicts(rec, &here.spool);
	if (!r->o->dns) {
		finish(r, &here, ST_OK);
		return;
	}
	j = job_new(rec);
	if (!j) {
		finish(r, &here, st_fail(ST_NOMEM, "authentication: out of memory"));
		return;
	}
	j->spool = here.spool;
	st = begin(r, j);
	if (st != ST_OK || authcheck_step(j->check, r->o->dns)) {
		finish(r, j, st);
		job_free(j);
		return;
	}
	*r->last = j;
	r->last = &j->next;
	r->n++;
	r->bytes += j->rec.len;
}

static bool full(const struct run *r)
{
	return r->n >= AUTHRUN_MAX_RECORDS || r->bytes >= AUTHRUN_MAX_BYTES;
}

static void fill(struct run *r)
{
	struct rec rec;
	enum status st;

	while (!r->end && !full(r) && !rec_failed(r->io) && (r->n == 0 || rec_ready(r->io))) {
		st = rec_next(r->io, &rec);
		if (st == ST_OK) {
			take(r, &rec);
			if (++r->begun % SWEEP_EVERY == 0 && r->o->dns)
				dns_sweep(r->o->dns);
		} else if (st == ST_END) {
			r->end = true;
		} else {
			r->worst = st_worse(r->worst, cli_fail(st, "stdin"));
			r->end = st == ST_IO;
		}
	}
}

/* Those that have got an answer, and those over their time. */
static void look(struct run *r)
{
	struct job **at = &r->first, *j;
	int64_t now = now_ms();
	bool done;

	while ((j = *at) != NULL) {
		done = authcheck_stirs(j->check) && authcheck_step(j->check, r->o->dns);
		if (!done && now >= j->until) {
			hurry(r, j);
			done = true;
		}
		if (!done) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		if (r->last == &j->next)
			r->last = at;
		r->n--;
		r->bytes -= j->rec.len;
		finish(r, j, ST_OK);
		job_free(j);
	}
}

/* For an answer, for a deadline or, where there is room for more, for input. */
static void wait_for_news(struct run *r)
{
	struct pollfd p[2] = { { .fd = dns_fd(r->o->dns), .events = POLLIN }, { .fd = r->end || full(r) ? -1 : 0, .events = POLLIN } };

	/* Those who wait for what is finished must not wait for what is not. */
	if (rec_flush(r->io) != ST_OK)
		return;
	if (p[0].fd >= 0)
		poll(p, 2, LOOK_MS);
	dns_wait(r->o->dns, 0);
}

int authrun(const struct authrun_opts *o)
{
	struct run r = { .o = o };
	struct job *j;
	enum status st = rec_io_open(0, 1, &r.io);

	if (st != ST_OK)
		return cli_fail(st, "start");
	r.last = &r.first;
	while (!rec_failed(r.io)) {
		fill(&r);
		if (r.n == 0 && r.end)
			break;
		if (r.n == 0)
			continue;
		wait_for_news(&r);
		look(&r);
	}
	while ((j = r.first) != NULL) {
		r.first = j->next;
		job_free(j);
	}
	/* If nobody reads us any more, those before us must still be able to write. */
	while (!r.end && rec_failed(r.io)) {
		struct rec rec;

		st = rec_next(r.io, &rec);
		r.end = st == ST_END || st == ST_IO;
	}
	if (rec_failed(r.io)) {
		rec_io_close(&r.io);
		if (r.worst != EX_WEIR_IO)
			r.worst = st_worse(r.worst, cli_fail(ST_IO, "write records"));
	} else {
		st = rec_io_close(&r.io);
		if (st != ST_OK)
			r.worst = st_worse(r.worst, cli_fail(st, "write records"));
	}
	buf_free(&r.raw);
	buf_free(&r.path);
	return r.worst;
}
