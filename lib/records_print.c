/* records_print.c - records as a zone file, JSON Lines, CSV, input of nsupdate(1), a table. See records.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "record.h"
#include "records.h"

static const char *const format_names[] = { "bind", "json", "csv", "nsupdate", "table" };

enum status records_format(const char *word, enum records_format *out)
{
	for (size_t i = 0; i < sizeof(format_names) / sizeof(*format_names); i++) {
		if (strcmp(word, format_names[i]) == 0) {
			*out = (enum records_format)i;
			return ST_OK;
		}
	}
	return st_fail(ST_BAD, "%.40s is no format: bind, json, csv, nsupdate or table", word);
}

static void pad(struct buf *out, size_t from, size_t width)
{
	for (size_t n = out->len - from; n < width; n++)
		buf_chr(out, ' ');
}

/* Owners are complete, so that the lines mean the same in whatever file they stand. */
static void print_bind(const struct rr *r, struct buf *out)
{
	size_t from = out->len;

	buf_fmt(out, "; %s\n", r->purpose);
	from = out->len;
	buf_fmt(out, "%s.", r->owner);
	pad(out, from, 39);
	buf_fmt(out, " %6u IN %-5s %s\n", (unsigned)r->ttl, rr_type_name(r->type), r->data);
}

static void print_json(const struct rr *r, const char *domain, struct buf *out)
{
	struct buf text = { 0 };

	json_open(out, NULL, '{');
	json_int(out, "weir", RECORD_VERSION);
	json_cstr(out, "type", "dns_record");
	json_cstr(out, "domain", domain);
	json_cstr(out, "owner", r->owner);
	json_int(out, "ttl", r->ttl);
	json_cstr(out, "rrtype", rr_type_name(r->type));
	json_cstr(out, "data", r->data);
	if (r->type == DNS_TXT) {
		records_text(r->data, &text);
		json_cstr(out, "text", buf_cstr(&text));
	}
	json_cstr(out, "role", rr_role_name(r->role));
	json_cstr(out, "purpose", r->purpose);
	json_close(out, '}');
	buf_chr(out, '\n');
	buf_free(&text);
}

/* RFC 4180's quoting, lines ended by LF. What registrars' forms want: the priority apart, text without its quotes. */
static void print_csv(const struct rr *r, struct buf *out)
{
	const char *data = r->data, *priority = "";
	struct buf value = { 0 };
	int n = 0;

	if (r->type == DNS_MX) {
		n = (int)strcspn(data, " ");
		priority = data;
		data += n + 1;
	}
	if (r->type == DNS_TXT)
		records_text(r->data, &value);
	else
		buf_str(&value, data);
	buf_fmt(out, "%s,%s.,%u,%.*s,\"%s\",\"%s\"\n", rr_type_name(r->type), r->owner, (unsigned)r->ttl, n, priority,
		buf_cstr(&value), r->purpose);
	buf_free(&value);
}

/* At the domain itself other TXT records may stand, which are not ours to take away. All else is replaced. */
static void print_nsupdate(const struct rr *r, struct buf *out)
{
	buf_fmt(out, "; %s\n", r->purpose);
	if (r->role == RR_SPF)	/* two are a permerror: RFC 7208 4.5 */
		buf_fmt(out, "; another one that stands there must go, or neither counts: update delete %s. TXT \"v=spf1 ...\"\n", r->owner);
	if (r->role != RR_SPF && r->role != RR_NS && r->role != RR_GLUE && r->role != RR_APEX)
		buf_fmt(out, "update delete %s. %s\n", r->owner, rr_type_name(r->type));
	buf_fmt(out, "update add %s. %u %s %s\n", r->owner, (unsigned)r->ttl, rr_type_name(r->type), r->data);
}

static void print_table(const struct records *r, struct buf *out)
{
	size_t width = 4, from;

	for (size_t i = 0; i < r->n; i++)
		if (strlen(r->rr[i].owner) > width)
			width = strlen(r->rr[i].owner);
	from = out->len;
	buf_str(out, "NAME");
	pad(out, from, width);
	buf_str(out, "     TTL  TYPE   DATA\n");
	for (size_t i = 0; i < r->n; i++) {
		from = out->len;
		buf_str(out, r->rr[i].owner);
		pad(out, from, width);
		buf_fmt(out, "  %6u  %-5s  %s\n", (unsigned)r->rr[i].ttl, rr_type_name(r->rr[i].type), r->rr[i].data);
	}
}

void records_print(const struct records *r, enum records_format f, const char *domain, const char *origin, struct buf *out)
{
	if (f == FORMAT_TABLE) {
		print_table(r, out);
		return;
	}
	if (f == FORMAT_BIND && origin != NULL)
		buf_fmt(out, "$ORIGIN %s.\n", origin);
	if (f == FORMAT_CSV)
		buf_str(out, "type,name,ttl,priority,value,purpose\n");
	for (size_t i = 0; i < r->n; i++) {
		if (f == FORMAT_BIND)
			print_bind(&r->rr[i], out);
		else if (f == FORMAT_JSON)
			print_json(&r->rr[i], domain, out);
		else if (f == FORMAT_CSV)
			print_csv(&r->rr[i], out);
		else
			print_nsupdate(&r->rr[i], out);
	}
	if (f == FORMAT_NSUPDATE)
		buf_str(out, "send\n");
}
