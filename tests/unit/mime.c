/*
 * Whatever a mailer could read out of a message is in its parts: the evasion matrix, and the limits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#define CHECK(ok, ...) do { if (!(ok)) { printf("%s:%d: ", __FILE__, __LINE__); \
	printf(__VA_ARGS__); puts(""); failed = 1; } } while (0)

/* The payload, and how it looks in each encoding. */
#define PAYLOAD "WEIR-PAYLOAD: must be seen by whoever scans, whatever the mailer thinks of i" \
	"t. 0123"
#define BASE64 "V0VJUi1QQVlMT0FEOiBtdXN0IGJlIHNlZW4gYnkgd2hvZXZlciBzY2Fucywgd2hhdGV2ZXIgdGhl" \
	"IG1haWxlciB0aGlua3Mgb2YgaXQuIDAxMjM="
#define CHUNKED "V0VJUi1QQVlMT0FEOiBtdXN0IGJlIHNlZW4gYnkgd2hvZXZlciBzYw==" "\r\n" "YW5zLCB3aGF0ZXZlciB0aGUgbWFpbGVyIHRoaW5rcyBvZiBpdC4gMDEyMw=="
#define QP "W=45I=52-=50A=59L=4FA=44:=20m=75s=74=20=62e=20s=65e=6E=20=62y=20w=" \
	"68o=65v=65r=20s=63a=6Es=2C=20=77h=61t=65v=65r=20t=68e=20m=61i=6Ce=" \
	"72=20=74h=69n=6Bs=20o=66=20=69t=2E=20=301=323"
#define UU "begin 644 payload.bin\r\n" "M5T5)4BU005E,3T%$.B!M=7-T(&)E('-E96X@8GD@=VAO979E<B!S8V%N<RP@\r\n" \
	"F=VAA=&5V97(@=&AE(&UA:6QE<B!T:&EN:W,@;V8@:70N(# Q,C, \r\n" "`\r\nend\r\n"
#define ENCLOSED "U3ViamVjdDogaW4NCkNvbnRlbnQtVHlwZTogYXBwbGljYXRpb24vb2N0ZXQtc3RyZWFtDQpDb250" \
	"ZW50LVRyYW5zZmVyLUVuY29kaW5nOiBiYXNlNjQNCg0KVjBWSlVpMVFRVmxNVDBGRU9pQnRkWE4w" \
	"SUdKbElITmxaVzRnWW5rZ2QyaHZaWFpsY2lCelkyRnVjeXdnZDJoaGRHVjJaWElnZEdobElHMWhh" \
	"V3hsY2lCMGFHbHVhM01nYjJZZ2FYUXVJREF4TWpNPQ0K"	/* a message with BASE64 in it, in base64 */

#define TOP "From: a@b.example\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
#define OCTETS "Content-Type: application/octet-stream\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define CTE(x) "Content-Transfer-Encoding: " x "\r\n"
#define TEXTPART "--b\r\n\r\ntext\r\n"
#define END "--b--\r\n"

static int failed;

