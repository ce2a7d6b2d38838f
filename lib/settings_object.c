/*
 * settings_object.c - see settings_priv.h: what may stand in a setting, each value in one form.
 *
 * One form, so that two texts that mean the same are stored as the same bytes: a plan of what was exported is empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings_priv.h"

/* ---- an object of two ---- */

static const struct rule *rule_of(const struct rule *rules, struct span key)
{
	for (; rules->name != NULL; rules++)
		if (key.len == strlen(rules->name) && memcmp(key.p, rules->name, key.len) == 0)
			return rules;
	return NULL;
}

static enum status unknown(const struct rule *rules, struct span key)
{
	struct buf names = { 0 };
	enum status st;

	for (; rules->name != NULL; rules++)
		buf_fmt(&names, "%s%s", names.len > 0 ? ", " : "", rules->name);
	st = st_fail(ST_BAD, "there is no member \"%.*s\" (there are %s)", (int)(key.len > 60 ? 60 : key.len), key.p,
		buf_cstr(&names));
	buf_free(&names);
	return st;
}

enum status object_merge(const struct rule *rules, struct span old, struct span patch, struct buf *out)
{
	struct span it = patch, key, val;
	enum status st = json_type(patch) == '{' ? ST_OK : st_fail(ST_BAD, "not an object");

	while (st == ST_OK && json_member(&it, &key, &val))
		if (rule_of(rules, key) == NULL)
			st = unknown(rules, key);
	json_open(out, NULL, '{');
	for (const struct rule *r = rules; st == ST_OK && r->name != NULL; r++) {
		val = json_get(patch, r->name);
		if (val.p == NULL)
			val = json_get(old, r->name);
		if (val.p != NULL && json_type(val) != 'n')
			st = r->take(val, r->name, out);
	}
	/* A newer weir's, or another module's. */
	while (st == ST_OK && json_member(&old, &key, &val))
		if (rule_of(rules, key) == NULL) {
			char name[64];

			snprintf(name, sizeof(name), "%.*s", (int)key.len, key.p);
			json_raw(out, name, val.p, val.len);
		}
	json_close(out, '}');
	if (st == ST_OK && !buf_ok(out))
		st = st_fail(ST_NOMEM, "settings: out of memory");
	return st;
}

/* ---- text ---- */

/* No control characters: a display name ends up in a header (RFC 5322 2.2), a line of a terminal. lines: \n and \t may be. */
static bool harmless(const char *p, size_t n, bool lines)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i], next = i + 1 < n ? (unsigned char)p[i + 1] : 0;

		if ((c < 0x20 && !(lines && (c == '\n' || c == '\t'))) || c == 0x7f)
			return false;
		if (c == 0xc2 && next >= 0x80 && next <= 0x9f)	/* U+0080-9F */
			return false;
		if (c == 0xe2 && i + 2 < n) {			/* U+2028-E, U+2066-9: lines and directions */
			unsigned char last = (unsigned char)p[i + 2];

			if ((next == 0x80 && last >= 0xa8 && last <= 0xae) || (next == 0x81 && last >= 0xa6 && last <= 0xa9))
				return false;
		}
	}
	return true;
}

static enum status text_of(struct span v, const char *name, size_t max, bool lines, struct buf *text)
{
	buf_clear(text);
	if (!json_text(v, text))
		return st_fail(ST_BAD, "%s is a string", name);
	if (!buf_ok(text))
		return st_fail(ST_NOMEM, "settings: out of memory");
	if (text->len > max)
		return st_fail(ST_BAD, "%s has %zu bytes, at most %zu are allowed", name, text->len, max);
	if (!harmless(buf_cstr(text), text->len, lines))
		return st_fail(ST_BAD, "%s holds a control character", name);
	return ST_OK;
}

static enum status add_text(struct span v, const char *name, size_t max, bool lines, struct buf *b)
{
	struct buf text = { 0 };
	enum status st = text_of(v, name, max, lines, &text);

	if (st == ST_OK && text.len > 0)
		json_str(b, name, text.p, text.len);
	buf_free(&text);
	return st;
}

enum status take_text(struct span v, const char *name, struct buf *b)
{
	return add_text(v, name, SETTING_TEXT_MAX, false, b);
}

enum status take_description(struct span v, const char *name, struct buf *b)
{
	return add_text(v, name, DESCRIPTION_MAX, true, b);
}

enum status take_signature(struct span v, const char *name, struct buf *b)
{
	static const char *const kinds[] = { "text", "html" };
	static const size_t max[] = { SIGNATURE_TEXT_MAX, SIGNATURE_HTML_MAX };
	struct span it = v, key, val;
	struct buf inner = { 0 };
	enum status st = json_type(v) == '{' ? ST_OK : st_fail(ST_BAD, "%s is an object with text and html", name);

