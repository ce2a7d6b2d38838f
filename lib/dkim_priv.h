/*
 * dkim_priv.h - what the files of lib/dkim (and lib/arc, which is made of the same parts) share. Not for others.
 *
 *	dkim_tag.c	tag lists, base64, numbers		RFC 6376 3.2
 *	dkim_canon.c	header fields in canonical form	3.4, 3.7
 *	dkim_body.c	bodies, hashed	3.4
 *	dkim_key.c	key records, and keys that were parsed already	3.6, RFC 8463
 *	dkim_sig.c	what a DKIM-Signature field says	3.5, 6.1.1
 *	dkim_ask.c	the keys at a name, and what they say	6.1.2, 6.1.3
 *	dkim_verify.c	messages: which signatures, their bytes, their results	6.1
 *	dkim_signer.c	private keys
 *	dkim_sign.c	signing					5
 */
#ifndef WEIR_DKIM_PRIV_H
#define WEIR_DKIM_PRIV_H

#include <openssl/evp.h>
#include "dkim.h"
#include "field.h"

#define HASH_BYTES	32
#define MAX_RSA_BYTES	(DKIM_MAX_RSA_BITS / 8)

/* ---- dkim_tag.c ---- */
struct dkim_tag {
	struct span name, value;	/* value: without the blanks around it */
	struct span raw;		/* all between '=' and ';' */
};
struct dkim_tags { size_t n; struct dkim_tag tag[DKIM_MAX_TAGS]; };

/* Reads a tag list. utf8: names (one letter each) of tags that may hold UTF-8 (RFC 8616). NULL if it is one, else why it
 * is none: a constant. Everything points into p. */
const char *dkim_tags_read(const char *p, size_t n, const char *utf8, struct dkim_tags *out);
/* The tag of that name; NULL. */
const struct dkim_tag *dkim_tag(const struct dkim_tags *t, const char *name);
bool span_is(struct span s, const char *word);		/* exactly */
/* The next element of a list with ':' between, without blanks around it; elements may be empty. */
bool dkim_element(struct span *rest, struct span *out);
bool dkim_list_has(struct span list, const char *word);
/* Base64 with blanks anywhere, the padding right or left out. False: other letters, or more than cap bytes. */
bool dkim_base64(struct span s, uint8_t *out, size_t cap, size_t *n_out);
/* 1 to max digits; beyond 2^63 it is INT64_MAX. */
bool dkim_number(struct span s, size_t max, int64_t *out);
/* A domain (or selector) as it is compared: A-labels, lower case. False: none, a literal, a final dot. */
bool dkim_domain(struct span s, struct buf *out);
/* Whether name is domain or below it; both in normal form. */
bool dkim_within(const char *name, const char *domain);

/* ---- dkim_canon.c ---- */
struct dkim_canon { bool relaxed_head, relaxed_body; };
/* "relaxed/simple", "simple"; absent (p NULL) is simple/simple. */
bool dkim_canon_read(struct span s, struct dkim_canon *out);
const char *dkim_canon_name(struct dkim_canon c);

enum field_kind { FIELD_OTHER, FIELD_FROM, FIELD_USUAL /* To, Subject, Date, Content-Type */, FIELD_DKIM,
	FIELD_AAR, FIELD_AMS, FIELD_SEAL /* ARC: Authentication-Results, Message-Signature, Seal */ };
struct dkim_field { struct field at; uint32_t hash; enum field_kind kind; bool taken; };
struct dkim_fields {	/* the header of a message */
	const char *p;
	size_t n, body;		/* body: where it begins */
	bool too_many;		/* over DKIM_MAX_FIELDS or DKIM_MAX_HEADER_BYTES: n of them are here */
	size_t cap;
	struct dkim_field *f;
};
enum status dkim_fields_read(const char *p, size_t len, struct dkim_fields *out);	/* keeps its memory from call to call */
/* Takes the lowest field of that name that is not taken; skip (or SIZE_MAX) is never taken. NULL: there is none. */
struct dkim_field *dkim_field_take(struct dkim_fields *h, struct span name, size_t skip);
void dkim_fields_untake(struct dkim_fields *h);
/* Appends the field, with its line end unless last; the bytes of cut (p NULL: none) left out. */
void dkim_field_canon(const struct dkim_fields *h, const struct dkim_field *f, bool relaxed, struct span cut, bool last,
	struct buf *out);

/* ---- dkim_body.c ---- */
struct dkim_body { bool relaxed; int64_t limit /* -1: whole */; uint8_t hash[HASH_BYTES]; bool too_short; };
/* Fills in hash and too_short (limit is more than there is) of all n (DKIM_MAX_SIGNATURES at most), with one pass for
 * each form. */
