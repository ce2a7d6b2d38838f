/*
 * cell.c - see cell.h.
 */
#include "cell.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli.h"

#define GAP 2		/* blanks between columns */
#define NARROWEST 8	/* a shared column is never less */

/* Columns of the terminal: $COLUMNS, or what stdout says, or 80. */
static int cell_width(void)
{
	const char *env = getenv("COLUMNS");
	struct winsize ws;
	int n = env != NULL ? atoi(env) : 0;

	if (n <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		n = ws.ws_col;
	return n <= 0 ? 80 : n > 1000 ? 1000 : n;
}

/* One character: its bytes, and its columns in *cols. Bytes that are none count as one. */
static size_t character(const char *s, size_t len, int *cols)
{
	mbstate_t state = { 0 };
	wchar_t wc;
	size_t n = mbrtowc(&wc, s, len, &state);

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
		*cols = 1;
		return 1;
	}
	*cols = wcwidth(wc);
	if (*cols < 0)
		*cols = 1;	/* becomes U+FFFD */
	return n;
}

/* How many bytes fit into width columns; all of them if everything does. */
static size_t fitting(const char *s, size_t len, int width, int *used)
{
	size_t i = 0, n;
	int cols;

	for (*used = 0; i < len; i += n, *used += cols) {
		n = character(s + i, len - i, &cols);
		if (*used + cols > width)
			break;
	}
	return i;
}

static void put_safe(FILE *f, const char *s, size_t len)
{
	size_t n;

	for (; len > 0; s += n, len -= n) {
		n = strcspn(s, "\t\r\n");
		n = n < len ? n : len;
		cli_safe(f, s, n, 0);
		if (n < len) {
			putc(' ', f);
			n++;
		}
	}
}

void cell_print(FILE *f, const char *s, size_t len, int width)
{
	int used;
	size_t n;

	if (width <= 0) {
		put_safe(f, s, len);
		return;
	}
	n = fitting(s, len, width, &used);
	if (n < len) {
		n = fitting(s, len, width - 1, &used);
		put_safe(f, s, n);
		fputs("\xe2\x80\xa6", f);
		used++;
	} else {
		put_safe(f, s, n);
	}
	fprintf(f, "%*s", width - used, "");
}

static void settle(struct table *t, const int *widths, const int *share)
{
	int rest = cell_width() - GAP * (t->columns - 1), parts = 0;

	for (int i = 0; i < t->columns; i++) {
		rest -= widths[i];
		parts += widths[i] == 0 ? share[i] : 0;
	}
	for (int i = 0; i < t->columns; i++) {
		t->width[i] = widths[i];
		if (widths[i] == 0)
			t->width[i] = rest * share[i] / parts < NARROWEST ? NARROWEST : rest * share[i] / parts;
	}
}

void table_begin(struct table *t, bool pretty, int columns, const char *const *titles, const int *widths, const int *share)
{
	memset(t, 0, sizeof(*t));
	t->pretty = pretty;
	t->columns = columns;
	if (!pretty)
		return;
	settle(t, widths, share);
	for (int i = 0; i < columns; i++)
		buf_str(&t->cell[i], titles[i]);
	table_row(t);
}

void table_row(struct table *t)
{
	int last = t->columns - 1;

	for (int i = 0; i <= last; i++) {
		struct buf *b = &t->cell[i];

		/* No blanks at the end of a line. */
		if (t->pretty && i == last && fitting(buf_cstr(b), b->len, t->width[i], &(int){ 0 }) == b->len)
			cell_print(stdout, buf_cstr(b), b->len, 0);
		else
			cell_print(stdout, buf_cstr(b), b->len, t->pretty ? t->width[i] : 0);
		if (i < last)
			fputs(t->pretty ? "  " : "\t", stdout);
		buf_clear(b);
	}
	putchar('\n');
}

void table_end(struct table *t)
{
	for (int i = 0; i < CELLS_MAX; i++)
		buf_free(&t->cell[i]);
}
