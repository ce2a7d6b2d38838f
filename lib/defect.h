/*
 * defect.h - the words for what was wrong with a message, weir-record(5).
 *
 * A defect is never an error: the message goes on, and says so. The table in defect.c is the only list.
 */
#ifndef WEIR_DEFECT_H
#define WEIR_DEFECT_H

#include <stddef.h>

struct defect_word {
	const char *name;	/* short snake_case */
	const char *meaning;	/* one line for people */
	/* Not every reading of the bytes could be offered as a part: weir-scan must answer `unscanned`
	 * with this reason. NULL: parts are complete. */
	const char *unscanned;
	int suspicious;		/* two programs may see different things: worth a policy */
};
extern const struct defect_word DEFECTS[];
extern const size_t DEFECTS_COUNT;

/* NULL: no such word. name need not end in NUL. */
const struct defect_word *defect_find(const char *name, size_t len);

#endif
