/*
 * proof.h - whether a record may be delivered: it says who sent it and that somebody looked for viruses.
 */
#ifndef WEIR_PROOF_H
#define WEIR_PROOF_H

#include <stdbool.h>
#include "record.h"

/* Whether `scan` lets the message through by itself: clean; or infected and every infected part taken out of parts and raw; or unscanned,
 * and the tenant's policy flags or deletes such parts. */
bool proof_scanned(const struct rec *rec);

/* 0, or the exit status of a refusal (75: waiting may help, 65: it will not) with *reason_out, a word of weir-record(5), and st_text().
 * Needs `tenant`, `auth` and proof_scanned(); allow_unscanned waives the scan, never an infection. */
int proof_check(const struct rec *rec, bool allow_unscanned, const char **reason_out);

#endif
