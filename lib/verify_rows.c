/*
 * verify_rows.c - from views to verdicts, see verify.h: for each name and type the worst that any server of the zone says, and
 * the recursive path beside it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verify_print.h"
#include "verify_priv.h"

/* Keys must be there before MAIL FROM is, and all of it before a policy asks receivers to look: DMARC is last. */
static int order_of(enum rr_role role, bool at_parent)
{
	switch (role) {
	case RR_SOA: case RR_NS: return at_parent ? 2 : 1;	/* the zone before it is pointed to */
	case RR_GLUE: return at_parent ? 2 : 1;
	case RR_KEY: return 3;
	case RR_DKIM: return 4;
	case RR_FEEDBACK: return 5;
	case RR_MAIL_FROM_SPF: return 6;
	case RR_SPF: return 7;
	case RR_INBOUND: return 8;
	case RR_MTA_STS_HOST: return 9;
	case RR_MTA_STS: case RR_TLS_RPT: return 10;
	case RR_APEX: case RR_PORTAL: return 11;
	case RR_DMARC: return 12;
	}
	return 13;
}

/* ---- the view that counts ---- */

struct view { struct verify_seen seen; const struct target *server; };	/* server NULL: the recursive path */

static struct verify_seen say(struct verify_work *w, const struct group *g, const struct target *t)
{
	const struct authority_reply *r;

	if (g->at_parent) {
		r = verify_server_says(w, t->address, w->d->name, DNS_NS);
		return r ? verify_seen_referral(w, g->owner, g->type, r) : (struct verify_seen){ 0 };
	}
	r = verify_server_says(w, t->address, g->owner, g->type);
	return r ? verify_seen_reply(w, g->owner, g->type, r) : (struct verify_seen){ 0 };
}

static enum verdict worst(struct verify_work *w, const struct group *g, const struct verify_seen *seen)
{
	struct verify_judged *j = calloc(g->n + seen->n + 1, sizeof *j);
	enum verdict v = VERDICT_TEMPERROR;
	size_t i;

	if (!j) {
		w->no_memory = true;
		return v;
	}
	verify_judge(g->rr, g->n, seen, j, j + g->n);
	for (v = VERDICT_OK, i = 0; i < g->n + seen->n; i++) {
		if (v == VERDICT_OK || (v == VERDICT_EXTRA && j[i].verdict != VERDICT_OK))
			v = j[i].verdict;
		buf_free(&j[i].why);
	}
	free(j);
	return v;
}

static void text_of_seen(struct verify_work *w, const struct verify_seen *s, struct buf *out)
{
	size_t i;

	if (s->alias)
		buf_fmt(out, "CNAME %s", s->alias);
	else if (s->n == 0)
		buf_str(out, s->how == SEEN_FAILED ? s->why : "nothing");
	for (i = 0; !s->alias && i < s->n && i < 3; i++) {
		struct verify_item it = s->item[i];

		it.text.len = it.text.len < 200 ? it.text.len : 200;
		buf_str(out, i ? ", " : "");
		verify_item_text(&it, out);
	}
	if (!s->alias && s->n > 3)
		buf_fmt(out, " and %zu more", s->n - 3);
	w->no_memory |= !buf_ok(out);
}

/* Of the servers that know: the first, or the first that is worse than it. note: who says otherwise. */
static struct view authority_view(struct verify_work *w, const struct group *g, struct buf *note)
{
	struct view best = { .server = NULL };
	enum verdict best_verdict = VERDICT_TEMPERROR;
	size_t i;

	for (i = 0; i < w->n_target; i++) {
		const struct target *t = &w->target[i];
		struct verify_seen s;
		enum verdict v;

		if (t->parent != g->at_parent || !t->address[0])
			continue;
		s = say(w, g, t);
		if (s.how == SEEN_FAILED || s.how == SEEN_NOT_ASKED)
			continue;
		v = worst(w, g, &s);
		if (best.server && !verify_same(&s, &best.seen)) {
			const struct view *other = v > best_verdict ? &best : &(struct view){ s, t };

			buf_fmt(note, "%s (%s) has ", other->server->name, other->server->address);
			text_of_seen(w, &other->seen, note);
			buf_str(note, "; ");
		}
		if (!best.server || (v != VERDICT_OK && best_verdict == VERDICT_OK)) {
			best = (struct view){ s, t };
			best_verdict = v;
		}
	}
	if (note->len > 2)
		note->len -= 2;
	return best;
}

