/* keyring.c - see keyring.h: key files. When they change: rotation.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "digest.h"
#include "file.h"
#include "home.h"
#include "keyring.h"
#include "keyring_priv.h"
#include "settings.h"

static enum status openssl_failed(const char *what)
{
	unsigned long e = ERR_get_error();
	char why[160] = "no reason given";

	if (e != 0)
		ERR_error_string_n(e, why, sizeof(why));
	ERR_clear_error();
	return st_fail(ST_SERVICE, "%s: OpenSSL: %s", what, why);
}

/* ---- the folder ---- */

static enum status open_folder(const char *home, const char *tenant, bool make, int *fd_out)
{
	struct buf path = { 0 };
	enum status st = tenant_path(home, tenant, "keys", &path);

	if (st == ST_OK && make)
		st = file_mkdirs(path.p, 0700);
	if (st == ST_OK) {
		*fd_out = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*fd_out < 0)
			st = st_fail_errno("keys of %s", tenant);
	}
	buf_free(&path);
	return st;
}

/* ---- making ---- */

/* p=: SPKI for RSA (what everybody publishes), the 32 bytes themselves for Ed25519 (RFC 8463 4.2). */
static enum status public_text(EVP_PKEY *key, enum key_algorithm a, char *out, size_t size)
{
	unsigned char raw[400], *p = raw;
	size_t n = sizeof(raw);
	int len;

	if (a == KEY_ED25519) {
		if (EVP_PKEY_get_raw_public_key(key, raw, &n) != 1)
			return openssl_failed("public key");
	} else {
		len = i2d_PUBKEY(key, NULL);
		if (len <= 0 || (size_t)len > sizeof(raw) || i2d_PUBKEY(key, &p) != len)
			return openssl_failed("public key");
		n = (size_t)len;
	}
	if ((n + 2) / 3 * 4 >= size)
		return st_fail(ST_BUG, "public key of %zu bytes", n);
	EVP_EncodeBlock((unsigned char *)out, raw, (int)n);
	return ST_OK;
}

/* SELECTOR-DIGEST.pem: two keys of one selector never have one name. */
static enum status file_name(const struct slot *s, char *out, size_t size)
{
	uint8_t digest[DIGEST_BYTES];
	char hex[DIGEST_HEX + 1];
	enum status st = digest_of(s->public_key, strlen(s->public_key), digest);

	hex_of(digest, DIGEST_BYTES, hex);
	snprintf(out, size, "%s-%.16s.pem", s->selector, hex);
	return st;
}

static enum status write_key(int dir, const char *name, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p = NULL;
	long n;
	enum status st = ST_OK;

	if (bio == NULL || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		st = openssl_failed("write a key");
	if (st == ST_OK) {
		n = BIO_get_mem_data(bio, &p);
		st = file_write_at(dir, name, p, (size_t)n, true);
		OPENSSL_cleanse(p, (size_t)n);
	}
	BIO_free(bio);
	return st;
}

enum status keyring_make(const char *home, const char *tenant, struct slot *s, enum key_algorithm a)
{
	EVP_PKEY *key = a == KEY_RSA ? EVP_RSA_gen(KEY_RSA_BITS) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct slot made = *s;
	int dir = -1;
	enum status st = key == NULL ? openssl_failed("make a key") : open_folder(home, tenant, true, &dir);

	made.algorithm = a;
	if (st == ST_OK)
		st = public_text(key, a, made.public_key, sizeof(made.public_key));
	if (st == ST_OK)
		st = file_name(&made, made.file, sizeof(made.file));
	if (st == ST_OK)
		st = write_key(dir, made.file, key);
	if (st == ST_OK)
		*s = made;
	if (dir >= 0)
		close(dir);
	EVP_PKEY_free(key);
	return st;
}

/* "w1-" and 80 random bits in base32: nobody else's selector under dkim.PLATFORM, and no guess at who the customer is. */
static enum status make_selector(struct slot *s, size_t i)
{
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char raw[16];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return openssl_failed("random bytes");
	memset(s, 0, sizeof(*s));
	snprintf(s->selector, sizeof(s->selector), "w%zu-", i + 1);
	for (size_t k = 0; k < sizeof(raw); k++)
		s->selector[3 + k] = base32[raw[k] % 32];
	return ST_OK;
}

enum status keyring_create(const char *home, const char *tenant, struct domain *d, bool rsa_only, int64_t now)
{
	struct slot slot[DOMAIN_SLOTS];
	enum status st = ST_OK;

	for (size_t i = 0; i < DOMAIN_SLOTS && st == ST_OK; i++)
		st = make_selector(&slot[i], i);
	for (size_t i = 0; i < (rsa_only ? 1 : 2) && st == ST_OK; i++) {
		st = keyring_make(home, tenant, &slot[i], i == 0 ? KEY_RSA : KEY_ED25519);
		slot[i].state = SLOT_ACTIVE;
	}
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < DOMAIN_SLOTS; i++)
		slot[i].since = now;
	memcpy(d->slot, slot, sizeof(slot));
	memset(d->token, 0, sizeof(d->token));
	d->own_keys = true;
	return ST_OK;
}

/* ---- sweeping ---- */

struct named { struct store *st; struct buf names; /* each ended by a NUL */ };

static enum status note_files(void *arg, const char *name, const struct domain_setting *unused)
{
	struct named *n = arg;
	struct domain d;
	enum status rc = domain_get(n->st, name, &d);

