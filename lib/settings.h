/*
 * settings.h - what a tenant has set: its domains, addresses, inboxes and policy.
 *
 * They lie in the tenant's own store (store.h), so no tenant's settings can be reached through another's:
 *	domain/DOMAIN		{"any":"INBOX"?,"catch_all":"ADDRESS"?}, and members of others (domain.h), kept byte for byte
 *	address/LOCAL@DOMAIN	{"inbox":"INBOX","name"?,"active":false?,"senders"?,"signature"?,"tags":false?,"reply_to"?}
 *	primary			"LOCAL@DOMAIN": one, as soon as there is an address
 *	inbox/NAME		{"colour"?,"description"?,"assignees"?}, or {"successor":"NAME"} of one that was removed
 *	duplicates		{"window_ms":N?,"except":["ADDRESS",...]?}
 *	policy/KEY		"flag" and so on; the default is never stored
 * Domains and addresses are in normal form (address.h). Bytes that a key cannot hold are written %xx.
 * Every call needs a transaction of the caller's (store_begin): a change is one whole.
 *
 * Trap: which tenant a domain belongs to also stands in HOME/routes. Programs change settings through
 * settings_change() (change.h), which keeps both in step; the functions here write the store alone.
 */
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include <stdbool.h>
#include "address.h"
#include "buf.h"
#include "json.h"
#include "status.h"
#include "store.h"

#define ADDRESS_MAX_BYTES	254	/* RFC 5321 4.5.3.1.3, without the brackets */
#define INBOX_MAX_BYTES		63
#define INBOX_DEFAULT		"default"	/* always there; an address that was given none leads to it */
#define INBOX_UNSORTED		"unsorted"	/* weir-domain add --any */
#define INBOXES_MAX		10000		/* of one tenant */
#define SETTING_TEXT_MAX	200		/* bytes of a display name */
#define DESCRIPTION_MAX		2000		/* bytes of an inbox's description */
#define PEOPLE_MAX		100		/* senders of an address, assignees of an inbox */
#define PERSON_MAX_BYTES	128		/* "user:anna", "group:service" */
#define SIGNATURE_TEXT_MAX	(8u << 10)
#define SIGNATURE_HTML_MAX	(64u << 10)

/* An inbox is a word: [a-z0-9] then [a-z0-9._-], at most 63 bytes. */
bool inbox_valid(const char *name, size_t len);

/* ---- domains and addresses, as routing sees them ---- */
/* "" means: not set. */
struct domain_setting {
	char any[INBOX_MAX_BYTES + 1];		/* inbox of every address nobody has added */
	char catch_all[ADDRESS_MAX_BYTES + 1];	/* the address that gets their mail */
};
struct address_setting {
	char inbox[INBOX_MAX_BYTES + 1];
	bool inactive;				/* neither gets nor sends mail */
	bool no_tags;				/* info+x@ is not info@ */
};

/* ST_NOTFOUND: the tenant has no such domain (address). ST_BAD: what is stored makes no sense. */
enum status setting_domain(struct store *st, const char *domain, struct domain_setting *out);
enum status setting_address(struct store *st, const char *address, struct address_setting *out);
/* d or a NULL: removed. Otherwise the members of the struct are set and all others stay as they were. */
enum status setting_domain_set(struct store *st, const char *domain, const struct domain_setting *d);
enum status setting_address_set(struct store *st, const char *address, const struct address_setting *a);

/* In order of their keys. fn's ST_END stops, quietly. fn must not change settings. */
typedef enum status (*setting_domain_fn)(void *arg, const char *domain, const struct domain_setting *d);
typedef enum status (*setting_address_fn)(void *arg, const char *address, const struct address_setting *a);
enum status setting_domains(struct store *st, setting_domain_fn fn, void *arg);
enum status setting_addresses(struct store *st, setting_address_fn fn, void *arg);

/* ---- addresses and inboxes with all that is set about them ---- */
/* The object that is stored, in its one form (members in order, defaults left out). ST_NOTFOUND. An inbox that only
 * an address or a domain names, and the default one, are "{}". A removed inbox is ST_NOTFOUND, with its successor in st_text(). */
enum status setting_address_json(struct store *st, const char *address, struct buf *out);
enum status setting_inbox_json(struct store *st, const char *inbox, struct buf *out);
/* Puts the members of the object `patch` in place of the stored ones; null takes one away. Makes the address or inbox if it is not there
 * (the inbox of a new address is the default one). ST_BAD: a member that there is not, or a value that breaks its rule, both named. */
