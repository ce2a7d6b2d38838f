/* verify.c - see verify.h: a domain from its expected records to the result, and many of them at the same time. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "digest.h"
#include "verify_priv.h"

#define SWEEP_AFTER 50000	/* answers kept by dns and authority before a pause to forget them */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- memory ---- */

void *verify_alloc(struct verify_work *w, size_t n)
{
	struct block *b = calloc(1, sizeof *b + n);

	if (!b) {
		w->no_memory = true;
		return NULL;
	}
	b->next = w->blocks;
	w->blocks = b;
	return b + 1;
}

const char *verify_keep(struct verify_work *w, const char *p, size_t n)
{
	char *to = verify_alloc(w, n + 1);

	if (!to)
		return "";
	if (n > 0)
		memcpy(to, p, n);
	return to;
}

const char *verify_fmt(struct verify_work *w, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return verify_keep(w, text, n < 0 ? 0 : n >= (int)sizeof text ? sizeof text - 1 : (size_t)n);
}

/* ---- groups ---- */

static struct group *group_of(struct verify_work *w, const struct rr *r, bool at_parent)
{
	size_t i;

	for (i = 0; i < w->n_group; i++)
		if (w->group[i].type == r->type && w->group[i].at_parent == at_parent && strcmp(w->group[i].owner, r->owner) == 0)
			return &w->group[i];
	w->group[w->n_group].owner = r->owner;
	w->group[w->n_group].type = r->type;
	w->group[w->n_group].at_parent = at_parent;
	return &w->group[w->n_group++];
}

static bool group_all(struct verify_work *w, const struct records *r, bool at_parent, size_t total)
{
	size_t i;

	for (i = 0; r && i < r->n; i++) {
		struct group *g;

		if (r->rr[i].role == RR_SOA)
			continue;	/* its serial changes with every change; servers are compared instead */
		g = group_of(w, &r->rr[i], at_parent);
		if (!g->rr)
			g->rr = verify_alloc(w, total * sizeof *g->rr);
		if (!g->rr)
			return false;
		g->rr[g->n++] = &r->rr[i];
	}
	return true;
}

/* A name that nobody has, and always the same, so that caches serve it. */
static void probe_name(struct verify_work *w)
{
	uint8_t sum[DIGEST_BYTES];

	digest_of(w->d->name, strlen(w->d->name), sum);
	snprintf(w->probe, sizeof w->probe, "weir-no-such-name-%02x%02x%02x%02x", sum[0], sum[1], sum[2], sum[3]);
}

enum status verify_new(const struct domain *d, const struct records *records, const struct records *delegation,
	const struct verify_opts *o, struct verify **out)
{
	struct verify *v = calloc(1, sizeof *v);
	struct verify_work *w = v ? calloc(1, sizeof *w) : NULL;
	size_t total = records->n + (delegation ? delegation->n : 0) + 1;

	if (!w) {
		free(v);
		return st_fail(ST_NOMEM, "out of memory");
	}
	v->work = w;
	v->domain = d->name;
	v->delegated = d->mode == DOMAIN_DELEGATED;
	v->zone = w->zone;
	v->parent_zone = w->parent_zone;
	w->d = d;
	w->records = records;
	w->delegation = delegation;
	w->o = o;
	w->group = verify_alloc(w, total * sizeof *w->group);
	w->max_row = total + VERIFY_MAX_EXTRA;
	w->max_finding = VERIFY_MAX_FINDINGS;
	v->row = verify_alloc(w, w->max_row * sizeof *v->row);
	v->finding = verify_alloc(w, w->max_finding * sizeof *v->finding);
	v->server = verify_alloc(w, 2 * VERIFY_MAX_SERVERS * sizeof *v->server);
	if (w->no_memory || !group_all(w, delegation, true, total) || !group_all(w, records, false, total)) {
		verify_free(&v);
		return st_fail(ST_NOMEM, "out of memory");
	}
	probe_name(w);
	*out = v;
	return ST_OK;
}

void verify_free(struct verify **vp)
{
	struct verify *v = *vp;

	if (!v)
		return;
	while (v->work->blocks) {
		struct block *b = v->work->blocks;

		v->work->blocks = b->next;
		free(b);
	}
	free(v->work);
	free(v);
	*vp = NULL;
}

