/* zone_platform.c - the zone dkim.PLATFORM: the public keys of all tenants' domains. See zone.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "file.h"
#include "settings.h"
#include "zone.h"
#include "zone_priv.h"

/* RFC 6376 3.6.1. A slot without a key says so: its name is then never cached as missing, and a retired key is revoked. */
enum status platform_records(const struct domain *d, const struct providers *p, struct records *out)
{
	struct records all = { 0 };
	struct provider own;
	enum status st = ST_OK;

	if (!d->own_keys)
		return ST_OK;
	st = provider_get(p, "own", &own);
	for (size_t i = 0; i < DOMAIN_SLOTS && st == ST_OK; i++) {
		const struct slot *s = &d->slot[i];
		struct buf owner = { 0 }, text = { 0 }, data = { 0 };

		buf_fmt(&owner, "%s.%s", s->selector, own.dkim);
		buf_str(&text, "v=DKIM1; ");
		if (s->state != SLOT_FREE)
			buf_fmt(&text, "k=%s; p=%s", key_algorithm_name(s->algorithm), s->public_key);
		else
			buf_str(&text, "p=");
		st = buf_ok(&owner) && buf_ok(&text) ? records_txt(text.p, &data) : st_fail(ST_NOMEM, "records: out of memory");
		if (st == ST_OK)
			st = records_add(&all, owner.p, DNS_TXT, KEY_TTL, RR_KEY, data.p);
		buf_free(&owner);
		buf_free(&text);
		buf_free(&data);
	}
	if (st == ST_OK)
		st = records_move(out, &all);
	records_free(&all);
	return st;
}

/* ---- all tenants ---- */

struct gathering { const char *home; const struct providers *p; struct records *out; struct store *st; };

static enum status gather_domain(void *arg, const char *name, const struct domain_setting *unused)
{
	struct gathering *g = arg;
	struct domain d;
	enum status rc = domain_get(g->st, name, &d);

	return rc == ST_OK ? platform_records(&d, g->p, g->out) : rc;
}

static enum status gather_tenant(void *arg, const char *tenant)
{
	struct gathering *g = arg;
	enum status rc = store_open(g->home, tenant, STORE_READ, &g->st);

	if (rc == ST_OK) {
		rc = store_begin(g->st);
		if (rc == ST_OK) {
			rc = setting_domains(g->st, gather_domain, g);
			store_abort(g->st);
		}
		store_close(&g->st);
	}
	return rc == ST_OK ? ST_OK : st_fail(rc, "tenant %s: %.400s: no zone is better than one without its keys", tenant, st_text());
}

static enum status own_with_servers(const struct providers *p, struct provider *own)
{
	enum status st = provider_get(p, "own", own);

	if (st == ST_OK && own->n_ns == 0)
		return st_fail(ST_CONFIG, "the platform has no name servers: say \"ns\" of \"own\" in HOME/" PROVIDERS_FILE);
	if (st == ST_OK && own->hostmaster[0] == '\0')
		snprintf(own->hostmaster, sizeof(own->hostmaster), "hostmaster@%.240s", own->platform);
	return st;
}

/* ---- its serial: "SERIAL SHA-256\n" in HOME/platform.serial ---- */

struct kept { uint32_t serial; char of[DIGEST_HEX + 1]; };

static enum status read_kept(int dir, struct kept *k)
{
	struct buf text = { 0 };
	unsigned long n;
	char *end;
	int fd = openat(dir, PLATFORM_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum status st;

	memset(k, 0, sizeof(*k));
	if (fd < 0) {
		st = st_fail_errno("HOME/" PLATFORM_FILE);
		return st == ST_NOTFOUND ? ST_OK : st;
	}
	st = file_read_fd(fd, 0, -1, 200, &text);
	close(fd);
	if (st == ST_OK) {
		n = strtoul(buf_cstr(&text), &end, 10);
		if (end == text.p || n == 0 || n > UINT32_MAX || *end != ' ' || strlen(end + 1) != DIGEST_HEX + 1)
			st = st_fail(ST_BAD, "HOME/" PLATFORM_FILE " is not as it was written: put the serial that your name servers have "
				"into it, and 64 zeros");
		else
			k->serial = (uint32_t)n, snprintf(k->of, sizeof(k->of), "%.64s", end + 1);
	}
	buf_free(&text);
	return st;
}

static enum status keep(int dir, const struct kept *k)
{
	char line[100];
	int n = snprintf(line, sizeof(line), "%u %s\n", (unsigned)k->serial, k->of);

	return file_write_at(dir, PLATFORM_FILE, line, (size_t)n, true);
}

/* Within the lock: which serial has this content? */
static enum status serial_of(const char *home, const struct records *r, int64_t now, uint32_t *serial_out)
{
	char hex[DIGEST_HEX + 1] = "";
	struct kept k;
	int dir = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum status st = dir < 0 ? st_fail_errno("%s", home) : ST_OK;

	if (st == ST_OK && flock(dir, LOCK_EX) != 0)
		st = st_fail_errno("lock %s", home);
	if (st == ST_OK)
		st = zone_digest(r, hex);
	if (st == ST_OK)
		st = read_kept(dir, &k);
	if (st == ST_OK && (k.serial == 0 || strcmp(k.of, hex) != 0)) {
		k.serial = serial_next(k.serial, now);
		memcpy(k.of, hex, sizeof(hex));
		st = keep(dir, &k);
	}
	if (st == ST_OK)
		*serial_out = k.serial;
	if (dir >= 0)
		close(dir);
	return st;
}

enum status platform_zone(const char *home, const struct providers *p, int64_t now, struct provider *own, struct records *out)
{
	struct records all = { 0 };
	struct gathering g = { home, p, &all, NULL };
	uint32_t serial = 0;
	enum status st = own_with_servers(p, own);

	if (st == ST_OK)
		st = store_tenants(home, gather_tenant, &g);
	if (st == ST_OK)
		st = zone_add_servers(&all, own->dkim, own->ns, own->n_ns);
	if (st == ST_OK)
		st = zone_add_soa(&all, own->dkim, own->ns, own->hostmaster, 0);
	if (st == ST_OK)
		st = records_conflict(&all);
	if (st == ST_OK) {
		records_sort(&all);	/* the same keys have the same digest, whatever order they came in */
		st = serial_of(home, &all, now, &serial);
	}
	if (st == ST_OK)
		st = zone_set_serial(&all, serial);
	if (st == ST_OK)
		st = records_move(out, &all);
	records_free(&all);
	return st;
}

enum status platform_delegation(const struct providers *p, struct provider *own, struct records *out)
{
	struct records all = { 0 };
	enum status st = own_with_servers(p, own);

	if (st == ST_OK)
		st = zone_add_servers(&all, own->dkim, own->ns, own->n_ns);
	if (st == ST_OK)
		st = records_move(out, &all);
	records_free(&all);
	return st;
}
