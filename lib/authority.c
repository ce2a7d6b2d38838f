/*
 * authority.c - see authority.h: questions, their repetition, UDP and TCP. Everything hangs on one epoll descriptor.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "authority.h"
#include "authority_priv.h"
#include "dns.h"

#define SOCKETS		8	/* an id is one of 65536 and the port one of these: both must be guessed */
#define BUCKETS		8192
#define UDP_MAX_BYTES	4096
#define IDS		65536
enum { FORMERR = 1, NOTIMP = 4 };

struct server {
	struct server *next;
	struct sockaddr_storage sa;
	socklen_t sa_len;
	char *text;
	enum authority_result never;	/* why it is not asked at all; AUTHORITY_PENDING: it is */
	unsigned silent;		/* queries without any answer; UINT_MAX / 2 once it has said something */
};

enum step { QUEUED, OVER_UDP, TCP_QUEUED, TCP_CONNECT, TCP_READ, DONE };
struct query {
	int is_socket;		/* false: see on_event */
	struct query *next;
	struct server *server;
	char *name;
	uint16_t type, id;
	enum step step;
	bool no_edns, saw_bad;
	int sock, tcp, tries;
	int64_t next_ms, until_ms;
	size_t place;		/* in a->active */
	uint8_t *in;
	size_t in_len, in_want;
	struct authority_reply reply;
	struct authority_rr *rr;
	struct buf text;
};
struct sock { int is_socket, fd, family; };

struct authority {
	int ep, timeout_ms;
	uint16_t port;
	bool any_address;
	struct sock sock[SOCKETS];
	struct server *servers[BUCKETS];
	struct query *asked[BUCKETS], **active, **by_id;
	size_t n_active, max_active, in_flight, tcps;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t hash(const char *s, size_t n, size_t seed)
{
	for (; n > 0; s++, n--)
		seed = (seed ^ (unsigned char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s)) * 1099511628211ull;
	return seed ^ seed >> 29;
}

/* ---- opening, closing ---- */

static void open_socket(struct authority *a, struct sock *s, int family)
{
	int room = 4 << 20;

	s->is_socket = 1;
	s->family = family;
	s->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (epoll_ctl(a->ep, EPOLL_CTL_ADD, s->fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = s }) != 0) {
		close(s->fd);
		s->fd = -1;
	}
}

enum status authority_new(const struct authority_opts *o, struct authority **out)
{
	struct authority *a = calloc(1, sizeof *a);
	int i;

	if (!a)
		return st_fail(ST_NOMEM, "out of memory");
	a->by_id = calloc(IDS, sizeof *a->by_id);
	a->port = o->port ? o->port : 53;
	a->any_address = o->any_address;
	a->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : AUTHORITY_TIMEOUT_MS;
	a->ep = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < SOCKETS; i++)
		a->sock[i].fd = -1;
	for (i = 0; a->ep >= 0 && i < SOCKETS; i++)
		open_socket(a, &a->sock[i], i < SOCKETS - 2 ? AF_INET : AF_INET6);
	if (!a->by_id || a->ep < 0) {
		authority_free(&a);
		return st_fail(ST_AGAIN, "asking name servers: no descriptors or no memory");
	}
	*out = a;
	return ST_OK;
}

static void query_free(struct query *q)
{
	if (q->tcp >= 0)
		close(q->tcp);
	free(q->name);
	free(q->in);
	free(q->rr);
	buf_free(&q->text);
	free(q);
}

void authority_sweep(struct authority *a)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		while (a->asked[i]) {
			struct query *q = a->asked[i];

			a->asked[i] = q->next;
			query_free(q);
		}
	memset(a->by_id, 0, IDS * sizeof(struct query *));
	a->n_active = a->in_flight = a->tcps = 0;
}

void authority_free(struct authority **ap)
{
	struct authority *a = *ap;
	size_t i;

	if (!a)
		return;
	if (a->by_id)
		authority_sweep(a);
	for (i = 0; i < BUCKETS; i++)
		while (a->servers[i]) {
			struct server *s = a->servers[i];

			a->servers[i] = s->next;
			free(s->text);
			free(s);
		}
	for (i = 0; i < SOCKETS; i++)
		if (a->sock[i].fd >= 0)
			close(a->sock[i].fd);
	if (a->ep >= 0)
		close(a->ep);
	free(a->by_id);
	free(a->active);
	free(a);
	*ap = NULL;
}

/* ---- servers ---- */

