/* scratch.c - see scratch.h. fsopen(2) and its kin: Linux 5.2. */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scratch.h"

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(text);
	bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A namespace in which we may mount. The same user and group in it as outside (user_namespaces(7)). */
static bool own_namespace(void)
{
	char uid[64], gid[64];

	snprintf(uid, sizeof uid, "%u %u 1", geteuid(), geteuid());
	snprintf(gid, sizeof gid, "%u %u 1", getegid(), getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text("/proc/self/setgroups", "deny")
		&& write_text("/proc/self/gid_map", gid) && write_text("/proc/self/uid_map", uid);
}

/* The namespace gave us all capabilities in it: none is needed any more. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {0};

	syscall(SYS_capset, &head, none);
}

static int open_one(void)
{
	char size[32];
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (fs < 0)
		return -1;
	snprintf(size, sizeof size, "%llu", SCRATCH_BYTES);
	/* As many files as there is room for: a full table of them would be an error that the meter does not see. */
	if (fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) == 0
	    && fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "0", 0) == 0
	    && fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0700", 0) == 0
	    && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(fs);
	return fd;
}

static bool open_all(struct scratch *out, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		out[i].fd = open_one();
		snprintf(out[i].path, sizeof out[i].path, "/proc/self/fd/%d", out[i].fd);
		if (out[i].fd < 0 || access(out[i].path, W_OK | X_OK) != 0)
			break;
	}
	if (i < n)
		scratch_close(out, i + 1);
	return i == n;
}

bool scratch_open(struct scratch *out, int n)
{
	int meter = scratch_meter_open();
	struct scratch_meter now;
	bool metered = scratch_meter_read(meter, &now);

	if (meter >= 0)
		close(meter);
	if (!metered)
		return false;
	if (open_all(out, n))
		return true;
	if (geteuid() == 0)	/* root without the right to mount: in a container, where a namespace does not help */
		return false;
	bool ok = own_namespace() && open_all(out, n);
	drop_capabilities();
	return ok;
}

void scratch_close(struct scratch *s, int n)
{
	for (int i = 0; i < n; i++)
		if (s[i].fd >= 0)
			close(s[i].fd);
}

int scratch_meter_open(void)
{
	return open("/proc/self/io", O_RDONLY | O_CLOEXEC);
}

bool scratch_meter_read(int fd, struct scratch_meter *out)
{
	unsigned long long bytes, reads, writes;
	char text[256];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);

	if (n < 0)
		return false;
	text[n] = '\0';
	const char *at = strstr(text, "wchar: ");
	if (!at || sscanf(at, "wchar: %llu syscr: %llu syscw: %llu", &bytes, &reads, &writes) != 3)
		return false;
	*out = (struct scratch_meter){ bytes, writes };
	return true;
}

uint64_t scratch_used(const struct scratch_meter *a, const struct scratch_meter *b)
{
	return b->bytes < a->bytes || b->writes < a->writes ? UINT64_MAX
		: b->bytes - a->bytes + (b->writes - a->writes) * SCRATCH_PAGE;
}
