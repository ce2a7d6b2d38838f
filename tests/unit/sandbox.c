/*
 * lib/sandbox: what each program can still do once it has entered its sandbox. Every profile is
 * entered in a child of its own, which then tries what a taken-over program would try.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include "check.h"
#include "cli.h"
#include "sandbox.h"

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static char base[256], home[300], spool[300];
static int landlock;	/* 0: this kernel has none, only the calls are tested */

static const char *at(const char *folder, const char *rest)
{
	static char out[4][400];
	static int n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof out[n], "%s/%s", folder, rest);
	return out[n];
}

static void put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

static bool can(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* ---- what nobody may ---- */

static void no_other_processes(bool forks)
{
	pid_t pid;

	if (SANITIZED)
		return;
	CHECK(execl("/bin/true", "true", NULL) == -1 && errno == EPERM);
	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	if (forks)
		return;
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK(pid == -1 && errno == EPERM);
	CHECK(kill(getppid(), 0) == -1 && errno == EPERM);
	CHECK(syscall(SYS_tgkill, getppid(), getppid(), 0) == -1 && errno == EPERM);
	CHECK(raise(0) == 0);	/* abort(3) needs it */
}

static void no_network(int unix_sockets)
{
	int fd;

	CHECK(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_INET6, SOCK_DGRAM, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(unix_sockets ? fd >= 0 : fd == -1 && errno == EPERM);
	if (fd >= 0)
		close(fd);
}

/* With a network: others can be asked, nobody can connect to us, and nothing else than IP is there. */
static void only_questions(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), tcp = socket(AF_INET, SOCK_STREAM, 0), udp6, fd;

	CHECK(udp >= 0 && bind(udp, (struct sockaddr *)&to, sizeof to) == 0);
	CHECK(tcp >= 0 && listen(tcp, 1) == -1 && errno == EPERM);
	CHECK(accept(tcp, NULL, NULL) == -1 && errno == EPERM);
	to.sin_port = htons(1);
	CHECK(connect(tcp, (struct sockaddr *)&to, sizeof to) == -1 && errno == ECONNREFUSED);
	udp6 = socket(AF_INET6, SOCK_DGRAM, 0);
	CHECK(udp6 >= 0 || errno == EAFNOSUPPORT);
	CHECK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) == -1 && errno == EPERM);
	CHECK(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6) == -1 && errno == EPERM);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EPERM);
	CHECK(socket(AF_PACKET, SOCK_DGRAM, 0) == -1 && errno == EPERM);
	for (fd = 0; fd < 3; fd++)
		if ((fd == 0 ? udp : fd == 1 ? tcp : udp6) >= 0)
			close(fd == 0 ? udp : fd == 1 ? tcp : udp6);
}

static void no_machine(void)
{
	CHECK(syscall(SYS_mount, "none", base, "tmpfs", 0, NULL) == -1 && errno == EPERM);
	CHECK(syscall(SYS_unshare, 0x10000000) == -1 && errno == EPERM);
	CHECK(syscall(SYS_io_uring_setup, 1, NULL) == -1 && errno == EPERM);
	CHECK(syscall(SYS_bpf, 0, NULL, 0) == -1 && errno == EPERM);
	CHECK(syscall(SYS_chroot, "/") == -1 && errno == EPERM);
	CHECK(chown(at(spool, "mail"), 0, 0) == -1 && errno == EPERM);
}

static void no_files_elsewhere(void)
{
	CHECK(!can("/etc/passwd", O_RDONLY));
	CHECK(!can("/etc/passwd", O_WRONLY));
	CHECK(!can("/root", O_RDONLY | O_DIRECTORY));
	CHECK(!can(at(base, "elsewhere"), O_RDONLY));
	CHECK(!can(at(base, "new"), O_WRONLY | O_CREAT));
	CHECK(unlink(at(base, "elsewhere")) == -1);
	CHECK(truncate(at(base, "elsewhere"), 0) == -1);
	CHECK(rename(at(spool, "mail"), at(base, "moved")) == -1);
	CHECK(symlink("/etc/passwd", at(base, "link")) == -1);
}

/* ---- what each may ---- */

#define ROOTS		1	/* mail beneath the roots can be read */
#define ROUTES		2
#define STORES		4	/* all tenants' stores can be read */
#define STORES_W	8
#define RUN_W		16
#define LEDGER_W	32
#define HOME_W		64
#define FORKS		128

