/*
 * decode.c - base64, quoted-printable and uuencode, as streams.
 *
 * Mail readers are lenient and differ in how; what one of them shows must not
 * be hidden from the scanner. So we decode to the end, skip what does not
 * belong, and say so. Every decoder's result depends on the bytes alone, never
 * on how they were split over calls.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "decode.h"

#define BAD 0x80000000u

/* Sextets shifted to their place, so that four look-ups and three ORs make three
 * bytes: t[0..3][c]. The alphabet is RFC 2045's; '-' and '_' are junk in mail. */
static uint32_t t[4][256];

static void tables_init(void)
{
	static const char abc[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	if (t[0][0] == BAD)
		return;
	for (int i = 0; i < 256; i++)
		for (int k = 0; k < 4; k++)
			t[k][i] = BAD;
	for (uint32_t v = 0; v < 64; v++) {
		unsigned char c = (unsigned char)abc[v];

		t[0][c] = v << 2;
		t[1][c] = v >> 4 | (v & 15) << 12;
		t[2][c] = (v >> 2) << 8 | (v & 3) << 22;
		t[3][c] = v << 16;
	}
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* ---- the encoding's name ---- */

static bool name_is(const char *p, size_t n, const char *name)
{
	return strlen(name) == n && strncasecmp(p, name, n) == 0;
}

static size_t skip_blanks_and_comments(const char *p, size_t n, size_t i, bool *odd)
{
	while (i < n) {
		if (p[i] == '(') {
			const char *close = memchr(p + i, ')', n - i);

			*odd = true;
			i = close ? (size_t)(close - p) + 1 : n;
		} else if (isspace((unsigned char)p[i])) {
			i++;
		} else {
			break;
		}
	}
	return i;
}

static const struct encoding_known { const char *name; enum encoding enc; bool odd; const char *word; } known[] = {
	{ "7bit", ENC_IDENTITY, false, "7bit" }, { "8bit", ENC_IDENTITY, false, "8bit" },
	{ "binary", ENC_IDENTITY, false, "binary" }, { "base64", ENC_BASE64, false, NULL },
	{ "quoted-printable", ENC_QP, false, NULL }, { "x-uuencode", ENC_UU, false, NULL },
	{ "7-bit", ENC_IDENTITY, true, "7bit" }, { "8-bit", ENC_IDENTITY, true, "8bit" },
	{ "uuencode", ENC_UU, true, NULL }, { "x-uue", ENC_UU, true, NULL },
	{ "base-64", ENC_BASE64, true, NULL }, { "quotedprintable", ENC_QP, true, NULL },
};

enum encoding encoding_of(const char *value, size_t len, bool *odd_out, const char **word_out)
{
	bool odd = false;
	size_t i = skip_blanks_and_comments(value, len, 0, &odd);
	size_t begin, end;
	enum encoding enc = ENC_UNKNOWN;
	const char *word = NULL;

	while (i < len && (value[i] == '"' || value[i] == '\'')) {
		odd = true;
		i = skip_blanks_and_comments(value, len, i + 1, &odd);
	}
	begin = i;
	while (i < len && !isspace((unsigned char)value[i]) && !strchr("\"';(,", value[i]))
		i++;
	end = i;
	i = skip_blanks_and_comments(value, len, i, &odd);
	if (i < len)
		odd = true;
	if (begin == end && i == len)
		enc = ENC_IDENTITY;
	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
		if (name_is(value + begin, end - begin, known[k].name)) {
			enc = known[k].enc;
			odd |= known[k].odd;
			word = known[k].word;
		}
	}
	if (odd_out)
		*odd_out = odd || enc == ENC_UNKNOWN;
	if (word_out)
		*word_out = word ? word : encoding_name(enc);
	return enc;
}

const char *encoding_name(enum encoding e)
{
	switch (e) {
	case ENC_IDENTITY: return "7bit";
	case ENC_BASE64: return "base64";
	case ENC_QP: return "quoted-printable";
	case ENC_UU: return "x-uuencode";
	case ENC_UNKNOWN: break;
	}
	return "unknown";
}

/* ---- base64, RFC 2045 6.8 ---- */

/* Bytes of an unfinished group: 2 sextets make 1, 3 make 2. */
static void b64_flush(struct decoder *d, struct buf *out)
{
	if (d->have >= 2)
		buf_chr(out, (char)(d->acc & 255));
	if (d->have == 3)
		buf_chr(out, (char)(d->acc >> 8 & 255));
	d->acc = 0;
	d->have = 0;
}

/* One byte that the fast loop could not take. Returns the bytes it adds to w. */
static void b64_byte(struct decoder *d, unsigned char c, struct buf *out)
{
	if (t[0][c] != BAD) {
		if (d->padded)
			d->padding_inside = true;
		d->padded = false;
		d->acc |= t[d->have++][c];
		if (d->have == 4) {
			char b[3] = { (char)d->acc, (char)(d->acc >> 8), (char)(d->acc >> 16) };

			buf_add(out, b, 3);
			d->acc = 0;
			d->have = 0;
		}
	} else if (c == '=') {
		if (d->have == 1 || (d->have == 0 && !d->padded))
			d->junk = true;
		if (!d->skip_padding)
			b64_flush(d, out);
		d->padded = true;
		d->done = d->stop_at_padding;
	} else if (!isspace(c)) {
		d->junk = true;
	}
}

/* Whole groups, three bytes at w for four at *p; stops at the first other byte. */
static char *b64_groups(const unsigned char **p, const unsigned char *end, char *w)
{
	const unsigned char *s = *p;

	for (; end - s >= 4; s += 4) {
		uint32_t v = t[0][s[0]] | t[1][s[1]] | t[2][s[2]] | t[3][s[3]];

		if (v & BAD)
			break;
		w[0] = (char)v;
		w[1] = (char)(v >> 8);
		w[2] = (char)(v >> 16);
		w += 3;
	}
	*p = s;
	return w;
}

static void b64_feed(struct decoder *d, const unsigned char *p, size_t n, struct buf *out)
{
	const unsigned char *end = p + n;

	if (!buf_room(out, n / 4 * 3 + 8))
		return;
	while (p < end && !d->done) {
		if (d->have == 0 && !d->padded && end - p >= 4) {
			char *w = out->p + out->len;

			out->len += (size_t)(b64_groups(&p, end, w) - w);
			if (p == end)
				break;
		}
		b64_byte(d, *p++, out);
	}
	out->p[out->len] = '\0';
}

/* ---- quoted-printable, RFC 2045 6.7 ---- */

/* What waits in keep[0..kept): blanks and perhaps a CR, which a line end drops (rule 3);
 * or '=' and what followed it. A run of more blanks than keep holds is no
 * padding by a gateway: it is content (uu_state says that we are in one). */
static void qp_release(struct decoder *d, struct buf *out)
{
	buf_add(out, d->keep, d->kept);
	d->kept = 0;
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte after '='. True: it is used up. False: the '=' was content; look at the byte again. */
static bool qp_escape(struct decoder *d, unsigned char c, struct buf *out)
{
	unsigned char last = d->keep[d->kept - 1];

	if (c == '\n') {			/* a soft line break */
		d->kept = 0;
		return true;
	}
	if (d->kept == 1 && hex_value(c) >= 0) {
		d->keep[d->kept++] = c;
		return true;
	}
	if (d->kept == 2 && hex_value(last) >= 0 && hex_value(c) >= 0) {
		buf_chr(out, (char)(hex_value(last) << 4 | hex_value(c)));
		d->kept = 0;
		return true;
	}
	if ((is_blank(c) || c == '\r') && (d->kept == 1 || is_blank(last) || last == '\r') &&
			d->kept < sizeof(d->keep)) {
		d->keep[d->kept++] = c;
		return true;
	}
	d->soft_cr |= last == '\r';
	d->junk = true;
	qp_release(d, out);
	return false;
}

static void qp_byte(struct decoder *d, unsigned char c, struct buf *out)
{
	if (d->kept && d->keep[0] == '=' && qp_escape(d, c, out))
		return;
	if (c == '\n') {
		if (d->kept && d->keep[d->kept - 1] == '\r')
			buf_chr(out, '\r');
		buf_chr(out, '\n');
		d->kept = 0;
		d->uu_state = 0;
	} else if (is_blank(c) && !d->uu_state) {
		if (d->kept && d->keep[d->kept - 1] == '\r')
			qp_release(d, out);
		if (d->kept == sizeof(d->keep) - 1) {
			qp_release(d, out);
			d->uu_state = 1;
			buf_chr(out, (char)c);
		} else {
			d->keep[d->kept++] = c;
		}
	} else if (c == '\r') {
		if (d->kept && d->keep[d->kept - 1] == '\r')
			qp_release(d, out);
		d->keep[d->kept++] = c;
		d->uu_state = 0;
	} else if (c == '=') {
		qp_release(d, out);
		d->keep[d->kept++] = c;
		d->uu_state = 0;
	} else {
		if (d->kept)
			qp_release(d, out);
		buf_chr(out, (char)c);
		if (!is_blank(c))
			d->uu_state = 0;
	}
}

/* Text without '=', beginning in a clean state. Copies whole lines less their trailing blanks
 * and the last line up to its trailing blanks; returns the end of what was copied. */
static const unsigned char *qp_run(struct decoder *d, const unsigned char *p,
	const unsigned char *end, bool at_escape, struct buf *out)
{
	for (;;) {
		const unsigned char *nl = memchr(p, '\n', (size_t)(end - p));
		const unsigned char *stop = nl ? nl : end, *r;

		if (!nl && at_escape) {		/* blanks before '=' are content */
			buf_add(out, p, (size_t)(end - p));
			return end;
		}
		if (stop > p && stop[-1] == '\r')
			stop--;
		for (r = stop; r > p && is_blank(r[-1]); r--)
			;
		if (!nl || (size_t)(stop - r) >= sizeof(d->keep) - 1) {
			buf_add(out, p, (size_t)(r - p));
			return r;		/* qp_byte knows about the rest */
		}
		buf_add(out, p, (size_t)(r - p));
		buf_add(out, stop, (size_t)(nl + 1 - stop));
		p = nl + 1;
	}
}

static void qp_feed(struct decoder *d, const unsigned char *p, size_t n, struct buf *out)
{
	const unsigned char *end = p + n;

	while (p < end) {
		if (d->kept == 0 && d->uu_state == 0 && *p != '=') {
			const unsigned char *eq = memchr(p, '=', (size_t)(end - p));

			p = qp_run(d, p, eq ? eq : end, eq != NULL, out);
			if (p == end)
				break;
		}
		if (d->kept == 0 && *p == '=' && end - p >= 3 &&
				hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
			buf_chr(out, (char)(hex_value(p[1]) << 4 | hex_value(p[2])));
			d->uu_state = 0;
			p += 3;
			continue;
		}
		/* at least one byte, and until the state is clean again */
		do
			qp_byte(d, *p++, out);
		while (p < end && (d->kept || d->uu_state));
	}
}

static void qp_end(struct decoder *d, struct buf *out)
{
	if (d->kept >= 2 && d->keep[0] == '=' && hex_value(d->keep[1]) >= 0) {
		d->truncated = true;
		qp_release(d, out);
	} else if (d->kept && d->keep[d->kept - 1] == '\r' && d->keep[0] != '=') {
		buf_chr(out, '\r');
	}
	d->kept = 0;
}

/* ---- uuencode, POSIX ---- */

enum { UU_BEFORE, UU_DATA, UU_AFTER };

/* Whether a line is one that an encoder writes: its length fits its first
 * character (blanks at the end may have been cut off by a gateway). */
static bool uu_valid(const unsigned char *p, size_t n)
{
	size_t bytes, want;

	if (n == 0 || p[0] < 32 || p[0] > 96)
		return false;
	bytes = (p[0] - 32u) & 63;
	want = 1 + (bytes + 2) / 3 * 4;
	if (bytes == 0)
		return n <= 2;
	if (n > want + 2)		/* some add a checksum character */
		return false;
	for (size_t i = 1; i < n; i++)
		if (p[i] < 32 || p[i] > 96)
			return false;
	if (n >= want - 2)		/* some leave the last group unfilled */
		return true;
	return p[n - 1] != ' ' && bytes >= 30 && n > want / 2;
}

/* "begin 644 name"; Outlook takes "begin  name", too, and others any mode. Where the name begins, or 0. */
static size_t uu_begin(const unsigned char *p, size_t n)
{
	size_t at = 6;

	if (n < 8 || memcmp(p, "begin ", 6) != 0)
		return 0;
	while (at < n && p[at] >= '0' && p[at] <= '7')
		at++;
	while (at < n && p[at] == ' ')
		at++;
	return at > 6 && at < n && p[at - 1] == ' ' ? at : 0;
}

/* whole: missing groups are zeros. */
static void uu_decode_line(const unsigned char *p, size_t n, bool whole, struct buf *out)
{
	unsigned bytes = (p[0] - 32u) & 63;

	for (size_t i = 1; bytes > 0; i += 4) {
		unsigned char s[4];
		char b[3];
		unsigned k = bytes < 3 ? bytes : 3;

		if (i >= n)
			break;
		for (size_t j = 0; j < 4; j++)
			s[j] = i + j < n ? (p[i + j] - 32u) & 63 : 0;
		b[0] = (char)(s[0] << 2 | s[1] >> 4);
		b[1] = (char)(s[1] << 4 | s[2] >> 2);
		b[2] = (char)(s[2] << 6 | s[3]);
		buf_add(out, b, k);
		bytes -= k;
	}
	/* A gateway that cuts trailing blanks cut zeros. */
	for (; whole && bytes > 0; bytes--)
		buf_chr(out, '\0');
}

static void uu_line(struct decoder *d, const unsigned char *p, size_t n, struct buf *out)
{
	if (n && p[n - 1] == '\r')
		n--;
	if (d->uu_state == UU_AFTER || n == 0)
		return;
	if (uu_begin(p, n)) {
		d->uu_state = UU_DATA;
	} else if (n >= 3 && memcmp(p, "end", 3) == 0 && (n == 3 || is_blank(p[3]))) {
		if (d->uu_state == UU_DATA)
			d->uu_state = UU_AFTER;
	} else if (uu_valid(p, n)) {
		d->uu_state = UU_DATA;
		uu_decode_line(p, n, true, out);
	} else if (d->uu_state == UU_DATA && p[0] > 32 && p[0] <= 96) {
		d->junk = true;			/* as uudecode(1) does: masked */
		uu_decode_line(p, n, false, out);
	} else {
		d->junk = true;
	}
}

static void uu_feed(struct decoder *d, const unsigned char *p, size_t n, struct buf *out)
{
	const unsigned char *end = p + n;

	while (p < end) {
		const unsigned char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		size_t room = sizeof(d->keep) - d->kept;

		if (nl && d->kept == 0 && len <= sizeof(d->keep)) {
			uu_line(d, p, len, out);
		} else {			/* the first 128 bytes say it all */
			memcpy(d->keep + d->kept, p, len < room ? len : room);
			d->kept += len < room ? len : room;
			if (nl) {
				uu_line(d, d->keep, d->kept, out);
				d->kept = 0;
			}
		}
		p += len + (nl != NULL);
	}
}

/* ---- all of them ---- */

void decoder_init(struct decoder *d, enum encoding enc)
{
	tables_init();
	*d = (struct decoder){ .enc = enc };
}

void decoder_feed(struct decoder *d, const void *p, size_t n, struct buf *out)
{
	if (n == 0)
		return;
	switch (d->enc) {
	case ENC_BASE64: b64_feed(d, p, n, out); break;
	case ENC_QP: qp_feed(d, p, n, out); break;
	case ENC_UU: uu_feed(d, p, n, out); break;
	case ENC_IDENTITY:
	case ENC_UNKNOWN: buf_add(out, p, n); break;
	}
}

void decoder_end(struct decoder *d, struct buf *out)
{
	switch (d->enc) {
	case ENC_BASE64:
		if (d->have) {
			d->truncated = true;
			b64_flush(d, out);
		}
		break;
	case ENC_QP:
		qp_end(d, out);
		break;
	case ENC_UU:
		if (d->kept)
			uu_line(d, d->keep, d->kept, out);
		d->kept = 0;
		d->truncated = d->uu_state != UU_AFTER;
		break;
	case ENC_IDENTITY:
	case ENC_UNKNOWN:
		break;
	}
}

void decode_all(struct decoder *d, const void *p, size_t n, struct buf *out)
{
	decoder_feed(d, p, n, out);
	decoder_end(d, out);
}

/* ---- uuencode inside text ---- */

static size_t line_length(const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	size_t len = nl ? (size_t)(nl - p) : n;

	return len && p[len - 1] == '\r' ? len - 1 : len;
}

static size_t next_line(const char *text, size_t len, size_t at)
{
	const char *nl = at < len ? memchr(text + at, '\n', len - at) : NULL;

	return nl ? (size_t)(nl - text) + 1 : len;
}

/* The end of the "end" line at or after at, or of the text. */
static size_t uu_end(const char *text, size_t len, size_t at)
{
	while (at < len) {
		const char *e = memmem(text + at, len - at, "\nend", 4);
		size_t line = e ? (size_t)(e - text) + 1 : len;

		if (!e || line_length(text + line, len - line) == 3)
			return next_line(text, len, line);
		at = line;
	}
	return len;
}

bool uu_find(const char *text, size_t len, size_t from, struct uu_found *out)
{
	size_t at = from;

	while (at < len) {
		const char *b = memmem(text + at, len - at, "begin ", 6);
		size_t line, n, data, name;

		if (!b)
			return false;
		line = (size_t)(b - text);
		at = line + 6;
		if (line > 0 && text[line - 1] != '\n')
			continue;
		n = line_length(b, len - line);
		data = next_line(text, len, line);
		name = uu_begin((const unsigned char *)b, n);
		if (!name || data >= len)
			continue;
		if (!uu_valid((const unsigned char *)text + data,
				line_length(text + data, len - data)))
			continue;
		out->line = line;
		out->begin = data;
		out->end = uu_end(text, len, data - 1);
		out->name = b + name;
		out->name_len = n - name;
		while (out->name_len && isspace((unsigned char)out->name[out->name_len - 1]))
			out->name_len--;
		return true;
	}
	return false;
}
