/*
 * verify_judge.c - expected against found, for one name and type, see verify.h. Nothing is asked here.
 *
 * A TXT record is told by its beginning ("v=spf1", "v=DMARC1"): what else stands at the name is somebody else's. Since people
 * paste into web forms, a text that would be right without quotes, backslashes or blanks is told from one that says another thing.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verify.h"

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = { "ok", "missing", "wrong", "extra", "temperror" };

	return (size_t)v < sizeof names / sizeof *names ? names[v] : "?";
}

/* ---- comparing texts ---- */

/* The version with which a text of that role begins; NULL: any text. */
static const char *version_of(enum rr_role role)
{
	switch (role) {
	case RR_SPF: case RR_MAIL_FROM_SPF: return "v=spf1";
	case RR_DMARC: return "v=DMARC1";
	case RR_MTA_STS: return "v=STSv1";
	case RR_TLS_RPT: return "v=TLSRPTv1";
	default: return NULL;
	}
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Words with one blank between them; SPF's terms (RFC 7208 4.6.1, names of mechanisms and domains in any case). */
static void words_normal(struct span s, struct buf *out)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_blank(s.p[i]))
			buf_chr(out, (char)tolower((unsigned char)s.p[i]));
		else if (out->len > 0 && out->p[out->len - 1] != ' ')
			buf_chr(out, ' ');
	while (out->len > 0 && out->p[out->len - 1] == ' ')
		out->len--;
}

static int by_text(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

#define MAX_TAGS 64
/* Tags in order of their names, the version first as it must be; blanks around them do not count (RFC 9989 4.7). */
static void tags_normal(struct span s, struct buf *out)
{
	struct span tag[MAX_TAGS];
	size_t n = 0, from = 0, i;
	struct buf t = { 0 };

	for (i = 0; i < s.len; i++)
		if (!is_blank(s.p[i]))
			buf_chr(&t, (char)tolower((unsigned char)s.p[i]));
	for (i = 0; i <= t.len && n < MAX_TAGS; i++) {
		if (i < t.len && t.p[i] != ';')
			continue;
		if (i > from)
			tag[n++] = (struct span){ t.p + from, i - from };
		from = i + 1;
	}
	if (n > 1)
		qsort(tag + 1, n - 1, sizeof *tag, by_text);
	for (i = 0; i < n; i++) {
		buf_add(out, tag[i].p, tag[i].len);
		buf_chr(out, ';');
	}
	if (n == MAX_TAGS)	/* not all were looked at: the same only if the bytes are */
		buf_add(out, s.p, s.len);
	buf_free(&t);
}

bool verify_text_same(enum rr_role role, struct span a, struct span b)
{
	struct buf x = { 0 }, y = { 0 };
	bool same, spf = role == RR_SPF || role == RR_MAIL_FROM_SPF;

	if (!version_of(role))
		return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
	(spf ? words_normal : tags_normal)(a, &x);
	(spf ? words_normal : tags_normal)(b, &y);
	same = buf_ok(&x) && buf_ok(&y) && x.len == y.len && memcmp(buf_cstr(&x), buf_cstr(&y), x.len) == 0;
	buf_free(&x);
	buf_free(&y);
	return same;
}

/* Text without quotes, backslashes and blanks. */
static void bare(struct span s, struct buf *out)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_blank(s.p[i]) && s.p[i] != '"' && s.p[i] != '\\')
			buf_chr(out, (char)tolower((unsigned char)s.p[i]));
}

static bool same_bare(struct span a, struct span b)
{
	struct buf x = { 0 }, y = { 0 };
	bool same;

	bare(a, &x);
	bare(b, &y);
	same = x.len > 0 && x.len == y.len && memcmp(x.p, y.p, x.len) == 0;
	buf_free(&x);
	buf_free(&y);
	return same;
}

static bool has_byte(struct span s, const char *set)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] && strchr(set, s.p[i]))
			return true;
	return false;
}

/* Whether receivers, or people, take the text for one of this kind: with its version at the beginning, whatever
 * quotes and blanks stand there. */
