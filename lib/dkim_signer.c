/*
 * dkim_signer.c - private keys to sign with (RFC 6376 5.2, RFC 8301, RFC 8463), and the records that belong to them.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_priv.h"
#include "header.h"

#define MAX_PEM_BYTES	65536
#define MAX_PUBLIC_DER	2048	/* RSA of DKIM_MAX_RSA_BITS has some 1,060 */

static int no_password(char *b, int size, int writing, void *arg)
{
	return -1;	/* never ask the terminal */
}

enum status dkim_openssl(enum status st, const char *what)
{
	char why[160] = "no key";
	unsigned long e = ERR_get_error();

	if (e)
		ERR_error_string_n(e, why, sizeof(why));
	ERR_clear_error();
	return st_fail(st, "%s: %s", what, why);
}

static enum status read_key(const char *pem, size_t len, struct dkim_signer *s)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	int bits;

	s->pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	if (!s->pkey)
		return dkim_openssl(ST_BAD, "not a private key in PEM form without a password");
	bits = EVP_PKEY_get_bits(s->pkey);
	s->ed25519 = EVP_PKEY_get_base_id(s->pkey) == EVP_PKEY_ED25519;
	if (s->ed25519) {
		s->ed = EVP_MD_CTX_new();
		if (!s->ed || EVP_DigestSignInit(s->ed, NULL, NULL, NULL, s->pkey) != 1)
			return dkim_openssl(ST_NOMEM, "prepare to sign");
		return ST_OK;
	}
	if (EVP_PKEY_get_base_id(s->pkey) != EVP_PKEY_RSA)
		return st_fail(ST_CONFIG, "a key that is neither RSA nor Ed25519");
	if (bits < DKIM_GOOD_RSA_BITS || bits > DKIM_MAX_RSA_BITS)
		return st_fail(ST_CONFIG, "an RSA key of %d bits: %d to %d are signed with (RFC 8301 3.2)", bits,
			DKIM_GOOD_RSA_BITS, DKIM_MAX_RSA_BITS);
	s->ctx = EVP_PKEY_CTX_new(s->pkey, NULL);
	if (!s->ctx || EVP_PKEY_sign_init(s->ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(s->ctx, RSA_PKCS1_PADDING) != 1 ||
			EVP_PKEY_CTX_set_signature_md(s->ctx, EVP_sha256()) != 1)
		return dkim_openssl(ST_NOMEM, "prepare to sign");
	return ST_OK;
}

enum status dkim_signer_new(const char *pem, size_t len, const char *domain, const char *selector,
	struct dkim_signer **out)
{
	struct dkim_signer *s = calloc(1, sizeof(*s));
	enum status st;

	if (!s)
		return st_fail(ST_NOMEM, "signer: out of memory");
	if (!dkim_domain((struct span){ domain, strlen(domain) }, &s->domain) || !strchr(buf_cstr(&s->domain), '.'))
		st = st_fail(ST_BAD, "not a domain to sign for: %s", domain);
	else if (!dkim_domain((struct span){ selector, strlen(selector) }, &s->selector))
		st = st_fail(ST_BAD, "not a selector: %s", selector);
	else if (s->domain.len + s->selector.len + strlen("._domainkey.") > DOMAIN_MAX_BYTES)
		st = st_fail(ST_BAD, "%s._domainkey.%s is too long for a name", selector, domain);
	else if (len > MAX_PEM_BYTES)
		st = st_fail(ST_BAD, "not a private key: %zu bytes", len);
	else
		st = read_key(pem, len, s);
	if (st == ST_OK)
		*out = s;
	else
		dkim_signer_free(&s);
	return st;
}

void dkim_signer_free(struct dkim_signer **sp)
{
	struct dkim_signer *s = *sp;

	if (!s)
		return;
	EVP_MD_CTX_free(s->ed);
	EVP_PKEY_CTX_free(s->ctx);
	EVP_PKEY_free(s->pkey);
	buf_free(&s->domain);
	buf_free(&s->selector);
	free(s);
	*sp = NULL;
}

const char *dkim_signer_domain(const struct dkim_signer *s)
{
	return s->domain.p;
}

const char *dkim_signer_selector(const struct dkim_signer *s)
{
	return s->selector.p;
}

const char *dkim_signer_algorithm(const struct dkim_signer *s)
{
	return s->ed25519 ? "ed25519-sha256" : "rsa-sha256";
}

void dkim_add_base64(const uint8_t *p, size_t n, struct buf *out)
{
	size_t room = 4 * ((n + 2) / 3);

	if (buf_room(out, room + 1))
		out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->p + out->len, p, (int)n);
}

enum status dkim_signer_record(const struct dkim_signer *s, struct buf *out)
{
	uint8_t der[MAX_PUBLIC_DER], *p = der;
	size_t n = sizeof(der);

	if (s->ed25519) {
		if (EVP_PKEY_get_raw_public_key(s->pkey, der, &n) != 1)
			return dkim_openssl(ST_BUG, "public key");
	} else {
		int len = i2d_PUBKEY(s->pkey, NULL);

		if (len <= 0 || (size_t)len > sizeof(der) || i2d_PUBKEY(s->pkey, &p) != len)
			return dkim_openssl(ST_BUG, "public key");
		n = (size_t)len;
	}
	buf_fmt(out, "v=DKIM1; k=%s; p=", s->ed25519 ? "ed25519" : "rsa");
	dkim_add_base64(der, n, out);
	return buf_ok(out) ? ST_OK : st_fail(ST_NOMEM, "public key: out of memory");
}
