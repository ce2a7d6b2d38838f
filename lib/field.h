/*
 * field.h - the fields of a header block as they stand in the bytes.
 *
 * Nothing is lost: a line that is no field (no colon, blanks in the name) is given, too, with name_len
 * 0. Offsets are into the bytes given. A header block ends at the first empty line (RFC 5322 2.1); a line of blanks
 * only goes on the field before it (4.2, obs-FWS), as GMime has it. Line ends are LF or CRLF; a bare CR is none.
 */
#ifndef WEIR_FIELD_H
#define WEIR_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include "json.h"

struct field {
	size_t begin, end;		/* the whole field with its last line end */
	size_t name_len;		/* at begin; without blanks before the colon. 0: not a field */
	size_t value, value_end;	/* after the colon; without the last line end */
	bool blank_before_colon;
};

/* The field at *pos; moves *pos behind it. False at the end of the block: *pos is then behind the
 * empty line (the body's begin), or at end if there was none. */
bool field_next(const char *p, size_t end, size_t *pos, struct field *out);
/* Whether the field's name is that, in any case. */
bool field_is(const char *p, const struct field *f, const char *name);
/* The nth (0: first) field of that name in the block at begin. */
bool field_find(const char *p, size_t begin, size_t end, const char *name, int nth,
	struct field *out);
/* Where the header block of a message file begins: behind a UTF-8 BOM and one "From " line. */
size_t header_begin(const char *p, size_t len);
/* The length of the line at pos without and with its line end. */
size_t line_len(const char *p, size_t end, size_t pos, size_t *next_out);

#endif
