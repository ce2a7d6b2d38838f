/*
 * aggregate_rows.c - see aggregate.h: a report's records checked, added up and written as JSON.
 *
 * A row becomes text at once, `head` and what follows its count; rows with the same text are one. So the memory of a report
 * is that of its entity, and the order in which a reporter lists its records changes nothing.
 */
#include "aggregate_in.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "date.h"
#include "digest.h"

#define DATE_MAX 253402300799	/* 9999-12-31T23:59:59Z */

/* ---- values ---- */

static bool missing(const struct aggregate *a, enum field f)
{
	return !a->text[f].set || a->text[f].len == 0;
}

void aggregate_forget(struct aggregate *a, enum field from, enum field to)
{
	for (enum field f = from; f < to; f++)
		a->text[f].set = false;
	if (from == F_RECORD) {
		buf_clear(&a->reasons);
		buf_clear(&a->spf);
		a->reasons_n = a->spf_n = a->signatures = 0;
	}
}

/* A whole number of at most max; -1 if it is none. */
static int64_t number(const struct aggregate *a, enum field f, int64_t max)
{
	const struct text *t = &a->text[f];
	int64_t n = 0;

	if (missing(a, f) || t->over || t->len > 18)
		return -1;
	for (size_t i = 0; i < t->len; i++) {
		if (t->s[i] < '0' || t->s[i] > '9')
			return -1;
		n = n * 10 + (t->s[i] - '0');
	}
	return n <= max ? n : -1;
}

/* Where the text stands in the list, in any case of letters; -1: nowhere. */
static int word_of(struct aggregate *a, enum field f, const char *const *words)
{
	if (missing(a, f))
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcasecmp(words[i], a->text[f].s) == 0) {
			if (strcmp(words[i], a->text[f].s) != 0)
				a->defects |= 1u << D_CASE;
			return i;
		}
	return -1;
}

/* Text for people, as it is; nothing if there is none. */
static void put_text(struct aggregate *a, struct buf *b, const char *key, enum field f)
{
	if (missing(a, f))
		return;
	if (a->text[f].over)
		a->defects |= 1u << D_CUT;
	json_str(b, key, a->text[f].s, a->text[f].len);
}

/* The word, if it is one that the RFCs have; else "unknown", with what was said. Nothing if nothing was. */
static int put_word(struct aggregate *a, struct buf *b, const char *key, enum field f, const char *const *words)
{
	int i = word_of(a, f, words);

	if (i >= 0) {
		json_cstr(b, key, words[i]);
	} else if (!missing(a, f)) {
		char said[32];

		a->defects |= 1u << D_UNKNOWN_WORD;
		json_cstr(b, key, "unknown");
		snprintf(said, sizeof said, "%s_said", key);
		put_text(a, b, said, f);
	}
	return i;
}

/* A domain in the form in which domains are compared; if it is none, what was said. */
static void put_domain(struct aggregate *a, struct buf *b, const char *key, enum field f)
{
	struct buf d = { 0 };

	if (!missing(a, f) && !a->text[f].over && domain_normal(a->text[f].s, a->text[f].len, &d) == ST_OK)
		json_str(b, key, d.p, d.len);
	else
		put_text(a, b, key, f);
	buf_free(&d);
}

/* ---- pieces of a record ---- */

/* RFC 9990; forwarded and sampled_out are RFC 7489's. */
static const char *const reason_words[] = { "local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder",
	"forwarded", "sampled_out", NULL };
static const char *const dkim_words[] = { "none", "pass", "fail", "policy", "neutral", "temperror", "permerror", NULL };
static const char *const spf_words[] = { "none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror", NULL };
static const char *const scope_words[] = { "mfrom", "helo", NULL };	/* helo: RFC 7489 */
enum { WORD_PASS = 1 };		/* in both lists of results */

