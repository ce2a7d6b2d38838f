/*
 * weir-tenant - make tenants, list them, show and change what they have set.
 */
#include <getopt.h>
#include <string.h>

#include "cli.h"
#include "home.h"
#include "sandbox.h"
#include "settings.h"
#include "store.h"

static const char help[] =
	"usage: weir-tenant [--home DIR] [--json] add NAME | list | show NAME | set NAME KEY VALUE\n"
	"\n"
	"  add NAME             make a tenant: a-z 0-9 and '-', at most 63; nothing if it is there\n"
	"  list                 the names of all\n"
	"  show NAME            its domains, addresses and policy\n"
	"  set NAME KEY VALUE   what becomes of mail that cannot be scanned: KEY is scan.encrypted,\n"
	"                       scan.too_big, scan.too_deep, scan.too_many, scan.too_long,\n"
	"                       scan.unsupported, scan.timeout or scan.error; VALUE is hold, flag or delete\n"
	"\n"
	"      --home DIR       instead of $WEIR_HOME\n"
	"      --json           list and show: JSON Lines\n"
	"  -h, --help           this text\n"
	"      --version        the version\n";

struct opts { const char *home; int json; };

static enum status print_name(void *arg, const char *tenant)
{
	const struct opts *o = arg;

	printf(o->json ? "{\"weir\":1,\"type\":\"tenant\",\"tenant\":\"%s\"}\n" : "%s\n", tenant);
	return ST_OK;
}

static int add(const struct opts *o, const char *name)
{
	enum status st = store_create(o->home, name);

	return st == ST_OK || st == ST_EXISTS ? 0 : cli_fail(st, name);
}

static enum status show_domain(void *arg, const char *domain, const struct domain_setting *d)
{
	struct buf *b = arg;

	json_open(b, NULL, '{');
	json_cstr(b, "domain", domain);
	if (d->any[0] != '\0')
		json_cstr(b, "any", d->any);
	if (d->catch_all[0] != '\0')
		json_cstr(b, "catch_all", d->catch_all);
	json_close(b, '}');
	return ST_OK;
}

static enum status show_address(void *arg, const char *address, const struct address_setting *a)
{
	struct buf *b = arg;

	json_open(b, NULL, '{');
	json_cstr(b, "address", address);
	json_cstr(b, "inbox", a->inbox);
	json_close(b, '}');
	return ST_OK;
}

/* The tenant as one JSON object; the table for people is made of it. */
static enum status collect(struct store *st, const char *name, struct buf *b)
{
	enum status rc = store_begin(st);

	if (rc != ST_OK)
		return rc;
	json_open(b, NULL, '{');
	json_int(b, "weir", RECORD_VERSION);
	json_cstr(b, "type", "tenant");
	json_cstr(b, "tenant", name);
	json_open(b, "domains", '[');
	rc = setting_domains(st, show_domain, b);
	json_close(b, ']');
	json_open(b, "addresses", '[');
	if (rc == ST_OK)
		rc = setting_addresses(st, show_address, b);
	json_close(b, ']');
	if (rc == ST_OK) {
		struct buf policy = { 0 };

		rc = setting_policy(st, &policy);
		if (policy.len > 0)
			json_raw(b, "policy", policy.p, policy.len);
		buf_free(&policy);
	}
	json_close(b, '}');
	store_abort(st);
	return rc != ST_OK ? rc : buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

static void print_members(struct span object, const char *indent)
{
	struct span key, val;
	struct buf text = { 0 };

	while (json_member(&object, &key, &val)) {
		buf_clear(&text);
		if (!json_text(val, &text))
			continue;
		printf("%s%.*s ", indent, (int)key.len, key.p);
		cli_safe(stdout, buf_cstr(&text), text.len, 0);
		indent = "  ";
	}
	putchar('\n');
	buf_free(&text);
}

static void print_tenant(struct span tenant)
{
	static const char *const lists[] = { "domains", "addresses" };
	struct span it, e, policy = json_get(tenant, "policy"), key, val;

	for (size_t i = 0; i < 2; i++)
		for (it = json_get(tenant, lists[i]); json_elem(&it, &e); )
			print_members(e, "");
	while (policy.p != NULL && json_member(&policy, &key, &val))
		printf("scan.%.*s %.*s\n", (int)key.len, key.p, (int)val.len - 2, val.p + 1);
}

static int show(const struct opts *o, const char *name)
{
	struct store *st = NULL;
	struct buf b = { 0 };
	enum status rc = store_open(o->home, name, STORE_READ, &st);
	int status;

	if (rc == ST_OK)
		rc = collect(st, name, &b);
	status = rc == ST_OK ? 0 : cli_fail(rc, name);
	if (rc == ST_OK && o->json)
		printf("%s\n", b.p);
	else if (rc == ST_OK)
		print_tenant((struct span){ b.p, b.len });
	store_close(&st);
	buf_free(&b);
	return status;
}

static int set(const struct opts *o, const char *name, const char *key, const char *value)
{
	struct store *st = NULL;
	enum status rc = store_open(o->home, name, STORE_WRITE, &st);

	if (rc == ST_OK)
		rc = store_begin(st);
	if (rc == ST_OK) {
		rc = setting_policy_set(st, key, value);
		if (rc == ST_OK)
			rc = store_commit(st);
		else
			store_abort(st);
	}
	store_close(&st);
	return rc == ST_OK ? 0 : cli_fail(rc == ST_BAD ? ST_USAGE : rc, name);
}

static int run(const struct opts *o, int n, char *args[])
{
	const char *verb = n > 0 ? args[0] : "";

	if (n == 2 && strcmp(verb, "add") == 0)
		return add(o, args[1]);
	if (n == 1 && strcmp(verb, "list") == 0) {
		enum status st = store_tenants(o->home, print_name, (void *)(uintptr_t)o);

		return st == ST_OK ? 0 : cli_fail(st, "list");
	}
	if (n == 2 && strcmp(verb, "show") == 0)
		return show(o, args[1]);
	if (n == 4 && strcmp(verb, "set") == 0)
		return set(o, args[1], args[2], args[3]);
	cli_usage("%s", n == 0 ? "what is to be done?" : "unknown word, or not the operands it wants");
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "home", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	enum status st;
	int opt;

	cli_start("weir-tenant", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'H': o.home = optarg; break;
		case 'J': o.json = 1; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	st = home_dir(o.home, &o.home);
	if (st == ST_OK && optind < argc && strcmp(argv[optind], "add") == 0)
		st = file_mkdirs(o.home, 0700);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-tenant", .home = o.home });
	return cli_finish(st == ST_OK ? run(&o, argc - optind, argv + optind) : cli_fail(st, "home"));
}
