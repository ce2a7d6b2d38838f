/*
 * dkim_verify.c - the signatures of a message, their keys, and what they come to (RFC 6376 6.1).
 *
 * All that needs the message's bytes is done in dkim_begin(): a check that waits for DNS holds hashes only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dkim_priv.h"

#define CLOCK_SKEW_S 86400	/* t= later than that is DKIM_FUTURE */

/* ---- what a check keeps ---- */

struct waiting {	/* beside check.sig[i], until it is judged */
	bool done;
	bool strict_ok;		/* i= is d= itself, not below */
	const char *policy;	/* why a pass would be a `policy`; NULL */
	enum dkim_algorithm algorithm;
	const char *name;	/* of the key */
	const uint8_t *b;
	size_t b_len;
	uint8_t head_hash[HASH_BYTES];
};
struct block { struct block *next; size_t len, cap; char p[]; };	/* strings: freed with the check */
struct dkim_private {
	struct dkim *d;
	struct dkim_signature *sig;
	struct waiting *wait;
	struct block *block;
	bool done, no_memory;
};

static void *keep(struct dkim_private *k, const void *p, size_t n)
{
	struct block *b = k->block;
	char *to;

	if (!b || b->cap - b->len < n + 1) {
		size_t cap = n + 1 > 1000 ? n + 1 : 1000;

		b = malloc(sizeof(*b) + cap);
		if (!b) {
			k->no_memory = true;
			return NULL;
		}
		*b = (struct block){ .next = k->block, .cap = cap };
		k->block = b;
	}
	to = b->p + b->len;
	memcpy(to, p, n);
	to[n] = '\0';
	b->len += n + 1;
	return to;
}

static const char *keep_text(struct dkim_private *k, struct buf *b)
{
	const char *s = b->len ? keep(k, b->p, b->len) : "";

	if (b->failed)
		k->no_memory = true;
	return s ? s : "";
}

static const char *keep_str(struct dkim_private *k, const char *s)
{
	char *copy = keep(k, s, strlen(s));

	return copy ? copy : "";
}

/* ---- reading a message ---- */

static void settle(struct dkim_check *c, size_t i, enum dkim_result r, const char *why)
{
	c->priv->sig[i].result = r;
	c->priv->sig[i].reason = why;
	c->priv->wait[i].done = true;
}

/* The hash of the header fields that the signature names, and of itself without b= (3.7). */
static enum status hash_head(struct dkim_begin *b, struct dkim_field *own, uint8_t out[HASH_BYTES])
{
	struct dkim_fields *h = &b->d->fields;
	struct buf *text = &b->d->head;
	bool relaxed = b->sig.canon.relaxed_head;

	buf_clear(text);
	dkim_fields_untake(h);
	for (size_t i = 0; i < b->sig.names; i++) {
		const struct dkim_field *f = dkim_field_take(h, b->sig.name[i], (size_t)(own - h->f));

		if (f)
			dkim_field_canon(h, f, relaxed, (struct span){ 0 }, false, text);
	}
	dkim_field_canon(h, own, relaxed, b->sig.cut, true, text);
	if (!buf_ok(text))
		return st_fail(ST_NOMEM, "header: out of memory");
	return dkim_hash(b->d, text->p, text->len, out);
}

/* What is there and was not signed; after hash_head(). */
static void look_at_unsigned(struct dkim_begin *b, struct dkim_signature *sig, struct waiting *w)
{
	const struct dkim_fields *h = &b->d->fields;

	for (size_t i = 0; i < h->n; i++) {
		if (h->f[i].taken)
			continue;
		if (h->f[i].kind == FIELD_USUAL)
			sig->flags |= DKIM_FIELDS_OPEN;
		if (h->f[i].kind == FIELD_FROM)
			w->policy = "a second From is not signed (RFC 6376 8.15)";
	}
	if (b->c->from_fields == 0)
		w->policy = "the message has no From (RFC 6376 3.8)";
}

static enum status evaluate(struct dkim_begin *b, size_t i, struct dkim_field *own)
{
	struct dkim_private *k = b->c->priv;
	struct dkim_signature *sig = &k->sig[i];
	struct waiting *w = &k->wait[i];
	struct dkim_sig *s = &b->sig;
	struct buf name = { 0 };

	buf_fmt(&name, "%s._domainkey.%s", buf_cstr(&s->selector), buf_cstr(&s->domain));
	w->name = keep_text(k, &name);
	buf_free(&name);
	w->algorithm = s->algorithm;
	w->strict_ok = strcmp(buf_cstr(&s->identity_domain), buf_cstr(&s->domain)) == 0;
	w->b = keep(k, s->b, s->b_len);
	w->b_len = s->b_len;
	enum status st = hash_head(b, own, w->head_hash);
	look_at_unsigned(b, sig, w);
	b->body_of[i] = b->evaluated;
	memcpy(b->body_want[b->evaluated], s->body_hash, HASH_BYTES);
	b->body[b->evaluated++] = (struct dkim_body){ .relaxed = s->canon.relaxed_body, .limit = s->l };
	return st;
}

static void show(struct dkim_begin *b, struct dkim_signature *sig)
{
	struct dkim_private *k = b->c->priv;
	struct dkim_sig *s = &b->sig;

	sig->domain = keep_text(k, &s->domain);
	sig->selector = keep_text(k, &s->selector);
	sig->identity = keep_text(k, &s->identity);
	sig->algorithm = s->algorithm_name;
	sig->b = s->b_start[0] ? keep_str(k, s->b_start) : "";
	sig->signed_at = s->t;
	sig->expires = s->x;
	sig->body_bytes = s->l;
	if (s->l >= 0)
		sig->flags |= DKIM_PARTIAL_BODY;
	if (s->t > b->now + CLOCK_SKEW_S)
		sig->flags |= DKIM_FUTURE;
}

