/* digest.c - see digest.h */
#include <openssl/err.h>
#include <openssl/evp.h>
#include "digest.h"

/* Fetching costs more than hashing a short message: once a process. */
static const EVP_MD *sha256(void)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	return md;
}

static enum status openssl_fail(const char *what)
{
	char why[128] = "unknown";
	unsigned long err = ERR_get_error();

	if (err)
		ERR_error_string_n(err, why, sizeof why);
	ERR_clear_error();
	return st_fail(ST_NOMEM, "%s: %s", what, why);
}

enum status digest_begin(struct digest *d)
{
	if (!d->ctx)
		d->ctx = EVP_MD_CTX_new();
	if (!d->ctx || !sha256() || EVP_DigestInit_ex2(d->ctx, sha256(), NULL) != 1)
		return openssl_fail("begin SHA-256");
	return ST_OK;
}

/* A failure of update leaves a context that digest_end refuses as well. */
void digest_add(struct digest *d, const void *p, size_t n)
{
	if (n && EVP_DigestUpdate(d->ctx, p, n) != 1)
		EVP_MD_CTX_reset(d->ctx);
}

enum status digest_end(struct digest *d, uint8_t out[DIGEST_BYTES])
{
	unsigned n = 0;

	if (EVP_DigestFinal_ex(d->ctx, out, &n) != 1 || n != DIGEST_BYTES)
		return openssl_fail("end SHA-256");
	return ST_OK;
}

void digest_free(struct digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
}

enum status digest_of(const void *p, size_t n, uint8_t out[DIGEST_BYTES])
{
	static struct digest d;
	enum status st = digest_begin(&d);

	if (st != ST_OK)
		return st;
	digest_add(&d, p, n);
	return digest_end(&d, out);
}

void hex_of(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_read(const char *s, size_t len, uint8_t *out, size_t n)
{
	size_t i;

	if (len % 2 || len / 2 != n)
		return false;
	for (i = 0; i < n; i++) {
		int hi = hex_digit(s[2 * i]), lo = hex_digit(s[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}