static const struct row { const char *name, *message, *defect; } ROWS[] = {
	{ "plain base64", TOP OCTETS CTE("base64") "\r\n" BASE64, NULL },
	{ "base64 in chunks", TOP OCTETS CTE("base64") "\r\n" CHUNKED, "base64_padding_inside" },
	{ "base64 among junk", TOP OCTETS CTE("base64") "\r\n!!" BASE64, "base64_junk" },
	{ "bare CR",
		"From: a@b.example\rContent-Type: application/octet-stream\r"
		"Content-Transfer-Encoding: base64\r\r" BASE64 "\r", NULL },
	{ "bare CR in a message with LF", "From: a@b.example\r\nX: y\rContent-Type: application/"
		"octet-stream\rContent-Transfer-Encoding: base64\r\r" BASE64 "\r\n\r\ntext\r\n",
		"bare_cr_structure" },
	{ "bare CR in a part", TOP MIXED "\r\n" TEXTPART "--b\r\nX: y\rContent-Transfer-Encoding: base64"
		"\r\r" BASE64 "\r\n" END, "bare_cr_structure" },
	{ "message/rfc822 in base64", TOP MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n"
		CTE("base64") "\r\n" ENCLOSED "\r\n" END, "encoded_message" },
	{ "message/rfc822 in \"base64;\"", TOP MIXED "\r\n--b\r\nContent-Type: message/rfc822\r\n"
		CTE("base64;") "\r\n" ENCLOSED "\r\n" END "epi\r\n", "encoded_message" },
	{ "message/rfc822 as the message, in base64", TOP "Content-Type: message/rfc822\r\n"
		CTE("base64") "\r\n" ENCLOSED "\r\n", "encoded_message" },
	{ "encoding base64;", TOP OCTETS CTE("base64;") "\r\n" BASE64, "odd_encoding" },
	{ "encoding \"base64\"", TOP OCTETS CTE("\"base64\"") "\r\n" BASE64, "odd_encoding" },
	{ "encoding base64 (comment)", TOP OCTETS CTE("base64 (x)") "\r\n" BASE64, NULL },
	{ "unknown encoding", TOP OCTETS CTE("x-64") "\r\n" BASE64, "unknown_encoding" },
	{ "two Content-Types, the last is the multipart", TOP "Content-Type: text/plain\r\n" MIXED "\r\n"
		TEXTPART "--b\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n" END, "duplicate_content_type" },
	{ "two Content-Types, the first is the multipart", TOP MIXED "Content-Type: text/plain\r\n\r\n"
		TEXTPART "--b\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n" END, "duplicate_content_type" },
	{ "two boundaries in two fields", TOP MIXED "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
		TEXTPART "--c\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n--c--\r\n" END,
		"duplicate_content_type" },
	{ "two boundaries in one field", TOP "Content-Type: multipart/mixed; boundary=b; boundary=c\r\n\r\n"
		TEXTPART "--c\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n--c--\r\n" END,
		"duplicate_parameter" },
	{ "two boundaries in one field, the other way round", TOP
		"Content-Type: multipart/mixed; boundary=c; boundary=b\r\n\r\n"
		TEXTPART "--c\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n--c--\r\n" END,
		"duplicate_parameter" },
	{ "two encodings, base64 first", TOP OCTETS CTE("base64") CTE("7bit") "\r\n" BASE64,
		"duplicate_encoding" },
	{ "two encodings, base64 last", TOP OCTETS CTE("7bit") CTE("base64") "\r\n" BASE64,
		"duplicate_encoding" },
	{ "two encodings in a part", TOP MIXED "\r\n--b\r\n" OCTETS CTE("7bit") CTE("base64") "\r\n"
		BASE64 "\r\n" END, "duplicate_encoding" },
	{ "prologue", TOP MIXED "\r\n" PAYLOAD "\r\n" TEXTPART END, "prologue" },
	{ "prologue with a header", TOP MIXED "\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n"
		TEXTPART END, "prologue" },
	{ "prologue of base64", TOP MIXED "\r\n" BASE64 "\r\n" TEXTPART END, "prologue" },
	{ "prologue, the multipart is base64", TOP MIXED CTE("base64") "\r\n" BASE64 "\r\n"
		TEXTPART END, "prologue" },
	{ "prologue, quoted-printable multipart", TOP MIXED CTE("quoted-printable") "\r\n" QP "\r\n"
		TEXTPART END, "prologue" },
	{ "epilogue", TOP MIXED "\r\n" TEXTPART END PAYLOAD, "epilogue" },
	{ "epilogue with a part", TOP MIXED "\r\n" TEXTPART END "--b\r\n" OCTETS CTE("base64") "\r\n"
		BASE64 "\r\n", "epilogue" },
	{ "epilogue with text and a header", TOP MIXED "\r\n" TEXTPART END "see this\r\n\r\n"
		OCTETS CTE("base64") "\r\n" BASE64 "\r\n", "epilogue" },
	{ "epilogue within", TOP MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
		"--c\r\n\r\nx\r\n--c--\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n" END, "epilogue" },
	{ "epilogue with uuencode", TOP MIXED "\r\n" TEXTPART END UU, "epilogue" },
	{ "no boundary", TOP "Content-Type: multipart/mixed\r\n\r\n" TEXTPART "--b\r\n" OCTETS
		CTE("base64") "\r\n" BASE64 "\r\n" END, "no_boundary" },
	{ "no boundary, a multipart within", TOP "Content-Type: multipart/mixed\r\n\r\n--x\r\n" MIXED "\r\n"
		TEXTPART "--b\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n" END "--x--\r\n",
		"no_boundary" },
	{ "another boundary", TOP "Content-Type: multipart/mixed; boundary=z\r\n\r\n" TEXTPART "--b\r\n"
		OCTETS CTE("base64") "\r\n" BASE64 "\r\n" END, "boundary_missing" },
	{ "multipart in base64", TOP MIXED CTE("base64") "\r\n" ENCLOSED "\r\n", "boundary_missing" },
	{ "boundary with more behind it", TOP MIXED "\r\n" TEXTPART "--bx\r\n" OCTETS CTE("base64") "\r\n"
		BASE64 "\r\n" END, "boundary_lookalike" },
	{ "boundary after the end of an inner one", TOP MIXED "\r\n--b\r\nContent-Type: multipart/mixed; "
		"boundary=bc\r\n\r\n--bc\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n--bc--\r\n" END, NULL },
	{ "uuencode in text", TOP "\r\nhello\r\n" UU "bye\r\n", "uuencode" },
	{ "uuencode in quoted-printable text", TOP CTE("quoted-printable") "\r\nhello=21\r\n" UU, "uuencode" },
	{ "x-uuencode", TOP OCTETS CTE("x-uuencode") "\r\n" UU, NULL },
	{ "quoted-printable", TOP OCTETS CTE("quoted-printable") "\r\n" QP, NULL },
	{ "no MIME-Version", "From: a@b.example\r\n" OCTETS CTE("base64") "\r\n" BASE64, "no_mime_version" },
	{ "no header field at first", "hello\r\n" TOP OCTETS CTE("base64") "\r\n" BASE64, NULL },
	{ "blank lines first", "\r\n\r\n" TOP OCTETS CTE("base64") "\r\n" BASE64, NULL },
	{ "blanks end the header", TOP OCTETS CTE("base64") " \r\nX: y\r\n" CTE("7bit") "\r\n" BASE64, NULL },
	{ "a line of blanks hides the multipart", TOP "X: y\r\n \r\n" MIXED "\r\n" TEXTPART "--b\r\n" OCTETS
		CTE("base64") "\r\n" BASE64 "\r\n" END, NULL },
	{ "blank before the colon", TOP "Content-Transfer-Encoding : base64\r\n\r\n" BASE64,
		"blank_before_colon" },
	{ "junk in the header", TOP "junk\r\n" OCTETS "more junk\r\n" CTE("base64") "\r\n" BASE64,
		"malformed_field" },
	{ "byte order mark", "\xef\xbb\xbf" TOP OCTETS CTE("base64") "\r\n" BASE64, "byte_order_mark" },
	{ "From line", "From a@b Mon Jan  1 00:00:00 2024\r\n" TOP OCTETS CTE("base64") "\r\n" BASE64, NULL },
	{ "folded encoding", TOP OCTETS "Content-Transfer-Encoding:\r\n base64\r\n\r\n" BASE64, NULL },
	{ "LF only", "MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\n" BASE64, NULL },
	{ "boundary without its semicolon", TOP "Content-Type: multipart/mixed\r\n\tboundary=b\r\n\r\n" TEXTPART
		"--b\r\n" OCTETS CTE("base64") "\r\n" BASE64 "\r\n" END, NULL },
	{ "LF before a delimiter in CRLF mail", TOP MIXED "\r\n" TEXTPART "--b\r\n" OCTETS "\r\n" PAYLOAD
		"\n" END, NULL },
	{ "an inner boundary again after its end", TOP MIXED "\r\n--b\r\nContent-Type: multipart/mixed; "
		"boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b\r\n\r\ny\r\n--c\r\n" OCTETS CTE("base64") "\r\n" BASE64
		"\r\n" END, "boundary_lookalike" },
	{ "digest", TOP "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n" TOP OCTETS CTE("base64")
		"\r\n" BASE64 "\r\n" END, NULL },
};

