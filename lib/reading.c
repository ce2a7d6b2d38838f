/*
 * reading.c - what else the bytes could be taken for.
 *
 * A scanner must see what any mail reader could show. Where readers are known to differ, each
 * reading is offered as a part of its own (scan_only), unless the very same bytes decoded in the same
 * way are listed already. The cost is bounded: MIME_MAX_READINGS looks, and in all at most 8 times the message's bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "mime.h"
#include "mime_internal.h"

#define REREAD_FACTOR	8
#define BASE64_RUN_MIN	60	/* characters; a shorter run of words is no base64 */
#define MAX_CHOICES	8	/* of repeated fields or boundaries */

/* Whether the budget allows another look at n bytes; says so if not. */
static bool may_read(struct reader *r, size_t n)
{
	struct work *w = r->w;

	if (r->depth >= (int)w->l.depth) {
		mime_defect(w->m, "too_deep", r->of ? r->of : r->id, NULL);
		return false;
	}
	if (w->readings >= w->l.readings || w->reread + n > w->m->len * REREAD_FACTOR + (1 << 20)) {
		mime_defect(w->m, "too_many_readings", NULL, NULL);
		return false;
	}
	w->readings++;
	w->reread += n;
	return true;
}

/* [begin,end) of r's container once more, as an entity, in another reading of `of`. */
static void again(struct reader *r, size_t begin, size_t end, const char *of)
{
	struct reader sub = { .w = r->w, .p = r->p, .begin = begin, .end = end, .in = r->in,
		.cr = r->cr, .of = of, .id = of, .parent = r->parent, .depth = r->depth + 1 };

	if (begin < end && may_read(r, end - begin))
		read_entity(&sub);
}

enum padding { PAD_CHUNKS, PAD_STOP, PAD_SKIP };	/* what '=' does before the end of base64 */

/* One more reading of bytes: adds the part; -1 if it is there already. */
static int alternate(struct reader *r, size_t begin, size_t end, enum encoding enc,
	enum padding padding, const char *of, const char *type)
{
	struct part p = { .kind = PART_ALTERNATE, .content_type = (char *)type,
		.encoding = enc, .stop_at_padding = padding == PAD_STOP,
		.skip_padding = padding == PAD_SKIP, .scan_only = true,
		.of = (char *)of, .parent = (char *)r->parent, .begin = begin, .end = end };
	struct decoder d;

	if (begin >= end)
		return -1;
	measure(r, &p, &d);
	return add_part(r, &p);
}

/* ---- leaves ---- */

static void read_entities(struct reader *r, size_t begin, size_t end, const char *of);

static bool looks_base64(const char *p, size_t n)
{
	size_t chars = 0;

	if (n > 4096)
		n = 4096;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
				c == '+' || c == '/' || c == '=')
			chars++;
		else if (c != '\r' && c != '\n' && c != ' ' && c != '\t')
			return false;
	}
	return chars >= 8;
}

/* Whether there is a Content-Transfer-Encoding field in a text: a reader with another idea of what is a boundary
 * line, or of what type encloses others, would obey it. */
static bool says_encoding(const char *p, size_t n)
{
	static const char FIELD[] = "-transfer-encoding";
	const char *end = p + n, *c = p;

	for (; (c = memchr(c, '-', end - c)) != NULL; c++)
		if ((size_t)(end - c) > sizeof(FIELD) && strncasecmp(c, FIELD, sizeof(FIELD) - 1) == 0)
			return true;
	return false;
}

void read_leaf_again(struct reader *r, const struct node *n)
{
	struct part p = r->w->m->part[n->part];	/* its strings stay where they are */
	const char *of = r->of ? r->of : p.id;
	struct field f;
	bool odd;

	if (n->padding_inside) {
		alternate(r, p.begin, p.end, ENC_BASE64, PAD_STOP, of, p.content_type);
		alternate(r, p.begin, p.end, ENC_BASE64, PAD_SKIP, of, p.content_type);
	}
	if (n->odd && p.encoding != ENC_IDENTITY)
		alternate(r, p.begin, p.end, ENC_IDENTITY, PAD_CHUNKS, of, p.content_type);
	for (int i = 1; i < MAX_CHOICES && i < (int)n->head.encodings; i++) {
		if (!field_find(r->p, n->head.begin, n->head.body, "Content-Transfer-Encoding",
				i, &f))
			break;
		enum encoding e = encoding_of(r->p + f.value, f.value_end - f.value, &odd, NULL);
		if (e != p.encoding)
			alternate(r, p.begin, p.end, e, PAD_CHUNKS, of, p.content_type);
	}
	if ((p.encoding == ENC_IDENTITY || p.encoding == ENC_UNKNOWN) &&
			says_encoding(r->p + p.begin, p.end - p.begin))
		read_entities(r, p.begin, p.end, of);
	if (p.encoding == ENC_UNKNOWN && looks_base64(r->p + p.begin, p.end - p.begin))
		alternate(r, p.begin, p.end, ENC_BASE64, PAD_CHUNKS, of, p.content_type);
}

