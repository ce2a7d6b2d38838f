/*
 * weir-extract - decode the parts of each message into staging.
 *
 * Adds `attachments`: which part, its SHA-256, its size, and the file and offset where the bytes
 * lie. Judges nothing; what it cannot read is held or marked, never left out silently.
 */
#include <getopt.h>
#include <stdlib.h>

#include "cli.h"
#include "extract.h"
#include "home.h"
#include "sandbox.h"

static const char help[] =
	"usage: weir-extract [--home DIR] [-R DIR]... [--max-decoded BYTES]\n"
	"\n"
	"Reads records of weir-parse -r, decodes every part into HOME/run/staging and\n"
	"appends \"attachments\" to each record.\n"
	"\n"
	"  -R DIR               messages may lie beneath DIR (default: $WEIR_SPOOL or .)\n"
	"  --home DIR           instead of $WEIR_HOME\n"
	"  --max-decoded BYTES  of all parts of one message (default 268435456)\n"
	"  -h, --help           this text\n"
	"  --version            the version\n";

struct opts {
	const char *home;
	uint64_t max_decoded;
	struct roots *roots;
	bool any_root;
};

enum { OPT_HOME = 256, OPT_MAX_DECODED, OPT_VERSION };

static const struct option longopts[] = {
	{ "home", required_argument, NULL, OPT_HOME },
	{ "max-decoded", required_argument, NULL, OPT_MAX_DECODED },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 }
};

static uint64_t bytes_option(const char *s)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || v == 0)
		cli_usage("not a number of bytes: %s", s);
	return v;
}

static int add_root(struct opts *o, const char *dir)
{
	enum status st = roots_add(o->roots, dir);

	o->any_root = true;
	return st == ST_OK ? 0 : cli_fail(st, dir);
}

static int options(int argc, char **argv, struct opts *o)
{
	int c, rc = 0;

	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":hR:", longopts, NULL)) != -1)
		switch (c) {
		case 'R': rc = add_root(o, optarg); break;
		case OPT_HOME: o->home = optarg; break;
		case OPT_MAX_DECODED: o->max_decoded = bytes_option(optarg); break;
		case 'h': cli_help();
		case OPT_VERSION: cli_version();
		default: cli_bad_option(argv, c);
		}
	if (rc == 0 && optind < argc)
		cli_usage("unexpected argument: %s", argv[optind]);
	return rc;
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	return extract_record(arg, rec, extra);
}

int main(int argc, char **argv)
{
	struct opts o = {0};
	struct extract *x = NULL;
	enum status st;

	cli_start("weir-extract", help);
	st = roots_new(&o.roots);
	if (st != ST_OK)
		return cli_fail(st, "start");
	int rc = options(argc, argv, &o);
	if (rc != 0)
		goto out;
	st = home_dir(o.home, &o.home);
	if (st == ST_OK && !o.any_root)
		st = roots_default(o.roots, o.home);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-extract", .home = o.home,
			.roots = o.roots });
	if (st == ST_OK)
		st = extract_open(&(struct extract_opts){ .home = o.home, .roots = o.roots,
			.max_decoded_bytes = o.max_decoded }, &x);
	if (st != ST_OK) {
		rc = cli_fail(st, "start");
		goto out;
	}
	rc = rec_filter("weir-extract", each, x);
	st = extract_close(&x);
	if (st != ST_OK)
		rc = st_worse(rc, cli_fail(st, "staging"));
out:
	roots_free(&o.roots);
	return cli_finish(rc);
}