static bool has_defect(const struct mime *m, const char *name)
{
	for (size_t i = 0; i < m->defects; i++)
		if (strcmp(m->defect[i].name, name) == 0)
			return true;
	return false;
}

static struct mime *parse(const char *text, size_t len, const struct mime_limits *l, char **raw)
{
	struct mime *m = NULL;

	*raw = malloc(len + 1);
	memcpy(*raw, text, len);
	CHECK(mime_parse(*raw, len, l, &m) == ST_OK, "parse: %s", st_text());
	CHECK(memcmp(*raw, text, len) == 0, "the bytes were changed");
	return m;
}

static bool payload_seen(struct mime *m)
{
	struct buf b = { 0 };
	bool seen = false;

	for (size_t i = 0; i < m->parts; i++) {
		if (!part_has_bytes(&m->part[i]))
			continue;
		buf_clear(&b);
		CHECK(part_bytes(&m->source, &m->part[i], &b, NULL) == ST_OK, "%s", st_text());
		seen |= b.len && memmem(b.p, b.len, PAYLOAD, strlen(PAYLOAD));
	}
	buf_free(&b);
	return seen;
}

/* The record's `parts`, read back, give the same bytes. */
static void round_trip(struct mime *m, const char *name)
{
	struct buf json = { 0 }, a = { 0 }, b = { 0 };
	struct message_opts o = { .text = true, .html = true, .headers = true };
	struct part *part;
	struct part_source s = { .raw = m->raw, .len = m->len };
	size_t n;

	buf_chr(&json, '{');
	CHECK(message_json(m, &o, &json) == ST_OK, "%s: %s", name, st_text());
	buf_chr(&json, '}');
	CHECK(json_valid(json.p, json.len) == ST_OK, "%s: %s in %s", name, st_text(), json.p);
	CHECK(parts_of_json(json_get((struct span){ json.p, json.len }, "parts"), &part, &n) == ST_OK,
		"%s: %s", name, st_text());
	CHECK(n == m->parts, "%s: %zu of %zu parts", name, n, m->parts);
	s.part = part;
	s.parts = n;
	for (size_t i = 0; i < n && i < m->parts; i++) {
		buf_clear(&a);
		buf_clear(&b);
		part_bytes(&m->source, &m->part[i], &a, NULL);
		CHECK(part_bytes(&s, &part[i], &b, NULL) == ST_OK, "%s: %s", name, st_text());
		CHECK(a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0),
			"%s: part %s differs", name, part[i].id);
		if (part[i].kind != PART_MULTIPART && part[i].kind != PART_UU)
			CHECK(a.len == part[i].size, "%s: part %s: %zu bytes, not %zu", name, part[i].id,
				a.len, (size_t)part[i].size);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(part[i].id, part[j].id) != 0, "%s: two parts %s", name, part[i].id);
	}
	part_source_done(&s);
	parts_free(&part, n);
	buf_free(&json);
	buf_free(&a);
	buf_free(&b);
}