static void note_cache(struct verify_work *w, const struct verify_seen *truth, const struct verify_seen *cache, struct buf *note)
{
	if (cache->how == SEEN_FAILED || verify_same(truth, cache))
		return;
	if (note->len > 0)
		buf_str(note, "; ");
	buf_str(note, "the resolver still has ");
	text_of_seen(w, cache, note);
	buf_fmt(note, ", for another %u s at most", cache->ttl);
}

/* Parents show the address of a name server beside its NS record only: where the NS is missing among others, nothing can
 * be said about its address before that is mended. */
static bool cannot_be_seen(struct verify_work *w, const struct group *g)
{
	bool any = false;
	size_t i, k;

	if (!g->at_parent || g->type == DNS_NS)
		return false;
	for (i = 0; i < w->n_target; i++) {
		const struct authority_reply *r = w->target[i].parent && w->target[i].address[0] ?
			verify_server_says(w, w->target[i].address, w->d->name, DNS_NS) : NULL;
		struct verify_seen s;
		size_t n = strlen(g->owner);

		if (!r || r->result != AUTHORITY_REFERRAL)
			continue;
		s = verify_seen_referral(w, w->d->name, DNS_NS, r);
		for (k = 0; k < s.n; k++)
			if (s.item[k].text.len == n + 1 && strncasecmp(s.item[k].text.p, g->owner, n) == 0)
				return false;
		any = true;
	}
	return any;
}

/* ---- rows ---- */

static struct verify_row *new_row(struct verify *v)
{
	return v->row && v->n_row < v->work->max_row ? &v->row[v->n_row++] : NULL;
}

static void fill(struct verify *v, const struct group *g, const struct rr *r, const struct verify_judged *j, const char *note)
{
	struct verify_work *w = v->work;
	struct verify_row *row = new_row(v);

	if (!row)
		return;
	row->verdict = j->verdict;
	row->owner = r->owner;
	row->type = r->type;
	row->ttl = r->ttl;
	row->found_ttl = g->chosen.ttl;
	row->role = r->role;
	row->purpose = r->purpose;
	row->at_parent = g->at_parent;
	row->expected = r->data;
	row->note = note;
	row->why = verify_keep(w, j->why.p, j->why.len);
	row->order = j->verdict == VERDICT_OK || j->verdict == VERDICT_TEMPERROR ? 0 : order_of(r->role, g->at_parent);
	if (j->verdict == VERDICT_WRONG && j->at >= 0) {
		row->found = &g->chosen.item[j->at];
		row->n_found = 1;
	} else if (j->verdict == VERDICT_WRONG && g->chosen.alias) {
		struct verify_item *it = verify_alloc(w, sizeof *it);

		if (it)
			*it = (struct verify_item){ DNS_CNAME, { g->chosen.alias, strlen(g->chosen.alias) } };
		row->found = it;
		row->n_found = it != NULL;
	}
	if (j->verdict == VERDICT_TEMPERROR)
		row->why = g->chosen.why && g->chosen.why[0] ? verify_fmt(w, "could not be looked up: %s", g->chosen.why) :
			"could not be looked up";
}

static void fill_extra(struct verify *v, const struct group *g, size_t at, const struct verify_judged *j)
{
	struct verify_row *row = v->work->n_extra < VERIFY_MAX_EXTRA ? new_row(v) : NULL;
	const struct rr *r = g->rr[0];

	if (!row)
		return;		/* the rows that are left belong to what is expected */
	v->work->n_extra++;
	row->verdict = VERDICT_EXTRA;
	row->owner = g->owner;
	row->type = g->chosen.item[at].type;
	row->ttl = row->found_ttl = g->chosen.ttl;
	row->role = r->role;
	row->purpose = r->purpose;
	row->at_parent = g->at_parent;
	row->found = &g->chosen.item[at];
	row->n_found = 1;
	row->note = "";
	row->why = verify_keep(v->work, j->why.p, j->why.len);
	row->order = order_of(r->role, g->at_parent);
}

