/* inspect.c - see inspect.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "defect.h"
#include "inspect.h"
#include "loose.h"
#include "part.h"
#include "redact.h"
#include "staging.h"

#define PROG "weir-scan"
#define RAW_PART "raw"		/* what scan.parts calls the message as a whole */
#define SES_VERDICT "SES.VirusVerdict"

enum action { ACT_PASS, ACT_HOLD, ACT_FLAG, ACT_DELETE };

/* A part and what became of it. */
struct item {
	bool there;		/* it is in `attachments` */
	uint8_t digest[DIGEST_BYTES];
	struct span path;	/* JSON string */
	int64_t size, offset;
	int phase;		/* of a loose find, see loose.h */
	struct finding f;
	enum action act;
};

struct inspector {
	struct inspect_opts o;
	struct ledger *ledger;
	struct staging *staging;
	/* of the message at hand: */
	const struct rec *rec;
	struct part *part;
	size_t parts, listed, cap;	/* from `listed` on: loose finds */
	struct item *item;		/* of part[i] */
	bool *gone;			/* part[i] is not delivered */
	struct byte_range *range;
	size_t ranges;
	struct finding whole, message;	/* the raw bytes; what weir-parse could not read at all */
	enum action whole_act, message_act;
	uint8_t id[DIGEST_BYTES];
	bool raw_read, as_mail;
	struct buf raw, rewritten, bytes, path;
	uint8_t rewritten_digest[DIGEST_BYTES];
	struct staged rewritten_at;
};

/* ---- small things ---- */

static void unscanned(struct finding *f, const char *reason, const char *detail)
{
	*f = (struct finding){ .verdict = VERDICT_UNSCANNED, .reason = finding_reason(reason) };
	snprintf(f->name, sizeof f->name, "%s", detail);
}

static bool read_digest(struct span v, uint8_t out[DIGEST_BYTES])
{
	return json_type(v) == '"' && v.len == DIGEST_HEX + 2
		&& hex_read(v.p + 1, DIGEST_HEX, out, DIGEST_BYTES);
}

/* What a tenant wants done with mail that could not be scanned for that reason. */
static enum action policy_for(const struct rec *rec, const char *reason, bool allow)
{
	char path[64];

	if (allow)
		return ACT_FLAG;
	if (strcmp(reason, "no_canary") == 0)
		return ACT_HOLD;	/* that is our trouble, not a property of the mail */
	snprintf(path, sizeof path, "policy.%s", strcmp(reason, "crash") == 0 ? "error" : reason);
	struct span v = rec_get(rec, path);
	return json_is(v, "flag") ? ACT_FLAG : json_is(v, "delete") ? ACT_DELETE : ACT_HOLD;
}

static enum action action_for(const struct inspector *in, const struct finding *f)
{
	if (f->verdict == VERDICT_CLEAN)
		return ACT_PASS;
	if (f->verdict == VERDICT_INFECTED)
		return ACT_DELETE;
	return policy_for(in->rec, f->reason, in->o.allow_unscanned);
}

/* ---- reading the record ---- */

static enum status make_room(struct inspector *in)
{
	if (in->parts <= in->cap)
		return ST_OK;
	size_t cap = in->parts + 16;
	struct item *item = realloc(in->item, cap * sizeof *item);
	if (item)
		in->item = item;
	bool *gone = realloc(in->gone, cap * sizeof *gone);
	if (gone)
		in->gone = gone;
	struct byte_range *range = realloc(in->range, cap * sizeof *range);
	if (range)
		in->range = range;
	if (!item || !gone || !range)
		return st_fail(ST_NOMEM, "no memory for %zu parts", cap);
	in->cap = cap;
	return ST_OK;
}

static int part_named(const struct inspector *in, struct span id, size_t hint)
{
	for (size_t k = 0; k < in->parts; k++) {
		size_t i = (hint + k) % in->parts;	/* the two lists have the same order */
		size_t n = strlen(in->part[i].id);
		if (id.len == n + 2 && memcmp(id.p + 1, in->part[i].id, n) == 0)
			return (int)i;
	}
	return -1;
}

static enum status read_attachments(struct inspector *in)
{
	struct span it = rec_get(in->rec, "attachments"), e;
	size_t hint = 0;