enum status aggregate_reason(struct aggregate *a)
{
	if (missing(a, F_TYPE) && missing(a, F_COMMENT))
		return ST_OK;
	if (a->reasons_n++ >= AGGREGATE_MAX_REASONS) {
		a->defects |= 1u << D_TOO_MANY;
		return ST_OK;
	}
	json_open(&a->reasons, NULL, '{');
	put_word(a, &a->reasons, "type", F_TYPE, reason_words);
	put_text(a, &a->reasons, "comment", F_COMMENT);
	json_close(&a->reasons, '}');
	return ST_OK;
}

enum status aggregate_dkim(struct aggregate *a)
{
	struct signature *s = &a->signature[a->signatures];

	if (a->signatures == AGGREGATE_MAX_SIGNATURES) {
		a->defects |= 1u << D_TOO_MANY;
		return ST_OK;
	}
	free(s->domain);
	s->domain = strdup(missing(a, F_AUTH_DOMAIN) ? "" : a->text[F_AUTH_DOMAIN].s);
	if (!s->domain)
		return st_fail(ST_NOMEM, "out of memory");
	buf_clear(&s->json);
	put_domain(a, &s->json, "domain", F_AUTH_DOMAIN);
	put_text(a, &s->json, "selector", F_SELECTOR);
	s->pass = put_word(a, &s->json, "result", F_RESULT, dkim_words) == WORD_PASS;
	put_text(a, &s->json, "human_result", F_HUMAN);
	a->signatures++;
	return ST_OK;
}

enum status aggregate_spf(struct aggregate *a)
{
	if (a->spf_n++ >= AGGREGATE_MAX_SPF) {
		a->defects |= 1u << D_TOO_MANY;
		return ST_OK;
	}
	json_open(&a->spf, NULL, '{');
	put_domain(a, &a->spf, "domain", F_AUTH_DOMAIN);
	put_word(a, &a->spf, "scope", F_SCOPE, scope_words);
	put_word(a, &a->spf, "result", F_RESULT, spf_words);
	put_text(a, &a->spf, "human_result", F_HUMAN);
	json_close(&a->spf, '}');
	return ST_OK;
}

/* Where one signature of a domain passes, another that does not is none that failed: mail is signed with RSA and Ed25519
 * (RFC 8463 5), and large receivers check RSA only. The report does not say which algorithm it was. */
static bool beside_pass(const struct aggregate *a, const struct signature *s)
{
	for (size_t i = 0; !s->pass && *s->domain && i < a->signatures; i++)
		if (a->signature[i].pass && strcasecmp(a->signature[i].domain, s->domain) == 0)
			return true;
	return false;
}

/* ---- a record ---- */

enum { DISPOSITION_UNKNOWN = 4 };
static const char *const dispositions[] = { "none", "pass", "quarantine", "reject", NULL };
static const char *const verdicts[] = { "fail", "pass", NULL };

/* What is wrong with the record at hand; NULL: nothing. */
static const char *flaw(struct aggregate *a, struct buf *from)
{
	static const struct { enum field f; const char *twice; } single[] = { { F_SOURCE, "two of source_ip" },
		{ F_COUNT, "two of count" }, { F_DISPOSITION, "two of disposition" }, { F_DKIM, "two of policy_evaluated dkim" },
		{ F_SPF, "two of policy_evaluated spf" }, { F_HEADER_FROM, "two of header_from" } };
	unsigned char ip[sizeof(struct in6_addr)];
	const char *s = a->text[F_SOURCE].s;

	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		if (a->text[single[i].f].set && a->text[single[i].f].twice)
			return single[i].twice;
	if (missing(a, F_SOURCE) || (inet_pton(AF_INET, s, ip) != 1 && inet_pton(AF_INET6, s, ip) != 1))
		return "source_ip is no address";
	if (number(a, F_COUNT, AGGREGATE_MAX_COUNT) < 1)
		return "count is no number of messages";
	if (missing(a, F_HEADER_FROM) || a->text[F_HEADER_FROM].over
			|| domain_normal(a->text[F_HEADER_FROM].s, a->text[F_HEADER_FROM].len, from) != ST_OK)
		return "header_from is no domain";
	if (!missing(a, F_DISPOSITION) && word_of(a, F_DISPOSITION, dispositions) < 0)
		return "disposition is not none, pass, quarantine or reject";
	if ((!missing(a, F_DKIM) && word_of(a, F_DKIM, verdicts) < 0) || (!missing(a, F_SPF) && word_of(a, F_SPF, verdicts) < 0))
		return "policy_evaluated has a result that is not pass or fail";
	return NULL;
}

