/* archive.c - see archive.h. Format facts: PKWARE APPNOTE 6.3.10, RFC 1952, 7zFormat.txt, MS-CAB, xz 1.2.1. */
#include <string.h>
#include <zlib.h>

#include "archive.h"

static const char ENCRYPTED[] = "encrypted", UNSUPPORTED[] = "unsupported",
	TOO_BIG[] = "too_big", CORRUPT[] = "corrupt";

struct look {
	const unsigned char *p;
	size_t n;
	const struct archive_opts *o;
	uint64_t inflate_left;
	const char *detail;
};

static const char *found(struct look *l, const char *reason, const char *detail)
{
	l->detail = detail;
	return reason;
}

static uint32_t le16(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t le32(const unsigned char *p) { return le16(p) | le16(p + 2) << 16; }
static uint64_t le64(const unsigned char *p) { return le32(p) | (uint64_t)le32(p + 4) << 32; }

static bool has(const struct look *l, uint64_t at, const char *magic, size_t m)
{
	return at <= l->n && l->n - at >= m && memcmp(l->p + at, magic, m) == 0;
}

/* ---- inflate ---- */

enum inflated { INFLATE_END, INFLATE_LIMIT, INFLATE_BAD };

/* Inflates one stream of at most `want` bytes from in[0..n); window as inflateInit2 has it. */
static enum inflated inflate_one(struct look *l, const unsigned char *in, size_t n, int window,
	uint64_t want, size_t *used, uint64_t *made, uint32_t *crc)
{
	static unsigned char out[1 << 16];
	z_stream z = { .next_in = (unsigned char *)in, .avail_in = (uInt)n };
	enum inflated end = INFLATE_BAD;
	int rc = Z_OK;

	*made = 0;
	*crc = 0;
	if (n > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
		return INFLATE_BAD;
	while (rc == Z_OK) {
		z.next_out = out;
		z.avail_out = sizeof out;
		rc = inflate(&z, Z_NO_FLUSH);
		size_t got = sizeof out - z.avail_out;
		*made += got;
		*crc = (uint32_t)crc32(*crc, out, (uInt)got);
		if (*made > want || got > l->inflate_left) {
			end = INFLATE_LIMIT;
			break;
		}
		l->inflate_left -= got;
	}
	if (rc == Z_STREAM_END && end != INFLATE_LIMIT)
		end = INFLATE_END;
	*used = n - z.avail_in;
	inflateEnd(&z);
	return end;
}

/* gzip, RFC 1952: members one after the other; zlib checks their checksums. */
static const char *look_gzip(struct look *l)
{
	size_t at = 0, used;
	uint64_t made;
	uint32_t crc;

	do {
		switch (inflate_one(l, l->p + at, l->n - at, 16 + MAX_WBITS,
				l->o->max_member_bytes, &used, &made, &crc)) {
		case INFLATE_LIMIT: return found(l, TOO_BIG, "gzip");
		case INFLATE_BAD: return found(l, CORRUPT, "gzip");
		case INFLATE_END: break;
		}
		at += used;
	} while (has(l, at, "\x1f\x8b", 2));
	return NULL;
}

/* ---- ZIP ---- */

struct zip { uint64_t entries, size, offset, end; };

/* The end of central directory record: the last one whose comment fits. */
static bool zip_end(const struct look *l, struct zip *z)
{
	if (l->n < 22)
		return false;
	size_t lowest = l->n > 22 + 65535 ? l->n - 22 - 65535 : 0;
	for (size_t at = l->n - 22 + 1; at-- > lowest; ) {
		const unsigned char *e = l->p + at;
		if (e[0] != 'P' || memcmp(e, "PK\5\6", 4) || le16(e + 20) > l->n - at - 22)
			continue;
		*z = (struct zip){ le16(e + 10), le32(e + 12), le32(e + 16), at };
		if ((z->entries == 0xffff || z->size == UINT32_MAX || z->offset == UINT32_MAX)
		    && at >= 20 && has(l, at - 20, "PK\6\7", 4)) {	/* ZIP64 */
			uint64_t e64 = le64(l->p + at - 20 + 8);
			if (e64 > l->n || l->n - e64 < 56 || memcmp(l->p + e64, "PK\6\6", 4))
				return false;
			e = l->p + e64;
			*z = (struct zip){ le64(e + 32), le64(e + 40), le64(e + 48), e64 };
		}
		return z->size <= z->end && z->offset <= z->end - z->size;
	}
	return false;
}

struct member { uint32_t flags, method, crc; uint64_t packed, real, local; };

/* Sizes that do not fit 32 bits stand in the extra field 1, in this order. */
static bool zip64_extra(const unsigned char *x, size_t n, struct member *m)
{
	uint64_t *const want[] = { &m->real, &m->packed, &m->local };

	while (n >= 4) {
		size_t len = le16(x + 2);
		if (len > n - 4)
			return false;
		if (le16(x) == 1) {
			const unsigned char *v = x + 4;
			for (int i = 0; i < 3; i++) {
				if (*want[i] != UINT32_MAX)
					continue;
				if (len < 8)
					return false;
				*want[i] = le64(v);
				v += 8;
				len -= 8;
			}
			return true;
		}
		x += 4 + len;
		n -= 4 + len;
	}
	return true;
}

static const char *look_member(struct look *l, const struct zip *z, const struct member *m)
{
	uint64_t made;
	uint32_t crc;
	size_t used;

	if (m->flags & (1 | 1 << 6 | 1 << 13))
		return found(l, ENCRYPTED, "ZIP member");
	if (m->real > l->o->max_member_bytes)
		return found(l, TOO_BIG, "ZIP member");
	if (m->method != 0 && m->method != 6 && m->method != 8 && m->method != 9 && m->method != 12)
		return found(l, UNSUPPORTED, "ZIP method");	/* what libclamav 1.4 unpacks */
	if (!has(l, m->local, "PK\3\4", 4) || l->n - m->local < 30)
		return found(l, CORRUPT, "ZIP local header");
	uint64_t data = m->local + 30 + le16(l->p + m->local + 26) + le16(l->p + m->local + 28);
	if (le16(l->p + m->local + 6) & 1)
		return found(l, ENCRYPTED, "ZIP local header");
	if (le16(l->p + m->local + 8) != m->method)
		return found(l, CORRUPT, "ZIP headers that disagree");	/* unpackers go by one or the other */
	if (data > z->offset || m->packed > z->offset - data)
		return found(l, CORRUPT, "ZIP member cut short");
	if (m->method != 8)
		return NULL;
	switch (inflate_one(l, l->p + data, m->packed, -MAX_WBITS, m->real, &used, &made, &crc)) {
	case INFLATE_BAD: return found(l, CORRUPT, "ZIP member");
	case INFLATE_LIMIT:
		return made > m->real ? found(l, CORRUPT, "ZIP member longer than it says")
			: found(l, TOO_BIG, "ZIP");
	case INFLATE_END: break;
	}
	return made == m->real && crc == m->crc ? NULL : found(l, CORRUPT, "ZIP member's checksum");
}

static const char *look_zip(struct look *l)
{
	struct zip z;
	const char *worst = NULL, *detail = NULL;

	if (!zip_end(l, &z))
		return found(l, CORRUPT, "ZIP without its directory");
	uint64_t at = z.offset, end = z.offset + z.size;
	for (uint64_t i = 0; i < z.entries; i++) {
		const unsigned char *c = l->p + at;
		if (end - at < 46 || memcmp(c, "PK\1\2", 4))
			return found(l, CORRUPT, "ZIP directory");
		struct member m = { le16(c + 8), le16(c + 10), le32(c + 16),
			le32(c + 20), le32(c + 24), le32(c + 42) };
		uint64_t name = le16(c + 28), extra = le16(c + 30), comment = le16(c + 32);
		if (end - at < 46 + name + extra + comment
		    || !zip64_extra(c + 46 + name, extra, &m))
			return found(l, CORRUPT, "ZIP directory");
		const char *why = look_member(l, &z, &m);
		if (why == ENCRYPTED)
			return why;
		if (why && !worst) {	/* an encrypted one further on would matter more */
			worst = why;
			detail = l->detail;
		}
		at += 46 + name + extra + comment;
	}
	return worst ? found(l, worst, detail) : NULL;
}

/* ---- by the first bytes ---- */

static const struct { unsigned at, n; const char *magic, *what; } unsupported[] = {
	{ 7, 7, "**ACE**", "ACE" }, { 0, 4, "\x28\xb5\x2f\xfd", "Zstandard" },
	{ 0, 4, "\x04\x22\x4d\x18", "LZ4" }, { 0, 4, "LZIP", "lzip" }, { 0, 4, "LRZI", "lrzip" },
	{ 20, 4, "\xdc\xa7\xc4\xfd", "ZOO" }, { 0, 4, "SIT!", "StuffIt" },
	{ 0, 7, "StuffIt", "StuffIt" }, { 0, 4, "7kSt", "ZPAQ" }, { 0, 3, "zPQ", "ZPAQ" },
	{ 0, 4, "ALZ\x01", "ALZ" }, { 0, 3, "UHA", "UHARC" }, { 0, 2, "\x1f\x9d", "compress" },
	{ 0, 8, "vhdxfile", "VHDX" }, { 0, 8, "conectix", "VHD" }, { 0, 4, "QFI\xfb", "QCOW" },
	{ 0, 8, "MSWIM\0\0\0", "WIM" }, { 0, 4, "hsqs", "squashfs" }, { 0, 4, "KDMV", "VMDK" },
	{ 0, 10, "\xff\x06\x00\x00sNaPpY", "Snappy" },
};

static bool is_rar(const struct look *l, uint64_t at)
{
	return has(l, at, "Rar!\x1a\x07", 6) || (at == 0 && has(l, 0, "RE~^", 4));
}

/* The OIDs of CMS (RFC 5652): envelopedData and authEnvelopedData near the front of DER. */
static bool is_cms_enveloped(const struct look *l)
{
	static const char oid[2][11] = { "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03",
		"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10" };

	for (size_t at = 2; l->n > 32 && l->p[0] == 0x30 && at < 12; at++)
		if (has(l, at, oid[0], 11) || (has(l, at, oid[1], 11) && has(l, at + 11, "\x01\x17", 2)))
			return true;
	return false;
}

static bool is_pgp_message(const struct look *l)
{
	size_t at = 0;

	while (at < l->n && at < 1024 && strchr(" \t\r\n", l->p[at]) && l->p[at])
		at++;
	return has(l, at, "-----BEGIN PGP MESSAGE-----", 27);
}

static const char *look_encrypted(struct look *l)
{
	static const char package[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";

	if (is_pgp_message(l))
		return found(l, ENCRYPTED, "OpenPGP message");
	if (is_cms_enveloped(l))
		return found(l, ENCRYPTED, "CMS message");
	if (has(l, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8)	/* MS-OFFCRYPTO 2.3 */
	    && memmem(l->p, l->n, package, sizeof package))
		return found(l, ENCRYPTED, "Office document");
	return NULL;
}

static const char *look_cut_short(struct look *l)
{
	if (has(l, 0, "7z\xbc\xaf\x27\x1c", 6)) {
		if (l->n < 32 || le64(l->p + 12) > l->n - 32
		    || le64(l->p + 20) > l->n - 32 - le64(l->p + 12))
			return found(l, CORRUPT, "7z cut short");
	} else if (has(l, 0, "MSCF\0\0\0\0", 8)) {
		if (l->n < 36 || le32(l->p + 8) > l->n)
			return found(l, CORRUPT, "CAB cut short");
	} else if (has(l, 0, "\xfd" "7zXZ\0", 6)) {
		size_t end = l->n;
		while (end > 6 && l->p[end - 1] == 0)
			end--;
		if (end < 8 || !has(l, end - 2, "YZ", 2))
			return found(l, CORRUPT, "xz cut short");
	}
	return NULL;
}

/* bzip2 streams one after the other: libclamav 1.4 unpacks the first only. */
static bool is_bzip2_chain(const struct look *l)
{
	static const char block[] = "\x31\x41\x59\x26\x53\x59", none[] = "\x17\x72\x45\x38\x50\x90";
	const unsigned char *c = l->p + 3;

	if (l->n < 14 || !has(l, 0, "BZh", 3))
		return false;
	for (; (c = memmem(c, l->p + l->n - c, "BZh", 3)) != NULL; c += 3) {
		uint64_t at = c - l->p;

		if (at + 10 <= l->n && c[3] >= '1' && c[3] <= '9'
		    && (has(l, at + 4, block, 6) || has(l, at + 4, none, 6)))
			return true;
	}
	return false;
}

/* LZMA alone has no magic: the properties nearly everyone uses, a dictionary of 2^n or 3*2^n bytes, a size that is unknown
 * or sensible, and the first byte of the range coder (always 0). */
static bool is_lzma_alone(const struct look *l)
{
	uint32_t dict;
	uint64_t size;

	if (l->n < 18 || l->p[0] != 0x5d || l->p[13] != 0)
		return false;
	dict = le32(l->p + 1);
	size = le64(l->p + 5);
	while (dict > 3 && dict % 2 == 0)
		dict /= 2;
	return le32(l->p + 1) >= 4096 && dict <= 3 && (size == UINT64_MAX || size < (uint64_t)1 << 38);
}

static const char *look(struct look *l)
{
	for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
		if (has(l, unsupported[i].at, unsupported[i].magic, unsupported[i].n))
			return found(l, UNSUPPORTED, unsupported[i].what);
	if (!l->o->rar && is_rar(l, 0))
		return found(l, UNSUPPORTED, "RAR");
	if (!l->o->rar && has(l, 0, "MZ", 2)) {
		const unsigned char *r = memmem(l->p, l->n, "Rar!\x1a\x07", 6);
		if (r && r - l->p + 8 <= (ptrdiff_t)l->n && (r[6] == 0 || (r[6] == 1 && r[7] == 0)))
			return found(l, UNSUPPORTED, "self-extracting RAR");
	}
	if (has(l, 0, "PK\3\4", 4) || has(l, 0, "PK\5\6", 4) || has(l, 0, "PK00PK", 6))
		return look_zip(l);
	if (has(l, 0, "\x1f\x8b", 2))
		return look_gzip(l);
	if (is_bzip2_chain(l))
		return found(l, UNSUPPORTED, "bzip2 of several streams");
	if (is_lzma_alone(l))
		return found(l, UNSUPPORTED, "LZMA");
	const char *why = look_cut_short(l);
	return why ? why : look_encrypted(l);
}

const char *archive_look(const void *p, size_t n, const struct archive_opts *o, const char **detail)
{
	struct look l = { p, n, o, o->max_inflate_bytes, NULL };
	const char *why = look(&l);

	if (detail)
		*detail = l.detail;
	return why;
}
