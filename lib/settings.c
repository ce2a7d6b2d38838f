/*
 * settings.c - see settings.h: keys, and domains and addresses as routing sees them. Keys are made here and nowhere else.
 */
#include <stdio.h>
#include <string.h>

#include "settings_priv.h"

#define SETTING_KEY_MAX 400	/* store.h */

/* ---- keys ---- */

static bool key_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("@.+_-", c) != NULL);
}

enum status setting_key(const char *kind, const char *name, struct buf *key)
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

enum status setting_name(const char *kind, const char *key, char *out, size_t max)
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

enum status setting_member(struct span v, const char *name, char *out, size_t max)
{
	struct buf text = { 0 };
	struct span s = json_get(v, name);
	enum status st = ST_OK;

	out[0] = '\0';
	if (s.p == NULL)
		return ST_OK;
	if (!json_text(s, &text) || !buf_ok(&text) || text.len > max || strlen(buf_cstr(&text)) != text.len)
		st = st_fail(ST_BAD, "setting: unusable \"%s\"", name);
	else
		memcpy(out, buf_cstr(&text), text.len + 1);
	buf_free(&text);
	return st;
}

enum status setting_get(struct store *st, const char *kind, const char *name, struct buf *json)
{
	struct buf key = { 0 };
	enum status rc = setting_key(kind, name, &key);

	buf_clear(json);
	if (rc == ST_OK)
		rc = store_get(st, key.p, json);
	buf_free(&key);
	return rc;
}

enum status setting_put(struct store *st, const char *kind, const char *name, struct buf *json)
{
	struct buf key = { 0 };
	enum status rc = setting_key(kind, name, &key);

	if (rc == ST_OK && json != NULL && !buf_ok(json))
		rc = st_fail(ST_NOMEM, "settings: out of memory");
	if (rc == ST_OK)
		rc = store_set(st, key.p, json != NULL ? json->p : NULL, json != NULL ? json->len : 0);
	if (rc == ST_NOTFOUND && json == NULL)
		rc = ST_OK;
	buf_free(&key);
	return rc;
}

enum status setting_list(struct store *st, const char *prefix, enum status (*fn)(void *, const char *, struct span), void *arg)
{
	enum status rc = store_settings(st, prefix, fn, arg);

	return rc == ST_END ? ST_OK : rc;
}

/* ---- domains ---- */

static enum status read_domain(struct span v, struct domain_setting *out)
{
	enum status st = setting_member(v, "any", out->any, INBOX_MAX_BYTES);

	return st == ST_OK ? setting_member(v, "catch_all", out->catch_all, ADDRESS_MAX_BYTES) : st;
}

enum status setting_domain(struct store *st, const char *domain, struct domain_setting *out)
{
	struct buf json = { 0 };
	enum status rc = setting_get(st, "domain/", domain, &json);

	if (rc == ST_OK)
		rc = read_domain((struct span){ json.p, json.len }, out);
	buf_free(&json);
	return rc;
}

static bool key_is(struct span key, const char *s)
{
	return key.len == strlen(s) && memcmp(key.p, s, key.len) == 0;
}

/* Ours first, then what others keep there, byte for byte. */
static void write_domain(const struct domain_setting *d, struct span old, struct buf *json)
{
	struct span key, val;

	json_open(json, NULL, '{');
	if (d->any[0] != '\0')
		json_cstr(json, "any", d->any);
	if (d->catch_all[0] != '\0')
		json_cstr(json, "catch_all", d->catch_all);
	while (json_member(&old, &key, &val)) {
		if (key_is(key, "any") || key_is(key, "catch_all"))
			continue;
		if (json->p != NULL && json->p[json->len - 1] != '{')
			buf_chr(json, ',');
		buf_chr(json, '"');
		buf_add(json, key.p, key.len);
		buf_str(json, "\":");
		buf_add(json, val.p, val.len);
	}
	json_close(json, '}');
}

enum status setting_domain_set(struct store *st, const char *domain, const struct domain_setting *d)
{
	struct buf json = { 0 }, old = { 0 };
	enum status rc;

	if (d == NULL)
		return setting_put(st, "domain/", domain, NULL);
	rc = setting_get(st, "domain/", domain, &old);
	if (rc == ST_OK || rc == ST_NOTFOUND) {
		write_domain(d, (struct span){ rc == ST_OK ? old.p : NULL, rc == ST_OK ? old.len : 0 }, &json);
		rc = setting_put(st, "domain/", domain, &json);
	}
	buf_free(&json);
	buf_free(&old);
	return rc;
}

/* ---- addresses ---- */

static enum status read_address(struct span v, struct address_setting *out)
{
	enum status st = setting_member(v, "inbox", out->inbox, INBOX_MAX_BYTES);

	if (st == ST_OK && !inbox_valid(out->inbox, strlen(out->inbox)))
		st = st_fail(ST_BAD, "setting: unusable inbox");
	out->inactive = json_type(json_get(v, "active")) == 'f';
	out->no_tags = json_type(json_get(v, "tags")) == 'f';
	return st;
}

enum status setting_address(struct store *st, const char *address, struct address_setting *out)
{
	struct buf json = { 0 };
	enum status rc = setting_get(st, "address/", address, &json);

	if (rc == ST_OK)
		rc = read_address((struct span){ json.p, json.len }, out);
	buf_free(&json);
	return rc;
}

enum status setting_address_set(struct store *st, const char *address, const struct address_setting *a)
{
	struct buf patch = { 0 };
	enum status rc;

	if (a == NULL)
		return setting_put(st, "address/", address, NULL);
	json_open(&patch, NULL, '{');
	json_cstr(&patch, "inbox", a->inbox);
	json_bool(&patch, "active", !a->inactive);
	json_bool(&patch, "tags", !a->no_tags);
	json_close(&patch, '}');
	rc = buf_ok(&patch) ? setting_address_change(st, address, (struct span){ patch.p, patch.len })
		: st_fail(ST_NOMEM, "settings: out of memory");
	buf_free(&patch);
	return rc;
}

/* ---- lists ---- */

struct listing { setting_domain_fn domain; setting_address_fn address; void *arg; };

static enum status list_domain(void *arg, const char *key, struct span json)
{
	const struct listing *l = arg;
	char domain[DOMAIN_MAX_BYTES + 1];
	struct domain_setting d;
	enum status rc = setting_name("domain/", key, domain, DOMAIN_MAX_BYTES);

	if (rc == ST_OK)
		rc = read_domain(json, &d);
	return rc == ST_OK ? l->domain(l->arg, domain, &d) : rc;
}

static enum status list_address(void *arg, const char *key, struct span json)
{
	const struct listing *l = arg;
	char address[ADDRESS_MAX_BYTES + 1];
	struct address_setting a;
	enum status rc = setting_name("address/", key, address, ADDRESS_MAX_BYTES);

	if (rc == ST_OK)
		rc = read_address(json, &a);
	return rc == ST_OK ? l->address(l->arg, address, &a) : rc;
}

enum status setting_domains(struct store *st, setting_domain_fn fn, void *arg)
{
	return setting_list(st, "domain/", list_domain, &(struct listing){ .domain = fn, .arg = arg });
}

enum status setting_addresses(struct store *st, setting_address_fn fn, void *arg)
{
	return setting_list(st, "address/", list_address, &(struct listing){ .address = fn, .arg = arg });
}
