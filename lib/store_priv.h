/*
 * store_priv.h - what the store_*.c files share. Not for others.
 *
 * Tables of entities/ (keys big endian, so that they sort as numbers do; rows in this machine's order: the
 * environment never leaves it, the journal does):
 *
 *   meta         "schema" | "state" | "tenant"
 *   msg          seq                          struct msg_row, content, provenance
 *   sha          SHA-256                      struct sha_row: where the blob is, which message has this id
 *   node         node                         component
 *   comp         component                    struct comp_row
 *   comp_node    component node               (nothing)
 *   thread_msg   component date id16          seq
 *   thread_last  date of last message, node   component
 *   date         date id16                    seq
 *   addr         hash16 date id16             seq        (hash16 of "a:ADDRESS", of "i:INBOX" as it is called today, and of
 *                                                        "c:" with content and address, as they stand in JSON)
 *   delivery     seq hash16(address)          u32 length of content, content, provenance
 *   event        date hash16(JSON)            JSON
 *   setting      name                         JSON
 *
 * Content is what the digest covers and what is the same for every arrival of a message; provenance (which engine, which
 * spool file) is that of the first arrival.
 */
#ifndef WEIR_STORE_PRIV_H
#define WEIR_STORE_PRIV_H

#include <lmdb.h>
#include "buf.h"
#include "pack.h"
#include "store.h"

enum table { T_META, T_MSG, T_SHA, T_NODE, T_COMP, T_COMP_NODE, T_THREAD_MSG, T_THREAD_LAST,
	T_DATE, T_ADDR, T_DELIVERY, T_EVENT, T_SETTING, TABLES };

#define ID16 16			/* so much of a digest makes keys unique */

struct state {			/* meta "state" */
	uint64_t next_seq, next_comp;
	uint64_t messages, deliveries, attachments, threads, events;
	uint64_t batches;
	struct pack_loc tail;	/* of the journal */
};

enum blob_where { BLOB_NOWHERE, BLOB_IN_PACK, BLOB_IN_FILE };

struct sha_row {
	uint64_t seq;		/* the message with this id; 0: none */
	uint64_t refs;		/* how many entities name this blob; 0: nobody, it is not there for readers */
	uint64_t size;
	uint32_t where, zero;	/* enum blob_where */
	struct pack_loc loc;	/* BLOB_IN_PACK */
};

struct msg_row {
	uint8_t id[DIGEST_BYTES];
	struct node node;
	int64_t date;
	uint32_t attachments, content_len, extra_len, zero;
	/* content_len bytes of content, extra_len bytes of provenance */
};

struct comp_row {
	uint64_t nodes, messages, attachments;
	int64_t last;		/* date of the last message, as in thread_last */
	struct node min;	/* the public id */
};

struct entity_blob { uint8_t sha[DIGEST_BYTES]; uint64_t size; struct span path; int64_t offset; };	/* path p NULL: not said */
struct entity {
	uint8_t id[DIGEST_BYTES];
	struct node node, links[THREAD_MAX_LINKS];
	size_t link_n;
	int64_t date;
	bool has_date;
	uint32_t attachments;
	struct buf content, extra;	/* JSON members without braces; the last of content is "scan", extra belongs into it */
	struct entity_blob raw, *blobs;	/* blobs: attachments that are kept */
	size_t blob_n, blob_cap;
	struct buf paths;		/* what the paths point into */
};
struct delivery { uint8_t hash[ID16]; struct buf address, inbox, content, extra; };

struct copies { bool known; int64_t window_ms; struct buf except; };	/* what the setting says, for one transaction */

struct made_file { struct made_file *next; uint8_t sha[DIGEST_BYTES]; };

struct store {
	char *tenant, *path;		/* HOME/tenants/TENANT */
	enum store_mode mode;
	const char *entities;		/* folder's name: "entities", or another one during a rebuild */
	MDB_env *env;
	uint64_t env_ino;
	MDB_dbi dbi[TABLES];
	MDB_txn *txn;
	int dir_fd, blob_fd, pack_fd, lock_fd;
	struct state state, state_before;
	struct pack_writer *journal;
	struct pack_reader reader;
	bool journal_ready;		/* its end is where state.tail says */
	bool replay;			/* a rebuild: entries come from the journal, none go there */
	bool settings_changed;
	struct made_file *made;		/* blob files of this batch */
	unsigned temp_count;
	bool temp_swept;
	struct digest digest;
	struct entity entity;		/* of one put */
	struct delivery delivery;
	struct buf raw, entry, scratch;
	struct copies copies;
	struct span raw_path;		/* the file raw was read from; p NULL: raw holds none */
	struct store *next;		/* all open ones */
};

