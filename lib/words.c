/*
 * words.c - RFC 2047.
 *
 *	encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
 *
 * Real mailers split a multibyte character, or a base64 group, between two words; put blanks into a word;
 * fold inside one; and glue words to text. So: adjacent words of one charset are decoded to bytes
 * first and converted together, and a word is whatever has the shape, wherever it stands.
 */
#include <string.h>
#include <strings.h>

#include "decode.h"
#include "header.h"

#define LANGUAGE_MAX 16

struct word { const char *cs, *text, *end; size_t cs_len, text_len; char enc; };

struct words {
	struct buf *out;
	int bits;
	const char *end, *close;	/* close: the next "?=", once looked for (end: none) */
	/* the words that are being joined */
	const char *cs;
	size_t cs_len;
	bool open;			/* there are some */
	struct buf bytes;		/* decoded, not yet converted */
	/* base64 words among them: as if each stood alone, and as if cut at random */
	struct buf apart, b64;
	bool last_cut, last_padded, cut, padded;
	struct buf text;		/* between words, unfolded */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* No line ends leave us: they would be new header fields to whoever prints the text. */
static void scrub(struct words *w, size_t from)
{
	for (size_t i = from; i < w->out->len; i++) {
		unsigned char c = (unsigned char)w->out->p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			w->bits |= HDR_CONTROL;
			if (c == '\r' || c == '\n')
				w->out->p[i] = ' ';
		}
	}
}

/* ---- joining ---- */

static void flush_base64(struct words *w)
{
	size_t sextets = 0;

	if (!w->apart.len && !w->b64.len)
		return;
	for (size_t i = 0; i < w->b64.len; i++)
		sextets += !is_blank(w->b64.p[i]);
	/* Cut inside a group, if all of it together comes out even; else padding was forgotten. */
	if (w->cut && !w->padded && sextets % 4 == 0) {
		struct decoder d;

		decoder_init(&d, ENC_BASE64);
		decode_all(&d, w->b64.p, w->b64.len, &w->bytes);
	} else {
		buf_add(&w->bytes, w->apart.p, w->apart.len);
	}
	w->out->failed |= w->apart.failed | w->b64.failed;
	buf_clear(&w->apart);
	buf_clear(&w->b64);
	w->last_cut = w->last_padded = w->cut = w->padded = false;
}

static void flush_words(struct words *w)
{
	size_t from = w->out->len;

	if (!w->open)
		return;
	flush_base64(w);
	w->bits |= charset_to_utf8(w->cs, w->cs_len, w->bytes.p, w->bytes.len, w->out);
	w->out->failed |= w->bytes.failed;
	scrub(w, from);
	buf_clear(&w->bytes);
	w->open = false;
}

static void add_base64(struct words *w, const char *p, size_t n)
{
	struct decoder d;

	w->cut |= w->last_cut;
	w->padded |= w->last_padded;
	decoder_init(&d, ENC_BASE64);
	decode_all(&d, p, n, &w->apart);
	buf_add(&w->b64, p, n);
	w->last_cut = d.truncated;
	w->last_padded = memchr(p, '=', n) != NULL;
}

static void add_q(struct words *w, const char *p, size_t n)
{
	flush_base64(w);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '_') {
			buf_chr(&w->bytes, ' ');
		} else if (p[i] == '=' && i + 2 < n && hex_value(p[i + 1]) >= 0 && hex_value(p[i + 2]) >= 0) {
			buf_chr(&w->bytes, (char)(hex_value(p[i + 1]) << 4 | hex_value(p[i + 2])));
			i += 2;
		} else if (p[i] == '\r' || p[i] == '\n') {
			while (i + 1 < n && is_blank(p[i + 1]))
				i++;
		} else {
			buf_chr(&w->bytes, p[i]);
		}
	}
}

/* UTF-7 ends its shift with the word (RFC 1642): joining would run two together. */
static bool joinable(const char *cs, size_t n)
{
	return !(n >= 4 && cs[n - 1] == '7' &&
		(strncasecmp(cs + n - 4, "utf7", 4) == 0 || (n >= 5 && strncasecmp(cs + n - 5, "utf-7", 5) == 0)));
}