/* One DKIM-Signature field, the ith. */
static enum status read_one(struct dkim_begin *b, size_t i, struct dkim_field *f)
{
	const struct dkim_fields *h = &b->d->fields;
	struct span value = { h->p + f->at.value, f->at.value_end - f->at.value };
	bool good = dkim_sig_read(SIG_DKIM, value, b->now, &b->sig);
	struct dkim_signature *sig = &b->c->priv->sig[i];

	*sig = (struct dkim_signature){ .reason = "", .canon = "", .signed_at = -1, .expires = -1, .body_bytes = -1 };
	show(b, sig);
	if (!good) {
		settle(b->c, i, DKIM_PERMERROR, keep_str(b->c->priv, b->sig.why));
		return ST_OK;
	}
	sig->canon = dkim_canon_name(b->sig.canon);
	if (h->too_many)
		settle(b->c, i, DKIM_POLICY, "the message has too many header fields to be looked at");
	else if (b->evaluated == DKIM_MAX_SIGNATURES)
		settle(b->c, i, DKIM_POLICY, "not evaluated: the message has too many signatures");
	else
		return evaluate(b, i, f);
	return ST_OK;
}

/* Bodies that differ need no key to be told. */
static void compare_bodies(struct dkim_begin *b)
{
	struct dkim_private *k = b->c->priv;

	for (size_t i = 0; i < b->c->n; i++) {
		if (k->wait[i].done)
			continue;
		if (b->body[b->body_of[i]].too_short)
			settle(b->c, i, DKIM_PERMERROR, "l= is more than the body has (RFC 6376 3.5)");
		else if (memcmp(b->body[b->body_of[i]].hash, b->body_want[b->body_of[i]], HASH_BYTES) != 0)
			settle(b->c, i, DKIM_FAIL, "the body is not what was signed (bh=)");
	}
}

static enum status read_all(struct dkim_begin *b, const char *raw, size_t len)
{
	struct dkim_fields *h = &b->d->fields;
	enum status st = ST_OK;
	size_t i, n = 0;

	for (i = 0; st == ST_OK && i < h->n && n < b->c->n; i++)
		if (h->f[i].kind == FIELD_DKIM)
			st = read_one(b, n++, &h->f[i]);
	if (st == ST_OK)
		st = dkim_body_hash(b->d, raw + h->body, len - h->body, b->body, b->evaluated);
	if (st == ST_OK)
		compare_bodies(b);
	if (st == ST_OK && b->c->priv->no_memory)
		st = st_fail(ST_NOMEM, "signatures: out of memory");
	return st;
}

/* How many there are, and room for them. */
static enum status make_room(struct dkim_check *c, struct dkim *d)
{
	const struct dkim_fields *h = &d->fields;
	size_t i, n = 0;

	for (i = 0; i < h->n; i++) {
		n += h->f[i].kind == FIELD_DKIM;
		c->from_fields += h->f[i].kind == FIELD_FROM;
	}
	c->n = n < DKIM_MAX_LISTED ? n : DKIM_MAX_LISTED;
	c->unread = n - c->n;
	c->priv->d = d;
	c->priv->sig = calloc(c->n + 1, sizeof(*c->priv->sig));
	c->priv->wait = calloc(c->n + 1, sizeof(*c->priv->wait));
	c->sig = c->priv->sig;
	return c->priv->sig && c->priv->wait ? ST_OK : st_fail(ST_NOMEM, "signatures: out of memory");
}

enum status dkim_begin(struct dkim *d, const char *raw, size_t len, int64_t now, struct dkim_check **out)
{
	struct dkim_begin *b = d->begin;
	struct dkim_check *c = calloc(1, sizeof(*c));

	if (c)
		c->priv = calloc(1, sizeof(*c->priv));
	if (!c || !c->priv) {
		free(c);
		return st_fail(ST_NOMEM, "check: out of memory");
	}
	b->d = d;
	b->c = c;
	b->now = now;
	b->evaluated = 0;
	enum status st = dkim_fields_read(raw, len, &d->fields);
	if (st == ST_OK)
		st = make_room(c, d);
	if (st == ST_OK)
		st = read_all(b, raw, len);
	if (st != ST_OK)
		dkim_check_free(&c);
	else
		*out = c;
	return st;
}

void dkim_check_free(struct dkim_check **c)
{
	if (!*c)
		return;
	for (struct block *b = (*c)->priv->block, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free((*c)->priv->sig);
	free((*c)->priv->wait);
	free((*c)->priv);
	free(*c);
	*c = NULL;
}

bool dkim_step(struct dkim_check *c, struct dns *dns)
{
	struct dkim_private *k = c->priv;
	bool all = true;

	for (size_t i = 0; !k->done && i < c->n; i++) {
		struct waiting *w = &k->wait[i];
		struct dkim_question q = { w->name, w->algorithm, w->strict_ok, w->head_hash, w->b, w->b_len };
		struct dkim_answer a;

		if (w->done)
			continue;
		if (!dkim_ask(k->d, dns, &q, &a)) {
			all = false;
			continue;
		}
		k->sig[i].flags |= a.flags;
		k->sig[i].key_bits = a.bits;
		if (a.result == DKIM_PASS && w->policy)
			settle(c, i, DKIM_POLICY, w->policy);
		else
			settle(c, i, a.result, keep_str(k, a.why));
	}
	return k->done = all;
}
