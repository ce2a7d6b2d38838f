/* lib/pool: workers die, records do not. Each case runs pool_run() in a child. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check.h"
#include "cli.h"
#include "pool.h"

static struct pool_opts opts;
static int *tries;	/* of the records that count them; shared with the workers */

/* The record says what becomes of it. */
static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	struct span act = rec_get(rec, "do");
	int64_t n = 0;

	if (json_is(act, "crash"))
		abort();
	if (json_is(act, "exit"))
		_exit(0);
	if (json_is(act, "killed once") && __atomic_fetch_add(tries, 1, __ATOMIC_RELAXED) == 0)
		kill(getpid(), SIGKILL);
	if (json_is(act, "killed")) {
		__atomic_fetch_add(tries, 1, __ATOMIC_RELAXED);
		kill(getpid(), SIGKILL);
	}
	if (json_is(act, "hang")) {
		__atomic_fetch_add(tries, 1, __ATOMIC_RELAXED);
		for (;;)
			pause();
	}
	if (json_is(act, "busy")) {
		pool_limit_cpu(20);
		for (volatile unsigned i = 0;; i++)
			;
	}
	if (json_is(act, "limited"))
		pool_limit_cpu(10000);
	if (json_is(act, "memory"))
		return st_fail(ST_NOMEM, "no memory");
	if (json_is(act, "bad"))
		return st_fail(ST_BAD, "bad\nluck");
	if (json_is(act, "again"))
		return st_fail(ST_AGAIN, "later");
	if (json_is(act, "newline"))
		buf_str(extra, "\"x\":[1,\n2],");
	if (json_is(act, "garbage"))
		buf_str(extra, "\"x\":[1,");
	if (json_is(act, "stdout"))
		printf("{\"weir\":1,\"forged\":true}\n"), fflush(stdout);
	if (json_is(act, "slow"))
		usleep(2000);
	if (json_get_int(rec_get(rec, "n"), &n))
		json_int(extra, "did", n);
	return ST_OK;
}

static void failed(void *arg, const struct rec *rec, enum pool_failure why, int detail,
	struct buf *extra)
{
	static const char *const words[] = { "crash", "timeout", "memory" };
	char text[32];

	snprintf(text, sizeof text, "%d", detail);
	if (why == POOL_TIMEOUT)
		rec_hold(extra, "t", words[why], text, 0);
	else
		rec_quarantine(extra, "t", words[why], text);
}

static enum status bad_start(void *arg, int index)
{
	return st_fail(ST_CONFIG, "no signatures");
}

static enum status dying_start(void *arg, int index)
{
	_exit(3);
}

static void started(const struct pool_opts *o)
{
	opts = *o;
	opts.prog = "t";
	opts.each = each;
	opts.failed = failed;
}

