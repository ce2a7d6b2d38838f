/*
 * scan.h - libclamav, asked so that "clean" means that it looked.
 *
 * libclamav answers CL_CLEAN in many cases in which it did not look (no TMPDIR, limits, encrypted,
 * damaged, unknown formats). Here clean needs: CL_CLEAN, no error line during the scan, no
 * layer that archive_look() objects to, no encrypted or oversized member, and a canary found lately.
 * Order: scanner_load in the parent, fork, scanner_start in each worker, scanner_look. The engine's
 * memory is shared by the workers; a worker has a TMPDIR of its own, because forked
 * scanners make the same temporary names and then call everything clean.
 */
#ifndef WEIR_SCAN_H
#define WEIR_SCAN_H

#include "ledger.h"

#define SCAN_MAX_DBS		16
#define SCAN_DB_DEFAULT		"/var/lib/clamav"
#define SCAN_CANARY_EVERY	100	/* looks */
#define SCAN_CANARY_S		10	/* seconds */

struct scan_limits {	/* 0: the default in brackets */
	uint64_t file_bytes;	/* one file or member [100 MB] */
	uint64_t total_bytes;	/* all that is unpacked of one object [400 MB] */
	unsigned files;		/* [10000] */
	unsigned depth;		/* archives in archives [17] */
	unsigned ms;		/* for one object [60000] */
};

struct scan_opts {
	const char *db[SCAN_MAX_DBS];	/* folders or files of signatures; none: SCAN_DB_DEFAULT */
	size_t dbs;
	unsigned min_signatures;	/* fewer: ST_CONFIG; 0: 1 */
	struct scan_limits limits;
	const char *tmpdir;		/* for a file that lives a moment; NULL: /tmp */
	const char *clamd;		/* socket: ask that instead of loading signatures */
	const char *clamd_canary;	/* a file that it must find, always needed with clamd */
};

struct scanner;

/* Loads signatures. ST_CONFIG: none usable - no file, one malformed, a broken rule
 * (libclamav drops broken YARA with a log line only), fewer than wanted. ST_AGAIN: they change
 * all the time. With clamd: pings it and has it find the canary (ST_SERVICE, ST_CONFIG). */
enum status scanner_load(const struct scan_opts *o, struct scanner **out);
/* In the worker: takes tmpdir (which exists and is private) and looks for the canary. memory: a folder of scratch.h, or
 * NULL; then tmpdir is for what does not fit into that one. Nothing to do with clamd. */
enum status scanner_start(struct scanner *s, const char *tmpdir, const char *memory);
/* What p[0..n) is. Never fails: what cannot be told is VERDICT_UNSCANNED with a reason. Looks for the canary when
 * it is due and after anything odd; once it was not found, everything is unscanned (no_canary)
 * until it is found again. */
void scanner_look(struct scanner *s, enum look how, const void *p, size_t n, struct finding *out);
/* What verdicts hold for: signatures, versions, limits, options. */
const uint8_t *scanner_conf(const struct scanner *s);
/* Whether a verdict of the ledger says what this scanner would: not through clamd, whose signatures
 * we do not see (then only infections count). */
bool scanner_remembers(const struct scanner *s);
/* Whether the signature files are not those that were loaded, seen at most once a second. */
bool scanner_outdated(struct scanner *s);
const char *scanner_engine(const struct scanner *s);	/* "ClamAV 1.4.6" */
void scanner_free(struct scanner **s);

/* A signature's name to a verdict: "Heuristics.Limits..." and "Heuristics.Encrypted..." say that
 * it was not looked at; all other names are infections. For tests. */
void finding_of_name(const char *name, struct finding *out);

#endif
