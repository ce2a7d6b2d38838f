/*
 * dns.c - see dns.h: the answers we have, and the queries that wait for one. Who is asked: dns_back.h.
 *
 * Entries are in a hash table by name and type, and in one of four lists by state: queued, parked, sent (the oldest has
 * the nearest deadline), answered. A query whose domain has DNS_MAX_OF_A_DOMAIN out already is parked, and comes back to
 * the queue when nobody else waits there: a thousand silent names of one sender do not stop anybody else's.
 */
#include "dns.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "dns_back.h"

#define GROUPS 4096	/* domains share a counter by chance: that costs them time, no more */

struct list { struct dns_entry *first, *last; size_t n; };

struct dns {
	const struct dns_back *back;
	void *arg;
	struct dns_entry **bucket;
	size_t buckets, entries, finished;	/* finished: how many answers there have ever been */
	struct list list[DNS_STATES];
	uint16_t out[GROUPS];			/* of each group, how many are DNS_SENT */
	uint32_t seed;				/* of the hash: senders choose names */
	int timeout_ms;
	bool hurry;
	const struct dns_entry *blocker;
	dns_used_fn used;
	void *used_arg;
};

static const struct dns_answer bad_name = { .result = DNS_BADNAME, .canonical = "", .why = "not a domain name" };
static const struct dns_answer no_memory = { .result = DNS_SERVFAIL, .canonical = "", .why = "out of memory" };
static const struct dns_answer no_time = { .result = DNS_TIMEOUT, .canonical = "", .why = "no time left to ask" };

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *dns_result_name(enum dns_result r)
{
	static const char *const names[] = { "pending", "found", "nodata", "nxdomain", "badname", "servfail", "timeout",
		"bogus" };

	return names[r];
}

/* ---- lists and the table ---- */

static void list_add(struct dns *d, struct dns_entry *e, enum dns_state state)
{
	struct list *l = &d->list[state];

	e->state = state;
	e->next = NULL;
	e->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = e;
	l->last = e;
	l->n++;
}

static void list_take(struct dns *d, struct dns_entry *e)
{
	struct list *l = &d->list[e->state];

	*(e->prev ? &e->prev->next : &l->first) = e->next;
	*(e->next ? &e->next->prev : &l->last) = e->prev;
	l->n--;
}

static void grow(struct dns *d)
{
	size_t n = d->buckets * 2, i;
	struct dns_entry **more = calloc(n, sizeof *more), *e, *next;

	if (!more)
		return;		/* longer chains, the same answers */
	for (i = 0; i < d->buckets; i++) {
		for (e = d->bucket[i]; e; e = next) {
			next = e->chain;
			e->chain = more[e->hash & (n - 1)];
			more[e->hash & (n - 1)] = e;
		}
	}
	free(d->bucket);
	d->bucket = more;
	d->buckets = n;
}

static struct dns_entry *find(struct dns *d, const uint8_t *wire, size_t len, uint16_t type, uint32_t hash)
{
	struct dns_entry *e;

	for (e = d->bucket[hash & (d->buckets - 1)]; e; e = e->chain)
		if (e->hash == hash && e->type == type && e->wire_len == len && !memcmp(e->wire, wire, len))
			return e;
	return NULL;
}

/* The last two labels: mostly what one owner has. Where it is more (co.uk), the limit is shared. */
static uint16_t group_of(const uint8_t *wire, uint32_t seed)
{
	const uint8_t *last = wire, *before = wire, *p;

	for (p = wire; *p; p += 1u + *p) {
		before = last;
		last = p;
	}
	return (uint16_t)(dns_hash(before, (size_t)(p - before), seed) % GROUPS);
}

static struct dns_entry *add(struct dns *d, const uint8_t *wire, size_t len, uint16_t type, uint32_t hash)
{
	struct dns_entry *e;
	struct buf text = { 0 };

	dns_text_of(wire, &text);
	e = buf_ok(&text) ? calloc(1, sizeof *e + len + text.len + 1) : NULL;
	if (e) {
		memcpy(e->wire, wire, len);
		memcpy(e->wire + len, buf_cstr(&text), text.len + 1);
		e->dns = d;
		e->wire_len = (uint8_t)len;
		e->type = type;
		e->hash = hash;
		e->group = group_of(wire, d->seed);
		if (d->entries >= d->buckets)
			grow(d);
		e->chain = d->bucket[hash & (d->buckets - 1)];
		d->bucket[hash & (d->buckets - 1)] = e;
		d->entries++;
		list_add(d, e, DNS_QUEUED);
	}
	buf_free(&text);
	return e;
}

static void forget(struct dns *d, struct dns_entry *e)
{
	struct dns_entry **at = &d->bucket[e->hash & (d->buckets - 1)];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	list_take(d, e);
	d->entries--;
	free(e->answer);
	free(e);
}