/* ---- store_env.c ---- */
/* What an LMDB result means; `what` for the text. MDB_NOTFOUND is ST_NOTFOUND with a text. */
enum status store_mdb(const struct store *s, int rc, const char *what);
enum status db_get(struct store *s, enum table t, const void *key, size_t n, MDB_val *out);	/* ST_NOTFOUND sets no text */
enum status db_put(struct store *s, enum table t, const void *key, size_t n, const void *p, size_t len);
enum status db_reserve(struct store *s, enum table t, const void *key, size_t n, size_t len, bool append, void **out);
enum status db_del(struct store *s, enum table t, const void *key, size_t n);	/* missing is OK */
enum status db_cursor(struct store *s, enum table t, MDB_cursor **out);
/* A cursor step as a status: ST_END where there is nothing. */
enum status db_step(struct store *s, MDB_cursor *c, MDB_val *k, MDB_val *v, MDB_cursor_op op);
enum status schema_check(struct store *s);
uint64_t data_inode(const struct store *s);	/* which file the name leads to now */
enum status store_env_open(struct store *s, bool create);
void store_env_close(struct store *s);
/* ---- store.c ---- */
enum status store_dir_open(const char *home, const char *tenant, struct store **out);
enum status store_blobs_open(struct store *s);
void store_free(struct store *s);
void store_extend(struct store *s);	/* makes data.mdb as long as it says it is */
enum status store_need(struct store *s, enum store_mode mode);	/* ST_BUG outside such a transaction */
enum status store_lock(struct store *s);
void store_unlock(struct store *s);
enum status journal_add(struct store *s, enum pack_kind kind, const void *p, size_t n);
enum status state_save(struct store *s);
enum status state_load(struct store *s);

/* ---- keys ---- */
void key_u64(uint8_t *p, uint64_t v);
uint64_t key_get_u64(const uint8_t *p);
void key_date(uint8_t *p, int64_t date);	/* 8 bytes that sort as the dates do */
int64_t key_get_date(const uint8_t *p);
enum status hash16(const char *prefix, const char *s, size_t n, uint8_t out[ID16]);

/* ---- store_rebuild.c ---- */
enum status store_catch_up(struct store *s);

/* ---- store_entity.c: what is kept of a record ---- */
void entity_free(struct entity *e);
/* e: zeroed, or used before. d: any that is not in use. allowed: written into scan (NULL: not). ST_BAD. */
enum status entity_from_record(const struct rec *rec, const char *allowed, struct digest *d, struct entity *e);
enum status entity_from_journal(struct span json, struct entity *e);
/* The journal's entry for it (b is cleared first). */
enum status entity_journal(const struct entity *e, struct buf *b);
/* Content and provenance as the members readers get. */
void entity_join(struct span content, struct span extra, struct buf *b);
/* Whether content a stays where a and b both claim to be the same message: what was taken out stays out. */
bool entity_wins(struct span a, struct span b);
/* What the blobs of stored content are: raw first, then each attachment that is kept. */
enum status content_blobs(struct span content, enum status (*fn)(void *arg, const uint8_t *sha, uint64_t size), void *arg);
/* A member of text without braces. */
struct span member_get(struct span members, const char *key);
int64_t date_clamp(int64_t t);
/* The date of the topmost Received field (RFC 5322 3.6.7) of a message that has no usable Date; false: none. */
bool received_date(const char *raw, size_t n, int64_t *out);

void delivery_free(struct delivery *d);
enum status delivery_from_record(const struct rec *rec, struct span recipient, struct delivery *d);
enum status delivery_from_journal(struct span json, uint8_t id_out[DIGEST_BYTES], struct delivery *d);
enum status delivery_journal(const uint8_t id[DIGEST_BYTES], const struct delivery *d, struct buf *b);