	while (st == ST_OK && json_member(&it, &key, &val))
		if (!(key.len == 4 && (memcmp(key.p, "text", 4) == 0 || memcmp(key.p, "html", 4) == 0)))
			st = st_fail(ST_BAD, "%s has text and html, nothing else", name);
	json_open(&inner, NULL, '{');
	for (int i = 0; st == ST_OK && i < 2; i++) {
		char what[40];

		val = json_get(v, kinds[i]);
		snprintf(what, sizeof(what), "the %s of %s", kinds[i], name);
		if (val.p != NULL) {
			struct buf text = { 0 };

			st = text_of(val, what, max[i], true, &text);
			if (st == ST_OK && text.len > 0)
				json_str(&inner, kinds[i], text.p, text.len);
			buf_free(&text);
		}
	}
	json_close(&inner, '}');
	if (st == ST_OK && inner.len > 2)
		json_raw(b, name, inner.p, inner.len);
	if (inner.failed)
		b->failed = true;
	buf_free(&inner);
	return st;
}

enum status take_colour(struct span v, const char *name, struct buf *b)
{
	struct buf text = { 0 };
	enum status st = text_of(v, name, SETTING_TEXT_MAX, false, &text);
	bool good = st == ST_OK && text.len == 7 && text.p[0] == '#' && strspn(text.p + 1, "0123456789abcdefABCDEF") == 6;

	if (st == ST_OK && text.len > 0 && !good)
		st = st_fail(ST_BAD, "%s is written #rrggbb, not %.40s", name, buf_cstr(&text));
	for (size_t i = 1; good && i < 7; i++)
		if (text.p[i] >= 'A' && text.p[i] <= 'F')
			text.p[i] = (char)(text.p[i] | 0x20);
	if (good)
		json_str(b, name, text.p, text.len);
	buf_free(&text);
	return st;
}

/* ---- words ---- */

bool inbox_valid(const char *name, size_t len)
{
	if (len == 0 || len > INBOX_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i == 0 || (c != '.' && c != '_' && c != '-'))
			return false;
	}
	return true;
}

enum status take_inbox(struct span v, const char *name, struct buf *b)
{
	struct buf text = { 0 };
	enum status st = text_of(v, name, 1000, false, &text);

	if (st == ST_OK && !inbox_valid(buf_cstr(&text), text.len))
		st = st_fail(ST_BAD, "no %s can be called %.80s (a-z, 0-9, then also '.', '_' and '-', at most %d)", name,
			buf_cstr(&text), INBOX_MAX_BYTES);
	if (st == ST_OK)
		json_str(b, name, text.p, text.len);
	buf_free(&text);
	return st;
}

enum status take_true(struct span v, const char *name, struct buf *b)
{
	if (json_type(v) == 't')
		return ST_OK;
	if (json_type(v) != 'f')
		return st_fail(ST_BAD, "%s is true or false", name);
	json_bool(b, name, false);
	return ST_OK;
}

enum status take_address(struct span v, const char *name, struct buf *b)
{
	struct buf text = { 0 }, normal = { 0 };
	enum status st = text_of(v, name, 1000, false, &text);

	if (st == ST_OK && text.len > 0) {
		st = address_normal(text.p, text.len, &normal);
		if (st == ST_OK && normal.len > ADDRESS_MAX_BYTES)
			st = st_fail(ST_BAD, "longer than %d bytes", ADDRESS_MAX_BYTES);
		if (st == ST_OK)
			json_str(b, name, normal.p, normal.len);
		else if (st == ST_BAD)
			st = st_fail(ST_BAD, "%s: %.80s is no address", name, buf_cstr(&text));
	}
	buf_free(&text);
	buf_free(&normal);
	return st;
}

/* "user:" or "group:" and a word. */
static bool person_valid(const char *p, size_t n)
{
	size_t skip = n > 5 && memcmp(p, "user:", 5) == 0 ? 5 : n > 6 && memcmp(p, "group:", 6) == 0 ? 6 : 0;

	if (skip == 0 || n > PERSON_MAX_BYTES)
		return false;
	for (size_t i = skip; i < n; i++)
		if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || strchr("._@+-", p[i]) != NULL))
			return false;
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

enum status take_people(struct span v, const char *name, struct buf *b)
{
	char (*who)[PERSON_MAX_BYTES + 1] = calloc(PEOPLE_MAX, sizeof(*who));
	struct buf text = { 0 };
	struct span it = v, e;
	enum status st = who == NULL ? st_fail(ST_NOMEM, "settings: out of memory")
		: json_type(v) == '[' ? ST_OK : st_fail(ST_BAD, "%s is a list", name);
	size_t n = 0;

	while (st == ST_OK && json_elem(&it, &e)) {
		st = text_of(e, name, 1000, false, &text);
		if (st == ST_OK && !person_valid(buf_cstr(&text), text.len))
			st = st_fail(ST_BAD, "%s: %.80s is not user:NAME or group:NAME (a-z, 0-9, '.', '_', '@', '+', '-', at most %d)",
				name, buf_cstr(&text), PERSON_MAX_BYTES);
		if (st == ST_OK && n == PEOPLE_MAX)
			st = st_fail(ST_BAD, "%s: more than %d", name, PEOPLE_MAX);
		if (st == ST_OK)
			memcpy(who[n++], text.p, text.len + 1);
	}
	if (st == ST_OK && n > 0) {
		qsort(who, n, sizeof(*who), by_text);
		json_open(b, name, '[');
		for (size_t i = 0; i < n; i++)
			if (i == 0 || strcmp(who[i], who[i - 1]) != 0)
				json_cstr(b, NULL, who[i]);
		json_close(b, ']');
	}
	buf_free(&text);
	free(who);
	return st;
}
