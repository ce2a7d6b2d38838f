/* DNS: the file's grammar, answers kept, names at their limits, RDATA that lies. */
#include "check.h"
#include "dns.h"

#include <stdlib.h>
#include <unistd.h>

static char path[4096];

static enum status open_text(const char *text, size_t len, bool replay, struct dns **d)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		return ST_IO;
	return dns_open(&(struct dns_opts){ .file = path, .replay = replay }, d);
}

static struct dns *with(const char *text)
{
	struct dns *d = NULL;

	if (open_text(text, strlen(text), false, &d) != ST_OK) {
		puts(st_text());
		exit(1);
	}
	return d;
}

/* Asks, is told to wait, waits. */
static const struct dns_answer *ask(struct dns *d, const char *name, uint16_t type)
{
	const struct dns_answer *a = NULL;

	if (dns_ask(d, name, type, &a) == DNS_PENDING) {
		CHECK(a == NULL && dns_pending(d) == 1);
		CHECK(dns_wait(d, -1) == ST_OK);
		CHECK(dns_ask(d, name, type, &a) != DNS_PENDING && a);
	}
	return a;
}

static void is(struct dns *d, const char *name, uint16_t type, enum dns_result want)
{
	const struct dns_answer *a = ask(d, name, type);

	if (a->result != want)
		printf("%s %u: %s\n", name, type, dns_result_name(a->result));
	CHECK(a->result == want);
	CHECK((a->n > 0) == (want == DNS_FOUND));
	CHECK((a->why[0] != '\0') == (dns_failed(want) || want == DNS_BADNAME));
}

static void txt(struct dns *d, const char *name, const char *want)
{
	const struct dns_answer *a = ask(d, name, DNS_TXT);
	struct buf b = { 0 };

	CHECK(a->n == 1 && dns_txt(a->rdata[0], &b));
	CHECK_STR(buf_cstr(&b), want);
	buf_free(&b);
}

static void grammar(void)
{
	struct dns *d = with(
		"; a comment\n"
		"$ORIGIN example.\n"
		"$TTL 1h\n"
		"@ IN SOA ns hostmaster 1 2 3 4 5\n"
		"mail 600 IN A 192.0.2.25 ; another\n"
		"     A 192.0.2.26\n"
		"     IN 5m AAAA 2001:db8::1\n"
		"     A 192.0.2.25\n"
		"t1 TXT \"one; not a comment\" \" two\" (\n  \" three\" ; here is one\n )\n"
		"t2 txt word\n"
		"t3 TXT \"a\\\"b\\\\c\\059\\200\"\n"
		"@ MX 10 mail\n"
		"www CNAME mail.example.\n"
		"far CNAME www\n"
		"two CNAME mail\ntwo CNAME t1\n"
		"lost CNAME nowhere\n"
		"loop CNAME loop\n"
		"a.b.deep A 192.0.2.1\n"
		"esc\\097ped A 192.0.2.2\n"
		"odd TYPE65280 \\# 4 0a00 0001\n"
		"$ORIGIN sub.example.\n"
		"x A 192.0.2.3\n"
		"dead TXT SERVFAIL\n"
		"dead A 192.0.2.4\n"
		"gone TIMEOUT\n"
		"forged BOGUS\n"
		"none.example. TXT NODATA\n"
		"no.mail.example. NXDOMAIN\n"
		"safe TXT \"s\"\n"
		"safe TXT SECURE\n"
		"last A 192.0.2.9");
	const struct dns_answer *a;
	struct buf b = { 0 };
	uint16_t preference = 0;

	a = ask(d, "MAIL.Example.", DNS_A);
	CHECK(a->result == DNS_FOUND && a->n == 2 && a->ttl == 600 && a->rdata[0].len == 4 && !a->secure);
	CHECK(!memcmp(a->rdata[0].p, "\xc0\x00\x02\x19", 4) && !memcmp(a->rdata[1].p, "\xc0\x00\x02\x1a", 4));
	CHECK_STR(a->canonical, "mail.example");
	a = ask(d, "mail.example", DNS_AAAA);
	CHECK(a->n == 1 && a->ttl == 300 && a->rdata[0].len == 16);
	txt(d, "t1.example", "one; not a comment two three");
	txt(d, "t2.example", "word");
	txt(d, "t3.example", "a\"b\\c;\xc8");
	a = ask(d, "example", DNS_MX);
	CHECK(a->n == 1 && dns_mx(a->rdata[0], &preference) && preference == 10 && a->ttl == 3600);
	CHECK(dns_name(a->rdata[0], 2, &b));
	CHECK_STR(buf_cstr(&b), "mail.example");
	a = ask(d, "far.example", DNS_A);
	CHECK(a->n == 2);
	CHECK_STR(a->canonical, "mail.example");
	is(d, "far.example", DNS_MX, DNS_NODATA);
	is(d, "far.example", DNS_CNAME, DNS_FOUND);
	is(d, "two.example", DNS_A, DNS_FOUND);
	is(d, "lost.example", DNS_A, DNS_NXDOMAIN);
	is(d, "loop.example", DNS_A, DNS_SERVFAIL);
	is(d, "deep.example", DNS_A, DNS_NODATA);
	is(d, "b.deep.example", DNS_A, DNS_NODATA);
	is(d, "c.deep.example", DNS_A, DNS_NXDOMAIN);
	is(d, "escaped.example", DNS_A, DNS_FOUND);
	is(d, "odd.example", 65280, DNS_FOUND);
	is(d, "x.sub.example", DNS_A, DNS_FOUND);
	is(d, "dead.sub.example", DNS_TXT, DNS_SERVFAIL);
	is(d, "dead.sub.example", DNS_A, DNS_FOUND);
	is(d, "gone.sub.example", DNS_A, DNS_TIMEOUT);
	is(d, "gone.sub.example", DNS_TXT, DNS_TIMEOUT);
	is(d, "forged.sub.example", DNS_TXT, DNS_BOGUS);
	is(d, "none.example", DNS_TXT, DNS_NODATA);
	is(d, "no.mail.example", DNS_TXT, DNS_NXDOMAIN);
	is(d, "", DNS_A, DNS_NODATA);
	CHECK(ask(d, "safe.sub.example", DNS_TXT)->secure);
	is(d, "last.sub.example", DNS_A, DNS_FOUND);
	CHECK(dns_wait(d, 0) == ST_END && dns_fd(d) == -1);
	buf_free(&b);
	dns_close(&d);
	CHECK(d == NULL);
}

