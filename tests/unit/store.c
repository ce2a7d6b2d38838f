/* The store's promises that programs cannot show: statuses, what is refused, settings and events. */
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "store.h"
#include "store_priv.h"

#define CHECK(x) do { if (!(x)) { printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #x, st_text()); exit(1); } } while (0)

static char home[] = "/tmp/weir-unit-XXXXXX";
static struct roots *roots;
static int seen;

static enum status count(void *arg, const char *key, struct span json)
{
	seen++;
	return ST_OK;
}

static enum status count_json(void *arg, struct span json)
{
	seen++;
	return ST_OK;
}

static enum status count_message(void *arg, const struct store_message *m)
{
	CHECK(json_valid(m->json.p, m->json.len) == ST_OK);
	seen++;
	return ST_OK;
}

static enum status count_thread(void *arg, const struct store_thread *t)
{
	CHECK(json_valid(t->json.p, t->json.len) == ST_OK);
	seen++;
	return arg ? ST_END : ST_OK;
}

static void test_settings(void)
{
	struct store *s = NULL, *again = NULL;
	struct buf b = { 0 };

	CHECK(store_open(home, "acme", STORE_WRITE, &s) == ST_NOTFOUND);
	CHECK(store_create(home, "no/name") == ST_BAD);
	CHECK(store_create(home, "acme") == ST_OK && store_create(home, "acme") == ST_EXISTS);
	CHECK(store_open(home, "acme", STORE_WRITE, &s) == ST_OK);
	CHECK(store_open(home, "acme", STORE_READ, &again) == ST_BUG && !again);
	CHECK(store_set(s, "a", "1", 1) == ST_BUG);
	CHECK(store_begin(s) == ST_OK && store_begin(s) == ST_BUG);
	CHECK(store_set(s, "address/info@x.example", "{\"inbox\":\"a\"}", 13) == ST_OK);
	CHECK(store_set(s, "address/\xc3\xbc@x.example", "{}", 2) == ST_OK);
	CHECK(store_set(s, "policy/x", "\"hold\"", 6) == ST_OK);
	CHECK(store_set(s, "Upper", "1", 1) == ST_BAD && store_set(s, "", "1", 1) == ST_BAD && store_set(s, "a b", "1", 1) == ST_BAD);
	CHECK(store_set(s, "bad", "{", 1) == ST_BAD);
	CHECK(store_get(s, "policy/x", &b) == ST_OK && !strcmp(b.p, "\"hold\""));
	CHECK(store_get(s, "policy/y", &b) == ST_NOTFOUND);
	CHECK(store_event(s, "{\"time\":\"2026-11-23T06:00:00Z\",\"x\":1}", 37) == ST_OK);
	CHECK(store_event(s, "{\"time\":\"2026-11-23T06:00:00Z\",\"x\":1}", 37) == ST_OK);
	CHECK(store_event(s, "{\"time\":100}", 12) == ST_OK && store_event(s, "[]", 2) == ST_BAD);
	CHECK(store_commit(s) == ST_OK);
	CHECK(store_begin(s) == ST_OK && store_set(s, "policy/x", NULL, 0) == ST_OK);
	store_abort(s);
	CHECK(store_begin(s) == ST_OK);
	seen = 0;
	CHECK(store_settings(s, "address/", count, NULL) == ST_OK && seen == 2);
	CHECK(store_settings(s, "", count, NULL) == ST_OK && seen == 5);	/* the abort kept policy/x */
	seen = 0;
	CHECK(store_events(s, 0, 0, count_json, NULL) == ST_OK && seen == 2);
	CHECK(store_events(s, 101, 0, count_json, NULL) == ST_OK && seen == 3);
	CHECK(store_events(s, 0, 100, count_json, NULL) == ST_OK && seen == 3);
	CHECK(store_commit(s) == ST_OK);
	store_close(&s);
	CHECK(!s);
	buf_free(&b);
}

static void put(struct store *s, const char *path, const char *raw, const char *message, const char *address, enum status want)
{
	uint8_t sum[DIGEST_BYTES];
	char hex[DIGEST_HEX + 1];
	struct buf b = { 0 };
	struct rec rec;
	struct store_result r;
	enum status st;

	CHECK(file_write_at(AT_FDCWD, path, raw, strlen(raw), false) == ST_OK);
	CHECK(digest_of(raw, strlen(raw), sum) == ST_OK);
	hex_of(sum, sizeof sum, hex);
	if (want == ST_BAD)	/* the bytes changed since */
		CHECK(file_write_at(AT_FDCWD, path, "XXXXXXXXXXXXXXXX", strlen(raw), false) == ST_OK);
	buf_fmt(&b, "{\"weir\":1,\"id\":\"%s\",\"raw\":{\"path\":\"%s\",\"size\":%zu},\"message\":%s,\"parts\":[],\"defects\":[],"
		"\"tenant\":\"acme\",\"recipients\":[{\"rcpt\":\"%s\",\"address\":\"%s\",\"inbox\":\"in\",\"match\":\"exact\"}],"
		"\"auth\":{},\"attachments\":[],\"scan\":{\"verdict\":\"clean\"}}", hex, path, strlen(raw), message, address, address);
	CHECK(rec_parse(&rec, b.p, b.len) == ST_OK);
	st = store_put(s, roots, &rec, NULL, &r);
	if (st != want) {
		printf("put: %d, not %d (%s)\n", st, want, st_text());
		exit(1);
	}
	buf_free(&b);
}

