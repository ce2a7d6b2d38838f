/*
 * dns_unbound.c - see dns_back.h: libunbound, asynchronous (ub_resolve costs half a millisecond even for what it knows).
 *
 * Its work is done in a thread that the first query starts, so after sandbox_enter(): what fences us in fences it in.
 * Our own deadlines count, by ub_cancel: left alone, a dead server takes it 17 s for a name.
 */
#include "dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unbound.h>
#include "dns_back.h"
#include "file.h"

#include <fcntl.h>
#include <unistd.h>

#define ROOT_ANCHOR "/usr/share/dns/root.key"
#define ANCHOR_MAX_BYTES (64u << 10)
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3

static const struct { const char *option, *value; } settings[] = {
	{ "do-not-query-localhost:", "no" },	/* a resolver on this machine is what most have */
	{ "outbound-msg-retry:", "8" },		/* our deadline ends it, not the count of tries */
	{ "outgoing-range:", "2048" },		/* the library's 16 sockets let 16 dead names stop all others */
	{ "outgoing-num-tcp:", "64" },
	{ "msg-cache-size:", "8m" },
	{ "rrset-cache-size:", "16m" },
	{ "unblock-lan-zones:", "yes" },	/* addresses of private networks have PTRs too, where their resolver says so */
	{ "insecure-lan-zones:", "yes" },
	{ "num-queries-per-thread:", "4096" },
	{ "jostle-timeout:", "60000" },		/* never drop a query for a newer one: it was a message's */
	{ "infra-host-ttl:", "5" },		/* a server that was silent for some names is asked for others */
	{ "infra-keep-probing:", "yes" },
	{ "harden-below-nxdomain:", "no" },	/* some servers still say NXDOMAIN for empty names above others */
	{ "aggressive-nsec:", "no" },
	{ "rrset-roundrobin:", "no" },		/* as the server gave them: limits cut at the same place each time */
	{ "edns-buffer-size:", "1232" },
	{ "use-syslog:", "no" },
};

#define SOCKETS 2048 /* as outgoing-range: one for each query */

/* The shell's soft limit of 1024 files is meant for select(2). */
static void more_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= 2 * SOCKETS)
		return;
	r.rlim_cur = r.rlim_max < 2 * SOCKETS ? r.rlim_max : 2 * SOCKETS;
	setrlimit(RLIMIT_NOFILE, &r);
}

static enum status failed(int rc, const char *what)
{
	return st_fail(rc == UB_NOMEM ? ST_NOMEM : ST_CONFIG, "resolver %s: %s", what, ub_strerror(rc));
}

/* ---- setting up ---- */

/* One of `resolver`: "IP[@PORT]" or "DOMAIN=IP[@PORT]". */
static enum status one_server(struct ub_ctx *ctx, const char *word)
{
	char domain[4 * DNS_MAX_WIRE + 1];
	const char *eq = strchr(word, '=');
	uint8_t wire[DNS_MAX_WIRE];
	int rc;

	if (!eq) {
		rc = ub_ctx_set_fwd(ctx, word);
		return rc ? failed(rc, word) : ST_OK;
	}
	snprintf(domain, sizeof domain, "%.*s", (int)(eq - word), word);
	if (!dns_wire_of(domain, true, wire))
		return st_fail(ST_CONFIG, "resolver %s: not a domain before '='", word);
	rc = ub_ctx_set_stub(ctx, domain, eq + 1, 0);
	return rc ? failed(rc, word) : ST_OK;
}

static enum status servers(struct ub_ctx *ctx, const char *resolver)
{
	enum status st = ST_OK;
	char *copy, *word, *save = NULL;
	int rc;

	if (!resolver) {
		rc = ub_ctx_resolvconf(ctx, NULL);
		return rc ? failed(rc, "/etc/resolv.conf") : ST_OK;
	}
	copy = strdup(resolver);
	if (!copy)
		return st_fail(ST_NOMEM, "dns: out of memory");
	word = strtok_r(copy, ",", &save);
	if (!word)
		st = st_fail(ST_CONFIG, "resolver: none is named");
	for (; st == ST_OK && word; word = strtok_r(NULL, ",", &save))
		st = one_server(ctx, word);
	free(copy);
	return st;
}

