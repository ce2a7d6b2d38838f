/*
 * verify_look.c - what is asked, of whom, see verify_priv.h. Nothing is judged here.
 *
 * The zone is the nearest name at or above the domain that has NS records on the recursive path; a delegated domain
 * is a zone whether it has any or not, and its own servers are known from its settings.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verify_priv.h"

/* ---- names ---- */

const char *verify_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && dot[1] ? dot + 1 : NULL;
}

bool verify_under(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);

	return z > 0 && n >= z && strcasecmp(name + n - z, zone) == 0 && (n == z || name[n - z - 1] == '.');
}

/* ---- one question ---- */

const struct dns_answer *verify_dns(struct verify_work *w, const char *name, uint16_t type)
{
	const struct dns_answer *a = NULL;

	if (dns_ask(w->dns, name, type, &a) == DNS_PENDING || !a) {
		w->pending = true;
		return NULL;
	}
	return a;
}

const struct authority_reply *verify_server_says(struct verify_work *w, const char *address, const char *name, uint16_t type)
{
	static const struct authority_reply late = { .result = AUTHORITY_TIMEOUT, .why = "does not answer" };
	const struct authority_reply *r = NULL;

	if (authority_ask(w->au, address, name, type, &r) != AUTHORITY_PENDING && r)
		return r;
	if (w->hurry)
		return &late;
	w->pending = true;
	return NULL;
}

/* ---- answers as items ---- */

static void lower(struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if (b->p[i] >= 'A' && b->p[i] <= 'Z')
			b->p[i] += 32;
}

static bool address_text(uint16_t type, struct span rdata, struct buf *out)
{
	char ip[INET6_ADDRSTRLEN];

	if (rdata.len != (type == DNS_A ? 4 : 16) || !inet_ntop(type == DNS_A ? AF_INET : AF_INET6, rdata.p, ip, sizeof ip))
		return false;
	buf_str(out, ip);
	return true;
}

static bool item_text(uint16_t type, struct span rdata, struct buf *out)
{
	uint16_t preference;
	bool good;

	switch (type) {
	case DNS_TXT:
		return dns_txt(rdata, out);
	case DNS_A: case DNS_AAAA:
		return address_text(type, rdata, out);
	case DNS_MX:
		if (!dns_mx(rdata, &preference))
			return false;
		buf_fmt(out, "%u ", preference);
		good = dns_name(rdata, 2, out);
		break;
	case DNS_CNAME: case DNS_NS: case DNS_PTR:
		good = dns_name(rdata, 0, out);
		break;
	default:
		return false;
	}
	buf_chr(out, '.');	/* the root stays "." */
	lower(out);
	return good;
}

struct gather { struct verify_work *w; struct verify_item *item; size_t n; };

static void gather(struct gather *g, uint16_t type, struct span rdata)
{
	struct buf b = { 0 };

	if (g->n < VERIFY_MAX_FOUND && g->item && item_text(type, rdata, &b) && buf_ok(&b)) {
		g->item[g->n].type = type;
		g->item[g->n].text = (struct span){ verify_keep(g->w, buf_cstr(&b), b.len), b.len };
		g->n++;
	}
	buf_free(&b);
}

static struct gather gather_new(struct verify_work *w, size_t n)
{
	n = n < VERIFY_MAX_FOUND ? n : VERIFY_MAX_FOUND;
	return (struct gather){ w, n ? verify_alloc(w, n * sizeof(struct verify_item)) : NULL, 0 };
}

struct verify_seen verify_seen_dns(struct verify_work *w, const char *name, uint16_t type, const struct dns_answer *a)
{
	struct verify_seen s = { .how = SEEN_NOTHING, .why = "", .ttl = a->ttl };
	struct gather g;
	size_t i, n = strlen(name);

