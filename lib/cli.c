/* cli.c - see cli.h */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli.h"

static const char *prog = "weir";
static const char *help = "usage: weir\n";

/* A closed fd is filled with one that fails the way a closed one would:
 * stdin not readable, stdout not writable. */
static void fill_closed(int fd, int flags)
{
	int got;

	if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
		return;
	got = open("/dev/null", flags);
	if (got != fd)
		_exit(EX_WEIR_IO);
}

void cli_start(const char *prog_name, const char *help_text)
{
	prog = prog_name;
	help = help_text;
	fill_closed(0, O_WRONLY);
	fill_closed(1, O_RDONLY);
	fill_closed(2, O_RDWR);
	umask(077);
	if (!setlocale(LC_ALL, "C.UTF-8"))
		setlocale(LC_ALL, "C");
}

_Noreturn void cli_help(void)
{
	fputs(help, stdout);
	exit(cli_finish(EX_WEIR_OK));
}

_Noreturn void cli_version(void)
{
	printf("%s %s\n", prog, WEIR_VERSION);
	exit(cli_finish(EX_WEIR_OK));
}

/* The text of one line, control bytes made visible, in one write(2): lines of
 * several programs of a pipeline must not mix. */
static void say(const char *fmt, va_list ap)
{
	char text[1024];
	char line[sizeof text + 64];
	size_t i, n;

	vsnprintf(text, sizeof text, fmt, ap);
	n = (size_t)snprintf(line, 64, "%s: ", prog);
	if (n > 63)
		n = 63;
	for (i = 0; text[i] && n < sizeof line - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		line[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	line[n++] = '\n';
	if (write(2, line, n) < 0)
		return;
}

_Noreturn void cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, "%.*s\n", (int)strcspn(help, "\n"), help);
	exit(EX_WEIR_USAGE);
}

/* getopt names a short option in optopt; of a long one only argv knows. */
_Noreturn void cli_bad_option(char *const argv[], int opt)
{
	extern int optind, optopt;
	const char *word = optind > 0 ? argv[optind - 1] : NULL;
	const char *what = opt == ':' ? "needs an argument" : "is unknown or takes no argument";

	if (word && !strncmp(word, "--", 2))
		cli_usage("option %s %s", word, what);
	if (optopt > ' ' && optopt < 0x7f)
		cli_usage("option -%c %s", optopt, what);
	cli_usage("option %s %s", word ? word : "?", what);
}

void cli_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

int cli_fail(enum status st, const char *what)
{
	cli_warn("%s: %s", what, st_text());
	return st_exit(st);
}

int cli_finish(int status)
{
	int failed = ferror(stdout);

	if (fflush(stdout) != 0)
		failed = 1;
	if (close(1) != 0 && errno != EBADF && errno != EINTR)
		failed = 1;
	if (!failed)
		return status;
	cli_warn("standard output: %s", strerror(errno ? errno : EIO));
	return status == 0 || status == EX_WEIR_DATA || status == EX_WEIR_AGAIN
		? EX_WEIR_IO : status;
}

/* The length of the harmful character at s, or 0. C1 and bidi controls in UTF-8
 * are C2 80..9F, E2 80 AA..AE, E2 81 A6..A9 (RFC 3629). */
static size_t harmful(const unsigned char *s, size_t len)
{
	if (s[0] < 0x20 || s[0] == 0x7f)
		return 1;
	if (len >= 2 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
		return 2;
	if (len < 3 || s[0] != 0xe2)
		return 0;
	if (s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae)
		return 3;
	if (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)
		return 3;
	return 0;
}

void cli_safe(FILE *f, const char *s, size_t len, int multiline)
{
	size_t i = 0;

	while (i < len) {
		const unsigned char *p = (const unsigned char *)s + i;
		size_t n = harmful(p, len - i);

		if (n == 0 || (multiline && (*p == '\n' || *p == '\t'))) {
			putc(*p, f);
			i++;
		} else {
			fputs("\xef\xbf\xbd", f);
			i += n;
		}
	}
}
