/* pool.c - the parent's side of a pool, see pool.h and pool_child.h */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cli.h"
#include "pool.h"
#include "pool_child.h"

#define WINDOW_NS	5000000	/* work a worker is given in advance */
#define WINDOW_MAX	64	/* records of it, at most */
#define PENDING_BYTES	(64u << 20)	/* lines held at once, all workers */
#define KEEP_BYTES	(64u << 10)	/* a slot's buffer larger than that is freed after use */
#define IDLE_DEATHS_MAX	3	/* workers that die before their first record, in a row */

enum slot_state { SLOT_FREE, SLOT_QUEUED, SLOT_SENT, SLOT_DONE };

/* A record from its reading to its writing; ring[seq % slots]. */
struct slot {
	enum slot_state state;
	int worker;
	int deaths;		/* workers that died of it, so far */
	enum status st;		/* of each(); text if that failed */
	char text[POOL_MAX_TEXT];
	struct buf line, extra;
	struct rec rec;		/* points into line */
};

struct worker {
	pid_t pid;		/* 0: none */
	int fd;
	struct buf to, from;	/* to.p[sent..) waits to be sent */
	size_t sent, in_flight;
	bool timed_out;
	bool alone;		/* it is at a record that is tried again, and gets no other */
	uint64_t progress_ns;	/* when it was given its first or gave its last */
};

struct pool {
	const struct pool_opts *opts;
	struct rec_io *io;
	struct pool_shared *shared;
	struct worker worker[POOL_MAX_WORKERS];
	struct slot *ring;
	size_t slots, bytes;
	uint64_t head, tail;	/* seq of the oldest pending, and of the next to come */
	bool eof, stop;		/* stop: no more work, the status says why */
	int idle_deaths, status;
};

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

static struct slot *slot_of(struct pool *p, uint64_t seq)
{
	return &p->ring[seq % p->slots];
}

static void give_up(struct pool *p, int status)
{
	p->status = st_worse(p->status, status);
	p->stop = true;
}

/* ---- workers come ---- */

static void forget_others(struct pool *p)
{
	int i;

	for (i = 0; i < p->opts->workers; i++)
		if (p->worker[i].pid)
			close(p->worker[i].fd);
}

static enum status spawn(struct pool *p, int i)
{
	struct worker *w = &p->worker[i];
	pid_t parent = getpid(), pid;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return st_fail_errno("socketpair");
	memset(&p->shared[i], 0, sizeof p->shared[i]);
	pid = fork();
	if (pid < 0) {
		close(fd[0]);
		close(fd[1]);
		return st_fail_errno("fork");
	}
	if (pid == 0) {
		close(fd[0]);
		forget_others(p);
		pool_child(p->opts, i, fd[1], &p->shared[i], parent);
	}
	close(fd[1]);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	w->pid = pid;
	w->fd = fd[0];
	w->timed_out = w->alone = false;
	w->in_flight = w->sent = 0;
	buf_clear(&w->to);
	buf_clear(&w->from);
	return ST_OK;
}

/* ---- work goes out ---- */

static size_t window(const struct pool *p, int i)
{
	uint64_t count = p->shared[i].count, each_ns;
	size_t n;

	if (count == 0)
		return 4;
	each_ns = p->shared[i].busy_ns / count;
	n = each_ns ? (size_t)(WINDOW_NS / each_ns) : WINDOW_MAX;
	return n < 2 ? 2 : n > WINDOW_MAX ? WINDOW_MAX : n;
}

/* The worker with most room, or NULL. */
static struct worker *idlest(struct pool *p)
{
	struct worker *best = NULL;
	int i;

	for (i = 0; i < p->opts->workers; i++) {
		struct worker *w = &p->worker[i];

		if (!w->pid || w->timed_out || w->alone || w->in_flight >= window(p, i))
			continue;
		if (!best || w->in_flight < best->in_flight)
			best = w;
	}
	return best;
}

