/*
 * weir-address - a tenant's addresses, and the inbox each one leads to.
 */
#include <getopt.h>
#include <string.h>

#include "cli.h"
#include "header.h"
#include "home.h"
#include "sandbox.h"
#include "settings.h"

static const char help[] =
	"usage: weir-address [OPTION...] add TENANT ADDRESS | list TENANT | remove TENANT ADDRESS\n"
	"\n"
	"  add TENANT ADDRESS     mail to it is the tenant's; again: changes the inbox\n"
	"  list TENANT            ADDRESS, INBOX and \"catch-all\" if it is one, separated by tabs\n"
	"  remove TENANT ADDRESS  what was stored stays\n"
	"\n"
	"      --inbox NAME       add: the inbox it leads to (inbox)\n"
	"      --catch-all        add: it also gets what is for no other address of its domain\n"
	"      --home DIR         instead of $WEIR_HOME\n"
	"      --json             list: JSON Lines\n"
	"  -h, --help             this text\n"
	"      --version          the version\n";

struct opts { const char *home, *inbox; int catch_all, json; };

/* Within a transaction. The domain's setting names its catch-all, if there is one. */
static enum status add(const struct opts *o, struct store *st, const char *address)
{
	const char *domain = strrchr(address, '@') + 1;
	struct address_setting a;
	struct domain_setting d;
	enum status rc = setting_domain(st, domain, &d);

	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "%s has no domain %s (weir-domain add %s %s)",
			store_tenant(st), domain, store_tenant(st), domain);
	if (rc != ST_OK)
		return rc;
	snprintf(a.inbox, sizeof(a.inbox), "%s", o->inbox);
	rc = setting_address_set(st, address, &a);
	if (rc != ST_OK)
		return rc;
	if (o->catch_all)
		snprintf(d.catch_all, sizeof(d.catch_all), "%s", address);
	else if (strcmp(d.catch_all, address) == 0)
		d.catch_all[0] = '\0';
	else
		return ST_OK;
	return setting_domain_set(st, domain, &d);
}

static enum status drop(const struct opts *o, struct store *st, const char *address)
{
	const char *domain = strrchr(address, '@') + 1;
	struct address_setting a;
	struct domain_setting d;
	enum status rc = setting_address(st, address, &a);

	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "%s has no such address", store_tenant(st));
	if (rc == ST_OK)
		rc = setting_address_set(st, address, NULL);
	if (rc != ST_OK)
		return rc;
	rc = setting_domain(st, domain, &d);
	if (rc != ST_OK || strcmp(d.catch_all, address) != 0)
		return rc == ST_NOTFOUND ? ST_OK : rc;
	d.catch_all[0] = '\0';
	return setting_domain_set(st, domain, &d);
}

static enum status within(const struct opts *o, const char *tenant, const char *address,
	enum status (*fn)(const struct opts *, struct store *, const char *))
{
	struct store *st = NULL;
	enum status rc = store_open(o->home, tenant, STORE_WRITE, &st);

	if (rc == ST_OK)
		rc = store_begin(st);
	if (rc == ST_OK) {
		rc = fn(o, st, address);
		if (rc == ST_OK)
			rc = store_commit(st);
		else
			store_abort(st);
	}
	store_close(&st);
	return rc;
}

static int change(const struct opts *o, const char *tenant, const char *name,
	enum status (*fn)(const struct opts *, struct store *, const char *))
{
	struct buf address = { 0 };
	enum status rc = address_normal(name, strlen(name), &address);

	if (rc != ST_OK || address.len > ADDRESS_MAX_BYTES) {
		buf_free(&address);
		cli_usage("%s is no address", name);
	}
	rc = within(o, tenant, address.p, fn);
	buf_free(&address);
	return rc == ST_OK ? 0 : cli_fail(rc, name);
}

struct listing { const struct opts *o; struct store *st; };

static enum status print_address(void *arg, const char *address, const struct address_setting *a)
{
	const struct listing *l = arg;
	struct domain_setting d = { 0 };
	bool all = setting_domain(l->st, strrchr(address, '@') + 1, &d) == ST_OK
		&& strcmp(d.catch_all, address) == 0;
	struct buf b = { 0 };

	if (!l->o->json) {
		cli_safe(stdout, address, strlen(address), 0);
		printf("\t%s%s\n", a->inbox, all ? "\tcatch-all" : "");
		return ST_OK;
	}
	json_open(&b, NULL, '{');
	json_int(&b, "weir", RECORD_VERSION);
	json_cstr(&b, "type", "address");
	json_cstr(&b, "tenant", store_tenant(l->st));
	json_cstr(&b, "address", address);
	json_cstr(&b, "inbox", a->inbox);
	if (all)
		json_bool(&b, "catch_all", true);
	json_close(&b, '}');
	printf("%s\n", buf_cstr(&b));
	buf_free(&b);
	return ST_OK;
}

static int list(const struct opts *o, const char *tenant)
{
	struct listing l = { .o = o };
	enum status rc = store_open(o->home, tenant, STORE_READ, &l.st);

	if (rc == ST_OK)
		rc = store_begin(l.st);
	if (rc == ST_OK) {
		rc = setting_addresses(l.st, print_address, &l);
		store_abort(l.st);
	}
	store_close(&l.st);
	return rc == ST_OK ? 0 : cli_fail(rc, tenant);
}

static int run(const struct opts *o, int n, char *args[])
{
	const char *verb = n > 0 ? args[0] : "";

	if (!inbox_valid(o->inbox, strlen(o->inbox)))
		cli_usage("no inbox can be called %s", o->inbox);
	if (n == 3 && strcmp(verb, "add") == 0)
		return change(o, args[1], args[2], add);
	if (n == 3 && strcmp(verb, "remove") == 0)
		return change(o, args[1], args[2], drop);
	if (n == 2 && strcmp(verb, "list") == 0)
		return list(o, args[1]);
	cli_usage("%s", n == 0 ? "what is to be done?" : "unknown word, or not the operands it wants");
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "inbox", required_argument, NULL, 'i' },
		{ "catch-all", no_argument, NULL, 'c' },
		{ "home", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct opts o = { .inbox = INBOX_DEFAULT };
	enum status st;
	int opt;

	cli_start("weir-address", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'i': o.inbox = optarg; break;
		case 'c': o.catch_all = 1; break;
		case 'H': o.home = optarg; break;
		case 'J': o.json = 1; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	st = home_dir(o.home, &o.home);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-address", .home = o.home });
	return cli_finish(st == ST_OK ? run(&o, argc - optind, argv + optind) : cli_fail(st, "home"));
}
