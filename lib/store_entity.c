/*
 * store_entity.c - what is kept of a record: a message's content and provenance, a delivery.
 *
 * Content is the same whoever brings the message, when, and in which company; the engine that
 * scanned it and the spool file it came in are provenance, and outside of every comparison and digest.
 */
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "store_priv.h"

#define DATE_MAX 253402300799	/* 9999-12-31T23:59:59Z */

static bool key_is(struct span key, const char *s)
{
	return key.len == strlen(s) && !memcmp(key.p, s, key.len);
}

static bool key_in(struct span key, const char *const *list)
{
	for (; *list; list++)
		if (key_is(key, *list))
			return true;
	return false;
}

/* Appends the members of an object but those in skip. */
static void copy_members(struct buf *b, struct span obj, const char *const *skip)
{
	struct span key, val;

	while (json_member(&obj, &key, &val)) {
		if (key_in(key, skip))
			continue;
		if (b->len && b->p[b->len - 1] != '{')
			buf_chr(b, ',');
		buf_chr(b, '"');
		buf_add(b, key.p, key.len);
		buf_add(b, "\":", 2);
		buf_add(b, val.p, val.len);
	}
}

static void copy(struct buf *b, const char *key, struct span v)
{
	if (v.p)
		json_raw(b, key, v.p, v.len);
}

struct span member_get(struct span members, const char *key)
{
	struct span k, v;

	while (json_member(&members, &k, &v))
		if (key_is(k, key))
			return v;
	return (struct span){ 0 };
}

static bool read_digest(struct span v, uint8_t *out)
{
	return json_type(v) == '"' && v.len >= 2 && hex_read(v.p + 1, v.len - 2, out, DIGEST_BYTES);
}

static bool read_size(struct span v, uint64_t *out)
{
	int64_t n;

	if (!json_get_int(v, &n) || n < 0)
		return false;
	*out = (uint64_t)n;
	return true;
}

static bool same_string(struct span a, struct span b)
{
	return a.p && b.p && a.len == b.len && !memcmp(a.p, b.p, a.len);
}

int64_t date_clamp(int64_t t)
{
	return t < 0 ? 0 : t > DATE_MAX ? DATE_MAX : t;
}

void entity_free(struct entity *e)
{
	buf_free(&e->content);
	buf_free(&e->extra);
	buf_free(&e->paths);
	free(e->blobs);
	memset(e, 0, sizeof *e);
}

static void entity_clear(struct entity *e)
{
	struct entity kept = { .content = e->content, .extra = e->extra, .paths = e->paths,
		.blobs = e->blobs, .blob_cap = e->blob_cap };

	*e = kept;
	buf_clear(&e->content);
	buf_clear(&e->extra);
	buf_clear(&e->paths);
}

/* ---- the parts of a record ---- */

/* Where scan says what became of a part; p NULL: nothing. */
static struct span removed_name(struct span scan, struct span part)
{
	struct span it = json_get(scan, "removed"), elem;
	bool gone = false;

	while (!gone && json_elem(&it, &elem))
		gone = same_string(elem, part);
	if (!gone)
		return (struct span){ 0 };
	it = json_get(scan, "parts");
	while (json_elem(&it, &elem)) {
		struct span name = json_get(elem, "name");

		if (!same_string(json_get(elem, "part"), part))
			continue;
		return name.p ? name : json_get(elem, "reason").p ? json_get(elem, "reason") : part;
	}
	return part;
}

/* The part of that number; the two lists have the same order, so the next one is tried first. */
static struct span find_part(struct span parts, struct span *next, struct span part)
{
	struct span elem;

	while (json_elem(next, &elem))
		if (same_string(json_get(elem, "part"), part))
			return elem;
	*next = parts;
	while (json_elem(next, &elem))
		if (same_string(json_get(elem, "part"), part))
			return elem;
	*next = parts;
	return (struct span){ 0 };
}

/* A path out of the record. Room for all of them was made before, so that none moves. */
static struct span read_path(struct entity *e, struct span v)
{
	struct span out = { e->paths.p + e->paths.len, 0 };