/* An address in its one way of writing; an IPv4 address that was written as IPv6 (::ffff:) is IPv4. */
static void put_source(struct buf *b, const char *s)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned char ip[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, s, ip) == 1)
		json_cstr(b, "source_ip", inet_ntop(AF_INET, ip, text, sizeof text));
	else if (inet_pton(AF_INET6, s, ip) == 1 && memcmp(ip, mapped, sizeof mapped) == 0)
		json_cstr(b, "source_ip", inet_ntop(AF_INET, ip + 12, text, sizeof text));
	else
		json_cstr(b, "source_ip", inet_ntop(AF_INET6, ip, text, sizeof text));
}

static void put_verdict(struct aggregate *a, struct buf *b, const char *key, enum field f)
{
	if (missing(a, f))
		a->defects |= 1u << D_NO_RESULT;
	json_cstr(b, key, missing(a, f) ? "unknown" : verdicts[word_of(a, f, verdicts)]);
}

static void put_auth(struct aggregate *a, struct buf *b)
{
	json_open(b, "auth", '{');
	json_open(b, "dkim", '[');
	for (size_t i = 0; i < a->signatures; i++) {
		const struct signature *s = &a->signature[i];

		json_open(b, NULL, '{');
		buf_add(b, s->json.p, s->json.len);
		if (beside_pass(a, s))
			json_bool(b, "beside_pass", true);
		json_close(b, '}');
	}
	json_close(b, ']');
	json_open(b, "spf", '[');
	buf_add(b, a->spf.p, a->spf.len);
	json_close(b, ']');
	json_close(b, '}');
}

static uint64_t hash_of(const char *p, size_t n)
{
	uint8_t d[DIGEST_BYTES];
	uint64_t h = 0;

	if (digest_of(p, n, d) == ST_OK)
		memcpy(&h, d, sizeof h);
	return h;
}

static enum status new_row(struct aggregate *a, size_t slot, struct row *row)
{
	if (a->rows == a->row_cap) {
		size_t cap = a->row_cap ? a->row_cap * 2 : 64;
		struct row *v = realloc(a->row, cap * sizeof *v);

		if (!v)
			return st_fail(ST_NOMEM, "out of memory");
		a->row = v;
		a->row_cap = cap;
	}
	row->at = a->rows_text.len;
	buf_add(&a->rows_text, a->one.p, a->one.len);
	if (!buf_ok(&a->rows_text))
		return st_fail(ST_NOMEM, "out of memory");
	a->row[a->rows++] = *row;
	a->slot[slot] = (uint32_t)a->rows;
	return ST_OK;
}

/* The row in a->one, to the one that is the same, or as a new one. */
static enum status add_row(struct aggregate *a, size_t head, uint64_t count, bool passed)
{
	struct row row = { .head = head, .len = a->one.len, .count = count, .hash = hash_of(a->one.p, a->one.len) };
	size_t slot = row.hash % AGGREGATE_SLOTS;

	if (!a->slot)
		a->slot = calloc(AGGREGATE_SLOTS, sizeof *a->slot);
	if (!a->slot || !buf_ok(&a->one))
		return st_fail(ST_NOMEM, "out of memory");
	for (; a->slot[slot]; slot = (slot + 1) % AGGREGATE_SLOTS) {
		struct row *r = &a->row[a->slot[slot] - 1];

		if (r->hash == row.hash && r->len == row.len && memcmp(a->rows_text.p + r->at, a->one.p, row.len) == 0) {
			r->count += count;
			return ST_OK;
		}
	}
	if (a->rows < AGGREGATE_MAX_ROWS && a->rows_text.len + row.len <= AGGREGATE_MAX_ROWS_BYTES)
		return new_row(a, slot, &row);
	a->rest_rows++;
	a->rest_messages += count;
	a->rest_passed += passed ? count : 0;
	return ST_OK;
}

