/* The map of domains: one tenant each, sorted, and nothing of a tenant's elsewhere. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "home.h"
#include "route.h"

#define CHECK(x) do { if (!(x)) { printf("%d: %s (%s)\n", __LINE__, #x, st_text()); failed = 1; } } while (0)
static int failed;

struct seen { char text[200]; };

static enum status note(void *arg, const char *domain, const char *tenant)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s=%s ", domain, tenant);
	return ST_OK;
}

static void run(const char *home)
{
	char tenant[TENANT_MAX_BYTES + 1], longest[255];
	struct routes *r = NULL;
	struct seen s = { "" };

	CHECK(routes_open(home, 0, &r) == ST_OK);	/* nothing there is nothing in it */
	CHECK(routes_get(r, "x.example", tenant) == ST_NOTFOUND);
	CHECK(routes_each(r, note, &s) == ST_OK && s.text[0] == '\0');
	CHECK(routes_set(r, "x.example", "acme") == ST_BUG);
	routes_close(&r);
	CHECK(r == NULL);

	CHECK(routes_open(home, 1, &r) == ST_OK);
	CHECK(routes_set(r, "x.example", "acme") == ST_OK);
	CHECK(routes_set(r, "x.example", "acme") == ST_OK);
	CHECK(routes_set(r, "x.example", "globex") == ST_EXISTS);
	CHECK(routes_set(r, "b.example", "globex") == ST_OK);
	CHECK(routes_set(r, "y.example", "../acme") == ST_BAD);
	CHECK(routes_set(r, "", "acme") == ST_BAD);
	memset(longest, 'a', 254);
	longest[254] = '\0';
	CHECK(routes_set(r, longest, "acme") == ST_BAD);
	longest[253] = '\0';
	CHECK(routes_set(r, longest, "acme") == ST_OK);
	CHECK(routes_del(r, longest) == ST_OK);
	CHECK(routes_del(r, longest) == ST_NOTFOUND);
	routes_close(&r);

	CHECK(routes_open(home, 0, &r) == ST_OK);
	CHECK(routes_get(r, "x.example", tenant) == ST_OK && strcmp(tenant, "acme") == 0);
	CHECK(routes_get(r, "sub.x.example", tenant) == ST_NOTFOUND);
	CHECK(routes_get(r, "x.exampl", tenant) == ST_NOTFOUND);
	CHECK(routes_each(r, note, &s) == ST_OK && strcmp(s.text, "b.example=globex x.example=acme ") == 0);
	routes_close(&r);
}

int main(void)
{
	char home[4096];

	snprintf(home, sizeof(home), "%s/weir-route-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (mkdtemp(home) == NULL)
		return 1;
	run(home);
	CHECK(file_rmtree(AT_FDCWD, home) == ST_OK);
	if (!failed)
		puts("ok");
	return failed;
}
