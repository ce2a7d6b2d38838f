/* lease.c - see lease.h */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "digest.h"
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

enum status lease_name(char out[LEASE_NAME_BYTES])
{
	static unsigned seq;
	struct lease l = { .ppid = getppid(), .pid = getpid() };
	enum status st = host_of(l.host);

	if (st == ST_OK)
		st = boot_of(l.boot);
	if (st != ST_OK)
		return st;
	snprintf(out, LEASE_NAME_BYTES, "%s.%s.%ld.%llu.%ld.%llu.%u", l.host, l.boot,
		l.ppid, start_of(l.ppid), l.pid, start_of(l.pid), seq++);
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

bool lease_alive(const char *name, time_t last_active, time_t now)
{
	struct lease l;
	char host[9], boot[9];

	if (!lease_parse(name, &l))
		return false;
	if (now - last_active >= LEASE_IDLE_S)
		return false;
	if (host_of(host) != ST_OK || boot_of(boot) != ST_OK)
		return true;
	if (strcmp(host, l.host))
		return true;
	if (strcmp(boot, l.boot))
		return false;
	return runs(l.ppid, l.pstart) || runs(l.pid, l.start);
}
