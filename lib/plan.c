/*
 * plan.c - see plan.h: settings to text, and a plan put in the place of settings.
 */
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "plan_priv.h"

/* ---- settings by key ---- */

enum status pairs_add(struct pairs *p, const char *key, const char *json, size_t len, size_t offset)
{
	if (p->n == PLAN_MAX_ENTRIES)
		return st_fail(ST_LIMIT, "more than %d settings", PLAN_MAX_ENTRIES);
	if (p->n == p->cap) {
		size_t cap = p->cap > 0 ? 2 * p->cap : 64;
		struct pair *more = realloc(p->pair, cap * sizeof(*more));

		if (more == NULL)
			return st_fail(ST_NOMEM, "plan: out of memory");
		p->pair = more;
		p->cap = cap;
	}
	p->pair[p->n++] = (struct pair){ p->text.len, p->text.len + strlen(key) + 1, len, offset };
	buf_add(&p->text, key, strlen(key) + 1);
	buf_add(&p->text, json, len);
	buf_chr(&p->text, '\0');
	return buf_ok(&p->text) ? ST_OK : st_fail(ST_NOMEM, "plan: out of memory");
}

void pairs_free(struct pairs *p)
{
	free(p->pair);
	buf_free(&p->text);
	*p = (struct pairs){ 0 };
}

static int by_key(const void *a, const void *b, void *text)
{
	const struct pair *x = a, *y = b;
	int cmp = strcmp((char *)text + x->key, (char *)text + y->key);

	return cmp != 0 ? cmp : x->key < y->key ? -1 : x->key > y->key;
}

void pairs_sort(struct pairs *p)
{
	if (p->n > 0)
		qsort_r(p->pair, p->n, sizeof(*p->pair), by_key, p->text.p);
}

const char *pair_key(const struct pairs *p, size_t i)
{
	return p->text.p + p->pair[i].key;
}

struct span pair_value(const struct pairs *p, size_t i)
{
	return (struct span){ p->text.p + p->pair[i].json, p->pair[i].len };
}

static const struct { const char *prefix, *kind; enum section section; } kinds[] = {
	{ "policy/", "policy", IN_POLICY }, { "duplicates", "duplicates", IN_DUPLICATES }, { "inbox/", "inbox", IN_INBOXES },
	{ "domain/", "domain", IN_DOMAINS }, { "address/", "address", IN_ADDRESSES }, { "primary", "primary", IN_ADDRESSES },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

enum section section_of(const char *key, const char **kind_out, const char **prefix_out)
{
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(key, kinds[i].prefix, n) == 0 && (kinds[i].prefix[n - 1] == '/' || key[n] == '\0')) {
			*kind_out = kinds[i].kind;
			*prefix_out = kinds[i].prefix;
			return kinds[i].section;
		}
	}
	return SECTIONS;
}

static enum status take_setting(void *arg, const char *key, struct span json)
{
	const char *kind, *prefix;

	return section_of(key, &kind, &prefix) == SECTIONS ? ST_OK : pairs_add(arg, key, json.p, json.len, 0);
}

/* Sorted by key, as the store has them. */
static enum status snapshot(struct store *st, struct pairs *out)
{
	return setting_list(st, "", take_setting, out);
}

/* ---- to text ---- */

struct export { struct buf *b; const char *kind; char primary[ADDRESS_MAX_BYTES + 1]; bool any; };

static void next_line(struct export *e)
{
	buf_str(e->b, e->any ? ",\n  " : "\n  ");
	e->any = true;
}

static void export_entry(struct export *e, const char *name, struct span json)
{
	struct buf line = { 0 };

	next_line(e);
	json_open(&line, NULL, '{');
	json_cstr(&line, e->kind, name);
	if (json.len > 2) {
		buf_chr(&line, ',');
		buf_add(&line, json.p + 1, json.len - 2);
	}
	if (strcmp(e->kind, "address") == 0 && strcmp(e->primary, name) == 0)
		json_bool(&line, "primary", true);
	json_close(&line, '}');
	buf_add(e->b, buf_cstr(&line), line.len);
	e->b->failed |= line.failed;
	buf_free(&line);
}

static enum status export_setting(void *arg, const char *key, struct span json)
{
	struct export *e = arg;
	char name[ADDRESS_MAX_BYTES + 1];
	const char *kind, *prefix;
	struct buf text = { 0 };
	enum status st;

