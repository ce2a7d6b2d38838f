/*
 * weir-auth - who sent each message: SPF, DKIM and DMARC by our own checks, beside the verdicts that came with it.
 *
 * Appends `auth` to records, or explains single messages. What nobody could check is "unchecked" or "temperror":
 * answers of their own, never a pass, and no reason to stop a message.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authdns.h"
#include "authrun.h"
#include "cli.h"
#include "digest.h"
#include "home.h"
#include "inputs.h"
#include "sandbox.h"
#include "when.h"

static const char help[] =
	"usage: weir-auth [options] <RECORDS >RECORDS | weir-auth [options] FILE... | weir-auth --eml [options] <MESSAGE\n"
	"\n"
	"Appends `auth` to each record: SPF, DKIM and DMARC, checked here, and the verdicts that the spool brought.\n"
	"With raw messages (FILEs, or --eml on stdin) it explains them. See weir-auth(1).\n"
	"\n"
	"  -R, --root DIR         messages may lie beneath DIR (default: $WEIR_SPOOL or .)\n"
	"      --home DIR         instead of $WEIR_HOME\n"
	"      --spool-only       ask nobody: only the spool's verdicts\n"
	"      --resolver SERVER  IP or IP@PORT, with commas between several (default: /etc/resolv.conf)\n"
	"      --dns FILE         DNS from a zone-like file instead of a network\n"
	"      --dnssec           validate answers; --anchor FILE with a trust anchor (default: Debian's)\n"
	"      --timeout MS       of a DNS query (5000)\n"
	"      --record FILE      write down every DNS answer used, and the time\n"
	"      --replay FILE      judge by such a record: at its time, without a network\n"
	"      --now TIME         judge as if it were TIME\n"
	"      --authserv-id ID   our name in Authentication-Results (the host's)\n"
	"      --header           an Authentication-Results field: in auth.header, or alone for messages\n"
	"      --arc              verify forwarders' ARC chains, too\n"
	"      --eml              stdin is a raw message\n"
	"      --mail-from ADDRESS, --helo NAME, --ip ADDRESS   how the messages came, for SPF\n"
	"      --json             records instead of explanations of messages\n"
	"  -e                     exit 1 if DMARC of a message does not pass\n"
	"  -h, --help             this text\n"
	"      --version          the version\n";

struct opts {
	struct authdns dns;
	struct roots *roots;
	const char *home, *authserv_id, *mail_from, *helo, *ip;
	bool any_root, eml, json, header, verdict, arc;
};

enum { OPT_HOME = 256, OPT_SPOOL_ONLY, OPT_RESOLVER, OPT_DNS, OPT_DNSSEC, OPT_ANCHOR, OPT_TIMEOUT, OPT_RECORD, OPT_REPLAY,
	OPT_NOW, OPT_ID, OPT_HEADER, OPT_ARC, OPT_EML, OPT_FROM, OPT_HELO, OPT_IP, OPT_JSON, OPT_VERSION };

static const struct option longopts[] = {
	{ "root", required_argument, NULL, 'R' }, { "home", required_argument, NULL, OPT_HOME },
	{ "spool-only", no_argument, NULL, OPT_SPOOL_ONLY }, { "resolver", required_argument, NULL, OPT_RESOLVER },
	{ "dns", required_argument, NULL, OPT_DNS }, { "dnssec", no_argument, NULL, OPT_DNSSEC },
	{ "anchor", required_argument, NULL, OPT_ANCHOR }, { "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "record", required_argument, NULL, OPT_RECORD }, { "replay", required_argument, NULL, OPT_REPLAY },
	{ "now", required_argument, NULL, OPT_NOW }, { "authserv-id", required_argument, NULL, OPT_ID },
	{ "header", no_argument, NULL, OPT_HEADER }, { "arc", no_argument, NULL, OPT_ARC }, { "eml", no_argument, NULL, OPT_EML },
	{ "mail-from", required_argument, NULL, OPT_FROM }, { "helo", required_argument, NULL, OPT_HELO },
	{ "ip", required_argument, NULL, OPT_IP }, { "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, OPT_VERSION }, { 0 }
};

/* ---- options ---- */

static int milliseconds(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || v < 1 || v > 600000)
		cli_usage("not a number of milliseconds from 1 to 600000: %s", s);
	return (int)v;
}

