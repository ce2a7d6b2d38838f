/*
 * dns_back.h - between dns.c, which keeps answers, and the two that find them: dns_unbound.c and dns_file.c.
 *
 * A back-end is started with a query and calls dns_done() for it, from process() only, once. Not for other modules.
 */
#ifndef WEIR_DNS_BACK_H
#define WEIR_DNS_BACK_H

#include "dns.h"

#define DNS_MAX_WIRE 255	/* RFC 1035 2.3.4: with length bytes and the root's */

enum dns_state { DNS_QUEUED, DNS_PARKED /* too many of its domain are out */, DNS_SENT, DNS_ANSWERED, DNS_STATES };

struct dns_entry {
	struct dns_entry *chain;		/* of its hash */
	struct dns_entry *prev, *next;		/* of the list of its state, the oldest first */
	struct dns *dns;
	struct dns_answer *answer;		/* one block with all that it points to */
	int64_t until;				/* ms: DNS_SENT its deadline, DNS_ANSWERED when to forget it */
	uint32_t hash;
	int handle;				/* the back-end's */
	uint16_t type, group;			/* group: by its last two labels */
	uint8_t state, wire_len;
	bool used;				/* handed out */
	uint8_t wire[];				/* the name, in lower case, and after it the same as text */
};

/* Of dns_done: ttl is what the servers said. canonical is in wire form, NULL: the name itself. */
struct dns_found {
	enum dns_result result;
	bool secure;
	uint32_t ttl;
	const uint8_t *canonical;
	const char *why;
	size_t n;
	const struct span *rdata;
};
void dns_done(struct dns_entry *e, const struct dns_found *f);

struct dns_back {
	/* Anything but ST_OK: no dns_done will come. */
	enum status (*start)(void *arg, struct dns_entry *e);
	void (*cancel)(void *arg, struct dns_entry *e);		/* nor after this */
	enum status (*process)(void *arg);			/* calls dns_done for what is there; never waits */
	int (*fd)(void *arg);					/* readable when process has something to do; -1: it always has */
	void (*close)(void *arg);
};
enum status dns_unbound_open(const struct dns_opts *o, const struct dns_back **back, void **arg);
enum status dns_file_open(const struct dns_opts *o, const struct dns_back **back, void **arg);

/* ---- names (dns_rdata.c) ---- */
/* Labels with dots between to wire form, lower case. escapes: \DDD and \C are read. 0: no name. */
size_t dns_wire_of(const char *name, bool escapes, uint8_t wire[DNS_MAX_WIRE]);
/* The other way, as dns_name() writes. wire is whole and well-formed. */
void dns_text_of(const uint8_t *wire, struct buf *out);
size_t dns_wire_len(const uint8_t *wire);		/* of a well-formed one */
/* Whether p[0..len) begins with a whole uncompressed name; its length, else 0. */
size_t dns_wire_check(const uint8_t *p, size_t len);
uint32_t dns_hash(const uint8_t *wire, size_t len, uint32_t seed);

/* ---- types as words (dns_rdata.c): "TXT", "TYPE65280". 0: no type. ---- */
uint16_t dns_type_of(const char *word, size_t len);
void dns_type_name(uint16_t type, struct buf *out);

#endif
