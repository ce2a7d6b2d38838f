/*
 * store_check.c - one hash of all that a store says, and whether what it says is so.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_priv.h"
#include "store_walk.h"

/* ---- the digest: everything in an order that does not come from arrival ---- */

/* Each piece with its length, so that no two lists of pieces look alike. */
static void take(struct digest *d, const void *p, size_t n)
{
	uint8_t len[8];

	key_u64(len, n);
	digest_add(d, len, sizeof len);
	digest_add(d, p, n);
}

static enum status digest_deliveries(struct store *s, struct digest *d, uint64_t seq)
{
	uint8_t prefix[8];
	MDB_val k = { sizeof prefix, prefix }, v;
	MDB_cursor *c = NULL;
	struct span content, extra;
	enum status st = db_cursor(s, T_DELIVERY, &c);

	key_u64(prefix, seq);
	if (st == ST_OK)
		st = db_step(s, c, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == DELIVERY_KEY && !memcmp(k.mv_data, prefix, 8)) {
		if (delivery_split(v, &content, &extra))
			take(d, content.p, content.len);
		st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	return st == ST_END ? ST_OK : st;
}

static enum status digest_message(struct store *s, struct digest *d, uint64_t seq)
{
	struct msg_row m;
	struct span content, extra;
	struct node thread;
	uint8_t date[8];
	enum status st = msg_get(s, seq, &m, &content, &extra);

	if (st == ST_OK)
		st = store_thread_of(s, &m.node, &thread);
	if (st != ST_OK)
		return st;
	key_date(date, m.date);
	take(d, m.id, sizeof m.id);
	take(d, &m.node, sizeof m.node);
	take(d, &thread, sizeof thread);
	take(d, date, sizeof date);
	take(d, content.p, content.len);
	return digest_deliveries(s, d, seq);
}

/* Messages by id. */
static enum status digest_messages(struct store *s, struct digest *d)
{
	struct sha_row row;
	MDB_val k, v;
	MDB_cursor *c = NULL;
	enum status st = db_cursor(s, T_SHA, &c);

	if (st == ST_OK)
		st = db_step(s, c, &k, &v, MDB_FIRST);
	while (st == ST_OK && v.mv_size == sizeof row) {
		memcpy(&row, v.mv_data, sizeof row);
		if (row.seq)
			st = digest_message(s, d, row.seq);
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	return st == ST_END ? ST_OK : st;
}

static enum status digest_table(struct store *s, struct digest *d, enum table t, bool values)
{
	MDB_val k, v;
	MDB_cursor *c = NULL;
	enum status st = db_cursor(s, t, &c);

	if (st == ST_OK)
		st = db_step(s, c, &k, &v, MDB_FIRST);
	while (st == ST_OK) {
		take(d, k.mv_data, k.mv_size);
		if (values)
			take(d, v.mv_data, v.mv_size);
		st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	return st == ST_END ? ST_OK : st;
}

enum status store_digest(struct store *s, char hex_out[DIGEST_HEX + 1])
{
	struct digest d = { 0 };
	uint8_t sum[DIGEST_BYTES];
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = digest_begin(&d);
	if (st == ST_OK)
		st = digest_messages(s, &d);
	if (st == ST_OK)	/* nodes that no message has yet count too: they decide future threads */
		st = digest_table(s, &d, T_NODE, false);
	if (st == ST_OK)
		st = digest_table(s, &d, T_THREAD_LAST, false);
	if (st == ST_OK)
		st = digest_table(s, &d, T_EVENT, true);
	if (st == ST_OK)
		st = digest_table(s, &d, T_SETTING, true);
	if (st == ST_OK)
		st = digest_end(&d, sum);
	digest_free(&d);
	if (st == ST_OK)
		hex_of(sum, sizeof sum, hex_out);
	return st;
}

/* ---- the check ---- */

struct check {
	struct store *s;
	void (*problem)(void *arg, const char *line);
	void *arg;
	uint64_t problems;
	struct state found;
	struct buf refs;	/* struct ref, one per reference to a blob */
	struct buf b;
	uint64_t rows[TABLES];	/* that the messages account for */
};

struct ref { uint8_t sha[DIGEST_BYTES]; uint64_t size; };

__attribute__((format(printf, 2, 3)))
static void problem(struct check *c, const char *fmt, ...)
{
	va_list ap;
	char line[512];

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	c->problems++;
	c->problem(c->arg, line);
}

static enum status note_ref(void *arg, const uint8_t *sha, uint64_t size)
{
	struct check *c = arg;
	struct ref r = { .size = size };

