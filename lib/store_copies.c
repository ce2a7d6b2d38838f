/*
 * store_copies.c - which message says the same as another one, and what an inbox is called today.
 *
 * Both are answers at reading time, from the set of messages and the settings: nothing of them is in a message's entity or
 * in the digest, so neither the order in which mail came nor the moment at which a setting was changed makes a difference. What
 * "the same" is, is defined in weir-record(5) ("content"); a new definition gets a new number and never meets the old one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "store_priv.h"

#define INBOX_CHAIN_MAX 100	/* successors of successors */

/* ---- content 1: who, what about, and each decoded part ---- */

static void add_from(struct digest *d, struct span list)
{
	struct buf text = { 0 }, normal = { 0 };
	struct span elem;

	while (json_elem(&list, &elem)) {
		struct span members = json_get(elem, "members"), inner;

		buf_clear(&text);
		buf_clear(&normal);
		if (!members.p)
			json_text(json_get(elem, "address"), &text);
		while (members.p && json_elem(&members, &inner))	/* groups hold no groups (address.h) */
			if (json_text(json_get(inner, "address"), &text))
				buf_chr(&text, ' ');
		digest_add(d, "from ", 5);
		if (address_normal(buf_cstr(&text), text.len, &normal) == ST_OK)
			digest_add(d, normal.p, normal.len);
		else
			digest_add(d, buf_cstr(&text), text.len);
		digest_add(d, "\n", 1);
	}
	buf_free(&text);
	buf_free(&normal);
}

/* White space of any length is one blank, none at the ends: folding is the mailer's. */
static void add_subject(struct digest *d, struct span subject)
{
	struct buf text = { 0 };
	bool blank = false, any = false;

	json_text(subject, &text);
	digest_add(d, "subject ", 8);
	for (size_t i = 0; i < text.len; i++) {
		if (strchr(" \t\r\n", text.p[i]) && text.p[i]) {
			blank = true;
			continue;
		}
		if (blank && any)
			digest_add(d, " ", 1);
		digest_add(d, text.p + i, 1);
		blank = false;
		any = true;
	}
	digest_add(d, "\n", 1);
	buf_free(&text);
}

static bool same_string(struct span a, struct span b)
{
	return a.p && b.p && a.len == b.len && !memcmp(a.p, b.p, a.len);
}

/* The digest of a part; both lists have the same order, so the next one is nearly always it. */
static struct span part_digest(struct span all, struct span *next, struct span number)
{
	struct span elem;

	for (int pass = 0; pass < 2; pass++, *next = all)
		while (json_elem(next, &elem))
			if (same_string(json_get(elem, "part"), number))
				return json_get(elem, "sha256");
	return (struct span){ 0 };
}

/* False: some part has no digest, so it cannot be said what the message is. */
static bool add_parts(struct digest *d, struct span parts, struct span atts)
{
	struct span next = atts, elem;
	size_t n = 0;

	while (json_elem(&parts, &elem)) {
		struct span kind = json_get(elem, "kind"), sha;

		if (!(json_is(kind, "leaf") || json_is(kind, "uuencode")) || json_true(json_get(elem, "scan_only")))
			continue;
		sha = part_digest(atts, &next, json_get(elem, "part"));
		if (json_type(sha) != '"' || sha.len != DIGEST_HEX + 2)
			return false;
		digest_add(d, "part ", 5);
		digest_add(d, sha.p + 1, DIGEST_HEX);
		digest_add(d, "\n", 1);
		n++;
	}
	return n > 0;
}

enum status copies_content(const struct rec *rec, struct digest *d, struct buf *b)
{
	uint8_t sum[DIGEST_BYTES];
	char hex[2 + DIGEST_HEX + 1] = "1:";
	struct span message = rec_get(rec, "message");
	bool known;
	enum status st = digest_begin(d);

	if (st != ST_OK)
		return st;
	add_from(d, json_get(message, "from"));
	add_subject(d, json_get(message, "subject"));
	known = add_parts(d, rec_get(rec, "parts"), rec_get(rec, "attachments"));
	st = digest_end(d, sum);
	if (st == ST_OK && known) {
		hex_of(sum, sizeof sum, hex + 2);
		json_cstr(b, "content", hex);
	}
	return st;
}

