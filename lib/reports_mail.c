/* reports_mail.c - see reports.h: which parts of a mail are reports. */
#include <string.h>
#include <strings.h>

#include "aggregate.h"
#include "part.h"
#include "reports.h"
#include "tlsrpt.h"

const char *report_type(enum report_kind k)
{
	return k == REPORT_DMARC ? "dmarc-report" : "tls-report";
}

bool report_is(struct span event, enum report_kind k)
{
	return json_is(json_get(event, "type"), report_type(k));
}

enum status report_read(enum report_kind k, const void *p, size_t n, struct buf *entity)
{
	return k == REPORT_DMARC ? aggregate_read(p, n, NULL, entity) : tlsrpt_read(p, n, NULL, entity);
}

/* ---- which parts ---- */

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcasecmp(name + n - m, end) == 0;
}

static bool is_in(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

static const char *const packed_types[] = { "application/gzip", "application/x-gzip", "application/x-gunzip", "application/zip",
	"application/x-zip-compressed", "application/x-zip", NULL };
static const char *const xml_types[] = { "text/xml", "application/xml", "application/dmarc+xml", NULL };
static const char *const tls_types[] = { "application/tlsrpt+json", "application/tlsrpt+gzip", "application/tlsrpt", NULL };
static const char *const feedback_types[] = { "message/feedback-report", NULL };

static bool could_be(enum report_kind k, const struct part *p)
{
	const char *name = p->filename ? p->filename : "";

	if (k == REPORT_TLS && (is_in(p->content_type, tls_types) || strcmp(p->content_type, "application/json") == 0
			|| ends_with(name, ".json")))
		return true;
	if (k == REPORT_DMARC && (is_in(p->content_type, xml_types) || ends_with(name, ".xml")))
		return true;
	return is_in(p->content_type, packed_types) || ends_with(name, ".gz") || ends_with(name, ".zip");
}

/* RFC 9990 and RFC 8460 5.1: receiver!domain!begin!end[!id].xml.gz, or a media type of its own. The name tells which of the
 * two it is, as far as it says. */
static bool declared(enum report_kind k, const struct part *p)
{
	const char *name = p->filename ? p->filename : "";
	bool json = ends_with(name, ".json") || ends_with(name, ".json.gz");
	int marks = 0;

	if (k == REPORT_TLS && is_in(p->content_type, tls_types))
		return true;
	for (const char *c = name; *c; c++)
		marks += *c == '!';
	return marks >= 3 && json == (k == REPORT_TLS);
}

/* Shown or attached, with bytes of its own. */
static bool is_attached(const struct part *p)
{
	return (p->kind == PART_LEAF || p->kind == PART_UU || p->kind == PART_MESSAGE) && !p->scan_only;
}

static bool is_feedback(enum report_kind k, const struct part *p)
{
	return k == REPORT_DMARC && is_in(p->content_type, feedback_types);
}

static bool is_candidate(enum report_kind k, const struct part *p)
{
	return p->kind != PART_MESSAGE && could_be(k, p);
}

bool reports_possible(enum report_kind k, struct span parts)
{
	struct part *part = NULL;
	size_t n = 0;
	bool possible = parts_of_json(parts, &part, &n) != ST_OK;	/* reports_of_mail() will say what is wrong */

	for (size_t i = 0; !possible && i < n; i++)
		possible = is_attached(&part[i]) && (is_feedback(k, &part[i]) || is_candidate(k, &part[i]));
	parts_free(&part, n);
	return possible;
}

/* ---- reading them ---- */

struct search { enum report_kind kind; struct part_source source; report_found_fn fn; void *arg; struct buf bytes, entity; };

static enum status read_part(struct search *s, const struct part *p)
{
	enum status st;

	buf_clear(&s->bytes);
	buf_clear(&s->entity);
	if (p->end - p->begin > 2u * UNPACK_MAX_PACKED_BYTES)
		return st_fail(ST_LIMIT, "the attachment is larger than a report may be");
	st = part_bytes(&s->source, p, &s->bytes, NULL);
	if (st == ST_OK && s->bytes.len == 0)
		st = st_fail(ST_BAD, "the attachment is empty");
	return st == ST_OK ? report_read(s->kind, s->bytes.p, s->bytes.len, &s->entity) : st;
}

static enum status look(struct search *s, const struct part *part, size_t parts)
{
	enum status st = ST_OK;
	int tried = 0, found = 0;

	for (size_t i = 0; st == ST_OK && i < parts; i++) {
		const struct part *p = &part[i];
		struct report_found f = { .part = p->id, .declared = declared(s->kind, p) };

		if (!is_attached(p))
			continue;
		if (is_feedback(s->kind, p)) {
			f.failure = true;
			f.st = st_fail(ST_BAD, "a failure report (RFC 9991) or complaint (RFC 5965): weir-event dmarc reads aggregate reports");
			st = s->fn(s->arg, &f);
			continue;
		}
		if (!is_candidate(s->kind, p))
			continue;
		if (found == REPORTS_PER_MAIL || tried++ == REPORT_TRIED_PARTS) {
			f.declared = true;
			f.st = st_fail(ST_LIMIT, "more than %d reports, or %d attachments, in one mail: what follows is not read",
				REPORTS_PER_MAIL, REPORT_TRIED_PARTS);
			return s->fn(s->arg, &f);
		}
		f.st = read_part(s, p);
		if (f.st == ST_NOMEM)
			return f.st;
		found += f.st == ST_OK;
		f.entity = (struct span){ s->entity.p, s->entity.len };
		st = s->fn(s->arg, &f);
	}
	return st;
}

enum status reports_of_mail(enum report_kind k, const char *raw, size_t len, struct span parts, report_found_fn fn, void *arg)
{
	struct search s = { .kind = k, .fn = fn, .arg = arg };
	struct part *part = NULL;
	size_t n = 0;
	enum status st = parts_of_json(parts, &part, &n);

	if (st == ST_OK) {
		s.source = (struct part_source){ .raw = raw, .len = len, .part = part, .parts = n };
		st = look(&s, part, n);
		part_source_done(&s.source);
	}
	parts_free(&part, n);
	buf_free(&s.bytes);
	buf_free(&s.entity);
	return st;
}
