/*
 * plan_read.c - see plan.h: text to the settings it means. Every value is checked by the rule that weir-address and the others use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "home.h"
#include "plan_priv.h"

struct reading { struct plan *plan; const char *text; plan_member_fn fn; void *arg; size_t primaries; };

static size_t line_of(const char *text, size_t offset)
{
	size_t n = 1;

	for (size_t i = 0; i < offset; i++)
		n += text[i] == '\n';
	return n;
}

/* The reason with its place: "line 12: address info@x.example: ...". */
static enum status at(const struct reading *r, struct span v, const char *kind, const char *name, enum status st)
{
	char why[512];

	if (st != ST_BAD && st != ST_NOTFOUND && st != ST_EXISTS && st != ST_LIMIT)
		return st;
	snprintf(why, sizeof(why), "%s", st_text());
	return st_fail(ST_BAD, "line %zu: %s%s%.254s: %s", line_of(r->text, (size_t)(v.p - r->text)), kind, name[0] != '\0' ? " " : "", name, why);
}

/* Without the blanks between its parts. */
static void add_compact(struct span v, struct buf *b)
{
	bool in_string = false;

	for (size_t i = 0; i < v.len; i++) {
		char c = v.p[i];

		if (in_string && c == '\\' && i + 1 < v.len) {
			buf_add(b, v.p + i++, 2);
			continue;
		}
		in_string ^= c == '"';
		if (in_string || !(c == ' ' || c == '\t' || c == '\n' || c == '\r'))
			buf_chr(b, c);
	}
}

static bool key_is(struct span key, const char *s)
{
	return key.len == strlen(s) && memcmp(key.p, s, key.len) == 0;
}

/* The members of an entry but those named, as an object. */
static enum status rest_of(struct span entry, const char *const *without, struct buf *b)
{
	struct span key, val;

	json_open(b, NULL, '{');
	while (json_member(&entry, &key, &val)) {
		bool skip = false;

		for (const char *const *w = without; *w != NULL; w++)
			skip |= key_is(key, *w);
		if (skip)
			continue;
		if (b->p[b->len - 1] != '{')
			buf_chr(b, ',');
		buf_chr(b, '"');
		buf_add(b, key.p, key.len);
		buf_str(b, "\":");
		add_compact(val, b);
	}
	json_close(b, '}');
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "plan: out of memory");
}

/* ---- entries: each adds a setting ---- */

static enum status add(struct reading *r, const char *kind, const char *name, const struct buf *json, struct span entry)
{
	struct buf key = { 0 };
	enum status st = setting_key(kind, name, &key);

	if (st == ST_OK)
		st = pairs_add(&r->plan->wanted, key.p, json->p, json->len, (size_t)(entry.p - r->text));
	buf_free(&key);
	return st;
}

static enum status read_address(struct reading *r, struct span entry, const char *name, struct buf *json)
{
	static const char *const mine[] = { "address", "primary", NULL };
	struct span primary = json_get(entry, "primary");
	struct buf normal = { 0 }, rest = { 0 }, text = { 0 };
	enum status st = address_normal(name, strlen(name), &normal);

	if (st == ST_OK && normal.len > ADDRESS_MAX_BYTES)
		st = st_fail(ST_BAD, "longer than %d bytes", ADDRESS_MAX_BYTES);
	if (st == ST_OK && primary.p != NULL && json_type(primary) != 't' && json_type(primary) != 'f')
		st = st_fail(ST_BAD, "primary is true or false");
	if (st == ST_OK)
		st = rest_of(entry, mine, &rest);
	if (st == ST_OK && json_get((struct span){ rest.p, rest.len }, "inbox").p == NULL)
		st = st_fail(ST_BAD, "it leads to no inbox");
	if (st == ST_OK)
		st = object_merge(address_rules, (struct span){ NULL, 0 }, (struct span){ rest.p, rest.len }, json);
	if (st == ST_OK && json_get((struct span){ json->p, json->len }, "inbox").p == NULL)
		st = st_fail(ST_BAD, "it leads to no inbox");
	if (st == ST_OK)
		st = add(r, "address/", normal.p, json, entry);
	if (st == ST_OK && json_true(primary)) {
		if (r->primaries++ > 0)
			st = st_fail(ST_BAD, "there is a primary address already: a tenant has one");
		json_cstr(&text, NULL, normal.p);
		if (st == ST_OK)
			st = add(r, "primary", "", &text, entry);
	}
	buf_free(&normal);
	buf_free(&rest);
	buf_free(&text);
	return st;
}

