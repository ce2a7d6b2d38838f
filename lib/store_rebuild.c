/*
 * store_rebuild.c - the index again from the journal.
 *
 * Every finished batch is replayed through the functions that made it, into entities.rebuild, which then takes the
 * place of entities. Entries behind the last finished batch were never promised to anyone and are left out,
 * unless damage lies among them: then the mark that finished them may be what was damaged, and mail is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "store_priv.h"

#define REBUILD_NAME "entities.rebuild"
#define COMMIT_ENTRIES 5000

struct entry { enum pack_kind kind; struct pack_loc loc; uint8_t digest[DIGEST_BYTES]; size_t len, at; };

struct replay {
	struct store *s;
	struct buf entries, bytes;	/* of the unfinished batch: struct entry, payloads other than blobs */
	bool damage;			/* in it */
	struct pack_loc end;		/* of what was looked at */
	uint64_t since_commit;
	struct store_rebuilt *found;
};

static enum status replay_blob(struct store *s, const struct entry *e)
{
	struct sha_row row;
	enum status st = sha_get(s, e->digest, &row);

	if (st != ST_OK || row.where != BLOB_NOWHERE)
		return st;
	row.where = BLOB_IN_PACK;
	row.loc = e->loc;
	row.size = e->len;
	return sha_put(s, e->digest, &row);
}

static enum status replay_setting(struct store *s, struct span json)
{
	struct span value = json_get(json, "value");
	enum status st;

	buf_clear(&s->entry);
	json_text(json_get(json, "key"), &s->entry);
	if (!s->entry.len)
		return st_fail(ST_BAD, "journal: a setting without name");
	st = setting_apply(s, s->entry.p, s->entry.len, value.p, value.len);
	return st;
}

static enum status replay_entry(struct store *s, const struct entry *e, struct span json)
{
	struct store_result result = { 0 };
	uint8_t id[DIGEST_BYTES];
	bool is_new;
	enum status st;

	if (e->kind == PACK_BLOB)
		return replay_blob(s, e);
	st = json_valid(json.p, json.len);
	if (st != ST_OK)
		return st;
	switch (e->kind) {
	case PACK_MESSAGE:
		st = entity_from_journal(json, &s->entity);
		return st == ST_OK ? entity_apply(s, &s->entity, &result) : st;
	case PACK_DELIVERY:
		st = delivery_from_journal(json, id, &s->delivery);
		return st == ST_OK ? delivery_apply(s, id, &s->delivery, &is_new) : st;
	case PACK_EVENT:
		return event_apply(s, json.p, json.len);
	case PACK_SETTING:
		return replay_setting(s, json);
	default:
		return st_fail(ST_BAD, "journal: an entry of kind %d", (int)e->kind);
	}
}

static enum status batch_apply(struct replay *r)
{
	const struct entry *e = (const struct entry *)(const void *)r->entries.p;
	size_t n = r->entries.len / sizeof *e;
	enum status st = ST_OK;

	if (!buf_ok(&r->entries) || !buf_ok(&r->bytes))
		return st_fail(ST_NOMEM, "rebuild: out of memory");
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		st = replay_entry(r->s, &e[i], (struct span){ r->bytes.p + e[i].at, e[i].len });
		if (st == ST_BAD || st == ST_LIMIT) {	/* its message's entry is among the damage, say */
			r->found->unusable++;
			st = ST_OK;
		}
	}
	r->since_commit += n;
	r->s->state.tail = r->end;
	r->damage = false;
	buf_clear(&r->entries);
	buf_clear(&r->bytes);
	return st;
}

static enum status index_commit(struct replay *r)
{
	struct store *s = r->s;
	enum status st = state_save(s);
	int rc;

	if (st != ST_OK)
		return st;
	rc = mdb_txn_commit(s->txn);
	s->txn = NULL;
	if (!rc)
		rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	r->since_commit = 0;
	return rc ? store_mdb(s, rc, "commit") : ST_OK;
}

static enum status take_entry(void *arg, const struct pack_entry *e)
{
	struct replay *r = arg;
	struct entry keep = { .kind = e->kind, .loc = e->loc, .len = e->len, .at = r->bytes.len };
	enum status st = ST_OK;

