/*
 * authcheck_show.c - see authcheck.h: results as a header field (RFC 8601) and as a page for people.
 */
#include "authcheck.h"

#include <arpa/inet.h>
#include <string.h>
#include "cli.h"
#include "header.h"

/* ---- Authentication-Results ---- */

/* RFC 2045 5.1: what a value may consist of without quotes. */
static bool token(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?=", p[i]))
			return false;
	return n > 0;
}

/* A value (RFC 8601 2.2: token or quoted-string). What is neither printable nor ASCII is a '?': no line of a stranger's
 * begins in here, and no parser sees more than one string. */
static void value(struct buf *b, const char *p)
{
	size_t n = strlen(p);

	if (n > AUTHCHECK_MAX_REASON)
		n = AUTHCHECK_MAX_REASON;
	if (token(p, n)) {
		buf_add(b, p, n);
		return;
	}
	buf_chr(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_chr(b, '\\');
		buf_chr(b, p[i] >= ' ' && p[i] < 0x7f ? p[i] : '?');
	}
	buf_chr(b, '"');
}

/* Behind a blank; on a line of its own where this one would pass 78 columns (RFC 5322 2.1.1). */
static void property(struct buf *b, const char *name, const char *p)
{
	struct buf word = { 0 };
	const char *line = b->len ? memrchr(b->p, '\n', b->len) : NULL;
	size_t column = b->len - (line ? (size_t)(line + 1 - b->p) : 0) + 7;	/* the tab */

	if (!*p)
		return;
	buf_fmt(&word, "%s=", name);
	value(&word, p);
	buf_str(b, column + 1 + word.len > 78 ? "\n\t " : " ");
	buf_add(b, buf_cstr(&word), word.len);
	b->failed = b->failed || word.failed;
	buf_free(&word);
}

static void method(struct buf *b, const char *name, const char *word, const char *reason)
{
	buf_fmt(b, ";\n\t%s=%s", name, word);
	property(b, "reason", reason);
}

/* One identity. A failure's reason is worth a line, a pass's is not. */
static void spf_header(const struct spf_result *r, const char *ptype, struct buf *b)
{
	if (r->result == AUTH_UNCHECKED)
		return;
	method(b, "spf", auth_result_name(r->result), r->result == AUTH_PASS ? "" : buf_cstr((struct buf *)&r->why));
	property(b, ptype, r->domain.len ? r->domain.p : "");
}

static void dkim_header(const struct dkim_check *k, struct buf *b)
{
	if (k->n == 0)
		method(b, "dkim", "none", "");
	for (size_t i = 0; i < k->n; i++) {
		const struct dkim_signature *s = &k->sig[i];

		method(b, "dkim", dkim_result_name(s->result), s->reason);
		property(b, "header.d", s->domain);
		property(b, "header.s", s->selector);
		property(b, "header.a", s->algorithm);
		property(b, "header.b", s->b);
	}
}

static void dmarc_header(const struct dmarc_result *r, struct buf *b)
{
	const char *p = dmarc_policy_name(r->published);

	if (r->result == AUTH_UNCHECKED)
		return;
	method(b, "dmarc", auth_result_name(r->result), r->result == AUTH_PASS ? "" : buf_cstr((struct buf *)&r->why));
	property(b, "header.from", r->author.len ? r->author.p : "");
	property(b, "policy.dmarc", p);		/* RFC 9989 9.3: the policy applied to the author domain */
}

void authcheck_header(const struct authcheck *c, const char *authserv_id, struct buf *b)
{
	size_t start;

	buf_str(b, "Authentication-Results: ");
	value(b, authserv_id);
	start = b->len;
	spf_header(&c->spf, "smtp.mailfrom", b);
	spf_header(&c->helo, "smtp.helo", b);
	if (c->dkim)
		dkim_header(c->dkim, b);
	if (c->arc)		/* RFC 8617 10.2 */
		method(b, "arc", dkim_result_name(c->arc->result), c->arc->reason);
	dmarc_header(&c->dmarc, b);
	buf_str(b, b->len == start ? "; none\n" : "\n");
}

