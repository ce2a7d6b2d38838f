/*
 * archive.h - a light look at a file for what a virus scanner passes over in silence.
 *
 * libclamav calls clean what it could not unpack: encrypted, truncated or damaged archives, members
 * over its size limit, formats and ZIP methods it does not know. This finds what can be found
 * without unpacking everything twice. It is no unpacker and no validator: NULL means
 * "nothing known against the scanner's word", not "sound".
 * Never reads outside p[0..n), never recurses, linear in n plus what is inflated (limit below).
 */
#ifndef WEIR_ARCHIVE_H
#define WEIR_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_opts {
	uint64_t max_member_bytes;	/* the scanner's limit for one file */
	uint64_t max_inflate_bytes;	/* what may be inflated to check it (sum of one call) */
	bool rar;			/* the scanner has an unpacker for RAR */
};

/* A word of weir-record(5) or NULL:
 * encrypted    ZIP member, OOXML in OLE2, OpenPGP or CMS message: nothing but its reader can look
 * unsupported  RAR (also in an .exe), ACE, zstd, lz4, lzip, LZMA alone...; bzip2 of several streams;
 *              a ZIP method the scanner lacks
 * too_big      a ZIP member or gzip larger than max_member_bytes
 * corrupt      ZIP or gzip whose structure, sizes or checksums do not hold; 7z, CAB, xz cut short
 * Cannot tell: damage inside bzip2, xz, 7z, CAB, ARJ, LHA; a ZIP or RAR after other
 * bytes in anything but an .exe. detail (may be NULL) gets a constant for people. */
const char *archive_look(const void *p, size_t n, const struct archive_opts *o, const char **detail);

#endif
