/*
 * weir-event - what others report about a tenant's mail: DMARC aggregate reports, TLS reports; and the tenant's events.
 *
 * Reports come from strangers, about any domain they like. So one is stored only with the tenant that has its domain (and, from
 * a pipeline, only if the mail was delivered to that tenant), and what spoke for its sender is kept beside it.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "event.h"
#include "home.h"
#include "sandbox.h"
#include "when.h"

static const char help[] =
	"usage: weir-event dmarc | tlsrpt [--json] [--tenant NAME] [FILE...]\n"
	"       weir-event dmarc | tlsrpt --report [--json] [--tenant NAME] [FILE...]\n"
	"       weir-event dmarc | tlsrpt -r [-R DIR]... <RECORDS >RECORDS\n"
	"       weir-event dmarc | tlsrpt --table NAME [--by WORD] [--unproven] [--json] [SELECTION]\n"
	"       weir-event list [--json] [--table] [SELECTION] TENANT\n"
	"\n"
	"Reads DMARC aggregate reports (RFC 9990 and before) or SMTP TLS reports (RFC 8460) out of mails - FILEs, or one on stdin -\n"
	"and stores them with the tenant that has their domain; adds up what is stored. See weir-event(1).\n"
	"\n"
	"      --report         the FILEs, or stdin, are the reports themselves: XML or JSON, plain, gzip or ZIP\n"
	"  -r, --records        stdin is records; `dmarc_reports` or `tls_reports` is appended\n"
	"  -R DIR               with -r: messages may lie beneath DIR (default: $WEIR_SPOOL or .)\n"
	"      --tenant NAME    store them (without it they are only shown)\n"
	"      --table NAME     the sums of what tenant NAME has\n"
	"      --by WORD        source, from, org, day, signature; with tlsrpt result, mx\n"
	"      --unproven       also reports from mail that did not pass DMARC itself\n"
	"      --since DATE, --before DATE   of reports whose period begins then or later, or before\n"
	"      --domain DOMAIN  about this domain and those beneath it\n"
	"      --type TYPE      list: only such events\n"
	"      --json           JSON Lines: the entities, or the sums\n"
	"      --home DIR       instead of $WEIR_HOME\n"
	"  -h, --help           this text\n"
	"      --version        the version\n";

static void add_root(struct event_opts *o, const char *dir)
{
	enum status st = roots_add(o->roots, dir);

	if (st != ST_OK)
		exit(cli_finish(cli_fail(st, dir)));
	o->any_root = true;
}

static int64_t when(const char *text)
{
	int64_t t = 0;

	if (when_parse(text, time(NULL), &t) != ST_OK)
		cli_usage("%s", st_text());
	return t;
}

static void read_options(int argc, char *argv[], struct event_opts *o, bool list)
{
	const struct option options[] = {
		{ "report", no_argument, NULL, 'b' },
		{ "records", no_argument, NULL, 'r' },
		{ "tenant", required_argument, NULL, 't' },
		{ "table", list ? no_argument : required_argument, NULL, 'T' },
		{ "by", required_argument, NULL, 'y' },
		{ "unproven", no_argument, NULL, 'u' },
		{ "since", required_argument, NULL, 's' },
		{ "before", required_argument, NULL, 'e' },
		{ "domain", required_argument, NULL, 'd' },
		{ "type", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'J' },
		{ "home", required_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":hrR:", options, NULL)) != -1) {
		switch (opt) {
		case 'b': o->bare = true; break;
		case 'r': o->records = true; break;
		case 'R': add_root(o, optarg); break;
		case 't': o->tenant = optarg; break;
		case 'T': o->pretty = true; o->table = list ? NULL : optarg; break;
		case 'y': o->by = optarg; break;
		case 'u': o->unproven = true; break;
		case 's': o->since = when(optarg); break;
		case 'e': o->before = when(optarg); break;
		case 'd': o->domain = optarg; break;
		case 'p': o->type = optarg; break;
		case 'J': o->json = true; break;
		case 'H': o->home = optarg; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
}

/* Options that mean something in another mode only are a mistake, not a wish to be ignored. */
static void check_options(struct event_opts *o, enum event_mode mode)
{
	if (o->any_root && mode != EVENT_RECORDS)
		cli_usage("-R needs -r");
	if (o->tenant && mode != EVENT_READ)
		cli_usage("--tenant is for FILEs: records bring their tenant, --table and list name one");
	if ((o->by || o->unproven) && mode == EVENT_LIST)
		cli_usage("--by and --unproven need dmarc or tlsrpt");
	if (o->bare && mode != EVENT_READ)
		cli_usage("--report is for FILEs or stdin");
	if (o->unproven && mode != EVENT_TABLE)
		cli_usage("--unproven needs --table");
	if (mode != EVENT_TABLE && mode != EVENT_LIST && (o->since || o->before || o->domain))
		cli_usage("--since, --before and --domain need --table or list");
	if (o->type && mode != EVENT_LIST)
		cli_usage("--type is for list");
	if (mode == EVENT_RECORDS && (o->json || o->by))
		cli_usage("-r writes records: --json and --by are for the other forms");
	if (o->by && !sum_by_word(o->kind, o->by, &o->sum))
		cli_usage("--by %s is none of %s", o->by, o->kind == REPORT_DMARC ? "source, from, org, day, signature" : "result, mx");
	if (!o->by)
		o->sum = o->kind == REPORT_DMARC ? SUM_SOURCE : SUM_RESULT;
}

