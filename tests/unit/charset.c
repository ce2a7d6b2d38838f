/* Charset names as found in mail, and bytes in them. */
#include "same.h"
#include "header.h"

static void is(const char *cs, const char *bytes, size_t n, const char *want, int bits)
{
	struct buf out = { 0 };
	char *exact = exactly(bytes, n);
	int got = charset_to_utf8(cs, cs ? strlen(cs) : 0, exact, n, &out);

	if (got != bits)
		printf("%s: bits %d, wanted %d\n", cs ? cs : "(none)", got, bits);
	CHECK(got == bits);
	check_same(cs ? cs : "(none)", &out, want);
	free(exact);
}

#define IS(cs, bytes, want, bits) is(cs, bytes, sizeof(bytes) - 1, want, bits)

static void names(void)
{
	static const char *const known[] = { "utf-8", "UTF8", "\"utf-8\"", " us-ascii ", "ANSI_X3.4-1968",
		"iso-8859-1", "ISO_8859-1:1987", "latin1", "x-cp1252", "cp-1252", "Windows-1251", "win-1250",
		"ISO-8859-8-I", "iso-8859-8-e", "iso-8859-15", "koi8-r", "KOI8-U", "gb2312", "GBK", "gb18030",
		"x-gbk", "big5", "Big5-HKSCS", "euc-kr", "ks_c_5601-1987", "iso-2022-jp", "csISO2022JP", "iso-2022-kr",
		"shift_jis", "x-sjis", "euc-jp", "tis-620", "windows-874", "x-mac-roman", "x-mac-cyrillic",
		"x-mac-ce", "macintosh", "utf-7", "unicode-1-1-utf-7", "utf-16", "UTF-16LE", "utf-32", "hz-gb-2312",
		"cp437", "ibm850", "viscii", "armscii-8", "johab" };
	static const char *const unknown[] = { "", "x-unknown", "utf-9", "iso-8859-12", "iso-8859-17", "iso-8859-0",
		"utf-8//TRANSLIT//IGNORE", "iso-2022-cn-ext", "ibm1390", "cp99999", "none", "_iso-2022-jp$SIO",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!charset_known(known[i], strlen(known[i])))
			printf("unknown: %s\n", known[i]);
		CHECK(charset_known(known[i], strlen(known[i])));
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		if (charset_known(unknown[i], strlen(unknown[i])))
			printf("known: %s\n", unknown[i]);
		CHECK(!charset_known(unknown[i], strlen(unknown[i])));
	}
}

int main(void)
{
	names();
	IS("utf-8", "gr\xc3\xbc\xc3\x9f", "grüß", 0);
	IS("utf-8", "\xef\xbb\xbf" "bom", "bom", 0);
	IS("utf-8", "a\xff" "b\xe2\x82" "c\xc0\x80\xed\xa0\x80", "a�b�c�����", HDR_BAD_BYTES);
	IS("utf-8", "nul\0here", "nul�here", HDR_BAD_BYTES);
	IS("us-ascii", "plain", "plain", 0);
	IS("us-ascii", "caf\xe9", "café", HDR_RAW_8BIT);
	IS("us-ascii", "caf\xc3\xa9", "café", 0);
	IS(NULL, "\x93quoted\x94 \x80", "“quoted” €", HDR_RAW_8BIT);
	IS("x-nobody-knows", "caf\xe9", "café", HDR_BAD_CHARSET | HDR_RAW_8BIT);
	IS("x-nobody-knows", "caf\xc3\xa9", "café", HDR_BAD_CHARSET);
	IS("iso-8859-1", "\x80 \xe9", "€ é", 0);
	IS("iso-8859-15", "\xa4", "€", 0);
	IS("windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет", 0);
	IS("koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет", 0);
	IS("iso-8859-8-i", "\xf9\xec\xe5\xed", "שלום", 0);
	IS("gb2312", "\xc4\xe3\xba\xc3", "你好", 0);
	IS("ks_c_5601-1987", "\xbe\xc8\xb3\xe7", "안녕", 0);
	IS("big5", "\xa7\x41\xa6\x6e", "你好", 0);
	IS("shift_jis", "\x93\xfa\x96\x7b\x87\x40", "日本①", 0);
	IS("euc-jp", "\xc6\xfc\xcb\xdc", "日本", 0);
	IS("iso-2022-jp", "\x1b$BF|K\\\x1b(B!", "日本!", 0);
	IS("iso-2022-jp", "\x1b$B-!\x1b(I@1\x1b(B", "①ﾀｱ", 0);
	IS("iso-2022-jp", "\x1b$BF|", "日", 0);
	IS(NULL, "\x1b$BF|K\\\x1b(B", "日本", 0);
	IS("hz-gb-2312", "~{Dc:C~} ~~", "你好 ~", 0);
	IS("utf-7", "+T2BZfQ-!", "你好!", 0);
	IS("utf-16", "\xfe\xff\x00" "a\x20\xac", "a€", 0);
	IS("utf-16", "\xff\xfe" "a\x00\xac\x20", "a€", 0);
	IS("utf-16", "a\0b\0", "ab", 0);
	IS("utf-16", "\0a\0b", "ab", 0);
	IS("utf-16le", "a\0b", "a�", HDR_BAD_BYTES);
	IS("x-mac-roman", "\x8e", "é", 0);
	IS("tis-620", "\xca\xc7\xd1\xca", "สวัส", 0);
	return CHECK_DONE();
}
