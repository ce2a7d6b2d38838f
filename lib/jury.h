/*
 * jury.h - one scanner in a process of its own, asked about bytes one by one.
 *
 * For programs that hold a store open while they scan: the scanner must not share a process with the
 * store, and forking later with an open store is forbidden. So jury_open comes first, before any store or ledger is
 * opened. A crash of the scanner is an answer (crash), and the next question goes to a new one.
 */
#ifndef WEIR_JURY_H
#define WEIR_JURY_H

#include <sys/types.h>
#include "scan.h"
#include "scratch.h"

struct jury { int fd; pid_t keeper; };

/* Forks the keeper, which keeps a scanning process. base: where its scratch folder goes; memory: another, as for
 * scanner_start(), or NULL. timeout_s: for one question. */
enum status jury_open(struct scanner *s, const char *base, const struct scratch *memory, unsigned timeout_s,
	struct jury *out);
/* ST_IO: it cannot be asked any more. */
enum status jury_ask(struct jury *j, enum look how, const void *p, size_t n, struct finding *out);
void jury_close(struct jury *j);

#endif