enum status dkim_body_hash(struct dkim *d, const char *p, size_t len, struct dkim_body *want, size_t n);
enum status dkim_hash(struct dkim *d, const void *p, size_t n, uint8_t out[HASH_BYTES]);

/* ---- dkim_key.c ---- */
struct dkim_key {
	struct dkim_key_info info;
	const char *why;	/* not NULL: malformed, and the rest is not there. A constant */
	bool ed25519;
	EVP_PKEY *pkey;		/* NULL: revoked, or RSA that is not to be used */
	EVP_PKEY_CTX *ctx;	/* RSA: ready to verify */
};
enum status dkim_key_parse(const char *record, size_t len, const EVP_MD *sha256, struct dkim_key *out);	/* ST_NOMEM only */
void dkim_key_done(struct dkim_key *k);
/* The key of a record, parsed now or earlier. Lives until the next call. NULL: out of memory. */
const struct dkim_key *dkim_key_of(struct dkim *d, const char *record, size_t len);
/* 1: it is the key's signature of the hash. 0: it is not. -1: out of memory. */
int dkim_key_check(struct dkim *d, const struct dkim_key *k, const uint8_t hash[HASH_BYTES], const uint8_t *sig, size_t len);

#define KEY_SLOTS 1024	/* some 4 KB each when they are in use */
struct key_slot { uint32_t hash; char *text; size_t len; struct dkim_key key; };

struct dkim {
	EVP_MD *sha256;
	EVP_MD_CTX *ctx, *copy, *ed;
	struct buf head, text;		/* scratch */
	struct dkim_fields fields;	/* of the message that dkim_begin looks at */
	struct key_slot *slot;
	struct dkim_begin *begin;
};

/* ---- dkim_sig.c ---- */
enum dkim_algorithm { ALG_NONE, ALG_RSA, ALG_ED25519 };
/* ARC's (RFC 8617 4.1) have neither v= nor an identity: i= is their number. An ARC-Seal has no h=, bh=, c=. */
enum dkim_sig_kind { SIG_DKIM, SIG_AMS, SIG_SEAL };
struct dkim_sig {	/* one signature while its message is there */
	enum dkim_algorithm algorithm;
	struct dkim_canon canon;
	struct span cut;		/* the value of b=, in the message */
	size_t names;
	struct span name[DKIM_MAX_NAMES];	/* h= */
	uint8_t body_hash[HASH_BYTES];	/* bh= */
	size_t b_len;
	uint8_t b[MAX_RSA_BYTES];
	struct buf domain, selector, identity, identity_domain;
	int64_t t, x, l;
	int64_t instance;		/* ARC: i= */
	char cv;			/* ARC-Seal: 'n'one, 'p'ass, 'f'ail */
	const char *algorithm_name;
	char b_start[9];
	bool unsupported;	/* well-formed, but not to be verified */
	char why[160];
};
/* What the field says. False: permerror, and `why` says which rule it breaks; what could be read is filled in. Buffers
 * are cleared, not freed. */
bool dkim_sig_read(enum dkim_sig_kind kind, struct span value, int64_t now, struct dkim_sig *out);
void dkim_sig_done(struct dkim_sig *s);

/* ---- dkim_verify.c ---- */
struct dkim_begin {	/* what dkim_begin() has while the message is there */
	struct dkim *d;
	struct dkim_check *c;
	int64_t now;
	struct dkim_sig sig;
	struct dkim_body body[DKIM_MAX_SIGNATURES];
	uint8_t body_want[DKIM_MAX_SIGNATURES][HASH_BYTES];
	size_t body_of[DKIM_MAX_LISTED];	/* sig[i]'s body[] */
	size_t evaluated;
};

/* ---- dkim.c ---- */
int dkim_weight(enum dkim_result r);	/* of several answers the heaviest is kept */

/* ---- dkim_ask.c ---- */
/* What keys at a name say about a hash. */
struct dkim_question {
	const char *name;	/* sel._domainkey.domain */
	enum dkim_algorithm algorithm;
	bool strict_ok;		/* i= is in d= itself: a key with t=s may be used */
	const uint8_t *hash, *sig;
	size_t sig_len;
};
struct dkim_answer { enum dkim_result result; unsigned flags; int bits; char why[700]; };
/* False: pending. */
bool dkim_ask(struct dkim *d, struct dns *dns, const struct dkim_question *q, struct dkim_answer *out);

/* ---- dkim_signer.c ---- */
struct dkim_signer {
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *ctx;	/* RSA: ready to sign */
	EVP_MD_CTX *ed;		/* Ed25519: to be copied for each signature; setting it up costs a tenth of signing */
	bool ed25519;
	struct buf domain, selector;
};
void dkim_add_base64(const uint8_t *p, size_t n, struct buf *out);
/* st_fail with what OpenSSL says. */
enum status dkim_openssl(enum status st, const char *what);

#endif
