/*
 * dmarc_from.c - the author domains of a message: RFC 9989 5.3.1, 11.5.
 *
 * What one reader takes for the author must not be another's display name: where the field is not what RFC 5322
 * says and more than one address could be read out of it, it is malformed, and so is an address without a domain.
 */
#include <string.h>

#include "dmarc.h"
#include "field.h"
#include "header.h"
#include "json.h"

/* Whether the local part, without its quoted strings, has an '@': "a@b@c" has two readings. */
static bool two_ats(const char *p, size_t n)
{
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\' && quoted)
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (p[i] == '@' && !quoted)
			return true;
	}
	return false;
}

/* False: out of memory. */
static bool add_domain(const char *p, size_t n, struct dmarc_authors *out)
{
	struct buf b = { 0 };
	bool ok;

	if (n == 0 || p[0] == '[' || domain_normal(p, n, &b) != ST_OK || b.len >= sizeof out->domain[0]) {
		out->malformed = true;
		goto out;
	}
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->domain[i], b.p) == 0)
			goto out;
	if (out->n < DMARC_MAX_AUTHORS)
		memcpy(out->domain[out->n++], b.p, b.len + 1);
	else
		out->many = true;
out:
	ok = !b.failed;
	buf_free(&b);
	return ok;
}

/* False: out of memory. repaired: the list is not what RFC 5322 says. */
static bool add_mailbox(struct span mailbox, bool repaired, struct dmarc_authors *out)
{
	struct buf address = { 0 }, name = { 0 };
	const char *at;
	bool ok = true;

	json_text(json_get(mailbox, "name"), &name);
	if (repaired && name.len && memchr(name.p, '@', name.len))
		out->malformed = true;
	if (!json_text(json_get(mailbox, "address"), &address) || address.len == 0) {
		out->malformed = true;
	} else {
		at = memrchr(address.p, '@', address.len);
		if (!at || two_ats(address.p, (size_t)(at - address.p)))
			out->malformed = true;
		else
			ok = add_domain(at + 1, address.len - (size_t)(at + 1 - address.p), out);
	}
	ok = ok && !address.failed && !name.failed;
	buf_free(&address);
	buf_free(&name);
	return ok;
}

static enum status add_field(const char *p, size_t n, struct dmarc_authors *out)
{
	struct buf json = { 0 };
	struct span it, e, members, m;
	bool ok = true;
	int bits;

	json_open(&json, NULL, '[');
	bits = addresses_json(p, n, &json);
	json_close(&json, ']');
	if (json.failed)
		goto out;
	if (bits & (HDR_LIMIT | HDR_CONTROL))		/* something was left out or replaced */
		out->malformed = true;
	it = (struct span){ json.p, json.len };
	while (json_elem(&it, &e)) {
		members = json_get(e, "members");
		if (!members.p)
			ok = add_mailbox(e, bits & HDR_BAD_ADDRESS, out) && ok;
		while (members.p && json_elem(&members, &m))
			ok = add_mailbox(m, bits & HDR_BAD_ADDRESS, out) && ok;
	}
out:
	ok = ok && !json.failed;
	buf_free(&json);
	return !ok ? st_fail(ST_NOMEM, "From: out of memory") : ST_OK;
}

enum status dmarc_authors(const char *p, size_t len, struct dmarc_authors *out)
{
	size_t pos = header_begin(p, len);
	enum status st = ST_OK;
	struct field f;

	memset(out, 0, sizeof *out);
	while (st == ST_OK && field_next(p, len, &pos, &f)) {
		if (!field_is(p, &f, "From"))
			continue;
		out->fields++;
		if (out->fields == 1)		/* a second one makes it permerror, whatever is in it */
			st = add_field(p + f.value, f.value_end - f.value, out);
	}
	return st;
}