static bool says_pass(struct aggregate *a, enum field f)
{
	return word_of(a, f, verdicts) == WORD_PASS;
}

/* Whether the author's domain is neither the policy's nor below it (RFC 9990, "Handling Domains in Reports"). */
static bool is_foreign(const struct aggregate *a, const struct buf *from)
{
	const struct text *t = &a->text[F_DOMAIN];
	struct buf policy = { 0 };
	bool foreign = false;

	if (t->set && !t->over && domain_normal(t->s, t->len, &policy) == ST_OK) {
		size_t n = policy.len, all = from->len;

		foreign = all < n || memcmp(from->p + all - n, policy.p, n) != 0 || (all > n && from->p[all - n - 1] != '.');
	}
	buf_free(&policy);
	return foreign;
}

enum status aggregate_record(struct aggregate *a)
{
	struct buf from = { 0 }, *b = &a->one;
	const char *why = flaw(a, &from);
	int disposition = word_of(a, F_DISPOSITION, dispositions);
	bool passed = says_pass(a, F_DKIM) || says_pass(a, F_SPF);
	uint64_t count = (uint64_t)number(a, F_COUNT, AGGREGATE_MAX_COUNT);
	enum status st = ST_OK;
	size_t head;

	if (why) {
		a->bad_first = a->bad_first ? a->bad_first : why;
		if (a->bad++ < AGGREGATE_MAX_NAMED) {
			json_open(&a->bad_named, NULL, '{');
			json_int(&a->bad_named, "record", (int64_t)a->records);
			json_cstr(&a->bad_named, "why", why);
			json_close(&a->bad_named, '}');
		}
		buf_free(&from);
		return ST_OK;
	}
	if (is_foreign(a, &from))
		a->defects |= 1u << D_FOREIGN;
	buf_clear(b);
	json_open(b, NULL, '{');
	put_source(b, a->text[F_SOURCE].s);
	head = b->len;
	json_cstr(b, "disposition", disposition < 0 ? "unknown" : dispositions[disposition]);
	put_verdict(a, b, "dkim", F_DKIM);
	put_verdict(a, b, "spf", F_SPF);
	json_str(b, "header_from", from.p, from.len);
	put_domain(a, b, "envelope_from", F_ENVELOPE_FROM);
	put_domain(a, b, "envelope_to", F_ENVELOPE_TO);
	if (a->reasons.len > 0) {
		json_open(b, "reasons", '[');
		buf_add(b, a->reasons.p, a->reasons.len);
		json_close(b, ']');
	}
	put_auth(a, b);
	json_close(b, '}');
	st = add_row(a, head, count, passed);
	if (st == ST_OK) {
		a->messages += count;
		a->passed += passed ? count : 0;
		a->disposition[disposition < 0 ? DISPOSITION_UNKNOWN : disposition] += count;
	}
	buf_free(&from);
	return st;
}

/* ---- the report ---- */

enum status report_key(const char *type, const char *org, const char *id, const char *domain, int64_t begin, int64_t end,
	char out[REPORT_KEY_HEX + 1])
{
	struct buf b = { 0 };
	uint8_t d[DIGEST_BYTES];
	enum status st;

	json_open(&b, NULL, '[');
	json_cstr(&b, NULL, type);
	json_cstr(&b, NULL, org);
	json_cstr(&b, NULL, id);
	json_cstr(&b, NULL, domain);
	json_int(&b, NULL, begin);
	json_int(&b, NULL, end);
	json_close(&b, ']');
	st = buf_ok(&b) ? digest_of(b.p, b.len, d) : st_fail(ST_NOMEM, "out of memory");
	if (st == ST_OK)
		hex_of(d, REPORT_KEY_HEX / 2, out);
	buf_free(&b);
	return st;
}

