/*
 * plan_domain.c - a domain's entry as text, and as it is stored.
 *
 * The member "dns" is domain.h's. The text has what people decide; keys and the zone's serial are what weir keeps track of: they are
 * not written, not taken from a text, and stay as they are when one is applied - an old text must not bring an old key back.
 */
#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "plan_priv.h"

static bool key_is(struct span key, const char *s)
{
	return key.len == strlen(s) && memcmp(key.p, s, key.len) == 0;
}

static bool is_state(struct span key)
{
	return key_is(key, "keys") || key_is(key, "serial") || key_is(key, "serial_of");
}

static void member(struct buf *b, struct span key, struct span val)
{
	if (b->len > 0 && b->p[b->len - 1] != '{')
		buf_chr(b, ',');
	buf_chr(b, '"');
	buf_add(b, key.p, key.len);
	buf_str(b, "\":");
	buf_add(b, val.p, val.len);
}

/* The members that are state, or those that are not. */
static void part_of(struct span dns, bool state, struct buf *b)
{
	struct span key, val;

	while (json_member(&dns, &key, &val))
		if (is_state(key) == state)
			member(b, key, val);
}

void plan_domain_text(struct span setting, struct buf *out)
{
	struct span key, val;

	json_open(out, NULL, '{');
	while (json_member(&setting, &key, &val)) {
		if (!key_is(key, "dns")) {
			member(out, key, val);
			continue;
		}
		member(out, key, (struct span){ "{", 1 });
		part_of(val, false, out);
		json_close(out, '}');
	}
	json_close(out, '}');
}

/* Without tokens of the provider's, its keys are ours. */
static bool wants_keys(const struct domain *d)
{
	return d->provider[0] != '\0' && d->token[0][0] == '\0';
}

bool plan_domain_lacks_keys(const struct domain *d)
{
	return wants_keys(d) && !d->own_keys;
}

enum status plan_domain_member(void *providers, const char *domain, struct span name, struct span value, struct buf *out)
{
	struct domain d;
	struct span it = value, key, val;
	enum status st;

	if (!key_is(name, "dns"))
		return ST_NOTFOUND;
	if (json_type(value) != '{')
		return st_fail(ST_BAD, "dns: an object is wanted");
	while (json_member(&it, &key, &val))
		if (is_state(key))
			return st_fail(ST_BAD, "dns: %.*s is what weir keeps track of itself, no setting: leave it out", (int)key.len, key.p);
	st = domain_read(domain, value.p, value.len, &d);
	if (st != ST_OK)
		return st;
	domain_write(&d, out);
	if (wants_keys(&d)) {	/* selectors, for the check: the real ones are there already, or are made later */
		d.own_keys = true;
		for (int i = 0; i < DOMAIN_SLOTS; i++)
			snprintf(d.slot[i].selector, sizeof(d.slot[i].selector), "selector%d", i);
	}
	return domain_check(&d, providers, NULL);
}

enum status plan_domain_stored(const char *domain, struct span wanted, struct span old, struct buf *out)
{
	struct span dns = json_get(wanted, "dns"), was = json_get(old, "dns"), key, val;
	struct buf both = { 0 };
	struct domain d;
	bool ours = json_get(dns, "tokens").p == NULL;
	enum status st = ST_OK;

	json_open(&both, NULL, '{');
	part_of(dns, false, &both);
	while (json_member(&was, &key, &val))
		if (is_state(key) && (ours || !key_is(key, "keys")))
			member(&both, key, val);
	json_close(&both, '}');
	json_open(out, NULL, '{');
	while (json_member(&wanted, &key, &val))
		if (!key_is(key, "dns"))
			member(out, key, val);
	if (dns.p != NULL) {
		st = buf_ok(&both) ? domain_read(domain, both.p, both.len, &d) : st_fail(ST_NOMEM, "plan: out of memory");
		member(out, (struct span){ "dns", 3 }, (struct span){ "", 0 });
		buf_clear(&both);
		if (st == ST_OK)
			domain_write(&d, &both);
		buf_add(out, buf_cstr(&both), both.len);
	}
	json_close(out, '}');
	buf_free(&both);
	return st == ST_OK && !buf_ok(out) ? st_fail(ST_NOMEM, "plan: out of memory") : st;
}
