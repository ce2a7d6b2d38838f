/* home.c - see home.h */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "home.h"

/* Without trailing slashes; relative ones hang below the current folder. */
static enum status absolute(const char *path, const char **out)
{
	static char *kept;	/* what was handed out lives for ever: so that checkers see who has it */
	struct buf b = { 0 };
	char *cwd;

	if (path[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return st_fail_errno("current folder");
		buf_str(&b, cwd);
		buf_chr(&b, '/');
		free(cwd);
	}
	buf_str(&b, path);
	while (b.len > 1 && b.p[b.len - 1] == '/')
		b.p[--b.len] = '\0';
	if (!buf_ok(&b)) {
		buf_free(&b);
		return st_fail(ST_NOMEM, "out of memory");
	}
	if (kept && !strcmp(kept, b.p))
		buf_free(&b);
	else
		kept = b.p;
	*out = kept;
	return ST_OK;
}

enum status home_dir(const char *option_or_null, const char **out)
{
	const char *path = option_or_null;
	struct buf b = { 0 };
	enum status st;

	if (path && !*path)
		return st_fail(ST_CONFIG, "--home: empty");
	if (!path)
		path = getenv("WEIR_HOME");
	if (path && *path)
		return absolute(path, out);
	if (geteuid() == 0)
		return absolute("/var/lib/weir", out);
	path = getenv("HOME");
	if (!path || path[0] != '/')
		return st_fail(ST_CONFIG, "neither --home nor WEIR_HOME nor HOME is set");
	buf_fmt(&b, "%s/.local/share/weir", path);
	st = buf_ok(&b) ? absolute(b.p, out) : st_fail(ST_NOMEM, "out of memory");
	buf_free(&b);
	return st;
}

bool tenant_valid(const char *name, size_t len)
{
	size_t i;

	if (len < 1 || len > TENANT_MAX_BYTES || name[0] == '-' || name[len - 1] == '-')
		return false;
	for (i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

enum status tenant_path(const char *home, const char *tenant, const char *sub, struct buf *b)
{
	buf_clear(b);
	if (!tenant_valid(tenant, strlen(tenant)))
		return st_fail(ST_BAD, "\"%.80s\" is no tenant name ([a-z0-9-], at most 63)", tenant);
	buf_fmt(b, "%s/tenants/%s", home, tenant);
	if (sub && *sub)
		buf_fmt(b, "/%s", sub);
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}
