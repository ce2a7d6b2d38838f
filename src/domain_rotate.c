/*
 * domain_rotate.c - weir-domain rotate: one step towards a new key, for one domain or for all.
 *
 * Every step is one change of the settings; done again it is the next step, or a word about what is waited for. A new key is used only
 * after it was found in DNS by the customer's own name: "could not look" is not "is there".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "change.h"
#include "cli.h"
#include "home.h"
#include "json.h"
#include "keyring.h"
#include "record.h"
#include "records.h"
#include "route.h"
#include "sandbox.h"
#include "settings.h"
#include "weir-domain.h"
#include "when.h"

/* One domain's turn. ask is the name its new key is to be found at. */
struct turn {
	const struct opts *o;
	int64_t now;
	char name[DOMAIN_MAX_BYTES + 1], tenant[TENANT_MAX_BYTES + 1];
	char ask[LABEL_MAX_BYTES + DOMAIN_MAX_BYTES + 16], want[sizeof(((struct slot *)0)->public_key)];
	enum dns_result found;	/* DNS_FOUND: with the key that it should have */
	int several;		/* DNS_NODATA: 1 another key is there, 2 several records are */
	const char *found_why;
	enum rotation step;	/* done, or waited for */
	bool done;
	int64_t due;
	char selector[LABEL_MAX_BYTES + 1];
	enum key_algorithm algorithm;
};
struct turns { const struct opts *o; int64_t now; struct turn *t; size_t n, cap; };

/* ---- is the new key in DNS? all names at once ---- */

static enum status prepare(void *arg, struct store *st)
{
	struct turn *t = arg;
	const struct slot *s;
	struct domain d;
	int64_t due;
	enum status rc = domain_get(st, t->name, &d);

	if (rc != ST_OK)
		return rc;
	s = rotation_slot(&d);
	if (s != NULL && rotation_next(&d, t->now, &due) == ROTATION_SEE) {
		snprintf(t->ask, sizeof(t->ask), "%s._domainkey.%s", s->selector, d.name);
		snprintf(t->want, sizeof(t->want), "%s", s->public_key);
	}
	return ST_OK;
}

/* p= of a key record, blanks left out (RFC 6376 3.2): is it exactly this one? */
static bool has_key(const struct dns_answer *a, const char *want)
{
	bool found = false;

	for (size_t i = 0; i < a->n && !found; i++) {
		struct buf text = { 0 };
		char *p, *rest = NULL;

		if (dns_txt(a->rdata[i], &text) && memchr(text.p, '\0', text.len) == NULL) {
			for (p = strtok_r(text.p, ";", &rest); p != NULL && !found; p = strtok_r(NULL, ";", &rest)) {
				char *to = p;

				for (const char *from = p; *from != '\0'; from++)
					if (strchr(" \t\r\n", *from) == NULL)
						*to++ = *from;
				*to = '\0';
				found = strncmp(p, "p=", 2) == 0 && strcmp(p + 2, want) == 0;
			}
		}
		buf_free(&text);
	}
	return found && a->n == 1;	/* two records at a name: receivers may take either (RFC 6376 3.6.2.2) */
}

static void look_all(struct turns *all)
{
	enum status st = ST_OK;

	for (bool again = true; again && st == ST_OK;) {
		again = false;
		for (size_t i = 0; i < all->n; i++) {
			struct turn *t = &all->t[i];
			const struct dns_answer *a = NULL;

			if (t->ask[0] == '\0')
				continue;
			t->found = dns_ask(all->o->dns, t->ask, DNS_TXT, &a);
			again |= t->found == DNS_PENDING;
			if (t->found == DNS_FOUND && !has_key(a, t->want)) {
				t->found = DNS_NODATA;
				t->several = a->n > 1 ? 2 : 1;
			}
		}
		if (again)
			st = dns_wait(all->o->dns, -1);
	}
}

/* What answers is a stranger's, and the steps write keys: a child without any file asks, and we without the network take its word. What it
 * does not say was not seen. */
struct word { uint8_t found, several; };

static void take(struct turn *t, struct word w)
{
	t->found = w.found > DNS_PENDING && w.found <= DNS_BOGUS ? (enum dns_result)w.found : DNS_SERVFAIL;
	t->found_why = t->found != DNS_NODATA || w.several == 0 ? dns_result_name(t->found) : w.several == 1 ? "another key" : "several records";
}

