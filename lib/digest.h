/*
 * digest.h - SHA-256 (FIPS 180-4) by OpenSSL's EVP, fetched once.
 */
#ifndef WEIR_DIGEST_H
#define WEIR_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "status.h"

#define DIGEST_BYTES 32
#define DIGEST_HEX   64

struct digest { void *ctx; };	/* zeroed: not begun */

enum status digest_begin(struct digest *d);	/* may be repeated: reuses its memory */
void digest_add(struct digest *d, const void *p, size_t n);
enum status digest_end(struct digest *d, uint8_t out[DIGEST_BYTES]);
void digest_free(struct digest *d);
enum status digest_of(const void *p, size_t n, uint8_t out[DIGEST_BYTES]);

void hex_of(const uint8_t *p, size_t n, char *out);	/* 2n lower-case digits and a NUL */
/* Exactly 2n hex digits of either case; false if s[0..len) is anything else. */
bool hex_read(const char *s, size_t len, uint8_t *out, size_t n);

#endif