/* ---- one step ---- */

static void count(struct verify *v)
{
	size_t i;

	for (i = 0; i < v->n_row; i++)
		v->count[v->row[i].verdict]++;
	v->resolver_dead = v->work->answers == 0 && v->work->failures > 0;
}

enum status verify_step(struct verify *v, struct dns *dns, struct authority *au, bool hurry)
{
	struct verify_work *w = v->work;

	if (w->started_ms == 0)
		w->started_ms = now_ms();
	w->dns = dns;
	w->au = w->o->no_authority ? NULL : au;
	w->hurry = hurry || now_ms() - w->started_ms >= VERIFY_DEADLINE_MS;
	dns_hurry(dns, w->hurry);
	w->pending = false;
	if (w->stage == VERIFY_ASK) {
		verify_ask_all(w);
		if (!w->pending) {
			verify_rows(v);
			w->stage = VERIFY_FOLLOW;
		}
	}
	if (w->stage == VERIFY_FOLLOW && verify_follow(v)) {
		verify_servers(v);
		count(v);
		w->stage = VERIFY_DONE;
	}
	dns_hurry(dns, false);
	if (w->no_memory)
		return st_fail(ST_NOMEM, "out of memory");
	return w->stage == VERIFY_DONE ? ST_OK : ST_AGAIN;
}

/* ---- many ---- */

struct run {
	struct verify **list;
	size_t n, next, asked;
	size_t at[VERIFY_WINDOW], n_at;
	struct dns *dns;
	struct authority *au;
};

/* Waits a little: a batch of answers costs one round over the window, not one round each. */
static enum status wait_for_both(struct run *r)
{
	struct pollfd p[2] = { { .fd = dns_fd(r->dns), .events = POLLIN }, { .fd = r->au ? authority_fd(r->au) : -1, .events = POLLIN } };
	size_t before = dns_pending(r->dns) + (r->au ? authority_pending(r->au) : 0);
	int64_t end = now_ms() + 100;
	enum status st = ST_OK;

	if (before == 0)
		return ST_OK;
	while (now_ms() < end) {
		size_t now = dns_pending(r->dns) + (r->au ? authority_pending(r->au) : 0);

		if (now == 0 || (now < before && end - now_ms() <= 90))
			break;
		poll(p, 2, now < before ? 2 : 20);
		if (dns_pending(r->dns) > 0)
			st = dns_wait(r->dns, 0);
		if (st != ST_IO && r->au && authority_pending(r->au) > 0)
			st = authority_wait(r->au, 0);
		if (st == ST_IO)
			return st;
	}
	return ST_OK;
}

static enum status step_window(struct run *r, enum status (*done)(void *, size_t, struct verify *), void *arg)
{
	size_t i = 0;

	while (i < r->n_at) {
		size_t at = r->at[i];
		enum status st = verify_step(r->list[at], r->dns, r->au, false);

		if (st == ST_AGAIN) {
			i++;
			continue;
		}
		r->at[i] = r->at[--r->n_at];
		if (st == ST_OK)
			st = done(arg, at, r->list[at]);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

enum status verify_run(struct verify **list, size_t n, struct dns *dns, struct authority *au,
	enum status (*done)(void *arg, size_t at, struct verify *v), void *arg)
{
	struct run r = { .list = list, .n = n, .dns = dns, .au = au };
	enum status st = ST_OK;

	while (st == ST_OK && (r.next < n || r.n_at > 0)) {
		while (r.next < n && r.n_at < VERIFY_WINDOW && r.asked < SWEEP_AFTER) {
			r.asked += 20 + 20 * list[r.next]->work->n_group;
			r.at[r.n_at++] = r.next++;
		}
		st = step_window(&r, done, arg);
		if (st == ST_OK && r.n_at > 0)
			st = wait_for_both(&r);
		if (r.n_at == 0 && r.asked >= SWEEP_AFTER) {
			dns_sweep(dns);
			if (au)
				authority_sweep(au);
			r.asked = 0;
		}
	}
	return st;
}
