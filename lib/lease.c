/* lease.c - see lease.h */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "digest.h"
#include "file.h"
#include "lease.h"

struct lease {
	char host[9], boot[9];
	long ppid, pid;
	unsigned long long pstart, start;
	unsigned seq;
};

static size_t slurp(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	if (n < 0)
		n = 0;
	out[n] = '\0';
	return (size_t)n;
}

static enum status short_digest(const char *s, size_t n, char out[9])
{
	uint8_t d[DIGEST_BYTES];
	enum status st = digest_of(s, n, d);

	if (st == ST_OK)
		hex_of(d, 4, out);
	return st;
}

/* Which process numbers we share: the machine, its name, and the PID name
 * space (two containers of one machine see different processes). */
static enum status host_of(char out[9])
{
	char text[512];
	struct utsname u;
	size_t n = slurp("/etc/machine-id", text, 64);
	ssize_t got;

	if (uname(&u) == 0)
		n += (size_t)snprintf(text + n, 128, "|%.64s|", u.nodename);
	got = readlink("/proc/self/ns/pid", text + n, sizeof text - n);
	if (got > 0)
		n += (size_t)got;
	return short_digest(text, n, out);
}

static enum status boot_of(char out[9])
{
	char text[64];
	size_t n = slurp("/proc/sys/kernel/random/boot_id", text, sizeof text);

	return short_digest(text, n, out);
}

/* The start time of a process in clock ticks since boot; 0 if it is gone or a
 * zombie. proc(5): the name may hold anything, so count from the last ')'. */
static unsigned long long start_of(long pid)
{
	char path[64], text[1024];
	unsigned long long start = 0;
	char state = 'X';
	const char *p;
	int field;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	if (slurp(path, text, sizeof text) == 0)
		return 0;
	p = strrchr(text, ')');
	if (!p || p[1] != ' ')
		return 0;
	p += 2;
	state = *p;
	for (field = 3; p && field < 22; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p || state == 'Z' || state == 'X')
		return 0;
	start = strtoull(p, NULL, 10);
	return start;
}

/* Who runs the pipeline: what its script says in $WEIR_RUN ("PID.START", still true when the script is gone), else our parent. */
static void owner_of(struct lease *l)
{
	const char *run = getenv("WEIR_RUN");
	char rest;

	if (run && strlen(run) < 32 && sscanf(run, "%ld.%llu%c", &l->ppid, &l->pstart, &rest) == 2 && l->ppid > 0)
		return;
	l->ppid = getppid();
	l->pstart = start_of(l->ppid);
}

enum status lease_name(char out[LEASE_NAME_BYTES])
{
	static unsigned seq;
	struct lease l = { .pid = getpid() };
	enum status st = host_of(l.host);

	owner_of(&l);
	if (st == ST_OK)
		st = boot_of(l.boot);
	if (st != ST_OK)
		return st;
	snprintf(out, LEASE_NAME_BYTES, "%s.%s.%ld.%llu.%ld.%llu.%u", l.host, l.boot,
		l.ppid, l.pstart, l.pid, start_of(l.pid), seq++);
	return ST_OK;
}

static bool lease_parse(const char *name, struct lease *l)
{
	char again[LEASE_NAME_BYTES];

	if (strlen(name) >= LEASE_NAME_BYTES)
		return false;
	if (sscanf(name, "%8[0-9a-f].%8[0-9a-f].%ld.%llu.%ld.%llu.%u", l->host, l->boot,
			&l->ppid, &l->pstart, &l->pid, &l->start, &l->seq) != 7)
		return false;
	snprintf(again, sizeof again, "%s.%s.%ld.%llu.%ld.%llu.%u", l->host, l->boot,
		l->ppid, l->pstart, l->pid, l->start, l->seq);
	return strcmp(again, name) == 0;
}

static bool runs(long pid, unsigned long long start)
{
	return pid > 0 && start != 0 && start_of(pid) == start;
}

/* ---- the pipeline's lock ---- */

static int open_live(const char *dir, const struct lease *l, int flags)
{
	char path[4096];
	int n = snprintf(path, sizeof path, "%s/live/%s.%s.%ld.%llu", dir, l->host, l->boot, l->ppid, l->pstart);

	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Locks that nobody holds say nothing: a pipeline that ended well leaves its own behind, for the next to remove. */
static void sweep(const char *live)
{
	DIR *d = opendir(live);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		int fd = *e->d_name == '.' ? -1
			: openat(dirfd(d), e->d_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
		close(fd);
	}
	if (d)
		closedir(d);
}

/* Whoever finds nobody at work removes the file; so what we locked may be gone already. */
enum status lease_join(const char *dir)
{
	char name[LEASE_NAME_BYTES], path[4096];
	struct lease l;
	struct stat sb;
	enum status st = lease_name(name);

	snprintf(path, sizeof path, "%s/live", dir);
	if (st == ST_OK)
		st = file_mkdirs(path, 0700);
	if (st != ST_OK)
		return st;
	lease_parse(name, &l);
	for (;;) {
		int fd = open_live(dir, &l, O_CREAT);

		if (fd < 0)
			return st_fail_errno("open a lock in %s", path);
		if (flock(fd, LOCK_SH) != 0 || fstat(fd, &sb) != 0) {
			st = st_fail_errno("lock in %s", path);
			close(fd);
			return st;
		}
		if (sb.st_nlink) {
			sweep(path);
			return ST_OK;	/* fd stays open until we end */
		}
		close(fd);
	}
}

static bool joined(const char *dir, const struct lease *l)
{
	char path[4096];
	int fd = open_live(dir, l, 0);
	bool held;

	if (fd < 0)
		return errno != ENOENT;
	held = flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (!held) {
		snprintf(path, sizeof path, "%s/live/%s.%s.%ld.%llu", dir, l->host, l->boot, l->ppid, l->pstart);
		unlink(path);
	}
	close(fd);
	return held;
}

bool lease_alive(const char *dir, const char *name, time_t last_active, time_t now)
{
	struct lease l;
	char host[9], boot[9];

	if (!lease_parse(name, &l))
		return false;
	if (host_of(host) != ST_OK || boot_of(boot) != ST_OK)
		return true;
	if (strcmp(host, l.host))
		return now - last_active < LEASE_IDLE_S;
	if (strcmp(boot, l.boot))
		return false;
	return joined(dir, &l) || runs(l.pid, l.start)
		|| (now - last_active < LEASE_START_S && runs(l.ppid, l.pstart));
}
