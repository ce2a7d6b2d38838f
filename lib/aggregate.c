/*
 * aggregate.c - see aggregate.h: the XML of a report.
 *
 * A table says which element may stand where; the rest is skipped. Elements count only in the namespace of their feedback
 * element: RFC 9990's, another or none (the older form has all of these), so an extension cannot pass for a record.
 */
#include "aggregate_in.h"

#include <ctype.h>
#include <expat.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"
#define SEPARATOR ' '		/* between an element's namespace and its name: can stand in neither */
#define PIECE_BYTES (16u << 10)

/* ---- what stands where ---- */

enum where { W_OUTSIDE, W_FEEDBACK, W_METADATA, W_RANGE, W_POLICY, W_RECORD, W_ROW, W_EVALUATED, W_REASON, W_IDENTIFIERS,
	W_AUTH, W_AUTH_DKIM, W_AUTH_SPF, W_TEXT };

static const struct element { enum where in; const char *name; enum where is; enum field field; } elements[] = {
	{ W_OUTSIDE, "feedback", W_FEEDBACK, 0 },
	{ W_FEEDBACK, "version", W_TEXT, F_VERSION },
	{ W_FEEDBACK, "report_metadata", W_METADATA, 0 },
	{ W_FEEDBACK, "policy_published", W_POLICY, 0 },
	{ W_FEEDBACK, "record", W_RECORD, 0 },
	{ W_METADATA, "org_name", W_TEXT, F_ORG },
	{ W_METADATA, "email", W_TEXT, F_EMAIL },
	{ W_METADATA, "extra_contact_info", W_TEXT, F_CONTACT },
	{ W_METADATA, "report_id", W_TEXT, F_ID },
	{ W_METADATA, "date_range", W_RANGE, 0 },
	{ W_METADATA, "error", W_TEXT, F_ERROR },
	{ W_METADATA, "generator", W_TEXT, F_GENERATOR },
	{ W_RANGE, "begin", W_TEXT, F_BEGIN },
	{ W_RANGE, "end", W_TEXT, F_END },
	{ W_POLICY, "domain", W_TEXT, F_DOMAIN },
	{ W_POLICY, "p", W_TEXT, F_P },
	{ W_POLICY, "sp", W_TEXT, F_SP },
	{ W_POLICY, "np", W_TEXT, F_NP },
	{ W_POLICY, "adkim", W_TEXT, F_ADKIM },
	{ W_POLICY, "aspf", W_TEXT, F_ASPF },
	{ W_POLICY, "pct", W_TEXT, F_PCT },
	{ W_POLICY, "fo", W_TEXT, F_FO },
	{ W_POLICY, "testing", W_TEXT, F_TESTING },
	{ W_POLICY, "discovery_method", W_TEXT, F_METHOD },
	{ W_RECORD, "row", W_ROW, 0 },
	{ W_RECORD, "identifiers", W_IDENTIFIERS, 0 },
	{ W_RECORD, "identities", W_IDENTIFIERS, 0 },	/* as drafts before RFC 7489 had it */
	{ W_RECORD, "auth_results", W_AUTH, 0 },
	{ W_ROW, "source_ip", W_TEXT, F_SOURCE },
	{ W_ROW, "count", W_TEXT, F_COUNT },
	{ W_ROW, "policy_evaluated", W_EVALUATED, 0 },
	{ W_EVALUATED, "disposition", W_TEXT, F_DISPOSITION },
	{ W_EVALUATED, "dkim", W_TEXT, F_DKIM },
	{ W_EVALUATED, "spf", W_TEXT, F_SPF },
	{ W_EVALUATED, "reason", W_REASON, 0 },
	{ W_REASON, "type", W_TEXT, F_TYPE },
	{ W_REASON, "comment", W_TEXT, F_COMMENT },
	{ W_IDENTIFIERS, "header_from", W_TEXT, F_HEADER_FROM },
	{ W_IDENTIFIERS, "envelope_from", W_TEXT, F_ENVELOPE_FROM },
	{ W_IDENTIFIERS, "envelope_to", W_TEXT, F_ENVELOPE_TO },
	{ W_AUTH, "dkim", W_AUTH_DKIM, 0 },
	{ W_AUTH, "spf", W_AUTH_SPF, 0 },
	{ W_AUTH_DKIM, "domain", W_TEXT, F_AUTH_DOMAIN },
	{ W_AUTH_DKIM, "selector", W_TEXT, F_SELECTOR },
	{ W_AUTH_DKIM, "result", W_TEXT, F_RESULT },
	{ W_AUTH_DKIM, "human_result", W_TEXT, F_HUMAN },
	{ W_AUTH_SPF, "domain", W_TEXT, F_AUTH_DOMAIN },
	{ W_AUTH_SPF, "scope", W_TEXT, F_SCOPE },
	{ W_AUTH_SPF, "result", W_TEXT, F_RESULT },
	{ W_AUTH_SPF, "human_result", W_TEXT, F_HUMAN },
};

