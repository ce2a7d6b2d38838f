/*
 * weir-domain - a tenant's domains: who has which, what their DNS should say, and the keys their mail is signed with.
 *
 * Here: options, the table of verbs, list. A domain's settings lie in its tenant's store; HOME/routes says whose it is, and both change
 * in step (change.h). The verbs are in domain_*.c.
 */
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "home.h"
#include "json.h"
#include "change.h"
#include "record.h"
#include "route.h"
#include "sandbox.h"
#include "settings.h"
#include "suffix.h"
#include "weir-domain.h"

static const char help[] =
	"usage: weir-domain [OPTION...] VERB [OPERAND...]\n"
	"\n"
	"  add TENANT DOMAIN     the tenant has this domain (not those below it) from now on\n"
	"  set DOMAIN            changes what the options say\n"
	"  list [TENANT]         all domains: DOMAIN, TENANT, separated by a tab\n"
	"  show DOMAIN           its settings and keys\n"
	"  remove TENANT DOMAIN  it no longer has it\n"
	"  records DOMAIN        the 8 records that its owner publishes (--format)\n"
	"  zone DOMAIN           a delegated domain's whole zone; zone --platform: the zone of all keys\n"
	"  delegation DOMAIN     what its parent zone needs; delegation --platform\n"
	"  mta-sts DOMAIN        the text of its MTA-STS policy file\n"
	"  rotate DOMAIN...      the next step towards a new key\n"
	"  verify [DOMAIN...]    are its records published as they should be? (all domains)\n"
	"  plan DOMAIN...        the change to what is published, and what it will be good for\n"
	"  history DOMAIN        what verify has found so far\n"
	"\n"
	"add and set:\n"
	"      --provider P      ses:REGION or own\n"
	"      --dkim-token T    as SES shows them: three times\n"
	"      --byodkim         SES signs with a key of ours\n"
	"      --self-managed    its owner publishes the records (this is how it starts)\n"
	"      --delegated       it is a zone of ours\n"
	"      --mail-from LABEL MAIL FROM is LABEL.DOMAIN (mail)\n"
	"      --ttl SECONDS     of its records (3600)\n"
	"      --spf-all Q       ~all, -all or ?all (~all)\n"
	"      --spf-include D   another sender; repeat it\n"
	"      --dmarc TAGS      a policy, none, quarantine or reject, or tags: p=reject; adkim=s (none)\n"
	"      --rua ADDRESS     where DMARC's reports go; repeat it; --ruf for those on single messages\n"
	"      --mta-sts MODE    testing, enforce, none, or off; with --mta-sts-host NAME\n"
	"      --tls-rpt ADDRESS where reports on TLS go; repeat it\n"
	"      --null-mx         it takes no mail; --receive: it does\n"
	"      --any             addresses nobody added are delivered too, to the inbox \"unsorted\"\n"
	"      --inbox NAME      with --any: to this inbox\n"
	"      --portal-cname NAME=TARGET, --apex IP, --ns NAME[=IP,...], --serial N   delegated domains\n"
	"      An empty word takes a list away: --rua ''\n"
	"\n"
	"      --format F        records, zone, delegation: bind, json, csv, nsupdate, table\n"
	"      --successor D     remove: addresses go to this domain, or to this address\n"
	"      --continue        rotate: go on with what was begun, begin nothing; without DOMAIN: everywhere\n"
	"      --seen            rotate: the new key is in DNS, do not look\n"
	"      --hurry           rotate: do not wait, a key has leaked\n"
	DOMAIN_VIEW_HELP
	"      --providers FILE  instead of HOME/providers.json\n"
	"      --home DIR        instead of $WEIR_HOME\n"
	"      --json            JSON Lines\n"
	"  -h, --help            this text\n"
	"      --version         the version\n";

enum { O_ANY = 1, O_INBOX, O_HOME, O_JSON, O_VERSION, O_FORMAT, O_SUCCESSOR, O_CONTINUE, O_SEEN, O_HURRY, O_PROVIDERS, O_PLATFORM };

