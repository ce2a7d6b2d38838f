/*
 * workdir.h - a scratch folder per worker process: BASE/scan.PID, private, removed when it ends.
 *
 * A scanner unpacks into it; one that is killed leaves decoded malware there. So: mode 0700, removed
 * by the parent as soon as the worker is gone, and by the next start if the parent died, too.
 */
#ifndef WEIR_WORKDIR_H
#define WEIR_WORKDIR_H

#include <stddef.h>
#include <sys/types.h>
#include "status.h"

/* Makes BASE/scan.PID, empty; its path into path. */
enum status workdir_make(const char *base, pid_t pid, char *path, size_t size);
/* Removes it with all that is in it. Missing: OK. */
enum status workdir_remove(const char *base, pid_t pid);
/* Removes those whose process is gone. */
enum status workdir_sweep(const char *base);

#endif
