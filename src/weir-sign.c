/*
 * weir-sign - DKIM signatures for what a tenant sends: a message in, the same message with them in front out.
 *
 * The keys are read once, before the first byte of mail. The message is signed or it is not passed on: one whose From does not
 * belong to the keys' domain, or that is not as RFC 5322 wants it, is refused.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "digest.h"
#include "home.h"
#include "lease.h"
#include "record.h"
#include "sandbox.h"
#include "signkeys.h"
#include "staging.h"

static const char help[] =
	"usage: weir-sign --domain DOMAIN --tenant NAME [--home DIR] [--expire SECONDS] [-r [-R DIR]...]\n"
	"       weir-sign --domain DOMAIN --selector NAME --key FILE [--selector NAME --key FILE]...\n"
	"                 [--expire SECONDS] [-r [--home DIR] [-R DIR]...]\n"
	"       weir-sign --domain DOMAIN ... --records\n"
	"\n"
	"Reads a message on stdin and writes it with a DKIM-Signature field for each key in front.\n"
	"\n"
	"  --domain DOMAIN   d= of the signatures: the domain of From, or one above it\n"
	"  --tenant NAME     sign with the active keys of this tenant's domain\n"
	"  --selector NAME   s= for the --key that follows\n"
	"  --key FILE        a private key in PEM form: RSA of 2048 bits and more, or Ed25519\n"
	"  --expire SECONDS  x=: the signature is good for so long (default: for ever)\n"
	"  --records         print the TXT records that belong to the keys, and sign nothing\n"
	"  -r                records on stdin and stdout; signed messages go to HOME/run/staging\n"
	"  -R DIR            messages may lie beneath DIR (default: $WEIR_SPOOL or .)\n"
	"  --home DIR        instead of $WEIR_HOME\n"
	"  -h, --help        this text\n"
	"  --version         the version\n";

struct opts {
	const char *domain, *selector, *tenant, *home;
	struct { const char *selector, *file; } key[SIGNKEYS_MAX];
	size_t keys;
	int64_t expire_s;
	bool records, print, any_root;
	struct roots *roots;
};

struct sign {
	struct dkim *dkim;
	struct signkeys keys;
	int64_t expire_s;
	const char *only;	/* the tenant whose keys these are; NULL: keys from files */
	const struct roots *roots;
	struct staging *staging;
	struct buf path, raw, out, tenant;
};

enum { OPT_DOMAIN = 256, OPT_SELECTOR, OPT_KEY, OPT_TENANT, OPT_EXPIRE, OPT_RECORDS, OPT_HOME, OPT_VERSION };

static const struct option longopts[] = {
	{ "domain", required_argument, NULL, OPT_DOMAIN },
	{ "selector", required_argument, NULL, OPT_SELECTOR },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "tenant", required_argument, NULL, OPT_TENANT },
	{ "expire", required_argument, NULL, OPT_EXPIRE },
	{ "records", no_argument, NULL, OPT_RECORDS },
	{ "home", required_argument, NULL, OPT_HOME },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 }
};

static int64_t seconds_option(const char *s)
{
	char *end;
	long long v = strtoll(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || v <= 0 || v > 10LL * 366 * 86400)
		cli_usage("not a number of seconds (10 years at most): %s", s);
	return v;
}

static void key_option(struct opts *o, const char *file)
{
	if (!o->selector)
		cli_usage("--key %s has no --selector before it", file);
	if (o->keys == SIGNKEYS_MAX)
		cli_usage("more than %d keys", SIGNKEYS_MAX);
	o->key[o->keys].selector = o->selector;
	o->key[o->keys++].file = file;
	o->selector = NULL;
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
	while (rc == 0 && (c = getopt_long(argc, argv, ":hrR:", longopts, NULL)) != -1)
		switch (c) {
		case OPT_DOMAIN: o->domain = optarg; break;
		case OPT_SELECTOR: o->selector = optarg; break;
		case OPT_KEY: key_option(o, optarg); break;
		case OPT_TENANT: o->tenant = optarg; break;
		case OPT_EXPIRE: o->expire_s = seconds_option(optarg); break;
		case OPT_RECORDS: o->print = true; break;
		case OPT_HOME: o->home = optarg; break;
		case 'r': o->records = true; break;
		case 'R': rc = add_root(o, optarg); break;
		case 'h': cli_help();
		case OPT_VERSION: cli_version();
		default: cli_bad_option(argv, c);
		}
	if (rc != 0)
		return rc;
	if (optind < argc)
		cli_usage("unexpected argument: %s", argv[optind]);
	if (o->tenant && (o->keys || o->selector))
		cli_usage("--tenant has its keys, or each --selector has a --key: not both");
	if (!o->domain || (!o->tenant && (!o->keys || o->selector)))
		cli_usage("wants --domain, and --tenant, or a --selector and a --key for each signature");
	return rc;
}

/* ---- keys ---- */

/* Says what fails. */
static int load_keys(struct sign *s, const struct opts *o)
{
	enum status st;

	if (o->tenant) {
		st = signkeys_tenant(&s->keys, o->home, o->tenant, o->domain);
		return st == ST_OK ? 0 : cli_fail(st, o->domain);
	}
	for (size_t i = 0; i < o->keys; i++) {
		st = signkeys_file(&s->keys, o->domain, o->key[i].selector, o->key[i].file);
		if (st != ST_OK)
			return cli_fail(st, o->key[i].file);
	}
	return 0;
}

static int print_records(const struct sign *s)
{
	struct buf zone = { 0 };
	enum status st = signkeys_zone(&s->keys, &zone);

	fwrite(buf_cstr(&zone), 1, zone.len, stdout);
	buf_free(&zone);
	return st == ST_OK ? 0 : cli_fail(st, "records");
}