	if (section_of(key, &kind, &prefix) == IN_DOMAINS)
		plan_domain_text(json, &text);
	else
		buf_add(&text, json.p, json.len);
	st = setting_name(prefix, key, name, ADDRESS_MAX_BYTES);
	if (st == ST_OK)
		export_entry(e, name, (struct span){ buf_cstr(&text), text.len });
	e->b->failed |= text.failed;
	buf_free(&text);
	return st;
}

static enum status export_inbox(void *arg, const char *inbox)
{
	struct export *e = arg;

	if (strcmp(inbox, INBOX_DEFAULT) == 0)
		export_entry(e, inbox, (struct span){ "{}", 2 });
	return ST_END;
}

static enum status export_list(struct store *st, struct export *e, const char *section, const char *kind, const char *prefix)
{
	struct buf json = { 0 };
	enum status rc = ST_OK;

	e->kind = kind;
	e->any = false;
	buf_fmt(e->b, ",\n \"%s\": [", section);
	/* The default inbox is there, whether anything is set about it or not. */
	if (strcmp(kind, "inbox") == 0 && setting_get(st, prefix, INBOX_DEFAULT, &json) == ST_NOTFOUND)
		export_inbox(e, INBOX_DEFAULT);
	rc = setting_list(st, prefix, export_setting, e);
	buf_str(e->b, e->any ? "\n ]" : "]");
	buf_free(&json);
	return rc;
}

static enum status export_policy(void *arg, const char *key, const char *value)
{
	struct export *e = arg;

	next_line(e);
	buf_fmt(e->b, "\"%s\": \"%s\"", key, value);	/* words of our own table */
	return ST_OK;
}

static enum status export_head(struct store *st, struct export *e)
{
	struct buf except = { 0 };
	char window[24];
	int64_t ms;
	enum status rc;

	buf_fmt(e->b, "{\n \"weir\": 1,\n \"type\": \"settings\",\n \"tenant\": \"%s\",\n \"policy\": {", store_tenant(st));
	rc = setting_policies(st, export_policy, e);
	buf_str(e->b, e->any ? "\n }" : "}");
	if (rc == ST_OK)
		rc = setting_duplicates(st, &ms, &except);
	if (rc == ST_OK) {
		duplicates_text(ms, window);
		buf_fmt(e->b, ",\n \"duplicates\": {\"window\": \"%s\", \"except\": ", window);
		buf_add(e->b, except.p, except.len);
		buf_chr(e->b, '}');
	}
	buf_free(&except);
	return rc;
}

enum status plan_export(struct store *st, struct buf *out)
{
	struct export e = { .b = out };
	enum status rc = setting_primary(st, e.primary);

	if (rc == ST_OK || rc == ST_NOTFOUND)
		rc = export_head(st, &e);
	if (rc == ST_OK)
		rc = export_list(st, &e, "inboxes", "inbox", "inbox/");
	if (rc == ST_OK)
		rc = export_list(st, &e, "domains", "domain", "domain/");
	if (rc == ST_OK)
		rc = export_list(st, &e, "addresses", "address", "address/");
	buf_str(out, "\n}\n");
	return rc == ST_OK && !buf_ok(out) ? st_fail(ST_NOMEM, "export: out of memory") : rc;
}

/* ---- a plan in the place of settings ---- */

static bool same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* An inbox has mail: it goes by naming a successor, and its name stays gone. A removed one need not be named. */
static enum status check_inbox(const char *name, struct span old, struct span now, bool *keep_out)
{
	struct span was = json_get(old, "successor"), is = json_get(now, "successor");

	*keep_out = false;
	if (old.p == NULL || (now.p != NULL && same(was, is)) || strcmp(name, INBOX_DEFAULT) == 0)
		return ST_OK;
	if (now.p == NULL && was.p == NULL)
		return st_fail(ST_BAD, "inbox %s: it is there, but not in the plan: {\"inbox\":\"%s\",\"successor\":\"" INBOX_DEFAULT
			"\"} would give its mail to " INBOX_DEFAULT, name, name);
	*keep_out = now.p == NULL;
	return *keep_out || was.p == NULL ? ST_OK : st_fail(ST_BAD, "inbox %s: it was removed, its mail is in %.*s: that cannot be undone",
		name, (int)was.len, was.p);
}

/* Keys and serials stay. */
static enum status put_domain(struct store *st, const char *key, const char *prefix, struct span old, struct span now)
{
	char name[DOMAIN_MAX_BYTES + 1];
	struct buf json = { 0 };
	enum status rc = setting_name(prefix, key, name, DOMAIN_MAX_BYTES);

	if (rc == ST_OK)
		rc = plan_domain_stored(name, now, old, &json);
	if (rc == ST_OK)
		rc = store_set(st, key, json.p, json.len);
	buf_free(&json);
	return rc;
}

