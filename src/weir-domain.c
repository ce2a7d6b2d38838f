/*
 * weir-domain - which domains are whose.
 *
 * A domain stands in two places: HOME/routes says which tenant has it (one only), the tenant's
 * settings say what becomes of mail to addresses nobody added. routes comes first when adding and first when
 * removing, so a domain that is only half there gets no mail, and the same command finishes the work.
 */
#include <getopt.h>
#include <string.h>

#include "cli.h"
#include "domain_verify.h"
#include "header.h"
#include "home.h"
#include "route.h"
#include "sandbox.h"
#include "settings.h"

static const char help[] =
	"usage: weir-domain [OPTION...] add TENANT DOMAIN | list [TENANT] | remove TENANT DOMAIN |\n"
	"                   verify [DOMAIN...] | plan DOMAIN... | history DOMAIN\n"
	"\n"
	"  add TENANT DOMAIN     the tenant has this domain (not those below it) from now on\n"
	"  list [TENANT]         all domains: DOMAIN, TENANT, separated by a tab\n"
	"  remove TENANT DOMAIN  it no longer has it; its addresses must be removed before\n"
	"  verify [DOMAIN...]    are its records published as they should be? (all domains)\n"
	"  plan DOMAIN...        the change to what is published, and what it will be good for\n"
	"  history DOMAIN        what verify has found so far\n"
	"\n"
	"      --any             add: addresses nobody added are delivered too, to the inbox \"unsorted\"\n"
	"      --inbox NAME      with --any: to this inbox\n"
	"      --home DIR        instead of $WEIR_HOME\n"
	"      --json            list, verify, history: JSON Lines\n"
	DOMAIN_VIEW_HELP
	"  -h, --help            this text\n"
	"      --version         the version\n";

struct opts { const char *home, *inbox; int any, json; };

static enum status add_setting(struct store *st, const char *domain, const struct opts *o)
{
	struct domain_setting d;
	enum status rc = store_begin(st);

	if (rc != ST_OK)
		return rc;
	rc = setting_domain(st, domain, &d);
	if (rc == ST_NOTFOUND) {
		memset(&d, 0, sizeof(d));
		rc = ST_OK;
	}
	/* Adding again without --any takes it back; a catch-all is weir-address's. */
	snprintf(d.any, sizeof(d.any), "%s", o->any ? o->inbox : "");
	if (rc == ST_OK)
		rc = setting_domain_set(st, domain, &d);
	if (rc == ST_OK)
		return store_commit(st);
	store_abort(st);
	return rc;
}

static enum status add(const struct opts *o, struct store *st, struct routes *routes, const char *domain)
{
	enum status rc = routes_set(routes, domain, store_tenant(st));

	return rc == ST_OK ? add_setting(st, domain, o) : rc;
}

struct has { const char *domain; int addresses; };

static enum status count_address(void *arg, const char *address, const struct address_setting *a)
{
	struct has *h = arg;

	h->addresses += strcmp(strrchr(address, '@') + 1, h->domain) == 0;
	return ST_OK;
}

static enum status remove_setting(struct store *st, const char *domain)
{
	enum status rc = setting_domain_set(st, domain, NULL);

	if (rc == ST_OK)
		return store_commit(st);
	store_abort(st);
	return rc;
}

static enum status drop(const struct opts *o, struct store *st, struct routes *routes, const char *domain)
{
	char owner[TENANT_MAX_BYTES + 1];
	struct has h = { .domain = domain };
	struct domain_setting d;
	enum status routed = routes_get(routes, domain, owner), rc;

	if (routed == ST_OK && strcmp(owner, store_tenant(st)) != 0)
		routed = st_fail(ST_NOTFOUND, "%s has no domain %s", store_tenant(st), domain);
	rc = store_begin(st);
	if (rc != ST_OK)
		return rc;
	rc = setting_addresses(st, count_address, &h);
	if (rc == ST_OK && h.addresses > 0)
		rc = st_fail(ST_EXISTS, "%s has %d addresses there: remove them first (weir-address)",
			store_tenant(st), h.addresses);
	if (rc == ST_OK && routed != ST_OK)	/* half removed? */
		rc = setting_domain(st, domain, &d);
	if (rc == ST_OK && routed == ST_OK)
		rc = routes_del(routes, domain);
	if (rc == ST_OK)
		return remove_setting(st, domain);
	store_abort(st);
	return rc == ST_NOTFOUND ? st_fail(rc, "%s has no domain %s", store_tenant(st), domain) : rc;
}

static int change(const struct opts *o, const char *tenant, const char *name,
	enum status (*fn)(const struct opts *, struct store *, struct routes *, const char *))
{
	struct buf domain = { 0 };
	struct routes *routes = NULL;
	struct store *st = NULL;
	enum status rc = domain_normal(name, strlen(name), &domain);