static bool parse_server(struct authority *a, const char *text, struct server *s)
{
	char ip[INET6_ADDRSTRLEN];

	if (!authority_address(text, a->port, &s->sa, &s->sa_len, ip))
		return false;
	if (!a->any_address && !authority_public(ip))
		s->never = AUTHORITY_PRIVATE;
	return true;
}

static struct server *server_of(struct authority *a, const char *text)
{
	struct server **slot = &a->servers[hash(text, strlen(text), 7) % BUCKETS], *s;

	for (s = *slot; s; s = s->next)
		if (strcmp(s->text, text) == 0)
			return s;
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->text = strdup(text);
	if (!s->text) {
		free(s);
		return NULL;
	}
	if (!parse_server(a, text, s))
		s->never = AUTHORITY_BAD;
	s->next = *slot;
	*slot = s;
	return s;
}

/* ---- a query's end ---- */

static void leave_wire(struct authority *a, struct query *q)
{
	if (q->step == OVER_UDP || q->step >= TCP_QUEUED) {
		if (a->by_id[q->id] == q)
			a->by_id[q->id] = NULL;
		a->in_flight -= q->step != QUEUED && q->step != DONE;
	}
	if (q->tcp >= 0) {
		close(q->tcp);
		q->tcp = -1;
		a->tcps--;
	}
}

static void finish(struct authority *a, struct query *q, enum authority_result r, const char *why)
{
	leave_wire(a, q);
	q->step = DONE;
	a->n_active--;
	a->active[q->place] = a->active[a->n_active];
	a->active[q->place]->place = q->place;
	q->reply.result = r;
	q->reply.why = why;
	q->reply.rr = q->rr;
}

/* ---- asking ---- */

static size_t encode(const struct query *q, uint8_t *p)
{
	return authority_query(q->name, q->type, q->id, !q->no_edns, p);
}

static bool new_id(struct authority *a, struct query *q)
{
	uint16_t r[2];
	int i, n = 0, want = q->server->sa.ss_family;

	do
		if (getrandom(r, sizeof r, 0) != sizeof r)
			return false;
	while (a->by_id[r[0]]);
	q->id = r[0];
	for (i = 0; i < SOCKETS; i++)
		n += a->sock[i].family == want && a->sock[i].fd >= 0;
	if (n == 0)
		return false;
	n = r[1] % n;
	for (i = 0; i < SOCKETS; i++)
		if (a->sock[i].family == want && a->sock[i].fd >= 0 && n-- == 0)
			q->sock = i;
	a->by_id[q->id] = q;
	return true;
}

static void send_udp(struct authority *a, struct query *q, int64_t now)
{
	uint8_t p[QUERY_BYTES];
	size_t n = encode(q, p);

	if (sendto(a->sock[q->sock].fd, p, n, MSG_NOSIGNAL, (struct sockaddr *)&q->server->sa, q->server->sa_len) >= 0) {
		q->tries++;
		q->next_ms = q->tries >= 3 ? q->until_ms : now + (int64_t)AUTHORITY_RETRY_MS * q->tries;
	} else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
		q->next_ms = now + 20;
	} else {
		finish(a, q, AUTHORITY_UNREACHABLE, authority_words(AUTHORITY_UNREACHABLE, 0));
	}
}

static void start(struct authority *a, struct query *q, int64_t now)
{
	if (!new_id(a, q)) {
		finish(a, q, AUTHORITY_UNREACHABLE, authority_words(AUTHORITY_UNREACHABLE, 0));
		return;
	}
	q->step = OVER_UDP;
	a->in_flight++;
	send_udp(a, q, now);
}

static bool activate(struct authority *a, struct query *q)
{
	if (a->n_active == a->max_active) {
		size_t max = a->max_active ? 2 * a->max_active : 256;
		struct query **more = reallocarray(a->active, max, sizeof *more);

		if (!more)
			return false;
		a->active = more;
		a->max_active = max;
	}
	q->place = a->n_active;
	a->active[a->n_active++] = q;
	return true;
}

static void first_ask(struct authority *a, struct query *q)
{
	uint8_t p[QUERY_BYTES];
	int64_t now = now_ms();

	q->until_ms = now + a->timeout_ms;
	if (q->server->never || encode(q, p) == 0)
		finish(a, q, q->server->never ? q->server->never : AUTHORITY_BAD,
			q->server->never == AUTHORITY_PRIVATE ? authority_words(AUTHORITY_PRIVATE, 0) : "is no address, or asked for no name");
	else if (q->server->silent == AUTHORITY_DEAD_AFTER)
		finish(a, q, AUTHORITY_TIMEOUT, "did not answer before");
	else if (a->in_flight < AUTHORITY_MAX_QUERIES)
		start(a, q, now);
}

