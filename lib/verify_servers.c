/*
 * verify_servers.c - the name servers of a domain's zone and of its parent, see verify.h: who is lame, whose serial is
 * another, and whether parent and child agree about who serves the zone (RFC 1034 4.2.2).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verify_priv.h"

void verify_find(struct verify *v, const char *code, bool grave, const char *at, const char *text)
{
	size_t i;

	for (i = 0; i < v->n_finding; i++)	/* two records may include the same name */
		if (strcmp(v->finding[i].code, code) == 0 && strcmp(v->finding[i].text, text) == 0)
			return;
	if (!v->finding)
		return;
	if (v->n_finding < v->work->max_finding)
		v->finding[v->n_finding++] = (struct verify_finding){ code, grave, at, text };
	else		/* what is grave is not lost among what is not */
		for (i = v->n_finding; grave && i-- > 0;)
			if (!v->finding[i].grave) {
				v->finding[i] = (struct verify_finding){ code, grave, at, text };
				return;
			}
}

static bool soa_serial(const struct authority_reply *r, const char *zone, uint32_t *out)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct authority_rr *rr = &r->rr[i];
		const uint8_t *p;

		if (rr->section != AUTHORITY_IN_ANSWER || rr->type != DNS_SOA || strcasecmp(rr->owner, zone) != 0 || rr->rdata.len < 22)
			continue;
		p = (const uint8_t *)rr->rdata.p + rr->rdata.len - 20;	/* the last five numbers; serial is the first */
		*out = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
		return true;
	}
	return false;
}

static void server_row(struct verify *v, const struct target *t)
{
	struct verify_work *w = v->work;
	struct verify_server *s = &v->server[v->n_server++];
	const char *zone = t->parent ? w->parent_zone : w->zone;
	const struct authority_reply *r;

	*s = (struct verify_server){ .parent = t->parent, .problem = "" };
	s->name = t->name;
	s->address = t->address;
	s->result = AUTHORITY_UNREACHABLE;
	if (!t->address[0]) {
		s->problem = "has no address";
		verify_find(v, "no-address", false, t->name, verify_fmt(w, "the name server %s of %s has no address", t->name, zone));
		return;
	}
	if (!zone[0]) {		/* given by --authority; which zone it serves could not be told */
		s->problem = "was not asked for the zone";
		return;
	}
	r = verify_server_says(w, t->address, zone, DNS_SOA);
	if (!r)
		return;
	s->result = r->result;
	s->has_serial = r->result == AUTHORITY_ANSWER && soa_serial(r, zone, &s->serial);
	if (s->has_serial)
		return;
	s->problem = r->why[0] ? r->why : "has no SOA for the zone";
	if (r->result != AUTHORITY_UNREACHABLE)
		verify_find(v, "lame", false, t->name, verify_fmt(w, "the name server %s (%s) of %s %s: every so many lookups fail or wait",
			t->name, t->address, zone, s->problem));
}

static void compare_serials(struct verify *v, bool parent)
{
	const struct verify_server *first = NULL;
	size_t i;

	for (i = 0; i < v->n_server; i++) {
		const struct verify_server *s = &v->server[i];

		if (s->parent != parent || !s->has_serial)
			continue;
		if (!first)
			first = s;
		else if (s->serial != first->serial) {
			verify_find(v, "serial", false, s->name, verify_fmt(v->work,
				"serials differ: %s (%s) has %u, %s (%s) has %u: one of them serves an old zone, unless it changed just now",
				first->name, first->address, first->serial, s->name, s->address, s->serial));
			return;
		}
	}
}

/* ---- who serves the zone, as different servers say ---- */

static bool in_items(const struct verify_seen *s, const struct verify_item *it)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->item[i].text.len == it->text.len && memcmp(s->item[i].text.p, it->text.p, it->text.len) == 0)
			return true;
	return false;
}

