/*
 * auth.c - see auth.h. The table of what SES's words can stand for is in weir-auth(1) too.
 */
#include "auth.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const result_names[] = { "unchecked", "none", "pass", "fail", "softfail", "neutral",
	"policy", "temperror", "permerror" };
static const char *const method_names[] = { "spf", "dkim", "dmarc" };

#define BIT(r) (1u << (r))

/* RFC 8601 2.7.1 (DKIM), 2.7.2 (SPF), RFC 7489 11.2 (DMARC). */
static const unsigned allowed[AUTH_METHODS] = {
	[AUTH_SPF] = BIT(AUTH_NONE) | BIT(AUTH_PASS) | BIT(AUTH_FAIL) | BIT(AUTH_SOFTFAIL) | BIT(AUTH_NEUTRAL)
		| BIT(AUTH_POLICY) | BIT(AUTH_TEMPERROR) | BIT(AUTH_PERMERROR),
	[AUTH_DKIM] = BIT(AUTH_NONE) | BIT(AUTH_PASS) | BIT(AUTH_FAIL) | BIT(AUTH_NEUTRAL)
		| BIT(AUTH_POLICY) | BIT(AUTH_TEMPERROR) | BIT(AUTH_PERMERROR),
	[AUTH_DMARC] = BIT(AUTH_NONE) | BIT(AUTH_PASS) | BIT(AUTH_FAIL) | BIT(AUTH_TEMPERROR) | BIT(AUTH_PERMERROR),
};

/* What a word of SES means when nothing more is known, and what the text may say instead. GRAY is
 * "no policy, or softfail" for SPF, "not signed" for DKIM, "failed, but p=none or no policy" for DMARC. */
static const struct { const char *word; struct { enum auth_result usual; unsigned may; } by[AUTH_METHODS]; } ses_words[] = {
	{ "PASS", { { AUTH_PASS, 0 }, { AUTH_PASS, 0 }, { AUTH_PASS, 0 } } },
	{ "FAIL", { { AUTH_FAIL, 0 }, { AUTH_FAIL, 0 }, { AUTH_FAIL, 0 } } },
	{ "GRAY", { { AUTH_NEUTRAL, BIT(AUTH_NONE) | BIT(AUTH_SOFTFAIL) }, { AUTH_NONE, 0 },
		{ AUTH_NONE, BIT(AUTH_FAIL) } } },
	{ "PROCESSING_FAILED", { { AUTH_TEMPERROR, BIT(AUTH_PERMERROR) }, { AUTH_TEMPERROR, BIT(AUTH_PERMERROR) },
		{ AUTH_TEMPERROR, BIT(AUTH_PERMERROR) } } },
};

const char *auth_result_name(enum auth_result r)
{
	return result_names[r];
}

const char *auth_method_name(enum auth_method m)
{
	return method_names[m];
}

enum auth_result auth_result_of(enum auth_method m, const char *word, size_t len)
{
	for (enum auth_result r = AUTH_NONE; r <= AUTH_PERMERROR; r++)
		if ((allowed[m] & BIT(r)) != 0 && len == strlen(result_names[r])
				&& strncasecmp(word, result_names[r], len) == 0)
			return r;
	return AUTH_UNCHECKED;
}

/* ---- the text of Authentication-Results ---- */

/* Past blanks, without leaving the text. */
static const char *blanks(const char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		p++;
	return p;
}

/* The end of a clause: the ';' outside quoted strings and comments. Nothing a sender writes can end
 * a clause from within either; an unclosed one runs to the end of the text. */
static const char *clause_end(const char *p, const char *end)
{
	int depth = 0;
	bool quoted = false;

	for (; p < end; p++) {
		if (*p == '\\' && (quoted || depth > 0))
			p++;
		else if (*p == '"' && depth == 0)
			quoted = !quoted;
		else if (*p == '(' && !quoted)
			depth++;
		else if (*p == ')' && !quoted && depth > 0)
			depth--;
		else if (*p == ';' && !quoted && depth == 0)
			return p;
	}
	return end;
}

/* What one clause says of m: "dkim=pass header.i=@x". False if it is about something else. */
static bool clause(const char *p, const char *end, enum auth_method m, enum auth_result *out)
{
	size_t n = strlen(method_names[m]);
	const char *word;

	if ((size_t)(end - p) <= n || strncasecmp(p, method_names[m], n) != 0 || p[n] != '=')
		return false;
	p += n + 1;
	for (word = p; p < end && isalpha((unsigned char)*p); )
		p++;
	*out = auth_result_of(m, word, (size_t)(p - word));
	return true;
}