static const struct option options[] = {
	{ "any", no_argument, NULL, O_ANY }, { "inbox", required_argument, NULL, O_INBOX },
	{ "home", required_argument, NULL, O_HOME }, { "json", no_argument, NULL, O_JSON },
	{ "format", required_argument, NULL, O_FORMAT }, { "successor", required_argument, NULL, O_SUCCESSOR },
	{ "continue", no_argument, NULL, O_CONTINUE }, { "seen", no_argument, NULL, O_SEEN }, { "hurry", no_argument, NULL, O_HURRY },
	{ "providers", required_argument, NULL, O_PROVIDERS }, { "platform", no_argument, NULL, O_PLATFORM },
	DOMAIN_VIEW_OPTIONS,
	{ "self-managed", no_argument, NULL, E_SELF }, { "delegated", no_argument, NULL, E_DELEGATED },
	{ "provider", required_argument, NULL, E_PROVIDER }, { "dkim-token", required_argument, NULL, E_TOKEN },
	{ "byodkim", no_argument, NULL, E_BYODKIM }, { "mail-from", required_argument, NULL, E_MAIL_FROM },
	{ "ttl", required_argument, NULL, E_TTL }, { "spf-all", required_argument, NULL, E_SPF_ALL },
	{ "spf-include", required_argument, NULL, E_SPF_INCLUDE }, { "dmarc", required_argument, NULL, E_DMARC },
	{ "rua", required_argument, NULL, E_RUA }, { "ruf", required_argument, NULL, E_RUF },
	{ "mta-sts", required_argument, NULL, E_MTA_STS }, { "mta-sts-host", required_argument, NULL, E_MTA_STS_HOST },
	{ "tls-rpt", required_argument, NULL, E_TLS_RPT }, { "null-mx", no_argument, NULL, E_NULL_MX },
	{ "receive", no_argument, NULL, E_RECEIVE }, { "portal-cname", required_argument, NULL, E_PORTAL },
	{ "apex", required_argument, NULL, E_APEX }, { "ns", required_argument, NULL, E_NS },
	{ "serial", required_argument, NULL, E_SERIAL },
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, O_VERSION }, { NULL, 0, NULL, 0 },
};

/* ---- finding ---- */

int find_domain(const struct opts *o, const char *text, char name_out[DOMAIN_MAX_BYTES + 1], char *tenant_out)
{
	struct buf name = { 0 };
	struct routes *routes = NULL;
	enum status st = domain_normal(text, strlen(text), &name);

	if (st != ST_OK || name.len == 0 || name.len > DOMAIN_MAX_BYTES) {
		buf_free(&name);
		cli_usage("%s is no domain", text);
	}
	memcpy(name_out, name.p, name.len + 1);
	buf_free(&name);
	st = routes_open(o->home, 0, &routes);
	if (st == ST_OK)
		st = routes_get(routes, name_out, tenant_out);
	routes_close(&routes);
	if (st == ST_NOTFOUND)
		st = st_fail(st, "no tenant has it (weir-domain add TENANT %s)", name_out);
	return st == ST_OK ? 0 : cli_fail(st, name_out);
}

static enum status get_domain(void *arg, struct store *st)
{
	struct domain *d = arg;
	char name[DOMAIN_MAX_BYTES + 1];

	memcpy(name, d->name, sizeof(name));
	return domain_get(st, name, d);
}

int read_domain(const struct opts *o, const char *text, struct domain *out, char *tenant_out)
{
	int status = find_domain(o, text, out->name, tenant_out);
	enum status st;

	if (status != 0)
		return status;
	st = settings_read(o->home, tenant_out, get_domain, out);
	return st == ST_OK ? 0 : cli_fail(st, text);
}

/* ---- list ---- */

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

static int verb_list(const struct opts *o, int n, char *args[])
{
	struct listing l = { o, n > 0 ? args[0] : NULL };
	struct routes *routes = NULL;
	enum status st = routes_open(o->home, 0, &routes);

	if (st == ST_OK)
		st = routes_each(routes, print_route, &l);
	routes_close(&routes);
	return st == ST_OK ? 0 : cli_fail(st, "list");
}

/* ---- verbs ---- */

/* Those that look have a sandbox of their own (domain_verify.h). */
static int verb_verify(const struct opts *o, int n, char *args[]) { return domain_verify(&o->view, n, args); }
static int verb_plan(const struct opts *o, int n, char *args[]) { return domain_plan(&o->view, n, args); }
static int verb_history(const struct opts *o, int n, char *args[]) { return domain_history(&o->view, args[0]); }

