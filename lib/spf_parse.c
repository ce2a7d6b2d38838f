/*
 * spf_parse.c - SPF records: RFC 7208 4.6.1 and 12.
 *
 *	record		= "v=spf1" terms *SP
 *	terms		= *( 1*SP ( directive / modifier ) )
 *	directive	= [ "+" / "-" / "?" / "~" ] mechanism
 *	modifier	= name "=" macro-string
 *
 * One term at a time, without memory: a record is checked in one pass (4.6: errors anywhere count), evaluated in another.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "spf.h"

#define SHOWN_BYTES 80		/* of a term in an error text */

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ST_BAD: "<term>: <what>", with what is not printable shown as '?'. */
static enum status bad(struct span term, const char *what)
{
	char shown[SHOWN_BYTES + 4];
	size_t n = term.len < SHOWN_BYTES ? term.len : SHOWN_BYTES;

	for (size_t i = 0; i < n; i++)
		shown[i] = term.p[i] > ' ' && term.p[i] < 0x7f ? term.p[i] : '?';
	memcpy(shown + n, term.len > n ? "..." : "", term.len > n ? 4 : 1);
	return st_fail(ST_BAD, "\"%s\": %s", shown, what);
}

/* ---- addresses ---- */

bool spf_ip(const char *text, size_t len, struct spf_ip *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char s[INET6_ADDRSTRLEN + 1];
	struct spf_ip ip = { 0 };

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len > 5 && strncasecmp(text, "IPv6:", 5) == 0) {
		text += 5;
		len -= 5;
		ip.v6 = true;
	}
	if (len == 0 || len >= sizeof s || memchr(text, '\0', len))
		return false;
	memcpy(s, text, len);
	s[len] = '\0';
	if (!ip.v6 && inet_pton(AF_INET, s, ip.b) == 1) {
		*out = ip;
		return true;
	}
	if (inet_pton(AF_INET6, s, ip.b) != 1)
		return false;
	ip.v6 = memcmp(ip.b, mapped, sizeof mapped) != 0;	/* 5: "MUST still be considered an IPv4 address" */
	if (!ip.v6) {
		memmove(ip.b, ip.b + 12, 4);
		memset(ip.b + 4, 0, 12);
	}
	*out = ip;
	return true;
}

/* ---- prefix lengths ---- */

/* digits = "0" / %x31-39 *DIGIT (12), up to three of them. False: it is no such number. */
static bool number(struct span s, int *out)
{
	int v = 0;

	if (s.len == 0 || s.len > 3 || (s.len > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.p[i]))
			return false;
		v = 10 * v + (s.p[i] - '0');
	}
	*out = v;
	return true;
}

/* Where the digits at the end of s begin. */
static size_t digits_at_end(struct span s)
{
	size_t at = s.len;

	while (at > 0 && is_digit(s.p[at - 1]))
		at--;
	return at;
}

/* dual-cidr-length = [ "/" ip4 ] [ "//" ip6 ] at the end of *s, which loses it. It is read from the end, as a
 * domain-spec may contain '/' itself. False: a number beyond what an address has. */
static bool take_cidr(struct span *s, struct spf_term *t)
{
	size_t at = digits_at_end(*s);
	int v;

	if (at >= 2 && s->p[at - 1] == '/' && s->p[at - 2] == '/' &&
	    number((struct span){ s->p + at, s->len - at }, &v)) {
		if (v > 128)
			return false;
		t->cidr6 = v;
		s->len = at - 2;
		at = digits_at_end(*s);
	}
	if (at >= 1 && s->p[at - 1] == '/' && !(at >= 2 && s->p[at - 2] == '/') &&
	    number((struct span){ s->p + at, s->len - at }, &v)) {
		if (v > 32)
			return false;
		t->cidr4 = v;
		s->len = at - 1;
	}
	return true;
}

/* ---- mechanisms ---- */

/* ip4-network [ "/" 0-32 ] and ip6-network [ "/" 0-128 ] (5.6) behind the name. */
static enum status parse_net(struct spf_term *t, struct span arg)
{
	bool v6 = t->kind == SPF_IP6;
	const char *slash = memchr(arg.p, '/', arg.len);
	size_t n = slash ? (size_t)(slash - arg.p) : arg.len;
	int bits = v6 ? 128 : 32, max = bits;
	char s[INET6_ADDRSTRLEN + 1];

	if (slash && (!number((struct span){ slash + 1, arg.len - n - 1 }, &bits) || bits > max))
		return bad(t->text, v6 ? "a prefix length is a number from 0 to 128 (RFC 7208 5.6)" :
			"a prefix length is a number from 0 to 32 (RFC 7208 5.6)");
	if (n < sizeof s) {
		memcpy(s, arg.p, n);
		s[n] = '\0';
	}
	if (n == 0 || n >= sizeof s || inet_pton(v6 ? AF_INET6 : AF_INET, s, t->net.b) != 1)
		return bad(t->text, v6 ? "no IPv6 address behind ip6:" : "no IPv4 address with its four numbers behind ip4:");
	t->net.v6 = v6;
	*(v6 ? &t->cidr6 : &t->cidr4) = bits;
	return ST_OK;
}

static enum status parse_domain(struct spf_term *t, struct span spec)
{
	enum status st;

	if (spec.len == 0)
		return bad(t->text, "a domain is missing");
	st = spf_macro_check(spec, SPF_DOMAIN_SPEC);
	if (st != ST_OK) {
		char why[256];

		snprintf(why, sizeof why, "%.255s", st_text());
		return bad(t->text, why);
	}
	t->domain = spec;
	return ST_OK;
}

