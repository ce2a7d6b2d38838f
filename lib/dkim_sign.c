/*
 * dkim_sign.c - DKIM-Signature fields for a message that is ours (RFC 6376 5, RFC 8463).
 *
 * Signed is what a reader or a mail program acts upon. Each such field is named once more than it is there, so that
 * adding another one breaks the signature (5.4.2, 8.15). What mailing lists and relays may add rightly (List-*, Sender)
 * is so protected only where it is there already.
 */
#include <stdio.h>
#include <string.h>

#include "dkim_priv.h"
#include "header.h"
#include "json.h"

#define COLUMNS		78	/* RFC 5322 2.1.1 */

/* RFC 6376 5.4.1, and what makes a message look like another one. */
static const char *const always[] = { "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To",
	"References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding" };
static const char *const if_there[] = { "Sender", "Content-Disposition", "Content-ID", "Content-Description",
	"Content-Language", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe",
	"List-Post", "List-Owner", "List-Archive" };

/* ---- whether to sign ---- */

/* All mailboxes of From are in the domain, or below it. */
static enum status from_aligned(struct span list, const char *domain)
{
	struct span e;
	struct buf address = { 0 }, name = { 0 };
	enum status st = ST_OK;
	size_t n = 0;

	while (st == ST_OK && json_elem(&list, &e)) {
		const char *at;

		buf_clear(&address);
		buf_clear(&name);
		if (json_get(e, "members").p)
			st = st_fail(ST_BAD, "its From has a group of addresses, which many receivers do not take (RFC 6854 3)");
		else if (!json_text(json_get(e, "address"), &address) || !(at = strrchr(buf_cstr(&address), '@')) ||
				!dkim_domain((struct span){ at + 1, strlen(at + 1) }, &name))
			st = st_fail(ST_BAD, "its From has something that is no address with a domain");
		else if (!dkim_within(name.p, domain))
			st = st_fail(ST_BAD, "its From is at %s: that is not %s, nor below it", name.p, domain);
		n++;
	}
	if (st == ST_OK && n == 0)
		st = st_fail(ST_BAD, "its From has no address");
	buf_free(&address);
	buf_free(&name);
	return st;
}

static enum status check_from(const struct dkim_fields *h, struct dkim_signer *const *signer, size_t n)
{
	const struct dkim_field *from = NULL;
	struct buf list = { 0 };
	enum status st = ST_OK;
	int odd;

	for (size_t i = 0; i < h->n; i++) {
		if (h->f[i].at.name_len == 0)
			return st_fail(ST_BAD, "its header has a line that is no field (RFC 6376 3.8)");
		if (h->f[i].kind == FIELD_FROM && from)
			return st_fail(ST_BAD, "it has two From fields (RFC 6376 8.15)");
		if (h->f[i].kind == FIELD_FROM)
			from = &h->f[i];
	}
	if (!from)
		return st_fail(ST_BAD, "it has no From field");
	buf_chr(&list, '[');
	odd = addresses_json(h->p + from->at.value, from->at.value_end - from->at.value, &list);
	buf_chr(&list, ']');
	if (!buf_ok(&list))
		st = st_fail(ST_NOMEM, "From: out of memory");
	else if (odd & (HDR_BAD_ADDRESS | HDR_LIMIT | HDR_NESTED_GROUP))
		st = st_fail(ST_BAD, "its From can be read in several ways");
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = from_aligned((struct span){ list.p, list.len }, dkim_signer_domain(signer[i]));
	buf_free(&list);
	return st;
}

/* ---- what is signed ---- */

static void add_name(const char *name, struct buf *names)
{
	buf_str(names, name);
	buf_chr(names, ':');
}

/* Takes all fields of that name; their canonical form goes to d->head, the name as often to names, and once more. */
static size_t sign_field(struct dkim *d, const char *name, bool in_any_case, struct buf *names)
{
	struct span s = { name, strlen(name) };
	const struct dkim_field *f;
	size_t n = 0;

	while ((f = dkim_field_take(&d->fields, s, SIZE_MAX)) != NULL) {
		dkim_field_canon(&d->fields, f, true, (struct span){ 0 }, false, &d->head);
		add_name(name, names);
		n++;
	}
	if (n == 0 && !in_any_case)
		return 0;
	add_name(name, names);
	return n + 1;
}

static enum status sign_fields(struct dkim *d, struct buf *names)
{
	size_t n = 0;

	buf_clear(&d->head);
	dkim_fields_untake(&d->fields);
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		n += sign_field(d, always[i], true, names);
	for (size_t i = 0; i < sizeof(if_there) / sizeof(*if_there); i++)
		n += sign_field(d, if_there[i], false, names);
	if (n > DKIM_MAX_NAMES)
		return st_fail(ST_BAD, "it has too many header fields that would be signed");
	return buf_ok(names) ? ST_OK : st_fail(ST_NOMEM, "header: out of memory");
}

/* ---- the field ---- */

struct line { struct buf *out; size_t column; const char *eol; };

/* A word that is not broken, on a line of its own if it does not fit. */
static void word(struct line *l, const char *p, size_t n, bool blank)
{
	if (l->column + blank + n > COLUMNS && l->column > 1) {
		buf_str(l->out, l->eol);
		buf_chr(l->out, ' ');
		l->column = 1;
	} else if (blank) {
		buf_chr(l->out, ' ');
		l->column++;
	}
	buf_add(l->out, p, n);
	l->column += n;
}

static void tag(struct line *l, const char *name, const char *value)
{
	struct buf b = { 0 };

	buf_fmt(&b, "%s=%s;", name, value);
	word(l, buf_cstr(&b), b.len, true);
	l->out->failed |= b.failed;
	buf_free(&b);
}

