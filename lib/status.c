/* status.c - see status.h */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "status.h"

static char last_text[512];

int st_exit(enum status st)
{
	switch (st) {
	case ST_OK: case ST_END:
		return EX_WEIR_OK;
	case ST_NOTFOUND: case ST_EXISTS: case ST_BAD: case ST_LIMIT:
		return EX_WEIR_DATA;
	case ST_AGAIN: case ST_NOMEM:
		return EX_WEIR_AGAIN;
	case ST_IO: case ST_DENIED:
		return EX_WEIR_IO;
	case ST_SERVICE:
		return EX_WEIR_SERVICE;
	case ST_CONFIG:
		return EX_WEIR_CONFIG;
	case ST_USAGE:
		return EX_WEIR_USAGE;
	case ST_BUG:
		break;
	}
	return EX_WEIR_BUG;
}

int st_worse(int exit_a, int exit_b)
{
	static const int falling[] = { 70, 78, 64, 74, 69, 75, 65, 1, 0 };
	size_t i;

	for (i = 0; i < sizeof falling / sizeof *falling; i++)
		if (exit_a == falling[i] || exit_b == falling[i])
			return falling[i];
	return EX_WEIR_BUG;
}

enum status st_errno(int err)
{
	switch (err) {
	case ENOENT: case ENOTDIR:
		return ST_NOTFOUND;
	case EEXIST:
		return ST_EXISTS;
	case EACCES: case EPERM: case EROFS: case EXDEV: case ELOOP:
		return ST_DENIED;
	case ENOMEM:
		return ST_NOMEM;
	case EAGAIN: case EINTR: case EMFILE: case ENFILE:
		return ST_AGAIN;
	default:
		return ST_IO;
	}
}

/* By way of a second buffer: st_text() may be among the arguments. */
static void set_text(const char *fmt, va_list ap, const char *why)
{
	char text[sizeof last_text];
	size_t len, i;
	int n;

	n = vsnprintf(text, sizeof text, fmt, ap);
	len = n < 0 ? 0 : strlen(text);
	if (why)
		snprintf(text + len, sizeof text - len, ": %s", why);
	for (i = 0; text[i]; i++)
		last_text[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	last_text[i] = '\0';
}

enum status st_fail(enum status st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_text(fmt, ap, NULL);
	va_end(ap);
	return st;
}

enum status st_fail_errno(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	set_text(fmt, ap, strerror(err));
	va_end(ap);
	return st_errno(err);
}

const char *st_text(void)
{
	return last_text;
}
