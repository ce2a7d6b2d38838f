/*
 * domain.h - what a tenant has settled about one of its domains: who sends and receives for it, and what its DNS is to say.
 *
 * It lies in the tenant's store as the member "dns" of the setting domain/DOMAIN (settings.h). The other members there
 * are not ours: domain_set() copies them byte for byte. A domain that was only added has no "dns": DOMAIN_PLAIN.
 * What its records are is records.h's; the keys' files are keyring.h's.
 *
 * Trap: a struct domain comes from a file that people edit (weir-tenant apply). domain_read() checks the form of
 * every value, so whatever is in the struct can be printed into a zone; whether the values go together is
 * domain_check()'s to say, and is asked before anything is kept.
 */
#ifndef WEIR_DOMAIN_H
#define WEIR_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include "address.h"
#include "buf.h"
#include "provider.h"
#include "status.h"
#include "store.h"

#define DOMAIN_SLOTS		3	/* DKIM selectors of a domain: three CNAMEs, whoever signs */
#define DOMAIN_INCLUDES_MAX	10	/* RFC 7208 4.6.4: more could never be looked up */
#define DOMAIN_REPORTS_MAX	4	/* addresses of rua=, of ruf=, of TLS-RPT */
#define DOMAIN_PORTALS_MAX	32
#define DOMAIN_APEX_MAX		8	/* A and AAAA at the domain itself */
#define DOMAIN_TTL_MIN		60	/* seconds */
#define DOMAIN_TTL_MAX		604800	/* a week: RFC 1912 2.2 knows no reason for more */
#define DOMAIN_TTL_DEFAULT	3600
#define LABEL_MAX_BYTES		63	/* RFC 1035 2.3.4 */
#define REPORT_MAX_BYTES	254	/* an address for reports; an https: URI of TLS-RPT */

enum domain_mode {
	DOMAIN_PLAIN,		/* routed only: nothing about its DNS was ever said */
	DOMAIN_SELF_MANAGED,	/* its owner copies the records into a zone of theirs */
	DOMAIN_DELEGATED	/* it is a zone of ours */
};
const char *domain_mode_name(enum domain_mode m);	/* "plain", "self-managed", "delegated" */

enum key_algorithm { KEY_RSA, KEY_ED25519 };		/* RSA-2048; RFC 8463 */
const char *key_algorithm_name(enum key_algorithm a);	/* as in k=: "rsa", "ed25519" */

enum slot_state {
	SLOT_FREE,		/* no key: p= is published empty (RFC 6376 3.6.1) */
	SLOT_PUBLISHED,		/* the key is in the zone, nothing is signed with it yet */
	SLOT_ACTIVE,		/* signs */
	SLOT_RETIRING		/* signs no more; stays in the zone for mail that is still under way */
};
const char *slot_state_name(enum slot_state s);		/* "free", "published", "active", "retiring" */

/* One of our own selectors. Its name never changes, so neither does the customer's CNAME. */
struct slot {
	char selector[LABEL_MAX_BYTES + 1];
	enum slot_state state;
	enum key_algorithm algorithm;	/* unless free */
	int64_t since;			/* when it came into this state, unix seconds */
	int64_t seen;			/* SLOT_PUBLISHED: when the key was first seen in DNS, 0: not yet */
	char public_key[400];		/* p=: base64 of SPKI (RSA) or of 32 bytes (Ed25519); "" if free */
	char file[LABEL_MAX_BYTES + 40];	/* the private key in the tenant's keys/; "" if free */
};

struct portal { char name[DOMAIN_MAX_BYTES + 1], target[DOMAIN_MAX_BYTES + 1]; };	/* name is complete, not relative */

