/* dkim.c - see dkim.h: what a process keeps, and the words for what was found. */
#include <stdlib.h>
#include <string.h>

#include "dkim_priv.h"

const char *dkim_result_name(enum dkim_result r)
{
	static const char *const names[] = { "none", "pass", "fail", "neutral", "policy", "temperror", "permerror" };

	return names[r];
}

void dkim_flags(unsigned flags, struct buf *b)
{
	static const char *const names[] = { "partial_body", "weak_key", "testing", "future", "secure", "several_keys",
		"fields_open" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (flags & 1u << i)
			buf_fmt(b, "%s%s", b->len && b->p[b->len - 1] != ' ' ? " " : "", names[i]);
}

int dkim_weight(enum dkim_result r)
{
	static const int weights[] = { [DKIM_NONE] = 0, [DKIM_PERMERROR] = 1, [DKIM_NEUTRAL] = 2, [DKIM_POLICY] = 3,
		[DKIM_FAIL] = 4, [DKIM_TEMPERROR] = 5, [DKIM_PASS] = 6 };

	return weights[r];
}

enum dkim_result dkim_overall(const struct dkim_check *c, const struct dkim_signature **which_or_null)
{
	const struct dkim_signature *best = NULL;

	for (size_t i = 0; i < c->n; i++)
		if (!best || dkim_weight(c->sig[i].result) > dkim_weight(best->result))
			best = &c->sig[i];
	if (which_or_null)
		*which_or_null = best;
	return best ? best->result : DKIM_NONE;
}

enum status dkim_new(struct dkim **out)
{
	struct dkim *d = calloc(1, sizeof(*d));

	if (!d)
		return st_fail(ST_NOMEM, "dkim: out of memory");
	d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	d->ctx = EVP_MD_CTX_new();
	d->copy = EVP_MD_CTX_new();
	d->ed = EVP_MD_CTX_new();
	d->slot = calloc(KEY_SLOTS, sizeof(*d->slot));
	d->begin = calloc(1, sizeof(*d->begin));
	if (!d->sha256 || !d->ctx || !d->copy || !d->ed || !d->slot || !d->begin) {
		enum status st = d->sha256 ? st_fail(ST_NOMEM, "dkim: out of memory") :
			st_fail(ST_CONFIG, "dkim: OpenSSL has no SHA-256");

		dkim_free(&d);
		return st;
	}
	*out = d;
	return ST_OK;
}

void dkim_free(struct dkim **dp)
{
	struct dkim *d = *dp;

	if (!d)
		return;
	for (size_t i = 0; d->slot && i < KEY_SLOTS; i++) {
		free(d->slot[i].text);
		dkim_key_done(&d->slot[i].key);
	}
	if (d->begin)
		dkim_sig_done(&d->begin->sig);
	free(d->begin);
	free(d->slot);
	free(d->fields.f);
	buf_free(&d->head);
	buf_free(&d->text);
	EVP_MD_CTX_free(d->ed);
	EVP_MD_CTX_free(d->copy);
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->sha256);
	free(d);
	*dp = NULL;
}
