/*
 * weir-inbox - a tenant's inboxes: what they are for, who looks after them, and where everything goes when one is removed.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "cli.h"
#include "home.h"
#include "sandbox.h"
#include "settings.h"

static const char help[] =
	"usage: weir-inbox [OPTION...] add | set | show | remove TENANT INBOX, or list TENANT\n"
	"\n"
	"  add TENANT INBOX     addresses may lead to it (weir-address --inbox makes one, too)\n"
	"  set TENANT INBOX     changes what is given, of an inbox that is there\n"
	"  list TENANT          INBOX, how many addresses and domains lead to it, its description\n"
	"  show TENANT INBOX    all that is set about it\n"
	"  remove TENANT INBOX  gives its addresses and all its mail to --successor, for good\n"
	"\n"
	"      --colour #RRGGBB     for whoever shows it\n"
	"      --description TEXT   what it is for\n"
	"      --assignee WHO       user:NAME or group:NAME looks after it (repeatable; '' for nobody)\n"
	"      --successor INBOX    remove: where everything goes\n"
	"      --home DIR           instead of $WEIR_HOME\n"
	"      --json               list, show: JSON Lines\n"
	"  -h, --help               this text\n"
	"      --version            the version\n";

struct opts {
	const char *home, *colour, *description, *successor, *assignee[PEOPLE_MAX + 1];
	size_t assignees;
	int json, given;
};

struct job { const struct opts *o; bool add; const char *tenant, *inbox; struct buf patch; size_t moved; };

static void build_patch(struct job *job)
{
	const struct opts *o = job->o;
	struct buf *b = &job->patch;

	json_open(b, NULL, '{');
	if (o->colour != NULL)
		json_cstr(b, "colour", o->colour);
	if (o->description != NULL)
		json_cstr(b, "description", o->description);
	if (o->assignees > 0) {
		json_open(b, "assignees", '[');
		for (size_t i = 0; i < o->assignees; i++)
			if (*o->assignee[i] != '\0')
				json_cstr(b, NULL, o->assignee[i]);
		json_close(b, ']');
	}
	json_close(b, '}');
}

static enum status change(void *arg, struct store *st)
{
	const struct job *job = arg;
	struct buf now = { 0 };
	enum status rc = job->add ? ST_OK : setting_inbox_json(st, job->inbox, &now);

	if (rc == ST_OK)
		rc = setting_inbox_change(st, job->inbox, (struct span){ job->patch.p, job->patch.len });
	buf_free(&now);
	return rc;
}

static enum status drop(void *arg, struct store *st)
{
	struct job *job = arg;

	return setting_inbox_remove(st, job->inbox, job->o->successor, &job->moved);
}

/* ---- show, list ---- */

/* What leads where, sorted: so that each inbox's number is found without looking at all addresses again. */
struct leading { char (*inbox)[INBOX_MAX_BYTES + 1]; size_t n, cap; };

static enum status add_lead(struct leading *l, const char *inbox)
{
	if (l->n == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 64;
		void *p = realloc(l->inbox, cap * sizeof(*l->inbox));

		if (p == NULL)
			return st_fail(ST_NOMEM, "out of memory");
		l->inbox = p;
		l->cap = cap;
	}
	snprintf(l->inbox[l->n++], sizeof(l->inbox[0]), "%s", inbox);
	return ST_OK;
}

static enum status address_leads(void *arg, const char *address, const struct address_setting *a)
{
	return add_lead(arg, a->inbox);
}

static enum status domain_leads(void *arg, const char *domain, const struct domain_setting *d)
{
	return d->any[0] != '\0' ? add_lead(arg, d->any) : ST_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum status find_leads(struct store *st, struct leading *l)
{
	enum status rc = setting_addresses(st, address_leads, l);

	if (rc == ST_OK)
		rc = setting_domains(st, domain_leads, l);
	if (rc == ST_OK && l->n > 0)
		qsort(l->inbox, l->n, sizeof(*l->inbox), by_name);
	return rc;
}

static size_t count_leads(const struct leading *l, const char *inbox)
{
	char (*hit)[INBOX_MAX_BYTES + 1] = l->n > 0 ? bsearch(inbox, l->inbox, l->n, sizeof(*l->inbox), by_name) : NULL;
	size_t first, last;

	if (hit == NULL)
		return 0;
	for (first = (size_t)(hit - l->inbox); first > 0 && strcmp(l->inbox[first - 1], inbox) == 0; first--)
		;
	for (last = (size_t)(hit - l->inbox); last < l->n && strcmp(l->inbox[last], inbox) == 0; last++)
		;
	return last - first;
}

static void print_json(const struct job *job, const char *inbox, const struct buf *set, size_t leads)
{
	struct buf b = { 0 };

	json_open(&b, NULL, '{');
	json_int(&b, "weir", RECORD_VERSION);
	json_cstr(&b, "type", "inbox");
	json_cstr(&b, "tenant", job->tenant);
	json_cstr(&b, "inbox", inbox);
	if (set->len > 2) {
		buf_chr(&b, ',');
		buf_add(&b, set->p + 1, set->len - 2);
	}
	json_int(&b, "leads", (int64_t)leads);
	json_close(&b, '}');
	printf("%s\n", buf_cstr(&b));
	buf_free(&b);
}

/* Strings as they are, lists as JSON. */
static void print_value(struct span v)
{
	struct buf text = { 0 };

	if (!json_text(v, &text))
		buf_add(&text, v.p, v.p != NULL ? v.len : 0);
	cli_safe(stdout, buf_cstr(&text), text.len, 0);
	buf_free(&text);
}

static void print_whole(const char *inbox, struct span set, size_t leads)
{
	struct span key, val;

	printf("inbox       %s\nleads       %zu\n", inbox, leads);
	while (json_member(&set, &key, &val)) {
		printf("%-11.*s ", (int)key.len, key.p);
		print_value(val);
		putchar('\n');
	}
}

static void print_line(const char *inbox, struct span set, size_t leads)
{
	struct span description = json_get(set, "description");

	printf("%s\t%zu%s", inbox, leads, description.p != NULL ? "\t" : "");
	print_value(description);
	putchar('\n');
}

struct listing { const struct job *job; struct store *st; struct leading leading; bool whole; };

static enum status print_inbox(void *arg, const char *inbox)
{
	struct listing *l = arg;
	size_t leads = count_leads(&l->leading, inbox);
	struct buf set = { 0 };
	enum status rc = setting_inbox_json(l->st, inbox, &set);

