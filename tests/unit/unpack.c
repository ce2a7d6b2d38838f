/* unpack: one document out of gzip and ZIP, limits at, below and above, damage named. */
#include <stdlib.h>
#include <zlib.h>

#include "check.h"
#include "buf.h"
#include "unpack.h"

static struct buf got;

static enum status take(void *arg, const void *p, size_t n)
{
	buf_add(&got, p, n);
	return ST_OK;
}

/* From memory of exactly that size, so that a sanitizer sees a step too far. */
static enum status run(const void *p, size_t n, const struct unpack_limits *max, struct unpacked *info)
{
	void *copy = malloc(n ? n : 1);
	enum status st;

	memcpy(copy, p, n);
	buf_clear(&got);
	st = unpack(copy, n, max, take, NULL, info);
	free(copy);
	return st;
}

static size_t deflated(const void *p, size_t n, int window, unsigned char *out, size_t room)
{
	z_stream z = { 0 };

	deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (unsigned char *)p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)room;
	deflate(&z, Z_FINISH);
	n = z.total_out;
	deflateEnd(&z);
	return n;
}

static size_t put(unsigned char *b, size_t at, uint32_t v, int bytes)
{
	while (bytes--) {
		b[at++] = v & 0xff;
		v >>= 8;
	}
	return at;
}

struct member { const char *name, *text; int method; unsigned flags; };

static size_t zip(unsigned char *b, const struct member *m, int n)
{
	unsigned char packed[4096];
	size_t at = 0, local[200], size[200], dir;

	for (int pass = 0; pass < 2; pass++) {
		dir = pass ? at : 0;
		for (int i = 0; i < n; i++) {
			size_t len = strlen(m[i].text), name = strlen(m[i].name);

			size[i] = m[i].method == 8 ? deflated(m[i].text, len, -MAX_WBITS, packed, sizeof packed) : len;
			if (m[i].method != 8)
				memcpy(packed, m[i].text, len);
			if (!pass)
				local[i] = at;
			memcpy(b + at, pass ? "PK\1\2\24\0" : "PK\3\4", pass ? 6 : 4);
			at = put(b, at + (pass ? 6 : 4), 20, 2);
			at = put(b, at, m[i].flags, 2);
			at = put(b, at, (uint32_t)m[i].method, 2);
			at = put(b, at, 0, 4);
			at = put(b, at, (uint32_t)crc32(0, (const unsigned char *)m[i].text, (uInt)len), 4);
			at = put(b, at, (uint32_t)size[i], 4);
			at = put(b, at, (uint32_t)len, 4);
			at = put(b, at, (uint32_t)name, 2);
			at = put(b, at, 0, 2);
			if (pass) {
				at = put(b, at, 0, 10);
				at = put(b, at, (uint32_t)local[i], 4);
			}
			memcpy(b + at, m[i].name, name);
			at += name;
			if (!pass) {
				memcpy(b + at, packed, size[i]);
				at += size[i];
			}
		}
	}
	size_t len = at - dir;
	memcpy(b + at, "PK\5\6\0\0\0\0", 8);
	at = put(b, at + 8, (uint32_t)n, 2);
	at = put(b, at, (uint32_t)n, 2);
	at = put(b, at, (uint32_t)len, 4);
	at = put(b, at, (uint32_t)dir, 4);
	return put(b, at, 0, 2);
}

static unsigned char file[1 << 20];
static struct unpacked info;

static void a_zip_holds_one_file(void)
{
	const struct member one = { "r.xml", "<a>hello hello hello</a>", 8, 0 }, stored = { "r.xml", "<a/>", 0, 0 },
		folder = { "x/", "", 0, 0 }, macos = { "__MACOSX/._r.xml", "junk", 0, 0 };
	size_t n = zip(file, &one, 1);

	CHECK(run(file, n, NULL, &info) == ST_OK && got.len == 24 && !memcmp(got.p, "<a>hello", 8) && !strcmp(info.container, "zip"));
	for (size_t cut = 4; cut < n; cut++)
		CHECK(run(file, cut, NULL, &info) == ST_BAD);
	for (size_t i = 4; i < n; i++)		/* whatever byte is wrong: nothing else comes out, nothing is read elsewhere */
		for (int bit = 0; bit < 8; bit++) {
			file[i] ^= (unsigned char)(1 << bit);
			if (run(file, n, NULL, &info) == ST_OK)
				CHECK(got.len == 24 && !memcmp(got.p, "<a>hello", 8));
			file[i] ^= (unsigned char)(1 << bit);
		}
	n = zip(file, &stored, 1);
	CHECK(run(file, n, NULL, &info) == ST_OK && got.len == 4);
	n = zip(file, (struct member[]){ folder, macos, one }, 3);
	CHECK(run(file, n, NULL, &info) == ST_OK && got.len == 24);
	n = zip(file, (struct member[]){ one, stored }, 2);
	CHECK(run(file, n, NULL, &info) == ST_BAD && strstr(st_text(), "2 files"));
	n = zip(file, &folder, 1);
	CHECK(run(file, n, NULL, &info) == ST_BAD && strstr(st_text(), "empty"));
	n = zip(file, &folder, 0);
	CHECK(run(file, n, NULL, &info) == ST_BAD && strstr(st_text(), "empty"));
}

