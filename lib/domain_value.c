/* domain_value.c - single values that people give, see domain.h: names, DMARC tags, addresses for reports. */
#include <arpa/inet.h>
#include <ctype.h>
#include <idn2.h>
#include <stdio.h>
#include <string.h>
#include "domain.h"

/* ---- names ---- */

/* IDNA2008 allows it if its U-label leads back to it (RFC 5891 5.4). */
static enum status check_a_label(const char *label)
{
	char *u = NULL;
	uint8_t *back = NULL;
	int rc = idn2_to_unicode_8z8z(label, &u, 0);
	enum status st = ST_OK;

	if (rc == IDN2_OK)
		rc = idn2_lookup_u8((uint8_t *)u, &back, IDN2_NFC_INPUT | IDN2_NO_TR46);
	if (rc != IDN2_OK)
		st = st_fail(ST_BAD, "%s is no label that IDNA2008 allows: %s", label, idn2_strerror(rc));
	else if (strcmp((char *)back, label) != 0)
		st = st_fail(ST_BAD, "%s is no label that IDNA2008 allows: it stands for %s", label, (char *)back);
	idn2_free(u);
	idn2_free(back);
	return st;
}

static enum status check_label(const char *p, size_t n, bool underscore, const char *whole)
{
	char label[LABEL_MAX_BYTES + 1];

	if (n == 0)
		return st_fail(ST_BAD, "%.100s has an empty label", whole);
	if (n > LABEL_MAX_BYTES)
		return st_fail(ST_BAD, "%.100s has a label of %zu bytes: %d is the most (RFC 1035 2.3.4)", whole, n, LABEL_MAX_BYTES);
	memcpy(label, p, n);
	label[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)p[i]) && p[i] != '-' && (!underscore || p[i] != '_'))
			return st_fail(ST_BAD, "%.100s: the label %s has more than letters, digits and hyphens (LDH, RFC 5890 2.3.1)",
				whole, label);
	if (p[0] == '-' || p[n - 1] == '-')
		return st_fail(ST_BAD, "%.100s: the label %s begins or ends with a hyphen", whole, label);
	if (n > 3 && p[2] == '-' && p[3] == '-') {
		if (strncmp(label, "xn--", 4) != 0)
			return st_fail(ST_BAD, "%.100s: %s is reserved (hyphens in third and fourth place, RFC 5890 2.3.1)", whole, label);
		return check_a_label(label);
	}
	return ST_OK;
}

static enum status check_name(const char *name, bool underscore, size_t labels_min)
{
	const char *p = name, *last = name;
	size_t labels = 0;

	for (;;) {
		size_t n = strcspn(p, ".");
		enum status st = check_label(p, n, underscore, name);

		if (st != ST_OK)
			return st;
		last = p;
		labels++;
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	if (labels < labels_min)
		return st_fail(ST_BAD, "%.100s is a single label: a domain for mail has two at least", name);
	if (strspn(last, "0123456789") == strlen(last))
		return st_fail(ST_BAD, "%.100s looks like an address of numbers, not like a domain", name);
	return ST_OK;
}

static enum status normal_name(const char *text, bool underscore, size_t labels_min, struct buf *out)
{
	struct buf name = { 0 };
	size_t len = strlen(text);
	enum status st;

	if (len > 1 && text[len - 1] == '.')
		len--;
	if (len == 0 || text[0] == '[')
		return st_fail(ST_BAD, len == 0 ? "an empty name is no domain" : "%.100s is no domain", text);
	/* Names of ASCII only go as they are, so that check_name() can say what is wrong with them. */
	buf_add(&name, text, len);
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)text[i] >= 0x80) {
			buf_clear(&name);
			break;
		}
		name.p[i] = (char)tolower((unsigned char)text[i]);
	}
	st = name.failed ? st_fail(ST_NOMEM, "domain: out of memory") : name.len > 0 ? ST_OK : domain_normal(text, len, &name);
	if (st == ST_BAD)
		st = st_fail(ST_BAD, "%.100s is no domain that IDNA2008 allows", text);
	if (st == ST_OK && name.len > DOMAIN_MAX_BYTES)
		st = st_fail(ST_BAD, "%.60s... has %zu bytes: %d is the most (RFC 1035 2.3.4)", text, name.len, DOMAIN_MAX_BYTES);
	if (st == ST_OK)
		st = check_name(name.p, underscore, labels_min);
	if (st == ST_OK)
		buf_add(out, name.p, name.len);
	buf_free(&name);
	return st == ST_OK && out->failed ? st_fail(ST_NOMEM, "domain: out of memory") : st;
}

