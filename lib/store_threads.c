/*
 * store_threads.c - threads as the components of a graph: union by size, the smaller one relabelled.
 *
 * Every node names its component directly, so a look-up is one get. A merge moves the rows of the component with fewer
 * nodes; a node moves at most log2(n) times, whatever order a stranger sends his mail in. Component
 * numbers depend on the order of arrival and never leave the store; the public id is the smallest node.
 */
#include <string.h>

#include "store_priv.h"

#define COMP_NODE_KEY	(8 + NODE_BYTES)
#define THREAD_MSG_KEY	(8 + 8 + ID16)
#define LAST_KEY	(8 + NODE_BYTES)

static enum status damaged(struct store *s, const char *what)
{
	return st_fail(ST_BAD, "tenant %s: %s: weir-fsck --rebuild %s", s->tenant, what, s->tenant);
}

enum status comp_of(struct store *s, const struct node *n, uint64_t *comp_out)
{
	MDB_val v;
	enum status st = db_get(s, T_NODE, n->b, NODE_BYTES, &v);

	if (st != ST_OK)
		return st;
	if (v.mv_size != sizeof *comp_out)
		return damaged(s, "a damaged row in node");
	memcpy(comp_out, v.mv_data, sizeof *comp_out);
	return ST_OK;
}

enum status comp_get(struct store *s, uint64_t comp, struct comp_row *out)
{
	uint8_t key[8];
	MDB_val v;
	enum status st;

	key_u64(key, comp);
	st = db_get(s, T_COMP, key, sizeof key, &v);
	if (st == ST_NOTFOUND || (st == ST_OK && v.mv_size != sizeof *out))
		return damaged(s, "a node without its thread");
	if (st == ST_OK)
		memcpy(out, v.mv_data, sizeof *out);
	return st;
}

static enum status comp_put(struct store *s, uint64_t comp, const struct comp_row *row)
{
	uint8_t key[8];

	key_u64(key, comp);
	return db_put(s, T_COMP, key, sizeof key, row, sizeof *row);
}

/* thread_last has a row for each component with a message. */
static enum status last_del(struct store *s, const struct comp_row *row)
{
	uint8_t key[LAST_KEY];

	if (!row->messages)
		return ST_OK;
	key_date(key, row->last);
	memcpy(key + 8, row->min.b, NODE_BYTES);
	return db_del(s, T_THREAD_LAST, key, sizeof key);
}

static enum status last_put(struct store *s, uint64_t comp, const struct comp_row *row)
{
	uint8_t key[LAST_KEY];

	if (!row->messages)
		return ST_OK;
	key_date(key, row->last);
	memcpy(key + 8, row->min.b, NODE_BYTES);
	return db_put(s, T_THREAD_LAST, key, sizeof key, &comp, sizeof comp);
}

static enum status row_change(struct store *s, uint64_t comp, const struct comp_row *before, const struct comp_row *after)
{
	enum status st = ST_OK;

	if ((before->messages != 0) != (after->messages != 0) || before->last != after->last
			|| memcmp(&before->min, &after->min, sizeof before->min)) {
		st = last_del(s, before);
		if (st == ST_OK)
			st = last_put(s, comp, after);
	}
	return st == ST_OK ? comp_put(s, comp, after) : st;
}

/* ---- merging ---- */

static enum status node_place(struct store *s, const struct node *n, uint64_t comp)
{
	uint8_t key[COMP_NODE_KEY];
	enum status st = db_put(s, T_NODE, n->b, NODE_BYTES, &comp, sizeof comp);

	key_u64(key, comp);
	memcpy(key + 8, n->b, NODE_BYTES);
	return st == ST_OK ? db_put(s, T_COMP_NODE, key, sizeof key, "", 0) : st;
}

/* The rows of table t that begin with comp, keys and values one after the other, into b. Collected first: the
 * rows are about to be moved within the table that a cursor would be walking. */
static enum status collect(struct store *s, enum table t, uint64_t comp, size_t key_n, size_t val_n, struct buf *b)
{
	uint8_t prefix[8];
	MDB_val k = { sizeof prefix, prefix }, v;
	MDB_cursor *c = NULL;
	enum status st = db_cursor(s, t, &c);

	buf_clear(b);
	key_u64(prefix, comp);
	if (st == ST_OK)
		st = db_step(s, c, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == key_n && v.mv_size == val_n && !memcmp(k.mv_data, prefix, 8)) {
		buf_add(b, k.mv_data, key_n);
		buf_add(b, v.mv_data, val_n);
		st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	if (st == ST_END)
		st = ST_OK;
	return st == ST_OK && !buf_ok(b) ? st_fail(ST_NOMEM, "threads: out of memory") : st;
}

static enum status move_nodes(struct store *s, uint64_t from, uint64_t into)
{
	enum status st = collect(s, T_COMP_NODE, from, COMP_NODE_KEY, 0, &s->scratch);

	for (size_t i = 0; st == ST_OK && i < s->scratch.len; i += COMP_NODE_KEY) {
		const char *key = s->scratch.p + i;
		struct node n;

		memcpy(n.b, key + 8, NODE_BYTES);
		st = db_del(s, T_COMP_NODE, key, COMP_NODE_KEY);
		if (st == ST_OK)
			st = node_place(s, &n, into);
	}
	return st;
}

static enum status move_messages(struct store *s, uint64_t from, uint64_t into)
{
	const size_t row = THREAD_MSG_KEY + sizeof(uint64_t);
	enum status st = collect(s, T_THREAD_MSG, from, THREAD_MSG_KEY, sizeof(uint64_t), &s->scratch);