/* A program that runs the pool; in and out are our ends of its pipes. */
static pid_t launch(int *in, int *out)
{
	int a[2], b[2];
	pid_t pid;

	CHECK(pipe2(a, O_CLOEXEC) == 0 && pipe2(b, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(a[0], 0);
		dup2(b[1], 1);
		dup2(open("/dev/null", O_WRONLY), 2);
		close(a[0]), close(a[1]), close(b[0]), close(b[1]);
		_exit(cli_finish(pool_run(&opts)));
	}
	close(a[0]);
	close(b[1]);
	*in = a[1];
	*out = b[0];
	return pid;
}

static int end(pid_t pid)
{
	int ws = 0;

	waitpid(pid, &ws, 0);
	return WIFEXITED(ws) ? WEXITSTATUS(ws) : 256 + WTERMSIG(ws);
}

/* All of text through the pool; what came out in *out. The exit status. */
static int through(const char *text, size_t len, struct buf *out)
{
	int in, from;
	pid_t pid = launch(&in, &from), feeder;
	char block[65536];
	ssize_t n;

	feeder = fork();
	if (feeder == 0) {
		close(from);
		while (len > 0) {
			n = write(in, text, len);
			if (n <= 0)
				_exit(1);
			text += n;
			len -= (size_t)n;
		}
		_exit(0);
	}
	close(in);
	buf_clear(out);
	while ((n = read(from, block, sizeof block)) > 0)
		buf_add(out, block, (size_t)n);
	close(from);
	waitpid(feeder, NULL, 0);
	return end(pid);
}

static int runs(const char *text, const char *want)
{
	static struct buf out;
	int status = through(text, strlen(text), &out);

	CHECK_STR(buf_cstr(&out), want);
	return status;
}

static void order_is_kept_by_any_number_of_workers(void)
{
	static const int workers[] = { 1, 2, 3, 16 };
	struct buf in = { 0 }, want = { 0 }, out = { 0 };
	int i;

	for (i = 0; i < 3000; i++) {
		const char *slow = i % 97 == 0 ? ",\"do\":\"slow\"" : "";
		const char *stopped = i % 13 == 0 ? ",\"hold\":{}" : "";

		buf_fmt(&in, "{\"weir\":1,\"n\":%d%s%s}\n", i, slow, stopped);
		if (*stopped)
			buf_fmt(&want, "{\"weir\":1,\"n\":%d%s%s}\n", i, slow, stopped);
		else
			buf_fmt(&want, "{\"weir\":1,\"n\":%d%s,\"did\":%d}\n", i, slow, i);
	}
	for (i = 0; i < 4; i++) {
		started(&(struct pool_opts){ .workers = workers[i] });
		CHECK(through(in.p, in.len, &out) == 0);
		CHECK(out.len == want.len && memcmp(out.p, want.p, out.len) == 0);
	}
	buf_free(&in);
	buf_free(&want);
	buf_free(&out);
}

static void a_crash_costs_one_record(void)
{
	struct buf in = { 0 }, want = { 0 }, out = { 0 };
	int i, n;

	for (i = 0; i < 200; i++) {
		bool crash = i % 20 == 7;

		buf_fmt(&in, "{\"weir\":1,\"n\":%d%s}\n", i, crash ? ",\"do\":\"crash\"" : "");
		if (crash)
			buf_fmt(&want, "{\"weir\":1,\"n\":%d,\"do\":\"crash\",\"quarantine\":"
				"{\"by\":\"t\",\"reason\":\"crash\",\"detail\":\"6\"}}\n", i);
		else
			buf_fmt(&want, "{\"weir\":1,\"n\":%d,\"did\":%d}\n", i, i);
	}
	for (n = 1; n <= 3; n++) {
		started(&(struct pool_opts){ .workers = n });
		CHECK(through(in.p, in.len, &out) == 65);
		CHECK(out.len == want.len && memcmp(out.p, want.p, out.len) == 0);
	}
	buf_free(&in);
	buf_free(&want);
	buf_free(&out);
}

static void an_exit_is_a_crash_too(void)
{
	started(&(struct pool_opts){ .workers = 1 });
	CHECK(runs("{\"weir\":1,\"do\":\"exit\"}\n{\"weir\":1,\"n\":1}",
		"{\"weir\":1,\"do\":\"exit\",\"quarantine\":{\"by\":\"t\",\"reason\":\"crash\",\"detail\":\"0\"}}\n"
		"{\"weir\":1,\"n\":1,\"did\":1}\n") == 65);
}

static void a_record_whose_worker_was_killed_is_tried_once_more(void)
{
	struct buf in = { 0 }, want = { 0 }, out = { 0 };
	int i, n;

	for (i = 0; i < 200; i++) {
		buf_fmt(&in, "{\"weir\":1,\"n\":%d%s}\n", i, i == 77 ? ",\"do\":\"killed once\"" : "");
		buf_fmt(&want, "{\"weir\":1,\"n\":%d%s,\"did\":%d}\n", i, i == 77 ? ",\"do\":\"killed once\"" : "", i);
	}
	for (n = 1; n <= 3; n++) {
		*tries = 0;
		started(&(struct pool_opts){ .workers = n });
		CHECK(through(in.p, in.len, &out) == 0);
		CHECK(out.len == want.len && memcmp(out.p, want.p, out.len) == 0);
		CHECK(*tries == 2);
	}
	buf_free(&in);
	buf_free(&want);
	buf_free(&out);
}

static void twice_is_its_own_doing(void)
{
	*tries = 0;
	started(&(struct pool_opts){ .workers = 1 });
	CHECK(runs("{\"weir\":1,\"n\":1}\n{\"weir\":1,\"do\":\"killed\"}\n{\"weir\":1,\"n\":2}\n",
		"{\"weir\":1,\"n\":1,\"did\":1}\n"
		"{\"weir\":1,\"do\":\"killed\",\"quarantine\":{\"by\":\"t\",\"reason\":\"crash\",\"detail\":\"9\"}}\n"
		"{\"weir\":1,\"n\":2,\"did\":2}\n") == 65);
	CHECK(*tries == 2);
}

static void time_is_limited(void)
{
	*tries = 0;
	started(&(struct pool_opts){ .workers = 2, .timeout_ms = 60 });
	CHECK(runs("{\"weir\":1,\"n\":1}\n{\"weir\":1,\"do\":\"hang\"}\n{\"weir\":1,\"n\":2}\n",
		"{\"weir\":1,\"n\":1,\"did\":1}\n"
		"{\"weir\":1,\"do\":\"hang\",\"hold\":{\"by\":\"t\",\"reason\":\"timeout\",\"detail\":\"60\"}}\n"
		"{\"weir\":1,\"n\":2,\"did\":2}\n") == 75);
	CHECK(*tries == 1);	/* it would hang again */
}

static void processor_time_is_limited_for_each_record(void)
{
	started(&(struct pool_opts){ .workers = 1 });
	CHECK(runs("{\"weir\":1,\"do\":\"limited\"}\n{\"weir\":1,\"do\":\"busy\"}\n{\"weir\":1,\"n\":2}\n",
		"{\"weir\":1,\"do\":\"limited\"}\n"
		"{\"weir\":1,\"do\":\"busy\",\"hold\":{\"by\":\"t\",\"reason\":\"timeout\",\"detail\":\"20\"}}\n"
		"{\"weir\":1,\"n\":2,\"did\":2}\n") == 75);
}

static void memory_under_a_limit_is_a_verdict_and_without_one_a_hold(void)
{
	started(&(struct pool_opts){ .workers = 1, .memory_bytes = 64 << 20 });
	CHECK(runs("{\"weir\":1,\"do\":\"memory\"}\n{\"weir\":1,\"n\":1}\n",
		"{\"weir\":1,\"do\":\"memory\",\"quarantine\":{\"by\":\"t\",\"reason\":\"memory\",\"detail\":\"0\"}}\n"
		"{\"weir\":1,\"n\":1,\"did\":1}\n") == 65);
	started(&(struct pool_opts){ .workers = 1 });
	CHECK(runs("{\"weir\":1,\"do\":\"memory\"}\n", "{\"weir\":1,\"do\":\"memory\",\"hold\":"
		"{\"by\":\"t\",\"reason\":\"memory\",\"detail\":\"no memory\",\"retry_s\":0}}\n") == 75);
}

static void failures_of_each_are_those_of_a_filter(void)
{
	started(&(struct pool_opts){ .workers = 1 });
	CHECK(runs("{\"weir\":1,\"do\":\"bad\"}\n{\"weir\":1,\"do\":\"again\"}\nnonsense\n{\"weir\":1,\"did\":1,\"n\":1}\n",
		"{\"weir\":1,\"do\":\"bad\",\"quarantine\":{\"by\":\"t\",\"reason\":\"unusable\",\"detail\":\"bad?luck\"}}\n"
		"{\"weir\":1,\"do\":\"again\",\"hold\":{\"by\":\"t\",\"reason\":\"again\",\"detail\":\"later\",\"retry_s\":0}}\n"
		"{\"weir\":1,\"did\":1,\"n\":1,\"quarantine\":{\"by\":\"t\",\"reason\":\"bug\","
		"\"detail\":\"the record has a key \\\"did\\\" already\"}}\n") == 70);
}

static void a_worker_cannot_forge_lines(void)
{
	static struct buf out;
	const char *in = "{\"weir\":1,\"do\":\"newline\",\"n\":1}\n{\"weir\":1,\"do\":\"garbage\",\"n\":1}\n"
		"{\"weir\":1,\"do\":\"stdout\",\"n\":1}\n";

	started(&(struct pool_opts){ .workers = 1 });
	CHECK(through(in, strlen(in), &out) == 70);
	CHECK(strstr(out.p, "newline in a result"));
	CHECK(!strstr(out.p, "forged"));
	CHECK(strstr(out.p, "\"stdout\",\"n\":1,\"did\":1}\n"));
}

static void a_start_that_fails_ends_the_run_and_blames_no_record(void)
{
	started(&(struct pool_opts){ .workers = 2, .start = bad_start });
	CHECK(runs("{\"weir\":1}\n", "") == 78);
	started(&(struct pool_opts){ .workers = 2, .start = dying_start });
	CHECK(runs("{\"weir\":1}\n", "") == 70);
}

static void nothing_in_nothing_out(void)
{
	started(&(struct pool_opts){ .workers = 4 });
	CHECK(runs("", "") == 0);
	started(&(struct pool_opts){ .workers = POOL_MAX_WORKERS + 1 });
	CHECK(runs("", "") == 64);
	started(&(struct pool_opts){ .workers = 0 });
	CHECK(runs("", "") == 64);
}

static const char *line_from(int fd)
{
	static char text[4096];
	ssize_t n = 0;

	if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 5000) == 1)
		n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void a_lone_record_does_not_wait_for_company(void)
{
	int in, out;
	pid_t pid;

	started(&(struct pool_opts){ .workers = 2 });
	pid = launch(&in, &out);
	CHECK(write(in, "{\"weir\":1,\"n\":1}\n", 17) == 17);
	CHECK_STR(line_from(out), "{\"weir\":1,\"n\":1,\"did\":1}\n");
	CHECK(write(in, "{\"weir\":1,\"n\":2}\n{\"we", 21) == 21);
	CHECK_STR(line_from(out), "{\"weir\":1,\"n\":2,\"did\":2}\n");
	CHECK(write(in, "ir\":1,\"n\":3}\n", 13) == 13);
	CHECK_STR(line_from(out), "{\"weir\":1,\"n\":3,\"did\":3}\n");
	close(in);
	CHECK(end(pid) == 0);
	close(out);
}