static void evasions(void)
{
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
		const struct row *r = &ROWS[i];
		char *raw;
		struct mime *m = parse(r->message, strlen(r->message), NULL, &raw);

		CHECK(payload_seen(m), "%s: the payload is in no part", r->name);
		if (r->defect)
			CHECK(has_defect(m, r->defect), "%s: no %s", r->name, r->defect);
		round_trip(m, r->name);
		mime_free(&m);
		free(raw);
	}
}

/* n multiparts, one in the other, with the payload in the innermost. */
static struct mime *nested(int n, char **raw)
{
	struct buf b = { 0 };
	struct mime *m;

	buf_str(&b, TOP);
	for (int i = 0; i < n; i++)
		buf_fmt(&b, "Content-Type: multipart/mixed; boundary=b%d_\r\n\r\n--b%d_\r\n", i, i);
	buf_str(&b, OCTETS CTE("base64") "\r\n" BASE64 "\r\n");
	while (n-- > 0)
		buf_fmt(&b, "--b%d_--\r\n", n);
	m = parse(b.p, b.len, NULL, raw);
	buf_free(&b);
	return m;
}

static void depth(void)
{
	static const int LEVELS[] = { MIME_MAX_DEPTH - 2, MIME_MAX_DEPTH - 1, MIME_MAX_DEPTH, 200, 1500 };

	for (size_t i = 0; i < sizeof(LEVELS) / sizeof(*LEVELS); i++) {
		char *raw;
		struct mime *m = nested(LEVELS[i], &raw);

		if (LEVELS[i] < MIME_MAX_DEPTH)
			CHECK(payload_seen(m) && !has_defect(m, "too_deep"), "%d levels", LEVELS[i]);
		else
			CHECK(has_defect(m, "too_deep"), "%d levels: no too_deep", LEVELS[i]);
		round_trip(m, "depth");
		mime_free(&m);
		free(raw);
	}
}

static void part_count(void)
{
	static const int PARTS[] = { MIME_MAX_PARTS - 2, MIME_MAX_PARTS - 1, MIME_MAX_PARTS, 5000 };

	for (size_t i = 0; i < sizeof(PARTS) / sizeof(*PARTS); i++) {
		struct buf b = { 0 };
		struct mime *m;
		char *raw;

		buf_str(&b, TOP MIXED "\r\n");
		for (int n = 0; n < PARTS[i]; n++)
			buf_fmt(&b, "--b\r\n\r\npart %d\r\n", n);
		buf_str(&b, END);
		m = parse(b.p, b.len, NULL, &raw);
		CHECK(has_defect(m, "too_many_parts") == (PARTS[i] + 1 > MIME_MAX_PARTS), "%d parts", PARTS[i]);
		CHECK(m->parts >= MIME_MAX_PARTS - 1 && m->parts <= MIME_MAX_PARTS + 20, "%zu", m->parts);
		mime_free(&m);
		free(raw);
		buf_free(&b);
	}
}

/* A byte that one reading masks (the blank of a blank line in the header) is content in another one: that content is
 * decoded as it is, or the parts in it would be out of place. */
static void masked(void)
{
	static const char text[] = "MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n"
		"no field\nSubject: x\n\t\nX-Y: z\n\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
		BASE64 "\n";
	char *raw;
	struct mime *m = parse(text, strlen(text), NULL, &raw);

	CHECK(m->parts > 2 && has_defect(m, "encoded_message"), "%zu parts", m->parts);
	round_trip(m, "masked");
	mime_free(&m);
	free(raw);
}

int main(void)
{
	mime_init();
	evasions();
	masked();
	depth();
	part_count();
	if (!failed)
		puts("ok");
	return failed;
}
