/*
 * dns_file.c - see dns_back.h: answers from a file. It is a zone file (RFC 1035 5.1), with words for failures:
 *
 *	$ORIGIN example.			names without a final dot end with it; at first, with nothing
 *	$TTL 300				of records without one; at first 3600
 *	mail 600 IN A 192.0.2.25		class may be missing, TTL too, the name is then that of the line before if
 *	     TXT "v=spf1 a -all" ; comment	the line begins with a blank; ( and ) let a record go over several lines
 *	odd  TYPE65280 \# 4 0a000001		any RDATA, RFC 3597 5
 *	dead TXT SERVFAIL			this failure for TXT of this name; also TIMEOUT, BOGUS, NXDOMAIN, NODATA
 *	gone TIMEOUT				the same for all types
 *	safe TXT SECURE				what the file says of TXT, as if DNSSEC had proved it
 *
 * CNAMEs are followed within the file; wildcards, delegations and $INCLUDE are not known. A name with records, or
 * above one with records, has NODATA for other types, every other name is NXDOMAIN - with `replay`, which tells
 * apart what was recorded from what was not, both are DNS_SERVFAIL. A record twice counts once (RFC 2181 5).
 */
#include "dns.h"

#include <ctype.h>
#include <fcntl.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "dns_back.h"
#include "file.h"

#define DNS_FILE_MAX_BYTES	(256u << 20)
#define DNS_FILE_MAX_LINE	(256u << 10)	/* a record of 64 KB in hex, and room */
#define ABSENT_TTL		300
#define FILE_BUCKETS		4096

struct rec { struct rec *next; uint32_t ttl; uint16_t type, len; uint8_t rdata[]; };
/* type 0: all. secure: no result, only that. */
struct mark { struct mark *next; enum dns_result result; uint16_t type; bool secure; };
struct node { struct node *chain; struct rec *first, *last; struct mark *marks; uint8_t wire[]; };

struct file {
	struct node **bucket;
	size_t buckets, nodes;
	bool replay;
	struct dns_entry **asked;	/* that process() has yet to answer */
	size_t n, cap;
};

/* ---- names ---- */

static struct node *node_find(const struct file *f, const uint8_t *wire)
{
	size_t len = dns_wire_len(wire);
	struct node *n = f->bucket[dns_hash(wire, len, 0) & (f->buckets - 1)];

	while (n && (dns_wire_len(n->wire) != len || memcmp(n->wire, wire, len) != 0))
		n = n->chain;
	return n;
}

static void nodes_grow(struct file *f)
{
	size_t n = f->buckets * 4;
	struct node **more = calloc(n, sizeof *more), *e, *next;

	if (!more)
		return;
	for (size_t i = 0; i < f->buckets; i++) {
		for (e = f->bucket[i]; e; e = next) {
			size_t at = dns_hash(e->wire, dns_wire_len(e->wire), 0) & (n - 1);

			next = e->chain;
			e->chain = more[at];
			more[at] = e;
		}
	}
	free(f->bucket);
	f->bucket = more;
	f->buckets = n;
}

/* The node, made if it is missing, and with it those above: they exist too (RFC 4592 2.2.2). */
static struct node *node_get(struct file *f, const uint8_t *wire)
{
	struct node *first = NULL, *n;
	size_t len, at;

	for (;; wire += 1u + wire[0]) {
		n = node_find(f, wire);
		if (!n) {
			len = dns_wire_len(wire);
			n = calloc(1, sizeof *n + len);
			if (!n)
				return NULL;
			memcpy(n->wire, wire, len);
			if (f->nodes++ >= f->buckets)
				nodes_grow(f);
			at = dns_hash(wire, len, 0) & (f->buckets - 1);
			n->chain = f->bucket[at];
			f->bucket[at] = n;
		}
		if (!first)
			first = n;
		if (!wire[0])
			return first;
	}
}

static enum status add_record(struct node *n, uint16_t type, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	struct rec *r;

	for (r = n->first; r; r = r->next)
		if (r->type == type && r->len == len && !memcmp(r->rdata, rdata, len))
			return ST_OK;
	r = calloc(1, sizeof *r + len);
	if (!r)
		return st_fail(ST_NOMEM, "out of memory");
	memcpy(r->rdata, rdata, len);
	r->type = type;
	r->len = (uint16_t)len;
	r->ttl = ttl;
	*(n->last ? &n->last->next : &n->first) = r;
	n->last = r;
	return ST_OK;
}