static bool is_of(enum rr_role role, struct span s)
{
	const char *v = version_of(role);
	struct buf b = { 0 };
	bool is;

	if (!v)
		return true;
	bare(s, &b);
	is = b.len >= strlen(v) && strncasecmp(b.p, v, strlen(v)) == 0;
	/* "v=spf10" is another one, and so is "v=DMARC1x". */
	if (is && b.len > strlen(v) && role != RR_SPF && role != RR_MAIL_FROM_SPF)
		is = b.p[strlen(v)] == ';';
	if (is && (role == RR_SPF || role == RR_MAIL_FROM_SPF))
		is = b.len == strlen(v) || !isdigit((unsigned char)b.p[strlen(v)]);
	buf_free(&b);
	return is;
}

/* ---- one item against one record ---- */

static bool same_item(const struct rr *want, struct span want_text, const struct verify_item *it)
{
	if (it->type != want->type)
		return false;
	if (want->type == DNS_TXT)
		return verify_text_same(want->role, want_text, it->text);
	return it->text.len == want_text.len && strncasecmp(it->text.p, want_text.p, want_text.len) == 0;
}

static void text_of(const struct rr *r, struct buf *out)
{
	if (r->type == DNS_TXT)
		records_text(r->data, out);
	else
		buf_str(out, r->data);
}

static void explain_txt(struct span want_text, struct span got, struct buf *why)
{
	if (same_bare(want_text, got) && has_byte(got, "\"\\"))
		buf_str(why, "quotes or backslashes are part of the text: enter it without them, the name server adds its own");
	else if (same_bare(want_text, got))
		buf_str(why, "it differs in its blanks only: strings of a TXT record are joined with nothing between (RFC 7208 3.3), "
			"so a split must not add or lose one");
	else if (got.len < want_text.len && got.len > 0 && memcmp(got.p, want_text.p, got.len) == 0)
		buf_fmt(why, "it is cut off after %zu of %zu bytes: split it into strings of at most 255 bytes within one record",
			got.len, want_text.len);
	else
		buf_str(why, "replace the record by the expected one");
}

static void explain_name(const struct rr *want, struct span got, struct buf *why)
{
	size_t n = strlen(want->data);

	/* "x.dkim.y." typed without its final dot gets the zone's name behind it. */
	if (n > 1 && got.len > n && strncasecmp(got.p, want->data, n) == 0)
		buf_str(why, "the zone's name was added behind the target: end the target with a dot, or leave the zone's name out");
	else
		buf_str(why, "replace the record by the expected one");
}

static void explain_mx(const struct rr *want, struct span got, struct buf *why)
{
	const char *w = strchr(want->data, ' '), *g = memchr(got.p, ' ', got.len);
	size_t n = w ? strlen(w) : 0, m = g ? (size_t)(got.p + got.len - g) : 0;

	if (n > 0 && n == m && strncasecmp(w, g, n) == 0)
		buf_fmt(why, "the host is right, its preference is not: make it %.*s", (int)(w - want->data), want->data);
	else if (n > 1 && m > n && strncasecmp(w, g, n) == 0)
		buf_str(why, "the zone's name was added behind the host: end the host with a dot, or leave the zone's name out");
	else
		buf_str(why, "replace the record by the expected one");
}

static void explain(const struct rr *want, struct span want_text, const struct verify_item *it, struct buf *why)
{
	if (it->type == DNS_CNAME && want->type != DNS_CNAME)
		buf_str(why, "a CNAME stands there and hides what should be: remove the CNAME");
	else if (want->type == DNS_TXT)
		explain_txt(want_text, it->text, why);
	else if (want->type == DNS_MX)
		explain_mx(want, it->text, why);
	else
		explain_name(want, it->text, why);
}

/* ---- the set ---- */

static void explain_extra(const struct rr *of, struct buf *why)
{
	if (of->role == RR_SPF || of->role == RR_MAIL_FROM_SPF)
		buf_str(why, "remove it: two SPF records at one name are an error to every receiver (RFC 7208 4.5)");
	else if (of->role == RR_DMARC)
		buf_str(why, "remove it: of several DMARC records receivers use none (RFC 9989 4.7)");
	else if (of->role == RR_FEEDBACK)
		buf_str(why, "remove it: MAIL FROM must have exactly one MX");
	else if (of->role == RR_INBOUND)
		buf_str(why, "remove it: mail that goes there never arrives here");
	else
		buf_str(why, "remove it");
}

