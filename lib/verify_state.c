/* verify_state.c - see verify_state.h: the states, and how they are kept. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "verify_state.h"

static const char *const states[] = { "not_started", "pending", "success", "failed", "temporary_failure" };

const char *vstate_name(enum vstate s) { return (size_t)s < sizeof states / sizeof *states ? states[s] : "?"; }

const char *vnews_name(enum vnews n)
{
	static const char *const names[] = { "", "state", "warning", "mended" };

	return (size_t)n < sizeof names / sizeof *names ? names[n] : "?";
}

const char *vchange_name(enum vchange c)
{
	static const char *const names[] = { "", "vanished", "drifted", "new", "back" };

	return (size_t)c < sizeof names / sizeof *names ? names[c] : "?";
}

void verify_state_free(struct verify_state *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->memory[i].key);
	memset(s, 0, sizeof *s);
}

/* ---- the states ---- */

static enum vnews go(struct verify_state *s, enum vstate to, int64_t now)
{
	if (s->state == to)
		return VNEWS_NONE;
	s->state = to;
	s->since = now;
	return VNEWS_STATE;
}

static enum vnews well(struct verify_state *s, int64_t now)
{
	bool warned = s->warned != 0;

	s->verified = now;
	s->warned = 0;
	if (go(s, VSTATE_SUCCESS, now) == VNEWS_STATE)
		return VNEWS_STATE;
	return warned ? VNEWS_MENDED : VNEWS_NONE;
}

static enum vnews broken(struct verify_state *s, int64_t now)
{
	switch (s->state) {
	case VSTATE_NOT_STARTED:
		return go(s, VSTATE_PENDING, now);
	case VSTATE_PENDING:
		return now - s->first >= VERIFY_PENDING_S ? go(s, VSTATE_FAILED, now) : VNEWS_NONE;
	case VSTATE_FAILED:
		return VNEWS_NONE;
	default:
		break;
	}
	if (s->warned == 0) {
		s->warned = now;
		return VNEWS_WARNING;
	}
	if (now - s->warned < VERIFY_WARNED_S)
		return VNEWS_NONE;
	s->warned = 0;
	return go(s, VSTATE_FAILED, now);
}

static enum vnews unknown(struct verify_state *s, int64_t now)
{
	if (s->state == VSTATE_NOT_STARTED)
		return go(s, VSTATE_PENDING, now);
	return s->state == VSTATE_SUCCESS ? go(s, VSTATE_TEMPORARY_FAILURE, now) : VNEWS_NONE;
}

enum vnews verify_state_next(struct verify_state *s, enum vseen seen, int64_t now)
{
	if (now < s->checked)
		now = s->checked;
	if (s->state == VSTATE_NOT_STARTED)
		s->first = now;
	s->checked = now;
	return seen == VSEEN_WELL ? well(s, now) : seen == VSEEN_BROKEN ? broken(s, now) : unknown(s, now);
}

enum vseen verify_seen_of(const struct verify *v)
{
	if (verify_broken(v))
		return VSEEN_BROKEN;
	return v->count[VERDICT_TEMPERROR] > 0 || v->n_row == 0 ? VSEEN_UNKNOWN : VSEEN_WELL;
}

/* ---- memory of rows ---- */

static void key_of(const struct verify_row *row, struct buf *out)
{
	buf_fmt(out, "%s %s %s%s", row->owner, rr_type_name(row->type), row->expected ? row->expected : "", row->at_parent ? " (parent)" : "");
}

static const struct verify_memory *remembered(const struct verify_state *s, const struct verify_row *row)
{
	const struct verify_memory *m = NULL;
	struct buf key = { 0 };
	size_t i;

	key_of(row, &key);
	for (i = 0; i < s->n && !m; i++)
		if (strcmp(s->memory[i].key, buf_cstr(&key)) == 0)
			m = &s->memory[i];
	buf_free(&key);
	return m;
}

