/*
 * inspect.h - one message judged: its parts, its raw bytes, what is removed, what is held.
 *
 * Looks at every part that weir-extract has extracted and at the raw message, through the ledger.
 * Infected parts are wiped from staging, the raw message is written anew without them and must
 * then be clean. What could not be looked at is held, unless the tenant's policy says otherwise.
 * Runs in a worker process; needs no tenant's store and no network.
 */
#ifndef WEIR_INSPECT_H
#define WEIR_INSPECT_H

#include "file.h"
#include "record.h"
#include "scan.h"

#define HOLD_PASSING_S	600		/* reasons that may be gone soon */
#define HOLD_LASTING_S	(24 * 3600)	/* reasons that take new signatures or limits */

struct inspect_opts {
	const char *home;
	const char *lease;		/* whose staging folder rewritten messages go to */
	const struct roots *roots;
	struct scanner *scanner;
	bool raw_as_mail;		/* always, not only where two readings are possible */
	bool allow_unscanned;		/* nothing is held for being unscanned */
};

struct inspector;
/* In the worker: opens the ledger. ST_IO, ST_CONFIG... */
enum status inspector_open(const struct inspect_opts *o, struct inspector **out);
/* Appends "scan", and "hold" or "quarantine" if it must not be delivered. *passing_out: held for a reason that
 * may be gone soon. Failures: ST_BAD the record makes no sense, ST_AGAIN, ST_IO, ST_NOMEM: no "scan" then. */
enum status inspect_record(struct inspector *in, const struct rec *rec, struct buf *extra,
	bool *passing_out);
enum status inspector_close(struct inspector **in);

/* "scan" and what follows from it for a message that nobody could judge as a whole (a worker died,
 * no signatures). The policy for the reason counts; it cannot delete. */
void inspect_unscanned(const struct rec *rec, const struct scanner *s, bool allow,
	const char *reason, const char *detail, struct buf *extra);

#endif