/* ---- a page ---- */

static void safe(FILE *f, const char *s)
{
	cli_safe(f, s, strlen(s), 0);
}

static void row(FILE *f, const char *name, const char *word)
{
	fprintf(f, "%-7s %-10s ", name, word);
}

static void spf_row(const struct authcheck *c, const char *name, const struct spf_result *r, FILE *f)
{
	char ip[INET6_ADDRSTRLEN] = "";

	row(f, name, auth_result_name(r->result));
	safe(f, r->why.len ? r->why.p : "");
	if (r->term.len) {
		fputs(" [", f);
		safe(f, r->term.p);
		if (r->at.len && r->domain.len && strcmp(r->at.p, r->domain.p) != 0) {
			fputs(" at ", f);
			safe(f, r->at.p);
		}
		fputs("]", f);
	}
	if (c->facts.ip_known && inet_ntop(c->facts.ip.v6 ? AF_INET6 : AF_INET, c->facts.ip.b, ip, sizeof ip))
		fprintf(f, " (client %s, %s)", ip, c->facts.ip_from);
	putc('\n', f);
}

static void signature_row(const struct dkim_signature *s, FILE *f)
{
	struct buf flags = { 0 };

	row(f, "DKIM", dkim_result_name(s->result));
	safe(f, *s->domain ? s->domain : "no domain");
	if (*s->selector) {
		fputs(", key ", f);
		safe(f, s->selector);
	}
	if (*s->algorithm)
		fprintf(f, ", %s", s->algorithm);
	if (s->key_bits)
		fprintf(f, ", %d bits", s->key_bits);
	if (*s->reason) {
		fputs(": ", f);
		safe(f, s->reason);
	}
	dkim_flags(s->flags, &flags);
	if (flags.len)
		fprintf(f, " (%s)", flags.p);
	putc('\n', f);
	buf_free(&flags);
}

static void dmarc_rows(const struct dmarc_result *r, FILE *f)
{
	row(f, "DMARC", auth_result_name(r->result));
	safe(f, r->why.len ? r->why.p : "");
	putc('\n', f);
	if (!r->record.len)
		return;
	row(f, "", "");
	fputs("record of ", f);
	safe(f, r->policy_domain.len ? r->policy_domain.p : "");
	fputs(": ", f);
	safe(f, r->record.p);
	putc('\n', f);
}

void authcheck_page(const struct authcheck *c, FILE *f)
{
	char when[32];

	if (c->dmarc.author.len) {
		fputs("Author  ", f);
		safe(f, c->dmarc.author.p);
		putc('\n', f);
	}
	spf_row(c, "SPF", &c->spf, f);
	if (c->helo.result != AUTH_UNCHECKED)
		spf_row(c, "HELO", &c->helo, f);
	if (c->dkim && c->dkim->n == 0)
		fputs("DKIM    none       the message is not signed\n", f);
	for (size_t i = 0; c->dkim && i < c->dkim->n; i++)
		signature_row(&c->dkim->sig[i], f);
	if (c->dkim && c->dkim->unread)
		fprintf(f, "        %zu further signatures were not read\n", c->dkim->unread);
	if (c->arc) {
		row(f, "ARC", dkim_result_name(c->arc->result));
		fprintf(f, "%zu seal%s", c->arc->n, c->arc->n == 1 ? "" : "s");
		for (size_t i = 0; i < c->arc->n; i++) {
			fputs(i ? ", " : ": ", f);
			safe(f, c->arc->set[i].domain);
		}
		fputs(*c->arc->reason ? "; " : "", f);
		safe(f, c->arc->reason);
		putc('\n', f);
	}
	dmarc_rows(&c->dmarc, f);
	if (c->claims)
		fprintf(f, "Beware  %u Authentication-Results field%s in our own name %s in the message: ignored\n", c->claims,
			c->claims == 1 ? "" : "s", c->claims == 1 ? "was" : "were");
	date_rfc3339(c->now, when);
	fprintf(f, "Checked %s\n", when);
}