	if (rc == ST_OK && l->job->o->json)
		print_json(l->job, inbox, &set, leads);
	else if (rc == ST_OK && l->whole)
		print_whole(inbox, (struct span){ set.p, set.len }, leads);
	else if (rc == ST_OK)
		print_line(inbox, (struct span){ set.p, set.len }, leads);
	buf_free(&set);
	return rc;
}

static enum status show(void *arg, struct store *st)
{
	struct listing l = { .job = arg, .st = st, .whole = true };
	enum status rc = find_leads(st, &l.leading);

	if (rc == ST_OK)
		rc = print_inbox(&l, l.job->inbox);
	free(l.leading.inbox);
	return rc;
}

static enum status list(void *arg, struct store *st)
{
	struct listing l = { .job = arg, .st = st };
	enum status rc = find_leads(st, &l.leading);

	if (rc == ST_OK)
		rc = setting_inboxes(st, print_inbox, &l);
	free(l.leading.inbox);
	return rc;
}

/* ---- ---- */

static const struct verb { const char *name; int operands; bool writes; settings_fn fn; } verbs[] = {
	{ "add", 2, true, change }, { "set", 2, true, change }, { "remove", 2, true, drop }, { "show", 2, false, show },
	{ "list", 1, false, list },
};

static const struct verb *find_verb(const struct opts *o, int n, char *args[])
{
	const struct verb *v = NULL;

	for (size_t i = 0; n > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(args[0], verbs[i].name) == 0 && n == verbs[i].operands + 1)
			v = &verbs[i];
	if (v == NULL)
		cli_usage("%s", n == 0 ? "what is to be done?" : "unknown word, or not the operands it wants");
	if (o->given && v->fn != change)
		cli_usage("%s takes no such option", v->name);
	if (!o->given && strcmp(v->name, "set") == 0)
		cli_usage("what is to be set?");
	if ((v->fn == drop) != (o->successor != NULL))
		cli_usage("%s", v->fn == drop ? "where is its mail to go? (--successor INBOX)" : "--successor goes with remove");
	if (v->operands == 2 && !inbox_valid(args[2], strlen(args[2])))
		cli_usage("no inbox can be called %s", args[2]);
	return v;
}

static int run(const struct opts *o, int n, char *args[])
{
	const struct verb *v = find_verb(o, n, args);
	struct job job = { .o = o, .add = strcmp(v->name, "add") == 0, .tenant = args[1], .inbox = v->operands == 2 ? args[2] : "" };
	enum status st = sandbox_enter(&(struct sandbox_opts){ .profile = v->writes ? "weir-inbox" : "settings.look", .home = o->home });

	build_patch(&job);
	if (st == ST_OK)
		st = v->writes ? settings_change(o->home, job.tenant, CHANGE_KEEP, v->fn, &job) : settings_read(o->home, job.tenant, v->fn, &job);
	buf_free(&job.patch);
	return st == ST_OK ? 0 : cli_fail(st, v->operands == 2 ? args[2] : args[1]);
}

static void read_option(struct opts *o, char *argv[], int opt)
{
	o->given |= strchr("cda", opt) != NULL;
	switch (opt) {
	case 'c': o->colour = optarg; break;
	case 'd': o->description = optarg; break;
	case 'a':
		if (o->assignees == PEOPLE_MAX)
			cli_usage("more than %d assignees", PEOPLE_MAX);
		o->assignee[o->assignees++] = optarg;
		break;
	case 's': o->successor = optarg; break;
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
		{ "colour", required_argument, NULL, 'c' }, { "description", required_argument, NULL, 'd' },
		{ "assignee", required_argument, NULL, 'a' }, { "successor", required_argument, NULL, 's' },
		{ "home", required_argument, NULL, 'H' }, { "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 },
	};
	struct opts o = { 0 };
	enum status st;
	int opt;

	cli_start("weir-inbox", help);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1)
		read_option(&o, argv, opt);
	st = home_dir(o.home, &o.home);
	return cli_finish(st == ST_OK ? run(&o, argc - optind, argv + optind) : cli_fail(st, "home"));
}