	for (size_t i = 0; i < DOMAIN_SLOTS && rc == ST_OK && d.own_keys; i++)
		if (d.slot[i].file[0] != '\0')
			buf_add(&n->names, d.slot[i].file, strlen(d.slot[i].file) + 1);
	return rc == ST_OK && n->names.failed ? st_fail(ST_NOMEM, "keys: out of memory") : rc;
}

static bool is_named(const struct named *n, const char *file)
{
	for (size_t at = 0; at < n->names.len; at += strlen(n->names.p + at) + 1)
		if (strcmp(n->names.p + at, file) == 0)
			return true;
	return false;
}

/* Ours are "*.pem" and what file_write_at() did not finish; anything else in the folder is somebody's and stays. */
static bool is_ours(const char *file)
{
	size_t len = strlen(file);

	return strncmp(file, ".tmp.", 5) == 0 || (file[0] == 'w' && len > 4 && strcmp(file + len - 4, ".pem") == 0);
}

static enum status sweep_folder(int fd, const struct named *n)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	enum status st = ST_OK;

	if (dir == NULL) {
		st = st_fail_errno("keys");
		close(fd);
		return st;
	}
	for (;;) {
		errno = 0;
		e = readdir(dir);
		if (e == NULL)
			break;
		if (is_ours(e->d_name) && !is_named(n, e->d_name) && unlinkat(dirfd(dir), e->d_name, 0) != 0 && errno != ENOENT)
			st = st_fail_errno("remove the key %s", e->d_name);
	}
	if (st == ST_OK && errno != 0)
		st = st_fail_errno("keys");
	if (st == ST_OK && fsync(dirfd(dir)) != 0)
		st = st_fail_errno("fsync keys");
	closedir(dir);
	return st;
}

enum status keyring_sweep(const char *home, struct store *st)
{
	struct named n = { .st = st };
	int fd = -1;
	enum status rc = open_folder(home, store_tenant(st), false, &fd);

	if (rc == ST_NOTFOUND)
		return ST_OK;
	if (rc == ST_OK)
		rc = setting_domains(st, note_files, &n);
	if (rc == ST_OK)
		rc = sweep_folder(fd, &n);
	else if (fd >= 0)
		close(fd);
	buf_free(&n.names);
	return rc;
}

/* ---- signing ---- */

static enum status read_key(int dir, const struct slot *s, struct buf *pem)
{
	struct stat sb;
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	enum status st = ST_OK;
	int fd = openat(dir, s->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return st_fail(ST_CONFIG, "the key of %s, keys/%s: %s", s->selector, s->file, strerror(errno));
	if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode) || (sb.st_mode & 077) != 0)
		st = st_fail(ST_CONFIG, "the key of %s, keys/%s, can be read by others: make it 0600, and rotate it", s->selector, s->file);
	if (st == ST_OK)
		st = file_read_fd(fd, 0, -1, KEY_MAX_BYTES, pem);
	close(fd);
	if (st == ST_OK)
		bio = BIO_new_mem_buf(pem->p, (int)pem->len);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, "");
	if (st == ST_OK && (key == NULL || EVP_PKEY_get_base_id(key) != (s->algorithm == KEY_RSA ? EVP_PKEY_RSA : EVP_PKEY_ED25519)))
		st = st_fail(ST_CONFIG, "the key of %s, keys/%s, is no %s key", s->selector, s->file, key_algorithm_name(s->algorithm));
	if (st == ST_OK) {
		char text[sizeof(s->public_key)];

		st = public_text(key, s->algorithm, text, sizeof(text));
		if (st == ST_OK && strcmp(text, s->public_key) != 0)
			st = st_fail(ST_CONFIG, "keys/%s is not the private half of what %s publishes", s->file, s->selector);
	}
	ERR_clear_error();
	EVP_PKEY_free(key);
	BIO_free(bio);
	return st;
}

void signing_keys_free(struct signing_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (keys[i].pem.p != NULL)
			OPENSSL_cleanse(keys[i].pem.p, keys[i].pem.cap);
		buf_free(&keys[i].pem);
	}
}

enum status keyring_signing(const char *home, const char *tenant, const struct domain *d, struct signing_key out[DOMAIN_SLOTS],
	size_t *n_out)
{
	size_t n = 0;
	int dir = -1;
	enum status st = d->own_keys ? open_folder(home, tenant, false, &dir) : st_fail(ST_NOTFOUND, "%s has no keys of ours", d->name);

	if (d->own_keys && st == ST_NOTFOUND)
		st = st_fail(ST_CONFIG, "%s: the folder of its keys is missing", d->name);
	for (int a = KEY_RSA; a <= KEY_ED25519 && st == ST_OK; a++) {
		for (size_t i = 0; i < DOMAIN_SLOTS && st == ST_OK; i++) {
			const struct slot *s = &d->slot[i];

			if (s->state != SLOT_ACTIVE || (int)s->algorithm != a)
				continue;
			memset(&out[n], 0, sizeof(out[n]));
			snprintf(out[n].selector, sizeof(out[n].selector), "%s", s->selector);
			out[n].algorithm = s->algorithm;
			st = read_key(dir, s, &out[n++].pem);
		}
	}
	if (dir >= 0)
		close(dir);
	if (st == ST_OK && n == 0)
		st = st_fail(ST_CONFIG, "%s has no active key", d->name);
	if (st == ST_OK)
		*n_out = n;
	else
		signing_keys_free(out, n);
	return st;
}
