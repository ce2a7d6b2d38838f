/* reportsum.c - see reportsum.h. */
#include "reportsum.h"

#include <stdlib.h>
#include <string.h>

#include "record.h"

#define OTHERS "(others)"
#define SUMS_MAX 5

/* What is counted of each group, by kind of report and of group. */
struct view { const char *word; enum report_kind kind; int sums; const char *title[SUMS_MAX], *member[SUMS_MAX], *what; };
static const struct view views[SUM_KINDS] = {
#define MAIL .sums = 5, .title = { "MESSAGES", "PASSED", "DKIM", "SPF", "STOPPED" }, .member = { "messages", "passed", "dkim", "spf", "stopped" }
#define TLS .sums = 2, .title = { "SESSIONS", "FAILED" }, .member = { "sessions", "failed" }
	[SUM_SOURCE] = { "source", REPORT_DMARC, MAIL, .what = "SOURCE" },
	[SUM_FROM] = { "from", REPORT_DMARC, MAIL, .what = "FROM" },
	[SUM_ORG] = { "org", REPORT_DMARC, MAIL, .what = "REPORTED BY" },
	[SUM_DAY] = { "day", REPORT_DMARC, MAIL, .what = "DAY" },
	[SUM_SIGNATURE] = { "signature", REPORT_DMARC, .sums = 4, .title = { "MESSAGES", "PASSED", "BESIDE", "FAILED" },
		.member = { "messages", "passed", "beside_pass", "failed" }, .what = "SIGNATURE" },
	[SUM_RESULT] = { "result", REPORT_TLS, TLS, .what = "RESULT" },
	[SUM_MX] = { "mx", REPORT_TLS, TLS, .what = "RECEIVING HOST" },
};
enum { MESSAGES, PASSED, DKIM, SPF, STOPPED };	/* of mail */
enum { BESIDE = 2, FAILED = 3 };		/* of signatures */
enum { SESSIONS, SESSIONS_FAILED };		/* of TLS */

struct group { char *what; uint64_t n[SUMS_MAX]; };
struct reportsum {
	const struct view *view;
	enum sum_by by;
	struct group *group;
	size_t groups, cap;
	uint32_t *slot;		/* hash table of group numbers + 1 */
	size_t slots;		/* a power of two, over twice the groups */
	struct buf what;
};

bool sum_by_word(enum report_kind k, const char *word, enum sum_by *out)
{
	for (int i = 0; i < SUM_KINDS; i++)
		if (views[i].kind == k && strcmp(views[i].word, word) == 0) {
			*out = (enum sum_by)i;
			return true;
		}
	return false;
}

enum status reportsum_new(enum report_kind k, enum sum_by by, struct reportsum **out)
{
	struct reportsum *s = calloc(1, sizeof *s);

	if (!s)
		return st_fail(ST_NOMEM, "out of memory");
	s->by = by;
	s->view = &views[by];
	*out = s;
	return ST_OK;
}

void reportsum_free(struct reportsum **sp)
{
	struct reportsum *s = *sp;

	if (!s)
		return;
	for (size_t i = 0; i < s->groups; i++)
		free(s->group[i].what);
	free(s->group);
	free(s->slot);
	buf_free(&s->what);
	free(s);
	*sp = NULL;
}

/* ---- groups ---- */