struct domain {
	char name[DOMAIN_MAX_BYTES + 1];	/* normal form (address.h) */
	enum domain_mode mode;
	char provider[PROVIDER_NAME_MAX + 1];	/* "ses:REGION", "own"; "" if not settled */
	bool own_keys;				/* slot[] is ours: always with "own", with SES it is BYODKIM */
	char token[DOMAIN_SLOTS][LABEL_MAX_BYTES + 1];	/* without own_keys: what SES calls DKIM tokens */
	struct slot slot[DOMAIN_SLOTS];
	char mail_from[LABEL_MAX_BYTES + 1];	/* label: MAIL FROM is mail_from.name */
	uint32_t ttl;
	char spf_all;				/* '~', '-' or '?' */
	char include[DOMAIN_INCLUDES_MAX][DOMAIN_MAX_BYTES + 1];
	size_t n_include;
	char dmarc[128];			/* "p=none; adkim=s": all tags but v, rua, ruf, in normal form (domain_dmarc) */
	char rua[DOMAIN_REPORTS_MAX][REPORT_MAX_BYTES + 1], ruf[DOMAIN_REPORTS_MAX][REPORT_MAX_BYTES + 1];	/* addresses */
	size_t n_rua, n_ruf;
	char mta_sts[8];			/* "", "none", "testing", "enforce" (RFC 8461 3.2) */
	char mta_sts_host[DOMAIN_MAX_BYTES + 1];	/* mta-sts.name is a CNAME to it */
	char tls_rpt[DOMAIN_REPORTS_MAX][REPORT_MAX_BYTES + 1];	/* "mailto:..." or "https://..." (RFC 8460 3) */
	size_t n_tls_rpt;
	bool null_mx;				/* RFC 7505: it takes no mail */
	/* ---- only where it is delegated ---- */
	struct portal portal[DOMAIN_PORTALS_MAX];
	size_t n_portal;
	char apex[DOMAIN_APEX_MAX][48];		/* addresses in their normal form (inet_ntop) */
	size_t n_apex;
	struct name_server ns[NAME_SERVERS_MAX];	/* none: the provider "own" has them */
	size_t n_ns;
	uint32_t serial;			/* of the zone printed last; 0: none was */
	char serial_of[65];			/* hex SHA-256 of that zone without its serial */
};

/* A domain of which nothing was said but its name: the defaults (self-managed, "mail", 3600, '~', p=none). */
void domain_init(struct domain *d, const char *name);

/* ---- in the store ---- within a transaction of the caller's */
/* ST_NOTFOUND: the tenant has no such domain. ST_BAD: what is stored makes no sense. A DOMAIN_PLAIN one has the defaults. */
enum status domain_get(struct store *st, const char *name, struct domain *out);
/* Writes the member "dns"; all others stay. The domain need not be there before. DOMAIN_PLAIN: "dns" is removed. */
enum status domain_set(struct store *st, const struct domain *d);

/* ---- as text ---- */
/* Reads the JSON object that stands as "dns", for export, plan and apply. ST_BAD names the member and what is wrong with it; unknown
 * members are ST_BAD too. *out is undefined then. */
enum status domain_read(const char *name, const char *json, size_t len, struct domain *out);
/* Appends the object, members always in the same order. */
void domain_write(const struct domain *d, struct buf *json);

/* ---- single values, from people ---- ST_BAD with the rule and a way out in st_text() */
/* A domain that mail and DNS can both have: LDH labels (RFC 5890 2.3.1) of 1 to 63 bytes, at least two, 253 in all, A-labels
 * that IDNA2008 allows (RFC 5891 5.4), no address of four numbers. Normal form appended to out. */
enum status domain_name(const char *text, struct buf *out);
/* A name in DNS: as above, but labels may hold '_', and one label is enough. */
enum status domain_dns_name(const char *text, struct buf *out);
/* Tags of a DMARC record but v, rua and ruf, "p=reject; adkim=s", or a policy alone, "reject". Those that receivers would discard
 * (RFC 9989 4.7) and aspf=s, which can never pass where MAIL FROM is another domain than From, are refused. */
enum status domain_dmarc(const char *text, char out[128]);
/* An address for reports, with or without "mailto:". */
enum status domain_report_address(const char *text, char out[REPORT_MAX_BYTES + 1]);
/* The same for TLS-RPT, where an https: URI may stand too; "mailto:" is written in front (RFC 8460 3). */
enum status domain_tls_rpt(const char *text, char out[REPORT_MAX_BYTES + 1]);
/* How an SPF record ends: "~all", "-all", "?all", the sign alone, or its name (softfail, fail, neutral). *out is the sign. */
enum status domain_spf_all(const char *text, char *out);
/* A label for MAIL FROM, or a token: LDH in lower case. */
enum status domain_label(const char *text, char out[LABEL_MAX_BYTES + 1]);

/* ---- the whole ---- */
/* Whether d can be published: values that go together, names within 253 bytes, no CNAME beside other data, SPF within its 10 lookups.
 * ST_BAD with the reason. A DOMAIN_PLAIN one is fine. warnings (may be NULL): lines for people are appended. */
enum status domain_check(const struct domain *d, const struct providers *p, struct buf *warnings);
/* Whether the tenant's domains go together with its other settings: no MAIL FROM receives mail itself, no domain with a null MX
 * has addresses or takes any. settings_check() asks, so that it holds whichever program changes what. ST_BAD with the reason. */
enum status domains_check(struct store *st);

#endif
