/*
 * spool.h - the queue: folders of mail, and what becomes of each message.
 *
 * A spool is a folder tree as `aws s3 sync` and a queue consumer leave it, a folder of
 * raw files, a maildir, or an mbox. Its state is in SPOOL/.weir (of an mbox: FILE.weir is
 * the spool):
 *
 *	.weir/claimed/LEASE/NAME	someone is at it (lease.h)
 *	.weir/hold/NAME			not now; NAME.why.json says why and until when
 *	.weir/quarantine/NAME		never; NAME.why.json says why
 *	.weir/done/NAME			stored
 *
 * NAME is the path in the spool, every byte outside [A-Za-z0-9._=,:+@-] written
 * %XX. Notifications stand beside their message as NAME.json, NAME!2.json, ... A second
 * message of the same name is NAME~2. Every step is a rename(2): a message is in
 * one place at any time, and a process that dies loses none.
 *
 * Traps: nothing is deleted but by ack with delete. Whoever claims must ack: at
 * the end of ack, and when the lease dies, what was not acked is back in the spool.
 */
#ifndef WEIR_SPOOL_H
#define WEIR_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "record.h"

#define SPOOL_NAME_BYTES 256		/* a state name and its NUL */
#define SPOOL_NAME_MAX	200		/* longer ones are cut and end in a digest */
#define SPOOL_RETRY_S	900		/* first wait of a held message that does not say */
#define SPOOL_RETRY_MAX_S (6 * 3600)
#define SPOOL_DEPTH	16		/* folders within folders */

struct spool;
enum spool_kind { SPOOL_AUTO, SPOOL_SES, SPOOL_MAILDIR, SPOOL_MBOX, SPOOL_RAW };

/* "ses", "maildir", "mbox", "raw"; false for another word. */
bool spool_kind_of(const char *word, enum spool_kind *out);

/* SPOOL_AUTO: mbox if it is a file, maildir if it has new/ and cur/, else each file
 * tells for itself whether it came from SES. ST_NOTFOUND, ST_DENIED,
 * ST_BAD (a file that is no mbox, a path that is not UTF-8). */
enum status spool_open(const char *path, enum spool_kind kind, struct spool **out);
void spool_close(struct spool **s);
/* The folder beneath which all of it happens (of an mbox: the one it is in), appended to b. */
void spool_folder(const struct spool *s, struct buf *b);
/* Lines for people about single files; without it they are lost. */
void spool_tell(struct spool *s, void (*say)(void *arg, const char *line), void *arg);

/* ---- names ---- */
/* The state name of a path in the spool. ST_NOMEM. */
enum status spool_name(const char *path, char out[SPOOL_NAME_BYTES]);
/* The path a state name stands for, in out (at least 4096 bytes). False if it is no name of ours. */
bool spool_path(const char *name, char *out, size_t size);

/* ---- claim, list ---- */
struct spool_wake { const char *reason, *file; };
struct spool_claim {
	bool list;			/* only look: nothing is moved, records have no lease */
	const char *recipient_header;	/* in mail that is not from SES, the recipient is in here */
	uint64_t limit;			/* 0: all there is */
	const struct spool_wake *wake;	/* held for that reason, and that file is newer: due */
	size_t wakes;
	enum status (*emit)(void *arg, const char *line, size_t len);	/* one record */
	void *arg;
	/* out */
	uint64_t claimed, not_yet, bad, denied, taken_over;
};
/* Takes over dead leases, brings back what is due, and claims what is there, calling emit()
 * for each message as it is claimed. ST_OK also if some files were bad: c->bad counts them, c->denied those that we may not take. Fails with what emit()
 * said, or ST_IO, ST_NOMEM; what was claimed then stays so until the lease dies. */
enum status spool_claim(struct spool *s, struct spool_claim *c);

/* ---- ack ---- */
struct spool_ack;
struct spool_counts { uint64_t done, held, quarantined, released, lost; };
/* remove: what is stored is deleted instead of moved to done/. */
enum status spool_ack_open(struct spool *s, bool remove, struct spool_ack **out);
/* One record from the end of the pipeline. ST_BAD if it was not claimed from this spool. */
enum status spool_ack_record(struct spool_ack *a, const struct rec *rec);
/* Puts back what the leases seen still hold, syncs, frees. */
enum status spool_ack_close(struct spool_ack **a, struct spool_counts *out);

/* ---- by hand ---- names are state names, or paths in the spool */
/* From the spool to hold/. ST_NOTFOUND if there is no such message. */
enum status spool_hold(struct spool *s, const char *name, const char *reason,
	const char *detail, long retry_s);
/* Held messages (those named, or all; of that reason, or any) back into the spool. */
enum status spool_release(struct spool *s, char *const names[], size_t n, const char *reason,
	uint64_t *count_out);
/* From done/ and quarantine/ (those named, or all) back into the spool. */
enum status spool_requeue(struct spool *s, char *const names[], size_t n, uint64_t *count_out);

/* ---- put ---- */
struct spool_put { const char *name; const char *from; char *const *to; size_t recipients; };
/* One message into the spool; durable when it returns. Name NULL: made from its digest, so putting it twice
 * is putting it once. With recipients a notification is put beside it. ST_EXISTS: another
 * message has that name; ST_BAD: no name for a file here, no message; ST_LIMIT. */
enum status spool_put(struct spool *s, const void *p, size_t n, const struct spool_put *how);
/* An mbox from fd, each message under the name of its digest. *bad_out: messages over the limit, left out. */
enum status spool_put_mbox(struct spool *s, int fd, uint64_t *count_out, uint64_t *bad_out);

/* ---- status ---- appends the members of one JSON object (no braces) */
enum status spool_status(struct spool *s, struct buf *out);

#endif
