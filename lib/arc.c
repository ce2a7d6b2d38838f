/*
 * arc.c - see arc.h. The steps of RFC 8617 5.2, on lib/dkim's parts.
 *
 * A seal signs all sets up to its own, so the sets are hashed in one pass, with a copy of the state for each seal:
 * fifty seals cost what one does.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arc.h"
#include "dkim_priv.h"

#define MAX_QUESTIONS (ARC_MAX_SETS + 1)	/* the newest message signature, and all seals */

struct question {
	char what[32];		/* "seal 2" */
	char *name;
	enum dkim_algorithm algorithm;
	uint8_t hash[HASH_BYTES], *sig;
	size_t sig_len;
};
struct arc_private {
	struct dkim *d;
	struct arc_set set[ARC_MAX_SETS];
	struct question q[MAX_QUESTIONS];
	size_t questions;
	bool done;
	char why[800];
};
struct sets {	/* while the message is there */
	struct dkim_fields *h;
	struct dkim_field *aar[ARC_MAX_SETS + 1], *ams[ARC_MAX_SETS + 1], *seal[ARC_MAX_SETS + 1];	/* by i= */
	size_t n;
};

/* The whole chain is judged by the first thing that is wrong with it. */
__attribute__((format(printf, 2, 3)))
static void fail(struct arc_check *c, const char *why, ...)
{
	va_list args;

	if (c->priv->done)
		return;
	va_start(args, why);
	vsnprintf(c->priv->why, sizeof(c->priv->why), why, args);
	va_end(args);
	c->result = DKIM_FAIL;
	c->reason = c->priv->why;
	c->priv->done = true;
}

static struct span value_of(const struct dkim_fields *h, const struct dkim_field *f)
{
	return (struct span){ h->p + f->at.value, f->at.value_end - f->at.value };
}

/* ---- the sets (5.2, steps 1 and 3) ---- */

/* An ARC-Authentication-Results field begins "i=1;" (4.1.1). 0: it does not. */
static int64_t results_instance(struct span v)
{
	const char *semi = memchr(v.p, ';', v.len);
	struct dkim_tags one;
	int64_t i;

	if (!semi || dkim_tags_read(v.p, (size_t)(semi - v.p), "", &one) || one.n != 1 || !span_is(one.tag[0].name, "i"))
		return 0;
	return dkim_number(one.tag[0].value, 2, &i) ? i : 0;
}

/* i= of a signature or seal, whatever else is wrong with it. */
static int64_t instance(struct span v)
{
	struct dkim_tags tags;
	const struct dkim_tag *i;
	int64_t n;

	if (v.len > DKIM_MAX_FIELD_BYTES || dkim_tags_read(v.p, v.len, "ds", &tags))
		return 0;
	i = dkim_tag(&tags, "i");
	return i && dkim_number(i->value, 2, &n) ? n : 0;
}

static void put_field(struct arc_check *c, struct sets *s, struct dkim_field *f)
{
	struct dkim_field **slot;
	int64_t i = f->kind == FIELD_AAR ? results_instance(value_of(s->h, f)) : instance(value_of(s->h, f));

	if (i < 1 || i > ARC_MAX_SETS) {
		fail(c, "an ARC field is malformed, or has no i= from 1 to %d", ARC_MAX_SETS);
		return;
	}
	slot = f->kind == FIELD_AAR ? &s->aar[i] : f->kind == FIELD_AMS ? &s->ams[i] : &s->seal[i];
	if (*slot)
		fail(c, "an ARC field with i=%d is there twice", (int)i);
	*slot = f;
	if ((size_t)i > s->n)
		s->n = (size_t)i;
}

static void collect(struct arc_check *c, struct sets *s)
{
	for (size_t i = 0; i < s->h->n; i++)
		if (s->h->f[i].kind >= FIELD_AAR)
			put_field(c, s, &s->h->f[i]);
	if (s->n && s->h->too_many)
		fail(c, "the message has too many header fields to be looked at");
	for (size_t i = 1; i <= s->n; i++)
		if (!s->aar[i] || !s->ams[i] || !s->seal[i])
			fail(c, "set %zu of the chain is not whole", i);
}

