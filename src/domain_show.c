/* domain_show.c - weir-domain show: a domain's settings, its keys and how far a rotation is. Private keys are never opened here. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "change.h"
#include "cli.h"
#include "home.h"
#include "json.h"
#include "keyring.h"
#include "record.h"
#include "records.h"
#include "settings.h"
#include "weir-domain.h"

struct shown { struct domain d; struct domain_setting s; size_t live, all; };

static enum status look(void *arg, struct store *st)
{
	struct shown *w = arg;
	char name[DOMAIN_MAX_BYTES + 1];
	enum status rc;

	memcpy(name, w->d.name, sizeof(name));
	rc = domain_get(st, name, &w->d);
	if (rc == ST_OK)
		rc = setting_domain(st, name, &w->s);
	return rc == ST_OK ? setting_domain_count(st, name, &w->live, &w->all) : rc;
}

static const char *when(int64_t t, char out[32])
{
	time_t at = (time_t)t;
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, 32, "?");
	return out;
}

/* ---- JSON ---- */

static void print_json(const struct shown *w, const char *tenant)
{
	const struct slot *s = rotation_slot(&w->d);
	struct buf b = { 0 }, dns = { 0 }, u = { 0 };
	int64_t due;

	json_open(&b, NULL, '{');
	json_int(&b, "weir", RECORD_VERSION);
	json_cstr(&b, "type", "domain");
	json_cstr(&b, "domain", w->d.name);
	if (domain_utf8(w->d.name, strlen(w->d.name), &u) == ST_OK && strcmp(u.p, w->d.name) != 0)
		json_cstr(&b, "domain_utf8", u.p);
	json_cstr(&b, "tenant", tenant);
	json_cstr(&b, "mode", domain_mode_name(w->d.mode));
	if (w->s.any[0] != '\0')
		json_cstr(&b, "any", w->s.any);
	if (w->s.catch_all[0] != '\0')
		json_cstr(&b, "catch_all", w->s.catch_all);
	json_int(&b, "addresses", (int64_t)w->all);
	json_int(&b, "addresses_active", (int64_t)w->live);
	if (w->d.mode != DOMAIN_PLAIN) {
		domain_write(&w->d, &dns);
		json_raw(&b, "dns", buf_cstr(&dns), dns.len);
	}
	if (s != NULL) {
		json_open(&b, "rotation", '{');
		json_cstr(&b, "selector", s->selector);
		json_cstr(&b, "next", rotation_name(rotation_next(&w->d, time(NULL), &due)));
		if (due != 0)
			json_int(&b, "due", due);
		json_close(&b, '}');
	}
	json_close(&b, '}');
	printf("%s\n", buf_cstr(&b));
	buf_free(&b);
	buf_free(&dns);
	buf_free(&u);
}

/* ---- for people ---- */

static void line(const char *what, const char *text)
{
	printf("%-11s%s\n", what, text);
}

static void print_keys(const struct domain *d)
{
	char text[200], at[32];
	int64_t due;

	for (size_t i = 0; i < DOMAIN_SLOTS; i++) {
		const struct slot *s = &d->slot[i];

		if (!d->own_keys && d->token[i][0] != '\0')
			line("DKIM:", d->token[i]);
		if (!d->own_keys)
			continue;
		snprintf(text, sizeof(text), "%-20s %-9s %-7s since %s%s%s", s->selector, slot_state_name(s->state),
			s->state == SLOT_FREE ? "-" : key_algorithm_name(s->algorithm), when(s->since, at),
			s->file[0] != '\0' ? "  keys/" : "", s->file);
		line("DKIM:", text);
	}
	if (rotation_slot(d) == NULL)
		return;
	snprintf(text, sizeof(text), "%s: next is to %s it", rotation_slot(d)->selector, rotation_name(rotation_next(d, time(NULL), &due)));
	if (due != 0)
		snprintf(text, sizeof(text), "%s: %s, until %s", rotation_slot(d)->selector,
			rotation_slot(d)->state == SLOT_PUBLISHED ? "caches may have the old answer" : "mail may be under way", when(due, at));
	line("Rotation:", text);
}

