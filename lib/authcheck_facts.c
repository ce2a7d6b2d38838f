/* authcheck_facts.c - see authcheck.h: envelope and client of a message, from those who saw them. */
#include "authcheck.h"

#include <string.h>
#include <strings.h>
#include "seshead.h"

void auth_facts_free(struct auth_facts *f)
{
	buf_free(&f->from);
	buf_free(&f->helo);
	*f = (struct auth_facts){ 0 };
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The last byte c in p[0..n), or -1. */
static long last(const char *p, size_t n, char c)
{
	const char *at = memrchr(p, c, n);

	return at ? (long)(at - p) : -1;
}

bool ses_received(const char *p, size_t n, struct buf *helo, struct spf_ip *ip)
{
	static const char marker[] = "by inbound-smtp.";
	const char *by = memmem(p, n, marker, sizeof marker - 1);
	size_t len = by ? (size_t)(by - p) : 0, start = 0;
	long open, close, paren;

	/* Twice: one of them is the sender's, and nobody can tell which. */
	if (!by || memmem(by + 1, n - len - 1, marker, sizeof marker - 1))
		return false;
	while (len && blank(p[len - 1]))
		len--;
	if (len < 2 || p[len - 1] != ')')
		return false;
	open = last(p, len, '[');
	close = last(p, len, ']');
	if (open < 0 || close != (long)len - 2 || close < open
			|| !spf_ip(p + open + 1, (size_t)(close - open - 1), ip))
		return false;
	paren = last(p, (size_t)open, '(');
	if (paren < 0)
		return false;
	while (start < n && blank(p[start]))
		start++;
	if ((size_t)paren < start + 5 || strncasecmp(p + start, "from", 4) != 0 || !blank(p[start + 4]))
		return false;
	start += 5;
	while (paren > (long)start && blank(p[paren - 1]))
		paren--;
	/* A name with blanks or brackets in it is no name: then it is not known. */
	for (size_t i = start; i < (size_t)paren; i++)
		if (blank(p[i]) || p[i] == '(' || p[i] == ')' || p[i] == '\0')
			return true;
	buf_add(helo, p + start, (size_t)paren - start);
	return true;
}

/* SES writes it second, below Return-Path; seshead_parse() has seen that the block is SES's. */
static void from_ses(const char *raw, size_t len, struct auth_facts *f)
{
	struct seshead h;
	struct span received;

	seshead_parse(raw, len, &h);
	received = h.ses ? seshead_field(raw, len, "Received") : (struct span){ NULL, 0 };
	if (received.p && ses_received(received.p, received.len, &f->helo, &f->ip)) {
		f->ip_known = true;
		strcpy(f->ip_from, "ses-header");
	}
}

static bool text_of(struct span v, struct buf *b)
{
	buf_clear(b);
	return json_text(v, b);
}

enum status auth_facts_of(const struct rec *rec, const char *raw, size_t len, struct auth_facts *f)
{
	struct span source = rec_get(rec, "verdicts.source"), envelope = rec_get(rec, "envelope.source");
	struct buf ip = { 0 };

	buf_clear(&f->from);
	buf_clear(&f->helo);
	f->ip_known = false;
	f->ip_from[0] = '\0';
	/* "none" has an empty sender, but that is not the null sender. */
	f->from_known = json_type(envelope) == '"' && !json_is(envelope, "none") &&
		text_of(rec_get(rec, "envelope.from"), &f->from);
	if (text_of(rec_get(rec, "envelope.ip"), &ip)) {
		f->ip_known = spf_ip(buf_cstr(&ip), ip.len, &f->ip);
		text_of(rec_get(rec, "envelope.helo"), &f->helo);
		if (f->ip_known)
			strcpy(f->ip_from, "envelope");
	} else if (raw && (json_is(source, "ses-receipt") || json_is(source, "ses-header"))) {
		from_ses(raw, len, f);
	}
	if (f->from.failed || f->helo.failed || ip.failed) {
		buf_free(&ip);
		return st_fail(ST_NOMEM, "authentication: out of memory");
	}
	buf_free(&ip);
	return ST_OK;
}
