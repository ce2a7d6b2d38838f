/*
 * explain.c - see explain.h. Records and stored entities name the same things, with two exceptions: recipients
 * are deliveries when stored, and each delivery has its own auth.
 */
#include "explain.h"

#include <stdio.h>

#include "page.h"

static void stage(const char *name)
{
	printf("  %-12s ", name);
}

static void say_defects(struct span v)
{
	struct span it = json_get(v, "defects"), e;
	const char *comma = "";

	stage("weir-parse");
	if (it.len <= 2)
		fputs("nothing is wrong with it", stdout);
	while (json_elem(&it, &e)) {
		fputs(comma, stdout);
		comma = ", ";
		page_string(json_get(e, "name"));
		if (json_get(e, "part").p != NULL) {
			fputs(" in part ", stdout);
			page_string(json_get(e, "part"));
		}
	}
	putchar('\n');
}

static void say_recipients(struct span v)
{
	static const struct { const char *match, *text; } why[] = {
		{ "exact", "that is its address" }, { "tag", "its address without the tag" },
		{ "catch-all", "the domain's catch-all" }, { "domain", "the domain takes any address" },
		{ "option", "--tenant said so" },
	};
	struct span it = json_get(v, "deliveries"), e;

	if (it.p == NULL)
		it = json_get(v, "recipients");
	while (json_elem(&it, &e)) {
		stage("weir-route");
		page_string(json_get(e, "rcpt"));
		fputs(json_get(e, "rcpt").len > 2 ? " to inbox " : "no recipient: to inbox ", stdout);
		page_string(json_get(e, "inbox"));
		for (size_t i = 0; i < sizeof(why) / sizeof(why[0]); i++)
			if (json_is(json_get(e, "match"), why[i].match))
				printf(" (%s%s)", why[i].text, json_true(json_get(e, "shared")) ? ", on the shared domain" : "");
		putchar('\n');
	}
}

/* Why what did not pass did not, and where the spool has another opinion. */
static void auth_grounds(struct span auth)
{
	static const char *const methods[] = { "spf", "dkim", "dmarc" };
	struct span it = json_get(auth, "differs"), e, sigs;

	for (size_t i = 0; i < 3; i++) {
		struct span m = json_get(auth, methods[i]), reason = json_get(m, "reason");

		for (sigs = json_get(m, "signatures"); reason.p == NULL && json_elem(&sigs, &e); )
			reason = json_get(e, "reason");
		if (reason.p == NULL || json_is(json_get(m, "result"), "pass"))
			continue;
		stage("");
		printf("%s: ", methods[i]);
		page_string(reason);
		putchar('\n');
	}
	while (json_elem(&it, &e)) {
		struct span spool = json_get(auth, "spool");

		stage("");
		page_string(e);
		fputs(": SES said ", stdout);
		for (size_t i = 0; i < 3; i++)
			if (json_is(e, methods[i]))
				page_string(json_get(json_get(spool, methods[i]), "result"));
		putchar('\n');
	}
}

static void say_auth(struct span v)
{
	struct span it = json_get(v, "deliveries"), e, auth = json_get(v, "auth");

	if (json_elem(&it, &e))
		auth = json_get(e, "auth");
	if (auth.p == NULL)
		return;
	stage("weir-auth");
	page_auth(auth);
	puts(json_is(json_get(auth, "source"), "ses-receipt") ? ", says SES's notification"
		: json_is(json_get(auth, "source"), "ses-header") ? ", says the header SES wrote" : "");
	auth_grounds(auth);
}

static void say_scan(struct span v)
{
	struct span scan = json_get(v, "scan"), it, e;

	if (scan.p == NULL)
		return;
	stage("weir-scan");
	page_string(json_get(scan, "verdict"));
	for (it = json_get(scan, "parts"); json_elem(&it, &e); ) {
		fputs("; part ", stdout);
		page_string(json_get(e, "part"));
		fputs(json_is(json_get(e, "verdict"), "infected") ? " infected: " : " not scanned: ", stdout);
		page_string(json_get(e, "name"));
		page_string(json_get(e, "reason"));
	}
	if (json_get(scan, "removed").len > 2)
		fputs("; infected parts were removed", stdout);
	if (json_get(scan, "engine").p != NULL) {
		fputs("; ", stdout);
		page_string(json_get(scan, "engine"));
	}
	putchar('\n');
}

static size_t count(struct span list)
{
	struct span e;
	size_t n = 0;

	while (json_elem(&list, &e))
		n++;
	return n;
}

static void say_thread(struct span v)
{
	struct span thread = json_get(v, "thread");
	size_t refs = count(json_get(v, "message.references")), replies = count(json_get(v, "message.in_reply_to"));

	if (thread.p == NULL)
		return;
	stage("weir-thread");
	page_string(json_type(thread) == '{' ? json_get(thread, "id") : thread);
	if (refs + replies > 0)
		printf(", by %zu id%s in References, %zu in In-Reply-To\n", refs, refs == 1 ? "" : "s", replies);
	else if (json_get(v, "message.message_id").p != NULL)
		puts(", by its Message-ID: it answers nothing");
	else
		puts(", alone: it has no Message-ID");
}

static void say_spool(struct span v)
{
	struct span it = json_get(v, "deliveries"), e, name = json_get(v, "spool.name");

	if (json_elem(&it, &e))
		name = json_get(e, "spool");
	if (name.p == NULL)
		return;
	stage("weir-spool");
	fputs("came as ", stdout);
	page_string(name);
	if (json_get(v, "spool.received").p != NULL) {
		fputs(", received ", stdout);
		page_string(json_get(v, "spool.received"));
	}
	putchar('\n');
}

static void say_duplicates(struct span v)
{
	struct span it = json_get(v, "deliveries"), e;

	while (json_elem(&it, &e)) {
		if (json_get(e, "duplicate_of").p == NULL)
			continue;
		stage("duplicate");
		fputs("for ", stdout);
		page_string(json_get(e, "address"));
		fputs(" it says the same as ", stdout);
		page_string(json_get(e, "duplicate_of"));
		putchar('\n');
	}
}

void explain(struct span v)
{
	say_spool(v);
	say_defects(v);
	say_recipients(v);
	say_auth(v);
	say_scan(v);
	say_thread(v);
	say_duplicates(v);
}
