/*
 * reread.c - see reread.h.
 *
 * Both ways: a struct head, then that many bytes. The child leaves its answer in a memory file, so that a
 * child that dies half way leaves nothing in the pipe.
 */
#include "reread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "sandbox.h"

struct head { uint64_t len; struct message_opts opts; int status; };
struct reread { int fd; pid_t pid; };

static enum status read_all(int fd, void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t got = read(fd, at, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? ST_END : st_fail_errno("reread: read");
		at += got;
		n -= (size_t)got;
	}
	return ST_OK;
}

/* ---- the child that may die ---- */

static void limit(int what, rlim_t n)
{
	struct rlimit rl = { n, n };

	setrlimit(what, &rl);
}

/* What is mapped already does not count: under a sanitizer that is terabytes. */
static void limit_memory(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL)
		return;
	if (fscanf(f, "%lu", &pages) == 1)
		limit(RLIMIT_AS, pages * (rlim_t)sysconf(_SC_PAGESIZE) + REREAD_MEMORY_BYTES);
	fclose(f);
}

static _Noreturn void parse(char *raw, size_t len, const struct message_opts *o, int out)
{
	struct mime_limits limits = { 0 };
	struct mime *m = NULL;
	struct buf b = { 0 };
	enum status st;

	limit(RLIMIT_CPU, REREAD_CPU_S);
	limit_memory();
	limit(RLIMIT_CORE, 0);
	signal(SIGALRM, SIG_DFL);
	alarm(REREAD_WALL_S);
	mime_init();
	st = sandbox_worker();
	if (st == ST_OK)
		st = mime_parse(raw, len, &limits, &m);
	buf_chr(&b, '{');
	if (st == ST_OK)
		st = message_json(m, o, &b);
	buf_chr(&b, '}');
	if (st == ST_OK && !buf_ok(&b))
		st = ST_NOMEM;
	if (st == ST_OK)
		st = file_write_all(out, b.p, b.len);
	_exit(st == ST_OK ? 0 : 1);
}

/* ---- the helper ---- */

static enum status ask_child(char *raw, const struct head *h, struct buf *answer)
{
	int out = memfd_create("reread", MFD_CLOEXEC), how = 0;
	enum status st = ST_OK;
	pid_t pid;

	if (out < 0)
		return st_fail_errno("reread: memory file");
	pid = fork();
	if (pid == 0)
		parse(raw, h->len, &h->opts, out);
	if (pid < 0)
		st = st_fail_errno("reread: fork");
	while (pid > 0 && waitpid(pid, &how, 0) < 0 && errno == EINTR)
		;
	if (st == ST_OK && (!WIFEXITED(how) || WEXITSTATUS(how) != 0))
		st = ST_BAD;
	if (st == ST_OK)
		st = file_read_fd(out, 0, -1, 4u * MESSAGE_MAX_BYTES, answer);
	close(out);
	return st;
}

static _Noreturn void serve(int fd)
{
	struct buf raw = { 0 }, answer = { 0 };
	struct head h;

	signal(SIGINT, SIG_DFL);
	if (sandbox_enter(&(struct sandbox_opts){ .profile = "weir-parse" }) != ST_OK)
		_exit(EX_WEIR_IO);
	while (read_all(fd, &h, sizeof(h)) == ST_OK) {
		buf_clear(&raw);
		buf_clear(&answer);
		if (h.len > MESSAGE_MAX_BYTES || !buf_room(&raw, h.len + 1) || read_all(fd, raw.p, h.len) != ST_OK)
			break;
		h.status = ask_child(raw.p, &h, &answer);
		h.len = h.status == ST_OK ? answer.len : 0;
		if (file_write_all(fd, &h, sizeof(h)) != ST_OK || file_write_all(fd, answer.p, h.len) != ST_OK)
			break;
	}
	_exit(0);
}

enum status reread_start(struct reread **out)
{
	struct reread *r = calloc(1, sizeof(*r));
	int fds[2];

	if (r == NULL)
		return st_fail(ST_NOMEM, "reread: out of memory");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		free(r);
		return st_fail_errno("reread: socketpair");
	}
	r->pid = fork();
	if (r->pid == 0) {
		close(fds[0]);
		serve(fds[1]);
	}
	close(fds[1]);
	if (r->pid < 0) {
		close(fds[0]);
		free(r);
		return st_fail_errno("reread: fork");
	}
	r->fd = fds[0];
	*out = r;
	return ST_OK;
}

static enum status gone(enum status st)
{
	return st == ST_END ? st_fail(ST_BUG, "reread: the helper process is gone") : st;
}

enum status reread_message(struct reread *r, const void *raw, size_t len, const struct message_opts *o, struct buf *json)
{
	struct head h = { .len = len, .opts = *o };
	enum status st;

	if (len > MESSAGE_MAX_BYTES)
		return st_fail(ST_LIMIT, "reread: longer than MESSAGE_MAX_BYTES");
	buf_clear(json);
	st = file_write_all(r->fd, &h, sizeof(h));
	if (st == ST_OK)
		st = file_write_all(r->fd, raw, len);
	if (st == ST_OK)
		st = gone(read_all(r->fd, &h, sizeof(h)));
	if (st != ST_OK)
		return st;
	if (h.status != ST_OK)
		return st_fail(ST_BAD, "the message cannot be parsed again");
	if (!buf_room(json, h.len + 1))
		return st_fail(ST_NOMEM, "reread: out of memory");
	st = gone(read_all(r->fd, json->p, h.len));
	if (st == ST_OK) {
		json->len = h.len;
		json->p[h.len] = '\0';
		st = json_valid(json->p, json->len);
	}
	return st;
}

void reread_stop(struct reread **r)
{
	if (*r == NULL)
		return;
	close((*r)->fd);
	while (waitpid((*r)->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(*r);
	*r = NULL;
}
