/*
 * cell.h - lines for people: columns of a table on a terminal, tab-separated fields in a pipe.
 *
 * Everything printed here may come from a stranger: control and bidi characters never reach the terminal (cli_safe), line
 * ends and tabs become blanks, and what does not fit is cut by columns, not by bytes.
 */
#ifndef WEIR_CELL_H
#define WEIR_CELL_H

#include <stdbool.h>
#include <stdio.h>
#include "buf.h"

#define CELLS_MAX 8

/* Prints s in exactly width columns, cut with an ellipsis or filled with blanks; width 0: as long as it is. */
void cell_print(FILE *f, const char *s, size_t len, int width);

/* A table: fixed columns have their width, those with width 0 share the rest. */
struct table {
	bool pretty;			/* columns with a heading; else fields and tabs */
	int columns, width[CELLS_MAX];	/* of a pretty one, as settled by table_begin */
	struct buf cell[CELLS_MAX];
};
/* widths: columns ints, 0 for those that share what is left (share[i] parts of it); titles are printed if pretty. */
void table_begin(struct table *t, bool pretty, int columns, const char *const *titles, const int *widths, const int *share);
/* Fill t->cell[], then: prints the row and clears the cells. */
void table_row(struct table *t);
void table_end(struct table *t);

#endif