struct reader {
	struct aggregate *a;
	XML_Parser xml;
	size_t fed;
	enum status st;			/* why the parser was stopped */
	bool high;			/* a byte over 127 that is no UTF-8 ended it: some write Windows-1252 and say UTF-8 */
	int odd;			/* see AGGREGATE_MAX_ODD */
	int depth, skip;		/* elements open; of them, within one that is skipped */
	const struct element *path[AGGREGATE_MAX_DEPTH];	/* of those that are not; [0] is the feedback element */
	int at;
	char space[256];		/* the namespace of the feedback element */
	struct text now;		/* the text at hand, as it comes */
};

static enum where where(const struct reader *r)
{
	return r->at > 0 ? r->path[r->at - 1]->is : W_OUTSIDE;
}

static void stop(struct reader *r, enum status st)
{
	r->st = st;
	XML_StopParser(r->xml, XML_FALSE);
}

/* name is "NAMESPACE NAME" or "NAME". */
static const struct element *find_element(struct reader *r, const char *name)
{
	const char *sep = strrchr(name, SEPARATOR), *local = sep ? sep + 1 : name;
	size_t space = sep ? (size_t)(sep - name) : 0;

	if (where(r) == W_OUTSIDE && strcmp(local, "feedback") == 0 && space < sizeof r->space && !r->a->feedback) {
		memcpy(r->space, name, space);
		r->space[space] = '\0';
		r->a->own_namespace = strcmp(r->space, NAMESPACE) == 0;
		r->a->feedback = true;
	}
	if (space != strlen(r->space) || memcmp(name, r->space, space) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
		if (elements[i].in == where(r) && strcmp(elements[i].name, local) == 0)
			return &elements[i];
	return NULL;
}

/* One more that no report needs. False: that was one too many. */
static bool odd(struct reader *r)
{
	if (r->odd++ < AGGREGATE_MAX_ODD)
		return true;
	stop(r, st_fail(ST_LIMIT, "more than %d elements and attributes that no report has", AGGREGATE_MAX_ODD));
	return false;
}

static void open_namespace(void *arg, const char *prefix, const char *uri)
{
	odd(arg);
}

static void ignore(struct reader *r)
{
	r->a->ignored++;
	odd(r);
}

static void open_element(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	const struct element *e;

	for (; *attributes; attributes += 2)
		if (!odd(r))
			return;
	if (r->depth++ >= AGGREGATE_MAX_DEPTH) {
		stop(r, st_fail(ST_LIMIT, "more than %d levels of elements", AGGREGATE_MAX_DEPTH));
		return;
	}
	if (r->a->ended || r->skip > 0) {
		r->skip += r->skip > 0;
		ignore(r);
		return;
	}
	e = find_element(r, name);
	if (!e) {
		/* Some wrap the report into an element of its schema: what is around feedback is looked through. */
		r->skip = where(r) == W_OUTSIDE ? 0 : 1;
		ignore(r);
		return;
	}
	r->path[r->at++] = e;
	r->now.len = 0;
	r->now.over = false;
	if (e->is == W_RECORD) {
		if (r->a->records++ >= AGGREGATE_MAX_RECORDS)
			stop(r, st_fail(ST_LIMIT, "more than %d records", AGGREGATE_MAX_RECORDS));
		aggregate_forget(r->a, F_RECORD, FIELDS);
	} else if (e->is == W_REASON || e->is == W_AUTH_DKIM || e->is == W_AUTH_SPF) {
		aggregate_forget(r->a, F_PIECE, FIELDS);
	}
}

static void add_text(void *arg, const char *s, int n)
{
	struct reader *r = arg;
	struct text *t = &r->now;

	if (r->skip > 0 || where(r) != W_TEXT)
		return;
	for (int i = 0; i < n; i++) {
		if (t->len == 0 && isspace((unsigned char)s[i]))
			continue;
		if (t->len == AGGREGATE_MAX_TEXT) {
			t->over = true;
			break;
		}
		t->s[t->len++] = s[i];
	}
}

/* Cut at a character, without blanks at its end. */
static void trim(struct text *t)
{
	if (t->over)
		while (t->len > 0 && ((unsigned char)t->s[t->len - 1] & 0xc0) == 0x80)
			t->len--;
	if (t->over && t->len > 0 && (unsigned char)t->s[t->len - 1] >= 0xc0)
		t->len--;
	while (t->len > 0 && isspace((unsigned char)t->s[t->len - 1]))
		t->len--;
	t->s[t->len] = '\0';
}

static void keep_text(struct reader *r, enum field f)
{
	struct text *to = &r->a->text[f];

	trim(&r->now);
	if (f == F_ERROR) {
		if (r->a->errors_n++ < AGGREGATE_MAX_REASONS && r->now.len > 0)
			json_str(&r->a->errors, NULL, r->now.s, r->now.len);
		if (r->now.over)
			r->a->defects |= 1u << D_CUT;
		if (r->a->errors_n > AGGREGATE_MAX_REASONS)
			r->a->defects |= 1u << D_TOO_MANY;
		return;
	}
	if (to->set) {
		to->twice |= to->len != r->now.len || memcmp(to->s, r->now.s, to->len) != 0;
		return;
	}
	*to = r->now;
	to->set = true;
	to->twice = false;
}

static void close_element(void *arg, const char *name)
{
	struct reader *r = arg;
	enum status st = ST_OK;

	r->depth--;
	if (r->skip > 0 || r->a->ended || r->at == 0) {
		r->skip -= r->skip > 0;
		return;
	}
	const struct element *e = r->path[--r->at];
	switch (e->is) {
	case W_TEXT: keep_text(r, e->field); break;
	case W_REASON: st = aggregate_reason(r->a); break;
	case W_AUTH_DKIM: st = aggregate_dkim(r->a); break;
	case W_AUTH_SPF: st = aggregate_spf(r->a); break;
	case W_RECORD: st = aggregate_record(r->a); break;
	case W_FEEDBACK: r->a->ended = true; break;
	default: break;
	}
	if (st != ST_OK)
		stop(r, st);
}

static void doctype(void *arg, const char *name, const char *system, const char *public, int internal)
{
	stop(arg, st_fail(ST_BAD, "it has a DOCTYPE: a report has none, and what it could define is not expanded"));
}

/* ---- charsets ---- */

static bool eight_bit(const char *name)
{
	static const char *const known[] = { "windows-125", "cp125", "iso-8859-", "koi8-" };

	if (strlen(name) > 20 || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != strlen(name))
		return false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strncasecmp(name, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

/* expat has UTF-8, UTF-16, US-ASCII and ISO-8859-1 itself; here are the other ones of one byte a character. */
static int unknown_encoding(void *arg, const char *name, XML_Encoding *info)
{
	iconv_t cd = eight_bit(name) ? iconv_open("UCS-4LE", name) : (iconv_t)-1;

	if (cd == (iconv_t)-1)
		return XML_STATUS_ERROR;
	for (int i = 0; i < 256; i++) {
		char in = (char)i, *from = &in, *to;
		unsigned char code[4] = { 0 };
		size_t from_n = 1, to_n = sizeof code;

		to = (char *)code;
		info->map[i] = -1;
		if (iconv(cd, &from, &from_n, &to, &to_n) != (size_t)-1 && to_n == 0)
			info->map[i] = code[0] | code[1] << 8 | code[2] << 16;
	}
	iconv_close(cd);
	info->data = NULL;
	info->convert = NULL;
	info->release = NULL;
	return XML_STATUS_OK;
}

/* ---- the whole ---- */

static enum status xml_failure(struct reader *r)
{
	enum XML_Error e = XML_GetErrorCode(r->xml);
	const char *context;
	int at = 0, size = 0;

	if (r->st != ST_OK)
		return r->st;
	if (e == XML_ERROR_NO_MEMORY)
		return st_fail(ST_NOMEM, "out of memory");
	if (r->a->ended) {	/* it is whole: what comes behind it is not read */
		r->a->defects |= 1u << D_TRAILING;
		return ST_END;
	}
	context = XML_GetInputContext(r->xml, &at, &size);
	r->high = e == XML_ERROR_INVALID_TOKEN && context && at < size && (unsigned char)context[at] >= 0x80;
	return st_fail(ST_BAD, "no well-formed XML: %s, line %lu", XML_ErrorString(e), (unsigned long)XML_GetCurrentLineNumber(r->xml));
}

static enum status feed(void *arg, const void *p, size_t n)
{
	struct reader *r = arg;
	const char *at = p;

	while (n > 0) {
		size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;

		if (XML_Parse(r->xml, at, (int)piece, 0) != XML_STATUS_OK)
			return xml_failure(r);
		at += piece;
		n -= piece;
		r->fed += piece;
		if ((XML_Index)r->fed - XML_GetCurrentByteIndex(r->xml) > (XML_Index)(AGGREGATE_MAX_TOKEN + PIECE_BYTES))
			return st_fail(ST_LIMIT, "a tag of more than %u bytes", AGGREGATE_MAX_TOKEN);
	}
	return ST_OK;
}

/* charset NULL: what the document says. */
static enum status read_as(struct reader *r, const char *charset, const void *p, size_t n, const struct unpack_limits *limits)
{
	struct unpacked info;
	enum status st;

	r->xml = XML_ParserCreateNS(charset, SEPARATOR);
	if (!r->xml)
		return st_fail(ST_NOMEM, "out of memory");
	XML_SetUserData(r->xml, r);
	XML_SetElementHandler(r->xml, open_element, close_element);
	XML_SetStartNamespaceDeclHandler(r->xml, open_namespace);
	XML_SetCharacterDataHandler(r->xml, add_text);
	XML_SetStartDoctypeDeclHandler(r->xml, doctype);
	XML_SetUnknownEncodingHandler(r->xml, unknown_encoding, NULL);
	st = unpack(p, n, limits, feed, r, &info);
	if (st == ST_OK && XML_Parse(r->xml, "", 0, 1) != XML_STATUS_OK)
		st = xml_failure(r);
	if (st == ST_END)
		st = ST_OK;
	if (st == ST_OK && !r->a->feedback)
		st = st_fail(ST_BAD, "no DMARC report: it has no feedback element");
	if (st == ST_OK && !r->a->ended)
		st = st_fail(ST_BAD, "the report is cut short");
	XML_ParserFree(r->xml);
	return st;
}

enum status aggregate_read(const void *p, size_t n, const struct unpack_limits *limits, struct buf *out)
{
	static const char *const charsets[] = { NULL, "windows-1252" };
	enum status st = ST_BAD;
	bool again = true;

	for (int i = 0; i < 2 && again; i++) {
		struct aggregate *a = calloc(1, sizeof *a);
		struct reader *r = calloc(1, sizeof *r);

		st = a && r ? ST_OK : st_fail(ST_NOMEM, "out of memory");
		if (st == ST_OK) {
			r->a = a;
			a->defects = i > 0 ? 1u << D_CHARSET : 0;
			st = read_as(r, charsets[i], p, n, limits);
		}
		if (st == ST_OK)
			st = aggregate_entity(a, out);
		again = st == ST_BAD && r && r->high;
		if (a)
			aggregate_done(a);
		free(a);
		free(r);
	}
	return st;
}