static void add_word(struct words *w, const struct word *word)
{
	if (w->open && (w->cs_len != word->cs_len || !joinable(word->cs, word->cs_len) ||
			strncasecmp(w->cs, word->cs, word->cs_len) != 0))
		flush_words(w);
	w->open = true;
	w->cs = word->cs;
	w->cs_len = word->cs_len;
	if (word->enc == 'B')
		add_base64(w, word->text, word->text_len);
	else
		add_q(w, word->text, word->text_len);
}

/* ---- finding ---- */

/* The first "?=" at or after p. Looked for once per place, so that a field
 * full of "=?x?q?" is not searched to its end for each. */
static const char *find_close(struct words *w, const char *p)
{
	if (!w->close || w->close < p) {
		w->close = memmem(p, (size_t)(w->end - p), "?=", 2);
		if (!w->close)
			w->close = w->end;
	}
	return w->close;
}

/* p is at "=?". */
static bool word_at(struct words *w, const char *p, struct word *out)
{
	const char *q = p + 2, *star = NULL;

	out->cs = q;
	while (q < w->end && *q > ' ' && *q < 0x7f && *q != '?' && q - out->cs <= CHARSET_NAME_MAX + LANGUAGE_MAX) {
		if (*q == '*' && !star)
			star = q;
		q++;
	}
	if (w->end - q < 3 || q[0] != '?' || q[2] != '?')
		return false;
	out->cs_len = (size_t)((star ? star : q) - out->cs);
	out->enc = (char)(q[1] & ~0x20);
	if (out->enc != 'Q' && out->enc != 'B') {
		w->bits |= HDR_BAD_WORD;
		return false;
	}
	out->text = q + 3;
	out->end = find_close(w, out->text);
	out->text_len = (size_t)(out->end - out->text);
	/* The "?=" of a later word is not ours. */
	if (out->end == w->end || memmem(out->text, out->text_len, " =?", 3)) {
		w->bits |= HDR_BAD_WORD;
		return false;
	}
	out->end += 2;
	return true;
}

/* Text between words, folds made one space. */
static void add_text(struct words *w, const char *p, size_t n)
{
	size_t from = w->out->len;

	if (n == 0)
		return;
	buf_clear(&w->text);
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\r' && p[i] != '\n') {
			buf_chr(&w->text, p[i]);
			continue;
		}
		while (w->text.len && is_blank(w->text.p[w->text.len - 1]))
			w->text.len--;
		while (i + 1 < n && is_blank(p[i + 1]))
			i++;
		buf_chr(&w->text, ' ');
	}
	w->bits |= charset_to_utf8(NULL, 0, w->text.p, w->text.len, w->out);
	w->out->failed |= w->text.failed;
	scrub(w, from);
}

static bool all_blank(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p == end;
}

int words_text(const char *p, size_t n, struct buf *out)
{
	struct words w = { .out = out, .end = p + n };
	const char *text = p, *q = p;

	while (q < w.end && !out->failed) {
		struct word word;

		q = memmem(q, (size_t)(w.end - q), "=?", 2);
		if (!q)
			break;
		if (!word_at(&w, q, &word)) {
			q += 2;
			continue;
		}
		if (!w.open || !all_blank(text, q)) {
			flush_words(&w);
			add_text(&w, text, (size_t)(q - text));
		}
		add_word(&w, &word);
		text = q = word.end;
	}
	flush_words(&w);
	add_text(&w, text, (size_t)(w.end - text));
	buf_free(&w.bytes);
	buf_free(&w.apart);
	buf_free(&w.b64);
	buf_free(&w.text);
	return w.bits;
}

static bool printable_ascii(const char *p, size_t n)
{
	unsigned char bad = 0;

	for (size_t i = 0; i < n; i++)
		bad |= (unsigned char)((unsigned char)(p[i] - 0x20) > 0x5e);
	return !bad;
}

int header_text(const char *p, size_t n, struct buf *out)
{
	while (n && is_blank(p[0])) {
		p++;
		n--;
	}
	while (n && is_blank(p[n - 1]))
		n--;
	if (n == 0)
		return 0;
	if (printable_ascii(p, n) && !memmem(p, n, "=?", 2)) {
		buf_add(out, p, n);
		return 0;
	}
	return words_text(p, n, out);
}
