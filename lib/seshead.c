/*
 * seshead.c - the header block that Amazon SES puts on top. See seshead.h.
 *
 * Results are SES's own words: RFC 8601's are made of them in weir-auth.
 */
#include <string.h>
#include <strings.h>
#include "seshead.h"

struct field { const char *name; size_t name_len; const char *body; size_t body_len; };

static const char *const words[] = { NULL, "PASS", "DISABLED", "GRAY",
	"PROCESSING_FAILED", "UNKNOWN", "FAIL" };
static const char *const policies[] = { NULL, "none", "quarantine", "reject" };

static bool same(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(s, word, len);
}

enum ses_word ses_word(const char *s, size_t len)
{
	for (int i = SES_PASS; i <= SES_FAIL; i++)
		if (same(s, len, words[i]))
			return i;
	return SES_UNKNOWN;
}

const char *ses_word_name(enum ses_word w) { return words[w]; }
const char *ses_policy_name(enum ses_policy p) { return policies[p]; }

enum ses_policy ses_policy(const char *s, size_t len)
{
	for (int i = SES_P_NONE; i <= SES_P_REJECT; i++)
		if (same(s, len, policies[i]))
			return i;
	return SES_P_ABSENT;
}

void ses_verdicts_add(struct ses_verdicts *v, const struct ses_verdicts *more)
{
	for (int i = 0; i < SES_CHECKS; i++)
		if (more->word[i] > v->word[i])
			v->word[i] = more->word[i];
	if (more->dmarc_policy > v->dmarc_policy)
		v->dmarc_policy = more->dmarc_policy;
}

/* The field at *at, folding included; false at the end of the block or at a
 * line that is no field (RFC 5322 2.2: a name of printing characters, then ':'). */
