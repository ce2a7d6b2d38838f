/*
 * spf_macro.c - SPF's macros: RFC 7208 7.
 *
 *	macro-string	= *( macro-expand / macro-literal )
 *	macro-expand	= ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
 *	transformers	= *DIGIT [ "r" ]
 *	delimiter	= "." / "-" / "+" / "," / "/" / "_" / "="
 *	domain-spec	= macro-string ( ( "." toplabel [ "." ] ) / macro-expand )
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "spf.h"

#define DELIMITERS	".-+,/_="
#define NAME_MAX_BYTES	253

struct macro { char letter; bool upper, reverse; int keep; /* parts; 0: all */ struct span delimiters; };

static bool alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ---- grammar ---- */

/* "%{...}" at p: its length, 0 if it is none. */
static size_t read_braces(const char *p, const char *end, struct macro *m)
{
	const char *q = p + 2;
	bool digits = false;

	*m = (struct macro){ 0 };
	if (q >= end || !strchr("slodiphcrtv", lower(*q)) || *q == '\0')
		return 0;
	m->letter = lower(*q);
	m->upper = *q != m->letter;
	q++;
	for (; q < end && *q >= '0' && *q <= '9'; q++) {
		digits = true;
		if (m->keep < 1000)		/* more than there can be parts */
			m->keep = 10 * m->keep + (*q - '0');
	}
	if (digits && m->keep == 0)		/* 7.3: "the DIGIT MUST be nonzero" */
		return 0;
	if (q < end && lower(*q) == 'r') {
		m->reverse = true;
		q++;
	}
	m->delimiters.p = q;
	while (q < end && *q && strchr(DELIMITERS, *q))
		q++;
	m->delimiters.len = (size_t)(q - m->delimiters.p);
	return q < end && *q == '}' ? (size_t)(q + 1 - p) : 0;
}

/* toplabel: letters, digits and inner '-', and not digits alone. */
static bool good_toplabel(struct span s)
{
	bool letter = false;

	if (s.len == 0 || s.p[0] == '-' || s.p[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!alnum(s.p[i]) && s.p[i] != '-')
			return false;
		letter = letter || s.p[i] < '0' || s.p[i] > '9';
	}
	return letter;
}

/* What a domain-spec must end in. tail: the literal text behind the last macro, with `macro` telling whether there is one. */
static enum status check_end(struct span tail, bool macro)
{
	size_t at;

	if (tail.len == 0)
		return macro ? ST_OK : st_fail(ST_BAD, "a domain is missing");
	if (tail.p[tail.len - 1] == '.')
		tail.len--;
	for (at = tail.len; at > 0 && tail.p[at - 1] != '.'; at--)
		;
	if (at == 0)
		return st_fail(ST_BAD, "a domain has at least two labels (RFC 7208 7.1)");
	if (!good_toplabel((struct span){ tail.p + at, tail.len - at }))
		return st_fail(ST_BAD, "a domain ends in a label with a letter, as \".example\": "
			"an address is written with ip4: or ip6: (RFC 7208 7.1)");
	return ST_OK;
}

enum status spf_macro_check(struct span text, enum spf_text kind)
{
	const char *p = text.p, *end = text.p + text.len, *tail = p;
	bool macro = false;
	struct macro m;

	while (p < end) {
		size_t n = 1;

		if (*p < (kind == SPF_EXPLANATION ? ' ' : '!') || *p >= 0x7f)
			return st_fail(ST_BAD, "a byte that is not printable ASCII");
		if (*p == '%') {
			n = p + 1 < end && strchr("%_-", p[1]) && p[1] ? 2 :
				p + 1 < end && p[1] == '{' ? read_braces(p, end, &m) : 0;
			if (n == 0)
				return st_fail(ST_BAD, "\"%%\" begins no macro: it is written \"%%%%\" (RFC 7208 7.1)");
			if (n > 2 && kind == SPF_DOMAIN_SPEC && strchr("crt", m.letter))
				return st_fail(ST_BAD, "the macro letters c, r and t are for explanations only (RFC 7208 7.2)");
			macro = true;
			tail = p + n;
		}
		p += n;
	}
	return kind == SPF_DOMAIN_SPEC ? check_end((struct span){ tail, (size_t)(end - tail) }, macro) : ST_OK;
}

bool spf_macro_uses_p(struct span text)
{
	struct macro m;

	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.p[i] != '%')
			continue;
		if (text.p[i + 1] == '{' && read_braces(text.p + i, text.p + text.len, &m) && m.letter == 'p')
			return true;
		i++;
	}
	return false;
}

/* ---- values ---- */

/* i: dotted for IPv4; for IPv6 a nibble a label (7.3). */
static void add_dotted(const struct spf_ip *ip, struct buf *out)
{
	if (!ip->v6)
		buf_fmt(out, "%d.%d.%d.%d", ip->b[0], ip->b[1], ip->b[2], ip->b[3]);
	else
		for (int i = 0; i < 16; i++)
			buf_fmt(out, "%s%X.%X", i ? "." : "", ip->b[i] >> 4, ip->b[i] & 15);
}

static void add_span(struct span s, struct buf *out)
{
	if (s.len)
		buf_add(out, s.p, s.len);
}

