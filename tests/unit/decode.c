/* base64, quoted-printable, uuencode: what is odd is read and reported; any split gives the same. */
#include "same.h"
#include "decode.h"

enum { J = 1, P = 2, T = 4 };	/* junk, padding inside, truncated */

static int found(const struct decoder *d)
{
	return (d->junk ? J : 0) | (d->padding_inside ? P : 0) | (d->truncated ? T : 0);
}

static void is(enum encoding enc, const char *in, const char *want, int bits)
{
	size_t n = strlen(in);
	char *exact = exactly(in, n);

	for (size_t step = 1; step <= n + 1; step++) {
		struct decoder d;
		struct buf out = { 0 };

		decoder_init(&d, enc);
		for (size_t i = 0; i < n; i += step)
			decoder_feed(&d, exact + i, n - i < step ? n - i : step, &out);
		decoder_end(&d, &out);
		if (found(&d) != bits)
			printf("[%s] in steps of %zu: bits %d, wanted %d\n", in, step, found(&d), bits);
		CHECK(found(&d) == bits);
		check_same(in, &out, want);
	}
	free(exact);
}

static void base64(void)
{
	is(ENC_BASE64, "", "", 0);
	is(ENC_BASE64, "SGVsbG8=", "Hello", 0);
	is(ENC_BASE64, "SGVs\r\nbG8=\r\n", "Hello", 0);
	is(ENC_BASE64, "SGVsbG8=V29ybGQ=", "HelloWorld", P);
	is(ENC_BASE64, "SA==\r\nZQ==\r\nbGxv\r\n", "Hello", P);
	is(ENC_BASE64, "SGVsbG8", "Hello", T);
	is(ENC_BASE64, "SGVsb", "Hel", T);
	is(ENC_BASE64, "SG*Vs-bG_8=", "Hello", J);
	is(ENC_BASE64, "=SGVs", "Hel", J | P);
	is(ENC_BASE64, "SGVsbG8===", "Hello", 0);
	is(ENC_BASE64, "S=GVs", "\x19[", J | P | T);
}

static void quoted_printable(void)
{
	is(ENC_QP, "a=20b=3D\r\nc", "a b=\r\nc", 0);
	is(ENC_QP, "soft=\r\n line=\nend", "soft lineend", 0);
	is(ENC_QP, "soft=  \t\r\nx", "softx", 0);
	is(ENC_QP, "trailing  \t\r\nblanks \n\n", "trailing\r\nblanks\n\n", 0);
	is(ENC_QP, "kept=20 \r\n  a  b  =20", "kept \r\n  a  b   ", 0);
	is(ENC_QP, "end=", "end", 0);
	is(ENC_QP, "end =\r\n", "end ", 0);
	is(ENC_QP, "lower=e9=C3", "lower\xe9\xc3", 0);
	is(ENC_QP, "bad=ZZ =4 =", "bad=ZZ =4 ", J);
	is(ENC_QP, "==3D=", "==", J);
	is(ENC_QP, "cut=4", "cut=4", T);
	is(ENC_QP, "bare\rcr\r\r\n", "bare\rcr\r\r\n", 0);
	is(ENC_QP, "at the end  ", "at the end", 0);
}

static void uuencode(void)
{
	is(ENC_UU, "begin 644 x\n%2&5L;&\\*\n`\nend\n", "Hello", 0);
	is(ENC_UU, "text\n\nbegin 644 x\r\n%2&5L;&\\*\r\n`\r\nend\r\nmore", "Hello", J);
	is(ENC_UU, "%2&5L;&\\*\n", "Hello", T);
	is(ENC_UU, "begin 644 x\n%2&5L;&\\*\n", "Hello", T);
	is(ENC_UU, "", "", T);
}

/* A large body, so that every buffer's edge is met: all at once against pieces. */
static void splits(enum encoding enc, const char *pattern)
{
	static const size_t steps[] = { 1, 4095, 4096, 4097 };
	struct buf in = { 0 }, whole = { 0 };
	struct decoder d;

	while (in.len < 40000)
		buf_str(&in, pattern);
	decoder_init(&d, enc);
	decode_all(&d, in.p, in.len, &whole);
	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
		struct buf out = { 0 };

		decoder_init(&d, enc);
		for (size_t i = 0; i < in.len; i += steps[k])
			decoder_feed(&d, in.p + i, in.len - i < steps[k] ? in.len - i : steps[k], &out);
		decoder_end(&d, &out);
		CHECK(out.len == whole.len && memcmp(out.p, whole.p, whole.len) == 0);
		buf_free(&out);
	}
	buf_free(&in);
	buf_free(&whole);
}