static const struct { const char *profile; unsigned may; } table[] = {
	{ "weir-parse", ROOTS | FORKS },
	{ "weir-route", ROUTES | STORES }, { "weir-auth", ROOTS }, { "weir-extract", ROOTS | RUN_W },
	{ "weir-scan", ROOTS | RUN_W | LEDGER_W | FORKS },
	{ "weir-scan.again", STORES | RUN_W | LEDGER_W | FORKS },
	{ "weir-thread", STORES }, { "weir-store", ROOTS | STORES | STORES_W | RUN_W },
	{ "weir-spool", 0 }, { "weir-ls", STORES }, { "weir-show", STORES }, { "weir-cat", STORES },
	{ "weir-export", STORES }, { "weir-why", STORES }, { "weir-fsck", STORES | STORES_W | FORKS },
	{ "weir-sign", ROOTS | RUN_W },
	{ "weir-event", ROOTS | ROUTES | STORES | STORES_W }, { "weir-event.look", 0 }, { "weir-event.list", STORES },
	{ "weir-tenant", HOME_W | ROUTES | STORES | STORES_W | RUN_W | LEDGER_W },
	{ "weir-domain", HOME_W | ROUTES | STORES | STORES_W | RUN_W | LEDGER_W },
	{ "weir-domain.verify", ROUTES }, { "weir-domain.history", ROUTES | STORES }, { "weir-domain.rotate", 0 },
	{ "weir-inbox", HOME_W | ROUTES | STORES | STORES_W | RUN_W | LEDGER_W },
	{ "weir-address", HOME_W | ROUTES | STORES | STORES_W | RUN_W | LEDGER_W },
	{ "weir-inbox", HOME_W | ROUTES | STORES | STORES_W | RUN_W | LEDGER_W },
};

static void files_of(unsigned may, const char *tenant)
{
	bool acme = may & STORES, other = acme && !tenant;

	CHECK(can(at(spool, "mail"), O_RDONLY) == !!(may & ROOTS));
	CHECK(!can(at(spool, "mail"), O_WRONLY));
	CHECK(!can(at(spool, "new"), O_WRONLY | O_CREAT));
	CHECK(unlink(at(spool, "mail")) == -1);
	CHECK(can(at(home, "routes/data.mdb"), O_RDONLY) == !!(may & ROUTES));
	CHECK(can(at(home, "tenants/acme/entities/data.mdb"), O_RDONLY) == acme);
	CHECK(can(at(home, "tenants/acme/entities/lock.mdb"), O_RDWR) == acme);
	CHECK(can(at(home, "tenants/other/entities/data.mdb"), O_RDONLY) == other);
	CHECK((truncate(at(home, "tenants/acme/entities/data.mdb"), 1) == 0) == !!(may & STORES_W));
	CHECK((unlink(at(home, "tenants/acme/blob")) == 0) == !!(may & STORES_W));
	CHECK((rename(at(home, "tenants/acme/tmp"), at(home, "tenants/acme/entities/x")) == 0) == !!(may & STORES_W));
	CHECK(can(at(home, "run/new"), O_WRONLY | O_CREAT) == !!(may & RUN_W));
	CHECK(can(at(home, "ledger/new"), O_WRONLY | O_CREAT) == !!(may & LEDGER_W));
	CHECK(can(at(home, "new"), O_WRONLY | O_CREAT) == !!(may & HOME_W));
	CHECK(can("/dev/null", O_RDWR) && can("/proc/self/stat", O_RDONLY));
	CHECK((chmod(at(home, "run"), 0700) == 0) == !!(may & (STORES_W | RUN_W | HOME_W | LEDGER_W)));
}

static void lay_out(void)
{
	CHECK(file_mkdirs(at(home, "routes"), 0700) == ST_OK && file_mkdirs(at(home, "run"), 0700) == ST_OK);
	CHECK(file_mkdirs(at(home, "ledger"), 0700) == ST_OK && file_mkdirs(spool, 0700) == ST_OK);
	CHECK(file_mkdirs(at(home, "tenants/acme/entities"), 0700) == ST_OK);
	CHECK(file_mkdirs(at(home, "tenants/other/entities"), 0700) == ST_OK);
	put(at(spool, "mail"));
	put(at(base, "elsewhere"));
	put(at(home, "routes/data.mdb"));
	put(at(home, "tenants/acme/entities/data.mdb"));
	put(at(home, "tenants/acme/entities/lock.mdb"));
	put(at(home, "tenants/other/entities/data.mdb"));
	put(at(home, "tenants/acme/blob"));
	put(at(home, "tenants/acme/tmp"));
	unlink(at(home, "run/new"));
	unlink(at(home, "ledger/new"));
	unlink(at(home, "new"));
}