	if (json_type(it) != '[')
		return st_fail(ST_BAD, "no attachments in the record: weir-extract makes them");
	memset(in->item, 0, in->parts * sizeof *in->item);
	memset(in->gone, 0, in->parts * sizeof *in->gone);
	while (json_elem(&it, &e)) {
		int i = json_type(e) == '{' ? part_named(in, json_get(e, "part"), hint) : -1;
		if (i < 0)
			return st_fail(ST_BAD, "an attachment of no part");
		struct item *t = &in->item[i];
		t->there = true;
		t->path = json_get(e, "path");
		if (!read_digest(json_get(e, "sha256"), t->digest) || json_type(t->path) != '"'
		    || !json_get_int(json_get(e, "size"), &t->size) || t->size < 0)
			return st_fail(ST_BAD, "part %s: no path, size and digest", in->part[i].id);
		if (!json_get_int(json_get(e, "offset"), &t->offset) || t->offset < 0)
			t->offset = 0;
		hint = (size_t)i + 1;
	}
	return ST_OK;
}

static enum status read_record(struct inspector *in, const struct rec *rec)
{
	struct span parts = rec_get(rec, "parts");

	in->rec = rec;
	in->raw_read = in->as_mail = false;
	in->ranges = 0;
	in->rewritten_at.path = NULL;
	in->message = in->whole = (struct finding){ .verdict = VERDICT_CLEAN };
	in->message_act = in->whole_act = ACT_PASS;
	parts_free(&in->part, in->parts);
	in->parts = 0;
	if (!read_digest(rec_get(rec, "id"), in->id) || !parts.p)
		return st_fail(ST_BAD, "no id or no parts in the record: weir-parse makes them");
	enum status st = parts_of_json(parts, &in->part, &in->parts);
	in->listed = in->parts;
	if (st == ST_OK)
		st = make_room(in);
	return st == ST_OK ? read_attachments(in) : st;
}

/* Defects: parts that could not be listed make the message unscanned; a message that others may read
 * differently has its raw bytes read by libclamav's own mail reader, too. */
static void read_defects(struct inspector *in)
{
	struct span it = rec_get(in->rec, "defects"), e;

	in->as_mail = in->o.raw_as_mail;
	while (json_elem(&it, &e)) {
		struct span name = json_get(e, "name");
		const struct defect_word *w = json_type(name) == '"'
			? defect_find(name.p + 1, name.len - 2) : NULL;
		in->as_mail |= !w || w->suspicious;
		if (w && w->unscanned && in->message.verdict == VERDICT_CLEAN)
			unscanned(&in->message, w->unscanned, w->name);
	}
	in->message_act = action_for(in, &in->message);
	/* What is held for that is not delivered, whatever libclamav's mail reader would find, and that one needs 200 MB for
	 * what broke our limits. Once it may be delivered, it is read. */
	in->as_mail &= in->o.raw_as_mail || in->message_act != ACT_HOLD;
}

/* ---- bytes ---- */

static enum status read_raw(struct inspector *in)
{
	uint8_t digest[DIGEST_BYTES];
	int fd;

	if (in->raw_read)
		return ST_OK;
	buf_clear(&in->path);
	if (!json_text(rec_get(in->rec, "raw.path"), &in->path))
		return st_fail(ST_BAD, "no raw.path in the record");
	enum status st = roots_open(in->o.roots, buf_cstr(&in->path), &fd);
	if (st != ST_OK)
		return st;
	st = file_read_fd(fd, 0, -1, MESSAGE_MAX_BYTES, &in->raw);
	close(fd);
	if (st == ST_OK)
		st = digest_of(in->raw.p, in->raw.len, digest);
	if (st == ST_OK && memcmp(digest, in->id, sizeof digest) != 0)
		st = st_fail(ST_AGAIN, "%s is not what it was", buf_cstr(&in->path));
	in->raw_read = st == ST_OK;
	return st;
}

