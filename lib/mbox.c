/*
 * mbox.c - an mboxrd splitter. See mbox.h.
 *
 * One line at a time; a line longer than the limit of a message is cut with it.
 */
#include <string.h>
#include "mbox.h"

#define MBOX_POSTMARK_MAX 1024	/* so much of a line is looked at for a postmark, and kept however small max is */

void mbox_init(struct mbox *m, size_t max, mbox_message_fn message, void *arg)
{
	*m = (struct mbox){ .max = max, .message = message, .arg = arg };
}

void mbox_done(struct mbox *m)
{
	buf_free(&m->text);
	buf_free(&m->line);
}

/* "hh:mm" somewhere, and the name of a month: what every postmark has
 * (asctime(3)'s date, with or without a zone) and hardly a sentence. */
static bool looks_like_postmark(const char *p, size_t n)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	bool month = false, clock = false;

	if (n > MBOX_POSTMARK_MAX)
		n = MBOX_POSTMARK_MAX;
	for (size_t i = 5; i + 4 < n; i++) {
		if (p[i - 1] == ' ' && p[i + 3] == ' ')
			for (const char *m = months; *m && !month; m += 3)
				month = !memcmp(m, p + i, 3);
		if (p[i + 2] == ':' && p[i] >= '0' && p[i] <= '2' && p[i + 1] >= '0'
		    && p[i + 1] <= '9' && p[i + 3] >= '0' && p[i + 3] <= '5')
			clock = true;
	}
	return month && clock;
}

static void add(struct mbox *m, const char *p, size_t n)
{
	size_t room = m->max - m->text.len;

	if (n > room) {
		n = room;
		m->truncated = true;
	}
	buf_add(&m->text, p, n);
}

/* The message is whole. One without a byte is none. */
static enum status deliver(struct mbox *m)
{
	enum status st = ST_OK;

	if (!buf_ok(&m->text))
		return st_fail(ST_NOMEM, "mbox: out of memory");
	if (m->in_message && m->text.len)
		st = m->message(m->arg, m->text.p, m->text.len, m->truncated);
	buf_clear(&m->text);
	m->blank = 0;
	m->truncated = false;
	return st;
}

static enum status take_line(struct mbox *m, const char *p, size_t n)
{
	bool from = n >= 5 && !memcmp(p, "From ", 5);
	bool empty = (n == 1 && p[0] == '\n') || (n == 2 && p[0] == '\r' && p[1] == '\n');
	size_t quotes = 0;

	if (!m->begun && !from)
		return st_fail(ST_BAD, "mbox: does not begin with \"From \"");
	if (from && (!m->begun || (m->after_blank && looks_like_postmark(p, n)))) {
		enum status st = deliver(m);
		m->begun = m->in_message = true;
		m->after_blank = false;
		return st;
	}
	while (quotes < n && p[quotes] == '>')
		quotes++;
	if (quotes && n - quotes >= 5 && !memcmp(p + quotes, "From ", 5))
		p++, n--;
	add(m, "\r\n" + 2 - m->blank, m->blank);
	m->after_blank = empty;
	m->blank = empty ? n : 0;
	if (!empty)
		add(m, p, n);
	return ST_OK;
}

enum status mbox_feed(struct mbox *m, const void *data, size_t n)
{
	const char *p = data, *end = p + n;

	while (p < end) {
		const char *nl = memchr(p, '\n', end - p);
		size_t len = nl ? (size_t)(nl + 1 - p) : (size_t)(end - p);
		enum status st;

		if (nl && !m->line.len) {	/* the usual case: no copy */
			st = take_line(m, p, len);
		} else {
			size_t room = m->max + MBOX_POSTMARK_MAX - m->line.len;
			buf_add(&m->line, p, len < room ? len : room);
			if (!buf_ok(&m->line))
				return st_fail(ST_NOMEM, "mbox: out of memory");
			if (!nl)
				return ST_OK;
			st = take_line(m, m->line.p, m->line.len);
			buf_clear(&m->line);
		}
		if (st != ST_OK)
			return st;
		p += len;
	}
	return ST_OK;
}

enum status mbox_end(struct mbox *m)
{
	enum status st = ST_OK;

	if (m->line.len)
		st = take_line(m, m->line.p, m->line.len);
	buf_clear(&m->line);
	return st == ST_OK ? deliver(m) : st;
}