static void only_in(struct verify *v, const struct verify_seen *a, const struct verify_seen *b, const char *who_a, const char *who_b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!in_items(b, &a->item[i]))
			verify_find(v, "delegation", false, v->work->zone, verify_fmt(v->work,
				"%s names the name server %.*s, %s does not: make both the same", who_a, (int)a->item[i].text.len,
				a->item[i].text.p, who_b));
}

static bool has_glue(const struct authority_reply *r, const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < r->n; i++)
		if ((r->rr[i].type == DNS_A || r->rr[i].type == DNS_AAAA) && strlen(r->rr[i].owner) == n - 1 &&
				strncasecmp(r->rr[i].owner, name, n - 1) == 0)
			return true;
	return false;
}

/* A name server within the zone that it serves cannot be found without an address beside the delegation. */
static void check_glue(struct verify *v, const struct target *t, const struct authority_reply *r, const struct verify_seen *ns)
{
	struct verify_work *w = v->work;
	size_t i;

	for (i = 0; i < ns->n; i++) {
		const char *name = verify_fmt(w, "%.*s", (int)ns->item[i].text.len, ns->item[i].text.p);
		const char *bare = verify_fmt(w, "%.*s", (int)ns->item[i].text.len - 1, ns->item[i].text.p);

		if (verify_under(bare, w->zone) && !has_glue(r, name))
			verify_find(v, "missing-glue", true, bare, verify_fmt(w, "%s lies in the zone %s that it serves, and %s (%s) has no address for it: "
				"nobody finds it; add A or AAAA records for it to the parent zone", bare, w->zone, t->name, t->address));
	}
}

static void compare_delegation(struct verify *v)
{
	struct verify_work *w = v->work;
	struct verify_seen parent = { 0 }, child = { 0 };
	const struct target *child_at = NULL;
	size_t i;

	for (i = 0; i < w->n_target; i++) {
		const struct target *t = &w->target[i];
		const struct authority_reply *r = t->address[0] ? verify_server_says(w, t->address, w->zone, DNS_NS) : NULL;
		struct verify_seen s;

		if (!r || (t->parent ? r->result != AUTHORITY_REFERRAL : r->result != AUTHORITY_ANSWER))
			continue;
		s = t->parent ? verify_seen_referral(w, w->zone, DNS_NS, r) : verify_seen_reply(w, w->zone, DNS_NS, r);
		if (t->parent) {
			check_glue(v, t, r, &s);
			if (parent.n > 0 && !verify_same(&parent, &s))
				verify_find(v, "delegation", false, t->name, verify_fmt(w, "the name servers of %s do not agree about who serves %s",
					w->parent_zone, w->zone));
			parent = parent.n > 0 ? parent : s;
		} else if (child.n > 0 && !verify_same(&child, &s)) {
			verify_find(v, "delegation", false, t->name, verify_fmt(w, "%s (%s) and %s (%s) do not agree about who serves %s",
				child_at->name, child_at->address, t->name, t->address, w->zone));
		} else if (child.n == 0) {
			child = s;
			child_at = t;
		}
	}
	if (parent.n > 0 && child.n > 0) {
		only_in(v, &parent, &child, "the parent zone", "the zone itself");
		only_in(v, &child, &parent, "the zone itself", "the parent zone");
	}
}

static void nobody_answers(struct verify *v)
{
	struct verify_work *w = v->work;
	size_t i, asked = 0, good = 0;

	for (i = 0; i < v->n_server; i++) {
		asked += !v->server[i].parent && v->server[i].address[0];
		good += !v->server[i].parent && v->server[i].has_serial;
	}
	if (w->zone[0] && asked > 0 && good == 0)
		verify_find(v, "no-authority", false, w->zone, verify_fmt(w,
			"none of the name servers of %s answered here: what is said rests on the resolver alone", w->zone));
}

void verify_servers(struct verify *v)
{
	struct verify_work *w = v->work;
	size_t i;

	if (!w->au || !v->server)
		return;
	for (i = 0; i < w->n_target; i++)
		server_row(v, &w->target[i]);
	compare_serials(v, true);
	compare_serials(v, false);
	if (w->zone[0])
		compare_delegation(v);
	nobody_answers(v);
}