/* ---- store_copies.c ---- */
/* Appends "content":"1:HEX" to a message's members, or nothing if it cannot be said what it says. */
enum status copies_content(const struct rec *rec, struct digest *d, struct buf *b);
/* What a message says, out of its members: "1:HEX", or "" where it is not known. A copy: rows move when others are written. */
#define COPIES_ID_MAX 80
void copies_said(struct span message, char out[COPIES_ID_MAX]);
/* Under what hash a delivery (members without braces) of it stands in addr; *out false: under none. */
enum status copies_hash(const char *said, struct span delivery, uint8_t hash[ID16], bool *out);
/* The id of the message that this delivery is a duplicate of. ST_NOTFOUND, without a text. */
enum status copies_earlier(struct store *s, const struct msg_row *m, struct span message, struct span delivery, uint8_t id_out[DIGEST_BYTES]);
/* Replaces the name of an inbox that was removed by what came in its place. */
enum status inbox_today(struct store *s, struct buf *name);
/* Whether the setting of an inbox says that it was removed; and what follows for the index when it is stored. */
bool inbox_is_gone(struct span setting);
enum status inbox_gone(struct store *s, const char *inbox, size_t n);

/* ---- store_blob.c ---- */
/* The row, zeroed if there is none. */
enum status sha_get(struct store *s, const uint8_t *sha, struct sha_row *out);
enum status sha_put(struct store *s, const uint8_t *sha, const struct sha_row *row);
enum status blob_put(struct store *s, const uint8_t *sha, const void *p, size_t n);	/* the caller checked the digest */
/* Copies what the record names into the store unless it is there; bytes with another digest are ST_BAD. Small ones stay in s->raw if
 * keep: what lies in the same file is then taken from there. */
enum status blob_put_from(struct store *s, const struct roots *roots, const struct entity_blob *b, bool keep);
enum status blob_ref(struct store *s, const uint8_t *sha, uint64_t size, int by);
bool blob_file_size(struct store *s, const uint8_t *sha, uint64_t *size_out);	/* false: there is no such file */
enum status blob_files_sync(struct store *s);
void blob_files_undo(struct store *s);
void blob_path(const uint8_t *sha, char out[80]);

/* ---- store_put.c ---- */
#define DELIVERY_KEY	(8 + ID16)
#define ADDR_KEY	(ID16 + 8 + ID16)
#define DATE_KEY	(8 + ID16)
void date_index_key(uint8_t key[DATE_KEY], const struct msg_row *m);
void addr_index_key(uint8_t key[ADDR_KEY], const uint8_t hash[ID16], const struct msg_row *m);
/* The two parts of a delivery's row. False: damaged. */
bool delivery_split(MDB_val v, struct span *content_out, struct span *extra_out);
#define DELIVERY_HASHES 3	/* address, inbox, content */
/* Under what a delivery of a message is found. *n_out: two, or three if its content is known. */
enum status delivery_hashes(struct store *s, const char *said, struct span content, uint8_t hash[DELIVERY_HASHES][ID16], int *n_out);
enum status entity_apply(struct store *s, const struct entity *e, struct store_result *out);
enum status delivery_apply(struct store *s, const uint8_t *id, const struct delivery *d, bool *new_out);
/* Called by settings and replay alike. */
enum status setting_apply(struct store *s, const char *key, size_t key_len, const char *json, size_t len);
enum status event_apply(struct store *s, const char *json, size_t len);

/* ---- store_threads.c ---- */
enum status comp_of(struct store *s, const struct node *n, uint64_t *comp_out);	/* ST_NOTFOUND */
enum status comp_get(struct store *s, uint64_t comp, struct comp_row *out);
/* Makes one component of all these nodes; new nodes are added. */
enum status threads_union(struct store *s, const struct node *self, const struct node *links, size_t n, uint64_t *comp_out);
enum status threads_add(struct store *s, uint64_t comp, const struct msg_row *m, uint64_t seq);
enum status threads_remove(struct store *s, uint64_t comp, const struct msg_row *m);

/* ---- store_read.c ---- */
enum status msg_get(struct store *s, uint64_t seq, struct msg_row *row_out, struct span *content_out, struct span *extra_out);
enum status stored_message_json(struct store *s, uint64_t seq, const struct msg_row *m, struct span content, struct span extra, const struct node *thread, struct buf *b);

#endif
