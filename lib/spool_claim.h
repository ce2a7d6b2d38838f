/*
 * spool_claim.h - what spool_claim.c and spool_note.c share; nobody else includes it.
 */
#ifndef WEIR_SPOOL_CLAIM_H
#define WEIR_SPOOL_CLAIM_H

#include "lease.h"
#include "spool_record.h"

#define WINDOW 1000	/* notifications read before their messages are claimed */

struct loaded { struct note note; size_t entry; int64_t next; };

struct claim {
	struct spool *s;
	struct spool_claim *c;
	struct walk w;
	size_t sorted;			/* w.raw beyond it were added later */
	uint32_t *by_base;		/* of w.raw, by base name; NULL: not made yet */
	struct loaded *note;
	size_t notes, note_cap;
	size_t *hit, hits, hit_cap;	/* messages with notifications of this window */
	char lease[LEASE_NAME_BYTES];
	int lease_fd, dir_fd;
	int64_t dir;			/* the folder that dir_fd is */
	struct buf alive, text, line, file;
	struct digest digest;
	time_t now;
};

/* The limit is reached. */
bool claim_enough(const struct claim *k);
/* The folder of a file that was found; -1: gone. Stays open, and is not the caller's. */
int claim_dir(struct claim *k, const struct found *e);
/* A file that is not for us goes to quarantine/ with the reason. */
enum status claim_quarantine(struct claim *k, int from, const char *file, const char *name,
	const char *reason, const char *detail);
/* w.raw[i]: claims and emits it with the notifications that hang on it. */
enum status claim_entry(struct claim *k, size_t i);
/* A whole message from hold/ or done/, likewise. */
enum status claim_state(struct claim *k, enum state from, const char *name);

enum status note_read(struct claim *k, int dir, const char *file, struct notes *out);
/* All that the notifications beside a message in a state folder say; keep holds them until
 * note_facts_done. */
#define KEEP 32
struct kept { struct notes notes[KEEP]; size_t n; struct facts facts; };
enum status note_facts(struct claim *k, int dir, const char *name, struct kept *out);
void note_facts_done(struct kept *kept);
/* All notifications: each to its message, which is claimed. */
enum status note_claim(struct claim *k);
void note_end_window(struct claim *k);

#endif