/* Takes edits; needs providers; asks DNS; --platform instead of a domain; opens what it needs by itself; changes nothing. */
enum { EDITS = 1, TABLE = 2, ASKS = 4, OR_PLATFORM = 8, ALONE = 16, LOOKS = 32 };
static const struct verb {
	const char *name;
	int min, max;	/* operands; max -1: any number */
	unsigned how;
	int (*run)(const struct opts *o, int n, char *args[]);
} verbs[] = {
	{ "add", 2, 2, EDITS | TABLE, verb_add },
	{ "set", 1, 1, EDITS | TABLE, verb_set },
	{ "list", 0, 1, LOOKS, verb_list },
	{ "show", 1, 1, TABLE | LOOKS, verb_show },
	{ "remove", 2, 2, 0, verb_remove },
	{ "records", 1, 1, TABLE | LOOKS, verb_records },
	{ "zone", 1, 1, TABLE | OR_PLATFORM, verb_zone },
	{ "delegation", 1, 1, TABLE | LOOKS | OR_PLATFORM, verb_delegation },
	{ "mta-sts", 1, 1, TABLE | LOOKS, verb_mta_sts },
	{ "rotate", 0, -1, TABLE | ASKS, verb_rotate },
	{ "verify", 0, -1, ALONE, verb_verify },
	{ "plan", 1, -1, ALONE, verb_plan },
	{ "history", 1, 1, ALONE, verb_history },
};

static const struct verb *find_verb(const struct opts *o, int n, char *args[])
{
	for (size_t i = 0; n > 0 && i < sizeof(verbs) / sizeof(*verbs); i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(v->name, args[0]) != 0)
			continue;
		if (o->platform && (v->how & OR_PLATFORM) == 0)
			cli_usage("--platform goes with zone and delegation");
		if (o->platform ? n != 1 : n - 1 < v->min || (v->max >= 0 && n - 1 > v->max))
			cli_usage("%s: not the operands it wants", v->name);
		if (o->n_edit > 0 && (v->how & EDITS) == 0)
			cli_usage("%s changes no settings: set does", v->name);
		return v;
	}
	cli_usage("%s", n == 0 ? "what is to be done?" : "unknown word");
}

/* What is to be read from anywhere is opened here, before the fence closes. */
static enum status prepare(struct opts *o, const struct verb *v)
{
	enum status st = home_dir(o->home, &o->home);

	o->view.home = o->home;
	o->view.json = o->json;
	if (st != ST_OK || (v->how & ALONE) != 0)
		return st;
	if ((v->how & TABLE) != 0)
		st = providers_open(o->home, o->view.providers, &o->providers);
	if (st == ST_OK && (v->how & EDITS) != 0)
		st = suffix_open();
	if (st == ST_OK && (v->how & ASKS) != 0 && !o->seen)
		st = dns_open(&o->view.dns, &o->dns);
	if (st == ST_OK && o->dns == NULL)	/* rotate: when its asking child is on its way */
		st = sandbox_enter(&(struct sandbox_opts){ .profile = (v->how & LOOKS) != 0 ? "settings.look" : "weir-domain",
			.home = o->home });
	return st;
}

static void set_option(struct opts *o, char *argv[], int opt)
{
	switch (opt) {
	case O_ANY: o->any = true; break;
	case O_INBOX: o->inbox = optarg; break;
	case O_HOME: o->home = optarg; break;
	case O_JSON: o->json = true; break;
	case O_FORMAT: o->format = optarg; break;
	case O_SUCCESSOR: o->successor = optarg; break;
	case O_CONTINUE: o->go_on = true; break;
	case O_SEEN: o->seen = true; break;
	case O_HURRY: o->hurry = true; break;
	case O_PROVIDERS: o->view.providers = optarg; break;
	case 'e': o->view.status = true; break;
	case O_PLATFORM: o->platform = true; break;
	case 'h': cli_help();
	case O_VERSION: cli_version();
	default:
		if (domain_view_option(&o->view, opt, optarg))
			break;
		if (opt < E_FIRST || opt >= E_END)
			cli_bad_option(argv, opt);
		if (o->n_edit == EDITS_MAX)
			cli_usage("over %d options", EDITS_MAX);
		o->edit[o->n_edit++] = (struct edit){ opt, optarg };
	}
}

int main(int argc, char *argv[])
{
	static struct opts o;
	const struct verb *v;
	enum status st;
	int opt, status;

	cli_start("weir-domain", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":he", options, NULL)) != -1)
		set_option(&o, argv, opt);
	if (o.inbox != NULL && !o.any)
		cli_usage("--inbox goes with --any");
	if (o.any && o.inbox == NULL)
		o.inbox = INBOX_UNSORTED;
	if (o.inbox != NULL && !inbox_valid(o.inbox, strlen(o.inbox)))
		cli_usage("no inbox can be called %s", o.inbox);
	v = find_verb(&o, argc - optind, argv + optind);
	st = prepare(&o, v);
	status = st == ST_OK ? v->run(&o, argc - optind - 1, argv + optind + 1) : cli_fail(st, v->name);
	dns_close(&o.dns);
	providers_close(&o.providers);
	return cli_finish(status);
}
