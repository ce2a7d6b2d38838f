/* sandbox.c - see sandbox.h: profiles, and Landlock (landlock(7)). Calls: sandbox_calls.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cli.h"
#include "home.h"
#include "sandbox.h"
#include "sandbox_calls.h"

/* ---- who may do what ---- */

#define NONE	SANDBOX_NONE
#define READ	SANDBOX_READ
#define USE	SANDBOX_USE
#define WRITE	SANDBOX_WRITE
#define FORK	SANDBOX_FORK

static const struct profile {
	const char *name;
	enum sandbox_may roots, home, routes, tenants, run, ledger;
	unsigned calls;
} profiles[] = {
	/*                       roots home  routes tenants run  ledger */
	{ "weir-parse",          READ, NONE,  NONE,  NONE,  NONE,  NONE,  FORK },
	{ "weir-route",          NONE, NONE,  USE,   USE,   NONE,  NONE,  0 },
	{ "weir-auth",           READ, NONE,  NONE,  NONE,  NONE,  NONE,  0 },	/* and name servers */
	{ "weir-extract",        READ, NONE,  NONE,  NONE,  WRITE, NONE,  0 },
	{ "weir-scan",           READ, NONE,  NONE,  NONE,  WRITE, WRITE, FORK },
	{ "weir-scan.again",     NONE, NONE,  NONE,  USE,   WRITE, WRITE, FORK },	/* --missing, --exposed */
	{ "weir-thread",         NONE, NONE,  NONE,  USE,   NONE,  NONE,  0 },
	{ "weir-store",          READ, NONE,  NONE,  WRITE, WRITE, NONE,  0 },
	{ "weir-spool",          NONE, NONE,  NONE,  NONE,  NONE,  NONE,  0 },	/* and the spool */
	{ "weir-ls",             NONE, NONE,  NONE,  USE,   NONE,  NONE,  0 },
	{ "weir-show",           NONE, NONE,  NONE,  USE,   NONE,  NONE,  0 },
	{ "weir-cat",            NONE, NONE,  NONE,  USE,   NONE,  NONE,  0 },
	{ "weir-export",         NONE, NONE,  NONE,  USE,   NONE,  NONE,  0 },
	{ "weir-why",            NONE, NONE,  NONE,  USE,   NONE,  NONE,  0 },
	{ "weir-fsck",           NONE, NONE,  NONE,  WRITE, NONE,  NONE,  FORK },
	{ "weir-sign",           READ, NONE,  NONE,  NONE,  WRITE, NONE,  0 },	/* its keys it has read already */
	{ "weir-event",          READ, NONE,  USE,   WRITE, NONE,  NONE,  0 },
	{ "weir-event.look",     NONE, NONE,  NONE,  NONE,  NONE,  NONE,  0 },	/* nothing is stored */
	{ "weir-event.list",     NONE, NONE,  NONE,  USE,   NONE,  NONE,  0 },
	{ "weir-tenant",         NONE, WRITE, NONE,  NONE,  NONE,  NONE,  0 },
	{ "weir-domain",         NONE, WRITE, NONE,  NONE,  NONE,  NONE,  0 },
	{ "weir-domain.verify",  NONE, NONE,  USE,   NONE,  NONE,  NONE,  0 },	/* verify, plan: and the stores, without their keys */
	{ "weir-domain.rotate",  NONE, NONE,  NONE,  NONE,  NONE,  NONE,  0 },	/* its child that asks for the new keys: name servers, nothing else */
	{ "weir-domain.history", NONE, NONE,  USE,   USE,   NONE,  NONE,  0 },
	{ "weir-address",        NONE, WRITE, NONE,  NONE,  NONE,  NONE,  0 },
	{ "weir-inbox",          NONE, WRITE, NONE,  NONE,  NONE,  NONE,  0 },
	{ "settings.look",       NONE, NONE,  USE,   USE,   NONE,  NONE,  0 },	/* list, show, export of the four */
};

/* What libraries read at any time: character sets (iconv loads them), time zones, OpenSSL's settings,
 * their own selves. /proc: the memory limit of a worker, the owner of a lease. */
