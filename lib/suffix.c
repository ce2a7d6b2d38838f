/* suffix.c - see suffix.h */
#include <libpsl.h>
#include <string.h>
#include "suffix.h"

static enum status list(const psl_ctx_t **out)
{
	static psl_ctx_t *loaded;	/* for as long as the program runs */

	if (loaded == NULL)
		loaded = psl_latest(NULL);
	*out = loaded;
	return loaded != NULL ? ST_OK :
		st_fail(ST_SERVICE, "the list of public suffixes cannot be read (Debian's package publicsuffix has one)");
}

enum status suffix_open(void)
{
	const psl_ctx_t *unused;

	return list(&unused);
}

enum status suffix_check(const char *name)
{
	const psl_ctx_t *psl;
	enum status st = list(&psl);

	if (st == ST_OK && psl_is_public_suffix(psl, name))
		st = st_fail(ST_BAD, "%s is a public suffix: others have domains below it, so no one tenant can have it", name);
	return st;
}

enum status suffix_same(const char *a, const char *b, bool *out)
{
	const psl_ctx_t *psl;
	const char *oa, *ob;
	enum status st = list(&psl);

	if (st != ST_OK)
		return st;
	oa = psl_registrable_domain(psl, a);
	ob = psl_registrable_domain(psl, b);
	*out = oa != NULL && ob != NULL && strcmp(oa, ob) == 0;
	return ST_OK;
}