static bool bad(enum verdict v) { return v == VERDICT_MISSING || v == VERDICT_WRONG || v == VERDICT_EXTRA; }

enum vchange verify_change(const struct verify_state *before, const struct verify_row *row)
{
	const struct verify_memory *m;

	if (row->verdict == VERDICT_TEMPERROR || before->state == VSTATE_NOT_STARTED)
		return VCHANGE_NONE;
	if (!row->expected)
		return VCHANGE_DRIFTED;
	m = remembered(before, row);
	if (!bad(row->verdict))
		return m && bad(m->verdict) ? VCHANGE_BACK : VCHANGE_NONE;
	if (!m)
		return VCHANGE_NEW;
	if (bad(m->verdict))
		return VCHANGE_NONE;
	return row->verdict == VERDICT_MISSING ? VCHANGE_VANISHED : VCHANGE_DRIFTED;
}

bool verify_changed(const struct verify_state *before, const struct verify *v)
{
	size_t i, expected = 0, extra = 0, extra_before = 0;

	for (i = 0; i < v->n_row; i++) {
		const struct verify_row *row = &v->row[i];
		const struct verify_memory *m = row->expected ? remembered(before, row) : NULL;

		expected += row->expected != NULL;
		extra += !row->expected;
		if (row->expected && (!m || (m->verdict != row->verdict && row->verdict != VERDICT_TEMPERROR)))
			return true;
	}
	for (i = 0; i < before->n; i++)
		extra_before += before->memory[i].verdict == VERDICT_EXTRA;
	return extra != extra_before || expected != before->n - extra_before;
}

enum status verify_remember(struct verify_state *s, const struct verify *v)
{
	struct verify_state now = { 0 };
	size_t i;

	for (i = 0; i < v->n_row && now.n < VERIFY_KEPT_RECORDS; i++) {
		const struct verify_row *row = &v->row[i];
		const struct verify_memory *m = remembered(s, row);
		struct buf key = { 0 };

		key_of(row, &key);
		now.memory[now.n].key = strdup(buf_cstr(&key));
		now.memory[now.n].verdict = row->verdict == VERDICT_TEMPERROR && m ? m->verdict : row->verdict;
		buf_free(&key);
		if (!now.memory[now.n].key) {
			verify_state_free(&now);
			return st_fail(ST_NOMEM, "out of memory");
		}
		now.n++;
	}
	for (i = 0; i < s->n; i++)
		free(s->memory[i].key);
	memcpy(s->memory, now.memory, sizeof s->memory);
	s->n = now.n;
	return ST_OK;
}

/* ---- in the store ---- */

static void setting_key(const char *domain, struct buf *out) { buf_fmt(out, "verify/%s", domain); }

static bool read_time(struct span v, const char *key, int64_t *out)
{
	struct span t = json_get(v, key);

	*out = 0;
	return t.p == NULL || (json_get_int(t, out) && *out >= 0);
}

static bool read_memory(struct span v, struct verify_state *out)
{
	struct span it = json_get(v, "records"), e;

	while (it.p && json_elem(&it, &e)) {
		struct buf key = { 0 };
		int i, verdict = -1;

		if (out->n == VERIFY_KEPT_RECORDS)
			return false;
		for (i = VERDICT_OK; i <= VERDICT_TEMPERROR; i++)
			if (json_is(json_get(e, "verdict"), verdict_name(i)))
				verdict = i;
		if (verdict < 0 || !json_text(json_get(e, "record"), &key) || !buf_ok(&key)) {
			buf_free(&key);
			return false;
		}
		buf_cstr(&key);
		out->memory[out->n].verdict = (enum verdict)verdict;
		out->memory[out->n].key = strdup(buf_cstr(&key));
		buf_free(&key);
		if (!out->memory[out->n].key)
			return false;
		out->n++;
	}
	return true;
}

