/*
 * weir-tenant - make tenants, list them, show and change what they have set: a value at a time, or the whole as text.
 */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "cli.h"
#include "file.h"
#include "home.h"
#include "plan.h"
#include "route.h"
#include "sandbox.h"
#include "settings.h"
#include "weir-tenant.h"

static const char help[] =
	"usage: weir-tenant [OPTION...] add | show | export | remove NAME, set NAME KEY VALUE, list, plan | apply [NAME], platform, routes\n"
	"\n"
	"  add NAME             make a tenant: a-z 0-9 and '-', at most 63; nothing if it is there\n"
	"  list                 the names of all\n"
	"  show NAME            its domains, addresses and policy\n"
	"  set NAME KEY VALUE   what becomes of mail that cannot be scanned: KEY is scan.encrypted,\n"
	"                       scan.too_big, scan.too_deep, scan.too_many, scan.too_long, scan.unsupported,\n"
	"                       scan.corrupt, scan.timeout or scan.error; VALUE is hold, flag or delete;\n"
	"                       of mail that DMARC says is forged: dmarc.reject or dmarc.quarantine; hold,\n"
	"                       flag or deliver; of copies: duplicates.window (3m, 0 for off), duplicates.except\n"
	"                       (addresses)\n"
	"  export NAME          all that it has set, as text for version control\n"
	"  plan [NAME] <TEXT    what would change if that were applied; ends with 1 if anything would\n"
	"  apply [NAME] <TEXT   makes it so, all or nothing\n"
	"  remove --erase NAME  the tenant, its settings, keys and all its mail\n"
	"  platform             the domain on which every tenant may have an address\n"
	"  routes               makes HOME/routes again, from the settings of all\n"
	"\n"
	"      --shared-domain DOMAIN  platform: this one ('' for none)\n"
	"      --home DIR       instead of $WEIR_HOME\n"
	"      --json           list, show, plan, apply and platform: JSON Lines\n"
	"  -h, --help           this text\n"
	"      --version        the version\n";


/* ---- show ---- */

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
	if (a->inactive)
		json_bool(b, "active", false);
	json_close(b, '}');
	return ST_OK;
}

static enum status add_duplicates(struct store *st, struct buf *b)
{
	struct buf except = { 0 };
	char window[24];
	int64_t ms;
	enum status rc = setting_duplicates(st, &ms, &except);

	if (rc == ST_OK && (ms != DUPLICATES_DEFAULT_MS || except.len > 2)) {
		duplicates_text(ms, window);
		json_open(b, "duplicates", '{');
		json_cstr(b, "window", window);
		json_raw(b, "except", except.p, except.len);
		json_close(b, '}');
	}
	buf_free(&except);
	return rc;
}

/* The tenant as one JSON object; the table for people is made of it. */
static enum status collect(void *arg, struct store *st)
{
	struct buf *b = arg, policy = { 0 };
	enum status rc;

	json_open(b, NULL, '{');
	json_int(b, "weir", RECORD_VERSION);
	json_cstr(b, "type", "tenant");
	json_cstr(b, "tenant", store_tenant(st));
	json_open(b, "domains", '[');
	rc = setting_domains(st, show_domain, b);
	json_close(b, ']');
	json_open(b, "addresses", '[');
	if (rc == ST_OK)
		rc = setting_addresses(st, show_address, b);
	json_close(b, ']');
	if (rc == ST_OK)
		rc = setting_policy(st, &policy);
	if (policy.len > 0)
		json_raw(b, "policy", policy.p, policy.len);
	if (rc == ST_OK)
		rc = add_duplicates(st, b);
	json_close(b, '}');
	buf_free(&policy);
	return rc != ST_OK ? rc : buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

static void print_members(struct span object)
{
	struct span key, val;
	struct buf text = { 0 };
	const char *indent = "";

	while (json_member(&object, &key, &val)) {
		buf_clear(&text);
		if (!json_text(val, &text))
			buf_str(&text, "no");	/* "active": false */
		printf("%s%.*s ", indent, (int)key.len, key.p);
		cli_safe(stdout, buf_cstr(&text), text.len, 0);
		indent = "  ";
	}
	putchar('\n');
	buf_free(&text);
}

static void print_policies(struct span policy, const char *prefix)
{
	struct span key, val;

	while (policy.p != NULL && json_member(&policy, &key, &val))
		if (json_type(val) == '"')
			printf("%s.%.*s %.*s\n", prefix, (int)key.len, key.p, (int)val.len - 2, val.p + 1);
}

static void print_tenant(struct span tenant)
{
	static const char *const lists[] = { "domains", "addresses" };
	struct span it, e, copies = json_get(tenant, "duplicates"), except = json_get(copies, "except");
	const char *comma = "";

	for (size_t i = 0; i < 2; i++)
		for (it = json_get(tenant, lists[i]); json_elem(&it, &e); )
			print_members(e);
	print_policies(json_get(tenant, "policy.dmarc"), "dmarc");
	print_policies(json_get(tenant, "policy"), "scan");
	if (copies.p == NULL)
		return;
	it = json_get(copies, "window");
	printf("duplicates.window %.*s\n", (int)it.len - 2, it.p + 1);
	if (except.len > 2)
		printf("duplicates.except ");
	for (; json_elem(&except, &e); comma = ",") {
		struct buf text = { 0 };

		json_text(e, &text);
		fputs(comma, stdout);
		cli_safe(stdout, buf_cstr(&text), text.len, 0);
		buf_free(&text);
	}
	if (*comma != '\0')
		putchar('\n');
}

static enum status show(const struct opts *o, const char *name)
{
	struct buf b = { 0 };
	enum status rc = settings_read(o->home, name, collect, &b);

