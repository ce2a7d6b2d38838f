/*
 * Header fields with the results that other projects expect: suites/mime/{address,content_type,date,id,
 * received,unstructured}.json. Prints a line for each case that differs: "file index", tab, the field, ours, theirs. The
 * bats file holds these against tests/suite-differences.md.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

typedef struct json_object *J;

static J get(J o, const char *key)
{
	J v = NULL;

	return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static const char *str(J o, const char *key)
{
	J v = get(o, key);

	return v ? json_object_get_string(v) : NULL;
}

/* The suite's fields go on behind their end: a line that no blank continues. */
static size_t field_end(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\n' && (i + 1 == n || (p[i + 1] != ' ' && p[i + 1] != '\t')))
			return i + 1;
	return n;
}

/* One mailbox; theirs with the domain in lower case, which is our form (RFC 5321 2.3.11). */
static void add_mailbox(struct buf *b, J m)
{
	const char *name = str(m, "name"), *address = str(m, "address");
	const char *at = address ? strrchr(address, '@') : NULL;

	buf_fmt(b, "%s<", name ? name : "");
	for (const char *p = address; p && *p; p++)
		buf_chr(b, at && p > at && *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p);
	buf_str(b, ">,");
}

static void add_mailboxes(struct buf *b, J list)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		add_mailbox(b, json_object_array_get_idx(list, i));
}

static void address(const char *p, size_t n, J want, struct buf *ours, struct buf *theirs)
{
	struct buf json = { 0 };
	J list, groups = get(want, "Group");

	buf_chr(&json, '[');
	addresses_json(p, n, &json);
	buf_chr(&json, ']');
	list = json_tokener_parse(json.p);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		J m = json_object_array_get_idx(list, i);

		if (str(m, "group")) {
			buf_fmt(ours, "%s:", str(m, "group"));
			add_mailboxes(ours, get(m, "members"));
			buf_chr(ours, ';');
		} else {
			add_mailbox(ours, m);
		}
	}
	add_mailboxes(theirs, get(want, "List"));
	for (size_t i = 0; groups && i < json_object_array_length(groups); i++) {
		J g = json_object_array_get_idx(groups, i);

		if (str(g, "name"))
			buf_fmt(theirs, "%s:", str(g, "name"));
		add_mailboxes(theirs, get(g, "addresses"));
		if (str(g, "name"))
			buf_chr(theirs, ';');
	}
	json_object_put(list);
	buf_free(&json);
}

static void add_sorted(struct buf *b, char *lines[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t least = i;

		for (size_t j = i + 1; j < n; j++)
			if (strcmp(lines[j], lines[least]) < 0)
				least = j;
		buf_fmt(b, "; %s", lines[least]);
		free(lines[least]);
		lines[least] = lines[i];
	}
}

static char *join(const char *a, const char *b)
{
	char *s = NULL;

	return asprintf(&s, "%s=%s", a, b) < 0 ? NULL : s;
}

/* theirs: the type is null if there is none; languages are attributes of their own. */
static void content_type(const char *p, size_t n, J want, struct buf *ours, struct buf *theirs)
{
	struct value_params v;
	char *lines[2 * PARAMS_MAX];
	J attrs = want ? get(want, "attributes") : NULL;
	size_t k = 0;

	if (params_parse(p, n, &v) != ST_OK)
		abort();
	if (v.value[0] && v.value[0] != '/') {
		size_t len = strlen(v.value);

		buf_add(ours, v.value, v.value[len - 1] == '/' ? len - 1 : len);
		for (k = 0; k < v.params; k++)
			lines[k] = join(v.param[k].name, v.param[k].value);
		add_sorted(ours, lines, k);
	}
	params_free(&v);
	if (!want)
		return;
	for (const char *s = str(want, "c_type"); *s; s++)
		buf_chr(theirs, *s >= 'A' && *s <= 'Z' ? (char)(*s | 0x20) : *s);
	if (str(want, "c_subtype"))
		buf_fmt(theirs, "/%s", str(want, "c_subtype"));
	k = 0;
	for (size_t i = 0; attrs && i < json_object_array_length(attrs); i++) {
		J a = json_object_array_get_idx(attrs, i);
		const char *name = json_object_get_string(json_object_array_get_idx(a, 0));

		if (!strstr(name, "-language"))
			lines[k++] = join(name, json_object_get_string(json_object_array_get_idx(a, 1)));
	}
	add_sorted(theirs, lines, k);
}