static bool same_span(struct span a, struct span b)
{
	return a.p && b.p && a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* The part's bytes, checked against its digest: another worker may have wiped them. ST_AGAIN then. */
static enum status read_item(struct inspector *in, const struct item *t, struct span *out)
{
	uint8_t digest[DIGEST_BYTES];
	enum status st;
	int fd;

	if (same_span(t->path, rec_get(in->rec, "raw.path"))) {
		st = read_raw(in);
		if (st != ST_OK)
			return st;
		if ((uint64_t)t->offset > in->raw.len || (uint64_t)t->size > in->raw.len - (uint64_t)t->offset)
			return st_fail(ST_BAD, "a part lies outside of the message");
		*out = (struct span){ buf_cstr(&in->raw) + t->offset, (size_t)t->size };
	} else {
		buf_clear(&in->path);
		json_text(t->path, &in->path);
		st = roots_open(in->o.roots, buf_cstr(&in->path), &fd);
		if (st != ST_OK)
			return st;
		st = file_read_fd(fd, t->offset, t->size, MESSAGE_MAX_BYTES * 4u, &in->bytes);
		close(fd);
		if (st != ST_OK)
			return st;
		*out = (struct span){ buf_cstr(&in->bytes), in->bytes.len };
	}
	st = digest_of(out->p, out->len, digest);
	if (st == ST_OK && memcmp(digest, t->digest, sizeof digest) != 0)
		st = st_fail(ST_AGAIN, "the bytes are not those that were extracted");
	return st;
}

/* ---- looking ---- */

/* Through the ledger. False: it must be looked at. */
static bool known(struct inspector *in, const uint8_t *digest, enum look how, struct finding *f)
{
	return ledger_get(in->ledger, digest, how, f) == ST_OK
		&& (scanner_remembers(in->o.scanner) || f->verdict == VERDICT_INFECTED);
}

static enum status look_at(struct inspector *in, const uint8_t *digest, enum look how,
	struct span bytes, struct finding *f)
{
	scanner_look(in->o.scanner, how, bytes.p, bytes.len, f);
	return ledger_put(in->ledger, digest, how, f);
}

/* A message enclosed as it is has no bytes that are not in what encloses it and in its own parts. */
static bool is_looked_at(const struct part *p)
{
	return part_has_bytes(p) && !(p->kind == PART_MESSAGE
		&& (p->encoding == ENC_IDENTITY || p->encoding == ENC_UNKNOWN));
}

static enum status judge_part(struct inspector *in, size_t i)
{
	struct item *t = &in->item[i];
	struct span bytes = {0};

	t->f = (struct finding){ .verdict = VERDICT_CLEAN };
	if (!is_looked_at(&in->part[i]))
		return ST_OK;
	if (!t->there) {
		unscanned(&t->f, "error", "it was not extracted");
		return ST_OK;
	}
	if (known(in, t->digest, LOOK_PART, &t->f))
		return ST_OK;
	enum status st = read_item(in, t, &bytes);
	if (st == ST_OK)
		return look_at(in, t->digest, LOOK_PART, bytes, &t->f);
	if (st == ST_NOMEM || known(in, t->digest, LOOK_PART, &t->f))
		return st == ST_NOMEM ? st : ST_OK;	/* a wiped part: its verdict came first */
	unscanned(&t->f, "error", st_text());
	return ST_OK;
}

/* ---- what no part has decoded ---- */

static bool has_defect(const struct inspector *in, const char *name, const char *part)
{
	struct span it = rec_get(in->rec, "defects"), e;

	while (json_elem(&it, &e))
		if (json_is(json_get(e, "name"), name) && json_is(json_get(e, "part"), part))
			return true;
	return false;
}

/* The ranges of the raw message that some part decodes, as everybody would. Uses in->range. */
static size_t covered(struct inspector *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->listed; i++) {
		const struct part *p = &in->part[i];
		if (!p->in && p->encoding != ENC_IDENTITY && p->encoding != ENC_UNKNOWN && p->end > p->begin
		    && !(p->encoding == ENC_BASE64 && has_defect(in, "base64_junk", p->id)))
			in->range[n++] = (struct byte_range){ p->begin, p->end };
	}
	return ranges_merge(in->range, n);
}

/* Makes parts of them, "raw.1" and so on, so that they can be cut out as well. */
static enum status add_loose(struct inspector *in)
{
	struct loose found[LOOSE_MAX];
	char id[32];
	size_t n = loose_find(buf_cstr(&in->raw), in->raw.len, in->parts ? in->part[0].begin : 0,
		in->range, covered(in), found);

