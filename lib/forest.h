/*
 * forest.h - threads in memory: union-find over nodes, each set known by its smallest one.
 *
 * The same sets as the store makes of the same links, for as long as the process lives.
 */
#ifndef WEIR_FOREST_H
#define WEIR_FOREST_H

#include <stdbool.h>
#include "thread.h"

struct forest;
enum status forest_new(struct forest **out);	/* ST_NOMEM */
void forest_free(struct forest **f);
size_t forest_nodes(const struct forest *f);
bool forest_has(const struct forest *f, const struct node *n);
/* Puts a and b (which may be the same) into one set. ST_NOMEM: nothing changed. */
enum status forest_join(struct forest *f, const struct node *a, const struct node *b);
/* The smallest node of n's set; n itself if it is in none. */
struct node forest_min(struct forest *f, const struct node *n);

#endif