	if (rc == ST_OK && o->json)
		printf("%s\n", b.p);
	else if (rc == ST_OK)
		print_tenant((struct span){ b.p, b.len });
	buf_free(&b);
	return rc;
}

/* ---- add, list, set, remove ---- */

static enum status add(const struct opts *o, const char *name)
{
	enum status st = store_create(o->home, name);

	return st == ST_EXISTS ? ST_OK : st;
}

static enum status print_name(void *arg, const char *tenant)
{
	const struct opts *o = arg;

	printf(o->json ? "{\"weir\":1,\"type\":\"tenant\",\"tenant\":\"%s\"}\n" : "%s\n", tenant);
	return ST_OK;
}

struct value { const char *key, *value; };

static enum status set_value(void *arg, struct store *st)
{
	const struct value *v = arg;
	int64_t ms;
	enum status rc;

	if (strcmp(v->key, "duplicates.except") == 0)
		rc = setting_duplicates_except(st, v->value);
	else if (strcmp(v->key, "duplicates.window") == 0) {
		rc = duplicates_parse(v->value, &ms);
		if (rc == ST_OK)
			rc = setting_duplicates_set(st, ms);
	} else {
		rc = setting_policy_set(st, v->key, v->value);
	}
	return rc == ST_BAD ? ST_USAGE : rc;
}

/* Addresses and domains are nobody's before the mail goes: nothing more arrives. */
static enum status forget(void *arg, struct store *st)
{
	return settings_forget(st);
}

static enum status erase(const struct opts *o, const char *name)
{
	enum status rc = settings_change(o->home, name, CHANGE_KEEP, forget, NULL);

	return rc == ST_OK ? store_remove(o->home, name) : rc;
}

/* ---- export; plan and apply are in tenant_apply.c ---- */

static enum status export(void *arg, struct store *st)
{
	return plan_export(st, arg);
}

/* ---- platform ---- */

static enum status platform(const struct opts *o)
{
	char shared[DOMAIN_MAX_BYTES + 1];
	struct buf normal = { 0 };
	struct routes *routes = NULL;
	enum status st = ST_OK;

	if (o->shared != NULL && *o->shared != '\0') {
		st = domain_normal(o->shared, strlen(o->shared), &normal);
		if (st == ST_OK && (normal.p[0] == '[' || strchr(normal.p, '.') == NULL))
			st = st_fail(ST_BAD, "%.80s is no domain that mail could be sent to", o->shared);
		if (st == ST_BAD)
			st = ST_USAGE;
	}
	if (st == ST_OK)
		st = o->shared != NULL ? settings_routes(o->home, NULL, NULL) : ST_OK;	/* new ones know no domains that are in the way */
	if (st == ST_OK)
		st = routes_open(o->home, o->shared != NULL, &routes);
	if (st == ST_OK && o->shared != NULL)
		st = routes_shared_set(routes, normal.len > 0 ? normal.p : NULL);
	if (st == ST_OK && o->shared == NULL) {
		st = routes_shared(routes, shared);
		if (st == ST_OK && o->json)
			printf("{\"weir\":1,\"type\":\"platform\"%s%s%s}\n", *shared != '\0' ? ",\"shared_domain\":\"" : "", shared,
				*shared != '\0' ? "\"" : "");
		else if (st == ST_OK && *shared != '\0')
			printf("shared-domain %s\n", shared);
	}
	routes_close(&routes);
	buf_free(&normal);
	return st;
}

/* ---- routes ---- */

static void say_clash(void *arg, const char *tenant, const char *name)
{
	size_t *n = arg;

	cli_warn("%s: its settings have %s, which is another tenant's: remove it there or here", tenant, name);
	++*n;
}

static enum status routes(const struct opts *o)
{
	size_t clashes = 0;
	enum status st = settings_routes(o->home, say_clash, &clashes);

