/* unpack.c - see unpack.h. */
#include "unpack.h"

#include <string.h>
#include <zlib.h>

#define MACOS "__MACOSX/"

struct job {
	const unsigned char *p;
	size_t n;
	struct unpack_limits max;
	unpack_fn fn;
	void *arg;
	struct unpacked *out;
};

static uint32_t le16(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t le32(const unsigned char *p) { return le16(p) | le16(p + 2) << 16; }

static bool has(const struct job *j, size_t at, const char *magic, size_t m)
{
	return at <= j->n && j->n - at >= m && memcmp(j->p + at, magic, m) == 0;
}

/* Passes a piece on if the limits allow it. */
static enum status give(struct job *j, const void *p, size_t n)
{
	j->out->bytes += n;
	if (j->out->bytes > j->max.bytes)
		return st_fail(ST_LIMIT, "the document has more than %zu bytes", j->max.bytes);
	if (j->out->bytes > UNPACK_FREE_BYTES && (uint64_t)j->out->bytes > (uint64_t)j->max.ratio * j->n)
		return st_fail(ST_LIMIT, "the document is more than %zu times as large as the file", j->max.ratio);
	return n > 0 ? j->fn(j->arg, p, n) : ST_OK;
}

/* One deflate stream of in[0..n); window as inflateInit2 has it. */
static enum status inflate_one(struct job *j, const unsigned char *in, size_t n, int window, size_t *used_out, uint32_t *crc_out)
{
	static unsigned char out[1 << 16];
	z_stream z = { .next_in = (unsigned char *)in, .avail_in = (uInt)n };
	enum status st = ST_OK;
	int rc = Z_OK;

	if (inflateInit2(&z, window) != Z_OK)
		return st_fail(ST_NOMEM, "no memory to inflate");
	*crc_out = 0;
	while (st == ST_OK && rc == Z_OK) {
		z.next_out = out;
		z.avail_out = sizeof out;
		rc = inflate(&z, Z_NO_FLUSH);
		size_t got = sizeof out - z.avail_out;
		*crc_out = (uint32_t)crc32(*crc_out, out, (uInt)got);
		if (rc == Z_OK || rc == Z_STREAM_END)
			st = give(j, out, got);
	}
	*used_out = n - z.avail_in;
	inflateEnd(&z);
	if (st == ST_OK && rc == Z_MEM_ERROR)
		st = st_fail(ST_NOMEM, "no memory to inflate");
	if (st == ST_OK && rc != Z_STREAM_END)
		st = st_fail(ST_BAD, rc == Z_BUF_ERROR ? "the compressed data is cut short" : "the compressed data is damaged");
	return st;
}

/* Streams one behind the other are one document (RFC 1952 2.2). */
static enum status unpack_gzip(struct job *j)
{
	enum status st;
	size_t at = 0, used;
	uint32_t crc;
	int streams = 0;

	do {
		if (++streams > UNPACK_MAX_MEMBERS)
			return st_fail(ST_LIMIT, "the gzip file has more than %d streams", UNPACK_MAX_MEMBERS);
		st = inflate_one(j, j->p + at, j->n - at, 16 + MAX_WBITS, &used, &crc);
		at += used;
	} while (st == ST_OK && has(j, at, "\x1f\x8b", 2));
	if (st == ST_OK)
		j->out->trailing = j->n - at;
	return st;
}

/* ---- ZIP ---- */

struct member { uint32_t flags, method, crc, packed, real, local; };
struct directory { size_t at, end, entries; };

/* The end of central directory record: the last one whose comment fits. */
static enum status find_directory(const struct job *j, struct directory *d)
{
	size_t lowest = j->n > 22 + 65535 ? j->n - 22 - 65535 : 0;

	for (size_t at = j->n < 22 ? 0 : j->n - 22 + 1; at-- > lowest; ) {
		const unsigned char *e = j->p + at;
		uint32_t size, offset;

		if (!has(j, at, "PK\5\6", 4) || le16(e + 20) > j->n - at - 22)
			continue;
		size = le32(e + 12);
		offset = le32(e + 16);
		if (size == UINT32_MAX || offset == UINT32_MAX)
			return st_fail(ST_BAD, "a ZIP64 file: no report is that large");
		if (offset > at || size > at - offset)
			break;
		*d = (struct directory){ offset, (size_t)offset + size, le16(e + 10) };
		return ST_OK;
	}
	return st_fail(ST_BAD, "the ZIP file has no directory: it is cut short or damaged");
}

static bool skipped(const unsigned char *name, size_t n)
{
	return (n > 0 && name[n - 1] == '/') || (n >= strlen(MACOS) && memcmp(name, MACOS, strlen(MACOS)) == 0);
}

/* The only file that is one. */
static enum status find_member(const struct job *j, struct member *out)
{
	struct directory d = { 0 };
	enum status st = find_directory(j, &d);
	size_t found = 0;

	if (st == ST_OK && d.entries > UNPACK_MAX_MEMBERS)
		st = st_fail(ST_LIMIT, "the ZIP file has more than %d members", UNPACK_MAX_MEMBERS);
	for (size_t i = 0; st == ST_OK && i < d.entries; i++) {
		const unsigned char *c = j->p + d.at;
		size_t name, whole;

		if (d.end - d.at < 46 || memcmp(c, "PK\1\2", 4) != 0)
			return st_fail(ST_BAD, "the ZIP file's directory is damaged");
		name = le16(c + 28);
		whole = 46 + name + le16(c + 30) + le16(c + 32);
		if (d.end - d.at < whole)
			return st_fail(ST_BAD, "the ZIP file's directory is damaged");
		if (!skipped(c + 46, name)) {
			*out = (struct member){ le16(c + 8), le16(c + 10), le32(c + 16), le32(c + 20), le32(c + 24), le32(c + 42) };
			found++;
		}
		d.at += whole;
	}
	if (st == ST_OK && found != 1)
		st = st_fail(ST_BAD, found == 0 ? "the ZIP file is empty" : "the ZIP file has %zu files in it, a report is one", found);
	return st;
}

static enum status unpack_zip(struct job *j)
{
	struct member m = { 0 };
	enum status st = find_member(j, &m);
	uint32_t crc;
	size_t data, used;

	if (st != ST_OK)
		return st;
	if (m.flags & (1 | 1 << 6 | 1 << 13))
		return st_fail(ST_BAD, "the ZIP file is encrypted");
	if (m.method != 0 && m.method != 8)
		return st_fail(ST_BAD, "the ZIP file is packed by method %u, which we do not have", m.method);
	if (!has(j, m.local, "PK\3\4", 4) || j->n - m.local < 30)
		return st_fail(ST_BAD, "the ZIP file is damaged: no header where the directory says");
	data = (size_t)m.local + 30 + le16(j->p + m.local + 26) + le16(j->p + m.local + 28);
	if (data > j->n || m.packed > j->n - data)
		return st_fail(ST_BAD, "the ZIP file is cut short");
	if (m.method == 8) {
		st = inflate_one(j, j->p + data, m.packed, -MAX_WBITS, &used, &crc);
	} else {
		crc = (uint32_t)crc32(0, j->p + data, m.packed);
		st = give(j, j->p + data, m.packed);
	}
	if (st == ST_OK && (j->out->bytes != m.real || crc != m.crc))
		st = st_fail(ST_BAD, "the ZIP file is damaged: its checksum does not hold");
	return st;
}

enum status unpack(const void *p, size_t n, const struct unpack_limits *limits, unpack_fn fn, void *arg, struct unpacked *out)
{
	struct job j = { .p = p, .n = n, .fn = fn, .arg = arg, .out = out,
		.max = { UNPACK_MAX_PACKED_BYTES, UNPACK_MAX_BYTES, UNPACK_MAX_RATIO } };

	*out = (struct unpacked){ .container = "none" };
	if (limits && limits->packed_bytes)
		j.max.packed_bytes = limits->packed_bytes;
	if (limits && limits->bytes)
		j.max.bytes = limits->bytes;
	if (limits && limits->ratio)
		j.max.ratio = limits->ratio;
	if (n > j.max.packed_bytes)
		return st_fail(ST_LIMIT, "the file has more than %zu bytes", j.max.packed_bytes);
	if (has(&j, 0, "\x1f\x8b", 2)) {
		out->container = "gzip";
		return unpack_gzip(&j);
	}
	if (has(&j, 0, "PK\3\4", 4) || has(&j, 0, "PK\5\6", 4)) {
		out->container = "zip";
		return unpack_zip(&j);
	}
	return give(&j, p, n);
}