	if (dns_failed(a->result) || a->result == DNS_BADNAME) {
		s.how = SEEN_FAILED;
		s.why = verify_keep(w, a->why, strlen(a->why));
		return s;
	}
	if (type != DNS_CNAME && a->canonical && (strlen(a->canonical) != n || strcasecmp(a->canonical, name) != 0))
		s.alias = verify_fmt(w, "%s.", a->canonical);
	if (a->result != DNS_FOUND)
		return s;
	g = gather_new(w, a->n);
	for (i = 0; i < a->n; i++)
		gather(&g, type, a->rdata[i]);
	s.how = SEEN_RECORDS;
	s.n = g.n;
	s.item = g.item;
	return s;
}

struct verify_seen verify_seen_reply(struct verify_work *w, const char *name, uint16_t type, const struct authority_reply *r)
{
	struct verify_seen s = { .how = SEEN_FAILED, .why = r->why };
	struct buf alias = { 0 };
	struct gather g;
	size_t i;

	if (!authority_knows(r->result)) {
		if (r->result == AUTHORITY_REFERRAL)
			s.how = SEEN_NOT_ASKED;	/* the name lies in a zone below: that zone's servers know */
		return s;
	}
	s.how = SEEN_NOTHING;
	g = gather_new(w, r->n);
	for (i = 0; i < r->n; i++) {
		const struct authority_rr *rr = &r->rr[i];

		if (rr->section != AUTHORITY_IN_ANSWER || strcasecmp(rr->owner, name) != 0)
			continue;
		if (rr->type == type || rr->type == DNS_CNAME)
			s.ttl = rr->ttl;
		if (rr->type == type)
			gather(&g, type, rr->rdata);
		else if (rr->type == DNS_CNAME && !s.alias && dns_name(rr->rdata, 0, &alias))
			s.alias = verify_fmt(w, "%s.", buf_cstr(&alias));
	}
	buf_free(&alias);
	s.n = g.n;
	s.item = g.item;
	s.beside = s.alias && s.n > 0;
	if (s.n > 0)
		s.how = SEEN_RECORDS;
	return s;
}

struct verify_seen verify_seen_referral(struct verify_work *w, const char *name, uint16_t type, const struct authority_reply *r)
{
	struct verify_seen s = { .how = SEEN_NOTHING, .why = "" };
	bool glue = type != DNS_NS;
	struct gather g;
	size_t i;

	if (r->result != AUTHORITY_REFERRAL) {
		if (glue && r->result == AUTHORITY_ANSWER)	/* it serves the zone below, too, and speaks for that one */
			return (struct verify_seen){ .how = SEEN_NOT_ASKED };
		return verify_seen_reply(w, name, type, r);
	}
	g = gather_new(w, r->n);
	for (i = 0; i < r->n; i++) {
		const struct authority_rr *rr = &r->rr[i];

		if (rr->type != type || strcasecmp(rr->owner, name) != 0 || rr->section != (glue ? AUTHORITY_IN_EXTRA : AUTHORITY_IN_NS))
			continue;
		s.ttl = rr->ttl;
		gather(&g, type, rr->rdata);
	}
	s.n = g.n;
	s.item = g.item;
	if (s.n > 0)
		s.how = SEEN_RECORDS;
	return s;
}

/* ---- the zone and its servers ---- */

static void ns_add(struct ns_set *set, const char *name, size_t n)
{
	size_t i;

	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n == 0 || n > DOMAIN_MAX_BYTES || set->n == VERIFY_MAX_NS)
		return;
	for (i = 0; i < set->n; i++)
		if (strlen(set->ns[i].name) == n && strncasecmp(set->ns[i].name, name, n) == 0)
			return;
	memcpy(set->ns[set->n].name, name, n);
	set->ns[set->n++].name[n] = '\0';
}

static void ns_of_answer(struct ns_set *set, const struct dns_answer *a)
{
	size_t i;

	for (i = 0; a && a->result == DNS_FOUND && i < a->n; i++) {
		struct buf b = { 0 };

		if (dns_name(a->rdata[i], 0, &b) && buf_ok(&b))
			ns_add(set, buf_cstr(&b), b.len);
		buf_free(&b);
	}
}

