/*
 * records.h - the DNS records a domain should have, and how they are printed.
 *
 * Owners are in normal form without the final dot; names in data are complete and have it ("10 mx.example."). TXT data is quoted
 * strings of at most 255 bytes ("\"v=spf1 ...\""; RFC 1035 3.3.14); nothing of ours holds a quote, a backslash or a
 * control byte, so joining what stands between the quotes gives the text.
 */
#ifndef WEIR_RECORDS_H
#define WEIR_RECORDS_H

#include <stdint.h>
#include "buf.h"
#include "dns.h"	/* DNS_A, DNS_MX...: struct rr's type */
#include "domain.h"
#include "status.h"

/* What a record is for. The first six are the 8 records of every domain. */
enum rr_role {
	RR_DKIM,		/* CNAME: TOKEN._domainkey.DOMAIN, three of them */
	RR_INBOUND,		/* MX: DOMAIN; "0 ." where it takes no mail */
	RR_FEEDBACK,		/* MX: MAIL FROM */
	RR_SPF,			/* TXT: DOMAIN */
	RR_MAIL_FROM_SPF,	/* TXT: MAIL FROM */
	RR_DMARC,		/* TXT: _dmarc.DOMAIN */
	RR_MTA_STS,		/* TXT: _mta-sts.DOMAIN (RFC 8461) */
	RR_MTA_STS_HOST,	/* CNAME: mta-sts.DOMAIN */
	RR_TLS_RPT,		/* TXT: _smtp._tls.DOMAIN (RFC 8460) */
	RR_SOA, RR_NS,		/* a zone's own; RR_NS also in the parent */
	RR_GLUE,		/* A, AAAA: a name server that lies in the zone */
	RR_APEX,		/* A, AAAA: DOMAIN */
	RR_PORTAL,		/* CNAME */
	RR_KEY			/* TXT: SELECTOR.dkim.PLATFORM */
};
const char *rr_role_name(enum rr_role r);	/* "dkim", "inbound", "feedback", "spf", "mail-from-spf", "dmarc", ... */

struct rr {
	char *owner;
	uint16_t type;
	uint32_t ttl;		/* seconds */
	char *data;		/* RDATA in presentation form */
	enum rr_role role;
	const char *purpose;	/* a line for people, without a full stop; static */
};
struct records { struct rr *rr; size_t n, cap; };	/* zeroed: empty */
void records_free(struct records *r);
const char *rr_type_name(uint16_t type);	/* "CNAME"; "?" for those that we never print */

/* All of the following append, then sort: SOA, NS, then by name of type, owner (RFC 4034 6.1), data. On failure *out holds nothing
 * new. ST_BAD: d cannot be published (domain_check), or has no provider yet. ST_CONFIG: the provider is not usable. ST_NOMEM. */

/* The 8 records, and what MTA-STS and TLS-RPT add where they were asked for. */
enum status domain_records(const struct domain *d, const struct providers *p, struct records *out);
/* The whole zone of a delegated domain, SOA with d->serial included: see zone_serial() in zone.h. */
enum status zone_records(const struct domain *d, const struct providers *p, struct records *out);
/* What the parent zone needs: NS, and glue for those in the domain. */
enum status delegation_records(const struct domain *d, const struct providers *p, struct records *out);
/* The keys of one domain, to stand in the zone of dkim.PLATFORM. Nothing if its keys are not ours. */
enum status platform_records(const struct domain *d, const struct providers *p, struct records *out);

/* The text of MTA-STS's policy file (RFC 8461 3.2), lines ended by CRLF; nothing if it was not asked for. */
enum status mta_sts_policy(const struct domain *d, const struct providers *p, struct buf *out);

/* ---- making them one by one ---- */
/* Appends; data is RDATA as described above. ST_BAD: the owner is over 253 bytes. */
enum status records_add(struct records *r, const char *owner, uint16_t type, uint32_t ttl, enum rr_role role, const char *data);
/* Text as TXT data, split at 255 bytes. ST_BAD: a quote, a backslash, a byte that is not printable ASCII. */
enum status records_txt(const char *text, struct buf *data);
/* What records_txt() was made of. */
void records_text(const char *data, struct buf *text);
void records_sort(struct records *r);
/* Moves all of from to the end of to, and sorts; from is empty then. ST_NOMEM: nothing was moved. */
enum status records_move(struct records *to, struct records *from);
/* A CNAME beside other data, or twice at a name (RFC 1034 3.6.2); the same record twice. ST_BAD names both. */
enum status records_conflict(const struct records *r);

/* ---- printing ---- */
enum records_format { FORMAT_BIND, FORMAT_JSON, FORMAT_CSV, FORMAT_NSUPDATE, FORMAT_TABLE };
/* ST_BAD with the choices. */
enum status records_format(const char *word, enum records_format *out);
/* Appends r as text; domain says whose they are (JSON). origin (may be NULL): a zone file's $ORIGIN. */
void records_print(const struct records *r, enum records_format f, const char *domain, const char *origin, struct buf *out);

#endif