/* A CNAME that was turned into what it leads to answers today, and breaks when the key behind it changes. */
static void flattened(struct verify *v, struct verify_row *row)
{
	struct verify_work *w = v->work;
	const struct dns_answer *a = NULL;
	struct verify_seen *s;

	if (row->type == DNS_CNAME && row->verdict == VERDICT_MISSING) {
		a = verify_dns(w, row->owner, DNS_CNAME);
		a = a && a->result == DNS_NODATA ? verify_dns(w, row->owner, DNS_TXT) : NULL;
	}

	if (!a || a->result != DNS_FOUND || (a->canonical && strcasecmp(a->canonical, row->owner) != 0))
		return;
	s = verify_alloc(w, sizeof *s);
	if (!s)
		return;
	*s = verify_seen_dns(w, row->owner, DNS_TXT, a);
	row->verdict = VERDICT_WRONG;
	row->found = s->item;
	row->n_found = s->n ? 1 : 0;
	row->found_ttl = s->ttl;
	row->why = "a TXT record stands where the CNAME belongs (copied, or \"flattened\" by the DNS provider): it breaks with the next change "
		"of the key; remove it and add the CNAME";
}

static void judge_group(struct verify *v, struct group *g, const char *note)
{
	size_t i, from = v->n_row;
	struct verify_judged *j = calloc(g->n + g->chosen.n + 1, sizeof *j);

	if (!j) {
		v->work->no_memory = true;
		return;
	}
	verify_judge(g->rr, g->n, &g->chosen, j, j + g->n);
	for (i = 0; i < g->n; i++)
		fill(v, g, g->rr[i], &j[i], note);
	for (i = 0; i < g->chosen.n; i++)
		if (j[g->n + i].verdict == VERDICT_EXTRA)
			fill_extra(v, g, i, &j[g->n + i]);
	for (i = 0; i < g->n + g->chosen.n; i++)
		buf_free(&j[i].why);
	free(j);
	for (i = from; i < v->n_row; i++)
		flattened(v, &v->row[i]);
}

/* To claim that all is well takes both views: what receivers cannot look up is not well, whatever the zone holds. */
static void doubt(struct verify *v, size_t from, const struct verify_seen *cache)
{
	size_t i;

	for (i = from; cache->how == SEEN_FAILED && i < v->n_row; i++) {
		if (v->row[i].verdict != VERDICT_OK)
			continue;
		v->row[i].verdict = VERDICT_TEMPERROR;
		v->row[i].why = verify_fmt(v->work, "its zone has it, but the recursive path could not look it up: %s", cache->why);
	}
}

static void rows_of_group(struct verify *v, struct group *g)
{
	struct verify_work *w = v->work;
	const struct dns_answer *a = verify_dns(w, g->owner, g->type);
	struct verify_seen cache = a ? verify_seen_dns(w, g->owner, g->type, a) : (struct verify_seen){ .how = SEEN_FAILED, .why = "" };
	struct buf note = { 0 };
	struct view view = authority_view(w, g, &note);
	size_t from = v->n_row;

	w->answers += cache.how != SEEN_FAILED;
	w->failures += cache.how == SEEN_FAILED;
	g->chosen = view.server ? view.seen : cache;
	if (view.server && !g->at_parent)
		note_cache(w, &view.seen, &cache, &note);
	judge_group(v, g, verify_keep(w, note.p, note.len));
	if (view.server && !g->at_parent)
		doubt(v, from, &cache);
	buf_free(&note);
}

void verify_rows(struct verify *v)
{
	struct verify_work *w = v->work;
	size_t i;

	for (i = 0; i < w->n_group; i++)
		if (!cannot_be_seen(w, &w->group[i]))
			rows_of_group(v, &w->group[i]);
}