static enum status add_mark(struct node *n, uint16_t type, enum dns_result result, bool secure)
{
	struct mark *m = calloc(1, sizeof *m);

	if (!m)
		return st_fail(ST_NOMEM, "out of memory");
	*m = (struct mark){ n->marks, result, type, secure };
	n->marks = m;
	return ST_OK;
}

/* ---- reading ---- */

struct reader {
	struct file *file;
	const char *p, *end;
	size_t line, begun;		/* lines read; the line at which the record begins */
	struct buf text;		/* a record in one line, without comments and parentheses */
	uint8_t origin[DNS_MAX_WIRE], owner[DNS_MAX_WIRE];
	bool owned;			/* owner is there */
	uint32_t ttl;
	ldns_rdf *ldns_origin;
};

/* The next record into text. False at the end, or (st) when the file makes no sense. */
static bool next_record(struct reader *r, enum status *st)
{
	bool quoted = false;
	int depth = 0;
	char c;

	buf_clear(&r->text);
	r->begun = r->line + 1;
	while (r->p < r->end) {
		c = *r->p++;
		if (c == '\n')
			r->line++;
		if (c == '\n' && !quoted && depth == 0)
			return true;
		if (c == '\0' || (c == '\n' && quoted) || r->text.len > DNS_FILE_MAX_LINE || depth > 1) {
			*st = st_fail(ST_BAD, "a NUL, an open quote, nested parentheses, or too long");
			return false;
		}
		if (c == ';' && !quoted) {
			while (r->p < r->end && *r->p != '\n')
				r->p++;
			continue;
		}
		if (c == '"')
			quoted = !quoted;
		depth += !quoted && c == '(' ? 1 : !quoted && c == ')' && depth > 0 ? -1 : 0;
		buf_chr(&r->text, !quoted && (c == '(' || c == ')' || isspace((unsigned char)c)) ? ' ' : c);
		if (c == '\\' && r->p < r->end && *r->p != '\n')
			buf_chr(&r->text, *r->p++);
	}
	if (quoted || depth)
		*st = st_fail(ST_BAD, "ends within a record");
	return *st == ST_OK && r->text.len > 0;
}

/* The next word at *p, without the blanks around it. p NULL: none. */
static struct span word(const char **p)
{
	struct span w;

	*p += strspn(*p, " ");
	w = (struct span){ *p, 0 };
	while ((*p)[w.len] && (*p)[w.len] != ' ')
		w.len += (*p)[w.len] == '\\' && (*p)[w.len + 1] ? 2 : 1;
	*p += w.len;
	return w.len ? w : (struct span){ NULL, 0 };
}

static bool is(struct span w, const char *s)
{
	return w.p && strlen(s) == w.len && !strncasecmp(w.p, s, w.len);
}

/* A name as a zone file has it: absolute with a final dot, else below the origin. */
static enum status read_name(const struct reader *r, struct span w, uint8_t out[DNS_MAX_WIRE])
{
	char text[4 * DNS_MAX_WIRE + 1];
	size_t len, more = dns_wire_len(r->origin);

	if (is(w, "@")) {
		memcpy(out, r->origin, more);
		return ST_OK;
	}
	if (!w.p || w.len >= sizeof text)
		return st_fail(ST_BAD, "no name");
	memcpy(text, w.p, w.len);
	text[w.len] = '\0';
	len = dns_wire_of(text, true, out);
	if (!len)
		return st_fail(ST_BAD, "not a name: %s", text);
	if (text[w.len - 1] == '.' && (w.len < 2 || text[w.len - 2] != '\\'))
		return ST_OK;
	if (len - 1 + more > DNS_MAX_WIRE)
		return st_fail(ST_BAD, "too long with its origin: %s", text);
	memcpy(out + len - 1, r->origin, more);
	return ST_OK;
}

/* Seconds: "600", "5m", "1h30m", as BIND has them. */
static enum status read_ttl(struct span w, uint32_t *out)
{
	static const struct { char unit; unsigned seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
		{ 'd', 86400 }, { 'w', 604800 } };
	uint64_t sum = 0, n = 0;
	bool ok = w.p != NULL;

