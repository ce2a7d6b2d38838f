/*
 * sigdb.h - which signature files there are, and what is in them.
 *
 * libclamav has no version number for signatures that are not the official ones, so verdicts are
 * remembered under a digest of the files. Only files that libclamav would load count.
 */
#ifndef WEIR_SIGDB_H
#define WEIR_SIGDB_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "status.h"

struct sigdb;
/* Reads and digests the files of paths (folders, not deep; or files). ST_CONFIG: none there. */
enum status sigdb_open(const char *const *paths, size_t n, struct sigdb **out);
size_t sigdb_paths(const struct sigdb *d);		/* as given, or the default folder */
const char *sigdb_path(const struct sigdb *d, size_t i);
uint64_t sigdb_bytes(const struct sigdb *d);		/* of all files */
/* Appends a line per file: name, size, SHA-256; sorted. */
void sigdb_text(const struct sigdb *d, struct buf *out);
/* Whether names, sizes or times of the files are not what they were at sigdb_open. */
bool sigdb_changed(const struct sigdb *d);
void sigdb_close(struct sigdb **d);

#endif
