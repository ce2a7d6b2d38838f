/*
 * redact.h - a raw message without the encoded bodies of some of its parts.
 *
 * Headers, boundaries and every other part stay byte for byte; where a removed body was, there is
 * nothing. A part inside an encoded container cannot be cut out of it: the outermost part, the one
 * whose bytes stand in the raw message, goes, and all that was in it.
 */
#ifndef WEIR_REDACT_H
#define WEIR_REDACT_H

#include "part.h"

struct byte_range { uint64_t begin, end; };
/* Sorts r[0..n), joins those that touch; returns how many are left. */
size_t ranges_merge(struct byte_range *r, size_t n);

/* gone[i]: part i shall go (in). On return: also those that go with it - whatever has bytes in what is removed,
 * another reading, a message around it. range (room for n) gets what to cut out of the raw message:
 * sorted, apart from each other, not empty. ST_BAD: a part is in one that is not there. */
enum status redact_plan(const struct part *part, size_t n, bool *gone,
	struct byte_range *range, size_t *ranges_out);
/* raw[0..len) without the ranges, appended to out. ST_BAD: one lies outside. ST_NOMEM. */
enum status redact(const char *raw, size_t len, const struct byte_range *range, size_t ranges,
	struct buf *out);

#endif
