/* tlsrpt.c - see tlsrpt.h. Names of members are RFC 8460 4.4's, ours are the same with '_'. */
#include "tlsrpt.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "date.h"
#include "json.h"

enum { D_CUT = 1, D_UNKNOWN_WORD = 2, D_BAD_ADDRESS = 4, D_NO_DOMAIN = 8, D_NO_COUNT = 16, D_TOO_MANY = 32, D_TRAILING = 64 };
static const char *const defect_names[] = { "cut", "unknown_word", "bad_address", "no_policy_domain", "no_count", "too_many",
	"trailing" };

struct tls {
	struct buf text;		/* the document */
	struct span root;
	struct buf org, id, domain, policies, named, failures, value;
	int64_t begin, end;
	uint64_t policy_n, bad_policies, bad_failures, named_n, failure_n, succeeded, failed, rest_failures, rest_sessions;
	unsigned defects;
	const char *first;	/* why what was left out first was */
};

/* ---- values ---- */

/* The string of a member in t->value, cut to TLSRPT_MAX_TEXT. False: there is none, or an empty one. */
static bool text_of(struct tls *t, struct span v)
{
	struct buf *b = &t->value;

	buf_clear(b);
	if (!json_text(v, b) || b->len == 0)
		return false;
	if (b->len > TLSRPT_MAX_TEXT) {
		size_t n = TLSRPT_MAX_TEXT;

		while (n > 0 && ((unsigned char)b->p[n] & 0xc0) == 0x80)
			n--;
		b->p[b->len = n] = '\0';
		t->defects |= D_CUT;
	}
	return true;
}

static void put_text(struct tls *t, struct buf *b, const char *key, struct span v)
{
	if (text_of(t, v))
		json_str(b, key, t->value.p, t->value.len);
}

static void put_said(struct tls *t, struct buf *b, const char *key)
{
	char said[40];

	snprintf(said, sizeof said, "%s_said", key);
	json_str(b, said, t->value.p, t->value.len);
}

static void put_word(struct tls *t, struct buf *b, const char *key, struct span v, const char *const *words)
{
	bool known = false;

	if (!text_of(t, v)) {
		json_cstr(b, key, "unknown");
		t->defects |= D_UNKNOWN_WORD;
		return;
	}
	for (; !known && *words; words++)
		known = strcmp(*words, t->value.p) == 0;
	json_cstr(b, key, known ? words[-1] : "unknown");
	if (!known) {
		put_said(t, b, key);
		t->defects |= D_UNKNOWN_WORD;
	}
}

