/*
 * settings.c - see settings.h. Keys are made here and nowhere else.
 */
#include "settings.h"

#include <stdio.h>
#include <string.h>

#define SETTING_KEY_MAX 400	/* store.h */

const char *const policy_reasons[] = { "encrypted", "too_big", "too_deep", "too_many", "too_long",
	"unsupported", "corrupt", "timeout", "error", NULL };
static const char *const policy_values[] = { "hold", "flag", "delete", NULL };

bool inbox_valid(const char *name, size_t len)
{
	if (len == 0 || len > INBOX_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i == 0 || (c != '.' && c != '_' && c != '-'))
			return false;
	}
	return true;
}

/* ---- keys ---- */

static bool key_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("@.+_-", c) != NULL);
}

static enum status key_of(const char *kind, const char *name, struct buf *key)
{
	buf_clear(key);
	buf_str(key, kind);
	for (const char *p = name; *p != '\0'; p++) {
		if (key_byte((unsigned char)*p))
			buf_chr(key, *p);
		else
			buf_fmt(key, "%%%02x", (unsigned char)*p);
	}
	if (!buf_ok(key))
		return st_fail(ST_NOMEM, "settings: out of memory");
	if (key->len > SETTING_KEY_MAX)
		return st_fail(ST_BAD, "%s is too long", name);
	return ST_OK;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The name a key of ours was made of, at most max bytes and a NUL. */
static enum status name_of(const char *kind, const char *key, char *out, size_t max)
{
	const char *p = key + strlen(kind);
	size_t n = 0;

	while (*p != '\0') {
		int hi = *p == '%' ? hex_digit(p[1]) : -1, lo = hi >= 0 ? hex_digit(p[2]) : -1;

		if (n == max || (*p == '%' && lo < 0))
			return st_fail(ST_BAD, "setting %s: no key of ours", key);
		out[n++] = lo >= 0 ? (char)(hi << 4 | lo) : *p;
		p += lo >= 0 ? 3 : 1;
	}
	out[n] = '\0';
	return ST_OK;
}

/* ---- values ---- */

/* A string member into a fixed array; an absent one is "". */
static enum status member(struct span v, const char *name, char *out, size_t max)
{
	struct buf text = { 0 };
	struct span s = json_get(v, name);
	enum status st = ST_OK;

	out[0] = '\0';
	if (s.p == NULL)
		return ST_OK;
	if (!json_text(s, &text) || !buf_ok(&text) || text.len > max)
		st = st_fail(ST_BAD, "setting: unusable \"%s\"", name);
	else
		memcpy(out, buf_cstr(&text), text.len + 1);
	buf_free(&text);
	return st;
}

static enum status read_domain(struct span v, struct domain_setting *out)
{
	enum status st = member(v, "any", out->any, INBOX_MAX_BYTES);

	return st == ST_OK ? member(v, "catch_all", out->catch_all, ADDRESS_MAX_BYTES) : st;
}

static enum status read_address(struct span v, struct address_setting *out)
{
	enum status st = member(v, "inbox", out->inbox, INBOX_MAX_BYTES);

	if (st == ST_OK && !inbox_valid(out->inbox, strlen(out->inbox)))
		st = st_fail(ST_BAD, "setting: unusable inbox");
	return st;
}

static enum status get(struct store *st, const char *kind, const char *name, struct buf *json)
{
	struct buf key = { 0 };
	enum status rc = key_of(kind, name, &key);

	buf_clear(json);
	if (rc == ST_OK)
		rc = store_get(st, key.p, json);
	buf_free(&key);
	return rc;
}

/* json NULL: removed, and it is no failure if it was not there. */
static enum status set(struct store *st, const char *kind, const char *name, struct buf *json)
{
	struct buf key = { 0 };
	enum status rc = key_of(kind, name, &key);

