/*
 * pack.h - append-only files of checksummed entries: a tenant's journal and its small blobs.
 *
 * BLOBS/pack/00000001.pack, 00000002.pack ...: a mark of 16 bytes ("weirpk1\n" and the file's tag, 8 random bytes), then
 * entries. An entry is a header of 56 bytes and its payload:
 *
 *     0  the file's tag     12  payload length, 32 bits, big endian     20  zero
 *     8  kind, three zeros  16  CRC-32C of the header with zeros here   24  SHA-256 of the payload
 *
 * After damage reading goes on at the next header. The tag is why a mail that carries a forged entry in its text cannot be
 * taken for one then: its sender does not know it.
 * Entries of a batch end with a PACK_COMMIT entry. Whoever reads the journal without an index takes nothing after the last of
 * them; whoever has an index knows the end (a struct pack_loc) from there and cuts off what lies behind it.
 * Traps: one writer at a time (the caller holds a lock); nothing is durable before pack_flush(w, true).
 */
#ifndef WEIR_PACK_H
#define WEIR_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "digest.h"
#include "status.h"

#define PACK_FILE_MAX_BYTES	(256u << 20)	/* a file this long gets a successor */
#define PACK_ENTRY_MAX_BYTES	(16u << 20)	/* a longer payload is no entry of ours */
#define PACK_HEADER_BYTES	56
#define PACK_MARK_BYTES		16
#define PACK_TAG_BYTES		8

enum pack_kind { PACK_BLOB = 'b', PACK_MESSAGE = 'm', PACK_DELIVERY = 'd', PACK_EVENT = 'e',
	PACK_SETTING = 's', PACK_COMMIT = 'c', PACK_DAMAGE = 0 /* only in pack_scan */ };

/* Where an entry begins, or where the next one will. file 0: nowhere. */
struct pack_loc { uint32_t file; uint64_t offset; };

/* ---- writing ---- */
struct pack_writer;
/* dir_fd stays the caller's and is the pack folder. */
enum status pack_writer_new(int dir_fd, struct pack_writer **out);
void pack_writer_free(struct pack_writer **w);
/* The next entry goes to `at`; everything behind it is cut off, later files are removed. ST_BAD: the journal is
 * shorter than that (bytes were lost). {0,0} is the beginning of an empty journal. */
enum status pack_seek(struct pack_writer *w, struct pack_loc at);
/* Appends one entry. digest NULL: made here. loc_out may be NULL. After a failure only pack_seek helps. */
enum status pack_append(struct pack_writer *w, enum pack_kind kind, const uint8_t *digest,
	const void *p, size_t n, struct pack_loc *loc_out);
/* Writes what is buffered; sync: and makes it durable (also the names of new files). */
enum status pack_flush(struct pack_writer *w, bool sync);
struct pack_loc pack_tell(const struct pack_writer *w);

/* ---- reading ---- */
struct pack_reader { int dir_fd, fd; uint32_t file; };	/* keeps the last file open */
void pack_reader_init(struct pack_reader *r, int dir_fd);
void pack_reader_done(struct pack_reader *r);
/* The payload of the entry at loc into b (cleared), header and digest checked. digest_out may be NULL. ST_BAD damaged, ST_NOTFOUND no such file. */
enum status pack_read(struct pack_reader *r, struct pack_loc loc, struct buf *b, uint8_t *digest_out);

struct pack_entry {
	enum pack_kind kind;
	struct pack_loc loc, end;
	const uint8_t *digest;
	const void *p;		/* until the next entry */
	size_t len;
};
/* Whether there is anything behind `at`. */
bool pack_more(int dir_fd, struct pack_loc at);
/* Every entry from `from` ({0,0}: the beginning) to the end, files in order. Bytes that are no valid entry come as one PACK_DAMAGE entry (p NULL, len the
 * bytes skipped), and reading goes on at the next valid header. A result other than ST_OK from fn ends the scan. */
enum status pack_scan(int dir_fd, struct pack_loc from, enum status (*fn)(void *arg, const struct pack_entry *e), void *arg);

#endif
