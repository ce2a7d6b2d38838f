/*
 * canary.h - something that a scanner must find, or it does not scan.
 *
 * The canary is a mail with a base64 attachment that is a ZIP with one stored member: what begins as an ELF program, and random bytes
 * made at this start, so that no message can hold them. Finding it takes the mail
 * reader, the decoder, the unpacker, the telling of types, the matcher and the temporary folder. For clamd, whose signatures are
 * not ours to add to, the member is a file of the operator's that he made a signature for.
 */
#ifndef WEIR_CANARY_H
#define WEIR_CANARY_H

#include "buf.h"
#include "status.h"

#define CANARY_FILE_MAX (64u << 10)

/* The mail, and the line of a .ndb file that finds it. */
enum status canary_make(struct buf *mail, struct buf *signature);
/* The mail around the bytes of a file. ST_CONFIG if there is none, or it is empty. */
enum status canary_read(const char *path, struct buf *mail);

#endif
