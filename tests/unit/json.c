/* lib/json: what is JSON and what is not; what goes out is valid, whatever came in. */
#include <stdlib.h>
#include "check.h"
#include "json.h"

/* From a heap block of exactly that size: a sanitizer sees every byte read too far. */
static enum status valid_n(const char *text, size_t len)
{
	char *exact = malloc(len ? len : 1);
	enum status st;

	memcpy(exact, text, len);
	st = json_valid(exact, len);
	free(exact);
	return st;
}

static enum status valid(const char *text)
{
	return valid_n(text, strlen(text));
}

static const char *const good[] = {
	"{}", "[]", "\"\"", "0", "-0", "-1.5e+10", "1E5", "0.0", "true", "false", "null", " \t\r\n1\n ",
	"[1,2,3]", "{\"a\":{\"b\":[{},[],\"\"]}}", "{ \"a\" : 1 , \"b\" : 2 }", "[ ]", "{ }",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uFFFF\"", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"",
	"\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
	"\"\x7f\"", "{\"\":1}", "{\"a\":1,\"aa\":1,\"A\":1}", "\"0123456789abcdef0123456789abcdef\"",
};

static const char *const bad[] = {
	"", " ", "{", "}", "[", "]", "\"", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
	"{a:1}", "{'a':1}", "{1:1}", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "tru", "truex",
	"nul", "nulL", "1 2", "{} {}", "[1 2]", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "\"\\x\"", "\"\\\"",
	"\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"",
	"\"\\ude00\\ud83d\"", "\"a\nb\"", "\"\x01\"", "\"\x1f\"",
	/* UTF-8: alone, overlong, surrogates, beyond, cut short */
	"\"\x80\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xe0\x80\x80\"", "\"\xe0\x9f\xbf\"",
	"\"\xed\xa0\x80\"", "\"\xf0\x80\x80\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"",
	"\"\xff\"", "\"\xc3\"", "\"\xe2\x82\"", "\"\xf0\x9f\x98\"", "\"\xc3(\"", "\xef\xbb\xbf{}",
	/* the same key twice, also by another spelling, also not next to each other */
	"{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":1,\"\\u0061\":2}",
	"{\"\\u0061\":1,\"a\":2}", "[{\"x\":{\"a\":1,\"a\":1}}]", "{\"\":1,\"\":2}",
};

static void grammar(void)
{
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		if (valid(good[i]) != ST_OK) {
			fprintf(stderr, "refused: %s: %s\n", good[i], st_text());
			check_failures++;
		}
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		if (valid(bad[i]) == ST_OK) {
			fprintf(stderr, "accepted: %s\n", bad[i]);
			check_failures++;
		}
	CHECK(valid_n("\"a\0b\"", 5) == ST_BAD);
	CHECK(valid_n("1\0", 2) == ST_BAD);
}

/* The wide steps of the scanner must not depend on where a byte stands. */
static void a_bad_byte_is_found_at_every_place(void)
{
	char text[80];
	size_t len, at;

	for (len = 3; len < sizeof text; len++)
		for (at = 1; at < len - 1; at++) {
			memset(text, 'x', len);
			text[0] = text[len - 1] = '"';
			CHECK(valid_n(text, len) == ST_OK);
			text[at] = '\x01';
			CHECK(valid_n(text, len) == ST_BAD);
			text[at] = '\xff';
			CHECK(valid_n(text, len) == ST_BAD);
			CHECK(!utf8_valid(text, len));
			text[at] = '"';
			CHECK(valid_n(text, len) == ST_BAD);
			text[at] = '\x7f';
			CHECK(valid_n(text, len) == ST_OK);
		}
}

static void every_cut_of_a_value_is_refused(void)
{
	const char *text = "{\"a\":[1,true,null,\"x\\u00e9\xc3\xa9\"],\"b\":{\"c\":-1.5e3}}";
	size_t len;

	for (len = 0; len < strlen(text); len++)
		CHECK(valid_n(text, len) == ST_BAD);
	CHECK(valid(text) == ST_OK);
}

