/* clamd.c - see clamd.h. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clamd.h"

#define CHUNK (128u << 10)

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		int err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static bool wait_for(int fd, short what, long deadline)
{
	for (;;) {
		struct pollfd p = { fd, what, 0 };
		long left = deadline - now_ms();
		if (left <= 0)
			return false;
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

static bool send_all(int fd, const void *p, size_t n, long deadline)
{
	for (const char *s = p; n; ) {
		ssize_t w = send(fd, s, n, MSG_NOSIGNAL);
		if (w > 0) {
			s += w;
			n -= (size_t)w;
		} else if (w < 0 && errno != EAGAIN && errno != EINTR) {
			return false;
		} else if (!wait_for(fd, POLLOUT, deadline)) {
			return false;
		}
	}
	return true;
}

/* The reply up to its NUL; -1: none that is whole. */
static int read_reply(int fd, char *line, size_t size, long deadline)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = recv(fd, line + have, size - have, 0);
		if (n == 0)
			return -1;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n < 0 && !wait_for(fd, POLLIN, deadline))
			return -1;
		if (n < 0)
			continue;
		have += (size_t)n;
		char *end = memchr(line, '\0', have);
		if (end)
			return (int)(end - line);
	}
	return -1;
}

static bool ends_with(const char *s, size_t n, const char *end)
{
	size_t m = strlen(end);

	return n >= m && memcmp(s + n - m, end, m) == 0;
}

enum clamd_answer clamd_reply(const char *line, size_t n, char *name, size_t name_size)
{
	static const char *const whats[] = { "stream: ", "fd[" };
	size_t head = 0;

	snprintf(name, name_size, "%.*s", (int)n, line);
	if (n > 8 && memcmp(line, whats[0], 8) == 0) {
		head = 8;
	} else if (n > 3 && memcmp(line, whats[1], 3) == 0) {
		const char *colon = memmem(line, n, "]: ", 3);
		if (!colon)
			return CLAMD_ERROR;
		head = (size_t)(colon - line) + 3;
	}
	if (head && n - head == 2 && memcmp(line + head, "OK", 2) == 0)
		return CLAMD_OK;
	if (head && ends_with(line, n, " FOUND") && n - head > 6) {
		snprintf(name, name_size, "%.*s", (int)(n - head - 6), line + head);
		return CLAMD_FOUND;
	}
	if (ends_with(line, n, "size limit exceeded. ERROR"))
		return CLAMD_TOO_BIG;
	return CLAMD_ERROR;
}

/* The answer that follows what has been sent. If sending failed the daemon may have said why. */
static enum clamd_answer answer(int fd, bool sent, long deadline, char *name, size_t name_size)
{
	char line[CLAMD_REPLY_MAX];

	int n = read_reply(fd, line, sizeof line, deadline);
	close(fd);
	if (n < 0) {
		snprintf(name, name_size, "no answer from clamd");
		return CLAMD_ERROR;
	}
	enum clamd_answer a = clamd_reply(line, (size_t)n, name, name_size);
	return sent || a == CLAMD_TOO_BIG ? a : CLAMD_ERROR;
}

enum status clamd_ping(const char *path, char *version, size_t size)
{
	static const char *const ask[] = { "zPING", "zVERSION" };
	char line[CLAMD_REPLY_MAX];

	for (int i = 0; i < 2; i++) {
		long deadline = now_ms() + 10000;
		int fd = dial(path);
		if (fd < 0)
			return st_fail(ST_SERVICE, "clamd at %s: %s", path, strerror(errno));
		int n = send_all(fd, ask[i], strlen(ask[i]) + 1, deadline)
			? read_reply(fd, line, sizeof line, deadline) : -1;
		close(fd);
		if (n < 0 || (i == 0 && strcmp(line, "PONG") != 0))
			return st_fail(ST_SERVICE, "clamd at %s does not answer", path);
	}
	snprintf(version, size, "%s", line);
	return ST_OK;
}

enum clamd_answer clamd_instream(const char *path, const void *p, size_t n, unsigned timeout_ms,
	char *name, size_t name_size)
{
	long deadline = now_ms() + timeout_ms;
	int fd = dial(path);

	if (fd < 0) {
		snprintf(name, name_size, "clamd: %s", strerror(errno));
		return CLAMD_ERROR;
	}
	bool ok = send_all(fd, "zINSTREAM", 10, deadline);
	for (const char *s = p; ok && n; ) {
		size_t len = n < CHUNK ? n : CHUNK;
		const unsigned char be[4] = { (unsigned char)(len >> 24), (unsigned char)(len >> 16),
			(unsigned char)(len >> 8), (unsigned char)len };
		ok = send_all(fd, be, 4, deadline) && send_all(fd, s, len, deadline);
		s += len;
		n -= len;
	}
	ok = ok && send_all(fd, "\0\0\0", 4, deadline);
	return answer(fd, ok, deadline, name, name_size);
}

enum clamd_answer clamd_fildes(const char *path, int what, unsigned timeout_ms,
	char *name, size_t name_size)
{
	long deadline = now_ms() + timeout_ms;
	int fd = dial(path);
	char dummy = 0;
	union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u = {0};
	struct iovec iov = { &dummy, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.space, .msg_controllen = sizeof u.space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (fd < 0) {
		snprintf(name, name_size, "clamd: %s", strerror(errno));
		return CLAMD_ERROR;
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &what, sizeof what);
	bool ok = send_all(fd, "zFILDES", 8, deadline) && sendmsg(fd, &m, MSG_NOSIGNAL) == 1;
	return answer(fd, ok, deadline, name, name_size);
}
