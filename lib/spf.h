/*
 * spf.h - SPF (RFC 7208): may this address send mail in that domain's name?
 *
 * Restartable, as dns.h has it: spf_check() evaluates over the answers that are there. ST_AGAIN means that names are
 * being asked for; call it again, with the same arguments, after dns_wait(). It keeps nothing between two calls.
 *
 * Traps: a pass speaks for the domain in `domain` alone, which is the envelope's and not the author's (that is
 * DMARC's matter). The HELO and the MAIL FROM identity are two checks (2.3, 2.4), and this header does one of them a call. A
 * record with an error anywhere is permerror even where an earlier term would have matched (4.6). Everything
 * in a result is printable ASCII, but the terms, names and explanations in it were written by the domain's
 * owner, and the local part by the sender: they are quoted for people, and nothing is to be parsed out of them.
 *
 * Costs are bounded whatever stands in the DNS: see the limits below. The time it takes is the caller's to bound (4.6.4 speaks of 20 s);
 * a check that is given up is a temperror.
 */
#ifndef WEIR_SPF_H
#define WEIR_SPF_H

#include "auth.h"
#include "buf.h"
#include "dns.h"
#include "status.h"

#define SPF_MAX_TERMS		10	/* include a mx ptr exists redirect, over all records (4.6.4): permerror above */
#define SPF_MAX_VOIDS		2	/* of those, terms whose query found nothing (4.6.4): permerror above */
#define SPF_MAX_MX		10	/* exchanges of one mx (4.6.4): permerror above */
#define SPF_MAX_PTR		10	/* names of an address (4.6.4): the others are not looked at */
#define SPF_MAX_RECORD_BYTES	16384	/* a longer record is permerror; 3.4 asks for less than 512 */
#define SPF_MAX_EXPANDED_BYTES	4096	/* what macros may make of one term: permerror; of an explanation: none is given */

/* A client's address. IPv4-mapped IPv6 is IPv4 (5). */
struct spf_ip { bool v6; uint8_t b[16]; /* network order; IPv4 in the first 4 */ };
/* "192.0.2.1", "2001:db8::1", "IPv6:2001:db8::1" (RFC 5321 4.1.3), with or without []. False: it is none. */
bool spf_ip(const char *text, size_t len, struct spf_ip *out);

enum spf_identity { SPF_MAIL_FROM, SPF_HELO };
struct spf_query {
	enum spf_identity identity;
	struct spf_ip ip;
	const char *helo;	/* as the client said it; NULL or "": it is not known */
	const char *mail_from;	/* without <>; "" is the null sender: postmaster@HELO is checked (2.4) */
	const char *receiver;	/* %{r}: our own name; NULL: "unknown" (7.3) */
	int64_t now;		/* %{t}; 0: the clock's */
	bool want_exp;		/* on fail: look the domain's explanation up, too (6.2). One more name is asked for */
};

struct spf_result {
	enum auth_result result;	/* AUTH_NONE PASS FAIL SOFTFAIL NEUTRAL TEMPERROR PERMERROR (RFC 8601 2.7.2), or AUTH_UNCHECKED:
					 * the HELO name would have to be checked, and is not known */
	struct buf sender;		/* what was checked: local@domain, or the HELO name */
	struct buf domain;		/* its domain, in lower case, A-labels; "" if there was none to check */
	struct buf term;		/* the term that decided, as published: "-all", "include:_spf.x.example". "" if none */
	struct buf at;			/* the name whose record has it (redirect leads elsewhere than `domain`) */
	struct buf why;			/* a sentence for a postmaster; never empty */
	struct buf exp;			/* the domain's explanation, with want_exp and if there is a good one */
	struct buf names;		/* what was asked for, in order, each once: "txt x.example\n", odd bytes as \DDD */
	int terms, voids;		/* counted against the limits */
};

/* ST_OK: r is filled, whatever the verdict. ST_AGAIN: names are pending, r means nothing yet. ST_NOMEM.
 * r: zeroed, or used before; its buffers are reused. The answers of d must not be swept between two calls of one check. */
enum status spf_check(struct dns *d, const struct spf_query *q, struct spf_result *r);
void spf_result_free(struct spf_result *r);

/* ---- records: spf_parse.c ---- */
enum spf_kind { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS, SPF_REDIRECT, SPF_EXP,
	SPF_UNKNOWN_MODIFIER };
struct spf_term {
	enum spf_kind kind;
	char qualifier;			/* + - ~ ?; 0 for modifiers */
	struct span text;		/* the whole term */
	struct span domain;		/* its domain-spec with macros; p NULL: none, the current domain is meant */
	int cidr4, cidr6;		/* a, mx, ip4, ip6: 32 and 128 if not given */
	struct spf_ip net;		/* ip4, ip6 */
};
/* Whether a TXT record's text is an SPF record: "v=spf1", then a space or the end (4.5). In any case of letters. */
bool spf_is_record(const char *p, size_t n);
/* Steps through the terms behind the version: `struct span rest = {p + 6, n - 6}`. ST_OK, ST_END,
 * ST_BAD: a syntax error (4.6.1, 12), st_text() names the term and what is wrong with it. */
