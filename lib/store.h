/*
 * store.h - one tenant's store: entities in LMDB, bytes in files, weir-store(5).
 *
 * Layout of HOME/tenants/NAME: entities/ (LMDB), blobs/ (pack files for small blobs and the journal, ab/abcd... for
 * large ones), keys/, lock. The journal (in the packs) is the truth: every change is appended there as a framed, checksummed entry before
 * the LMDB commit, and store_rebuild makes the whole LMDB environment again from it.
 * Traps: one struct store per tenant and process (opening twice is refused: ST_BUG); never across fork; values handed to callbacks are
 * borrowed until the callback returns; no pipe I/O inside a write transaction: put a whole batch, commit, then print.
 * Every call names a tenant through its struct store; nothing here can reach another one.
 */
#ifndef WEIR_STORE_H
#define WEIR_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "digest.h"
#include "json.h"
#include "record.h"
#include "status.h"
#include "thread.h"

#define STORE_SCHEMA 1
#define STORE_MAP_BYTES (64ull << 30)	/* sparse: the file grows on demand */
#define BLOB_PACK_MAX_BYTES (256u << 10)	/* larger blobs get a file of their own: 0.1 ms CPU, 0.2 ms wall each, measured at 200 KB */

struct store;
enum store_mode { STORE_READ, STORE_WRITE };

/* Makes the tenant's folders and an empty store. ST_EXISTS, ST_BAD (name), ST_IO. */
enum status store_create(const char *home, const char *tenant);
/* The tenant's folder with all its mail and keys; what stands in routes is settings_change()'s to take away, before. A process that has the
 * store open keeps it until it closes it, and writes to nowhere. The store must not be open here. ST_NOTFOUND. */
enum status store_remove(const char *home, const char *tenant);
/* ST_NOTFOUND no such tenant; ST_CONFIG unknown (newer) schema; ST_BAD damaged (the text says --rebuild); ST_AGAIN. */
enum status store_open(const char *home, const char *tenant, enum store_mode mode, struct store **out);
void store_close(struct store **st);
const char *store_tenant(const struct store *st);
/* Calls each() for every tenant's name under home, in order. */
enum status store_tenants(const char *home, enum status (*each)(void *arg, const char *tenant), void *arg);

/* ---- transactions: reads see one snapshot between begin and end ---- */
enum status store_begin(struct store *st);	/* write: takes the tenant's lock */
enum status store_commit(struct store *st);	/* write: journal synced, then LMDB; read: just ends */
void store_abort(struct store *st);		/* nothing of the batch stays */

/* ---- messages ---- */
struct store_result { bool is_new; bool new_delivery; struct node node, thread; uint64_t seq; };
/* Stores what a record that has come through the pipeline says: raw bytes and attachments are read through `roots`, digests checked.
 * The caller has checked that delivery is allowed (auth, scan); allowed: why it went ahead without a scan (NULL: it did not), written into
 * the entity's scan. Idempotent. Within store_begin/commit.
 * The thread in out is the present one: a later put of the batch may merge it, so ask store_thread_of() before the commit.
 * ST_BAD (not the bytes the record names, not extracted), ST_NOTFOUND, ST_DENIED, ST_LIMIT: this record only; nothing of it
 * was stored, the batch may go on. Anything else (ST_IO, ST_NOMEM, ST_AGAIN map full): abort the batch. */
struct roots;
enum status store_put(struct store *st, const struct roots *roots, const struct rec *rec, const char *allowed, struct store_result *out);
/* The public id of the thread that a node is in. ST_NOTFOUND, without a text. */
enum status store_thread_of(struct store *st, const struct node *node, struct node *thread_out);

/* A message as readers see it. `json` is the entity of weir-record(5), "type":"message", complete with its present thread and deliveries. */
struct store_message { uint64_t seq; uint8_t id[DIGEST_BYTES]; int64_t date; struct node thread; struct span json; };
typedef enum status (*store_message_fn)(void *arg, const struct store_message *m);	/* ST_END stops, quietly */
/* By id: 64 hex digits, or a unique beginning of at least 6. ST_NOTFOUND, ST_BAD (ambiguous). */
enum status store_message(struct store *st, const char *id_hex, store_message_fn fn, void *arg);
struct store_query {
	const struct node *thread;	/* only of this thread */
	const char *address;		/* only delivered to this address (normal form) */
	const char *inbox;
	int64_t since, before;		/* unix seconds [since, before); 0: open */
	bool newest_first;
	uint64_t limit;			/* 0: all */
};
/* By date (then id). Streams: the first answer does not wait for the last. */
enum status store_messages(struct store *st, const struct store_query *q, store_message_fn fn, void *arg);

