/*
 * clamd.h - asking a ClamAV daemon: zINSTREAM and zFILDES (clamd(8)).
 *
 * Only the exact answer ": OK" is clean and only " FOUND" is a find; everything else - an
 * error, half an answer, a closed connection, too much - is an error. One connection a question.
 */
#ifndef WEIR_CLAMD_H
#define WEIR_CLAMD_H

#include <stddef.h>
#include "status.h"

#define CLAMD_REPLY_MAX 1024

enum clamd_answer { CLAMD_ERROR, CLAMD_OK, CLAMD_FOUND, CLAMD_TOO_BIG };

/* Whether it answers PONG, and its VERSION line into version. ST_SERVICE. */
enum status clamd_ping(const char *socket, char *version, size_t size);
/* Sends the bytes over the connection. name gets the signature or the error's text. */
enum clamd_answer clamd_instream(const char *socket, const void *p, size_t n, unsigned timeout_ms,
	char *name, size_t name_size);
/* Hands over a descriptor (of a file, or of a memfd: no path and no permission is needed). */
enum clamd_answer clamd_fildes(const char *socket, int fd, unsigned timeout_ms,
	char *name, size_t name_size);
/* The answer in one reply line (its end not included). For tests. */
enum clamd_answer clamd_reply(const char *line, size_t n, char *name, size_t name_size);

#endif
