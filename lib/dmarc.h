/*
 * dmarc.h - DMARC (RFC 9989, which obsoletes 7489): does what SPF and DKIM proved speak for the author?
 *
 * Restartable, as dns.h has it: ST_AGAIN means that names are being asked for; call again, with the same
 * arguments, after dns_wait().
 *
 * Traps: the organizational domain comes from a walk up the DNS (4.10), not from a public suffix list, and it is
 * looked for from each domain on its own: that of the author, of SPF and of DKIM. Policy comes from the author's own
 * record or from its organizational domain's, never from one between them. "fail" is a claim, too: where an
 * aligned check could not be finished, the result is temperror (5.3.6), and where one was not made at all, unchecked.
 * A pass says that the domain's owner stands behind the message, not that the domain is anybody you know.
 */
#ifndef WEIR_DMARC_H
#define WEIR_DMARC_H

#include "auth.h"
#include "buf.h"
#include "dns.h"
#include "status.h"

#define DMARC_MAX_QUERIES	8	/* TXT queries of one walk (4.10) */
#define DMARC_MAX_AUTHORS	4	/* domains in From that are checked (11.5): permerror above */
#define DMARC_MAX_DKIM		16	/* signatures looked at; the rest is left out */
#define DMARC_MAX_RECORD_BYTES	8192	/* a longer record is discarded */

enum dmarc_policy { DMARC_ABSENT, DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT, DMARC_INVALID };
const char *dmarc_policy_name(enum dmarc_policy p);	/* "none", "quarantine", "reject"; "" for the others */

/* ---- records: dmarc_record.c ---- */
enum dmarc_use {
	DMARC_NOT_A_RECORD,	/* does not begin with v=DMARC1: ignored, as if it were not there (4.7) */
	DMARC_USED,
	DMARC_AS_NONE,		/* no good p, or a bad sp or np, but a good rua: "p=none" (4.10.1) */
	DMARC_UNUSABLE		/* the same without a good rua: the mechanism is not applied (4.10.1) */
};
enum dmarc_problem {		/* bits: what a publisher should mend */
	DMARC_P_NO_P = 1,	/* p is missing */
	DMARC_P_BAD_P = 2, DMARC_P_BAD_SP = 4, DMARC_P_BAD_NP = 8,	/* neither none, quarantine nor reject */
	DMARC_P_BAD_RUA = 16, DMARC_P_BAD_RUF = 32,	/* a URI that is none, or without a scheme */
	DMARC_P_BAD_VALUE = 64,	/* of adkim aspf fo psd t: the default holds */
	DMARC_P_TWICE = 128,	/* a tag twice: it counts as one without a good value */
	DMARC_P_SYNTAX = 256,	/* something that is no tag=value, or bytes that may not stand there: left out */
	DMARC_P_OBSOLETE = 512,	/* pct, rf, ri, a size in a URI: no longer looked at (C.5.2) */
	DMARC_P_UNKNOWN = 1024,	/* a tag nobody registered: a typing error? */
	DMARC_P_FO_ALONE = 2048	/* fo without ruf does nothing */
};
struct dmarc_record {
	enum dmarc_use use;
	int problems;			/* DMARC_P_ bits */
	enum dmarc_policy p, sp, np;	/* as written: DMARC_ABSENT, DMARC_INVALID are possible */
	bool strict_dkim, strict_spf;	/* adkim=s, aspf=s */
	bool test;			/* t=y */
	char psd;			/* 'y' 'n' 'u' */
	struct span rua, ruf, fo;	/* as written, into the text that was read; p NULL: absent */
	int worst;			/* of the problems, and in */
	char bad_tag[24];		/* which tag it is, cut; "" */
};
/* Reads one TXT record's text. Returns out->use. Never fails. */
enum dmarc_use dmarc_record_read(const char *p, size_t n, struct dmarc_record *out);
/* The worst problem in words ("p: the policy is neither none, quarantine nor reject; receivers ..."), "" if there is none. */
void dmarc_problem_text(const struct dmarc_record *r, struct buf *out);
/* Steps through rua or ruf: the URI without the obsolete "!10m". False at the end. *good_out: it is a URI (RFC 3986)
 * with a scheme, and a mailto has an address. */
