/*
 * aggregate.h - a DMARC aggregate report (RFC 9990, and the older form of RFC 7489 appendix C) as an entity.
 *
 * A report is what a stranger says about mail in the name of one of our domains. Nothing in it is believed that does not
 * read as what it should be: a row without a source address, a count or an author's domain is left out, named and counted;
 * words that RFC 9990 does not have become "unknown" with what was said beside them; elements we do not know are counted.
 * What is mended is named in "defects". Whether the domain is ours and whom the mail came from is the caller's to judge.
 *
 * One pass (expat, fed in pieces); nothing of the document is kept but what goes out. No DOCTYPE, hence no entities.
 */
#ifndef WEIR_AGGREGATE_H
#define WEIR_AGGREGATE_H

#include "buf.h"
#include "status.h"
#include "unpack.h"

#define AGGREGATE_MAX_DEPTH	24	/* levels of elements; a report has 5 */
#define AGGREGATE_MAX_TOKEN	(64u << 10)	/* bytes of one tag or comment */
#define AGGREGATE_MAX_ODD	500000	/* unknown elements, attributes and namespaces: expat keeps each name it has not met */
#define AGGREGATE_MAX_TEXT	1000	/* bytes of one text; free text is cut there, anything else is no value */
#define AGGREGATE_MAX_RECORDS	500000
#define AGGREGATE_MAX_ROWS	10000	/* rows that differ; what comes after is counted in "rest" */
#define AGGREGATE_MAX_ROWS_BYTES (2u << 20)	/* of them as JSON, likewise */
#define AGGREGATE_MAX_COUNT	1000000000	/* messages of one row */
#define AGGREGATE_MAX_SIGNATURES 100	/* of one row: RFC 9990, "DKIM Signatures in Aggregate Reports" */
#define AGGREGATE_MAX_SPF	10
#define AGGREGATE_MAX_REASONS	10	/* of one row; error elements of the report */
#define AGGREGATE_MAX_NAMED	10	/* rows left out whose reason is told */

/* Reads p[0..n) - XML, gzip or ZIP - and appends the entity "type":"dmarc-report" of weir-record(5) to out: the same bytes
 * for the same report, whatever the order of its rows. limits: of unpack(), NULL for its own.
 * ST_BAD: unusable, st_text() says why: no XML, a DOCTYPE, no name, id, dates or domain, two of one, or no usable row. ST_LIMIT: a limit above.
 * ST_NOMEM. out is as it was then. */
enum status aggregate_read(const void *p, size_t n, const struct unpack_limits *limits, struct buf *out);

/* What a report is known by, hashed: the same for a report that was sent twice. type "dmarc-report" or "tls-report". */
#define REPORT_KEY_HEX 32
enum status report_key(const char *type, const char *org, const char *id, const char *domain, int64_t begin, int64_t end,
	char out[REPORT_KEY_HEX + 1]);

#endif
