/*
 * store_read.c - messages and attachments, by id, date, thread, address; each as readers get it.
 *
 * Three indices share one form, PREFIX date id16 -> seq: `date` (no prefix), `thread_msg` (component) and `addr` (a
 * hash). A query walks the one that fits best and checks the rest of its conditions row by row.
 */
#include <string.h>

#include "store_priv.h"
#include "store_walk.h"

/* ---- one message ---- */

enum status msg_get(struct store *s, uint64_t seq, struct msg_row *row_out, struct span *content_out, struct span *extra_out)
{
	uint8_t key[8];
	MDB_val v;
	const char *p;
	enum status st;

	key_u64(key, seq);
	st = db_get(s, T_MSG, key, sizeof key, &v);
	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	if (st == ST_OK && v.mv_size >= sizeof *row_out) {
		p = v.mv_data;
		memcpy(row_out, p, sizeof *row_out);
		if (sizeof *row_out + (size_t)row_out->content_len + row_out->extra_len == v.mv_size) {
			*content_out = (struct span){ p + sizeof *row_out, row_out->content_len };
			*extra_out = (struct span){ content_out->p + content_out->len, row_out->extra_len };
			return ST_OK;
		}
	}
	return st_fail(ST_BAD, "tenant %s: message number %llu is damaged: weir-fsck --rebuild %s", s->tenant,
		(unsigned long long)seq, s->tenant);
}

/* A delivery as it is today: its inbox may have been removed. */
static enum status add_delivery(struct store *s, struct span content, struct buf *b)
{
	struct span inbox = member_get(content, "inbox");
	struct buf name = { 0 };
	enum status st = ST_OK;

	if (json_text(inbox, &name))
		st = inbox_today(s, &name);
	if (!inbox.p || st != ST_OK || (name.len == inbox.len - 2 && !memcmp(name.p, inbox.p + 1, name.len))) {
		buf_add(b, content.p, content.len);
	} else {
		buf_add(b, content.p, (size_t)(inbox.p - content.p));
		json_str(b, NULL, name.p, name.len);
		buf_add(b, inbox.p + inbox.len, (size_t)(content.p + content.len - inbox.p - inbox.len));
	}
	buf_free(&name);
	return st;
}

static enum status add_duplicate(struct store *s, const struct msg_row *m, struct span message, struct span content, struct buf *b)
{
	uint8_t id[DIGEST_BYTES];
	char hex[DIGEST_HEX + 1];
	enum status st = copies_earlier(s, m, message, content, id);