/* Some leave org_name empty: then it is the domain they write from. */
static const char *org(struct aggregate *a)
{
	const char *at = missing(a, F_EMAIL) ? NULL : strrchr(a->text[F_EMAIL].s, '@');

	if (!missing(a, F_ORG))
		return a->text[F_ORG].s;
	a->defects |= 1u << D_ORG;
	return at && at[1] ? at + 1 : NULL;
}

static const char *unusable(struct aggregate *a, struct buf *domain)
{
	static const struct { enum field f; const char *twice; } single[] = { { F_ORG, "two of org_name" }, { F_ID, "two of report_id" },
		{ F_BEGIN, "two of begin" }, { F_END, "two of end" }, { F_DOMAIN, "two of policy_published domain" } };

	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		if (a->text[single[i].f].set && a->text[single[i].f].twice)
			return single[i].twice;
	if (!org(a) || a->text[F_ORG].over)
		return "no org_name, and no email to take it from";
	if (missing(a, F_ID) || a->text[F_ID].over)
		return "no report_id";
	if (number(a, F_BEGIN, DATE_MAX) < 0 || number(a, F_END, DATE_MAX) < number(a, F_BEGIN, DATE_MAX))
		return "date_range is none";
	if (missing(a, F_DOMAIN) || a->text[F_DOMAIN].over
			|| domain_normal(a->text[F_DOMAIN].s, a->text[F_DOMAIN].len, domain) != ST_OK)
		return "policy_published has no domain";
	if (a->records == 0)
		return "it has no record";
	return NULL;
}

static void put_policy(struct aggregate *a, struct buf *b)
{
	static const char *const policies[] = { "none", "quarantine", "reject", NULL }, *const modes[] = { "r", "s", NULL },
		*const yes[] = { "y", "n", NULL }, *const methods[] = { "psl", "treewalk", NULL };

	json_open(b, "policy", '{');
	put_word(a, b, "p", F_P, policies);
	put_word(a, b, "sp", F_SP, policies);
	put_word(a, b, "np", F_NP, policies);
	put_word(a, b, "adkim", F_ADKIM, modes);
	put_word(a, b, "aspf", F_ASPF, modes);
	if (number(a, F_PCT, 100) >= 0)
		json_int(b, "pct", number(a, F_PCT, 100));
	put_text(a, b, "fo", F_FO);
	put_word(a, b, "testing", F_TESTING, yes);
	put_word(a, b, "discovery_method", F_METHOD, methods);
	json_close(b, '}');
}

static void put_sums(struct aggregate *a, struct buf *b)
{
	static const char *const names[] = { "none", "pass", "quarantine", "reject", "unknown" };

	json_int(b, "messages", (int64_t)a->messages);
	json_int(b, "passed", (int64_t)a->passed);
	json_int(b, "failed", (int64_t)(a->messages - a->passed));
	json_open(b, "dispositions", '{');
	for (int i = 0; i < 5; i++)
		if (a->disposition[i] > 0)
			json_int(b, names[i], (int64_t)a->disposition[i]);
	json_close(b, '}');
}

static const char *rows_base;	/* qsort has no argument */
static int by_text(const void *x, const void *y)
{
	const struct row *p = x, *q = y;
	int cmp = memcmp(rows_base + p->at, rows_base + q->at, p->len < q->len ? p->len : q->len);

	return cmp != 0 ? cmp : (p->len > q->len) - (p->len < q->len);
}

static void put_rows(struct aggregate *a, struct buf *b)
{
	rows_base = a->rows_text.p;
	if (a->rows > 0)
		qsort(a->row, a->rows, sizeof *a->row, by_text);
	json_open(b, "rows", '[');
	for (size_t i = 0; i < a->rows; i++) {
		const struct row *r = &a->row[i];
		const char *text = a->rows_text.p + r->at;

		if (i > 0)
			buf_chr(b, ',');
		buf_add(b, text, r->head);
		json_int(b, "count", (int64_t)r->count);
		buf_add(b, text + r->head, r->len - r->head);
	}
	json_close(b, ']');
	if (a->rest_rows > 0) {
		json_open(b, "rest", '{');
		json_int(b, "rows", (int64_t)a->rest_rows);
		json_int(b, "messages", (int64_t)a->rest_messages);
		json_int(b, "passed", (int64_t)a->rest_passed);
		json_close(b, '}');
	}
}

