/*
 * authdns.c - see authdns.h. A record is a file of dns_file.c's grammar, whose first line, a comment to that, has the
 * time: "; weir-auth record 1795535073".
 */
#include "authdns.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "file.h"

static const char first_line[] = "; weir-auth record ";

enum status authdns_env(struct authdns *a)
{
	const char *env = getenv("WEIR_DNS");

	if (!env || !*env || a->off || a->dns.file || a->dns.resolver)
		return ST_OK;
	if (!strcmp(env, "off")) {
		a->off = true;
	} else if (!strncmp(env, "file:", 5) || !strncmp(env, "replay:", 7)) {
		a->dns.replay = env[0] == 'r';
		a->dns.file = strchr(env, ':') + 1;
	} else {
		a->dns.resolver = env;
	}
	return ST_OK;
}

static enum status time_of(const char *path, int64_t *out)
{
	char text[64] = "", *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return st_fail_errno("open %s", path);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n < 0)
		return st_fail_errno("read %s", path);
	errno = 0;
	if (!strncmp(text, first_line, sizeof first_line - 1))
		*out = strtoll(text + sizeof first_line - 1, &end, 10);
	if (*out <= 0 || errno)
		return st_fail(ST_BAD, "%s: line 1: no record of weir-auth --record (it begins with \"%s<time>\")", path, first_line);
	return ST_OK;
}

static void keep(struct authdns *a)
{
	if (a->line.failed || file_write_all(a->fd, buf_cstr(&a->line), a->line.len) != ST_OK)
		a->failed = true;
	buf_clear(&a->line);
}

static void used(void *arg, const char *name, uint16_t type, const struct dns_answer *answer)
{
	struct authdns *a = arg;

	dns_write(&a->line, name, type, answer);
	keep(a);
}

static enum status record_open(struct authdns *a)
{
	if (!a->now)
		a->now = (int64_t)time(NULL);
	a->fd = open(a->record, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (a->fd < 0)
		return st_fail_errno("open %s", a->record);
	buf_fmt(&a->line, "%s%" PRId64 "\n", first_line, a->now);
	keep(a);
	return ST_OK;
}

enum status authdns_open(struct authdns *a, struct dns **out)
{
	enum status st = ST_OK;

	a->fd = -1;
	if (a->off)
		return ST_OK;
	if (a->dns.replay && !a->now)
		st = time_of(a->dns.file, &a->now);
	if (st == ST_OK)
		st = dns_open(&a->dns, out);
	if (st == ST_OK && a->record)
		st = record_open(a);
	if (st == ST_OK && a->record)
		dns_on_use(*out, used, a);
	if (st != ST_OK)
		dns_close(out);
	return st;
}

enum status authdns_close(struct authdns *a, struct dns **d)
{
	bool failed = a->failed;

	dns_close(d);
	buf_free(&a->line);
	if (a->fd >= 0 && (fsync(a->fd) != 0 && errno != EINVAL && errno != EROFS))
		failed = true;
	if (a->fd >= 0 && close(a->fd) != 0)
		failed = true;
	a->fd = -1;
	return failed ? st_fail(ST_IO, "%s: not all answers could be written", a->record) : ST_OK;
}
