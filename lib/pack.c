/*
 * pack.c - append-only files of checksummed entries. See pack.h for the format.
 *
 * Only framing: what an entry says is the store's business.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "pack.h"

#define WRITE_BUFFER_BYTES (1u << 20)

static const char mark[] = "weirpk1\n";
#define MARK_TEXT_BYTES (PACK_MARK_BYTES - PACK_TAG_BYTES)

struct pack_writer {
	int dir_fd, fd;
	uint8_t tag[PACK_TAG_BYTES];	/* of the open file */
	struct pack_loc end;	/* of what was appended, written or not */
	char *buf;
	size_t fill;
	bool unsynced, new_name;
	struct digest digest;
};

/* ---- the header ---- */

/* CRC-32C (RFC 3720 appendix B.4), bit by bit tables of 16: 44 bytes a time need no more. */
static uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t n)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };

	crc = ~crc;
	while (n--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ nibble[crc & 15];
		crc = (crc >> 4) ^ nibble[crc & 15];
	}
	return ~crc;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24; p[1] = v >> 16; p[2] = v >> 8; p[3] = v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t header_crc(const uint8_t h[PACK_HEADER_BYTES])
{
	static const uint8_t zero[4];

	return crc32c(crc32c(crc32c(0, h, 16), zero, 4), h + 20, PACK_HEADER_BYTES - 20);
}

static void header_make(uint8_t h[PACK_HEADER_BYTES], const uint8_t *tag, enum pack_kind kind,
	uint32_t len, const uint8_t *digest)
{
	memset(h, 0, PACK_HEADER_BYTES);
	memcpy(h, tag, PACK_TAG_BYTES);
	h[8] = kind;
	put32(h + 12, len);
	memcpy(h + 24, digest, DIGEST_BYTES);
	put32(h + 16, header_crc(h));
}

static uint32_t header_len(const uint8_t *h) { return get32(h + 12); }
static const uint8_t *header_digest(const uint8_t *h) { return h + 24; }

/* tag NULL: of whichever file. */
static bool header_valid(const uint8_t h[PACK_HEADER_BYTES], const uint8_t *tag)
{
	return (!tag || !memcmp(h, tag, PACK_TAG_BYTES)) && h[8] && !h[9] && !h[10] && !h[11]
		&& header_len(h) <= PACK_ENTRY_MAX_BYTES && get32(h + 16) == header_crc(h);
}

static void file_name(uint32_t file, char out[24])
{
	snprintf(out, 24, "%08u.pack", file);
}

/* ---- writing ---- */

enum status pack_writer_new(int dir_fd, struct pack_writer **out)
{
	struct pack_writer *w = calloc(1, sizeof *w);

	if (w)
		w->buf = malloc(WRITE_BUFFER_BYTES);
	if (!w || !w->buf) {
		free(w);
		return st_fail(ST_NOMEM, "journal: out of memory");
	}
	w->dir_fd = dir_fd;
	w->fd = -1;
	*out = w;
	return ST_OK;
}

void pack_writer_free(struct pack_writer **w)
{
	if (!*w)
		return;
	if ((*w)->fd >= 0)
		close((*w)->fd);
	digest_free(&(*w)->digest);
	free((*w)->buf);
	free(*w);
	*w = NULL;
}

struct pack_loc pack_tell(const struct pack_writer *w)
{
	return w->end;
}

static enum status write_out(struct pack_writer *w)
{
	enum status st;

	if (!w->fill)
		return ST_OK;
	st = file_write_all(w->fd, w->buf, w->fill);
	/* The disk may begin now: at the commit there is little left to wait for. */
	if (st == ST_OK)
		sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (st == ST_OK)
		w->fill = 0;
	w->unsynced = true;
	return st;
}

static enum status put(struct pack_writer *w, const void *p, size_t n)
{
	enum status st = ST_OK;

	w->end.offset += n;
	if (w->fill + n > WRITE_BUFFER_BYTES)
		st = write_out(w);
	if (st != ST_OK)
		return st;
	if (n > WRITE_BUFFER_BYTES) {
		w->unsynced = true;
		return file_write_all(w->fd, p, n);
	}
	memcpy(w->buf + w->fill, p, n);
	w->fill += n;
	return ST_OK;
}

static enum status file_begin(struct pack_writer *w, uint32_t file)
{
	char name[24];
	enum status st;

