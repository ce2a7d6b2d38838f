/*
 * spool_record.c - the first record of a message. See spool_record.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "header.h"
#include "spool_record.h"

void facts_init(struct facts *f)
{
	*f = (struct facts){ .size = -1 };
}

void facts_done(struct facts *f)
{
	free(f->to);
	facts_init(f);
}

bool facts_has(const struct facts *f, const char *rcpt)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcasecmp(f->to[i], rcpt))
			return true;
	return false;
}

static enum status add_to(struct facts *f, const char *rcpt)
{
	if (facts_has(f, rcpt))
		return ST_OK;
	if (f->n == f->cap) {
		const char **more = realloc(f->to, (f->cap + 16) * sizeof *more);

		if (!more)
			return st_fail(ST_NOMEM, "out of memory");
		f->to = more;
		f->cap += 16;
	}
	f->to[f->n++] = rcpt;
	return ST_OK;
}

enum status facts_add(struct facts *f, const struct note *n)
{
	enum status st = ST_OK;

	if (n->kind == NOTE_OBJECT && n->size >= 0)
		f->size = n->size;
	if (n->kind != NOTE_RECEIPT)
		return ST_OK;
	f->option = n->option && (f->option || !f->receipt);
	f->receipt = true;
	if (!f->from)
		f->from = n->from;
	if (!f->timestamp || (n->timestamp && strcmp(n->timestamp, f->timestamp) < 0))
		f->timestamp = n->timestamp;
	ses_verdicts_add(&f->verdicts, &n->verdicts);
	for (size_t i = 0; i < n->recipients && st == ST_OK; i++)
		st = add_to(f, n->to[i]);
	return st;
}

/* ---- parts of the record ---- */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* When it was received: by SES's clock, else the file's. */
static void received(struct buf *b, const struct facts *f, const struct seshead *h, time_t mtime)
{
	int64_t t;
	int zone;
	bool known;
	char text[32];

	if (!(f->timestamp && date_parse(f->timestamp, strlen(f->timestamp), &t, &zone, &known) == ST_OK)
	    && !(h->ses && date_parse(h->date.p, h->date.len, &t, &zone, &known) == ST_OK))
		t = mtime;
	date_rfc3339(t, text);
	json_cstr(b, "received", text);
}

static void spool_key(struct buf *b, const struct spool *s, const struct item *it,
	const struct facts *f, const struct seshead *h, const char *kind)
{
	const char *flags = s->kind == SPOOL_MAILDIR ? strstr(base_of(it->path), ":2,") : NULL;

	json_open(b, "spool", '{');
	json_cstr(b, "dir", s->dir);
	json_cstr(b, "name", it->name);
	if (it->lease)
		json_cstr(b, "lease", it->lease);
	json_cstr(b, "kind", kind);
	if (flags && flags[3])
		json_str(b, "flags", flags + 3, strlen(flags + 3));
	if (it->beside)
		json_int(b, "beside", it->beside);
	received(b, f, h, it->mtime);
	json_close(b, '}');
}

/* RFC 5321 4.4: <> is the null sender; SES's JSON may say "<>" too. */
static void bare(const char *s, size_t n, struct buf *b, const char *key)
{
	if (n >= 2 && s[0] == '<' && s[n - 1] == '>')
		s++, n -= 2;
	json_str(b, key, s, n);
}

static void envelope(struct buf *b, const char *from, size_t from_len, const char *source,
	const struct facts *f, struct span rcpt)
{
	json_open(b, "envelope", '{');
	bare(from, from_len, b, "from");
	json_open(b, "to", '[');
	if (rcpt.p)
		bare(rcpt.p, rcpt.len, b, NULL);
	else
		for (size_t i = 0; i < f->n; i++)
			bare(f->to[i], strlen(f->to[i]), b, NULL);
	json_close(b, ']');
	json_cstr(b, "source", source);
	json_close(b, '}');
}