/* The nearest name from `from` up that has NS records of its own. False while pending. "" if there is none that is
 * no top level domain (`top`: those count, too). */
static bool nearest_zone(struct verify_work *w, const char *from, bool top, char *zone, struct ns_set *ns)
{
	const char *name;
	int depth;

	zone[0] = '\0';
	for (name = from, depth = 0; name && depth < VERIFY_MAX_DEPTH; name = verify_parent(name), depth++) {
		const struct dns_answer *a;

		if (!top && !verify_parent(name))
			break;
		a = verify_dns(w, name, DNS_NS);
		if (!a)
			return false;
		if (a->result == DNS_FOUND && a->canonical && strcasecmp(a->canonical, name) == 0) {
			snprintf(zone, DOMAIN_MAX_BYTES + 1, "%s", name);
			ns_of_answer(ns, a);
			return true;
		}
	}
	return true;
}

static void ns_of_records(struct ns_set *set, const struct records *r, const char *owner)
{
	size_t i;

	for (i = 0; r && i < r->n; i++)
		if (r->rr[i].type == DNS_NS && strcasecmp(r->rr[i].owner, owner) == 0)
			ns_add(set, r->rr[i].data, strlen(r->rr[i].data));
}

static bool find_zone(struct verify_work *w)
{
	const char *domain = w->d->name;
	bool known;

	memset(&w->ns, 0, sizeof w->ns);
	memset(&w->parent_ns, 0, sizeof w->parent_ns);
	w->parent_zone[0] = '\0';
	known = nearest_zone(w, domain, false, w->zone, &w->ns);
	if (w->d->mode == DOMAIN_DELEGATED) {
		if (strcasecmp(w->zone, domain) != 0)
			memset(&w->ns, 0, sizeof w->ns);
		snprintf(w->zone, sizeof w->zone, "%s", domain);
		ns_of_records(&w->ns, w->records, domain);
	}
	if (!known && w->d->mode != DOMAIN_DELEGATED)
		return false;
	if (strcasecmp(w->zone, domain) != 0)
		return true;
	return verify_parent(domain) ? nearest_zone(w, verify_parent(domain), true, w->parent_zone, &w->parent_ns) && known : known;
}

static void add_target(struct verify_work *w, const char *name, const char *address, bool parent)
{
	size_t *n = parent ? &w->n_parent_servers : &w->n_zone_servers, i;
	struct target *t = &w->target[w->n_target];

	if (*n == VERIFY_MAX_SERVERS || w->n_target == sizeof w->target / sizeof *w->target)
		return;
	for (i = 0; i < w->n_target; i++)
		if (w->target[i].parent == parent && strcmp(w->target[i].address, address) == 0 &&
				(address[0] || strcasecmp(w->target[i].name, name) == 0))
			return;
	snprintf(t->name, sizeof t->name, "%s", name);
	snprintf(t->address, sizeof t->address, "%s", address);
	t->parent = parent;
	(*n)++;
	w->n_target++;
}

static size_t add_answer(struct verify_work *w, const char *name, uint16_t type, bool parent, bool *pending)
{
	const struct dns_answer *a = verify_dns(w, name, type);
	size_t i, n = 0;

	*pending |= !a;
	for (i = 0; a && a->result == DNS_FOUND && i < a->n && i < 4; i++) {
		struct buf b = { 0 };

		if (address_text(type, a->rdata[i], &b) && buf_ok(&b)) {
			add_target(w, name, b.p, parent);
			n++;
		}
		buf_free(&b);
	}
	return n;
}

/* Glue that our own settings know: the delegation may not be there yet. */
static size_t add_known(struct verify_work *w, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < w->records->n; i++) {
		const struct rr *r = &w->records->rr[i];

		if ((r->type == DNS_A || r->type == DNS_AAAA) && strcasecmp(r->owner, name) == 0) {
			add_target(w, name, r->data, false);
			n++;
		}
	}
	return n;
}

