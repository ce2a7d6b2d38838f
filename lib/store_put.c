/*
 * store_put.c - a message and its deliveries into the tables, with everything that counts or points to them.
 *
 * What a put leaves is a function of the set of puts: where two claims to the same message or delivery differ,
 * a rule picks one of them, never the clock. The same functions serve a rebuild, which takes the claims out of the journal.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "store_priv.h"

#define HEAD_BYTES (256u << 10)		/* so much of a raw message is searched for Received */

/* ---- rows and their keys ---- */

void date_index_key(uint8_t key[DATE_KEY], const struct msg_row *m)
{
	key_date(key, m->date);
	memcpy(key + 8, m->id, ID16);
}

void addr_index_key(uint8_t key[ADDR_KEY], const uint8_t hash[ID16], const struct msg_row *m)
{
	memcpy(key, hash, ID16);
	date_index_key(key + ID16, m);
}

static struct span span_of(const struct buf *b)
{
	return (struct span){ b->len ? b->p : "", b->len };
}

static bool same(struct span a, struct span b)
{
	return a.len == b.len && !memcmp(a.p, b.p, a.len);
}

static enum status msg_write(struct store *s, uint64_t seq, const struct msg_row *m, const struct entity *e, bool append)
{
	uint8_t key[8], *p;
	void *room;
	enum status st;

	key_u64(key, seq);
	st = db_reserve(s, T_MSG, key, sizeof key, sizeof *m + e->content.len + e->extra.len, append, &room);
	if (st != ST_OK)
		return st;
	p = room;
	memcpy(p, m, sizeof *m);
	memcpy(p + sizeof *m, e->content.p, e->content.len);
	if (e->extra.len)
		memcpy(p + sizeof *m + e->content.len, e->extra.p, e->extra.len);
	return ST_OK;
}

/* ---- deliveries ---- */

bool delivery_split(MDB_val v, struct span *content_out, struct span *extra_out)
{
	uint32_t n;

	if (v.mv_size < sizeof n)
		return false;
	memcpy(&n, v.mv_data, sizeof n);
	if (n > v.mv_size - sizeof n)
		return false;
	*content_out = (struct span){ (const char *)v.mv_data + sizeof n, n };
	*extra_out = (struct span){ content_out->p + n, v.mv_size - sizeof n - n };
	return true;
}

enum status delivery_hashes(struct store *s, const char *said, struct span content, uint8_t hash[DELIVERY_HASHES][ID16], int *n_out)
{
	static struct buf b;
	bool third = false;
	enum status st;

	buf_clear(&b);
	json_text(member_get(content, "address"), &b);
	st = hash16("a:", b.p ? b.p : "", b.len, hash[0]);
	buf_clear(&b);
	json_text(member_get(content, "inbox"), &b);
	if (st == ST_OK)
		st = inbox_today(s, &b);
	if (st == ST_OK)
		st = hash16("i:", b.p ? b.p : "", b.len, hash[1]);
	if (st == ST_OK)
		st = copies_hash(said, content, hash[2], &third);
	*n_out = third ? 3 : 2;
	return st;
}

/* Puts or deletes the rows by which a delivery is found. */
static enum status addr_rows(struct store *s, uint64_t seq, const struct msg_row *m, const char *said, struct span content, bool put)
{
	uint8_t hash[DELIVERY_HASHES][ID16], key[ADDR_KEY];
	int n = 0;
	enum status st = delivery_hashes(s, said, content, hash, &n);

	for (int i = 0; st == ST_OK && i < n; i++) {
		addr_index_key(key, hash[i], m);
		st = put ? db_put(s, T_ADDR, key, sizeof key, &seq, sizeof seq) : db_del(s, T_ADDR, key, sizeof key);
	}
	return st;
}

/* The same for all deliveries of a message. */
static enum status addr_rows_all(struct store *s, uint64_t seq, const struct msg_row *m, const char *said, bool put)
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
			st = addr_rows(s, seq, m, said, content, put);
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	return st == ST_END ? ST_OK : st;
}

static enum status delivery_write(struct store *s, const uint8_t *key, const struct delivery *d)
{
	uint32_t n = (uint32_t)d->content.len;
	void *room;
	char *p;
	enum status st = db_reserve(s, T_DELIVERY, key, DELIVERY_KEY, sizeof n + n + d->extra.len, false, &room);

	if (st != ST_OK)
		return st;
	p = room;
	memcpy(p, &n, sizeof n);
	memcpy(p + sizeof n, d->content.p, n);
	if (d->extra.len)
		memcpy(p + sizeof n + n, d->extra.p, d->extra.len);
	return ST_OK;
}