static void tag_int(struct line *l, const char *name, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	tag(l, name, text);
}

/* names: "From:From:To:", the last ':' becomes the ';'. */
static void tag_names(struct line *l, const char *names)
{
	word(l, "h=", 2, true);
	while (*names) {
		size_t n = strcspn(names, ":") + 1;
		bool last = names[n] == '\0';

		word(l, names, n - last, false);
		if (last)
			word(l, ";", 1, false);
		names += n;
	}
}

/* All of the field up to "b=". */
static void field_text(const struct dkim_signer *s, const struct dkim_sign_opts *o, const char *names, const char *body_hash,
	struct line *l)
{
	word(l, "DKIM-Signature:", 15, false);
	tag(l, "v", "1");
	tag(l, "a", dkim_signer_algorithm(s));
	tag(l, "c", "relaxed/relaxed");
	tag(l, "d", dkim_signer_domain(s));
	tag(l, "s", dkim_signer_selector(s));
	tag_int(l, "t", o->now);
	if (o->valid_s)
		tag_int(l, "x", o->now + o->valid_s);
	tag_names(l, names);
	tag(l, "bh", body_hash);
	word(l, "b=", 2, true);
}

static enum status make_signature(struct dkim *d, const struct dkim_signer *s, const uint8_t hash[HASH_BYTES],
	uint8_t *out, size_t *n)
{
	int ok;

	if (!s->ed25519) {
		ok = EVP_PKEY_sign(s->ctx, out, n, hash, HASH_BYTES);
	} else {
		ok = EVP_MD_CTX_copy_ex(d->ed, s->ed);
		if (ok == 1)
			ok = EVP_DigestSign(d->ed, out, n, hash, HASH_BYTES);
	}
	return ok == 1 ? ST_OK : dkim_openssl(ST_NOMEM, "sign");
}

/* One field. d->head holds the canonical form of what is signed, `signed_len` bytes of it. */
static enum status add_signature(struct dkim *d, const struct dkim_signer *s, const struct dkim_sign_opts *o,
	const char *names, const char *body_hash, const char *eol, struct buf *out)
{
	struct line l = { out, 0, eol };
	struct dkim_fields own = { 0 };
	struct field f;
	size_t begin = out->len, signed_len = d->head.len, pos = 0, n = MAX_RSA_BYTES;
	uint8_t hash[HASH_BYTES], sig[MAX_RSA_BYTES];
	struct buf text = { 0 };

	field_text(s, o, names, body_hash, &l);
	if (!buf_ok(out))
		return st_fail(ST_NOMEM, "signature: out of memory");
	own.p = out->p + begin;
	field_next(own.p, out->len - begin, &pos, &f);
	dkim_field_canon(&own, &(struct dkim_field){ .at = f }, true, (struct span){ 0 }, true, &d->head);
	if (!buf_ok(&d->head))
		return st_fail(ST_NOMEM, "signature: out of memory");
	enum status st = dkim_hash(d, d->head.p, d->head.len, hash);
	d->head.len = signed_len;
	if (st == ST_OK)
		st = make_signature(d, s, hash, sig, &n);
	if (st == ST_OK)
		dkim_add_base64(sig, n, &text);
	for (size_t i = 0; st == ST_OK && i < text.len;) {
		size_t part = l.column < COLUMNS ? COLUMNS - l.column : COLUMNS - 1;

		if (part > text.len - i)
			part = text.len - i;
		word(&l, text.p + i, part, false);
		i += part;
	}
	buf_str(out, eol);
	if (st == ST_OK && (text.failed || !buf_ok(out)))
		st = st_fail(ST_NOMEM, "signature: out of memory");
	buf_free(&text);
	return st;
}

static bool odd_bytes(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0' || (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n')))
			return true;
	return false;
}

/* As the message's first line ends. */
static const char *line_end(const char *raw, size_t len)
{
	const char *nl = memchr(raw, '\n', len);

	return nl && (nl == raw || nl[-1] != '\r') ? "\n" : "\r\n";
}

enum status dkim_sign(struct dkim *d, const char *raw, size_t len, struct dkim_signer *const *signer, size_t n,
	const struct dkim_sign_opts *o, struct buf *out)
{
	struct dkim_body body = { .relaxed = true, .limit = -1 };
	struct buf names = { 0 }, body_hash = { 0 };
	size_t was = out->len;

	enum status st = dkim_fields_read(raw, len, &d->fields);
	if (st == ST_OK && d->fields.too_many)
		st = st_fail(ST_BAD, "it has more than %d header fields, or %u bytes of them", DKIM_MAX_FIELDS, DKIM_MAX_HEADER_BYTES);
	if (st == ST_OK && header_begin(raw, len) > 0)
		st = st_fail(ST_BAD, "it begins with a byte order mark or a \"From \" line, not with its header");
	if (st == ST_OK && odd_bytes(raw, d->fields.body))
		st = st_fail(ST_BAD, "its header has NUL or a CR without LF, which would not arrive as they are");
	if (st == ST_OK)
		st = check_from(&d->fields, signer, n);
	if (st == ST_OK)
		st = sign_fields(d, &names);
	if (st == ST_OK)
		st = dkim_body_hash(d, raw + d->fields.body, len - d->fields.body, &body, 1);
	if (st == ST_OK)
		dkim_add_base64(body.hash, HASH_BYTES, &body_hash);
	if (st == ST_OK && body_hash.failed)
		st = st_fail(ST_NOMEM, "signature: out of memory");
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = add_signature(d, signer[i], o, names.p, body_hash.p, line_end(raw, len), out);
	if (st != ST_OK)
		out->len = was;
	buf_free(&names);
	buf_free(&body_hash);
	return st;
}