/* ---- what is to be verified ---- */

static enum status ask_later(struct arc_check *c, const struct dkim_sig *s, const char *what, const uint8_t hash[HASH_BYTES])
{
	struct question *q = &c->priv->q[c->priv->questions];

	snprintf(q->what, sizeof(q->what), "%s", what);
	memcpy(q->hash, hash, HASH_BYTES);
	q->algorithm = s->algorithm;
	q->sig = malloc(s->b_len);
	if (asprintf(&q->name, "%s._domainkey.%s", s->selector.p, s->domain.p) < 0)
		q->name = NULL;
	c->priv->questions++;
	if (!q->sig || !q->name)
		return st_fail(ST_NOMEM, "ARC: out of memory");
	memcpy(q->sig, s->b, s->b_len);
	q->sig_len = s->b_len;
	return ST_OK;
}

/* Step 4: the newest message signature; older ones are of messages that were changed since, rightly. */
static enum status message_signature(struct arc_check *c, struct sets *s, const char *raw, size_t len, int64_t now)
{
	struct dkim *d = c->priv->d;
	struct dkim_sig *sig = &d->begin->sig;
	struct dkim_field *own = s->ams[s->n];
	struct dkim_body body;
	uint8_t hash[HASH_BYTES];

	if (!dkim_sig_read(SIG_AMS, value_of(s->h, own), now, sig)) {
		fail(c, "ARC-Message-Signature %zu: %s", s->n, sig->why);
		return ST_OK;
	}
	buf_clear(&d->head);
	dkim_fields_untake(s->h);
	for (size_t i = 0; i < sig->names; i++) {
		const struct dkim_field *f = dkim_field_take(s->h, sig->name[i], (size_t)(own - s->h->f));

		if (f)
			dkim_field_canon(s->h, f, sig->canon.relaxed_head, (struct span){ 0 }, false, &d->head);
	}
	dkim_field_canon(s->h, own, sig->canon.relaxed_head, sig->cut, true, &d->head);
	body = (struct dkim_body){ .relaxed = sig->canon.relaxed_body, .limit = sig->l };
	enum status st = buf_ok(&d->head) ? ST_OK : st_fail(ST_NOMEM, "ARC: out of memory");
	if (st == ST_OK)
		st = dkim_body_hash(d, raw + s->h->body, len - s->h->body, &body, 1);
	if (st == ST_OK && (body.too_short || memcmp(body.hash, sig->body_hash, HASH_BYTES) != 0))
		fail(c, "ARC-Message-Signature %zu: the body is not what was signed (bh=)", s->n);
	if (st == ST_OK)
		st = dkim_hash(d, d->head.p, d->head.len, hash);
	return st == ST_OK && !c->priv->done ? ask_later(c, sig, "the message signature", hash) : st;
}

static bool add_field(struct dkim *d, struct sets *s, const struct dkim_field *f, struct span cut, bool last, EVP_MD_CTX *to)
{
	buf_clear(&d->head);
	dkim_field_canon(s->h, f, true, cut, last, &d->head);
	return buf_ok(&d->head) && EVP_DigestUpdate(to, d->head.p, d->head.len) == 1;
}

static char *keep(const struct buf *b)
{
	return b->len ? strdup(b->p) : strdup("");
}

/* One seal: its tags, cv= (step 3), and the hash of all sets up to it (5.1.1). */
static enum status seal(struct arc_check *c, struct sets *s, size_t i, int64_t now)
{
	struct dkim *d = c->priv->d;
	struct dkim_sig *sig = &d->begin->sig;
	uint8_t hash[HASH_BYTES];
	struct span none = { 0 };
	char what[32];

