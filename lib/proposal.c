/* proposal.c - see proposal.h. What is known is kept as text of dns_file.c's grammar, in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "proposal.h"

struct lack { char *name; uint16_t type; };

struct proposal {
	const struct records *records;
	const char *domain;
	bool whole, no_memory;
	struct dns *real, *dns;
	struct buf text;
	struct lack lack[PROPOSAL_MAX_NAMES];	/* [0..known) were fetched before */
	size_t n, known;
	int rounds;
	int64_t until_ms;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The name at which a lookup of ours ends: proposed CNAMEs are followed. */
static void follow(const struct proposal *p, const char *name, char out[DOMAIN_MAX_BYTES + 1])
{
	size_t i, hops;
	bool moved = true;

	snprintf(out, DOMAIN_MAX_BYTES + 1, "%s", name);
	for (hops = 0; moved && hops < 8; hops++) {
		moved = false;
		for (i = 0; i < p->records->n && !moved; i++)
			if (p->records->rr[i].type == DNS_CNAME && strcasecmp(p->records->rr[i].owner, out) == 0) {
				const char *to = p->records->rr[i].data;

				snprintf(out, DOMAIN_MAX_BYTES + 1, "%.*s", (int)strlen(to) - 1, to);
				moved = true;
			}
	}
}

static void on_use(void *arg, const char *name, uint16_t type, const struct dns_answer *a)
{
	struct proposal *p = arg;
	char at[DOMAIN_MAX_BYTES + 1];
	size_t i;

	if (a->result != DNS_SERVFAIL || strlen(name) > DOMAIN_MAX_BYTES)
		return;
	follow(p, name, at);
	for (i = 0; i < p->n; i++)
		if (p->lack[i].type == type && strcasecmp(p->lack[i].name, at) == 0)
			return;
	if (p->n == PROPOSAL_MAX_NAMES)
		return;
	p->lack[p->n].name = strdup(at);
	p->lack[p->n].type = type;
	p->no_memory |= !p->lack[p->n].name;
	p->n += p->lack[p->n].name != NULL;
}

static enum status open_text(struct proposal *p)
{
	char path[40];
	int fd = memfd_create("weir-proposal", MFD_CLOEXEC);
	enum status rc;

	if (fd < 0)
		return st_fail_errno("memory for a proposed zone");
	dns_close(&p->dns);
	rc = file_write_all(fd, p->text.p, p->text.len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (rc == ST_OK)
		rc = dns_open(&(struct dns_opts){ .file = path, .replay = true }, &p->dns);
	close(fd);
	if (rc == ST_OK)
		dns_on_use(p->dns, on_use, p);
	return rc;
}

enum status proposal_new(const struct records *records, const char *domain, bool whole, struct dns *real, struct proposal **out)
{
	struct proposal *p = calloc(1, sizeof *p);
	enum status rc;

	if (!p)
		return st_fail(ST_NOMEM, "out of memory");
	p->records = records;
	p->domain = domain;
	p->whole = whole;
	p->real = real;
	p->until_ms = now_ms() + PROPOSAL_DEADLINE_MS;
	records_print(records, FORMAT_BIND, domain, NULL, &p->text);
	rc = buf_ok(&p->text) && p->text.len > 0 ? open_text(p) : st_fail(ST_NOMEM, "out of memory");
	if (rc != ST_OK)
		proposal_free(&p);
	else
		*out = p;
	return rc;
}

void proposal_free(struct proposal **pp)
{
	struct proposal *p = *pp;
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->n; i++)
		free(p->lack[i].name);
	dns_close(&p->dns);
	buf_free(&p->text);
	free(p);
	*pp = NULL;
}

struct dns *proposal_dns(struct proposal *p) { return p->dns; }

static bool ours(const struct proposal *p, const char *name)
{
	size_t n = strlen(name), d = strlen(p->domain);

	return p->whole && n >= d && strcasecmp(name + n - d, p->domain) == 0 && (n == d || name[n - d - 1] == '.');
}

/* Whether the proposed zone has the name, or one below it (RFC 8020). */
static bool exists(const struct proposal *p, const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < p->records->n; i++) {
		const char *owner = p->records->rr[i].owner;
		size_t m = strlen(owner);

		if (m >= n && strcasecmp(owner + m - n, name) == 0 && (m == n || owner[m - n - 1] == '.'))
			return true;
	}
	return false;
}

/* False while pending. */
static bool fetch(struct proposal *p, const struct lack *l, bool write)
{
	struct dns_answer none = { .result = exists(p, l->name) ? DNS_NODATA : DNS_NXDOMAIN, .ttl = 300, .why = "", .canonical = l->name };
	const struct dns_answer *a = &none;

	if (!ours(p, l->name) && (dns_ask(p->real, l->name, l->type, &a) == DNS_PENDING || !a))
		return false;
	if (write)
		dns_write(&p->text, l->name, l->type, a);
	return true;
}

enum status proposal_more(struct proposal *p, bool *again)
{
	size_t i, from = p->known;
	bool pending = true;

	*again = false;
	if (p->no_memory)
		return st_fail(ST_NOMEM, "out of memory");
	if (p->n == p->known || ++p->rounds > PROPOSAL_MAX_ROUNDS)
		return ST_OK;
	while (pending) {
		dns_hurry(p->real, now_ms() >= p->until_ms);
		pending = false;
		for (i = from; i < p->n; i++)
			pending |= !fetch(p, &p->lack[i], false);
		if (pending && dns_wait(p->real, 50) == ST_IO)
			return ST_IO;
	}
	for (i = from; i < p->n; i++)
		fetch(p, &p->lack[i], true);
	dns_hurry(p->real, false);
	p->known = p->n;
	*again = true;
	return buf_ok(&p->text) ? open_text(p) : st_fail(ST_NOMEM, "out of memory");
}
