/*
 * dkim_ask.c - the keys at a name, and what they say about a signature (RFC 6376 6.1.2, 6.1.3).
 *
 * Several key records at one name are "undefined" (3.6.2.2), and a verifier "may cycle through" them (6.1.2): up to
 * DKIM_MAX_KEYS are tried, in the order of the answer, until one says pass. Two of them stand there while a key is changed, or a
 * record of something else does. Without a pass, the answer that says most is kept: fail before policy before permerror.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dkim_priv.h"

__attribute__((format(printf, 3, 4)))
static enum dkim_result say(struct dkim_answer *a, enum dkim_result r, const char *why, ...)
{
	va_list args;

	va_start(args, why);
	vsnprintf(a->why, sizeof(a->why), why, args);
	va_end(args);
	return a->result = r;
}

/* What one key says. */
static enum dkim_result judge(struct dkim *d, const struct dkim_question *q, const struct dkim_key *k,
	struct dkim_answer *a)
{
	a->bits = k->info.bits;
	if (k->why)
		return say(a, DKIM_PERMERROR, "the key at %s is malformed: %s", q->name, k->why);
	if (k->info.testing)
		a->flags |= DKIM_TESTING;
	if (!k->info.email)
		return say(a, DKIM_PERMERROR, "the key at %s is not for mail (s=)", q->name);
	if (!k->info.sha256)
		return say(a, DKIM_PERMERROR, "the key at %s does not allow SHA-256 (h=)", q->name);
	if (k->ed25519 != (q->algorithm == ALG_ED25519))
		return say(a, DKIM_PERMERROR, "the key at %s is for another algorithm (k=, a=)", q->name);
	if (k->info.revoked)
		return say(a, DKIM_PERMERROR, "the key at %s has been revoked", q->name);
	if (k->info.strict && !q->strict_ok)
		return say(a, DKIM_PERMERROR, "the key at %s wants i= in d= itself (t=s)", q->name);
	if (!k->ed25519 && k->info.bits < DKIM_MIN_RSA_BITS)
		return say(a, DKIM_POLICY, "the RSA key at %s has less than 1024 bits (RFC 8301 3.2)", q->name);
	if (!k->ed25519 && k->info.bits > DKIM_MAX_RSA_BITS)
		return say(a, DKIM_POLICY, "the RSA key at %s is larger than what is tried", q->name);
	if (!k->ed25519 && k->info.bits < DKIM_GOOD_RSA_BITS)
		a->flags |= DKIM_WEAK_KEY;
	switch (dkim_key_check(d, k, q->hash, q->sig, q->sig_len)) {
	case 1: return a->result = DKIM_PASS;
	case 0: return say(a, DKIM_FAIL, "a signed header field was changed, or the key at %s did not sign this", q->name);
	default: return say(a, DKIM_TEMPERROR, "out of memory");
	}
}

static void judge_record(struct dkim *d, const struct dkim_question *q, struct span rdata, struct dkim_answer *best)
{
	struct dkim_answer a = { 0 };
	const struct dkim_key *k;

	buf_clear(&d->text);
	if (!dns_txt(rdata, &d->text)) {
		say(&a, DKIM_PERMERROR, "the key at %s is malformed: it is no TXT record", q->name);
	} else if (d->text.len > DKIM_MAX_KEY_BYTES) {
		say(&a, DKIM_PERMERROR, "the key at %s is malformed: it is too long", q->name);
	} else {
		k = dkim_key_of(d, buf_cstr(&d->text), d->text.len);
		if (!k || !buf_ok(&d->text))
			say(&a, DKIM_TEMPERROR, "out of memory");
		else
			judge(d, q, k, &a);
	}
	if (dkim_weight(a.result) > dkim_weight(best->result))
		*best = a;
}

bool dkim_ask(struct dkim *d, struct dns *dns, const struct dkim_question *q, struct dkim_answer *out)
{
	const struct dns_answer *a = NULL;
	enum dns_result r = dns_ask(dns, q->name, DNS_TXT, &a);

	*out = (struct dkim_answer){ 0 };
	if (r == DNS_PENDING)
		return false;
	if (dns_failed(r)) {
		say(out, DKIM_TEMPERROR, "the key at %s could not be asked for (%s)", q->name, dns_result_name(r));
		return true;
	}
	if (r != DNS_FOUND || !a || a->n == 0) {
		say(out, DKIM_PERMERROR, "there is no key at %s (%s)", q->name, dns_result_name(r));
		return true;
	}
	for (size_t i = 0; i < a->n && i < DKIM_MAX_KEYS && out->result != DKIM_PASS; i++)
		judge_record(d, q, a->rdata[i], out);
	if (a->n > 1)
		out->flags |= DKIM_SEVERAL_KEYS;
	if (a->secure)
		out->flags |= DKIM_SECURE;
	return true;
}