	struct part *part = n ? realloc(in->part, (in->parts + n) * sizeof *part) : in->part;
	if (n && !part)
		return st_fail(ST_NOMEM, "no memory for parts");
	in->part = part;
	for (size_t i = 0; i < n; i++) {
		snprintf(id, sizeof id, RAW_PART ".%zu", i + 1);
		part[in->parts] = (struct part){ .id = strdup(id), .kind = PART_ALTERNATE, .scan_only = true,
			.encoding = found[i].enc, .begin = found[i].begin, .end = found[i].end };
		in->parts++;
		if (!part[in->parts - 1].id)
			return st_fail(ST_NOMEM, "no memory for parts");
	}
	enum status st = make_room(in);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		in->item[in->listed + i] = (struct item){ .phase = found[i].phase };
		in->gone[in->listed + i] = false;
	}
	return st;
}

static enum status judge_loose(struct inspector *in, size_t i)
{
	struct item *t = &in->item[i];
	const struct part *p = &in->part[i];
	struct loose l = { p->begin, p->end, p->encoding, t->phase };

	t->f = (struct finding){ .verdict = VERDICT_CLEAN };
	buf_clear(&in->bytes);
	loose_decode(buf_cstr(&in->raw), &l, &in->bytes);
	if (!buf_ok(&in->bytes))
		return st_fail(ST_NOMEM, "no memory for a part");
	enum status st = digest_of(buf_cstr(&in->bytes), in->bytes.len, t->digest);
	if (st != ST_OK || known(in, t->digest, LOOK_PART, &t->f))
		return st;
	return look_at(in, t->digest, LOOK_PART, (struct span){ buf_cstr(&in->bytes), in->bytes.len }, &t->f);
}

/* The raw message is known to be clean only if what it holds loosely is, too. */
static bool raw_is_clean(struct inspector *in)
{
	if (known(in, in->id, LOOK_PART, &in->whole) && in->whole.verdict == VERDICT_CLEAN)
		return true;
	return !in->as_mail && known(in, in->id, LOOK_PLAIN, &in->whole)
		&& in->whole.verdict == VERDICT_CLEAN;
}

static enum status judge_raw(struct inspector *in)
{
	bool clean = true;

	if (raw_is_clean(in))
		return ST_OK;
	enum status st = read_raw(in);
	if (st == ST_OK)
		st = add_loose(in);
	for (size_t i = in->listed; st == ST_OK && i < in->parts; i++) {
		st = judge_loose(in, i);
		clean &= in->item[i].f.verdict == VERDICT_CLEAN;
	}
	if (st != ST_OK)
		return st;
	enum look how = in->as_mail ? LOOK_PART : LOOK_PLAIN;
	scanner_look(in->o.scanner, how, buf_cstr(&in->raw), in->raw.len, &in->whole);
	return clean ? ledger_put(in->ledger, in->id, how, &in->whole) : ST_OK;
}

/* ---- taking parts out ---- */

static enum status wipe(struct inspector *in, const struct item *t)
{
	buf_clear(&in->path);
	if (!t->there || same_span(t->path, rec_get(in->rec, "raw.path"))
	    || !json_text(t->path, &in->path) || access(buf_cstr(&in->path), F_OK) != 0)
		return ST_OK;	/* not in staging, or gone already */
	return staging_wipe(in->o.home, buf_cstr(&in->path), (uint64_t)t->offset, (uint64_t)t->size);
}

/* Writes the raw message without what is gone and judges that instead. */
static enum status rewrite(struct inspector *in)
{
	struct span tenant = rec_get(in->rec, "tenant"), out;
	struct buf *b = &in->rewritten;

	enum status st = read_raw(in);
	if (st == ST_OK)
		st = redact_plan(in->part, in->parts, in->gone, in->range, &in->ranges);
	buf_clear(b);
	if (st == ST_OK)
		st = redact(buf_cstr(&in->raw), in->raw.len, in->range, in->ranges, b);
	out = (struct span){ buf_cstr(b), b->len };
	if (st == ST_OK)
		st = digest_of(out.p, out.len, in->rewritten_digest);
	if (st == ST_OK && !known(in, in->rewritten_digest, LOOK_PART, &in->whole))
		st = look_at(in, in->rewritten_digest, LOOK_PART, out, &in->whole);
	if (st != ST_OK || in->whole.verdict == VERDICT_INFECTED)
		return st;
	buf_clear(&in->path);
	if (tenant.p && !json_text(tenant, &in->path))
		return st_fail(ST_BAD, "the tenant is no string");
	return staging_put_file(in->staging, tenant.p ? buf_cstr(&in->path) : NULL,
		in->rewritten_digest, out.p, out.len, &in->rewritten_at);
}

/* ---- the verdict ---- */

