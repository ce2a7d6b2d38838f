/*
 * params.h - "text/plain; charset=x; name*0*=...": a value and its parameters.
 *
 * RFC 2045 5.1; RFC 2231 continuations, charsets and languages; RFC 2047 words in values, as everyone sends
 * them. Missing semicolons, missing end quotes and unquoted blanks are read as mail readers do.
 */
#ifndef WEIR_PARAMS_H
#define WEIR_PARAMS_H

#include <stddef.h>
#include "status.h"

#define PARAMS_MAX		64	/* parameters of one field; later ones are left out (HDR_LIMIT) */
#define PARAM_PIECES_MAX	512	/* as written, continuations counted one by one */
#define PARAM_NAME_MAX		128	/* bytes of a name */
#define PARAM_VALUE_MAX		4096	/* bytes of a value; the rest is cut off (HDR_LIMIT) */

/* name in lower case, value decoded: valid UTF-8 without CR and LF. */
struct param { char *name; char *value; };
struct value_params {
	char *value;	/* lower case, blanks and comments removed; never NULL after ST_OK */
	struct param param[PARAMS_MAX];
	size_t params;
	int bits;	/* HDR_ */
};

/* Of a parameter that comes twice the first counts, and name* before name (HDR_DUP_PARAM says
 * that there was a choice). ST_NOMEM: out is empty. The caller frees with params_free. */
enum status params_parse(const char *p, size_t n, struct value_params *out);
void params_free(struct value_params *v);
const char *params_get(const struct value_params *v, const char *name);	/* NULL: absent */

#endif