/* 128 blanks and more before a line end are content, however they come in. */
static void many_blanks(void)
{
	for (size_t n = 120; n < 140; n++) {
		char line[160] = "x";
		struct buf a = { 0 }, b = { 0 };
		struct decoder d;

		memset(line + 1, ' ', n);
		line[n + 1] = '\n';
		decoder_init(&d, ENC_QP);
		decode_all(&d, line, n + 2, &a);
		decoder_init(&d, ENC_QP);
		for (size_t i = 0; i < n + 2; i++)
			decoder_feed(&d, line + i, 1, &b);
		decoder_end(&d, &b);
		CHECK(a.len == b.len && memcmp(a.p, b.p, a.len) == 0);
		CHECK(a.len == (n >= 128 ? n + 2 : 2));
		buf_free(&a);
		buf_free(&b);
	}
}

static void stop_at_padding(void)
{
	struct decoder d;
	struct buf out = { 0 };

	decoder_init(&d, ENC_BASE64);
	d.stop_at_padding = true;
	decode_all(&d, "SGVsbG8=V29ybGQ=", 16, &out);
	check_same("stop at padding", &out, "Hello");
}

static void named(const char *value, enum encoding want, bool odd)
{
	size_t n = strlen(value);
	char *exact = exactly(value, n);
	bool got_odd = !odd;
	enum encoding got = encoding_of(exact, n, &got_odd, NULL);

	if (got != want || got_odd != odd)
		printf("[%s]: %s, %s\n", value, encoding_name(got), got_odd ? "odd" : "even");
	CHECK(got == want && got_odd == odd);
	free(exact);
}

static void names(void)
{
	named("", ENC_IDENTITY, false);
	named(" 7bit\r\n", ENC_IDENTITY, false);
	named("8BIT", ENC_IDENTITY, false);
	named("binary", ENC_IDENTITY, false);
	named("Base64", ENC_BASE64, false);
	named("\"base64\"", ENC_BASE64, true);
	named("base64;", ENC_BASE64, true);
	named("base64 (x)", ENC_BASE64, true);
	named("(x) quoted-printable", ENC_QP, true);
	named("quoted-printable ", ENC_QP, false);
	named("x-uuencode", ENC_UU, false);
	named("uuencode", ENC_UU, true);
	named("7-bit", ENC_IDENTITY, true);
	named("x-binhex", ENC_UNKNOWN, true);
	named("base64 base64", ENC_BASE64, true);
	named("text/plain", ENC_UNKNOWN, true);
	named("(", ENC_IDENTITY, true);
}

static void found_in(const char *text, bool want, size_t line, size_t begin, size_t end, const char *name)
{
	struct uu_found f;
	size_t n = strlen(text);
	char *exact = exactly(text, n);
	bool got = uu_find(exact, n, 0, &f);

	CHECK(got == want);
	if (got && want) {
		CHECK(f.line == line && f.begin == begin && f.end == end);
		CHECK(f.name_len == strlen(name) && memcmp(f.name, name, f.name_len) == 0);
	}
	free(exact);
}

static void finding(void)
{
	found_in("see:\nbegin 644 a b.txt\n%2&5L;&\\*\n`\nend\nbye\n", true, 5, 23, 39, "a b.txt");
	found_in("begin 0644 x\r\n%2&5L;&\\*\r\nend\r\n", true, 0, 14, 30, "x");
	found_in("begin 644 x\n%2&5L;&\\*\n", true, 0, 12, 22, "x");
	found_in("begin 644 x\nend\n", false, 0, 0, 0, "");
	found_in("begin again\nnow\n", false, 0, 0, 0, "");
	found_in("We begin 644 x\n%2&5L;&\\*\n", false, 0, 0, 0, "");
	found_in("begin 644 x\nplain text follows here\n", false, 0, 0, 0, "");
	found_in("begin 999 x\n%2&5L;&\\*\n", false, 0, 0, 0, "");
}

int main(void)
{
	base64();
	quoted_printable();
	uuencode();
	splits(ENC_BASE64, "TWFyeSBoYWQgYSBsaXR0bGUgbGFtYiwgaXRzIGZsZWVjZSB3YXMgd2hpdGUgYXMgc25vdyB+\r\n");
	splits(ENC_BASE64, "TWFy=eSB==hY*WQgYSBs\r\n");
	splits(ENC_QP, "Text =C3=A9 with soft =\r\n breaks  \r\n and = odd =3 ones \t \r \r\n\r\n");
	splits(ENC_UU, "begin 644 x\nM2&5L;&\\L('=O<FQD+B!4:&ES(&ES(&$@;&EN92!O9B!T97AT+\"!L;VYG(&5N\n!(0``\n");
	splits(ENC_IDENTITY, "any\r\n");
	many_blanks();
	stop_at_padding();
	names();
	finding();
	return CHECK_DONE();
}