/* ---- answers ---- */

static int64_t keep_s(const struct dns_found *f)
{
	int64_t most = f->result == DNS_FOUND ? DNS_KEEP_MAX_S : DNS_KEEP_ABSENT_MAX_S;

	return f->ttl > most ? most : f->ttl < DNS_KEEP_MIN_S ? DNS_KEEP_MIN_S : (int64_t)f->ttl;
}

/* One block: the struct, its spans, the bytes, and the two texts. */
static struct dns_answer *answer_new(const struct dns_found *f, const char *canonical)
{
	size_t bytes = strlen(canonical) + strlen(f->why) + 2, i;
	struct dns_answer *a;
	struct span *spans;
	char *p;

	for (i = 0; i < f->n; i++)
		bytes += f->rdata[i].len;
	a = calloc(1, sizeof *a + f->n * sizeof *spans + bytes);
	if (!a)
		return NULL;
	spans = (struct span *)(a + 1);
	p = (char *)(spans + f->n);
	*a = (struct dns_answer){ .result = f->result, .secure = f->secure, .n = f->n, .rdata = spans,
		.ttl = dns_failed(f->result) ? 0 : f->ttl };
	for (i = 0; i < f->n; i++) {
		if (f->rdata[i].len)
			memcpy(p, f->rdata[i].p, f->rdata[i].len);
		spans[i] = (struct span){ p, f->rdata[i].len };
		p += f->rdata[i].len;
	}
	a->canonical = strcpy(p, canonical);
	a->why = strcpy(p + strlen(canonical) + 1, f->why);
	return a;
}

static const char *entry_text(const struct dns_entry *e)
{
	return (const char *)e->wire + e->wire_len;
}

void dns_done(struct dns_entry *e, const struct dns_found *found)
{
	struct dns_found f = *found;
	struct buf canonical = { 0 };

	if (f.n > DNS_MAX_RECORDS)
		f = (struct dns_found){ .result = DNS_SERVFAIL, .why = "too many records" };
	if (f.result == DNS_FOUND && f.n == 0)
		f.result = DNS_NODATA;
	if (!f.why)
		f.why = "";
	if (f.canonical)
		dns_text_of(f.canonical, &canonical);
	if (buf_ok(&canonical))
		e->answer = answer_new(&f, f.canonical ? buf_cstr(&canonical) : entry_text(e));
	buf_free(&canonical);
	e->until = now_ms() + keep_s(&f) * 1000;
	e->dns->out[e->group] -= e->state == DNS_SENT;
	list_take(e->dns, e);
	list_add(e->dns, e, DNS_ANSWERED);
	e->dns->finished++;
}

static void fail(struct dns_entry *e, enum dns_result result, const char *why)
{
	dns_done(e, &(struct dns_found){ .result = result, .why = why });
}

/* ---- asking ---- */

static void send_one(struct dns *d, struct dns_entry *e)
{
	list_take(d, e);
	list_add(d, e, DNS_SENT);
	d->out[e->group]++;
	e->until = now_ms() + d->timeout_ms;
	if (d->back->start(d->arg, e) != ST_OK)
		fail(e, DNS_SERVFAIL, st_text());
}

static void send_queued(struct dns *d)
{
	struct list *queue = &d->list[DNS_QUEUED], *parked = &d->list[DNS_PARKED];
	bool limited = d->back->fd(d->arg) >= 0;	/* a file is never late */
	struct dns_entry *e;

	if (!queue->first) {	/* those that were parked, all at once and in their order */
		*queue = *parked;
		*parked = (struct list){ 0 };
		for (e = queue->first; e; e = e->next)
			e->state = DNS_QUEUED;
	}
	while ((e = queue->first) != NULL && d->list[DNS_SENT].n < DNS_MAX_OUTSTANDING) {
		if (!limited || d->out[e->group] < DNS_MAX_OF_A_DOMAIN) {
			send_one(d, e);
			continue;
		}
		list_take(d, e);
		list_add(d, e, DNS_PARKED);
	}
}

enum dns_result dns_ask(struct dns *d, const char *name, uint16_t type, const struct dns_answer **out_or_null)
{
	uint8_t wire[DNS_MAX_WIRE];
	size_t len = dns_wire_of(name, false, wire);
	const struct dns_answer *a = NULL;
	struct dns_entry *e = NULL;
	uint32_t hash;