static void add_value(char letter, const struct spf_macros *m, struct buf *out)
{
	char s[INET6_ADDRSTRLEN] = "";

	switch (letter) {
	case 's':
		add_span(m->local, out);
		buf_chr(out, '@');
		/* fall through */
	case 'o':
		add_span(m->sender_domain, out);
		break;
	case 'l':
		add_span(m->local, out);
		break;
	case 'd':
		add_span(m->domain, out);
		break;
	case 'h':
		add_span(m->helo, out);
		break;
	case 'p':
		if (m->validated.len)
			add_span(m->validated, out);
		else
			buf_str(out, "unknown");
		break;
	case 'r':
		if (m->receiver.len)
			add_span(m->receiver, out);
		else
			buf_str(out, "unknown");
		break;
	case 'i':
		add_dotted(&m->ip, out);
		break;
	case 'c':
		if (inet_ntop(m->ip.v6 ? AF_INET6 : AF_INET, m->ip.b, s, sizeof s))
			buf_str(out, s);
		break;
	case 'v':
		buf_str(out, m->ip.v6 ? "ip6" : "in-addr");
		break;
	default:	/* t */
		buf_fmt(out, "%lld", (long long)(m->now ? m->now : (int64_t)time(NULL)));
		break;
	}
}

/* ---- transformers ---- */

static bool delimits(const struct macro *m, char c)
{
	return m->delimiters.len ? memchr(m->delimiters.p, c, m->delimiters.len) != NULL : c == '.';
}

/* Splits v at the delimiters, reverses, keeps the parts on the right, joins with dots (7.3). */
static void transform(const struct macro *m, struct span v, struct buf *out)
{
	size_t begin = v.len, end = 0;
	int kept = 0;

	if (!m->reverse) {
		while (begin > 0 && !(delimits(m, v.p[begin - 1]) && ++kept == m->keep))
			begin--;
		for (; begin < v.len; begin++)
			buf_chr(out, delimits(m, v.p[begin]) ? '.' : v.p[begin]);
		return;
	}
	/* what is on the right once reversed is on the left now */
	while (end < v.len && !(delimits(m, v.p[end]) && ++kept == m->keep))
		end++;
	for (;;) {
		for (begin = end; begin > 0 && !delimits(m, v.p[begin - 1]); begin--)
			;
		buf_add(out, v.p + begin, end - begin);
		if (begin == 0)
			return;
		buf_chr(out, '.');
		end = begin - 1;
	}
}

/* RFC 3986 2.3's unreserved characters stay. */
static void add_escaped(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if (alnum(s.p[i]) || (s.p[i] && strchr("-._~", s.p[i])))
			buf_chr(out, s.p[i]);
		else
			buf_fmt(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

/* tmp: two buffers to work in. */
static void expand_one(const struct macro *m, const struct spf_macros *vars, struct buf tmp[2], struct buf *out)
{
	buf_clear(&tmp[0]);
	buf_clear(&tmp[1]);
	add_value(m->letter, vars, &tmp[0]);
	if (m->keep || m->reverse || m->delimiters.len)
		transform(m, (struct span){ buf_cstr(&tmp[0]), tmp[0].len }, &tmp[1]);
	else
		add_span((struct span){ tmp[0].p, tmp[0].len }, &tmp[1]);
	if (m->upper)
		add_escaped((struct span){ tmp[1].p, tmp[1].len }, out);
	else
		add_span((struct span){ tmp[1].p, tmp[1].len }, out);
	if (tmp[0].failed || tmp[1].failed)
		out->failed = true;
}

enum status spf_macro_expand(struct span text, const struct spf_macros *vars, struct buf *out)
{
	const char *p = text.p, *end = text.p + text.len;
	size_t begin = out->len;
	struct buf tmp[2] = { 0 };
	struct macro m;

	while (p < end && out->len - begin <= SPF_MAX_EXPANDED_BYTES && !out->failed) {
		if (*p != '%' || p + 1 >= end) {
			buf_chr(out, *p++);
		} else if (p[1] == '{') {
			size_t n = read_braces(p, end, &m);

			if (n)
				expand_one(&m, vars, tmp, out);
			p += n ? n : 1;
		} else {
			buf_str(out, p[1] == '_' ? " " : p[1] == '-' ? "%20" : "%");
			p += 2;
		}
	}
	buf_free(&tmp[0]);
	buf_free(&tmp[1]);
	if (out->failed)
		return ST_NOMEM;
	return out->len - begin <= SPF_MAX_EXPANDED_BYTES ? ST_OK :
		st_fail(ST_LIMIT, "its macros make more than %d bytes of it", SPF_MAX_EXPANDED_BYTES);
}

enum status spf_macro_name(struct span text, const struct spf_macros *m, struct buf *out)
{
	struct buf full = { 0 };
	enum status st = spf_macro_expand(text, m, &full);
	const char *p = buf_cstr(&full);
	size_t n = full.len;

	if (st == ST_OK) {
		if (n && p[n - 1] == '.')
			n--;
		while (n > NAME_MAX_BYTES) {	/* 7.3: whole labels go, from the left */
			const char *dot = memchr(p, '.', n);
			size_t cut = dot ? (size_t)(dot - p) + 1 : n;

			p += cut;
			n -= cut;
		}
		buf_add(out, p, n);
		st = out->failed ? ST_NOMEM : ST_OK;
	}
	buf_free(&full);
	return st;
}