static void refused(const char *text, size_t len, const char *want)
{
	struct dns *d = NULL;

	CHECK(open_text(text, len, false, &d) == ST_BAD && d == NULL);
	if (!strstr(st_text(), want))
		CHECK_STR(st_text(), want);
}

static void bad_grammar(void)
{
	refused("a A 192.0.2.1\nb A 192.0.2.256\n", 30, "line 2");
	refused("a A\n", 4, "line 1");
	refused("a WHAT x\n", 9, "not a type: WHAT");
	refused("a\n", 2, "not a type");
	refused("  A 192.0.2.1\n", 14, "no name");
	refused("a..b A 192.0.2.1\n", 17, "not a name");
	refused("a TXT \"x\n\"\n", 11, "line 1");
	refused("a TXT \"x", 8, "ends within");
	refused("a TXT ( x\n\n", 11, "ends within");
	refused("a TXT ((x))\n", 12, "nested");
	refused("a TX\0T x\n", 9, "NUL");
	refused("$INCLUDE /etc/passwd\n", 21, "not known: $INCLUDE");
	refused("$TTL x\n", 7, "TTL");
	refused("a TYPE65280 \\# 3 0a00\n", 22, "as long as it says");
	refused("a TYPE65280 \\# 2 0a0\n", 21, "as long as it says");
	refused("a TYPE65280 \\# 2 0axx\n", 22, "no hex");
	refused("a TYPE65536 \\# 0\n", 17, "not a type");
	refused("a TYPE0 \\# 0\n", 13, "not a type");
}

/* Labels of 63, names of 253: the longest there are (RFC 1035 2.3.4). */
static void names(void)
{
	char label[65], name[300], text[600];
	struct dns *d;

	memset(label, 'a', sizeof label);
	snprintf(name, sizeof name, "%.63s.%.63s.%.63s.%.61s", label, label, label, label);
	CHECK(strlen(name) == DNS_MAX_NAME_BYTES);
	snprintf(text, sizeof text, "%s A 192.0.2.1\n%.63s A 192.0.2.2\n", name, label);
	d = with(text);
	is(d, name, DNS_A, DNS_FOUND);
	snprintf(name, sizeof name, "%.63s.%.63s.%.63s.%.61s.", label, label, label, label);
	is(d, name, DNS_A, DNS_FOUND);
	snprintf(name, sizeof name, "%.63s.%.63s.%.63s.%.62s", label, label, label, label);
	is(d, name, DNS_A, DNS_BADNAME);
	snprintf(name, sizeof name, "%.63s.%.63s.%.63s.%.61s.a", label, label, label, label);
	is(d, name, DNS_A, DNS_BADNAME);
	snprintf(name, sizeof name, "%.63s", label);
	is(d, name, DNS_A, DNS_FOUND);
	snprintf(name, sizeof name, "%.64s", label);
	is(d, name, DNS_A, DNS_BADNAME);
	is(d, "a..b", DNS_A, DNS_BADNAME);
	is(d, ".a", DNS_A, DNS_BADNAME);
	is(d, "a..", DNS_A, DNS_BADNAME);
	is(d, "..", DNS_A, DNS_BADNAME);
	is(d, ".", DNS_A, DNS_NODATA);
	is(d, "\\046", DNS_A, DNS_NXDOMAIN);	/* no escapes: a label of four bytes */
	is(d, "a b\xff", DNS_A, DNS_NXDOMAIN);
	CHECK(dns_pending(d) == 0);
	dns_close(&d);
	refused(text, (size_t)snprintf(text, sizeof text, "$ORIGIN x.\n%.63s.%.63s.%.63s.%.61s A 192.0.2.1\n", label, label,
		label, label), "too long");
}

