/*
 * inputs.h - the files that a program was given by name, opened one after the other within the sandbox.
 *
 * However many there are, one is open at a time. What is no regular file (a pipe, as a shell's <(...) makes them) cannot be named
 * to the sandbox, so it is open from the beginning.
 */
#ifndef WEIR_INPUTS_H
#define WEIR_INPUTS_H

#include "sandbox.h"
#include "status.h"

struct inputs;
/* names stay the caller's and must outlive *out. ST_NOMEM. A file that is missing is said by inputs_open(). */
enum status inputs_new(char *const names[], int n, struct inputs **out);
/* For sandbox_opts.also; valid until inputs_free(). */
const struct sandbox_path *inputs_paths(const struct inputs *in);
/* The ith, once: the caller closes it. -1: errno says why. */
int inputs_open(struct inputs *in, int i);
void inputs_free(struct inputs **in);

#endif