/* In a child. */
static void try_profile(const char *profile, unsigned may, const char *tenant, int unix_sockets, int network)
{
	struct sandbox_opts o = { .profile = profile, .home = home, .tenant = tenant,
		.unix_sockets = unix_sockets, .network = network };
	struct roots *roots = NULL;

	CHECK(roots_new(&roots) == ST_OK && roots_add(roots, spool) == ST_OK);
	o.roots = roots;
	if (sandbox_enter(&o) != ST_OK) {
		fprintf(stderr, "%s: %s\n", profile, st_text());
		check_failures++;
		return;
	}
	no_other_processes(may & FORKS);
	if (may & FORKS) {	/* and what its workers do */
		CHECK(sandbox_worker() == ST_OK);
		no_other_processes(false);
	}
	if (network)
		only_questions();
	else
		no_network(unix_sockets);
	no_machine();
	if (landlock) {
		no_files_elsewhere();
		files_of(may, tenant);
	}
}

static void in_child(const char *profile, unsigned may, const char *tenant, int unix_sockets, int network)
{
	int ws = 0;
	pid_t pid;

	lay_out();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		try_profile(profile, may, tenant, unix_sockets, network);
		if (check_failures)
			fprintf(stderr, "\tin %s%s\n", profile, tenant ? " of one tenant" : "");
		_exit(check_failures != 0);
	}
	CHECK(waitpid(pid, &ws, 0) == pid && WIFEXITED(ws) && WEXITSTATUS(ws) == 0);
}

static void each_profile_has_what_it_needs_and_no_more(void)
{
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++) {
		in_child(table[i].profile, table[i].may, NULL, 0, 0);
		if ((table[i].may & STORES) && !(table[i].may & HOME_W))
			in_child(table[i].profile, table[i].may, "acme", 0, 0);
	}
	in_child("weir-scan", ROOTS | RUN_W | LEDGER_W | FORKS, NULL, 1, 0);
	in_child("weir-auth", ROOTS, NULL, 0, 1);
	in_child("weir-ls", 0, "../tenants/other", 0, 0);
	in_child("weir-ls", 0, "", 0, 0);
}

/* Without Landlock: the calls are forbidden all the same, and it is said once for a home. */
static void an_old_kernel_is_said_once(void)
{
	struct sandbox_opts o = { .profile = "weir-auth", .home = home, .landlock_abi = -1 };
	int i, fd[2], ws;
	char text[200];
	ssize_t n;

	CHECK(pipe(fd) == 0);
	for (i = 0; i < 2; i++) {
		if (fork() == 0) {
			dup2(fd[1], 2);
			_exit(sandbox_enter(&o) != ST_OK || can("/etc/passwd", O_RDONLY) != 1 ||
				socket(AF_INET, SOCK_STREAM, 0) != -1);
		}
		CHECK(wait(&ws) > 0 && ws == 0);
	}
	close(fd[1]);
	n = read(fd[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	CHECK_STR(text, "sandbox: this kernel has no Landlock: files are protected by permissions only\n");
	close(fd[0]);
}

static void an_unknown_profile_is_a_bug(void)
{
	CHECK(sandbox_enter(&(struct sandbox_opts){ .profile = "weir-nobody" }) == ST_BUG);
}

int main(void)
{
	const char *tmp = getenv("BATS_TEST_TMPDIR");

	cli_start("sandbox", "usage: sandbox\n");
	snprintf(base, sizeof base, "%.200s/sandbox.XXXXXX", tmp ? tmp : "/tmp");
	CHECK(mkdtemp(base) != NULL);
	snprintf(home, sizeof home, "%s/home", base);
	snprintf(spool, sizeof spool, "%s/spool", base);
	landlock = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2;
	if (!landlock)
		puts("no Landlock here: files are not tested");
	each_profile_has_what_it_needs_and_no_more();
	an_old_kernel_is_said_once();
	an_unknown_profile_is_a_bug();
	CHECK(file_rmtree(AT_FDCWD, base) == ST_OK);
	return CHECK_DONE();
}
