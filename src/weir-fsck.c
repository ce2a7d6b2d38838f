/*
 * weir-fsck.c - checks stores, prints one hash of what a store says, makes an index again.
 *
 * Each check runs in a child: LMDB may be killed by a page that is garbage, and that is an answer too.
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "home.h"
#include "sandbox.h"
#include "store.h"

static const char help[] =
	"usage: weir-fsck [--home DIR] [--json] [TENANT...]\n"
	"       weir-fsck [--home DIR] --digest TENANT\n"
	"       weir-fsck [--home DIR] --rebuild TENANT\n"
	"\n"
	"Checks every reference, digest and count of the tenants' stores (all without a name): status 65\n"
	"if something is wrong.\n"
	"\n"
	"  --digest     print one hash of all that the store says: the same for the same mail, in whatever\n"
	"               order, batches and processes it came\n"
	"  --rebuild    make the index again from the journal, then check\n"
	"  --json       problems and results as JSON Lines\n"
	"  --home DIR   instead of $WEIR_HOME\n"
	"  -h, --help   this\n"
	"  --version\n";

struct opts { const char *home; bool json, digest, rebuild; };
struct report { const struct opts *o; const char *tenant; };

static void problem(void *arg, const char *line)
{
	const struct report *r = arg;
	struct buf b = { 0 };

	if (!r->o->json) {
		printf("%s: ", r->tenant);
		cli_safe(stdout, line, strlen(line), 0);
		putchar('\n');
		return;
	}
	json_open(&b, NULL, '{');
	json_int(&b, "weir", 1);
	json_cstr(&b, "type", "problem");
	json_cstr(&b, "tenant", r->tenant);
	json_str(&b, "problem", line, strlen(line));
	json_close(&b, '}');
	puts(buf_cstr(&b));
	buf_free(&b);
}

static void result(const struct report *r, const struct store_counts *n, uint64_t problems)
{
	struct buf b = { 0 };

	if (!r->o->json) {
		printf("%s: %s: %llu messages in %llu threads, %llu attachments, %llu deliveries\n", r->tenant,
			problems ? "damaged" : "ok", (unsigned long long)n->messages, (unsigned long long)n->threads,
			(unsigned long long)n->attachments, (unsigned long long)n->deliveries);
		return;
	}
	json_open(&b, NULL, '{');
	json_int(&b, "weir", 1);
	json_cstr(&b, "type", "fsck");
	json_cstr(&b, "tenant", r->tenant);
	json_int(&b, "problems", (int64_t)problems);
	json_int(&b, "messages", (int64_t)n->messages);
	json_int(&b, "threads", (int64_t)n->threads);
	json_int(&b, "attachments", (int64_t)n->attachments);
	json_int(&b, "deliveries", (int64_t)n->deliveries);
	json_close(&b, '}');
	puts(buf_cstr(&b));
	buf_free(&b);
}

/* ---- in the child ---- */

static int check(const struct report *r, struct store *s)
{
	struct store_counts n;
	uint64_t problems = 0;
	enum status st = store_check(s, problem, (void *)r, &problems);

	if (st == ST_OK)
		st = store_count(s, &n);
	if (st != ST_OK)
		return cli_fail(st, r->tenant);
	result(r, &n, problems);
	return problems ? EX_WEIR_DATA : EX_WEIR_OK;
}

static int print_digest(const struct report *r, struct store *s)
{
	char hex[DIGEST_HEX + 1];
	enum status st = store_digest(s, hex);

	if (st != ST_OK)
		return cli_fail(st, r->tenant);
	puts(hex);
	return EX_WEIR_OK;
}

static int look(const struct report *r)
{
	struct store *s = NULL;
	int rc;
	enum status st = store_open(r->o->home, r->tenant, STORE_READ, &s);

	if (st == ST_OK)
		st = store_begin(s);
	if (st == ST_BAD && !r->o->digest) {
		problem((void *)r, st_text());
		rc = EX_WEIR_DATA;
	} else if (st != ST_OK) {
		rc = cli_fail(st, r->tenant);
	} else {
		rc = r->o->digest ? print_digest(r, s) : check(r, s);
	}
	store_close(&s);
	return rc;
}

/* ---- in the parent ---- */

static int look_in_child(const struct report *r)
{
	int status = 0;
	pid_t pid;

	if (fflush(stdout))
		return EX_WEIR_IO;
	pid = fork();
	if (pid < 0)
		return cli_fail(st_fail_errno("fork"), r->tenant);
	if (pid == 0) {
		/* Dying of a page that is not there is an answer; no checker may make another of it. */
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		exit(cli_finish(look(r)));
	}
	if (waitpid(pid, &status, 0) < 0)
		return cli_fail(st_fail_errno("wait"), r->tenant);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	st_fail(ST_BAD, "the index is damaged (reading it ended with signal %d): weir-fsck --rebuild %s",
		WTERMSIG(status), r->tenant);
	if (r->o->digest)
		return cli_fail(ST_BAD, r->tenant);
	problem((void *)r, st_text());
	return EX_WEIR_DATA;
}

static int rebuild(const struct report *r)
{
	struct store_rebuilt found;
	int rc = EX_WEIR_OK;
	enum status st = store_rebuild(r->o->home, r->tenant, &found);

	if (st != ST_OK)
		return cli_fail(st, r->tenant);
	if (found.damaged_places || found.unusable) {
		cli_warn("%s: rebuilt, but %llu bytes of the journal in %llu places are damaged and %llu entries unusable:"
			" mail is missing", r->tenant, (unsigned long long)found.damaged_bytes,
			(unsigned long long)found.damaged_places, (unsigned long long)found.unusable);
		rc = EX_WEIR_DATA;
	}
	if (found.unfinished)
		cli_warn("%s: %llu entries of a batch that was never finished are left out", r->tenant,
			(unsigned long long)found.unfinished);
	return st_worse(rc, look_in_child(r));
}

static int one(const struct opts *o, const char *tenant)
{
	struct report r = { o, tenant };

	return o->rebuild ? rebuild(&r) : look_in_child(&r);
}

struct all { const struct opts *o; int exit; };

static enum status each(void *arg, const char *tenant)
{
	struct all *a = arg;

	a->exit = st_worse(a->exit, one(a->o, tenant));
	return ST_OK;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "home", 1, NULL, 'H' }, { "json", 0, NULL, 'j' },
		{ "digest", 0, NULL, 'd' }, { "rebuild", 0, NULL, 'r' }, { "help", 0, NULL, 'h' },
		{ "version", 0, NULL, 'V' }, { 0 } };
	struct opts o = { 0 };
	struct all all = { &o, EX_WEIR_OK };
	const char *home = NULL;
	enum status st;
	int c;

	cli_start("weir-fsck", help);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		switch (c) {
		case 'H': home = optarg; break;
		case 'j': o.json = true; break;
		case 'd': o.digest = true; break;
		case 'r': o.rebuild = true; break;
		case 'h': cli_help();
		case 'V': cli_version();
		default: cli_bad_option(argv, c);
		}
	}
	if ((o.digest || o.rebuild) && (optind + 1 != argc || (o.digest && o.rebuild)))
		cli_usage("--digest and --rebuild want one tenant");
	st = home_dir(home, &o.home);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-fsck", .home = o.home });
	if (st == ST_OK && optind == argc)
		st = store_tenants(o.home, each, &all);
	if (st != ST_OK)
		all.exit = st_worse(all.exit, cli_fail(st, "start"));
	for (; optind < argc; optind++)
		all.exit = st_worse(all.exit, one(&o, argv[optind]));
	return cli_finish(all.exit);
}
