/*
 * pool_child.h - what parent and worker of a pool say to each other (pool.c).
 *
 * Requests and replies are frames on one stream socket, answered in order. A
 * worker may keep replies back for POOL_LINGER_NS; so that the record a dead worker was at
 * is known all the same, it notes that in memory it shares with the parent.
 */
#ifndef WEIR_POOL_CHILD_H
#define WEIR_POOL_CHILD_H

#include <stdint.h>
#include "pool.h"

#define POOL_LINGER_NS 500000
#define POOL_START_SEQ UINT64_MAX	/* a reply with it: start() failed */
#define POOL_EXIT_MEMORY 99		/* a worker's exit status: out of memory */
#define POOL_MAX_TEXT 512

struct pool_request { uint64_t seq; uint32_t number, len; };	/* then the line */
struct pool_reply { uint64_t seq; uint32_t status, text_len, extra_len, unused; };
	/* then st_text(), then the members within { } */

struct pool_shared {
	uint64_t ready;		/* 1 after start() */
	uint64_t seq;		/* the record at work, 0: none */
	uint64_t busy_ns, count;	/* time spent, records done */
	uint64_t cpu_ms;	/* what SIGXCPU says is over */
};

uint64_t pool_now_ns(void);

/* The worker's life; fd is its end of the socket. */
_Noreturn void pool_child(const struct pool_opts *opts, int index, int fd,
	struct pool_shared *shared, pid_t parent);

#endif
