/* store_walk.h - walking the store's indices: shared by store_read.c, store_list.c and the checks. Not for others. */
#ifndef WEIR_STORE_WALK_H
#define WEIR_STORE_WALK_H

#include "store_priv.h"

#define PREFIX_MIN_DIGITS 6

/* The beginning of an id as people type it. */
struct prefix { uint8_t low[DIGEST_BYTES]; size_t digits; };
bool prefix_read(const char *hex, size_t digits_max, struct prefix *out);
bool prefix_fits(const struct prefix *p, const void *key);

typedef enum status (*walk_fn)(void *arg, uint64_t seq);
/* fn for each row PREFIX date id16 -> seq of the table, within the query's dates and in its order. ST_END at the end. */
enum status walk_index(struct store *s, enum table t, const uint8_t *prefix, size_t prefix_n,
	const struct store_query *q, walk_fn fn, void *arg);

typedef enum status (*message_fn)(void *arg, uint64_t seq, const struct msg_row *m, struct span content, struct span extra);
/* fn for each message that the query selects (its limit is the caller's). ST_END at the end. */
enum status each_message(struct store *s, const struct store_query *q, message_fn fn, void *arg);

struct query_hashes { uint8_t address[ID16], inbox[ID16]; };
enum status query_hashes(struct store *s, const struct store_query *q, struct query_hashes *out);

#endif