static void date(const char *p, size_t n, J want, struct buf *ours, struct buf *theirs)
{
	int64_t t;
	int zone;
	bool known;
	char text[32];

	if (date_parse(p, n, &t, &zone, &known) == ST_OK) {
		date_rfc3339(t + zone * 60, text);
		text[19] = '\0';
		buf_fmt(ours, "%s%+05d", text, zone / 60 * 100 + zone % 60);
	}
	if (!want)
		return;
	zone = json_object_get_int(get(want, "tz_hour")) * 100 + json_object_get_int(get(want, "tz_minute"));
	if (json_object_get_boolean(get(want, "tz_before_gmt")))
		zone = -zone;
	buf_fmt(theirs, "%04d-%02d-%02dT%02d:%02d:%02d%+05d", json_object_get_int(get(want, "year")),
		json_object_get_int(get(want, "month")), json_object_get_int(get(want, "day")),
		json_object_get_int(get(want, "hour")), json_object_get_int(get(want, "minute")),
		json_object_get_int(get(want, "second")), zone);
}

/* Only the date, behind the last ';'. */
static void received(const char *p, size_t n, J want, struct buf *ours, struct buf *theirs)
{
	const char *semi = memrchr(p, ';', n);
	J d = want ? get(want, "date") : NULL;

	if (semi)
		date(semi + 1, (size_t)(p + n - semi - 1), d, ours, theirs);
	else
		date(p, 0, d, ours, theirs);
}

static void id(const char *p, size_t n, J want, struct buf *ours, struct buf *theirs)
{
	struct buf json = { 0 };
	J list;

	buf_chr(&json, '[');
	ids_json(p, n, &json);
	buf_chr(&json, ']');
	list = json_tokener_parse(json.p);
	buf_str(ours, json_object_to_json_string(list));
	buf_str(theirs, want ? json_object_to_json_string(want) : "[ ]");
	json_object_put(list);
	buf_free(&json);
}

static void unstructured(const char *p, size_t n, J want, struct buf *ours, struct buf *theirs)
{
	header_text(p, n, ours);
	buf_str(theirs, want ? json_object_get_string(want) : "");
}

static const struct { const char *name; void (*fn)(const char *, size_t, J, struct buf *, struct buf *); } kinds[] = {
	{ "address", address }, { "content_type", content_type }, { "date", date },
	{ "id", id }, { "received", received }, { "unstructured", unstructured },
};

int main(int argc, char **argv)
{
	size_t cases = 0;

	for (size_t k = 0; argc == 2 && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		char path[4096];
		J all;

		snprintf(path, sizeof(path), "%s/mime/%s.json", argv[1], kinds[k].name);
		all = json_object_from_file(path);
		if (!all) {
			fprintf(stderr, "%s: cannot read\n", path);
			return 1;
		}
		for (size_t i = 0; i < json_object_array_length(all); i++) {
			J c = json_object_array_get_idx(all, i), field = get(c, "header");
			const char *p = json_object_get_string(field);
			struct buf ours = { 0 }, theirs = { 0 };

			kinds[k].fn(p, field_end(p, (size_t)json_object_get_string_len(field)),
				get(c, "expected"), &ours, &theirs);
			if (strcmp(buf_cstr(&ours), buf_cstr(&theirs)) != 0)
				printf("%s %zu\t%s\n\tours:   [%s]\n\ttheirs: [%s]\n", kinds[k].name, i,
					json_object_to_json_string(field), buf_cstr(&ours), buf_cstr(&theirs));
			cases++;
			buf_free(&ours);
			buf_free(&theirs);
		}
		json_object_put(all);
	}
	fprintf(stderr, "%zu cases\n", cases);
	return cases == 0;
}
