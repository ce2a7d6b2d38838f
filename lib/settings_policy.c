/*
 * settings_policy.c - see settings.h: policies, from one table; and which copies of a message are called duplicates.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings_priv.h"

/* ---- policies ---- */

static const char *const scan_values[] = { "hold", "flag", "delete", NULL };
static const char *const dmarc_values[] = { "hold", "flag", "deliver", NULL };

/* Sorted by key: that is the order in which they come out. */
static const struct policy { const char *key, *standard; const char *const *values; } policies[] = {
	{ "dmarc.quarantine", "flag", dmarc_values },
	{ "dmarc.reject", "flag", dmarc_values },
	{ "scan.corrupt", "hold", scan_values },
	{ "scan.encrypted", "hold", scan_values },
	{ "scan.error", "hold", scan_values },
	{ "scan.timeout", "hold", scan_values },
	{ "scan.too_big", "hold", scan_values },
	{ "scan.too_deep", "hold", scan_values },
	{ "scan.too_long", "hold", scan_values },
	{ "scan.too_many", "hold", scan_values },
	{ "scan.unsupported", "hold", scan_values },
};
#define POLICIES (sizeof(policies) / sizeof(policies[0]))

static const struct policy *policy_of(const char *key)
{
	for (size_t i = 0; i < POLICIES; i++)
		if (strcmp(policies[i].key, key) == 0)
			return &policies[i];
	return NULL;
}

static enum status no_policy(const char *key)
{
	struct buf names = { 0 };
	enum status st;

	for (size_t i = 0; i < POLICIES; i++)
		buf_fmt(&names, "%s%s", i > 0 ? ", " : "", policies[i].key);
	st = st_fail(ST_BAD, "no setting is called %.60s (there are %s, duplicates.window, duplicates.except)", key, buf_cstr(&names));
	buf_free(&names);
	return st;
}

static bool one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

enum status policy_check(const char *key, const char *value, bool *standard_out)
{
	const struct policy *p = policy_of(key);

	if (p == NULL)
		return no_policy(key);
	if (!one_of(value, p->values))
		return st_fail(ST_BAD, "%s is %s, %s or %s, not %.60s", key, p->values[0], p->values[1], p->values[2], value);
	*standard_out = strcmp(value, p->standard) == 0;
	return ST_OK;
}

enum status setting_policy_set(struct store *st, const char *key, const char *value)
{
	struct buf json = { 0 };
	bool standard;
	enum status rc = policy_check(key, value, &standard);

	if (rc != ST_OK)
		return rc;
	if (standard)
		return setting_put(st, "policy/", key, NULL);
	json_cstr(&json, NULL, value);
	rc = setting_put(st, "policy/", key, &json);
	buf_free(&json);
	return rc;
}

struct each { enum status (*fn)(void *arg, const char *key, const char *value); void *arg; };

static enum status each_policy(void *arg, const char *key, struct span json)
{
	const struct each *e = arg;
	const struct policy *p = policy_of(key + strlen("policy/"));
	struct buf value = { 0 };
	enum status rc = ST_OK;

	/* A newer weir's policy is its business; ours must be one of its words, or nobody could say what holds. */
	if (p != NULL && (!json_text(json, &value) || !one_of(buf_cstr(&value), p->values)))
		rc = st_fail(ST_BAD, "setting: unusable %s", key);
	else if (p != NULL && strcmp(value.p, p->standard) != 0)
		rc = e->fn(e->arg, p->key, value.p);
	buf_free(&value);
	return rc;
}

