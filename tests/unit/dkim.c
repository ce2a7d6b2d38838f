/* DKIM's parts: tag lists, canonical forms, key records; and the vectors of RFC 6376 A.2 and RFC 8463 A.3. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "same.h"
#include "digest.h"
#include "dkim_priv.h"

/* ---- tag lists ---- */

static struct dkim_tags tags;

static const char *read_tags(const char *text)
{
	size_t n = strlen(text);
	char *exact = exactly(text, n);
	const char *why = dkim_tags_read(exact, n, "dsi", &tags);
	for (size_t i = 0; i < tags.n; i++) {	/* point into what stays */
		tags.tag[i].name.p = text + (tags.tag[i].name.p - exact);
		tags.tag[i].value.p = text + (tags.tag[i].value.p - exact);
	}
	free(exact);
	return why;
}

static void is(const char *text, const char *name, const char *value)
{
	const struct dkim_tag *t;

	CHECK(read_tags(text) == NULL);
	t = dkim_tag(&tags, name);
	CHECK(t && span_is(t->value, value));
	if (!t || !span_is(t->value, value))
		fprintf(stderr, "\tin %s\n", text);
}

static void is_none(const char *text, const char *why)
{
	const char *got = read_tags(text);

	CHECK(got && strstr(got, why));
	if (!got || !strstr(got, why))
		fprintf(stderr, "\t%s: %s\n", text, got ? got : "is a tag list");
}

static void tag_lists(void)
{
	char many[DKIM_MAX_TAGS * 5 + 10];
	size_t n = 0;

	is("a=1", "a", "1");
	is("a=1; b=2;", "b", "2");
	is("a=1;b=2; \r\n\t", "b", "2");
	is("\r\n a =\r\n\t1 \r\n ; b=", "a", "1");
	is("a=1;b=", "b", "");
	is("a=x = y;b=2", "a", "x = y");
	is("a=x\r\n y", "a", "x\r\n y");
	is("a=x\n y", "a", "x\n y");
	is("A=1;a=2", "a", "2");		/* case counts (3.2) */
	is("a_1=x", "a_1", "x");
	is("i=\xc3\xa9@x;a=1", "i", "\xc3\xa9@x");	/* RFC 8616 */
	is_none("", "empty");
	is_none(" ", "empty");
	is_none(";", "empty");
	is_none("a=1;;b=2", "empty");
	is_none("a=1; ;", "empty");
	is_none("a", "without");
	is_none("a=1;b", "without");
	is_none("=1", "without a name");
	is_none("1a=1", "without a name");
	is_none("a-b=1", "without");
	is_none("a=1;a=1", "twice");
	is_none("a=x\ry", "control");
	is_none("a=x\r", "control");
	is_none("a=x\ny", "control");		/* no blank follows */
	is_none("a=x\x7fy", "control");
	is_none("a=\xc3\xa9", "127");
	is_none("i=\xff", "127");
	for (int i = 0; i < DKIM_MAX_TAGS; i++)
		n += (size_t)sprintf(many + n, "%st%d=", i ? ";" : "", i);
	CHECK(read_tags(many) == NULL && tags.n == DKIM_MAX_TAGS);
	strcpy(many + n, ";x=");
	is_none(many, "too many");
	CHECK(dkim_tags_read("a=\0", 3, "", &tags) != NULL);
}

static void values(void)
{
	uint8_t out[8];
	size_t n;
	int64_t v;

#define B64(s, cap) dkim_base64((struct span){ s, strlen(s) }, out, cap, &n)
	CHECK(B64("Zm9v", 8) && n == 3 && memcmp(out, "foo", 3) == 0);
	CHECK(B64("Zm 9v\r\n Zg==", 8) && n == 4 && out[3] == 'f');
	CHECK(B64("Zm9vZg", 8) && n == 4);		/* the padding left out */
	CHECK(B64("", 8) && n == 0);
	CHECK(B64("Zm9v", 3) && !B64("Zm9v", 2));
	CHECK(!B64("Zm9vZ", 8) && !B64("Zm9vZg=", 8) && !B64("Zm9vZg===", 8) && !B64("Zg==Zm9v", 8));
	CHECK(!B64("Zm9v-_", 8));
#define NUMBER(s) dkim_number((struct span){ s, strlen(s) }, 12, &v)
	CHECK(NUMBER("0") && v == 0);
	CHECK(NUMBER("000123") && v == 123);
	CHECK(NUMBER("999999999999") && v == 999999999999);
	CHECK(!NUMBER("") && !NUMBER("1234567890123") && !NUMBER("1a") && !NUMBER("-1") && !NUMBER(" 1"));
	CHECK(dkim_number((struct span){ "99999999999999999999999", 23 }, 76, &v) && v == INT64_MAX);
	CHECK(dkim_within("a.example", "a.example") && dkim_within("b.a.example", "a.example"));
	CHECK(!dkim_within("ba.example", "a.example") && !dkim_within("example", "a.example"));
}