struct outcome {
	bool infected, unscanned, hold, flag, rewritten;
	const struct finding *why;	/* of hold, or else of unscanned */
	const char *where;		/* the part it is about; "": the whole message */
};

static void weigh(struct outcome *o, const struct finding *f, enum action act, const char *where)
{
	if (f->verdict == VERDICT_UNSCANNED && (!o->why || (act == ACT_HOLD && !o->hold))) {
		o->why = f;
		o->where = where;
	}
	o->infected |= f->verdict == VERDICT_INFECTED;
	o->unscanned |= f->verdict == VERDICT_UNSCANNED;
	o->hold |= act == ACT_HOLD;
	o->flag |= act == ACT_FLAG;
}

static void finding_json(struct buf *b, const char *part, const uint8_t *digest, const struct finding *f)
{
	char hex[DIGEST_HEX + 1];

	hex_of(digest, DIGEST_BYTES, hex);
	json_open(b, NULL, '{');
	json_cstr(b, "part", part);
	json_str(b, "sha256", hex, DIGEST_HEX);
	json_cstr(b, "verdict", f->verdict == VERDICT_INFECTED ? "infected" : "unscanned");
	if (f->verdict == VERDICT_INFECTED)
		json_cstr(b, "name", f->name);
	else
		json_cstr(b, "reason", f->reason);
	if (f->verdict == VERDICT_UNSCANNED && f->name[0])
		json_cstr(b, "detail", f->name);
	json_close(b, '}');
}

static void scan_head(struct buf *b, const struct scanner *s, const char *verdict)
{
	char hex[2 * LEDGER_CONF_BYTES + 1];

	json_open(b, "scan", '{');
	json_cstr(b, "verdict", verdict);
	if (!s)
		return;
	hex_of(scanner_conf(s), LEDGER_CONF_BYTES, hex);
	json_cstr(b, "engine", scanner_engine(s));
	json_cstr(b, "db", hex);
}

static void parts_json(const struct inspector *in, struct buf *b)
{
	bool any = in->whole.verdict != VERDICT_CLEAN;

	for (size_t i = 0; i < in->parts && !any; i++)
		any = in->item[i].f.verdict != VERDICT_CLEAN;
	if (!any)
		return;
	json_open(b, "parts", '[');
	for (size_t i = 0; i < in->parts; i++)
		if (in->item[i].f.verdict != VERDICT_CLEAN)
			finding_json(b, in->part[i].id, in->item[i].digest, &in->item[i].f);
	if (in->whole.verdict != VERDICT_CLEAN)
		finding_json(b, RAW_PART, in->ranges ? in->rewritten_digest : in->id, &in->whole);
	json_close(b, ']');
}

static void removed_json(const struct inspector *in, struct buf *b)
{
	char hex[DIGEST_HEX + 1];

	json_open(b, "removed", '[');
	for (size_t i = 0; i < in->parts; i++)
		if (in->gone[i])
			json_cstr(b, NULL, in->part[i].id);
	json_close(b, ']');
	hex_of(in->rewritten_digest, DIGEST_BYTES, hex);
	json_open(b, "raw", '{');
	json_cstr(b, "path", in->rewritten_at.path);
	json_str(b, "sha256", hex, DIGEST_HEX);
	json_int(b, "size", (int64_t)in->rewritten.len);
	json_close(b, '}');
}

static void outcome_json(const struct inspector *in, const struct outcome *o, struct buf *b)
{
	scan_head(b, in->o.scanner, o->infected ? "infected" : o->unscanned ? "unscanned" : "clean");
	if (o->unscanned)
		json_cstr(b, "reason", o->why->reason);
	parts_json(in, b);
	if (o->rewritten && !o->hold && in->rewritten_at.path)
		removed_json(in, b);
	if (o->unscanned && !o->hold && in->o.allow_unscanned)
		json_cstr(b, "allowed", "--allow-unscanned");
	else if (o->unscanned && !o->hold)
		json_cstr(b, "policy", o->flag ? "flag" : "delete");
	json_close(b, '}');
}

static void hold(struct buf *b, const struct finding *why, const char *where)
{
	char detail[LEDGER_NAME_BYTES + 256];

	snprintf(detail, sizeof detail, "%s%s: %s%s%s", *where ? "part " : "message", where, why->reason,
		why->name[0] ? ": " : "", why->name);
	rec_hold(b, PROG, "unscanned", detail, finding_lasts(why) ? HOLD_LASTING_S : HOLD_PASSING_S);
}