/* FNV-1a. What collides costs time, at most REPORTSUM_MAX_GROUPS steps; the key differs from run to run. */
static uint64_t hash_of(const struct reportsum *s, const char *p)
{
	uint64_t h = 14695981039346656037ull ^ (uint64_t)(uintptr_t)s;

	for (; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	return h ^ h >> 32;
}

static size_t slot_of(const struct reportsum *s, const char *what)
{
	size_t i = hash_of(s, what) & (s->slots - 1);

	while (s->slot[i] && strcmp(s->group[s->slot[i] - 1].what, what) != 0)
		i = (i + 1) & (s->slots - 1);
	return i;
}

static enum status more_slots(struct reportsum *s)
{
	if (s->groups * 2 < s->slots)
		return ST_OK;
	free(s->slot);
	s->slots = s->slots ? s->slots * 2 : 1024;
	s->slot = calloc(s->slots, sizeof *s->slot);
	if (!s->slot) {
		s->slots = 0;
		return st_fail(ST_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < s->groups; i++)
		s->slot[slot_of(s, s->group[i].what)] = (uint32_t)i + 1;
	return ST_OK;
}

/* The group of s->what. */
static enum status group_of(struct reportsum *s, struct group **out)
{
	const char *what = s->groups < REPORTSUM_MAX_GROUPS ? buf_cstr(&s->what) : OTHERS;
	enum status st = more_slots(s);
	size_t slot;

	if (st != ST_OK)
		return st;
	slot = slot_of(s, buf_cstr(&s->what));
	if (!s->slot[slot])
		slot = slot_of(s, what);
	if (s->slot[slot]) {
		*out = &s->group[s->slot[slot] - 1];
		return ST_OK;
	}
	if (s->groups == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct group *v = realloc(s->group, cap * sizeof *v);

		if (!v)
			return st_fail(ST_NOMEM, "out of memory");
		s->group = v;
		s->cap = cap;
	}
	s->group[s->groups] = (struct group){ .what = strdup(what) };
	if (!s->group[s->groups].what)
		return st_fail(ST_NOMEM, "out of memory");
	s->slot[slot] = (uint32_t)++s->groups;
	*out = &s->group[s->groups - 1];
	return ST_OK;
}

static uint64_t count_of(struct span v)
{
	int64_t n;

	return json_get_int(v, &n) && n > 0 ? (uint64_t)n : 0;
}

/* ---- DMARC ---- */

static enum status add_signatures(struct reportsum *s, struct span row, uint64_t n)
{
	struct span it = json_get(row, "auth.dkim"), sig;
	struct group *g;
	enum status st = ST_OK;

	while (st == ST_OK && json_elem(&it, &sig)) {
		buf_clear(&s->what);
		if (!json_text(json_get(sig, "selector"), &s->what))
			buf_chr(&s->what, '?');
		buf_str(&s->what, "._domainkey.");
		if (!json_text(json_get(sig, "domain"), &s->what))
			buf_chr(&s->what, '?');
		st = group_of(s, &g);
		if (st != ST_OK)
			break;
		g->n[MESSAGES] += n;
		g->n[json_is(json_get(sig, "result"), "pass") ? PASSED : json_true(json_get(sig, "beside_pass")) ? BESIDE : FAILED] += n;
	}
	return st;
}

static enum status add_row(struct reportsum *s, struct span entity, struct span row)
{
	uint64_t n = count_of(json_get(row, "count"));
	bool dkim = json_is(json_get(row, "dkim"), "pass"), spf = json_is(json_get(row, "spf"), "pass");
	struct span disposition = json_get(row, "disposition");
	struct group *g;
	enum status st;

	if (s->by == SUM_SIGNATURE)
		return add_signatures(s, row, n);
	buf_clear(&s->what);
	json_text(s->by == SUM_SOURCE ? json_get(row, "source_ip") : s->by == SUM_FROM ? json_get(row, "header_from")
		: s->by == SUM_ORG ? json_get(entity, "org") : json_get(entity, "time"), &s->what);
	if (s->by == SUM_DAY && s->what.len > 10)
		s->what.p[s->what.len = 10] = '\0';
	st = group_of(s, &g);
	if (st != ST_OK)
		return st;
	g->n[MESSAGES] += n;
	g->n[PASSED] += dkim || spf ? n : 0;
	g->n[DKIM] += dkim ? n : 0;
	g->n[SPF] += spf ? n : 0;
	g->n[STOPPED] += json_is(disposition, "quarantine") || json_is(disposition, "reject") ? n : 0;
	return ST_OK;
}

/* What did not fit into the rows of a long report. */
static enum status add_rest(struct reportsum *s, struct span rest)
{
	struct group *g;
	enum status st;

	if (!rest.p)
		return ST_OK;
	buf_clear(&s->what);
	buf_str(&s->what, OTHERS);
	st = group_of(s, &g);
	if (st != ST_OK)
		return st;
	g->n[MESSAGES] += count_of(json_get(rest, "messages"));
	if (s->by != SUM_SIGNATURE)
		g->n[PASSED] += count_of(json_get(rest, "passed"));
	return ST_OK;
}

/* ---- TLS ---- */

static enum status add_sessions(struct reportsum *s, struct span what, const char *otherwise, uint64_t n, bool failed)
{
	struct group *g;
	enum status st;

	buf_clear(&s->what);
	if (!json_text(what, &s->what))
		buf_str(&s->what, otherwise);
	st = group_of(s, &g);
	if (st == ST_OK) {
		g->n[SESSIONS] += n;
		g->n[SESSIONS_FAILED] += failed ? n : 0;
	}
	return st;
}

static enum status add_policy(struct reportsum *s, struct span policy)
{
	struct span it = json_get(policy, "failures"), f;
	uint64_t told = 0, failed = count_of(json_get(policy, "failed"));
	enum status st = add_sessions(s, (struct span){ 0 }, s->by == SUM_MX ? "(any)" : "success",
		count_of(json_get(policy, "succeeded")), false);

	while (st == ST_OK && json_elem(&it, &f)) {
		uint64_t n = count_of(json_get(f, "count"));

		told += n;
		st = add_sessions(s, json_get(f, s->by == SUM_MX ? "receiving_mx_hostname" : "result_type"), "(not told)", n, true);
	}
	if (st == ST_OK && failed > told)	/* failures without details */
		st = add_sessions(s, (struct span){ 0 }, "(not told)", failed - told, true);
	return st;
}

enum status reportsum_add(struct reportsum *s, struct span entity)
{
	struct span it = json_get(entity, s->view->kind == REPORT_DMARC ? "rows" : "policies"), e;
	enum status st = ST_OK;

	if (!report_is(entity, s->view->kind))
		return ST_OK;
	while (st == ST_OK && json_elem(&it, &e))
		st = s->view->kind == REPORT_DMARC ? add_row(s, entity, e) : add_policy(s, e);
	return st == ST_OK && s->view->kind == REPORT_DMARC ? add_rest(s, json_get(entity, "rest")) : st;
}

/* ---- out ---- */

static int by_size(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->n[0] != y->n[0] ? (x->n[0] < y->n[0]) - (x->n[0] > y->n[0]) : strcmp(x->what, y->what);
}

static void print_json(const struct reportsum *s, const struct group *g)
{
	struct buf b = { 0 };

	json_open(&b, NULL, '{');
	json_int(&b, "weir", RECORD_VERSION);
	json_cstr(&b, "type", s->view->kind == REPORT_DMARC ? "dmarc-sum" : "tls-sum");
	json_cstr(&b, "by", s->view->word);
	json_cstr(&b, "what", g->what);
	for (int i = 0; i < s->view->sums; i++)
		json_int(&b, s->view->member[i], (int64_t)g->n[i]);
	json_close(&b, '}');
	printf("%s\n", buf_cstr(&b));
	buf_free(&b);
}

void reportsum_print(struct reportsum *s, bool pretty, bool json)
{
	const char *titles[SUMS_MAX + 1];
	int widths[SUMS_MAX + 1], share[SUMS_MAX + 1] = { 0 }, n = s->view->sums;
	struct table table;

	if (s->groups > 0)
		qsort(s->group, s->groups, sizeof *s->group, by_size);
	s->slots = 0;	/* the order is another one now */
	for (int i = 0; i < n; i++) {
		titles[i] = s->view->title[i];
		widths[i] = 8;
	}
	titles[n] = s->view->what;
	widths[n] = 0;
	share[n] = 1;
	if (!json)
		table_begin(&table, pretty, n + 1, titles, widths, share);
	for (size_t i = 0; i < s->groups; i++) {
		if (json) {
			print_json(s, &s->group[i]);
			continue;
		}
		for (int k = 0; k < n; k++)
			buf_fmt(&table.cell[k], "%llu", (unsigned long long)s->group[i].n[k]);
		buf_str(&table.cell[n], s->group[i].what);
		table_row(&table);
	}
	if (!json)
		table_end(&table);
}