static void print_list(const char *what, const char *first, size_t size, size_t n)
{
	for (size_t i = 0; i < n; i++)
		line(what, first + i * size);
}

static void print_zone(const struct domain *d)
{
	char text[2 * DOMAIN_MAX_BYTES + 20];

	for (size_t i = 0; i < d->n_portal; i++) {
		snprintf(text, sizeof(text), "%s = %s", d->portal[i].name, d->portal[i].target);
		line("Portal:", text);
	}
	print_list("Apex:", d->apex[0], sizeof(d->apex[0]), d->n_apex);
	for (size_t i = 0; i < d->n_ns; i++)
		line("NS:", d->ns[i].name);
	if (d->serial != 0) {
		snprintf(text, sizeof(text), "%u", (unsigned)d->serial);
		line("Serial:", text);
	}
}

static void print_dns(const struct domain *d)
{
	char text[LABEL_MAX_BYTES + DOMAIN_MAX_BYTES + 20];

	line("Provider:", d->provider[0] != '\0' ? d->provider : "nobody yet");
	print_keys(d);
	snprintf(text, sizeof(text), "%s.%s", d->mail_from, d->name);
	line("MAIL FROM:", text);
	line("Receives:", d->null_mx ? "no (null MX)" : "yes");
	snprintf(text, sizeof(text), "%call", d->spf_all);
	line("SPF:", text);
	print_list("SPF:", d->include[0], sizeof(d->include[0]), d->n_include);
	line("DMARC:", d->dmarc);
	print_list("rua:", d->rua[0], sizeof(d->rua[0]), d->n_rua);
	print_list("ruf:", d->ruf[0], sizeof(d->ruf[0]), d->n_ruf);
	if (d->mta_sts[0] != '\0') {
		snprintf(text, sizeof(text), "%s, at %s", d->mta_sts, d->mta_sts_host);
		line("MTA-STS:", text);
	}
	print_list("TLS-RPT:", d->tls_rpt[0], sizeof(d->tls_rpt[0]), d->n_tls_rpt);
	snprintf(text, sizeof(text), "%u", (unsigned)d->ttl);
	line("TTL:", text);
	print_zone(d);
}

int verb_show(const struct opts *o, int n, char *args[])
{
	char tenant[TENANT_MAX_BYTES + 1], text[60];
	static struct shown w;
	struct buf u = { 0 };
	enum status st;
	int status = find_domain(o, args[0], w.d.name, tenant);

	if (status != 0)
		return status;
	st = settings_read(o->home, tenant, look, &w);
	if (st != ST_OK)
		return cli_fail(st, args[0]);
	if (o->json) {
		print_json(&w, tenant);
		return 0;
	}
	line("Domain:", w.d.name);
	if (domain_utf8(w.d.name, strlen(w.d.name), &u) == ST_OK && strcmp(u.p, w.d.name) != 0) {
		printf("%-11s", "");
		cli_safe(stdout, u.p, u.len, 0);
		printf("\n");
	}
	buf_free(&u);
	line("Tenant:", tenant);
	line("Mode:", w.d.mode == DOMAIN_PLAIN ? "plain (nothing is said about its DNS)" : domain_mode_name(w.d.mode));
	snprintf(text, sizeof(text), "%zu, %zu active", w.all, w.live);
	line("Addresses:", text);
	if (w.s.any[0] != '\0')
		line("Any:", w.s.any);
	if (w.s.catch_all[0] != '\0') {
		printf("%-11s", "Catch-all:");
		cli_safe(stdout, w.s.catch_all, strlen(w.s.catch_all), 0);
		printf("\n");
	}
	if (w.d.mode != DOMAIN_PLAIN)
		print_dns(&w.d);
	return 0;
}
