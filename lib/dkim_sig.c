/*
 * dkim_sig.c - what a DKIM-Signature field says, and whether it may say so (RFC 6376 3.5 and 6.1.1); ARC's, too.
 *
 * "Implementers MUST meticulously validate the format and values": whatever breaks a rule makes the signature a permerror
 * with that rule as its reason. What can be read is read all the same, so that people see whose signature it was.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dkim_priv.h"
#include "json.h"


#define MAX_IDENTITY_BYTES	1000

static bool no(struct dkim_sig *s, const char *why)
{
	if (!s->why[0])	/* the first reason is the one that is told */
		strncpy(s->why, why, sizeof(s->why) - 1);
	return false;
}

static struct span value(const struct dkim_tags *t, const char *name)
{
	const struct dkim_tag *tag = dkim_tag(t, name);

	return tag ? tag->value : (struct span){ 0 };
}

/* ---- names ---- */

static bool read_domain(const struct dkim_tags *t, struct dkim_sig *s)
{
	if (!dkim_domain(value(t, "d"), &s->domain))
		return no(s, "d= is not a domain name");
	if (!memchr(s->domain.p, '.', s->domain.len))
		return no(s, "d= is a single label, not a domain name");
	if (!dkim_domain(value(t, "s"), &s->selector))
		return no(s, "s= is not a selector");
	return true;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* dkim-quoted-printable (2.11): "=XX" is a byte, blanks are nothing. */
static bool unquote(struct span v, struct buf *out)
{
	for (size_t i = 0; i < v.len; i++) {
		char c = v.p[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			int hi = i + 2 < v.len ? hex_value(v.p[i + 1]) : -1, lo = i + 2 < v.len ? hex_value(v.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		buf_chr(out, c);
	}
	return true;
}

/* C0, DEL, and C1 as UTF-8 has it. */
static bool has_controls(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 127 ||
				(i + 1 < n && p[i] == '\xc2' && (unsigned char)p[i + 1] < 0xa0))
			return true;
	return false;
}

/* i=: "[local part]@domain", the domain being d= or below it. Absent: "@" and d=. */
static bool read_identity(const struct dkim_tags *t, struct dkim_sig *s)
{
	struct span v = value(t, "i");
	const char *at;

	if (!v.p) {
		buf_fmt(&s->identity, "@%s", buf_cstr(&s->domain));
		buf_str(&s->identity_domain, buf_cstr(&s->domain));
		return true;
	}
	if (!unquote(v, &s->identity) || !utf8_valid(buf_cstr(&s->identity), s->identity.len) ||
			has_controls(buf_cstr(&s->identity), s->identity.len) || s->identity.len > MAX_IDENTITY_BYTES) {
		s->identity.len = 0;
		return no(s, "i= is malformed");
	}
	at = s->identity.len ? memrchr(s->identity.p, '@', s->identity.len) : NULL;
	if (!at)
		return no(s, "i= has no @");
	if (!dkim_domain((struct span){ at + 1, s->identity.len - (size_t)(at + 1 - s->identity.p) }, &s->identity_domain))
		return no(s, "i= has no domain name");
	if (!dkim_within(buf_cstr(&s->identity_domain), buf_cstr(&s->domain)))
		return no(s, "the domain of i= is neither d= nor below it (RFC 6376 3.5)");
	return true;
}

/* ---- what is signed ---- */

static bool field_name(struct span n)
{
	for (size_t i = 0; i < n.len; i++)
		if (n.p[i] <= ' ' || n.p[i] >= 127)
			return false;
	return n.len > 0;
}

/* DKIM wants From in it (5.4); ARC is content with nothing at all, but a seal must not be signed (RFC 8617 4.1.2). */
static bool read_names(enum dkim_sig_kind kind, const struct dkim_tags *t, struct dkim_sig *s)
{
	struct span rest = value(t, "h"), name;
	bool from = kind == SIG_AMS;

	while (dkim_element(&rest, &name)) {
		if (kind == SIG_AMS && name.len == 0)
			continue;
		if (!field_name(name))
			return no(s, "h= is not a list of field names");
		if (kind == SIG_AMS && name.len == 8 && strncasecmp(name.p, "arc-seal", 8) == 0)
			return no(s, "h= has ARC-Seal (RFC 8617 4.1.2)");
		if (s->names == DKIM_MAX_NAMES)
			return no(s, "h= has too many names");
		s->name[s->names++] = name;
		from |= name.len == 4 && strncasecmp(name.p, "from", 4) == 0;
	}
	return from ? true : no(s, "h= does not have From (RFC 6376 5.4)");
}

static bool read_hashes(enum dkim_sig_kind kind, const struct dkim_tags *t, struct dkim_sig *s)
{
	const struct dkim_tag *b = dkim_tag(t, "b");
	size_t n, k = 0;

	s->cut = b->raw;
	for (size_t i = 0; i < b->value.len && k < sizeof(s->b_start) - 1; i++)
		if (b->value.p[i] > ' ')
			s->b_start[k++] = b->value.p[i];
	if (!dkim_base64(b->value, s->b, sizeof(s->b), &s->b_len) || s->b_len == 0) {
		s->b_start[0] = '\0';
		return no(s, "b= is not base64 of a signature");
	}
	if (kind == SIG_SEAL)
		return true;
	if (!dkim_base64(value(t, "bh"), s->body_hash, sizeof(s->body_hash), &n) || n != HASH_BYTES)
		return no(s, "bh= is not base64 of a SHA-256 hash");
	return true;
}

static bool read_algorithm(struct span a, struct dkim_sig *s)
{
	if (span_is(a, "rsa-sha256")) {
		s->algorithm = ALG_RSA;
		s->algorithm_name = "rsa-sha256";
	} else if (span_is(a, "ed25519-sha256")) {
		s->algorithm = ALG_ED25519;
		s->algorithm_name = "ed25519-sha256";
	} else if (span_is(a, "rsa-sha1")) {
		s->algorithm_name = "rsa-sha1";
		return no(s, "rsa-sha1 is not to be used any more (RFC 8301 3.1)");
	} else {
		return no(s, "a= names an algorithm that is not known");
	}
	return true;
}

static bool read_rest(enum dkim_sig_kind kind, const struct dkim_tags *t, struct dkim_sig *s)
{
	const struct dkim_tag *q = dkim_tag(t, "q");

	if (!dkim_canon_read(value(t, "c"), &s->canon))
		return no(s, "c= names a canonicalization that is not known");
	if (q && !dkim_list_has(q->value, "dns/txt"))	/* methods that are not known are passed over (3.5) */
		return no(s, "q= has no way to the key that is known");
	/* ARC's sealers take "relaxed" for granted (the ARC test suite and dkimpy do); DKIM's default is simple. */
	if (kind == SIG_AMS && !dkim_tag(t, "c"))
		s->canon = (struct dkim_canon){ true, true };
	return true;
}

/* ---- when, and how much ---- */

static bool read_numbers(const struct dkim_tags *t, int64_t now, struct dkim_sig *s)
{
	const struct dkim_tag *from = dkim_tag(t, "t"), *to = dkim_tag(t, "x"), *l = dkim_tag(t, "l");

	if (from && !dkim_number(from->value, 12, &s->t))
		return no(s, "t= is not a time");
	if (to && !dkim_number(to->value, 12, &s->x))
		return no(s, "x= is not a time");
	if (l && !dkim_number(l->value, 76, &s->l))
		return no(s, "l= is not a number");
	if (from && to && s->x <= s->t)
		return no(s, "it expires before it was made (x= and t=)");
	if (to && s->x < now)
		return no(s, "it has expired (x=)");
	return true;
}

/* ---- all of it ---- */

#define ARC_MAX_DIGITS	2	/* i= is at most 50 (RFC 8617 4.2.1) */

/* What only ARC has (RFC 8617 4.1). */
static bool read_arc(enum dkim_sig_kind kind, const struct dkim_tags *t, struct dkim_sig *s)
{
	struct span cv = value(t, "cv");

	if (!dkim_number(value(t, "i"), ARC_MAX_DIGITS, &s->instance) || s->instance == 0)
		return no(s, "i= is not a number from 1 to 50");
	if (kind != SIG_SEAL)
		return true;
	if (!span_is(cv, "none") && !span_is(cv, "pass") && !span_is(cv, "fail"))
		return no(s, "cv= is not none, pass or fail");
	s->cv = cv.p[0];
	return dkim_tag(t, "h") ? no(s, "an ARC-Seal with h= (RFC 8617 4.1.3)") : true;
}

static bool read_required(enum dkim_sig_kind kind, const struct dkim_tags *t, struct dkim_sig *s)
{
	static const char *const required[][9] = {
		[SIG_DKIM] = { "v", "a", "b", "bh", "d", "h", "s" },
		[SIG_AMS] = { "i", "a", "b", "bh", "d", "h", "s" },
		[SIG_SEAL] = { "i", "a", "b", "cv", "d", "s" } };
	char text[64];

	for (const char *const *name = required[kind]; *name; name++)
		if (!dkim_tag(t, *name)) {
			snprintf(text, sizeof(text), "%s= is missing", *name);
			s->why[0] = '\0';	/* says more than that the domain cannot be read */
			return no(s, text);
		}
	return kind != SIG_DKIM || span_is(value(t, "v"), "1") ? true : no(s, "v= is not 1");
}

static void clear(struct dkim_sig *s)
{
	buf_clear(&s->domain);
	buf_clear(&s->selector);
	buf_clear(&s->identity);
	buf_clear(&s->identity_domain);
	s->algorithm = ALG_NONE;
	s->algorithm_name = "";
	s->names = s->b_len = 0;
	s->cut = (struct span){ 0 };
	s->t = s->x = s->l = -1;
	s->instance = 0;
	s->cv = 0;
	s->canon = (struct dkim_canon){ 0 };
	memset(s->why, 0, sizeof(s->why));
	memset(s->b_start, 0, sizeof(s->b_start));
}

bool dkim_sig_read(enum dkim_sig_kind kind, struct span v, int64_t now, struct dkim_sig *out)
{
	struct dkim_tags tags;
	const char *why;
	bool ok;

	clear(out);
	if (v.len > DKIM_MAX_FIELD_BYTES)
		return no(out, "the field is too long");
	why = dkim_tags_read(v.p, v.len, "dsi", &tags);
	if (why)
		no(out, why);
	ok = read_domain(&tags, out);
	if (why || !read_required(kind, &tags, out))
		return false;
	/* All of them, so that what can be shown is there. */
	ok &= read_algorithm(value(&tags, "a"), out);
	ok &= kind == SIG_SEAL || read_rest(kind, &tags, out);
	ok &= kind == SIG_DKIM ? read_identity(&tags, out) : read_arc(kind, &tags, out);
	ok &= read_hashes(kind, &tags, out);
	ok &= kind == SIG_SEAL || read_names(kind, &tags, out);
	ok &= read_numbers(&tags, now, out);
	return ok;
}

void dkim_sig_done(struct dkim_sig *s)
{
	buf_free(&s->domain);
	buf_free(&s->selector);
	buf_free(&s->identity);
	buf_free(&s->identity_domain);
}
