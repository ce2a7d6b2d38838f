/*
 * dkim.h - DKIM signatures, RFC 6376 with 8301, 8463 and 8616: judged, and made.
 *
 * Traps first. A pass says only that the domain `d=` vouches for what was signed: whether that is the From domain is
 * DMARC's question, and a signature with DKIM_PARTIAL_BODY leaves bytes of the body to anybody. identity is the sender's
 * choice of words: never print it raw. Bytes are those of the file: a bare LF counts as CRLF, NUL and bare CR as bytes.
 * Each signature is judged alone, none is changed by another that is malformed.
 *
 * How to use it: dkim_begin() reads the message once (each canonical form of the body is hashed once, however many
 * signatures share it; the bytes are not needed afterwards), then dkim_step() until it says true, with dns_wait() between:
 *
 *	dkim_begin(d, raw, len, now, &c);
 *	while (!dkim_step(c, dns)) dns_wait(dns, -1);		// many messages at once: step them all, then wait
 *	for (i = 0; i < c->n; i++) ... c->sig[i].result ...
 *
 * The first step asks for the keys of all signatures that could still pass. Results are RFC 8601 2.7.1's:
 *	pass		the key's owner signed these bytes
 *	fail		he did not: the body or a header field was changed, or the signature is forged
 *	policy		it may be right, but is not to be relied on: RSA under 1024 bits (RFC 8301 3.2) or over DKIM_MAX_RSA_BITS,
 *			no From or a second From that is not signed (RFC 6376 3.8, 8.15), more signatures or fields than the limits
 *	temperror	the key could not be asked for: never "fail"
 *	permerror	a signature or key that is malformed, expired, revoked, missing, or rsa-sha1 (RFC 8301 3.1)
 */
#ifndef WEIR_DKIM_H
#define WEIR_DKIM_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "dns.h"
#include "status.h"

#define DKIM_MAX_SIGNATURES	10	/* well-formed ones that are evaluated, from the top; the next ones are `policy` */
#define DKIM_MAX_LISTED		30	/* in all; what comes behind is counted in `unread` */
#define DKIM_MAX_FIELD_BYTES	32768	/* a DKIM-Signature field */
#define DKIM_MAX_TAGS		64	/* in a signature or key record */
#define DKIM_MAX_NAMES		256	/* in h= */
#define DKIM_MAX_FIELDS		4000	/* header fields of a message; with more every signature is `policy` */
#define DKIM_MAX_HEADER_BYTES	(1u << 20)	/* of its header; the same */
#define DKIM_MAX_KEY_BYTES	8192	/* a key record */
#define DKIM_MAX_KEYS		4	/* key records tried at one name (RFC 6376 3.6.2.2: undefined; 6.1.2: may cycle) */
#define DKIM_MIN_RSA_BITS	1024	/* RFC 8301 3.2: fewer are never valid */
#define DKIM_GOOD_RSA_BITS	2048	/* fewer are DKIM_WEAK_KEY */
#define DKIM_MAX_RSA_BITS	8192	/* verifying costs more than the square of it */

enum dkim_result { DKIM_NONE, DKIM_PASS, DKIM_FAIL, DKIM_NEUTRAL, DKIM_POLICY, DKIM_TEMPERROR, DKIM_PERMERROR };
const char *dkim_result_name(enum dkim_result r);	/* "none", "pass", ... */

enum {	/* what else to know of a signature, whatever its result */
	DKIM_PARTIAL_BODY = 1,	/* l=: bytes behind those signed could be added (RFC 6376 8.2). Also where none were */
	DKIM_WEAK_KEY = 2,	/* RSA under 2048 bits (RFC 8301 3.2) */
	DKIM_TESTING = 4,	/* the key says t=y (RFC 6376 3.6.1): to be treated as if it were not there */
	DKIM_FUTURE = 8,	/* t= is later than now by more than a day */
	DKIM_SECURE = 16,	/* the key came with DNSSEC */
	DKIM_SEVERAL_KEYS = 32,	/* more than one key record at the name */
	DKIM_FIELDS_OPEN = 64	/* To, Subject, Date or Content-Type is there, but not signed */
};
/* The flags as words, "partial_body weak_key", appended to b. */
void dkim_flags(unsigned flags, struct buf *b);

