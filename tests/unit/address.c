/* Address lists as they come, and the forms in which addresses are compared. */
#include "same.h"
#include "header.h"

static void is(const char *in, const char *want, int bits)
{
	struct buf out = { 0 };
	size_t n = strlen(in);
	char *exact = exactly(in, n);
	int got = addresses_json(exact, n, &out);

	if (got != bits)
		printf("[%s]: bits %d, wanted %d\n", in, got, bits);
	CHECK(got == bits);
	check_same(in, &out, want);
	free(exact);
}

static void first(const char *in, const char *want)
{
	struct buf out = { 0 };
	char *exact = exactly(in, strlen(in));

	address_first(exact, strlen(in), &out);
	check_same(in, &out, want);
	free(exact);
}

/* want NULL: no address */
static void normal(enum status (*fn)(const char *, size_t, struct buf *), const char *in, const char *want)
{
	struct buf out = { 0 };
	char *exact = exactly(in, strlen(in));

	if ((fn(exact, strlen(in), &out) == ST_OK) != (want != NULL))
		printf("[%s]: %s\n", in, want ? "refused" : "accepted");
	check_same(in, &out, want ? want : "");
	free(exact);
}

static int many(const char *head, const char *piece, size_t times, const char *tail)
{
	struct buf in = { 0 }, out = { 0 };
	int bits;

	buf_str(&in, head);
	for (size_t i = 0; i < times; i++)
		buf_str(&in, piece);
	buf_str(&in, tail);
	bits = addresses_json(in.p, in.len, &out);
	CHECK(!out.failed);
	address_first(in.p, in.len, &out);
	buf_free(&in);
	buf_free(&out);
	return bits;
}

static void lists(void)
{
	is("", "", 0);
	is(" \r\n", "", 0);
	is("a@b", "{\"address\":\"a@b\"}", 0);
	is("J. Doe <j@X.Example>, k@y", "{\"name\":\"J. Doe\",\"address\":\"j@x.example\"},{\"address\":\"k@y\"}", 0);
	is("\"Doe, J.\" <j@x>", "{\"name\":\"Doe, J.\",\"address\":\"j@x\"}", 0);
	is("j@x (J. Doe)", "{\"name\":\"J. Doe\",\"address\":\"j@x\"}", 0);
	is("Joe <j@x> (not this)", "{\"name\":\"Joe\",\"address\":\"j@x\"}", 0);
	is("=?utf-8?Q?J=C3=BCrgen?= =?utf-8?Q?_K=2E?= <j@x>", "{\"name\":\"Jürgen K.\",\"address\":\"j@x\"}", 0);
	is("\"=?utf-8?Q?J=C3=BCrgen?=\" <j@x>", "{\"name\":\"Jürgen\",\"address\":\"j@x\"}", 0);
	is("(=?utf-8?Q?J=C3=BCrgen?=) j@x", "{\"name\":\"Jürgen\",\"address\":\"j@x\"}", 0);
	is("\"john doe\"@x", "{\"address\":\"\\\"john doe\\\"@x\"}", 0);
	is("\"john\"@x, \"a@b\"@x", "{\"address\":\"john@x\"},{\"address\":\"\\\"a@b\\\"@x\"}", 0);
	is("<@a,@b:c@d>", "{\"address\":\"c@d\"}", 0);
	is("c @ d . e", "{\"address\":\"c@d.e\"}", 0);
	is("u@[IPv6:1::2], v@[127.0.0.1]", "{\"address\":\"u@[ipv6:1::2]\"},{\"address\":\"v@[127.0.0.1]\"}", 0);
	is("\xc3\xbc@x", "{\"address\":\"ü@x\"}", 0);
	is("J\xfcrgen <j@x>", "{\"name\":\"Jürgen\",\"address\":\"j@x\"}", HDR_RAW_8BIT);
}

static void groups(void)
{
	is("undisclosed-recipients:;", "{\"group\":\"undisclosed-recipients\",\"members\":[]}", 0);
	is("A: b@c, \"D\" <e@f>; g@h",
		"{\"group\":\"A\",\"members\":[{\"address\":\"b@c\"},{\"name\":\"D\",\"address\":\"e@f\"}]},{\"address\":\"g@h\"}", 0);
	is("A: b@c", "{\"group\":\"A\",\"members\":[{\"address\":\"b@c\"}]}", 0);
	is("A: B: c@d;, e@f;", "{\"group\":\"A\",\"members\":[{\"address\":\"c@d\"}]},{\"address\":\"e@f\"}", HDR_NESTED_GROUP);
	is("a@b; c@d", "{\"address\":\"a@b\"},{\"address\":\"c@d\"}", 0);
}