static int reports(struct event_opts *o, int n, char *args[])
{
	enum event_mode mode = o->records ? EVENT_RECORDS : o->table ? EVENT_TABLE : EVENT_READ;

	if (o->records && o->table)
		cli_usage("-r and --table are two things");
	check_options(o, mode);
	if (n > 0 && mode != EVENT_READ)
		cli_usage("no operand wanted: %s", args[0]);
	return mode == EVENT_RECORDS ? event_records(o) : mode == EVENT_TABLE ? event_table(o) : event_read(o, n, args);
}

static int dmarc(struct event_opts *o, int n, char *args[])
{
	o->kind = REPORT_DMARC;
	return reports(o, n, args);
}

static int tlsrpt(struct event_opts *o, int n, char *args[])
{
	o->kind = REPORT_TLS;
	return reports(o, n, args);
}

static int list(struct event_opts *o, int n, char *args[])
{
	check_options(o, EVENT_LIST);
	if (o->records)
		cli_usage("list reads no records");
	if (n != 1)
		cli_usage("%s", n == 0 ? "whose? (weir-ls tenants)" : "one tenant wanted");
	return event_list(o, args[0]);
}

static const struct { const char *name; int (*fn)(struct event_opts *o, int n, char *args[]); } verbs[] = {
	{ "dmarc", dmarc }, { "tlsrpt", tlsrpt }, { "list", list },
};

int main(int argc, char *argv[])
{
	struct event_opts o = { 0 };
	int rc = -1;
	enum status st;

	cli_start("weir-event", help);
	if (argc < 2)
		cli_usage("what? dmarc, tlsrpt or list");
	st = roots_new(&o.roots);
	if (st != ST_OK)
		return cli_finish(cli_fail(st, "start"));
	if (*argv[1] == '-')	/* --help, or a mistake */
		read_options(argc, argv, &o, true);
	else
		read_options(argc - 1, argv + 1, &o, strcmp(argv[1], "list") == 0);
	for (size_t i = 0; *argv[1] != '-' && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[1], verbs[i].name) == 0) {
			st = home_dir(o.home, &o.home);
			rc = st == ST_OK ? verbs[i].fn(&o, argc - 1 - optind, argv + 1 + optind) : cli_fail(st, "home");
		}
	if (rc < 0)
		cli_usage("the first word is dmarc, tlsrpt or list, not %s", argv[1]);
	roots_free(&o.roots);
	return cli_finish(rc);
}
