/*
 * store_list.c - threads: one by any of its ids, or all, the one with the latest message first.
 */
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "store_priv.h"
#include "store_walk.h"

#define PARTICIPANTS_MAX	50
#define PARTICIPANTS_MESSAGES	200	/* so many messages are looked at for them */

struct people { struct { struct span address, whole; } who[PARTICIPANTS_MAX]; size_t n; bool more; };

static void person(struct people *p, struct span mailbox)
{
	struct span address = json_get(mailbox, "address");

	if (!address.p)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->who[i].address.len == address.len && !strncasecmp(p->who[i].address.p, address.p, address.len))
			return;
	if (p->n == PARTICIPANTS_MAX) {
		p->more = true;
		return;
	}
	p->who[p->n].address = address;
	p->who[p->n++].whole = mailbox;
}

struct summary { struct people people; struct span subject; int64_t first; uint64_t seen; };

static enum status summarise(void *arg, uint64_t seq, const struct msg_row *m, struct span content, struct span extra)
{
	struct summary *sum = arg;
	struct span message = member_get(content, "message"), from = json_get(message, "from"), elem;

	if (!sum->seen++) {
		sum->first = m->date;
		sum->subject = json_get(message, "subject");
	}
	while (json_elem(&from, &elem))
		person(&sum->people, elem);
	if (sum->seen < PARTICIPANTS_MESSAGES)
		return ST_OK;
	sum->people.more = true;
	return ST_END;
}

static void date_member(struct buf *b, const char *key, int64_t t)
{
	char text[32];

	date_rfc3339(t, text);
	json_cstr(b, key, text);
}

static void thread_json(struct store *s, const struct store_thread *t, const struct summary *sum, struct buf *b)
{
	char hex[2 * NODE_BYTES + 1];

	buf_clear(b);
	buf_str(b, "{\"weir\":1,\"type\":\"thread\"");
	hex_of(t->id.b, NODE_BYTES, hex);
	json_str(b, "id", hex, 2 * NODE_BYTES);
	json_cstr(b, "tenant", s->tenant);
	if (sum->subject.p)
		json_raw(b, "subject", sum->subject.p, sum->subject.len);
	json_open(b, "participants", '[');
	for (size_t i = 0; i < sum->people.n; i++)
		json_raw(b, NULL, sum->people.who[i].whole.p, sum->people.who[i].whole.len);
	json_close(b, ']');
	if (sum->people.more)
		json_bool(b, "more_participants", true);
	date_member(b, "first", t->first);
	date_member(b, "last", t->last);
	json_int(b, "messages", (int64_t)t->messages);
	json_int(b, "attachments", (int64_t)t->attachments);
	json_close(b, '}');
}

static enum status show_thread(struct store *s, uint64_t comp, store_thread_fn fn, void *arg, struct buf *json)
{
	struct comp_row row;
	struct store_thread t;
	struct summary sum = { .seen = 0 };
	struct store_query q = { 0 };
	enum status st = comp_get(s, comp, &row);

	q.thread = &row.min;
	if (st == ST_OK)
		st = each_message(s, &q, summarise, &sum);
	if (st != ST_OK && st != ST_END)
		return st;
	t = (struct store_thread){ .id = row.min, .messages = row.messages, .attachments = row.attachments,
		.first = sum.first, .last = row.last };
	thread_json(s, &t, &sum, json);
	if (!buf_ok(json))
		return st_fail(ST_NOMEM, "thread: out of memory");
	t.json = (struct span){ json->p, json->len };
	return fn(arg, &t);
}

/* The component of all nodes that begin so: one, or it is ambiguous. */
static enum status find_thread(struct store *s, const char *hex, uint64_t *comp_out)
{
	struct prefix p;
	MDB_val k = { NODE_BYTES, p.low }, v;
	MDB_cursor *c = NULL;
	uint64_t comp;
	enum status st;