/* ---- uuencode ---- */

static void add_uu(struct reader *r, const struct part *owner, const struct uu_found *u,
	bool decoded, int n)
{
	char id[PART_ID_MAX_BYTES + 16];
	struct buf name = { 0 };
	struct part p = { .id = id, .kind = PART_UU, .encoding = ENC_UU,
		.content_type = "application/octet-stream", .scan_only = owner->scan_only,
		.parent = owner->id, .begin = u->begin, .end = u->end,
		.in = decoded ? owner->id : NULL };

	snprintf(id, sizeof(id), "%.*s.u%d", PART_ID_MAX_BYTES - 12, owner->id, n);
	charset_to_utf8(NULL, 0, u->name, u->name_len, &name);
	if (name.len && buf_ok(&name))
		p.filename = name.p;
	p.tnef = p.filename && strcasecmp(p.filename, "winmail.dat") == 0;
	p.size = (u->end - u->begin) / 4 * 3;	/* about: the lines' length bytes are not looked at */
	add_part(r, &p);
	buf_free(&name);
}

/* yEnc in a text: Mozilla decodes it; we do not, and say so. */
static void find_yenc(struct reader *r, const char *id, const char *text, size_t len)
{
	const char *y = text, *end = text + len;

	for (; (y = memmem(y, end - y, "=ybegin ", 8)) != NULL; y++) {
		size_t next, n = line_len(text, len, y - text, &next);

		if ((y == text || y[-1] == '\n') && memmem(y, n, " size=", 6) && memmem(y, n, "line=", 5))
			mime_defect(r->w->m, "yenc", id, NULL);
	}
}

static void find_uu(struct reader *r, int part, const char *text, size_t len, size_t base,
	bool decoded)
{
	struct part p = r->w->m->part[part];
	struct uu_found u;
	size_t from = 0;
	int n = 0;

	find_yenc(r, p.id, text, len);
	while (n < (int)r->w->l.parts && uu_find(text, len, from, &u)) {
		from = u.end > from ? u.end : from + 1;
		u.begin += base;
		u.end += base;
		add_uu(r, &p, &u, decoded, ++n);
	}
	if (n)
		mime_defect(r->w->m, "uuencode", p.id, NULL);
}

void read_uuencode(struct reader *r, int part)
{
	struct part p = r->w->m->part[part];
	struct buf text = { 0 };
	struct decoder d;

	if (strncmp(p.content_type, "text/", 5) != 0)
		return;
	if (p.encoding == ENC_IDENTITY || p.encoding == ENC_UNKNOWN) {
		find_uu(r, part, r->p + p.begin, p.end - p.begin, p.begin, false);
		return;
	}
	if (r->w->text_kept) {
		find_uu(r, part, buf_cstr(&r->w->text), r->w->text.len, 0, true);
		return;
	}
	decoder_init(&d, p.encoding);
	masks_lift(r);
	decode_all(&d, r->p + p.begin, p.end - p.begin, &text);
	masks_lower(r);
	r->w->nomem |= text.failed;
	if (text.len)
		find_uu(r, part, text.p, text.len, 0, true);
	buf_free(&text);
}

/* ---- enclosed messages ---- */