static void depth_at_and_above_the_limit(void)
{
	char text[2 * JSON_MAX_DEPTH + 3];
	size_t n;

	for (n = JSON_MAX_DEPTH - 1; n <= JSON_MAX_DEPTH + 1; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		CHECK(valid_n(text, 2 * n) == (n <= JSON_MAX_DEPTH ? ST_OK : ST_LIMIT));
	}
}

static void duplicate_among_64_keys_at_every_place(void)
{
	struct buf b = { 0 };
	int dup, i;

	for (dup = -1; dup < 63; dup++) {
		buf_clear(&b);
		json_open(&b, NULL, '{');
		for (i = 0; i < 64; i++) {
			char key[16];

			snprintf(key, sizeof key, "key%d", i == 63 && dup >= 0 ? dup : i);
			json_int(&b, key, i);
		}
		json_close(&b, '}');
		CHECK(valid_n(b.p, b.len) == (dup < 0 ? ST_OK : ST_BAD));
	}
	buf_free(&b);
}

static void whatever_comes_in_valid_json_goes_out(void)
{
	struct buf b = { 0 }, back = { 0 };
	char raw[6];
	int i, j;

	srand(1);
	for (i = 0; i < 20000; i++) {
		for (j = 0; j < 6; j++)
			raw[j] = (char)(rand() % 3 ? 0x80 + rand() % 128 : rand() % 128);
		buf_clear(&b);
		buf_clear(&back);
		json_str(&b, NULL, raw, sizeof raw);
		if (valid_n(b.p, b.len) != ST_OK) {
			fprintf(stderr, "json_str: %s: %s\n", b.p, st_text());
			check_failures++;
		}
		CHECK(json_text((struct span){ b.p, b.len }, &back));
		CHECK(utf8_valid(back.p, back.len));
		if (utf8_valid(raw, sizeof raw) && !memchr(raw, 0, sizeof raw))
			CHECK(back.len == sizeof raw && !memcmp(back.p, raw, sizeof raw));
	}
	buf_free(&b);
	buf_free(&back);
}

static void invalid_bytes_are_replaced_and_told(void)
{
	static const struct { const char *in; size_t len; const char *out; bool repaired; } table[] = {
		{ "plain", 5, "\"plain\"", false },
		{ "a\0b", 3, "\"a\xef\xbf\xbd" "b\"", true },
		{ "\xff", 1, "\"\xef\xbf\xbd\"", true },
		{ "\xe2\x82", 2, "\"\xef\xbf\xbd\"", true },
		{ "\xe2\x82z", 3, "\"\xef\xbf\xbdz\"", true },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", true },
		{ "\"\\\n\t\r\x01\x1b", 7, "\"\\\"\\\\\\n\\t\\r\\u0001\\u001b\"", false },
		{ "\xc3\xa9", 2, "\"\xc3\xa9\"", false },
	};
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++) {
		buf_clear(&b);
		CHECK(json_str(&b, NULL, table[i].in, table[i].len) == table[i].repaired);
		CHECK_STR(b.p, table[i].out);
	}
	buf_free(&b);
}

static void commas_come_by_themselves(void)
{
	struct buf b = { 0 };

	json_open(&b, NULL, '{');
	json_int(&b, "a", -5);
	json_open(&b, "b", '[');
	json_str(&b, NULL, "x,", 2);
	json_cstr(&b, NULL, NULL);
	json_bool(&b, NULL, true);
	json_open(&b, NULL, '{');
	json_close(&b, '}');
	json_raw(&b, NULL, "[1]", 3);
	json_close(&b, ']');
	json_cstr(&b, "c:", "{");
	json_bool(&b, "d", false);
	json_null(&b, "e");
	json_close(&b, '}');
	CHECK_STR(b.p, "{\"a\":-5,\"b\":[\"x,\",null,true,{},[1]],\"c:\":\"{\",\"d\":false,\"e\":null}");
	buf_clear(&b);
	json_int(&b, "x", 1);
	json_int(&b, "y", 2);
	CHECK_STR(b.p, "\"x\":1,\"y\":2");
	buf_free(&b);
}