static bool read_state(struct span v, struct verify_state *out)
{
	int i, state = -1;

	for (i = VSTATE_NOT_STARTED; i <= VSTATE_TEMPORARY_FAILURE; i++)
		if (json_is(json_get(v, "state"), states[i]))
			state = i;
	if (state < 0)
		return false;
	out->state = (enum vstate)state;
	return read_time(v, "since", &out->since) && read_time(v, "first", &out->first) && read_time(v, "checked", &out->checked) &&
		read_time(v, "verified", &out->verified) && read_time(v, "warned", &out->warned) && read_memory(v, out);
}

enum status verify_state_get(struct store *st, const char *domain, struct verify_state *out)
{
	struct buf key = { 0 }, json = { 0 };
	enum status rc;

	verify_state_free(out);
	setting_key(domain, &key);
	rc = store_get(st, buf_cstr(&key), &json);
	if (rc == ST_NOTFOUND) {
		rc = ST_OK;
	} else if (rc == ST_OK && (json_valid(buf_cstr(&json), json.len) != ST_OK || !read_state((struct span){ json.p, json.len }, out))) {
		verify_state_free(out);
		rc = st_fail(ST_BAD, "the setting %s of %s makes no sense", key.p, store_tenant(st));
	}
	buf_free(&key);
	buf_free(&json);
	return rc;
}

enum status verify_state_set(struct store *st, const char *domain, const struct verify_state *s)
{
	struct buf key = { 0 }, json = { 0 };
	enum status rc;
	size_t i;

	json_open(&json, NULL, '{');
	json_cstr(&json, "state", vstate_name(s->state));
	json_int(&json, "since", s->since);
	json_int(&json, "first", s->first);
	json_int(&json, "checked", s->checked);
	if (s->verified)
		json_int(&json, "verified", s->verified);
	if (s->warned)
		json_int(&json, "warned", s->warned);
	json_open(&json, "records", '[');
	for (i = 0; i < s->n; i++) {
		json_open(&json, NULL, '{');
		json_cstr(&json, "record", s->memory[i].key);
		json_cstr(&json, "verdict", verdict_name(s->memory[i].verdict));
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
	setting_key(domain, &key);
	rc = buf_ok(&json) && buf_ok(&key) ? store_set(st, key.p, json.p, json.len) : st_fail(ST_NOMEM, "out of memory");
	buf_free(&key);
	buf_free(&json);
	return rc;
}

enum status verify_forget(struct store *st, const char *domain)
{
	struct buf key = { 0 };
	enum status rc;

	setting_key(domain, &key);
	rc = buf_ok(&key) ? store_set(st, key.p, NULL, 0) : st_fail(ST_NOMEM, "out of memory");
	buf_free(&key);
	return rc == ST_NOTFOUND ? ST_OK : rc;
}

enum status verify_may_send(struct store *st, const char *domain, int64_t now)
{
	struct verify_state s = { 0 };
	struct buf key = { 0 }, json = { 0 };
	enum status rc;

	buf_fmt(&key, "domain/%s", domain);
	rc = store_get(st, buf_cstr(&key), &json);
	buf_free(&key);
	buf_free(&json);
	if (rc != ST_OK)
		return rc == ST_NOTFOUND ? st_fail(ST_BAD, "%s has no domain %s", store_tenant(st), domain) : rc;
	rc = verify_state_get(st, domain, &s);
	if (rc == ST_OK && s.state != VSTATE_SUCCESS && s.state != VSTATE_TEMPORARY_FAILURE)
		rc = st_fail(ST_BAD, "%s is not verified (%s): see weir-domain verify %s", domain, vstate_name(s.state), domain);
	else if (rc == ST_OK && now - s.verified > VERIFY_TRUST_S)
		rc = st_fail(ST_AGAIN, "%s was last seen to be whole over %d hours ago: run weir-domain verify %s", domain,
			VERIFY_TRUST_S / 3600, domain);
	verify_state_free(&s);
	return rc;
}
