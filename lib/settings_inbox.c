/*
 * settings_inbox.c - see settings.h: inboxes, and what becomes of one that is removed.
 *
 * A removed inbox leaves its name behind, with its successor: mail that was delivered to it says so in the journal for ever, and
 * the store reads the one name for the other (store.h). So a removal costs nothing per message, no order of messages and
 * removals makes a difference, and the name is not free again: its old mail would come back.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "settings_priv.h"

#define CHAIN_MAX 100	/* successors of successors */

const struct rule inbox_rules[] = {
	{ "colour", take_colour }, { "description", take_description }, { "assignees", take_people }, { NULL, NULL },
};

enum status inbox_present(struct store *st, const char *inbox, char out[INBOX_MAX_BYTES + 1])
{
	struct buf json = { 0 };
	enum status rc = ST_OK;

	snprintf(out, INBOX_MAX_BYTES + 1, "%s", inbox);
	for (int i = 0; rc == ST_OK && i <= CHAIN_MAX; i++) {
		char next[INBOX_MAX_BYTES + 1] = "";

		rc = setting_get(st, "inbox/", out, &json);
		if (rc == ST_OK)
			rc = setting_member((struct span){ json.p, json.len }, "successor", next, INBOX_MAX_BYTES);
		if (rc == ST_NOTFOUND || (rc == ST_OK && next[0] == '\0')) {
			buf_free(&json);
			return ST_OK;
		}
		if (rc == ST_OK)
			memcpy(out, next, sizeof(next));
	}
	buf_free(&json);
	return rc == ST_OK ? st_fail(ST_BAD, "inbox %s: its successors lead nowhere", inbox) : rc;
}

/* ---- all of them ---- */

struct names { char (*name)[INBOX_MAX_BYTES + 1]; size_t n, cap; };

static enum status add_name(struct names *all, const char *name)
{
	if (all->n == all->cap) {
		size_t cap = all->cap > 0 ? 2 * all->cap : 64;
		void *p = realloc(all->name, cap * sizeof(*all->name));

		if (p == NULL)
			return st_fail(ST_NOMEM, "inboxes: out of memory");
		all->name = p;
		all->cap = cap;
	}
	snprintf(all->name[all->n++], sizeof(all->name[0]), "%s", name);
	return ST_OK;
}

static enum status from_setting(void *arg, const char *key, struct span json)
{
	char name[INBOX_MAX_BYTES + 1];
	enum status rc = setting_name("inbox/", key, name, INBOX_MAX_BYTES);

	return rc == ST_OK && json_get(json, "successor").p == NULL ? add_name(arg, name) : rc;
}

static enum status from_address(void *arg, const char *address, const struct address_setting *a)
{
	return add_name(arg, a->inbox);
}

static enum status from_domain(void *arg, const char *domain, const struct domain_setting *d)
{
	return d->any[0] != '\0' ? add_name(arg, d->any) : ST_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum status names_collect(struct store *st, struct names *all)
{
	enum status rc = add_name(all, INBOX_DEFAULT);
	size_t n = 0;

	if (rc == ST_OK)
		rc = setting_list(st, "inbox/", from_setting, all);
	if (rc == ST_OK)
		rc = setting_addresses(st, from_address, all);
	if (rc == ST_OK)
		rc = setting_domains(st, from_domain, all);
	if (rc != ST_OK)
		return rc;
	qsort(all->name, all->n, sizeof(*all->name), by_name);
	for (size_t i = 0; i < all->n; i++)
		if (i == 0 || strcmp(all->name[i], all->name[n - 1]) != 0)
			memmove(all->name[n++], all->name[i], sizeof(*all->name));
	all->n = n;
	return ST_OK;
}

enum status setting_inboxes(struct store *st, setting_inbox_fn fn, void *arg)
{
	struct names all = { 0 };
	enum status rc = names_collect(st, &all);

	for (size_t i = 0; rc == ST_OK && i < all.n; i++)
		rc = fn(arg, all.name[i]);
	free(all.name);
	return rc == ST_END ? ST_OK : rc;
}

/* ---- one ---- */

static enum status same_name(void *arg, const char *inbox)
{
	const char **wanted = arg;

	if (strcmp(inbox, *wanted) != 0)
		return ST_OK;
	*wanted = NULL;
	return ST_END;
}

/* Whether somebody leads to it, for one that has no setting of its own. */
static enum status is_led_to(struct store *st, const char *inbox)
{
	const char *wanted = inbox;
	enum status rc = setting_inboxes(st, same_name, &wanted);

	return rc == ST_OK && wanted != NULL
		? st_fail(ST_NOTFOUND, "%s has no inbox %.80s (weir-inbox list %s)", store_tenant(st), inbox, store_tenant(st)) : rc;
}

enum status setting_inbox_json(struct store *st, const char *inbox, struct buf *out)
{
	struct span successor;
	enum status rc = setting_get(st, "inbox/", inbox, out);

