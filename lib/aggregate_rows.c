/*
 * aggregate_rows.c - see aggregate.h: a report's records, checked and added up.
 *
 * A row becomes text at once, `head` and what follows its count; rows with the same text are one. So the memory of a report
 * is that of its entity, and the order in which a reporter lists its records changes nothing.
 */
#include "aggregate_in.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "digest.h"

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

/* A domain in the form in which domains are compared; if it is none, what was said. */
static void put_domain(struct aggregate *a, struct buf *b, const char *key, enum field f)
{
	struct buf d = { 0 };

	if (!aggregate_missing(a, f) && !a->text[f].over && domain_normal(a->text[f].s, a->text[f].len, &d) == ST_OK)
		json_str(b, key, d.p, d.len);
	else
		aggregate_put_text(a, b, key, f);
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
	if (aggregate_missing(a, F_TYPE) && aggregate_missing(a, F_COMMENT))
		return ST_OK;
	if (a->reasons_n++ >= AGGREGATE_MAX_REASONS) {
		a->defects |= 1u << D_TOO_MANY;
		return ST_OK;
	}
	json_open(&a->reasons, NULL, '{');
	aggregate_put_word(a, &a->reasons, "type", F_TYPE, reason_words);
	aggregate_put_text(a, &a->reasons, "comment", F_COMMENT);
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
	s->domain = strdup(aggregate_missing(a, F_AUTH_DOMAIN) ? "" : a->text[F_AUTH_DOMAIN].s);
	if (!s->domain)
		return st_fail(ST_NOMEM, "out of memory");
	buf_clear(&s->json);
	put_domain(a, &s->json, "domain", F_AUTH_DOMAIN);
	aggregate_put_text(a, &s->json, "selector", F_SELECTOR);
	s->pass = aggregate_put_word(a, &s->json, "result", F_RESULT, dkim_words) == WORD_PASS;
	aggregate_put_text(a, &s->json, "human_result", F_HUMAN);
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
	aggregate_put_word(a, &a->spf, "scope", F_SCOPE, scope_words);
	aggregate_put_word(a, &a->spf, "result", F_RESULT, spf_words);
	aggregate_put_text(a, &a->spf, "human_result", F_HUMAN);
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
	if (aggregate_missing(a, F_SOURCE) || (inet_pton(AF_INET, s, ip) != 1 && inet_pton(AF_INET6, s, ip) != 1))
		return "source_ip is no address";
	if (aggregate_number(a, F_COUNT, AGGREGATE_MAX_COUNT) < 1)
		return "count is no number of messages";
	if (aggregate_missing(a, F_HEADER_FROM) || a->text[F_HEADER_FROM].over
			|| domain_normal(a->text[F_HEADER_FROM].s, a->text[F_HEADER_FROM].len, from) != ST_OK)
		return "header_from is no domain";
	if (!aggregate_missing(a, F_DISPOSITION) && aggregate_word(a, F_DISPOSITION, dispositions) < 0)
		return "disposition is not none, pass, quarantine or reject";
	if ((!aggregate_missing(a, F_DKIM) && aggregate_word(a, F_DKIM, verdicts) < 0) || (!aggregate_missing(a, F_SPF) && aggregate_word(a, F_SPF, verdicts) < 0))
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
	if (aggregate_missing(a, f))
		a->defects |= 1u << D_NO_RESULT;
	json_cstr(b, key, aggregate_missing(a, f) ? "unknown" : verdicts[aggregate_word(a, f, verdicts)]);
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
	return aggregate_word(a, f, verdicts) == WORD_PASS;
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
	int disposition = aggregate_word(a, F_DISPOSITION, dispositions);
	bool passed = says_pass(a, F_DKIM) || says_pass(a, F_SPF);
	uint64_t count = (uint64_t)aggregate_number(a, F_COUNT, AGGREGATE_MAX_COUNT);
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
