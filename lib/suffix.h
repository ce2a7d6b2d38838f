/*
 * suffix.h - public suffixes (libpsl): names below which anybody can have a domain. Programs that use it link with -lpsl.
 *
 * Debian's list is newer than the one built into the library, and taken where it can be read.
 */
#ifndef WEIR_SUFFIX_H
#define WEIR_SUFFIX_H

#include <stdbool.h>
#include "status.h"

/* Loads the list, for the life of the program: call it before sandbox_enter(), or let /usr/share/publicsuffix be read. ST_SERVICE. */
enum status suffix_open(void);
/* ST_BAD: the name (normal form) is a public suffix, also a private one (github.io). ST_SERVICE: there is no list at all. */
enum status suffix_check(const char *name);
/* Whether two names are one organization's, as far as the list can tell (RFC 9989 asks the DNS instead). ST_SERVICE. */
enum status suffix_same(const char *a, const char *b, bool *out);

#endif