static void judge_missing(const struct rr *want, const struct verify_seen *seen, struct verify_judged *j)
{
	struct span none = { "", 0 };

	j->verdict = VERDICT_MISSING;
	if (seen->alias && want->type != DNS_CNAME) {
		j->verdict = VERDICT_WRONG;
		explain(want, none, &(struct verify_item){ DNS_CNAME, none }, &j->why);
	} else {
		buf_str(&j->why, "add the record");
	}
}

/* Pairs what is left: the first record that is wanted with the first item that can only stand for it. */
static void judge_rest(const struct rr *const *want, const struct buf *text, size_t n, const struct verify_seen *seen,
	struct verify_judged *judged, struct verify_judged *extra, bool *used)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		if (judged[i].verdict != VERDICT_TEMPERROR)
			continue;
		for (k = 0; k < seen->n; k++)
			if (!used[k] && (want[i]->type != DNS_TXT || is_of(want[i]->role, seen->item[k].text)))
				break;
		if (k == seen->n) {
			judge_missing(want[i], seen, &judged[i]);
			continue;
		}
		used[k] = true;
		judged[i].verdict = VERDICT_WRONG;
		judged[i].at = (int)k;
		explain(want[i], (struct span){ text[i].p, text[i].len }, &seen->item[k], &judged[i].why);
	}
	for (k = 0; k < seen->n; k++) {
		if (used[k] || (want[0]->type == DNS_TXT && !is_of(want[0]->role, seen->item[k].text)))
			continue;
		extra[k].verdict = VERDICT_EXTRA;
		explain_extra(want[0], &extra[k].why);
	}
}

void verify_judge(const struct rr *const *want, size_t n, const struct verify_seen *seen, struct verify_judged *judged,
	struct verify_judged *extra)
{
	bool *used = calloc(seen->n + 1, sizeof *used);
	struct buf *text = calloc(n + 1, sizeof *text);
	size_t i, k;

	for (i = 0; i < n; i++) {
		judged[i].at = -1;
		judged[i].verdict = VERDICT_TEMPERROR;	/* until something is known */
	}
	for (k = 0; k < seen->n; k++)
		extra[k].verdict = VERDICT_OK;
	if (!used || !text || seen->how == SEEN_NOT_ASKED || seen->how == SEEN_FAILED) {
		free(used);
		free(text);
		return;
	}
	for (i = 0; i < n; i++) {
		text_of(want[i], &text[i]);
		buf_cstr(&text[i]);
		for (k = 0; k < seen->n && judged[i].at < 0 && buf_ok(&text[i]); k++)
			if (!used[k] && same_item(want[i], (struct span){ text[i].p ? text[i].p : "", text[i].len }, &seen->item[k])) {
				used[k] = true;
				judged[i].verdict = VERDICT_OK;
				judged[i].at = (int)k;
			}
	}
	/* An alias at the name: what was found lies elsewhere, and is not what the zone's owner was asked to publish. */
	if (seen->alias && want[0]->type != DNS_CNAME)
		for (i = 0; i < n; i++)
			judge_missing(want[i], seen, &judged[i]);
	else
		judge_rest(want, text, n, seen, judged, extra, used);
	for (i = 0; i < n; i++)
		buf_free(&text[i]);
	free(text);
	free(used);
}

static bool has_item(const struct verify_seen *s, const struct verify_item *it)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->item[i].type == it->type && s->item[i].text.len == it->text.len &&
				memcmp(s->item[i].text.p, it->text.p, it->text.len) == 0)
			return true;
	return false;
}

bool verify_same(const struct verify_seen *a, const struct verify_seen *b)
{
	size_t i;

	if (a->alias && b->alias)
		return strcasecmp(a->alias, b->alias) == 0;	/* what lies behind it is another zone's matter */
	if (a->how != b->how || a->n != b->n || a->alias || b->alias)
		return false;
	for (i = 0; i < a->n; i++)
		if (!has_item(b, &a->item[i]))
			return false;
	return true;
}

/* ---- the whole ---- */

bool verify_broken(const struct verify *v)
{
	return v->count[VERDICT_MISSING] + v->count[VERDICT_WRONG] + v->count[VERDICT_EXTRA] > 0;
}

bool verify_well(const struct verify *v)
{
	size_t i;

	for (i = 0; i < v->n_finding; i++)
		if (v->finding[i].grave)
			return false;
	return !verify_broken(v) && v->count[VERDICT_TEMPERROR] == 0;
}
