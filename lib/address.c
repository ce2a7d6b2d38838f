/*
 * address.c - address lists: RFC 5322 3.4 and 4.4, RFC 6531.
 *
 *	list	= item *("," item)
 *	item	= mailbox / name ":" [list] ";"
 *	mailbox	= [name] "<" [route] spec ">" / spec
 *
 * One pass cuts the field at its separators; what lies between is then read on its own. What is unclosed
 * (quote, comment, literal) is looked for once in a field and is text from there on, so the
 * whole stays linear. The forms for comparing are in normal.c.
 */
#include <string.h>
#include <strings.h>

#include "header.h"
#include "json.h"

#define WORD_LOOK_BYTES	250	/* an encoded word is at most 75 long (RFC 2047 2); some are not */
#define HELD_NAMES_MAX	3	/* "Doe, John, Dr. <j@x>": parts of a name with unquoted commas */

struct text { const char *p, *end; };

/* Where a scan stands, and what it knows to be unclosed. */
struct cursor {
	const char *p, *end;
	bool no_quote, no_comment, flat_comment, no_literal;
};

/* One item between separators. */
struct item { struct text all, angle; bool has_angle; char ended_by; };

struct list {
	struct buf *json;	/* elements go here; or */
	struct buf *first;	/* only the first address, here */
	bool done;
	bool in_group;
	struct text held;	/* "Doe" of "Doe, John <j@x>", while nothing has come after it */
	int held_names;
	size_t count;
	struct buf name, spec, tmp;
	int bits;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- skipping ---- */

/* At '"'. Behind the closing one; or one byte on if there is none. */
static bool skip_quoted(struct cursor *c)
{
	const char *q = c->p + 1;

	while (!c->no_quote && q < c->end && *q != '"')
		q += *q == '\\' && q + 1 < c->end ? 2 : 1;
	if (c->no_quote || q >= c->end) {
		c->no_quote = true;
		c->p++;
		return false;
	}
	c->p = q + 1;
	return true;
}

/* At '('. Behind the matching ')'; else behind the next; else one byte on. */
static bool skip_comment(struct cursor *c)
{
	const char *q = c->p;
	size_t depth = 0;

	for (; !c->flat_comment && q < c->end; q++) {
		if (*q == '\\' && q + 1 < c->end)
			q++;
		else if (*q == '(')
			depth++;
		else if (*q == ')' && --depth == 0) {
			c->p = q + 1;
			return true;
		}
	}
	c->flat_comment = true;
	q = c->no_comment ? NULL : memchr(c->p, ')', (size_t)(c->end - c->p));
	c->no_comment = q == NULL;
	c->p = q ? q + 1 : c->p + 1;
	return q != NULL;
}

/* At '[' of a domain literal. */
static void skip_literal(struct cursor *c)
{
	const char *q = c->no_literal ? NULL : memchr(c->p, ']', (size_t)(c->end - c->p));

	c->no_literal = q == NULL;
	c->p = q ? q + 1 : c->p + 1;
}

/* At "=?": over an encoded word, in which mailers leave commas and brackets bare. */
static void skip_word(struct cursor *c)
{
	const char *q = c->p + 2;
	const char *near = c->end - q > WORD_LOOK_BYTES ? q + WORD_LOOK_BYTES : c->end;
	int marks = 0;

	for (; q < near && *q != '"' && !is_blank(*q); q++) {
		if (*q != '?')
			continue;
		marks++;
		if (marks == 2 && q[-2] != '?')
			break;		/* the encoding is one letter */
		if (marks >= 3 && q + 1 < near && q[1] == '=') {
			c->p = q + 2;
			return;
		}
	}
	c->p += 2;
}

/* Behind '<'. To the '>', or to where it must have been forgotten. */
static void skip_angle(struct cursor *c, struct item *it, int *bits)
{
	bool route;

	it->has_angle = true;
	it->angle.p = c->p;
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	route = c->p < c->end && *c->p == '@';
	while (c->p < c->end) {
		char ch = *c->p;

		if (ch == '>' || ch == '<' || ch == ';' || (ch == ',' && !route))
			break;
		if (ch == ':')
			route = false;
		if (ch == '"')
			skip_quoted(c);
		else if (ch == '(')
			skip_comment(c);
		else if (ch == '[' && c->p[-1] == '@')
			skip_literal(c);
		else
			c->p++;
	}
	it->angle.end = c->p;
	if (c->p < c->end && *c->p == '>')
		c->p++;
	else
		*bits |= HDR_BAD_ADDRESS;
}

/* The next item; its separator is used up. False at the end. */
static bool next_item(struct cursor *c, struct item *it, int *bits)
{
	*it = (struct item){ 0 };
	if (c->p >= c->end)
		return false;
	it->all.p = c->p;
	while (c->p < c->end) {
		char ch = *c->p;

		it->all.end = c->p;
		switch (ch) {
		case '"':
			skip_quoted(c);
			break;
		case '(':
			skip_comment(c);
			break;
		case '<':
			if (it->has_angle) {		/* "<a@b> <c@d>": a comma was forgotten */
				*bits |= HDR_BAD_ADDRESS;
				it->ended_by = ',';
				return true;
			}
			c->p++;
			skip_angle(c, it, bits);
			break;
		case '[':
			if (c->p > it->all.p && c->p[-1] == '@')
				skip_literal(c);
			else
				c->p++;
			break;
		case '=':
			if (c->end - c->p > 1 && c->p[1] == '?')
				skip_word(c);
			else
				c->p++;
			break;
		case ',':
		case ';':
		case ':':
			c->p++;
			it->ended_by = ch;
			return true;
		default:
			c->p++;
		}
	}
	it->all.end = c->p;
	return true;
}

/* ---- the words of an item ---- */

/* Appends text as a phrase: quotes and comments removed, blanks folded to one. The last comment, if
 * wanted, goes to *comment. */
static void add_phrase(struct text t, struct buf *out, struct text *comment)
{
	struct cursor c = { .p = t.p, .end = t.end };

	while (c.p < c.end) {
		const char *from = c.p;

		if (*c.p == '"' && skip_quoted(&c)) {
			for (const char *q = from + 1; q < c.p - 1; q++) {
				if (*q == '\\' && q + 1 < c.p - 1)
					q++;
				if (*q != '\r' && *q != '\n')
					buf_chr(out, *q);
			}
		} else if (from < c.p) {
			continue;		/* an unclosed quote is dropped */
		} else if (*c.p == '(') {
			if (skip_comment(&c) && comment)
				*comment = (struct text){ from + 1, c.p - 1 };
			if (out->len && out->p[out->len - 1] != ' ')
				buf_chr(out, ' ');
		} else if (is_blank(*c.p)) {
			if (out->len && out->p[out->len - 1] != ' ')
				buf_chr(out, ' ');
			c.p++;
		} else {
			buf_chr(out, *c.p++);
		}
	}
}

/* A spec without comments and without blanks around '.' and '@' (RFC 5322 4.4), in `out`; quotes stay. */
static void add_spec(struct text t, struct buf *out)
{
	struct cursor c = { .p = t.p, .end = t.end };
	bool blank = false;

	while (c.p < c.end) {
		const char *from = c.p;
		bool glue;

		if (is_blank(*c.p) || *c.p == '(') {
			if (*c.p == '(')
				skip_comment(&c);
			else
				c.p++;
			blank = true;
			continue;
		}
		glue = *c.p == '.' || *c.p == '@' || out->len == 0 ||
			out->p[out->len - 1] == '.' || out->p[out->len - 1] == '@';
		if (blank && !glue)
			buf_chr(out, ' ');
		blank = false;
		if (*c.p == '"')
			skip_quoted(&c);
		else
			c.p++;
		for (; from < c.p; from++)
			if (*from != '\r' && *from != '\n')
				buf_chr(out, *from);
	}
}

/* The first @ ("last": the last) outside quotes. */
static const char *find_at(const char *p, const char *end, bool last)
{
	struct cursor c = { .p = p, .end = end };
	const char *at = NULL;

	while (c.p < c.end) {
		if (*c.p == '@') {
			at = c.p;
			if (!last)
				break;
		}
		if (*c.p == '"')
			skip_quoted(&c);
		else
			c.p++;
	}
	return at;
}

/* ---- writing ---- */

static bool atom_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("()<>[]:;@\\,\"", c);
}

