/*
 * domain_simulate.c - what SPF, DKIM and DMARC would say of a message once the proposed records are published, see domain_look.h.
 *
 * The checks are weir-auth's own. Two senders are tried: an address that the domain's SPF names, and one that nobody has
 * (RFC 5737). The message is signed with the domain's keys where they are ours; where SES signs, its keys are looked at.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "authcheck.h"
#include "cli.h"
#include "date.h"
#include "domain_look.h"
#include "json.h"
#include "keyring.h"
#include "proposal.h"
#include "verify_print.h"

#define STRANGER	"203.0.113.77"
#define INCLUDES	10	/* RFC 7208 4.6.4 allows no more lookups */

struct sim {
	const struct look_job *j;
	struct proposal *p;
	struct dkim *dkim;
	int64_t now;
	bool json;
	struct buf signed_message, *out;
};

/* ---- an address from which the domain's mail comes ---- */

static const struct dns_answer *answer(struct dns *d, const char *name, uint16_t type)
{
	const struct dns_answer *a = NULL;

	while (dns_ask(d, name, type, &a) == DNS_PENDING)
		if (dns_wait(d, -1) != ST_OK)
			return NULL;
	return a;
}

static bool first_a(struct dns *d, const char *name, struct spf_ip *out)
{
	const struct dns_answer *a = answer(d, name, DNS_A);

	if (!a || a->result != DNS_FOUND || a->rdata[0].len != 4)
		return false;
	*out = (struct spf_ip){ .v6 = false };
	memcpy(out->b, a->rdata[0].p, 4);
	return true;
}

static bool named_by(struct dns *d, const char *name, int *left, struct spf_ip *out);

static bool named_by_term(struct dns *d, const char *name, const struct spf_term *t, int *left, struct spf_ip *out)
{
	char other[DOMAIN_MAX_BYTES + 1];

	snprintf(other, sizeof other, "%s", name);
	if (t->domain.p && (t->domain.len > DOMAIN_MAX_BYTES || memchr(t->domain.p, '%', t->domain.len)))
		return false;	/* a macro: it depends on the message */
	if (t->domain.p)
		snprintf(other, sizeof other, "%.*s", (int)t->domain.len, t->domain.p);
	if ((t->kind == SPF_IP4 || t->kind == SPF_IP6) && t->qualifier == '+') {
		*out = t->net;
		return true;
	}
	if (t->kind == SPF_A && t->qualifier == '+')
		return first_a(d, other, out);
	if ((t->kind == SPF_INCLUDE && t->qualifier == '+') || t->kind == SPF_REDIRECT)
		return named_by(d, other, left, out);
	return false;
}

/* left: how many more records may be looked at, in depth and in breadth. */
static bool named_by(struct dns *d, const char *name, int *left, struct spf_ip *out)
{
	const struct dns_answer *a = (*left)-- > 0 ? answer(d, name, DNS_TXT) : NULL;
	bool found = false;
	size_t i;

	for (i = 0; a && a->result == DNS_FOUND && i < a->n && !found; i++) {
		struct buf text = { 0 };
		struct spf_term t;

		if (dns_txt(a->rdata[i], &text) && buf_ok(&text) && spf_is_record(buf_cstr(&text), text.len)) {
			struct span rest = { text.p + 6, text.len - 6 };

			while (!found && spf_term_next(&rest, &t) == ST_OK)
				found = named_by_term(d, name, &t, left, out);
		}
		buf_free(&text);
	}
	return found;
}

static enum status find_sender(struct sim *s, const char *mail_from, struct spf_ip *out, bool *found)
{
	bool again = true;
	enum status rc = ST_OK;

	while (rc == ST_OK && again) {
		int left = INCLUDES;

		*found = named_by(proposal_dns(s->p), mail_from, &left, out);
		rc = proposal_more(s->p, &again);
	}
	return rc;
}

/* ---- the message ---- */

static void sample(const struct sim *s, struct buf *out)
{
	char when[32];

	date_rfc3339(s->now, when);
	buf_fmt(out, "From: postmaster@%s\r\nTo: somebody@receiver.example\r\nSubject: A sample, %s\r\n"
		"Message-ID: <sample.%lld@%s>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello.\r\n",
		s->j->d.name, when, (long long)s->now, s->j->d.name);
}