void read_enclosed(struct reader *r, int part)
{
	struct part p = r->w->m->part[part];
	struct buf bytes = { 0 };
	struct prescan pre;
	struct decoder d;
	char id[PART_ID_MAX_BYTES];
	struct reader sub = { .w = r->w, .in = p.id, .id = id, .parent = p.id,
		.of = p.scan_only ? p.id : NULL, .depth = r->depth + 1 };

	mime_defect(r->w->m, "encoded_message", p.id, NULL);
	if (r->w->decoded + (p.end - p.begin) > r->w->l.decoded_bytes) {
		mime_defect(r->w->m, "too_big_decoded", p.id, NULL);
		return;
	}
	if (!may_read(r, p.end - p.begin))
		return;
	r->w->decoded += p.end - p.begin;
	snprintf(id, sizeof(id), "%.*s.1", (int)sizeof(id) - 4, p.id);
	decoder_init(&d, p.encoding);
	d.stop_at_padding = p.stop_at_padding;
	d.skip_padding = p.skip_padding;
	masks_lift(r);
	decode_all(&d, r->p + p.begin, p.end - p.begin, &bytes);
	masks_lower(r);
	if (!buf_ok(&bytes))
		r->w->nomem = true;
	else if (bytes.len) {
		sub.p = bytes.p;
		sub.end = bytes.len;
		read_container(&sub, &pre);
	}
	buf_free(&bytes);
}

/* ---- entities whose header can be read in several ways ---- */

static void swap(struct mask *m)
{
	for (size_t i = 0; i < m->count; i++) {
		char c = m->p[m->at[i]];

		m->p[m->at[i]] = m->hidden[i];
		m->hidden[i] = c;
	}
}

void masks_lift(const struct reader *r)
{
	for (struct mask *m = r->w->mask; m && m->p == r->p; m = m->up)
		swap(m);
}

/* The outermost first; there are no more of them than levels of reading. */
static void lower(struct mask *m, const char *p)
{
	if (!m || m->p != p)
		return;
	lower(m->up, p);
	swap(m);
}

void masks_lower(const struct reader *r)
{
	lower(r->w->mask, r->p);
}

/* Reads the entity again with some bytes of its header overwritten. */
static void again_masked(struct reader *r, const struct node *n, const size_t *at, size_t count,
	char with)
{
	const struct part *p = n->part >= 0 ? &r->w->m->part[n->part] : NULL;
	const char *of = r->of ? r->of : p ? p->id : r->id;
	char hidden[MAX_CHOICES];
	struct mask m = { .p = r->p, .at = at, .hidden = hidden, .count = count, .up = r->w->mask };

	memset(hidden, with, count);
	swap(&m);
	r->w->mask = &m;
	again(r, n->head.begin, n->end, of);
	r->w->mask = m.up;
	swap(&m);
}

/* Hides all but the nth of the places, for each n but the first. */
static void each_other(struct reader *r, const struct node *n, const size_t *at, size_t count)
{
	size_t hide[MAX_CHOICES], h;

	for (size_t keep = 1; keep < count; keep++) {
		h = 0;
		for (size_t i = 0; i < count; i++)
			if (i != keep)
				hide[h++] = at[i];
		again_masked(r, n, hide, h, 'X');
	}
}

static bool starts_composite(const char *p, size_t n)
{
	while (n && strchr(" \t\r\n", *p) && *p) {
		p++;
		n--;
	}
	return n > 8 && (strncasecmp(p, "multipart", 9) == 0 || strncasecmp(p, "message/", 8) == 0);
}

static void other_types(struct reader *r, const struct node *n)
{
	size_t at[MAX_CHOICES], count = 0;
	bool composite = false;
	struct field f;

	while (count < MAX_CHOICES && field_find(r->p, n->head.begin, n->head.body,
			"Content-Type", (int)count, &f)) {
		composite |= starts_composite(r->p + f.value, f.value_end - f.value);
		at[count++] = f.begin;
	}
	if (composite && count > 1)	/* else the same bytes come of it, under another name */
		each_other(r, n, at, count);
}

static void other_boundaries(struct reader *r, const struct node *n)
{
	size_t at[MAX_CHOICES], count = 0, begin, end;
	struct field f;

	if (!field_find(r->p, n->head.begin, n->head.body, "Content-Type", 0, &f))
		return;
	begin = f.value;
	end = f.value_end;
	for (size_t i = begin; i + 8 <= end && count < MAX_CHOICES; i++)
		if ((r->p[i] | 0x20) == 'b' && strncasecmp(r->p + i, "boundary", 8) == 0 &&
				i > begin && strchr("; \t\r\n(", r->p[i - 1]))
			at[count++] = i;
	if (count > 1) {
		each_other(r, n, at, count);
		again_masked(r, n, at + 1, count - 1, 'X');	/* GMime takes the last */
	}
}