/* Local part without quotes that it does not need. */
static void add_local(const char *p, const char *end, struct buf *out)
{
	bool plain = end - p > 2 && p[0] == '"' && end[-1] == '"' && p[1] != '.' && end[-2] != '.';

	for (const char *q = p + 1; plain && q < end - 1; q++)
		plain = atom_char(*q);
	if (plain)
		buf_add(out, p + 1, (size_t)(end - p - 2));
	else
		buf_add(out, p, (size_t)(end - p));
}

/* spec (cleaned) to local@domain in l->tmp, domain in lower case. */
static void write_address(struct list *l, const char *p, const char *end)
{
	const char *at = find_at(p, end, true);
	struct buf raw = { 0 };

	if (at) {
		add_local(p, at, &raw);
		for (; at < end; at++)
			buf_chr(&raw, *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at);
	} else {
		buf_add(&raw, p, (size_t)(end - p));
	}
	buf_clear(&l->tmp);
	if (raw.failed)
		l->tmp.failed = true;
	l->bits |= charset_to_utf8(NULL, 0, raw.p, raw.len, &l->tmp);
	at = raw.len ? find_at(raw.p, raw.p + raw.len, true) : NULL;
	if (!at || at == raw.p || at == raw.p + raw.len - 1 || memchr(at, ' ', (size_t)(raw.p + raw.len - at)))
		l->bits |= HDR_BAD_ADDRESS;
	buf_free(&raw);
}

