/* lib/status: results, their exit statuses, and the line that says why. */
#include <errno.h>
#include "check.h"
#include "status.h"

static void every_status_has_its_exit(void)
{
	static const struct { enum status st; int exit; } table[] = {
		{ ST_OK, 0 }, { ST_END, 0 }, { ST_NOTFOUND, 65 }, { ST_EXISTS, 65 }, { ST_BAD, 65 },
		{ ST_LIMIT, 65 }, { ST_AGAIN, 75 }, { ST_NOMEM, 75 }, { ST_IO, 74 },
		{ ST_DENIED, 74 }, { ST_SERVICE, 69 }, { ST_CONFIG, 78 }, { ST_USAGE, 64 },
		{ ST_BUG, 70 }, { (enum status)99, 70 },
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		CHECK(st_exit(table[i].st) == table[i].exit);
}

static void the_worse_of_two_wins_whatever_the_order(void)
{
	static const int falling[] = { 70, 78, 64, 74, 69, 75, 65, 1, 0 };
	size_t i, j;

	for (i = 0; i < sizeof falling / sizeof *falling; i++)
		for (j = i; j < sizeof falling / sizeof *falling; j++) {
			CHECK(st_worse(falling[i], falling[j]) == falling[i]);
			CHECK(st_worse(falling[j], falling[i]) == falling[i]);
		}
}

static void errno_becomes_a_status(void)
{
	CHECK(st_errno(ENOENT) == ST_NOTFOUND);
	CHECK(st_errno(EEXIST) == ST_EXISTS);
	CHECK(st_errno(EACCES) == ST_DENIED && st_errno(EXDEV) == ST_DENIED);
	CHECK(st_errno(ENOMEM) == ST_NOMEM);
	CHECK(st_errno(EMFILE) == ST_AGAIN);
	CHECK(st_errno(ENOSPC) == ST_IO && st_errno(EIO) == ST_IO);
}

static void the_text_is_one_clean_line(void)
{
	char big[2000];

	CHECK(st_fail(ST_BAD, "a\nb\x1b[31m\x7f") == ST_BAD);
	CHECK_STR(st_text(), "a?b?[31m?");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	st_fail(ST_BAD, "%s", big);
	CHECK(strlen(st_text()) == 511);
	errno = ENOENT;
	CHECK(st_fail_errno("open %s", "/x") == ST_NOTFOUND);
	CHECK_STR(st_text(), "open /x: No such file or directory");
}

static void the_text_may_be_part_of_the_next(void)
{
	st_fail(ST_BAD, "inner");
	st_fail(ST_BAD, "line %d: %s", 3, st_text());
	CHECK_STR(st_text(), "line 3: inner");
}

int main(void)
{
	every_status_has_its_exit();
	the_worse_of_two_wins_whatever_the_order();
	errno_becomes_a_status();
	the_text_is_one_clean_line();
	the_text_may_be_part_of_the_next();
	return CHECK_DONE();
}