/* Signed with the domain's own keys in front; as it is where it has none, or where they do not fit its From. */
static enum status sign(struct sim *s, const char *home, struct span raw)
{
	struct signing_key keys[DOMAIN_SLOTS] = { 0 };
	struct dkim_signer *signer[DOMAIN_SLOTS] = { 0 };
	size_t i, n = 0;
	enum status rc = keyring_signing(home, s->j->tenant, &s->j->d, keys, &n);

	if (rc == ST_NOTFOUND)
		rc = ST_OK;
	for (i = 0; i < n && rc == ST_OK; i++)
		rc = dkim_signer_new(buf_cstr(&keys[i].pem), keys[i].pem.len, s->j->d.name, keys[i].selector, &signer[i]);
	if (rc == ST_OK && n > 0 && dkim_sign(s->dkim, raw.p, raw.len, signer, n, &(struct dkim_sign_opts){ .now = s->now },
			&s->signed_message) == ST_NOMEM)
		rc = ST_NOMEM;
	for (i = 0; i < DOMAIN_SLOTS; i++)
		dkim_signer_free(&signer[i]);
	signing_keys_free(keys, n);
	buf_add(&s->signed_message, raw.p, raw.len);
	return rc == ST_OK && !buf_ok(&s->signed_message) ? st_fail(ST_NOMEM, "out of memory") : rc;
}

/* ---- the checks ---- */

static void say(struct sim *s, const char *from, const char *who, const struct authcheck *c)
{
	const char *policy = dmarc_policy_name(c->dmarc.disposition), *words[AUTH_METHODS];
	const char *why[AUTH_METHODS];
	struct buf *b = s->out;
	int m;

	for (m = 0; m < AUTH_METHODS; m++)
		words[m] = auth_result_name(authcheck_result(c, (enum auth_method)m));
	why[AUTH_SPF] = c->spf.why.p;
	why[AUTH_DKIM] = c->dkim_which ? c->dkim_which->reason : "";
	why[AUTH_DMARC] = c->dmarc.why.p;
	if (s->json) {
		json_open(b, NULL, '{');
		json_cstr(b, "ip", from);
		json_cstr(b, "who", who);
		for (m = 0; m < AUTH_METHODS; m++)
			json_cstr(b, auth_method_name((enum auth_method)m), words[m]);
		if (policy[0])
			json_cstr(b, "disposition", policy);
		json_close(b, '}');
		return;
	}
	buf_fmt(b, ";   from %s (%s): spf %s, dkim %s, dmarc %s%s%s\n", from, who, words[AUTH_SPF], words[AUTH_DKIM],
		words[AUTH_DMARC], policy[0] && strcmp(words[AUTH_DMARC], "fail") == 0 ? ", policy " : "",
		strcmp(words[AUTH_DMARC], "fail") == 0 ? policy : "");
	for (m = 0; m < AUTH_METHODS; m++)
		if (why[m] && why[m][0] && strcmp(words[m], "pass") != 0) {
			buf_fmt(b, ";     %s: ", auth_method_name((enum auth_method)m));
			verify_ascii(why[m], b);
			buf_chr(b, '\n');
		}
}

static enum status check(struct sim *s, const struct spf_ip *ip, const char *from, const char *who, struct span raw)
{
	char helo[LABEL_MAX_BYTES + DOMAIN_MAX_BYTES + 2];
	struct authcheck_opts o = { .dkim = s->dkim, .authserv_id = "plan.invalid", .now = s->now };
	enum status rc = ST_OK;
	bool again = true;

	snprintf(helo, sizeof helo, "%s.%s", s->j->d.mail_from, s->j->d.name);
	while (rc == ST_OK && again) {
		struct auth_facts f = { .from_known = true, .ip_known = true, .ip = *ip };
		struct authcheck *c = NULL;

		buf_str(&f.helo, helo);
		buf_fmt(&f.from, "postmaster@%s", helo);
		rc = authcheck_begin(&o, raw.p, raw.len, &f, &c);
		auth_facts_free(&f);
		if (rc != ST_OK)
			return rc;
		while (!authcheck_step(c, proposal_dns(s->p)))
			if (dns_wait(proposal_dns(s->p), -1) == ST_IO)
				break;
		rc = proposal_more(s->p, &again);
		if (rc == ST_OK && !again)
			say(s, from, who, c);
		authcheck_free(&c);
	}
	return rc;
}