enum status domain_name(const char *text, struct buf *out)
{
	return normal_name(text, false, 2, out);
}

enum status domain_dns_name(const char *text, struct buf *out)
{
	return normal_name(text, true, 1, out);
}

/* ---- DMARC ---- */

/* What RFC 9989 4.7 has, but for v, rua and ruf; in the order in which they are written. */
static const struct dmarc_tag { const char *name, *values; } dmarc_tags[] = {
	{ "p", "none quarantine reject" }, { "sp", "none quarantine reject" }, { "np", "none quarantine reject" },
	{ "adkim", "r s" }, { "aspf", "r" }, { "t", "y n" }, { "fo", NULL },
};
#define DMARC_TAGS (sizeof(dmarc_tags) / sizeof(*dmarc_tags))

static bool among(const char *word, size_t len, const char *words)
{
	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		if (n == len && memcmp(word, words, n) == 0)
			return true;
		words += n + strspn(words + n, " ");
	}
	return false;
}

/* fo=0:1:d:s, each at most once. */
static bool good_fo(const char *v)
{
	const char *all = "01ds";
	unsigned seen = 0;

	for (;; v++) {
		const char *at = *v != '\0' ? strchr(all, *v) : NULL;

		if (at == NULL || (seen & 1u << (at - all)) != 0)
			return false;
		seen |= 1u << (at - all);
		if (*++v == '\0')
			return true;
		if (*v != ':')
			return false;
	}
}

static enum status set_tag(const char *name, const char *value, char got[DMARC_TAGS][16])
{
	for (size_t i = 0; i < DMARC_TAGS; i++) {
		const struct dmarc_tag *t = &dmarc_tags[i];

		if (strcmp(name, t->name) != 0)
			continue;
		if (got[i][0] != '\0')
			return st_fail(ST_BAD, "DMARC: %s= stands there twice", name);
		if (strcmp(name, "aspf") == 0 && strcmp(value, "s") == 0)
			return st_fail(ST_BAD, "DMARC: aspf=s could never pass: MAIL FROM is another domain than From (mail.DOMAIN); "
				"leave it out, aspf=r is the default");
		if (t->values != NULL ? !among(value, strlen(value), t->values) : !good_fo(value))
			return st_fail(ST_BAD, "DMARC: %s=%.40s: receivers would discard it; it is one of: %s (RFC 9989 4.7)", name, value,
				t->values != NULL ? t->values : "0, 1, d, s, joined by colons");
		snprintf(got[i], sizeof(got[i]), "%s", value);
		return ST_OK;
	}
	if (among(name, strlen(name), "pct rf ri"))
		return st_fail(ST_BAD, "DMARC: %s= is no more: receivers ignore it (RFC 9989)%s", name,
			strcmp(name, "pct") == 0 ? "; t=y is for testing" : "");
	if (among(name, strlen(name), "rua ruf"))
		return st_fail(ST_BAD, "DMARC: %s= has an option of its own, --%s", name, name);
	if (strcmp(name, "psd") == 0)
		return st_fail(ST_BAD, "DMARC: psd= is for public suffixes, and no tenant can have one");
	return st_fail(ST_BAD, "DMARC: receivers know no %.20s= (RFC 9989 4.7)", name);
}

/* Blanks around are cut off; ST_BAD if it does not fit. */
static enum status word(const char *p, size_t n, char *out, size_t size)
{
	while (n > 0 && (*p == ' ' || *p == '\t'))
		p++, n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n == 0 || n >= size)
		return st_fail(ST_BAD, "DMARC: tags look like p=reject; adkim=s");
	for (size_t i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)p[i]);
	out[n] = '\0';
	return ST_OK;
}

enum status domain_dmarc(const char *text, char out[128])
{
	char got[DMARC_TAGS][16] = { { 0 } }, name[64], value[600];
	struct buf b = { 0 };
	enum status st = ST_OK;

