/* Settings as the library gives them: what a sender may be, where domains' addresses go, windows in all their forms, routes in step. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "check.h"
#include "file.h"
#include "plan.h"
#include "route.h"
#include "settings.h"

static const char *home;

static struct span json(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static enum status add_address(struct store *st, const char *address, const char *patch)
{
	return setting_address_change(st, address, json(patch));
}

static enum status set_up(void *arg, struct store *st)
{
	struct domain_setting d = { "", "" };

	CHECK(setting_domain_set(st, "x.example", &d) == ST_OK);
	CHECK(setting_domain_set(st, "y.example", &d) == ST_OK);
	CHECK(add_address(st, "info@x.example", "{\"senders\":[\"user:anna\",\"group:service\"]}") == ST_OK);
	CHECK(add_address(st, "open@x.example", "{}") == ST_OK);
	CHECK(add_address(st, "off@x.example", "{\"active\":false}") == ST_OK);
	return ST_OK;
}

static enum status check_senders(void *arg, struct store *st)
{
	CHECK(setting_may_send(st, "info@x.example", "user:anna") == ST_OK);
	CHECK(setting_may_send(st, "info@x.example", "group:service") == ST_OK);
	CHECK(setting_may_send(st, "info@x.example", NULL) == ST_OK);
	CHECK(setting_may_send(st, "info@x.example", "user:ann") == ST_DENIED);
	CHECK(setting_may_send(st, "info@x.example", "user:anna2") == ST_DENIED);
	CHECK(setting_may_send(st, "info@x.example", "") == ST_DENIED);
	CHECK(setting_may_send(st, "open@x.example", "user:whoever") == ST_OK);
	CHECK(setting_may_send(st, "off@x.example", NULL) == ST_DENIED);
	CHECK(setting_may_send(st, "nobody@x.example", NULL) == ST_NOTFOUND);
	return ST_OK;
}

static enum status check_patches(void *arg, struct store *st)
{
	static const char *const bad[] = { "[]", "\"x\"", "{\"inbox\":null}", "{\"inbox\":\"A\"}", "{\"inbox\":7}", "{\"nosuch\":1}",
		"{\"name\":7}", "{\"senders\":\"user:a\"}", "{\"senders\":[7]}", "{\"senders\":[\"user:a b\"]}", "{\"signature\":[]}",
		"{\"signature\":{\"text\":7}}", "{\"reply_to\":\"x\"}", "{\"active\":\"no\"}", "{\"tags\":0}" };
	struct buf before = { 0 }, after = { 0 };

	CHECK(setting_address_json(st, "info@x.example", &before) == ST_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (add_address(st, "info@x.example", bad[i]) != ST_BAD) {
			fprintf(stderr, "taken: %s\n", bad[i]);
			check_failures++;
		}
	CHECK(setting_address_json(st, "info@x.example", &after) == ST_OK);
	CHECK_STR(buf_cstr(&after), buf_cstr(&before));
	CHECK(add_address(st, "info@x.example", "{\"senders\":[\"user:b\",\"user:a\",\"user:b\"],\"active\":true,\"name\":\"\"}") == ST_OK);
	CHECK(setting_address_json(st, "info@x.example", &after) == ST_OK);
	CHECK_STR(buf_cstr(&after), "{\"inbox\":\"default\",\"senders\":[\"user:a\",\"user:b\"]}");
	buf_free(&before);
	buf_free(&after);
	return ST_OK;
}

static enum status check_clear(void *arg, struct store *st)
{
	size_t live, all, moved;

	CHECK(setting_domain_count(st, "x.example", &live, &all) == ST_OK && live == 2 && all == 3);
	CHECK(setting_domain_count(st, "y.example", &live, &all) == ST_OK && live == 0 && all == 0);
	CHECK(setting_domain_clear(st, "x.example", NULL, &moved) == ST_EXISTS && moved == 0);
	CHECK(setting_domain_clear(st, "x.example", "x.example", &moved) == ST_BAD);
	CHECK(setting_domain_clear(st, "x.example", "info@x.example", &moved) == ST_BAD);
	CHECK(setting_domain_clear(st, "x.example", "z.example", &moved) == ST_NOTFOUND);
	CHECK(setting_domain_clear(st, "x.example", "a@y.example", &moved) == ST_NOTFOUND);
	CHECK(add_address(st, "info@y.example", "{\"inbox\":\"kept\"}") == ST_OK);
	CHECK(setting_domain_clear(st, "x.example", "y.example", &moved) == ST_OK && moved == 3);
	CHECK(setting_domain_count(st, "x.example", &live, &all) == ST_OK && all == 0);
	CHECK(setting_domain_count(st, "y.example", &live, &all) == ST_OK && live == 2 && all == 3);
	return ST_OK;
}

static enum status refuse(void *arg, struct store *st)
{
	CHECK(setting_address_set(st, "open@y.example", NULL) == ST_OK);
	return st_fail(ST_DENIED, "no");
}

static enum status is_whole(void *arg, struct store *st)
{
	struct address_setting a;
	char primary[ADDRESS_MAX_BYTES + 1];

	CHECK(setting_address(st, "info@y.example", &a) == ST_OK && strcmp(a.inbox, "kept") == 0);
	CHECK(setting_address(st, "open@y.example", &a) == ST_OK && strcmp(a.inbox, "default") == 0);
	CHECK(setting_address(st, "off@y.example", &a) == ST_OK && a.inactive);
	CHECK(setting_primary(st, primary) == ST_OK && strstr(primary, "@y.example") != NULL);
	CHECK(settings_check(st, "") == ST_OK);
	return ST_OK;
}

static void check_windows(void)
{
	static const struct { const char *text; int64_t ms; } good[] = { { "0", 0 }, { "1", 1 }, { "250ms", 250 }, { "10s", 10000 },
		{ "-5m", 300000 }, { "+5m", 300000 }, { "2h", 7200000 }, { "366d", DUPLICATES_MAX_MS }, { "007s", 7000 } };
	static const char *const bad[] = { "", "-", "s", "5w", "5 m", "5m ", "1.5h", "--5", "0x5", "367d", "31622400001", "99999999999999999999d" };
	char text[24];
	int64_t ms, again;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(duplicates_parse(good[i].text, &ms) == ST_OK && ms == good[i].ms);
		duplicates_text(ms, text);
		CHECK(duplicates_parse(text, &again) == ST_OK && again == ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(duplicates_parse(bad[i], &ms) == ST_BAD);
}

static void check_routes(void)
{
	char tenant[64], shared[254];
	const char *names[] = { "y.example", "a@in.example", "x.example" }, *less[] = { "x.example" }, *within[] = { "sub.in.example" };
	struct routes *r = NULL;

	CHECK(routes_open(home, 1, &r) == ST_OK);
	CHECK(routes_shared_set(r, "in.example") == ST_OK);
	CHECK(routes_shared(r, shared) == ST_OK && strcmp(shared, "in.example") == 0);
	CHECK(routes_set(r, "in.example", "beta") == ST_EXISTS);
	CHECK(routes_sync(r, "beta", within, 1, ROUTES_MUST) == ST_EXISTS);
	CHECK(routes_sync(r, "beta", names, 3, ROUTES_TRY) == ST_EXISTS);	/* acme has x and y */
	CHECK(routes_sync(r, "beta", names, 3, ROUTES_MUST) == ST_EXISTS);
	CHECK(routes_get_address(r, "a@in.example", tenant) == ST_NOTFOUND);	/* nothing of it */
	CHECK(routes_sync(r, "beta", names, 3, ROUTES_REPAIR) == ST_OK);	/* what can be */
	CHECK(routes_get_address(r, "a+b+c@in.example", tenant) == ST_OK && strcmp(tenant, "beta") == 0);
	CHECK(routes_get_address(r, "+a@in.example", tenant) == ST_NOTFOUND);
	CHECK(routes_get_address(r, "nonsense", tenant) == ST_NOTFOUND);
	CHECK(routes_get(r, "x.example", tenant) == ST_OK && strcmp(tenant, "acme") == 0);
	CHECK(routes_shared_set(r, NULL) == ST_EXISTS);
	CHECK(routes_sync(r, "acme", less, 1, ROUTES_MUST) == ST_OK);
	CHECK(routes_get(r, "y.example", tenant) == ST_NOTFOUND);
	CHECK(routes_sync(r, "beta", NULL, 0, ROUTES_MUST) == ST_OK);
	CHECK(routes_get_address(r, "a@in.example", tenant) == ST_NOTFOUND);
	CHECK(routes_shared_set(r, NULL) == ST_OK);
	CHECK(routes_sync(r, "../x", NULL, 0, ROUTES_MUST) == ST_BAD);
	routes_close(&r);
}