bool dmarc_uri_next(struct span *list, struct span *uri_out, bool *good_out);

/* ---- the walk: dmarc_walk.c ---- */
struct dmarc_walk {
	enum auth_result result;	/* AUTH_PASS: done; AUTH_TEMPERROR: some name could not be told */
	struct buf org;			/* the organizational domain; the domain itself if no record says otherwise */
	struct buf policy_domain;	/* where the record that applies stands; "" if there is none */
	struct buf text;		/* that record */
	bool from_psd;			/* it is a public suffix's (psd=y above the organizational domain) */
	bool several;			/* some name had several records, which were all discarded (4.10) */
	int queries;
	struct buf failed;		/* AUTH_TEMPERROR: the name that could not be told */
};
/* Finds the organizational domain of a domain and the record that would apply to it as author. domain: A-labels, lower case,
 * no final dot (domain_normal). ST_OK, ST_AGAIN, ST_NOMEM. w: zeroed, or used before. */
enum status dmarc_walk(struct dns *d, const char *domain, struct dmarc_walk *w);
void dmarc_walk_free(struct dmarc_walk *w);

/* ---- authors: dmarc_from.c ---- */
struct dmarc_authors {
	int fields;				/* From fields in the header */
	size_t n;				/* domains kept; over DMARC_MAX_AUTHORS `many` is set */
	bool many, malformed;			/* malformed: an address that is none, or without a domain */
	char domain[DMARC_MAX_AUTHORS][256];	/* each once, A-labels (5.3.1) */
};
/* From the raw message (or its header block). ST_OK, ST_NOMEM. */
enum status dmarc_authors(const char *p, size_t len, struct dmarc_authors *out);

/* ---- the verdict: dmarc.c ---- */
struct dmarc_dkim { const char *domain; enum auth_result result; };
struct dmarc_query {
	const struct dmarc_authors *authors;
	enum auth_result spf;		/* of MAIL FROM (or of postmaster@HELO for the null sender), never of HELO alone (4.4.2) */
	const char *spf_domain;		/* NULL: not known */
	const struct dmarc_dkim *dkim;	/* every signature with its d= */
	size_t n_dkim;
};
struct dmarc_result {
	enum auth_result result;	/* AUTH_NONE PASS FAIL TEMPERROR PERMERROR (RFC 9989 9.2), or AUTH_UNCHECKED: SPF or DKIM
					 * was not checked at all, and might have been the aligned pass that is missing */
	enum dmarc_policy published;	/* that of p, sp or np which applies (np is looked at unless pass); DMARC_ABSENT without a record */
	enum dmarc_policy disposition;	/* what is asked for: none unless fail; one step down with t=y (4.7) */
	char policy_tag[3];		/* "p", "sp" or "np"; "" */
	bool test;			/* t=y */
	bool unreadable;		/* permerror because From, which is there, does not say who the author is */
	bool spf_aligned;		/* an aligned pass of SPF */
	bool dkim_aligned;		/* an aligned pass of DKIM: signature number dkim_at */
	size_t dkim_at;
	struct buf author;		/* the author domain that decided; "" if there is none */
	struct buf policy_domain;	/* as in struct dmarc_walk */
	struct buf org;			/* the author's organizational domain; "" if nothing depended on it, so nobody looked */
	struct buf record;		/* the record that applies, byte for byte as published */
	struct buf why;			/* a sentence for a postmaster; never empty */
	int queries;			/* TXT queries of the author's walk */
};
/* ST_OK: r is filled. ST_AGAIN: names are pending. ST_NOMEM. r: zeroed, or used before.
 * Several author domains in one From field: each is checked, the worst of fail, temperror, unchecked, permerror, none, pass is
 * the result, and of those that fail the strictest policy (11.5). No From field, several, or one that is malformed: permerror. */
enum status dmarc_check(struct dns *d, const struct dmarc_query *q, struct dmarc_result *r);
void dmarc_result_free(struct dmarc_result *r);

#endif
