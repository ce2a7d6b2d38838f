/* lib/file: reads with limits, writes that are whole or not there, roots nobody leaves. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"
#include "file.h"

static char base[64];	/* our folder; also the current one */

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static const char *slurp(const char *path)
{
	static struct buf b;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return "(missing)";
	CHECK(file_read_fd(fd, 0, -1, 1 << 20, &b) == ST_OK);
	close(fd);
	return buf_cstr(&b);
}

static void reads_at_and_above_the_limit(void)
{
	struct buf b = { 0 };
	int fd;

	put("ten", "0123456789");
	fd = open("ten", O_RDONLY);
	CHECK(file_read_fd(fd, 0, -1, 10, &b) == ST_OK && b.len == 10);
	CHECK(file_read_fd(fd, 0, -1, 9, &b) == ST_LIMIT);
	CHECK(file_read_fd(fd, 4, -1, 6, &b) == ST_OK && !strcmp(b.p, "456789"));
	CHECK(file_read_fd(fd, 4, 3, 3, &b) == ST_OK && !strcmp(b.p, "456"));
	CHECK(file_read_fd(fd, 4, 4, 3, &b) == ST_LIMIT);
	CHECK(file_read_fd(fd, 4, 6, 99, &b) == ST_OK && b.len == 6);
	CHECK(file_read_fd(fd, 4, 7, 99, &b) == ST_BAD);
	CHECK(file_read_fd(fd, 4, 0, 99, &b) == ST_OK && b.len == 0 && !strcmp(b.p, ""));
	CHECK(file_read_fd(fd, 10, -1, 99, &b) == ST_OK && b.len == 0);
	CHECK(file_read_fd(fd, 99, -1, 99, &b) == ST_OK && b.len == 0);
	close(fd);
	buf_free(&b);
}

static void reads_a_pipe_to_its_end(void)
{
	struct buf b = { 0 };
	char block[4096];
	int fd[2], i;

	memset(block, 'p', sizeof block);
	CHECK(pipe(fd) == 0);
	for (i = 0; i < 8; i++)
		CHECK(write(fd[1], block, sizeof block) == sizeof block);
	close(fd[1]);
	CHECK(file_read_fd(fd[0], 0, -1, 8 * sizeof block, &b) == ST_OK);
	CHECK(b.len == 8 * sizeof block);
	close(fd[0]);
	buf_free(&b);
}

static int count_entries(void)
{
	int n = -1;
	FILE *p = popen("ls -A w | wc -l", "r");

	CHECK(p && fscanf(p, "%d", &n) == 1);
	pclose(p);
	return n;
}

static void a_write_is_whole_or_not_there(void)
{
	struct stat sb;
	int dir;

	CHECK(file_mkdirs("w", 0700) == ST_OK);
	dir = open("w", O_RDONLY | O_DIRECTORY);
	CHECK(file_write_at(dir, "a", "one", 3, true) == ST_OK);
	CHECK(file_write_at(dir, "a", "two", 3, false) == ST_OK);
	CHECK_STR(slurp("w/a"), "two");
	CHECK(stat("w/a", &sb) == 0 && (sb.st_mode & 07777) == 0600);
	CHECK(mkdir("w/folder", 0700) == 0);
	CHECK(file_write_at(dir, "folder", "x", 1, false) != ST_OK);	/* rename fails */
	CHECK(file_write_at(dir, "no/such", "x", 1, false) == ST_NOTFOUND);
	CHECK(count_entries() == 2);
	close(dir);
}

static void folders_come_and_go(void)
{
	CHECK(file_mkdirs("d/e/f", 0700) == ST_OK && file_mkdirs("d/e/f/", 0700) == ST_OK);
	put("d/e/f/x", "x");
	put("keep", "kept");
	CHECK(symlink("../../keep", "d/e/link") == 0 && symlink("../..", "d/e/dirlink") == 0);
	CHECK(file_mkdirs("d/e/f/x/y", 0700) != ST_OK);
	CHECK(file_rmtree(AT_FDCWD, "d") == ST_OK);
	CHECK(access("d", F_OK) != 0);
	CHECK_STR(slurp("keep"), "kept");
	CHECK(file_rmtree(AT_FDCWD, "d") == ST_OK);
}

/* ---- roots ---- */

static const char *path(const char *rest)
{
	static char out[256];

	snprintf(out, sizeof out, "%s/%s", base, rest);
	return out;
}

static enum status try(const struct roots *r, const char *rest)
{
	int fd = -1;
	enum status st = roots_open(r, *rest == '/' ? rest : path(rest), &fd);

	CHECK((st == ST_OK) == (fd >= 0));
	if (fd >= 0)
		close(fd);
	return st;
}

