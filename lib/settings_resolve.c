/*
 * settings_resolve.c - see settings.h: where an address leads.
 */
#include <stdio.h>
#include <string.h>

#include "settings.h"

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
	if (m == MATCH_TAG && a.no_tags)
		return ST_NOTFOUND;
	if (a.inactive)
		return st_fail(ST_DENIED, "%s is inactive", address);
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
	out->shared = false;
	rc = try_address(st, address, MATCH_EXACT, out);
	if (rc == ST_NOTFOUND)
		rc = try_tags(st, address, at, out);
	if (rc == ST_NOTFOUND)
		rc = try_domain(st, address, at, out);
	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "no such address");
	return rc;
}
