/* aggregate_in.h - between aggregate.c, which reads the XML, aggregate_rows.c, which adds up the records, and aggregate_entity.c. */
#ifndef WEIR_AGGREGATE_IN_H
#define WEIR_AGGREGATE_IN_H

#include "aggregate.h"
#include "json.h"

/* Texts of the report, then of a record, then of what a record has several of. */
enum field { F_NONE,
	F_VERSION, F_ORG, F_EMAIL, F_CONTACT, F_ID, F_GENERATOR, F_BEGIN, F_END,
	F_DOMAIN, F_P, F_SP, F_NP, F_ADKIM, F_ASPF, F_PCT, F_FO, F_TESTING, F_METHOD,
	F_RECORD,	/* from here on: emptied at each record */
	F_SOURCE = F_RECORD, F_COUNT, F_DISPOSITION, F_DKIM, F_SPF, F_HEADER_FROM, F_ENVELOPE_FROM, F_ENVELOPE_TO,
	F_PIECE,	/* from here on: emptied at each reason, dkim, spf */
	F_TYPE = F_PIECE, F_COMMENT, F_AUTH_DOMAIN, F_SELECTOR, F_SCOPE, F_RESULT, F_HUMAN,
	F_ERROR,	/* may be there several times: goes to errors at once */
	FIELDS };

/* set: the element was there; over: with more bytes than are kept; twice: again, with another text. */
struct text { char s[AGGREGATE_MAX_TEXT + 1]; size_t len; bool set, over, twice; };

/* What was mended or left out, by word. */
enum defect_bit { D_CHARSET, D_CASE, D_CUT, D_ORG, D_TRAILING, D_UNKNOWN_WORD, D_NO_RESULT, D_TOO_MANY, D_FOREIGN, DEFECTS };

struct signature { char *domain; bool pass; struct buf json; };

struct row { size_t at, head, len; uint64_t count; uint64_t hash; };	/* its JSON: rows_text[at..at+len), count goes in at head */

struct aggregate {
	struct text text[FIELDS];
	bool own_namespace, feedback, ended;
	unsigned defects;	/* 1 << D_... */
	uint64_t ignored;	/* elements */
	struct buf errors;
	size_t errors_n;
	/* the record at hand */
	struct buf reasons, spf;
	size_t reasons_n, spf_n, signatures;
	struct signature signature[AGGREGATE_MAX_SIGNATURES];
	/* all of them */
	uint64_t records, bad, messages, passed, disposition[5];
	uint64_t rest_rows, rest_messages, rest_passed;
	struct buf bad_named;
	const char *bad_first;	/* why the first of them is none */
	size_t bad_n;
	struct buf rows_text, one;
	struct row *row;
	size_t rows, row_cap;
	uint32_t *slot;		/* hash table of row numbers + 1; AGGREGATE_SLOTS of them */
};
#define AGGREGATE_SLOTS 32768	/* a power of two, over 3 times AGGREGATE_MAX_ROWS */

/* The end of a reason, dkim, spf (of auth_results), record, feedback. Only ST_NOMEM and ST_LIMIT can come back. */
enum status aggregate_reason(struct aggregate *a);
enum status aggregate_dkim(struct aggregate *a);
enum status aggregate_spf(struct aggregate *a);
enum status aggregate_record(struct aggregate *a);
/* The whole. ST_BAD too. */
enum status aggregate_entity(struct aggregate *a, struct buf *out);

/* ---- values: aggregate_value.c ---- */
bool aggregate_missing(const struct aggregate *a, enum field f);	/* or empty */
/* A whole number of at most max; -1 if it is none. */
int64_t aggregate_number(const struct aggregate *a, enum field f, int64_t max);
/* Where the text stands in the list (ends with NULL), in any case of letters; -1: nowhere. */
int aggregate_word(struct aggregate *a, enum field f, const char *const *words);
/* Text for people, as it is; nothing if there is none. */
void aggregate_put_text(struct aggregate *a, struct buf *b, const char *key, enum field f);
/* The word, if it is one that the RFCs have; else "unknown", with what was said. Nothing if nothing was. Returns aggregate_word(). */
int aggregate_put_word(struct aggregate *a, struct buf *b, const char *key, enum field f, const char *const *words);

void aggregate_forget(struct aggregate *a, enum field from, enum field to);	/* empties texts [from, to) */
void aggregate_done(struct aggregate *a);

#endif
