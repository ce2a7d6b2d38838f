/*
 * cli.h - what every program's main shares: --help, errors, the end.
 *
 * This is the only module that prints to stderr or ends the process, and only
 * programs call it. Lines read "weir-store: open tenant acme: Permission denied".
 */
#ifndef WEIR_CLI_H
#define WEIR_CLI_H

#include "status.h"

#define WEIR_VERSION "0.1.0"

/* Call first in main. prog is "weir-NAME", help the whole --help text (it
 * starts with "usage: weir-NAME ..."; both strings must live for ever).
 * Makes sure that fds 0-2 are open (a closed stdout then fails with EBADF
 * instead of receiving a database), sets umask 077 and LC_ALL's C.UTF-8. */
void cli_start(const char *prog, const char *help);

/* --help: the whole text on stdout, then exit 0 (74 if stdout fails). */
_Noreturn void cli_help(void);
/* --version: "weir-NAME 0.1.0" on stdout, then exit 0. */
_Noreturn void cli_version(void);

/* Wrong usage: "weir-x: <message>" and the usage line on stderr, exit 64. */
_Noreturn void cli_usage(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* getopt returned '?' or ':': the same with getopt's own finding (set opterr=0
 * and use a leading ':' in the option string). */
_Noreturn void cli_bad_option(char *const argv[], int opt);

/* One line on stderr, prefixed by the program. Control bytes are made visible. */
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cli_warn("<what>: <st_text()>") and return st_exit(st). */
int cli_fail(enum status st, const char *what);

/* Flush and close stdout; a failure there is said and turns status 0, 65 or
 * 75 into 74. Every main ends with `return cli_finish(status);`. */
int cli_finish(int status);

/* Write s to f so that a terminal survives it: C0, DEL, C1 (U+0080-9F) and bidi
 * control characters (U+202A-E, U+2066-9) become U+FFFD; \n and \t stay only
 * if multiline. Used for everything of a message that people get to see. */
#include <stddef.h>
#include <stdio.h>
void cli_safe(FILE *f, const char *s, size_t len, int multiline);

#endif