static void assign(struct pool *p)
{
	uint64_t seq;

	for (seq = p->head; seq < p->tail; seq++) {
		struct slot *s = slot_of(p, seq);
		struct pool_request q = { .seq = seq };
		struct worker *w;

		if (s->state != SLOT_QUEUED)
			continue;
		w = idlest(p);
		if (!w || (s->deaths && w->in_flight))
			return;
		w->alone = s->deaths > 0;
		q.number = (uint32_t)s->rec.number;
		q.len = (uint32_t)s->rec.len;
		if (!buf_room(&w->to, sizeof q + q.len)) {
			buf_clear(&w->to);	/* half a frame is worse than a new worker */
			kill(w->pid, SIGKILL);
			return;
		}
		buf_add(&w->to, &q, sizeof q);
		buf_add(&w->to, s->rec.line, q.len);
		if (w->in_flight++ == 0)
			w->progress_ns = pool_now_ns();
		s->state = SLOT_SENT;
		s->worker = (int)(w - p->worker);
	}
}

/* As much as the socket takes. A dead worker shows when it is read from. */
static void send_some(struct worker *w)
{
	ssize_t n;

	while (w->pid && w->sent < w->to.len) {
		n = send(w->fd, w->to.p + w->sent, w->to.len - w->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		w->sent += (size_t)n;
	}
	w->sent = 0;
	buf_clear(&w->to);
}

/* ---- results come back ---- */

/* One JSON object without a newline, as each() promises. */
static enum status check_members(const char *text, size_t len)
{
	struct json_pair member[RECORD_MAX_KEYS];
	enum status st;
	size_t n;

	if (memchr(text, '\n', len))
		return st_fail(ST_BUG, "newline in a result");
	st = json_object(text, len, member, RECORD_MAX_KEYS, &n);
	return st == ST_OK || st == ST_LIMIT ? st : st_fail(ST_BUG, "result: %s", st_text());
}

static void set_result(struct slot *s, enum status st, const char *text, size_t text_len)
{
	s->st = st;
	s->state = SLOT_DONE;
	text_len = text_len < sizeof s->text ? text_len : sizeof s->text - 1;
	memcpy(s->text, text, text_len);
	s->text[text_len] = '\0';
}

/* False if the worker talks nonsense. */
static bool take_reply(struct pool *p, int i, const struct pool_reply *r, const char *body)
{
	struct slot *s = slot_of(p, r->seq);
	struct worker *w = &p->worker[i];
	const char *extra = body + r->text_len;
	enum status st = (enum status)r->status;

	if (r->seq == POOL_START_SEQ) {
		st_fail(st, "%.*s", (int)r->text_len, body);
		give_up(p, cli_fail(st, "worker"));
		return true;
	}
	if (r->seq < p->head || r->seq >= p->tail || s->state != SLOT_SENT || s->worker != i)
		return false;
	set_result(s, st, body, r->text_len);
	buf_clear(&s->extra);
	if (r->extra_len > 2) {
		st = check_members(extra, r->extra_len);
		if (st != ST_OK)
			set_result(s, st, st_text(), strlen(st_text()));
		else
			buf_add(&s->extra, extra + 1, r->extra_len - 2);
	}
	w->in_flight--;
	w->alone = false;
	w->progress_ns = pool_now_ns();
	p->idle_deaths = 0;
	return true;
}

static bool take_replies(struct pool *p, int i)
{
	struct buf *b = &p->worker[i].from;
	struct pool_reply r;
	size_t at = 0, need;
	bool sane = true;

	while (sane && b->len - at >= sizeof r) {
		memcpy(&r, b->p + at, sizeof r);
		if (r.text_len > POOL_MAX_TEXT || r.extra_len > RECORD_MAX_BYTES + 2 || r.status > ST_BUG)
			return false;
		need = sizeof r + r.text_len + r.extra_len;
		if (b->len - at < need)
			break;
		sane = take_reply(p, i, &r, b->p + at + sizeof r);
		at += need;
	}
	memmove(b->p, b->p + at, b->len - at);
	b->len -= at;
	return sane;
}

/* ---- workers go ---- */

static enum pool_failure why_dead(const struct pool *p, const struct worker *w, int ws,
	const struct rusage *usage)
{
	size_t rss = (size_t)usage->ru_maxrss * 1024;

	if (w->timed_out || (WIFSIGNALED(ws) && WTERMSIG(ws) == SIGXCPU))
		return POOL_TIMEOUT;
	if (WIFEXITED(ws) && WEXITSTATUS(ws) == POOL_EXIT_MEMORY)
		return POOL_MEMORY;
	/* GLib and the like abort when malloc fails, and a buffer that cannot
	 * be doubled has half of the limit. */
	if (p->opts->memory_bytes && WIFSIGNALED(ws) && rss >= p->opts->memory_bytes / 2)
		return POOL_MEMORY;
	return POOL_CRASH;
}

static void fail_record(struct pool *p, struct slot *s, enum pool_failure why, int detail)
{
	static const char *const words[] = { "crashed", "ran out of time", "ran out of memory" };

	buf_clear(&s->extra);
	p->opts->failed(p->opts->arg, &s->rec, why, detail, &s->extra);
	cli_warn("%s: worker %s (%d)", rec_label(&s->rec), words[why], detail);
	s->state = SLOT_DONE;
	s->st = ST_OK;
	if (s->extra.len > 6 && memcmp(s->extra.p, "\"hold\"", 6) == 0)
		p->status = st_worse(p->status, EX_WEIR_AGAIN);
}

/* What a worker died of may be none of its record's doing: the kernel short of memory, or a person, kills
 * as well. So the record is tried once more, by itself. Not after our own limits: they would be met again. */
static void blame(struct pool *p, struct slot *s, enum pool_failure why, int detail)
{
	bool ours = why == POOL_TIMEOUT || (why == POOL_MEMORY && detail != SIGKILL);

	if (ours || s->deaths++ > 0)
		fail_record(p, s, why, detail);
	else
		cli_warn("%s: worker died (%d), tried once more", rec_label(&s->rec), detail);
}

/* The one it was at, else the first it had not answered; the rest is queued again. One that
 * died in start() was at none. */
static void settle_unanswered(struct pool *p, int i, enum pool_failure why, int detail)
{
	bool ready = __atomic_load_n(&p->shared[i].ready, __ATOMIC_ACQUIRE);
	uint64_t seq, at = __atomic_load_n(&p->shared[i].seq, __ATOMIC_ACQUIRE);
	struct slot *victim = NULL, *first = NULL;

	for (seq = p->head; seq < p->tail; seq++) {
		struct slot *s = slot_of(p, seq);

		if (s->state != SLOT_SENT || s->worker != i)
			continue;
		if (!first)
			first = s;
		if (seq == at)
			victim = s;
		s->state = SLOT_QUEUED;
	}
	if (!victim)
		victim = first;
	if (victim && ready)
		blame(p, victim, why, detail);
}

static void bury(struct pool *p, int i)
{
	struct worker *w = &p->worker[i];
	struct rusage usage = { 0 };
	enum pool_failure why;
	int ws = 0, detail;
	pid_t pid = w->pid, got;

	kill(pid, SIGKILL);	/* one that closed its socket but lives on */
	do
		got = wait4(pid, &ws, 0, &usage);
	while (got < 0 && errno == EINTR);
	close(w->fd);
	w->pid = 0;
	why = why_dead(p, w, ws, &usage);
	detail = why == POOL_TIMEOUT ? (int)(w->timed_out ? p->opts->timeout_ms : p->shared[i].cpu_ms) : WIFSIGNALED(ws) ? WTERMSIG(ws) : 0;
	if (p->opts->ended)
		p->opts->ended(p->opts->arg, pid, i);
	if (p->stop)
		return;
	/* One that is killed while it waits for work is replaced when there is some. */
	if (!p->shared[i].ready && ++p->idle_deaths >= IDLE_DEATHS_MAX) {
		cli_warn("workers end before they begin");
		give_up(p, EX_WEIR_BUG);
		return;
	}
	settle_unanswered(p, i, why, detail);
}

static void read_worker(struct pool *p, int i)
{
	struct worker *w = &p->worker[i];
	bool dead = false;
	ssize_t n;

	for (;;) {
		if (!buf_room(&w->from, 128u << 10)) {
			dead = true;
			break;
		}
		n = recv(w->fd, w->from.p + w->from.len, w->from.cap - w->from.len - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			dead = n == 0 || errno != EAGAIN;
			break;
		}
		w->from.len += (size_t)n;
		if (!take_replies(p, i)) {
			cli_warn("worker %d talks nonsense", i);
			dead = true;
			break;
		}
	}
	if (dead)
		bury(p, i);
}

/* ---- the loop ---- */

static void take_record(struct pool *p, const struct rec *rec)
{
	struct slot *s = slot_of(p, p->tail);
	size_t i;

	buf_clear(&s->line);
	buf_clear(&s->extra);
	buf_add(&s->line, rec->line, rec->len);
	if (!buf_ok(&s->line)) {
		st_fail(ST_NOMEM, "out of memory");
		give_up(p, cli_fail(ST_NOMEM, rec_label(rec)));
		return;
	}
	s->rec = *rec;
	s->rec.line = s->line.p;
	for (i = 0; i < rec->keys; i++) {
		s->rec.key[i].key.p = s->line.p + (rec->key[i].key.p - rec->line);
		s->rec.key[i].value.p = s->line.p + (rec->key[i].value.p - rec->line);
	}
	s->st = ST_OK;
	s->deaths = 0;
	s->state = rec_stopped(rec) ? SLOT_DONE : SLOT_QUEUED;
	p->bytes += rec->len;
	p->tail++;
}

static bool wants_input(const struct pool *p)
{
	return !p->eof && !p->stop && p->tail - p->head < p->slots && p->bytes < PENDING_BYTES;
}

static void read_records(struct pool *p)
{
	struct rec rec;
	enum status st;

	while (wants_input(p) && rec_ready(p->io)) {
		st = rec_next(p->io, &rec);
		if (st == ST_OK)
			take_record(p, &rec);
		else if (st == ST_END)
			p->eof = true;
		else if (st == ST_BAD || st == ST_LIMIT)
			p->status = st_worse(p->status, cli_fail(st, "standard input"));
		else
			give_up(p, cli_fail(st, "records"));
	}
}

static void release(struct pool *p, struct slot *s)
{
	p->bytes -= s->rec.len;
	s->state = SLOT_FREE;
	if (s->line.cap > KEEP_BYTES)
		buf_free(&s->line);
	if (s->extra.cap > KEEP_BYTES)
		buf_free(&s->extra);
}

static void write_results(struct pool *p)
{
	while (p->head < p->tail && !p->stop) {
		struct slot *s = slot_of(p, p->head);
		int status;

		if (s->state != SLOT_DONE)
			break;
		if (s->st != ST_OK)
			st_fail(s->st, "%s", s->text);
		status = rec_finish(p->io, p->opts->prog, &s->rec, s->st, &s->extra);
		if (status == EX_WEIR_IO && rec_failed(p->io))
			give_up(p, status);
		p->status = st_worse(p->status, status);
		release(p, s);
		p->head++;
	}
}

static void replace_dead(struct pool *p)
{
	enum status st = ST_OK;
	int i, alive = 0;

	for (i = 0; i < p->opts->workers && !p->stop; i++) {
		if (!p->worker[i].pid)
			st = spawn(p, i);
		alive += p->worker[i].pid != 0;
	}
	if (alive == 0 && !p->stop)
		give_up(p, cli_fail(st, "worker"));
}

/* Ends those that are over time; how long until the next one will be. -1: never. */
static int deadline_ms(struct pool *p)
{
	uint64_t limit = (uint64_t)p->opts->timeout_ms * 1000000, now = pool_now_ns(), left;
	uint64_t least = UINT64_MAX;
	int i;

	if (limit == 0)
		return -1;
	for (i = 0; i < p->opts->workers; i++) {
		struct worker *w = &p->worker[i];

		if (!w->pid || w->in_flight == 0 || w->timed_out)
			continue;
		if (now - w->progress_ns >= limit) {
			w->timed_out = true;
			kill(w->pid, SIGKILL);
			continue;
		}
		left = limit - (now - w->progress_ns);
		if (left < least)
			least = left;
	}
	return least == UINT64_MAX ? -1 : (int)(least / 1000000) + 1;
}

static void handle(struct pool *p, const struct pollfd *fds)
{
	int i;

	for (i = 0; i < p->opts->workers; i++) {
		if (fds[i].fd < 0 || !fds[i].revents)
			continue;
		if (fds[i].revents & POLLOUT)
			send_some(&p->worker[i]);
		if (fds[i].revents & ~POLLOUT)
			read_worker(p, i);
	}
}

/* Waits for the workers or for input; whoever waits downstream gets what there is first. */
static void wait_for_more(struct pool *p)
{
	struct pollfd fds[POOL_MAX_WORKERS + 1];
	nfds_t n = (nfds_t)p->opts->workers + 1;
	int i, got;

	for (i = 0; i < p->opts->workers; i++) {
		struct worker *w = &p->worker[i];

		fds[i] = (struct pollfd){ .fd = w->pid ? w->fd : -1, .events = POLLIN };
		if (w->sent < w->to.len)
			fds[i].events |= POLLOUT;
	}
	fds[i] = (struct pollfd){ .fd = wants_input(p) ? 0 : -1, .events = POLLIN };
	got = poll(fds, n, 0);
	if (got == 0) {
		if (rec_flush(p->io) != ST_OK) {
			give_up(p, cli_fail(ST_IO, "write records"));
			return;
		}
		got = poll(fds, n, deadline_ms(p));
	}
	if (got > 0)
		handle(p, fds);
}

static void run(struct pool *p)
{
	int i;

	replace_dead(p);
	while (!p->stop && !caught) {
		read_records(p);
		if (p->tail > p->head)
			replace_dead(p);
		assign(p);
		for (i = 0; i < p->opts->workers; i++)
			send_some(&p->worker[i]);
		write_results(p);
		if (p->eof && p->head == p->tail)
			break;
		if (!p->stop && !(wants_input(p) && rec_ready(p->io)))
			wait_for_more(p);
	}
}

/* Idle workers end when their socket closes; one that does not is ended. */
static void end_workers(struct pool *p)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	int i, tries;

	for (i = 0; i < p->opts->workers; i++) {
		struct worker *w = &p->worker[i];

		if (!w->pid)
			continue;
		shutdown(w->fd, SHUT_RDWR);
		if (p->stop || caught)
			kill(w->pid, SIGKILL);
	}
	p->stop = true;
	for (i = 0; i < p->opts->workers; i++) {
		siginfo_t info = { 0 };

		for (tries = 0; p->worker[i].pid && !info.si_pid && tries < 200; tries++) {
			if (tries)
				nanosleep(&ms, NULL);
			waitid(P_PID, (id_t)p->worker[i].pid, &info, WEXITED | WNOHANG | WNOWAIT);
		}
		if (p->worker[i].pid)
			bury(p, i);
	}
}

