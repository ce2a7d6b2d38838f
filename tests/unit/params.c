/* Content-Type and Content-Disposition as they come. */
#include "same.h"
#include "header.h"

static void is(const char *in, const char *want, int bits)
{
	struct value_params v;
	struct buf out = { 0 };
	size_t n = strlen(in);
	char *exact = exactly(in, n);

	CHECK(params_parse(exact, n, &v) == ST_OK);
	if (v.bits != bits)
		printf("[%s]: bits %d, wanted %d\n", in, v.bits, bits);
	CHECK(v.bits == bits);
	buf_str(&out, v.value);
	for (size_t i = 0; i < v.params; i++)
		buf_fmt(&out, "; %s=%s", v.param[i].name, v.param[i].value);
	check_same(in, &out, want);
	params_free(&v);
	free(exact);
}

static void many(const char *head, const char *piece, size_t n)
{
	struct buf in = { 0 };
	struct value_params v;

	buf_str(&in, head);
	while (in.len < n)
		buf_str(&in, piece);
	CHECK(params_parse(in.p, in.len, &v) == ST_OK);
	CHECK(v.params <= PARAMS_MAX);
	params_free(&v);
	buf_free(&in);
}

/* Continuations just at and past the limits. */
static void long_value(size_t n, int bits)
{
	struct buf in = { 0 };
	struct value_params v;

	buf_str(&in, "a/b; name=");
	for (size_t i = 0; i < n; i++)
		buf_chr(&in, 'x');
	CHECK(params_parse(in.p, in.len, &v) == ST_OK);
	CHECK(v.bits == bits && strlen(v.param[0].value) == (n < PARAM_VALUE_MAX ? n : PARAM_VALUE_MAX));
	params_free(&v);
	buf_free(&in);
}

static void count(size_t n, size_t want, int bits)
{
	struct buf in = { 0 };
	struct value_params v;

	buf_str(&in, "a/b");
	for (size_t i = 0; i < n; i++)
		buf_fmt(&in, "; p%zu=x", i);
	CHECK(params_parse(in.p, in.len, &v) == ST_OK);
	CHECK(v.bits == bits && v.params == want);
	params_free(&v);
	buf_free(&in);
}

int main(void)
{
	is("", "", 0);
	is("text/plain", "text/plain", 0);
	is(" Text / Plain (c) ; Charset=UTF-8\r\n", "text/plain; charset=UTF-8", 0);
	is("text/plain; charset=us-ascii (Plain text)", "text/plain; charset=us-ascii", 0);
	is("a/b; name=\"q\\\"uo\\\\ted; x=y\"; z=1", "a/b; name=q\"uo\\ted; x=y; z=1", 0);
	is("a/b; name=\"fold\r\n ed\"", "a/b; name=fold ed", 0);
	/* RFC 2231 */
	is("a/b; t*=us-ascii'en-us'This%20is%20%2A", "a/b; t=This is *", 0);
	is("a/b; t*1=b; t*0=a; t*2*=%63", "a/b; t=abc", 0);
	is("a/b; t*0*=utf-8''%E3%83; t*1*=%8F", "a/b; t=ハ", 0);
	is("a/b; t*0*=iso-8859-1''%E9; t*1*=iso-8859-1'%E8", "a/b; t=éè", 0);
	is("a/b; t*=%E9", "a/b; t=é", HDR_RAW_8BIT);
	is("a/b; t*=utf-8''a%0D%0Ab", "a/b; t=a  b", HDR_CONTROL);
	is("a/b; t=plain; t*=utf-8''%C3%A9", "a/b; t=é", HDR_DUP_PARAM);
	is("a/b; t=one; t=two", "a/b; t=one", HDR_DUP_PARAM);
	is("a/b; t*0=a; t*0=b; t*1=c", "a/b; t=ac", HDR_DUP_PARAM);
	/* RFC 2047 where it does not belong, and is sent */
	is("a/b; name=\"=?utf-8?Q?=C3=A9?=\r\n =?utf-8?Q?=C3=A8?=.txt\"", "a/b; name=éè.txt", 0);
	is("a/b; name==?utf-8?B?w6k=?=.txt", "a/b; name=é.txt", 0);
	/* as mailers do it wrong */
	is("a/b name=x", "a/b; name=x", 0);
	is("a/b; access=mail-server\r\n server=\"s\"", "a/b; access=mail-server; server=s", 0);
	is("a/b; name=my file (1).txt; x=y", "a/b; name=my file (1).txt; x=y", 0);
	is("a/b; name=\"no end", "a/b; name=no end", 0);
	is("a/b;;; ; name=x;", "a/b; name=x", 0);
	is("attachment; filename=\"C:\\Temp\\x.doc\"", "attachment; filename=C:\\Temp\\x.doc", 0);
	is("a/b; name=\"x\"junk; y=z", "a/b; name=x; y=z", 0);
	is("a/b; name=\xe9", "a/b; name=é", HDR_RAW_8BIT);
	is("; charset=x", "; charset=x", 0);
	is("a/b; name=\"=?utf-8?Q?a=0Ab?=\"", "a/b; name=a b", HDR_CONTROL);

	long_value(PARAM_VALUE_MAX - 1, 0);
	long_value(PARAM_VALUE_MAX, 0);
	long_value(PARAM_VALUE_MAX + 1, HDR_LIMIT);
	count(PARAMS_MAX, PARAMS_MAX, 0);
	count(PARAMS_MAX + 1, PARAMS_MAX, HDR_LIMIT);
	many("a/b", "; p=x", 400000);
	many("a/b; p=", "(", 400000);
	many("a/b; p=", " (a", 400000);
	many("a/b", "; x(", 400000);
	many("a/b; p=", " x", 400000);
	many("", "a(", 400000);
	many("a/b; p=\"", "\\", 400000);
	many("a/b", ";p*0*=", 400000);
	return CHECK_DONE();
}
