/*
 * status.h - one set of results for every library call, and the one place
 * that turns them into exit statuses.
 *
 * Library code returns an enum status and neither prints nor exits. A call
 * that fails leaves one line about it in st_text(): what was tried, on what,
 * why. The text lives until the next failure in this process (one thread).
 */
#ifndef WEIR_STATUS_H
#define WEIR_STATUS_H

enum status {
	ST_OK = 0,
	ST_END,		/* nothing more to read: not a failure */
	ST_NOTFOUND,	/* what was named does not exist */
	ST_EXISTS,	/* what was to be made is there already */
	ST_BAD,		/* input that cannot be used, now or later */
	ST_LIMIT,	/* a named limit was reached */
	ST_AGAIN,	/* the same call may work later (lock, map full) */
	ST_NOMEM,	/* out of memory: the same as AGAIN for the caller */
	ST_IO,		/* reading or writing failed (also a full disk) */
	ST_DENIED,	/* permission, or a path outside the given folders */
	ST_SERVICE,	/* a service that is needed is not there */
	ST_CONFIG,	/* configuration or signatures unusable */
	ST_USAGE,	/* wrong usage of a program */
	ST_BUG		/* our own promise is broken */
};

/* sysexits(3) numbers, the only ones weir's programs end with. */
enum {
	EX_WEIR_OK = 0, EX_WEIR_NO = 1 /* only with -e */, EX_WEIR_USAGE = 64,
	EX_WEIR_DATA = 65, EX_WEIR_SERVICE = 69, EX_WEIR_BUG = 70,
	EX_WEIR_IO = 74, EX_WEIR_AGAIN = 75, EX_WEIR_CONFIG = 78
};

/* The exit status for a result: OK and END 0, NOTFOUND EXISTS BAD LIMIT 65,
 * AGAIN NOMEM 75, IO DENIED 74, SERVICE 69, CONFIG 78, USAGE 64, BUG 70. */
int st_exit(enum status st);

/* Of two exit statuses the one a program that met both should end with:
 * 70, 78, 64, 74, 69, 75, 65, 0 in falling order of weight. */
int st_worse(int exit_a, int exit_b);

/* The status that fits errno: ENOENT NOTFOUND, EEXIST EXISTS, EACCES EPERM
 * EROFS EXDEV ELOOP DENIED, ENOMEM NOMEM, EAGAIN EINTR EMFILE ENFILE AGAIN, else IO. */
enum status st_errno(int err);

/* Record why, and return st, so that `return st_fail(ST_BAD, "...", ...)`
 * is one line. The text is cut at 511 bytes; control bytes become '?'. */
enum status st_fail(enum status st, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* st_fail(st_errno(errno), "<fmt>: <strerror>"). Reads errno on entry. */
enum status st_fail_errno(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* The last failure's line, never NULL, valid until the next failure. */
const char *st_text(void);

#endif