	return st == ST_OK && clashes > 0 ? st_fail(ST_BAD, "what two tenants' settings have (%zu) stays with the one who had it", clashes) : st;
}

/* ---- ---- */

static const struct verb { const char *name; int least, most; bool writes; } verbs[] = {
	{ "add", 1, 1, true }, { "list", 0, 0, false }, { "show", 1, 1, false }, { "set", 3, 3, true },
	{ "export", 1, 1, false }, { "plan", 0, 1, true }, { "apply", 0, 1, true }, { "remove", 1, 1, true }, { "platform", 0, 0, true },
	{ "routes", 0, 0, true },
};

static const struct verb *find_verb(int n, char *args[])
{
	for (size_t i = 0; n > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(args[0], verbs[i].name) == 0 && n - 1 >= verbs[i].least && n - 1 <= verbs[i].most)
			return &verbs[i];
	cli_usage("%s", n == 0 ? "what is to be done?" : "unknown word, or not the operands it wants");
}

static void check_options(const struct opts *o, const struct verb *v)
{
	if ((strcmp(v->name, "remove") == 0) != o->erase)
		cli_usage("%s", o->erase ? "--erase goes with remove" : "this removes all the mail of the tenant, too: say remove --erase");
	if (o->shared != NULL && strcmp(v->name, "platform") != 0)
		cli_usage("--shared-domain goes with platform");
}

static int run(const struct opts *o, int n, char *args[])
{
	const struct verb *v = find_verb(n, args);
	const char *name = n > 1 ? args[1] : args[0];
	struct buf text = { 0 };
	bool changes = false, applies = v->most == 1 && v->least == 0;
	enum status st = ST_OK;

	check_options(o, v);
	if (strcmp(v->name, "add") == 0 || o->shared != NULL)
		st = file_mkdirs(o->home, 0700);
	if (st == ST_OK && applies)
		st = apply_prepare(o);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = v->writes ? "weir-tenant" : "settings.look", .home = o->home });
	if (st != ST_OK)
		return cli_fail(st, "start");
	if (strcmp(v->name, "add") == 0)
		st = add(o, name);
	else if (strcmp(v->name, "list") == 0)
		st = store_tenants(o->home, print_name, (void *)(uintptr_t)o);
	else if (strcmp(v->name, "show") == 0)
		st = show(o, name);
	else if (strcmp(v->name, "set") == 0)
		st = settings_change(o->home, name, CHANGE_KEEP, set_value, &(struct value){ args[2], args[3] });
	else if (strcmp(v->name, "export") == 0)
		st = settings_read(o->home, name, export, &text);
	else if (strcmp(v->name, "remove") == 0)
		st = erase(o, name);
	else if (strcmp(v->name, "platform") == 0)
		st = platform(o);
	else if (strcmp(v->name, "routes") == 0)
		st = routes(o);
	else
		st = apply(o, n > 1 ? args[1] : NULL, *v->name == 'a', &changes);
	if (st == ST_OK)
		fwrite(buf_cstr(&text), 1, text.len, stdout);
	buf_free(&text);
	return st != ST_OK ? cli_fail(st, name) : changes && *v->name == 'p' ? EX_WEIR_NO : 0;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "home", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'J' },
		{ "shared-domain", required_argument, NULL, 's' },
		{ "erase", no_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	enum status st;
	int opt;

	cli_start("weir-tenant", help);
	opterr = 0;
	/* set NAME duplicates.window -5m: the sign is ignored, and must not look like an option. */
	if (argc > 1 && argv[argc - 1][0] == '-' && argv[argc - 1][1] >= '0' && argv[argc - 1][1] <= '9')
		argv[argc - 1]++;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'H': o.home = optarg; break;
		case 'J': o.json = 1; break;
		case 's': o.shared = optarg; break;
		case 'e': o.erase = 1; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	st = home_dir(o.home, &o.home);
	return cli_finish(st == ST_OK ? run(&o, argc - optind, argv + optind) : cli_fail(st, "home"));
}
