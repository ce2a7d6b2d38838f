/*
 * dns.h - DNS answers for whole batches: asked at once, kept for their TTL, never waited for one by one.
 *
 * How to use it: evaluate over what is known. dns_ask() answers from the cache or starts the query and says
 * DNS_PENDING; the evaluation then stops where it is (or goes on to other names) and is called again, from its
 * beginning, after dns_wait(). A check is so a plain function of a message and of answers; many messages wait
 * at the same time, and a dead name server delays those alone that need it.
 *
 * "Could not be told" is never "is not there": DNS_NXDOMAIN and DNS_NODATA are answers, DNS_SERVFAIL, DNS_TIMEOUT
 * and DNS_BOGUS are failures, which callers turn into temperror. dns_failed() tells them apart.
 *
 * Back-ends: libunbound (asynchronous), or a file of records for tests, for simulations and for verdicts that are
 * to be given again years later (dns_write, `replay`). One thread; not to be used across fork().
 */
#ifndef WEIR_DNS_H
#define WEIR_DNS_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "status.h"

/* RFC 1035 3.2.2, 3596, 4034: the types we ask for. */
enum { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28,
	DNS_DS = 43 };

#define DNS_TIMEOUT_MS		5000	/* a query, from when it is sent */
#define DNS_MAX_OUTSTANDING	1000	/* queries at a time; further ones wait for a place, first come first served */
#define DNS_MAX_OF_A_DOMAIN	128	/* of those, with the same last two labels: dead names of one sender leave room for others */
#define DNS_MAX_RECORDS		256	/* records of an answer; a longer one is DNS_SERVFAIL */
#define DNS_MAX_CNAMES		16	/* of a chain; a longer one is DNS_SERVFAIL */
#define DNS_MAX_NAMES		200000	/* answers kept; dns_sweep() lets go of the oldest beyond that */
#define DNS_MAX_NAME_BYTES	253	/* with the dots between labels, without a final one (RFC 1035 2.3.4) */

/* How long an answer is kept: its TTL within these bounds. The lower one keeps a verdict that needs several
 * rounds from asking the same again and again, and holds for failures too; RFC 2308 5 and 7 allow both. */
#define DNS_KEEP_MIN_S		60
#define DNS_KEEP_MAX_S		86400
#define DNS_KEEP_ABSENT_MAX_S	3600

enum dns_result {
	DNS_PENDING,	/* asked, not answered yet */
	DNS_FOUND,	/* there are records */
	DNS_NODATA,	/* the name exists, without records of that type (RFC 2308 2.2) */
	DNS_NXDOMAIN,	/* no such name, nor any below it (RFC 8020) */
	DNS_BADNAME,	/* no name at all: a label empty or over 63 bytes, over 253 in all. Nobody was asked */
	DNS_SERVFAIL,	/* the servers could not tell */
	DNS_TIMEOUT,	/* nobody answered in time */
	DNS_BOGUS	/* DNSSEC says that the answer is forged (only with `dnssec`) */
};
const char *dns_result_name(enum dns_result r);		/* "found", "nodata", "nxdomain", ... */
static inline bool dns_failed(enum dns_result r) { return r >= DNS_SERVFAIL; }

struct dns_answer {
	enum dns_result result;
	bool secure;			/* validated by DNSSEC; false also where nobody looked */
	uint32_t ttl;			/* seconds, of the answer or of its absence; 0 for failures */
	const char *canonical;		/* where the CNAMEs ended: the name asked for if there are none */
	const char *why;		/* failures: a few words for people; else "" */
	size_t n;			/* records, in the order the server gave them */
	const struct span *rdata;	/* n of them: RDATA in wire form, names uncompressed */
};