static void add_servers(struct verify_work *w, const struct ns_set *set, bool parent)
{
	size_t i;

	for (i = 0; i < set->n; i++) {
		bool pending = false;
		size_t n = add_answer(w, set->ns[i].name, DNS_A, parent, &pending);

		n += add_answer(w, set->ns[i].name, DNS_AAAA, parent, &pending);
		if (!parent && !pending)
			n += add_known(w, set->ns[i].name);
		if (n == 0 && !pending)
			add_target(w, set->ns[i].name, "", parent);
	}
}

/* Names that only the parent has in its delegation are servers of the zone, too. */
static void add_referred(struct verify_work *w)
{
	struct ns_set more = { 0 };
	size_t i, k;

	for (i = 0; i < w->n_target; i++) {
		const struct authority_reply *r;

		if (!w->target[i].parent || !w->target[i].address[0])
			continue;
		r = verify_server_says(w, w->target[i].address, w->d->name, DNS_NS);
		verify_server_says(w, w->target[i].address, w->parent_zone, DNS_SOA);
		for (k = 0; r && r->result == AUTHORITY_REFERRAL && k < r->n; k++) {
			struct buf b = { 0 };

			if (r->rr[k].section == AUTHORITY_IN_NS && r->rr[k].type == DNS_NS && strcasecmp(r->rr[k].owner, w->zone) == 0 &&
					dns_name(r->rr[k].rdata, 0, &b) && buf_ok(&b))
				ns_add(&more, buf_cstr(&b), b.len);
			buf_free(&b);
		}
	}
	add_servers(w, &more, false);
}

static void find_targets(struct verify_work *w)
{
	w->n_target = w->n_zone_servers = w->n_parent_servers = 0;
	if (!w->au)
		return;
	if (!find_zone(w) && w->d->mode != DOMAIN_DELEGATED && !w->o->authority)
		return;
	if (w->o->authority) {
		add_target(w, "(given)", w->o->authority, false);
		return;
	}
	add_servers(w, &w->parent_ns, true);
	add_referred(w);
	add_servers(w, &w->ns, false);
}

/* ---- all of it ---- */

static void ask_servers(struct verify_work *w)
{
	size_t i, k;

	for (i = 0; i < w->n_target; i++) {
		const char *address = w->target[i].address;

		if (w->target[i].parent || !address[0])
			continue;
		if (w->zone[0]) {
			verify_server_says(w, address, w->zone, DNS_SOA);
			verify_server_says(w, address, w->zone, DNS_NS);
		}
		for (k = 0; k < w->n_group; k++)
			if (!w->group[k].at_parent)
				verify_server_says(w, address, w->group[k].owner, w->group[k].type);
	}
}

static void ask_probes(struct verify_work *w)
{
	char name[DOMAIN_MAX_BYTES + 80];

	snprintf(name, sizeof name, "%s.%s", w->probe, w->d->name);
	if (strlen(name) <= DOMAIN_MAX_BYTES) {
		verify_dns(w, name, DNS_TXT);
		verify_dns(w, name, DNS_MX);
	}
	snprintf(name, sizeof name, "%s._domainkey.%s", w->probe, w->d->name);
	if (strlen(name) <= DOMAIN_MAX_BYTES)
		verify_dns(w, name, DNS_TXT);
}

void verify_ask_all(struct verify_work *w)
{
	size_t i;

	for (i = 0; i < w->n_group; i++) {
		const struct dns_answer *a = verify_dns(w, w->group[i].owner, w->group[i].type);

		if (a && w->group[i].type == DNS_CNAME && a->result == DNS_NODATA)
			verify_dns(w, w->group[i].owner, DNS_TXT);	/* flattened? */
	}
	ask_probes(w);
	find_targets(w);
	ask_servers(w);
}