enum status setting_policies(struct store *st, enum status (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	return setting_list(st, "policy/", each_policy, &(struct each){ fn, arg });
}

struct sorted { struct buf scan, dmarc; };

static enum status add_policy(void *arg, const char *key, const char *value)
{
	struct sorted *s = arg;

	if (strncmp(key, "scan.", 5) == 0)
		json_cstr(&s->scan, key + 5, value);
	else if (strncmp(key, "dmarc.", 6) == 0)
		json_cstr(&s->dmarc, key + 6, value);
	return ST_OK;
}

enum status setting_policy(struct store *st, struct buf *json_out)
{
	struct sorted s = { { 0 }, { 0 } };
	enum status rc = setting_policies(st, add_policy, &s);

	if (rc == ST_OK && s.scan.len + s.dmarc.len > 0) {
		json_open(json_out, NULL, '{');
		buf_add(json_out, buf_cstr(&s.scan), s.scan.len);
		if (s.dmarc.len > 0) {
			json_open(json_out, "dmarc", '{');
			buf_add(json_out, s.dmarc.p, s.dmarc.len);
			json_close(json_out, '}');
		}
		json_close(json_out, '}');
	}
	if (rc == ST_OK && (!buf_ok(json_out) || s.scan.failed || s.dmarc.failed))
		rc = st_fail(ST_NOMEM, "settings: out of memory");
	buf_free(&s.scan);
	buf_free(&s.dmarc);
	return rc;
}

/* ---- duplicates ---- */

static const struct unit { const char *name; int64_t ms; } units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { "", 1 },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

enum status duplicates_parse(const char *text, int64_t *ms_out)
{
	const char *p = text + (*text == '-' || *text == '+');
	size_t digits = strspn(p, "0123456789");
	int64_t n = 0;

	for (size_t i = 0; i < digits && n <= DUPLICATES_MAX_MS; i++)
		n = 10 * n + (p[i] - '0');
	for (size_t i = 0; digits > 0 && i < UNITS; i++)
		if (strcmp(p + digits, units[i].name) == 0) {
			if (n > DUPLICATES_MAX_MS / units[i].ms)
				return st_fail(ST_BAD, "a duplicate window is at most %lldd, not %.40s",
					(long long)(DUPLICATES_MAX_MS / 86400000), text);
			*ms_out = n * units[i].ms;
			return ST_OK;
		}
	return st_fail(ST_BAD, "a duplicate window is written 10s, 5m, 2h, 1d, or in milliseconds, 0 for none; not %.40s", text);
}

void duplicates_text(int64_t ms, char out[24])
{
	for (size_t i = 0; i < UNITS; i++)
		if (ms == 0 || ms % units[i].ms == 0) {
			snprintf(out, 24, "%lld%s", (long long)(ms / units[i].ms), ms == 0 ? "" : units[i].name);
			return;
		}
}

static enum status read_duplicates(struct span v, int64_t *ms_out, struct buf *except_out)
{
	struct span ms = json_get(v, "window_ms"), except = json_get(v, "except");

	*ms_out = DUPLICATES_DEFAULT_MS;
	if (ms.p != NULL && (!json_get_int(ms, ms_out) || *ms_out < 0 || *ms_out > DUPLICATES_MAX_MS))
		return st_fail(ST_BAD, "setting: unusable window of duplicates");
	if (except_out != NULL) {
		buf_clear(except_out);
		if (except.p != NULL)
			buf_add(except_out, except.p, except.len);
		else
			buf_str(except_out, "[]");
		if (!buf_ok(except_out))
			return st_fail(ST_NOMEM, "settings: out of memory");
	}
	return ST_OK;
}

enum status setting_duplicates(struct store *st, int64_t *ms_out, struct buf *except_out)
{
	struct buf json = { 0 };
	enum status rc = store_get(st, "duplicates", &json);

	if (rc == ST_NOTFOUND)
		rc = read_duplicates((struct span){ "{}", 2 }, ms_out, except_out);
	else if (rc == ST_OK)
		rc = read_duplicates((struct span){ json.p, json.len }, ms_out, except_out);
	buf_free(&json);
	return rc;
}

/* except: a JSON array, in its one form. */
static void duplicates_write(int64_t ms, const struct buf *except, struct buf *json)
{
	json_open(json, NULL, '{');
	if (ms != DUPLICATES_DEFAULT_MS)
		json_int(json, "window_ms", ms);
	if (except->len > 2)
		json_raw(json, "except", except->p, except->len);
	json_close(json, '}');
}

/* Nothing is stored where all is at its default. */
static enum status duplicates_put(struct store *st, int64_t ms, const struct buf *except)
{
	struct buf json = { 0 };
	enum status rc;

	duplicates_write(ms, except, &json);
	rc = setting_put(st, "duplicates", "", json.len > 2 || json.failed ? &json : NULL);
	buf_free(&json);
	return rc;
}

enum status setting_duplicates_set(struct store *st, int64_t ms)
{
	struct buf except = { 0 };
	int64_t was;
	enum status rc = setting_duplicates(st, &was, &except);

	if (rc == ST_OK)
		rc = duplicates_put(st, ms, &except);
	buf_free(&except);
	return rc;
}

/* ---- the addresses that are excepted ---- */

struct words { struct buf text; size_t n; };	/* normal forms, each with its NUL */

static enum status add_word(struct words *w, const char *p, size_t len)
{
	size_t was = w->text.len;
	enum status rc = address_normal(p, len, &w->text);

	if (rc == ST_OK && w->text.len - was > ADDRESS_MAX_BYTES)
		rc = ST_BAD;
	if (rc == ST_BAD)
		return st_fail(ST_BAD, "duplicates.except: %.*s is no address", (int)(len > 80 ? 80 : len), p);
	if (rc == ST_OK && ++w->n > DUPLICATES_EXCEPT_MAX)
		rc = st_fail(ST_BAD, "duplicates.except: more than %d addresses", DUPLICATES_EXCEPT_MAX);
	buf_chr(&w->text, '\0');
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status sorted_array(struct words *w, struct buf *json)
{
	char **list = calloc(w->n + 1, sizeof(*list));
	size_t i = 0;

	if (list == NULL || w->text.failed) {
		free(list);
		return st_fail(ST_NOMEM, "settings: out of memory");
	}
	for (size_t at = 0; at < w->text.len; at += strlen(w->text.p + at) + 1)
		list[i++] = w->text.p + at;
	qsort(list, w->n, sizeof(*list), by_text);
	json_open(json, NULL, '[');
	for (i = 0; i < w->n; i++)
		if (i == 0 || strcmp(list[i], list[i - 1]) != 0)
			json_cstr(json, NULL, list[i]);
	json_close(json, ']');
	free(list);
	return buf_ok(json) ? ST_OK : st_fail(ST_NOMEM, "settings: out of memory");
}

enum status setting_duplicates_except(struct store *st, const char *addresses)
{
	static const char between[] = ", \t\n";
	struct words w = { 0 };
	struct buf json = { 0 };
	int64_t ms;
	enum status rc = setting_duplicates(st, &ms, NULL);

	for (const char *p = addresses + strspn(addresses, between); rc == ST_OK && *p != '\0'; p += strspn(p, between)) {
		size_t len = strcspn(p, between);

		rc = add_word(&w, p, len);
		p += len;
	}
	if (rc == ST_OK)
		rc = sorted_array(&w, &json);
	if (rc == ST_OK)
		rc = duplicates_put(st, ms, &json);
	buf_free(&w.text);
	buf_free(&json);
	return rc;
}

enum status duplicates_object(struct span window, struct span except, struct buf *json)
{
	struct words w = { 0 };
	struct buf text = { 0 }, array = { 0 };
	struct span e;
	int64_t ms = DUPLICATES_DEFAULT_MS;
	enum status rc = ST_OK;

	if (window.p != NULL && !json_text(window, &text))
		rc = st_fail(ST_BAD, "duplicates.window is a string such as \"3m\"");
	else if (window.p != NULL)
		rc = duplicates_parse(buf_cstr(&text), &ms);
	if (rc == ST_OK && except.p != NULL && json_type(except) != '[')
		rc = st_fail(ST_BAD, "duplicates.except is a list of addresses");
	while (rc == ST_OK && except.p != NULL && json_elem(&except, &e)) {
		buf_clear(&text);
		rc = json_text(e, &text) ? add_word(&w, buf_cstr(&text), text.len)
			: st_fail(ST_BAD, "duplicates.except is a list of addresses");
	}
	if (rc == ST_OK)
		rc = sorted_array(&w, &array);
	if (rc == ST_OK)
		duplicates_write(ms, &array, json);
	buf_free(&w.text);
	buf_free(&text);
	buf_free(&array);
	return rc == ST_OK && !buf_ok(json) ? st_fail(ST_NOMEM, "settings: out of memory") : rc;
}