/* Where a line in the header is no field, the header ends for some (Python): the rest is content, encoded as
 * the fields before say. */
static void other_end(struct reader *r, const struct node *n)
{
	const struct part *p = n->part >= 0 ? &r->w->m->part[n->part] : NULL;
	const char *of = r->of ? r->of : p ? p->id : r->id;
	size_t begin = n->head.no_field;
	struct field f;
	bool odd;
	int i;

	if (!field_find(r->p, n->head.begin, begin, "Content-Transfer-Encoding", 0, &f))
		return;
	i = alternate(r, begin, n->end, encoding_of(r->p + f.value, f.value_end - f.value, &odd, NULL), PAD_CHUNKS, of,
		"application/octet-stream");
	if (i >= 0 && r->w->m->part[i].encoding != ENC_IDENTITY)
		read_enclosed(r, i);
}

/* "Content-Type", a line end, blanks, ":": the name in one line. */
static void unfold_name(struct reader *r, const struct node *n)
{
	size_t at[MAX_CHOICES], count = 0, i = n->head.folded_name;
	const char *colon = memchr(r->p + i, ':', n->end - i);

	for (; colon && count < MAX_CHOICES && r->p + i < colon; i++)
		if (r->p[i] == '\r' || r->p[i] == '\n')
			at[count++] = i;
	if (count)
		again_masked(r, n, at, count, ' ');
}

void read_entity_again(struct reader *r, const struct node *node)
{
	struct node n = *node;
	size_t blank = n.head.blank_line;

	if (n.end < n.head.body)
		n.end = n.head.body;
	if (n.head.types > 1)
		other_types(r, &n);
	if (n.multipart)
		other_boundaries(r, &n);
	if (blank)
		again_masked(r, &n, &blank, 1, '\n');
	if (n.head.no_field && !n.multipart)
		other_end(r, &n);
	if (n.head.folded_name)
		unfold_name(r, &n);
}

/* ---- bytes in no part ---- */

/* The end of the run of lines of a "--" chunk that begins at pos. */
static size_t chunk_end(const struct reader *r, size_t pos, size_t end)
{
	size_t next;

	for (; pos < end; pos = next) {
		line_len(r->p, end, pos, &next);
		if (end - pos > 2 && r->p[pos] == '-' && r->p[pos + 1] == '-')
			break;
	}
	return pos;
}

/* The first block of lines in [pos,end) that reads as a header with a Content- field. */
static bool find_header(const struct reader *r, size_t pos, size_t end, size_t *begin_out)
{
	size_t next, begin = pos;
	bool in_block = false;

	for (; pos < end; pos = next) {
		size_t at = pos;
		struct field f;

		line_len(r->p, end, pos, &next);
		if (!field_next(r->p, end, &at, &f) || !f.name_len) {
			in_block = false;
			continue;
		}
		next = at;
		if (!in_block)
			begin = pos;
		in_block = true;
		if (f.name_len > 8 && strncasecmp(r->p + pos, "Content-", 8) == 0) {
			*begin_out = begin;
			return true;
		}
	}
	return false;
}

static void read_entities(struct reader *r, size_t begin, size_t end, const char *of)
{
	size_t pos = begin, stop, head, next;
	struct field f;

	while (pos < end && r->w->m->parts < r->w->l.parts) {
		stop = chunk_end(r, pos, end);
		if (find_header(r, pos, stop, &head)) {
			/* what is composite has "--" lines of its own */
			if (field_find(r->p, head, stop, "Content-Type", 0, &f) &&
					starts_composite(r->p + f.value, f.value_end - f.value))
				stop = end;
			again(r, head, stop, of);
		}
		line_len(r->p, end, stop, &next);
		pos = next;
	}
}

static bool base64_line(const char *p, size_t n)
{
	return n > 0 && looks_base64(p, n) && !memchr(p, ' ', n);
}

static void read_base64_runs(struct reader *r, size_t begin, size_t end, const char *of)
{
	size_t pos = begin, run = begin, chars = 0, next;

	for (; pos <= end; pos = next) {
		size_t n = pos < end ? line_len(r->p, end, pos, &next) : 0;

		if (pos < end && base64_line(r->p + pos, n)) {
			if (!chars)
				run = pos;
			chars += n;
			continue;
		}
		if (chars >= BASE64_RUN_MIN)
			alternate(r, run, pos, ENC_BASE64, PAD_CHUNKS, of, "application/octet-stream");
		chars = 0;
		if (pos >= end)
			break;
	}
}

