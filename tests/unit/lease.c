/* lib/lease: alive while the pipeline or the taker lives, dead after both. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>
#include "check.h"
#include "file.h"
#include "lease.h"

static const time_t now = 1000000000;
static char dir[] = "/tmp/weir-lease-XXXXXX";

static void mine_is_alive_and_unique(void)
{
	char a[LEASE_NAME_BYTES], b[LEASE_NAME_BYTES];

	CHECK(lease_name(a) == ST_OK && lease_name(b) == ST_OK);
	CHECK(strcmp(a, b) != 0);
	CHECK(strspn(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(a));
	CHECK(lease_alive(dir, a, now, now) && lease_alive(dir, b, now, now));
	CHECK(lease_alive(dir, a, now + 60, now));	/* a clock that was set back */
}

/* Runs f in a child; what it writes comes back in out, after it was reaped. */
static void in_child(void (*f)(int fd), char out[LEASE_NAME_BYTES])
{
	int fd[2];
	pid_t pid;
	ssize_t n;

	CHECK(pipe(fd) == 0);
	pid = fork();
	if (pid == 0) {
		f(fd[1]);
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], out, LEASE_NAME_BYTES - 1);
	out[n > 0 ? n : 0] = '\0';
	while (read(fd[0], &(char){ 0 }, 1) > 0)
		;
	close(fd[0]);
	waitpid(pid, NULL, 0);
}

static void write_lease(int fd)
{
	char a[LEASE_NAME_BYTES];

	if (lease_name(a) != ST_OK || write(fd, a, strlen(a)) < 0)
		_exit(1);
}

/* A shell that starts a claimer and ends: neither is left. */
static void write_grandchilds_lease(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		write_lease(fd);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void the_takers_death_alone_does_not_end_it(void)
{
	char a[LEASE_NAME_BYTES];

	in_child(write_lease, a);
	CHECK(lease_alive(dir, a, now, now));	/* its parent, the pipeline, is us */
	CHECK(!lease_alive(dir, a, now - LEASE_START_S, now));	/* but nobody joined in all that time */
}

/* A stage of a pipeline joins and lives on when its claimer and its shell are gone. */
static void a_stage_that_joined_keeps_it_alive(void)
{
	char a[LEASE_NAME_BYTES];
	int hold[2], said[2];
	pid_t shell, stage;

	CHECK(pipe(hold) == 0 && pipe(said) == 0);
	shell = fork();
	if (shell == 0) {
		stage = fork();
		if (stage == 0) {
			close(hold[1]);
			if (lease_join(dir) != ST_OK)
				_exit(1);
			write_lease(said[1]);
			close(said[1]);
			(void)!read(hold[0], a, 1);
			_exit(0);
		}
		close(hold[1]);
		close(said[1]);
		waitpid(stage, NULL, 0);
		_exit(0);
	}
	close(said[1]);
	ssize_t n = read(said[0], a, sizeof a - 1);
	a[n > 0 ? n : 0] = '\0';
	/* The same pipeline, another taker that is long gone. */
	char gone[LEASE_NAME_BYTES], *pid = a;
	for (int i = 0; i < 4; i++)
		pid = strchr(pid, '.') + 1;
	snprintf(gone, sizeof gone, "%.*s1.1.0", (int)(pid - a), a);
	CHECK(lease_alive(dir, gone, now - LEASE_IDLE_S, now));
	close(hold[1]);	/* the stage ends */
	while (read(said[0], a, 1) > 0)
		;
	for (int i = 0; i < 5000 && lease_alive(dir, gone, now - LEASE_IDLE_S, now); i++)
		usleep(1000);
	CHECK(!lease_alive(dir, gone, now - LEASE_IDLE_S, now));
	waitpid(shell, NULL, 0);
}

static void both_dead_is_dead(void)
{
	char a[LEASE_NAME_BYTES];

	in_child(write_grandchilds_lease, a);
	CHECK(*a && !lease_alive(dir, a, now, now));
}

static void a_zombie_is_dead(void)
{
	char a[LEASE_NAME_BYTES];
	int fd[2];
	pid_t pid;
	ssize_t n;

	CHECK(pipe(fd) == 0);
	pid = fork();
	if (pid == 0) {
		write_grandchilds_lease(fd[1]);
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], a, sizeof a - 1);
	a[n > 0 ? n : 0] = '\0';
	close(fd[0]);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	CHECK(*a && !lease_alive(dir, a, now, now));
	waitpid(pid, NULL, 0);
}

/* Replaces the n-th word (from 0) of a lease. */
static void change(char *out, const char *name, int n, const char *word)
{
	char copy[LEASE_NAME_BYTES], *save = NULL, *p;
	int i = 0;

	strcpy(copy, name);
	*out = '\0';
	for (p = strtok_r(copy, ".", &save); p; p = strtok_r(NULL, ".", &save), i++)
		sprintf(out + strlen(out), "%s%s", i ? "." : "", i == n ? word : p);
}

static void other_boots_hosts_and_reused_pids(void)
{
	char a[LEASE_NAME_BYTES], b[LEASE_NAME_BYTES], c[LEASE_NAME_BYTES];

	CHECK(lease_name(a) == ST_OK);
	change(b, a, 1, "00000000");		/* booted since */
	CHECK(!lease_alive(dir, b, now, now));
	change(b, a, 0, "00000000");		/* another machine: only idleness tells */
	CHECK(lease_alive(dir, b, now - LEASE_IDLE_S + 1, now));
	CHECK(!lease_alive(dir, b, now - LEASE_IDLE_S, now));
	change(b, a, 3, "1");			/* the numbers went to others */
	CHECK(lease_alive(dir, b, now, now));	/* ... of the owner only */
	change(c, b, 5, "1");
	CHECK(!lease_alive(dir, c, now, now));
}

static void what_is_no_lease_is_dead(void)
{
	static const char *const names[] = {
		"", ".", "x", "aaaaaaaa.bbbbbbbb.1.1.1.1", "aaaaaaaa.bbbbbbbb.1.1.1.1.1x",
		"aaaaaaaa.bbbbbbbb.+1.1.1.1.1", "AAAAAAAA.bbbbbbbb.1.1.1.1.1", "aaaaaaaa.bbbbbbbb.01.1.1.1.1",
		"aaaaaaaa.bbbbbbbb.99999999999999999999999999999999999999999999999999999999999999"
		"99999999999999999999999999999999999999999999999999999999999999999999.1.1.1.1",
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		CHECK(!lease_alive(dir, names[i], now, now));
}

int main(void)
{
	CHECK(mkdtemp(dir));
	mine_is_alive_and_unique();
	the_takers_death_alone_does_not_end_it();
	a_stage_that_joined_keeps_it_alive();
	both_dead_is_dead();
	a_zombie_is_dead();
	other_boots_hosts_and_reused_pids();
	what_is_no_lease_is_dead();
	file_rmtree(AT_FDCWD, dir);
	return CHECK_DONE();
}
