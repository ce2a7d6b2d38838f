/*
 * weir-address - a tenant's addresses: the inbox each one leads to, who may send as it, how it signs.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "cli.h"
#include "file.h"
#include "home.h"
#include "sandbox.h"
#include "settings.h"

static const char help[] =
	"usage: weir-address [OPTION...] add | set | show | remove TENANT ADDRESS, or list TENANT\n"
	"\n"
	"  add TENANT ADDRESS     mail to it is the tenant's; again: changes the inbox, and what else is given\n"
	"  set TENANT ADDRESS     changes what is given, of an address that is there\n"
	"  list TENANT            ADDRESS, INBOX and catch-all, inactive where it is so, separated by tabs\n"
	"  show TENANT ADDRESS    all that is set about it\n"
	"  remove TENANT ADDRESS  what was stored stays\n"
	"\n"
	"      --inbox NAME       the inbox it leads to (add: default)\n"
	"      --catch-all        it also gets what is for no other address of its domain\n"
	"      --primary          it is what the tenant sends from if nobody says otherwise\n"
	"      --name TEXT        display name\n"
	"      --active yes|no    whether it gets and sends mail\n"
	"      --tags yes|no      whether ADDRESS with +tag is this address\n"
	"      --sender WHO       user:NAME or group:NAME may send as it (repeatable; '' for everybody)\n"
	"      --reply-to ADDRESS where answers go\n"
	"      --signature FILE   text that ends its mail; --signature-html FILE: the same as HTML\n"
	"      --swap             it takes the place of the tenant's other address on the shared domain\n"
	"      --home DIR         instead of $WEIR_HOME\n"
	"      --json             list, show: JSON Lines\n"
	"  -h, --help             this text\n"
	"      --version          the version\n";

struct opts {
	const char *home, *inbox, *name, *active, *tags, *reply_to, *text, *html, *sender[PEOPLE_MAX + 1];
	size_t senders;
	int catch_all, primary, swap, json, given;
};

struct job {
	const struct opts *o;
	bool add;
	const char *tenant;
	struct buf address;		/* in normal form */
	struct buf patch, text, html;	/* what options say; what the files of signatures hold */
};

/* ---- what the options say, before any of it counts ---- */

static void yes_or_no(struct buf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		cli_usage("--%s is yes or no, not %s", key, value);
	json_bool(b, key, *value == 'y');
}

static void build_patch(struct job *job, const char *inbox)
{
	const struct opts *o = job->o;
	struct buf *b = &job->patch;

	json_open(b, NULL, '{');
	if (inbox != NULL)
		json_cstr(b, "inbox", inbox);
	if (o->name != NULL)
		json_cstr(b, "name", o->name);
	yes_or_no(b, "active", o->active);
	yes_or_no(b, "tags", o->tags);
	if (o->reply_to != NULL)
		json_cstr(b, "reply_to", o->reply_to);
	if (o->senders > 0) {
		json_open(b, "senders", '[');
		for (size_t i = 0; i < o->senders; i++)
			if (*o->sender[i] != '\0')
				json_cstr(b, NULL, o->sender[i]);
		json_close(b, ']');
	}
	json_close(b, '}');
}

static enum status read_file(const char *path, size_t max, struct buf *b)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum status st;

	if (fd < 0)
		return st_fail_errno("signature %s", path);
	st = file_read_fd(fd, 0, -1, max, b);
	if (fd != STDIN_FILENO)
		close(fd);
	return st == ST_LIMIT ? st_fail(ST_BAD, "signature %s: more than %zu bytes", path, max) : st;
}

/* ---- add, set ---- */

static struct span whole(const struct buf *b)
{
	return (struct span){ b->p, b->len };
}

/* Of a signature's two forms the one that is not given stays. */
static enum status change_signature(const struct job *job, struct store *st)
{
	struct buf old = { 0 }, patch = { 0 };
	enum status rc = setting_address_json(st, job->address.p, &old);
	struct span was = rc == ST_OK ? json_get(whole(&old), "signature") : (struct span){ 0 };