	memcpy(r.sha, sha, DIGEST_BYTES);
	buf_add(&c->refs, &r, sizeof r);
	return ST_OK;
}

static bool row_is(struct check *c, enum table t, const void *key, size_t n, uint64_t value)
{
	MDB_val v;

	return db_get(c->s, t, key, n, &v) == ST_OK && v.mv_size == sizeof value && !memcmp(v.mv_data, &value, sizeof value);
}

static enum status check_deliveries(struct check *c, uint64_t seq, const struct msg_row *m, struct span message, const char *hex)
{
	uint8_t prefix[8], hash[DELIVERY_HASHES][ID16], key[ADDR_KEY];
	MDB_val k = { sizeof prefix, prefix }, v;
	MDB_cursor *cur = NULL;
	static const char *const by[] = { "address", "inbox", "content" };
	char said[COPIES_ID_MAX];
	struct span content, extra;
	uint64_t n = 0;
	int hashes = 0;
	enum status st = db_cursor(c->s, T_DELIVERY, &cur);

	copies_said(message, said);
	key_u64(prefix, seq);
	if (st == ST_OK)
		st = db_step(c->s, cur, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == DELIVERY_KEY && !memcmp(k.mv_data, prefix, 8)) {
		n++;
		if (!delivery_split(v, &content, &extra)) {
			problem(c, "message %s: a damaged delivery", hex);
		} else {
			st = delivery_hashes(c->s, said, content, hash, &hashes);
			for (int i = 0; st == ST_OK && i < hashes; i++) {
				addr_index_key(key, hash[i], m);
				if (!row_is(c, T_ADDR, key, sizeof key, seq))
					problem(c, "message %s: not found by its %s", hex, by[i]);
			}
		}
		if (st == ST_OK)
			st = db_step(c->s, cur, &k, &v, MDB_NEXT);
	}
	if (cur)
		mdb_cursor_close(cur);
	if (!n)
		problem(c, "message %s: no delivery", hex);
	c->found.deliveries += n;
	return st == ST_END ? ST_OK : st;
}

static void check_thread_row(struct check *c, uint64_t seq, const struct msg_row *m, const char *hex)
{
	uint8_t key[8 + DATE_KEY];
	uint64_t comp;

	date_index_key(key + 8, m);
	if (!row_is(c, T_DATE, key + 8, DATE_KEY, seq))
		problem(c, "message %s: not found by its date", hex);
	if (comp_of(c->s, &m->node, &comp) != ST_OK) {
		problem(c, "message %s: in no thread", hex);
		return;
	}
	key_u64(key, comp);
	if (!row_is(c, T_THREAD_MSG, key, sizeof key, seq))
		problem(c, "message %s: not found in its thread", hex);
}

static enum status check_message(struct check *c, uint64_t seq)
{
	struct msg_row m;
	struct sha_row row;
	struct span content, extra, atts, elem;
	char hex[DIGEST_HEX + 1];
	uint32_t n = 0;
	enum status st = msg_get(c->s, seq, &m, &content, &extra);

	if (st != ST_OK) {
		problem(c, "%s", st_text());
		return ST_OK;
	}
	hex_of(m.id, 6, hex);
	st = sha_get(c->s, m.id, &row);
	if (st != ST_OK || row.seq != seq)
		problem(c, "message %s: not found by its id", hex);
	buf_clear(&c->b);
	st = stored_message_json(c->s, seq, &m, content, extra, &m.node, &c->b);
	if (st != ST_OK || json_valid(c->b.p, c->b.len) != ST_OK) {
		problem(c, "message %s: its entity is damaged", hex);
		return ST_OK;
	}
	atts = member_get(content, "attachments");
	while (json_elem(&atts, &elem))
		n++;
	if (n != m.attachments)
		problem(c, "message %s: %u attachments, %u counted", hex, n, m.attachments);
	if (content_blobs(content, note_ref, c) != ST_OK)
		problem(c, "message %s: %s", hex, st_text());
	check_thread_row(c, seq, &m, hex);
	c->found.messages++;
	c->found.attachments += m.attachments;
	return check_deliveries(c, seq, &m, content, hex);
}

static enum status check_messages(struct check *c)
{
	MDB_val k, v;
	MDB_cursor *cur = NULL;
	enum status st = db_cursor(c->s, T_MSG, &cur);

	if (st == ST_OK)
		st = db_step(c->s, cur, &k, &v, MDB_FIRST);
	while (st == ST_OK) {
		uint64_t seq = k.mv_size == 8 ? key_get_u64(k.mv_data) : 0;

		if (seq >= c->s->state.next_seq)
			problem(c, "message number %llu: not given out yet", (unsigned long long)seq);
		st = check_message(c, seq);
		if (st == ST_OK)
			st = db_step(c->s, cur, &k, &v, MDB_NEXT);
	}
	if (cur)
		mdb_cursor_close(cur);
	return st == ST_END ? ST_OK : st;
}

/* ---- threads: count again what each component row says ---- */

static enum status count_component(struct check *c, uint64_t comp, struct comp_row *out)
{
	uint8_t prefix[8];
	MDB_val k = { sizeof prefix, prefix }, v;
	MDB_cursor *cur = NULL;
	uint64_t has;
	enum status st = db_cursor(c->s, T_COMP_NODE, &cur);

