/*
 * dkim_tag.c - the small grammars of DKIM: tag lists (RFC 6376 3.2), base64, numbers, domains.
 *
 *	tag-list  =  tag-spec *( ";" tag-spec ) [ ";" ]
 *	tag-spec  =  [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
 *	tag-name  =  ALPHA *ALNUMPUNC			; letters, digits, "_"
 *	tag-value =  [ tval *( 1*(WSP / FWS) tval ) ]	; %x21-3A / %x3C-7E, and blanks between
 *
 * Strict, as 6.1.1 wants it: "being liberal in what you accept is definitely a bad strategy in this security context".
 */
#include <string.h>

#include "dkim_priv.h"
#include "header.h"
#include "json.h"

bool span_is(struct span s, const char *word)
{
	return s.p && s.len == strlen(word) && memcmp(s.p, word, s.len) == 0;
}

/* The length of the folding white space at p: blanks, and line ends that a blank follows. */
static size_t fws(const char *p, size_t n)
{
	size_t i = 0;

	for (;;) {
		size_t eol = i;

		while (i < n && (p[i] == ' ' || p[i] == '\t'))
			i++;
		eol = i;
		if (eol < n && p[eol] == '\r')
			eol++;
		if (eol >= n || p[eol] != '\n')
			return i;
		if (eol + 1 < n && p[eol + 1] != ' ' && p[eol + 1] != '\t')
			return i;
		i = eol + 1;
	}
}

static struct span trim(struct span s)
{
	size_t skip = fws(s.p, s.len);

	s.p += skip;
	s.len -= skip;
	while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '\n'))
		if (s.p[--s.len] == '\n' && s.len && s.p[s.len - 1] == '\r')
			s.len--;
	return s;
}

static bool alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool name_char(char c)
{
	return alpha(c) || (c >= '0' && c <= '9') || c == '_';
}

/* VALCHAR and blanks; UTF-8 where RFC 8616 allows it. */
static const char *bad_value(struct span v, bool utf8)
{
	bool high = false;

	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (c > ' ' && c < 127)
			continue;
		if (c >= 0x80) {
			high = true;
			continue;
		}
		size_t blank = fws(v.p + i, v.len - i);
		if (blank == 0)
			return "control bytes in a tag";
		i += blank - 1;
	}
	if (high && !(utf8 && utf8_valid(v.p, v.len)))
		return "bytes over 127 in a tag that has none (RFC 8616)";
	return NULL;
}

const struct dkim_tag *dkim_tag(const struct dkim_tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (span_is(t->tag[i].name, name))
			return &t->tag[i];
	return NULL;
}

static bool repeated(const struct dkim_tags *t, struct span name)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->tag[i].name.len == name.len && memcmp(t->tag[i].name.p, name.p, name.len) == 0)
			return true;
	return false;
}

/* One tag-spec: all up to a ';' or the end. */
static const char *read_tag(struct span spec, const char *utf8, struct dkim_tags *out)
{
	struct dkim_tag *t = &out->tag[out->n];
	size_t i = fws(spec.p, spec.len), begin = i;

	if (i == spec.len)
		return "an empty tag";
	while (i < spec.len && name_char(spec.p[i]))
		i++;
	t->name = (struct span){ spec.p + begin, i - begin };
	i += fws(spec.p + i, spec.len - i);
	if (i >= spec.len || spec.p[i] != '=')
		return "a tag without \"=\"";
	if (!t->name.len || !alpha(t->name.p[0]))
		return "a tag without a name";
	if (repeated(out, t->name))
		return "a tag that is there twice (RFC 6376 3.2)";
	t->raw = (struct span){ spec.p + i + 1, spec.len - i - 1 };
	t->value = trim(t->raw);
	out->n++;
	return bad_value(t->value, t->name.len == 1 && strchr(utf8, t->name.p[0]));
}

const char *dkim_tags_read(const char *p, size_t n, const char *utf8, struct dkim_tags *out)
{
	const char *why;

	out->n = 0;
	for (;;) {
		const char *semi = memchr(p, ';', n);
		struct span spec = { p, semi ? (size_t)(semi - p) : n };

		if (!semi && out->n && fws(p, n) == n)
			return NULL;	/* behind the last ';' */
		if (out->n == DKIM_MAX_TAGS)
			return "too many tags";
		why = read_tag(spec, utf8, out);
		if (why || !semi)
			return why;
		n -= spec.len + 1;
		p = semi + 1;
	}
}

bool dkim_element(struct span *rest, struct span *out)
{
	const char *colon;

	if (!rest->p)
		return false;
	colon = memchr(rest->p, ':', rest->len);
	*out = (struct span){ rest->p, colon ? (size_t)(colon - rest->p) : rest->len };
	if (colon)
		*rest = (struct span){ colon + 1, rest->len - out->len - 1 };
	else
		*rest = (struct span){ 0 };
	*out = trim(*out);
	return true;
}

bool dkim_list_has(struct span list, const char *word)
{
	struct span e;

	while (dkim_element(&list, &e))
		if (span_is(e, word))
			return true;
	return false;
}

/* ---- values ---- */

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool dkim_base64(struct span s, uint8_t *out, size_t cap, size_t *n_out)
{
	uint32_t bits = 0;
	size_t letters = 0, pad = 0, n = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		int v = base64_value(c);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			pad++;
			continue;
		}
		if (v < 0 || pad)
			return false;
		bits = bits << 6 | (uint32_t)v;
		if (++letters % 4 == 1)
			continue;
		if (n == cap)
			return false;
		out[n++] = (uint8_t)(bits >> (6 - 2 * ((letters - 1) % 4)));
	}
	*n_out = n;
	return letters % 4 != 1 && (pad == 0 || (letters + pad) % 4 == 0) && pad < 3;
}

bool dkim_number(struct span s, size_t max, int64_t *out)
{
	int64_t v = 0;

	if (s.len == 0 || s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s.p[i] - '0', &v))
			v = INT64_MAX;
	}
	*out = v;
	return true;
}

bool dkim_domain(struct span s, struct buf *out)
{
	return s.len && s.p[0] != '[' && s.p[s.len - 1] != '.' && domain_normal(s.p, s.len, out) == ST_OK;
}

bool dkim_within(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	return n >= d && memcmp(name + n - d, domain, d) == 0 && (n == d || name[n - d - 1] == '.');
}
