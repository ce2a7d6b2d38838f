/* lib/buf: a growing buffer whose failure is sticky. */
#include <stdint.h>
#include "buf.h"
#include "check.h"

static void grows_and_stays_terminated(void)
{
	struct buf b = { 0 };
	size_t i;

	CHECK_STR(buf_cstr(&b), "");
	for (i = 0; i < 5000; i++) {
		buf_chr(&b, (char)('a' + i % 26));
		CHECK(b.len == i + 1 && b.p[b.len] == '\0');
	}
	buf_clear(&b);
	CHECK(b.len == 0 && b.p[0] == '\0' && b.cap > 5000);
	buf_free(&b);
	CHECK(!b.p && !b.cap && !b.len);
}

static void room_is_exact(void)
{
	struct buf b = { 0 };
	size_t want;

	for (want = 0; want < 300; want++) {
		buf_free(&b);
		CHECK(buf_room(&b, want) && b.cap > want);
	}
	buf_free(&b);
}

static void formats_add_up(void)
{
	struct buf b = { 0 };
	int i;

	for (i = 0; i < 1000; i++)
		buf_fmt(&b, "%d,", i);
	CHECK(b.len == 10 * 2 + 90 * 3 + 900 * 4);
	CHECK_STR(b.p + b.len - 8, "998,999,");
	buf_free(&b);
}

static void embedded_nul_counts(void)
{
	struct buf b = { 0 };

	buf_add(&b, "a\0b", 3);
	CHECK(b.len == 3 && memcmp(b.p, "a\0b", 4) == 0);
	buf_add(&b, NULL, 0);
	CHECK(b.len == 3);
	buf_free(&b);
}

static void failure_is_sticky_and_keeps_what_is_there(void)
{
	struct buf b = { 0 };

	buf_str(&b, "kept");
	CHECK(!buf_room(&b, SIZE_MAX - 10));
	CHECK(!buf_ok(&b));
	buf_str(&b, "dropped");
	buf_fmt(&b, "%s", "dropped");
	buf_chr(&b, 'x');
	CHECK_STR(buf_cstr(&b), "kept");
	buf_clear(&b);
	CHECK(buf_ok(&b));
	buf_str(&b, "again");
	CHECK_STR(buf_cstr(&b), "again");
	buf_free(&b);
}

int main(void)
{
	grows_and_stays_terminated();
	room_is_exact();
	formats_add_up();
	embedded_nul_counts();
	failure_is_sticky_and_keeps_what_is_there();
	return CHECK_DONE();
}