	if (rc == ST_OK && json != NULL && !buf_ok(json))
		rc = st_fail(ST_NOMEM, "settings: out of memory");
	if (rc == ST_OK)
		rc = store_set(st, key.p, json != NULL ? json->p : NULL, json != NULL ? json->len : 0);
	if (rc == ST_NOTFOUND && json == NULL)
		rc = ST_OK;
	buf_free(&key);
	return rc;
}

enum status setting_domain(struct store *st, const char *domain, struct domain_setting *out)
{
	struct buf json = { 0 };
	enum status rc = get(st, "domain/", domain, &json);

	if (rc == ST_OK)
		rc = read_domain((struct span){ json.p, json.len }, out);
	buf_free(&json);
	return rc;
}

enum status setting_address(struct store *st, const char *address, struct address_setting *out)
{
	struct buf json = { 0 };
	enum status rc = get(st, "address/", address, &json);

	if (rc == ST_OK)
		rc = read_address((struct span){ json.p, json.len }, out);
	buf_free(&json);
	return rc;
}

enum status setting_domain_set(struct store *st, const char *domain, const struct domain_setting *d)
{
	struct buf json = { 0 };
	enum status rc;

	if (d == NULL)
		return set(st, "domain/", domain, NULL);
	json_open(&json, NULL, '{');
	if (d->any[0] != '\0')
		json_cstr(&json, "any", d->any);
	if (d->catch_all[0] != '\0')
		json_cstr(&json, "catch_all", d->catch_all);
	json_close(&json, '}');
	rc = set(st, "domain/", domain, &json);
	buf_free(&json);
	return rc;
}

enum status setting_address_set(struct store *st, const char *address, const struct address_setting *a)
{
	struct buf json = { 0 };
	enum status rc;

	if (a == NULL)
		return set(st, "address/", address, NULL);
	json_open(&json, NULL, '{');
	json_cstr(&json, "inbox", a->inbox);
	json_close(&json, '}');
	rc = set(st, "address/", address, &json);
	buf_free(&json);
	return rc;
}

/* ---- lists ---- */

struct listing { setting_domain_fn domain; setting_address_fn address; void *arg; };

static enum status list_domain(void *arg, const char *key, struct span json)
{
	const struct listing *l = arg;
	char domain[DOMAIN_MAX_BYTES + 1];
	struct domain_setting d;
	enum status rc = name_of("domain/", key, domain, DOMAIN_MAX_BYTES);

	if (rc == ST_OK)
		rc = read_domain(json, &d);
	return rc == ST_OK ? l->domain(l->arg, domain, &d) : rc;
}

static enum status list_address(void *arg, const char *key, struct span json)
{
	const struct listing *l = arg;
	char address[ADDRESS_MAX_BYTES + 1];
	struct address_setting a;
	enum status rc = name_of("address/", key, address, ADDRESS_MAX_BYTES);

	if (rc == ST_OK)
		rc = read_address(json, &a);
	return rc == ST_OK ? l->address(l->arg, address, &a) : rc;
}

static enum status list(struct store *st, const char *prefix,
	enum status (*fn)(void *, const char *, struct span), struct listing *l)
{
	enum status rc = store_settings(st, prefix, fn, l);

	return rc == ST_END ? ST_OK : rc;
}

enum status setting_domains(struct store *st, setting_domain_fn fn, void *arg)
{
	struct listing l = { .domain = fn, .arg = arg };

	return list(st, "domain/", list_domain, &l);
}

enum status setting_addresses(struct store *st, setting_address_fn fn, void *arg)
{
	struct listing l = { .address = fn, .arg = arg };

	return list(st, "address/", list_address, &l);
}

/* ---- policy ---- */

static bool one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

enum status setting_policy_set(struct store *st, const char *key, const char *value)
{
	struct buf json = { 0 };
	enum status rc;