	*comp_out = 0;
	if (!prefix_read(hex, 2 * NODE_BYTES, &p))
		return st_fail(ST_BAD, "\"%.80s\" is no thread id (%d to %d hex digits)", hex, PREFIX_MIN_DIGITS, 2 * NODE_BYTES);
	st = db_cursor(s, T_NODE, &c);
	if (st == ST_OK)
		st = db_step(s, c, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == NODE_BYTES && v.mv_size == sizeof comp && prefix_fits(&p, k.mv_data)) {
		memcpy(&comp, v.mv_data, sizeof comp);
		if (*comp_out && *comp_out != comp)
			st = st_fail(ST_BAD, "more than one thread begins with %s", hex);
		*comp_out = comp;
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	if ((st == ST_OK || st == ST_END) && !*comp_out)
		return st_fail(ST_NOTFOUND, "tenant %s has no thread %.32s", s->tenant, hex);
	return st == ST_END ? ST_OK : st;
}

enum status store_thread(struct store *s, const char *hex, store_thread_fn fn, void *arg)
{
	struct buf json = { 0 };
	uint64_t comp = 0;
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = find_thread(s, hex, &comp);
	if (st == ST_OK)
		st = show_thread(s, comp, fn, arg, &json);
	buf_free(&json);
	return st == ST_END ? ST_OK : st;
}

/* ---- all of them ---- */

struct listing { struct store *s; store_thread_fn fn; void *arg; uint64_t left; struct buf json; };

static enum status list_one(struct listing *l, uint64_t comp)
{
	enum status st = show_thread(l->s, comp, l->fn, l->arg, &l->json);

	return st == ST_OK && l->left && --l->left == 0 ? ST_END : st;
}

static enum status list_all(struct listing *l)
{
	MDB_val k, v;
	MDB_cursor *c = NULL;
	uint64_t comp;
	enum status st = db_cursor(l->s, T_THREAD_LAST, &c);

	if (st == ST_OK)
		st = db_step(l->s, c, &k, &v, MDB_LAST);
	while (st == ST_OK && v.mv_size == sizeof comp) {
		memcpy(&comp, v.mv_data, sizeof comp);
		st = list_one(l, comp);
		if (st == ST_OK)
			st = db_step(l->s, c, &k, &v, MDB_PREV);
	}
	if (c)
		mdb_cursor_close(c);
	return st;
}

/* With conditions: first the components of all messages that meet them, then each of these once, in order. */
struct chosen { int64_t last; struct node min; uint64_t comp; };
struct choice { struct store *s; struct buf comps; };

static enum status choose(void *arg, uint64_t seq, const struct msg_row *m, struct span content, struct span extra)
{
	struct choice *ch = arg;
	struct chosen one = { 0 };
	struct comp_row row;
	enum status st = comp_of(ch->s, &m->node, &one.comp);

	if (st == ST_OK)
		st = comp_get(ch->s, one.comp, &row);
	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_OK : st;
	one.last = row.last;
	one.min = row.min;
	buf_add(&ch->comps, &one, sizeof one);
	return ST_OK;
}

static int newest_first(const void *a, const void *b)
{
	const struct chosen *x = a, *y = b;

	if (x->last != y->last)
		return x->last < y->last ? 1 : -1;
	return -memcmp(&x->min, &y->min, sizeof x->min);
}

static enum status list_chosen(struct listing *l, const struct store_query *q)
{
	struct choice ch = { .s = l->s };
	struct chosen *all;
	size_t n;
	enum status st = each_message(l->s, q, choose, &ch);

	if ((st == ST_OK || st == ST_END) && !buf_ok(&ch.comps))
		st = st_fail(ST_NOMEM, "threads: out of memory");
	if (st == ST_END)
		st = ST_OK;
	all = (struct chosen *)(void *)ch.comps.p;
	n = ch.comps.len / sizeof *all;
	if (n)
		qsort(all, n, sizeof *all, newest_first);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (!i || all[i].comp != all[i - 1].comp)
			st = list_one(l, all[i].comp);
	buf_free(&ch.comps);
	return st;
}

enum status store_threads(struct store *s, const struct store_query *q, store_thread_fn fn, void *arg)
{
	struct listing l = { .s = s, .fn = fn, .arg = arg, .left = q->limit };
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = q->thread || q->address || q->inbox || q->since || q->before ? list_chosen(&l, q) : list_all(&l);
	buf_free(&l.json);
	return st == ST_END ? ST_OK : st;
}
