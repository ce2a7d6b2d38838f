/* Ids of References, In-Reply-To and Message-ID. */
#include "same.h"
#include "header.h"

static void is(const char *in, const char *want, const char *first, int bits)
{
	struct buf out = { 0 };
	size_t n = strlen(in);
	char *exact = exactly(in, n);

	CHECK(ids_json(exact, n, &out) == bits);
	check_same(in, &out, want);
	id_first(exact, n, &out);
	check_same(in, &out, first);
	free(exact);
}

static size_t count(size_t n, int *bits)
{
	struct buf in = { 0 }, out = { 0 };
	size_t commas = 1;

	for (size_t i = 0; i < n; i++)
		buf_fmt(&in, "<%zu@x>\r\n ", i);
	*bits = ids_json(in.p, in.len, &out);
	for (size_t i = 0; i < out.len; i++)
		commas += out.p[i] == ',';
	CHECK(strncmp(out.p, "\"0@x\",", 6) == 0);	/* the first stays */
	buf_clear(&in);
	buf_fmt(&in, "\"%zu@x\"", n - 1);
	CHECK(out.len > in.len && strcmp(out.p + out.len - in.len, in.p) == 0);	/* and the last */
	buf_free(&in);
	buf_free(&out);
	return commas;
}

static void long_id(size_t n, int bits)
{
	struct buf in = { 0 }, out = { 0 };

	buf_chr(&in, '<');
	for (size_t i = 0; i < n; i++)
		buf_chr(&in, 'x');
	buf_str(&in, "> <a@b>");
	CHECK(ids_json(in.p, in.len, &out) == bits);
	CHECK((out.len > 10) == (bits == 0));
	buf_free(&in);
	buf_free(&out);
}

int main(void)
{
	int bits;

	is("", "", "", 0);
	is("<a@b>", "\"a@b\"", "a@b", 0);
	is(" <a@b> <c@d>\r\n\t<a@b>", "\"a@b\",\"c@d\"", "a@b", 0);
	is("<a@b><c@d>", "\"a@b\",\"c@d\"", "a@b", 0);
	is("Your message of \"Mon, 1 Jan\" <a@b>", "\"a@b\"", "a@b", 0);
	is("<long.\r\n id@b>", "\"long.id@b\"", "long.id@b", 0);
	is("<a@b <c@d>", "\"a@b\",\"c@d\"", "a@b", 0);
	is("<a@b", "\"a@b\"", "a@b", 0);
	is("<> < > <a@b>", "\"a@b\"", "a@b", 0);
	is("a@b, c@d and so on", "\"a@b\",\"c@d\"", "a@b", 0);
	is("nothing like an id", "", "", 0);
	is(" word ", "", "word", 0);
	is("<no-at>", "\"no-at\"", "no-at", 0);
	is("<A@b> <a@b>", "\"A@b\",\"a@b\"", "A@b", 0);
	is("<\xe9@b>", "\"é@b\"", "é@b", HDR_RAW_8BIT);
	CHECK(count(IDS_MAX, &bits) == IDS_MAX && bits == 0);
	CHECK(count(IDS_MAX + 1, &bits) == IDS_MAX && bits == HDR_LIMIT);
	CHECK(count(100000, &bits) == IDS_MAX && bits == HDR_LIMIT);
	long_id(ID_MAX_BYTES, 0);
	long_id(ID_MAX_BYTES + 1, HDR_LIMIT);
	return CHECK_DONE();
}
