/*
 * store_remove.c - a tenant and all its mail, gone. See store.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "store_priv.h"

/* Under a name that no tenant can have first: at no moment a half of it is there. */
static enum status remove_locked(struct store *s, int tenants)
{
	char gone[80];
	enum status st;

	snprintf(gone, sizeof gone, ".%s.removed", s->tenant);
	st = file_rmtree(tenants, gone);	/* of one that was killed */
	if (st == ST_OK && renameat(tenants, s->tenant, tenants, gone) < 0)
		st = st_fail_errno("tenant %s: remove", s->tenant);
	if (st == ST_OK && fsync(tenants) < 0)
		st = st_fail_errno("tenant %s: remove", s->tenant);
	return st == ST_OK ? file_rmtree(tenants, gone) : st;
}

enum status store_remove(const char *home, const char *tenant)
{
	struct store *s = NULL;
	enum status st = store_dir_open(home, tenant, &s);
	int tenants;

	if (st != ST_OK)
		return st;
	tenants = openat(s->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	st = tenants < 0 ? st_fail_errno("tenant %s", tenant) : store_lock(s);
	if (st == ST_OK)
		st = remove_locked(s, tenants);
	if (tenants >= 0)
		close(tenants);
	store_free(s);
	return st;
}