/* The domain's other form, if it has one. */
static void write_idn(struct list *l, const char *address, size_t n)
{
	const char *end = address + n, *at = find_at(address, end, true), *key = NULL;
	struct buf other = { 0 };
	size_t local;
	bool high = false;

	if (!at)
		return;
	local = (size_t)(++at - address);
	for (const char *q = at; q < end; q++)
		high |= (unsigned char)*q >= 0x80;
	buf_add(&other, address, local);
	if (high && domain_normal(at, n - local, &other) == ST_OK)
		key = "address_ascii";
	else if (!high && memmem(at, n - local, "xn--", 4) && domain_utf8(at, n - local, &other) == ST_OK)
		key = "address_utf8";
	if (key && !other.failed && (other.len != n || memcmp(other.p, address, n) != 0))
		json_str(l->json, key, other.p, other.len);
	l->json->failed |= other.failed;
	buf_free(&other);
}

static bool take_place(struct list *l)
{
	if (l->count == ADDRESSES_MAX) {
		l->bits |= HDR_LIMIT;
		l->done = true;
		return false;
	}
	l->count++;
	return true;
}

/* The name in l->name (raw) as text, trimmed, to l->tmp. */
static void write_name(struct list *l)
{
	size_t n = l->name.len, lead = 0;

	if (n > ADDRESS_NAME_MAX) {
		n = ADDRESS_NAME_MAX;
		while (n && (l->name.p[n] & 0xc0) == 0x80)
			n--;
		l->bits |= HDR_LIMIT;
	}
	buf_clear(&l->tmp);
	if (n)
		l->bits |= header_text(l->name.p, n, &l->tmp);
	while (l->tmp.len && l->tmp.p[l->tmp.len - 1] == ' ')
		l->tmp.len--;
	while (lead < l->tmp.len && l->tmp.p[lead] == ' ')
		lead++;
	if (lead)
		memmove(l->tmp.p, l->tmp.p + lead, l->tmp.len -= lead);
}