static void as_sent(void)
{
	is("Doe, John <a@b>", "{\"name\":\"Doe, John\",\"address\":\"a@b\"}", HDR_BAD_ADDRESS);
	is("root, John <a@b>, x", "{\"name\":\"root, John\",\"address\":\"a@b\"},{\"address\":\"x\"}", HDR_BAD_ADDRESS);
	is("root, a@b", "{\"address\":\"root\"},{\"address\":\"a@b\"}", HDR_BAD_ADDRESS);
	is("John Doe j@x", "{\"name\":\"John Doe\",\"address\":\"j@x\"}", HDR_BAD_ADDRESS);
	is("\"John Doe\" j@x", "{\"name\":\"John Doe\",\"address\":\"j@x\"}", HDR_BAD_ADDRESS);
	is("J <a@b, K <c@d> <e@f>", "{\"name\":\"J\",\"address\":\"a@b\"},{\"name\":\"K\",\"address\":\"c@d\"},{\"address\":\"e@f\"}",
		HDR_BAD_ADDRESS);
	is("\"J <a@b>, c@d", "{\"name\":\"J\",\"address\":\"a@b\"},{\"address\":\"c@d\"}", 0);
	is("(J <a@b>, c@d", "{\"name\":\"J\",\"address\":\"a@b\"},{\"address\":\"c@d\"}", 0);
	is("=?utf-8?Q?Doe,_John?= <a@b>", "{\"name\":\"Doe, John\",\"address\":\"a@b\"}", 0);
	is("mailto:a@b", "{\"address\":\"a@b\"}", HDR_BAD_ADDRESS);
	is("Only A Name", "{\"name\":\"Only A Name\"}", HDR_BAD_ADDRESS);
	is("Name <>", "{\"name\":\"Name\"}", HDR_BAD_ADDRESS);
	is("<>", "", HDR_BAD_ADDRESS);
	is("a@b@c", "{\"address\":\"a@b@c\"}", 0);
	is(",,a@b,,", "{\"address\":\"a@b\"}", 0);
	is("\"a\r\n b\" <c@d>", "{\"name\":\"a b\",\"address\":\"c@d\"}", 0);
}

static void idn(void)
{
	is("a@xn--mnchen-3ya.example", "{\"address\":\"a@xn--mnchen-3ya.example\",\"address_utf8\":\"a@münchen.example\"}", 0);
	is("a@m\xc3\xbcnchen.example", "{\"address\":\"a@münchen.example\",\"address_ascii\":\"a@xn--mnchen-3ya.example\"}", 0);
	normal(domain_normal, "X.Example.", "x.example");
	normal(domain_normal, "M\xc3\x9cNCHEN.example", "xn--mnchen-3ya.example");
	normal(domain_normal, "mu\xcc\x88nchen.example", "xn--mnchen-3ya.example");
	normal(domain_normal, "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example");
	normal(domain_normal, "_dmarc.x", "_dmarc.x");
	normal(domain_normal, "", NULL);
	normal(domain_normal, ".", NULL);
	normal(domain_normal, "a..b", NULL);
	normal(domain_normal, "a b", NULL);
	normal(domain_normal, "a/b", NULL);
	normal(domain_normal, "\xe2\x84\x80.example", NULL);	/* maps to "a/c" */
	normal(domain_normal, "\xff.example", NULL);
	normal(domain_normal, "[IPv6:1::2]", "[ipv6:1::2]");
	normal(domain_normal, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.x",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.x");
	normal(domain_normal, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.x", NULL);
	normal(domain_utf8, "xn--mnchen-3ya.example", "münchen.example");
	normal(domain_utf8, "X.example", "x.example");
	normal(domain_utf8, "xn--99999.example", "xn--99999.example");
}

static void normals(void)
{
	normal(address_normal, "Info@X.Example", "info@x.example");
	normal(address_normal, " <Info@X.Example> ", "info@x.example");
	normal(address_normal, "\"info\"@x", "info@x");
	normal(address_normal, "\"in\\fo\"@x", "info@x");
	normal(address_normal, "\"a b\"@x", "\"a b\"@x");
	normal(address_normal, "\"a@b\"@x", "\"a@b\"@x");
	normal(address_normal, "M\xc3\x9cLLER@x", "müller@x");
	normal(address_normal, "mu\xcc\x88ller+Tag@x", "müller+tag@x");
	normal(address_normal, "bounce+SRS0=a=b=c@x", "bounce+srs0=a=b=c@x");
	normal(address_normal, "end.@docomo.example", "end.@docomo.example");
	normal(address_normal, "", NULL);
	normal(address_normal, "@x", NULL);
	normal(address_normal, "a@", NULL);
	normal(address_normal, "a", NULL);
	normal(address_normal, "a b@x", NULL);
	normal(address_normal, "a@b@c", NULL);
	normal(address_normal, "a\x01@x", NULL);
	normal(address_normal, "\"a\nb\"@x", NULL);
	normal(address_normal, "\xff@x", NULL);
}

int main(void)
{
	lists();
	groups();
	as_sent();
	idn();
	normals();
	first("undisclosed:;, Doe, \"J\" <A@B>, c@d", "A@b");
	first("g: a@b;", "a@b");
	first("no address", "");
	/* what others crash on or take quadratic time for */
	CHECK(many("", "a:", 40000, "x@y;") == HDR_NESTED_GROUP);
	many("", "(", 200000, "a@b");
	many("", "(a)(", 100000, "a@b");
	many("", "\"", 200001, "a@b");
	many("", "<", 200000, "a@b>");
	many("", "a@[", 100000, "]");
	many("", "a,", 100000, "x@y");
	many("", "=?x?Q?", 60000, "?= <a@b>");
	many("", "\\", 200000, "");
	many("x", " ", 200000, "<a@b>");
	many("\"", "\\\"", 100000, "");
	CHECK(many("", "a@b,", ADDRESSES_MAX, "") == 0);
	CHECK(many("", "a@b,", ADDRESSES_MAX, "c@d") == HDR_LIMIT);
	CHECK(many("<", "a", ADDRESS_READ_MAX - 2, "@b>") == 0);
	CHECK(many("<", "a", ADDRESS_READ_MAX - 1, "@b>") == HDR_BAD_ADDRESS);
	CHECK(many("", "a", ADDRESS_NAME_MAX, " <a@b>") == 0);
	CHECK(many("", "a", ADDRESS_NAME_MAX + 1, " <a@b>") == HDR_LIMIT);
	return CHECK_DONE();
}