/* ---- threads ---- */
struct store_thread { struct node id; uint64_t messages, attachments; int64_t first, last; struct span json; /* entity "type":"thread": id, subject, participants, first, last, counts */ };
typedef enum status (*store_thread_fn)(void *arg, const struct store_thread *t);
/* Any node of it (also an id that a merge retired), or a unique beginning of >= 6 digits. */
enum status store_thread(struct store *st, const char *hex, store_thread_fn fn, void *arg);
/* By last message, newest first. address/inbox/since/before select threads that have such a message. */
enum status store_threads(struct store *st, const struct store_query *q, store_thread_fn fn, void *arg);

/* ---- attachments (filed under their thread) and blobs ---- */
typedef enum status (*store_json_fn)(void *arg, struct span json);
/* entity "type":"attachment": thread, message, part, filename, content_type, size, sha256, inline, cid, removed? */
enum status store_attachments(struct store *st, const struct store_query *q, store_json_fn fn, void *arg);
/* The blob's bytes to fn in pieces; the digest is checked at the end: ST_BAD if wrong, ST_NOTFOUND. */
enum status store_blob(struct store *st, const uint8_t sha256[DIGEST_BYTES], enum status (*fn)(void *arg, const void *p, size_t n), void *arg);
/* The whole into b. */
enum status store_blob_read(struct store *st, const uint8_t sha256[DIGEST_BYTES], struct buf *b);

/* ---- events and settings (journaled like all else) ---- */
/* Within a write transaction. The object's "time" (RFC 3339 text or unix seconds; none: 0) dates it. The same event twice is one. */
enum status store_event(struct store *st, const char *json, size_t len);
enum status store_events(struct store *st, int64_t since, int64_t before, store_json_fn fn, void *arg);
/* Two settings mean something here. inbox/NAME with a "successor": mail that was or will be delivered to it is found, and told, under
 * the successor's name; it cannot be changed again (ST_BAD). "duplicates" {"window_ms","except":[ADDRESS]}: a delivery has
 * "duplicate_of" if the tenant has a message that is not later, at most so much earlier, with the same content to the same address. */
#define DUPLICATES_DEFAULT_MS	180000	/* 3 minutes */
/* key: 1-400 bytes of UTF-8 without blanks, controls, A-Z, '"' and '\\', e.g. "address/info@x.example", "policy/scan.encrypted".
 * json NULL: delete. Within a write transaction. */
enum status store_set(struct store *st, const char *key, const char *json, size_t len);
enum status store_get(struct store *st, const char *key, struct buf *json_out);	/* ST_NOTFOUND */
enum status store_settings(struct store *st, const char *prefix, enum status (*fn)(void *arg, const char *key, struct span json), void *arg);

/* ---- whole-store ---- */
struct store_counts { uint64_t messages, threads, attachments, deliveries, events; };
enum status store_count(struct store *st, struct store_counts *out);
/* The same for the same set of messages and deliveries, in whatever order and batches they came. */
enum status store_digest(struct store *st, char hex_out[DIGEST_HEX + 1]);
/* Calls problem() for each thing that is wrong. ST_OK even then; *problems_out counts. */
enum status store_check(struct store *st, void (*problem)(void *arg, const char *line), void *arg, uint64_t *problems_out);
/* Makes entities/ again from blobs/ (beside the old one, then renamed). Holds the tenant's lock; the store must not be open here.
 * ST_OK even if the journal is damaged: *found says what could not be read, and then something may be missing. */
struct store_rebuilt { uint64_t damaged_places, damaged_bytes, unusable /* entries */, unfinished /* entries of a batch that never ended: left out */; };
enum status store_rebuild(const char *home, const char *tenant, struct store_rebuilt *found);
#endif