struct dns;
struct dns_opts {
	/* "IP" or "IP@PORT", several with commas between; "DOMAIN=IP@PORT" among them: that domain's own server,
	 * asked as an authority. NULL: the servers of /etc/resolv.conf. */
	const char *resolver;
	const char *file;	/* records instead of a network; NULL: none. Grammar: dns_file.c, weir-auth(1) */
	bool replay;		/* file: a name that it does not have is DNS_SERVFAIL, not DNS_NXDOMAIN */
	bool dnssec;		/* validate; needs a trust anchor */
	const char *anchor;	/* file with a trust anchor, one DS or DNSKEY a line; NULL: Debian's dns-root-data */
	int timeout_ms;		/* 0: DNS_TIMEOUT_MS */
};

/* Opens what it needs (resolv.conf, anchor, file) now, so call it before sandbox_enter(); no query is made, and the
 * thread that makes them starts with the first, so that it is fenced in too. Sandbox: SANDBOX_NET, for a file nothing.
 * ST_BAD with the line's number (file), ST_CONFIG (resolver, anchor), ST_IO, ST_NOTFOUND, ST_NOMEM. */
enum status dns_open(const struct dns_opts *o, struct dns **out);
void dns_close(struct dns **d);

/* The answer for name and type, following CNAMEs (not if type is DNS_CNAME). name: labels of any bytes but '.' and
 * NUL, without escapes; case does not matter; a final dot may stand. *out_or_null is the answer (NULL while pending) and
 * lives until dns_sweep() or dns_close(). Returns out->result. Out of memory is DNS_SERVFAIL. */
enum dns_result dns_ask(struct dns *d, const char *name, uint16_t type, const struct dns_answer **out_or_null);

/* From now on (on) whatever is not answered is DNS_TIMEOUT at once, and nobody is asked: for the last evaluation of a
 * message that has waited long enough. Such answers are not kept. */
void dns_hurry(struct dns *d, bool on);

bool dns_hurried(const struct dns *d);

/* For who has many messages waiting and wants to look only at those that have got further: the first name that was
 * DNS_PENDING since the last call of dns_blocker(), NULL if there was none; and whether it is answered now. Ask again before
 * the next dns_sweep(). */
struct dns_entry;
const struct dns_entry *dns_blocker(struct dns *d);
bool dns_settled(const struct dns_entry *e);

/* Waits until at least one pending name is answered or over its time, or wait_ms have passed (-1: as
 * long as it takes). ST_OK; ST_END: nothing is pending. ST_IO: the resolver is broken; all that was pending is DNS_SERVFAIL. */
enum status dns_wait(struct dns *d, int wait_ms);
size_t dns_pending(const struct dns *d);

/* A descriptor that becomes readable when dns_wait(d, 0) has something to do, for poll(2); -1 with a file. */
int dns_fd(const struct dns *d);

/* Between batches: forgets answers over their TTL. Every struct dns_answer handed out before is void. */
void dns_sweep(struct dns *d);

/* ---- reading RDATA ---- false: it is not of that form (and out is as it was) */
/* TXT: the character-strings joined without anything between them (RFC 7208 3.3, 6376 3.6.2.2). */
bool dns_txt(struct span rdata, struct buf *out);
/* A name inside RDATA from byte `at` on: lower case, no final dot. Dots and odd bytes within a label are \DDD,
 * which dns_ask() would not take back: no name that mail uses has any. "" is the root. */
bool dns_name(struct span rdata, size_t at, struct buf *out);
/* MX: its preference; the exchange is dns_name(rdata, 2, ...). */
bool dns_mx(struct span rdata, uint16_t *preference);
/* The name to ask for an address's PTR: 4.3.2.1.in-addr.arpa, or nibbles and ip6.arpa (RFC 1035 3.5, 3596 2.5). */
void dns_reverse(const uint8_t *address, bool v6, struct buf *out);

/* ---- keeping answers ---- */
/* Called with every answer the first time that dns_ask() hands it out (not DNS_PENDING, not DNS_BADNAME). */
typedef void (*dns_used_fn)(void *arg, const char *name, uint16_t type, const struct dns_answer *a);
void dns_on_use(struct dns *d, dns_used_fn fn, void *arg);
/* An answer as lines of the file's grammar appended to b: `dns_opts.file` gives it again, with its result. */
void dns_write(struct buf *b, const char *name, uint16_t type, const struct dns_answer *a);

#endif