/* One mailbox: l->name (raw) and the spec at p (cleaned), of which one may be empty. */
static void emit(struct list *l, const char *p, const char *end)
{
	if (end - p > ADDRESS_READ_MAX) {
		l->bits |= HDR_BAD_ADDRESS;
		end = p;
	}
	if (l->name.len == 0 && p == end)
		return;
	if (l->first) {
		if (p == end)
			return;
		write_address(l, p, end);
		buf_add(l->first, l->tmp.p, l->tmp.len);
		l->done = true;
		return;
	}
	if (!take_place(l))
		return;
	json_open(l->json, NULL, '{');
	write_name(l);
	if (l->tmp.len)
		json_str(l->json, "name", l->tmp.p, l->tmp.len);
	if (p < end) {
		write_address(l, p, end);
		json_str(l->json, "address", l->tmp.p, l->tmp.len);
		buf_clear(&l->name);
		buf_add(&l->name, l->tmp.p, l->tmp.len);
		write_idn(l, l->name.p, l->name.len);
	} else {
		l->bits |= HDR_BAD_ADDRESS;
	}
	json_close(l->json, '}');
}

/* ---- items ---- */

/* A single word without @ is a local address ("root"); several are a name. */
static void emit_without_at(struct list *l, struct text t)
{
	struct text comment = { 0 };

	buf_clear(&l->name);
	buf_clear(&l->spec);
	add_spec(t, &l->spec);
	if (l->spec.len == 0)
		return;			/* nothing, or only comments */
	l->bits |= HDR_BAD_ADDRESS;
	if (memchr(l->spec.p, ' ', l->spec.len) || memchr(l->spec.p, '"', l->spec.len) ||
			memmem(l->spec.p, l->spec.len, "=?", 2)) {
		add_phrase(t, &l->name, NULL);
		emit(l, NULL, NULL);
		return;
	}
	buf_clear(&l->tmp);
	add_phrase(t, &l->tmp, &comment);
	if (comment.p)
		add_phrase(comment, &l->name, NULL);
	emit(l, l->spec.p, l->spec.p + l->spec.len);
}

static void flush_held(struct list *l)
{
	struct text t = l->held;

	l->held = (struct text){ 0 };
	l->held_names = 0;
	if (t.p)
		emit_without_at(l, t);
}

/* "name <spec>", and a name that was held back because of its comma. */
static void angle_item(struct list *l, const struct item *it)
{
	struct text before = { l->held.p ? l->held.p : it->all.p, it->angle.p - 1 };
	struct text after = { it->angle.end, it->all.end }, comment = { 0 };
	const char *p, *end, *colon;

	if (l->held.p)
		l->bits |= HDR_BAD_ADDRESS;
	l->held = (struct text){ 0 };
	l->held_names = 0;
	if (after.p < after.end && *after.p == '>')
		after.p++;
	buf_clear(&l->name);
	buf_clear(&l->spec);
	add_phrase(before, &l->name, &comment);
	if (l->name.len && l->name.p[l->name.len - 1] != ' ')
		buf_chr(&l->name, ' ');
	add_phrase(after, &l->name, &comment);
	while (l->name.len && (l->name.p[l->name.len - 1] == ' ' || l->name.p[l->name.len - 1] == ','))
		l->name.len--;
	if (l->name.len == 0 && comment.p)
		add_phrase(comment, &l->name, NULL);
	add_spec(it->angle, &l->spec);
	p = buf_cstr(&l->spec);
	end = p + l->spec.len;
	if (p < end && *p == '@') {		/* RFC 5322 4.4: a route is ignored */
		colon = memchr(p, ':', l->spec.len);
		p = colon ? colon + 1 : p;
	}
	while (p < end && *p == ' ')
		p++;
	if (p == end)
		l->bits |= HDR_BAD_ADDRESS;
	emit(l, p, end);
}

/* Item without brackets and without @: hold it back, it may be the "Doe" of "Doe, John <j@x>". */
static bool hold(struct list *l, const struct item *it)
{
	if (it->ended_by != ',' || l->held_names == HELD_NAMES_MAX)
		return false;
	if (!l->held.p)
		l->held.p = it->all.p;
	l->held.end = it->all.end;
	l->held_names++;
	return true;
}

/* The word of a cleaned spec that has the @ in it. */
static struct text word_around(struct text spec, const char *at)
{
	struct cursor c = { .p = spec.p, .end = at };
	struct text word = { spec.p, memchr(at, ' ', (size_t)(spec.end - at)) };