static enum status judge_all(struct inspector *in, bool *any_infected, bool *any_gone)
{
	enum status st = ST_OK;

	*any_infected = *any_gone = false;
	for (size_t i = 0; st == ST_OK && i < in->parts; i++)
		st = judge_part(in, i);
	if (st == ST_OK)
		st = judge_raw(in);	/* adds to in->parts */
	for (size_t i = 0; st == ST_OK && i < in->parts; i++) {
		struct item *t = &in->item[i];
		t->act = action_for(in, &t->f);
		in->gone[i] = t->act == ACT_DELETE;
		*any_gone |= in->gone[i];
		*any_infected |= t->f.verdict == VERDICT_INFECTED;
	}
	return st;
}

static void sum_up(struct inspector *in, struct outcome *o, bool any_infected)
{
	if (json_is(rec_get(in->rec, "verdicts.virus"), "FAIL") && !any_infected
	    && in->whole.verdict != VERDICT_INFECTED)	/* SES has found what we do not see */
		finding_of_name(SES_VERDICT, &in->whole);
	in->whole_act = action_for(in, &in->whole);
	weigh(o, &in->message, in->message_act == ACT_DELETE ? ACT_HOLD : in->message_act, "");
	for (size_t i = 0; i < in->parts; i++)
		weigh(o, &in->item[i].f, in->item[i].act, in->part[i].id);
	if (in->whole.verdict == VERDICT_UNSCANNED && in->whole_act == ACT_DELETE)
		in->whole_act = ACT_HOLD;	/* there is no part to delete */
	weigh(o, &in->whole, in->whole_act, "");
}

enum status inspect_record(struct inspector *in, const struct rec *rec, struct buf *extra,
	bool *passing_out)
{
	struct outcome o = {0};
	bool infected, gone;

	*passing_out = false;
	enum status st = read_record(in, rec);
	if (st != ST_OK)
		return st;
	read_defects(in);
	st = judge_all(in, &infected, &gone);
	for (size_t i = 0; st == ST_OK && i < in->parts; i++)
		if (in->gone[i])
			st = wipe(in, &in->item[i]);
	o.rewritten = gone;
	if (st == ST_OK && gone)
		st = rewrite(in);
	if (st != ST_OK)
		return st;
	sum_up(in, &o, infected);
	outcome_json(in, &o, extra);
	if (in->whole.verdict == VERDICT_INFECTED)
		rec_quarantine(extra, PROG, "infected_message", in->whole.name);
	else if (o.hold) {
		hold(extra, o.why, o.where);
		*passing_out = !finding_lasts(o.why);
	}
	return ST_OK;
}

void inspect_unscanned(const struct rec *rec, const struct scanner *s, bool allow,
	const char *reason, const char *detail, struct buf *extra)
{
	struct finding f;

	unscanned(&f, reason, detail);
	scan_head(extra, s, "unscanned");
	json_cstr(extra, "reason", f.reason);
	enum action act = policy_for(rec, f.reason, allow);
	if (allow)
		json_cstr(extra, "allowed", "--allow-unscanned");
	else if (act == ACT_FLAG)
		json_cstr(extra, "policy", "flag");
	json_close(extra, '}');
	if (act != ACT_FLAG)
		hold(extra, &f, "");
}

/* ---- open, close ---- */

enum status inspector_open(const struct inspect_opts *o, struct inspector **out)
{
	struct inspector *in = calloc(1, sizeof *in);

	*out = NULL;
	if (!in)
		return st_fail(ST_NOMEM, "no memory");
	in->o = *o;
	enum status st = ledger_open(o->home, scanner_conf(o->scanner), &in->ledger);
	if (st == ST_OK)
		st = staging_open(o->home, o->lease, &in->staging);
	if (st != ST_OK)
		inspector_close(&in);
	*out = in;
	return st;
}

enum status inspector_close(struct inspector **inp)
{
	struct inspector *in = *inp;

	if (!in)
		return ST_OK;
	enum status st = ledger_close(&in->ledger);
	staging_close(&in->staging);
	parts_free(&in->part, in->parts);
	free(in->item);
	free(in->gone);
	free(in->range);
	buf_free(&in->raw);
	buf_free(&in->rewritten);
	buf_free(&in->bytes);
	buf_free(&in->path);
	free(in);
	*inp = NULL;
	return st;
}