void read_text_as_entities(struct reader *r, size_t begin, size_t end, const char *of)
{
	read_entities(r, begin, end, of);
	read_base64_runs(r, begin, end, of);
}

/* What mailers write before the first part. Says nothing, and is in most mail. */
static bool harmless(const char *p, size_t n)
{
	static const char *const KNOWN[] = {
		"This is a multi-part message in MIME format.",
		"This is a multipart message in MIME format.",
		"This is a cryptographically signed message in MIME format.",
		"This is an OpenPGP/MIME signed message (RFC 4880 and 3156)",
		"This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)",
		"This is a MIME-encapsulated message.",
		"This is a MIME-encapsulated message",
	};

	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(*KNOWN); i++)
		if (strlen(KNOWN[i]) == n && memcmp(KNOWN[i], p, n) == 0)
			return true;
	return false;
}

void read_stray(struct reader *r, size_t begin, size_t end, int owner, enum part_kind kind)
{
	static const char LETTER[] = { [PART_PROLOGUE] = 'p', [PART_EPILOGUE] = 'e',
		[PART_UNCLAIMED] = 'x' };
	const struct node *n = owner >= 0 ? &r->node[owner] : NULL;
	const struct part *o = n && n->part >= 0 ? &r->w->m->part[n->part] : NULL;
	enum encoding enc = n ? n->enc : ENC_IDENTITY;
	char id[PART_ID_MAX_BYTES];
	struct part p = { .kind = kind, .scan_only = true, .content_type = "text/plain",
		.begin = begin, .end = end, .size = end - begin };
	int i, j;

	if (harmless(r->p + begin, end - begin))
		return;
	p.parent = o ? o->id : (char *)r->parent;
	if (r->of) {
		p.kind = PART_ALTERNATE;
		p.of = (char *)r->of;
	} else {
		snprintf(id, sizeof(id), "%.*s.%c%u", PART_ID_MAX_BYTES - 14, o ? o->id : r->id,
			LETTER[kind], ++r->w->serial);
		p.id = id;
	}
	i = add_part(r, &p);
	if (i < 0)
		return;
	const char *of = r->w->m->part[i].id;
	if (!r->of)
		mime_defect(r->w->m, part_kind_name(kind), of, NULL);
	if (n && n->too_deep)	/* said already */
		return;
	if (enc == ENC_BASE64 || enc == ENC_QP || enc == ENC_UU) {
		j = alternate(r, begin, end, enc, PAD_CHUNKS, of, "application/octet-stream");
		if (j >= 0)
			read_enclosed(r, j);
	}
	read_uuencode(r, i);
	read_text_as_entities(r, begin, end, of);
}

/* ---- containers ---- */

/* The same bytes with bare CR as line ends: what a reader that takes CR for a line end sees. */
static void read_with_cr(struct reader *first, const char *of)
{
	size_t n = first->end, parts = first->w->m->parts;
	struct reader r = *first;

	if (of && !may_read(first, n))
		return;
	r.p = malloc(n);
	if (!r.p) {
		r.w->nomem = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char c = first->p[i];

		r.p[i] = c == '\r' && !(i + 1 < n && first->p[i + 1] == '\n') ? '\n' : c;
	}
	r.cr = true;
	r.of = of;
	read_entity(&r);
	if (of && r.w->m->parts > parts)
		mime_defect(r.w->m, "bare_cr_structure", of, NULL);
	first->pre = r.pre;
	free(r.p);
}

void read_container(struct reader *r, struct prescan *pre)
{
	struct reader first = *r;

	if (!memchr(r->p, '\n', r->end) && memchr(r->p, '\r', r->end)) {
		r->w->m->cr |= !r->in && !r->of;
		read_with_cr(r, r->of);	/* no other line end anywhere */
		*pre = r->pre;
		pre->bare_cr = pre->lf;
		return;
	}
	read_entity(r);
	*pre = r->pre;
	if (pre->bare_cr)
		read_with_cr(&first, r->of ? r->of : r->id);
}
