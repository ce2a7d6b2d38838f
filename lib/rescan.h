/*
 * rescan.h - what has been delivered, looked at again with the signatures of today.
 *
 * What is delivered: the raw message as it is stored, and its attachments. The ledger says which
 * of them these signatures have seen. Reads stores, in short transactions; changes nothing in them.
 */
#ifndef WEIR_RESCAN_H
#define WEIR_RESCAN_H

#include "jury.h"
#include "json.h"

struct rescan_opts {
	const char *home;
	const char *tenant;		/* NULL: all */
	const struct scanner *scanner;	/* for what verdicts must hold */
	struct jury *jury;		/* NULL: do not scan, tell what is missing */
	/* A line, one JSON object: "type":"missing" or "exposed", tenant, message, thread, part ("raw" or an id), sha256, name... */
	enum status (*line)(void *arg, const char *json, size_t len);
	void *arg;
};
struct rescan_counts { uint64_t objects, scanned, exposed, missing; };	/* missing: no verdict, also after a scan */

/* ST_NOTFOUND: no such tenant. Failures on one message do not end it: they count as missing. */
enum status rescan(const struct rescan_opts *o, struct rescan_counts *out);

#endif