	for (size_t i = 0, u; ok && i < w.len; i++) {
		if (isdigit((unsigned char)w.p[i])) {
			n = n * 10 + (uint64_t)(w.p[i] - '0');
		} else {
			for (u = 0; u < 5 && units[u].unit != (w.p[i] | 32); u++)
				;
			ok = u < 5 && i > 0;
			sum += ok ? n * units[u].seconds : 0;
			n = 0;
		}
		ok = ok && n <= INT32_MAX && sum <= INT32_MAX;
	}
	*out = (uint32_t)(sum + n);
	return ok && *out <= INT32_MAX ? ST_OK : st_fail(ST_BAD, "not a TTL: %.*s", (int)w.len, w.p ? w.p : "");
}

static enum status directive(struct reader *r, struct span name, const char *rest)
{
	struct span w = word(&rest);
	uint8_t wire[DNS_MAX_WIRE];
	enum status st;

	if (is(name, "$TTL"))
		return read_ttl(w, &r->ttl);
	if (!is(name, "$ORIGIN"))
		return st_fail(ST_BAD, "not known: %.*s", (int)name.len, name.p);
	st = read_name(r, w, wire);
	if (st != ST_OK)
		return st;
	memcpy(r->origin, wire, sizeof wire);
	ldns_rdf_deep_free(r->ldns_origin);
	r->ldns_origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, dns_wire_len(wire), wire);
	return r->ldns_origin ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}

/* RFC 3597 5: "\# 4 0a000001", the hex digits in any number of words. */
static enum status read_generic(const char *rest, struct buf *out)
{
	struct span w = word(&rest);
	unsigned long want = w.p ? strtoul(w.p, NULL, 10) : 65536;
	int high = -1, v;

	for (; *rest; rest++) {
		if (*rest == ' ')
			continue;
		if (!isxdigit((unsigned char)*rest))
			return st_fail(ST_BAD, "no hex digit in \\# data");
		v = isdigit((unsigned char)*rest) ? *rest - '0' : (*rest | 32) - 'a' + 10;
		if (high >= 0)
			buf_chr(out, (char)(high << 4 | v));
		high = high >= 0 ? -1 : v;
	}
	return want == out->len && want <= 65535 && high < 0 ? ST_OK : st_fail(ST_BAD, "\\# data is not as long as it says");
}

/* RDATA as people write it: ldns knows all types. */
static enum status read_rdata(struct reader *r, uint16_t type, const char *rest, struct buf *out)
{
	struct buf line = { 0 };
	ldns_buffer *wire = ldns_buffer_new(512);
	ldns_rr *rr = NULL;
	ldns_status ls = LDNS_STATUS_MEM_ERR;

	buf_str(&line, "x. 0 IN ");
	dns_type_name(type, &line);
	buf_fmt(&line, " %s", rest);
	if (buf_ok(&line) && wire)
		ls = ldns_rr_new_frm_str(&rr, line.p, 0, r->ldns_origin, NULL);
	if (ls == LDNS_STATUS_OK)
		ls = ldns_rr_rdata2buffer_wire(wire, rr);
	if (ls == LDNS_STATUS_OK)
		buf_add(out, ldns_buffer_begin(wire), ldns_buffer_position(wire));
	ldns_rr_free(rr);
	ldns_buffer_free(wire);
	buf_free(&line);
	if (ls != LDNS_STATUS_OK)
		return st_fail(ls == LDNS_STATUS_MEM_ERR ? ST_NOMEM : ST_BAD, "%s", ldns_get_errorstr_by_id(ls));
	return out->len <= 65535 ? ST_OK : st_fail(ST_BAD, "too long");
}

/* What stands for a failure; DNS_PENDING: no such word. */
static enum dns_result failure_word(struct span w, bool *secure)
{
	static const struct { const char *word; enum dns_result result; } words[] = {
		{ "SERVFAIL", DNS_SERVFAIL }, { "TIMEOUT", DNS_TIMEOUT }, { "BOGUS", DNS_BOGUS },
		{ "NXDOMAIN", DNS_NXDOMAIN }, { "NODATA", DNS_NODATA }, { "SECURE", DNS_FOUND },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (is(w, words[i].word)) {
			*secure = words[i].result == DNS_FOUND;
			return words[i].result;
		}
	}
	return DNS_PENDING;
}