	while (c.p < c.end) {
		if (*c.p == '"') {
			skip_quoted(&c);
			continue;
		}
		if (*c.p++ == ' ')
			word.p = c.p;
	}
	if (!word.end)
		word.end = spec.end;
	return word;
}

/* No brackets: "j@x.example (J. Doe)", or "J. Doe j@x.example", or no address at all. */
static void bare_item(struct list *l, const struct item *it)
{
	struct text comment = { 0 }, spec, word;
	const char *at = NULL;

	for (;;) {
		buf_clear(&l->spec);
		add_spec(it->all, &l->spec);
		if (l->spec.len == 0)
			return;
		spec = (struct text){ l->spec.p, l->spec.p + l->spec.len };
		at = find_at(spec.p, spec.end, false);
		if (!at && hold(l, it))
			return;
		if (!l->held.p)
			break;
		flush_held(l);		/* it was no part of a name; uses l->spec */
	}
	if (l->done)
		return;
	if (!at) {
		emit_without_at(l, it->all);
		return;
	}
	word = word_around(spec, at);
	buf_clear(&l->name);
	add_phrase((struct text){ spec.p, word.p }, &l->name, NULL);
	add_phrase((struct text){ word.end, spec.end }, &l->name, NULL);
	if (l->name.len) {
		l->bits |= HDR_BAD_ADDRESS;
	} else {
		buf_clear(&l->tmp);
		add_phrase(it->all, &l->tmp, &comment);
		if (comment.p)
			add_phrase(comment, &l->name, NULL);
	}
	emit(l, word.p, word.end);
}

/* ---- groups ---- */

static void close_group(struct list *l)
{
	if (l->in_group && l->json) {
		json_close(l->json, ']');
		json_close(l->json, '}');
	}
	l->in_group = false;
}

/* RFC 5322 has no groups in groups: an inner one's name is dropped, its members are the outer's. */
static void open_group(struct list *l, const struct item *it)
{
	struct text comment = { 0 };

	flush_held(l);
	buf_clear(&l->name);
	add_phrase(it->all, &l->name, &comment);
	while (l->name.len && l->name.p[l->name.len - 1] == ' ')
		l->name.len--;
	if (l->name.len == 6 && strncasecmp(l->name.p, "mailto", 6) == 0) {
		l->bits |= HDR_BAD_ADDRESS;
		return;
	}
	if (l->in_group) {
		l->bits |= HDR_NESTED_GROUP;
		return;
	}
	if (l->first || l->done || !take_place(l)) {
		l->in_group = l->first != NULL;
		return;
	}
	if (l->name.len == 0 && comment.p)
		add_phrase(comment, &l->name, NULL);
	l->in_group = true;
	json_open(l->json, NULL, '{');
	write_name(l);
	json_str(l->json, "group", l->tmp.p ? l->tmp.p : "", l->tmp.len);
	json_open(l->json, "members", '[');
}

static int read_list(struct list *l, const char *p, size_t n)
{
	struct cursor c = { .p = p, .end = p + n };
	struct item it;

	while (!l->done && next_item(&c, &it, &l->bits)) {
		if (it.ended_by == ':' && !it.has_angle) {
			open_group(l, &it);
			continue;
		}
		if (it.has_angle)
			angle_item(l, &it);
		else
			bare_item(l, &it);
		if (it.ended_by == ';') {
			flush_held(l);
			close_group(l);
		}
	}
	if (!l->done)
		flush_held(l);
	close_group(l);
	if (l->name.failed || l->spec.failed || l->tmp.failed)
		(l->json ? l->json : l->first)->failed = true;
	buf_free(&l->name);
	buf_free(&l->spec);
	buf_free(&l->tmp);
	return l->bits;
}

int addresses_json(const char *p, size_t n, struct buf *b)
{
	struct list l = { .json = b };

	return read_list(&l, p, n);
}

int address_first(const char *p, size_t n, struct buf *out)
{
	struct list l = { .first = out };

	return read_list(&l, p, n);
}
