/*
 * plan.h - a tenant's settings as text: written, compared with what is set, and put in its place.
 *
 * The text is one JSON object, made for version control: sections in order, one line for each inbox, domain and address, sorted by name,
 * values in one form, defaults left out. What is written is what would be read: a plan of an export is empty.
 *	{"weir":1,"type":"settings","tenant":"acme",
 *	 "policy":{"scan.encrypted":"flag"}, "duplicates":{"window":"3m","except":["news@x.example"]},
 *	 "inboxes":[{"inbox":"support","colour":"#ff0000",...},{"inbox":"old","successor":"support"}],
 *	 "domains":[{"domain":"x.example","catch_all":"info@x.example",...}],
 *	 "addresses":[{"address":"info@x.example","inbox":"support","primary":true,...}]}
 * Of a domain's "dns" the keys and the serial are not in the text: they are no settings, and stay as they are.
 * A section says all that there is of its kind; what stands in no section's list is to go. A section that is left out
 * stays as it is. An inbox never just goes: it needs a successor.
 */
#ifndef WEIR_PLAN_H
#define WEIR_PLAN_H

#include "settings.h"

#define PLAN_MAX_BYTES		(32u << 20)
#define PLAN_MAX_ENTRIES	100000		/* inboxes, domains and addresses together */

/* Appends the text, with its final newline. Within a transaction. */
enum status plan_export(struct store *st, struct buf *out);

/* Checks and canonicalises what others keep in a domain's entry, a member at a time: appends its one form to out. ST_BAD with
 * the reason; ST_NOTFOUND: no member of mine (it is kept as it is). */
typedef enum status (*plan_member_fn)(void *arg, const char *domain, struct span member, struct span value, struct buf *out);

/* The one for the member "dns" (domain.h). arg: struct providers. */
enum status plan_domain_member(void *arg, const char *domain, struct span member, struct span value, struct buf *out);
/* Whether a domain that a plan has put there has no keys yet: keyring_create() makes them. */
struct domain;
bool plan_domain_lacks_keys(const struct domain *d);

struct plan;
/* Reads text and checks each value by itself. ST_BAD, ST_LIMIT: the line, the entry, the rule it breaks. text must outlive the plan. */
enum status plan_read(const char *text, size_t len, plan_member_fn fn, void *arg, struct plan **out);
void plan_free(struct plan **p);
const char *plan_tenant(const struct plan *p);	/* whose it says it is; "" if it does not say */

/* What a change is: op "add", "remove" or "change"; kind "address", "inbox", "domain", "policy", "duplicates" or "primary"; what was and what
 * will be stored (p NULL: nothing). */
struct plan_change { const char *op, *kind, *name; struct span old, now; };
/* Appends it as a line: an entity of weir-record(5), or "~ address info@x.example  inbox "a" -> "b"" for people (+ new, - gone). */
enum status plan_change_json(const struct plan_change *c, const char *tenant, struct buf *b);
enum status plan_change_text(const struct plan_change *c, struct buf *b);
typedef enum status (*plan_change_fn)(void *arg, const struct plan_change *c);
/* Puts the plan in place of the settings, with what follows of it (settings_settle), and calls fn for each setting that is another one
 * than before, in order. Within a transaction of settings_change(), which checks the whole. ST_BAD: the plan forgets or revives an inbox. */
enum status plan_apply(struct store *st, const struct plan *p, plan_change_fn fn, void *arg);

#endif
