/*
 * reports.h - what others report about a tenant's domains: out of mail and files into the tenant's events, and back.
 *
 * Two kinds of event, weir-store(5) keeps them apart from mail: the report (aggregate.h, tlsrpt.h), which says nothing about
 * how it came, so that a report that comes twice is one; and for each time it came a "report-receipt" with the mail's id and
 * what weir-auth found. All that is read from these is a function of the set of events, whatever their order.
 * Traps: anybody can send a report about anybody. Only the owner of its domain gets it, and `proof` says
 * what speaks for it: of two reports that claim to be the same the better proven one counts, and `conflict` is set.
 */
#ifndef WEIR_REPORTS_H
#define WEIR_REPORTS_H

#include <stdint.h>
#include "json.h"
#include "route.h"
#include "store.h"

enum report_kind { REPORT_DMARC, REPORT_TLS };
const char *report_type(enum report_kind k);	/* "dmarc-report", "tls-report" */
bool report_is(struct span event, enum report_kind k);

/* aggregate_read() or tlsrpt_read(), with their limits. */
enum status report_read(enum report_kind k, const void *p, size_t n, struct buf *entity);

/* ---- in a mail ---- */
#define REPORTS_PER_MAIL	10
#define REPORT_TRIED_PARTS	50	/* attachments that are looked into */
struct report_found {
	const char *part;	/* its number */
	enum status st;		/* ST_OK: entity; else why it is none, in st_text() */
	bool declared;		/* its name or type says that it is one: else a failure means that it is some other attachment */
	bool failure;		/* st ST_BAD: a failure report or complaint (RFC 5965, 6591, 9991), which is not read */
	struct span entity;	/* until the next call */
};
/* Whether one of the parts could be one: else the mail need not be read. */
bool reports_possible(enum report_kind k, struct span parts);
typedef enum status (*report_found_fn)(void *arg, const struct report_found *f);
/* Calls fn for each part that is or could be a report: by its content type, or its file name's ending. parts: the
 * array of a record. What fn returns ends it, unless it is ST_OK. ST_BAD: parts make no sense; ST_NOMEM. */
enum status reports_of_mail(enum report_kind k, const char *raw, size_t len, struct span parts, report_found_fn fn, void *arg);

/* ---- whose it is ---- */
/* The tenant that has the domain or the closest one above it. ST_NOTFOUND: nobody here. tenant_out: TENANT_MAX_BYTES + 1. */
enum status report_owner(struct routes *routes, const char *domain, char *tenant_out);

/* ---- into the store, and back ---- */
struct report_came {
	const char *message;	/* id of the mail; NULL: a file that the operator vouches for */
	struct span from;	/* the record's message.from; p NULL: not known */
	struct span auth;	/* the record's auth; p NULL: nobody looked */
};
/* Within a write transaction. *new_out: the report was not there. As store_event(). */
enum status report_put(struct store *st, struct span entity, const struct report_came *came, bool *new_out);

/* What speaks for a report, best first: a file that somebody put here, a mail that passed DMARC (RFC 9990 asks for that),
 * a mail that nobody could check, one that failed. */
enum report_proof { PROOF_FAIL, PROOF_UNCHECKED, PROOF_PASS, PROOF_FILE };
const char *report_proof_name(enum report_proof p);	/* "fail", "unchecked", "pass", "file" */
/* By the auth of a record. */
enum report_proof report_proof_of(struct span auth);

struct report_seen {
	struct span json;		/* the event; only this for one that is no report */
	bool report;
	enum report_proof proof;	/* the best of its receipts */
	uint64_t receipts;
	bool conflict;			/* another one with the same key says something else; this is the better proven one */
	struct span receipt;		/* the best one's event */
};
typedef enum status (*report_seen_fn)(void *arg, const struct report_seen *r);
/* Calls fn for events by date, receipts joined to their reports, reports that lost a conflict left out. since, before: as
 * store_events(); a report is dated by the begin of its period. Two passes in one transaction; ST_END of fn stops, quietly. */
enum status reports_each(struct store *st, int64_t since, int64_t before, report_seen_fn fn, void *arg);

#endif
