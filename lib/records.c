/* records.c - see records.h: lists of records, and what each domain should have. Printing: records_print.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "records.h"

/* ---- lists ---- */

static const struct { const char *name, *purpose; } roles[] = {
	[RR_DKIM] = { "dkim", "DKIM: leads to the key that our mail is signed with" },
	[RR_INBOUND] = { "inbound", "mail to this domain is received here" },
	[RR_FEEDBACK] = { "feedback", "bounces of mail from this domain come back here" },
	[RR_SPF] = { "spf", "SPF: who may send as this domain" },
	[RR_MAIL_FROM_SPF] = { "mail-from-spf", "SPF: who may send with this MAIL FROM" },
	[RR_DMARC] = { "dmarc", "DMARC: what receivers do with mail that only pretends to be from here" },
	[RR_MTA_STS] = { "mta-sts", "MTA-STS: mail to this domain wants TLS" },
	[RR_MTA_STS_HOST] = { "mta-sts-host", "MTA-STS: the host that has the policy" },
	[RR_TLS_RPT] = { "tls-rpt", "TLS-RPT: where reports on TLS go" },
	[RR_SOA] = { "soa", "start of the zone" },
	[RR_NS] = { "ns", "a name server of this zone" },
	[RR_GLUE] = { "glue", "the address of a name server in this zone" },
	[RR_APEX] = { "apex", "the address of the domain itself" },
	[RR_PORTAL] = { "portal", "the portal" },
	[RR_KEY] = { "key", "DKIM: a public key" },
};

const char *rr_role_name(enum rr_role r) { return roles[r].name; }

const char *rr_type_name(uint16_t type)
{
	switch (type) {
	case DNS_A: return "A";
	case DNS_NS: return "NS";
	case DNS_CNAME: return "CNAME";
	case DNS_SOA: return "SOA";
	case DNS_MX: return "MX";
	case DNS_TXT: return "TXT";
	case DNS_AAAA: return "AAAA";
	default: return "?";
	}
}

void records_free(struct records *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->rr[i].owner);
		free(r->rr[i].data);
	}
	free(r->rr);
	*r = (struct records){ 0 };
}

enum status records_add(struct records *r, const char *owner, uint16_t type, uint32_t ttl, enum rr_role role, const char *data)
{
	struct rr rr = { .type = type, .ttl = ttl, .role = role, .purpose = roles[role].purpose };

	if (strlen(owner) > DOMAIN_MAX_BYTES)
		return st_fail(ST_BAD, "%.60s... would have %zu bytes: %d is the most (RFC 1035 2.3.4), so the domain is too long",
			owner, strlen(owner), DOMAIN_MAX_BYTES);
	if (r->n == r->cap) {
		size_t cap = r->cap > 0 ? 2 * r->cap : 16;
		struct rr *more = reallocarray(r->rr, cap, sizeof(*more));

		if (more == NULL)
			return st_fail(ST_NOMEM, "records: out of memory");
		r->rr = more;
		r->cap = cap;
	}
	rr.owner = strdup(owner);
	rr.data = strdup(data);
	if (rr.owner == NULL || rr.data == NULL) {
		free(rr.owner);
		free(rr.data);
		return st_fail(ST_NOMEM, "records: out of memory");
	}
	r->rr[r->n++] = rr;
	return ST_OK;
}

enum status records_txt(const char *text, struct buf *data)
{
	size_t len = strlen(text), at = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
			return st_fail(ST_BAD, "TXT data with a quote, a backslash or a byte that is not printable ASCII: %.100s", text);
	do {
		size_t n = len - at < 255 ? len - at : 255;

		buf_str(data, at > 0 ? " \"" : "\"");
		buf_add(data, text + at, n);
		buf_chr(data, '"');
		at += n;
	} while (at < len);
	return buf_ok(data) ? ST_OK : st_fail(ST_NOMEM, "records: out of memory");
}

void records_text(const char *data, struct buf *text)
{
	bool in = false;

	for (; *data != '\0'; data++) {
		if (*data == '"')
			in = !in;
		else if (in)
			buf_chr(text, *data);
	}
}

