/*
 * file.h - files: whole reads, atomic writes, and the folders we may touch.
 */
#ifndef WEIR_FILE_H
#define WEIR_FILE_H

#include <stdint.h>
#include <sys/types.h>
#include "buf.h"
#include "status.h"

#define MESSAGE_MAX_BYTES (64u << 20)	/* SES takes 40 MB; more is refused */

/* Reads fd from offset to its end (or len bytes if len >= 0) into b (cleared first). At most max
 * bytes: more is ST_LIMIT. Reads with read(2), never mmap: a file cut short by
 * others must not be a SIGBUS. Fewer than len bytes there: ST_BAD. */
enum status file_read_fd(int fd, off_t offset, int64_t len, size_t max, struct buf *b);

/* Writes name in dirfd: temporary name, write, fsync, rename, fsync of the
 * folder (sync false: neither fsync). Mode 0600. Nothing is left behind on failure. */
enum status file_write_at(int dirfd, const char *name, const void *p, size_t n, bool sync);

enum status file_write_all(int fd, const void *p, size_t n);	/* whole, or ST_IO */
enum status file_mkdirs(const char *path, mode_t mode);		/* mkdir -p */
enum status file_rmtree(int dirfd, const char *name);		/* rm -r, stays on links; missing is OK */
enum status file_fsync_dir(const char *path);

/* ---- roots: the only folders whose files a record may name ---- */
struct roots;
/* An empty set. */
enum status roots_new(struct roots **out);
void roots_free(struct roots **r);
/* Adds a folder (made absolute, links resolved now). ST_NOTFOUND and so on. */
enum status roots_add(struct roots *r, const char *dir);
/* The default set of a filter that was given no -R: $WEIR_SPOOL (folders
 * separated by ':') or, without it, the current folder; and always
 * $WEIR_HOME/run/staging if it is there. */
enum status roots_default(struct roots *r, const char *home);
/* Opens an absolute path read-only if it lies beneath one of the roots, without leaving it by "..",
 * links or mounts of /proc (openat2 RESOLVE_BENEATH|NO_MAGICLINKS). Regular files only.
 * ST_DENIED otherwise, without telling whether the file exists. */
enum status roots_open(const struct roots *r, const char *path, int *fd_out);
/* Calls fn with a descriptor (O_PATH, still the roots') and the name of each root. */
enum status roots_each(const struct roots *r, enum status (*fn)(void *arg, int fd, const char *path),
	void *arg);
/* The same for unlink(2). */
enum status roots_unlink(const struct roots *r, const char *path);

#endif
