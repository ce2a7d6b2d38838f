/*
 * verify_priv.h - what the verify_*.c share: a domain on its way from questions to rows. Not for others.
 *
 * Stages: VERIFY_ASK (all names, the zone, its servers), VERIFY_FOLLOW (what the answers give rise to), VERIFY_DONE. A stage is a
 * function that asks and goes on as far as it can; it is called again until nothing is pending.
 */
#ifndef WEIR_VERIFY_PRIV_H
#define WEIR_VERIFY_PRIV_H

#include "verify.h"

#define VERIFY_MAX_NS	13

/* Expected records of one owner and type: they are judged together. */
struct group {
	const char *owner;
	uint16_t type;
	bool at_parent;
	const struct rr **rr;
	size_t n;
	struct verify_seen chosen;	/* the view that the verdicts were taken from */
};

struct ns_name { char name[DOMAIN_MAX_BYTES + 1]; };
struct ns_set { size_t n; struct ns_name ns[VERIFY_MAX_NS]; };

struct target {		/* a server's address */
	char name[DOMAIN_MAX_BYTES + 1], address[64];
	bool parent;
};

enum verify_stage { VERIFY_ASK, VERIFY_FOLLOW, VERIFY_DONE };

struct block { struct block *next; };

struct verify_work {
	const struct domain *d;
	const struct records *records, *delegation;
	const struct verify_opts *o;
	enum verify_stage stage;
	struct block *blocks;
	bool no_memory, pending, hurry, saying;
	struct dns *dns;
	struct authority *au;
	struct group *group;
	size_t n_group;
	char zone[DOMAIN_MAX_BYTES + 1], parent_zone[DOMAIN_MAX_BYTES + 1], probe[64];
	struct ns_set ns, parent_ns;
	struct target target[2 * VERIFY_MAX_SERVERS];
	size_t n_target, n_zone_servers, n_parent_servers;
	int64_t started_ms;
	size_t max_row, max_finding, n_extra;
	size_t answers, failures;	/* of the recursive path */
};

/* ---- memory that lives as long as the struct verify ---- NULL on failure, remembered in no_memory */
void *verify_alloc(struct verify_work *w, size_t n);
const char *verify_keep(struct verify_work *w, const char *p, size_t n);	/* with a NUL; "" on failure */
const char *verify_fmt(struct verify_work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- asking (verify_look.c): NULL while pending ---- */
const struct dns_answer *verify_dns(struct verify_work *w, const char *name, uint16_t type);
const struct authority_reply *verify_server_says(struct verify_work *w, const char *address, const char *name, uint16_t type);
void verify_ask_all(struct verify_work *w);
/* What a view has, from an answer. Items live as long as the struct verify. */
struct verify_seen verify_seen_dns(struct verify_work *w, const char *name, uint16_t type, const struct dns_answer *a);
struct verify_seen verify_seen_reply(struct verify_work *w, const char *name, uint16_t type, const struct authority_reply *r);
/* The same of a parent's server: the referral's NS, the glue. */
struct verify_seen verify_seen_referral(struct verify_work *w, const char *name, uint16_t type, const struct authority_reply *r);
/* "example" of "acme.example"; NULL at the last label. */
const char *verify_parent(const char *name);
bool verify_under(const char *name, const char *zone);	/* or the same */

/* ---- the result ---- */
void verify_rows(struct verify *v);		/* verify_rows.c */
bool verify_follow(struct verify *v);		/* verify_lint.c: false while pending */
void verify_find(struct verify *v, const char *code, bool grave, const char *at, const char *text);
void verify_servers(struct verify *v);		/* verify_servers.c */

#endif