	if (st == ST_OK) {
		hex_of(id, DIGEST_BYTES, hex);
		json_str(b, "duplicate_of", hex, DIGEST_HEX);
	}
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status add_deliveries(struct store *s, uint64_t seq, const struct msg_row *m, struct span message, struct buf *b)
{
	uint8_t prefix[8];
	MDB_val k = { sizeof prefix, prefix }, v;
	MDB_cursor *c = NULL;
	struct span content, extra;
	enum status st = db_cursor(s, T_DELIVERY, &c);

	key_u64(prefix, seq);
	json_open(b, "deliveries", '[');
	if (st == ST_OK)
		st = db_step(s, c, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == DELIVERY_KEY && !memcmp(k.mv_data, prefix, 8)) {
		if (delivery_split(v, &content, &extra)) {
			json_open(b, NULL, '{');
			st = add_delivery(s, content, b);
			if (st == ST_OK)
				st = add_duplicate(s, m, message, content, b);
			if (extra.len)
				buf_chr(b, ',');
			buf_add(b, extra.p, extra.len);
			json_close(b, '}');
		}
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	json_close(b, ']');
	return st == ST_END ? ST_OK : st;
}

enum status stored_message_json(struct store *s, uint64_t seq, const struct msg_row *m, struct span content,
	struct span extra, const struct node *thread, struct buf *b)
{
	char hex[DIGEST_HEX + 1];
	enum status st;

	buf_clear(b);
	buf_str(b, "{\"weir\":1,\"type\":\"message\"");
	hex_of(m->id, DIGEST_BYTES, hex);
	json_str(b, "id", hex, DIGEST_HEX);
	json_cstr(b, "tenant", s->tenant);
	hex_of(thread->b, NODE_BYTES, hex);
	json_str(b, "thread", hex, 2 * NODE_BYTES);
	hex_of(m->node.b, NODE_BYTES, hex);
	json_str(b, "node", hex, 2 * NODE_BYTES);
	buf_chr(b, ',');
	entity_join(content, extra, b);
	st = add_deliveries(s, seq, m, content, b);
	json_close(b, '}');
	return st == ST_OK && !buf_ok(b) ? st_fail(ST_NOMEM, "message: out of memory") : st;
}

struct show { struct store *s; store_message_fn fn; void *arg; struct buf json; };

static enum status show_message(void *arg, uint64_t seq, const struct msg_row *m, struct span content, struct span extra)
{
	struct show *show = arg;
	struct store_message out = { .seq = seq, .date = m->date };
	enum status st = store_thread_of(show->s, &m->node, &out.thread);

	if (st == ST_NOTFOUND)
		st = st_fail(ST_BAD, "tenant %s: a message without thread: weir-fsck --rebuild %s", show->s->tenant, show->s->tenant);
	if (st == ST_OK)
		st = stored_message_json(show->s, seq, m, content, extra, &out.thread, &show->json);
	if (st != ST_OK)
		return st;
	memcpy(out.id, m->id, DIGEST_BYTES);
	out.json = (struct span){ show->json.p, show->json.len };
	return show->fn(show->arg, &out);
}

/* ---- beginnings of ids ---- */

bool prefix_read(const char *hex, size_t digits_max, struct prefix *out)
{
	size_t n = strlen(hex);

	memset(out, 0, sizeof *out);
	if (n < PREFIX_MIN_DIGITS || n > digits_max)
		return false;
	out->digits = n;
	return hex_read(hex, n & ~(size_t)1, out->low, n / 2)
		&& (n % 2 == 0 || (hex_read((char[]){ hex[n - 1], '0' }, 2, out->low + n / 2, 1)));
}

bool prefix_fits(const struct prefix *p, const void *key)
{
	const uint8_t *k = key;

	return !memcmp(k, p->low, p->digits / 2)
		&& (p->digits % 2 == 0 || (k[p->digits / 2] & 0xf0) == p->low[p->digits / 2]);
}

static enum status find_id(struct store *s, const char *hex, uint64_t *seq_out)
{
	struct prefix p;
	struct sha_row row;
	MDB_val k = { DIGEST_BYTES, p.low }, v;
	MDB_cursor *c = NULL;
	enum status st;

	*seq_out = 0;
	if (!prefix_read(hex, DIGEST_HEX, &p))
		return st_fail(ST_BAD, "\"%.80s\" is no message id (%d to %d hex digits)", hex, PREFIX_MIN_DIGITS, DIGEST_HEX);
	st = db_cursor(s, T_SHA, &c);
	if (st == ST_OK)
		st = db_step(s, c, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == DIGEST_BYTES && prefix_fits(&p, k.mv_data)) {
		if (v.mv_size == sizeof row) {
			memcpy(&row, v.mv_data, sizeof row);
			if (row.seq && *seq_out)
				st = st_fail(ST_BAD, "more than one message begins with %s", hex);
			if (row.seq)
				*seq_out = row.seq;
		}
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	if ((st == ST_OK || st == ST_END) && !*seq_out)
		return st_fail(ST_NOTFOUND, "tenant %s has no message %.64s", s->tenant, hex);
	return st == ST_END ? ST_OK : st;
}

enum status store_message(struct store *s, const char *id_hex, store_message_fn fn, void *arg)
{
	struct show show = { .s = s, .fn = fn, .arg = arg };
	struct msg_row m;
	struct span content, extra;
	uint64_t seq = 0;
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = find_id(s, id_hex, &seq);
	if (st == ST_OK)
		st = msg_get(s, seq, &m, &content, &extra);
	if (st == ST_OK)
		st = show_message(&show, seq, &m, content, extra);
	buf_free(&show.json);
	return st == ST_END ? ST_OK : st;
}

/* ---- walking an index ---- */

#define PREFIX_MAX ID16

/* The last row before key, or the last of all. */
static enum status step_before(struct store *s, MDB_cursor *c, const uint8_t *key, size_t n, MDB_val *k, MDB_val *v)
{
	enum status st;

	*k = (MDB_val){ n, (void *)key };
	st = db_step(s, c, k, v, MDB_SET_RANGE);
	return db_step(s, c, k, v, st == ST_END ? MDB_LAST : MDB_PREV);
}

enum status walk_index(struct store *s, enum table t, const uint8_t *prefix, size_t prefix_n,
	const struct store_query *q, walk_fn fn, void *arg)
{
	uint8_t key[PREFIX_MAX + 8 + ID16];
	size_t n = prefix_n + 8 + ID16;
	MDB_val k = { n, key }, v;
	MDB_cursor *c = NULL;
	uint64_t seq;
	enum status st = db_cursor(s, t, &c);

	memset(key, q->newest_first ? 0xff : 0, sizeof key);
	if (prefix_n)
		memcpy(key, prefix, prefix_n);
	if (q->newest_first && q->before) {
		memset(key + prefix_n, 0, 8 + ID16);
		key_date(key + prefix_n, q->before);
	} else if (!q->newest_first && q->since) {
		key_date(key + prefix_n, q->since);
	}
	if (st == ST_OK)
		st = q->newest_first ? step_before(s, c, key, n, &k, &v) : db_step(s, c, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == n && v.mv_size == sizeof seq && (!prefix_n || !memcmp(k.mv_data, prefix, prefix_n))) {
		int64_t date = key_get_date((uint8_t *)k.mv_data + prefix_n);

		if (q->newest_first ? q->since && date < q->since : q->before && date >= q->before)
			break;
		memcpy(&seq, v.mv_data, sizeof seq);
		st = fn(arg, seq);
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, q->newest_first ? MDB_PREV : MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	return st;
}

enum status query_hashes(struct store *s, const struct store_query *q, struct query_hashes *out)
{
	struct buf inbox = { 0 };
	enum status st = ST_OK;

	if (q->address)
		st = hash16("a:", q->address, strlen(q->address), out->address);
	if (st == ST_OK && q->inbox) {
		buf_str(&inbox, q->inbox);
		st = inbox_today(s, &inbox);
		if (st == ST_OK)
			st = hash16("i:", buf_cstr(&inbox), inbox.len, out->inbox);
	}
	buf_free(&inbox);
	return st;
}

static enum status has_addr(struct store *s, const uint8_t *hash, const struct msg_row *m, bool *out)
{
	uint8_t key[ADDR_KEY];
	MDB_val v;
	enum status st;

	addr_index_key(key, hash, m);
	st = db_get(s, T_ADDR, key, sizeof key, &v);
	*out = st == ST_OK;
	return st == ST_NOTFOUND ? ST_OK : st;
}

struct filter { struct store *s; const struct store_query *q; struct query_hashes h; message_fn fn; void *arg; };

static enum status filter_one(void *arg, uint64_t seq)
{
	struct filter *f = arg;
	struct msg_row m;
	struct span content, extra;
	bool fits = true;
	enum status st = msg_get(f->s, seq, &m, &content, &extra);

	if (st == ST_OK && f->q->address)
		st = has_addr(f->s, f->h.address, &m, &fits);
	if (st == ST_OK && fits && f->q->inbox)
		st = has_addr(f->s, f->h.inbox, &m, &fits);
	return st == ST_OK && fits ? f->fn(f->arg, seq, &m, content, extra) : st;
}

enum status each_message(struct store *s, const struct store_query *q, message_fn fn, void *arg)
{
	struct filter f = { .s = s, .q = q, .fn = fn, .arg = arg };
	uint8_t key[8];
	uint64_t comp;
	enum status st = query_hashes(s, q, &f.h);

	if (st != ST_OK)
		return st;
	if (q->thread) {
		st = comp_of(s, q->thread, &comp);
		if (st == ST_NOTFOUND)
			return ST_END;
		key_u64(key, comp);
		return st == ST_OK ? walk_index(s, T_THREAD_MSG, key, sizeof key, q, filter_one, &f) : st;
	}
	if (q->address || q->inbox)
		return walk_index(s, T_ADDR, q->address ? f.h.address : f.h.inbox, ID16, q, filter_one, &f);
	return walk_index(s, T_DATE, NULL, 0, q, filter_one, &f);
}

struct limited { struct show show; uint64_t left; };

static enum status show_limited(void *arg, uint64_t seq, const struct msg_row *m, struct span content, struct span extra)
{
	struct limited *l = arg;
	enum status st = show_message(&l->show, seq, m, content, extra);

	return st == ST_OK && l->left && --l->left == 0 ? ST_END : st;
}

enum status store_messages(struct store *s, const struct store_query *q, store_message_fn fn, void *arg)
{
	struct limited l = { .show = { .s = s, .fn = fn, .arg = arg }, .left = q->limit };
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = each_message(s, q, show_limited, &l);
	buf_free(&l.show.json);
	return st == ST_END ? ST_OK : st;
}

/* ---- attachments ---- */

struct attachments { struct store *s; store_json_fn fn; void *arg; uint64_t left; struct buf json; };

static void attachment_json(struct store *s, const struct msg_row *m, const struct node *thread, struct span att, struct buf *b)
{
	char hex[DIGEST_HEX + 1];

	buf_clear(b);
	buf_str(b, "{\"weir\":1,\"type\":\"attachment\"");
	json_cstr(b, "tenant", s->tenant);
	hex_of(thread->b, NODE_BYTES, hex);
	json_str(b, "thread", hex, 2 * NODE_BYTES);
	hex_of(m->id, DIGEST_BYTES, hex);
	json_str(b, "message", hex, DIGEST_HEX);
	buf_chr(b, ',');
	buf_add(b, att.p + 1, att.len - 1);
}

static enum status show_attachments(void *arg, uint64_t seq, const struct msg_row *m, struct span content, struct span extra)
{
	struct attachments *a = arg;
	struct span atts, elem;
	struct node thread;
	enum status st;

	if (!m->attachments)
		return ST_OK;
	atts = member_get(content, "attachments");
	st = store_thread_of(a->s, &m->node, &thread);
	while (st == ST_OK && json_elem(&atts, &elem)) {
		attachment_json(a->s, m, &thread, elem, &a->json);
		if (!buf_ok(&a->json))
			return st_fail(ST_NOMEM, "attachment: out of memory");
		st = a->fn(a->arg, (struct span){ a->json.p, a->json.len });
		if (st == ST_OK && a->left && --a->left == 0)
			st = ST_END;
	}
	return st;
}

enum status store_attachments(struct store *s, const struct store_query *q, store_json_fn fn, void *arg)
{
	struct attachments a = { .s = s, .fn = fn, .arg = arg, .left = q->limit };
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = each_message(s, q, show_attachments, &a);
	buf_free(&a.json);
	return st == ST_END ? ST_OK : st;
}