	file_name(file, name);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = openat(w->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0)
		return st_fail_errno("journal %s", name);
	w->new_name = true;
	w->end = (struct pack_loc){ file, 0 };
	if (getrandom(w->tag, sizeof w->tag, 0) != (ssize_t)sizeof w->tag)
		return st_fail_errno("journal %s: random tag", name);
	st = put(w, mark, MARK_TEXT_BYTES);
	return st == ST_OK ? put(w, w->tag, sizeof w->tag) : st;
}

static enum status file_continue(struct pack_writer *w, struct pack_loc at)
{
	char name[24];
	struct stat sb;

	file_name(at.file, name);
	w->fd = openat(w->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (w->fd < 0 || fstat(w->fd, &sb) < 0) {
		if (errno == ENOENT)
			return st_fail(ST_BAD, "journal %s is missing", name);
		return st_fail_errno("journal %s", name);
	}
	if ((uint64_t)sb.st_size < at.offset)
		return st_fail(ST_BAD, "journal %s ends at %lld, but the index counts %llu bytes",
			name, (long long)sb.st_size, (unsigned long long)at.offset);
	if (pread(w->fd, w->tag, sizeof w->tag, MARK_TEXT_BYTES) != (ssize_t)sizeof w->tag)
		return st_fail(ST_BAD, "journal %s has no mark", name);
	if ((uint64_t)sb.st_size > at.offset && ftruncate(w->fd, (off_t)at.offset) < 0)
		return st_fail_errno("journal %s: cut off an unfinished batch", name);
	if (lseek(w->fd, (off_t)at.offset, SEEK_SET) < 0)
		return st_fail_errno("journal %s", name);
	w->end = at;
	return ST_OK;
}

/* Files of batches that were never committed. */
static enum status remove_after(struct pack_writer *w, uint32_t file)
{
	char name[24];

	for (;;) {
		file_name(++file, name);
		if (unlinkat(w->dir_fd, name, 0) == 0)
			continue;
		return errno == ENOENT ? ST_OK : st_fail_errno("journal %s", name);
	}
}

enum status pack_seek(struct pack_writer *w, struct pack_loc at)
{
	enum status st;

	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->fill = 0;
	st = remove_after(w, at.file);
	if (st != ST_OK || !at.file) {
		w->end = at;
		return st;
	}
	return file_continue(w, at);
}

enum status pack_append(struct pack_writer *w, enum pack_kind kind, const uint8_t *digest,
	const void *p, size_t n, struct pack_loc *loc_out)
{
	uint8_t header[PACK_HEADER_BYTES], made[DIGEST_BYTES];
	enum status st = ST_OK;

	if (n > PACK_ENTRY_MAX_BYTES)
		return st_fail(ST_LIMIT, "journal: an entry of %zu bytes", n);
	if (!digest) {
		st = digest_begin(&w->digest);
		if (st != ST_OK)
			return st;
		digest_add(&w->digest, p, n);
		st = digest_end(&w->digest, made);
		if (st != ST_OK)
			return st;
		digest = made;
	}
	if (!w->end.file) {
		st = file_begin(w, 1);
	} else if (w->end.offset >= PACK_FILE_MAX_BYTES) {
		st = pack_flush(w, true);
		if (st == ST_OK)
			st = file_begin(w, w->end.file + 1);
	}
	if (st != ST_OK)
		return st;
	if (loc_out)
		*loc_out = w->end;
	header_make(header, w->tag, kind, (uint32_t)n, digest);
	st = put(w, header, sizeof header);
	return st == ST_OK ? put(w, p, n) : st;
}

enum status pack_flush(struct pack_writer *w, bool sync)
{
	enum status st;

	if (w->fd < 0)
		return ST_OK;
	st = write_out(w);
	if (st != ST_OK || !sync)
		return st;
	if (w->unsynced && fdatasync(w->fd) < 0)
		return st_fail_errno("journal: sync");
	if (w->new_name && fsync(w->dir_fd) < 0)
		return st_fail_errno("journal: sync its folder");
	w->unsynced = w->new_name = false;
	return ST_OK;
}

/* ---- reading one entry ---- */

void pack_reader_init(struct pack_reader *r, int dir_fd)
{
	*r = (struct pack_reader){ .dir_fd = dir_fd, .fd = -1 };
}

void pack_reader_done(struct pack_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->file = 0;
}

static enum status reader_open(struct pack_reader *r, uint32_t file)
{
	char name[24];

	if (r->fd >= 0 && r->file == file)
		return ST_OK;
	pack_reader_done(r);
	file_name(file, name);
	r->fd = openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r->fd < 0)
		return st_fail_errno("journal %s", name);
	r->file = file;
	return ST_OK;
}

