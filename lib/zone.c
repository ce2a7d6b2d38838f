/* zone.c - see zone.h, and records.h for zone_records() and its like. The platform's zone: zone_platform.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "digest.h"
#include "zone.h"
#include "zone_priv.h"

/* ---- serials ---- */

bool serial_after(uint32_t a, uint32_t b)
{
	return a != b && (int32_t)(a - b) > 0;
}

uint32_t serial_next(uint32_t was, int64_t now)
{
	uint32_t next = (uint32_t)now;

	if (was != 0 && !serial_after(next, was))
		next = was + 1;
	return next != 0 ? next : 1;
}

/* Where the serial stands in a SOA's data: behind two names. */
static size_t serial_at(const char *soa)
{
	size_t n = strcspn(soa, " ") + 1;

	return n + strcspn(soa + n, " ") + 1;
}

enum status zone_set_serial(struct records *r, uint32_t serial)
{
	for (size_t i = 0; i < r->n; i++) {
		struct buf data = { 0 };
		size_t at;

		if (r->rr[i].type != DNS_SOA)
			continue;
		at = serial_at(r->rr[i].data);
		buf_fmt(&data, "%.*s%u%s", (int)at, r->rr[i].data, (unsigned)serial, r->rr[i].data + at + strcspn(r->rr[i].data + at, " "));
		if (!buf_ok(&data)) {
			buf_free(&data);
			return st_fail(ST_NOMEM, "zone: out of memory");
		}
		free(r->rr[i].data);
		r->rr[i].data = data.p;
	}
	return ST_OK;
}

enum status zone_digest(const struct records *r, char hex_out[DIGEST_HEX + 1])
{
	uint8_t digest[DIGEST_BYTES];
	struct buf text = { 0 };
	enum status st;

	for (size_t i = 0; i < r->n; i++) {
		const struct rr *rr = &r->rr[i];
		size_t head = rr->type == DNS_SOA ? serial_at(rr->data) : strlen(rr->data);

		buf_fmt(&text, "%s %u %s %.*s %s\n", rr->owner, (unsigned)rr->ttl, rr_type_name(rr->type), (int)head, rr->data,
			rr->type == DNS_SOA ? rr->data + head + strcspn(rr->data + head, " ") : "");
	}
	st = buf_ok(&text) ? digest_of(text.p, text.len, digest) : st_fail(ST_NOMEM, "zone: out of memory");
	buf_free(&text);
	if (st == ST_OK)
		hex_of(digest, DIGEST_BYTES, hex_out);
	return st;
}

/* ---- SOA, NS, glue ---- */

bool zone_within(const char *name, const char *zone)
{
	size_t n = strlen(name), z = strlen(zone);

	return n >= z && strcmp(name + n - z, zone) == 0 && (n == z || name[n - z - 1] == '.');
}

/* An address as a name: dots of its local part are escaped (RFC 1035 8). */
static void rname(const char *address, struct buf *out)
{
	const char *at = strchr(address, '@');

	for (const char *p = address; p < at; p++) {
		if (*p == '.')
			buf_chr(out, '\\');
		buf_chr(out, *p);
	}
	buf_fmt(out, ".%s.", at + 1);
}

enum status zone_add_soa(struct records *out, const char *zone, const struct name_server *ns, const char *hostmaster, uint32_t serial)
{
	struct buf data = { 0 };
	enum status st;

	buf_fmt(&data, "%s. ", ns->name);
	rname(hostmaster, &data);
	buf_fmt(&data, " %u %d %d %d %d", (unsigned)serial, SOA_REFRESH, SOA_RETRY, SOA_EXPIRE, SOA_NEGATIVE);
	st = buf_ok(&data) ? records_add(out, zone, DNS_SOA, ZONE_TTL, RR_SOA, data.p) : st_fail(ST_NOMEM, "zone: out of memory");
	buf_free(&data);
	return st;
}

/* In the zone a server's addresses are its data; in the parent the same lines are glue (RFC 1034 4.2.1). */
static enum status add_glue(struct records *out, const char *zone, const struct name_server *ns)
{
	enum status st = ST_OK;

	if (!zone_within(ns->name, zone))
		return ST_OK;
	if (ns->n_address == 0)
		return st_fail(ST_BAD, "%s is a name server within %s itself: nobody could find it without its address (--ns %s=IP)",
			ns->name, zone, ns->name);
	for (size_t i = 0; i < ns->n_address && st == ST_OK; i++)
		st = records_add(out, ns->name, strchr(ns->address[i], ':') != NULL ? DNS_AAAA : DNS_A, ZONE_TTL, RR_GLUE,
			ns->address[i]);
	return st;
}

enum status zone_add_servers(struct records *out, const char *zone, const struct name_server *ns, size_t n)
{
	char data[DOMAIN_MAX_BYTES + 2];
	enum status st = ST_OK;

