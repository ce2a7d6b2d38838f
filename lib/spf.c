/*
 * spf.c - see spf.h: one check from its arguments to its result; explanations (RFC 7208 6.2).
 */
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "plain.h"
#include "spf_eval.h"

/* What is checked: the local part, and the domain as it is asked for. */
struct identity { struct span local; char domain[SPF_NAME_BYTES]; bool known; };

/* 2.3: U-labels become A-labels. Other names stay as they are but for case: what cannot be asked for is "none" (4.3). */
static void set_domain(const char *p, size_t n, char out[SPF_NAME_BYTES])
{
	struct buf b = { 0 };
	bool high = false;

	for (size_t i = 0; i < n; i++)
		high = high || (unsigned char)p[i] >= 0x80;
	if (high && domain_normal(p, n, &b) == ST_OK) {
		p = b.p;
		n = b.len;
	}
	out[0] = '\0';
	if (n > 1 && p[n - 1] == '.')
		n--;
	if (n < SPF_NAME_BYTES)
		snprintf(out, SPF_NAME_BYTES, "%.*s", (int)n, p);
	for (char *c = out; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	buf_free(&b);
}

static void identify(const struct spf_query *q, struct identity *id)
{
	bool helo = q->identity == SPF_HELO || !q->mail_from || !*q->mail_from;
	const char *s = helo ? q->helo : q->mail_from, *at = helo || !s ? NULL : strrchr(s, '@');

	id->local = (struct span){ "postmaster", 10 };		/* 2.4, 4.3 */
	id->known = s && *s;
	if (at && at > s)
		id->local = (struct span){ s, (size_t)(at - s) };
	if (at)
		s = at + 1;
	set_domain(s ? s : "", s ? strlen(s) : 0, id->domain);
}

static void set_vars(const struct spf_query *q, const struct identity *id, struct spf_eval *e)
{
	e->vars.local = id->local;
	e->vars.sender_domain = (struct span){ id->domain, strlen(id->domain) };
	e->vars.helo = (struct span){ q->helo, q->helo ? strlen(q->helo) : 0 };
	e->vars.receiver = (struct span){ q->receiver, q->receiver ? strlen(q->receiver) : 0 };
	e->vars.ip = q->ip;
	e->vars.now = q->now;
	if (!inet_ntop(q->ip.v6 ? AF_INET6 : AF_INET, q->ip.b, e->ip, sizeof e->ip))
		e->ip[0] = '\0';
}

/* Whatever is wrong with an explanation, there is none then. SPF_STOP while pending. */
static enum spf_step explain(struct spf_eval *e)
{
	char name[SPF_NAME_BYTES];
	const struct dns_answer *a;
	struct buf text = { 0 }, *out = &e->r->exp;
	enum status st = spf_target_name(e, e->exp_domain, (struct span){ e->exp.p, e->exp.len }, name);
	enum dns_result found = st == ST_OK ? spf_ask(e, name, DNS_TXT, &a) : DNS_BADNAME;
	struct span all;
	enum spf_step step = SPF_NO;

	if (st == ST_AGAIN || found == DNS_PENDING)
		return SPF_STOP;
	if (found != DNS_FOUND || a->n != 1 || !dns_txt(a->rdata[0], &text))
		goto out;
	all = (struct span){ buf_cstr(&text), text.len };
	if (spf_macro_check(all, SPF_EXPLANATION) != ST_OK)
		goto out;
	step = spf_set_vars(e, e->exp_domain, all);
	if (step == SPF_STOP)
		goto out;
	if (spf_macro_expand(all, &e->vars, out) != ST_OK)
		buf_clear(out);
	for (size_t i = 0; i < out->len; i++)		/* the sender's local part may be in it */
		if (out->p[i] < ' ' || out->p[i] >= 0x7f)
			out->p[i] = '?';
out:
	e->nomem = e->nomem || text.failed || out->failed;
	buf_free(&text);
	return step;
}

/* Each line once. */
static void names_once(struct buf *names)
{
	struct buf out = { 0 };
	const char *p = buf_cstr(names), *end = p + names->len;

	buf_chr(&out, '\n');
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) + 1 : (size_t)(end - p), at = out.len;

		buf_add(&out, p, n);
		if (!out.failed && memmem(out.p, at, out.p + at - 1, n + 1) != NULL) {
			out.len = at;
			out.p[at] = '\0';
		}
		p += n;
	}
	buf_clear(names);
	if (out.len > 1)
		buf_add(names, out.p + 1, out.len - 1);
	names->failed = names->failed || out.failed;
	buf_free(&out);
}

static void result_clear(struct spf_result *r)
{
	struct buf *all[] = { &r->sender, &r->domain, &r->term, &r->at, &r->why, &r->exp, &r->names };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_clear(all[i]);
	r->result = AUTH_UNCHECKED;
	r->terms = r->voids = 0;
}

enum status spf_check(struct dns *d, const struct spf_query *q, struct spf_result *r)
{
	struct spf_eval e = { .d = d, .r = r };
	struct identity id;

	result_clear(r);
	identify(q, &id);
	set_vars(q, &id, &e);
	if (id.known) {
		r->result = spf_host(&e, id.domain, 0);
		if (r->result == AUTH_FAIL && q->want_exp && e.exp.len && !e.pending)
			explain(&e);
	} else {
		buf_str(&r->why, "the client's HELO name is not known");
	}
	if (q->identity == SPF_MAIL_FROM) {
		plain_add(&r->sender, id.local.p, id.local.len);
		buf_chr(&r->sender, '@');
	}
	plain_str(&r->sender, id.domain);
	plain_str(&r->domain, id.domain);
	names_once(&r->names);
	buf_free(&e.exp);
	if (r->sender.failed || r->domain.failed || r->term.failed || r->at.failed || r->why.failed || r->exp.failed ||
	    r->names.failed || e.exp.failed || e.nomem)
		return st_fail(ST_NOMEM, "SPF: out of memory");
	return e.pending ? ST_AGAIN : ST_OK;
}

void spf_result_free(struct spf_result *r)
{
	struct buf *all[] = { &r->sender, &r->domain, &r->term, &r->at, &r->why, &r->exp, &r->names };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_free(all[i]);
}