static void free_pool(struct pool *p)
{
	size_t i;

	for (i = 0; p->ring && i < p->slots; i++) {
		buf_free(&p->ring[i].line);
		buf_free(&p->ring[i].extra);
	}
	free(p->ring);
	for (i = 0; i < POOL_MAX_WORKERS; i++) {
		buf_free(&p->worker[i].to);
		buf_free(&p->worker[i].from);
	}
	if (p->shared)
		munmap(p->shared, sizeof *p->shared * POOL_MAX_WORKERS);
}

static enum status prepare(struct pool *p)
{
	p->slots = (size_t)(p->opts->workers + 1) * WINDOW_MAX;
	p->head = p->tail = 1;
	p->ring = calloc(p->slots, sizeof *p->ring);
	p->shared = mmap(NULL, sizeof *p->shared * POOL_MAX_WORKERS, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->shared == MAP_FAILED)
		p->shared = NULL;
	if (!p->ring || !p->shared)
		return st_fail(ST_NOMEM, "out of memory");
	return rec_io_open(0, 1, &p->io);
}

/* SA_RESETHAND: the second Ctrl-C works even if the first is never looked at. */
static void catch_signals(struct sigaction old[2])
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	caught = 0;
	sigaction(SIGTERM, &act, &old[0]);
	sigaction(SIGINT, &act, &old[1]);
}

static void restore_signals(const struct sigaction old[2])
{
	sigaction(SIGTERM, &old[0], NULL);
	sigaction(SIGINT, &old[1], NULL);
	if (caught)
		raise(caught);
}

int pool_run(const struct pool_opts *opts)
{
	struct pool *p;
	struct sigaction old[2];
	int status;

	if (opts->workers < 1 || opts->workers > POOL_MAX_WORKERS) {
		cli_warn("workers: 1 to %d, not %d", POOL_MAX_WORKERS, opts->workers);
		return EX_WEIR_USAGE;
	}
	p = calloc(1, sizeof *p);
	if (p)
		p->opts = opts;
	if (!p || prepare(p) != ST_OK) {
		cli_warn("workers: out of memory");
		if (p)
			free_pool(p);
		free(p);
		return EX_WEIR_AGAIN;
	}
	catch_signals(old);
	run(p);
	end_workers(p);
	if (rec_failed(p->io))
		rec_io_close(&p->io);
	else if (rec_io_close(&p->io) != ST_OK)
		p->status = st_worse(p->status, cli_fail(ST_IO, "write records"));
	status = p->status;
	free_pool(p);
	free(p);
	restore_signals(old);
	return status;
}
