/* aggregate_entity.c - see aggregate.h: a report as a whole, checked and written as JSON. */
#include "aggregate_in.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "date.h"
#include "digest.h"

#define DATE_MAX 253402300799	/* 9999-12-31T23:59:59Z */

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
	const char *at = aggregate_missing(a, F_EMAIL) ? NULL : strrchr(a->text[F_EMAIL].s, '@');

	if (!aggregate_missing(a, F_ORG))
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
	if (aggregate_missing(a, F_ID) || a->text[F_ID].over)
		return "no report_id";
	if (aggregate_number(a, F_BEGIN, DATE_MAX) < 0 || aggregate_number(a, F_END, DATE_MAX) < aggregate_number(a, F_BEGIN, DATE_MAX))
		return "date_range is none";
	if (aggregate_missing(a, F_DOMAIN) || a->text[F_DOMAIN].over
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
	aggregate_put_word(a, b, "p", F_P, policies);
	aggregate_put_word(a, b, "sp", F_SP, policies);
	aggregate_put_word(a, b, "np", F_NP, policies);
	aggregate_put_word(a, b, "adkim", F_ADKIM, modes);
	aggregate_put_word(a, b, "aspf", F_ASPF, modes);
	if (aggregate_number(a, F_PCT, 100) >= 0)
		json_int(b, "pct", aggregate_number(a, F_PCT, 100));
	aggregate_put_text(a, b, "fo", F_FO);
	aggregate_put_word(a, b, "testing", F_TESTING, yes);
	aggregate_put_word(a, b, "discovery_method", F_METHOD, methods);
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

	date_rfc3339(aggregate_number(a, F_BEGIN, DATE_MAX), time);
	json_open(b, NULL, '{');
	json_int(b, "weir", 1);
	json_cstr(b, "type", "dmarc-report");
	json_cstr(b, "time", time);
	json_cstr(b, "key", key);
	json_cstr(b, "domain", domain);
	json_cstr(b, "org", org(a));
	json_cstr(b, "report_id", a->text[F_ID].s);
	json_int(b, "begin", aggregate_number(a, F_BEGIN, DATE_MAX));
	json_int(b, "end", aggregate_number(a, F_END, DATE_MAX));
	json_cstr(b, "form", a->own_namespace ? "rfc9990" : "rfc7489");
	aggregate_put_text(a, b, "version", F_VERSION);
	aggregate_put_text(a, b, "email", F_EMAIL);
	aggregate_put_text(a, b, "contact", F_CONTACT);
	aggregate_put_text(a, b, "generator", F_GENERATOR);
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
		st = report_key("dmarc-report", org(a), a->text[F_ID].s, buf_cstr(&domain), aggregate_number(a, F_BEGIN, DATE_MAX),
			aggregate_number(a, F_END, DATE_MAX), key);
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
