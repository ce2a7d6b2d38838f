/*
 * authcheck.h - SPF, DKIM and DMARC of one message, by our own checks: who sent it, with the grounds.
 *
 * Restartable, as dns.h has it: authcheck_step() until it says true, with dns_wait() between. The message's bytes are
 * not needed after authcheck_begin().
 *
 * Traps: what could not be checked is AUTH_UNCHECKED or AUTH_TEMPERROR, never a pass and never a fail. The client's address and
 * the envelope are taken as given: whoever calls must have them from somebody trusted (auth_facts_of). Strings in
 * the results were written by strangers; authcheck_header() quotes them, authcheck_page() makes them safe for a terminal.
 */
#ifndef WEIR_AUTHCHECK_H
#define WEIR_AUTHCHECK_H

#include <stdio.h>
#include "arc.h"
#include "auth.h"
#include "dkim.h"
#include "dmarc.h"
#include "dns.h"
#include "spf.h"

#define AUTHCHECK_MAX_S		20	/* for one message, RFC 7208 4.6.4; what is not answered then is temperror */
#define AUTHCHECK_MAX_REASON	300	/* bytes of a reason in a record or a header field */

/* ---- what is known of how a message came ---- */
struct auth_facts {
	bool from_known;	/* from is the envelope sender; "" the null sender */
	struct buf from, helo;	/* helo "": not known */
	bool ip_known;
	struct spf_ip ip;
	char ip_from[16];	/* who says so: "envelope", "ses-header", "option"; "" */
};
void auth_facts_free(struct auth_facts *f);
/* From the record: envelope.from if there was an envelope; envelope.ip and envelope.helo, which a program of the operator's may
 * have put there; without them SES's own Received field, on top of raw, if the spool trusted it (`verdicts`). f: zeroed
 * or used before. ST_NOMEM. */
enum status auth_facts_of(const struct rec *rec, const char *raw, size_t len, struct auth_facts *f);
/* HELO and address in the value of a Received field of SES: "from HELO (RDNS [IP]) by inbound-smtp.REGION.amazonaws.com ...". HELO and
 * RDNS are the sender's to choose; the address is what stands in the brackets right before "by". False: it is not of that form. */
bool ses_received(const char *p, size_t n, struct buf *helo, struct spf_ip *ip);

/* ---- checking ---- */
struct authcheck_opts {
	struct dkim *dkim;
	const char *authserv_id;	/* our own name: SPF's %{r}, and whose Authentication-Results nobody else may write */
	int64_t now;			/* seconds since 1970 */
	bool arc;			/* verify ARC chains too */
};
struct authcheck {
	struct auth_facts facts;
	int64_t now;
	bool has_raw;			/* false: there were no bytes, only SPF is checked */
	struct spf_result spf, helo;	/* MAIL FROM, and HELO beside it */
	struct dkim_check *dkim;	/* NULL without bytes */
	enum auth_result dkim_result;
	const struct dkim_signature *dkim_which;	/* that dkim_result is about; NULL */
	struct dmarc_result dmarc;
	struct arc_check *arc;		/* NULL: nobody wanted it, or no bytes. Nothing follows from it */
	unsigned claims;		/* Authentication-Results fields in our name: forged, or left by a loop */
	struct authcheck_priv *priv;
};
/* raw NULL: the bytes are not to be had. f is emptied into the check. ST_NOMEM: nothing came to be. */
enum status authcheck_begin(const struct authcheck_opts *o, const char *raw, size_t len, struct auth_facts *f,
	struct authcheck **out);
/* Asks and judges what can be judged. True: all is done. */
bool authcheck_step(struct authcheck *c, struct dns *d);
/* Whether authcheck_step() would get any further: a name it waits for has been answered. */
bool authcheck_stirs(const struct authcheck *c);
void authcheck_free(struct authcheck **c);

/* SPF's result for the message: that of MAIL FROM. */
enum auth_result authcheck_result(const struct authcheck *c, enum auth_method m);

/* ---- saying it ---- */
enum dmarc_action { DMARC_DELIVER, DMARC_FLAG, DMARC_HOLD };
/* What the tenant wants (record's `policy`, default flag) for what the author's domain asks (reject, quarantine). */
enum dmarc_action dmarc_action_of(const struct rec *rec, enum dmarc_policy asked);

struct authcheck_said {
	const struct authcheck *check;	/* NULL: only the spool's verdicts */
	const struct auth *spool;	/* NULL: none */
	const struct rec *rec;		/* for the tenant's policy; NULL: none */
	const char *header;		/* a field to be put in as auth.header; NULL: none */
};
/* The member "auth":{...} appended to b, weir-record(5). A check of ours that was not made is filled in by the spool's trusted
 * verdict, and says so. Where DMARC failed and the tenant's policy is to hold, a hold is appended too; a From that does not say who
 * the author is counts as one whose domain asks for reject. */
void authcheck_json(const struct authcheck_said *s, struct buf *b);
/* An Authentication-Results field (RFC 8601 2.2), folded, with a final line end. */
void authcheck_header(const struct authcheck *c, const char *authserv_id, struct buf *b);
/* A page for people. */
void authcheck_page(const struct authcheck *c, FILE *f);

#endif
