/* canary.c - see canary.h. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <zlib.h>

#include "canary.h"
#include "digest.h"
#include "file.h"

#define CANARY_BYTES 32
#define ELF "\177ELF"

static void le(struct buf *b, uint32_t v, int bytes)
{
	while (bytes--) {
		buf_chr(b, (char)(v & 0xff));
		v >>= 8;
	}
}

/* What a member's local header and its directory entry have in common (APPNOTE 4.3.7, 4.3.12). */
static void zip_common(struct buf *b, uint32_t crc, size_t n)
{
	le(b, 10, 2);		/* version needed; no flags, stored, no time */
	le(b, 0, 2);
	le(b, 0, 2);
	le(b, 0x21 << 16, 4);
	le(b, crc, 4);
	le(b, (uint32_t)n, 4);
	le(b, (uint32_t)n, 4);
	le(b, 6, 2);		/* name, extra */
	le(b, 0, 2);
}

static void zip_stored(struct buf *b, const void *p, size_t n)
{
	uint32_t crc = (uint32_t)crc32(0, p, (uInt)n);

	buf_add(b, "PK\3\4", 4);
	zip_common(b, crc, n);
	buf_str(b, "canary");
	buf_add(b, p, n);
	uint32_t directory = (uint32_t)b->len;
	buf_add(b, "PK\1\2", 4);
	le(b, 10, 2);
	zip_common(b, crc, n);
	le(b, 0, 2);		/* comment, disk, attributes, offset */
	le(b, 0, 4);
	le(b, 0, 4);
	le(b, 0, 4);
	buf_str(b, "canary");
	uint32_t size = (uint32_t)b->len - directory;
	buf_add(b, "PK\5\6", 4);
	le(b, 0, 4);
	le(b, 1 | 1 << 16, 4);
	le(b, size, 4);
	le(b, directory, 4);
	le(b, 0, 2);
}

static void base64(struct buf *b, const unsigned char *p, size_t n)
{
	char line[80];

	for (; n; p += n < 54 ? n : 54, n -= n < 54 ? n : 54) {
		EVP_EncodeBlock((unsigned char *)line, p, n < 54 ? (int)n : 54);
		buf_str(b, line);
		buf_str(b, "\r\n");
	}
}

static enum status wrap(const void *p, size_t n, struct buf *mail)
{
	struct buf zip = {0};

	zip_stored(&zip, p, n);
	buf_str(mail, "Received: from canary\r\nFrom: canary@weir.invalid\r\n"
		"Subject: canary\r\nMIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed; boundary=\"canary\"\r\n\r\n"
		"--canary\r\nContent-Type: application/zip; name=\"canary.zip\"\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment; filename=\"canary.zip\"\r\n\r\n");
	if (buf_ok(&zip))
		base64(mail, (unsigned char *)zip.p, zip.len);
	buf_str(mail, "\r\n--canary--\r\n");
	bool ok = buf_ok(&zip) && buf_ok(mail);
	buf_free(&zip);
	return ok ? ST_OK : st_fail(ST_NOMEM, "no memory for the canary");
}

enum status canary_make(struct buf *mail, struct buf *signature)
{
	uint8_t member[sizeof ELF - 1 + CANARY_BYTES] = ELF, *secret = member + sizeof ELF - 1;
	char hex[2 * CANARY_BYTES + 1];

	if (getrandom(secret, CANARY_BYTES, 0) != CANARY_BYTES)
		return st_fail_errno("random bytes for the canary");
	hex_of(secret, CANARY_BYTES, hex);
	buf_clear(mail);
	/* 6: in ELF files only. A signature for all files would be looked for in every byte of every message. */
	buf_fmt(signature, "Weir.Canary:6:*:%s\n", hex);
	return wrap(member, sizeof member, mail);
}

enum status canary_read(const char *path, struct buf *mail)
{
	struct buf b = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return st_fail(ST_CONFIG, "canary %s: %s", path, strerror(errno));
	enum status st = file_read_fd(fd, 0, -1, CANARY_FILE_MAX, &b);
	close(fd);
	if (st == ST_OK && b.len == 0)
		st = st_fail(ST_CONFIG, "canary %s is empty", path);
	buf_clear(mail);
	if (st == ST_OK)
		st = wrap(b.p, b.len, mail);
	buf_free(&b);
	return st;
}