	if (json_type(v) != '"')
		return (struct span){ 0 };
	if (!memchr(v.p, '\\', v.len))
		return (struct span){ v.p + 1, v.len - 2 };
	json_text(v, &e->paths);
	out.len = (size_t)(e->paths.p + e->paths.len - out.p);
	return out;
}

static enum status keep_blob(struct entity *e, const struct entity_blob *b)
{
	if (e->blob_n == e->blob_cap) {
		size_t cap = e->blob_cap ? 2 * e->blob_cap : 16;
		struct entity_blob *p = realloc(e->blobs, cap * sizeof *p);

		if (!p)
			return st_fail(ST_NOMEM, "attachments: out of memory");
		e->blobs = p;
		e->blob_cap = cap;
	}
	e->blobs[e->blob_n++] = *b;
	return ST_OK;
}

static enum status add_attachment(struct entity *e, struct span att, struct span part, struct span scan)
{
	static const char *const from_part[] = { "filename", "content_type", NULL };
	struct span number = json_get(att, "part"), removed = removed_name(scan, number);
	struct entity_blob blob = { 0 };
	struct buf *b = &e->content;

	if (json_true(json_get(part, "scan_only")) || (json_true(json_get(part, "body")) && !removed.p))
		return ST_OK;
	if (!read_digest(json_get(att, "sha256"), blob.sha) || !read_size(json_get(att, "size"), &blob.size))
		return st_fail(ST_BAD, "attachments: no sha256 and size of part %.*s", (int)number.len, number.p);
	json_open(b, NULL, '{');
	copy(b, "part", number);
	for (int i = 0; from_part[i]; i++)
		copy(b, from_part[i], json_get(part, from_part[i]));
	json_int(b, "size", (int64_t)blob.size);
	copy(b, "sha256", json_get(att, "sha256"));
	copy(b, "inline", json_get(part, "inline"));
	copy(b, "cid", json_get(part, "cid"));
	copy(b, "removed", removed);
	json_close(b, '}');
	e->attachments++;
	if (removed.p)
		return ST_OK;
	blob.path = read_path(e, json_get(att, "path"));
	if (!json_get_int(json_get(att, "offset"), &blob.offset))
		blob.offset = 0;
	return keep_blob(e, &blob);
}

/* A part that people would look for must have come through weir-extract. */
static enum status check_extracted(struct span parts, struct span atts)
{
	struct span all = atts, next = atts, elem;

	while (json_elem(&parts, &elem)) {
		struct span kind = json_get(elem, "kind"), part = json_get(elem, "part");

		if (!(json_is(kind, "leaf") || json_is(kind, "uuencode")) || json_true(json_get(elem, "body"))
				|| json_true(json_get(elem, "scan_only")))
			continue;
		if (!find_part(all, &next, part).p)
			return st_fail(ST_BAD, "part %.*s was not extracted", (int)part.len, part.p);
	}
	return ST_OK;
}

static enum status add_attachments(struct entity *e, const struct rec *rec, struct span scan)
{
	struct span parts = rec_get(rec, "parts"), atts = rec_get(rec, "attachments"), next = parts, it = atts, elem;
	enum status st = check_extracted(parts, atts);

	json_open(&e->content, "attachments", '[');
	while (st == ST_OK && json_elem(&it, &elem)) {
		struct span part = find_part(parts, &next, json_get(elem, "part"));

		if (part.p)
			st = add_attachment(e, elem, part, scan);
	}
	json_close(&e->content, ']');
	return st;
}

static void add_parts(struct buf *b, struct span parts)
{
	struct span elem;

	json_open(b, "parts", '[');
	while (json_elem(&parts, &elem))
		if (!json_true(json_get(elem, "scan_only")))
			json_raw(b, NULL, elem.p, elem.len);
	json_close(b, ']');
}

static enum status add_raw(struct entity *e, const struct rec *rec, struct span scan)
{
	struct span rewritten = json_get(scan, "raw"), raw = rewritten.p ? rewritten : rec_get(rec, "raw");
	char hex[DIGEST_HEX + 1];

