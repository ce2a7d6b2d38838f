/*
 * keyring.h - DKIM keys of ours: made, kept, changed without the customer, handed to who signs.
 *
 * A domain has three selectors (domain.h, struct slot). Their names are made once and never change, and the customer's three
 * CNAMEs lead from them to SELECTOR.dkim.PLATFORM, where we publish what each holds. An RSA and an Ed25519 key sign (SES takes
 * RSA alone); the third selector is free for the next key of either kind. Changing a key goes in steps, weeks may lie between:
 *	publish		a new key in the free slot: in the zone, not used
 *	see		it is found in DNS, by the customer's own name: from now on KEY_TTL runs
 *	switch		KEY_TTL later no cache has the empty record any more: it signs, the old one does not
 *	retire		KEY_KEEP later no mail signed with the old one is under way: it is taken back, its file is removed
 *
 * Private keys are PEM files, 0600, in HOME/tenants/NAME/keys; nothing here or elsewhere prints them. A file is there before the
 * settings name it, and goes after they no longer do, so a process killed at any point leaves at most a file too many,
 * which keyring_sweep() removes.
 */
#ifndef WEIR_KEYRING_H
#define WEIR_KEYRING_H

#include "buf.h"
#include "domain.h"
#include "status.h"
#include "store.h"

#define KEY_RSA_BITS	2048		/* RFC 8301 3.2; 4096 would not fit DNS over UDP */
#define KEY_KEEP	(7 * 86400)	/* seconds: mail that a queue still tries, RFC 5321 4.5.4.1 speaks of 4-5 days */
#define KEY_MAX_BYTES	16384		/* a key file */

/* ---- making: within settings_change(), before domain_set() ---- */
/* Three new selectors and the first keys, active at once: RSA, and Ed25519 unless rsa_only. d->own_keys is set.
 * ST_IO, ST_NOMEM, ST_SERVICE (OpenSSL): d is as it was. */
enum status keyring_create(const char *home, const char *tenant, struct domain *d, bool rsa_only, int64_t now);

/* What is to be done next. *due_out: when waiting is over (WAIT, KEEP), else 0. */
enum rotation { ROTATION_PUBLISH, ROTATION_SEE, ROTATION_WAIT, ROTATION_SWITCH, ROTATION_KEEP, ROTATION_RETIRE };
enum rotation rotation_next(const struct domain *d, int64_t now, int64_t *due_out);
const char *rotation_name(enum rotation r);	/* "publish", "see", "wait", "switch", "keep", "retire" */
/* The slot that a rotation is about: the one published or retiring. NULL: none goes on. */
const struct slot *rotation_slot(const struct domain *d);

/* Does the step, if it is PUBLISH, SWITCH or RETIRE; SEE if the caller found the key in DNS. WAIT and KEEP only hurry where a key has leaked:
 * they are passed over. PUBLISH takes the algorithm of the key that is oldest. ST_BAD: there is nothing to rotate (keys are not ours). */
enum status rotation_step(const char *home, const char *tenant, struct domain *d, enum rotation step, int64_t now);

/* Removes key files that no domain of the tenant names, and what died half written. Within a write transaction (it holds the tenant's
 * lock); only after the change that let go of them was committed. If any domain's settings cannot be read nothing is removed. */
enum status keyring_sweep(const char *home, struct store *st);

/* ---- signing ---- */
struct signing_key {
	char selector[LABEL_MAX_BYTES + 1];
	enum key_algorithm algorithm;
	struct buf pem;			/* PKCS#8, unencrypted */
};
/* The active keys of d, RSA first: as many as *n_out says, freed by signing_keys_free(). ST_NOTFOUND: the domain has none of ours (SES
 * signs). ST_CONFIG: a file is missing, is no key, or others may read it. Then nothing is handed out: a domain that
 * should have two signatures does not silently have one. */
enum status keyring_signing(const char *home, const char *tenant, const struct domain *d, struct signing_key out[DOMAIN_SLOTS],
	size_t *n_out);
void signing_keys_free(struct signing_key *keys, size_t n);	/* wipes them */

#endif