enum status setting_address_change(struct store *st, const char *address, struct span patch);
enum status setting_inbox_change(struct store *st, const char *inbox, struct span patch);
/* Every inbox there is, in order: the default one, those added, those that an address or a domain leads to. Not the removed ones. */
typedef enum status (*setting_inbox_fn)(void *arg, const char *inbox);
enum status setting_inboxes(struct store *st, setting_inbox_fn fn, void *arg);

/* The address that mail is sent from if nobody says otherwise. ST_NOTFOUND: the tenant has no address. */
enum status setting_primary(struct store *st, char address_out[ADDRESS_MAX_BYTES + 1]);
enum status setting_primary_set(struct store *st, const char *address);	/* ST_NOTFOUND: no such address; ST_BAD: inactive */

/* Takes the address away, and its being the catch-all. ST_NOTFOUND. */
enum status setting_address_remove(struct store *st, const char *address);
/* The inbox is gone for good, and its name with it: what leads to it leads to the successor from now on, and all mail that was
 * ever delivered to it is found there. *moved_out counts addresses and domains. ST_NOTFOUND (either), ST_BAD (default, or itself). */
enum status setting_inbox_remove(struct store *st, const char *inbox, const char *successor, size_t *moved_out);

/* Whether `who` ("user:anna", "group:service"; NULL: anybody) may send as the address: ST_OK; ST_NOTFOUND no such address; ST_DENIED inactive,
 * or none of its senders. An address without senders may be used by everybody of the tenant. */
enum status setting_may_send(struct store *st, const char *address, const char *who);

/* ---- before a domain goes ---- */
/* How many active (live) and how many addresses at all the domain has. */
enum status setting_domain_count(struct store *st, const char *domain, size_t *live_out, size_t *all_out);
/* Clears the domain of addresses. successor is another domain of the tenant (each local part goes there; one that is there already
 * stays as it is), or an address that exists (theirs is its mail from now on: nothing of theirs is kept but that the primary one becomes
 * it). NULL: inactive ones go, live ones are ST_EXISTS. What was stored under the old addresses stays. *moved_out counts. ST_NOTFOUND, ST_BAD:
 * the successor is none. */
enum status setting_domain_clear(struct store *st, const char *domain, const char *successor, size_t *moved_out);

/* ---- policy: what becomes of mail that could not be scanned, or that DMARC says is forged ---- */
/* key is "scan.encrypted", "dmarc.reject" and so on. ST_BAD with the choices in st_text(). */
enum status setting_policy_set(struct store *st, const char *key, const char *value);
/* Calls fn for each policy that is not at its default: "scan.encrypted", "flag". */
enum status setting_policies(struct store *st, enum status (*fn)(void *arg, const char *key, const char *value), void *arg);
/* Appends what weir-route gives along, {"encrypted":"flag","dmarc":{"reject":"hold"}}; nothing at all if every one is at its default. */
enum status setting_policy(struct store *st, struct buf *json_out);

/* ---- duplicates: weir-record(5) says what that is ---- */
#define DUPLICATES_MAX_MS	(366ll * 86400 * 1000)
#define DUPLICATES_EXCEPT_MAX	1000
/* "10s", "5m", "2h", "1d", "250" or "250ms"; a sign is ignored; 0: off. ST_BAD. */
enum status duplicates_parse(const char *text, int64_t *ms_out);
/* The shortest of these forms. */
void duplicates_text(int64_t ms, char out[24]);
/* Puts the window; ms DUPLICATES_DEFAULT_MS is not stored. */
enum status setting_duplicates_set(struct store *st, int64_t ms);
/* addresses: separated by commas or blanks, any form; "" for none. ST_BAD names the one that is none. */
enum status setting_duplicates_except(struct store *st, const char *addresses);
/* The window, and the exceptions as a JSON array ("[]" for none) into except_out (cleared; may be NULL). */
enum status setting_duplicates(struct store *st, int64_t *ms_out, struct buf *except_out);

/* ---- where an address leads ---- */
enum match { MATCH_EXACT, MATCH_TAG, MATCH_CATCH_ALL, MATCH_DOMAIN };
const char *match_name(enum match m);	/* "exact", "tag", "catch-all", "domain" */
struct destination {
	char address[ADDRESS_MAX_BYTES + 1], inbox[INBOX_MAX_BYTES + 1];
	enum match match;
	int tag_plus;	/* MATCH_TAG: the tag begins after this '+' of the local part (counted from 1) */
	bool shared;	/* on the platform's shared domain; set by router.h */
};
/* The exact address; the address before a '+' (unless it takes no tags), the longest first; the domain's catch-all; the domain, if
 * it takes any. address is in normal form and its domain this tenant's. ST_NOTFOUND; ST_DENIED: it leads to an address that is inactive. */
enum status setting_resolve(struct store *st, const char *address, struct destination *out);

#endif