enum auth_result auth_in_text(const char *text, size_t len, enum auth_method m)
{
	static const char ses[] = "amazonses.com";
	const char *end = text + len, *p = blanks(text, end), *stop = clause_end(p, end);
	/* SES begins every clause on a line of its own; HELO and envelope sender cannot hold a line end. So
	 * where the lines are still there, nothing but the start of one counts. */
	bool folded = memchr(text, '\n', len) != NULL;
	enum auth_result found = AUTH_UNCHECKED, r;
	bool any = false;

	if ((size_t)(stop - p) != strlen(ses) || strncasecmp(p, ses, strlen(ses)) != 0)
		return AUTH_UNCHECKED;
	while (stop < end) {
		const char *after = stop + 1;

		p = blanks(after, end);
		stop = clause_end(p, end);
		if ((folded && memchr(after, '\n', (size_t)(p - after)) == NULL) || !clause(p, stop, m, &r))
			continue;
		if (any && r != found)
			return AUTH_UNCHECKED;
		any = true;
		found = r;
	}
	return found;
}

/* ---- SES's verdicts ---- */

static void text_member(struct span v, const char *name, char *out, size_t cap)
{
	struct buf b = { 0 };

	out[0] = '\0';
	if (json_text(json_get(v, name), &b) && buf_ok(&b))
		snprintf(out, cap, "%s", buf_cstr(&b));
	buf_free(&b);
}

static enum auth_result refine(enum auth_method m, const char *ses, enum auth_result text)
{
	for (size_t i = 0; i < sizeof(ses_words) / sizeof(ses_words[0]); i++) {
		if (strcmp(ses, ses_words[i].word) != 0)
			continue;
		return (ses_words[i].by[m].may & BIT(text)) != 0 ? text : ses_words[i].by[m].usual;
	}
	return AUTH_UNCHECKED;	/* DISABLED, and words we have never heard of */
}

static void finding(enum auth_method m, struct span verdicts, const struct buf *text, struct auth_finding *f)
{
	enum auth_result said = text->len > 0 ? auth_in_text(text->p, text->len, m) : AUTH_UNCHECKED;

	text_member(verdicts, method_names[m], f->ses, sizeof(f->ses));
	f->result = f->ses[0] != '\0' ? refine(m, f->ses, said) : said;
	if (m != AUTH_DMARC)
		return;
	text_member(verdicts, "dmarc_policy", f->policy, sizeof(f->policy));
	/* SES names a policy only when DMARC failed. */
	if (strcmp(f->ses, "GRAY") == 0 && f->policy[0] != '\0')
		f->result = AUTH_FAIL;
}

void auth_from_verdicts(const struct rec *rec, struct auth *out)
{
	struct span verdicts = rec_get(rec, "verdicts");
	struct buf text = { 0 };

	memset(out, 0, sizeof(*out));
	snprintf(out->source, sizeof(out->source), "none");
	if (json_type(verdicts) != '{')
		return;
	if (json_is(json_get(verdicts, "source"), "ses-receipt"))
		snprintf(out->source, sizeof(out->source), "ses-receipt");
	else if (json_is(json_get(verdicts, "source"), "ses-header"))
		snprintf(out->source, sizeof(out->source), "ses-header");
	else
		return;		/* nobody we know: nobody we trust */
	json_text(json_get(verdicts, "authentication_results"), &text);
	if (!buf_ok(&text))
		buf_clear(&text);
	for (enum auth_method m = 0; m < AUTH_METHODS; m++)
		finding(m, verdicts, &text, &out->by[m]);
	buf_free(&text);
}

void auth_json(const struct auth *a, struct buf *b)
{
	auth_json_as("auth", a, NULL, b);
}

void auth_json_as(const char *key, const struct auth *a, const char *action_or_null, struct buf *b)
{
	json_open(b, key, '{');
	json_cstr(b, "source", a->source);
	for (enum auth_method m = 0; m < AUTH_METHODS; m++) {
		const struct auth_finding *f = &a->by[m];

		json_open(b, method_names[m], '{');
		json_cstr(b, "result", result_names[f->result]);
		if (f->ses[0] != '\0')
			json_cstr(b, "ses", f->ses);
		if (f->policy[0] != '\0')
			json_cstr(b, "policy", f->policy);
		if (m == AUTH_DMARC && action_or_null)
			json_cstr(b, "action", action_or_null);
		json_close(b, '}');
	}
	json_close(b, '}');
}
