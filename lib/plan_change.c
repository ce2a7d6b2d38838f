/*
 * plan_change.c - see plan.h: what a plan changes, as a line.
 */
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "record.h"

static enum status ended(struct buf *b)
{
	buf_chr(b, '\n');
	return buf_ok(b) ? ST_OK : st_fail(ST_NOMEM, "plan: out of memory");
}

enum status plan_change_json(const struct plan_change *c, const char *tenant, struct buf *b)
{
	struct buf line = { 0 };

	json_open(&line, NULL, '{');
	json_int(&line, "weir", RECORD_VERSION);
	json_cstr(&line, "type", "change");
	json_cstr(&line, "tenant", tenant);
	json_cstr(&line, "op", c->op);
	json_cstr(&line, "kind", c->kind);
	if (*c->name != '\0')
		json_cstr(&line, "name", c->name);
	if (c->old.p != NULL)
		json_raw(&line, "old", c->old.p, c->old.len);
	if (c->now.p != NULL)
		json_raw(&line, "new", c->now.p, c->now.len);
	json_close(&line, '}');
	buf_add(b, buf_cstr(&line), line.len);
	b->failed |= line.failed;
	buf_free(&line);
	return ended(b);
}

static void add_value(struct buf *b, struct span v)
{
	buf_add(b, v.p != NULL ? v.p : "-", v.p != NULL ? v.len : 1);
}

static bool same(struct span a, struct span b)
{
	return a.p != NULL && b.p != NULL && a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static void member_line(struct buf *b, const char *prefix, struct span key, struct span old, struct span now)
{
	buf_fmt(b, "  %s%.*s ", prefix, (int)key.len, key.p);
	add_value(b, old);
	buf_str(b, " -> ");
	add_value(b, now);
}

/* Each member that is another one: those that were there, then the new ones. Of an object within, its members: one level of them. */
static void members(struct span old, struct span now, const char *prefix, struct buf *b)
{
	struct span it = old, key, val;
	char name[80], inner[90];

	while (json_member(&it, &key, &val)) {
		struct span other;

		snprintf(name, sizeof(name), "%.*s", (int)key.len, key.p);
		other = json_get(now, name);
		if (same(val, other))
			continue;
		if (*prefix == '\0' && json_type(val) == '{' && json_type(other) == '{') {
			snprintf(inner, sizeof(inner), "%s.", name);
			members(val, other, inner, b);
		} else {
			member_line(b, prefix, key, val, other);
		}
	}
	for (it = now; json_member(&it, &key, &val); ) {
		snprintf(name, sizeof(name), "%.*s", (int)key.len, key.p);
		if (json_get(old, name).p == NULL)
			member_line(b, prefix, key, (struct span){ NULL, 0 }, val);
	}
}

enum status plan_change_text(const struct plan_change *c, struct buf *b)
{
	bool changed = c->old.p != NULL && c->now.p != NULL;

	buf_fmt(b, "%c %s%s%s", changed ? '~' : c->old.p == NULL ? '+' : '-', c->kind, *c->name != '\0' ? " " : "", c->name);
	if (changed && json_type(c->old) == '{' && json_type(c->now) == '{') {
		members(c->old, c->now, "", b);
	} else if (changed) {
		buf_str(b, "  ");
		add_value(b, c->old);
		buf_str(b, " -> ");
		add_value(b, c->now);
	} else {
		buf_str(b, "  ");
		add_value(b, c->now.p != NULL ? c->now : c->old);
	}
	return ended(b);
}
