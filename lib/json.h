/*
 * json.h - writing JSON into a buffer, and reading validated JSON in place.
 *
 * Writing: no state is kept; a comma is added where the last byte of the
 * buffer asks for one. Whatever bytes come in, valid UTF-8 goes out.
 * Reading: the spans point into text that json_valid() or rec_parse() has
 * accepted; on other text the results are meaningless (but memory-safe).
 * Trees, where they are needed, are json-c's; this is for records.
 * RFC 8259.
 */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "status.h"

#define JSON_MAX_DEPTH 32	/* levels of [] and {} a record may have */

/* ---- writing ---- (key NULL: an element of an array, or the value itself) */
void json_open(struct buf *b, const char *key, char bracket);	/* '{' or '[' */
void json_close(struct buf *b, char bracket);			/* '}' or ']' */
/* A string. Invalid UTF-8 and NUL become U+FFFD; returns true if any did. */
bool json_str(struct buf *b, const char *key, const char *s, size_t len);
void json_cstr(struct buf *b, const char *key, const char *s);	/* NULL: null */
void json_int(struct buf *b, const char *key, int64_t v);
void json_bool(struct buf *b, const char *key, bool v);
void json_null(struct buf *b, const char *key);
/* A value that is JSON text already, copied as it is. */
void json_raw(struct buf *b, const char *key, const char *text, size_t len);

/* ---- checking ---- */
/* Whether text[0..len) is one JSON value: RFC 8259 grammar, valid UTF-8, no
 * NUL, no lone surrogate escapes, no duplicate key in any object of up to 64 members,
 * depth at most JSON_MAX_DEPTH. ST_BAD or ST_LIMIT with the byte offset in st_text(). */
enum status json_valid(const char *text, size_t len);
/* The same for text that must be one object; its members go to member[0..max).
 * More than max is ST_LIMIT. *n_out counts them. */
struct json_pair { struct span key, value; };	/* key: raw text between its quotes */
enum status json_object(const char *text, size_t len, struct json_pair *member, size_t max,
	size_t *n_out);
/* Whether s is valid UTF-8 (RFC 3629; NUL counts as valid). */
bool utf8_valid(const char *s, size_t len);

/* ---- reading (of valid JSON) ---- */
/* The member of an object, by path: "scan.verdict" goes down objects. A span
 * with p NULL if there is none or a level is no object. */
struct span json_get(struct span v, const char *path);
/* Steps through an array: `struct span it = arr, e; while (json_elem(&it, &e))`. */
bool json_elem(struct span *it, struct span *elem_out);
/* Steps through an object: key_out is the key's raw text between its quotes.
 * A span that starts with '"' is taken as members without the outer braces. */
bool json_member(struct span *it, struct span *key_out, struct span *val_out);
/* First byte tells the type: { [ " t f n - 0-9. 0 for an absent span. */
char json_type(struct span v);
/* The string's text, unescaped, appended to b. False if v is no string (b untouched).
 * \u0000 becomes U+FFFD. */
bool json_text(struct span v, struct buf *b);
/* Whether v is the string s (s must need no escapes). */
bool json_is(struct span v, const char *s);
/* The integer in v: false if v is no integer within +-2^53. */
bool json_get_int(struct span v, int64_t *out);
bool json_true(struct span v);

#endif