	r->end = e->end;
	if (e->kind == PACK_DAMAGE) {
		r->damage = true;
		r->found->damaged_places++;
		r->found->damaged_bytes += e->len;
		return ST_OK;
	}
	if (e->kind == PACK_COMMIT) {
		r->s->state.batches++;
		st = batch_apply(r);
		return st == ST_OK && r->since_commit >= COMMIT_ENTRIES ? index_commit(r) : st;
	}
	memcpy(keep.digest, e->digest, DIGEST_BYTES);
	buf_add(&r->entries, &keep, sizeof keep);
	if (e->kind != PACK_BLOB)
		buf_add(&r->bytes, e->p, e->len);
	return ST_OK;
}

static enum status replay_all(struct store *s, struct store_rebuilt *found)
{
	struct replay r = { .s = s, .found = found };
	int rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	enum status st = rc ? store_mdb(s, rc, "begin") : pack_scan(s->pack_fd, (struct pack_loc){ 0 }, take_entry, &r);

	if (st == ST_OK && r.entries.len && r.damage)
		st = batch_apply(&r);
	else
		found->unfinished = r.entries.len / sizeof(struct entry);
	if (st == ST_OK)
		st = state_save(s);
	if (st == ST_OK) {
		rc = mdb_txn_commit(s->txn);
		s->txn = NULL;
		if (!rc)
			rc = mdb_env_sync(s->env, 1);
		if (rc)
			st = store_mdb(s, rc, "commit");
	}
	if (s->txn)
		mdb_txn_abort(s->txn);
	s->txn = NULL;
	buf_free(&r.entries);
	buf_free(&r.bytes);
	return st;
}

/* Finished batches behind the place that the index knows: it is older than the journal (a commit that
 * failed after the journal was synced, an index out of a backup, a lost meta page). They are mail that may have been
 * acknowledged, so they are taken in, never cut off. Within a write transaction, which is renewed. */
enum status store_catch_up(struct store *s)
{
	struct store_rebuilt found = { 0 };
	struct replay r = { .s = s, .found = &found };
	uint64_t before = s->state.batches;
	enum status st;

	if (!pack_more(s->pack_fd, s->state.tail))
		return ST_OK;
	s->replay = true;
	st = pack_scan(s->pack_fd, s->state.tail, take_entry, &r);
	s->replay = false;
	if (st == ST_OK && s->state.batches != before)
		st = index_commit(&r);
	buf_free(&r.entries);
	buf_free(&r.bytes);
	s->state_before = s->state;
	return st;
}

/* The new index in the old one's place, at no moment none. */
static enum status take_place(struct store *s)
{
	if (renameat2(s->dir_fd, REBUILD_NAME, s->dir_fd, "entities", RENAME_EXCHANGE) < 0
			&& renameat(s->dir_fd, REBUILD_NAME, s->dir_fd, "entities") < 0)
		return st_fail_errno("tenant %s: entities", s->tenant);
	if (fsync(s->dir_fd) < 0)
		return st_fail_errno("tenant %s", s->tenant);
	return file_rmtree(s->dir_fd, REBUILD_NAME);
}

static enum status rebuild_locked(struct store *s, struct store_rebuilt *found)
{
	enum status st = file_rmtree(s->dir_fd, REBUILD_NAME);

	if (st == ST_OK && mkdirat(s->dir_fd, REBUILD_NAME, 0700) < 0)
		st = st_fail_errno("tenant %s: %s", s->tenant, REBUILD_NAME);
	if (st != ST_OK)
		return st;
	s->mode = STORE_WRITE;
	s->entities = REBUILD_NAME;
	s->replay = true;
	st = store_env_open(s, true);
	if (st == ST_OK) {
		mdb_env_set_flags(s->env, MDB_NOSYNC, 1);	/* nobody needs it before it is whole */
		st = replay_all(s, found);
		store_extend(s);
		store_env_close(s);
	}
	if (st == ST_OK)
		return take_place(s);
	file_rmtree(s->dir_fd, REBUILD_NAME);
	return st;
}

enum status store_rebuild(const char *home, const char *tenant, struct store_rebuilt *found)
{
	struct store *s;
	enum status st = store_dir_open(home, tenant, &s);

	*found = (struct store_rebuilt){ 0 };
	if (st != ST_OK)
		return st;
	st = store_lock(s);
	if (st == ST_OK)
		st = store_blobs_open(s);
	if (st == ST_OK)
		st = rebuild_locked(s, found);
	store_free(s);
	return st;
}
