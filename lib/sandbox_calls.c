/* sandbox_calls.c - see sandbox_calls.h. A list of what is forbidden: what libraries need changes with each of their
 * releases, what no mail filter has to do does not. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sandbox_calls.h"

/* By name: the header may be older than the kernel and the other way round. */
static const char *const nobodys[] = {
	/* other programs, other processes */
	"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
	"pidfd_getfd", "pidfd_open", "pidfd_send_signal", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
	/* ways around a filter, and the parts of the kernel where its holes are */
	"io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "userfaultfd", "perf_event_open",
	"keyctl", "add_key", "request_key", "fanotify_init", "open_by_handle_at", "name_to_handle_at",
	"lookup_dcookie", "modify_ldt", "personality", "vmsplice", "memfd_secret",
	/* the machine */
	"mount", "umount", "umount2", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsmount", "fsconfig",
	"fspick", "mount_setattr", "pivot_root", "chroot", "setns", "unshare", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff", "acct", "quotactl",
	"quotactl_fd", "settimeofday", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime",
	"sethostname", "setdomainname", "iopl", "ioperm", "syslog", "vhangup", "nfsservctl",
	/* whose a file is */
	"chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat",
	"removexattr", "lremovexattr", "fremovexattr", "removexattrat", "mknod",
};

static const char *const forks[] = { "fork", "vfork", "kill" };
/* Not fenced in by Landlock. */
static const char *const modes[] = { "chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "utimensat",
	"futimesat" };

/* A sanitizer's leak check is a process that looks into ours. */
static bool spared(const char *name)
{
#ifdef __SANITIZE_ADDRESS__
	static const char *const list[] = { "execve", "ptrace", "fork", "vfork", "kill", "personality" };
	size_t i;

	for (i = 0; i < sizeof list / sizeof *list; i++)
		if (!strcmp(name, list[i]))
			return true;
#endif
	return false;
}

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static int forbid(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		if (nr == __NR_SCMP_ERROR || nr < 0 || spared(names[i]))
			continue;
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	return rc;
}

/* Threads may be made (libclamav makes some), processes not. clone3 has its flags in memory, where a filter
 * cannot look: ENOSYS sends the C library back to clone. */
static int forbid_processes(scmp_filter_ctx ctx)
{
	int rc = forbid(ctx, forks, sizeof forks / sizeof *forks);

	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
			SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
	if (rc == 0 && !SANITIZED)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	if (rc == 0 && !SANITIZED)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc;
}

/* Socketpairs lead nowhere but to our own children. A filter compares an argument once in a rule: so each family that is
 * between two allowed ones is forbidden by name, those beyond them all at once. */
static int forbid_sockets(scmp_filter_ctx ctx, unsigned allowed)
{
	bool may_unix = allowed & SANDBOX_UNIX, may_net = allowed & SANDBOX_NET;
	static const char *const servers[] = { "listen", "accept", "accept4" };
	int rc = forbid(ctx, servers, sizeof servers / sizeof *servers), family;

	if (!may_unix && !may_net)
		return rc ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 0);
	for (family = 0; rc == 0 && family <= AF_INET6; family++) {
		if ((family == AF_UNIX && may_unix) || ((family == AF_INET || family == AF_INET6) && may_net))
			continue;
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family));
	}
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_GT, AF_INET6));
	/* A raw socket needs a privilege, but root has it. */
	if (rc == 0 && may_net)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_RAW));
	return rc;
}

/* Words put into a terminal's input would be run by the shell after us. */
static int forbid_typing(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCSTI));

	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCLINUX));
	return rc;
}

enum status sandbox_calls(unsigned allowed)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (!ctx)
		return st_fail(ST_NOMEM, "seccomp: out of memory");
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	rc = forbid(ctx, nobodys, sizeof nobodys / sizeof *nobodys);
	if (rc == 0 && !(allowed & SANDBOX_FORK))
		rc = forbid_processes(ctx);
	if (rc == 0)
		rc = forbid_sockets(ctx, allowed);
	if (rc == 0 && !(allowed & SANDBOX_MODES))
		rc = forbid(ctx, modes, sizeof modes / sizeof *modes);
	if (rc == 0)
		rc = forbid_typing(ctx);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc == 0)
		return ST_OK;
	errno = -rc;
	return st_fail_errno("seccomp");
}