static int one_option(struct opts *o, int c)
{
	enum status st = ST_OK;

	switch (c) {
	case 'R':
		o->any_root = true;
		st = roots_add(o->roots, optarg);
		break;
	case OPT_HOME: o->home = optarg; break;
	case OPT_SPOOL_ONLY: o->dns.off = true; break;
	case OPT_RESOLVER: o->dns.dns.resolver = optarg; break;
	case OPT_REPLAY: o->dns.dns.replay = true;	/* fall through */
	case OPT_DNS:
		if (o->dns.dns.file)
			cli_usage("only one of --dns and --replay, and once");
		o->dns.dns.file = optarg;
		break;
	case OPT_ANCHOR: o->dns.dns.anchor = optarg;	/* fall through */
	case OPT_DNSSEC: o->dns.dns.dnssec = true; break;
	case OPT_TIMEOUT: o->dns.dns.timeout_ms = milliseconds(optarg); break;
	case OPT_RECORD: o->dns.record = optarg; break;
	case OPT_NOW:
		if (when_parse(optarg, (int64_t)time(NULL), &o->dns.now) != ST_OK)
			cli_usage("%s", st_text());
		break;
	case OPT_ID: o->authserv_id = optarg; break;
	case OPT_HEADER: o->header = true; break;
	case OPT_ARC: o->arc = true; break;
	case OPT_EML: o->eml = true; break;
	case OPT_FROM: o->mail_from = optarg; break;
	case OPT_HELO: o->helo = optarg; break;
	case OPT_IP: o->ip = optarg; break;
	case OPT_JSON: o->json = true; break;
	case 'e': o->verdict = true; break;
	}
	return st == ST_OK ? 0 : cli_fail(st, optarg);
}

static int options(int argc, char **argv, struct opts *o)
{
	bool messages;
	int c, rc = 0;

	opterr = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, ":hR:e", longopts, NULL)) != -1) {
		switch (c) {
		case 'h': cli_help();
		case OPT_VERSION: cli_version();
		case '?': case ':': cli_bad_option(argv, c);
		default: rc = one_option(o, c);
		}
	}
	messages = o->eml || optind < argc;
	if (o->eml && optind < argc)
		cli_usage("--eml reads stdin, and there are files: %s", argv[optind]);
	if (!messages && (o->json || o->verdict || o->mail_from || o->helo || o->ip))
		cli_usage("--json, -e, --mail-from, --helo and --ip are for messages: name FILEs, or say --eml");
	if (o->dns.off + (o->dns.dns.resolver != NULL) + (o->dns.dns.file != NULL) > 1)
		cli_usage("only one of --spool-only, --resolver, --dns and --replay");
	if (messages && o->dns.off)
		cli_usage("--spool-only is for records: a message brings no verdicts");
	if (o->authserv_id && !*o->authserv_id)
		cli_usage("--authserv-id is empty");
	return rc;
}

/* ---- single messages ---- */

static void facts_of(const struct opts *o, struct auth_facts *f)
{
	const char *from = o->mail_from;
	size_t n = from ? strlen(from) : 0;

	if (from && n >= 2 && from[0] == '<' && from[n - 1] == '>') {
		from++;
		n -= 2;
	}
	f->from_known = from != NULL;
	buf_add(&f->from, from ? from : "", n);
	buf_str(&f->helo, o->helo ? o->helo : "");
	if (o->ip && !spf_ip(o->ip, strlen(o->ip), &f->ip))
		cli_usage("--ip: not an address: %s", o->ip);
	f->ip_known = o->ip != NULL;
	strcpy(f->ip_from, o->ip ? "option" : "");
}

static enum status as_record(const struct authcheck *c, const char *name, const struct buf *raw, struct buf *out)
{
	uint8_t sum[DIGEST_BYTES];
	char id[DIGEST_HEX + 1];
	enum status st = digest_of(buf_cstr((struct buf *)raw), raw->len, sum);

	hex_of(sum, DIGEST_BYTES, id);
	buf_fmt(out, "{\"weir\":%d,\"id\":\"%s\"", RECORD_VERSION, id);
	json_open(out, "raw", '{');
	if (strcmp(name, "-") != 0)
		json_cstr(out, "path", name);
	json_int(out, "size", (int64_t)raw->len);
	json_close(out, '}');
	authcheck_json(&(struct authcheck_said){ .check = c }, out);
	buf_str(out, "}\n");
	return st;
}

static enum status say(const struct opts *o, const struct authcheck *c, const char *name, const struct buf *raw)
{
	struct buf out = { 0 };
	enum status st = ST_OK;

	if (o->json)
		st = as_record(c, name, raw, &out);
	else if (o->header)
		authcheck_header(c, o->authserv_id, &out);
	if (st == ST_OK && out.failed)
		st = st_fail(ST_NOMEM, "out of memory");
	if (st == ST_OK && (o->json || o->header))
		fwrite(out.p, 1, out.len, stdout);
	else if (st == ST_OK)
		authcheck_page(c, stdout);
	buf_free(&out);
	return st;
}