/* Line by line: ub_ctx_add_ta_file would open the file with the first query, when we may not any more. */
static enum status anchors(struct ub_ctx *ctx, const char *path)
{
	struct buf text = { 0 };
	enum status st;
	char *line, *save = NULL;
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return st_fail(ST_CONFIG, "trust anchor %s: %s", path, strerror(errno));
	st = file_read_fd(fd, 0, -1, ANCHOR_MAX_BYTES, &text);
	close(fd);
	if (st == ST_OK && !buf_ok(&text))
		st = st_fail(ST_NOMEM, "dns: out of memory");
	line = st == ST_OK && text.len ? strtok_r(text.p, "\r\n", &save) : NULL;
	for (; st == ST_OK && line; line = strtok_r(NULL, "\r\n", &save)) {
		line[strcspn(line, ";")] = '\0';
		if (!line[strspn(line, " \t")])
			continue;
		rc = ub_ctx_add_ta(ctx, line);
		if (rc)
			st = failed(rc, path);
		n++;
	}
	buf_free(&text);
	return st == ST_OK && n == 0 ? st_fail(ST_CONFIG, "trust anchor %s: no record in it", path) : st;
}

/* ---- asking ---- */

static void tell(struct dns_entry *e, enum dns_result r, const char *why)
{
	dns_done(e, &(struct dns_found){ .result = r, .why = why });
}

static void answered(void *arg, int err, struct ub_result *r)
{
	struct dns_entry *e = arg;
	struct span rdata[DNS_MAX_RECORDS + 1];
	struct dns_found f = { .rdata = rdata };
	uint8_t canonical[DNS_MAX_WIRE];

	if (err || !r) {
		tell(e, DNS_SERVFAIL, ub_strerror(err));
		return;
	}
	if (r->bogus) {
		tell(e, DNS_BOGUS, r->why_bogus ? r->why_bogus : "DNSSEC validation failed");
	} else if (r->rcode != 0 && !(r->rcode == RCODE_NXDOMAIN && r->nxdomain)) {
		tell(e, DNS_SERVFAIL, r->rcode == RCODE_SERVFAIL ? "the name servers could not tell" : "the name servers refused");
	} else {
		for (; f.n <= DNS_MAX_RECORDS && r->data && r->data[f.n]; f.n++)
			rdata[f.n] = (struct span){ r->data[f.n], (size_t)r->len[f.n] };
		f.result = r->nxdomain ? DNS_NXDOMAIN : r->havedata && f.n ? DNS_FOUND : DNS_NODATA;
		f.n = f.result == DNS_FOUND ? f.n : 0;
		f.secure = r->secure;
		f.ttl = r->ttl > 0 ? (uint32_t)r->ttl : 0;
		if (r->canonname && dns_wire_of(r->canonname, true, canonical))
			f.canonical = canonical;
		dns_done(e, &f);
	}
	ub_resolve_free(r);
}

static enum status start(void *arg, struct dns_entry *e)
{
	struct buf name = { 0 };
	int rc = UB_NOMEM;

	dns_text_of(e->wire, &name);
	buf_chr(&name, '.');
	if (buf_ok(&name))
		rc = ub_resolve_async(arg, name.p, e->type, 1, e, answered, &e->handle);
	buf_free(&name);
	return rc ? st_fail(ST_IO, "%s", ub_strerror(rc)) : ST_OK;
}

static void cancel(void *arg, struct dns_entry *e)
{
	ub_cancel(arg, e->handle);
}

static enum status process(void *arg)
{
	int rc = ub_process(arg);

	return rc ? st_fail(ST_IO, "resolver: %s", ub_strerror(rc)) : ST_OK;
}

static int fd_of(void *arg)
{
	return ub_fd(arg);
}

static void close_it(void *arg)
{
	ub_ctx_delete(arg);
}

enum status dns_unbound_open(const struct dns_opts *o, const struct dns_back **back, void **arg)
{
	static const struct dns_back unbound_back = { start, cancel, process, fd_of, close_it };
	struct ub_ctx *ctx = ub_ctx_create();
	enum status st = ST_OK;
	size_t i;
	int rc = 0;

	if (!ctx)
		return st_fail(ST_NOMEM, "dns: libunbound: out of memory");
	ub_ctx_debugout(ctx, NULL);	/* what it would say on stderr, each answer says as `why` */
	more_files();
	for (i = 0; rc == 0 && i < sizeof settings / sizeof *settings; i++)
		rc = ub_ctx_set_option(ctx, settings[i].option, settings[i].value);
	if (rc == 0)
		rc = ub_ctx_async(ctx, 1);
	if (rc)
		st = failed(rc, i ? settings[i - 1].option : "thread");
	if (st == ST_OK)
		st = servers(ctx, o->resolver);
	if (st == ST_OK && o->dnssec)
		st = anchors(ctx, o->anchor ? o->anchor : ROOT_ANCHOR);
	/* Settles the context, so that what is wrong with it is said now. */
	if (st == ST_OK) {
		rc = ub_ctx_zone_add(ctx, "nothing.weir.invalid.", "static");
		if (rc)
			st = failed(rc, o->resolver ? o->resolver : "settings");
	}
	if (st != ST_OK) {
		ub_ctx_delete(ctx);
		return st;
	}
	*back = &unbound_back;
	*arg = ctx;
	return ST_OK;
}