struct dkim_signature {
	enum dkim_result result;	/* DKIM_NONE until dkim_step() has said true */
	unsigned flags;
	const char *reason;	/* why, for a postmaster: printable ASCII, "" only for a pass */
	const char *domain;	/* d= in normal form (A-labels, lower case): to be compared; "" if it cannot be read */
	const char *selector;	/* s= in the same form; "" */
	const char *identity;	/* i= decoded, or "@" and d=; valid UTF-8 without control bytes, else the sender's words; "" */
	const char *algorithm;	/* "rsa-sha256", "ed25519-sha256", "rsa-sha1", or "" for others */
	const char *canon;	/* "relaxed/simple"; "" */
	const char *b;		/* the first 8 characters of b=, for header.b (RFC 6008); base64's letters; "" */
	int key_bits;		/* of the key that was tried last; 0: none */
	int64_t signed_at, expires;	/* t=, x= in seconds; -1: not said */
	int64_t body_bytes;		/* l=; -1: the whole body */
};

struct dkim;		/* what one process keeps: digest contexts, parsed keys. One thread */
struct dkim_check {	/* one message */
	size_t n;		/* signatures, the topmost first; 0: unsigned, or none could be listed */
	const struct dkim_signature *sig;
	size_t unread;		/* further DKIM-Signature fields that nobody looked at */
	unsigned from_fields;	/* From fields in the header: DMARC wants exactly 1 (RFC 9989) */
	struct dkim_private *priv;
};

enum status dkim_new(struct dkim **out);	/* ST_NOMEM, ST_CONFIG (OpenSSL has no SHA-256) */
void dkim_free(struct dkim **d);

/* raw: the whole message as received. now: seconds since 1970, what x= and t= are compared with. ST_NOMEM: nothing came
 * to be. Everything in *out belongs to it, and d must outlive it. */
enum status dkim_begin(struct dkim *d, const char *raw, size_t len, int64_t now, struct dkim_check **out);
/* Asks for keys and judges. False: keys are pending, call again after dns_wait(). True: all is judged; further calls
 * change nothing. */
bool dkim_step(struct dkim_check *c, struct dns *dns);
void dkim_check_free(struct dkim_check **c);

/* The most that the signatures say together, for one word of a message: pass before temperror before fail, policy,
 * permerror; none without signatures. *which_or_null: that signature. */
enum dkim_result dkim_overall(const struct dkim_check *c, const struct dkim_signature **which_or_null);

/* ---- key records (RFC 6376 3.6.1), for those that publish or look after them ---- */
struct dkim_key_info {
	const char *type;	/* "rsa", "ed25519" */
	int bits;		/* 0: revoked */
	bool revoked;		/* p= is empty */
	bool testing, strict;	/* t=y, t=s */
	bool email, sha256;	/* s= and h= let it sign mail with rsa-sha256 or ed25519-sha256 */
};
/* record: the TXT strings joined. ST_BAD with the reason, ST_LIMIT (longer than DKIM_MAX_KEY_BYTES). Small RSA keys are
 * ST_OK here: look at bits. */
enum status dkim_key_read(const char *record, size_t len, struct dkim_key_info *out);

/* ---- signing ---- */
struct dkim_signer;	/* a private key with its domain and selector */
/* pem: a private key, RSA of 2048 bits and more or Ed25519. domain, selector: checked and copied in normal form. ST_BAD: no
 * such key, a name that is none; ST_CONFIG: a key too small or of another kind. */
enum status dkim_signer_new(const char *pem, size_t len, const char *domain, const char *selector,
	struct dkim_signer **out);
void dkim_signer_free(struct dkim_signer **s);
const char *dkim_signer_domain(const struct dkim_signer *s);
const char *dkim_signer_selector(const struct dkim_signer *s);
const char *dkim_signer_algorithm(const struct dkim_signer *s);
/* The TXT record that belongs to the key, "v=DKIM1; k=rsa; p=...", appended to out. */
enum status dkim_signer_record(const struct dkim_signer *s, struct buf *out);

struct dkim_sign_opts {
	int64_t now;		/* t= */
	int64_t valid_s;	/* x= so many seconds later; 0: no x= */
};
/* Appends one DKIM-Signature field for each signer to out: relaxed/relaxed, the message's own line ends, folded within
 * 78 columns. Put in front of the message they make it a signed one; nothing of the message is in them. What is signed
 * (each of these fields as often as it is there, and once more, so that none can be added): RFC 6376 5.4.1's and the
 * MIME and List fields. ST_BAD, and out as it was: the message has no From or several, no address can be read from it,
 * or one whose domain is neither a signer's nor below it (relaxed alignment is wider, RFC 9989: it may also go upwards,
 * but who signs for mail.acme.example need not speak for acme.example); no header at all, or one with NUL or a CR without LF, which relays change;
 * over DKIM_MAX_FIELDS or DKIM_MAX_HEADER_BYTES. */
enum status dkim_sign(struct dkim *d, const char *raw, size_t len, struct dkim_signer *const *signer, size_t n,
	const struct dkim_sign_opts *o, struct buf *out);

#endif