static void a_zip_that_cannot_be_read_says_why(void)
{
	struct member m = { "r.xml", "<a/>", 0, 1 };
	struct member many[UNPACK_MAX_MEMBERS + 1];
	size_t n = zip(file, &m, 1);

	CHECK(run(file, n, NULL, &info) == ST_BAD && strstr(st_text(), "encrypted"));
	m.flags = 0;
	m.method = 12;
	n = zip(file, &m, 1);
	CHECK(run(file, n, NULL, &info) == ST_BAD && strstr(st_text(), "method 12"));
	for (int i = 0; i <= UNPACK_MAX_MEMBERS; i++)
		many[i] = (struct member){ "d/", "", 0, 0 };
	many[0] = (struct member){ "r.xml", "<a/>", 0, 0 };
	n = zip(file, many, UNPACK_MAX_MEMBERS);
	CHECK(run(file, n, NULL, &info) == ST_OK);
	n = zip(file, many, UNPACK_MAX_MEMBERS + 1);
	CHECK(run(file, n, NULL, &info) == ST_LIMIT);
}

static void gzip_streams_are_one_document(void)
{
	size_t n = 0;

	for (int i = 0; i < UNPACK_MAX_MEMBERS; i++)
		n += deflated("<a/>", 4, 16 + MAX_WBITS, file + n, sizeof file - n);
	CHECK(run(file, n, NULL, &info) == ST_OK && got.len == 4 * UNPACK_MAX_MEMBERS && info.trailing == 0);
	memcpy(file + n, "\r\nxyz", 5);
	CHECK(run(file, n + 5, NULL, &info) == ST_OK && info.trailing == 5);
	n += deflated("<a/>", 4, 16 + MAX_WBITS, file + n, sizeof file - n);
	CHECK(run(file, n, NULL, &info) == ST_LIMIT);
	n = deflated("<a>hello</a>", 12, 16 + MAX_WBITS, file, sizeof file);
	for (size_t cut = 2; cut < n; cut++)
		CHECK(run(file, cut, NULL, &info) == ST_BAD);
	file[n - 6] ^= 1;			/* its checksum */
	CHECK(run(file, n, NULL, &info) == ST_BAD);
}

static void limits_hold_at_their_edges(void)
{
	const size_t big = 4u << 20;
	char *zeros = calloc(1, big);
	size_t n = deflated(zeros, 1000, 16 + MAX_WBITS, file, sizeof file);

	CHECK(run(file, n, &(struct unpack_limits){ .bytes = 1000 }, &info) == ST_OK && got.len == 1000);
	CHECK(run(file, n, &(struct unpack_limits){ .bytes = 999 }, &info) == ST_LIMIT);
	CHECK(run(file, n, &(struct unpack_limits){ .packed_bytes = n }, &info) == ST_OK);
	CHECK(run(file, n, &(struct unpack_limits){ .packed_bytes = n - 1 }, &info) == ST_LIMIT);
	CHECK(run("abc", 3, &(struct unpack_limits){ .bytes = 3 }, &info) == ST_OK && !strcmp(info.container, "none"));
	CHECK(run("abc", 3, &(struct unpack_limits){ .bytes = 2 }, &info) == ST_LIMIT);
	n = deflated(zeros, big, 16 + MAX_WBITS, file, sizeof file);
	CHECK(run(file, n, &(struct unpack_limits){ .ratio = (big + n - 1) / n }, &info) == ST_OK);
	CHECK(run(file, n, &(struct unpack_limits){ .ratio = (big + n - 1) / n - 1 }, &info) == ST_LIMIT && got.len < big);
	CHECK(run(file, n, NULL, &info) == ST_LIMIT);	/* 1000:1 */
	n = deflated(zeros, UNPACK_FREE_BYTES, 16 + MAX_WBITS, file, sizeof file);
	CHECK(run(file, n, NULL, &info) == ST_OK);
	n = deflated(zeros, UNPACK_FREE_BYTES + 1, 16 + MAX_WBITS, file, sizeof file);
	CHECK(run(file, n, NULL, &info) == ST_LIMIT);
	CHECK(run("", 0, NULL, &info) == ST_OK && got.len == 0);
	free(zeros);
}

int main(void)
{
	a_zip_holds_one_file();
	a_zip_that_cannot_be_read_says_why();
	gzip_streams_are_one_document();
	limits_hold_at_their_edges();
	buf_free(&got);
	return CHECK_DONE();
}
