/*
 * settings_address.c - see settings.h: an address with all that is set about it, and what goes when its domain goes.
 */
#include <stdio.h>
#include <string.h>

#include "settings_priv.h"

const struct rule address_rules[] = {
	{ "inbox", take_inbox }, { "name", take_text }, { "active", take_true }, { "tags", take_true },
	{ "reply_to", take_address }, { "senders", take_people }, { "signature", take_signature }, { NULL, NULL },
};

enum status setting_address_json(struct store *st, const char *address, struct buf *out)
{
	return setting_get(st, "address/", address, out);
}

enum status setting_address_change(struct store *st, const char *address, struct span patch)
{
	struct buf old = { 0 }, json = { 0 };
	enum status rc = setting_get(st, "address/", address, &old);

	if (rc == ST_NOTFOUND) {
		buf_str(&old, "{\"inbox\":\"" INBOX_DEFAULT "\"}");
		rc = buf_ok(&old) ? ST_OK : st_fail(ST_NOMEM, "settings: out of memory");
	}
	if (rc == ST_OK)
		rc = object_merge(address_rules, (struct span){ old.p, old.len }, patch, &json);
	/* An address without inbox would be one that no mail can be routed to. */
	if (rc == ST_OK && json_get((struct span){ json.p, json.len }, "inbox").p == NULL)
		rc = st_fail(ST_BAD, "an address has an inbox");
	if (rc == ST_OK)
		rc = setting_put(st, "address/", address, &json);
	buf_free(&old);
	buf_free(&json);
	return rc;
}

/* ---- the primary one ---- */

enum status setting_primary(struct store *st, char address_out[ADDRESS_MAX_BYTES + 1])
{
	struct buf json = { 0 }, text = { 0 };
	enum status rc = store_get(st, "primary", &json);

	address_out[0] = '\0';
	if (rc == ST_OK && (!json_text((struct span){ json.p, json.len }, &text) || text.len > ADDRESS_MAX_BYTES))
		rc = st_fail(ST_BAD, "setting: unusable primary address");
	if (rc == ST_OK)
		snprintf(address_out, ADDRESS_MAX_BYTES + 1, "%s", buf_cstr(&text));
	buf_free(&json);
	buf_free(&text);
	return rc;
}

enum status setting_primary_set(struct store *st, const char *address)
{
	struct address_setting a;
	struct buf json = { 0 };
	enum status rc = setting_address(st, address, &a);

	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "%s has no address %s to be the primary one", store_tenant(st), address);
	if (rc == ST_OK && a.inactive)
		rc = st_fail(ST_BAD, "%s is inactive: it cannot be the primary address", address);
	json_cstr(&json, NULL, address);
	if (rc == ST_OK)
		rc = setting_put(st, "primary", "", &json);
	buf_free(&json);
	return rc;
}

/* ---- going ---- */

enum status setting_address_remove(struct store *st, const char *address)
{
	const char *domain = strrchr(address, '@') + 1;
	struct address_setting a;
	struct domain_setting d;
	enum status rc = setting_address(st, address, &a);

	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "%s has no such address", store_tenant(st));
	/* Damage must not keep an address from being removed. */
	if (rc == ST_OK || rc == ST_BAD)
		rc = setting_address_set(st, address, NULL);
	if (rc != ST_OK)
		return rc;
	rc = setting_domain(st, domain, &d);
	if (rc != ST_OK || strcmp(d.catch_all, address) != 0)
		return rc == ST_NOTFOUND ? ST_OK : rc;
	d.catch_all[0] = '\0';
	return setting_domain_set(st, domain, &d);
}

struct in_domain { const char *domain; size_t live, all; struct buf names; };

static enum status note_address(void *arg, const char *address, const struct address_setting *a)
{
	struct in_domain *in = arg;

	if (strcmp(strrchr(address, '@') + 1, in->domain) != 0)
		return ST_OK;
	in->all++;
	in->live += !a->inactive;
	buf_add(&in->names, address, strlen(address) + 1);
	return in->names.failed ? st_fail(ST_NOMEM, "settings: out of memory") : ST_OK;
}

enum status setting_domain_count(struct store *st, const char *domain, size_t *live_out, size_t *all_out)
{
	struct in_domain in = { .domain = domain };
	enum status rc = setting_addresses(st, note_address, &in);

	*live_out = in.live;
	*all_out = in.all;
	buf_free(&in.names);
	return rc;
}

