/*
 * reportsum.h - reports added up: by source, author's domain, reporter, day, signature, result, receiving host.
 */
#ifndef WEIR_REPORTSUM_H
#define WEIR_REPORTSUM_H

#include "cell.h"
#include "reports.h"

#define REPORTSUM_MAX_GROUPS	200000	/* further ones are added up as one, "(others)" */

enum sum_by { SUM_SOURCE, SUM_FROM, SUM_ORG, SUM_DAY, SUM_SIGNATURE /* DMARC */, SUM_RESULT, SUM_MX /* TLS */, SUM_KINDS };
/* The word after --by. false: none for this kind of report. */
bool sum_by_word(enum report_kind k, const char *word, enum sum_by *out);

struct reportsum;
enum status reportsum_new(enum report_kind k, enum sum_by by, struct reportsum **out);
void reportsum_free(struct reportsum **s);
/* One entity of that kind (others are passed over). ST_NOMEM. */
enum status reportsum_add(struct reportsum *s, struct span entity);
/* Prints the groups on stdout, the largest first: a table, tab-separated fields, or with json entities "type":"dmarc-sum" and "tls-sum". */
void reportsum_print(struct reportsum *s, bool pretty, bool json);

#endif