	if (len == 0) {
		a = &bad_name;
	} else {
		hash = dns_hash(wire, len, d->seed + type);
		e = find(d, wire, len, type, hash);
		if (!e && !d->hurry)
			e = add(d, wire, len, type, hash);
		if (!e)
			a = d->hurry ? &no_time : &no_memory;
		else if (e->state == DNS_ANSWERED)
			a = e->answer ? e->answer : &no_memory;
		else if (d->hurry)
			a = &no_time;
	}
	if (e && e->state == DNS_QUEUED)
		send_queued(d);
	if (e && e->state == DNS_ANSWERED && !e->used) {
		e->used = true;
		a = e->answer ? e->answer : &no_memory;
		if (d->used)
			d->used(d->used_arg, entry_text(e), type, a);
	}
	if (!a && !d->blocker)
		d->blocker = e;
	if (out_or_null)
		*out_or_null = a;
	return a ? a->result : DNS_PENDING;
}

void dns_hurry(struct dns *d, bool on)
{
	d->hurry = on;
}

bool dns_hurried(const struct dns *d)
{
	return d->hurry;
}

const struct dns_entry *dns_blocker(struct dns *d)
{
	const struct dns_entry *e = d->blocker;

	d->blocker = NULL;
	return e;
}

bool dns_settled(const struct dns_entry *e)
{
	return e->state == DNS_ANSWERED;
}

size_t dns_pending(const struct dns *d)
{
	return d->list[DNS_QUEUED].n + d->list[DNS_PARKED].n + d->list[DNS_SENT].n;
}

int dns_fd(const struct dns *d)
{
	return d->back->fd(d->arg);
}

/* Those over their time. The list is in the order of its deadlines. */
static void expire(struct dns *d)
{
	struct dns_entry *e;
	int64_t now = now_ms();

	while ((e = d->list[DNS_SENT].first) != NULL && e->until <= now) {
		d->back->cancel(d->arg, e);
		fail(e, DNS_TIMEOUT, "no answer in time");
	}
}

/* The resolver is broken: nobody will answer any more. */
static enum status fail_all(struct dns *d)
{
	struct dns_entry *e;

	while ((e = d->list[DNS_SENT].first) != NULL)
		fail(e, DNS_SERVFAIL, "the resolver is broken");
	while ((e = d->list[DNS_QUEUED].first) != NULL || (e = d->list[DNS_PARKED].first) != NULL)
		fail(e, DNS_SERVFAIL, "the resolver is broken");
	return ST_IO;
}

enum status dns_wait(struct dns *d, int wait_ms)
{
	int64_t end = wait_ms < 0 ? INT64_MAX : now_ms() + wait_ms, now, next;
	struct pollfd p = { .fd = dns_fd(d), .events = POLLIN };
	size_t before = d->finished;

	if (!dns_pending(d))
		return ST_END;
	for (;;) {
		send_queued(d);
		if (d->back->process(d->arg) != ST_OK)
			return fail_all(d);
		expire(d);
		now = now_ms();
		if (d->finished != before || now >= end)
			break;
		next = d->list[DNS_SENT].first->until < end ? d->list[DNS_SENT].first->until : end;
		if (poll(&p, 1, next - now > 60000 ? 60000 : (int)(next - now)) < 0 && errno != EINTR)
			return st_fail_errno("dns: poll"), fail_all(d);
	}
	send_queued(d);		/* into the places that are free now */
	return ST_OK;
}

void dns_sweep(struct dns *d)
{
	struct dns_entry *e, *next;
	int64_t now = now_ms();
	size_t over = d->entries > DNS_MAX_NAMES ? d->entries - DNS_MAX_NAMES : 0;

	d->blocker = NULL;
	for (e = d->list[DNS_ANSWERED].first; e; e = next) {
		next = e->next;
		if (over || e->until <= now) {
			over -= over > 0;
			forget(d, e);
		}
	}
}

void dns_on_use(struct dns *d, dns_used_fn fn, void *arg)
{
	d->used = fn;
	d->used_arg = arg;
}

/* ---- the whole ---- */

enum status dns_open(const struct dns_opts *o, struct dns **out)
{
	struct dns *d = calloc(1, sizeof *d);
	enum status st;

	if (!d)
		return st_fail(ST_NOMEM, "dns: out of memory");
	d->buckets = 1024;
	d->bucket = calloc(d->buckets, sizeof *d->bucket);
	d->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : DNS_TIMEOUT_MS;
	if (getrandom(&d->seed, sizeof d->seed, 0) != sizeof d->seed)
		d->seed = (uint32_t)now_ms();
	if (!d->bucket)
		st = st_fail(ST_NOMEM, "dns: out of memory");
	else
		st = o->file ? dns_file_open(o, &d->back, &d->arg) : dns_unbound_open(o, &d->back, &d->arg);
	if (st == ST_OK) {
		*out = d;
		return ST_OK;
	}
	free(d->bucket);
	free(d);
	return st;
}

void dns_close(struct dns **dns)
{
	struct dns *d = *dns;

	if (!d)
		return;
	d->back->close(d->arg);
	for (int i = 0; i < DNS_STATES; i++)
		while (d->list[i].first)
			forget(d, d->list[i].first);
	free(d->bucket);
	free(d);
	*dns = NULL;
}
