/*
 * spool_in.h - what the spool_*.c files share; nobody else includes it.
 */
#ifndef WEIR_SPOOL_IN_H
#define WEIR_SPOOL_IN_H

#include <dirent.h>
#include <sys/stat.h>
#include "file.h"
#include "spool.h"

#define SPOOL_STATE ".weir"

enum state { IN_CLAIMED, IN_HOLD, IN_QUARANTINE, IN_DONE, STATES };
extern const char *const spool_states[STATES];

struct spool {
	char *dir;		/* absolute, links resolved; FILE.weir of an mbox */
	char *mbox;		/* the mbox, NULL if it is none */
	enum spool_kind kind;
	int root;		/* the spool's folder, -1: not there (an mbox never claimed) */
	int state[STATES];	/* -1: not there yet */
	bool touched[STATES];
	void (*say)(void *arg, const char *line);
	void *arg;
};

void spool_say(struct spool *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- folders ---- */
/* lease_join and lease_alive for the spool's own folder. */
enum status spool_join(const struct spool *s);
bool spool_lease_alive(const struct spool *s, const char *lease, time_t last_active, time_t now);
/* Makes .weir and the state folders that are missing. */
enum status spool_make(struct spool *s);
/* A folder beneath dirfd, links and ".." not followed. -1 and errno. */
int spool_open_dir(int dirfd, const char *path);
/* Calls fn for each file name in the folder, dotfiles left out. It may move or remove files. */
enum status spool_each(int dirfd, enum status (*fn)(void *arg, const char *name), void *arg);
enum status spool_sync(struct spool *s);	/* the state folders that were touched */

/* ---- moving ---- names in state folders: message, NAME.json, NAME!2.json, NAME.why.json */
enum part { PART_RAW, PART_NOTE, PART_WHY };
enum part spool_part(const char *name);
bool spool_has(int dirfd, const char *name);
/* The k-th (from 0) notification's name. */
void spool_note_name(const char *name, int k, char out[SPOOL_NAME_BYTES + 16]);
void spool_why_name(const char *name, char out[SPOOL_NAME_BYTES + 16]);
void spool_stem(const char *name, char out[SPOOL_NAME_BYTES]);	/* without ~2 */
/* rename(2) that replaces nothing: false and errno. */
bool spool_rename(int from, const char *name, int to, const char *to_name);
/* A file to be a notification of NAME in `to`. */
bool spool_move_note(int from, const char *file, int to, const char *name);
/* All notifications of from_name. */
void spool_move_notes(int from, const char *from_name, int to, const char *to_name);
/* A whole message into a state folder under a free name: raw bytes first, so that notifications are
 * never there without it. beside false: it has none, nor a why.json. ST_NOTFOUND: it is gone. */
enum status spool_move(struct spool *s, int from, const char *name, enum state to, bool beside);
/* A whole message back to where it lay before it was claimed. */
enum status spool_put_back(struct spool *s, int from, const char *name);
/* A notification whose message is elsewhere, likewise. */
enum status spool_put_back_note(struct spool *s, int from, const char *file);
/* Everything in a claimed folder back, and the folder away. *n_out counts messages. */
enum status spool_empty_lease(struct spool *s, const char *lease, uint64_t *n_out);
/* The name under which `name` (a state name or a path) is in dirfd. */
bool spool_find(int dirfd, const char *name, char out[SPOOL_NAME_BYTES]);

/* ---- why ---- */
struct why { int64_t tries, since, held; char reason[64]; };
/* False if there is none, or it cannot be read: zeroed then. */
bool spool_why_read(int dirfd, const char *name, struct why *out);
/* A message to hold/ or quarantine/, its why.json first. `file` is what it is called in `from`, name its state
 * name. `what` is the value of the record's hold or quarantine, rec the record or empty. In hold/
 * the why.json's mtime is when the message is due. ST_NOTFOUND: it is gone. */
enum status spool_stop(struct spool *s, int from, const char *file, const char *name, enum state to,
	struct span what, struct span rec);

/* ---- what lies in the spool ---- */
struct found {
	size_t path, base;	/* offsets into walk.text */
	uint32_t dir;		/* index of the folder */
	bool note, gone;
	int64_t first_note;	/* the claim's: index of a notification, -1 */
	int64_t content;	/* the claim's: not a file yet, the bytes are in that notification; -1 */
};
struct walk {
	struct buf text;
	struct found *raw, *note;
	size_t raws, notes, raw_cap, note_cap;
	size_t *dir, dirs, dir_cap;	/* offsets of folders' paths, "" the spool itself */
	uint64_t skipped;
	size_t denied;		/* folders that cannot be read */
};
enum status walk_spool(struct spool *s, struct walk *w);
void walk_free(struct walk *w);
static inline const char *walk_path(const struct walk *w, const struct found *e)
{
	return w->text.p + e->path;
}
static inline const char *walk_base(const struct walk *w, const struct found *e)
{
	return w->text.p + e->base;
}
enum status walk_add(struct walk *w, uint32_t dir, const char *name, bool note);

/* The file of that name if it is a message (or notification) by now: a regular file, not empty,
 * nobody writing to it. ST_NOTFOUND: gone, or never a file; ST_AGAIN: not yet. */
enum status spool_open_ready(int dirfd, const char *name, int *fd_out, struct stat *sb_out);

/* Brings an mbox's messages into the spool's folder. */
enum status spool_split_mbox(struct spool *s);
/* Calls fn for each message that is in the mbox still, with the name it will have. */
enum status spool_peek_mbox(struct spool *s, enum status (*fn)(void *arg, const char *name,
	const char *p, size_t n), void *arg);

#endif