/* Answers stay where they are until dns_sweep, and failures are answers that are kept. */
static void kept(void)
{
	struct dns *d = with("a 0 A 192.0.2.1\nb SERVFAIL\n");
	const struct dns_answer *a = ask(d, "a", DNS_A), *same = NULL, *b = ask(d, "b", DNS_A);

	CHECK(dns_ask(d, "A.", DNS_A, &same) == DNS_FOUND && same == a && a->ttl == 0);
	dns_sweep(d);	/* a TTL of 0 is kept for DNS_KEEP_MIN_S all the same */
	CHECK(dns_ask(d, "a", DNS_A, &same) == DNS_FOUND && same == a);
	CHECK(dns_ask(d, "b", DNS_A, &same) == DNS_SERVFAIL && same == b && b->ttl == 0);
	CHECK(dns_ask(d, "c", DNS_A, NULL) == DNS_PENDING);
	dns_hurry(d, true);
	CHECK(dns_ask(d, "c", DNS_A, &same) == DNS_TIMEOUT && same->result == DNS_TIMEOUT && same->why[0]);
	CHECK(dns_ask(d, "d", DNS_A, NULL) == DNS_TIMEOUT && dns_pending(d) == 1);
	CHECK(dns_ask(d, "a", DNS_A, NULL) == DNS_FOUND);
	dns_hurry(d, false);
	CHECK(dns_ask(d, "c", DNS_A, NULL) == DNS_PENDING && dns_wait(d, -1) == ST_OK);
	CHECK(dns_ask(d, "c", DNS_A, NULL) == DNS_NXDOMAIN);
	dns_close(&d);
}

/* More names than may be asked at a time, and more answers than are kept. */
static void many(void)
{
	struct dns *d = with("x A 192.0.2.1\n");
	char name[32];
	unsigned i, missing = 0;

	for (i = 0; i < DNS_MAX_NAMES + 10; i++) {
		snprintf(name, sizeof name, "n%u.x", i);
		CHECK(dns_ask(d, name, DNS_A, NULL) == DNS_PENDING);
	}
	CHECK(dns_pending(d) == DNS_MAX_NAMES + 10);
	while (dns_wait(d, -1) == ST_OK)
		;
	for (i = 0; i < DNS_MAX_NAMES + 10; i++) {
		snprintf(name, sizeof name, "n%u.x", i);
		missing += dns_ask(d, name, DNS_A, NULL) != DNS_NXDOMAIN;
	}
	CHECK(missing == 0);
	dns_sweep(d);
	CHECK(dns_ask(d, "n9.x", DNS_A, NULL) == DNS_PENDING);		/* the oldest ten are forgotten */
	CHECK(dns_ask(d, "n10.x", DNS_A, NULL) == DNS_NXDOMAIN);
	dns_close(&d);
}

static void too_many_records(void)
{
	struct buf b = { 0 };
	struct dns *d = NULL;
	int i;

	for (i = 0; i < DNS_MAX_RECORDS; i++)
		buf_fmt(&b, "a A 192.0.%d.%d\nb A 192.0.%d.%d\n", i / 200, i % 200, i / 200, i % 200);
	buf_str(&b, "b A 198.51.100.1\n");
	CHECK(open_text(b.p, b.len, false, &d) == ST_OK);
	CHECK(ask(d, "a", DNS_A)->n == DNS_MAX_RECORDS);
	is(d, "b", DNS_A, DNS_SERVFAIL);
	buf_free(&b);
	dns_close(&d);
}

/* ---- an answer written is the answer read ---- */

struct seen { struct buf text; int calls; };

static void used(void *arg, const char *name, uint16_t type, const struct dns_answer *a)
{
	struct seen *s = arg;

	s->calls++;
	dns_write(&s->text, name, type, a);
}

