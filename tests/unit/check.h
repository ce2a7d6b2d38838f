/* check.h - the least that unit tests need: say what failed where, and go on. */
#ifndef WEIR_CHECK_H
#define WEIR_CHECK_H

#include <stdio.h>
#include <string.h>

static int check_failures;

#define CHECK(what) do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			check_failures++; \
		} \
	} while (0)
#define CHECK_STR(got, want) do { \
		const char *g_ = (got), *w_ = (want); \
		if (strcmp(g_, w_) != 0) { \
			fprintf(stderr, "%s:%d: got  %s\n\twant %s\n", __FILE__, __LINE__, g_, w_); \
			check_failures++; \
		} \
	} while (0)
/* The end of main. */
#define CHECK_DONE() (puts(check_failures ? "failed" : "ok"), check_failures != 0)

#endif
