/*
 * weir-auth - what is known about who sent each message: appends `auth`.
 *
 * For now it takes the verdicts that came with the spool (lib/auth.h). What nobody
 * checked is "unchecked": an answer of its own, never a pass.
 */
#include <getopt.h>

#include "auth.h"
#include "cli.h"
#include "record.h"
#include "sandbox.h"

static const char help[] =
	"usage: weir-auth <RECORDS >RECORDS\n"
	"\n"
	"Appends `auth` to each record: SPF, DKIM and DMARC in the words of RFC 8601, taken from the\n"
	"verdicts that the spool brought, or \"unchecked\". See weir-auth(1).\n"
	"\n"
	"  -h, --help     this text\n"
	"      --version  the version\n";

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	struct auth auth;

	auth_from_verdicts(rec, &auth);
	auth_json(&auth, extra);
	return ST_OK;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	enum status st;
	int opt;

	cli_start("weir-auth", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, opt);
		}
	}
	if (optind < argc)
		cli_usage("no operand wanted: %s", argv[optind]);
	st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-auth" });
	return cli_finish(st == ST_OK ? rec_filter("weir-auth", each, NULL) : cli_fail(st, "start"));
}