static struct span span(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static void getting(void)
{
	struct span v = span("{\"a\":{\"b\":{\"c\":\"x\\\"}{\"}},\"n\": -12 ,\"t\":true,\"l\":[ 1 , [2] ,{}]}");
	struct span it, e, k;
	struct buf b = { 0 };
	int64_t n = 0;
	int count = 0;

	CHECK(json_text(json_get(v, "a.b.c"), &b));
	CHECK_STR(b.p, "x\"}{");
	CHECK(json_get_int(json_get(v, "n"), &n) && n == -12);
	CHECK(json_true(json_get(v, "t")) && !json_true(json_get(v, "n")));
	CHECK(!json_get(v, "a.b.c.d").p && !json_get(v, "zz").p && !json_get(v, "n.x").p);
	CHECK(json_get(v, "").p == v.p);
	for (it = json_get(v, "l"); json_elem(&it, &e); count++)
		CHECK((count == 0 && e.len == 1) || (count == 1 && e.len == 3) || (count == 2 && e.len == 2));
	CHECK(count == 3);
	for (count = 0, it = v; json_member(&it, &k, &e); count++)
		CHECK(k.len == 1);
	CHECK(count == 4);
	for (count = 0, it = span("\"p\":1,\"q\":{}"); json_member(&it, &k, &e); count++)
		CHECK(k.len == 1);
	CHECK(count == 2 && it.len == 0);
	it = span("[]");
	CHECK(!json_elem(&it, &e));
	it = (struct span){ 0 };
	CHECK(!json_elem(&it, &e) && !json_member(&it, &k, &e) && json_type(it) == 0);
	buf_free(&b);
}

static void strings_and_numbers(void)
{
	struct buf b = { 0 };
	int64_t n = 7;

	CHECK(json_text(span("\"\\u00e9\\ud83d\\ude00\\u0000\\/\\b\""), &b));
	CHECK_STR(b.p, "\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd/\b");
	buf_clear(&b);
	CHECK(!json_text(span("12"), &b) && b.len == 0);
	CHECK(json_is(span("\"PASS\""), "PASS") && !json_is(span("\"PASSED\""), "PASS"));
	CHECK(!json_is(span("PASS"), "PASS") && !json_is((struct span){ 0 }, "PASS"));
	CHECK(json_get_int(span("9007199254740992"), &n) && n == 9007199254740992);
	CHECK(!json_get_int(span("9007199254740993"), &n) && n == 9007199254740992);
	CHECK(!json_get_int(span("1.0"), &n) && !json_get_int(span("1e3"), &n));
	CHECK(!json_get_int(span("\"1\""), &n) && !json_get_int(span("-"), &n));
	CHECK(!json_get_int((struct span){ 0 }, &n));
	buf_free(&b);
}

/* Results are meaningless then, but nothing is read outside. */
static void walking_over_nonsense_is_memory_safe(void)
{
	static const char alphabet[] = "{}[]\",:\\1t \xff";
	char *text = malloc(12);
	int i, j;

	srand(2);
	for (i = 0; i < 50000; i++) {
		size_t len = (size_t)(rand() % 12);
		char *exact = realloc(text, len ? len : 1);
		struct span it, k, v;
		struct buf b = { 0 };

		text = exact;
		for (j = 0; j < (int)len; j++)
			text[j] = alphabet[rand() % (int)(sizeof alphabet - 1)];
		for (it = (struct span){ text, len }, j = 0; j < 50 && json_member(&it, &k, &v); j++)
			json_text(v, &b);
		for (it = (struct span){ text, len }, j = 0; j < 50 && json_elem(&it, &v); j++)
			json_get(v, "1.1");
		json_get((struct span){ text, len }, "1.1");
		CHECK(j < 50);
		buf_free(&b);
	}
	free(text);
}

int main(void)
{
	grammar();
	a_bad_byte_is_found_at_every_place();
	every_cut_of_a_value_is_refused();
	depth_at_and_above_the_limit();
	duplicate_among_64_keys_at_every_place();
	whatever_comes_in_valid_json_goes_out();
	invalid_bytes_are_replaced_and_told();
	commas_come_by_themselves();
	getting();
	strings_and_numbers();
	walking_over_nonsense_is_memory_safe();
	return CHECK_DONE();
}
