/* The journal: what was appended comes back, what was damaged is told, and nothing forged is taken for an entry. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "pack.h"

#define CHECK(x) do { if (!(x)) { printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #x, st_text()); exit(1); } } while (0)

struct seen { char kinds[64]; size_t n; size_t damaged; struct pack_loc first_damage; };

static enum status see(void *arg, const struct pack_entry *e)
{
	struct seen *s = arg;

	if (e->kind == PACK_DAMAGE) {
		if (!s->first_damage.file)
			s->first_damage = e->loc;
		s->damaged += e->len;
		return ST_OK;
	}
	s->kinds[s->n++] = (char)e->kind;
	s->kinds[s->n] = '\0';
	return ST_OK;
}

static struct seen scan(int dir)
{
	struct seen s = { .n = 0 };

	CHECK(pack_scan(dir, (struct pack_loc){ 0 }, see, &s) == ST_OK);
	return s;
}

static void poke(int dir, uint64_t at, const void *p, size_t n)
{
	int fd = openat(dir, "00000001.pack", O_WRONLY);

	CHECK(fd >= 0 && pwrite(fd, p, n, (off_t)at) == (ssize_t)n);
	close(fd);
}

static uint64_t size(int dir)
{
	struct stat sb;

	CHECK(fstatat(dir, "00000001.pack", &sb, 0) == 0);
	return (uint64_t)sb.st_size;
}

static int truncate_first(int dir, uint64_t n)
{
	int fd = openat(dir, "00000001.pack", O_WRONLY), rc;

	CHECK(fd >= 0);
	rc = ftruncate(fd, (off_t)n);
	close(fd);
	return rc;
}

int main(void)
{
	char path[] = "/tmp/weir-unit-XXXXXX";
	int dir;
	struct pack_writer *w = NULL;
	struct pack_reader r;
	struct pack_loc a, b, c, end;
	struct buf out = { 0 };
	char *big = malloc(3 << 20), header[PACK_HEADER_BYTES];
	uint8_t digest[DIGEST_BYTES], got[DIGEST_BYTES];
	struct seen s;

	CHECK(mkdtemp(path) && (dir = open(path, O_RDONLY | O_DIRECTORY)) >= 0 && big);
	memset(big, 'x', 3 << 20);
	CHECK(pack_writer_new(dir, &w) == ST_OK && pack_seek(w, (struct pack_loc){ 0, 0 }) == ST_OK);
	CHECK(pack_append(w, PACK_EVENT, NULL, "first", 5, &a) == ST_OK);
	CHECK(pack_append(w, PACK_BLOB, NULL, big, 3 << 20, &b) == ST_OK);	/* larger than the buffer */
	CHECK(pack_append(w, PACK_MESSAGE, NULL, "", 0, &c) == ST_OK);
	CHECK(pack_append(w, PACK_COMMIT, NULL, "{}", 2, NULL) == ST_OK);
	CHECK(pack_flush(w, true) == ST_OK);
	end = pack_tell(w);
	CHECK(end.file == 1 && end.offset == size(dir));

	pack_reader_init(&r, dir);
	CHECK(pack_read(&r, a, &out, NULL) == ST_OK && out.len == 5 && !memcmp(out.p, "first", 5));
	CHECK(digest_of(big, 3 << 20, digest) == ST_OK);
	CHECK(pack_read(&r, b, &out, got) == ST_OK && out.len == 3 << 20 && !memcmp(got, digest, sizeof got));
	CHECK(pack_read(&r, c, &out, NULL) == ST_OK && out.len == 0);
	CHECK(pack_read(&r, (struct pack_loc){ 1, a.offset + 1 }, &out, NULL) == ST_BAD);
	CHECK(pack_read(&r, (struct pack_loc){ 7, 16 }, &out, NULL) == ST_NOTFOUND);
	s = scan(dir);
	CHECK(!strcmp(s.kinds, "ebmc") && !s.damaged);

	/* What lies behind the end that the index knows is cut off; less than that is loss. */
	CHECK(pack_append(w, PACK_EVENT, NULL, "never finished", 14, NULL) == ST_OK && pack_flush(w, false) == ST_OK);
	CHECK(size(dir) > end.offset);
	CHECK(pack_seek(w, end) == ST_OK && size(dir) == end.offset);
	CHECK(pack_seek(w, (struct pack_loc){ 1, end.offset + 1 }) == ST_BAD);
	CHECK(pack_seek(w, (struct pack_loc){ 2, 16 }) == ST_BAD);

	/* A file that is long enough gets a successor; going back removes it. */
	CHECK(truncate_first(dir, PACK_FILE_MAX_BYTES) == 0);
	CHECK(pack_seek(w, (struct pack_loc){ 1, PACK_FILE_MAX_BYTES }) == ST_OK);
	CHECK(pack_append(w, PACK_EVENT, NULL, "second file", 11, &c) == ST_OK && c.file == 2 && pack_flush(w, false) == ST_OK);
	CHECK(pack_read(&r, c, &out, NULL) == ST_OK && out.len == 11);
	CHECK(pack_seek(w, end) == ST_OK && size(dir) == end.offset);
	pack_reader_done(&r);
	CHECK(pack_read(&r, c, &out, NULL) == ST_NOTFOUND);

	/* A bit of a payload: that entry is lost, its neighbours are not. */
	poke(dir, b.offset + PACK_HEADER_BYTES + 77, "y", 1);
	s = scan(dir);
	CHECK(!strcmp(s.kinds, "emc") && s.damaged == PACK_HEADER_BYTES + (3 << 20) && s.first_damage.offset == b.offset);
	CHECK(pack_read(&r, b, &out, NULL) == ST_BAD);
	/* A header of ours, copied from this file into a payload whose own header breaks: it has the tag, so it is taken... */
	poke(dir, b.offset + PACK_HEADER_BYTES + 77, "x", 1);
	/* ...but one made without the tag is not, however right the rest is. */
	{
		int fd = openat(dir, "00000001.pack", O_RDONLY);

		CHECK(pread(fd, header, sizeof header, (off_t)a.offset) == sizeof header);
		close(fd);
	}
	memset(header, 'T', PACK_TAG_BYTES);
	poke(dir, b.offset + PACK_HEADER_BYTES + 1000, header, sizeof header);
	poke(dir, b.offset + 20, "z", 1);
	s = scan(dir);
	CHECK(!strcmp(s.kinds, "emc") && s.damaged == PACK_HEADER_BYTES + (3 << 20));
	/* The mark itself. */
	poke(dir, 0, "damagedamagedama", 16);
	s = scan(dir);
	CHECK(!strcmp(s.kinds, "emc"));
	/* Cut in the middle of the last entry. */
	CHECK(truncate_first(dir, end.offset - 1) == 0);
	s = scan(dir);
	CHECK(!strcmp(s.kinds, "em"));
	/* A whole file gone. */
	CHECK(renameat(dir, "00000001.pack", dir, "00000003.pack") == 0);
	s = scan(dir);
	CHECK(!strcmp(s.kinds, "em") && s.first_damage.file == 1);

	pack_reader_done(&r);
	pack_writer_free(&w);
	buf_free(&out);
	free(big);
	close(dir);
	CHECK(file_rmtree(AT_FDCWD, path) == ST_OK);
	puts("ok");
	return 0;
}
