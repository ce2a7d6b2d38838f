/*
 * dkim_key.c - key records (RFC 6376 3.6.1, RFC 8463 4), and keys that were parsed already.
 *
 * What p= of an RSA key holds is a SubjectPublicKeyInfo (as everybody publishes it) or an RSAPublicKey (RFC 6376 3.6.1 by
 * its letter); of an Ed25519 key it is the 32 bytes. Nothing may stand behind either.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_priv.h"

#define MAX_DER_BYTES		(DKIM_MAX_KEY_BYTES * 3 / 4)
#define ED25519_BYTES		32
#define MAX_EXPONENT_BITS	64	/* everybody's is 65537; long ones cost as much as signing */

/* ---- the record ---- */

static const char *read_rsa(const uint8_t *der, size_t n, EVP_PKEY **out)
{
	const uint8_t *p = der;
	EVP_PKEY *k = d2i_PUBKEY(NULL, &p, (long)n);
	BIGNUM *e = NULL;
	const char *why = NULL;

	if (!k) {
		p = der;
		k = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)n);
	}
	ERR_clear_error();
	if (!k || EVP_PKEY_get_base_id(k) != EVP_PKEY_RSA)
		why = "p= is not an RSA key";
	else if (p != der + n)
		why = "p= has bytes behind the key";
	else if (EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) != 1 || !BN_is_odd(e) || BN_is_one(e) ||
			BN_num_bits(e) > MAX_EXPONENT_BITS)
		why = "p= has an RSA exponent that nobody uses";
	BN_free(e);
	if (why) {
		EVP_PKEY_free(k);
		k = NULL;
	}
	*out = k;
	return why;
}

static const char *read_p(struct span p, struct dkim_key *k)
{
	uint8_t der[MAX_DER_BYTES];
	const char *why = NULL;
	size_t n;

	if (!dkim_base64(p, der, sizeof(der), &n))
		return "p= is not base64";
	if (n == 0) {
		k->info.revoked = true;
		return NULL;
	}
	if (k->ed25519) {
		if (n != ED25519_BYTES)
			return "p= is not an Ed25519 key: those have 32 bytes (RFC 8463 4)";
		k->pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, der, n);
		if (!k->pkey)
			why = "p= is not an Ed25519 key";
	} else {
		why = read_rsa(der, n, &k->pkey);
	}
	ERR_clear_error();
	if (!why)
		k->info.bits = k->ed25519 ? 256 : EVP_PKEY_get_bits(k->pkey);
	return why;
}

/* All tags but p=. "v=" first, if there (3.6.1); case counts in all values (3.2). */
static const char *read_tags(const struct dkim_tags *t, struct dkim_key *k)
{
	const struct dkim_tag *v = dkim_tag(t, "v"), *key = dkim_tag(t, "k"), *h = dkim_tag(t, "h"),
		*s = dkim_tag(t, "s"), *flags = dkim_tag(t, "t");

	if (v && (v != &t->tag[0] || !span_is(v->value, "DKIM1")))
		return v != &t->tag[0] ? "v= is not its first tag" : "v= is not DKIM1";
	if (key && !span_is(key->value, "rsa") && !span_is(key->value, "ed25519"))
		return "k= names a kind of key that is not known";
	k->ed25519 = key && span_is(key->value, "ed25519");
	k->info.type = k->ed25519 ? "ed25519" : "rsa";
	k->info.sha256 = !h || dkim_list_has(h->value, "sha256");
	k->info.email = !s || dkim_list_has(s->value, "email") || dkim_list_has(s->value, "*");
	k->info.testing = flags && dkim_list_has(flags->value, "y");
	k->info.strict = flags && dkim_list_has(flags->value, "s");
	return dkim_tag(t, "p") ? NULL : "it has no p=";
}

static bool usable(const struct dkim_key *k)
{
	return k->ed25519 || (k->info.bits >= DKIM_MIN_RSA_BITS && k->info.bits <= DKIM_MAX_RSA_BITS);
}