	json_open(&patch, NULL, '{');
	json_open(&patch, "signature", '{');
	for (int i = 0; i < 2; i++) {
		const char *kind = i == 0 ? "text" : "html";
		const struct buf *given = i == 0 ? &job->text : &job->html;
		struct span v = json_get(was, kind);

		if ((i == 0 ? job->o->text : job->o->html) != NULL)
			json_str(&patch, kind, given->len > 0 ? given->p : "", given->len);
		else if (v.p != NULL)
			json_raw(&patch, kind, v.p, v.len);
	}
	json_close(&patch, '}');
	json_close(&patch, '}');
	if (rc == ST_OK)
		rc = buf_ok(&patch) ? setting_address_change(st, job->address.p, whole(&patch)) : st_fail(ST_NOMEM, "out of memory");
	buf_free(&old);
	buf_free(&patch);
	return rc;
}

/* Its domain's setting names the catch-all. */
static enum status change_catch_all(const struct job *job, struct store *st, int catch_all)
{
	const char *address = job->address.p, *domain = strrchr(address, '@') + 1;
	struct domain_setting d;
	enum status rc = setting_domain(st, domain, &d);

	if (rc == ST_NOTFOUND)	/* the shared domain, or settings_check() says what is wrong */
		return catch_all ? st_fail(ST_BAD, "%s has no domain %s of its own: no catch-all there", job->tenant, domain) : ST_OK;
	if (rc != ST_OK || (!catch_all && strcmp(d.catch_all, address) != 0))
		return rc;
	snprintf(d.catch_all, sizeof(d.catch_all), "%s", catch_all ? address : "");
	return setting_domain_set(st, domain, &d);
}

struct others { const char *address; struct buf names; };

static enum status note_other(void *arg, const char *address, const struct address_setting *a)
{
	struct others *o = arg;

	if (!a->inactive && strcmp(address, o->address) != 0 && strcmp(strrchr(address, '@'), strrchr(o->address, '@')) == 0)
		buf_add(&o->names, address, strlen(address) + 1);
	return o->names.failed ? st_fail(ST_NOMEM, "out of memory") : ST_OK;
}

/* The one on the shared domain that was active is so no longer. */
static enum status swap(const struct job *job, struct store *st)
{
	static const char off[] = "{\"active\":false}", on[] = "{\"active\":true}";
	struct others o = { .address = job->address.p };
	struct domain_setting d;
	enum status rc = setting_domain(st, strrchr(o.address, '@') + 1, &d);

	if (rc == ST_OK)
		return st_fail(ST_USAGE, "--swap is for the shared domain: in a domain of one's own all may be active");
	if (rc == ST_NOTFOUND)
		rc = setting_addresses(st, note_other, &o);
	for (size_t at = 0; rc == ST_OK && at < o.names.len; at += strlen(o.names.p + at) + 1)
		rc = setting_address_change(st, o.names.p + at, (struct span){ off, strlen(off) });
	if (rc == ST_OK)
		rc = setting_address_change(st, o.address, (struct span){ on, strlen(on) });
	buf_free(&o.names);
	return rc;
}

static enum status change(void *arg, struct store *st)
{
	const struct job *job = arg;
	const struct opts *o = job->o;
	struct address_setting a;
	enum status rc = job->add ? ST_OK : setting_address(st, job->address.p, &a);

	if (rc == ST_NOTFOUND)
		return st_fail(ST_NOTFOUND, "%s has no such address (weir-address add)", job->tenant);
	if (rc == ST_OK)
		rc = setting_address_change(st, job->address.p, whole(&job->patch));
	if (rc == ST_OK && (o->text != NULL || o->html != NULL))
		rc = change_signature(job, st);
	if (rc == ST_OK && (job->add || o->catch_all))
		rc = change_catch_all(job, st, o->catch_all);
	if (rc == ST_OK && o->swap)
		rc = swap(job, st);
	return rc == ST_OK && o->primary ? setting_primary_set(st, job->address.p) : rc;
}

