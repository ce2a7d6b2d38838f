/* reports.c - see reports.h: reports as events of a tenant. */
#include "reports.h"

#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "digest.h"
#include "home.h"

#define CONTENT_BYTES	16		/* of the hash by which a receipt names its report */
#define CONTENT_HEX	(2 * CONTENT_BYTES)
#define AUTH_MAX_BYTES	4096		/* more is cut down to the three results */

/* ---- whose it is ---- */

enum status report_owner(struct routes *routes, const char *domain, char *tenant_out)
{
	const char *at = domain;

	while (at && *at) {
		enum status st = routes_get(routes, at, tenant_out);

		if (st != ST_NOTFOUND)
			return st;
		at = strchr(at, '.');
		at = at ? at + 1 : NULL;
	}
	return st_fail(ST_NOTFOUND, "no tenant here has the domain %s", domain);
}

/* ---- what speaks for it ---- */

static const char *const proof_names[] = { "fail", "unchecked", "pass", "file" };

const char *report_proof_name(enum report_proof p)
{
	return proof_names[p];
}

enum report_proof report_proof_of(struct span auth)
{
	struct span dmarc = auth.p ? json_get(auth, "dmarc.result") : (struct span){ 0 };

	return json_is(dmarc, "pass") ? PROOF_PASS : json_is(dmarc, "fail") ? PROOF_FAIL : PROOF_UNCHECKED;
}

/* ---- in ---- */

static enum status content_hex(struct span entity, char out[CONTENT_HEX + 1])
{
	uint8_t d[DIGEST_BYTES];
	enum status st = digest_of(entity.p, entity.len, d);

	if (st == ST_OK)
		hex_of(d, CONTENT_BYTES, out);
	return st;
}

static void put_auth(struct buf *b, struct span auth)
{
	static const char *const methods[] = { "spf", "dkim", "dmarc" };

	if (!auth.p)
		return;
	if (auth.len <= AUTH_MAX_BYTES) {
		json_raw(b, "auth", auth.p, auth.len);
		return;
	}
	json_open(b, "auth", '{');
	for (int i = 0; i < 3; i++) {
		struct span r = json_get(json_get(auth, methods[i]), "result");

		json_open(b, methods[i], '{');
		if (r.p)
			json_raw(b, "result", r.p, r.len);
		json_close(b, '}');
	}
	json_close(b, '}');
}

/* The domain of the first author. */
static void put_from(struct buf *b, struct span from)
{
	struct span it = from, e;
	struct buf a = { 0 };

	if (json_type(from) == '[' && json_elem(&it, &e) && json_text(json_get(e, "address"), &a)) {
		const char *at = strrchr(buf_cstr(&a), '@');

		if (at && at[1])
			json_cstr(b, "from", at + 1);
	}
	buf_free(&a);
}

static enum status put_receipt(struct store *st, struct span entity, const struct report_came *came)
{
	struct span time = json_get(entity, "time"), key = json_get(entity, "key");
	char content[CONTENT_HEX + 1];
	struct buf b = { 0 };
	enum status rc = content_hex(entity, content);

	json_open(&b, NULL, '{');
	json_int(&b, "weir", 1);
	json_cstr(&b, "type", "report-receipt");
	json_raw(&b, "time", time.p, time.len);
	json_raw(&b, "key", key.p, key.len);
	json_cstr(&b, "report", content);
	json_cstr(&b, "by", came->message ? "mail" : "file");
	if (came->message) {
		json_cstr(&b, "message", came->message);
		put_from(&b, came->from);
		put_auth(&b, came->auth);
	}
	json_close(&b, '}');
	if (rc == ST_OK && !buf_ok(&b))
		rc = st_fail(ST_NOMEM, "out of memory");
	if (rc == ST_OK)
		rc = store_event(st, b.p, b.len);
	buf_free(&b);
	return rc;
}

enum status report_put(struct store *st, struct span entity, const struct report_came *came, bool *new_out)
{
	struct store_counts before, after;
	enum status rc = store_count(st, &before);

	if (rc == ST_OK)
		rc = store_event(st, entity.p, entity.len);
	if (rc == ST_OK)
		rc = store_count(st, &after);
	if (rc == ST_OK)
		*new_out = after.events > before.events;
	return rc == ST_OK ? put_receipt(st, entity, came) : rc;
}

/* ---- and back ---- */

struct seen {
	char key[REPORT_KEY_HEX], content[CONTENT_HEX];
	enum report_proof proof;
	uint64_t receipts;
	size_t at, len;		/* the best receipt, in texts */
	bool lost, conflict;
};
struct receipt { char content[CONTENT_HEX]; enum report_proof proof; size_t at, len; };

struct join {
	struct seen *seen;
	size_t n, cap;
	struct receipt *receipt;
	size_t receipts, receipt_cap;
	struct buf texts;	/* the receipts' JSON, one after the other */
	report_seen_fn fn;
	void *arg;
};

