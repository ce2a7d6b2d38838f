/* forest.c - see forest.h. Nodes are hashes already: their first bytes are the place in the table. */
#include <stdlib.h>
#include <string.h>

#include "forest.h"

struct tree { struct node node, min; uint32_t parent, size; };

struct forest {
	struct tree *tree;	/* tree[0] is nobody */
	size_t n, cap;
	uint32_t *slot;		/* 0: free */
	size_t slots;		/* a power of two, at most half full */
};

enum status forest_new(struct forest **out)
{
	*out = calloc(1, sizeof **out);
	return *out ? ST_OK : st_fail(ST_NOMEM, "threads: out of memory");
}

void forest_free(struct forest **f)
{
	if (!*f)
		return;
	free((*f)->tree);
	free((*f)->slot);
	free(*f);
	*f = NULL;
}

size_t forest_nodes(const struct forest *f)
{
	return f->n ? f->n - 1 : 0;
}

/* The slot that holds n, or the free one where it would be. */
static size_t slot_of(const struct forest *f, const struct node *n)
{
	uint64_t h;
	size_t i;

	memcpy(&h, n->b, sizeof h);
	for (i = h & (f->slots - 1); f->slot[i]; i = (i + 1) & (f->slots - 1))
		if (!memcmp(&f->tree[f->slot[i]].node, n, sizeof *n))
			break;
	return i;
}

static enum status grow(struct forest *f)
{
	size_t cap = f->cap ? 2 * f->cap : 1024, i;
	struct tree *tree = cap <= UINT32_MAX / 2 ? realloc(f->tree, cap * sizeof *tree) : NULL;
	uint32_t *slot;

	if (!tree)
		return st_fail(ST_NOMEM, "threads: out of memory");
	f->tree = tree;
	slot = calloc(2 * cap, sizeof *slot);
	if (!slot)
		return st_fail(ST_NOMEM, "threads: out of memory");
	free(f->slot);
	f->slot = slot;
	f->slots = 2 * cap;
	f->cap = cap;
	if (!f->n)
		f->n = 1;
	for (i = 1; i < f->n; i++)
		f->slot[slot_of(f, &f->tree[i].node)] = (uint32_t)i;
	return ST_OK;
}

bool forest_has(const struct forest *f, const struct node *n)
{
	return f->n && f->slot[slot_of(f, n)];
}

static enum status place(struct forest *f, const struct node *n, uint32_t *out)
{
	enum status st = f->n == f->cap ? grow(f) : ST_OK;
	size_t i;

	if (st != ST_OK)
		return st;
	i = slot_of(f, n);
	if (!f->slot[i]) {
		f->tree[f->n] = (struct tree){ *n, *n, (uint32_t)f->n, 1 };
		f->slot[i] = (uint32_t)f->n++;
	}
	*out = f->slot[i];
	return ST_OK;
}

static uint32_t root(struct forest *f, uint32_t i)
{
	while (f->tree[i].parent != i) {
		f->tree[i].parent = f->tree[f->tree[i].parent].parent;
		i = f->tree[i].parent;
	}
	return i;
}

enum status forest_join(struct forest *f, const struct node *a, const struct node *b)
{
	uint32_t x, y, swap;
	enum status st = place(f, a, &x);

	if (st == ST_OK)
		st = place(f, b, &y);
	if (st != ST_OK)
		return st;
	x = root(f, x);
	y = root(f, y);
	if (x == y)
		return ST_OK;
	if (f->tree[x].size < f->tree[y].size) {
		swap = x;
		x = y;
		y = swap;
	}
	f->tree[y].parent = x;
	f->tree[x].size += f->tree[y].size;
	if (memcmp(&f->tree[y].min, &f->tree[x].min, sizeof f->tree[x].min) < 0)
		f->tree[x].min = f->tree[y].min;
	return ST_OK;
}

struct node forest_min(struct forest *f, const struct node *n)
{
	uint32_t i = f->n ? f->slot[slot_of(f, n)] : 0;

	return i ? f->tree[root(f, i)].min : *n;
}