static bool next_field(const char *p, size_t len, size_t *at, struct field *f)
{
	size_t i = *at, colon;

	while (i < len && p[i] > ' ' && p[i] < 0x7f && p[i] != ':')
		i++;
	if (i == *at || i == len || p[i] != ':')
		return false;
	colon = i;
	for (;;) {
		const char *nl = memchr(p + i, '\n', len - i);
		i = nl ? (size_t)(nl - p) + 1 : len;
		if (i == len || (p[i] != ' ' && p[i] != '\t'))
			break;
	}
	*f = (struct field){ p + *at, colon - *at, p + colon + 1, i - colon - 1 };
	*at = i;
	return true;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(const char *p, size_t len)
{
	while (len && blank(*p))
		p++, len--;
	while (len && blank(p[len - 1]))
		len--;
	return (struct span){ p, len };
}

/* The next word, and past it. */
static struct span word_at(const char **p, const char *end)
{
	const char *s;

	while (*p < end && blank(**p))
		(*p)++;
	s = *p;
	while (*p < end && !blank(**p))
		(*p)++;
	return (struct span){ s, *p - s };
}

static bool endpoint(struct span host)	/* inbound-smtp.REGION.amazonaws.com */
{
	static const char head[] = "inbound-smtp.", tail[] = ".amazonaws.com";
	size_t h = sizeof head - 1, t = sizeof tail - 1;

	if (host.len <= h + t || strncasecmp(host.p, head, h)
	    || strncasecmp(host.p + host.len - t, tail, t))
		return false;
	for (size_t i = h; i < host.len - t; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", host.p[i]))
			return false;
	return true;
}

/*
 * "from HELO (RDNS [IP]) by inbound-smtp.REGION.amazonaws.com with SMTP id ID for RCPT; DATE".
 * HELO, RDNS and the local part of RCPT are the sender's to choose, so the
 * marker must be there exactly once, and RCPT ends at the last ';'.
 */
static bool received(const struct field *f, struct seshead *out)
{
	static const char marker[] = "by inbound-smtp.";
	const char *end = f->body + f->body_len, *p, *by, *semi;
	struct span w;

	by = memmem(f->body, f->body_len, marker, sizeof marker - 1);
	if (!by || by == f->body || !blank(by[-1])
	    || memmem(by + 1, end - by - 1, marker, sizeof marker - 1))
		return false;
	p = by + 3;
	if (!endpoint(word_at(&p, end)))
		return false;
	w = word_at(&p, end);
	if (!same(w.p, w.len, "with"))
		return false;
	w = word_at(&p, end);
	if (w.len < 4 || !memmem(w.p, w.len, "SMTP", 4))
		return false;
	w = word_at(&p, end);
	if (!same(w.p, w.len, "id"))
		return false;
	out->smtp_id = word_at(&p, end);
	w = word_at(&p, end);
	semi = memrchr(p, ';', end - p);
	if (!out->smtp_id.len || !same(w.p, w.len, "for") || !semi)
		return false;
	out->rcpt = trim(p, semi - p);
	out->date = trim(semi + 1, end - semi - 1);
	return out->rcpt.len > 0;
}

/* RFC 8601's result words (RFC 7208 2.6, 8601 2.7) to those of SES's notifications. */
static enum ses_word result_word(const char *s, size_t len)
{
	static const struct { const char *result; enum ses_word word; } map[] = {
		{ "pass", SES_PASS }, { "fail", SES_FAIL }, { "softfail", SES_GRAY },
		{ "neutral", SES_GRAY }, { "none", SES_GRAY }, { "policy", SES_GRAY },
		{ "permerror", SES_PROCESSING_FAILED }, { "temperror", SES_PROCESSING_FAILED },
	};
	for (size_t i = 0; i < sizeof map / sizeof *map; i++)
		if (same(s, len, map[i].result))
			return map[i].word;
	return SES_UNKNOWN;
}

/* The end of the clause at p: the next ';' outside quotes and comments. NULL
 * if a quote or comment does not end: then nobody can tell what was said. */
static const char *clause_end(const char *p, const char *end)
{
	int depth = 0;
	bool quoted = false;

	for (; p < end; p++) {
		if (*p == '\\' && (quoted || depth) && p + 1 < end)
			p++;
		else if (*p == '"' && !depth)
			quoted = !quoted;
		else if (!quoted && *p == '(')
			depth++;
		else if (!quoted && *p == ')' && depth)
			depth--;
		else if (*p == ';' && !quoted && !depth)
			return p;
	}
	return quoted || depth ? NULL : end;
}

/* Authentication-Results: of several dkim clauses one that passes is enough (RFC 6376 6.1). SES begins every clause on a
 * line of its own. HELO name and envelope sender stand in there unquoted, chosen by the sender, but cannot hold a line
 * end: so where there are lines, a clause inside one ("helo=x; dkim=pass") is not SES's. */
static void auth_results(const struct field *f, struct ses_verdicts *v)
{
	const char *p = f->body, *end = p + f->body_len, *stop;
	struct ses_verdicts said = { 0 };
	struct span c = trim(p, (size_t)(end - p));
	bool lines = memchr(c.p, '\n', c.len) != NULL;

	for (bool first = true; p < end; p = stop + 1, first = false) {
		stop = clause_end(p, end);
		if (!stop)
			return;
		c = trim(p, stop - p);
		if (first) {
			if (!same(c.p, c.len, "amazonses.com"))
				return;
			continue;
		}
		if (lines && !memchr(p, '\n', (size_t)(c.p - p)))
			continue;
		int check = c.len > 5 && !strncasecmp(c.p, "dkim=", 5) ? SES_DKIM
			: c.len > 6 && !strncasecmp(c.p, "dmarc=", 6) ? SES_DMARC : -1;
		if (check < 0)
			continue;
		const char *at = c.p + (check == SES_DKIM ? 5 : 6);
		struct span w = word_at(&at, c.p + c.len);
		enum ses_word word = result_word(w.p, w.len);
		if (check == SES_DKIM && (word == SES_PASS || said.word[SES_DKIM] == SES_PASS))
			word = SES_PASS;
		else if (word < said.word[check])
			word = said.word[check];
		said.word[check] = word;
	}
	if (!said.word[SES_DKIM])	/* SES writes no clause for unsigned mail */
		said.word[SES_DKIM] = SES_GRAY;
	v->word[SES_DKIM] = said.word[SES_DKIM];
	v->word[SES_DMARC] = said.word[SES_DMARC];
}

static void verdict_field(int which, const struct field *f, struct seshead *out)
{
	struct span body = trim(f->body, f->body_len);
	const char *p = body.p;
	struct span first = word_at(&p, body.p + body.len);

	if (which == 0)
		out->verdicts.word[SES_SPAM] = ses_word(body.p, body.len);
	else if (which == 1)
		out->verdicts.word[SES_VIRUS] = ses_word(body.p, body.len);
	else if (which == 2)
		out->verdicts.word[SES_SPF] = result_word(first.p, first.len);
	else if (which == 3) {
		out->auth_results = body;
		auth_results(f, &out->verdicts);
	}
}

void seshead_parse(const char *p, size_t len, struct seshead *out)
{
	static const char *const order[] = { "X-SES-Spam-Verdict", "X-SES-Virus-Verdict",
		"Received-SPF", "Authentication-Results", "X-SES-RECEIPT",
		"X-SES-DKIM-SIGNATURE" };
	const int fields = sizeof order / sizeof *order;
	size_t at = 0;
	struct field f;
	struct span from;
	int next = 0;

	memset(out, 0, sizeof *out);
	if (len > SESHEAD_MAX_BYTES)
		len = SESHEAD_MAX_BYTES;
	if (!next_field(p, len, &at, &f) || !same(f.name, f.name_len, "Return-Path"))
		return;
	from = trim(f.body, f.body_len);
	if (from.len < 2 || from.p[0] != '<' || from.p[from.len - 1] != '>')
		return;
	if (!next_field(p, len, &at, &f) || !same(f.name, f.name_len, "Received")
	    || !received(&f, out)) {
		memset(out, 0, sizeof *out);
		return;
	}
	out->from = (struct span){ from.p + 1, from.len - 2 };
	out->ses = true;
	while (next < fields && next_field(p, len, &at, &f)) {
		int i = next;
		while (i < fields && !same(f.name, f.name_len, order[i]))
			i++;
		if (i == fields)
			return;
		verdict_field(i, &f, out);
		next = i + 1;
	}
}

struct span seshead_field(const char *p, size_t len, const char *name)
{
	struct field f;

	if (len > SESHEAD_MAX_BYTES)
		len = SESHEAD_MAX_BYTES;
	for (size_t at = 0; next_field(p, len, &at, &f);)
		if (same(f.name, f.name_len, name))
			return trim(f.body, f.body_len);
	return (struct span){ NULL, 0 };
}
