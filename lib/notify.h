/*
 * notify.h - what Amazon says about a received message, in every form in which
 * a queue consumer may leave it on disk.
 *
 * Forms: the SES notification itself; in an SNS envelope; in an SQS message (or an
 * answer of receive-message with several); in the Lambda event of SES, SNS or
 * SQS; and S3's event, which knows only the object. One file may
 * hold several. A file may begin with a UTF-8 byte order mark.
 *
 * Traps: mail.destination is what To: says, not who gets it: only receipt.recipients
 * counts. A verdict that is not there is SES_ABSENT, never PASS. Keys and ids
 * come from outside: they are compared with names, never opened.
 */
#ifndef WEIR_NOTIFY_H
#define WEIR_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "seshead.h"
#include "status.h"

#define NOTIFY_MAX_BYTES	(4u << 20)	/* SES puts messages up to 150 KB into one */
#define NOTIFY_MAX_NOTES	1000		/* in one file */
#define NOTIFY_MAX_RECIPIENTS	1000
#define NOTIFY_MAX_WRAPS	4		/* SQS around SNS around ... */
#define SES_SETUP_NAME		"AMAZON_SES_SETUP_NOTIFICATION"

enum note_kind {
	NOTE_RECEIPT,	/* SES: who it is for, and verdicts */
	NOTE_OBJECT,	/* S3: an object is there, of that size */
	NOTE_SKIP,	/* nothing to do with a message received: `what` says what it is */
	NOTE_BAD	/* one of several in a file that cannot be read; only json is set */
};

struct note {
	enum note_kind kind;
	const char *what;		/* "receipt", "object", "setup", "test", "subscription", "feedback", "removed", "bad" */
	char *message_id;		/* NULL: not said. SES's id, not the Message-ID */
	char *object_key;		/* NULL: not said; decoded */
	int64_t size;			/* of the object, -1: not said */
	char *from;			/* envelope sender; "" for the null sender */
	char **to;
	size_t recipients;
	char *timestamp;		/* as written, RFC 3339 with milliseconds */
	struct ses_verdicts verdicts;
	bool option;			/* weir-spool put wrote it: somebody's word, not SES's */
	bool has_content;		/* SNS action: the whole message is in it */
	char *content;
	size_t content_len;
	char *json;			/* this note alone, if the file holds several; else NULL */
};

struct notes { struct note *note; size_t n; };

/* Reads one file. ST_BAD: no JSON, or none of the forms (st_text() says which it is not);
 * ST_LIMIT; ST_NOMEM. On failure out is empty. */
enum status notify_parse(const char *p, size_t len, struct notes *out);
void notes_free(struct notes *n);
void note_free(struct note *n);		/* one that was taken out of a list */

#endif