	for (size_t i = 0; st == ST_OK && i < s->scratch.len; i += row) {
		uint8_t *key = (uint8_t *)s->scratch.p + i;

		st = db_del(s, T_THREAD_MSG, key, THREAD_MSG_KEY);
		key_u64(key, into);
		if (st == ST_OK)
			st = db_put(s, T_THREAD_MSG, key, THREAD_MSG_KEY, key + THREAD_MSG_KEY, sizeof(uint64_t));
	}
	return st;
}

static enum status merge(struct store *s, uint64_t from, uint64_t into, struct comp_row *row)
{
	uint8_t key[8];
	struct comp_row gone;
	enum status st = comp_get(s, from, &gone);

	if (st == ST_OK)
		st = last_del(s, &gone);
	if (st == ST_OK)
		st = move_nodes(s, from, into);
	if (st == ST_OK)
		st = move_messages(s, from, into);
	key_u64(key, from);
	if (st == ST_OK)
		st = db_del(s, T_COMP, key, sizeof key);
	if (st != ST_OK)
		return st;
	if (gone.messages && row->messages)
		s->state.threads--;
	if (gone.messages && (!row->messages || gone.last > row->last))
		row->last = gone.last;
	row->nodes += gone.nodes;
	row->messages += gone.messages;
	row->attachments += gone.attachments;
	if (memcmp(&gone.min, &row->min, sizeof gone.min) < 0)
		row->min = gone.min;
	return ST_OK;
}

/* ---- what store_put calls ---- */

struct members { struct node node[THREAD_MAX_LINKS + 1]; uint64_t comp[THREAD_MAX_LINKS + 1]; size_t n; };

/* Looks all of them up (comp 0: new) and finds the component that is to swallow the others. */
static enum status look_up(struct store *s, struct members *m, uint64_t *into_out, struct comp_row *row_out)
{
	struct comp_row row;
	enum status st;

	*into_out = 0;
	for (size_t i = 0; i < m->n; i++) {
		st = comp_of(s, &m->node[i], &m->comp[i]);
		if (st == ST_NOTFOUND) {
			m->comp[i] = 0;
			continue;
		}
		if (st == ST_OK && m->comp[i] != *into_out)
			st = comp_get(s, m->comp[i], &row);
		if (st != ST_OK)
			return st;
		if (m->comp[i] != *into_out && (!*into_out || row.nodes > row_out->nodes)) {
			*into_out = m->comp[i];
			*row_out = row;
		}
	}
	return ST_OK;
}

static enum status unite(struct store *s, struct members *m, uint64_t into, struct comp_row *row)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < m->n; i++) {
		uint64_t from = m->comp[i];

		if (!from) {
			st = node_place(s, &m->node[i], into);
			row->nodes++;
			if (memcmp(&m->node[i], &row->min, sizeof row->min) < 0)
				row->min = m->node[i];
		} else if (from != into) {
			st = merge(s, from, into, row);
			for (size_t j = i; j < m->n; j++)
				if (m->comp[j] == from)
					m->comp[j] = into;
		}
	}
	return st;
}

enum status threads_union(struct store *s, const struct node *self, const struct node *links, size_t n, uint64_t *comp_out)
{
	static struct members m;
	struct comp_row row, before;
	uint64_t into;
	bool change = false;
	enum status st;

	m.n = n + 1;
	m.node[0] = *self;
	memcpy(m.node + 1, links, n * sizeof *links);
	st = look_up(s, &m, &into, &row);
	if (st != ST_OK)
		return st;
	if (!into) {
		into = s->state.next_comp++;
		row = (struct comp_row){ 0 };
		memset(&row.min, 0xff, sizeof row.min);
	}
	before = row;
	for (size_t i = 0; i < m.n; i++)
		change |= m.comp[i] != into;
	if (change)
		st = unite(s, &m, into, &row);
	if (st == ST_OK && change)
		st = row_change(s, into, &before, &row);
	*comp_out = into;
	return st;
}

static void thread_msg_key(uint8_t key[THREAD_MSG_KEY], uint64_t comp, const struct msg_row *m)
{
	key_u64(key, comp);
	key_date(key + 8, m->date);
	memcpy(key + 16, m->id, ID16);
}

enum status threads_add(struct store *s, uint64_t comp, const struct msg_row *m, uint64_t seq)
{
	uint8_t key[THREAD_MSG_KEY];
	struct comp_row row, before;
	enum status st = comp_get(s, comp, &row);

	thread_msg_key(key, comp, m);
	if (st == ST_OK)
		st = db_put(s, T_THREAD_MSG, key, sizeof key, &seq, sizeof seq);
	if (st != ST_OK)
		return st;
	before = row;
	if (!row.messages || m->date > row.last)
		row.last = m->date;
	if (!row.messages)
		s->state.threads++;
	row.messages++;
	row.attachments += m->attachments;
	return row_change(s, comp, &before, &row);
}

/* Only when a message is replaced by another reading of it, in the same transaction. */
enum status threads_remove(struct store *s, uint64_t comp, const struct msg_row *m)
{
	uint8_t key[THREAD_MSG_KEY];
	struct comp_row row, before;
	enum status st = comp_get(s, comp, &row);

	thread_msg_key(key, comp, m);
	if (st == ST_OK)
		st = db_del(s, T_THREAD_MSG, key, sizeof key);
	if (st == ST_OK)
		st = collect(s, T_THREAD_MSG, comp, THREAD_MSG_KEY, sizeof(uint64_t), &s->scratch);
	if (st != ST_OK)
		return st;
	before = row;
	row.messages--;
	row.attachments -= m->attachments;
	row.last = s->scratch.len ? key_get_date((uint8_t *)s->scratch.p + s->scratch.len
		- THREAD_MSG_KEY - sizeof(uint64_t) + 8) : 0;
	if (!row.messages)
		s->state.threads--;
	return row_change(s, comp, &before, &row);
}
