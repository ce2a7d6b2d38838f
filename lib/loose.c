/* loose.c - see loose.h. */
#include <string.h>

#include "loose.h"

#define PHASES 4		/* a reader may begin at another line, so at another place in a group */
#define PHASE_URL PHASES	/* one more: '-' and '_' read as '+' and '/', as JavaScript does (RFC 4648, 5) */
#define FOREIGN_MAX 2		/* junk in a line of base64: this many bytes, or a tenth */
#define LONG_LINE 16		/* a shorter one must be without */

struct finder {
	const char *raw;
	size_t len, header;
	struct loose *out;
	size_t n;
};

static bool has_url_letters(const char *p, size_t n)
{
	return memchr(p, '-', n) || memchr(p, '_', n);
}

static void add(struct finder *f, uint64_t begin, uint64_t end, enum encoding enc)
{
	int phases = enc != ENC_BASE64 ? 1 : has_url_letters(f->raw + begin, end - begin) ? PHASES + 1 : PHASES;

	if (f->n + (size_t)phases > LOOSE_MAX) {	/* full: the last ones reach to here */
		for (size_t i = f->n; i-- > 0 && i + PHASES + 1 >= f->n; )
			f->out[i].end = end;
		return;
	}
	for (int i = 0; i < phases; i++)
		f->out[f->n++] = (struct loose){ begin, end, enc, i };
}

static bool is_base64(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
		|| c == '+' || c == '/' || c == '=';
}

static bool is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

enum line { LINE_OTHER, LINE_BLANK, LINE_MIXED /* with a little junk */, LINE_PURE };

static enum line line_kind(const char *p, size_t n, bool in_header, size_t *letters_out)
{
	size_t letters = 0, padding = 0;

	if (in_header && n && (*p == ' ' || *p == '\t'))
		return LINE_OTHER;	/* a folded field: signatures, traces of spam filters */
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < n; i++) {
		padding += p[i] == '=';
		letters += p[i] != '=' && is_base64((unsigned char)p[i]);
	}
	size_t foreign = n - letters - (padding < 3 ? padding : 0);
	*letters_out = letters;
	if (n == 0)
		return LINE_BLANK;
	if (foreign == 0)
		return letters ? LINE_PURE : LINE_OTHER;
	return n >= LONG_LINE && (foreign <= FOREIGN_MAX || foreign * 10 <= n) ? LINE_MIXED : LINE_OTHER;
}

/* Runs of lines of base64 in [from, to), ended by CR or LF. They have enough letters in pure ones: a URL
 * or a field's value alone is no run. */
static void find_base64(struct finder *f, size_t from, size_t to)
{
	size_t begin = from, end = from, pure = 0, letters, next;
	bool inside = false;

	for (size_t at = from; at < to; at = next) {
		const char *nl = f->raw + at;
		while (nl < f->raw + to && *nl != '\n' && *nl != '\r')
			nl++;
		size_t stop = (size_t)(nl - f->raw);
		next = stop + 1;
		enum line kind = line_kind(f->raw + at, stop - at, at < f->header, &letters);
		if (kind >= LINE_MIXED) {
			if (!inside)
				begin = at;
			inside = true;
			end = stop;
			pure += kind == LINE_PURE ? letters : 0;
		}
		if (kind == LINE_OTHER) {
			if (pure >= LOOSE_MIN_BASE64)
				add(f, begin, end, ENC_BASE64);
			pure = 0;
			inside = false;
		}
	}
	if (pure >= LOOSE_MIN_BASE64)
		add(f, begin, end, ENC_BASE64);
}

/* One "=XX" or soft line break is enough to hide something. Not in the header, where parameters look like that. */
static void find_qp(struct finder *f, size_t from, size_t to)
{
	if (from < f->header)
		from = f->header < to ? f->header : to;
	const char *p = f->raw + from, *end = f->raw + to;

	while (p < end && (p = memchr(p, '=', (size_t)(end - p)))) {
		bool run = p > f->raw + from && p[-1] == '=';	/* "====57", as boundaries have it */
		p++;
		if (!run && p < end && (*p == '\n' || *p == '\r' || (end - p >= 2 && is_hex((unsigned char)p[0])
				&& is_hex((unsigned char)p[1])))) {
			add(f, from, to, ENC_QP);
			return;
		}
	}
}

/* Lines may end in CR alone for some reader: the same length, so the same offsets. */
static void find_uu(struct finder *f, size_t from, size_t to)
{
	struct uu_found u;
	struct buf lf = {0};

	if (!memmem(f->raw + from, to - from, "begin ", 6))
		return;
	cr_to_lf(f->raw + from, to - from, &lf);
	if (!buf_ok(&lf))	/* rather too much than nothing */
		add(f, from, to, ENC_UU);
	for (size_t at = 0; buf_ok(&lf) && uu_find(lf.p, lf.len, at, &u); at = u.end > at ? u.end : lf.len)
		add(f, from + u.line, from + u.end, ENC_UU);
	buf_free(&lf);
}

static void find_all(struct finder *f, size_t from, size_t to)
{
	if (from >= to)
		return;
	find_base64(f, from, to);
	find_qp(f, from, to);
	find_uu(f, from, to);
}

size_t loose_find(const char *raw, size_t len, size_t header, const struct byte_range *covered, size_t n,
	struct loose out[LOOSE_MAX])
{
	/* A header that goes to the end has swallowed a body. */
	struct finder f = { .raw = raw, .len = len, .header = header < len ? header : 0, .out = out };
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		find_all(&f, at, covered[i].begin < len ? covered[i].begin : len);
		at = covered[i].end > at ? covered[i].end : at;
	}
	find_all(&f, at, len);
	return f.n;
}

void loose_decode(const char *raw, const struct loose *l, struct buf *b)
{
	struct decoder d;
	uint64_t at = l->begin;

	for (int skip = l->phase % PHASE_URL; skip && at < l->end; at++)
		skip -= is_base64((unsigned char)raw[at]);
	decoder_init(&d, l->enc);
	if (l->enc == ENC_BASE64 && l->phase != PHASE_URL) {
		decode_all(&d, raw + at, l->end - at, b);
		return;
	}
	struct buf lf = {0};
	cr_to_lf(raw + at, l->end - at, &lf);
	for (size_t i = 0; l->enc == ENC_BASE64 && i < lf.len; i++)
		lf.p[i] = lf.p[i] == '-' ? '+' : lf.p[i] == '_' ? '/' : lf.p[i];
	if (buf_ok(&lf))
		decode_all(&d, lf.p, lf.len, b);
	else
		b->failed = true;
	buf_free(&lf);
}
