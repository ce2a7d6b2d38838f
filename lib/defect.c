/* defect.c - the words, see defect.h. Sorted by topic; weir-record(5) has the same table. */
#include <string.h>

#include "defect.h"

const struct defect_word DEFECTS[] = {
	/* the message as a whole */
	{ "empty_message", "there is nothing but blank lines", NULL, 0 },
	{ "no_header", "the first line is no header field: all of it is taken for text", NULL, 1 },
	{ "no_header_end", "no empty line ends the header", NULL, 0 },
	{ "header_too_big", "the header block is over the limit: the rest of it is taken for text", NULL, 1 },
	{ "too_many_fields", "more header fields than the limit: the rest is not listed", NULL, 0 },
	{ "field_too_big", "a Content-* field is over the limit and was cut", NULL, 1 },
	{ "malformed_field", "lines in the header that are no fields", NULL, 0 },
	{ "blank_before_colon", "a field's name is followed by a blank before its colon", NULL, 1 },
	{ "byte_order_mark", "the file begins with a UTF-8 byte order mark", NULL, 0 },
	{ "nul_byte", "NUL bytes", NULL, 1 },
	{ "bare_cr", "CR that is not part of a line end", NULL, 0 },
	{ "bare_cr_structure", "read with CR as line end the message has other parts", NULL, 1 },
	{ "long_line", "a line is longer than the limit", NULL, 0 },
	{ "no_mime_version", "Content-* fields without MIME-Version", NULL, 0 },
	/* header fields */
	{ "duplicate_field", "a field that should be there once is there again", NULL, 0 },
	{ "duplicate_content_type", "several Content-Type fields: the first counts", NULL, 1 },
	{ "duplicate_encoding", "several Content-Transfer-Encoding fields: the first counts", NULL, 1 },
	{ "duplicate_parameter", "a parameter is there twice", NULL, 1 },
	{ "too_many_params", "more parameters than the limit", NULL, 1 },
	{ "bad_content_type", "Content-Type cannot be read: taken for application/octet-stream", NULL, 1 },
	{ "odd_encoding", "Content-Transfer-Encoding is not written as RFC 2045 has it", NULL, 1 },
	{ "unknown_encoding", "Content-Transfer-Encoding that we do not know", NULL, 1 },
	{ "raw_8bit_header", "unencoded non-ASCII bytes: the charset was guessed", NULL, 0 },
	{ "bad_encoded_word", "an encoded word that does not decode: left as written", NULL, 0 },
	{ "unknown_charset", "a charset we do not know: guessed", NULL, 0 },
	{ "bad_text", "bytes that are not in the charset they claim", NULL, 0 },
	{ "header_limit", "a field was cut at a limit", NULL, 0 },
	{ "bad_address", "an address that cannot be read", NULL, 0 },
	{ "nested_group", "an address group within a group", NULL, 0 },
	{ "bad_date", "the Date cannot be read", NULL, 0 },
	{ "control_in_header", "control characters in a field", NULL, 0 },
	/* structure */
	{ "no_boundary", "a multipart without a boundary parameter", NULL, 1 },
	{ "boundary_missing", "the boundary never occurs", NULL, 1 },
	{ "unterminated_multipart", "the closing boundary is missing", NULL, 0 },
	{ "boundary_lookalike", "a line begins with a boundary and goes on", NULL, 1 },
	{ "header_in_body", "header and body are not where they seem to be", NULL, 1 },
	{ "prologue", "text before the first part of a multipart", NULL, 0 },
	{ "epilogue", "text after the last part of a multipart", NULL, 0 },
	{ "unclaimed", "bytes that are in no part", NULL, 1 },
	{ "other_reading", "the same bytes can be read in another way", NULL, 1 },
	{ "partial_message", "a fragment (message/partial): its content cannot be told", "unsupported", 1 },
	{ "encoded_message", "an enclosed message is itself base64 or quoted-printable", NULL, 0 },
	/* content */
	{ "base64_padding_inside", "base64 goes on after its padding", NULL, 1 },
	{ "base64_junk", "bytes in base64 that do not belong there", NULL, 1 },
	{ "soft_break_cr", "quoted-printable: '=' before a lone CR: readers differ in what follows", "corrupt", 1 },
	{ "base64_truncated", "base64 ends within a group", NULL, 0 },
	{ "uuencode", "a uuencoded file in the text", NULL, 0 },
	{ "yenc", "a yEnc file in the text: it is not decoded", "unsupported", 1 },
	{ "uuencode_truncated", "a uuencoded file without its end", NULL, 0 },
	/* limits: not everything is in parts */
	{ "too_deep", "nested deeper than the limit", "too_deep", 1 },
	{ "too_many_parts", "more parts than the limit: the rest is one unclaimed part", "too_many", 1 },
	{ "too_many_readings", "more other readings than the limit", "too_many", 1 },
	{ "too_big_decoded", "enclosed messages are too big to be decoded", "too_big", 1 },
	{ "too_many_defects", "the list of defects is cut", "too_many", 1 },
	{ "text_too_big", "the record would be too long: text, html or headers are left out", NULL, 0 },
};
const size_t DEFECTS_COUNT = sizeof(DEFECTS) / sizeof(*DEFECTS);

const struct defect_word *defect_find(const char *name, size_t len)
{
	for (size_t i = 0; i < DEFECTS_COUNT; i++)
		if (strlen(DEFECTS[i].name) == len && memcmp(DEFECTS[i].name, name, len) == 0)
			return &DEFECTS[i];
	return NULL;
}