	memcpy(e->raw.sha, e->id, DIGEST_BYTES);
	if ((rewritten.p && !read_digest(json_get(raw, "sha256"), e->raw.sha))
			|| !read_size(json_get(raw, "size"), &e->raw.size))
		return st_fail(ST_BAD, "raw: no size or digest");
	e->raw.path = read_path(e, json_get(raw, "path"));
	hex_of(e->raw.sha, DIGEST_BYTES, hex);
	json_open(&e->content, "raw", '{');
	json_str(&e->content, "sha256", hex, DIGEST_HEX);
	json_int(&e->content, "size", (int64_t)e->raw.size);
	json_close(&e->content, '}');
	return ST_OK;
}

static void add_scan(struct entity *e, struct span scan, const char *allowed)
{
	static const char *const not_content[] = { "raw", "engine", "db", NULL };

	json_open(&e->content, "scan", '{');
	copy_members(&e->content, scan, not_content);
	if (allowed && !json_get(scan, "allowed").p)
		json_cstr(&e->content, "allowed", allowed);
	json_close(&e->content, '}');
	copy(&e->extra, "engine", json_get(scan, "engine"));
	copy(&e->extra, "db", json_get(scan, "db"));
}

/* Whether something was taken out that the preview may have been made from, and would bring back: a part of the
 * body, of which there may be several, or another reading of whatever it is a reading of. */
static bool text_removed(const struct rec *rec, struct span scan)
{
	static const char *const text[] = { "message.text_part", "message.html_part" };
	struct span parts = rec_get(rec, "parts"), removed = json_get(scan, "removed"), next = parts, number;

	for (int i = 0; i < 2; i++)
		if (removed_name(scan, rec_get(rec, text[i])).p)
			return true;
	while (json_elem(&removed, &number)) {
		struct span part = find_part(parts, &next, number);

		if (!part.p || json_true(json_get(part, "body")) || json_true(json_get(part, "scan_only")))
			return true;
	}
	return false;
}

enum status entity_from_record(const struct rec *rec, const char *allowed, struct digest *d, struct entity *e)
{
	/* Text is in the raw message; whether a record brings it along is a matter of options. */
	static const char *const not_kept[] = { "text", "text_truncated", "html", "headers", NULL };
	static const char *const nor_preview[] = { "text", "text_truncated", "html", "headers", "preview", NULL };
	struct span scan = rec_get(rec, "scan"), defects = rec_get(rec, "defects"), message = rec_get(rec, "message");
	enum status st;

	entity_clear(e);
	if (!buf_room(&e->paths, rec->len + 1))
		return st_fail(ST_NOMEM, "out of memory");
	if (!read_digest(rec_get(rec, "id"), e->id))
		return st_fail(ST_BAD, "the record's id is no SHA-256");
	if (json_type(message) != '{')
		return st_fail(ST_BAD, "the record has no message");
	st = thread_links(rec, &e->node, e->links, &e->link_n);
	if (st != ST_OK)
		return st;
	e->has_date = json_get_int(rec_get(rec, "message.date.unix"), &e->date);
	e->date = date_clamp(e->date);
	buf_str(&e->content, "\"message\":{");
	copy_members(&e->content, message, text_removed(rec, scan) ? nor_preview : not_kept);
	buf_chr(&e->content, '}');
	add_parts(&e->content, rec_get(rec, "parts"));
	st = add_attachments(e, rec, scan);
	if (st == ST_OK)
		st = add_raw(e, rec, scan);
	json_raw(&e->content, "defects", defects.p ? defects.p : "[]", defects.p ? defects.len : 2);
	if (st == ST_OK)
		st = copies_content(rec, d, &e->content);
	add_scan(e, scan, allowed);
	if (st == ST_OK && !(buf_ok(&e->content) && buf_ok(&e->extra) && buf_ok(&e->paths)))
		st = st_fail(ST_NOMEM, "out of memory");
	return st;
}

/* ---- the journal ---- */

enum status entity_journal(const struct entity *e, struct buf *b)
{
	char hex[DIGEST_HEX + 1];

