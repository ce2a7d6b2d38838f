/*
 * page.c - see page.h.
 */
#include "page.h"

#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "cli.h"
#include "header.h"

/* ---- lines ---- */

/* "Subject: ", as wide as all of them. */
static void page_field(const char *name)
{
	printf("%-9s", name);
}

void page_string(struct span v)
{
	struct buf b = { 0 };

	if (json_text(v, &b))
		cell_print(stdout, buf_cstr(&b), b.len, 0);
	buf_free(&b);
}

static void put_mailbox(struct span m)
{
	struct span name = json_get(m, "name"), address = json_get(m, "address_utf8");

	if (address.p == NULL)
		address = json_get(m, "address");
	if (name.len > 2) {
		page_string(name);
		if (address.p == NULL)
			return;
		fputs(" <", stdout);
		page_string(address);
		putchar('>');
	} else {
		page_string(address);
	}
}

static void people_line(const char *name, struct span list)
{
	struct span it = list, e, in, member;
	const char *comma = "";

	if (list.len <= 2)
		return;
	page_field(name);
	while (json_elem(&it, &e)) {
		fputs(comma, stdout);
		comma = ", ";
		if (json_get(e, "group").p == NULL) {
			put_mailbox(e);
			continue;
		}
		page_string(json_get(e, "group"));
		putchar(':');
		for (in = json_get(e, "members"); json_elem(&in, &member); ) {
			putchar(' ');
			put_mailbox(member);
		}
		putchar(';');
	}
	putchar('\n');
}

static void text_line(const char *name, struct span v)
{
	if (v.len <= 2)
		return;
	page_field(name);
	page_string(v);
	putchar('\n');
}

/* As the sender's clock had it. */
static void date_line(struct span message)
{
	struct span offset = json_get(message, "date.offset");
	int64_t t;
	int hours = 0, minutes = 0;
	char sign = '+', text[32];

	page_field("Date:");
	if (!json_get_int(json_get(message, "date.unix"), &t)) {
		puts("none that can be read");
		return;
	}
	if (offset.len == 7 && sscanf(offset.p, "\"%c%2d%2d\"", &sign, &hours, &minutes) != 3)
		hours = minutes = 0;
	date_rfc3339(t + (sign == '-' ? -60 : 60) * (60 * hours + minutes), text);
	printf("%.10s %.5s %c%02d%02d\n", text, text + 11, sign, hours, minutes);
}

/* spf pass, dkim none, dmarc fail (asks for reject) */
void page_auth(struct span auth)
{
	static const char *const methods[] = { "spf", "dkim", "dmarc" };

	for (int i = 0; i < 3; i++) {
		struct span m = json_get(auth, methods[i]), policy = json_get(m, "policy");

		printf("%s%s ", i > 0 ? ", " : "", methods[i]);
		page_string(json_get(m, "result"));
		if (policy.p != NULL && !json_is(json_get(m, "result"), "pass")) {
			fputs(" (asks for ", stdout);
			page_string(policy);
			putchar(')');
		}
	}
}

/* Deliveries of one message nearly always agree about auth: said again only where it differs. */
static void delivery_lines(struct span deliveries)
{
	struct span it = deliveries, e, last = { 0 };

	while (json_elem(&it, &e)) {
		struct span auth = json_get(e, "auth"), tag = json_get(e, "tag");

		page_field("Inbox:");
		page_string(json_get(e, "inbox"));
		fputs(", for ", stdout);
		page_string(json_get(e, "rcpt").len > 2 ? json_get(e, "rcpt") : json_get(e, "address"));
		if (tag.len > 2) {
			fputs(", tag ", stdout);
			page_string(tag);
		}
		putchar('\n');
		text_line("Copy of:", json_get(e, "duplicate_of"));
		if (auth.p == NULL || (last.p != NULL && auth.len == last.len && memcmp(auth.p, last.p, auth.len) == 0))
			continue;
		page_field("Auth:");
		page_auth(auth);
		putchar('\n');
		last = auth;
	}
}

