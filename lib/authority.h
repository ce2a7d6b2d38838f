/*
 * authority.h - one named server asked directly: what a zone's own name servers say, each for itself.
 *
 * dns.h asks a resolver, which hides who answered and may answer from its cache. Here every question names its server,
 * recursion is not desired (RD 0), and the reply keeps what matters about a delegation: AA, the referral, the glue.
 * Used as dns.h is: authority_ask() starts the query or gives what is known, authority_wait() waits for any; all servers are
 * asked at the same time, over UDP with EDNS (RFC 6891), then TCP if the reply was truncated (RFC 7766).
 *
 * Traps: whoever owns a domain chooses the servers and what they say. A reply counts only if address, port, id and question
 * are those of the query. A server that let AUTHORITY_DEAD_AFTER queries go by without a word is not waited for again.
 * Addresses that no name server of the public can have (loopback, private, link-local, multicast) are not asked unless
 * `any_address` says so: a zone must not make us send packets into our own network. One thread; not across fork().
 */
#ifndef WEIR_AUTHORITY_H
#define WEIR_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "status.h"

#define AUTHORITY_TIMEOUT_MS	4000	/* a query with all its repetitions and TCP */
#define AUTHORITY_RETRY_MS	900	/* then it is sent again; the third time after twice that */
#define AUTHORITY_MAX_QUERIES	4000	/* on their way at a time; further ones wait for a place */
#define AUTHORITY_MAX_TCP	64	/* connections at a time, likewise */
#define AUTHORITY_MAX_RR	256	/* records of a reply; a longer one is AUTHORITY_BAD */
#define AUTHORITY_DEAD_AFTER	4	/* queries without any answer */

enum authority_result {
	AUTHORITY_PENDING,	/* asked, no reply yet */
	AUTHORITY_ANSWER,	/* with authority (AA): there are records */
	AUTHORITY_NODATA,	/* AA, the name exists without records of that type */
	AUTHORITY_NXDOMAIN,	/* AA, no such name */
	AUTHORITY_REFERRAL,	/* not AA: NS records of a zone below, in `rr` */
	AUTHORITY_LAME,		/* not AA and no referral, or REFUSED, NOTAUTH: it does not serve the zone */
	AUTHORITY_SERVFAIL,	/* it serves the zone and could not answer (any other RCODE, too) */
	AUTHORITY_BAD,		/* a reply that is none */
	AUTHORITY_TIMEOUT,	/* not a word */
	AUTHORITY_UNREACHABLE,	/* this machine has no way there (no IPv6, say): says nothing about the server */
	AUTHORITY_PRIVATE	/* an address that must not be asked, see above */
};
const char *authority_result_name(enum authority_result r);	/* "answer", "nodata", ... */
/* Whether it says what the zone holds: ANSWER, NODATA, NXDOMAIN. */
static inline bool authority_knows(enum authority_result r) { return r >= AUTHORITY_ANSWER && r <= AUTHORITY_NXDOMAIN; }

enum authority_section { AUTHORITY_IN_ANSWER, AUTHORITY_IN_NS, AUTHORITY_IN_EXTRA };
struct authority_rr {
	enum authority_section section;
	uint16_t type;
	uint32_t ttl;
	const char *owner;	/* as dns_name() writes names: lower case, no final dot, odd bytes as \DDD */
	struct span rdata;	/* wire form, names uncompressed: dns_txt(), dns_name(), dns_mx() read it */
};
struct authority_reply {
	enum authority_result result;
	bool tcp;			/* it came over TCP */
	const char *why;		/* a few words for people where there is no answer; else "" */
	size_t n;
	const struct authority_rr *rr;	/* class IN only; OPT is left out */
};

struct authority;
struct authority_opts {
	uint16_t port;		/* of servers given without one; 0: 53 */
	bool any_address;	/* ask loopback and private addresses, too */
	int timeout_ms;		/* 0: AUTHORITY_TIMEOUT_MS */
};
/* Opens its sockets, so call it before sandbox_enter(). ST_IO, ST_NOMEM, ST_AGAIN (no descriptors). */
enum status authority_new(const struct authority_opts *o, struct authority **out);
void authority_free(struct authority **a);

/* What `server` ("IP" or "IP@PORT") says about name and type. The same question twice is one query. *out_or_null is the reply
 * (NULL while pending) and lives until authority_sweep() or authority_free(). What is no address or no name is AUTHORITY_BAD. */
enum authority_result authority_ask(struct authority *a, const char *server, const char *name, uint16_t type,
	const struct authority_reply **out_or_null);

/* Waits until a reply came or a query is over its time, or wait_ms have passed (-1: as long as it takes). ST_OK; ST_END:
 * nothing is pending. ST_IO: nothing can be waited for; all that was pending is AUTHORITY_UNREACHABLE. */
enum status authority_wait(struct authority *a, int wait_ms);
size_t authority_pending(const struct authority *a);
/* A descriptor that becomes readable when a reply is there, for poll(2); repetitions need authority_wait(a, 0) now and then. */
int authority_fd(const struct authority *a);
/* Between batches: forgets replies (not which servers are dead). Pending ones are dropped, too. */
void authority_sweep(struct authority *a);

/* Whether the text is an IP address that name servers of the public can have (RFC 6890, 4291). */
bool authority_public(const char *ip);

/* A reply as it came, checked against what was asked: for authority.c and its fuzz harness. *rr_out (n_out of them) and *text_out (what
 * they point to) are the caller's to free. Truncated (TC): ST_LIMIT. ST_BAD: no reply to this question, *rcode_out untouched. */
enum status authority_parse(const uint8_t *p, size_t len, uint16_t id, const char *name, uint16_t type,
	enum authority_result *result_out, int *rcode_out, struct authority_rr **rr_out, size_t *n_out, struct buf *text_out);

#endif