static void run(void)
{
	CHECK(store_create(home, "acme") == ST_OK);
	CHECK(settings_change(home, "nobody", CHANGE_KEEP, set_up, NULL) == ST_NOTFOUND);
	CHECK(settings_change(home, "acme", CHANGE_TRY, set_up, NULL) == ST_OK);
	CHECK(settings_change(home, "acme", CHANGE_KEEP, set_up, NULL) == ST_OK);
	CHECK(settings_read(home, "acme", check_senders, NULL) == ST_OK);
	CHECK(settings_change(home, "acme", CHANGE_TRY, check_patches, NULL) == ST_OK);
	CHECK(settings_change(home, "acme", CHANGE_KEEP, check_clear, NULL) == ST_OK);
	CHECK(settings_change(home, "acme", CHANGE_KEEP, refuse, NULL) == ST_DENIED);
	CHECK(settings_read(home, "acme", is_whole, NULL) == ST_OK);
	check_routes();
	CHECK(store_remove(home, "acme") == ST_OK);
	CHECK(store_remove(home, "acme") == ST_NOTFOUND);
}

int main(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/weir-settings-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	home = mkdtemp(path);
	if (home == NULL)
		return 1;
	check_windows();
	run();
	CHECK(file_rmtree(AT_FDCWD, home) == ST_OK);
	return CHECK_DONE();
}
