/* verify_page.c - a verification as a page for people, see verify_print.h. */
#include <string.h>

#include "cell.h"
#include "cli.h"
#include "verify_print.h"

enum { GREEN = 32, YELLOW = 33, RED = 31, PLAIN = 0 };

static void coloured(FILE *f, bool colour, int code, const char *text, int width)
{
	if (colour && code != PLAIN)
		fprintf(f, "\033[%dm%-*s\033[0m", code, width, text);
	else
		fprintf(f, "%-*s", width, text);
}

static int colour_of(enum verdict v)
{
	return v == VERDICT_OK ? GREEN : v == VERDICT_TEMPERROR ? YELLOW : RED;
}

static void safe(FILE *f, const char *s) { cli_safe(f, s, strlen(s), 0); }

/* "expected" and "found" below a record that is not as it should be. */
static void details(FILE *f, const struct verify_row *r)
{
	struct buf text = { 0 };
	size_t i;

	if (r->expected) {
		fputs("             expected  ", f);
		safe(f, r->expected);
		fputc('\n', f);
	}
	for (i = 0; i < r->n_found; i++) {
		buf_clear(&text);
		if (r->found[i].type != r->type)
			buf_fmt(&text, "%s ", rr_type_name(r->found[i].type));
		verify_item_text(&r->found[i], &text);
		fputs("             found     ", f);
		cli_safe(f, buf_cstr(&text), text.len, 0);
		fputc('\n', f);
	}
	if (r->verdict == VERDICT_MISSING && r->n_found == 0)
		fputs("             found     nothing\n", f);
	if (r->why[0]) {
		fputs("             ", f);
		safe(f, r->why);
		fputc('\n', f);
	}
	buf_free(&text);
}

static void row(FILE *f, const struct verify_row *r, bool colour, int owner_width)
{
	fputs("  ", f);
	coloured(f, colour, colour_of(r->verdict), verdict_name(r->verdict), 9);
	fprintf(f, "  %-5s  ", rr_type_name(r->type));
	cell_print(f, r->owner, strlen(r->owner), owner_width);
	fprintf(f, "  %s%s\n", r->purpose ? r->purpose : "", r->at_parent ? " (in the parent zone)" : "");
	if (r->verdict != VERDICT_OK)
		details(f, r);
	if (r->note[0]) {
		fputs("             ", f);
		safe(f, r->note);
		fputc('\n', f);
	}
}

static void state_line(FILE *f, const struct verify *v, const struct verify_told *t, bool colour)
{
	enum vstate s = t->after->state;

	safe(f, v->domain);
	fprintf(f, " (%s): ", t->tenant);
	coloured(f, colour, s == VSTATE_SUCCESS ? GREEN : s == VSTATE_FAILED ? RED : YELLOW, vstate_name(s), 0);
	if (t->news == VNEWS_STATE && t->before->state != VSTATE_NOT_STARTED)
		fprintf(f, ", was %s", vstate_name(t->before->state));
	if (t->after->warned)
		fprintf(f, "; fails in %lld h unless this is mended",
			(long long)((t->after->warned + VERIFY_WARNED_S - t->after->checked + 3599) / 3600));
	fputc('\n', f);
}

static void order_of_work(FILE *f, const struct verify *v)
{
	int n = 0, order, max = 0;
	size_t i;

	for (i = 0; i < v->n_row; i++)
		max = v->row[i].order > max ? v->row[i].order : max;
	for (order = 1; order <= max; order++)
		for (i = 0; i < v->n_row; i++) {
			const struct verify_row *r = &v->row[i];

			if (r->order != order)
				continue;
			if (n++ == 0)
				fputs("  to do, in this order (weir-domain plan prints it as a zone diff):\n", f);
			fprintf(f, "  %3d. %s %s ", n, r->verdict == VERDICT_EXTRA ? "remove" : r->n_found ? "replace" : "add", rr_type_name(r->type));
			safe(f, r->owner);
			fputc('\n', f);
		}
}

void verify_page(FILE *f, const struct verify *v, const struct verify_told *t, bool colour)
{
	int width = 10;
	size_t i;

	state_line(f, v, t, colour);
	for (i = 0; i < v->n_row; i++)
		if ((int)strlen(v->row[i].owner) > width)
			width = (int)strlen(v->row[i].owner);
	width = width > 70 ? 70 : width;
	for (i = 0; i < v->n_row; i++)
		row(f, &v->row[i], colour, width);
	for (i = 0; i < v->n_finding; i++) {
		fputs("  ", f);
		coloured(f, colour, v->finding[i].grave ? RED : YELLOW, v->finding[i].code, 9);
		fputs("  ", f);
		safe(f, v->finding[i].text);
		fputc('\n', f);
	}
	order_of_work(f, v);
}
