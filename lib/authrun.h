/*
 * authrun.h - the loop of weir-auth: many messages in flight, each going out when its own checks are done.
 *
 * A dead name server delays the messages that need it, and no others: so records may come out in another order than
 * they came in. Bounded: at most AUTHRUN_MAX_RECORDS in flight, AUTHRUN_MAX_BYTES of their lines, AUTHCHECK_MAX_S for each.
 */
#ifndef WEIR_AUTHRUN_H
#define WEIR_AUTHRUN_H

#include "authcheck.h"
#include "file.h"

#define AUTHRUN_MAX_RECORDS	500
#define AUTHRUN_MAX_BYTES	(32u << 20)

struct authrun_opts {
	const struct roots *roots;
	struct dns *dns;		/* NULL: only the spool's verdicts */
	struct dkim *dkim;
	const char *authserv_id;
	int64_t now;			/* 0: the clock's, for each message */
	bool header;			/* auth.header, too */
	bool arc;			/* auth.arc, too */
};
/* stdin to stdout. Returns the exit status; says what went wrong. */
int authrun(const struct authrun_opts *o);

#endif