/* Canonical order of names (RFC 4034 6.1): label by label from the right. Ours are in lower case. */
static int compare_names(const char *a, const char *b)
{
	const char *ea = a + strlen(a), *eb = b + strlen(b);

	while (ea > a && eb > b) {
		const char *la = ea, *lb = eb;
		size_t na, nb;
		int c;

		while (la > a && la[-1] != '.')
			la--;
		while (lb > b && lb[-1] != '.')
			lb--;
		na = (size_t)(ea - la), nb = (size_t)(eb - lb);
		c = memcmp(la, lb, na < nb ? na : nb);
		if (c != 0 || na != nb)
			return c != 0 ? c : na < nb ? -1 : 1;
		ea = la > a ? la - 1 : a;
		eb = lb > b ? lb - 1 : b;
	}
	return (ea > a) - (eb > b);
}

/* What must be first in a zone, then as people look for it: all CNAMEs, all MX... */
static int rank(const struct rr *r)
{
	return r->type == DNS_SOA ? 0 : r->type == DNS_NS ? 1 : 2;
}

static int compare(const void *va, const void *vb)
{
	const struct rr *a = va, *b = vb;
	int c = rank(a) - rank(b);

	if (c == 0)
		c = strcmp(rr_type_name(a->type), rr_type_name(b->type));
	if (c == 0)
		c = compare_names(a->owner, b->owner);
	return c != 0 ? c : strcmp(a->data, b->data);
}

void records_sort(struct records *r)
{
	if (r->n > 1)
		qsort(r->rr, r->n, sizeof(*r->rr), compare);
}

enum status records_move(struct records *to, struct records *from)
{
	struct rr *more = reallocarray(to->rr, to->n + from->n + 1, sizeof(*more));

	if (more == NULL)
		return st_fail(ST_NOMEM, "records: out of memory");
	to->rr = more;
	to->cap = to->n + from->n + 1;
	if (from->n > 0)
		memcpy(to->rr + to->n, from->rr, from->n * sizeof(*more));
	to->n += from->n;
	from->n = 0;
	records_sort(to);
	return ST_OK;
}

static int by_owner(const void *va, const void *vb)
{
	const struct rr *a = *(const struct rr *const *)va, *b = *(const struct rr *const *)vb;
	int c = strcmp(a->owner, b->owner);

	if (c == 0)
		c = (b->type == DNS_CNAME) - (a->type == DNS_CNAME);	/* a CNAME first */
	if (c == 0)
		c = a->type - b->type;
	return c != 0 ? c : strcmp(a->data, b->data);
}

enum status records_conflict(const struct records *r)
{
	const struct rr **list = calloc(r->n + 1, sizeof(*list));
	enum status st = ST_OK;

	if (list == NULL)
		return st_fail(ST_NOMEM, "records: out of memory");
	for (size_t i = 0; i < r->n; i++)
		list[i] = &r->rr[i];
	qsort(list, r->n, sizeof(*list), by_owner);
	for (size_t i = 1; i < r->n && st == ST_OK; i++) {
		const struct rr *a = list[i - 1], *b = list[i];

		if (strcmp(a->owner, b->owner) != 0)
			continue;
		if (a->type == DNS_CNAME)
			st = st_fail(ST_BAD, "%.100s would have a CNAME (%s) beside other data (%s, %s): RFC 1034 3.6.2 forbids it",
				a->owner, rr_role_name(a->role), rr_type_name(b->type), rr_role_name(b->role));
		else if (a->type == b->type && strcmp(a->data, b->data) == 0)
			st = st_fail(ST_BAD, "%.100s would have the same %s twice", a->owner, rr_type_name(a->type));
	}
	free(list);
	return st;
}

/* ---- the 8 records ---- */