static enum status read_inbox(struct reading *r, struct span entry, const char *name, struct buf *json)
{
	static const char *const mine[] = { "inbox", NULL };
	static const struct rule gone_rules[] = { { "successor", take_inbox }, { NULL, NULL } };
	struct buf rest = { 0 };
	enum status st = inbox_valid(name, strlen(name)) ? rest_of(entry, mine, &rest)
		: st_fail(ST_BAD, "no inbox can be called so (a-z, 0-9, then also '.', '_' and '-', at most %d)", INBOX_MAX_BYTES);

	if (st == ST_OK)
		st = object_merge(json_get(entry, "successor").p != NULL ? gone_rules : inbox_rules, (struct span){ NULL, 0 },
			(struct span){ rest.p, rest.len }, json);
	/* The default one is there without a setting. */
	if (st == ST_OK && !(strcmp(name, INBOX_DEFAULT) == 0 && json->len == 2))
		st = add(r, "inbox/", name, json, entry);
	buf_free(&rest);
	return st;
}

/* Members that are not ours: their owner's form of them, or as they are. */
static enum status other_member(struct reading *r, const char *domain, struct span key, struct span val, struct buf *json)
{
	char name[80];
	struct buf form = { 0 };
	enum status st = r->fn != NULL ? r->fn(r->arg, domain, key, val, &form) : ST_NOTFOUND;

	if (key.len >= sizeof(name) || memchr(key.p, '\\', key.len) != NULL)
		st = st_fail(ST_BAD, "a member's name is too long, or written with escapes");
	snprintf(name, sizeof(name), "%.*s", (int)key.len, key.p);
	if (st == ST_NOTFOUND) {
		add_compact(val, &form);
		st = ST_OK;
	}
	if (st == ST_OK && form.len > 0)
		json_raw(json, name, form.p, form.len);
	if (form.failed)
		st = st_fail(ST_NOMEM, "plan: out of memory");
	buf_free(&form);
	return st;
}

static enum status read_domain(struct reading *r, struct span entry, const char *name, struct buf *json)
{
	struct buf normal = { 0 };
	struct span it = entry, key, val;
	enum status st = domain_normal(name, strlen(name), &normal);

	if (st == ST_OK && (normal.len == 0 || normal.len > DOMAIN_MAX_BYTES))
		st = st_fail(ST_BAD, "no domain");
	json_open(json, NULL, '{');
	val = json_get(entry, "any");
	if (st == ST_OK && val.p != NULL)
		st = take_inbox(val, "any", json);
	val = json_get(entry, "catch_all");
	if (st == ST_OK && val.p != NULL)
		st = take_address(val, "catch_all", json);
	while (st == ST_OK && json_member(&it, &key, &val))
		if (!key_is(key, "domain") && !key_is(key, "any") && !key_is(key, "catch_all"))
			st = other_member(r, normal.p, key, val, json);
	json_close(json, '}');
	if (st == ST_OK)
		st = buf_ok(json) ? add(r, "domain/", normal.p, json, entry) : st_fail(ST_NOMEM, "plan: out of memory");
	buf_free(&normal);
	return st;
}

/* ---- sections ---- */

static enum status read_list(struct reading *r, struct span list, const char *kind,
	enum status (*fn)(struct reading *, struct span, const char *, struct buf *))
{
	struct buf name = { 0 }, json = { 0 };
	struct span e;
	enum status st = json_type(list) == '[' ? ST_OK : at(r, list, kind, "", st_fail(ST_BAD, "a list is wanted"));

	while (st == ST_OK && json_elem(&list, &e)) {
		struct span named = json_get(e, kind);

		buf_clear(&name);
		buf_clear(&json);
		if (json_type(e) != '{' || !json_text(named, &name) || name.len == 0)
			st = at(r, e, kind, "", st_fail(ST_BAD, "an entry is an object with \"%s\"", kind));
		else
			st = at(r, e, kind, name.p, fn(r, e, name.p, &json));
	}
	buf_free(&name);
	buf_free(&json);
	return st;
}

static enum status read_policy(struct reading *r, struct span section)
{
	struct buf json = { 0 };
	struct span it = section, key, val;
	enum status st = json_type(section) == '{' ? ST_OK : at(r, section, "policy", "", st_fail(ST_BAD, "an object is wanted"));

	while (st == ST_OK && json_member(&it, &key, &val)) {
		char name[80];
		struct buf value = { 0 };
		bool standard = false;

		snprintf(name, sizeof(name), "%.*s", (int)(key.len < sizeof(name) ? key.len : 0), key.p);
		st = json_text(val, &value) ? policy_check(name, buf_cstr(&value), &standard) : st_fail(ST_BAD, "a string is wanted");
		buf_clear(&json);
		json_cstr(&json, NULL, buf_cstr(&value));
		if (st == ST_OK && !standard)
			st = add(r, "policy/", name, &json, val);
		st = at(r, val, "policy", name, st);
		buf_free(&value);
	}
	buf_free(&json);
	return st;
}

