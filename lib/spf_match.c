/*
 * spf_match.c - see spf_eval.h: the mechanisms of RFC 7208 5, and the names they ask for.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plain.h"
#include "spf_eval.h"

/* ---- asking ---- */

static const char *type_name(uint16_t type)
{
	return type == DNS_A ? "A" : type == DNS_AAAA ? "AAAA" : type == DNS_MX ? "MX" : type == DNS_PTR ? "PTR" : "TXT";
}

enum dns_result spf_ask(struct spf_eval *e, const char *name, uint16_t type, const struct dns_answer **a)
{
	enum dns_result result = dns_ask(e->d, name, type, a);

	if (result == DNS_PENDING)
		e->pending = true;
	for (const char *p = type_name(type); *p; p++)
		buf_chr(&e->r->names, (char)tolower((unsigned char)*p));
	buf_chr(&e->r->names, ' ');
	for (; *name; name++) {
		char c = (char)tolower((unsigned char)*name);

		plain_add(&e->r->names, &c, 1);
	}
	buf_chr(&e->r->names, '\n');
	return result;
}

enum spf_step spf_count_term(struct spf_eval *e, const char *at)
{
	if (++e->r->terms <= SPF_MAX_TERMS)
		return SPF_NO;
	return spf_permerror(e, at, "it needs more than 10 terms that ask the DNS, with all that it includes (RFC 7208 4.6.4)");
}

static enum spf_step count_void(struct spf_eval *e, const char *at)
{
	if (++e->r->voids <= SPF_MAX_VOIDS)
		return SPF_NO;
	return spf_permerror(e, at, "more than two of its terms name what does not exist (RFC 7208 4.6.4)");
}

bool spf_name_in(struct span rdata, size_t at, char out[SPF_NAME_BYTES])
{
	size_t n = 0;

	while (at < rdata.len && rdata.p[at]) {
		size_t len = (unsigned char)rdata.p[at++];

		if (len > 63 || at + len >= rdata.len || n + len + 1 >= SPF_NAME_BYTES ||
		    memchr(rdata.p + at, '.', len) || memchr(rdata.p + at, '\0', len))
			return false;
		memcpy(out + n, rdata.p + at, len);
		at += len;
		n += len;
		out[n++] = '.';
	}
	out[n ? n - 1 : 0] = '\0';
	return n > 0 && at < rdata.len;
}