static void written(void)
{
	static const struct { const char *name; uint16_t type; } asked[] = { { "mail.x", DNS_A }, { "mail.x", DNS_AAAA },
		{ "t.x", DNS_TXT }, { "empty.x", DNS_TXT }, { "alias.x", DNS_A }, { "alias.x", DNS_CNAME }, { "x", DNS_MX },
		{ "n.x", DNS_PTR }, { "o.x", 65280 }, { "dead.x", DNS_TXT }, { "gone.x", DNS_TXT }, { "bad.x", DNS_TXT },
		{ "none.x", DNS_TXT }, { "alias.x", DNS_MX }, { "nx.x", DNS_A }, { "@ ;\"(.x", DNS_A }, { "lie.x", DNS_A } };
	struct dns *d = with("mail.x A 192.0.2.1\nmail.x A 192.0.2.2\nmail.x AAAA 2001:db8::1\n"
		"t.x TXT \"a\\\"\\\\;\\000\\255\" \"\" \"b\"\nt.x TXT SECURE\nempty.x TXT \\# 0\nalias.x CNAME mail.x\n"
		"x MX 0 .\nx MX 10 mail.x\nn.x PTR a\\.b.x\no.x TYPE65280 \\# 2 beef\ndead.x SERVFAIL\ngone.x TIMEOUT\n"
		"bad.x BOGUS\nlie.x A \\# 3 010203\n");
	struct dns *again = NULL;
	struct seen s = { 0 };
	size_t i, j;

	dns_on_use(d, used, &s);
	for (i = 0; i < sizeof asked / sizeof *asked; i++) {
		ask(d, asked[i].name, asked[i].type);
		ask(d, asked[i].name, asked[i].type);
	}
	CHECK(s.calls == (int)i);
	CHECK(open_text(s.text.p, s.text.len, true, &again) == ST_OK);
	for (i = 0; i < sizeof asked / sizeof *asked; i++) {
		const struct dns_answer *a = ask(d, asked[i].name, asked[i].type), *b = ask(again, asked[i].name, asked[i].type);

		if (a->result != b->result || a->n != b->n || a->secure != b->secure)
			printf("%s: %s\n%s", asked[i].name, dns_result_name(b->result), s.text.p);
		CHECK(a->result == b->result && a->n == b->n && a->secure == b->secure);
		if (a->result == DNS_FOUND)
			CHECK_STR(b->canonical, a->canonical);
		for (j = 0; j < a->n && j < b->n; j++)
			CHECK(a->rdata[j].len == b->rdata[j].len && !memcmp(a->rdata[j].p, b->rdata[j].p, a->rdata[j].len));
	}
	is(again, "never.x", DNS_A, DNS_SERVFAIL);	/* that was not asked */
	is(again, "mail.x", DNS_MX, DNS_SERVFAIL);
	buf_free(&s.text);
	dns_close(&d);
	dns_close(&again);
}

static void rdata(void)
{
	static const struct { const char *p; size_t len; bool txt, mx; int name_at_0; } cases[] = {
		{ "", 0, false, false, -1 },
		{ "\0", 1, true, false, 0 },
		{ "\x01", 1, false, false, -1 },
		{ "\x02" "a", 2, false, false, -1 },
		{ "\x01" "a", 2, true, false, -1 },
		{ "\x01" "a\0", 3, true, true, 1 },
		{ "\0\x0a\0", 3, false, true, 0 },
		{ "\0\x0a\x01" "a\0", 5, false, true, 0 },
		{ "\0\x0a\x01" "a", 4, false, false, 0 },
		{ "\0\x0a\0x", 4, false, false, 0 },
		{ "\xc0\x0c", 2, false, false, -1 },	/* a pointer */
	};
	uint8_t v4[4] = { 192, 0, 2, 1 }, v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x1f };
	struct buf b = { 0 };
	uint16_t preference;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span s = { cases[i].p, cases[i].len };

		buf_clear(&b);
		CHECK(dns_txt(s, &b) == cases[i].txt);
		CHECK(dns_mx(s, &preference) == cases[i].mx);
		buf_clear(&b);
		CHECK(dns_name(s, 0, &b) == (cases[i].name_at_0 >= 0));
		CHECK(cases[i].name_at_0 < 0 || (int)b.len == cases[i].name_at_0);
		CHECK(!dns_name(s, cases[i].len, &b));
	}
	buf_clear(&b);
	CHECK(dns_name((struct span){ "\x03" "A.\\\x01" "\xff\0", 7 }, 0, &b));
	CHECK_STR(buf_cstr(&b), "a\\046\\092.\\255");
	buf_clear(&b);
	dns_reverse(v4, false, &b);
	CHECK_STR(buf_cstr(&b), "1.2.0.192.in-addr.arpa");
	buf_clear(&b);
	dns_reverse(v6, true, &b);
	CHECK_STR(buf_cstr(&b), "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	buf_free(&b);
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof path, "%s/weir-dns-XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);

	CHECK(fd >= 0);
	close(fd);
	grammar();
	bad_grammar();
	names();
	kept();
	many();
	too_many_records();
	written();
	rdata();
	unlink(path);
	return CHECK_DONE();
}