static enum status delivery_replace(struct store *s, uint64_t seq, const struct msg_row *m, const char *said, const uint8_t *key,
	const struct delivery *d)
{
	enum status st = addr_rows_all(s, seq, m, said, false);

	if (st == ST_OK)
		st = delivery_write(s, key, d);
	return st == ST_OK ? addr_rows_all(s, seq, m, said, true) : st;
}

enum status delivery_apply(struct store *s, const uint8_t *id, const struct delivery *d, bool *new_out)
{
	uint8_t key[DELIVERY_KEY];
	char said[COPIES_ID_MAX];
	struct sha_row row;
	struct msg_row m;
	struct span content, extra, have;
	MDB_val v;
	bool is_new;
	enum status st = sha_get(s, id, &row);

	if (st == ST_OK && !row.seq)
		st = st_fail(ST_BAD, "tenant %s: a delivery without its message", s->tenant);
	if (st == ST_OK)
		st = msg_get(s, row.seq, &m, &content, &extra);
	if (st != ST_OK)
		return st;
	copies_said(content, said);
	key_u64(key, row.seq);
	memcpy(key + 8, d->hash, ID16);
	st = db_get(s, T_DELIVERY, key, sizeof key, &v);
	is_new = st == ST_NOTFOUND;
	if (st == ST_OK && delivery_split(v, &have, &extra) && entity_wins(have, span_of(&d->content)))
		return ST_OK;
	if (st != ST_OK && !is_new)
		return st;
	st = delivery_journal(id, d, &s->entry);
	if (st == ST_OK)
		st = journal_add(s, PACK_DELIVERY, s->entry.p, s->entry.len);
	if (st == ST_OK && !is_new)
		return delivery_replace(s, row.seq, &m, said, key, d);
	if (st == ST_OK)
		st = delivery_write(s, key, d);
	if (st == ST_OK)
		st = addr_rows(s, row.seq, &m, said, span_of(&d->content), true);
	if (st == ST_OK)
		s->state.deliveries++;
	if (is_new)
		*new_out = true;
	return st;
}

/* ---- messages ---- */

struct ref_arg { struct store *s; int by; };

static enum status ref_one(void *arg, const uint8_t *sha, uint64_t size)
{
	struct ref_arg *r = arg;

	return blob_ref(r->s, sha, size, r->by);
}

static enum status blobs_ref(struct store *s, struct span content, int by)
{
	struct ref_arg r = { s, by };

	return content_blobs(content, ref_one, &r);
}

/* The rows that lead to a message. */
static enum status index_add(struct store *s, uint64_t seq, uint64_t comp, const struct msg_row *m)
{
	uint8_t key[DATE_KEY];
	enum status st;

	date_index_key(key, m);
	st = db_put(s, T_DATE, key, sizeof key, &seq, sizeof seq);
	if (st == ST_OK)
		st = threads_add(s, comp, m, seq);
	if (st == ST_OK) {
		s->state.messages++;
		s->state.attachments += m->attachments;
	}
	return st;
}

static enum status index_remove(struct store *s, uint64_t comp, const struct msg_row *m)
{
	uint8_t key[DATE_KEY];
	enum status st;

	date_index_key(key, m);
	st = db_del(s, T_DATE, key, sizeof key);
	if (st == ST_OK)
		st = threads_remove(s, comp, m);
	if (st == ST_OK) {
		s->state.messages--;
		s->state.attachments -= m->attachments;
	}
	return st;
}

static struct msg_row row_of(const struct entity *e)
{
	struct msg_row m = { .node = e->node, .date = e->date, .attachments = e->attachments,
		.content_len = (uint32_t)e->content.len, .extra_len = (uint32_t)e->extra.len };

	memcpy(m.id, e->id, DIGEST_BYTES);
	return m;
}

static enum status journal_entity(struct store *s, const struct entity *e)
{
	enum status st = s->replay ? ST_OK : entity_journal(e, &s->entry);

	return st == ST_OK ? journal_add(s, PACK_MESSAGE, s->entry.p, s->entry.len) : st;
}

static enum status add_new(struct store *s, const struct entity *e, struct sha_row *row)
{
	struct msg_row m = row_of(e);
	uint64_t comp;
	enum status st = journal_entity(s, e);

