/* rescan.c - see rescan.h. */
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "rescan.h"
#include "store.h"

struct ids { uint8_t (*id)[DIGEST_BYTES]; size_t n, cap; };

struct rescan {
	const struct rescan_opts *o;
	struct rescan_counts *c;
	struct ledger *ledger;
	struct store *store;
	struct ids ids;
	struct buf message, blob, line;
};

/* ---- collecting: one pass, 32 bytes a message, so that no transaction is open while scanning ---- */

static enum status collect(void *arg, const struct store_message *m)
{
	struct ids *ids = arg;

	if (ids->n == ids->cap) {
		size_t cap = ids->cap ? 2 * ids->cap : 1024;
		void *p = realloc(ids->id, cap * sizeof *ids->id);
		if (!p)
			return st_fail(ST_NOMEM, "no memory for %zu messages", cap);
		ids->id = p;
		ids->cap = cap;
	}
	memcpy(ids->id[ids->n++], m->id, DIGEST_BYTES);
	return ST_OK;
}

static enum status copy(void *arg, const struct store_message *m)
{
	struct buf *b = arg;

	buf_clear(b);
	buf_add(b, m->json.p, m->json.len);
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "no memory for a message");
}

/* ---- one object ---- */

static enum status say(struct rescan *r, const char *type, struct span att, const char *part,
	const char *sha256, const struct finding *f)
{
	static const char *const from_message[] = { "tenant", "id", "thread" };
	static const char *const keys[] = { "tenant", "message", "thread" };
	struct span m = { r->message.p, r->message.len };
	struct buf *b = &r->line;

	buf_clear(b);
	json_open(b, NULL, '{');
	json_int(b, "weir", 1);
	json_cstr(b, "type", type);
	for (int i = 0; i < 3; i++) {
		struct span v = json_get(m, from_message[i]);
		if (v.p)
			json_raw(b, keys[i], v.p, v.len);
	}
	json_cstr(b, "part", part);
	struct span name = json_get(att, "filename");
	if (name.p)
		json_raw(b, "filename", name.p, name.len);
	json_cstr(b, "sha256", sha256);
	if (f && f->verdict == VERDICT_INFECTED)
		json_cstr(b, "name", f->name);
	if (f && f->verdict == VERDICT_UNSCANNED)
		json_cstr(b, "reason", f->reason);
	json_close(b, '}');
	return buf_ok(b) ? r->o->line(r->o->arg, b->p, b->len) : st_fail(ST_NOMEM, "no memory for a line");
}

static bool known(struct rescan *r, const uint8_t *digest, bool raw, struct finding *f)
{
	return ledger_get(r->ledger, digest, LOOK_PART, f) == ST_OK
		|| (raw && ledger_get(r->ledger, digest, LOOK_PLAIN, f) == ST_OK);
}

static enum status look(struct rescan *r, const uint8_t *digest, struct finding *f)
{
	enum status st = store_begin(r->store);

	if (st != ST_OK)
		return st;
	st = store_blob_read(r->store, digest, &r->blob);
	store_abort(r->store);
	if (st != ST_OK) {
		*f = (struct finding){ .verdict = VERDICT_UNSCANNED, .reason = finding_reason("error") };
		return ST_OK;	/* a blob that is missing is weir-fsck's business */
	}
	st = jury_ask(r->o->jury, LOOK_PART, buf_cstr(&r->blob), r->blob.len, f);
	r->c->scanned++;
	return st == ST_OK ? ledger_put(r->ledger, digest, LOOK_PART, f) : st;
}

static enum status object(struct rescan *r, struct span sha256, struct span att, const char *part)
{
	uint8_t digest[DIGEST_BYTES];
	char hex[DIGEST_HEX + 1];
	struct finding f;
	enum status st = ST_OK;

	if (json_type(sha256) != '"' || sha256.len != DIGEST_HEX + 2
	    || !hex_read(sha256.p + 1, DIGEST_HEX, digest, sizeof digest))
		return ST_OK;
	hex_of(digest, sizeof digest, hex);
	r->c->objects++;
	bool is_known = known(r, digest, strcmp(part, "raw") == 0, &f);
	if (!is_known && r->o->jury) {
		st = look(r, digest, &f);
		is_known = st == ST_OK && finding_lasts(&f);
	}
	if (st == ST_OK && !is_known) {
		r->c->missing++;
		return r->o->jury ? ST_OK : say(r, "missing", att, part, hex, NULL);
	}
	if (st == ST_OK && r->o->jury && f.verdict == VERDICT_INFECTED) {
		r->c->exposed++;
		st = say(r, "exposed", att, part, hex, &f);
	}
	return st;
}

/* ---- one message, one tenant, all ---- */

static enum status message(struct rescan *r, const uint8_t *id)
{
	char hex[DIGEST_HEX + 1];

	hex_of(id, DIGEST_BYTES, hex);
	enum status st = store_begin(r->store);
	if (st != ST_OK)
		return st;
	st = store_message(r->store, hex, copy, &r->message);
	store_abort(r->store);
	if (st == ST_NOTFOUND || st == ST_BAD) {
		r->c->missing++;
		return ST_OK;
	}
	struct span m = { r->message.p, r->message.len }, it = json_get(m, "attachments"), e;
	if (st == ST_OK)
		st = object(r, json_get(m, "raw.sha256"), (struct span){0}, "raw");
	while (st == ST_OK && json_elem(&it, &e)) {
		struct buf part = {0};
		if (json_get(e, "removed").p)
			continue;	/* a stub: nothing was delivered */
		json_text(json_get(e, "part"), &part);
		st = object(r, json_get(e, "sha256"), e, buf_cstr(&part));
		buf_free(&part);
	}
	return st;
}

static enum status tenant(void *arg, const char *name)
{
	struct rescan *r = arg;

	enum status st = store_open(r->o->home, name, STORE_READ, &r->store);
	if (st != ST_OK)
		return st;
	r->ids.n = 0;
	st = store_begin(r->store);
	if (st == ST_OK) {
		st = store_messages(r->store, &(struct store_query){0}, collect, &r->ids);
		store_abort(r->store);
	}
	for (size_t i = 0; st == ST_OK && i < r->ids.n; i++)
		st = message(r, r->ids.id[i]);
	store_close(&r->store);
	return st;
}

enum status rescan(const struct rescan_opts *o, struct rescan_counts *out)
{
	struct rescan r = { .o = o, .c = out };

	*out = (struct rescan_counts){0};
	enum status st = ledger_open(o->home, scanner_conf(o->scanner), &r.ledger);
	if (st == ST_OK)
		st = o->tenant ? tenant(&r, o->tenant) : store_tenants(o->home, tenant, &r);
	enum status closed = ledger_close(&r.ledger);
	free(r.ids.id);
	buf_free(&r.message);
	buf_free(&r.blob);
	buf_free(&r.line);
	return st == ST_OK ? closed : st;
}