	buf_clear(b);
	json_open(b, NULL, '{');
	json_int(b, "weir", 1);
	hex_of(e->id, DIGEST_BYTES, hex);
	json_str(b, "id", hex, DIGEST_HEX);
	hex_of(e->node.b, NODE_BYTES, hex);
	json_str(b, "node", hex, 2 * NODE_BYTES);
	json_open(b, "links", '[');
	for (size_t i = 0; i < e->link_n; i++) {
		hex_of(e->links[i].b, NODE_BYTES, hex);
		json_str(b, NULL, hex, 2 * NODE_BYTES);
	}
	json_close(b, ']');
	json_int(b, "date", e->date);
	buf_chr(b, ',');
	buf_add(b, e->content.p, e->content.len);
	buf_str(b, ",\"scanned\":{");
	buf_add(b, e->extra.p, e->extra.len);
	buf_str(b, "}}");
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "journal: out of memory");
}

static bool read_node(struct span v, struct node *out)
{
	return json_type(v) == '"' && v.len >= 2 && hex_read(v.p + 1, v.len - 2, out->b, NODE_BYTES);
}

enum status entity_from_journal(struct span json, struct entity *e)
{
	struct span links = json_get(json, "links"), message = json_get(json, "message"),
		scan = json_get(json, "scan"), extra = json_get(json, "scanned"), atts = json_get(json, "attachments"), elem;

	entity_clear(e);
	if (!read_digest(json_get(json, "id"), e->id) || !read_node(json_get(json, "node"), &e->node)
			|| !json_get_int(json_get(json, "date"), &e->date) || !message.p || !scan.p || scan.p < message.p
			|| extra.len < 2)
		return st_fail(ST_BAD, "journal: no message");
	e->has_date = true;
	while (e->link_n < THREAD_MAX_LINKS && json_elem(&links, &elem))
		if (read_node(elem, &e->links[e->link_n]))
			e->link_n++;
	while (json_elem(&atts, &elem))
		e->attachments++;
	buf_str(&e->content, "\"message\":");
	buf_add(&e->content, message.p, (size_t)(scan.p + scan.len - message.p));
	buf_add(&e->extra, extra.p + 1, extra.len - 2);
	return buf_ok(&e->content) && buf_ok(&e->extra) ? ST_OK : st_fail(ST_NOMEM, "journal: out of memory");
}

void entity_join(struct span content, struct span extra, struct buf *b)
{
	if (!extra.len) {
		buf_add(b, content.p, content.len);
		return;
	}
	buf_add(b, content.p, content.len - 1);	/* scan's '}' */
	if (b->p[b->len - 1] != '{')
		buf_chr(b, ',');
	buf_add(b, extra.p, extra.len);
	buf_chr(b, '}');
}

static int removed_count(struct span content)
{
	struct span it = json_get(member_get(content, "scan"), "removed"), elem;
	int n = 0;

	while (json_elem(&it, &elem))
		n++;
	return n;
}

bool entity_wins(struct span a, struct span b)
{
	int more = removed_count(a) - removed_count(b);
	int cmp = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	if (more)
		return more > 0;
	return cmp ? cmp < 0 : a.len <= b.len;
}

enum status content_blobs(struct span content, enum status (*fn)(void *arg, const uint8_t *sha, uint64_t size), void *arg)
{
	struct span raw = member_get(content, "raw"), atts = member_get(content, "attachments"), elem;
	uint8_t sha[DIGEST_BYTES];
	uint64_t size;
	enum status st;

	if (!read_digest(json_get(raw, "sha256"), sha) || !read_size(json_get(raw, "size"), &size))
		return st_fail(ST_BAD, "a stored message without raw");
	st = fn(arg, sha, size);
	while (st == ST_OK && json_elem(&atts, &elem)) {
		if (json_get(elem, "removed").p)
			continue;
		if (!read_digest(json_get(elem, "sha256"), sha) || !read_size(json_get(elem, "size"), &size))
			return st_fail(ST_BAD, "a stored attachment without digest");
		st = fn(arg, sha, size);
	}
	return st;
}

/* ---- dates of messages that have none ---- */