/* Everything that every verification would have to set up again. */
static enum status ready(struct dkim_key *k, const EVP_MD *sha256)
{
	k->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (!k->ctx || EVP_PKEY_verify_init(k->ctx) != 1 ||
			EVP_PKEY_CTX_set_rsa_padding(k->ctx, RSA_PKCS1_PADDING) != 1 ||
			EVP_PKEY_CTX_set_signature_md(k->ctx, sha256) != 1)
		return st_fail(ST_NOMEM, "key: OpenSSL is out of memory");
	return ST_OK;
}

enum status dkim_key_parse(const char *record, size_t len, const EVP_MD *sha256, struct dkim_key *out)
{
	struct dkim_tags tags;
	enum status st = ST_OK;

	memset(out, 0, sizeof(*out));
	if (len > DKIM_MAX_KEY_BYTES) {
		out->why = "it is too long";
		return ST_OK;
	}
	out->why = dkim_tags_read(record, len, "", &tags);
	if (!out->why)
		out->why = read_tags(&tags, out);
	if (!out->why)
		out->why = read_p(dkim_tag(&tags, "p")->value, out);
	if (out->pkey && !usable(out)) {
		EVP_PKEY_free(out->pkey);
		out->pkey = NULL;
	}
	if (out->pkey && !out->ed25519 && sha256)
		st = ready(out, sha256);
	if (st != ST_OK)
		dkim_key_done(out);
	return st;
}

void dkim_key_done(struct dkim_key *k)
{
	EVP_PKEY_CTX_free(k->ctx);
	EVP_PKEY_free(k->pkey);
	memset(k, 0, sizeof(*k));
}

enum status dkim_key_read(const char *record, size_t len, struct dkim_key_info *out)
{
	struct dkim_key k;

	if (len > DKIM_MAX_KEY_BYTES)
		return st_fail(ST_LIMIT, "key record of %zu bytes, %d are the most", len, DKIM_MAX_KEY_BYTES);
	enum status st = dkim_key_parse(record, len, NULL, &k);
	if (st == ST_OK && k.why)
		st = st_fail(ST_BAD, "key record: %s", k.why);
	if (st == ST_OK)
		*out = k.info;
	dkim_key_done(&k);
	return st;
}

/* ---- keys seen before: each text has one slot, the last to come keeps it ---- */

static uint32_t text_hash(const char *p, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619u;
	return h;
}

const struct dkim_key *dkim_key_of(struct dkim *d, const char *record, size_t len)
{
	uint32_t hash = text_hash(record, len);
	struct key_slot *s = &d->slot[hash % KEY_SLOTS];
	char *text;

	if (s->text && s->hash == hash && s->len == len && memcmp(s->text, record, len) == 0)
		return &s->key;
	text = malloc(len + 1);
	if (!text)
		return NULL;
	memcpy(text, record, len);
	free(s->text);
	s->text = NULL;
	dkim_key_done(&s->key);
	if (dkim_key_parse(record, len, d->sha256, &s->key) != ST_OK) {
		free(text);
		return NULL;
	}
	s->text = text;
	s->len = len;
	s->hash = hash;
	return &s->key;
}

int dkim_key_check(struct dkim *d, const struct dkim_key *k, const uint8_t hash[HASH_BYTES], const uint8_t *sig, size_t len)
{
	int ok;

	if (!k->pkey)
		return 0;
	if (!k->ed25519) {
		ok = EVP_PKEY_verify(k->ctx, sig, len, hash, HASH_BYTES);
	} else {	/* PureEdDSA of the hash (RFC 8463 3) */
		EVP_MD_CTX_reset(d->ed);
		if (EVP_DigestVerifyInit(d->ed, NULL, NULL, NULL, k->pkey) != 1)
			return -1;
		ok = EVP_DigestVerify(d->ed, sig, len, hash, HASH_BYTES);
	}
	if (ok != 1 && ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE)
		ok = -1;
	else
		ok = ok == 1;
	ERR_clear_error();
	return ok;
}
