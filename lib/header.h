/*
 * header.h - decoding what stands in header fields: RFC 2047 words, RFC 2231
 * parameters, addresses (RFC 5322 3.4, RFC 6531), ids, dates.
 *
 * Whatever comes in, valid UTF-8 without NUL goes out. All functions are linear in
 * their input, do not recurse, and stop at named limits. Input is a field body (after the colon) as it
 * stands in the file, folding included; appended to `out` in all cases.
 */
#ifndef WEIR_HEADER_H
#define WEIR_HEADER_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "status.h"

#define ADDRESSES_MAX		2000	/* in one field; the rest is left out and reported */
#define ADDRESS_GROUP_DEPTH	1	/* RFC 5322 has no nested groups */
#define PARAMS_MAX		64	/* parameters of one field */
#define PARAM_VALUE_MAX		4096
#define IDS_MAX			512	/* msg-ids of one References field: the first 1 and the last 511 */
#define ID_MAX_BYTES		998

/* What was guessed or repaired: bits that become defects. */
enum {
	HDR_RAW_8BIT = 1,	/* unencoded bytes over 127 that are not UTF-8: charset guessed */
	HDR_BAD_WORD = 2,	/* an encoded word that does not decode: left as written */
	HDR_BAD_CHARSET = 4,	/* unknown charset: guessed */
	HDR_LIMIT = 8,		/* a limit above cut something off */
	HDR_BAD_ADDRESS = 16, HDR_NESTED_GROUP = 32, HDR_BAD_DATE = 64, HDR_CONTROL = 128,
	HDR_DUP_PARAM = 256	/* the same parameter twice, or name and name* */
};

/* Bytes in a charset to UTF-8 (iconv; windows-1252 for "us-ascii" with high bytes and for unknown ones;
 * utf-8 checked and repaired). cs NULL or empty: UTF-8 if valid, else windows-1252. Bad sequences
 * become U+FFFD. Returns HDR_ bits. */
int charset_to_utf8(const char *cs, size_t cs_len, const char *p, size_t n, struct buf *out);
/* Whether iconv (or an alias of ours: MIME names seen in the wild) knows it. */
bool charset_known(const char *cs, size_t cs_len);

/* Unstructured text (Subject): unfolded (RFC 5322 2.2.3), encoded words decoded (RFC 2047; adjacent words joined, also when a
 * multibyte character or a padded base64 group is split between them), raw 8-bit repaired. HDR_ bits. */
int header_text(const char *p, size_t n, struct buf *out);

/* "text/plain; charset=x; name*0*=..." : a value and parameters (RFC 2045 5.1, RFC 2231: continuations, charset and language;
 * RFC 2047 words in a quoted value as everyone sends them). Names in lower case. */
struct param { char *name; char *value; };
struct value_params { char *value; /* lower case, blanks removed */ struct param param[PARAMS_MAX]; size_t params; int bits; };
enum status params_parse(const char *p, size_t n, struct value_params *out);	/* ST_NOMEM */
void params_free(struct value_params *v);
const char *params_get(const struct value_params *v, const char *name);	/* NULL: absent */

/* An address list as JSON elements appended to an open array in b:
 * {"name":"J. Doe","address":"j@x.example"} and {"group":"friends","members":[{...}]}. Domains are given as written, lower case;
 * where the domain is an A-label or U-label the other form follows as "address_ascii"/"address_utf8" only
 * if it differs. Obsolete syntax (routes, comments as names, missing quotes) is read as mail readers do. */
int addresses_json(const char *p, size_t n, struct buf *b);
/* The first mailbox's address of a field, bare ("" if none). */
int address_first(const char *p, size_t n, struct buf *out);
/* local@domain to its comparison form: domain as A-label in lower case (libidn2), local part in lower case NFC UTF-8.
 * ST_BAD if it is no address. For routing and settings. */
enum status address_normal(const char *p, size_t n, struct buf *out);
enum status domain_normal(const char *p, size_t n, struct buf *out);	/* lower-case A-label, no final dot */
/* The Unicode form of an A-label domain (unchanged if it has none). */
enum status domain_utf8(const char *p, size_t n, struct buf *out);

/* msg-ids (RFC 5322 3.6.4) in order, without brackets, each once, as JSON strings appended to an open array. Takes what is
 * between < and >; with no bracket at all, the words with an @. */
int ids_json(const char *p, size_t n, struct buf *b);
/* The first one, bare, appended to out. */
int id_first(const char *p, size_t n, struct buf *out);

/* A date-time (RFC 5322 3.3, 4.3, and what real mailers send: no day name, two-digit years, named zones,
 * "GMT+0200", ISO 8601, no seconds). zone_min: minutes east of UTC; *zone_known false for "-0000" and none. Range 1970-9999: else ST_BAD. */
enum status date_parse(const char *p, size_t n, int64_t *unix_out, int *zone_min_out, bool *zone_known_out);
void date_rfc3339(int64_t unix_time, char out[32]);	/* 2026-11-23T06:00:00Z */

#endif
