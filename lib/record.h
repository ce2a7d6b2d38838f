/*
 * record.h - what travels on the pipe: one JSON object a line, weir-record(5).
 *
 * Traps: a struct rec points into the line it was parsed from (the reader's
 * buffer: valid until the next rec_next). A filter never rebuilds a record, it
 * appends its own keys before the last '}', so every foreign byte survives.
 * Reading never blocks with unflushed output: when no whole line is waiting,
 * the output is flushed first, so a lone message does not wait for a batch.
 */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include "json.h"

#define RECORD_VERSION		1
#define RECORD_MAX_BYTES	(4u << 20)	/* one line, without its newline */
#define RECORD_MAX_KEYS		64		/* top-level members */

struct rec {
	const char *line;	/* the whole object, no newline */
	size_t len;
	size_t number;		/* the line it was, counted from 1; 0: not known */
	size_t keys;
	struct json_pair key[RECORD_MAX_KEYS];	/* .key, .value */
};

/* Checks one line: valid JSON object (json_valid), first member "weir" is
 * RECORD_VERSION, no repeated top-level key, none written with escapes, within the
 * limits. ST_BAD, ST_LIMIT.
 * A newer version is ST_BAD and says so. */
enum status rec_parse(struct rec *rec, const char *line, size_t len);

/* A value by path: the first word a top-level key, the rest as json_get. */
struct span rec_get(const struct rec *rec, const char *path);

/* The record's id for messages on stderr: the spool name if there is one, else the id's first
 * 12 digits, else "line N". Lives until the next call. */
const char *rec_label(const struct rec *rec);

/* Whether a stage has stopped it ("hold" or "quarantine" is there): every
 * filter passes such a record on untouched. */
bool rec_stopped(const struct rec *rec);

/* ---- the loop ---- */
struct rec_io;		/* stdin and stdout of a filter */

/* in_fd and out_fd stay the caller's. out_fd -1: no output. ST_NOMEM. */
enum status rec_io_open(int in_fd, int out_fd, struct rec_io **io_out);
/* Flushes. ST_IO if any write failed, now or earlier. */
enum status rec_io_close(struct rec_io **io);

/* The next record. ST_OK; ST_END at end of input; ST_BAD or ST_LIMIT for a
 * line that is no record (it is skipped; st_text() names the line number:
 * say it, remember 65, go on); ST_IO. An unterminated last line is a record. */
enum status rec_next(struct rec_io *io, struct rec *rec);

/* Whether rec_next would answer at once from what has been read already or
 * waits in the pipe: programs that batch commit their batch when it would not. */
bool rec_ready(struct rec_io *io);

/* Writes the record with `extra` (JSON members without the outer braces, "" for none:
 * `"auth":{...},"x":1`) spliced in before its last '}', and a newline. Returns false and sets
 * st_text() if the result would repeat a top-level key (ST_BUG) or pass
 * RECORD_MAX_BYTES (ST_LIMIT) - nothing is written then - or writing failed (ST_IO). */
enum status rec_emit(struct rec_io *io, const struct rec *rec,
	const char *extra, size_t extra_len);
/* The same with one value of the record, `old` (a span that rec_get or json_get found in it),
 * written as the JSON text `text` instead. old.p NULL: nothing is replaced. For weir-route, which must not show a
 * tenant the other tenants' recipients; every other filter appends only. */
enum status rec_emit_replaced(struct rec_io *io, const struct rec *rec, struct span old,
	const char *text, size_t len, const char *extra, size_t extra_len);
/* Writes a line that is a complete record already (no newline in it). */
enum status rec_emit_line(struct rec_io *io, const char *line, size_t len);
enum status rec_flush(struct rec_io *io);
/* Whether writing has failed for good (it was reported when it did). */
bool rec_failed(const struct rec_io *io);

/* A filter that looks at one record at a time. each() may add members to extra
 * (empty at the call). ST_OK: the record goes out with them. Any failure: the record goes
 * out with a hold (ST_AGAIN, NOMEM, IO, SERVICE, CONFIG, DENIED) or a quarantine (others) that names
 * `prog` and st_text(); one line on stderr; remembered for the exit status, as is a quarantine that each() added itself (65).
 * Stopped records are passed on without a call. Returns the exit status. */
int rec_filter(const char *prog,
	enum status (*each)(void *arg, const struct rec *rec, struct buf *extra),
	void *arg);

/* What rec_filter does after each() said st, for loops of one's own: writes the record with
 * extra, or with the hold or quarantine that fits the failure. Says it. Returns the exit
 * status: also 65 if st is ST_OK and extra holds a quarantine. */
int rec_finish(struct rec_io *io, const char *prog, const struct rec *rec, enum status st,
	struct buf *extra);
/* extra becomes the hold or quarantine that fits st; detail is st_text(). Reasons: again, memory, io,
 * denied, service, config; not_found, exists, unusable, limit, bug. */
void rec_failure(struct buf *extra, const char *by, enum status st);

/* Appends "hold":{by,reason,detail[,retry_s]} or "quarantine":{by,reason,detail} to extra.
 * reason is one word of weir-record(5), detail a line for people. retry_s 0: left out. REC_NEXT_RUN: the
 * machine failed (a full disk, no memory), not the message, so the next run tries it again at once. */
#define REC_NEXT_RUN (-1)
void rec_hold(struct buf *extra, const char *by, const char *reason,
	const char *detail, long retry_s);
void rec_quarantine(struct buf *extra, const char *by, const char *reason,
	const char *detail);

#endif
