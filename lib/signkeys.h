/*
 * signkeys.h - the private keys that a program signs with: from files, or those of a tenant's domain.
 *
 * Read them before sandbox_enter(); afterwards no key file is needed. What was read is wiped, only OpenSSL keeps the keys.
 */
#ifndef WEIR_SIGNKEYS_H
#define WEIR_SIGNKEYS_H

#include "dkim.h"

#define SIGNKEYS_MAX 8

struct signkeys { struct dkim_signer *signer[SIGNKEYS_MAX]; size_t n; };	/* zeroed: none */

/* One more, from a PEM file. ST_CONFIG: the file is missing, is no key to sign with, or domain or selector are none; ST_DENIED, ST_IO,
 * ST_NOMEM; ST_LIMIT: more than SIGNKEYS_MAX. */
enum status signkeys_file(struct signkeys *k, const char *domain, const char *selector, const char *path);
/* The active keys of a tenant's domain (keyring.h). ST_NOTFOUND: no such tenant or domain; ST_CONFIG: it has no keys of ours, or one
 * that cannot be used; and as store_open(). */
enum status signkeys_tenant(struct signkeys *k, const char *home, const char *tenant, const char *domain);
/* The TXT records that belong to them, as lines of a zone, appended to out. */
enum status signkeys_zone(const struct signkeys *k, struct buf *out);
void signkeys_free(struct signkeys *k);

#endif