	bool good = dkim_sig_read(SIG_SEAL, value_of(s->h, s->seal[i]), now, sig);
	c->priv->set[i - 1] = (struct arc_set){ keep(&sig->domain), keep(&sig->selector) };
	if (!c->priv->set[i - 1].domain || !c->priv->set[i - 1].selector)
		return st_fail(ST_NOMEM, "ARC: out of memory");
	if (!good)
		fail(c, "ARC-Seal %zu: %s", i, sig->why);
	else if (sig->cv == 'f')
		fail(c, "ARC-Seal %zu says that the chain had failed already", i);
	else if ((sig->cv == 'n') != (i == 1))
		fail(c, "ARC-Seal %zu: cv= is none in the first one, and pass in all others", i);
	if (!add_field(d, s, s->aar[i], none, false, d->ctx) || !add_field(d, s, s->ams[i], none, false, d->ctx) ||
			EVP_MD_CTX_copy_ex(d->copy, d->ctx) != 1 || !add_field(d, s, s->seal[i], sig->cut, true, d->copy) ||
			EVP_DigestFinal_ex(d->copy, hash, NULL) != 1 || !add_field(d, s, s->seal[i], none, false, d->ctx))
		return st_fail(ST_NOMEM, "ARC: SHA-256 failed");
	snprintf(what, sizeof(what), "seal %zu", i);
	return c->priv->done ? ST_OK : ask_later(c, sig, what, hash);
}

static enum status read_chain(struct arc_check *c, const char *raw, size_t len, int64_t now)
{
	struct dkim *d = c->priv->d;
	struct sets s = { .h = &d->fields };
	enum status st = dkim_fields_read(raw, len, &d->fields);

	if (st != ST_OK)
		return st;
	collect(c, &s);
	if (s.n == 0 && !c->priv->done) {
		c->priv->done = true;	/* none */
		return ST_OK;
	}
	if (c->priv->done)
		return ST_OK;
	st = message_signature(c, &s, raw, len, now);
	if (st == ST_OK && EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) != 1)
		st = st_fail(ST_NOMEM, "ARC: SHA-256 failed");
	for (size_t i = 1; st == ST_OK && i <= s.n; i++, c->n++)
		st = seal(c, &s, i, now);
	return st;
}

enum status arc_begin(struct dkim *d, const char *raw, size_t len, int64_t now, struct arc_check **out)
{
	struct arc_check *c = calloc(1, sizeof(*c));

	if (c)
		c->priv = calloc(1, sizeof(*c->priv));
	if (!c || !c->priv) {
		free(c);
		return st_fail(ST_NOMEM, "ARC: out of memory");
	}
	c->reason = "";
	c->priv->d = d;
	c->set = c->priv->set;
	enum status st = read_chain(c, raw, len, now);
	if (st != ST_OK)
		arc_check_free(&c);
	else
		*out = c;
	return st;
}

void arc_check_free(struct arc_check **cp)
{
	struct arc_check *c = *cp;

	if (!c)
		return;
	for (size_t i = 0; i < ARC_MAX_SETS; i++) {
		free((char *)c->priv->set[i].domain);
		free((char *)c->priv->set[i].selector);
	}
	for (size_t i = 0; i < MAX_QUESTIONS; i++) {
		free(c->priv->q[i].name);
		free(c->priv->q[i].sig);
	}
	free(c->priv);
	free(c);
	*cp = NULL;
}

/* ---- keys (steps 4 to 6) ---- */

bool arc_step(struct arc_check *c, struct dns *dns)
{
	struct arc_private *k = c->priv;
	struct dkim_answer a, temp = { 0 };
	bool all = true;

	for (size_t i = 0; !k->done && i < k->questions; i++) {
		struct dkim_question q = { k->q[i].name, k->q[i].algorithm, true, k->q[i].hash, k->q[i].sig, k->q[i].sig_len };

		if (!dkim_ask(k->d, dns, &q, &a))
			all = false;
		else if (a.result == DKIM_TEMPERROR)
			temp = a;
		else if (a.result != DKIM_PASS)
			fail(c, "%s: %s", k->q[i].what, a.why);
	}
	if (k->done || !all)
		return k->done;
	c->result = temp.result == DKIM_TEMPERROR ? DKIM_TEMPERROR : DKIM_PASS;
	snprintf(k->why, sizeof(k->why), "%s", temp.why);
	c->reason = k->why;
	return k->done = true;
}
