/* What is cut out of a message, and what goes with it. */
#include <stdio.h>
#include <string.h>

#include "redact.h"

#define CHECK(x) do { if (!(x)) { printf("%d: %s\n", __LINE__, #x); failed = 1; } } while (0)
static int failed;

static const char raw[] = "0123456789abcdefghij";
#define LEAF(i, b, e) { .id = i, .kind = PART_LEAF, .begin = b, .end = e }

/* The message without the parts in `go`, and the ids of all that is gone. */
static void cut(struct part *p, size_t n, const char *go, const char *left, const char *gone_ids)
{
	struct byte_range range[8];
	bool gone[8] = { false };
	struct buf out = { 0 }, ids = { 0 };
	size_t k;

	for (size_t i = 0; i < n; i++)
		gone[i] = strstr(go, p[i].id) != NULL;
	CHECK(redact_plan(p, n, gone, range, &k) == ST_OK);
	CHECK(redact(raw, strlen(raw), range, k, &out) == ST_OK);
	for (size_t i = 0; i < n; i++)
		if (gone[i])
			buf_fmt(&ids, "%s ", p[i].id);
	if (strcmp(buf_cstr(&out), left) || strcmp(buf_cstr(&ids), gone_ids)) {
		printf("%s: %s, %s\n", go, buf_cstr(&out), buf_cstr(&ids));
		failed = 1;
	}
	buf_free(&out);
	buf_free(&ids);
}

int main(void)
{
	struct part two[] = { LEAF("a", 2, 4), LEAF("b", 6, 10) };
	struct part nest[] = {
		{ .id = "m", .kind = PART_MESSAGE, .encoding = ENC_BASE64, .begin = 4, .end = 8 },
		{ .id = "x", .kind = PART_LEAF, .in = "m", .begin = 0, .end = 9 },
		{ .id = "y", .kind = PART_LEAF, .in = "m", .begin = 10, .end = 12 },
		LEAF("z", 8, 12) };
	struct part other[] = { LEAF("t", 2, 8),
		{ .id = "r", .kind = PART_ALTERNATE, .begin = 4, .end = 6, .scan_only = true, .of = "t" },
		{ .id = "w", .kind = PART_MULTIPART, .begin = 0, .end = 20 }, LEAF("e", 5, 5) };
	struct byte_range bad[] = { { 4, 30 } }, upside[] = { { 6, 8 }, { 2, 4 } };
	struct part lost[] = { { .id = "q", .kind = PART_LEAF, .in = "nowhere", .begin = 0, .end = 1 } };
	struct part circle[] = { { .id = "q", .kind = PART_LEAF, .in = "q", .begin = 0, .end = 1 } };
	struct byte_range range[2];
	struct buf out = { 0 };
	bool gone[1] = { true };
	size_t k;

	cut(two, 2, "", raw, "");
	cut(two, 2, "a", "01456789abcdefghij", "a ");
	cut(two, 2, "ab", "0145abcdefghij", "a b ");
	cut(nest, 4, "y", "012389abcdefghij", "m x y ");
	cut(nest, 4, "yz", "0123cdefghij", "m x y z ");
	cut(other, 4, "r", "01236789abcdefghij", "t r ");	/* the part it is a reading of has those bytes, too */
	CHECK(redact(raw, 20, bad, 1, &out) == ST_BAD);
	CHECK(redact(raw, 20, upside, 2, &out) == ST_BAD);
	CHECK(redact_plan(lost, 1, gone, range, &k) == ST_BAD);
	CHECK(redact_plan(circle, 1, gone, range, &k) == ST_BAD);
	buf_free(&out);
	if (!failed)
		printf("ok\n");
	return failed;
}