/* ---- signing ---- */

/* raw to out. */
static enum status sign(struct sign *s)
{
	struct dkim_sign_opts o = { .now = time(NULL), .valid_s = s->expire_s };

	buf_clear(&s->out);
	enum status st = dkim_sign(s->dkim, buf_cstr(&s->raw), s->raw.len, s->keys.signer, s->keys.n, &o, &s->out);
	buf_add(&s->out, buf_cstr(&s->raw), s->raw.len);
	if (st == ST_OK && !buf_ok(&s->out))
		st = st_fail(ST_NOMEM, "out of memory");
	return st;
}

static int sign_stdin(struct sign *s)
{
	enum status st = file_read_fd(0, 0, -1, MESSAGE_MAX_BYTES, &s->raw);

	if (st == ST_OK)
		st = sign(s);
	if (st != ST_OK)
		return cli_fail(st, "not signed");
	fwrite(s->out.p, 1, s->out.len, stdout);	/* cli_finish() sees a failure */
	return 0;
}

static enum status read_raw(struct sign *s, const struct rec *rec)
{
	int64_t size;
	int fd;

	buf_clear(&s->path);
	if (!json_text(rec_get(rec, "raw.path"), &s->path) || !json_get_int(rec_get(rec, "raw.size"), &size))
		return st_fail(ST_BAD, "no raw.path and raw.size in the record");
	enum status st = roots_open(s->roots, buf_cstr(&s->path), &fd);
	if (st != ST_OK)
		return st;
	st = file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &s->raw);
	close(fd);
	if (st == ST_OK && s->raw.len != (uint64_t)size)
		st = st_fail(ST_AGAIN, "%s has %zu bytes, the record says %lld", buf_cstr(&s->path), s->raw.len, (long long)size);
	return st;
}

static void signed_json(const struct sign *s, const char *path, const uint8_t digest[DIGEST_BYTES], struct buf *b)
{
	char hex[DIGEST_HEX + 1];

	hex_of(digest, DIGEST_BYTES, hex);
	json_open(b, "signed", '{');
	json_cstr(b, "path", path);
	json_int(b, "size", (int64_t)s->out.len);
	json_str(b, "sha256", hex, DIGEST_HEX);
	json_open(b, "dkim", '[');
	for (size_t i = 0; i < s->keys.n; i++) {
		json_open(b, NULL, '{');
		json_cstr(b, "domain", dkim_signer_domain(s->keys.signer[i]));
		json_cstr(b, "selector", dkim_signer_selector(s->keys.signer[i]));
		json_cstr(b, "algorithm", dkim_signer_algorithm(s->keys.signer[i]));
		json_close(b, '}');
	}
	json_close(b, ']');
	json_close(b, '}');
}

static enum status each(void *arg, const struct rec *rec, struct buf *extra)
{
	struct sign *s = arg;
	uint8_t digest[DIGEST_BYTES];
	struct staged at;

	buf_clear(&s->tenant);
	json_text(rec_get(rec, "tenant"), &s->tenant);
	if (s->only && strcmp(buf_cstr(&s->tenant), s->only) != 0)
		return st_fail(ST_BAD, "it is not of tenant %s, whose keys these are", s->only);
	enum status st = read_raw(s, rec);
	if (st == ST_OK)
		st = sign(s);
	if (st == ST_OK)
		st = digest_of(s->out.p, s->out.len, digest);
	if (st == ST_OK)
		st = staging_put_file(s->staging, s->tenant.len ? s->tenant.p : NULL, digest, s->out.p, s->out.len, &at);
	if (st == ST_OK)
		signed_json(s, at.path, digest, extra);
	return st;
}

static enum status stage(struct sign *s, const char *home)
{
	char lease[LEASE_NAME_BYTES];
	enum status st = lease_name(lease);

	if (st == ST_OK)
		st = staging_join(home);
	if (st == ST_OK)
		st = staging_sweep(home);
	if (st == ST_OK)
		st = staging_open(home, lease, &s->staging);
	return st;
}

/* ---- the program ---- */

static int run(struct sign *s, struct opts *o)
{
	enum status st = ST_OK;
	int rc;

	if (o->records && !o->any_root)
		st = roots_default(o->roots, o->home);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-sign", .home = o->records ? o->home : NULL,
			.roots = o->records ? o->roots : NULL });
	if (st == ST_OK && o->records)
		st = stage(s, o->home);
	if (st != ST_OK)
		return cli_fail(st, "start");
	if (o->print)
		return print_records(s);
	if (!o->records)
		return sign_stdin(s);
	rc = rec_filter("weir-sign", each, s);
	st = staging_close(&s->staging);
	return st == ST_OK ? rc : st_worse(rc, cli_fail(st, "staging"));
}

int main(int argc, char **argv)
{
	struct opts o = { 0 };
	struct sign s = { 0 };
	int rc;

	cli_start("weir-sign", help);
	enum status st = roots_new(&o.roots);
	if (st != ST_OK)
		return cli_fail(st, "start");
	rc = options(argc, argv, &o);
	s.roots = o.roots;
	s.expire_s = o.expire_s;
	s.only = o.tenant;
	if (rc == 0) {
		st = dkim_new(&s.dkim);
		if (st == ST_OK && (o.records || o.tenant))
			st = home_dir(o.home, &o.home);
		rc = st == ST_OK ? load_keys(&s, &o) : cli_fail(st, "start");
	}
	if (rc == 0)
		rc = run(&s, &o);
	signkeys_free(&s.keys);
	dkim_free(&s.dkim);
	buf_free(&s.path);
	buf_free(&s.raw);
	buf_free(&s.out);
	buf_free(&s.tenant);
	roots_free(&o.roots);
	return cli_finish(rc);
}