	*out = (struct comp_row){ 0 };
	memset(&out->min, 0xff, sizeof out->min);
	key_u64(prefix, comp);
	if (st == ST_OK)
		st = db_step(c->s, cur, &k, &v, MDB_SET_RANGE);
	while (st == ST_OK && k.mv_size == 8 + NODE_BYTES && !memcmp(k.mv_data, prefix, 8)) {
		struct node n;

		memcpy(n.b, (uint8_t *)k.mv_data + 8, NODE_BYTES);
		if (!out->nodes++)
			out->min = n;
		if (comp_of(c->s, &n, &has) != ST_OK || has != comp)
			problem(c, "thread number %llu: a node that is in another one", (unsigned long long)comp);
		st = db_step(c->s, cur, &k, &v, MDB_NEXT);
	}
	if (cur)
		mdb_cursor_close(cur);
	return st == ST_END ? ST_OK : st;
}

struct thread_count { struct check *c; struct comp_row *row; };

static enum status count_message(void *arg, uint64_t seq)
{
	struct thread_count *t = arg;
	struct msg_row m;
	struct span content, extra;

	t->row->messages++;
	if (msg_get(t->c->s, seq, &m, &content, &extra) != ST_OK)
		return ST_OK;	/* told already */
	t->row->attachments += m.attachments;
	t->row->last = m.date;
	return ST_OK;
}

static enum status check_component(struct check *c, uint64_t comp, const struct comp_row *row)
{
	uint8_t key[8 + NODE_BYTES];
	struct comp_row real;
	struct thread_count count = { c, &real };
	struct store_query q = { 0 };
	enum status st = count_component(c, comp, &real);

	key_u64(key, comp);
	if (st == ST_OK)
		st = walk_index(c->s, T_THREAD_MSG, key, 8, &q, count_message, &count);
	if (st != ST_OK && st != ST_END)
		return st;
	if (real.nodes != row->nodes || real.messages != row->messages || real.attachments != row->attachments
			|| (real.messages && real.last != row->last) || memcmp(&real.min, &row->min, sizeof real.min))
		problem(c, "thread number %llu: its counts are wrong", (unsigned long long)comp);
	key_date(key, row->last);
	memcpy(key + 8, row->min.b, NODE_BYTES);
	if (row->messages && !row_is(c, T_THREAD_LAST, key, sizeof key, comp))
		problem(c, "thread number %llu: not in the list", (unsigned long long)comp);
	c->found.threads += row->messages != 0;
	c->rows[T_NODE] += real.nodes;
	return ST_OK;
}

static enum status check_threads(struct check *c)
{
	MDB_val k, v;
	MDB_cursor *cur = NULL;
	struct comp_row row;
	enum status st = db_cursor(c->s, T_COMP, &cur);

	if (st == ST_OK)
		st = db_step(c->s, cur, &k, &v, MDB_FIRST);
	while (st == ST_OK) {
		if (k.mv_size != 8 || v.mv_size != sizeof row) {
			problem(c, "a damaged thread row");
		} else {
			memcpy(&row, v.mv_data, sizeof row);
			st = check_component(c, key_get_u64(k.mv_data), &row);
		}
		if (st == ST_OK)
			st = db_step(c->s, cur, &k, &v, MDB_NEXT);
	}
	if (cur)
		mdb_cursor_close(cur);
	return st == ST_END ? ST_OK : st;
}

/* ---- blobs ---- */

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_BYTES);
}

static enum status ignore(void *arg, const void *p, size_t n)
{
	*(uint64_t *)arg += n;
	return ST_OK;
}

static void check_blob(struct check *c, const struct ref *r, uint64_t refs)
{
	char hex[DIGEST_HEX + 1];
	struct sha_row row;
	uint64_t size = 0;
	enum status st = sha_get(c->s, r->sha, &row);

	hex_of(r->sha, DIGEST_BYTES, hex);
	if (st == ST_OK && row.refs != refs)
		problem(c, "blob %s: %llu references, %llu counted", hex, (unsigned long long)refs, (unsigned long long)row.refs);
	if (st == ST_OK)
		st = store_blob(c->s, r->sha, ignore, &size);
	if (st != ST_OK)
		problem(c, "blob %s: %s", hex, st_text());
	else if (size != r->size)
		problem(c, "blob %s: %llu bytes, its entity says %llu", hex, (unsigned long long)size, (unsigned long long)r->size);
}

static enum status check_blobs(struct check *c)
{
	struct ref *r = (struct ref *)(void *)c->refs.p;
	size_t n = c->refs.len / sizeof *r;

