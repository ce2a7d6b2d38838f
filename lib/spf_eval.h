/*
 * spf_eval.h - between the files of the SPF evaluation: spf.c, spf_host.c, spf_match.c. Not for other modules.
 *
 * Each call of spf_check() begins anew. A function that meets a name which is not known yet says SPF_STOP with `pending` set,
 * and everything above it returns; an error or a broken limit says SPF_STOP with the result set.
 */
#ifndef WEIR_SPF_EVAL_H
#define WEIR_SPF_EVAL_H

#include <arpa/inet.h>
#include "spf.h"

#define SPF_NAME_BYTES 256

enum spf_step { SPF_NO, SPF_YES, SPF_STOP };

/* The client's names that its addresses confirm (5.5): for ptr and %{p}. */
struct spf_ptr_names {
	bool done;
	enum dns_result result;		/* of the PTR query */
	size_t n;
	char name[SPF_MAX_PTR][SPF_NAME_BYTES];
};

struct spf_eval {
	struct dns *d;
	struct spf_result *r;
	struct spf_macros vars;		/* .domain: of the record at hand */
	char ip[INET6_ADDRSTRLEN];
	bool pending, nomem;
	struct spf_ptr_names ptr;
	struct buf exp;			/* the exp= of the record that said fail, and whose it is */
	char exp_domain[SPF_NAME_BYTES];
};

/* ---- spf_host.c ---- */
/* check_host() (4): AUTH_UNCHECKED while pending. depth: of includes. */
enum auth_result spf_host(struct spf_eval *e, const char *domain, int depth);
/* A result with `at`, without term and why. SPF_STOP. */
enum spf_step spf_stop(struct spf_eval *e, enum auth_result result, const char *at);
enum spf_step spf_permerror(struct spf_eval *e, const char *at, const char *why);
enum spf_step spf_temperror(struct spf_eval *e, const char *at, const char *type, const char *name, const struct dns_answer *a);

/* ---- spf_match.c ---- */
/* Whether a term matches the client: SPF_NO for modifiers. at: the record's domain. */
enum spf_step spf_match(struct spf_eval *e, const char *at, const struct spf_term *t, int depth);
/* A term's domain-spec as a name to ask for; without one, `at`. SPF_STOP: pending, or permerror. */
enum spf_step spf_target(struct spf_eval *e, const char *at, struct span spec, char out[SPF_NAME_BYTES]);
/* The same, not as a result: ST_AGAIN while pending, ST_LIMIT, ST_NOMEM. */
enum status spf_target_name(struct spf_eval *e, const char *at, struct span spec, char out[SPF_NAME_BYTES]);
/* Looks the client's names up if text needs them and sets vars for expanding text at that domain. SPF_STOP while pending. */
enum spf_step spf_set_vars(struct spf_eval *e, const char *at, struct span text);
/* dns_ask, noted in r->names. */
enum dns_result spf_ask(struct spf_eval *e, const char *name, uint16_t type, const struct dns_answer **a);
enum spf_step spf_count_term(struct spf_eval *e, const char *at);

/* ---- records as they are found (spf_host.c; for spf_lint.c, too) ---- */
/* 4.3: at least two labels of 1 to 63 bytes, no address literal. */
bool spf_domain_good(const char *name);
/* How many SPF records an answer has; the first one's text in out. */
enum spf_found { SPF_FOUND_NONE, SPF_FOUND_ONE, SPF_FOUND_SEVERAL };
enum spf_found spf_record_of(const struct dns_answer *a, struct buf *out);
/* The name at byte `at` of RDATA as dns_ask wants it. False: it has bytes that cannot be asked for, or is the root (RFC 7505). */
bool spf_name_in(struct span rdata, size_t at, char out[SPF_NAME_BYTES]);

#endif
