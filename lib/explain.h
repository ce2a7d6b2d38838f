/*
 * explain.h - what each stage said of a message, for people.
 */
#ifndef WEIR_EXPLAIN_H
#define WEIR_EXPLAIN_H

#include "json.h"

/* A line for each stage that has said something, on stdout. v: a record, or a stored message's entity. */
void explain(struct span v);

#endif