/* [TTL] [IN] TYPE RDATA, [IN] [TTL] TYPE RDATA or [TYPE] FAILURE. */
static enum status data_line(struct reader *r, struct node *n, const char *rest)
{
	struct span w = word(&rest);
	enum dns_result failed;
	uint32_t ttl = r->ttl;
	struct buf rdata = { 0 };
	uint16_t type = 0;
	enum status st;
	const char *at;
	bool secure;

	for (; w.p && (is(w, "IN") || isdigit((unsigned char)*w.p)); w = word(&rest))
		if (!is(w, "IN") && read_ttl(w, &ttl) != ST_OK)
			return ST_BAD;
	failed = failure_word(w, &secure);
	if (failed == DNS_PENDING) {
		type = w.p ? dns_type_of(w.p, w.len) : 0;
		if (!type)
			return st_fail(ST_BAD, "not a type: %.*s", (int)w.len, w.p ? w.p : "");
		at = rest;
		failed = failure_word(word(&at), &secure);
	}
	if (failed != DNS_PENDING)
		return add_mark(n, type, failed, secure);
	rest += strspn(rest, " ");
	st = rest[0] == '\\' && rest[1] == '#' ? read_generic(rest + 2, &rdata) : read_rdata(r, type, rest, &rdata);
	if (st == ST_OK && !buf_ok(&rdata))
		st = st_fail(ST_NOMEM, "out of memory");
	if (st == ST_OK)
		st = add_record(n, type, ttl, (const uint8_t *)buf_cstr(&rdata), rdata.len);
	buf_free(&rdata);
	return st;
}

static enum status record_line(struct reader *r)
{
	const char *rest = buf_cstr(&r->text);
	bool again = *rest == ' ';
	struct span w = word(&rest);
	struct node *n;
	enum status st;

	if (!w.p)
		return ST_OK;
	if (*w.p == '$')
		return directive(r, w, rest);
	if (again) {
		if (!r->owned)
			return st_fail(ST_BAD, "no name, nor one before it");
		rest = w.p;
	} else {
		st = read_name(r, w, r->owner);
		if (st != ST_OK)
			return st;
		r->owned = true;
	}
	n = node_get(r->file, r->owner);
	return n ? data_line(r, n, rest) : st_fail(ST_NOMEM, "out of memory");
}

static enum status read_all(struct file *f, const char *path, const struct buf *text)
{
	static const uint8_t root[1];
	struct reader r = { .file = f, .p = text->p, .end = text->p + text->len, .ttl = 3600,
		.ldns_origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, 1, root) };
	enum status st = ST_OK;
	char why[256];

	while (st == ST_OK && next_record(&r, &st))
		st = buf_ok(&r.text) ? record_line(&r) : st_fail(ST_NOMEM, "out of memory");
	if (st != ST_OK) {
		snprintf(why, sizeof why, "%s", st_text());
		st_fail(st, "%s: line %zu: %s", path, r.begun, why);
	}
	buf_free(&r.text);
	ldns_rdf_deep_free(r.ldns_origin);
	return st;
}

/* ---- answering ---- */

static const struct mark *mark_of(const struct node *n, uint16_t type, bool secure)
{
	const struct mark *m;

	for (m = n->marks; m; m = m->next)
		if (m->secure == secure && (m->type == type || m->type == 0))
			return m;
	return NULL;
}

static size_t collect(const struct node *n, uint16_t type, struct span *out, uint32_t *ttl)
{
	const struct rec *r;
	size_t found = 0;

	for (r = n->first; r && found <= DNS_MAX_RECORDS; r = r->next) {
		if (r->type != type)
			continue;
		*ttl = !found || r->ttl < *ttl ? r->ttl : *ttl;
		out[found++] = (struct span){ (const char *)r->rdata, r->len };
	}
	return found;
}

