/* workdir.c - see workdir.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "workdir.h"

#define PREFIX "scan."

static enum status remove_named(const char *base, const char *name)
{
	int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return st_fail_errno("open %s", base);
	enum status st = file_rmtree(fd, name);
	close(fd);
	return st;
}

enum status workdir_remove(const char *base, pid_t pid)
{
	char name[32];

	snprintf(name, sizeof name, PREFIX "%d", (int)pid);
	return remove_named(base, name);
}

enum status workdir_make(const char *base, pid_t pid, char *path, size_t size)
{
	int n = snprintf(path, size, "%s/" PREFIX "%d", base, (int)pid);

	if (n < 0 || (size_t)n >= size)
		return st_fail(ST_BAD, "path too long: %s", base);
	enum status st = workdir_remove(base, pid);	/* of a namesake long ago */
	if (st == ST_OK && mkdir(path, 0700) != 0)
		st = st_fail_errno("mkdir %s", path);
	return st;
}

enum status workdir_sweep(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *e;
	enum status st = ST_OK;
	int pid, end;

	if (!d)
		return st_fail_errno("open %s", base);
	while (st == ST_OK && (e = readdir(d))) {
		end = 0;
		if (sscanf(e->d_name, PREFIX "%d%n", &pid, &end) != 1 || e->d_name[end] || pid < 1)
			continue;
		if (kill(pid, 0) != 0 && errno == ESRCH)
			st = file_rmtree(dirfd(d), e->d_name);
	}
	closedir(d);
	return st;
}
