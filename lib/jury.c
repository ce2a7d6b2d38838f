/* jury.c - see jury.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "jury.h"
#include "sandbox.h"
#include "workdir.h"

/* Questions carry a memfd; both are one packet. */
struct question { enum look how; size_t size; };
struct answer { enum verdict verdict; char reason[24], name[LEDGER_NAME_BYTES]; };

static enum status send_fd(int to, const struct question *q, int fd)
{
	union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u = {0};
	struct iovec iov = { (void *)q, sizeof *q };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.space, .msg_controllen = sizeof u.space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	return sendmsg(to, &m, MSG_NOSIGNAL) == sizeof *q ? ST_OK : st_fail_errno("ask the scanner");
}

static bool receive_fd(int from, struct question *q, int *fd)
{
	union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u;
	struct iovec iov = { q, sizeof *q };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.space, .msg_controllen = sizeof u.space };
	ssize_t n;

	do
		n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	struct cmsghdr *c = n == sizeof *q ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(fd, CMSG_DATA(c), sizeof *fd);
	return true;
}

static void reply(int fd, const struct finding *f)
{
	struct answer a = { .verdict = f->verdict };

	snprintf(a.reason, sizeof a.reason, "%s", f->reason ? f->reason : "");
	snprintf(a.name, sizeof a.name, "%s", f->name);
	if (send(fd, &a, sizeof a, MSG_NOSIGNAL) != sizeof a)
		_exit(EX_WEIR_IO);
}

/* The scanning process. Ends with 0 when there are no more questions; anything else is a crash. */
static _Noreturn void scan_all(struct scanner *s, const char *base, const struct scratch *memory, unsigned timeout_s, int fd)
{
	char dir[4096], fast[80];
	struct question q;
	struct finding f;
	struct buf b = {0};
	int what;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (workdir_make(base, getpid(), dir, sizeof dir) != ST_OK
	    || (memory && workdir_make(memory->path, getpid(), fast, sizeof fast) != ST_OK)
	    || scanner_start(s, dir, memory ? fast : NULL) != ST_OK)
		_exit(EX_WEIR_IO);
	if (sandbox_enter(&(struct sandbox_opts){ .profile = "weir-scan", .unix_sockets = 1,
			.also = (struct sandbox_path[]){ { dir, SANDBOX_WRITE },
			{ memory ? fast : NULL, SANDBOX_WRITE }, { 0 } } }) != ST_OK ||
			sandbox_worker() != ST_OK)
		_exit(EX_WEIR_IO);
	while (receive_fd(fd, &q, &what)) {
		alarm(timeout_s);
		f = (struct finding){ .verdict = VERDICT_UNSCANNED, .reason = finding_reason("error") };
		if (file_read_fd(what, 0, (int64_t)q.size, SIZE_MAX / 2, &b) == ST_OK)
			scanner_look(s, q.how, buf_cstr(&b), b.len, &f);
		alarm(0);
		close(what);
		reply(fd, &f);
	}
	_exit(0);
}

/* Keeps a scanning process; answers for one that died. */
static _Noreturn void keep(struct scanner *s, const char *base, const struct scratch *memory, unsigned timeout_s, int fd)
{
	struct finding crash = { .verdict = VERDICT_UNSCANNED, .reason = finding_reason("crash") };
	int ws = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (ws != 0) {
		pid_t pid = fork();
		if (pid < 0)
			_exit(EX_WEIR_AGAIN);
		if (pid == 0)
			scan_all(s, base, memory, timeout_s, fd);
		while (waitpid(pid, &ws, 0) < 0 && errno == EINTR)
			;
		workdir_remove(base, pid);
		if (memory)
			workdir_remove(memory->path, pid);
		if (WIFEXITED(ws) && WEXITSTATUS(ws) != 0)
			_exit(EX_WEIR_IO);	/* it could not even begin */
		if (ws != 0)
			reply(fd, &crash);
	}
	_exit(0);
}

enum status jury_open(struct scanner *s, const char *base, const struct scratch *memory, unsigned timeout_s, struct jury *out)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return st_fail_errno("socketpair");
	pid_t pid = fork();
	if (pid == 0) {
		close(fd[0]);
		keep(s, base, memory, timeout_s, fd[1]);
	}
	close(fd[1]);
	if (pid < 0) {
		close(fd[0]);
		return st_fail_errno("fork");
	}
	*out = (struct jury){ fd[0], pid };
	return ST_OK;
}

enum status jury_ask(struct jury *j, enum look how, const void *p, size_t n, struct finding *out)
{
	struct question q = { how, n };
	struct answer a;
	ssize_t got;
	int fd = memfd_create("weir-scan", MFD_CLOEXEC);

	if (fd < 0)
		return st_fail_errno("memory for the scanner");
	enum status st = file_write_all(fd, p, n);
	if (st == ST_OK)
		st = send_fd(j->fd, &q, fd);
	close(fd);
	if (st != ST_OK)
		return st;
	do
		got = recv(j->fd, &a, sizeof a, 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof a || memchr(a.name, 0, sizeof a.name) == NULL
	    || memchr(a.reason, 0, sizeof a.reason) == NULL)
		return st_fail(ST_IO, "the scanner does not answer");
	*out = (struct finding){ .verdict = a.verdict, .reason = finding_reason(a.reason) };
	snprintf(out->name, sizeof out->name, "%s", a.name);
	if (a.verdict == VERDICT_UNSCANNED && !out->reason)
		out->reason = finding_reason("error");
	return ST_OK;
}

void jury_close(struct jury *j)
{
	if (!j->keeper)
		return;
	shutdown(j->fd, SHUT_RDWR);
	close(j->fd);
	while (waitpid(j->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	*j = (struct jury){0};
}