/* LABELS.DOMAIN and printf'd data as one record. */
static enum status add(struct records *r, const struct domain *d, const char *labels, uint16_t type, enum rr_role role,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));
static enum status add(struct records *r, const struct domain *d, const char *labels, uint16_t type, enum rr_role role,
	const char *fmt, ...)
{
	struct buf owner = { 0 }, data = { 0 };
	char text[2 * DOMAIN_MAX_BYTES + 100];
	enum status st = ST_OK;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_fmt(&owner, "%s%s%s", labels, labels[0] != '\0' ? "." : "", d->name);
	if (type == DNS_TXT)
		st = records_txt(text, &data);
	else
		buf_str(&data, text);
	if (st == ST_OK && (!buf_ok(&owner) || !buf_ok(&data)))
		st = st_fail(ST_NOMEM, "records: out of memory");
	if (st == ST_OK)
		st = records_add(r, owner.p, type, d->ttl, role, data.p);
	buf_free(&owner);
	buf_free(&data);
	return st;
}

/* Where the three CNAMEs lead: to SES's keys, or to ours, whoever sends. */
static enum status add_dkim(const struct domain *d, const struct providers *p, struct records *out)
{
	struct provider to;
	enum status st = provider_get(p, d->own_keys ? "own" : d->provider, &to);

	for (size_t i = 0; i < DOMAIN_SLOTS && st == ST_OK; i++) {
		const char *label = d->own_keys ? d->slot[i].selector : d->token[i];
		char labels[LABEL_MAX_BYTES + 16];

		if (label[0] == '\0')
			return st_fail(ST_BAD, "%s has no DKIM keys yet: give --dkim-token three times, as SES shows them, or --byodkim",
				d->name);
		snprintf(labels, sizeof(labels), "%s._domainkey", label);
		if (strlen(label) + 1 + strlen(to.dkim) > DOMAIN_MAX_BYTES)
			return st_fail(ST_CONFIG, "provider: %.60s... is too long to stand behind a token", to.dkim);
		st = add(out, d, labels, DNS_CNAME, RR_DKIM, "%s.%s.", label, to.dkim);
	}
	return st;
}

/* A TXT of any length: what is over 255 bytes is split. */
static enum status add_text(const struct domain *d, const char *labels, enum rr_role role, struct buf *text, struct records *out)
{
	struct buf owner = { 0 }, data = { 0 };
	enum status st = buf_ok(text) ? records_txt(text->p, &data) : st_fail(ST_NOMEM, "records: out of memory");

	buf_fmt(&owner, "%s%s%s", labels, labels[0] != '\0' ? "." : "", d->name);
	if (st == ST_OK && !buf_ok(&owner))
		st = st_fail(ST_NOMEM, "records: out of memory");
	if (st == ST_OK)
		st = records_add(out, owner.p, DNS_TXT, d->ttl, role, data.p);
	buf_free(&owner);
	buf_free(&data);
	return st;
}

static enum status add_spf(const struct domain *d, const struct provider *p, struct records *out)
{
	struct buf text = { 0 };
	enum status st;

	buf_fmt(&text, "v=spf1 %s", p->spf);
	for (size_t i = 0; i < d->n_include; i++)
		buf_fmt(&text, " include:%s", d->include[i]);
	buf_fmt(&text, " %call", d->spf_all);
	st = add_text(d, "", RR_SPF, &text, out);
	buf_free(&text);
	/* The domain's other senders have a MAIL FROM of their own. */
	return st == ST_OK ? add(out, d, d->mail_from, DNS_TXT, RR_MAIL_FROM_SPF, "v=spf1 %s %call", p->spf, d->spf_all) : st;
}

static void add_uris(struct buf *b, const char *tag, const char *scheme, const char (*list)[REPORT_MAX_BYTES + 1], size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "%s%s%s", i == 0 ? tag : ",", scheme, list[i]);
}

static enum status add_reports(const struct domain *d, struct records *out)
{
	struct buf text = { 0 };
	enum status st;