static void put_address(struct tls *t, struct buf *b, const char *key, struct span v)
{
	unsigned char ip[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (!text_of(t, v))
		return;
	if (inet_pton(AF_INET, t->value.p, ip) == 1) {
		json_cstr(b, key, inet_ntop(AF_INET, ip, text, sizeof text));
	} else if (inet_pton(AF_INET6, t->value.p, ip) == 1) {
		json_cstr(b, key, inet_ntop(AF_INET6, ip, text, sizeof text));
	} else {
		put_said(t, b, key);
		t->defects |= D_BAD_ADDRESS;
	}
}

/* An array of strings, or one that stands alone (as in the RFC's own example). */
static void put_lines(struct tls *t, struct buf *b, const char *key, struct span v)
{
	struct span it = v, e;
	int n = 0;

	if (!v.p)
		return;
	json_open(b, key, '[');
	if (json_type(v) == '"')
		put_text(t, b, NULL, v);
	while (json_type(v) == '[' && json_elem(&it, &e)) {
		if (n++ == TLSRPT_MAX_LINES || b->len > TLSRPT_MAX_ENTITY_BYTES) {
			t->defects |= D_TOO_MANY;
			break;
		}
		put_text(t, b, NULL, e);
	}
	json_close(b, ']');
}

/* Sessions. False: no number of them. Some leave out a count of none. */
static bool count_of(struct tls *t, struct span v, uint64_t *out)
{
	int64_t n;

	*out = 0;
	if (!v.p) {
		t->defects |= D_NO_COUNT;
		return true;
	}
	if (!json_get_int(v, &n) || n < 0 || n > TLSRPT_MAX_COUNT)
		return false;
	*out = (uint64_t)n;
	return true;
}

static void name_bad(struct tls *t, const char *why)
{
	t->first = t->first ? t->first : why;
	if (t->named_n++ >= TLSRPT_MAX_NAMED)
		return;
	json_open(&t->named, NULL, '{');
	json_int(&t->named, "policy", (int64_t)t->policy_n);
	json_cstr(&t->named, "why", why);
	json_close(&t->named, '}');
}

/* ---- policies and what failed ---- */

static const char *const policy_types[] = { "tlsa", "sts", "no-policy-found", NULL };
static const char *const result_types[] = { "starttls-not-supported", "certificate-host-mismatch", "certificate-expired",
	"certificate-not-trusted", "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required",
	"sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid", NULL };

static void add_failure(struct tls *t, struct span f)
{
	struct buf *b = &t->failures;
	uint64_t n;

	if (json_type(f) != '{' || !json_get(f, "failed-session-count").p || !count_of(t, json_get(f, "failed-session-count"), &n)) {
		t->bad_failures++;
		name_bad(t, "failed-session-count is no number of sessions");
		return;
	}
	if (t->failure_n >= TLSRPT_MAX_FAILURES || t->policies.len + b->len > TLSRPT_MAX_ENTITY_BYTES) {
		t->rest_failures++;
		t->rest_sessions += n;
		return;
	}
	t->failure_n++;
	json_open(b, NULL, '{');
	put_word(t, b, "result_type", json_get(f, "result-type"), result_types);
	json_int(b, "count", (int64_t)n);
	put_address(t, b, "sending_mta_ip", json_get(f, "sending-mta-ip"));
	put_text(t, b, "receiving_mx_hostname", json_get(f, "receiving-mx-hostname"));
	put_text(t, b, "receiving_mx_helo", json_get(f, "receiving-mx-helo"));
	put_address(t, b, "receiving_ip", json_get(f, "receiving-ip"));
	put_text(t, b, "failure_reason_code", json_get(f, "failure-reason-code"));
	put_text(t, b, "additional_information", json_get(f, "additional-information"));
	json_close(b, '}');
}

/* Whether the policy is about the report's domain. */
static const char *wrong_domain(struct tls *t, struct span policy)
{
	struct buf d = { 0 };
	const char *why = NULL;

	if (!text_of(t, json_get(policy, "policy-domain")))
		t->defects |= D_NO_DOMAIN;
	else if (domain_normal(t->value.p, t->value.len, &d) != ST_OK)
		why = "policy-domain is no domain";
	else if (d.len != t->domain.len || memcmp(d.p, t->domain.p, d.len) != 0)
		why = "policy-domain is not the report's";
	buf_free(&d);
	return why;
}

static void add_policy(struct tls *t, struct span p)
{
	struct span policy = json_get(p, "policy"), summary = json_get(p, "summary"), it = json_get(p, "failure-details"), e;
	uint64_t succeeded, failed;
	struct buf *b = &t->policies;
	const char *why = json_type(policy) == '{' ? wrong_domain(t, policy) : "it has no policy";

	t->policy_n++;
	if (!why && (json_type(summary) != '{' || !count_of(t, json_get(summary, "total-successful-session-count"), &succeeded)
			|| !count_of(t, json_get(summary, "total-failure-session-count"), &failed)))
		why = "summary has no number of sessions";
	if (why) {
		t->bad_policies++;
		name_bad(t, why);
		return;
	}
	buf_clear(&t->failures);
	while (json_type(it) != '{' && json_elem(&it, &e))
		add_failure(t, e);
	json_open(b, NULL, '{');
	put_word(t, b, "policy_type", json_get(policy, "policy-type"), policy_types);
	put_lines(t, b, "policy_string", json_get(policy, "policy-string"));
	put_lines(t, b, "mx_host", json_get(policy, "mx-host"));
	json_int(b, "succeeded", (int64_t)succeeded);
	json_int(b, "failed", (int64_t)failed);
	json_open(b, "failures", '[');
	buf_add(b, t->failures.p, t->failures.len);
	json_close(b, ']');
	json_close(b, '}');
	t->succeeded += succeeded;
	t->failed += failed;
}

/* ---- the report ---- */

static bool date_of(struct tls *t, const char *path, int64_t *out)
{
	int zone;
	bool known;

	return text_of(t, json_get(t->root, path)) && date_parse(t->value.p, t->value.len, out, &zone, &known) == ST_OK;
}

static bool keep(struct tls *t, const char *key, struct buf *to)
{
	if (!text_of(t, json_get(t->root, key)))
		return false;
	buf_add(to, t->value.p, t->value.len);
	return true;
}

/* The first domain that a policy names is the report's. */
static bool find_domain(struct tls *t)
{
	struct span it = json_get(t->root, "policies"), e;

	while (t->domain.len == 0 && json_elem(&it, &e))
		if (text_of(t, json_get(e, "policy.policy-domain")))
			domain_normal(t->value.p, t->value.len, &t->domain);
	return t->domain.len > 0;
}

static enum status head(struct tls *t)
{
	if (!keep(t, "organization-name", &t->org))
		return st_fail(ST_BAD, "no organization-name");
	if (!keep(t, "report-id", &t->id))
		return st_fail(ST_BAD, "no report-id");
	if (!date_of(t, "date-range.start-datetime", &t->begin) || !date_of(t, "date-range.end-datetime", &t->end) || t->end < t->begin)
		return st_fail(ST_BAD, "date-range is none");
	if (json_type(json_get(t->root, "policies")) != '[')
		return st_fail(ST_BAD, "no policies");
	if (!find_domain(t))
		return st_fail(ST_BAD, "no policy has a policy-domain");
	return ST_OK;
}

static enum status policies(struct tls *t)
{
	struct span it = json_get(t->root, "policies"), e;

	while (json_elem(&it, &e)) {
		if (t->policy_n == TLSRPT_MAX_POLICIES)
			return st_fail(ST_LIMIT, "more than %d policies", TLSRPT_MAX_POLICIES);
		add_policy(t, e);
	}
	if (t->bad_policies == t->policy_n)
		return st_fail(ST_BAD, "none of its policies can be used%s%s", t->first ? ": in the first, " : "", t->first ? t->first : "");
	return ST_OK;
}

static void put_rest(struct tls *t, struct buf *b)
{
	if (t->rest_failures > 0) {
		json_open(b, "rest", '{');
		json_int(b, "failures", (int64_t)t->rest_failures);
		json_int(b, "sessions", (int64_t)t->rest_sessions);
		json_close(b, '}');
	}
	if (t->named_n > 0) {
		json_open(b, "bad", '{');
		json_int(b, "policies", (int64_t)t->bad_policies);
		json_int(b, "failures", (int64_t)t->bad_failures);
		json_open(b, "first", '[');
		buf_add(b, t->named.p, t->named.len);
		json_close(b, ']');
		json_close(b, '}');
	}
	if (t->defects != 0) {
		json_open(b, "defects", '[');
		for (int i = 0; i < 7; i++)
			if (t->defects & 1u << i)
				json_cstr(b, NULL, defect_names[i]);
		json_close(b, ']');
	}
}

static void put_report(struct tls *t, const char *key, struct buf *b)
{
	char time[32];

	date_rfc3339(t->begin, time);
	json_open(b, NULL, '{');
	json_int(b, "weir", 1);
	json_cstr(b, "type", "tls-report");
	json_cstr(b, "time", time);
	json_cstr(b, "key", key);
	json_cstr(b, "domain", buf_cstr(&t->domain));
	json_cstr(b, "org", buf_cstr(&t->org));
	json_cstr(b, "report_id", buf_cstr(&t->id));
	json_int(b, "begin", t->begin);
	json_int(b, "end", t->end);
	put_text(t, b, "contact", json_get(t->root, "contact-info"));
	json_int(b, "succeeded", (int64_t)t->succeeded);
	json_int(b, "failed", (int64_t)t->failed);
	json_open(b, "policies", '[');
	buf_add(b, t->policies.p, t->policies.len);
	json_close(b, ']');
	put_rest(t, b);
	json_close(b, '}');
}

static enum status take(void *arg, const void *p, size_t n)
{
	struct tls *t = arg;

	buf_add(&t->text, p, n);
	return buf_ok(&t->text) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

/* The document as one value, without a byte order mark (RFC 8259 8.1) and blanks around it. */
static enum status document(struct tls *t)
{
	const char *p = buf_cstr(&t->text), *end = p + t->text.len;
	enum status st;

	if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end && strchr(" \t\r\n", *p) && *p)
		p++;
	while (end > p && strchr(" \t\r\n", end[-1]) && end[-1])
		end--;
	t->root = (struct span){ p, (size_t)(end - p) };
	if (p == end || *p != '{')
		return st_fail(ST_BAD, "no JSON object");
	st = json_valid(t->root.p, t->root.len);
	return st == ST_OK ? ST_OK : st_fail(st, "no JSON that can be used: %s", st_text());
}

enum status tlsrpt_read(const void *p, size_t n, const struct unpack_limits *limits, struct buf *out)
{
	struct tls t = { 0 };
	struct unpack_limits max = { 0 };
	struct unpacked info;
	char key[REPORT_KEY_HEX + 1];
	size_t was = out->len;
	enum status st;

	if (limits)
		max = *limits;
	if (max.bytes == 0)
		max.bytes = TLSRPT_MAX_BYTES;
	st = unpack(p, n, &max, take, &t, &info);
	t.defects |= info.trailing > 0 ? D_TRAILING : 0;
	if (st == ST_OK)
		st = document(&t);
	if (st == ST_OK)
		st = head(&t);
	if (st == ST_OK)
		st = policies(&t);
	if (st == ST_OK)
		st = report_key("tls-report", buf_cstr(&t.org), buf_cstr(&t.id), buf_cstr(&t.domain), t.begin, t.end, key);
	if (st == ST_OK) {
		put_report(&t, key, out);
		st = buf_ok(out) && buf_ok(&t.policies) && buf_ok(&t.named) && buf_ok(&t.failures) && buf_ok(&t.value)
			? json_valid(out->p + was, out->len - was) : st_fail(ST_NOMEM, "out of memory");
	}
	if (st != ST_OK)
		out->len = was;
	struct buf *all[] = { &t.text, &t.org, &t.id, &t.domain, &t.policies, &t.named, &t.failures, &t.value };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_free(all[i]);
	return st;
}