	for (size_t i = 0; i < n && st == ST_OK; i++) {
		snprintf(data, sizeof(data), "%s.", ns[i].name);
		st = records_add(out, zone, DNS_NS, ZONE_TTL, RR_NS, data);
		if (st == ST_OK)
			st = add_glue(out, zone, &ns[i]);
	}
	return st;
}

/* The domain's own name servers, or the platform's; always the platform's hostmaster, if there is one. */
static enum status servers(const struct domain *d, const struct providers *p, struct provider *own, const struct name_server **ns,
	size_t *n)
{
	enum status st;

	if (d->mode != DOMAIN_DELEGATED)
		return st_fail(ST_BAD, "%s is no zone of ours (%s): weir-domain set %s --delegated", d->name, domain_mode_name(d->mode),
			d->name);
	st = provider_get(p, "own", own);
	if (st != ST_OK && d->n_ns == 0)
		return st_fail(st, "%s has no name servers: give --ns, or \"ns\" of \"own\" in HOME/" PROVIDERS_FILE, d->name);
	if (st != ST_OK)
		memset(own, 0, sizeof(*own));
	*ns = d->n_ns > 0 ? d->ns : own->ns;
	*n = d->n_ns > 0 ? d->n_ns : own->n_ns;
	if (own->hostmaster[0] == '\0')
		snprintf(own->hostmaster, sizeof(own->hostmaster), "hostmaster@%.240s", (*n > 0 && !zone_within((*ns)->name, d->name)) ?
			zone_parent((*ns)->name) : d->name);
	return *n > 0 ? ST_OK : st_fail(ST_CONFIG, "%s has no name servers: give --ns, or \"ns\" of \"own\" in HOME/" PROVIDERS_FILE,
		d->name);
}

const char *zone_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot != NULL ? dot + 1 : name;
}

static enum status add_portals(const struct domain *d, struct records *out)
{
	char data[DOMAIN_MAX_BYTES + 2];
	enum status st = ST_OK;

	for (size_t i = 0; i < d->n_apex && st == ST_OK; i++)
		st = records_add(out, d->name, strchr(d->apex[i], ':') != NULL ? DNS_AAAA : DNS_A, d->ttl, RR_APEX, d->apex[i]);
	for (size_t i = 0; i < d->n_portal && st == ST_OK; i++) {
		if (!zone_within(d->portal[i].name, d->name))
			return st_fail(ST_BAD, "the portal %.100s does not lie in %s", d->portal[i].name, d->name);
		snprintf(data, sizeof(data), "%s.", d->portal[i].target);
		st = records_add(out, d->portal[i].name, DNS_CNAME, d->ttl, RR_PORTAL, data);
	}
	return st;
}

static enum status build(const struct domain *d, const struct providers *p, struct records *all)
{
	const struct name_server *ns = NULL;
	struct provider own;
	size_t n = 0;
	enum status st = servers(d, p, &own, &ns, &n);

	if (st == ST_OK)
		st = domain_records(d, p, all);
	if (st == ST_OK)
		st = zone_add_soa(all, d->name, ns, own.hostmaster, d->serial);
	if (st == ST_OK)
		st = zone_add_servers(all, d->name, ns, n);
	if (st == ST_OK)
		st = add_portals(d, all);
	return st == ST_OK ? records_conflict(all) : st;
}

enum status zone_records(const struct domain *d, const struct providers *p, struct records *out)
{
	struct records all = { 0 };
	enum status st = build(d, p, &all);

	if (st == ST_OK)
		st = records_move(out, &all);
	records_free(&all);
	return st;
}

enum status delegation_records(const struct domain *d, const struct providers *p, struct records *out)
{
	const struct name_server *ns = NULL;
	struct records all = { 0 };
	struct provider own;
	size_t n = 0;
	enum status st = servers(d, p, &own, &ns, &n);

	if (st == ST_OK)
		st = zone_add_servers(&all, d->name, ns, n);
	if (st == ST_OK)
		st = records_move(out, &all);
	records_free(&all);
	return st;
}

enum status zone_serial(struct domain *d, const struct providers *p, int64_t now, bool *changed_out)
{
	struct records r = { 0 };
	char hex[DIGEST_HEX + 1];
	enum status st = zone_records(d, p, &r);

	*changed_out = false;
	if (st == ST_OK)
		st = zone_digest(&r, hex);
	if (st == ST_OK && (d->serial == 0 || strcmp(hex, d->serial_of) != 0)) {
		/* A serial that was set by hand counts as one that secondaries have: "at least the next". */
		d->serial = serial_next(d->serial, now);
		memcpy(d->serial_of, hex, sizeof(hex));
		*changed_out = true;
	}
	records_free(&r);
	return st;
}