	buf_fmt(&text, "v=DMARC1; %s", d->dmarc);
	add_uris(&text, "; rua=", "mailto:", d->rua, d->n_rua);
	add_uris(&text, "; ruf=", "mailto:", d->ruf, d->n_ruf);
	st = add_text(d, "_dmarc", RR_DMARC, &text, out);
	buf_clear(&text);
	buf_str(&text, "v=TLSRPTv1");
	add_uris(&text, "; rua=", "", d->tls_rpt, d->n_tls_rpt);
	if (st == ST_OK && d->n_tls_rpt > 0)
		st = add_text(d, "_smtp._tls", RR_TLS_RPT, &text, out);
	buf_free(&text);
	return st;
}

/* The id only has to change with the policy (RFC 8461 3.1), so it is made of it. */
static enum status add_mta_sts(const struct domain *d, const struct providers *p, struct records *out)
{
	struct buf policy = { 0 };
	uint8_t digest[DIGEST_BYTES];
	char hex[DIGEST_HEX + 1];
	enum status st;

	if (d->mta_sts[0] == '\0')
		return ST_OK;
	st = mta_sts_policy(d, p, &policy);
	if (st == ST_OK)
		st = digest_of(policy.p, policy.len, digest);
	buf_free(&policy);
	if (st != ST_OK)
		return st;
	hex_of(digest, DIGEST_BYTES, hex);
	st = add(out, d, "_mta-sts", DNS_TXT, RR_MTA_STS, "v=STSv1; id=%.20s", hex);
	return st == ST_OK ? add(out, d, "mta-sts", DNS_CNAME, RR_MTA_STS_HOST, "%s.", d->mta_sts_host) : st;
}

enum status mta_sts_policy(const struct domain *d, const struct providers *p, struct buf *out)
{
	struct provider by;
	enum status st = provider_get(p, d->provider, &by);

	if (st != ST_OK || d->mta_sts[0] == '\0')
		return st;
	/* RFC 8461 3.2: with mode none no mx is needed; a week, and a day while one can still change one's mind. */
	buf_fmt(out, "version: STSv1\r\nmode: %s\r\n", d->mta_sts);
	if (strcmp(d->mta_sts, "none") != 0)
		buf_fmt(out, "mx: %s\r\n", by.inbound);
	buf_fmt(out, "max_age: %d\r\n", strcmp(d->mta_sts, "enforce") == 0 ? 604800 : 86400);
	return buf_ok(out) ? ST_OK : st_fail(ST_NOMEM, "records: out of memory");
}

static enum status add_mail(const struct domain *d, const struct providers *p, struct records *out)
{
	struct provider by;
	enum status st;

	if (d->provider[0] == '\0')
		return st_fail(ST_BAD, "nobody has said who carries %s's mail: weir-domain set %s --provider own, or ses:REGION", d->name,
			d->name);
	st = provider_get(p, d->provider, &by);
	if (st == ST_OK)
		st = add_dkim(d, p, out);
	if (st == ST_OK && d->null_mx)
		st = add(out, d, "", DNS_MX, RR_INBOUND, "0 .");	/* RFC 7505 3 */
	else if (st == ST_OK && by.inbound[0] == '\0')
		st = st_fail(ST_BAD, "%s receives no mail: take another region, --null-mx, or say its \"inbound\" host in HOME/"
			PROVIDERS_FILE, d->provider);
	else if (st == ST_OK)
		st = add(out, d, "", DNS_MX, RR_INBOUND, "10 %s.", by.inbound);
	if (st == ST_OK)
		st = add(out, d, d->mail_from, DNS_MX, RR_FEEDBACK, "10 %s.", by.feedback);
	if (st == ST_OK)
		st = add_spf(d, &by, out);
	if (st == ST_OK)
		st = add_reports(d, out);
	return st == ST_OK ? add_mta_sts(d, p, out) : st;
}

enum status domain_records(const struct domain *d, const struct providers *p, struct records *out)
{
	struct records all = { 0 };
	enum status st = add_mail(d, p, &all);

	if (st == ST_OK)
		st = records_conflict(&all);
	if (st == ST_OK)
		st = records_move(out, &all);
	records_free(&all);
	return st;
}