/* ---- canonical forms: RFC 6376 3.4.5, and edges ---- */

static struct dkim *d;

static void head(const char *text, bool relaxed, const char *want)
{
	struct dkim_fields h = { 0 };
	struct buf out = { 0 };

	CHECK(dkim_fields_read(text, strlen(text), &h) == ST_OK);
	for (size_t i = 0; i < h.n; i++)
		dkim_field_canon(&h, &h.f[i], relaxed, (struct span){ 0 }, false, &out);
	CHECK_STR(buf_cstr(&out), want);
	free(h.f);
	buf_free(&out);
}

static void hash_is(const uint8_t hash[HASH_BYTES], const char *want, size_t n, const char *of)
{
	uint8_t right[HASH_BYTES];

	digest_of(want, n, right);
	CHECK(memcmp(hash, right, HASH_BYTES) == 0);
	if (memcmp(hash, right, HASH_BYTES) != 0)
		fprintf(stderr, "\tof [%s]\n", of);
}

static void body_n(const char *text, size_t n, bool relaxed, const char *want, size_t want_n)
{
	char *exact = exactly(text, n);
	struct dkim_body w[2] = { { .relaxed = relaxed, .limit = -1 }, { .relaxed = relaxed } };

	for (size_t l = 0; l <= want_n + 1; l += 1 + want_n / 40) {	/* and every l= */
		w[1].limit = (int64_t)l;
		CHECK(dkim_body_hash(d, exact, n, w, 2) == ST_OK);
		hash_is(w[0].hash, want, want_n, text);
		CHECK(w[1].too_short == (l > want_n));
		if (l <= want_n)
			hash_is(w[1].hash, want, l, text);
	}
	free(exact);
}

static void body(const char *text, const char *simple, const char *relaxed)
{
	body_n(text, strlen(text), false, simple, strlen(simple));
	body_n(text, strlen(text), true, relaxed, strlen(relaxed));
}

/* Long lines and long bodies, with something to squeeze at every distance from a block's edge. */
static void long_bodies(void)
{
	struct buf in = { 0 }, simple = { 0 }, relaxed = { 0 };

	for (int i = 0; i < 700; i++) {
		for (int k = 0; k < i % 97; k++) {
			bool two = (i * 31 + k * 7) % 23 == 0, tab = (i + k) % 41 == 0;
			const char *s = tab ? "\t" : two ? "  " : k % 5 == 4 ? " x" : "y";

			buf_str(&in, s);
			buf_str(&simple, s);
			buf_str(&relaxed, tab || two ? " " : s);
			if (tab || two) {
				buf_chr(&in, 'z');
				buf_chr(&simple, 'z');
				buf_chr(&relaxed, 'z');
			}
		}
		buf_str(&in, i % 3 ? "e\r\n" : "e\n");
		buf_str(&simple, "e\r\n");
		buf_str(&relaxed, "e\r\n");
	}
	body_n(in.p, in.len, false, simple.p, simple.len);
	body_n(in.p, in.len, true, relaxed.p, relaxed.len);
	buf_free(&in);
	buf_free(&simple);
	buf_free(&relaxed);
}

