/*
 * dmarc_record.c - DMARC Policy Records: RFC 9989 4.7, 4.8.
 *
 *	dmarc-record	= "v" equals %s"DMARC1" *( dmarc-sep dmarc-tag ) [ dmarc-sep ]
 *	dmarc-tag	= 1*ALPHA equals 1*dmarc-value
 *
 * Names and words are in any case, as ABNF's strings are; DMARC1 alone is not. What is wrong behind the version is left
 * out and its default holds (4.8); a tag that stands twice has two values, so none that is good.
 */
#include <string.h>
#include <strings.h>

#include "dmarc.h"
#include "plain.h"

enum tag { T_P, T_SP, T_NP, T_T, T_PSD, T_ADKIM, T_ASPF, T_RUA, T_RUF, T_FO, T_PCT, T_RF, T_RI, T_V, TAGS };
static const char *const tag_names[TAGS] = { "p", "sp", "np", "t", "psd", "adkim", "aspf", "rua", "ruf", "fo",
	"pct", "rf", "ri", "v" };

struct tags { struct span value[TAGS]; bool twice[TAGS]; };

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct span trim(struct span s)
{
	while (s.len && is_wsp(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_wsp(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool is(struct span s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

/* The worst first: what is told is the first of these that applies. */
static const struct { int bits; const char *text; } texts[] = {
	{ DMARC_P_BAD_P | DMARC_P_BAD_SP | DMARC_P_BAD_NP, "the policy is neither none, quarantine nor reject" },
	{ DMARC_P_NO_P, "there is no p: receivers take p=none, if there is a rua to report to" },
	{ DMARC_P_TWICE, "the tag stands twice, so neither value counts" },
	{ DMARC_P_SYNTAX, "this is no tag=value of printable ASCII, and is left out" },
	{ DMARC_P_BAD_RUA | DMARC_P_BAD_RUF, "an address is no URI, as mailto:dmarc@x.example is" },
	{ DMARC_P_BAD_VALUE, "the value is none of those that the tag may have: the default holds" },
	{ DMARC_P_UNKNOWN, "no tag of DMARC has this name, and it is left out" },
	{ DMARC_P_OBSOLETE, "RFC 9989 has removed this; receivers no longer look at it" },
	{ DMARC_P_FO_ALONE, "fo does nothing without ruf" },
};
#define TEXTS (sizeof texts / sizeof *texts)

static size_t rank(int bit)
{
	size_t i = 0;

	while (i < TEXTS && !(texts[i].bits & bit))
		i++;
	return i;
}

static void problem(struct dmarc_record *r, int bit, struct span tag)
{
	size_t n = tag.len < sizeof r->bad_tag - 1 ? tag.len : sizeof r->bad_tag - 1;

	if (r->worst == 0 || rank(bit) < rank(r->worst)) {
		r->worst = bit;
		for (size_t i = 0; i < n; i++)
			r->bad_tag[i] = tag.p[i] >= ' ' && tag.p[i] < 0x7f ? tag.p[i] : '?';
		r->bad_tag[n] = '\0';
	}
	r->problems |= bit;
}

static void tag_problem(struct dmarc_record *r, int bit, enum tag t)
{
	problem(r, bit, (struct span){ tag_names[t], strlen(tag_names[t]) });
}

/* ---- URIs ---- */

/* The length without "!" 1*DIGIT [k m g t] at the end. */
static size_t without_size(struct span s)
{
	size_t n = s.len, digits;

	if (n && strchr("kmgtKMGT", s.p[n - 1]))
		n--;
	for (digits = 0; n && s.p[n - 1] >= '0' && s.p[n - 1] <= '9'; n--)
		digits++;
	return digits && n && s.p[n - 1] == '!' ? n - 1 : s.len;
}

/* scheme ":" and only bytes that RFC 3986 lets into a URI, no "!" and "," (4.8); a mailto has an address. */
static bool good_uri(struct span u)
{
	const char *colon = memchr(u.p ? u.p : "", ':', u.len), *at;
	size_t scheme = colon ? (size_t)(colon - u.p) : 0;

	if (scheme == 0 || scheme + 1 == u.len || !is_alpha(u.p[0]))
		return false;
	for (size_t i = 0; i < u.len; i++) {
		char c = u.p[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}!,", c))
			return false;
		if (i < scheme && !is_alpha(c) && !(c >= '0' && c <= '9') && !strchr("+-.", c))
			return false;
	}
	if (!is((struct span){ u.p, scheme }, "mailto"))
		return true;
	at = memchr(colon, '@', u.len - scheme);
	return at && at > colon + 1 && at + 1 < u.p + u.len && at[1] != '?';
}

bool dmarc_uri_next(struct span *list, struct span *uri_out, bool *good_out)
{
	const char *comma;
	struct span u;

	if (!list->p)
		return false;
	comma = memchr(list->p, ',', list->len);
	u = trim((struct span){ list->p, comma ? (size_t)(comma - list->p) : list->len });
	if (comma) {
		list->len -= (size_t)(comma + 1 - list->p);
		list->p = comma + 1;
	} else {
		*list = (struct span){ 0 };
	}
	u.len = without_size(u);
	*uri_out = u;
	*good_out = good_uri(u);
	return true;
}

/* Whether a list has a good URI. Notes those that are not. */
static bool any_uri(struct dmarc_record *r, struct span list, enum tag t, int bit)
{
	struct span uri;
	bool good, any = false;

	if (list.p && memchr(list.p, '!', list.len))
		tag_problem(r, DMARC_P_OBSOLETE, t);
	while (dmarc_uri_next(&list, &uri, &good)) {
		if (!good)
			tag_problem(r, bit, t);
		any = any || good;
	}
	return any;
}

/* ---- tags ---- */

static bool good_value(struct span v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] < ' ' || v.p[i] >= 0x7f)
			return false;
	return v.len > 0;
}

/* One "name = value" between separators. */
static void read_tag(struct dmarc_record *r, struct span item, struct tags *tags)
{
	const char *eq = memchr(item.p, '=', item.len);
	struct span name = trim((struct span){ item.p, eq ? (size_t)(eq - item.p) : item.len }), value;
	bool word = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		word = word && is_alpha(name.p[i]);
	if (!eq || !word) {
		problem(r, DMARC_P_SYNTAX, name);
		return;
	}
	value = trim((struct span){ eq + 1, item.len - (size_t)(eq + 1 - item.p) });
	for (int t = 0; t < TAGS; t++) {
		if (!is(name, tag_names[t]))
			continue;
		if (tags->value[t].p) {
			tags->twice[t] = true;
			tag_problem(r, DMARC_P_TWICE, t);
		}
		if (!good_value(value))
			tag_problem(r, DMARC_P_SYNTAX, t);
		tags->value[t] = good_value(value) ? value : (struct span){ "", 0 };
		return;
	}
	problem(r, DMARC_P_UNKNOWN, name);
}

/* Behind v=DMARC1. */
static void read_tags(struct dmarc_record *r, struct span rest, struct tags *tags)
{
	while (rest.len) {
		const char *end = memchr(rest.p, ';', rest.len);
		size_t n = end ? (size_t)(end - rest.p) : rest.len;
		struct span item = trim((struct span){ rest.p, n });

		if (item.len)
			read_tag(r, item, tags);
		rest.p += n + (end != NULL);
		rest.len -= n + (end != NULL);
	}
	for (int t = 0; t < TAGS; t++)		/* p is bad then; the others as if not there */
		if (tags->twice[t])
			tags->value[t] = (struct span){ "", 0 };
}

static enum dmarc_policy policy(struct dmarc_record *r, const struct tags *tags, enum tag t, int bit)
{
	struct span v = tags->value[t];
	enum dmarc_policy p = !v.p ? DMARC_ABSENT : is(v, "none") ? DMARC_NONE : is(v, "quarantine") ? DMARC_QUARANTINE :
		is(v, "reject") ? DMARC_REJECT : DMARC_INVALID;

	if (p == DMARC_INVALID)
		tag_problem(r, bit, t);
	return p;
}

/* The value if it is one of the letters, else `otherwise`. */
static char letter(struct dmarc_record *r, const struct tags *tags, enum tag t, const char *letters, char otherwise)
{
	struct span v = tags->value[t];
	char c;

	if (!v.p)
		return otherwise;
	c = v.len == 1 ? (char)(v.p[0] | 0x20) : '\0';
	if (c && strchr(letters, c))
		return c;
	tag_problem(r, DMARC_P_BAD_VALUE, t);
	return otherwise;
}

/* dmarc-fo: 0 or 1, d, s, each at most once. */
static bool good_fo(struct span v)
{
	bool seen[128] = { false };

	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.p[i] | (is_alpha(v.p[i]) ? 0x20 : 0);

		if (i % 2 ? c != ':' : c >= 128 || !strchr("01ds", c) || seen[c])
			return false;
		if (i % 2 == 0)
			seen[c] = true;
	}
	return v.len % 2 == 1 && !(seen['0'] && seen['1']);
}

/* "v" equals "DMARC1" and then a separator or the end. The length of it, 0: no DMARC record. */
static size_t version_len(const char *p, size_t n)
{
	size_t i = 1;

	if (n == 0 || (p[0] != 'v' && p[0] != 'V'))
		return 0;
	while (i < n && is_wsp(p[i]))
		i++;
	if (i >= n || p[i++] != '=')
		return 0;
	while (i < n && is_wsp(p[i]))
		i++;
	if (n - i < 6 || memcmp(p + i, "DMARC1", 6) != 0)
		return 0;
	for (i += 6; i < n && is_wsp(p[i]); i++)
		;
	return i == n || p[i] == ';' ? i : 0;
}

enum dmarc_use dmarc_record_read(const char *p, size_t n, struct dmarc_record *out)
{
	struct dmarc_record r = { .psd = 'u' };
	struct tags tags = { 0 };
	size_t at = n <= DMARC_MAX_RECORD_BYTES ? version_len(p, n) : 0;
	bool rua;

	*out = r;
	if (at == 0)
		return out->use = DMARC_NOT_A_RECORD;
	read_tags(&r, (struct span){ p + at, n - at }, &tags);
	r.p = policy(&r, &tags, T_P, DMARC_P_BAD_P);
	r.sp = policy(&r, &tags, T_SP, DMARC_P_BAD_SP);
	r.np = policy(&r, &tags, T_NP, DMARC_P_BAD_NP);
	if (r.p == DMARC_ABSENT)
		tag_problem(&r, DMARC_P_NO_P, T_P);
	r.test = letter(&r, &tags, T_T, "yn", 'n') == 'y';
	r.psd = letter(&r, &tags, T_PSD, "ynu", 'u');
	r.strict_dkim = letter(&r, &tags, T_ADKIM, "rs", 'r') == 's';
	r.strict_spf = letter(&r, &tags, T_ASPF, "rs", 'r') == 's';
	r.rua = tags.value[T_RUA];
	r.ruf = tags.value[T_RUF];
	r.fo = tags.value[T_FO];
	rua = any_uri(&r, r.rua, T_RUA, DMARC_P_BAD_RUA);
	any_uri(&r, r.ruf, T_RUF, DMARC_P_BAD_RUF);
	if (r.fo.p && !good_fo(r.fo))
		tag_problem(&r, DMARC_P_BAD_VALUE, T_FO);
	if (r.fo.p && !r.ruf.p)
		tag_problem(&r, DMARC_P_FO_ALONE, T_FO);
	for (enum tag t = T_PCT; t <= T_RI; t++)
		if (tags.value[t].p)
			tag_problem(&r, DMARC_P_OBSOLETE, t);
	if (tags.value[T_V].p)
		tag_problem(&r, DMARC_P_TWICE, T_V);
	if (r.p != DMARC_ABSENT && r.p != DMARC_INVALID && r.sp != DMARC_INVALID && r.np != DMARC_INVALID)
		r.use = DMARC_USED;
	else
		r.use = rua ? DMARC_AS_NONE : DMARC_UNUSABLE;
	*out = r;
	return r.use;
}

/* ---- words ---- */

const char *dmarc_policy_name(enum dmarc_policy p)
{
	return p == DMARC_NONE ? "none" : p == DMARC_QUARANTINE ? "quarantine" : p == DMARC_REJECT ? "reject" : "";
}

void dmarc_problem_text(const struct dmarc_record *r, struct buf *out)
{
	if (!r->problems)
		return;
	buf_fmt(out, "%s: %s", r->bad_tag, texts[rank(r->worst)].text);
	if (r->use == DMARC_UNUSABLE)
		buf_str(out, "; receivers do not apply DMARC at all (RFC 9989 4.10.1)");
	else if (r->use == DMARC_AS_NONE)
		buf_str(out, "; receivers take p=none (RFC 9989 4.10.1)");
}