enum status pack_read(struct pack_reader *r, struct pack_loc loc, struct buf *b, uint8_t *digest_out)
{
	uint8_t header[PACK_HEADER_BYTES], found[DIGEST_BYTES];
	enum status st = reader_open(r, loc.file);
	ssize_t n;

	if (st != ST_OK)
		return st;
	n = pread(r->fd, header, sizeof header, (off_t)loc.offset);
	if (n < 0)
		return st_fail_errno("journal %08u.pack", loc.file);
	if (n < (ssize_t)sizeof header || !header_valid(header, NULL))
		return st_fail(ST_BAD, "journal %08u.pack: no entry at %llu", loc.file,
			(unsigned long long)loc.offset);
	st = file_read_fd(r->fd, (off_t)(loc.offset + sizeof header), header_len(header),
		PACK_ENTRY_MAX_BYTES, b);
	if (st == ST_OK)
		st = digest_of(b->p, b->len, found);
	if (st == ST_OK && memcmp(found, header_digest(header), DIGEST_BYTES))
		st = st_fail(ST_BAD, "journal %08u.pack: the entry at %llu is damaged", loc.file,
			(unsigned long long)loc.offset);
	if (st == ST_OK && digest_out)
		memcpy(digest_out, found, DIGEST_BYTES);
	return st;
}

/* ---- reading all of it ---- */

struct scan {
	int fd;
	uint32_t file;
	uint8_t tag[PACK_TAG_BYTES];
	uint64_t pos, size;		/* next byte to look at; the file's size */
	struct buf window;		/* bytes of the file from `from` */
	uint64_t from;
	enum status (*fn)(void *arg, const struct pack_entry *e);
	void *arg;
};

/* Makes n bytes at pos visible, or fewer at the file's end; returns how many. */
static enum status look(struct scan *s, size_t n, const uint8_t **p_out, size_t *n_out)
{
	uint64_t left = s->size - s->pos;
	enum status st = ST_OK;

	if (n > left)
		n = (size_t)left;
	if (s->pos < s->from || s->pos + n > s->from + s->window.len) {
		size_t want = n > WRITE_BUFFER_BYTES ? n : WRITE_BUFFER_BYTES;

		if (want > left)
			want = (size_t)left;
		st = file_read_fd(s->fd, (off_t)s->pos, (int64_t)want,
			PACK_ENTRY_MAX_BYTES + PACK_HEADER_BYTES, &s->window);
		s->from = s->pos;
	}
	*p_out = (const uint8_t *)s->window.p + (s->pos - s->from);
	*n_out = n;
	return st;
}

static enum status report_damage(struct scan *s, uint64_t begin)
{
	struct pack_entry e = { .kind = PACK_DAMAGE, .loc = { s->file, begin },
		.end = { s->file, s->pos }, .len = s->pos - begin };

	return s->pos > begin ? s->fn(s->arg, &e) : ST_OK;
}

/* Moves pos to the next valid header, or to the end. */
static enum status resync(struct scan *s)
{
	const uint8_t *p, *hit;
	size_t n;

	while (s->pos < s->size) {
		enum status st = look(s, WRITE_BUFFER_BYTES / 2, &p, &n);

		if (st != ST_OK)
			return st;
		hit = n < PACK_HEADER_BYTES ? NULL : memmem(p, n - PACK_HEADER_BYTES + PACK_TAG_BYTES,
			s->tag, PACK_TAG_BYTES);
		if (hit && header_valid(hit, s->tag)) {
			s->pos += (uint64_t)(hit - p);
			return ST_OK;
		}
		if (hit)
			s->pos += (uint64_t)(hit - p) + 1;
		else if (s->pos + n >= s->size)
			s->pos = s->size;
		else
			s->pos += n - PACK_HEADER_BYTES + 1;
	}
	return ST_OK;
}

/* The entry at pos is handed on. If it is none, *damaged_out, and pos is where to look next. */
static enum status scan_entry(struct scan *s, bool *damaged_out)
{
	uint8_t found[DIGEST_BYTES];
	const uint8_t *p;
	size_t n, whole;
	struct pack_entry e;
	enum status st = look(s, PACK_HEADER_BYTES, &p, &n);