static void nobody_leaves_the_roots(void)
{
	struct roots *r = NULL;

	CHECK(file_mkdirs("a/sub", 0700) == ST_OK && file_mkdirs("ab", 0700) == ST_OK);
	put("a/in", "in");
	put("a/sub/in", "in");
	put("ab/out", "out");
	CHECK(symlink("../ab/out", "a/link") == 0 && symlink("/etc/passwd", "a/passwd") == 0);
	CHECK(symlink("../ab", "a/dirlink") == 0 && symlink("sub/in", "a/inner") == 0);
	CHECK(mkfifo("a/fifo", 0600) == 0);
	CHECK(roots_new(&r) == ST_OK);
	CHECK(try(r, "a/in") == ST_DENIED);	/* no roots, no files */
	CHECK(roots_add(r, path("a")) == ST_OK);
	CHECK(try(r, "a/in") == ST_OK);
	CHECK(try(r, "a/sub/in") == ST_OK);
	CHECK(try(r, "a//sub/./in") == ST_OK);
	CHECK(try(r, "a/inner") == ST_OK);	/* stays beneath */
	CHECK(try(r, "a/missing") == ST_NOTFOUND);
	CHECK(try(r, "ab/out") == ST_DENIED);	/* a prefix, but not a folder's */
	CHECK(try(r, "ab/missing") == ST_DENIED);
	CHECK(try(r, "a/../ab/out") == ST_DENIED);
	CHECK(try(r, "a/sub/../../ab/out") == ST_DENIED);
	CHECK(try(r, "a/sub/../in") == ST_OK);
	CHECK(try(r, "a/link") == ST_DENIED);
	CHECK(try(r, "a/passwd") == ST_DENIED);
	CHECK(try(r, "a/dirlink/out") == ST_DENIED);
	CHECK(try(r, "a") == ST_DENIED);
	CHECK(try(r, "a/sub") == ST_DENIED);
	CHECK(try(r, "a/fifo") == ST_DENIED);
	CHECK(try(r, "/etc/passwd") == ST_DENIED);
	CHECK(try(r, "/proc/self/environ") == ST_DENIED);
	CHECK(roots_open(r, "a/in", &(int){ -1 }) == ST_DENIED);
	CHECK(roots_open(r, "", &(int){ -1 }) == ST_DENIED);
	CHECK(roots_unlink(r, path("a/../ab/out")) == ST_DENIED);
	CHECK(roots_unlink(r, path("a/dirlink/out")) == ST_DENIED);
	CHECK(roots_unlink(r, path("a/link")) == ST_DENIED);
	CHECK(roots_unlink(r, path("a/sub")) == ST_DENIED);
	CHECK(roots_unlink(r, path("a/sub/..")) == ST_DENIED);
	CHECK(roots_unlink(r, path("ab/out")) == ST_DENIED);
	CHECK(roots_unlink(r, path("a/missing")) == ST_NOTFOUND);
	CHECK(roots_unlink(r, path("a/sub/in")) == ST_OK && access("a/sub/in", F_OK) != 0);
	CHECK(roots_unlink(r, path("a/in")) == ST_OK && access("a/in", F_OK) != 0);
	CHECK_STR(slurp("ab/out"), "out");
	roots_free(&r);
	CHECK(!r);
}

/* Both the name a folder was given by and the one its links lead to. */
static void a_root_by_a_link_has_two_names(void)
{
	struct roots *r = NULL;

	CHECK(symlink("ab", "alias") == 0);
	CHECK(roots_new(&r) == ST_OK && roots_add(r, "alias/") == ST_OK);
	CHECK(roots_add(r, "nowhere") == ST_NOTFOUND);
	CHECK(roots_add(r, "ab/out") == ST_NOTFOUND);
	CHECK(try(r, "alias/out") == ST_OK);
	CHECK(try(r, "ab/out") == ST_OK);
	roots_free(&r);
}

static void the_default_roots(void)
{
	struct roots *r = NULL;

	put("a/in", "in");
	unsetenv("WEIR_SPOOL");
	CHECK(roots_new(&r) == ST_OK && roots_default(r, path("home")) == ST_OK);
	CHECK(try(r, "a/in") == ST_OK);		/* the current folder */
	roots_free(&r);
	setenv("WEIR_SPOOL", "ab:a", 1);
	CHECK(file_mkdirs("home/run/staging", 0700) == ST_OK);
	put("home/run/staging/s", "s");
	CHECK(roots_new(&r) == ST_OK && roots_default(r, path("home")) == ST_OK);
	CHECK(try(r, "a/in") == ST_OK && try(r, "ab/out") == ST_OK);
	CHECK(try(r, "home/run/staging/s") == ST_OK);
	CHECK(try(r, "keep") == ST_DENIED);
	roots_free(&r);
	setenv("WEIR_SPOOL", "nowhere", 1);
	CHECK(roots_new(&r) == ST_OK && roots_default(r, path("home")) == ST_NOTFOUND);
	roots_free(&r);
}

int main(void)
{
	const char *tmp = getenv("BATS_TEST_TMPDIR");

	snprintf(base, sizeof base, "/tmp/weir-unit-file.XXXXXX");
	if (tmp && strlen(tmp) < sizeof base - 16)
		snprintf(base, sizeof base, "%s/file.XXXXXX", tmp);
	CHECK(mkdtemp(base) && chdir(base) == 0);
	reads_at_and_above_the_limit();
	reads_a_pipe_to_its_end();
	a_write_is_whole_or_not_there();
	folders_come_and_go();
	nobody_leaves_the_roots();
	a_root_by_a_link_has_two_names();
	the_default_roots();
	CHECK(file_rmtree(AT_FDCWD, base) == ST_OK);
	return CHECK_DONE();
}