static int message(const struct opts *o, struct dns *d, struct dkim *dkim, const char *name, int fd)
{
	struct authcheck_opts ao = { dkim, o->authserv_id, o->dns.now ? o->dns.now : (int64_t)time(NULL), o->arc };
	struct authcheck *c = NULL;
	struct auth_facts facts = { 0 };
	struct buf raw = { 0 };
	enum status st = file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &raw);
	time_t start = time(NULL);
	int rc = 0;

	facts_of(o, &facts);
	if (st == ST_OK)
		st = authcheck_begin(&ao, buf_cstr(&raw), raw.len, &facts, &c);
	while (st == ST_OK && !authcheck_step(c, d)) {
		if (time(NULL) - start > AUTHCHECK_MAX_S)
			dns_hurry(d, true);
		else
			dns_wait(d, 1000);
	}
	dns_hurry(d, false);
	if (st == ST_OK)
		st = say(o, c, name, &raw);
	if (st != ST_OK)
		rc = cli_fail(st, name);
	else if (o->verdict && c->dmarc.result != AUTH_PASS)
		rc = EX_WEIR_NO;
	authcheck_free(&c);
	auth_facts_free(&facts);
	buf_free(&raw);
	return rc;
}

static int messages(const struct opts *o, struct dns *d, struct dkim *dkim, char **names, struct inputs *in, int n)
{
	int worst = 0, i, fd;

	for (i = 0; i < n; i++) {
		fd = inputs_open(in, i);
		if (fd < 0) {
			worst = st_worse(worst, cli_fail(st_fail_errno("open"), names[i]));
			continue;
		}
		if (n > 1 && !o->json && !o->header) {
			fputs(i ? "\n" : "", stdout);
			cli_safe(stdout, names[i], strlen(names[i]), 0);
			putchar('\n');
		}
		worst = st_worse(worst, message(o, d, dkim, names[i], fd));
		close(fd);
	}
	return worst;
}

/* ---- all of it ---- */

static enum status start(struct opts *o, const struct inputs *in, struct dns **d, struct dkim **dkim, bool is_filter)
{
	static char host[256];
	enum status st = authdns_env(&o->dns);

	if (!o->authserv_id) {
		if (gethostname(host, sizeof host - 1) != 0 || !*host)
			strcpy(host, "localhost");
		o->authserv_id = host;
	}
	if (st == ST_OK && is_filter) {
		st = home_dir(o->home, &o->home);
		if (st == ST_OK && !o->any_root)
			st = roots_default(o->roots, o->home);
	}
	if (st == ST_OK && !is_filter && o->dns.off)
		st = st_fail(ST_CONFIG, "WEIR_DNS=off, but a message brings no verdicts: say --resolver or --dns");
	if (st == ST_OK)
		st = authdns_open(&o->dns, d);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-auth", .home = o->home,
			.roots = is_filter ? o->roots : NULL, .also = inputs_paths(in), .network = *d && !o->dns.dns.file });
	if (st == ST_OK)
		st = dkim_new(dkim);
	return st;
}

int main(int argc, char **argv)
{
	struct opts o = { 0 };
	struct dns *d = NULL;
	struct dkim *dkim = NULL;
	enum status st;
	struct inputs *in = NULL;
	int rc, n;

	cli_start("weir-auth", help);
	st = roots_new(&o.roots);
	if (st != ST_OK)
		return cli_fail(st, "start");
	rc = options(argc, argv, &o);
	n = argc - optind;
	if (rc == 0) {
		st = inputs_new(argv + optind, n, &in);
		if (st == ST_OK)
			st = start(&o, in, &d, &dkim, n == 0 && !o.eml);
		if (st != ST_OK)
			rc = cli_fail(st, "start");
		else if (o.eml)
			rc = message(&o, d, dkim, "-", STDIN_FILENO);
		else if (n > 0)
			rc = messages(&o, d, dkim, argv + optind, in, n);
		else
			rc = authrun(&(struct authrun_opts){ .roots = o.roots, .dns = d, .dkim = dkim,
				.authserv_id = o.authserv_id, .now = o.dns.now, .header = o.header, .arc = o.arc });
		st = authdns_close(&o.dns, &d);
		if (st != ST_OK)
			rc = st_worse(rc, cli_fail(st, "record"));
	}
	dkim_free(&dkim);
	roots_free(&o.roots);
	inputs_free(&in);
	return cli_finish(rc);
}