static void canonical(void)
{
	head("A: X\r\nB : Y\t\r\n\tZ  \r\n", true, "a:X\r\nb:Y Z\r\n");
	head("A: X\r\nB : Y\t\r\n\tZ  \r\n", false, "A: X\r\nB : Y\t\r\n\tZ  \r\n");
	head("A: X\nB : Y\t\n\tZ  \n", true, "a:X\r\nb:Y Z\r\n");
	head("A: X\nB : Y\t\n\tZ  ", false, "A: X\r\nB : Y\t\r\n\tZ  \r\n");
	head("A:\r\n \r\n x\r\n", true, "a:x\r\n");
	head("A:\r\n", true, "a:\r\n");
	head("A: \t \r\n", true, "a:\r\n");
	head("A: b\rc \r\n", true, "a:b\rc\r\n");	/* a bare CR is a byte */

	body(" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n");
	body("", "\r\n", "");
	body("\r\n", "\r\n", "");
	body("\r\n\r\n\n\n", "\r\n", "");
	body(" \r\n\t\r\n", " \r\n\t\r\n", "");
	body("a", "a\r\n", "a\r\n");
	body("a\n", "a\r\n", "a\r\n");
	body("a \n \nb \n\t\n\n", "a \r\n \r\nb \r\n\t\r\n", "a\r\n\r\nb\r\n");
	body("a\rb\n", "a\rb\r\n", "a\rb\r\n");
	body("a\r\r\n", "a\r\r\n", "a\r\r\n");
	body("a\r", "a\r\r\n", "a\r\r\n");
	body("a\r \r\n", "a\r \r\n", "a\r\r\n");
	body("\nb", "\r\nb\r\n", "\r\nb\r\n");
	body_n("a\0b\0\n", 5, false, "a\0b\0\r\n", 6);
	body_n("a\0 \0\n", 5, true, "a\0 \0\r\n", 6);
	long_bodies();
}

/* ---- key records ---- */

#define ED "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void key(const char *record, int bits)
{
	struct dkim_key_info info = { 0 };
	enum status st = dkim_key_read(record, strlen(record), &info);

	CHECK(st == ST_OK && info.bits == bits);
	if (st != ST_OK)
		fprintf(stderr, "\t%s: %s\n", record, st_text());
}

static void no_key(const char *record, const char *why)
{
	struct dkim_key_info info;

	CHECK(dkim_key_read(record, strlen(record), &info) == ST_BAD && strstr(st_text(), why));
	if (!strstr(st_text(), why))
		fprintf(stderr, "\t%s: %s\n", record, st_text());
}

static void keys(void)
{
	struct dkim_key_info info;
	char *big = malloc(DKIM_MAX_KEY_BYTES + 2);

	key("v=DKIM1; k=ed25519; p=" ED, 256);
	key("k=ed25519; p=" ED " ;", 256);
	key("v=DKIM1; p=", 0);
	key("k=ed25519; x=unknown; n=a note; g=*; p=" ED, 256);
	no_key("k=ed25519; v=DKIM1; p=" ED, "not its first");
	no_key("v=DKIM2; k=ed25519; p=" ED, "not DKIM1");
	no_key("v=dkim1; k=ed25519; p=" ED, "not DKIM1");
	no_key("k=ed25519", "no p=");
	no_key("k=ed448; p=" ED, "not known");
	no_key("p=" ED, "not an RSA key");
	no_key("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==", "32 bytes");
	no_key("k=ed25519; p=!", "base64");
	no_key("k=ed25519; p=" ED "; p=" ED, "twice");
	no_key("v=spf1 -all", "not DKIM1");
	CHECK(dkim_key_read("k=ed25519; t=y:s; s=other:email; h=sha1:sha256; p=" ED, strlen("k=ed25519; t=y:s; s=other:email; h=sha1:sha256; p=" ED), &info) == ST_OK);
	CHECK(info.testing && info.strict && info.email && info.sha256 && !info.revoked);
	CHECK(dkim_key_read("k=ed25519; s=tlsrpt; h=sha1; p=" ED, strlen("k=ed25519; s=tlsrpt; h=sha1; p=" ED), &info) == ST_OK);
	CHECK(!info.testing && !info.strict && !info.email && !info.sha256);
	memset(big, 'x', DKIM_MAX_KEY_BYTES + 1);
	memcpy(big, "k=ed25519; p=" ED ";n=", strlen("k=ed25519; p=" ED ";n="));
	CHECK(dkim_key_read(big, DKIM_MAX_KEY_BYTES, &info) == ST_OK);
	CHECK(dkim_key_read(big, DKIM_MAX_KEY_BYTES + 1, &info) == ST_LIMIT);
	free(big);
}

/* ---- RFC 8463 A.3: the same message signed with both algorithms ---- */