static void put_defects(struct aggregate *a, struct buf *b)
{
	static const char *const names[] = { "charset", "letter_case", "cut", "no_org_name", "trailing", "unknown_word",
		"no_result", "too_many", "foreign_from" };

	if (a->bad > 0) {
		json_open(b, "bad", '{');
		json_int(b, "records", (int64_t)a->bad);
		json_open(b, "first", '[');
		buf_add(b, a->bad_named.p, a->bad_named.len);
		json_close(b, ']');
		json_close(b, '}');
	}
	if (a->ignored > 0)
		json_int(b, "ignored", (int64_t)a->ignored);
	if (a->defects != 0) {
		json_open(b, "defects", '[');
		for (int i = 0; i < DEFECTS; i++)
			if (a->defects & 1u << i)
				json_cstr(b, NULL, names[i]);
		json_close(b, ']');
	}
}

static void put_report(struct aggregate *a, const char *domain, const char *key, struct buf *b)
{
	char time[32];

	date_rfc3339(number(a, F_BEGIN, DATE_MAX), time);
	json_open(b, NULL, '{');
	json_int(b, "weir", 1);
	json_cstr(b, "type", "dmarc-report");
	json_cstr(b, "time", time);
	json_cstr(b, "key", key);
	json_cstr(b, "domain", domain);
	json_cstr(b, "org", org(a));
	json_cstr(b, "report_id", a->text[F_ID].s);
	json_int(b, "begin", number(a, F_BEGIN, DATE_MAX));
	json_int(b, "end", number(a, F_END, DATE_MAX));
	json_cstr(b, "form", a->own_namespace ? "rfc9990" : "rfc7489");
	put_text(a, b, "version", F_VERSION);
	put_text(a, b, "email", F_EMAIL);
	put_text(a, b, "contact", F_CONTACT);
	put_text(a, b, "generator", F_GENERATOR);
	if (a->errors.len > 0) {
		json_open(b, "errors", '[');
		buf_add(b, a->errors.p, a->errors.len);
		json_close(b, ']');
	}
	put_policy(a, b);
	put_sums(a, b);
	put_rows(a, b);
	put_defects(a, b);
	json_close(b, '}');
}

enum status aggregate_entity(struct aggregate *a, struct buf *out)
{
	struct buf domain = { 0 };
	const char *why = unusable(a, &domain);
	char key[REPORT_KEY_HEX + 1];
	size_t was = out->len;
	enum status st = why ? st_fail(ST_BAD, "%s", why) : ST_OK;

	if (st == ST_OK && a->bad == a->records)
		st = st_fail(ST_BAD, "none of its %llu records can be used: in the first, %s",
			(unsigned long long)a->records, a->bad_first);
	if (st == ST_OK)
		st = report_key("dmarc-report", org(a), a->text[F_ID].s, buf_cstr(&domain), number(a, F_BEGIN, DATE_MAX),
			number(a, F_END, DATE_MAX), key);
	if (st == ST_OK) {
		put_report(a, buf_cstr(&domain), key, out);
		if (!buf_ok(out))
			st = st_fail(ST_NOMEM, "out of memory");
		else
			st = json_valid(out->p + was, out->len - was);
	}
	if (st != ST_OK)
		out->len = was;
	buf_free(&domain);
	return st;
}

void aggregate_done(struct aggregate *a)
{
	buf_free(&a->errors);
	buf_free(&a->reasons);
	buf_free(&a->spf);
	for (size_t i = 0; i < AGGREGATE_MAX_SIGNATURES; i++) {
		free(a->signature[i].domain);
		buf_free(&a->signature[i].json);
	}
	buf_free(&a->bad_named);
	buf_free(&a->rows_text);
	buf_free(&a->one);
	free(a->row);
	free(a->slot);
}