	*damaged_out = true;
	if (st != ST_OK)
		return st;
	if (n < PACK_HEADER_BYTES || !header_valid(p, s->tag)) {
		s->pos++;
		return resync(s);
	}
	whole = PACK_HEADER_BYTES + header_len(p);
	st = look(s, whole, &p, &n);
	if (st != ST_OK)
		return st;
	s->pos += n;
	if (n < whole)
		return ST_OK;
	st = digest_of(p + PACK_HEADER_BYTES, whole - PACK_HEADER_BYTES, found);
	if (st != ST_OK || memcmp(found, header_digest(p), DIGEST_BYTES))
		return st;
	*damaged_out = false;
	e = (struct pack_entry){ .kind = p[8], .loc = { s->file, s->pos - n },
		.end = { s->file, s->pos }, .digest = header_digest(p),
		.p = p + PACK_HEADER_BYTES, .len = whole - PACK_HEADER_BYTES };
	return s->fn(s->arg, &e);
}

/* The file's tag: from its mark or, should that be damaged, from the entry that follows it. */
static enum status scan_mark(struct scan *s)
{
	const uint8_t *p;
	size_t n;
	enum status st = look(s, PACK_MARK_BYTES + PACK_HEADER_BYTES, &p, &n);

	if (st != ST_OK)
		return st;
	if (n < PACK_MARK_BYTES) {
		s->pos = s->size;
		return report_damage(s, 0);
	}
	s->pos = PACK_MARK_BYTES;
	memcpy(s->tag, p + MARK_TEXT_BYTES, PACK_TAG_BYTES);
	if (!memcmp(p, mark, MARK_TEXT_BYTES)
			&& (n == PACK_MARK_BYTES || !memcmp(s->tag, p + PACK_MARK_BYTES, PACK_TAG_BYTES)))
		return ST_OK;
	if (n == PACK_MARK_BYTES + PACK_HEADER_BYTES && header_valid(p + PACK_MARK_BYTES, NULL))
		memcpy(s->tag, p + PACK_MARK_BYTES, PACK_TAG_BYTES);
	else if (!memcmp(p, mark, MARK_TEXT_BYTES))
		return ST_OK;	/* the entry is what is damaged: found below */
	return report_damage(s, 0);
}

static enum status scan_file(struct scan *s, uint64_t begin_at)
{
	enum status st = scan_mark(s);

	if (begin_at > s->pos)
		s->pos = begin_at;
	while (st == ST_OK && s->pos < s->size) {
		uint64_t begin = s->pos;
		bool damaged;

		st = scan_entry(s, &damaged);
		if (st == ST_OK && damaged)
			st = report_damage(s, begin);
	}
	return st;
}

/* The highest file number there is: a file missing in the middle must not end the scan. */
static enum status last_file(int dir_fd, uint32_t *out)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return st_fail_errno("journal folder");
	}
	*out = 0;
	while ((d = readdir(dir))) {
		unsigned long v = strtoul(d->d_name, NULL, 10);
		char name[24];

		file_name((uint32_t)v, name);
		if (v && v <= UINT32_MAX && v > *out && !strcmp(name, d->d_name))
			*out = (uint32_t)v;
	}
	closedir(dir);
	return ST_OK;
}

bool pack_more(int dir_fd, struct pack_loc at)
{
	char name[24];
	struct stat sb;

	file_name(at.file, name);
	if (at.file && fstatat(dir_fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)sb.st_size > at.offset)
		return true;
	file_name(at.file + 1, name);
	return fstatat(dir_fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

enum status pack_scan(int dir_fd, struct pack_loc at,
	enum status (*fn)(void *arg, const struct pack_entry *e), void *arg)
{
	struct scan s = { .fn = fn, .arg = arg };
	uint32_t last = 0, file;
	enum status st = last_file(dir_fd, &last);

	for (file = at.file ? at.file : 1; st == ST_OK && file <= last; file++) {
		char name[24];
		struct stat sb;

		file_name(file, name);
		s.fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		s.file = file;
		s.pos = s.from = s.size = 0;
		buf_clear(&s.window);
		if (s.fd < 0 && errno == ENOENT) {
			struct pack_entry e = { .kind = PACK_DAMAGE, .loc = { file, 0 }, .end = { file, 0 } };

			st = fn(arg, &e);
			continue;
		}
		if (s.fd < 0 || fstat(s.fd, &sb) < 0) {
			st = st_fail_errno("journal %s", name);
		} else {
			s.size = (uint64_t)sb.st_size;
			st = scan_file(&s, file == at.file ? at.offset : 0);
		}
		if (s.fd >= 0)
			close(s.fd);
	}
	buf_free(&s.window);
	return st;
}
