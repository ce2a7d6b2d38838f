/* Cells are as wide as they should be, whatever is in them. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"

static int failed;

static void is(const char *s, int width, const char *want)
{
	char *got = NULL;
	size_t n;
	FILE *f = open_memstream(&got, &n);

	cell_print(f, s, strlen(s), width);
	fclose(f);
	if (strcmp(got, want) != 0) {
		printf("\"%s\" in %d: \"%s\", not \"%s\"\n", s, width, got, want);
		failed = 1;
	}
	free(got);
}

int main(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	is("abc", 0, "abc");
	is("abc", 5, "abc  ");
	is("abc", 3, "abc");
	is("abcd", 3, "ab…");
	is("", 3, "   ");
	is("", 0, "");
	is("äöü", 3, "äöü");
	is("最初の", 6, "最初の");
	is("最初の", 5, "最初…");
	is("最初の", 4, "最… ");
	is("最", 1, "…");
	is("e\xcc\x81", 1, "e\xcc\x81");	/* a combining accent has no width */
	is("a\tb\r\nc", 0, "a b  c");
	is("a\x1b[2Jb", 0, "a\xef\xbf\xbd[2Jb");
	is("a\x1b[2Jb", 6, "a\xef\xbf\xbd[2Jb");
	is("a\x1b[2Jb", 4, "a\xef\xbf\xbd[…");
	if (!failed)
		puts("ok");
	return failed;
}