	if (rc != ST_OK || domain.len == 0 || domain.len > DOMAIN_MAX_BYTES) {
		buf_free(&domain);
		cli_usage("%s is no domain", name);
	}
	rc = store_open(o->home, tenant, STORE_WRITE, &st);
	if (rc == ST_OK)
		rc = routes_open(o->home, 1, &routes);
	if (rc == ST_OK)
		rc = fn(o, st, routes, domain.p);
	routes_close(&routes);
	store_close(&st);
	buf_free(&domain);
	return rc == ST_OK ? 0 : cli_fail(rc, name);
}

struct listing { const struct opts *o; const char *tenant; };

static enum status print_route(void *arg, const char *domain, const char *tenant)
{
	const struct listing *l = arg;
	struct buf b = { 0 }, u = { 0 };

	if (l->tenant != NULL && strcmp(l->tenant, tenant) != 0)
		return ST_OK;
	if (domain_utf8(domain, strlen(domain), &u) != ST_OK)
		buf_clear(&u);
	if (l->o->json) {
		json_open(&b, NULL, '{');
		json_int(&b, "weir", RECORD_VERSION);
		json_cstr(&b, "type", "domain");
		json_cstr(&b, "domain", domain);
		if (u.len > 0 && strcmp(u.p, domain) != 0)
			json_str(&b, "domain_utf8", u.p, u.len);
		json_cstr(&b, "tenant", tenant);
		json_close(&b, '}');
		printf("%s\n", buf_cstr(&b));
	} else {
		cli_safe(stdout, u.len > 0 ? u.p : domain, u.len > 0 ? u.len : strlen(domain), 0);
		printf("\t%s\n", tenant);
	}
	buf_free(&b);
	buf_free(&u);
	return ST_OK;
}

static int list(const struct opts *o, const char *tenant)
{
	struct listing l = { o, tenant };
	struct routes *routes = NULL;
	enum status st = routes_open(o->home, 0, &routes);

	if (st == ST_OK)
		st = routes_each(routes, print_route, &l);
	routes_close(&routes);
	return st == ST_OK ? 0 : cli_fail(st, "list");
}

/* The verbs that look at the DNS, in a sandbox of their own. -1: it is none of them. */
static int look(struct dns_view_opts *v, const struct opts *o, int n, char *args[])
{
	v->home = o->home;
	v->json = o->json;
	if (n >= 1 && strcmp(args[0], "verify") == 0)
		return domain_verify(v, n - 1, args + 1);
	if (n >= 2 && strcmp(args[0], "plan") == 0)
		return domain_plan(v, n - 1, args + 1);
	if (n == 2 && strcmp(args[0], "history") == 0)
		return domain_history(v, args[1]);
	return -1;
}

static int run(const struct opts *o, int n, char *args[])
{
	const char *verb = n > 0 ? args[0] : "";

	if (o->inbox != NULL && !inbox_valid(o->inbox, strlen(o->inbox)))
		cli_usage("no inbox can be called %s", o->inbox);
	if (n == 3 && strcmp(verb, "add") == 0)
		return change(o, args[1], args[2], add);
	if (n == 3 && strcmp(verb, "remove") == 0)
		return change(o, args[1], args[2], drop);
	if ((n == 1 || n == 2) && strcmp(verb, "list") == 0)
		return list(o, n == 2 ? args[1] : NULL);
	cli_usage("%s", n == 0 ? "what is to be done?" : "unknown word, or not the operands it wants");
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "any", no_argument, NULL, 'a' },
		{ "inbox", required_argument, NULL, 'i' },
		{ "home", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'J' },
		DOMAIN_VIEW_OPTIONS,
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct dns_view_opts view = { 0 };
	struct opts o = { 0 };
	enum status st;
	int opt, status;

	cli_start("weir-domain", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":he", options, NULL)) != -1) {
		switch (opt) {
		case 'a': o.any = 1; break;
		case 'i': o.inbox = optarg; break;
		case 'H': o.home = optarg; break;
		case 'J': o.json = 1; break;
		case 'e': view.status = true; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default:
			if (!domain_view_option(&view, opt, optarg))
				cli_bad_option(argv, opt);
		}
	}
	if (o.inbox != NULL && !o.any)
		cli_usage("--inbox goes with --any");
	if (o.any && o.inbox == NULL)
		o.inbox = INBOX_UNSORTED;
	st = home_dir(o.home, &o.home);
	status = st == ST_OK ? look(&view, &o, argc - optind, argv + optind) : -1;
	if (status >= 0)
		return cli_finish(status);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-domain", .home = o.home });
	return cli_finish(st == ST_OK ? run(&o, argc - optind, argv + optind) : cli_fail(st, "home"));
}
