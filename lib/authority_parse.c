/*
 * authority_parse.c - a name server's reply, see authority.h. ldns takes the packet apart; what it means for a
 * delegation is told here. The result's names are as a postmaster would say it.
 */
#include <ctype.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authority.h"
#include "dns.h"

enum { FLAG_QR = 0x80, FLAG_AA = 0x04, FLAG_TC = 0x02, OPCODE = 0x78, FORMERR = 1, NXDOMAIN = 3, REFUSED = 5, NOTAUTH = 9 };

const char *authority_result_name(enum authority_result r)
{
	static const char *const names[] = { "pending", "answer", "nodata", "nxdomain", "referral", "lame", "servfail", "bad",
		"timeout", "unreachable", "private" };

	return (size_t)r < sizeof names / sizeof *names ? names[r] : "?";
}

/* What is collected: offsets first, since the text may move while it grows. */
struct take { struct authority_rr *rr; size_t *owner, *data; size_t n; struct buf *text; };

static bool same_name(const ldns_rdf *wire, const char *name)
{
	struct buf b = { 0 };
	struct span s = { (const char *)ldns_rdf_data(wire), ldns_rdf_size(wire) };
	size_t n = strlen(name);
	bool same;

	if (n > 0 && name[n - 1] == '.')
		n--;
	same = dns_name(s, 0, &b) && b.len == n && strncasecmp(buf_cstr(&b), name, n) == 0;
	buf_free(&b);
	return same;
}

static bool is_our_question(const ldns_pkt *pkt, int rcode, const char *name, uint16_t type)
{
	const ldns_rr_list *q = ldns_pkt_question(pkt);
	const ldns_rr *rr;

	/* A server that did not understand the query may leave it out (RFC 1035 4.1.1). */
	if (ldns_rr_list_rr_count(q) == 0)
		return rcode == FORMERR;
	if (ldns_rr_list_rr_count(q) != 1)
		return false;
	rr = ldns_rr_list_rr(q, 0);
	return ldns_rr_get_type(rr) == (ldns_rr_type)type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
		same_name(ldns_rr_owner(rr), name);
}

static void take_rr(struct take *t, const ldns_rr *rr, enum authority_section section)
{
	struct authority_rr *out = &t->rr[t->n];
	struct buf owner = { 0 };
	size_t i;

	out->section = section;
	out->type = (uint16_t)ldns_rr_get_type(rr);
	out->ttl = ldns_rr_ttl(rr) > 0x7fffffff ? 0 : ldns_rr_ttl(rr);	/* RFC 2181 8 */
	if (!dns_name((struct span){ (const char *)ldns_rdf_data(ldns_rr_owner(rr)), ldns_rdf_size(ldns_rr_owner(rr)) }, 0, &owner)) {
		buf_free(&owner);
		return;
	}
	t->owner[t->n] = t->text->len;
	buf_add(t->text, buf_cstr(&owner), owner.len + 1);
	buf_free(&owner);
	t->data[t->n] = t->text->len;
	for (i = 0; i < ldns_rr_rd_count(rr); i++)
		buf_add(t->text, ldns_rdf_data(ldns_rr_rdf(rr, i)), ldns_rdf_size(ldns_rr_rdf(rr, i)));
	out->rdata.len = t->text->len - t->data[t->n];
	t->n++;
}

static void take_section(struct take *t, const ldns_rr_list *list, enum authority_section section)
{
	size_t i, n = ldns_rr_list_rr_count(list);

	for (i = 0; i < n && !t->text->failed; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN && ldns_rr_get_type(rr) != LDNS_RR_TYPE_OPT)
			take_rr(t, rr, section);
	}
}

static enum status take_all(const ldns_pkt *pkt, struct authority_rr **rr_out, size_t *n_out, struct buf *text)
{
	size_t i, n = ldns_pkt_ancount(pkt) + ldns_pkt_nscount(pkt) + ldns_pkt_arcount(pkt) + 1;
	struct take t = { .text = text };

