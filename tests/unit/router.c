/* A router that keeps two stores open finds the recipients of four tenants, in any order. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "route.h"
#include "router.h"

#define CHECK(x) do { if (!(x)) { printf("%d: %s (%s)\n", __LINE__, #x, st_text()); failed = 1; } } while (0)
static int failed;

static void make(const char *home, struct routes *routes, const char *tenant)
{
	struct domain_setting d = { .any = "unsorted" };
	struct store *st = NULL;
	char domain[80];

	snprintf(domain, sizeof(domain), "%s.example", tenant);
	CHECK(store_create(home, tenant) == ST_OK);
	CHECK(routes_set(routes, domain, tenant) == ST_OK);
	CHECK(store_open(home, tenant, STORE_WRITE, &st) == ST_OK);
	CHECK(store_begin(st) == ST_OK);
	CHECK(setting_domain_set(st, domain, &d) == ST_OK);
	CHECK(setting_policy_set(st, "scan.encrypted", tenant[0] == 'a' ? "flag" : "hold") == ST_OK);
	CHECK(store_commit(st) == ST_OK);
	store_close(&st);
}

static void find(struct router *r, const char *tenant)
{
	const char *policy = NULL;
	struct route route;
	char rcpt[80];

	snprintf(rcpt, sizeof(rcpt), "Me@%s.EXAMPLE", tenant);
	CHECK(router_find(r, rcpt, strlen(rcpt), &route) == ST_OK);
	CHECK(strcmp(route.tenant, tenant) == 0 && route.to.match == MATCH_DOMAIN);
	CHECK(router_policy(r, tenant, &policy) == ST_OK);
	CHECK(strcmp(policy, tenant[0] == 'a' ? "{\"encrypted\":\"flag\"}" : "") == 0);
}

static void run(const char *home)
{
	static const char *const order[] = { "a", "b", "c", "d", "a", "c", "b", "b", "a", "d", "d", "a" };
	struct routes *routes = NULL;
	struct router *r = NULL;
	struct route route;

	CHECK(routes_open(home, 1, &routes) == ST_OK);
	for (size_t i = 0; i < 4; i++)
		make(home, routes, order[i]);
	CHECK(routes_set(routes, "ghost.example", "ghost") == ST_OK);
	routes_close(&routes);

	CHECK(router_open(home, 2, &r) == ST_OK);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		find(r, order[i]);
	CHECK(router_find(r, "x@nowhere.example", 17, &route) == ST_NOTFOUND);
	CHECK(router_find(r, "x@ghost.example", 15, &route) == ST_CONFIG);
	find(r, "c");
	router_close(&r);
}

int main(void)
{
	char home[4096];

	snprintf(home, sizeof(home), "%s/weir-router-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (mkdtemp(home) == NULL)
		return 1;
	run(home);
	CHECK(file_rmtree(AT_FDCWD, home) == ST_OK);
	if (!failed)
		puts("ok");
	return failed;
}