static enum status read_duplicates(struct reading *r, struct span section)
{
	struct buf json = { 0 };
	struct span it = section, key, val;
	enum status st = json_type(section) == '{' ? ST_OK : st_fail(ST_BAD, "an object is wanted");

	while (st == ST_OK && json_member(&it, &key, &val))
		if (!key_is(key, "window") && !key_is(key, "except"))
			st = st_fail(ST_BAD, "there is window and except, not %.*s", (int)(key.len > 60 ? 60 : key.len), key.p);
	if (st == ST_OK)
		st = duplicates_object(json_get(section, "window"), json_get(section, "except"), &json);
	if (st == ST_OK && json.len > 2)
		st = add(r, "duplicates", "", &json, section);
	buf_free(&json);
	return at(r, section, "duplicates", "", st);
}

static enum status read_member(struct reading *r, struct span key, struct span val)
{
	static const char *const sections[] = { "policy", "duplicates", "inboxes", "domains", "addresses" };
	int64_t version;
	int i = 0;

	if (key_is(key, "weir"))
		return json_get_int(val, &version) && version == 1 ? ST_OK
			: at(r, val, "weir", "", st_fail(ST_BAD, "this weir reads version 1"));
	if (key_is(key, "type"))
		return json_is(val, "settings") ? ST_OK : at(r, val, "type", "", st_fail(ST_BAD, "\"settings\" is wanted"));
	if (key_is(key, "tenant")) {
		if (val.len < 2 || !tenant_valid(val.p + 1, val.len - 2))
			return at(r, val, "tenant", "", st_fail(ST_BAD, "no name of a tenant"));
		snprintf(r->plan->tenant, sizeof(r->plan->tenant), "%.*s", (int)val.len - 2, val.p + 1);
		return ST_OK;
	}
	while (i < SECTIONS && !key_is(key, sections[i]))
		i++;
	if (i == SECTIONS)
		return at(r, val, "settings", "", st_fail(ST_BAD, "there is no member \"%.*s\" (there are policy, duplicates, inboxes, domains, addresses)",
			(int)(key.len > 60 ? 60 : key.len), key.p));
	r->plan->has[i] = true;
	switch ((enum section)i) {
	case IN_POLICY: return read_policy(r, val);
	case IN_DUPLICATES: return read_duplicates(r, val);
	case IN_INBOXES: return read_list(r, val, "inbox", read_inbox);
	case IN_DOMAINS: return read_list(r, val, "domain", read_domain);
	case IN_ADDRESSES: return read_list(r, val, "address", read_address);
	default: return ST_OK;
	}
}

static enum status no_doubles(const char *text, const struct pairs *w)
{
	for (size_t i = 1; i < w->n; i++)
		if (strcmp(pair_key(w, i), pair_key(w, i - 1)) == 0)
			return st_fail(ST_BAD, "line %zu: %s stands there twice, first in line %zu", line_of(text, w->pair[i].offset), pair_key(w, i),
				line_of(text, w->pair[i - 1].offset));
	return ST_OK;
}

enum status plan_read(const char *text, size_t len, plan_member_fn fn, void *arg, struct plan **out)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct reading r = { .plan = p, .text = text, .fn = fn, .arg = arg };
	struct span it = { text, len }, key, val;
	enum status st = p != NULL ? json_valid(text, len) : st_fail(ST_NOMEM, "plan: out of memory");

	while (it.len > 0 && (*it.p == ' ' || *it.p == '\t' || *it.p == '\n' || *it.p == '\r')) {
		it.p++;
		it.len--;
	}
	if (st == ST_OK && (it.len == 0 || *it.p != '{'))
		st = st_fail(ST_BAD, "settings are one JSON object (weir-tenant export)");
	while (st == ST_OK && json_member(&it, &key, &val))
		st = read_member(&r, key, val);
	if (st == ST_OK) {
		pairs_sort(&p->wanted);
		st = no_doubles(text, &p->wanted);
	}
	if (st == ST_OK)
		*out = p;
	else
		plan_free(&p);
	return st;
}

void plan_free(struct plan **p)
{
	if (*p == NULL)
		return;
	pairs_free(&(*p)->wanted);
	free(*p);
	*p = NULL;
}

const char *plan_tenant(const struct plan *p)
{
	return p->tenant;
}