	row->seq = s->state.next_seq++;
	if (st == ST_OK)
		st = msg_write(s, row->seq, &m, e, true);
	if (st == ST_OK)
		st = sha_put(s, e->id, row);
	if (st == ST_OK)
		st = blobs_ref(s, span_of(&e->content), 1);
	if (st == ST_OK)
		st = threads_union(s, &e->node, e->links, e->link_n, &comp);
	return st == ST_OK ? index_add(s, row->seq, comp, &m) : st;
}

static enum status replace(struct store *s, uint64_t seq, const struct msg_row *old, struct span old_content, const struct entity *e)
{
	struct msg_row m = row_of(e);
	char said[COPIES_ID_MAX];
	uint64_t comp = 0;
	enum status st = comp_of(s, &old->node, &comp);

	if (st == ST_NOTFOUND)
		return st_fail(ST_BAD, "tenant %s: a message without thread: weir-fsck --rebuild %s", s->tenant, s->tenant);
	copies_said(old_content, said);
	if (st == ST_OK)
		st = addr_rows_all(s, seq, old, said, false);
	copies_said(span_of(&e->content), said);
	if (st == ST_OK)
		st = index_remove(s, comp, old);
	if (st == ST_OK)
		st = blobs_ref(s, span_of(&e->content), 1);
	if (st == ST_OK)
		st = blobs_ref(s, old_content, -1);
	if (st == ST_OK)
		st = msg_write(s, seq, &m, e, false);
	if (st == ST_OK)
		st = index_add(s, seq, comp, &m);
	return st == ST_OK ? addr_rows_all(s, seq, &m, said, true) : st;
}

static enum status all_linked(struct store *s, const struct node *old, const struct entity *e, bool *out)
{
	uint64_t comp, other;
	enum status st = comp_of(s, old, &comp);

	*out = true;
	for (size_t i = 0; st == ST_OK && i <= e->link_n; i++) {
		st = comp_of(s, i ? &e->links[i - 1] : &e->node, &other);
		if (st == ST_NOTFOUND || (st == ST_OK && other != comp))
			*out = false;
		if (st == ST_NOTFOUND)
			st = ST_OK;
	}
	return st;
}

/* The same bytes, read differently (another version, another verdict): the links of both count, the content of one. */
static enum status differs(struct store *s, const struct entity *e, uint64_t seq)
{
	static struct buf old_content;	/* a copy: msg_write moves the row */
	struct msg_row old;
	struct span content, extra;
	uint64_t comp;
	bool wins, linked = false;
	enum status st = msg_get(s, seq, &old, &content, &extra);

	if (st != ST_OK)
		return st;
	buf_clear(&old_content);
	buf_add(&old_content, content.p, content.len);
	wins = entity_wins(content, span_of(&e->content));
	st = all_linked(s, &old.node, e, &linked);
	if (st != ST_OK || (wins && linked))
		return st;
	st = journal_entity(s, e);
	if (st == ST_OK)
		st = threads_union(s, &e->node, e->links, e->link_n, &comp);
	if (st == ST_OK)
		st = threads_union(s, &e->node, &old.node, 1, &comp);
	if (st == ST_OK && !wins)
		st = replace(s, seq, &old, span_of(&old_content), e);
	return st;
}

enum status store_thread_of(struct store *s, const struct node *node, struct node *thread_out)
{
	struct comp_row row;
	uint64_t comp;
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = comp_of(s, node, &comp);
	if (st == ST_OK)
		st = comp_get(s, comp, &row);
	if (st == ST_OK)
		*thread_out = row.min;
	return st;
}

enum status entity_apply(struct store *s, const struct entity *e, struct store_result *out)
{
	struct sha_row row;
	struct msg_row old;
	struct span content, extra;
	enum status st = sha_get(s, e->id, &row);

	if (st != ST_OK)
		return st;
	out->is_new = !row.seq;
	if (row.seq) {
		st = msg_get(s, row.seq, &old, &content, &extra);
		if (st == ST_OK && !same(content, span_of(&e->content)))
			st = differs(s, e, row.seq);
	} else {
		st = add_new(s, e, &row);
	}
	out->seq = row.seq;
	out->node = e->node;
	return st;
}

/* ---- a record ---- */

struct lost { struct store *s; bool *any; };

static enum status lost_one(void *arg, const uint8_t *sha, uint64_t size)
{
	struct lost *l = arg;
	struct sha_row row;
	enum status st = sha_get(l->s, sha, &row);

	*l->any |= st == ST_OK && row.where == BLOB_NOWHERE;
	return st;
}