static enum status parse_argument(struct spf_term *t, struct span s)
{
	switch (t->kind) {
	case SPF_ALL:
		return s.len ? bad(t->text, "\"all\" stands alone") : ST_OK;
	case SPF_IP4:
	case SPF_IP6:
		if (s.len == 0 || s.p[0] != ':')
			return bad(t->text, "an address is missing");
		return parse_net(t, (struct span){ s.p + 1, s.len - 1 });
	case SPF_A:
	case SPF_MX:
		if (!take_cidr(&s, t))
			return bad(t->text, "a prefix length is at most 32 for IPv4, 128 for IPv6 (RFC 7208 5.6)");
		/* fall through */
	case SPF_PTR:
		if (s.len == 0)
			return ST_OK;
		break;
	default:
		break;
	}
	if (s.len == 0 || s.p[0] != ':')
		return bad(t->text, s.len ? "a domain comes behind \":\"" : "a domain is missing");
	return parse_domain(t, (struct span){ s.p + 1, s.len - 1 });
}

static enum status parse_directive(struct spf_term *t)
{
	static const struct { const char *name; enum spf_kind kind; } known[] = {
		{ "all", SPF_ALL }, { "include", SPF_INCLUDE }, { "a", SPF_A }, { "mx", SPF_MX }, { "ptr", SPF_PTR },
		{ "ip4", SPF_IP4 }, { "ip6", SPF_IP6 }, { "exists", SPF_EXISTS },
	};
	struct span s = t->text;
	size_t n = 0;

	t->qualifier = '+';
	if (strchr("+-~?", s.p[0])) {
		t->qualifier = s.p[0];
		s.p++;
		s.len--;
	}
	while (n < s.len && s.p[n] != ':' && s.p[n] != '/')
		n++;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strlen(known[i].name) != n || strncasecmp(known[i].name, s.p, n) != 0)
			continue;
		t->kind = known[i].kind;
		return parse_argument(t, (struct span){ s.p + n, s.len - n });
	}
	if (n == 8 && strncasecmp(s.p, "redirect", n) == 0)
		return bad(t->text, "redirect is written with \"=\"");
	return bad(t->text, "no mechanism of SPF has this name (RFC 7208 5)");
}

/* ---- modifiers ---- */

/* The length of "name=" if the term is a modifier; 0: it is a directive. */
static size_t modifier_name(struct span s)
{
	size_t n = 0;

	if (s.len == 0 || !is_alpha(s.p[0]))
		return 0;
	while (n < s.len && (is_alpha(s.p[n]) || is_digit(s.p[n]) || strchr("-_.", s.p[n])))
		n++;
	return n < s.len && s.p[n] == '=' ? n : 0;
}

static enum status parse_modifier(struct spf_term *t, size_t name)
{
	struct span value = { t->text.p + name + 1, t->text.len - name - 1 };
	enum status st;

	t->kind = SPF_UNKNOWN_MODIFIER;
	if (name == 8 && strncasecmp(t->text.p, "redirect", name) == 0)
		t->kind = SPF_REDIRECT;
	else if (name == 3 && strncasecmp(t->text.p, "exp", name) == 0)
		t->kind = SPF_EXP;
	if (t->kind != SPF_UNKNOWN_MODIFIER)
		return parse_domain(t, value);
	st = spf_macro_check(value, SPF_MACRO_STRING);
	return st == ST_OK ? ST_OK : bad(t->text, "a macro in it is not one of RFC 7208 7");
}

/* ---- records ---- */

bool spf_is_record(const char *p, size_t n)
{
	return n >= 6 && strncasecmp(p, "v=spf1", 6) == 0 && (n == 6 || p[6] == ' ');
}

enum status spf_term_next(struct span *rest, struct spf_term *out)
{
	const char *end;
	size_t name;

	while (rest->len && rest->p[0] == ' ') {
		rest->p++;
		rest->len--;
	}
	if (rest->len == 0)
		return ST_END;
	end = memchr(rest->p, ' ', rest->len);
	*out = (struct spf_term){ .text = { rest->p, end ? (size_t)(end - rest->p) : rest->len }, .cidr4 = 32, .cidr6 = 128 };
	rest->p += out->text.len;
	rest->len -= out->text.len;
	for (size_t i = 0; i < out->text.len; i++)	/* 3.1: US-ASCII; 4.6.1: parted by spaces alone */
		if (out->text.p[i] <= ' ' || out->text.p[i] >= 0x7f)
			return bad(out->text, "a byte that is not printable ASCII");
	name = modifier_name(out->text);
	return name ? parse_modifier(out, name) : parse_directive(out);
}

enum status spf_record_check(const char *p, size_t n)
{
	struct span rest = { p + 6, n - 6 };
	bool redirect = false, exp = false;
	struct spf_term t;
	enum status st;

	if (!spf_is_record(p, n))
		return st_fail(ST_BAD, "an SPF record begins with \"v=spf1\" and a space");
	if (n > SPF_MAX_RECORD_BYTES)
		return st_fail(ST_BAD, "the record has %zu bytes, more than %d", n, SPF_MAX_RECORD_BYTES);
	while ((st = spf_term_next(&rest, &t)) == ST_OK) {
		bool *seen = t.kind == SPF_REDIRECT ? &redirect : t.kind == SPF_EXP ? &exp : NULL;

		if (seen && *seen)
			return bad(t.text, "may stand in a record once (RFC 7208 6)");
		if (seen)
			*seen = true;
	}
	return st == ST_END ? ST_OK : st;
}