	if (strchr(text, '=') == NULL)
		st = set_tag("p", text, got);
	for (const char *p = text; st == ST_OK && strchr(text, '=') != NULL && *p != '\0';) {
		size_t n = strcspn(p, ";"), eq = strcspn(p, "=;");

		if (p[strspn(p, " \t")] == '\0')
			break;	/* a final semicolon may stand */
		st = eq < n ? word(p, eq, name, sizeof(name)) : st_fail(ST_BAD, "DMARC: tags look like p=reject; adkim=s");
		if (st == ST_OK)
			st = word(p + eq + 1, n - eq - 1, value, sizeof(value));
		if (st == ST_OK && strcmp(name, "v") == 0)
			st = st_fail(ST_BAD, "DMARC: v=DMARC1 is put there by itself");
		if (st == ST_OK)
			st = set_tag(name, value, got);
		p += n + (p[n] == ';');
	}
	if (st != ST_OK)
		return st;
	if (got[0][0] == '\0')
		snprintf(got[0], sizeof(got[0]), "none");
	for (size_t i = 0; i < DMARC_TAGS; i++)
		if (got[i][0] != '\0')
			buf_fmt(&b, "%s%s=%s", b.len > 0 ? "; " : "", dmarc_tags[i].name, got[i]);
	st = !buf_ok(&b) ? st_fail(ST_NOMEM, "domain: out of memory") : b.len >= 128 ? st_fail(ST_BUG, "DMARC: too long") : ST_OK;
	if (st == ST_OK)
		memcpy(out, b.p, b.len + 1);
	buf_free(&b);
	return st;
}

/* ---- reports ---- */

/* Narrow on purpose: what stands in a record unquoted, ',' and '!' would end the URI (RFC 9989 4.7), '%' begin an escape. */
enum status domain_report_address(const char *text, char out[REPORT_MAX_BYTES + 1])
{
	const char *at;
	struct buf name = { 0 };
	enum status st;

	if (strncasecmp(text, "mailto:", 7) == 0)
		text += 7;
	at = strchr(text, '@');
	if (at == NULL || at == text || at - text > 64 ||
			strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+_-=") != (size_t)(at - text))
		return st_fail(ST_BAD, "%.100s is no address for reports: letters, digits and . + _ - = before the @, a domain after it",
			text);
	st = domain_name(at + 1, &name);
	if (st == ST_OK && (size_t)(at - text) + 1 + name.len > REPORT_MAX_BYTES)
		st = st_fail(ST_BAD, "%.100s is too long for an address", text);
	if (st == ST_OK)
		snprintf(out, REPORT_MAX_BYTES + 1, "%.*s@%s", (int)(at - text), text, name.p);
	buf_free(&name);
	return st;
}

/* RFC 8460 3: mailto: or https:, no list and no tag may begin within. */
enum status domain_tls_rpt(const char *text, char out[REPORT_MAX_BYTES + 1])
{
	char address[REPORT_MAX_BYTES + 1];
	size_t len = strlen(text);
	enum status st;

	if (strncmp(text, "https://", 8) == 0) {
		if (len > REPORT_MAX_BYTES || len == 8 || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789.:/?&=_~%+-") != len)
			return st_fail(ST_BAD, "%.100s is no https URI for reports of at most %d plain bytes", text, REPORT_MAX_BYTES);
		memcpy(out, text, len + 1);
		return ST_OK;
	}
	st = domain_report_address(text, address);
	if (st == ST_OK && strlen(address) + 7 > REPORT_MAX_BYTES)
		st = st_fail(ST_BAD, "%.100s is too long for an address", text);
	if (st == ST_OK)
		snprintf(out, REPORT_MAX_BYTES + 1, "mailto:%.247s", address);
	return st;
}

/* "~", "~all", "softfail" and so on. */
enum status domain_spf_all(const char *text, char *out)
{
	static const struct { const char *words; char c; } forms[] = {
		{ "~ ~all softfail", '~' }, { "- -all fail", '-' }, { "? ?all neutral", '?' },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (text[0] != '\0' && among(text, strlen(text), forms[i].words)) {
			*out = forms[i].c;
			return ST_OK;
		}
	}
	if (among(text, strlen(text), "+ +all all pass"))
		return st_fail(ST_BAD, "SPF: %s would let anybody send in the domain's name: ~all, -all or ?all", text);
	return st_fail(ST_BAD, "SPF: %.40s is no ending: ~all (softfail), -all (fail) or ?all (neutral)", text);
}

enum status domain_label(const char *text, char out[LABEL_MAX_BYTES + 1])
{
	size_t len = strlen(text);

	if (len == 0 || len > LABEL_MAX_BYTES || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len ||
			text[0] == '-' || text[len - 1] == '-')
		return st_fail(ST_BAD, "%.80s is no label: 1 to 63 letters, digits and inner hyphens", text);
	memcpy(out, text, len + 1);
	return ST_OK;
}