	if (strncmp(key, "scan.", 5) != 0 || !one_of(key + 5, policy_reasons))
		return st_fail(ST_BAD, "no setting is called %s (there are scan.encrypted, scan.too_big, "
			"scan.too_deep, scan.too_many, scan.too_long, scan.unsupported, scan.corrupt, scan.timeout, "
			"scan.error)", key);
	if (!one_of(value, policy_values))
		return st_fail(ST_BAD, "%s is hold, flag or delete, not %s", key, value);
	if (strcmp(value, policy_values[0]) == 0)
		return set(st, "policy/", key, NULL);
	json_cstr(&json, NULL, value);
	rc = set(st, "policy/", key, &json);
	buf_free(&json);
	return rc;
}

static enum status add_policy(void *arg, const char *key, struct span json)
{
	struct buf *out = arg;

	key += strlen("policy/scan.");
	if (!one_of(key, policy_reasons))
		return ST_OK;
	if (out->len == 0)
		json_open(out, NULL, '{');
	json_raw(out, key, json.p, json.len);
	return ST_OK;
}

enum status setting_policy(struct store *st, struct buf *json_out)
{
	struct buf policy = { 0 };
	enum status rc = store_settings(st, "policy/scan.", add_policy, &policy);

	if (rc == ST_OK && policy.len > 0) {
		json_close(&policy, '}');
		buf_add(json_out, policy.p, policy.len);
	}
	if (rc == ST_OK && (!buf_ok(json_out) || policy.failed))
		rc = st_fail(ST_NOMEM, "settings: out of memory");
	buf_free(&policy);
	return rc;
}

/* ---- where an address leads ---- */

const char *match_name(enum match m)
{
	static const char *const names[] = { "exact", "tag", "catch-all", "domain" };

	return names[m];
}

static enum status try_address(struct store *st, const char *address, enum match m, struct destination *out)
{
	struct address_setting a;
	enum status rc = setting_address(st, address, &a);

	if (rc != ST_OK)
		return rc;
	snprintf(out->address, sizeof(out->address), "%s", address);
	snprintf(out->inbox, sizeof(out->inbox), "%s", a.inbox);
	out->match = m;
	return ST_OK;
}

/* user+a+b@x: first user+a, then user. A local part that begins with '+' has no user before it. */
static enum status try_tags(struct store *st, const char *address, const char *at, struct destination *out)
{
	char base[ADDRESS_MAX_BYTES + 1];
	int plus = 0;

	for (const char *p = address; p < at; p++)
		plus += *p == '+';
	for (const char *p = at - 1; p > address; p--) {
		int n = (int)(p - address);
		enum status rc;

		if (*p != '+')
			continue;
		snprintf(base, sizeof(base), "%.*s%s", n, address, at);
		rc = try_address(st, base, MATCH_TAG, out);
		if (rc != ST_NOTFOUND) {
			out->tag_plus = plus;
			return rc;
		}
		plus--;
	}
	return ST_NOTFOUND;
}

static enum status try_domain(struct store *st, const char *address, const char *at, struct destination *out)
{
	struct domain_setting d;
	enum status rc = setting_domain(st, at + 1, &d);

	if (rc != ST_OK)
		return rc;
	if (d.catch_all[0] != '\0') {
		rc = try_address(st, d.catch_all, MATCH_CATCH_ALL, out);
		if (rc != ST_NOTFOUND)
			return rc;
	}
	if (d.any[0] == '\0')
		return ST_NOTFOUND;
	snprintf(out->address, sizeof(out->address), "%s", address);
	snprintf(out->inbox, sizeof(out->inbox), "%s", d.any);
	out->match = MATCH_DOMAIN;
	return ST_OK;
}

enum status setting_resolve(struct store *st, const char *address, struct destination *out)
{
	const char *at = strrchr(address, '@');
	enum status rc;

	if (at == NULL || at == address || strlen(address) > ADDRESS_MAX_BYTES)
		return st_fail(ST_BAD, "not an address");
	out->tag_plus = 0;
	rc = try_address(st, address, MATCH_EXACT, out);
	if (rc == ST_NOTFOUND)
		rc = try_tags(st, address, at, out);
	if (rc == ST_NOTFOUND)
		rc = try_domain(st, address, at, out);
	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "no such address");
	return rc;
}