/* ---- the index: addr has a row for each content and recipient ---- */

void copies_said(struct span message, char out[COPIES_ID_MAX])
{
	struct span content = member_get(message, "content");

	out[0] = '\0';
	if (json_type(content) == '"' && content.len > 2 && content.len < COPIES_ID_MAX)
		snprintf(out, COPIES_ID_MAX, "%.*s", (int)content.len - 2, content.p + 1);
}

enum status copies_hash(const char *said, struct span delivery, uint8_t hash[ID16], bool *out)
{
	struct span address = member_get(delivery, "address");
	struct buf b = { 0 };
	enum status st = ST_OK;

	*out = *said && address.len > 2;	/* mail without an envelope has no recipient */
	if (*out) {
		buf_fmt(&b, "%s ", said);
		buf_add(&b, address.p, address.len);
		st = buf_ok(&b) ? hash16("c:", b.p, b.len, hash) : st_fail(ST_NOMEM, "copies: out of memory");
	}
	buf_free(&b);
	return st;
}

/* ---- what the tenant wants to be told ---- */

static enum status copies_load(struct store *s)
{
	struct copies *c = &s->copies;
	struct span v, except;
	MDB_val row;
	enum status st;

	if (c->known)
		return ST_OK;
	c->window_ms = DUPLICATES_DEFAULT_MS;
	buf_clear(&c->except);
	st = db_get(s, T_SETTING, "duplicates", strlen("duplicates"), &row);
	if (st == ST_OK) {
		v = (struct span){ row.mv_data, row.mv_size };
		if (json_get(v, "window_ms").p)
			json_get_int(json_get(v, "window_ms"), &c->window_ms);
		except = json_get(v, "except");
		if (except.p)
			buf_add(&c->except, except.p, except.len);
	}
	c->known = st == ST_OK || st == ST_NOTFOUND;
	return c->known ? (buf_ok(&c->except) ? ST_OK : st_fail(ST_NOMEM, "copies: out of memory")) : st;
}

static bool excepted(const struct copies *c, struct span address)
{
	struct span it = { c->except.p, c->except.len }, elem;

	while (it.len && json_elem(&it, &elem))
		if (same_string(elem, address))
			return true;
	return false;
}

/* The row before this message's own. */
static enum status earlier(struct store *s, const uint8_t hash[ID16], const struct msg_row *m, int64_t *date_out, uint64_t *seq_out)
{
	uint8_t key[ADDR_KEY];
	MDB_val k = { sizeof key, key }, v;
	MDB_cursor *c = NULL;
	enum status st = db_cursor(s, T_ADDR, &c);

	addr_index_key(key, hash, m);
	if (st == ST_OK) {
		st = db_step(s, c, &k, &v, MDB_SET_RANGE);
		st = st == ST_END ? db_step(s, c, &k, &v, MDB_LAST) : st == ST_OK ? db_step(s, c, &k, &v, MDB_PREV) : st;
	}
	if (st == ST_OK && (k.mv_size != ADDR_KEY || memcmp(k.mv_data, hash, ID16) || v.mv_size != sizeof *seq_out))
		st = ST_END;
	if (st == ST_OK) {
		*date_out = key_get_date((uint8_t *)k.mv_data + ID16);
		memcpy(seq_out, v.mv_data, sizeof *seq_out);
	}
	if (c)
		mdb_cursor_close(c);
	return st;
}

enum status copies_earlier(struct store *s, const struct msg_row *m, struct span message, struct span delivery, uint8_t id_out[DIGEST_BYTES])
{
	uint8_t hash[ID16];
	char said[COPIES_ID_MAX];
	struct msg_row other;
	struct span content, extra;
	int64_t date;
	uint64_t seq;
	bool has;
	enum status st = copies_load(s);