static enum status put(struct store *st, const struct plan *p, const char *key, struct span old, struct span now)
{
	const char *kind = "", *prefix = "";
	enum section section = section_of(key, &kind, &prefix);
	bool keep = false;
	enum status rc = ST_OK;

	if (!p->has[section] || (old.p != NULL && now.p != NULL && same(old, now)))
		return ST_OK;
	if (section == IN_INBOXES)
		rc = check_inbox(key + strlen(prefix), old, now, &keep);
	/* Nobody said which address is the primary one: it stays the same as long as it is there. */
	if (keep || (now.p == NULL && strcmp(kind, "primary") == 0) || rc != ST_OK)
		return rc;
	if (section == IN_DOMAINS && now.p != NULL)
		return put_domain(st, key, prefix, old, now);
	return store_set(st, key, now.p, now.len);
}

/* Calls fn for each key of a or b, both sorted. */
static enum status each_key(const struct pairs *a, const struct pairs *b,
	enum status (*fn)(void *arg, const char *key, struct span in_a, struct span in_b), void *arg)
{
	size_t i = 0, j = 0;
	enum status rc = ST_OK;

	while (rc == ST_OK && (i < a->n || j < b->n)) {
		int cmp = i == a->n ? 1 : j == b->n ? -1 : strcmp(pair_key(a, i), pair_key(b, j));
		const char *key = cmp <= 0 ? pair_key(a, i) : pair_key(b, j);

		rc = fn(arg, key, cmp <= 0 ? pair_value(a, i) : (struct span){ NULL, 0 },
			cmp >= 0 ? pair_value(b, j) : (struct span){ NULL, 0 });
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return rc;
}

struct applying { struct store *st; const struct plan *p; plan_change_fn fn; void *arg; };

static enum status put_one(void *arg, const char *key, struct span old, struct span now)
{
	const struct applying *a = arg;

	return put(a->st, a->p, key, old, now);
}

/* As the text would have it. */
static struct span telling(enum section section, struct span v, struct buf *b)
{
	if (section != IN_DOMAINS || v.p == NULL)
		return v;
	plan_domain_text(v, b);
	return (struct span){ buf_cstr(b), b->len };
}

static enum status tell_one(void *arg, const char *key, struct span old, struct span now)
{
	const struct applying *a = arg;
	char name[ADDRESS_MAX_BYTES + 1];
	const char *kind = "", *prefix = "";
	struct buf before = { 0 }, after = { 0 };
	enum section section = section_of(key, &kind, &prefix);
	struct plan_change c = { .op = old.p == NULL ? "add" : now.p == NULL ? "remove" : "change", .kind = kind, .name = name,
		.old = telling(section, old, &before), .now = telling(section, now, &after) };
	enum status rc = before.failed || after.failed ? st_fail(ST_NOMEM, "plan: out of memory") : ST_OK;

	if (rc == ST_OK && !(c.old.p != NULL && c.now.p != NULL && same(c.old, c.now))) {
		rc = setting_name(prefix, key, name, ADDRESS_MAX_BYTES);
		if (rc == ST_OK)
			rc = a->fn(a->arg, &c);
	}
	buf_free(&before);
	buf_free(&after);
	return rc;
}

/* A plan with a list of inboxes has them all there. */
static enum status check_listed(void *arg, const char *inbox)
{
	struct buf json = { 0 };
	enum status rc = strcmp(inbox, INBOX_DEFAULT) == 0 ? ST_OK : setting_get(arg, "inbox/", inbox, &json);

	buf_free(&json);
	return rc == ST_NOTFOUND ? st_fail(ST_BAD, "inbox %s: something leads to it, but it is not among the inboxes: add {\"inbox\":\"%s\"}", inbox, inbox) : rc;
}

enum status plan_apply(struct store *st, const struct plan *p, plan_change_fn fn, void *arg)
{
	struct applying a = { st, p, fn, arg };
	struct pairs before = { 0 }, after = { 0 };
	enum status rc = snapshot(st, &before);

	if (rc == ST_OK)
		rc = each_key(&before, &p->wanted, put_one, &a);
	if (rc == ST_OK && p->has[IN_INBOXES])
		rc = setting_inboxes(st, check_listed, st);
	if (rc == ST_OK)
		rc = settings_settle(st);
	if (rc == ST_OK)
		rc = snapshot(st, &after);
	if (rc == ST_OK)
		rc = each_key(&before, &after, tell_one, &a);
	pairs_free(&before);
	pairs_free(&after);
	return rc;
}