	if (rc == ST_NOTFOUND) {
		buf_clear(out);
		buf_str(out, "{}");
		return is_led_to(st, inbox);
	}
	successor = rc == ST_OK ? json_get((struct span){ out->p, out->len }, "successor") : (struct span){ 0 };
	if (successor.p != NULL)
		return st_fail(ST_NOTFOUND, "the inbox %s was removed: what it had is in %.*s", inbox, (int)successor.len, successor.p);
	return rc;
}

enum status setting_inbox_change(struct store *st, const char *inbox, struct span patch)
{
	struct buf old = { 0 }, json = { 0 };
	struct span v = { 0 }, successor;
	enum status rc = inbox_valid(inbox, strlen(inbox)) ? setting_get(st, "inbox/", inbox, &old)
		: st_fail(ST_BAD, "no inbox can be called %.80s", inbox);

	if (rc == ST_OK)
		v = (struct span){ old.p, old.len };
	successor = json_get(v, "successor");
	if (successor.p != NULL)
		rc = st_fail(ST_EXISTS, "the inbox %s was removed, its mail is in %.*s: choose another name", inbox, (int)successor.len, successor.p);
	else if (rc == ST_OK || rc == ST_NOTFOUND)
		rc = object_merge(inbox_rules, v, patch, &json);
	/* The default one is there without a setting. */
	if (rc == ST_OK)
		rc = setting_put(st, "inbox/", inbox, strcmp(inbox, INBOX_DEFAULT) == 0 && json.len == 2 ? NULL : &json);
	buf_free(&old);
	buf_free(&json);
	return rc;
}

/* ---- removing ---- */

struct leads { const char *inbox; struct buf names; size_t n; };

static enum status lead(struct leads *l, const char *inbox, const char *name)
{
	if (strcmp(inbox, l->inbox) != 0)
		return ST_OK;
	l->n++;
	buf_add(&l->names, name, strlen(name) + 1);
	return l->names.failed ? st_fail(ST_NOMEM, "settings: out of memory") : ST_OK;
}

static enum status address_leads(void *arg, const char *address, const struct address_setting *a)
{
	return lead(arg, a->inbox, address);
}

static enum status domain_leads(void *arg, const char *domain, const struct domain_setting *d)
{
	return lead(arg, d->any, domain);
}

/* What led to l->inbox, addresses and domains, leads to successor. */
static enum status lead_elsewhere(struct store *st, const struct leads *l, const char *successor)
{
	enum status rc = ST_OK;

	for (size_t at = 0; rc == ST_OK && at < l->names.len; at += strlen(l->names.p + at) + 1) {
		const char *name = l->names.p + at;
		struct address_setting a;
		struct domain_setting d;

		if (strchr(name, '@') != NULL) {
			rc = setting_address(st, name, &a);
			snprintf(a.inbox, sizeof(a.inbox), "%s", successor);
			if (rc == ST_OK)
				rc = setting_address_set(st, name, &a);
		} else {
			rc = setting_domain(st, name, &d);
			snprintf(d.any, sizeof(d.any), "%s", successor);
			if (rc == ST_OK)
				rc = setting_domain_set(st, name, &d);
		}
	}
	return rc;
}

enum status setting_inbox_remove(struct store *st, const char *inbox, const char *successor, size_t *moved_out)
{
	struct leads l = { .inbox = inbox };
	struct buf json = { 0 };
	enum status rc = ST_OK;

	*moved_out = 0;
	if (strcmp(inbox, INBOX_DEFAULT) == 0)
		rc = st_fail(ST_BAD, "the inbox " INBOX_DEFAULT " is always there");
	else if (strcmp(inbox, successor) == 0)
		rc = st_fail(ST_BAD, "%s cannot be its own successor", inbox);
	if (rc == ST_OK)
		rc = setting_inbox_json(st, inbox, &json);
	if (rc == ST_OK)
		rc = setting_inbox_json(st, successor, &json);
	if (rc == ST_OK)
		rc = setting_addresses(st, address_leads, &l);
	if (rc == ST_OK)
		rc = setting_domains(st, domain_leads, &l);
	if (rc == ST_OK)
		rc = lead_elsewhere(st, &l, successor);
	if (rc == ST_OK) {
		buf_clear(&json);
		json_open(&json, NULL, '{');
		json_cstr(&json, "successor", successor);
		json_close(&json, '}');
		rc = setting_put(st, "inbox/", inbox, &json);
		*moved_out = l.n;
	}
	buf_free(&json);
	buf_free(&l.names);
	return rc;
}