/* The worker's number comes back by a pipe that only workers and we hold. */
static int tell_fd;

static enum status tell_pid(void *arg, int index)
{
	pid_t pid = getpid();

	return write(tell_fd, &pid, sizeof pid) == sizeof pid ? ST_OK : ST_IO;
}

static void a_worker_that_died_idle_is_replaced_when_work_comes(void)
{
	int in, out, tell[2];
	pid_t pid, worker = 0;

	CHECK(pipe(tell) == 0);
	tell_fd = tell[1];
	started(&(struct pool_opts){ .workers = 1, .start = tell_pid });
	pid = launch(&in, &out);
	CHECK(read(tell[0], &worker, sizeof worker) == sizeof worker && worker > 0);
	kill(worker, SIGKILL);
	while (kill(worker, 0) == 0)	/* until it is buried */
		usleep(1000);
	CHECK(write(in, "{\"weir\":1,\"n\":1}\n", 17) == 17);
	CHECK_STR(line_from(out), "{\"weir\":1,\"n\":1,\"did\":1}\n");
	close(in);
	CHECK(end(pid) == 0);
	close(out);
	close(tell[0]);
	close(tell[1]);
}

static void idle_workers_may_be_killed_any_number_of_times(void)
{
	int in, out, tell[2], i;
	pid_t pid, worker = 0;

	CHECK(pipe(tell) == 0);
	tell_fd = tell[1];
	started(&(struct pool_opts){ .workers = 1, .start = tell_pid });
	pid = launch(&in, &out);
	for (i = 0; i < 8; i++) {
		CHECK(read(tell[0], &worker, sizeof worker) == sizeof worker && worker > 0);
		kill(worker, SIGKILL);
		while (kill(worker, 0) == 0)	/* until it is buried */
			usleep(1000);
		CHECK(write(in, "{\"weir\":1,\"n\":1}\n", 17) == 17);
		CHECK_STR(line_from(out), "{\"weir\":1,\"n\":1,\"did\":1}\n");
	}
	close(in);
	CHECK(end(pid) == 0);
	close(out);
	close(tell[0]);
	close(tell[1]);
}

