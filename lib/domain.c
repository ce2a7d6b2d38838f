/* domain.c - see domain.h: the member "dns" of a domain's setting, read and written. Values: domain_value.c; the whole: domain_check.c. */
#include <stdio.h>
#include <string.h>
#include "domain.h"
#include "json.h"
#include "settings_priv.h"

static const char *const mode_names[] = { "plain", "self-managed", "delegated" };
static const char *const algorithm_names[] = { "rsa", "ed25519" };
static const char *const state_names[] = { "free", "published", "active", "retiring" };

const char *domain_mode_name(enum domain_mode m) { return mode_names[m]; }
const char *key_algorithm_name(enum key_algorithm a) { return algorithm_names[a]; }
const char *slot_state_name(enum slot_state s) { return state_names[s]; }

void domain_init(struct domain *d, const char *name)
{
	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->mode = DOMAIN_SELF_MANAGED;
	snprintf(d->mail_from, sizeof(d->mail_from), "mail");
	d->ttl = DOMAIN_TTL_DEFAULT;
	d->spf_all = '~';
	snprintf(d->dmarc, sizeof(d->dmarc), "p=none");
}

/* ---- writing ---- */

static void write_list(struct buf *b, const char *key, const char *first, size_t size, size_t n)
{
	if (n == 0)
		return;
	json_open(b, key, '[');
	for (size_t i = 0; i < n; i++)
		json_cstr(b, NULL, first + i * size);
	json_close(b, ']');
}

