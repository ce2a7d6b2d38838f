/* pool_child.c - the worker's side of a pool, see pool_child.h */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "file.h"
#include "pool_child.h"

struct child {
	const struct pool_opts *opts;
	struct pool_shared *shared;
	int fd;
	struct buf in, out, extra;
	size_t begin;		/* in.p[begin..len) is not looked at yet */
	uint64_t oldest_ns;	/* when the first reply in out was put there */
};

uint64_t pool_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One for the process: there is one pool in it. */
static struct { timer_t timer; bool made, armed; struct pool_shared *shared; } cpu;

void pool_limit_cpu(unsigned ms)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGXCPU };

	if (!cpu.made)
		cpu.made = timer_create(CLOCK_PROCESS_CPUTIME_ID, &e, &cpu.timer) == 0;
	if (!cpu.made)
		return;		/* the timeout is still there */
	cpu.shared->cpu_ms = ms;
	cpu.armed = ms > 0;
	timer_settime(cpu.timer, 0, &(struct itimerspec){ .it_value = { ms / 1000, ms % 1000 * 1000000L } }, NULL);
}

static void flush(struct child *c)
{
	if (c->out.len && file_write_all(c->fd, c->out.p, c->out.len) != ST_OK)
		_exit(EX_WEIR_IO);	/* the parent is gone */
	buf_clear(&c->out);
}

static void reply(struct child *c, uint64_t seq, enum status st)
{
	const char *text = st == ST_OK ? "" : st_text();
	struct pool_reply r = {
		.seq = seq,
		.status = st,
		.text_len = (uint32_t)strlen(text),
		.extra_len = (uint32_t)(st == ST_OK && c->extra.len ? c->extra.len + 2 : 0),
	};

	if (c->out.len == 0)
		c->oldest_ns = pool_now_ns();
	buf_add(&c->out, &r, sizeof r);
	buf_add(&c->out, text, r.text_len);
	if (r.extra_len) {
		buf_chr(&c->out, '{');
		buf_add(&c->out, c->extra.p, c->extra.len);
		buf_chr(&c->out, '}');
	}
	if (!buf_ok(&c->out))
		_exit(POOL_EXIT_MEMORY);
}

/* The next whole request in the buffer, or NULL. */
static const char *request(struct child *c, struct pool_request *q)
{
	size_t have = c->in.len - c->begin;
	const char *line;

	if (have < sizeof *q)
		return NULL;
	memcpy(q, c->in.p + c->begin, sizeof *q);
	if (have - sizeof *q < q->len)
		return NULL;
	line = c->in.p + c->begin + sizeof *q;
	c->begin += sizeof *q + q->len;
	return line;
}

static void more(struct child *c)
{
	ssize_t n;

	if (c->begin > 0) {
		memmove(c->in.p, c->in.p + c->begin, c->in.len - c->begin);
		c->in.len -= c->begin;
		c->begin = 0;
	}
	if (!buf_room(&c->in, 256u << 10))
		_exit(POOL_EXIT_MEMORY);
	do
		n = read(c->fd, c->in.p + c->in.len, c->in.cap - c->in.len - 1);
	while (n < 0 && errno == EINTR);
	if (n == 0 && c->opts->finish)
		c->opts->finish(c->opts->arg);
	if (n <= 0)
		_exit(n == 0 ? 0 : EX_WEIR_IO);
	c->in.len += (size_t)n;
}

static void work(struct child *c, const struct pool_request *q, const char *line)
{
	uint64_t began = pool_now_ns();
	enum status st;
	struct rec rec;

	if (c->out.len && began - c->oldest_ns > POOL_LINGER_NS)
		flush(c);
	__atomic_store_n(&c->shared->seq, q->seq, __ATOMIC_RELEASE);
	buf_clear(&c->extra);
	st = rec_parse(&rec, line, q->len);
	rec.number = q->number;
	if (st == ST_OK)
		st = c->opts->each(c->opts->arg, &rec, &c->extra);
	if (st == ST_OK && !buf_ok(&c->extra))
		st = st_fail(ST_NOMEM, "out of memory");
	if (st == ST_NOMEM && c->opts->memory_bytes)
		_exit(POOL_EXIT_MEMORY);
	if (cpu.armed)
		pool_limit_cpu(0);
	reply(c, q->seq, st);
	__atomic_store_n(&c->shared->seq, 0, __ATOMIC_RELEASE);
	c->shared->busy_ns += pool_now_ns() - began;
	c->shared->count++;
}

/* What is mapped already (libraries, signatures) is not counted. */
static void limit_memory(size_t more_bytes)
{
	unsigned long pages = 0;
	struct rlimit limit;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f)
		return;
	if (fscanf(f, "%lu", &pages) == 1) {
		limit.rlim_cur = limit.rlim_max = pages * (rlim_t)sysconf(_SC_PAGESIZE) + more_bytes;
		setrlimit(RLIMIT_AS, &limit);
	}
	fclose(f);
}

/* Signals are the parent's business: it ends us, or its death does. */
static void settle(const struct pool_opts *opts, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_WEIR_IO);
	signal(SIGXCPU, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		if (null > 2)
			close(null);
	}
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (opts->memory_bytes)
		limit_memory(opts->memory_bytes);
}

_Noreturn void pool_child(const struct pool_opts *opts, int index, int fd,
	struct pool_shared *shared, pid_t parent)
{
	struct child c = { .opts = opts, .shared = shared, .fd = fd };
	struct pool_request q;
	const char *line;
	enum status st = ST_OK;

	settle(opts, parent);
	cpu.shared = shared;
	if (opts->start)
		st = opts->start(opts->arg, index);
	if (st != ST_OK) {
		reply(&c, POOL_START_SEQ, st);
		flush(&c);
		_exit(st_exit(st));
	}
	__atomic_store_n(&shared->ready, 1, __ATOMIC_RELEASE);
	for (;;) {
		line = request(&c, &q);
		if (line) {
			work(&c, &q, line);
		} else {
			flush(&c);
			more(&c);
		}
	}
}