static void test_messages(void)
{
	struct store *s = NULL;
	struct store_query q = { 0 };
	struct store_counts n;
	char path[64];

	snprintf(path, sizeof path, "%s/m", home);
	CHECK(store_open(home, "acme", STORE_WRITE, &s) == ST_OK && store_begin(s) == ST_OK);
	put(s, path, "message one", "{\"message_id\":\"1@x\",\"references\":[\"0@x\"],\"date\":{\"unix\":100}}", "a@x", ST_OK);
	put(s, path, "message two", "{\"message_id\":\"2@x\",\"references\":[\"0@x\"],\"date\":{\"unix\":50}}", "b@x", ST_OK);
	put(s, path, "message bad", "{\"message_id\":\"3@x\"}", "b@x", ST_BAD);
	put(s, path, "message two", "{\"message_id\":\"2@x\",\"references\":[\"0@x\"],\"date\":{\"unix\":50}}", "a@x", ST_OK);
	put(s, path, "Received: from a\n\tby b; Sat, 01 Jan 2000 00:00:00 +0000\n\nno date", "{\"from\":[{\"name\":\"\",\"address\":\"p@x\"}]}", "c@x", ST_OK);
	CHECK(store_commit(s) == ST_OK && store_begin(s) == ST_OK);
	CHECK(store_count(s, &n) == ST_OK && n.messages == 3 && n.threads == 2 && n.deliveries == 4);
	seen = 0;
	CHECK(store_messages(s, &q, count_message, NULL) == ST_OK && seen == 3);
	q = (struct store_query){ .address = "a@x" };
	CHECK(store_messages(s, &q, count_message, NULL) == ST_OK && seen == 5);
	q = (struct store_query){ .address = "a@x", .since = 51, .newest_first = true };
	CHECK(store_messages(s, &q, count_message, NULL) == ST_OK && seen == 6);
	q = (struct store_query){ .before = 946684800 };
	CHECK(store_messages(s, &q, count_message, NULL) == ST_OK && seen == 8);
	q = (struct store_query){ .since = 946684800, .inbox = "in" };
	CHECK(store_messages(s, &q, count_message, NULL) == ST_OK && seen == 9);
	q = (struct store_query){ .inbox = "in", .address = "c@x", .newest_first = true, .limit = 1 };
	CHECK(store_messages(s, &q, count_message, NULL) == ST_OK && seen == 10);
	seen = 0;
	q = (struct store_query){ 0 };
	CHECK(store_threads(s, &q, count_thread, NULL) == ST_OK && seen == 2);
	CHECK(store_threads(s, &q, count_thread, &q) == ST_OK && seen == 3);	/* ST_END stops */
	q.address = "c@x";
	CHECK(store_threads(s, &q, count_thread, NULL) == ST_OK && seen == 4);
	CHECK(store_thread(s, "12345", count_thread, NULL) == ST_BAD && store_message(s, "zzzzzz", count_message, NULL) == ST_BAD);
	CHECK(store_message(s, "0000000", count_message, NULL) == ST_NOTFOUND);
	CHECK(store_commit(s) == ST_OK);
	store_close(&s);
}

static void test_schema(void)
{
	struct store *s = NULL, *old = NULL;
	const uint32_t newer = STORE_SCHEMA + 1;

	CHECK(store_open(home, "acme", STORE_WRITE, &s) == ST_OK && store_begin(s) == ST_OK);
	CHECK(db_put(s, T_META, "schema", 6, &newer, sizeof newer) == ST_OK);
	CHECK(mdb_txn_commit(s->txn) == 0);
	s->txn = NULL;
	store_unlock(s);
	CHECK(store_begin(s) == ST_CONFIG);	/* seen by those who have it open, too */
	store_close(&s);
	CHECK(store_open(home, "acme", STORE_READ, &old) == ST_CONFIG && !old);
}

int main(void)
{
	CHECK(mkdtemp(home) && roots_new(&roots) == ST_OK && roots_add(roots, home) == ST_OK);
	test_settings();
	test_messages();
	test_schema();
	roots_free(&roots);
	CHECK(file_rmtree(AT_FDCWD, home) == ST_OK);
	puts("ok");
	return 0;
}