/* Whether the store wants the bytes: not if it has the message and will keep its own reading of it. What damage
 * took away is wanted again. */
static enum status wants_bytes(struct store *s, const struct entity *e, bool *out)
{
	struct sha_row row;
	struct msg_row old;
	struct span content, extra;
	enum status st = sha_get(s, e->id, &row);

	*out = true;
	if (st != ST_OK || !row.seq)
		return st;
	st = msg_get(s, row.seq, &old, &content, &extra);
	*out = st == ST_OK && !entity_wins(content, span_of(&e->content));
	if (st == ST_OK && same(content, span_of(&e->content))) {
		*out = false;
		return content_blobs(content, lost_one, &(struct lost){ s, out });
	}
	return st;
}

static enum status copy_bytes(struct store *s, const struct roots *roots, const struct entity *e)
{
	enum status st;

	s->raw_path.p = NULL;
	st = blob_put_from(s, roots, &e->raw, true);
	for (size_t i = 0; st == ST_OK && i < e->blob_n; i++)
		st = blob_put_from(s, roots, &e->blobs[i], false);
	return st;
}

/* A message without a usable Date has that of its topmost Received field, or 1970. Never that of its arrival here. */
static enum status date_from_raw(struct store *s, struct entity *e)
{
	struct sha_row row;
	char path[80];
	int fd;
	enum status st = sha_get(s, e->raw.sha, &row);

	if (st == ST_OK && row.where == BLOB_IN_PACK) {
		st = pack_flush(s->journal, false);
		if (st == ST_OK)
			st = pack_read(&s->reader, row.loc, &s->scratch, NULL);
	} else if (st == ST_OK) {
		blob_path(e->raw.sha, path);
		fd = openat(s->blob_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return st_fail_errno("tenant %s: blobs/%s", s->tenant, path);
		st = file_read_fd(fd, 0, e->raw.size < HEAD_BYTES ? (int64_t)e->raw.size : HEAD_BYTES, HEAD_BYTES, &s->scratch);
		close(fd);
	}
	if (st == ST_OK)
		received_date(s->scratch.p, s->scratch.len, &e->date);
	return st;
}

static enum status put_deliveries(struct store *s, const struct rec *rec, struct store_result *out)
{
	struct span it = rec_get(rec, "recipients"), elem;
	enum status st = ST_OK;

	while (st == ST_OK && json_elem(&it, &elem)) {
		st = delivery_from_record(rec, elem, &s->delivery);
		if (st == ST_OK)
			st = delivery_apply(s, s->entity.id, &s->delivery, &out->new_delivery);
	}
	return st;
}

/* Recipients are looked at before the first byte is written: a record is stored whole or not at all. */
static enum status check_recipients(struct store *s, const struct rec *rec)
{
	struct span it = rec_get(rec, "recipients"), elem;
	enum status st = ST_OK;
	size_t n = 0;

	while (st == ST_OK && json_elem(&it, &elem)) {
		st = delivery_from_record(rec, elem, &s->delivery);
		n++;
	}
	return st == ST_OK && !n ? st_fail(ST_BAD, "the record has no recipients") : st;
}

/* From here on rows are written: a failure is the batch's, whatever it was. */
static enum status put_rows(struct store *s, const struct rec *rec, struct entity *e, bool with_bytes, struct store_result *out)
{
	enum status st = ST_OK;

	if (with_bytes && !e->has_date)
		st = date_from_raw(s, e);
	if (st == ST_OK)
		st = entity_apply(s, e, out);
	if (st == ST_OK)
		st = put_deliveries(s, rec, out);
	if (st == ST_OK)
		st = store_thread_of(s, &e->node, &out->thread);
	return st == ST_BAD || st == ST_NOTFOUND || st == ST_DENIED || st == ST_LIMIT ? ST_IO : st;
}

enum status store_put(struct store *s, const struct roots *roots, const struct rec *rec, const char *allowed,
	struct store_result *out)
{
	struct entity *e = &s->entity;
	bool wanted = false;
	enum status st = store_need(s, STORE_WRITE);

	*out = (struct store_result){ 0 };
	if (st == ST_OK)
		st = entity_from_record(rec, allowed, &s->digest, e);
	if (st == ST_OK)
		st = check_recipients(s, rec);
	if (st == ST_OK)
		st = wants_bytes(s, e, &wanted);
	if (st == ST_OK && wanted)
		st = copy_bytes(s, roots, e);
	return st == ST_OK ? put_rows(s, rec, e, wanted, out) : st;
}
