/*
 * ledger.h - what has been scanned before: HOME/ledger, one LMDB environment.
 *
 * Key: the SHA-256 of the bytes and how they were looked at. Value: the verdict, and the scanner's
 * configuration it holds for (a digest of signatures, version, limits and options, made by scan.h).
 * One entry per bytes: a verdict by other signatures is replaced. It is a cache: losing it costs
 * scanning, nothing else. Each entry carries a check of its own, so a damaged one is no verdict.
 * Traps: open after fork, never across it (lmdb.h). Puts are collected in memory and committed by
 * ledger_commit, at LEDGER_BATCH, or at once for an infection: who wipes infected bytes must be able to
 * rely on others finding the reason.
 */
#ifndef WEIR_LEDGER_H
#define WEIR_LEDGER_H

#include <stdbool.h>
#include "digest.h"
#include "status.h"

#define LEDGER_SCHEMA 1
#define LEDGER_BATCH 200
#define LEDGER_CONF_BYTES 16
#define LEDGER_NAME_BYTES 200

enum verdict { VERDICT_CLEAN = 1, VERDICT_INFECTED, VERDICT_UNSCANNED };
enum look { LOOK_PART = 'p',	/* everything unpacked, mail included */
	LOOK_PLAIN = 'r' };	/* a raw message whose parts are looked at by themselves */

struct finding {
	enum verdict verdict;
	char name[LEDGER_NAME_BYTES];	/* INFECTED: the signature; UNSCANNED: detail, may be "" */
	const char *reason;		/* UNSCANNED: one of the words below; constant */
};

/* The constant for a reason's word, or NULL. Reasons: encrypted too_big too_deep too_many too_long
 * unsupported corrupt error no_canary timeout crash. */
const char *finding_reason(const char *word);
/* Whether the same bytes would give the same answer: only those are remembered. */
bool finding_lasts(const struct finding *f);

struct ledger;
/* ST_CONFIG: unknown schema. ST_IO, ST_DENIED. `conf` is what verdicts must hold for. */
enum status ledger_open(const char *home, const uint8_t conf[LEDGER_CONF_BYTES], struct ledger **out);
/* ST_NOTFOUND: not seen, or with another configuration. */
enum status ledger_get(struct ledger *l, const uint8_t digest[DIGEST_BYTES], enum look how,
	struct finding *out);
enum status ledger_put(struct ledger *l, const uint8_t digest[DIGEST_BYTES], enum look how,
	const struct finding *f);
enum status ledger_commit(struct ledger *l);
/* Commits and closes. */
enum status ledger_close(struct ledger **l);

#endif