bool received_date(const char *raw, size_t n, int64_t *out)
{
	const char *p = raw, *end = raw + n, *field = NULL, *semi = NULL;
	int zone;
	bool known;

	while (p < end && *p != '\n' && *p != '\r') {	/* a line of the header block */
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (!eol)
			eol = end;
		if (*p != ' ' && *p != '\t') {
			if (field)
				break;
			if (eol - p > 9 && !strncasecmp(p, "Received:", 9))
				field = p;
		}
		for (const char *q = eol; field && q > p; q--)
			if (q[-1] == ';') {
				semi = q;
				break;
			}
		p = eol < end ? eol + 1 : end;
	}
	if (!semi || date_parse(semi, (size_t)(p - semi), out, &zone, &known) != ST_OK)
		return false;
	*out = date_clamp(*out);
	return true;
}

/* ---- deliveries ---- */

void delivery_free(struct delivery *d)
{
	buf_free(&d->address);
	buf_free(&d->inbox);
	buf_free(&d->content);
	buf_free(&d->extra);
}

static void delivery_clear(struct delivery *d)
{
	buf_clear(&d->address);
	buf_clear(&d->inbox);
	buf_clear(&d->content);
	buf_clear(&d->extra);
}

static enum status delivery_names(struct span address, struct span inbox, struct delivery *d)
{
	json_text(address, &d->address);
	json_text(inbox, &d->inbox);
	if (!d->address.len && !d->inbox.len)
		return st_fail(ST_BAD, "a recipient without address and inbox");
	if (!d->address.len)	/* weir-route --tenant: mail that came without an envelope */
		return hash16("inbox ", d->inbox.p, d->inbox.len, d->hash);
	return hash16("", d->address.p, d->address.len, d->hash);
}

enum status delivery_from_record(const struct rec *rec, struct span recipient, struct delivery *d)
{
	static const char *const members[] = { "address", "inbox", "rcpt", "tag", "match", "shared", NULL };
	struct span name = rec_get(rec, "spool.name"), flags = rec_get(rec, "spool.flags"), address = json_get(recipient, "address");
	enum status st;

	delivery_clear(d);
	st = delivery_names(address, json_get(recipient, "inbox"), d);
	if (st != ST_OK)
		return st;
	for (int i = 0; members[i]; i++)
		copy(&d->content, members[i], json_get(recipient, members[i]));
	copy(&d->content, "envelope_from", rec_get(rec, "envelope.from"));
	copy(&d->content, "auth", rec_get(rec, "auth"));
	copy(&d->extra, "spool", name);
	copy(&d->extra, "flags", flags);
	return buf_ok(&d->content) && buf_ok(&d->extra) ? ST_OK : st_fail(ST_NOMEM, "delivery: out of memory");
}

enum status delivery_journal(const uint8_t id[DIGEST_BYTES], const struct delivery *d, struct buf *b)
{
	char hex[DIGEST_HEX + 1];

	buf_clear(b);
	hex_of(id, DIGEST_BYTES, hex);
	json_open(b, NULL, '{');
	json_str(b, "id", hex, DIGEST_HEX);
	buf_chr(b, ',');
	buf_add(b, d->content.p, d->content.len);
	buf_str(b, ",\"came\":{");
	buf_add(b, d->extra.p, d->extra.len);
	buf_str(b, "}}");
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "journal: out of memory");
}

enum status delivery_from_journal(struct span json, uint8_t id_out[DIGEST_BYTES], struct delivery *d)
{
	static const char *const not_content[] = { "id", "came", NULL };
	struct span extra = json_get(json, "came");
	enum status st;

	delivery_clear(d);
	if (!read_digest(json_get(json, "id"), id_out) || extra.len < 2)
		return st_fail(ST_BAD, "journal: no delivery");
	st = delivery_names(json_get(json, "address"), json_get(json, "inbox"), d);
	copy_members(&d->content, json, not_content);
	buf_add(&d->extra, extra.p + 1, extra.len - 2);
	if (st == ST_OK && !(buf_ok(&d->content) && buf_ok(&d->extra)))
		st = st_fail(ST_NOMEM, "journal: out of memory");
	return st;
}