static _Noreturn void ask_in_child(struct turns *all, int to)
{
	bool good = sandbox_enter(&(struct sandbox_opts){ .profile = "weir-domain.rotate", .network = all->o->view.dns.file == NULL }) == ST_OK;

	if (good)
		look_all(all);
	for (size_t i = 0; i < all->n && good; i++) {
		const struct turn *t = &all->t[i];
		struct word w = { (uint8_t)t->found, (uint8_t)t->several };

		good = write(to, &w, sizeof(w)) == sizeof(w);	/* at most PIPE_BUF: never in parts */
	}
	_exit(good ? 0 : 1);
}

static enum status look(struct turns *all)
{
	struct sandbox_opts fence = { .profile = "weir-domain", .home = all->o->home };
	enum status st;
	FILE *from;
	int fd[2];
	pid_t child;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return st_fail_errno("pipe");
	child = fork();
	if (child == 0) {
		close(fd[0]);
		ask_in_child(all, fd[1]);
	}
	close(fd[1]);
	from = fdopen(fd[0], "r");
	st = child < 0 || from == NULL ? st_fail_errno("ask in a child") : sandbox_enter(&fence);
	for (size_t i = 0; i < all->n && st == ST_OK; i++) {
		struct word w = { DNS_SERVFAIL, 0 };

		if (fread(&w, sizeof(w), 1, from) != 1)
			w.found = DNS_SERVFAIL;
		take(&all->t[i], w);
	}
	if (from != NULL)
		fclose(from);
	else
		close(fd[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return st;
}

/* ---- the step ---- */

static enum status turn(void *arg, struct store *st)
{
	struct turn *t = arg;
	const struct slot *s;
	struct domain d;
	int64_t now = t->now;
	enum status rc = domain_get(st, t->name, &d);

	if (rc == ST_OK && d.own_keys)
		t->step = rotation_next(&d, now, &t->due);
	if (rc != ST_OK || (t->o->go_on && (!d.own_keys || t->step == ROTATION_PUBLISH)))
		return rc;
	s = rotation_slot(&d);
	t->done = t->step == ROTATION_SEE ? t->o->seen || (t->found == DNS_FOUND && s != NULL && strcmp(s->public_key, t->want) == 0) :
		t->o->hurry || (t->step != ROTATION_WAIT && t->step != ROTATION_KEEP);
	if (s != NULL) {
		snprintf(t->selector, sizeof(t->selector), "%s", s->selector);
		t->algorithm = s->algorithm;
	}
	if (!t->done)
		return ST_OK;
	rc = rotation_step(t->o->home, t->tenant, &d, t->step, now);
	if (rc == ST_OK && t->step == ROTATION_WAIT)
		t->step = ROTATION_SWITCH;
	if (rc == ST_OK && t->step == ROTATION_KEEP)
		t->step = ROTATION_RETIRE;
	s = rotation_slot(&d);
	if (rc == ST_OK && s != NULL && t->step == ROTATION_PUBLISH) {
		snprintf(t->selector, sizeof(t->selector), "%s", s->selector);
		t->algorithm = s->algorithm;
	}
	if (rc == ST_OK)
		rotation_next(&d, now, &t->due);
	return rc == ST_OK ? domain_set(st, &d) : rc;
}

static enum status sweep(void *arg, struct store *st)
{
	return keyring_sweep(arg, st);
}

/* ---- what is said ---- */

static void print_json(const struct turn *t)
{
	struct buf b = { 0 };

	json_open(&b, NULL, '{');
	json_int(&b, "weir", RECORD_VERSION);
	json_cstr(&b, "type", "rotation");
	json_cstr(&b, "domain", t->name);
	json_cstr(&b, "tenant", t->tenant);
	json_cstr(&b, "step", rotation_name(t->step));
	json_bool(&b, "done", t->done);
	json_cstr(&b, "selector", t->selector);
	json_cstr(&b, "algorithm", key_algorithm_name(t->algorithm));
	if (t->due != 0)
		json_int(&b, "due", t->due);
	if (!t->done && t->step == ROTATION_SEE)
		json_cstr(&b, "found", t->found_why);
	json_close(&b, '}');
	printf("%s\n", buf_cstr(&b));
	buf_free(&b);
}

static void print_line(const struct turn *t)
{
	time_t at = (time_t)t->due;
	char until[32] = "";
	struct tm tm;

	if (t->due != 0 && gmtime_r(&at, &tm) != NULL)
		strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	printf("%s\t%s\t%s\t", t->name, t->selector, key_algorithm_name(t->algorithm));
	switch (t->step) {
	case ROTATION_PUBLISH:
		printf("published: now load the zone (weir-domain zone --platform)\n");
		break;
	case ROTATION_SEE:
		if (t->done)
			printf("seen in DNS: is used from %s on\n", until);
		else
			printf("not in DNS yet (%s: %s): load the zone (weir-domain zone --platform)\n", t->ask, t->found_why);
		break;
	case ROTATION_WAIT: printf("waiting until %s: caches may have the old answer\n", until); break;
	case ROTATION_SWITCH: printf("in use; the key before it is taken back after %s\n", until); break;
	case ROTATION_KEEP: printf("waiting until %s: mail may be under way\n", until); break;
	case ROTATION_RETIRE: printf("taken back: now load the zone (weir-domain zone --platform)\n"); break;
	}
}

/* 75: nothing could be done yet. With --continue waiting is as it should be, and only a key that cannot be found is told. */
static int say(const struct turn *t)
{
	bool waits = t->step == ROTATION_WAIT || t->step == ROTATION_KEEP;

	if (t->selector[0] == '\0' || (t->o->go_on && waits && !t->done))
		return 0;
	if (t->o->json)
		print_json(t);
	else
		print_line(t);
	return t->done ? 0 : EX_WEIR_AGAIN;
}

/* ---- all of them ---- */

static enum status add_turn(void *arg, const char *domain, const char *tenant)
{
	struct turns *all = arg;

	if (all->n == all->cap) {
		size_t cap = all->cap > 0 ? 2 * all->cap : 16;
		struct turn *more = reallocarray(all->t, cap, sizeof(*more));

		if (more == NULL)
			return st_fail(ST_NOMEM, "out of memory");
		all->t = more;
		all->cap = cap;
	}
	memset(&all->t[all->n], 0, sizeof(*all->t));
	all->t[all->n].o = all->o;
	all->t[all->n].now = all->now;
	snprintf(all->t[all->n].name, sizeof(all->t->name), "%s", domain);
	snprintf(all->t[all->n].tenant, sizeof(all->t->tenant), "%s", tenant);
	all->n++;
	return ST_OK;
}

static enum status add_all(struct turns *all)
{
	struct routes *routes = NULL;
	enum status st = routes_open(all->o->home, 0, &routes);

	if (st == ST_OK)
		st = routes_each(routes, add_turn, all);
	routes_close(&routes);
	return st;
}

int verb_rotate(const struct opts *o, int n, char *args[])
{
	struct turns all = { .o = o, .now = time(NULL) };
	enum status st = ST_OK;
	int status = 0;

	if (n == 0 && !o->go_on)
		cli_usage("rotate: which domain? (all that have begun: --continue)");
	if (o->view.now != NULL && when_parse(o->view.now, all.now, &all.now) != ST_OK)
		cli_usage("--now: %s", st_text());
	for (int i = 0; i < n && st == ST_OK; i++) {
		char name[DOMAIN_MAX_BYTES + 1], tenant[TENANT_MAX_BYTES + 1];
		int rc = find_domain(o, args[i], name, tenant);

		status = st_worse(status, rc);
		if (rc == 0)
			st = add_turn(&all, name, tenant);
	}
	if (n == 0)
		st = add_all(&all);
	if (st != ST_OK)
		status = st_worse(status, cli_fail(st, "rotate"));
	for (size_t i = 0; i < all.n; i++) {
		st = settings_read(o->home, all.t[i].tenant, prepare, &all.t[i]);
		if (st != ST_OK)
			all.t[i].ask[0] = '\0';	/* the step will say why */
	}
	if (o->dns != NULL) {
		st = look(&all);
		if (st != ST_OK) {
			free(all.t);
			return cli_fail(st, "rotate");
		}
	}
	for (size_t i = 0; i < all.n; i++) {
		struct turn *t = &all.t[i];

		st = settings_change(o->home, t->tenant, CHANGE_KEEP, turn, t);
		if (st == ST_OK && t->done && t->step == ROTATION_RETIRE)
			st = settings_change(o->home, t->tenant, CHANGE_KEEP, sweep, (void *)(uintptr_t)o->home);
		status = st_worse(status, st == ST_OK ? say(t) : cli_fail(st, t->name));
	}
	free(all.t);
	return status;
}
