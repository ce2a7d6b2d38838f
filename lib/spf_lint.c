/*
 * spf_lint.c - what is wrong with an SPF record and all that it leads to, and what a check of it can cost.
 *
 * The walk is that of a check in which nothing matches: every include in full, a redirect where there is no `all`. A name that is
 * pending does not stop it, so that all names of one level are asked for at once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plain.h"
#include "spf_eval.h"

struct lint {
	struct dns *d;
	struct spf_lint *out;
	bool pending, nomem;
	int records;				/* visited */
	const char *path[SPF_LINT_MAX_RECORDS];	/* from the domain down to the record at hand */
};

static void visit(struct lint *l, const char *name, const char *record_or_null, int depth);

__attribute__((format(printf, 5, 6)))
static void add(struct lint *l, enum spf_problem what, bool fatal, const char *at, const char *fmt, ...)
{
	struct spf_lint *o = l->out;
	struct spf_finding *f = &o->finding[o->n];
	char text[1024];
	struct buf b = { 0 };
	va_list ap;

	o->fatal += fatal;
	/* the two of the whole walk, which come last, always have a place */
	if (o->n >= SPF_LINT_MAX_FINDINGS - (what == SPF_LINT_TERMS || what == SPF_LINT_VOIDS ? 0 : 2)) {
		o->dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	plain_str(&b, text);
	f->what = what;
	f->fatal = fatal;
	snprintf(f->text, sizeof f->text, "%s", buf_cstr(&b));
	buf_clear(&b);
	plain_str(&b, at);
	snprintf(f->at, sizeof f->at, "%s", buf_cstr(&b));
	l->nomem = l->nomem || b.failed;
	buf_free(&b);
	o->n++;
}

/* The answer; NULL while pending, or where it could not be told, which is noted. */
static const struct dns_answer *ask(struct lint *l, const char *at, const char *name, uint16_t type)
{
	const struct dns_answer *a;
	enum dns_result result = dns_ask(l->d, name, type, &a);

	if (result == DNS_PENDING) {
		l->pending = true;
		return NULL;
	}
	if (!dns_failed(result))
		return a;
	l->out->unsure = true;
	add(l, SPF_LINT_UNKNOWN, false, at, "%s could not be looked up (%s): nothing is known about it", name, dns_result_name(result));
	return NULL;
}

static void count_void(struct lint *l, const char *at, const char *name)
{
	l->out->voids++;
	add(l, SPF_LINT_VOID, false, at, "%s does not exist: remove the term, or publish the name", name);
}

/* ---- what terms name ---- */

static void look_a(struct lint *l, const char *at, const char *name, bool exists)
{
	const struct dns_answer *a = ask(l, at, name, DNS_A), *b = exists ? a : ask(l, at, name, DNS_AAAA);

	if (a && b && a->result != DNS_FOUND && b->result != DNS_FOUND)
		count_void(l, at, name);
}

static void look_mx(struct lint *l, const char *at, const char *name)
{
	const struct dns_answer *a = ask(l, at, name, DNS_MX);

	if (!a)
		return;
	if (a->result != DNS_FOUND)
		count_void(l, at, name);
	else if (a->n > SPF_MAX_MX)
		add(l, SPF_LINT_MX, true, at, "%s has %zu MX records, and mx is allowed 10 (RFC 7208 4.6.4)", name, a->n);
}

/* A term that costs a lookup. */
static void look(struct lint *l, const char *at, const struct spf_term *t, int depth)
{
	char name[SPF_NAME_BYTES];

	l->out->terms++;
	if (t->kind == SPF_PTR)
		add(l, SPF_LINT_PTR, false, at, "ptr is slow and unreliable, and should not be published (RFC 7208 5.5)");
	if (t->domain.p && memchr(t->domain.p, '%', t->domain.len)) {
		l->out->unsure = true;		/* depends on the message */
		return;
	}
	snprintf(name, sizeof name, "%.*s", t->domain.p ? (int)t->domain.len : (int)strlen(at), t->domain.p ? t->domain.p : at);
	if (*name && name[strlen(name) - 1] == '.')
		name[strlen(name) - 1] = '\0';
	if (t->kind == SPF_INCLUDE || t->kind == SPF_REDIRECT)
		visit(l, name, NULL, depth + 1);
	else if (t->kind == SPF_MX)
		look_mx(l, at, name);
	else if (t->kind != SPF_PTR)
		look_a(l, at, name, t->kind == SPF_EXISTS);
}

/* ---- records ---- */

static bool costs(enum spf_kind k)
{
	return k == SPF_INCLUDE || k == SPF_A || k == SPF_MX || k == SPF_PTR || k == SPF_EXISTS;
}

static void walk(struct lint *l, const char *at, const struct buf *rec, int depth)
{
	struct span rest = { rec->p + 6, rec->len - 6 };
	struct spf_term t, redirect = { 0 };
	bool all = false, unreached = false, has_redirect = false;

	while (spf_term_next(&rest, &t) == ST_OK) {
		if (t.kind == SPF_REDIRECT) {
			redirect = t;
			has_redirect = true;
		} else if (t.kind <= SPF_EXISTS && all) {
			unreached = true;
		} else if (t.kind == SPF_ALL) {
			all = true;
			if (t.qualifier == '+')
				add(l, SPF_LINT_PASS_ALL, false, at, "\"%.*s\" lets everybody send: use -all or ~all", (int)t.text.len, t.text.p);
		} else if (costs(t.kind)) {
			look(l, at, &t, depth);
		}
	}
	if (unreached || (all && has_redirect))
		add(l, SPF_LINT_UNREACHED, false, at, "what stands behind \"all\", and a redirect beside it, is never looked at (RFC 7208 5.1)");
	if (!all && has_redirect)
		look(l, at, &redirect, depth);
	if (!all && !has_redirect && depth == 0)
		add(l, SPF_LINT_OPEN_END, false, at, "neither all nor redirect: for everybody else the result is neutral; end it with -all or ~all");
}

static bool in_path(const struct lint *l, const char *name, int depth)
{
	for (int i = 0; i < depth; i++)
		if (strcasecmp(l->path[i], name) == 0)
			return true;
	return false;
}

/* The record's text in rec. False: there is none to walk. */
static bool fetch(struct lint *l, const char *name, int depth, struct buf *rec)
{
	const char *from = depth ? l->path[depth - 1] : name;
	const struct dns_answer *a = spf_domain_good(name) ? ask(l, from, name, DNS_TXT) : NULL;

	if (!a && spf_domain_good(name))
		return false;
	switch (a && a->result == DNS_FOUND ? spf_record_of(a, rec) : SPF_FOUND_NONE) {
	case SPF_FOUND_NONE:
		add(l, SPF_LINT_NO_RECORD, true, from, depth ? "%s has no SPF record, so receivers answer permerror: remove the term" :
			"%s has no SPF record", name);
		return false;
	case SPF_FOUND_SEVERAL:
		add(l, SPF_LINT_SEVERAL, true, name, "%s has several SPF records: join them into one (RFC 7208 4.5)", name);
		return false;
	default:
		return true;
	}
}

/* depth is bounded by the number of records visited. */
static void visit(struct lint *l, const char *name, const char *record_or_null, int depth)
{
	struct buf rec = { 0 };

	if (in_path(l, name, depth)) {
		add(l, SPF_LINT_LOOP, true, l->path[depth - 1], "it leads back to %s: receivers answer permerror", name);
		return;
	}
	if (l->records >= SPF_LINT_MAX_RECORDS)
		return;		/* more than 10 terms by far: spf_lint() says so */
	l->records++;
	l->path[depth] = name;
	if (record_or_null)
		buf_str(&rec, record_or_null);
	if ((record_or_null || fetch(l, name, depth, &rec)) && !rec.failed) {
		if (spf_record_check(buf_cstr(&rec), rec.len) != ST_OK) {
			add(l, SPF_LINT_SYNTAX, true, name, "%s (RFC 7208 4.6: permerror, whoever sends)", st_text());
		} else {
			if (rec.len > SPF_LONG_BYTES)
				add(l, SPF_LINT_LONG, false, name, "%zu bytes: an answer over UDP may have no room for them (RFC 7208 3.4)", rec.len);
			walk(l, name, &rec, depth);
		}
	}
	l->nomem = l->nomem || rec.failed;
	buf_free(&rec);
}

enum status spf_lint(struct dns *d, const char *domain, const char *record_or_null, struct spf_lint *out)
{
	struct lint l = { .d = d, .out = out };

	memset(out, 0, sizeof *out);
	visit(&l, domain, record_or_null, 0);
	if (out->terms > SPF_MAX_TERMS)
		add(&l, SPF_LINT_TERMS, true, domain, "a check can need %d terms that ask the DNS, and 10 are allowed (RFC 7208 4.6.4): "
			"remove an include, or write the addresses out with ip4 and ip6", out->terms);
	if (out->voids > SPF_MAX_VOIDS)
		add(&l, SPF_LINT_VOIDS, true, domain, "%d terms name what does not exist, and two are allowed (RFC 7208 4.6.4)", out->voids);
	if (l.nomem)
		return st_fail(ST_NOMEM, "SPF: out of memory");
	return l.pending ? ST_AGAIN : ST_OK;
}

const char *spf_problem_name(enum spf_problem p)
{
	static const char *const names[] = { [SPF_LINT_NO_RECORD] = "no-record", [SPF_LINT_SEVERAL] = "several-records",
		[SPF_LINT_SYNTAX] = "syntax", [SPF_LINT_TERMS] = "too-many-lookups", [SPF_LINT_VOIDS] = "too-many-voids",
		[SPF_LINT_MX] = "too-many-mx", [SPF_LINT_LOOP] = "loop", [SPF_LINT_UNKNOWN] = "unknown", [SPF_LINT_VOID] = "void",
		[SPF_LINT_PTR] = "ptr", [SPF_LINT_PASS_ALL] = "pass-all", [SPF_LINT_UNREACHED] = "unreached",
		[SPF_LINT_OPEN_END] = "open-end", [SPF_LINT_LONG] = "long" };

	return p < sizeof names / sizeof *names ? names[p] : "unknown";
}