/* The same address in another domain, unless that is there already. */
static enum status move_address(struct store *st, const char *from, const char *domain, const char *catch_all)
{
	char to[ADDRESS_MAX_BYTES + 1], primary[ADDRESS_MAX_BYTES + 1];
	struct address_setting a;
	struct domain_setting d;
	struct buf json = { 0 };
	int n = snprintf(to, sizeof(to), "%.*s@%s", (int)(strrchr(from, '@') - from), from, domain);
	enum status rc = n < (int)sizeof(to) ? setting_address(st, to, &a)
		: st_fail(ST_BAD, "%s would be too long in %s", from, domain);

	if (rc == ST_NOTFOUND) {
		rc = setting_address_json(st, from, &json);
		if (rc == ST_OK)
			rc = setting_put(st, "address/", to, &json);
	}
	if (rc == ST_OK && strcmp(catch_all, from) == 0) {
		rc = setting_domain(st, domain, &d);
		if (rc == ST_OK && d.catch_all[0] == '\0') {
			snprintf(d.catch_all, sizeof(d.catch_all), "%s", to);
			rc = setting_domain_set(st, domain, &d);
		}
	}
	if (rc == ST_OK)
		rc = setting_primary(st, primary);
	if (rc == ST_OK && strcmp(primary, from) == 0) {
		rc = setting_primary_set(st, to);
		if (rc == ST_BAD)	/* inactive there: settings_change() finds another */
			rc = ST_OK;
	}
	buf_free(&json);
	return rc == ST_NOTFOUND ? ST_OK : rc;
}

/* successor: a domain of the tenant's, or one of its addresses. */
static enum status check_successor(struct store *st, const char *domain, const char *successor)
{
	const char *at = strrchr(successor, '@');
	struct address_setting a;
	struct domain_setting d;
	enum status rc;

	if (strcmp(at != NULL ? at + 1 : successor, domain) == 0)
		return st_fail(ST_BAD, "%s cannot be its own successor", domain);
	rc = at != NULL ? setting_address(st, successor, &a) : setting_domain(st, successor, &d);
	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "%s has no %s %s to be the successor", store_tenant(st),
			at != NULL ? "address" : "domain", successor);
	return rc;
}

enum status setting_domain_clear(struct store *st, const char *domain, const char *successor, size_t *moved_out)
{
	struct in_domain in = { .domain = domain };
	struct domain_setting d = { 0 };
	char primary[ADDRESS_MAX_BYTES + 1] = "";
	bool to_address = successor != NULL && strchr(successor, '@') != NULL;
	enum status rc = successor != NULL ? check_successor(st, domain, successor) : ST_OK;

	*moved_out = 0;
	if (rc == ST_OK)
		rc = setting_addresses(st, note_address, &in);
	if (rc == ST_OK && successor == NULL && in.live > 0)
		rc = st_fail(ST_EXISTS, "%s has %zu address%s in use there: remove them (weir-address), or name a --successor",
			store_tenant(st), in.live, in.live == 1 ? "" : "es");
	if (rc == ST_OK) {
		rc = setting_domain(st, domain, &d);
		rc = rc == ST_NOTFOUND ? ST_OK : rc;
	}
	if (rc == ST_OK && setting_primary(st, primary) != ST_OK)
		primary[0] = '\0';
	for (size_t at = 0; rc == ST_OK && at < in.names.len; at += strlen(in.names.p + at) + 1) {
		const char *address = in.names.p + at;

		if (successor != NULL && !to_address)
			rc = move_address(st, address, successor, d.catch_all);
		else if (to_address && strcmp(primary, address) == 0)
			rc = setting_primary_set(st, successor);
		if (rc == ST_OK)
			rc = setting_address_remove(st, address);
		*moved_out += rc == ST_OK;
	}
	buf_free(&in.names);
	return rc;
}

/* ---- sending ---- */

enum status setting_may_send(struct store *st, const char *address, const char *who)
{
	struct buf json = { 0 };
	struct span it, e;
	enum status rc = setting_address_json(st, address, &json);

	if (rc == ST_NOTFOUND)
		rc = st_fail(ST_NOTFOUND, "%s has no address %s", store_tenant(st), address);
	if (rc == ST_OK && json_type(json_get((struct span){ json.p, json.len }, "active")) == 'f')
		rc = st_fail(ST_DENIED, "%s is inactive", address);
	it = rc == ST_OK ? json_get((struct span){ json.p, json.len }, "senders") : (struct span){ 0 };
	if (rc == ST_OK && it.p != NULL && who != NULL) {
		rc = st_fail(ST_DENIED, "%.128s is none of the senders of %s", who, address);
		while (rc != ST_OK && json_elem(&it, &e))
			if (json_is(e, who))
				rc = ST_OK;
	}
	buf_free(&json);
	return rc;
}