/* SES signs when it sends: its keys must be where the CNAMEs lead. */
static enum status tokens(struct sim *s)
{
	enum status rc = ST_OK;
	size_t i;

	for (i = 0; rc == ST_OK && !s->json && !s->j->d.own_keys && i < DOMAIN_SLOTS; i++) {
		char name[LABEL_MAX_BYTES + DOMAIN_MAX_BYTES + 16];
		bool again = true;

		snprintf(name, sizeof name, "%s._domainkey.%s", s->j->d.token[i], s->j->d.name);
		while (rc == ST_OK && again) {
			const struct dns_answer *a = answer(proposal_dns(s->p), name, DNS_TXT);
			struct dkim_key_info k = { 0 };
			struct buf text = { 0 };
			bool good = a && a->result == DNS_FOUND && dns_txt(a->rdata[0], &text) &&
				dkim_key_read(buf_cstr(&text), text.len, &k) == ST_OK && !k.revoked;
			const char *word = !a ? "could not be asked" : a->result != DNS_FOUND ? dns_result_name(a->result) : "no key";

			rc = proposal_more(s->p, &again);
			if (rc == ST_OK && !again && good)
				buf_fmt(s->out, ";   SES may sign with %s: its key is there (%s, %d bits)\n", s->j->d.token[i], k.type, k.bits);
			else if (rc == ST_OK && !again)
				buf_fmt(s->out, ";   SES may sign with %s: its key is not to be seen (%s)\n", s->j->d.token[i], word);
			buf_free(&text);
		}
	}
	return rc;
}

static enum status run(struct sim *s, struct span raw)
{
	char mail_from[LABEL_MAX_BYTES + DOMAIN_MAX_BYTES + 2], text[INET6_ADDRSTRLEN] = "";
	struct spf_ip ip = { 0 }, stranger;
	bool found = false;
	enum status rc;

	snprintf(mail_from, sizeof mail_from, "%s.%s", s->j->d.mail_from, s->j->d.name);
	rc = find_sender(s, mail_from, &ip, &found);
	if (!s->json)
		buf_fmt(s->out, "; published like this, a message of MAIL FROM postmaster@%s is judged:\n", mail_from);
	if (rc == ST_OK && found) {
		inet_ntop(ip.v6 ? AF_INET6 : AF_INET, ip.b, text, sizeof text);
		rc = check(s, &ip, text, "its SPF names it", (struct span){ s->signed_message.p, s->signed_message.len });
	} else if (rc == ST_OK && !s->json) {
		buf_str(s->out, ";   its SPF names no address that could be looked up\n");
	}
	spf_ip(STRANGER, strlen(STRANGER), &stranger);
	if (rc == ST_OK)
		rc = check(s, &stranger, STRANGER, "anybody", raw);
	return rc == ST_OK ? tokens(s) : rc;
}

enum status simulate(struct look *l, struct look_job *j, struct span message, int64_t now, bool json, struct buf *out)
{
	struct sim s = { .j = j, .now = now, .json = json, .out = out };
	struct buf own = { 0 };
	struct records all = { 0 };
	enum status rc = dkim_new(&s.dkim);

	if (!message.p) {
		sample(&s, &own);
		message = (struct span){ own.p, own.len };
	}
	if (rc == ST_OK)
		rc = j->d.mode == DOMAIN_DELEGATED ? zone_records(&j->d, l->providers, &all) : domain_records(&j->d, l->providers, &all);
	if (rc == ST_OK && j->d.own_keys)	/* the platform's zone is ours, too: as it will be, not as it is */
		rc = platform_records(&j->d, l->providers, &all);
	if (rc == ST_OK)
		rc = proposal_new(&all, j->d.name, j->d.mode == DOMAIN_DELEGATED, l->dns, &s.p);
	if (rc == ST_OK)
		rc = sign(&s, l->o->home, message);
	if (rc == ST_OK)
		rc = run(&s, message);
	proposal_free(&s.p);
	dkim_free(&s.dkim);
	records_free(&all);
	buf_free(&s.signed_message);
	buf_free(&own);
	return rc;
}
