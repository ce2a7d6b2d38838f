/* verify_print.c - see verify_print.h. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "record.h"
#include "verify_print.h"

#define STRING_MAX 255	/* RFC 1035 3.3 */

void verify_item_text(const struct verify_item *it, struct buf *out)
{
	size_t i;

	if (it->type != DNS_TXT) {
		buf_add(out, it->text.p, it->text.len);
		return;
	}
	buf_chr(out, '"');
	for (i = 0; i < it->text.len; i++) {
		unsigned char c = (unsigned char)it->text.p[i];

		if (i > 0 && i % STRING_MAX == 0)
			buf_str(out, "\" \"");
		if (c == '"' || c == '\\')
			buf_fmt(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			buf_fmt(out, "\\%03u", c);
		else
			buf_chr(out, (char)c);
	}
	buf_chr(out, '"');
}

/* ---- JSON ---- */

static void row_json(const struct verify_row *r, const struct verify_state *before, struct buf *b)
{
	size_t i;

	json_open(b, NULL, '{');
	json_cstr(b, "owner", r->owner);
	json_cstr(b, "rrtype", rr_type_name(r->type));
	json_cstr(b, "role", rr_role_name(r->role));
	json_cstr(b, "verdict", verdict_name(r->verdict));
	if (r->at_parent)
		json_bool(b, "at_parent", true);
	json_int(b, "ttl", r->ttl);
	if (r->expected)
		json_cstr(b, "expected", r->expected);
	if (r->verdict == VERDICT_OK || r->verdict == VERDICT_TEMPERROR)
		goto done;
	json_open(b, "found", '[');
	for (i = 0; i < r->n_found; i++) {
		struct buf text = { 0 };

		if (r->found[i].type != r->type)
			buf_fmt(&text, "%s ", rr_type_name(r->found[i].type));
		verify_item_text(&r->found[i], &text);
		json_str(b, NULL, buf_cstr(&text), text.len);
		buf_free(&text);
	}
	json_close(b, ']');
	json_int(b, "step", r->order);
	if (before && verify_change(before, r) != VCHANGE_NONE)
		json_cstr(b, "change", vchange_name(verify_change(before, r)));
done:
	if (r->why[0])
		json_cstr(b, "why", r->why);
	if (r->note[0])
		json_str(b, "note", r->note, strlen(r->note));
	json_close(b, '}');
}

static void servers_json(const struct verify *v, struct buf *b)
{
	size_t i;

	json_open(b, "servers", '[');
	for (i = 0; i < v->n_server; i++) {
		const struct verify_server *s = &v->server[i];

		json_open(b, NULL, '{');
		json_cstr(b, "of", s->parent ? v->parent_zone : v->zone);
		json_cstr(b, "name", s->name);
		if (s->address[0])
			json_cstr(b, "address", s->address);
		json_cstr(b, "result", s->address[0] ? authority_result_name(s->result) : "no-address");
		if (s->has_serial)
			json_int(b, "serial", s->serial);
		json_close(b, '}');
	}
	json_close(b, ']');
}

void verify_json(const struct verify *v, const struct verify_told *t, struct buf *b)
{
	size_t i;

	json_open(b, NULL, '{');
	json_int(b, "weir", RECORD_VERSION);
	json_cstr(b, "type", "verification");
	json_cstr(b, "domain", v->domain);
	json_cstr(b, "tenant", t->tenant);
	json_bool(b, "well", verify_well(v));
	if (t->after) {
		json_cstr(b, "state", vstate_name(t->after->state));
		json_cstr(b, "state_before", vstate_name(t->before->state));
		json_int(b, "since", t->after->since);
		json_int(b, "checked", t->after->checked);
		if (t->after->verified)
			json_int(b, "verified", t->after->verified);
		if (t->after->warned)
			json_int(b, "fails_at", t->after->warned + VERIFY_WARNED_S);
		if (t->news != VNEWS_NONE)
			json_cstr(b, "news", vnews_name(t->news));
	}
	if (v->zone[0])
		json_cstr(b, "zone", v->zone);
	json_open(b, "counts", '{');
	for (i = 0; i <= VERDICT_TEMPERROR; i++)
		json_int(b, verdict_name((enum verdict)i), (int64_t)v->count[i]);
	json_close(b, '}');
	json_open(b, "records", '[');
	for (i = 0; i < v->n_row; i++)
		row_json(&v->row[i], t->before, b);
	json_close(b, ']');
	json_open(b, "findings", '[');
	for (i = 0; i < v->n_finding; i++) {
		json_open(b, NULL, '{');
		json_cstr(b, "code", v->finding[i].code);
		json_bool(b, "grave", v->finding[i].grave);
		json_str(b, "at", v->finding[i].at, strlen(v->finding[i].at));
		json_str(b, "text", v->finding[i].text, strlen(v->finding[i].text));
		json_close(b, '}');
	}
	json_close(b, ']');
	servers_json(v, b);
	if (t->simulation) {
		json_open(b, "simulation", '[');
		buf_add(b, t->simulation->p, t->simulation->len);
		json_close(b, ']');
	}
	json_close(b, '}');
}

/* ---- the change ---- */

static int max_order(const struct verify *v)
{
	int max = 0;
	size_t i;

	for (i = 0; i < v->n_row; i++)
		max = v->row[i].order > max ? v->row[i].order : max;
	return max;
}

void verify_ascii(const char *text, struct buf *out)
{
	for (; *text; text++)
		buf_chr(out, *text < ' ' || *text > '~' ? '?' : *text);
}

static void comment(struct buf *out, const char *text)
{
	buf_str(out, "; ");
	verify_ascii(text, out);
	buf_chr(out, '\n');
}

static void zone_line(struct buf *out, char sign, const struct verify_row *r, uint16_t type, const char *data)
{
	buf_fmt(out, "%c %s. %u IN %s %s\n", sign, r->owner, sign == '-' ? r->found_ttl : r->ttl, rr_type_name(type), data);
}

static void diff_row(const struct verify_row *r, const struct verify_state *before, struct buf *out)
{
	enum vchange change = before ? verify_change(before, r) : VCHANGE_NONE;
	struct buf text = { 0 };
	size_t i;

	buf_fmt(&text, "%s%s%s: %s%s", verdict_name(r->verdict), change == VCHANGE_NONE ? "" : ", ",
		change == VCHANGE_NEW ? "newly required" : vchange_name(change), r->at_parent ? "in the parent zone: " : "", r->why);
	comment(out, buf_cstr(&text));
	if (r->note[0]) {
		buf_clear(&text);
		buf_fmt(&text, "  %s", r->note);
		comment(out, buf_cstr(&text));
	}
	for (i = 0; i < r->n_found; i++) {
		buf_clear(&text);
		verify_item_text(&r->found[i], &text);
		zone_line(out, '-', r, r->found[i].type, buf_cstr(&text));
	}
	if (r->expected)
		zone_line(out, '+', r, r->type, r->expected);
	buf_free(&text);
}

static void diff_head(const struct verify *v, const struct verify_told *t, struct buf *out)
{
	struct buf text = { 0 };
	size_t i;

	buf_fmt(&text, "%s (%s)", v->domain, t->tenant);
	for (i = VERDICT_MISSING; i <= VERDICT_TEMPERROR; i++)
		if (v->count[i] > 0)
			buf_fmt(&text, ", %zu %s", v->count[i], verdict_name((enum verdict)i));
	if (t->after) {
		buf_fmt(&text, "; %s%s", t->news == VNEWS_STATE ? "now " : "", vstate_name(t->after->state));
		if (t->news == VNEWS_STATE && t->before->state != VSTATE_NOT_STARTED)
			buf_fmt(&text, ", was %s", vstate_name(t->before->state));
		if (t->after->warned)
			buf_fmt(&text, ": it fails in %lld h unless this is mended",
				(long long)((t->after->warned + VERIFY_WARNED_S - t->after->checked + 3599) / 3600));
	}
	comment(out, buf_cstr(&text));
	buf_free(&text);
}

void verify_diff(const struct verify *v, const struct verify_told *t, struct buf *out)
{
	int order, max = max_order(v);
	size_t i;

	if (verify_well(v) && (!t->after || t->news != VNEWS_STATE || t->after->state == VSTATE_SUCCESS))
		return;
	diff_head(v, t, out);
	for (order = 1; order <= max; order++)
		for (i = 0; i < v->n_row; i++)
			if (v->row[i].order == order)
				diff_row(&v->row[i], t->before, out);
	if (v->resolver_dead)
		comment(out, "temperror: the resolver answered nothing in time");
	for (i = 0; i < v->n_row && !v->resolver_dead; i++)
		if (v->row[i].verdict == VERDICT_TEMPERROR) {
			struct buf text = { 0 };

			buf_fmt(&text, "temperror: %s %s %s", v->row[i].owner, rr_type_name(v->row[i].type), v->row[i].why);
			comment(out, buf_cstr(&text));
			buf_free(&text);
		}
	for (i = 0; i < v->n_finding; i++)
		if (v->finding[i].grave) {
			struct buf text = { 0 };

			buf_fmt(&text, "%s: %s", v->finding[i].code, v->finding[i].text);
			comment(out, buf_cstr(&text));
			buf_free(&text);
		}
}