static struct query *query_new(struct authority *a, const char *server, const char *name, uint16_t type)
{
	struct query *q = calloc(1, sizeof *q);
	size_t n = strlen(name);

	if (!q)
		return NULL;
	q->tcp = -1;
	q->type = type;
	q->reply.why = "";
	q->server = server_of(a, server);
	q->name = strndup(name, n > 0 && name[n - 1] == '.' ? n - 1 : n);
	if (q->server && q->name && activate(a, q))
		return q;
	query_free(q);
	return NULL;
}

enum authority_result authority_ask(struct authority *a, const char *server, const char *name, uint16_t type,
	const struct authority_reply **out)
{
	static const struct authority_reply no_memory = { .result = AUTHORITY_UNREACHABLE, .why = "out of memory" };
	size_t n = strlen(name);
	struct query **slot, *q;

	n -= n > 0 && name[n - 1] == '.';
	slot = &a->asked[(hash(server, strlen(server), type) ^ hash(name, n, 3)) % BUCKETS];
	for (q = *slot; q; q = q->next)
		if (q->type == type && strlen(q->name) == n && strncasecmp(q->name, name, n) == 0 && strcmp(q->server->text, server) == 0)
			break;
	if (!q) {
		q = query_new(a, server, name, type);
		if (!q) {
			*out = &no_memory;
			return no_memory.result;
		}
		q->next = *slot;
		*slot = q;
		first_ask(a, q);
	}
	*out = q->step == DONE ? &q->reply : NULL;
	return q->step == DONE ? q->reply.result : AUTHORITY_PENDING;
}

/* ---- replies ---- */

static void start_tcp(struct authority *a, struct query *q)
{
	q->step = TCP_QUEUED;
	if (a->tcps >= AUTHORITY_MAX_TCP)
		return;
	q->tcp = socket(q->server->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->tcp < 0)
		return;		/* no descriptor now: tried again until its time is over */
	a->tcps++;
	if ((connect(q->tcp, (struct sockaddr *)&q->server->sa, q->server->sa_len) != 0 && errno != EINPROGRESS) ||
			epoll_ctl(a->ep, EPOLL_CTL_ADD, q->tcp, &(struct epoll_event){ .events = EPOLLOUT, .data.ptr = q }) != 0) {
		finish(a, q, AUTHORITY_SERVFAIL, "truncates its answer and takes no TCP");
		return;
	}
	q->step = TCP_CONNECT;
}

static void take(struct authority *a, struct query *q, const uint8_t *p, size_t n, bool tcp)
{
	enum authority_result r = AUTHORITY_BAD;
	int rcode = 0;
	enum status st = authority_parse(p, n, q->id, q->name, q->type, &r, &rcode, &q->rr, &q->reply.n, &q->text);

	q->server->silent = UINT32_MAX / 2;
	if (st == ST_LIMIT && !tcp) {
		start_tcp(a, q);
	} else if (st == ST_OK && (rcode == FORMERR || rcode == NOTIMP) && !q->no_edns && !tcp) {
		free(q->rr);	/* a server from before 1999: once more without EDNS */
		q->rr = NULL;
		q->reply.n = 0;
		buf_clear(&q->text);
		q->no_edns = true;
		send_udp(a, q, now_ms());
	} else if (st == ST_OK || tcp) {
		q->reply.tcp = tcp;
		finish(a, q, st == ST_NOMEM ? AUTHORITY_UNREACHABLE : r, authority_words(r, rcode));
	} else {
		q->saw_bad = true;	/* or somebody else's guess at an answer: the true one may come */
	}
}

static bool from_server(const struct query *q, const struct sockaddr_storage *from)
{
	const struct sockaddr_in *f4 = (const void *)from, *s4 = (const void *)&q->server->sa;
	const struct sockaddr_in6 *f6 = (const void *)from, *s6 = (const void *)&q->server->sa;

	if (from->ss_family != q->server->sa.ss_family)
		return false;
	if (from->ss_family == AF_INET)
		return f4->sin_port == s4->sin_port && f4->sin_addr.s_addr == s4->sin_addr.s_addr;
	return f6->sin6_port == s6->sin6_port && memcmp(&f6->sin6_addr, &s6->sin6_addr, 16) == 0;
}

static void read_socket(struct authority *a, struct sock *s)
{
	uint8_t p[UDP_MAX_BYTES];
	struct sockaddr_storage from;
	int i;

	for (i = 0; i < 1000; i++) {
		socklen_t from_len = sizeof from;
		ssize_t n = recvfrom(s->fd, p, sizeof p, 0, (struct sockaddr *)&from, &from_len);
		struct query *q;

		if (n < 0)
			return;
		if (n < 12)
			continue;
		q = a->by_id[p[0] << 8 | p[1]];
		if (q && q->step == OVER_UDP && &a->sock[q->sock] == s && from_server(q, &from))
			take(a, q, p, (size_t)n, false);
	}
}

