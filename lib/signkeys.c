/* signkeys.c - see signkeys.h. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "file.h"
#include "keyring.h"
#include "signkeys.h"

#define MAX_PEM_BYTES		65536
#define TXT_STRING_BYTES	255	/* RFC 1035 3.3 */

static enum status add(struct signkeys *k, const struct buf *pem, const char *domain, const char *selector)
{
	enum status st = k->n < SIGNKEYS_MAX ? ST_OK : st_fail(ST_LIMIT, "more than %d keys", SIGNKEYS_MAX);

	if (st == ST_OK)
		st = dkim_signer_new(pem->len ? pem->p : "", pem->len, domain, selector, &k->signer[k->n]);
	if (st == ST_OK)
		k->n++;
	return st == ST_BAD ? ST_CONFIG : st;
}

enum status signkeys_file(struct signkeys *k, const char *domain, const char *selector, const char *path)
{
	struct buf pem = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum status st = fd < 0 ? st_fail_errno("open") : file_read_fd(fd, 0, -1, MAX_PEM_BYTES, &pem);

	if (fd >= 0)
		close(fd);
	if (st == ST_OK)
		st = add(k, &pem, domain, selector);
	if (pem.p)
		explicit_bzero(pem.p, pem.cap);
	buf_free(&pem);
	return st == ST_NOTFOUND || st == ST_LIMIT ? ST_CONFIG : st;
}

enum status signkeys_tenant(struct signkeys *k, const char *home, const char *tenant, const char *domain)
{
	struct signing_key keys[DOMAIN_SLOTS] = { 0 };
	struct store *store = NULL;
	struct buf name = { 0 };
	struct domain d;
	size_t n = 0;

	enum status st = domain_normal(domain, strlen(domain), &name);
	if (st == ST_OK)
		st = store_open(home, tenant, STORE_READ, &store);
	if (st == ST_OK)
		st = store_begin(store);
	if (st == ST_OK) {
		st = domain_get(store, name.p, &d);
		store_abort(store);
	}
	store_close(&store);
	if (st == ST_OK) {
		st = keyring_signing(home, tenant, &d, keys, &n);
		if (st == ST_NOTFOUND)
			st = st_fail(ST_CONFIG, "it has no keys of ours: its provider signs");
	}
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = add(k, &keys[i].pem, name.p, keys[i].selector);
	signing_keys_free(keys, n);
	buf_free(&name);
	return st;
}

enum status signkeys_zone(const struct signkeys *k, struct buf *out)
{
	struct buf record = { 0 };
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < k->n; i++) {
		buf_clear(&record);
		st = dkim_signer_record(k->signer[i], &record);
		buf_fmt(out, "%s._domainkey.%s. TXT", dkim_signer_selector(k->signer[i]), dkim_signer_domain(k->signer[i]));
		for (size_t at = 0; at < record.len; at += TXT_STRING_BYTES)
			buf_fmt(out, " \"%.*s\"", TXT_STRING_BYTES, record.p + at);
		buf_chr(out, '\n');
	}
	buf_free(&record);
	return st == ST_OK && !buf_ok(out) ? st_fail(ST_NOMEM, "out of memory") : st;
}

void signkeys_free(struct signkeys *k)
{
	for (size_t i = 0; i < k->n; i++)
		dkim_signer_free(&k->signer[i]);
	k->n = 0;
}