enum status spf_term_next(struct span *rest, struct spf_term *out);
/* The whole record at once, also for what may stand only once (6). ST_OK, or ST_BAD as above. */
enum status spf_record_check(const char *p, size_t n);

/* ---- macros: spf_macro.c ---- */
struct spf_macros {
	struct span local, sender_domain;	/* s l o */
	struct span domain;			/* d */
	struct span helo;			/* h */
	struct span validated;			/* p; not known: "unknown" */
	struct span receiver;			/* r */
	struct spf_ip ip;			/* i c v */
	int64_t now;				/* t */
};
enum spf_text { SPF_DOMAIN_SPEC, SPF_MACRO_STRING, SPF_EXPLANATION };
/* The grammar of 7.1 and 12. A domain-spec ends in a macro or in a label that no address could end in, and has no c, r, t;
 * an explanation may have spaces. ST_BAD with the reason. */
enum status spf_macro_check(struct span text, enum spf_text kind);
bool spf_macro_uses_p(struct span text);
/* Appends the expansion of text that spf_macro_check() has accepted. ST_LIMIT: it is over SPF_MAX_EXPANDED_BYTES. */
enum status spf_macro_expand(struct span text, const struct spf_macros *m, struct buf *out);
/* The same for a name to ask for: no final dot, shortened from the left to 253 bytes (7.3). */
enum status spf_macro_name(struct span text, const struct spf_macros *m, struct buf *out);

/* ---- lint: spf_lint.c ---- */
#define SPF_LINT_MAX_RECORDS	60	/* followed; more than that is over every limit anyway */
#define SPF_LINT_MAX_FINDINGS	40	/* kept, the two of the whole walk among them; further ones are counted */
#define SPF_LONG_BYTES		450	/* with the header of an answer about the 512 bytes of 3.4 */

enum spf_problem {
	SPF_LINT_NO_RECORD,	/* fatal for include and redirect, and for the domain itself */
	SPF_LINT_SEVERAL,	/* two SPF records at one name: permerror (4.5) */
	SPF_LINT_SYNTAX,	/* permerror (4.6) */
	SPF_LINT_TERMS,		/* more than SPF_MAX_TERMS can be needed: permerror (4.6.4) */
	SPF_LINT_VOIDS,		/* more than SPF_MAX_VOIDS names that do not exist: permerror (4.6.4) */
	SPF_LINT_MX,		/* more than SPF_MAX_MX exchanges: permerror (4.6.4) */
	SPF_LINT_LOOP,		/* a record that includes itself: permerror */
	SPF_LINT_UNKNOWN,	/* a name could not be looked up: nothing is said about it, the count may be too low */
	SPF_LINT_VOID,		/* a name that does not exist: a hole that costs a void lookup */
	SPF_LINT_PTR,		/* ptr: "SHOULD NOT be published" (5.5) */
	SPF_LINT_PASS_ALL,	/* +all: everybody may send */
	SPF_LINT_UNREACHED,	/* terms after all, redirect beside all: never looked at (5.1) */
	SPF_LINT_OPEN_END,	/* neither all nor redirect: neutral for everybody else (4.7) */
	SPF_LINT_LONG		/* over SPF_LONG_BYTES: answers may not fit in a UDP packet (3.4) */
};
struct spf_finding {
	enum spf_problem what;
	bool fatal;		/* receivers will answer permerror, for some senders at least */
	char at[256];		/* the name whose record it is about */
	char text[320];		/* a sentence: what is wrong and what to do */
};
struct spf_lint {
	int terms;		/* the most that one check can need, counted as 4.6.4 does */
	int voids;		/* terms whose names are known not to exist; those with macros cannot be told */
	bool unsure;		/* some name could not be looked up (SPF_LINT_UNKNOWN), or depends on the message */
	size_t fatal;		/* findings that are, kept or not: 0 means that receivers can evaluate it */
	size_t n, dropped;
	struct spf_finding finding[SPF_LINT_MAX_FINDINGS];
};
/* Walks the record of a domain and all that it leads to, as if nothing ever matched. record_or_null: text to be judged in
 * place of what is published (a record before its publication). ST_OK, ST_AGAIN (as spf_check), ST_NOMEM. */
enum status spf_lint(struct dns *d, const char *domain, const char *record_or_null, struct spf_lint *out);
const char *spf_problem_name(enum spf_problem p);	/* "no-record", "too-many-lookups", ... */

#endif