/* ---- what to beware of ---- */

static void warn_parts(struct span message)
{
	struct span it = json_get(message, "attachments"), e;

	while (json_elem(&it, &e)) {
		struct span removed = json_get(e, "removed"), name = json_get(e, "filename");

		if (removed.p == NULL)
			continue;
		page_field("WARNING:");
		fputs("part ", stdout);
		page_string(json_get(e, "part"));
		if (name.len > 2) {
			fputs(" (", stdout);
			page_string(name);
			putchar(')');
		}
		fputs(" was removed: ", stdout);
		page_string(removed);
		putchar('\n');
	}
}

static void warn_scan(struct span message)
{
	struct span scan = json_get(message, "scan"), it, e;

	if (json_get(scan, "allowed").p != NULL) {
		page_field("WARNING:");
		puts("nobody scanned this message");
	}
	for (it = json_get(scan, "parts"); json_elem(&it, &e); ) {
		if (!json_is(json_get(e, "verdict"), "unscanned"))
			continue;
		page_field("WARNING:");
		fputs("part ", stdout);
		page_string(json_get(e, "part"));
		fputs(" could not be scanned: ", stdout);
		page_string(json_get(e, "reason"));
		putchar('\n');
	}
}

static void warn_defects(struct span message)
{
	struct span it = json_get(message, "defects"), e;
	const char *comma = "";

	if (it.len <= 2)
		return;
	page_field("Defects:");
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

/* ---- text and attachments ---- */

void page_text(const char *p, size_t len)
{
	while (len > 0) {
		const char *nl = memchr(p, '\n', len);
		size_t n = nl != NULL ? (size_t)(nl - p) : len, shown = n;

		if (shown > 0 && p[shown - 1] == '\r')
			shown--;
		if (shown > 0)
			fputs("  ", stdout);
		cli_safe(stdout, p, shown, 1);
		putchar('\n');
		p += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
}

static void put_size(int64_t n)
{
	if (n < 10000)
		printf("%lld bytes", (long long)n);
	else if (n < 10000 * 1000)
		printf("%lld KB", (long long)(n + 500) / 1000);
	else
		printf("%lld MB", (long long)(n + 500000) / 1000000);
}

void page_attachments(struct span message)
{
	struct span it = json_get(message, "attachments"), e;
	bool first = true;
	int64_t size = 0;

	while (json_elem(&it, &e)) {
		if (json_get(e, "removed").p != NULL)
			continue;
		if (first)
			puts("\nAttachments:");
		first = false;
		fputs("  ", stdout);
		page_string(json_get(e, "part"));
		fputs("  ", stdout);
		if (json_get(e, "filename").len > 2)
			page_string(json_get(e, "filename"));
		else
			fputs("(no name)", stdout);
		fputs("  ", stdout);
		page_string(json_get(e, "content_type"));
		fputs("  ", stdout);
		if (json_get_int(json_get(e, "size"), &size))
			put_size(size);
		puts(json_true(json_get(e, "inline")) ? "  inline" : "");
	}
}

void page_head(struct span entity)
{
	struct span message = json_get(entity, "message");

	people_line("From:", json_get(message, "from"));
	people_line("To:", json_get(message, "to"));
	people_line("Cc:", json_get(message, "cc"));
	people_line("Reply-To:", json_get(message, "reply_to"));
	date_line(message);
	text_line("Subject:", json_get(message, "subject"));
	text_line("Message:", json_get(entity, "id"));
	delivery_lines(json_get(entity, "deliveries"));
	warn_parts(entity);
	warn_scan(entity);
	warn_defects(entity);
}

void page_thread(struct span thread)
{
	int64_t n = 0;

	page_field("Thread:");
	page_string(json_get(thread, "id"));
	json_get_int(json_get(thread, "messages"), &n);
	printf(", %lld message%s\n", (long long)n, n == 1 ? "" : "s");
	text_line("Subject:", json_get(thread, "subject"));
	putchar('\n');
}