	t.rr = calloc(n, sizeof *t.rr);
	t.owner = calloc(n, sizeof *t.owner);
	t.data = calloc(n, sizeof *t.data);
	if (t.rr && t.owner && t.data) {
		take_section(&t, ldns_pkt_answer(pkt), AUTHORITY_IN_ANSWER);
		take_section(&t, ldns_pkt_authority(pkt), AUTHORITY_IN_NS);
		take_section(&t, ldns_pkt_additional(pkt), AUTHORITY_IN_EXTRA);
	}
	for (i = 0; i < t.n && buf_ok(text); i++) {
		t.rr[i].owner = text->p + t.owner[i];
		t.rr[i].rdata.p = text->p + t.data[i];
	}
	free(t.owner);
	free(t.data);
	if (!t.rr || !t.owner || !t.data || !buf_ok(text)) {
		free(t.rr);
		return st_fail(ST_NOMEM, "out of memory");
	}
	*rr_out = t.rr;
	*n_out = t.n;
	return ST_OK;
}

/* A referral names a zone at or above the name that was asked for, and not the root: servers that know nothing
 * of a zone used to send people there. */
static bool refers(const struct authority_rr *rr, size_t n, const char *name)
{
	size_t i, len, nlen = strlen(name);
	bool down = false;

	if (nlen > 0 && name[nlen - 1] == '.')
		nlen--;
	for (i = 0; i < n; i++) {
		if (rr[i].section == AUTHORITY_IN_ANSWER)
			return false;
		len = strlen(rr[i].owner);
		if (rr[i].section == AUTHORITY_IN_NS && rr[i].type == DNS_NS && len > 0 && len <= nlen &&
				strncasecmp(name + nlen - len, rr[i].owner, len) == 0 && (len == nlen || name[nlen - len - 1] == '.'))
			down = true;
	}
	return down;
}

static enum authority_result meaning(int rcode, bool aa, const struct authority_rr *rr, size_t n, const char *name)
{
	if (rcode == REFUSED || rcode == NOTAUTH)
		return AUTHORITY_LAME;
	if (rcode != 0 && rcode != NXDOMAIN)
		return AUTHORITY_SERVFAIL;
	if (!aa)
		return rcode == 0 && refers(rr, n, name) ? AUTHORITY_REFERRAL : AUTHORITY_LAME;
	if (n > 0 && rr[0].section == AUTHORITY_IN_ANSWER)	/* also an alias whose end is elsewhere, or nowhere */
		return AUTHORITY_ANSWER;
	return rcode == NXDOMAIN ? AUTHORITY_NXDOMAIN : AUTHORITY_NODATA;
}

enum status authority_parse(const uint8_t *p, size_t len, uint16_t id, const char *name, uint16_t type,
	enum authority_result *result_out, int *rcode_out, struct authority_rr **rr_out, size_t *n_out, struct buf *text_out)
{
	ldns_pkt *pkt = NULL;
	enum status st;
	int rcode;

	if (len < 12 || p[0] != id >> 8 || p[1] != (id & 0xff) || !(p[2] & FLAG_QR) || (p[2] & OPCODE))
		return st_fail(ST_BAD, "no reply to this question");
	rcode = p[3] & 0x0f;
	if (p[2] & FLAG_TC)
		return st_fail(ST_LIMIT, "truncated");
	if ((p[6] << 8) + p[7] + (p[8] << 8) + p[9] + (p[10] << 8) + p[11] > AUTHORITY_MAX_RR)
		return st_fail(ST_BAD, "a reply of more than %d records", AUTHORITY_MAX_RR);
	if (ldns_wire2pkt(&pkt, p, len) != LDNS_STATUS_OK)
		return st_fail(ST_BAD, "a reply that is no DNS message");
	if (!is_our_question(pkt, rcode, name, type)) {
		ldns_pkt_free(pkt);
		return st_fail(ST_BAD, "a reply to another question");
	}
	st = take_all(pkt, rr_out, n_out, text_out);
	ldns_pkt_free(pkt);
	if (st != ST_OK)
		return st;
	*rcode_out = rcode;
	*result_out = meaning(rcode, p[2] & FLAG_AA, *rr_out, *n_out, name);
	return ST_OK;
}
