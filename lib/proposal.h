/*
 * proposal.h - DNS as it would be: records that are to be published, and the world as it is for all that they do not speak of.
 *
 * The proposed records win; in a zone that is wholly ours (`whole`) what they do not name does not exist. Every other name is asked
 * for in the real DNS. How to use it: the check runs over proposal_dns(), whose answers are there at once; what it lacked
 * is DNS_SERVFAIL and remembered; proposal_more() fetches that, and the check runs again, from its beginning, until nothing is lacking.
 *
 *	do { check(proposal_dns(p)); rc = proposal_more(p, &again); } while (rc == ST_OK && again);
 */
#ifndef WEIR_PROPOSAL_H
#define WEIR_PROPOSAL_H

#include <stdbool.h>
#include "dns.h"
#include "records.h"

#define PROPOSAL_MAX_NAMES	200	/* of the real DNS; further ones stay DNS_SERVFAIL */
#define PROPOSAL_MAX_ROUNDS	40
#define PROPOSAL_DEADLINE_MS	4500	/* for all of them */

struct proposal;
/* records and domain are kept, not copied; real is the caller's, and asked only. ST_NOMEM, ST_IO, ST_BAD (records that are none). */
enum status proposal_new(const struct records *records, const char *domain, bool whole, struct dns *real, struct proposal **out);
void proposal_free(struct proposal **p);
/* Valid until the next proposal_more(). */
struct dns *proposal_dns(struct proposal *p);
/* *again_out: something was lacking and has been fetched (or is known to be unknowable now). Every answer of proposal_dns() is void then. */
enum status proposal_more(struct proposal *p, bool *again_out);

#endif