	/* A message without a date is nobody's copy: nobody knows when it was. */
	if (st == ST_OK && (!s->copies.window_ms || !m->date || excepted(&s->copies, member_get(delivery, "address"))))
		return ST_NOTFOUND;
	copies_said(message, said);
	if (st == ST_OK)
		st = copies_hash(said, delivery, hash, &has);
	if (st == ST_OK)
		st = has ? earlier(s, hash, m, &date, &seq) : ST_NOTFOUND;
	if (st == ST_OK && (!date || m->date - date > s->copies.window_ms / 1000))
		st = ST_NOTFOUND;
	if (st == ST_OK)
		st = msg_get(s, seq, &other, &content, &extra);
	if (st == ST_OK)
		memcpy(id_out, other.id, DIGEST_BYTES);
	return st == ST_END ? ST_NOTFOUND : st;
}

/* ---- inboxes that were removed ---- */

/* The member "successor" of the setting of an inbox; p NULL: it has none. Borrowed from the environment. */
static enum status successor_of(struct store *s, const char *inbox, size_t n, struct span *out)
{
	char key[80];
	MDB_val v;
	enum status st;

	*out = (struct span){ 0 };
	if (n == 0 || n > 63)	/* no inbox that has settings: a record may say anything */
		return ST_OK;
	memcpy(key, "inbox/", 6);
	memcpy(key + 6, inbox, n);
	st = db_get(s, T_SETTING, key, 6 + n, &v);
	if (st == ST_OK)
		*out = json_get((struct span){ v.mv_data, v.mv_size }, "successor");
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status inbox_today(struct store *s, struct buf *name)
{
	struct span next;
	enum status st = ST_OK;

	for (int i = 0; i < INBOX_CHAIN_MAX; i++) {
		st = successor_of(s, buf_cstr(name), name->len, &next);
		if (st != ST_OK || !next.p)
			break;
		buf_clear(name);
		json_text(next, name);
	}
	return st == ST_OK && !buf_ok(name) ? st_fail(ST_NOMEM, "inbox: out of memory") : st;
}

/* The rows by which the mail of one inbox is found, to another. Row by row, because a cursor does not like what is put beside it. */
static enum status move_rows(struct store *s, const uint8_t from[ID16], const uint8_t to[ID16])
{
	uint8_t key[ADDR_KEY];
	MDB_cursor *c;
	MDB_val k, v;
	uint64_t seq;
	enum status st = ST_OK;

	while (st == ST_OK) {
		st = db_cursor(s, T_ADDR, &c);
		if (st != ST_OK)
			return st;
		k = (MDB_val){ ID16, (void *)(uintptr_t)from };
		st = db_step(s, c, &k, &v, MDB_SET_RANGE);
		if (st == ST_OK && (k.mv_size != ADDR_KEY || memcmp(k.mv_data, from, ID16) || v.mv_size != sizeof seq))
			st = ST_END;
		if (st == ST_OK) {
			memcpy(key, k.mv_data, ADDR_KEY);
			memcpy(&seq, v.mv_data, sizeof seq);
		}
		mdb_cursor_close(c);
		if (st == ST_OK)
			st = db_del(s, T_ADDR, key, sizeof key);
		memcpy(key, to, ID16);
		if (st == ST_OK)
			st = db_put(s, T_ADDR, key, sizeof key, &seq, sizeof seq);
	}
	return st == ST_END ? ST_OK : st;
}

bool inbox_is_gone(struct span setting)
{
	return setting.len && json_get(setting, "successor").p != NULL;
}

enum status inbox_gone(struct store *s, const char *inbox, size_t n)
{
	uint8_t from[ID16] = { 0 }, to[ID16] = { 0 };
	struct buf name = { 0 };
	enum status st;

	buf_add(&name, inbox, n);
	st = inbox_today(s, &name);
	if (st == ST_OK)
		st = hash16("i:", inbox, n, from);
	if (st == ST_OK)
		st = hash16("i:", buf_cstr(&name), name.len, to);
	if (st == ST_OK && memcmp(from, to, ID16))
		st = move_rows(s, from, to);
	buf_free(&name);
	return st;
}
