/* Content-Type and its parameters. */
#include "common.h"

static void check(const char *s, size_t max)
{
	assert(s && strlen(s) <= max && utf8_valid(s, strlen(s)) && !strpbrk(s, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct value_params v;

	assert(params_parse((const char *)p, n, &v) == ST_OK);
	check(v.value, 3 * PARAM_VALUE_MAX);
	assert(v.params <= PARAMS_MAX);
	for (size_t i = 0; i < v.params; i++) {
		check(v.param[i].name, 3 * PARAM_NAME_MAX);
		check(v.param[i].value, 6 * PARAM_VALUE_MAX);
		assert(params_get(&v, v.param[i].name));
	}
	params_free(&v);
	return 0;
}
