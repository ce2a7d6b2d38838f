/*
 * store_settings.c - a tenant's settings and events: small JSON values by name and by date.
 */
#include <string.h>

#include "header.h"
#include "store_priv.h"

#define SETTING_KEY_MAX_BYTES 400

static enum status key_check(const char *key, size_t n)
{
	if (n == 0 || n > SETTING_KEY_MAX_BYTES)
		return st_fail(ST_BAD, "a setting's name has 1 to %d bytes", SETTING_KEY_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)key[i];

		/* Bytes over 127: local parts of addresses may be UTF-8 (RFC 6531). */
		if (c <= ' ' || c == '"' || c == '\\' || c == 0x7f || (c >= 'A' && c <= 'Z'))
			return st_fail(ST_BAD, "setting \"%.*s\": byte %zu is not allowed in a name", (int)n, key, i);
	}
	return utf8_valid(key, n) ? ST_OK : st_fail(ST_BAD, "a setting's name is not UTF-8");
}

/* Replay and the API meet here; the journal's entry is made by the latter. */
static bool is_inbox(const char *key, size_t n)
{
	return n > 6 && !memcmp(key, "inbox/", 6);
}

enum status setting_apply(struct store *s, const char *key, size_t key_len, const char *json, size_t len)
{
	enum status st = json ? db_put(s, T_SETTING, key, key_len, json, len) : db_del(s, T_SETTING, key, key_len);

	s->copies.known = false;
	return st == ST_OK && json && is_inbox(key, key_len) && inbox_is_gone((struct span){ json, len })
		? inbox_gone(s, key + 6, key_len - 6) : st;
}

enum status store_set(struct store *s, const char *key, const char *json, size_t len)
{
	size_t n = strlen(key);
	MDB_val old;
	enum status st = store_need(s, STORE_WRITE);

	if (st == ST_OK)
		st = key_check(key, n);
	if (st == ST_OK && json)
		st = json_valid(json, len);
	if (st != ST_OK)
		return st;
	st = db_get(s, T_SETTING, key, n, &old);
	if (st != ST_OK && st != ST_NOTFOUND)
		return st;
	if (json ? st == ST_OK && old.mv_size == len && !memcmp(old.mv_data, json, len) : st == ST_NOTFOUND)
		return ST_OK;
	if (st == ST_OK && is_inbox(key, n) && inbox_is_gone((struct span){ old.mv_data, old.mv_size }))
		return st_fail(ST_BAD, "setting %s: the inbox was removed, and its mail is its successor's", key);
	buf_clear(&s->entry);
	json_open(&s->entry, NULL, '{');
	json_str(&s->entry, "key", key, n);
	if (json)
		json_raw(&s->entry, "value", json, len);
	json_close(&s->entry, '}');
	if (!buf_ok(&s->entry))
		return st_fail(ST_NOMEM, "setting %s: out of memory", key);
	st = journal_add(s, PACK_SETTING, s->entry.p, s->entry.len);
	return st == ST_OK ? setting_apply(s, key, n, json, len) : st;
}

enum status store_get(struct store *s, const char *key, struct buf *json_out)
{
	MDB_val v;
	size_t n = strlen(key);
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK && (n == 0 || n > SETTING_KEY_MAX_BYTES))
		st = ST_NOTFOUND;
	if (st == ST_OK)
		st = db_get(s, T_SETTING, key, n, &v);
	if (st == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "tenant %s has no setting %.400s", s->tenant, key);
	if (st != ST_OK)
		return st;
	buf_clear(json_out);
	buf_add(json_out, v.mv_data, v.mv_size);
	return buf_ok(json_out) ? ST_OK : st_fail(ST_NOMEM, "setting %s: out of memory", key);
}

enum status store_settings(struct store *s, const char *prefix,
	enum status (*fn)(void *arg, const char *key, struct span json), void *arg)
{
	char key[SETTING_KEY_MAX_BYTES + 1];
	size_t n = strlen(prefix);
	MDB_val k = { n, (void *)prefix }, v;
	MDB_cursor *c = NULL;
	enum status st = store_need(s, STORE_READ);

	if (st == ST_OK)
		st = db_cursor(s, T_SETTING, &c);
	if (st == ST_OK)
		st = db_step(s, c, &k, &v, n ? MDB_SET_RANGE : MDB_FIRST);
	while (st == ST_OK && k.mv_size >= n && k.mv_size < sizeof key && !memcmp(k.mv_data, prefix, n)) {
		memcpy(key, k.mv_data, k.mv_size);
		key[k.mv_size] = '\0';
		st = fn(arg, key, (struct span){ v.mv_data, v.mv_size });
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	return st == ST_END ? ST_OK : st;
}

/* ---- events: keyed by date and content, so that the same event twice is one ---- */

static int64_t event_date(struct span e)
{
	struct buf b = { 0 };
	int64_t t = 0;
	struct span when = json_get(e, "time");
	int zone;
	bool known;

	if (json_get_int(when, &t))
		return t;
	if (json_type(when) != '"' || !json_text(when, &b) || date_parse(b.p, b.len, &t, &zone, &known) != ST_OK)
		t = 0;
	buf_free(&b);
	return t;
}

enum status event_apply(struct store *s, const char *json, size_t len)
{
	uint8_t key[8 + ID16];
	MDB_val old;
	enum status st;

	key_date(key, event_date((struct span){ json, len }));
	st = hash16("", json, len, key + 8);
	if (st == ST_OK)
		st = db_get(s, T_EVENT, key, sizeof key, &old);
	if (st != ST_NOTFOUND)
		return st;
	st = journal_add(s, PACK_EVENT, json, len);
	if (st == ST_OK)
		st = db_put(s, T_EVENT, key, sizeof key, json, len);
	if (st == ST_OK)
		s->state.events++;
	return st;
}

enum status store_event(struct store *s, const char *json, size_t len)
{
	enum status st = store_need(s, STORE_WRITE);

	if (st == ST_OK)
		st = json_valid(json, len);
	if (st == ST_OK && (!len || *json != '{'))
		st = st_fail(ST_BAD, "an event is a JSON object");
	return st == ST_OK ? event_apply(s, json, len) : st;
}

enum status store_events(struct store *s, int64_t since, int64_t before, store_json_fn fn, void *arg)
{
	uint8_t from[8];
	MDB_val k = { sizeof from, from }, v;
	MDB_cursor *c = NULL;
	enum status st = store_need(s, STORE_READ);

	key_date(from, since);
	if (st == ST_OK)
		st = db_cursor(s, T_EVENT, &c);
	if (st == ST_OK)
		st = db_step(s, c, &k, &v, since ? MDB_SET_RANGE : MDB_FIRST);
	while (st == ST_OK && (!before || key_get_date(k.mv_data) < before)) {
		st = fn(arg, (struct span){ v.mv_data, v.mv_size });
		if (st == ST_OK)
			st = db_step(s, c, &k, &v, MDB_NEXT);
	}
	if (c)
		mdb_cursor_close(c);
	return st == ST_END ? ST_OK : st;
}
