/*
 * scratch.h - folders in memory that nobody else can see, gone with the last process that has them.
 *
 * libclamav makes and removes a folder for each object it looks at, and files beside: on a disk's filesystem that is half
 * of the cost of looking at small mail. Each folder here is a tmpfs of its own that is mounted nowhere: no
 * name leads to it, it holds at most SCRATCH_BYTES, and kill -9 leaves no decoded malware behind.
 * Traps: a small filesystem fills up, and libclamav does not report that everywhere. So who uses one asks
 * scratch_meter_read() before and after: what was written in between could not have filled it, or
 * the result is worth nothing and the work is done again on the disk.
 */
#ifndef WEIR_SCRATCH_H
#define WEIR_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#define SCRATCH_BYTES	(64ull << 20)
#define SCRATCH_PAGE	4096

struct scratch { int fd; char path[40]; };	/* path: for this process and its children */

/* Makes n of them. As root, or in a user namespace of its own: so call it before threads, and before the sandbox, which
 * forbids both. False: neither may be had here, nothing has changed, and the disk has to do. */
bool scratch_open(struct scratch *out, int n);
void scratch_close(struct scratch *s, int n);

/* What this process has written up to now. `fd`: scratch_meter_open() in this very process. False: it cannot be told. */
struct scratch_meter { uint64_t bytes, writes; };
int scratch_meter_open(void);
bool scratch_meter_read(int fd, struct scratch_meter *out);
/* The most that what was written from a to b can have taken of a filesystem: the bytes, and a page for each write. */
uint64_t scratch_used(const struct scratch_meter *a, const struct scratch_meter *b);

#endif