static enum status grow(void *array, size_t n, size_t *cap, size_t size)
{
	void **v = array, *p;

	if (n < *cap)
		return ST_OK;
	p = realloc(*v, (*cap ? *cap * 2 : 64) * size);
	if (!p)
		return st_fail(ST_NOMEM, "out of memory");
	*v = p;
	*cap = *cap ? *cap * 2 : 64;
	return ST_OK;
}

static bool is_report(struct span json)
{
	return report_is(json, REPORT_DMARC) || report_is(json, REPORT_TLS);
}

/* Copies a string member that has exactly n bytes and no escapes. */
static bool take_hex(struct span json, const char *member, char *out, size_t n)
{
	struct span v = json_get(json, member);

	if (v.len != n + 2 || *v.p != '"')
		return false;
	memcpy(out, v.p + 1, n);
	return true;
}

static enum status collect(void *arg, struct span json)
{
	struct join *j = arg;
	char content[CONTENT_HEX + 1];
	enum status st;

	if (is_report(json)) {
		struct seen s = { .proof = PROOF_FAIL };

		st = content_hex(json, content);
		if (st == ST_OK)
			st = grow(&j->seen, j->n, &j->cap, sizeof *j->seen);
		if (st != ST_OK || !take_hex(json, "key", s.key, REPORT_KEY_HEX))
			return st;
		memcpy(s.content, content, CONTENT_HEX);
		j->seen[j->n++] = s;
	} else if (json_is(json_get(json, "type"), "report-receipt")) {
		struct receipt r = { .at = j->texts.len, .len = json.len };

		st = grow(&j->receipt, j->receipts, &j->receipt_cap, sizeof *j->receipt);
		if (st != ST_OK || !take_hex(json, "report", r.content, CONTENT_HEX))
			return st;
		r.proof = json_is(json_get(json, "by"), "file") ? PROOF_FILE : report_proof_of(json_get(json, "auth"));
		buf_add(&j->texts, json.p, json.len);
		j->receipt[j->receipts++] = r;
	}
	return buf_ok(&j->texts) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

static int by_content(const void *a, const void *b)
{
	return memcmp(((const struct seen *)a)->content, ((const struct seen *)b)->content, CONTENT_HEX);
}

/* By key, and of each key the one that counts first. */
static int by_key(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int cmp = memcmp(x->key, y->key, REPORT_KEY_HEX);

	if (cmp == 0)
		cmp = (int)y->proof - (int)x->proof;
	return cmp ? cmp : by_content(a, b);
}

static struct seen *find(struct join *j, const char content[CONTENT_HEX])
{
	struct seen s = { .proof = PROOF_FAIL };

	memcpy(s.content, content, CONTENT_HEX);
	return j->n ? bsearch(&s, j->seen, j->n, sizeof s, by_content) : NULL;
}

static void settle(struct join *j)
{
	if (j->n == 0)
		return;
	qsort(j->seen, j->n, sizeof *j->seen, by_content);
	for (size_t i = 0; i < j->receipts; i++) {
		const struct receipt *r = &j->receipt[i];
		struct seen *s = find(j, r->content);

		if (!s)
			continue;
		s->receipts++;
		if (s->len == 0 || r->proof > s->proof) {
			s->proof = r->proof;
			s->at = r->at;
			s->len = r->len;
		}
	}
	qsort(j->seen, j->n, sizeof *j->seen, by_key);
	for (size_t i = 1, first = 0; i < j->n; i++) {
		if (memcmp(j->seen[i].key, j->seen[first].key, REPORT_KEY_HEX) != 0) {
			first = i;
			continue;
		}
		j->seen[i].lost = true;
		j->seen[first].conflict = true;
	}
	qsort(j->seen, j->n, sizeof *j->seen, by_content);
}

static enum status tell(void *arg, struct span json)
{
	struct join *j = arg;
	struct report_seen r = { .json = json, .report = is_report(json) };
	char content[CONTENT_HEX + 1];
	const struct seen *s;
	enum status st;

	if (json_is(json_get(json, "type"), "report-receipt"))
		return ST_OK;
	if (r.report) {
		st = content_hex(json, content);
		if (st != ST_OK)
			return st;
		s = find(j, content);
		if (!s || s->lost)
			return ST_OK;
		r.proof = s->proof;
		r.receipts = s->receipts;
		r.conflict = s->conflict;
		if (s->len > 0)
			r.receipt = (struct span){ j->texts.p + s->at, s->len };
	}
	return j->fn(j->arg, &r);
}

enum status reports_each(struct store *st, int64_t since, int64_t before, report_seen_fn fn, void *arg)
{
	struct join j = { .fn = fn, .arg = arg };
	enum status rc = store_events(st, since, before, collect, &j);

	if (rc == ST_OK) {
		settle(&j);
		rc = store_events(st, since, before, tell, &j);
	}
	free(j.seen);
	free(j.receipt);
	buf_free(&j.texts);
	return rc;
}