static void answer(const struct file *f, struct dns_entry *e)
{
	struct span rdata[DNS_MAX_RECORDS + 1];
	struct dns_found found = { .ttl = ABSENT_TTL, .rdata = rdata };
	const struct node *n = node_find(f, e->wire);
	const struct mark *m;

	found.secure = n && mark_of(n, e->type, true);
	found.result = f->replay ? DNS_SERVFAIL : n ? DNS_NODATA : DNS_NXDOMAIN;
	found.why = f->replay ? "not in the record" : "";
	for (int hops = 0; n; hops++) {
		m = mark_of(n, e->type, false);
		if (m) {
			found.result = m->result;
			found.why = dns_failed(m->result) ? "the file says so" : "";
			break;
		}
		found.n = collect(n, e->type, rdata, &found.ttl);
		if (found.n) {
			found.result = DNS_FOUND;
			found.why = "";
			break;
		}
		if (e->type == DNS_CNAME || !collect(n, DNS_CNAME, rdata, &found.ttl))
			break;
		found.canonical = (const uint8_t *)rdata[0].p;	/* of several, which may not be, the first */
		n = hops < DNS_MAX_CNAMES && dns_wire_check(found.canonical, rdata[0].len) == rdata[0].len ?
			node_find(f, found.canonical) : NULL;
		if (hops >= DNS_MAX_CNAMES)
			found = (struct dns_found){ .result = DNS_SERVFAIL, .why = "a chain of CNAMEs without end" };
		else if (!n)
			found.result = f->replay ? DNS_SERVFAIL : DNS_NXDOMAIN;
	}
	dns_done(e, &found);
}

static enum status file_start(void *arg, struct dns_entry *e)
{
	struct file *f = arg;
	size_t cap = f->cap ? f->cap * 2 : 64;
	struct dns_entry **more;

	if (f->n == f->cap) {
		more = realloc(f->asked, cap * sizeof *more);
		if (!more)
			return st_fail(ST_NOMEM, "out of memory");
		f->asked = more;
		f->cap = cap;
	}
	f->asked[f->n++] = e;
	return ST_OK;
}

static void file_cancel(void *arg, struct dns_entry *e)
{
	struct file *f = arg;

	for (size_t i = 0; i < f->n; i++)
		if (f->asked[i] == e)
			f->asked[i] = f->asked[--f->n];
}

static enum status file_process(void *arg)
{
	struct file *f = arg;

	for (size_t i = 0; i < f->n; i++)
		answer(f, f->asked[i]);
	f->n = 0;
	return ST_OK;
}

static int file_fd(void *arg)
{
	return -1;
}

static void file_close(void *arg)
{
	struct file *f = arg;
	struct node *n, *next;
	struct rec *r, *rn;
	struct mark *m, *mn;

	for (size_t i = 0; f->bucket && i < f->buckets; i++) {
		for (n = f->bucket[i]; n; n = next) {
			next = n->chain;
			for (r = n->first; r; r = rn) {
				rn = r->next;
				free(r);
			}
			for (m = n->marks; m; m = mn) {
				mn = m->next;
				free(m);
			}
			free(n);
		}
	}
	free(f->bucket);
	free(f->asked);
	free(f);
}

enum status dns_file_open(const struct dns_opts *o, const struct dns_back **back, void **arg)
{
	static const struct dns_back file_back = { file_start, file_cancel, file_process, file_fd, file_close };
	struct file *f = calloc(1, sizeof *f);
	struct buf text = { 0 };
	enum status st = ST_OK;
	int fd = -1;

	if (f)
		f->bucket = calloc(FILE_BUCKETS, sizeof *f->bucket);
	if (!f || !f->bucket)
		st = st_fail(ST_NOMEM, "dns: out of memory");
	if (st == ST_OK) {
		f->buckets = FILE_BUCKETS;
		f->replay = o->replay;
		fd = open(o->file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			st = st_fail_errno("open %s", o->file);
	}
	if (st == ST_OK)
		st = file_read_fd(fd, 0, -1, DNS_FILE_MAX_BYTES, &text);
	if (st == ST_OK)
		st = read_all(f, o->file, &text);
	if (fd >= 0)
		close(fd);
	buf_free(&text);
	if (st != ST_OK) {
		if (f)
			file_close(f);
		return st;
	}
	*back = &file_back;
	*arg = f;
	return ST_OK;
}
