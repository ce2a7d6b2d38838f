/*
 * dmarc_walk.c - the DNS tree walk: RFC 9989 4.10.
 *
 * All names of a walk are asked for at once: which ones is known beforehand, and only psd=y or psd=n, which are rare,
 * end a walk early. What lies beyond such an end is not looked at, also if it could not be told.
 */
#include <stdio.h>
#include <string.h>

#include "dmarc_walk.h"

/* The names to ask for, the longest first: the domain, then its last 7 labels at most, one less each time (steps 3 and 4). */
static int targets(const char *domain, const char *out[DMARC_MAX_QUERIES])
{
	const char *suffix[DMARC_MAX_QUERIES];
	int labels = 1, n = 0;

	/* a ring of the last suffixes, by the number of dots before them */
	suffix[0] = domain;
	for (const char *p = domain; *p; p++)
		if (*p == '.')
			suffix[labels++ % DMARC_MAX_QUERIES] = p + 1;
	out[n++] = domain;
	for (int skip = labels > DMARC_MAX_QUERIES ? labels - (DMARC_MAX_QUERIES - 1) : 1; skip < labels; skip++)
		out[n++] = suffix[skip % DMARC_MAX_QUERIES];
	return n;
}

enum dmarc_lookup dmarc_lookup(struct dns *d, const char *domain, struct buf *text, bool *several)
{
	char name[8 + 256];
	const struct dns_answer *a;
	struct dmarc_record r;
	enum dns_result result;
	struct buf one = { 0 };
	int n = 0;

	*several = false;
	buf_clear(text);
	snprintf(name, sizeof name, "_dmarc.%s", domain);
	result = dns_ask(d, name, DNS_TXT, &a);
	if (result == DNS_PENDING)
		return DMARC_PENDING;
	if (dns_failed(result))
		return DMARC_FAILED;
	for (size_t i = 0; result == DNS_FOUND && i < a->n; i++) {
		buf_clear(&one);
		if (!dns_txt(a->rdata[i], &one) || dmarc_record_read(buf_cstr(&one), one.len, &r) == DMARC_NOT_A_RECORD)
			continue;
		if (n++ == 0)
			buf_add(text, one.p, one.len);
	}
	text->failed = text->failed || one.failed;
	buf_free(&one);
	*several = n > 1;		/* "they are all discarded" */
	return n == 1 ? DMARC_FOUND : DMARC_NO_RECORD;
}

/* One label more of domain than suffix, which it ends in, has. */
static const char *one_below(const char *domain, const char *suffix)
{
	const char *p = suffix;

	if (p == domain)
		return domain;
	for (p--; p > domain && p[-1] != '.'; p--)
		;
	return p;
}

static void clear(struct dmarc_walk *w)
{
	buf_clear(&w->org);
	buf_clear(&w->policy_domain);
	buf_clear(&w->text);
	buf_clear(&w->failed);
	w->result = AUTH_UNCHECKED;
	w->from_psd = w->several = false;
	w->queries = 0;
}

static void set(struct buf *to, const char *s, size_t n)
{
	buf_clear(to);
	buf_add(to, s, n);
}

struct found { const char *start, *highest, *psd_n, *psd_y; /* names with a record */ };

/* Takes one record into account. True: psd=y or n, the walk ends. The text is kept where it may be the policy. */
static bool take(struct dmarc_walk *w, const char *domain, const char *at, const struct buf *text, struct found *f)
{
	struct dmarc_record r;
	bool start = at == domain;

	dmarc_record_read(text->p, text->len, &r);
	if (start)
		f->start = at;
	f->highest = at;
	if (r.psd == 'n')
		f->psd_n = at;
	if (r.psd == 'y' && !start)		/* 4.10.2, 2: "other than the one where the tree walk started" */
		f->psd_y = at;
	/* 4.10.1: the author's own record; else that of the organizational domain. Of those above the author the one that is
	 * highest is the organizational domain's, unless psd=y shows that it is one label below there. */
	if (!f->start || start) {
		const char *org = f->psd_y ? one_below(domain, f->psd_y) : at;

		if (!f->psd_y || w->policy_domain.len == 0 || strcmp(w->policy_domain.p, org) != 0) {
			set(&w->policy_domain, at, strlen(at));
			set(&w->text, text->p, text->len);
			w->from_psd = f->psd_y != NULL;
		}
	}
	return r.psd != 'u';
}

enum status dmarc_walk(struct dns *d, const char *domain, struct dmarc_walk *w)
{
	const char *name[DMARC_MAX_QUERIES], *org;
	int n = targets(domain, name);
	struct found f = { 0 };
	struct buf text = { 0 };
	bool several, end = false;
	enum dmarc_lookup l = DMARC_NO_RECORD;

	clear(w);
	for (int i = 0; i < n; i++)		/* all at once */
		dmarc_lookup(d, name[i], &text, &several);
	for (int i = 0; i < n && !end; i++) {
		l = dmarc_lookup(d, name[i], &text, &several);
		if (l == DMARC_PENDING || l == DMARC_FAILED) {
			set(&w->failed, name[i], strlen(name[i]));
			break;
		}
		w->queries++;
		w->several = w->several || several;
		end = l == DMARC_FOUND && take(w, domain, name[i], &text, &f);
	}
	org = f.psd_n ? f.psd_n : f.psd_y ? one_below(domain, f.psd_y) : f.highest ? f.highest : domain;
	set(&w->org, org, strlen(org));
	w->result = l == DMARC_FAILED ? AUTH_TEMPERROR : AUTH_PASS;
	end = text.failed || w->org.failed || w->policy_domain.failed || w->text.failed || w->failed.failed;
	buf_free(&text);
	if (end)
		return st_fail(ST_NOMEM, "DMARC: out of memory");
	return l == DMARC_PENDING ? ST_AGAIN : ST_OK;
}

void dmarc_walk_free(struct dmarc_walk *w)
{
	buf_free(&w->org);
	buf_free(&w->policy_domain);
	buf_free(&w->text);
	buf_free(&w->failed);
}