static void workers_die_with_the_parent(int sig, int want)
{
	int in, out, tell[2];
	pid_t pid, worker = 0;
	struct pollfd gone;

	CHECK(pipe(tell) == 0);
	tell_fd = tell[1];
	started(&(struct pool_opts){ .workers = 1, .start = tell_pid });
	pid = launch(&in, &out);
	CHECK(write(in, "{\"weir\":1,\"do\":\"hang\"}\n", 23) == 23);
	CHECK(read(tell[0], &worker, sizeof worker) == sizeof worker && worker > 0);
	close(tell[1]);
	kill(pid, sig);
	CHECK(end(pid) == want);
	gone = (struct pollfd){ .fd = tell[0], .events = POLLIN };
	CHECK(poll(&gone, 1, 5000) == 1 && read(tell[0], &worker, 1) == 0);
	close(tell[0]);
	close(in);
	close(out);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	cli_start("pool", "usage: pool\n");
	tries = mmap(NULL, sizeof *tries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(tries != MAP_FAILED);
	order_is_kept_by_any_number_of_workers();
	a_crash_costs_one_record();
	an_exit_is_a_crash_too();
	a_record_whose_worker_was_killed_is_tried_once_more();
	twice_is_its_own_doing();
	time_is_limited();
	processor_time_is_limited_for_each_record();
	memory_under_a_limit_is_a_verdict_and_without_one_a_hold();
	failures_of_each_are_those_of_a_filter();
	a_worker_cannot_forge_lines();
	a_start_that_fails_ends_the_run_and_blames_no_record();
	nothing_in_nothing_out();
	a_lone_record_does_not_wait_for_company();
	a_worker_that_died_idle_is_replaced_when_work_comes();
	idle_workers_may_be_killed_any_number_of_times();
	workers_die_with_the_parent(SIGKILL, 256 + SIGKILL);
	workers_die_with_the_parent(SIGTERM, 256 + SIGTERM);
	return CHECK_DONE();
}