/* RFC 5322 2.2.3: without the line ends. */
static void unfolded(struct buf *b, const char *key, struct span v)
{
	struct buf t = { 0 };

	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] != '\r' && v.p[i] != '\n')
			buf_chr(&t, v.p[i]);
	json_str(b, key, buf_cstr(&t), t.len);
	buf_free(&t);
}

static void verdicts(struct buf *b, const struct ses_verdicts *v, const char *source, struct span results)
{
	static const char *const keys[SES_CHECKS] = { "spam", "virus", "spf", "dkim", "dmarc" };

	json_open(b, "verdicts", '{');
	json_cstr(b, "source", source);
	for (int i = 0; i < SES_CHECKS; i++)
		if (v->word[i])
			json_cstr(b, keys[i], ses_word_name(v->word[i]));
	if (v->dmarc_policy)
		json_cstr(b, "dmarc_policy", ses_policy_name(v->dmarc_policy));
	if (results.p)
		unfolded(b, "authentication_results", results);
	json_close(b, '}');
}

/* The operator says that the local MDA writes this field on top, and the
 * Return-Path with it. */
static void by_option(struct buf *b, const struct item *it, const char *field, const struct facts *f)
{
	struct span v = seshead_field(it->text, it->len, field);
	struct span from = seshead_field(it->text, it->len, "Return-Path");
	struct buf to = { 0 };

	if (v.p)
		address_first(v.p, v.len, &to);
	if (to.len)
		envelope(b, from.p ? from.p : "", from.p ? from.len : 0, "option", f,
			(struct span){ to.p, to.len });
	else
		envelope(b, "", 0, "none", f, (struct span){ NULL, 0 });
	buf_free(&to);
}

enum status spool_record(const struct spool *s, const struct item *it, const struct facts *f,
	const char *recipient_header, struct digest *d, struct buf *b)
{
	static const char *const kinds[] = { "raw", "ses", "maildir", "mbox", "raw" };
	bool cloud = s->kind == SPOOL_AUTO || s->kind == SPOOL_SES;
	const char *base = base_of(it->path);
	struct seshead h = { 0 };
	uint8_t sum[DIGEST_BYTES];
	char id[DIGEST_HEX + 1];
	bool by_name;
	enum status st = digest_begin(d);

	if (st != ST_OK)
		return st;
	digest_add(d, it->text, it->len);
	st = digest_end(d, sum);
	if (st != ST_OK)
		return st;
	hex_of(sum, DIGEST_BYTES, id);
	if (cloud)
		seshead_parse(it->text, it->len, &h);
	by_name = h.ses && h.smtp_id.len == strlen(base) && !memcmp(h.smtp_id.p, base, h.smtp_id.len);
	if (h.ses && !by_name && s->kind != SPOOL_SES && !f->receipt)
		h = (struct seshead){ 0 };
	buf_clear(b);
	json_open(b, NULL, '{');
	json_int(b, "weir", RECORD_VERSION);
	json_cstr(b, "id", id);
	json_open(b, "raw", '{');
	if (it->file)
		json_cstr(b, "path", it->file);
	json_int(b, "size", (int64_t)it->len);
	json_close(b, '}');
	if (f->option)
		h = (struct seshead){ 0 };
	spool_key(b, s, it, f, &h, (f->receipt && !f->option) || h.ses ? "ses" : kinds[s->kind]);
	if (f->receipt) {
		envelope(b, f->from ? f->from : "", f->from ? strlen(f->from) : 0,
			f->option ? "option" : "ses-receipt", f, (struct span){ NULL, 0 });
		if (!f->option)
			verdicts(b, &f->verdicts, "ses-receipt", h.auth_results);
	} else if (h.ses) {
		envelope(b, h.from.p, h.from.len, "ses-header", f, h.rcpt);
		verdicts(b, &h.verdicts, "ses-header", h.auth_results);
	} else if (recipient_header) {
		by_option(b, it, recipient_header, f);
	} else {
		envelope(b, "", 0, "none", f, (struct span){ NULL, 0 });
	}
	json_close(b, '}');
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "out of memory");
}
