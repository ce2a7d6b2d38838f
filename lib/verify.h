/*
 * verify.h - are a domain's records published as they should be, and what is to be changed, in which order?
 *
 * Two views, kept apart: the authority (every name server of the domain's zone, and of its parent where the domain is
 * delegated, asked directly: authority.h) and the recursive path (dns.h), which is what receivers see and may be a cache's
 * memory. A verdict is the authority's where it could be asked, else the recursive path's; where the two differ, the note says
 * so. Nobody could be asked: VERDICT_TEMPERROR, which is never "missing" and never "ok".
 *
 * All names of a domain are asked for at once and VERIFY_DEADLINE_MS is the end for all of them; many domains wait at
 * the same time (verify_run). What is found is a stranger's: names and texts in a struct verify may hold any bytes, printing them
 * is verify_print.h's.
 */
#ifndef WEIR_VERIFY_H
#define WEIR_VERIFY_H

#include <stdbool.h>
#include <stdint.h>
#include "authority.h"
#include "dns.h"
#include "domain.h"
#include "records.h"
#include "status.h"

#define VERIFY_DEADLINE_MS	4500	/* a domain, from its first question on */
#define VERIFY_WINDOW		100	/* domains on their way at a time */
#define VERIFY_MAX_SERVERS	13	/* name servers of a zone that are asked (addresses, in all) */
#define VERIFY_MAX_DEPTH	12	/* labels above a domain in which its zone is looked for */
#define VERIFY_MAX_FOUND	256	/* records at a name that are looked at (AUTHORITY_MAX_RR, DNS_MAX_RECORDS) */
#define VERIFY_MAX_EXTRA	40	/* rows of VERDICT_EXTRA of a domain; further ones are left out */
#define VERIFY_MAX_FINDINGS	60

enum verdict { VERDICT_OK, VERDICT_MISSING, VERDICT_WRONG, VERDICT_EXTRA, VERDICT_TEMPERROR };
const char *verdict_name(enum verdict v);	/* "ok", "missing", "wrong", "extra", "temperror" */

/* ---- what a view has at a name ---- */
enum seen { SEEN_NOT_ASKED, SEEN_FAILED, SEEN_NOTHING, SEEN_RECORDS };
struct verify_item {
	uint16_t type;
	struct span text;	/* TXT: its strings joined; others as struct rr's data, in lower case: "10 mx.example." */
};
struct verify_seen {
	enum seen how;
	const char *why;	/* SEEN_FAILED: a few words */
	uint32_t ttl;
	const char *alias;	/* a CNAME stands at the name: where it leads, with the final dot; NULL */
	bool beside;		/* and other data beside it (RFC 1034 3.6.2) */
	size_t n;
	const struct verify_item *item;
};
/* Whether both hold the same records, in whatever order. */
bool verify_same(const struct verify_seen *a, const struct verify_seen *b);

/* ---- the result ---- */
struct verify_row {
	enum verdict verdict;
	const char *owner;		/* without the final dot */
	uint16_t type;
	uint32_t ttl, found_ttl;
	enum rr_role role;
	const char *purpose;
	bool at_parent;			/* it is the parent zone that has to hold it */
	const char *expected;		/* as struct rr's data; NULL: VERDICT_EXTRA */
	const struct verify_item *found;	/* what stands in its place; none if ok, missing, temperror */
	size_t n_found;
	const char *why;		/* what is wrong and what to do; "" if ok */
	const char *note;		/* what caches or single servers say otherwise; "" */
	int order;			/* changes are made in this order, the same number at once; 0: nothing to change */
};
/* Beside the records: what would break later, or breaks something else. */
struct verify_finding {
	const char *code;	/* "two-spf", "lame", "wildcard", ...: weir-domain(1) has the table */
	bool grave;		/* mail suffers now */
	const char *at;		/* a name, or a server */
	const char *text;	/* a sentence */
};
struct verify_server {
	bool parent;
	const char *name, *address;	/* address "": none was found */
	enum authority_result result;	/* of the question for the zone's SOA */
	bool has_serial;
	uint32_t serial;
	const char *problem;		/* "" */
};
struct verify {
	const char *domain;
	bool delegated;
	const char *zone, *parent_zone;		/* "" if not found */
	size_t n_row, n_finding, n_server;
	struct verify_row *row;			/* expected ones in their order, each with the extra ones behind it */
	struct verify_finding *finding;
	struct verify_server *server;
	size_t count[VERDICT_TEMPERROR + 1];	/* rows by verdict */
	bool resolver_dead;			/* the recursive path answered nothing at all */
	struct verify_work *work;
};

/* ---- one domain ---- */
struct verify_opts {
	const char *authority;		/* "IP" or "IP@PORT": asked instead of the zone's name servers; NULL: those */
	bool no_authority;		/* the recursive path only */
};
/* d and o are kept, not copied. records: what domain_records (self-managed) or zone_records (delegated) gave; delegation: of
 * delegation_records, or NULL. Both are kept, too. ST_NOMEM. */
enum status verify_new(const struct domain *d, const struct records *records, const struct records *delegation,
	const struct verify_opts *o, struct verify **out);
void verify_free(struct verify **v);
/* Goes on: ST_AGAIN (wait for dns or authority and call again), ST_OK (the result stands), ST_NOMEM. authority may be NULL: not asked.
 * hurry: what is not known yet counts as unanswered; never ST_AGAIN. Answers must not be swept between two calls. */
enum status verify_step(struct verify *v, struct dns *dns, struct authority *authority, bool hurry);
/* Whether nothing is missing, wrong, extra or unknown. */
bool verify_well(const struct verify *v);
/* Whether there is positive evidence against it: something is missing, wrong or extra. */
bool verify_broken(const struct verify *v);

/* ---- many ---- */
/* Runs all of them, VERIFY_WINDOW at a time, calls done() for each as it ends, in any order; done() may free it. ST_IO: cannot wait.
 * What done() returns other than ST_OK ends the run. */
enum status verify_run(struct verify **list, size_t n, struct dns *dns, struct authority *authority,
	enum status (*done)(void *arg, size_t at, struct verify *v), void *arg);

/* ---- the verdict alone (verify_judge.c) ---- */
/* Judges a set of expected records of one owner and type against what a view has there. verdict[0..n) for the expected ones, at[i] the
 * item that stands in its place (-1: none); extra[0..seen->n) true for items that must go. why: a text for each
 * expected record is appended, NUL-terminated, or nothing if ok; the same for extra ones. All arrays are the caller's. */
struct verify_judged { enum verdict verdict; int at; struct buf why; };
void verify_judge(const struct rr *const *expected, size_t n, const struct verify_seen *seen, struct verify_judged *judged,
	struct verify_judged *extra /* seen->n of them: VERDICT_EXTRA or VERDICT_OK */);
/* Texts of SPF and of DMARC, MTA-STS and TLS-RPT (tag lists) as they are compared: blanks, letters' case and the order of tags do not count. */
bool verify_text_same(enum rr_role role, struct span a, struct span b);

#endif
