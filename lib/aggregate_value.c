/* aggregate_value.c - see aggregate.h: what a text of a report is worth. */
#include "aggregate_in.h"

#include <stdio.h>
#include <string.h>

bool aggregate_missing(const struct aggregate *a, enum field f)
{
	return !a->text[f].set || a->text[f].len == 0;
}

int64_t aggregate_number(const struct aggregate *a, enum field f, int64_t max)
{
	const struct text *t = &a->text[f];
	int64_t n = 0;

	if (aggregate_missing(a, f) || t->over || t->len > 18)
		return -1;
	for (size_t i = 0; i < t->len; i++) {
		if (t->s[i] < '0' || t->s[i] > '9')
			return -1;
		n = n * 10 + (t->s[i] - '0');
	}
	return n <= max ? n : -1;
}

int aggregate_word(struct aggregate *a, enum field f, const char *const *words)
{
	if (aggregate_missing(a, f))
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcasecmp(words[i], a->text[f].s) == 0) {
			if (strcmp(words[i], a->text[f].s) != 0)
				a->defects |= 1u << D_CASE;
			return i;
		}
	return -1;
}

void aggregate_put_text(struct aggregate *a, struct buf *b, const char *key, enum field f)
{
	if (aggregate_missing(a, f))
		return;
	if (a->text[f].over)
		a->defects |= 1u << D_CUT;
	json_str(b, key, a->text[f].s, a->text[f].len);
}

int aggregate_put_word(struct aggregate *a, struct buf *b, const char *key, enum field f, const char *const *words)
{
	int i = aggregate_word(a, f, words);

	if (i >= 0) {
		json_cstr(b, key, words[i]);
	} else if (!aggregate_missing(a, f)) {
		char said[32];

		a->defects |= 1u << D_UNKNOWN_WORD;
		json_cstr(b, key, "unknown");
		snprintf(said, sizeof said, "%s_said", key);
		aggregate_put_text(a, b, said, f);
	}
	return i;
}
