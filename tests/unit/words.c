/* Subjects as they come. */
#include "same.h"
#include "header.h"

static void is(const char *in, const char *want, int bits)
{
	struct buf out = { 0 };
	size_t n = strlen(in);
	char *exact = exactly(in, n);
	int got = header_text(exact, n, &out);

	if (got != bits)
		printf("[%s]: bits %d, wanted %d\n", in, got, bits);
	CHECK(got == bits);
	check_same(in, &out, want);
	free(exact);
}

/* n times the same, within a time that only linear work meets. */
static void many(const char *piece, size_t n)
{
	struct buf in = { 0 }, out = { 0 };

	while (in.len < n)
		buf_str(&in, piece);
	header_text(in.p, in.len, &out);
	CHECK(!out.failed && out.len <= 3 * n);
	buf_free(&in);
	buf_free(&out);
}

int main(void)
{
	is("", "", 0);
	is(" \r\n", "", 0);
	is(" plain text\r\n", "plain text", 0);
	is(" Fwd: \r\n\tfolded \r\n  text", "Fwd: folded text", 0);
	is("two  blanks", "two  blanks", 0);
	is("bare\rcr", "bare cr", 0);

	is("=?utf-8?Q?gr=C3=BC=C3=9Fe?=", "grüße", 0);
	is("=?UTF-8?b?Z3LDvMOfZQ==?=", "grüße", 0);
	is("=?utf-8*de?q?a_b?=", "a b", 0);
	is("a =?utf-8?q?b?= c", "a b c", 0);
	is("=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab", 0);
	is("=?utf-8?q?a_?= =?iso-8859-1?q?=E9?=", "a é", 0);
	/* a padded word does not end the field */
	is("=?utf-8?B?SGVsbG8gVw==?= =?utf-8?B?b3JsZA==?=", "Hello World", 0);
	/* a character cut in two, in Q, in B, and across both */
	is("=?utf-8?Q?=E3=83?= =?utf-8?Q?=8F?=", "ハ", 0);
	is("=?utf-8?B?44M=?= =?utf-8?B?jw==?=", "ハ", 0);
	is("=?utf-8?B?44M=?= =?utf-8?Q?=8F?=", "ハ", 0);
	/* a base64 group cut in two; and padding left out */
	is("=?utf-8?B?SGVsb?= =?utf-8?B?G8h?=", "Hello!", 0);
	is("=?utf-8?B?SGVsbG8?= =?utf-8?B?SGVsbG8?=", "HelloHello", 0);
	is("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本日本", 0);
	is("=?utf-7?Q?+AGE-?= =?utf-7?Q?+AGI?= =?utf-7?Q?+AGM-?=", "abc", 0);
	/* as mailers do it wrong */
	is("=?utf-8?Q?with blanks?=", "with blanks", 0);
	is("=?utf-8?Q?a?b?=", "a?b", 0);
	is("=?utf-8?Q?fold\r\n ed?=", "folded", 0);
	is("glued=?utf-8?q?b?=text", "gluedbtext", 0);
	is("\"=?utf-8?q?quoted?=\"", "\"quoted\"", 0);
	is("=?utf-8?Q?" "?=", "", 0);
	is("=?utf-8?Q?=?=", "=", 0);
	is("=?utf-8?Q?=ZZ?=", "=ZZ", 0);
	is("=??Q?x?=", "x", 0);

	is("=?utf-8?Q?never ends", "=?utf-8?Q?never ends", HDR_BAD_WORD);
	is("=?utf-8?X?x?=", "=?utf-8?X?x?=", HDR_BAD_WORD);
	is("=?utf-8?Q?lost =?utf-8?Q?end?=", "=?utf-8?Q?lost end", HDR_BAD_WORD);
	is("=? =?x =?= =?a?", "=? =?x =?= =?a?", 0);
	is("=?x-unknown?Q?caf=E9?=", "café", HDR_BAD_CHARSET | HDR_RAW_8BIT);
	is("caf\xe9", "café", HDR_RAW_8BIT);
	is("caf\xc3\xa9", "café", 0);
	/* no new header fields, no NUL */
	is("=?utf-8?Q?a=0D=0AX:_b?=", "a  X: b", HDR_CONTROL);
	is("=?utf-8?Q?a=00b?=", "a�b", HDR_BAD_BYTES);
	is("esc \x1b[1m", "esc \x1b[1m", HDR_CONTROL);

	many("=?a?Q?", 400000);
	many("=?", 400000);
	many("=?utf-8?Q?x?= ", 400000);
	many("=?utf-8?Q?x =?utf-8?Q?", 400000);
	many("=?utf-8?B?QQ?= \r\n ", 400000);
	many("\r\n \t", 400000);
	many("?=", 400000);
	return CHECK_DONE();
}
