/*
 * when.c - see when.h.
 */
#include "when.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "date.h"

static bool digits(const char *p, int n)
{
	while (n-- > 0)
		if (*p < '0' || *p++ > '9')
			return false;
	return true;
}

/* N and a unit; at most 9 digits, so that nothing overflows. */
static bool ago(const char *text, int64_t now, int64_t *out)
{
	static const struct { const char *name; int64_t seconds; } units[] = {
		{ "min", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 }, { "y", 365 * 86400 },
	};
	size_t n = strspn(text, "0123456789");
	int64_t count = 0;

	if (n == 0 || n > 9)
		return false;
	for (size_t i = 0; i < n; i++)
		count = 10 * count + (text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(text + n, units[i].name) == 0) {
			*out = now - count * units[i].seconds;
			return true;
		}
	return false;
}

enum status when_parse(const char *text, int64_t now, int64_t *out)
{
	char full[64];
	int64_t t;
	int zone;
	bool known;
	size_t len = strlen(text);

	if (!ago(text, now, &t)) {
		bool day = len >= 10 && digits(text, 4) && text[4] == '-' && digits(text + 5, 2)
			&& text[7] == '-' && digits(text + 8, 2);

		if (!day || (len > 10 && text[10] != 'T' && text[10] != 't') || len > 40)
			goto bad;
		snprintf(full, sizeof(full), "%s%s", text, len == 10 ? "T00:00:00Z" : "");
		if (date_parse(full, strlen(full), &t, &zone, &known) != ST_OK)
			goto bad;
	}
	*out = t == 0 ? 1 : t;
	return ST_OK;
bad:
	return st_fail(ST_BAD, "%s is no date (2026-11-20, 2026-11-20T09:15:00Z, or 7d, 12h, 30min, 2w, 1y ago)", text);
}