static const char *const system_paths[] = {
	"/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo", "/usr/share/locale",
	"/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf", "/usr/share/i18n", "/dev/null",
	"/dev/zero", "/dev/urandom", "/dev/random", "/proc", "/etc/machine-id", "/sys/devices/system/cpu",
};

/* ---- Landlock, by hand: Debian 12's header and libc know its beginnings only ---- */

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ull << 15)
#endif

#define ABI_MIN		2	/* before it, nothing can be renamed from folder to folder */
#define ABI_TRUNCATE	3
#define ABI_NET		4
#define ABI_IOCTL	5
#define ABI_SCOPE	6

struct ruleset_attr { uint64_t fs, net, scoped; };

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ_ALL (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define USE_ALL (READ_ALL | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)
#define MAKE_ALL (LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_SYM | \
	LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER)
#define WRITE_ALL (READ_ALL | LANDLOCK_ACCESS_FS_WRITE_FILE | MAKE_ALL)
#define HANDLED (WRITE_ALL | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
	LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define OF_A_FILE (READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

struct fence { int fd, abi; };

static int kernel_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static enum status fence_open(struct fence *f, bool network)
{
	struct ruleset_attr attr = { .fs = HANDLED };
	size_t size = sizeof attr.fs;

	if (f->abi >= ABI_TRUNCATE)
		attr.fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (f->abi >= ABI_IOCTL)
		attr.fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (f->abi >= ABI_NET) {
		attr.net = network ? 1 : 3;	/* what is forbidden of TCP: to bind (1), to connect (2) */
		size = 2 * sizeof attr.fs;
	}
	if (f->abi >= ABI_SCOPE) {
		attr.scoped = 3;	/* abstract sockets of, and signals to, others */
		size = sizeof attr;
	}
	f->fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	return f->fd < 0 ? st_fail_errno("landlock: ruleset") : ST_OK;
}

static enum status allow_fd(const struct fence *f, int fd, enum sandbox_may may, const char *path)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	struct stat sb;

	if (fstat(fd, &sb) != 0)
		return st_fail_errno("landlock: %s", path);
	rule.allowed_access = may == SANDBOX_READ ? READ_ALL : may == SANDBOX_USE ? USE_ALL :
		may == SANDBOX_LIST ? LANDLOCK_ACCESS_FS_READ_DIR : WRITE_ALL;
	if (may == SANDBOX_WRITE && f->abi >= ABI_TRUNCATE)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (!S_ISDIR(sb.st_mode))
		rule.allowed_access &= OF_A_FILE;
	if (syscall(SYS_landlock_add_rule, f->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		return st_fail_errno("landlock: %s", path);
	return ST_OK;
}

static enum status allow(const struct fence *f, const char *path, enum sandbox_may may)
{
	enum status st;
	int fd;

	if (may == SANDBOX_NONE)
		return ST_OK;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return ST_OK;	/* what is not there needs no fence; if it comes, it stays outside */
	st = allow_fd(f, fd, may, path);
	close(fd);
	return st;
}

static enum status allow_sub(const struct fence *f, const char *home, const char *sub, bool make,
	enum sandbox_may may)
{
	struct buf path = { 0 };
	enum status st = ST_OK;

	if (may == SANDBOX_NONE || !home)
		return ST_OK;
	buf_fmt(&path, "%s/%s", home, sub);
	if (!buf_ok(&path))
		st = st_fail(ST_NOMEM, "out of memory");
	if (st == ST_OK && may == SANDBOX_WRITE && make)
		st = file_mkdirs(path.p, 0700);
	if (st == ST_OK)
		st = allow(f, path.p, may);
	buf_free(&path);
	return st;
}

static enum status allow_tenants(const struct fence *f, const struct sandbox_opts *o, enum sandbox_may may)
{
	struct buf path = { 0 };
	enum status st = ST_OK;

	if (may == SANDBOX_NONE || !o->home)
		return ST_OK;
	if (!o->tenant)
		return allow_sub(f, o->home, "tenants", false, may);
	if (tenant_path(o->home, o->tenant, NULL, &path) == ST_OK)
		st = allow(f, path.p, may);
	buf_free(&path);
	return st;
}

static enum status allow_root(void *arg, int fd, const char *path)
{
	return allow_fd(arg, fd, SANDBOX_READ, path);
}

static enum status allow_all(struct fence *f, const struct sandbox_opts *o, const struct profile *p)
{
	enum status st = ST_OK;
	size_t i;

	for (i = 0; st == ST_OK && i < sizeof system_paths / sizeof *system_paths; i++)
		st = allow(f, system_paths[i], strcmp(system_paths[i], "/dev/null") ? SANDBOX_READ : SANDBOX_USE);
	for (i = 0; st == ST_OK && o->also && o->also[i].path; i++)
		st = allow(f, o->also[i].path, o->also[i].may);
	if (st == ST_OK && o->roots && p->roots)
		st = roots_each(o->roots, allow_root, f);
	if (st == ST_OK)
		st = allow_sub(f, o->home, "", false, p->home);
	if (st == ST_OK)
		st = allow_sub(f, o->home, "routes", false, p->routes);
	if (st == ST_OK)
		st = allow_tenants(f, o, p->tenants);
	if (st == ST_OK)
		st = allow_sub(f, o->home, "run", true, p->run);
	if (st == ST_OK)
		st = allow_sub(f, o->home, "ledger", true, p->ledger);
	return st;
}

/* Said once for each home: a file in HOME/run remembers. */
static void say_unfenced(const struct sandbox_opts *o)
{
	static bool said;
	struct buf path = { 0 };
	int fd = -1;

	if (said)
		return;
	said = true;
	buf_fmt(&path, "%s/run/no-landlock", o->home ? o->home : "");
	if (o->home && buf_ok(&path))
		fd = open(path.p, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 || errno != EEXIST)
		cli_warn("this kernel has no Landlock: files are protected by permissions only");
	if (fd >= 0)
		close(fd);
	buf_free(&path);
}

static enum status fence_in(const struct sandbox_opts *o, const struct profile *p)
{
	struct fence f = { .fd = -1, .abi = o->landlock_abi ? o->landlock_abi : kernel_abi() };
	enum status st;

	if (f.abi < ABI_MIN) {
		say_unfenced(o);
		return ST_OK;
	}
	st = fence_open(&f, o->network);
	if (st == ST_OK)
		st = allow_all(&f, o, p);
	if (st == ST_OK && syscall(SYS_landlock_restrict_self, f.fd, 0) != 0)
		st = st_fail_errno("landlock: restrict");
	if (f.fd >= 0)
		close(f.fd);
	return st;
}

/* Whether the program may change anything at all. */
static bool writes(const struct sandbox_opts *o, const struct profile *p)
{
	size_t i;

	for (i = 0; o->also && o->also[i].path; i++)
		if (o->also[i].may == SANDBOX_WRITE)
			return true;
	return p->home == SANDBOX_WRITE || p->routes == SANDBOX_WRITE || p->tenants == SANDBOX_WRITE ||
		p->run == SANDBOX_WRITE || p->ledger == SANDBOX_WRITE;
}

enum status sandbox_enter(const struct sandbox_opts *o)
{
	const struct profile *p = NULL;
	enum status st;
	size_t i;

	for (i = 0; i < sizeof profiles / sizeof *profiles; i++)
		if (!strcmp(profiles[i].name, o->profile))
			p = &profiles[i];
	if (!p)
		return st_fail(ST_BUG, "no sandbox for %s", o->profile);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return st_fail_errno("no new privileges");
	st = fence_in(o, p);
	if (st != ST_OK)
		return st;
	return sandbox_calls(p->calls | (o->unix_sockets ? SANDBOX_UNIX : 0) | (o->network ? SANDBOX_NET : 0) |
		(writes(o, p) ? SANDBOX_MODES : 0));
}

enum status sandbox_worker(void)
{
	return sandbox_calls(SANDBOX_UNIX | SANDBOX_MODES);
}
