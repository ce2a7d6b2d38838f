/*
 * settings.h - what a tenant has set: its domains, addresses and policy.
 *
 * They lie in the tenant's own store (store.h), so no tenant's settings can be reached through another's:
 *	domain/DOMAIN		{"any":"INBOX"?,"catch_all":"ADDRESS"?}
 *	address/LOCAL@DOMAIN	{"inbox":"INBOX"}
 *	policy/scan.REASON	"flag" or "delete" ("hold" is the default and never stored)
 * Domains and addresses are in normal form (header.h). Bytes that a key cannot hold are written %xx.
 * Every call needs a transaction of the caller's (store_begin): a change is one whole.
 */
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include <stdbool.h>
#include "address.h"
#include "buf.h"
#include "status.h"
#include "store.h"

#define ADDRESS_MAX_BYTES	254	/* RFC 5321 4.5.3.1.3, without the brackets */
#define INBOX_MAX_BYTES		63
#define INBOX_DEFAULT		"inbox"		/* an address that was given none */
#define INBOX_UNSORTED		"unsorted"	/* weir-domain add --any */

/* An inbox is a word: [a-z0-9] then [a-z0-9._-], at most 63 bytes. */
bool inbox_valid(const char *name, size_t len);

/* "" means: not set. */
struct domain_setting {
	char any[INBOX_MAX_BYTES + 1];		/* inbox of every address nobody has added */
	char catch_all[ADDRESS_MAX_BYTES + 1];	/* the address that gets their mail */
};
struct address_setting { char inbox[INBOX_MAX_BYTES + 1]; };

/* ST_NOTFOUND: the tenant has no such domain (address). ST_BAD: what is stored makes no sense. */
enum status setting_domain(struct store *st, const char *domain, struct domain_setting *out);
enum status setting_address(struct store *st, const char *address, struct address_setting *out);
/* d or a NULL: removed. */
enum status setting_domain_set(struct store *st, const char *domain, const struct domain_setting *d);
enum status setting_address_set(struct store *st, const char *address, const struct address_setting *a);

/* In order of their keys. fn's ST_END stops, quietly. */
typedef enum status (*setting_domain_fn)(void *arg, const char *domain, const struct domain_setting *d);
typedef enum status (*setting_address_fn)(void *arg, const char *address, const struct address_setting *a);
enum status setting_domains(struct store *st, setting_domain_fn fn, void *arg);
enum status setting_addresses(struct store *st, setting_address_fn fn, void *arg);

/* ---- policy: what becomes of a message that could not be scanned ---- */
/* The reasons of weir-scan that have a policy: "encrypted", "too_big"...; NULL after the last. */
extern const char *const policy_reasons[];
/* key is "scan.encrypted" and so on, value "hold", "flag" or "delete". ST_BAD with the choices in st_text(). */
enum status setting_policy_set(struct store *st, const char *key, const char *value);
/* Appends {"encrypted":"flag"} to json_out; nothing at all if every reason is at its default. */
enum status setting_policy(struct store *st, struct buf *json_out);

/* ---- where an address leads ---- */
enum match { MATCH_EXACT, MATCH_TAG, MATCH_CATCH_ALL, MATCH_DOMAIN };
const char *match_name(enum match m);	/* "exact", "tag", "catch-all", "domain" */
struct destination {
	char address[ADDRESS_MAX_BYTES + 1], inbox[INBOX_MAX_BYTES + 1];
	enum match match;
	int tag_plus;	/* MATCH_TAG: the tag begins after this '+' of the local part (counted from 1) */
};
/* The exact address; the address before a '+', the longest first; the domain's catch-all; the domain, if
 * it takes any. address is in normal form and its domain this tenant's. ST_NOTFOUND. */
enum status setting_resolve(struct store *st, const char *address, struct destination *out);

#endif
