/* domain_look.h - from names of domains to looks at the DNS, a portion at a time: what verify and plan share. */
#ifndef WEIR_DOMAIN_LOOK_H
#define WEIR_DOMAIN_LOOK_H

#include "domain_verify.h"
#include "home.h"
#include "stores.h"
#include "verify.h"
#include "verify_state.h"

#define LOOK_PORTION	500		/* domains in memory at a time */
#define DOMAIN_EVENT	"domain_state"	/* in the tenant's history */

struct look_job {
	char tenant[TENANT_MAX_BYTES + 1];
	struct domain d;
	struct records records, delegation;
	struct verify *v;		/* NULL: it could not be looked at, and that was said */
	bool gone, changed;
	struct verify_state before, after;
	enum vnews news;
};
struct look_name { char tenant[TENANT_MAX_BYTES + 1]; char domain[DOMAIN_MAX_BYTES + 1]; };

struct look {
	const struct dns_view_opts *o;
	struct verify_opts vo;
	struct providers *providers;
	struct dns *dns;
	struct authority *au;
	struct stores *stores;
	bool all;			/* no names were given: domains without settings are passed over */
	struct look_name *name;		/* in order of tenants */
	size_t n_name, max_name, next;
	struct look_job **job;		/* the present portion */
	size_t n;
};

/* Opens all that is needed and enters the sandbox. keys: DKIM keys may be read (plan signs a message). now: --now, if given. */
enum status look_open(struct look *l, bool keys, int64_t *now);
void look_close(struct look *l);
/* Which domains. Names that are none are said, and counted in *status. */
enum status look_list(struct look *l, int n, char *names[], int *status);
/* The next portion: looked up. *more_out false: that was the last. */
enum status look_next(struct look *l, bool *more_out, int *status);

/* What SPF, DKIM and DMARC would say of a message (p NULL: a sample) with the records as they should be: lines of comment, or
 * (json) objects for an array, appended to out. (domain_simulate.c) */
enum status simulate(struct look *l, struct look_job *j, struct span message, int64_t now, bool json, struct buf *out);

#endif
