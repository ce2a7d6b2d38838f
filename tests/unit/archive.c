/* What the light look at archives notices, and that it stays within its bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "archive.h"

#define CHECK(x) do { if (!(x)) { printf("%d: %s\n", __LINE__, #x); failed = 1; } } while (0)
static int failed;

static const struct archive_opts opts = { 1000, 4000, false };

/* Looks at a copy in memory of exactly that size, so that ASan sees a step too far. */
static const char *look(const void *p, size_t n)
{
	const char *why, *detail;
	void *copy = malloc(n ? n : 1);

	memcpy(copy, p, n);
	why = archive_look(copy, n, &opts, &detail);
	free(copy);
	return why ? why : "";
}

static size_t put(unsigned char *b, size_t at, unsigned v, int bytes)
{
	while (bytes--) {
		b[at++] = v & 0xff;
		v >>= 8;
	}
	return at;
}

struct z { unsigned flags, method, real_add, crc_xor; };

/* A ZIP with one member of n bytes "a". */
static size_t zip(unsigned char *b, const struct z *z, unsigned n)
{
	unsigned char data[8000], packed[8000];
	uLongf size = sizeof packed;
	z_stream s = {0};
	size_t at = 0, dir = 0;

	memset(data, 'a', n);
	unsigned crc = (unsigned)crc32(0, data, n) ^ z->crc_xor;
	deflateInit2(&s, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	s.next_in = data; s.avail_in = n; s.next_out = packed; s.avail_out = sizeof packed;
	deflate(&s, Z_FINISH);
	size = s.total_out;
	deflateEnd(&s);
	if (z->method == 0) {
		memcpy(packed, data, n);
		size = n;
	}
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 0)
			at = 0;
		else
			dir = at;
		memcpy(b + at, pass ? "PK\1\2" : "PK\3\4", 4);
		at += 4;
		if (pass)
			at = put(b, at, 20, 2);
		at = put(b, at, 20, 2);
		at = put(b, at, z->flags, 2);
		at = put(b, at, z->method, 2);
		at = put(b, at, 0, 4);
		at = put(b, at, crc, 4);
		at = put(b, at, (unsigned)size, 4);
		at = put(b, at, n + z->real_add, 4);
		at = put(b, at, 1, 2);
		at = put(b, at, 0, 2);
		if (pass) {
			at = put(b, at, 0, 2 + 2 + 2);
			at = put(b, at, 0, 4);
			at = put(b, at, 0, 4);
		}
		b[at++] = 'x';
		if (pass == 0) {
			memcpy(b + at, packed, size);
			at += size;
		}
	}
	size_t len = at - dir;
	memcpy(b + at, "PK\5\6\0\0\0\0\1\0\1\0", 12);
	at = put(b, at + 12, (unsigned)len, 4);
	at = put(b, at, (unsigned)dir, 4);
	return put(b, at, 0, 2);
}

static void zips(void)
{
	unsigned char b[20000];
	size_t n = zip(b, &(struct z){ .method = 8 }, 500);

	CHECK(!*look(b, n));
	for (size_t cut = 4; cut < n; cut++)
		CHECK(!strcmp(look(b, cut), "corrupt"));
	for (size_t i = 0; i < n; i++) {	/* no byte of it makes us read elsewhere */
		b[i] ^= 0xff;
		look(b, n);
		b[i] ^= 0xff;
	}
	n = zip(b, &(struct z){ .method = 0 }, 1000);
	CHECK(!*look(b, n));
	n = zip(b, &(struct z){ .method = 0 }, 1001);
	CHECK(!strcmp(look(b, n), "too_big"));
	n = zip(b, &(struct z){ .method = 8, .flags = 1 }, 100);
	CHECK(!strcmp(look(b, n), "encrypted"));
	n = zip(b, &(struct z){ .method = 93 }, 100);
	CHECK(!strcmp(look(b, n), "unsupported"));
	n = zip(b, &(struct z){ .method = 8, .crc_xor = 1 }, 100);
	CHECK(!strcmp(look(b, n), "corrupt"));
	n = zip(b, &(struct z){ .method = 8, .real_add = 1 }, 100);
	CHECK(!strcmp(look(b, n), "corrupt"));
	n = zip(b, &(struct z){ .method = 8, .real_add = (unsigned)-1 }, 100);
	CHECK(!strcmp(look(b, n), "corrupt"));
}

static void gzips(void)
{
	unsigned char in[2000] = {0}, b[4000];
	z_stream s = { .next_in = in, .avail_in = 1000, .next_out = b, .avail_out = sizeof b };

	deflateInit2(&s, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	deflate(&s, Z_FINISH);
	size_t n = s.total_out;
	deflateEnd(&s);
	CHECK(!*look(b, n));
	for (size_t cut = 2; cut < n; cut++)
		CHECK(!strcmp(look(b, cut), "corrupt"));
	memcpy(b + n, b, n);
	CHECK(!*look(b, 2 * n));
	CHECK(!strcmp(look(b, 2 * n - 1), "corrupt"));
}

static void magics(void)
{
	CHECK(!strcmp(look("Rar!\x1a\x07\x01\0", 8), "unsupported"));
	CHECK(!strcmp(look("MZ....Rar!\x1a\x07\0\0", 14), "unsupported"));
	CHECK(!*look("MZ....Rar!\x1a\x07", 12));
	CHECK(!*look("Rar!", 4));
	CHECK(!strcmp(look("\x28\xb5\x2f\xfd", 4), "unsupported"));
	CHECK(!strcmp(look("\r\n-----BEGIN PGP MESSAGE-----\r\n", 31), "encrypted"));
	CHECK(!*look("see\n-----BEGIN PGP MESSAGE-----\n", 32));
	CHECK(!*look("", 0));
	CHECK(!*look("P", 1));
	CHECK(!strcmp(look("7z\xbc\xaf\x27\x1c\0\4", 8), "corrupt"));
}

int main(void)
{
	zips();
	gzips();
	magics();
	if (!failed)
		printf("ok\n");
	return failed;
}