	if (!buf_ok(&c->refs))
		return st_fail(ST_NOMEM, "check: out of memory");
	if (n)
		qsort(r, n, sizeof *r, by_digest);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && !by_digest(&r[i], &r[j]); j++)
			;
		check_blob(c, &r[i], j - i);
	}
	return ST_OK;
}

/* A row of sha that counts references nobody makes. */
static enum status check_sha(struct check *c)
{
	struct ref *r = (struct ref *)(void *)c->refs.p;
	size_t n = c->refs.len / sizeof *r;
	struct sha_row row;
	MDB_val k, v;
	MDB_cursor *cur = NULL;
	enum status st = db_cursor(c->s, T_SHA, &cur);
	uint64_t ids = 0;

	if (st == ST_OK)
		st = db_step(c->s, cur, &k, &v, MDB_FIRST);
	while (st == ST_OK) {
		if (k.mv_size != DIGEST_BYTES || v.mv_size != sizeof row) {
			problem(c, "a damaged row in sha");
		} else {
			memcpy(&row, v.mv_data, sizeof row);
			ids += row.seq != 0;
			if (row.refs && !(n && bsearch(k.mv_data, r, n, sizeof *r, by_digest)))
				problem(c, "a blob counts %llu references that nobody makes", (unsigned long long)row.refs);
		}
		st = db_step(c->s, cur, &k, &v, MDB_NEXT);
	}
	if (cur)
		mdb_cursor_close(cur);
	if (ids != c->found.messages)
		problem(c, "%llu ids for %llu messages", (unsigned long long)ids, (unsigned long long)c->found.messages);
	return st == ST_END ? ST_OK : st;
}

/* ---- the journal, and the sums ---- */

static enum status check_entry(void *arg, const struct pack_entry *e)
{
	struct check *c = arg;
	const struct pack_loc *tail = &c->s->state.tail;

	if (e->loc.file > tail->file || (e->loc.file == tail->file && e->loc.offset >= tail->offset))
		return ST_END;	/* of a batch that was not finished, or is being written */
	if (e->kind == PACK_DAMAGE)
		problem(c, "journal %08u.pack: %zu damaged bytes at %llu", e->loc.file, e->len,
			(unsigned long long)e->loc.offset);
	return ST_OK;
}

static void check_count(struct check *c, const char *what, uint64_t counted, uint64_t real)
{
	if (counted != real)
		problem(c, "%llu %s, %llu counted", (unsigned long long)real, what, (unsigned long long)counted);
}

static void check_rows(struct check *c, enum table t, const char *what, uint64_t want)
{
	MDB_stat stat;

	if (!mdb_stat(c->s->txn, c->s->dbi[t], &stat) && stat.ms_entries != want)
		problem(c, "%zu %s, there should be %llu", stat.ms_entries, what, (unsigned long long)want);
}

static void check_sums(struct check *c)
{
	const struct state *said = &c->s->state;

	check_count(c, "messages", said->messages, c->found.messages);
	check_count(c, "deliveries", said->deliveries, c->found.deliveries);
	check_count(c, "attachments", said->attachments, c->found.attachments);
	check_count(c, "threads", said->threads, c->found.threads);
	check_rows(c, T_DELIVERY, "deliveries", c->found.deliveries);
	check_rows(c, T_DATE, "messages by date", c->found.messages);
	check_rows(c, T_THREAD_MSG, "messages in threads", c->found.messages);
	check_rows(c, T_THREAD_LAST, "threads in the list", c->found.threads);
	check_rows(c, T_NODE, "nodes", c->rows[T_NODE]);
	check_rows(c, T_COMP_NODE, "nodes of threads", c->rows[T_NODE]);
	check_rows(c, T_EVENT, "events", said->events);
}

enum status store_check(struct store *s, void (*fn)(void *arg, const char *line), void *arg, uint64_t *problems_out)
{
	struct check c = { .s = s, .problem = fn, .arg = arg };
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = check_messages(&c);
	if (st == ST_OK)
		st = check_threads(&c);
	if (st == ST_OK)
		st = check_blobs(&c);
	if (st == ST_OK)
		st = check_sha(&c);
	if (st == ST_OK) {
		check_sums(&c);
		st = pack_scan(s->pack_fd, (struct pack_loc){ 0 }, check_entry, &c);
	}
	buf_free(&c.refs);
	buf_free(&c.b);
	*problems_out = c.problems;
	return st == ST_END ? ST_OK : st;
}
