/* settings_priv.h - what the settings_*.c files share: keys, and objects of which each member has a rule. Not for others. */
#ifndef WEIR_SETTINGS_PRIV_H
#define WEIR_SETTINGS_PRIV_H

#include "settings.h"

/* ---- settings.c: keys and values ---- */
/* The key of a name: kind is "address/" and so on. ST_BAD (too long), ST_NOMEM. */
enum status setting_key(const char *kind, const char *name, struct buf *key);
/* The name a key of ours was made of, at most max bytes and a NUL. */
enum status setting_name(const char *kind, const char *key, char *out, size_t max);
enum status setting_get(struct store *st, const char *kind, const char *name, struct buf *json);	/* ST_NOTFOUND */
/* json NULL: removed, and it is no failure if it was not there. */
enum status setting_put(struct store *st, const char *kind, const char *name, struct buf *json);
/* A string member into a fixed array; an absent one is "". */
enum status setting_member(struct span v, const char *name, char *out, size_t max);
/* store_settings() whose ST_END is ST_OK. */
enum status setting_list(struct store *st, const char *prefix, enum status (*fn)(void *, const char *, struct span), void *arg);

/* ---- settings_object.c: objects by rule ---- */
struct rule {
	const char *name;
	/* Appends the member in its one form to b, or nothing if v is its default. ST_BAD: why it cannot be. */
	enum status (*take)(struct span v, const char *name, struct buf *b);
};
/* One object of old (p NULL: none) and patch: the patch's members first, null takes away. Members of old without a rule stay, those of
 * patch are ST_BAD. rules end with name NULL. */
enum status object_merge(const struct rule *rules, struct span old, struct span patch, struct buf *out);
enum status take_inbox(struct span v, const char *name, struct buf *b);		/* the word of an inbox */
enum status take_text(struct span v, const char *name, struct buf *b);		/* one line, SETTING_TEXT_MAX; "" is the default */
enum status take_description(struct span v, const char *name, struct buf *b);	/* lines, DESCRIPTION_MAX */
enum status take_true(struct span v, const char *name, struct buf *b);		/* a boolean whose default is true */
enum status take_people(struct span v, const char *name, struct buf *b);	/* sorted, each once */
enum status take_signature(struct span v, const char *name, struct buf *b);
enum status take_address(struct span v, const char *name, struct buf *b);	/* in normal form */
enum status take_colour(struct span v, const char *name, struct buf *b);	/* "#rrggbb", lower case */

extern const struct rule address_rules[], inbox_rules[];

/* ---- settings_policy.c ---- */
/* Whether there is such a policy and the value is one of its words (ST_BAD); *standard_out: it is the default, which is not stored. */
enum status policy_check(const char *key, const char *value, bool *standard_out);
/* The object that is stored, "{}" if all is at its default. window as in duplicates_parse(), p NULL: the default. except: an array of
 * addresses in any form, p NULL: none. */
enum status duplicates_object(struct span window, struct span except, struct buf *json);

/* The inbox itself, or of a removed one the one that came in its place in the end. */
enum status inbox_present(struct store *st, const char *inbox, char out[INBOX_MAX_BYTES + 1]);

#endif