static enum status drop(void *arg, struct store *st)
{
	return setting_address_remove(st, ((struct job *)arg)->address.p);
}

/* ---- show, list ---- */

static bool is_catch_all(struct store *st, const char *address)
{
	struct domain_setting d = { 0 };

	return setting_domain(st, strrchr(address, '@') + 1, &d) == ST_OK && strcmp(d.catch_all, address) == 0;
}

/* The entity of weir-record(5). */
static enum status describe(struct store *st, const char *address, struct buf *b)
{
	char primary[ADDRESS_MAX_BYTES + 1] = "";
	struct buf set = { 0 };
	enum status rc = setting_address_json(st, address, &set);

	json_open(b, NULL, '{');
	json_int(b, "weir", RECORD_VERSION);
	json_cstr(b, "type", "address");
	json_cstr(b, "tenant", store_tenant(st));
	json_cstr(b, "address", address);
	if (rc == ST_OK && set.len > 2) {
		buf_chr(b, ',');
		buf_add(b, set.p + 1, set.len - 2);
	}
	if (is_catch_all(st, address))
		json_bool(b, "catch_all", true);
	if (setting_primary(st, primary) == ST_OK && strcmp(primary, address) == 0)
		json_bool(b, "primary", true);
	json_close(b, '}');
	buf_free(&set);
	return rc == ST_OK && !buf_ok(b) ? st_fail(ST_NOMEM, "out of memory") : rc;
}

/* A member for people: strings as they are, lists and the rest as JSON. */
static void print_members(struct span entity)
{
	struct span key, val;
	struct buf text = { 0 };

	while (json_member(&entity, &key, &val)) {
		if (val.p == NULL || (key.len == 4 && (memcmp(key.p, "weir", 4) == 0 || memcmp(key.p, "type", 4) == 0)))
			continue;
		buf_clear(&text);
		if (!json_text(val, &text))
			buf_add(&text, val.p, val.len);
		printf("%-10.*s ", (int)key.len, key.p);
		cli_safe(stdout, buf_cstr(&text), text.len, 0);
		putchar('\n');
	}
	buf_free(&text);
}

static enum status show(void *arg, struct store *st)
{
	const struct job *job = arg;
	struct buf b = { 0 };
	enum status rc = describe(st, job->address.p, &b);

	if (rc == ST_NOTFOUND)
		rc = st_fail(ST_NOTFOUND, "%s has no such address", job->tenant);
	if (rc == ST_OK && job->o->json)
		printf("%s\n", b.p);
	else if (rc == ST_OK)
		print_members(whole(&b));
	buf_free(&b);
	return rc;
}

struct listing { const struct opts *o; struct store *st; };

static enum status print_address(void *arg, const char *address, const struct address_setting *a)
{
	const struct listing *l = arg;
	bool all;
	struct buf b = { 0 };
	enum status rc = ST_OK;

	if (l->o->json) {
		rc = describe(l->st, address, &b);
		if (rc == ST_OK)
			printf("%s\n", b.p);
		buf_free(&b);
		return rc;
	}
	all = is_catch_all(l->st, address);
	cli_safe(stdout, address, strlen(address), 0);
	printf("\t%s%s%s%s\n", a->inbox, all || a->inactive ? "\t" : "", all ? "catch-all" : "",
		!a->inactive ? "" : all ? ",inactive" : "inactive");
	return ST_OK;
}

static enum status list(void *arg, struct store *st)
{
	return setting_addresses(st, print_address, &(struct listing){ ((struct job *)arg)->o, st });
}

/* ---- ---- */

static const struct verb { const char *name; int operands; bool writes; settings_fn fn; } verbs[] = {
	{ "add", 2, true, change }, { "set", 2, true, change }, { "remove", 2, true, drop }, { "show", 2, false, show },
	{ "list", 1, false, list },
};

static const struct verb *find_verb(int n, char *args[])
{
	for (size_t i = 0; n > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(args[0], verbs[i].name) == 0 && n == verbs[i].operands + 1)
			return &verbs[i];
	cli_usage("%s", n == 0 ? "what is to be done?" : "unknown word, or not the operands it wants");
}