static const char rfc8463[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
	"\r\n"
	"Hi.\r\n"
	"\r\n"
	"We lost the game.  Are you hungry yet?\r\n"
	"\r\n"
	"Joe.\r\n";
static const char rfc8463_zone[] =
	"brisbane._domainkey.football.example.com TXT \"v=DKIM1; k=ed25519; p=" ED "\"\n"
	"test._domainkey.football.example.com TXT \"v=DKIM1; k=rsa; \" \"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR\"\n"
	" \"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hs\"\n"
	" \"tT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\"\n";

static struct dns *zone(const char *text)
{
	char path[200];
	struct dns *dns = NULL;

	snprintf(path, sizeof(path), "%s/dkim-zone", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	CHECK(dns_open(&(struct dns_opts){ .file = path }, &dns) == ST_OK);
	unlink(path);
	return dns;
}

/* The two signatures' results, "pass pass". */
static void judged(struct dns *dns, const char *text, const char *want)
{
	struct dkim_check *c = NULL;
	struct buf got = { 0 };

	CHECK(dkim_begin(d, text, strlen(text), 1528637910, &c) == ST_OK);
	while (!dkim_step(c, dns))
		dns_wait(dns, -1);
	for (size_t i = 0; i < c->n; i++)
		buf_fmt(&got, "%s%s", i ? " " : "", dkim_result_name(c->sig[i].result));
	CHECK_STR(buf_cstr(&got), want);
	buf_free(&got);
	dkim_check_free(&c);
}

static void vector(void)
{
	char zone_text[sizeof(rfc8463_zone)], text[sizeof(rfc8463)], *lf = text;
	struct dns *dns;

	strcpy(zone_text, rfc8463_zone);	/* records go on over lines in parentheses only: join them */
	for (char *p; (p = strstr(zone_text, "\"\n \"")) != NULL;)
		memcpy(p, "\"  \"", 4);
	dns = zone(zone_text);
	judged(dns, rfc8463, "pass pass");
	for (const char *p = rfc8463; *p; p++)	/* the same file with LF */
		if (*p != '\r')
			*lf++ = *p;
	*lf = '\0';
	judged(dns, text, "pass pass");
	strcpy(text, rfc8463);
	*strstr(text, "dinner") = 'D';
	judged(dns, text, "fail fail");
	strcpy(text, rfc8463);
	*strstr(text, "Joe.\r\n") = 'j';
	judged(dns, text, "fail fail");
	strcpy(text, rfc8463);
	*strstr(text, "v=1") = 'w';	/* the first one is malformed; the second is none the worse */
	judged(dns, text, "permerror pass");
	dns_close(&dns);
	dns = zone("brisbane._domainkey.football.example.com SERVFAIL\n");
	judged(dns, rfc8463, "temperror permerror");
	dns_close(&dns);
}

/* ---- RFC 6376 A.2: simple/simple, with the key of appendix C ---- */

static const char rfc6376[] =
	"DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
	"      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
	"      h=Received : From : To : Subject : Date : Message-ID;\r\n"
	"      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	"      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
	"      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
	"      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
	"      4bmp/YzhwvcubU4=;\r\n"
	"Received: from client1.football.example.com  [192.0.2.1]\r\n"
	"      by submitserver.example.com with SUBMISSION;\r\n"
	"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
	"\r\n"
	"Hi.\r\n"
	"\r\n"
	"We lost the game. Are you hungry yet?\r\n"
	"\r\n"
	"Joe.\r\n";
static const char rfc6376_zone[] =
	"brisbane._domainkey.example.com TXT \"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7"
	"/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT\" \"947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQ"
	"PNUYckcQ2QIDAQAB\"\n";

static void vector_simple(void)
{
	struct dns *dns = zone(rfc6376_zone);
	char text[sizeof(rfc6376)];

	judged(dns, rfc6376, "pass");
	strcpy(text, rfc6376);
	*strstr(text, "Are you") = 'a';
	judged(dns, text, "fail");
	strcpy(text, rfc6376);		/* "simple" changes nothing: one blank for two in a signed field, a tab for a blank in its own */
	memmove(strstr(text, "  [192"), strstr(text, " [192"), strlen(strstr(text, " [192")) + 1);
	judged(dns, text, "fail");
	strcpy(text, rfc6376);
	*strstr(text, " c=simple/simple") = '\t';
	judged(dns, text, "fail");
	dns_close(&dns);
}

int main(void)
{
	CHECK(dkim_new(&d) == ST_OK);
	tag_lists();
	values();
	canonical();
	keys();
	vector();
	vector_simple();
	dkim_free(&d);
	return CHECK_DONE();
}
