/*
 * spool_record.h - what a spool says about a message: notifications, or the
 * header that SES wrote, made into the first record of the pipeline.
 */
#ifndef WEIR_SPOOL_RECORD_H
#define WEIR_SPOOL_RECORD_H

#include "digest.h"
#include "notify.h"
#include "spool_in.h"

/* Of all notifications of a message: all recipients, the worse verdicts. Strings are
 * borrowed from the notes. */
struct facts {
	const char **to;
	size_t n, cap;
	const char *from, *timestamp;
	struct ses_verdicts verdicts;
	bool receipt;		/* the envelope is known: not only an S3 event came */
	bool option;		/* by weir-spool put, not by SES */
	int64_t size;		/* of the object, -1: nobody said */
};
void facts_init(struct facts *f);
enum status facts_add(struct facts *f, const struct note *n);	/* ST_NOMEM */
bool facts_has(const struct facts *f, const char *rcpt);
void facts_done(struct facts *f);

struct item {
	const char *name;		/* state name */
	const char *path;		/* in the spool, for its base name and flags */
	const char *lease;		/* NULL: not claimed */
	const char *file;		/* absolute path of the bytes, NULL: none of its own */
	const char *text;		/* the bytes */
	size_t len;
	time_t mtime;
	int beside;			/* files that came with it: notifications, why.json */
};
/* The record into b (cleared). Header fields are believed only as spool.h and seshead.h say. */
enum status spool_record(const struct spool *s, const struct item *it, const struct facts *f,
	const char *recipient_header, struct digest *d, struct buf *b);

#endif