static bool within(const struct spf_ip *ip, const void *net, int bits)
{
	const uint8_t *a = ip->b, *b = net;
	int bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, (size_t)bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

static uint16_t address_type(const struct spf_eval *e)
{
	return e->vars.ip.v6 ? DNS_AAAA : DNS_A;
}

/* Whether one of the addresses in an answer is the client's, within the prefix. */
static bool covers(const struct spf_eval *e, const struct dns_answer *a, const struct spf_term *t)
{
	size_t size = e->vars.ip.v6 ? 16 : 4;
	int bits = e->vars.ip.v6 ? t->cidr6 : t->cidr4;

	for (size_t i = 0; i < a->n; i++)
		if (a->rdata[i].len == size && within(&e->vars.ip, a->rdata[i].p, bits))
			return true;
	return false;
}

/* ---- validated names: ptr and %{p} (5.5, 7.3) ---- */

/* Fills e->ptr. SPF_STOP only while pending: errors leave the list empty, or without the name they are about (5.5). */
static enum spf_step validate(struct spf_eval *e)
{
	static const struct spf_term exact = { .cidr4 = 32, .cidr6 = 128 };
	struct buf reverse = { 0 };
	const struct dns_answer *a, *b;
	char name[SPF_MAX_PTR][SPF_NAME_BYTES];
	size_t n = 0;

	if (e->ptr.done)
		return SPF_NO;
	dns_reverse(e->vars.ip.b, e->vars.ip.v6, &reverse);
	e->ptr.result = spf_ask(e, buf_cstr(&reverse), DNS_PTR, &a);
	e->nomem = e->nomem || reverse.failed;
	buf_free(&reverse);
	if (e->ptr.result == DNS_PENDING)
		return SPF_STOP;
	for (size_t i = 0; e->ptr.result == DNS_FOUND && i < a->n && i < SPF_MAX_PTR; i++)
		if (spf_name_in(a->rdata[i], 0, name[n]))
			n++;
	for (size_t i = 0; i < n; i++)		/* all at once */
		spf_ask(e, name[i], address_type(e), &b);
	if (e->pending)
		return SPF_STOP;
	for (size_t i = 0; i < n; i++)
		if (spf_ask(e, name[i], address_type(e), &b) == DNS_FOUND && covers(e, b, &exact))
			memcpy(e->ptr.name[e->ptr.n++], name[i], SPF_NAME_BYTES);
	e->ptr.done = true;
	return SPF_NO;
}

/* 1: the same name, 2: a name below, 0: neither. */
static int below(const char *name, const char *domain, size_t len)
{
	size_t n = strlen(name);

	if (len && domain[len - 1] == '.')
		len--;
	if (n < len || strncasecmp(name + n - len, domain, len) != 0)
		return 0;
	return n == len ? 1 : name[n - len - 1] == '.' ? 2 : 0;
}

/* %{p}: the domain itself, else a name below it, else any. */
static struct span best_validated(const struct spf_eval *e)
{
	const char *best = NULL;
	int rank, best_rank = 9;

	for (size_t i = 0; i < e->ptr.n; i++) {
		rank = below(e->ptr.name[i], e->vars.domain.p, e->vars.domain.len);
		rank = rank ? rank : 3;
		if (rank < best_rank) {
			best = e->ptr.name[i];
			best_rank = rank;
		}
	}
	return (struct span){ best, best ? strlen(best) : 0 };
}

/* ---- target names ---- */

enum spf_step spf_set_vars(struct spf_eval *e, const char *at, struct span text)
{
	e->vars.domain = (struct span){ at, strlen(at) };
	e->vars.validated = (struct span){ 0 };
	if (!spf_macro_uses_p(text))
		return SPF_NO;
	if (validate(e) == SPF_STOP)
		return SPF_STOP;
	e->vars.validated = best_validated(e);
	return SPF_NO;
}

enum status spf_target_name(struct spf_eval *e, const char *at, struct span spec, char out[SPF_NAME_BYTES])
{
	struct buf b = { 0 };
	enum status st;

	if (spf_set_vars(e, at, spec) == SPF_STOP)
		return ST_AGAIN;
	st = spf_macro_name(spec, &e->vars, &b);
	snprintf(out, SPF_NAME_BYTES, "%s", buf_cstr(&b));
	buf_free(&b);
	e->nomem = e->nomem || st == ST_NOMEM;
	return st;
}

enum spf_step spf_target(struct spf_eval *e, const char *at, struct span spec, char out[SPF_NAME_BYTES])
{
	enum status st;

	if (!spec.p) {
		snprintf(out, SPF_NAME_BYTES, "%s", at);
		return SPF_NO;
	}
	st = spf_target_name(e, at, spec, out);
	if (st == ST_OK)
		return SPF_NO;
	return st == ST_AGAIN ? SPF_STOP : spf_permerror(e, at, st_text());
}

/* ---- mechanisms (5) ---- */

static bool is_void(enum dns_result r)
{
	return r == DNS_NODATA || r == DNS_NXDOMAIN;
}

static enum spf_step match_a(struct spf_eval *e, const char *at, const struct spf_term *t)
{
	char name[SPF_NAME_BYTES];
	const struct dns_answer *a;
	uint16_t type = t->kind == SPF_EXISTS ? DNS_A : address_type(e);	/* 5.7: A also for IPv6 */
	enum dns_result result;

	if (spf_target(e, at, t->domain, name) == SPF_STOP)
		return SPF_STOP;
	result = spf_ask(e, name, type, &a);
	if (result == DNS_PENDING)
		return SPF_STOP;
	if (dns_failed(result))
		return spf_temperror(e, at, type_name(type), name, a);
	if (is_void(result))
		return count_void(e, at);
	return result == DNS_FOUND && (t->kind == SPF_EXISTS || covers(e, a, t)) ? SPF_YES : SPF_NO;
}

/* The addresses of the exchanges: in the order of the answer, so that the first that fails is always the same. */
static enum spf_step match_exchanges(struct spf_eval *e, const char *at, const struct spf_term *t, const struct dns_answer *mx)
{
	char name[SPF_MAX_MX][SPF_NAME_BYTES];
	const struct dns_answer *a;
	size_t n = 0, found = 0;

	for (size_t i = 0; i < mx->n; i++)
		if (spf_name_in(mx->rdata[i], 2, name[n]))
			n++;
	for (size_t i = 0; i < n; i++)		/* all at once */
		spf_ask(e, name[i], address_type(e), &a);
	if (e->pending)
		return SPF_STOP;
	for (size_t i = 0; i < n; i++) {
		enum dns_result result = spf_ask(e, name[i], address_type(e), &a);

		if (dns_failed(result))
			return spf_temperror(e, at, type_name(address_type(e)), name[i], a);
		if (result != DNS_FOUND)
			continue;
		found++;
		if (covers(e, a, t))
			return SPF_YES;
	}
	/* 4.6.4 limits the terms whose queries find nothing, not the queries: one for all exchanges */
	return n && !found ? count_void(e, at) : SPF_NO;
}

static enum spf_step match_mx(struct spf_eval *e, const char *at, const struct spf_term *t)
{
	char name[SPF_NAME_BYTES], why[SPF_NAME_BYTES + 80];
	const struct dns_answer *a;
	enum dns_result result;

	if (spf_target(e, at, t->domain, name) == SPF_STOP)
		return SPF_STOP;
	result = spf_ask(e, name, DNS_MX, &a);
	if (result == DNS_PENDING)
		return SPF_STOP;
	if (dns_failed(result))
		return spf_temperror(e, at, "MX", name, a);
	if (is_void(result))
		return count_void(e, at);
	if (result != DNS_FOUND)
		return SPF_NO;
	if (a->n > SPF_MAX_MX) {
		snprintf(why, sizeof why, "%s has more than 10 MX records (RFC 7208 4.6.4)", name);
		return spf_permerror(e, at, why);
	}
	return match_exchanges(e, at, t, a);
}

static enum spf_step match_ptr(struct spf_eval *e, const char *at, const struct spf_term *t)
{
	char name[SPF_NAME_BYTES];

	if (spf_target(e, at, t->domain, name) == SPF_STOP || validate(e) == SPF_STOP)
		return SPF_STOP;
	if (is_void(e->ptr.result))
		return count_void(e, at);
	for (size_t i = 0; i < e->ptr.n; i++)
		if (below(e->ptr.name[i], name, strlen(name)))
			return SPF_YES;
	return SPF_NO;
}

/* 5.2's table. */
static enum spf_step match_include(struct spf_eval *e, const char *at, const struct spf_term *t, int depth)
{
	char name[SPF_NAME_BYTES], why[2 * SPF_NAME_BYTES];

	if (spf_target(e, at, t->domain, name) == SPF_STOP)
		return SPF_STOP;
	switch (spf_host(e, name, depth + 1)) {
	case AUTH_PASS:
		return SPF_YES;
	case AUTH_FAIL:
	case AUTH_SOFTFAIL:
	case AUTH_NEUTRAL:
		return SPF_NO;
	case AUTH_NONE:
		snprintf(why, sizeof why, "it includes %s, which has no SPF record", name);
		return spf_permerror(e, at, why);
	default:		/* temperror, permerror: as the included record says it; or pending */
		return SPF_STOP;
	}
}

enum spf_step spf_match(struct spf_eval *e, const char *at, const struct spf_term *t, int depth)
{
	const struct spf_ip *ip = &e->vars.ip;

	switch (t->kind) {
	case SPF_ALL:
		return SPF_YES;
	case SPF_IP4:
	case SPF_IP6:
		return ip->v6 == t->net.v6 && within(ip, t->net.b, ip->v6 ? t->cidr6 : t->cidr4) ? SPF_YES : SPF_NO;
	case SPF_REDIRECT:
	case SPF_EXP:
	case SPF_UNKNOWN_MODIFIER:
		return SPF_NO;
	default:
		break;
	}
	if (spf_count_term(e, at) == SPF_STOP)
		return SPF_STOP;
	return t->kind == SPF_INCLUDE ? match_include(e, at, t, depth) : t->kind == SPF_MX ? match_mx(e, at, t) :
		t->kind == SPF_PTR ? match_ptr(e, at, t) : match_a(e, at, t);
}