static void tcp_failed(struct authority *a, struct query *q)
{
	finish(a, q, AUTHORITY_SERVFAIL, "truncates its answer and takes no TCP");
}

static void write_tcp(struct authority *a, struct query *q)
{
	uint8_t p[2 + QUERY_BYTES];
	size_t n = encode(q, p + 2);

	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
	q->in = malloc(2 + 65535);
	/* Under 300 bytes into an empty socket buffer: all of it or nothing. */
	if (!q->in || send(q->tcp, p, n + 2, MSG_NOSIGNAL) != (ssize_t)n + 2 ||
			epoll_ctl(a->ep, EPOLL_CTL_MOD, q->tcp, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = q }) != 0) {
		tcp_failed(a, q);
		return;
	}
	q->in_len = 0;
	q->in_want = 2;
	q->step = TCP_READ;
}

static void read_tcp(struct authority *a, struct query *q)
{
	for (;;) {
		ssize_t n = recv(q->tcp, q->in + q->in_len, q->in_want - q->in_len, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			tcp_failed(a, q);
			return;
		}
		q->in_len += (size_t)n;
		if (q->in_len < q->in_want)
			continue;
		if (q->in_want == 2)
			q->in_want += (size_t)(q->in[0] << 8 | q->in[1]);
		if (q->in_len == q->in_want) {
			take(a, q, q->in + 2, q->in_len - 2, true);
			return;
		}
	}
}

static void on_event(struct authority *a, const struct epoll_event *e)
{
	struct query *q = e->data.ptr;

	if (*(int *)e->data.ptr)
		read_socket(a, e->data.ptr);
	else if (q->step == TCP_CONNECT)
		write_tcp(a, q);
	else if (q->step == TCP_READ)
		read_tcp(a, q);
}

/* ---- waiting ---- */

static void silent(struct authority *a, struct query *q)
{
	struct server *s = q->server;
	enum authority_result r;

	if (q->step != QUEUED && s->silent < AUTHORITY_DEAD_AFTER)
		s->silent++;
	r = q->saw_bad ? AUTHORITY_BAD : AUTHORITY_TIMEOUT;
	finish(a, q, r, authority_words(r, 0));
}

/* What time brings: repetitions, ends, places. Returns when it is next to be looked at. */
static int64_t on_time(struct authority *a, int64_t now)
{
	int64_t next = now + 1000;
	size_t i = 0;

	while (i < a->n_active) {
		struct query *q = a->active[i];

		if (now >= q->until_ms)
			silent(a, q);
		else if (q->step == QUEUED && a->in_flight < AUTHORITY_MAX_QUERIES)
			start(a, q, now);
		else if (q->step == TCP_QUEUED)
			start_tcp(a, q);
		else if (q->step == OVER_UDP && now >= q->next_ms)
			send_udp(a, q, now);
		if (i >= a->n_active || a->active[i] != q)
			continue;	/* finished: another one is in its place */
		if (q->step == OVER_UDP && q->next_ms < next)
			next = q->next_ms;
		if (q->until_ms < next)
			next = q->until_ms;
		i++;
	}
	return next;
}

enum status authority_wait(struct authority *a, int wait_ms)
{
	int64_t end = wait_ms < 0 ? INT64_MAX : now_ms() + wait_ms, now, next;
	size_t before = a->n_active;
	struct epoll_event e[64];
	int i, n;

	if (before == 0)
		return ST_END;
	for (;;) {
		now = now_ms();
		next = on_time(a, now);
		if (a->n_active < before)
			wait_ms = 0;
		else
			wait_ms = (int)((next < end ? next : end) - now);
		n = epoll_wait(a->ep, e, 64, wait_ms > 0 ? wait_ms : 0);
		if (n < 0 && errno != EINTR) {
			while (a->n_active > 0)
				finish(a, a->active[0], AUTHORITY_UNREACHABLE, authority_words(AUTHORITY_UNREACHABLE, 0));
			return st_fail_errno("waiting for name servers");
		}
		for (i = 0; i < n; i++)
			on_event(a, &e[i]);
		if (a->n_active < before || now_ms() >= end)
			return ST_OK;
	}
}

size_t authority_pending(const struct authority *a) { return a->n_active; }
int authority_fd(const struct authority *a) { return a->ep; }