/* What must be right before anything is opened. */
static void prepare(struct job *job, const struct verb *v, const char *address)
{
	const struct opts *o = job->o;
	const char *inbox = o->inbox == NULL && job->add ? INBOX_DEFAULT : o->inbox;

	if (o->given && v->fn != change)
		cli_usage("%s takes no such option", v->name);
	if (!o->given && v->fn == change && !job->add)
		cli_usage("what is to be set?");
	if (inbox != NULL && !inbox_valid(inbox, strlen(inbox)))
		cli_usage("no inbox can be called %s", inbox);
	if (address != NULL && (address_normal(address, strlen(address), &job->address) != ST_OK || job->address.len > ADDRESS_MAX_BYTES))
		cli_usage("%s is no address", address);
	build_patch(job, inbox);
}

static int run(const struct opts *o, int n, char *args[])
{
	const struct verb *v = find_verb(n, args);
	struct job job = { .o = o, .add = strcmp(v->name, "add") == 0, .tenant = args[1] };
	const char *name = v->operands == 2 ? args[2] : args[1];
	enum status st = ST_OK;

	prepare(&job, v, v->operands == 2 ? args[2] : NULL);
	if (o->text != NULL)
		st = read_file(o->text, SIGNATURE_TEXT_MAX, &job.text);
	if (st == ST_OK && o->html != NULL)
		st = read_file(o->html, SIGNATURE_HTML_MAX, &job.html);
	if (st == ST_OK)
		st = sandbox_enter(&(struct sandbox_opts){ .profile = v->writes ? "weir-address" : "settings.look", .home = o->home });
	if (st == ST_OK)
		st = v->writes ? settings_change(o->home, args[1], CHANGE_KEEP, v->fn, &job) : settings_read(o->home, args[1], v->fn, &job);
	buf_free(&job.address);
	buf_free(&job.patch);
	buf_free(&job.text);
	buf_free(&job.html);
	return st == ST_OK ? 0 : cli_fail(st, name);
}

static void read_option(struct opts *o, char *argv[], int opt)
{
	o->given |= strchr("incatsrxXpw", opt) != NULL;
	switch (opt) {
	case 'i': o->inbox = optarg; break;
	case 'n': o->name = optarg; break;
	case 'c': o->catch_all = 1; break;
	case 'p': o->primary = 1; break;
	case 'a': o->active = optarg; break;
	case 't': o->tags = optarg; break;
	case 's':
		if (o->senders == PEOPLE_MAX)
			cli_usage("more than %d senders", PEOPLE_MAX);
		o->sender[o->senders++] = optarg;
		break;
	case 'r': o->reply_to = optarg; break;
	case 'x': o->text = optarg; break;
	case 'X': o->html = optarg; break;
	case 'w': o->swap = 1; break;
	case 'H': o->home = optarg; break;
	case 'J': o->json = 1; break;
	case 'h': cli_help();
	case 'V': cli_version();
	default: cli_bad_option(argv, opt);
	}
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "inbox", required_argument, NULL, 'i' }, { "name", required_argument, NULL, 'n' },
		{ "catch-all", no_argument, NULL, 'c' }, { "primary", no_argument, NULL, 'p' },
		{ "active", required_argument, NULL, 'a' }, { "tags", required_argument, NULL, 't' },
		{ "sender", required_argument, NULL, 's' }, { "reply-to", required_argument, NULL, 'r' },
		{ "signature", required_argument, NULL, 'x' }, { "signature-html", required_argument, NULL, 'X' },
		{ "swap", no_argument, NULL, 'w' }, { "home", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'J' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	enum status st;
	int opt;

	cli_start("weir-address", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		read_option(&o, argv, opt);
	st = home_dir(o.home, &o.home);
	return cli_finish(st == ST_OK ? run(&o, argc - optind, argv + optind) : cli_fail(st, "home"));
}
