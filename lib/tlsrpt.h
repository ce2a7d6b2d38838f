/*
 * tlsrpt.h - an SMTP TLS report (RFC 8460) as an entity.
 *
 * The same rules as in aggregate.h: what does not read as what it should be is left out, named and counted, words that
 * the RFC does not have become "unknown" with what was said beside them. No tree is made: the JSON is checked in place
 * (json.h: depth, valid UTF-8, no name twice) and read from there, so memory is the document's and the entity's.
 */
#ifndef WEIR_TLSRPT_H
#define WEIR_TLSRPT_H

#include "aggregate.h"	/* report_key() */

#define TLSRPT_MAX_BYTES	(8u << 20)	/* of the document */
#define TLSRPT_MAX_POLICIES	100
#define TLSRPT_MAX_FAILURES	10000		/* of all policies; what comes after is counted in "rest" */
#define TLSRPT_MAX_ENTITY_BYTES	(2u << 20)	/* likewise: no failure is added beyond it */
#define TLSRPT_MAX_LINES	50		/* of policy-string and mx-host, each */
#define TLSRPT_MAX_TEXT		1000		/* bytes of one text; the rest is cut off */
#define TLSRPT_MAX_COUNT	1000000000	/* sessions of one policy, of one failure */
#define TLSRPT_MAX_NAMED	10		/* left out with the reason told */

/* Reads p[0..n) - JSON, gzip or ZIP - and appends the entity "type":"tls-report" of weir-record(5) to out.
 * A report is about one domain: policies of another one than the first that names any are left out. limits: of unpack(), NULL for its own
 * (but TLSRPT_MAX_BYTES). ST_BAD: unusable, st_text() says why: no JSON, no name, id, dates or domain, or no usable policy. ST_LIMIT, ST_NOMEM.
 * out is as it was then. */
enum status tlsrpt_read(const void *p, size_t n, const struct unpack_limits *limits, struct buf *out);

#endif
