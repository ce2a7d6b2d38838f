/*
 * address.h - address lists (RFC 5322 3.4, RFC 6531), and the forms in which addresses are compared.
 *
 * Obsolete syntax (routes, comments as names) and what real mailers do wrong (a name with an unquoted comma, missing
 * brackets and quotes) is read as mail readers do. One pass, flat: a group inside a group closes nothing and nests nothing.
 */
#ifndef WEIR_ADDRESS_H
#define WEIR_ADDRESS_H

#include <stddef.h>
#include "buf.h"
#include "status.h"

#define ADDRESSES_MAX		2000	/* in one field; the rest is left out (HDR_LIMIT) */
#define ADDRESS_READ_MAX	1000	/* one address; a longer one is left out (HDR_BAD_ADDRESS) */
#define ADDRESS_NAME_MAX	4000	/* a display name as written; the rest is cut off (HDR_LIMIT) */
#define ADDRESS_GROUP_DEPTH	1	/* RFC 5322 has no nested groups */

/* An address list as JSON elements appended to an open array in b:
 * {"name":"J. Doe","address":"j@x.example"} and {"group":"friends","members":[{...}]}. "name" is left out
 * if there is none, "address" if there is only a name. Domains are in lower case and otherwise as written;
 * "address_ascii" (A-labels) or "address_utf8" (U-labels) follows if that form differs. HDR_ bits. */
int addresses_json(const char *p, size_t n, struct buf *b);
/* The first mailbox's address of a field, bare (nothing if there is none). HDR_ bits. */
int address_first(const char *p, size_t n, struct buf *out);

/* ---- forms for comparing: normal.c ---- */
#define LOCAL_MAX_BYTES		128	/* RFC 5321 4.5.3.1 says 64; VERP and SRS make longer ones */
#define DOMAIN_MAX_BYTES	253

/* local@domain to its comparison form: domain as A-label in lower case (libidn2), local part in lower case NFC
 * UTF-8, needless quotes removed. ST_BAD if it is no address (then out is as it was). For routing and settings. */
enum status address_normal(const char *p, size_t n, struct buf *out);
/* Lower-case A-label, no final dot. A domain literal is kept, in lower case. ST_BAD. */
enum status domain_normal(const char *p, size_t n, struct buf *out);
/* The Unicode form of an A-label domain (unchanged, in lower case, if it has none). ST_BAD. */
enum status domain_utf8(const char *p, size_t n, struct buf *out);

#endif