static void write_keys(struct buf *b, const struct domain *d)
{
	json_open(b, "keys", '[');
	for (size_t i = 0; i < DOMAIN_SLOTS; i++) {
		const struct slot *s = &d->slot[i];

		json_open(b, NULL, '{');
		json_cstr(b, "selector", s->selector);
		json_cstr(b, "state", slot_state_name(s->state));
		json_int(b, "since", s->since);
		if (s->seen != 0)
			json_int(b, "seen", s->seen);
		if (s->state != SLOT_FREE) {
			json_cstr(b, "algorithm", key_algorithm_name(s->algorithm));
			json_cstr(b, "public", s->public_key);
			json_cstr(b, "file", s->file);
		}
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void write_zone(struct buf *b, const struct domain *d)
{
	if (d->n_portal > 0) {
		json_open(b, "portal", '[');
		for (size_t i = 0; i < d->n_portal; i++) {
			json_open(b, NULL, '{');
			json_cstr(b, "name", d->portal[i].name);
			json_cstr(b, "target", d->portal[i].target);
			json_close(b, '}');
		}
		json_close(b, ']');
	}
	write_list(b, "apex", d->apex[0], sizeof(d->apex[0]), d->n_apex);
	if (d->n_ns > 0) {
		json_open(b, "ns", '[');
		for (size_t i = 0; i < d->n_ns; i++) {
			json_open(b, NULL, '{');
			json_cstr(b, "name", d->ns[i].name);
			write_list(b, "addresses", d->ns[i].address[0], sizeof(d->ns[i].address[0]), d->ns[i].n_address);
			json_close(b, '}');
		}
		json_close(b, ']');
	}
	if (d->serial != 0)
		json_int(b, "serial", d->serial);
	if (d->serial_of[0] != '\0')
		json_cstr(b, "serial_of", d->serial_of);
}

void domain_write(const struct domain *d, struct buf *b)
{
	char all[2] = { d->spf_all, '\0' };

	json_open(b, NULL, '{');
	json_cstr(b, "mode", domain_mode_name(d->mode));
	if (d->provider[0] != '\0')
		json_cstr(b, "provider", d->provider);
	if (d->token[0][0] != '\0')
		write_list(b, "tokens", d->token[0], sizeof(d->token[0]), DOMAIN_SLOTS);
	if (d->own_keys)
		write_keys(b, d);
	json_cstr(b, "mail_from", d->mail_from);
	json_int(b, "ttl", d->ttl);
	json_cstr(b, "spf_all", all);
	write_list(b, "spf_include", d->include[0], sizeof(d->include[0]), d->n_include);
	json_cstr(b, "dmarc", d->dmarc);
	write_list(b, "rua", d->rua[0], sizeof(d->rua[0]), d->n_rua);
	write_list(b, "ruf", d->ruf[0], sizeof(d->ruf[0]), d->n_ruf);
	if (d->mta_sts[0] != '\0')
		json_cstr(b, "mta_sts", d->mta_sts);
	if (d->mta_sts_host[0] != '\0')
		json_cstr(b, "mta_sts_host", d->mta_sts_host);
	write_list(b, "tls_rpt", d->tls_rpt[0], sizeof(d->tls_rpt[0]), d->n_tls_rpt);
	if (d->null_mx)
		json_bool(b, "null_mx", true);
	write_zone(b, d);
	json_close(b, '}');
}

/* ---- reading ---- each takes a value and says what is wrong with it */

static enum status text_of(struct span v, struct buf *b)
{
	buf_clear(b);
	if (json_type(v) != '"')
		return st_fail(ST_BAD, "is no text");
	return json_text(v, b) && buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "settings: out of memory");
}

/* The same through one of the functions for values. */
static enum status value(struct span v, enum status (*check)(const char *text, char *out), char *out)
{
	struct buf text = { 0 };
	enum status st = text_of(v, &text);

	if (st == ST_OK)
		st = check(buf_cstr(&text), out);
	buf_free(&text);
	return st;
}

static enum status name_value(const char *text, char *out)
{
	struct buf name = { 0 };
	enum status st = domain_dns_name(text, &name);

	if (st == ST_OK)
		memcpy(out, name.p, name.len + 1);
	buf_free(&name);
	return st;
}

static enum status label_value(const char *text, char *out) { return domain_label(text, out); }
static enum status dmarc_value(const char *text, char *out) { return domain_dmarc(text, out); }
static enum status report_value(const char *text, char *out) { return domain_report_address(text, out); }
static enum status address_value(const char *text, char *out) { return name_server_address(text, out); }
static enum status tls_rpt_value(const char *text, char *out) { return domain_tls_rpt(text, out); }

static enum status provider_value(const char *text, char *out)
{
	size_t len = strlen(text);

	if (len > PROVIDER_NAME_MAX || (strcmp(text, "own") != 0 && (strncmp(text, "ses:", 4) != 0 || len == 4 ||
			strspn(text + 4, "abcdefghijklmnopqrstuvwxyz0123456789-") != len - 4)))
		return st_fail(ST_BAD, "%.80s is no provider: there are own and ses:REGION", text);
	memcpy(out, text, len + 1);
	return ST_OK;
}

static enum status mta_sts_value(const char *text, char *out)
{
	if (strcmp(text, "none") != 0 && strcmp(text, "testing") != 0 && strcmp(text, "enforce") != 0)
		return st_fail(ST_BAD, "%.40s is no mode of MTA-STS: none, testing or enforce (RFC 8461 3.2)", text);
	strcpy(out, text);
	return ST_OK;
}

static enum status digest_value(const char *text, char *out)
{
	if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return st_fail(ST_BAD, "is no SHA-256 in hex");
	memcpy(out, text, 65);
	return ST_OK;
}

static enum status base64_value(const char *text, char *out)
{
	size_t len = strlen(text);

	if (len == 0 || len >= sizeof(((struct slot *)0)->public_key) || len % 4 != 0 ||
			strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != len)
		return st_fail(ST_BAD, "is no public key in base64");
	memcpy(out, text, len + 1);
	return ST_OK;
}

static enum status file_value(const char *text, char *out)
{
	size_t len = strlen(text);

	if (len == 0 || len >= sizeof(((struct slot *)0)->file) || text[0] == '.' ||
			strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") != len)
		return st_fail(ST_BAD, "is no name of a key file");
	memcpy(out, text, len + 1);
	return ST_OK;
}

static enum status read_list(struct span v, enum status (*check)(const char *, char *), char *first, size_t size, size_t max,
	size_t *n_out)
{
	struct span e;
	size_t n = 0;
	enum status st = json_type(v) == '[' ? ST_OK : st_fail(ST_BAD, "is no list");

	while (st == ST_OK && json_elem(&v, &e)) {
		if (n == max)
			return st_fail(ST_BAD, "has more than %zu", max);
		st = value(e, check, first + n++ * size);
	}
	*n_out = n;
	return st;
}

static enum status read_word(struct span v, const char *const *words, size_t n, int *out)
{
	for (size_t i = 0; i < n; i++) {
		if (json_is(v, words[i])) {
			*out = (int)i;
			return ST_OK;
		}
	}
	return st_fail(ST_BAD, "is none of the words that it may be");
}

static enum status read_uint(struct span v, int64_t max, int64_t *out)
{
	if (!json_get_int(v, out) || *out < 0 || *out > max)
		return st_fail(ST_BAD, "is no number from 0 to %lld", (long long)max);
	return ST_OK;
}

static bool is(struct span key, const char *name)
{
	return key.len == strlen(name) && memcmp(key.p, name, key.len) == 0;
}

static enum status unknown(struct span key)
{
	return st_fail(ST_BAD, "\"%.*s\" is unknown", (int)(key.len < 40 ? key.len : 40), key.p);
}

static enum status read_slot(struct span v, struct slot *s)
{
	struct span key, val;
	enum status st = json_type(v) == '{' ? ST_OK : st_fail(ST_BAD, "is no object");
	int word = 0;

	while (st == ST_OK && json_member(&v, &key, &val)) {
		if (is(key, "selector"))
			st = value(val, label_value, s->selector);
		else if (is(key, "state"))
			st = read_word(val, state_names, 4, &word), s->state = (enum slot_state)word;
		else if (is(key, "algorithm"))
			st = read_word(val, algorithm_names, 2, &word), s->algorithm = (enum key_algorithm)word;
		else if (is(key, "since"))
			st = read_uint(val, INT64_C(1) << 40, &s->since);
		else if (is(key, "seen"))
			st = read_uint(val, INT64_C(1) << 40, &s->seen);
		else if (is(key, "public"))
			st = value(val, base64_value, s->public_key);
		else if (is(key, "file"))
			st = value(val, file_value, s->file);
		else
			st = unknown(key);
	}
	if (st == ST_OK && (s->selector[0] == '\0' || (s->state == SLOT_FREE) != (s->public_key[0] == '\0') ||
			(s->state == SLOT_FREE) != (s->file[0] == '\0')))
		st = st_fail(ST_BAD, "is not whole");
	return st;
}

static enum status read_slots(struct span v, struct domain *d)
{
	struct span e;
	size_t n = 0;
	enum status st = json_type(v) == '[' ? ST_OK : st_fail(ST_BAD, "is no list");

	while (st == ST_OK && json_elem(&v, &e)) {
		if (n == DOMAIN_SLOTS)
			return st_fail(ST_BAD, "has more than %d", DOMAIN_SLOTS);
		st = read_slot(e, &d->slot[n++]);
	}
	d->own_keys = true;
	return st == ST_OK && n != DOMAIN_SLOTS ? st_fail(ST_BAD, "has %zu: it takes %d", n, DOMAIN_SLOTS) : st;
}

static enum status read_portals(struct span v, struct domain *d)
{
	struct span e, key, val;
	enum status st = json_type(v) == '[' ? ST_OK : st_fail(ST_BAD, "is no list");

	while (st == ST_OK && json_elem(&v, &e)) {
		struct portal *p = &d->portal[d->n_portal];

		if (d->n_portal == DOMAIN_PORTALS_MAX)
			return st_fail(ST_BAD, "has more than %d", DOMAIN_PORTALS_MAX);
		if (json_type(e) != '{')
			return st_fail(ST_BAD, "is no list of {\"name\":...,\"target\":...}");
		while (st == ST_OK && json_member(&e, &key, &val))
			st = is(key, "name") ? value(val, name_value, p->name) :
				is(key, "target") ? value(val, name_value, p->target) : unknown(key);
		if (st == ST_OK && (p->name[0] == '\0' || p->target[0] == '\0'))
			st = st_fail(ST_BAD, "is no list of {\"name\":...,\"target\":...}");
		d->n_portal++;
	}
	return st;
}

static enum status read_tokens(struct span v, struct domain *d)
{
	size_t n = 0;
	enum status st = read_list(v, label_value, d->token[0], sizeof(d->token[0]), DOMAIN_SLOTS, &n);

	return st == ST_OK && n != DOMAIN_SLOTS ? st_fail(ST_BAD, "has %zu: it takes %d", n, DOMAIN_SLOTS) : st;
}

#define LIST(field, check, n) read_list(v, check, d->field[0], sizeof(d->field[0]), sizeof(d->field) / sizeof(d->field[0]), &d->n)

static enum status read_member(struct domain *d, struct span key, struct span v)
{
	int64_t n = 0;
	int word = 0;
	enum status st;

	if (is(key, "mode"))
		st = read_word(v, mode_names, 3, &word), d->mode = (enum domain_mode)word;
	else if (is(key, "provider"))
		st = value(v, provider_value, d->provider);
	else if (is(key, "tokens"))
		st = read_tokens(v, d);
	else if (is(key, "keys"))
		st = read_slots(v, d);
	else if (is(key, "mail_from"))
		st = value(v, label_value, d->mail_from);
	else if (is(key, "ttl"))
		st = read_uint(v, DOMAIN_TTL_MAX, &n), d->ttl = (uint32_t)n;
	else if (is(key, "spf_all"))
		st = value(v, domain_spf_all, &d->spf_all);
	else if (is(key, "spf_include"))
		st = LIST(include, name_value, n_include);
	else if (is(key, "dmarc"))
		st = value(v, dmarc_value, d->dmarc);
	else if (is(key, "rua"))
		st = LIST(rua, report_value, n_rua);
	else if (is(key, "ruf"))
		st = LIST(ruf, report_value, n_ruf);
	else if (is(key, "mta_sts"))
		st = value(v, mta_sts_value, d->mta_sts);
	else if (is(key, "mta_sts_host"))
		st = value(v, name_value, d->mta_sts_host);
	else if (is(key, "tls_rpt"))
		st = LIST(tls_rpt, tls_rpt_value, n_tls_rpt);
	else if (is(key, "null_mx"))
		d->null_mx = json_true(v), st = d->null_mx || json_type(v) == 'f' ? ST_OK : st_fail(ST_BAD, "is neither true nor false");
	else if (is(key, "portal"))
		st = read_portals(v, d);
	else if (is(key, "apex"))
		st = LIST(apex, address_value, n_apex);
	else if (is(key, "ns"))
		st = name_servers_read(v, d->ns, &d->n_ns);
	else if (is(key, "serial"))
		st = read_uint(v, UINT32_MAX, &n), d->serial = (uint32_t)n;
	else if (is(key, "serial_of"))
		st = value(v, digest_value, d->serial_of);
	else
		return st_fail(ST_BAD, "dns: %.300s", (unknown(key), st_text()));
	return st == ST_OK ? st : st_fail(st, "dns: \"%.*s\": %.400s", (int)(key.len < 40 ? key.len : 40), key.p, st_text());
}

enum status domain_read(const char *name, const char *json, size_t len, struct domain *out)
{
	struct span v = { json, len }, key, val;
	enum status st = json_valid(json, len);

	domain_init(out, name);
	if (st == ST_OK && json_type(v) != '{')
		st = st_fail(ST_BAD, "dns: is no object");
	while (st == ST_OK && json_member(&v, &key, &val))
		st = read_member(out, key, val);
	return st;
}

/* ---- in the store ---- */

enum status domain_get(struct store *st, const char *name, struct domain *out)
{
	struct buf json = { 0 };
	struct span dns;
	enum status rc = setting_get(st, "domain/", name, &json);

	if (rc == ST_NOTFOUND)
		rc = st_fail(rc, "%s has no domain %s", store_tenant(st), name);
	if (rc == ST_OK) {
		dns = json_get((struct span){ json.p, json.len }, "dns");
		if (dns.p != NULL)
			rc = domain_read(name, dns.p, dns.len, out);
		else
			domain_init(out, name), out->mode = DOMAIN_PLAIN;
		if (rc != ST_OK)
			rc = st_fail(rc, "domain %s: %.400s", name, st_text());
	}
	buf_free(&json);
	return rc;
}

enum status domain_set(struct store *st, const struct domain *d)
{
	struct buf was = { 0 }, json = { 0 };
	struct span v, k, val;
	char word[80];
	enum status rc = setting_get(st, "domain/", d->name, &was);

	if (rc == ST_NOTFOUND)
		rc = ST_OK;
	json_open(&json, NULL, '{');
	v = (struct span){ was.p, was.len };
	while (rc == ST_OK && was.len > 0 && json_member(&v, &k, &val)) {
		if (is(k, "dns"))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)(k.len < 79 ? k.len : 79), k.p);
		json_raw(&json, word, val.p, val.len);
	}
	if (d->mode != DOMAIN_PLAIN) {
		struct buf dns = { 0 };

		domain_write(d, &dns);
		if (!buf_ok(&dns))
			json.failed = true;
		json_raw(&json, "dns", buf_cstr(&dns), dns.len);
		buf_free(&dns);
	}
	json_close(&json, '}');
	if (rc == ST_OK)
		rc = setting_put(st, "domain/", d->name, &json);
	buf_free(&was);
	buf_free(&json);
	return rc;
}
