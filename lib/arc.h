/*
 * arc.h - Authenticated Received Chains, RFC 8617: whether the forwarders' seals on a message hold. Verified only.
 *
 * Traps first. ARC is on its way to Historic: it is off unless somebody asks for it, and nothing follows from it by itself. A
 * pass says only that the domains named sealed what they say they saw; anybody can seal anything, so it is worth as much as
 * those domains are. The word is that of cv=: none, pass, fail; and temperror where a key could not be asked for.
 *
 * Used as dkim.h is: arc_begin() reads the message once, then arc_step() until it says true, with dns_wait() between.
 */
#ifndef WEIR_ARC_H
#define WEIR_ARC_H

#include "dkim.h"

#define ARC_MAX_SETS 50		/* RFC 8617 4.2.1 */

struct arc_set {	/* one forwarder's: i=1 is the first who had the message */
	const char *domain, *selector;	/* of its seal, in normal form; "" if it cannot be read */
};
struct arc_check {
	enum dkim_result result;	/* DKIM_NONE, PASS, FAIL, TEMPERROR; NONE also until arc_step() has said true */
	const char *reason;		/* of a fail or temperror, printable ASCII; "" */
	size_t n;			/* sets; 0 also where they are not numbered from 1 up, each with its three fields */
	const struct arc_set *set;	/* set[0] has i=1 */
	struct arc_private *priv;
};

/* raw: the whole message as received; not needed afterwards. d must outlive *out. ST_NOMEM: nothing came to be. */
enum status arc_begin(struct dkim *d, const char *raw, size_t len, int64_t now, struct arc_check **out);
/* False: keys are pending, call again after dns_wait(). True: all is judged. */
bool arc_step(struct arc_check *c, struct dns *dns);
void arc_check_free(struct arc_check **c);

#endif
