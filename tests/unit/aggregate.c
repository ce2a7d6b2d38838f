/* aggregate: what counts in a DMARC report, what is refused, limits at, below and above. */
#include <stdlib.h>

#include "check.h"
#include "aggregate.h"
#include "json.h"

static struct buf doc, out;

#define NS " xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\""
#define META "<report_metadata><org_name>Fernpost</org_name><email>d@fernpost.example</email><report_id>r-1</report_id>" \
	"<date_range><begin>1794873600</begin><end>1794959999</end></date_range></report_metadata>"
#define POLICY "<policy_published><domain>acme.example</domain><p>none</p></policy_published>"
#define ROW(ip, count, from) "<record><row><source_ip>" ip "</source_ip><count>" count "</count><policy_evaluated>" \
	"<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>" from \
	"</header_from></identifiers><auth_results></auth_results></record>"
#define ONE ROW("192.0.2.1", "3", "acme.example")

static enum status read_text(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	enum status st;

	memcpy(copy, p, n);
	buf_clear(&out);
	st = aggregate_read(copy, n, NULL, &out);
	free(copy);
	CHECK(st == ST_OK || out.len == 0);
	return st;
}

static enum status report(const char *meta, const char *policy, const char *records)
{
	buf_clear(&doc);
	buf_fmt(&doc, "<feedback>%s%s%s</feedback>", meta, policy, records);
	return read_text(doc.p, doc.len);
}

static struct span get(const char *path)
{
	return json_get((struct span){ out.p, out.len }, path);
}

static struct span row(int n)
{
	struct span it = get("rows"), e = { 0 };

	while (n-- >= 0)
		if (!json_elem(&it, &e))
			return (struct span){ 0 };
	return e;
}

static int64_t number(struct span v)
{
	int64_t n = -1;

	json_get_int(v, &n);
	return n;
}

static bool defect(const char *name)
{
	struct span it = get("defects"), e;

	while (json_elem(&it, &e))
		if (json_is(e, name))
			return true;
	return false;
}

static bool says(const char *what)
{
	if (strstr(st_text(), what))
		return true;
	printf("said: %s\n", st_text());
	return false;
}

static void rows_add_up(void)
{
	char first[33];

	CHECK(report(META, POLICY, ONE ROW("192.0.2.1", "4", "acme.example") ROW("2001:DB8::1", "2", "Sub.ACME.example")) == ST_OK);
	CHECK(number(get("messages")) == 9 && number(get("passed")) == 9 && number(get("failed")) == 0);
	CHECK(number(json_get(row(0), "count")) == 7 && json_is(json_get(row(0), "source_ip"), "192.0.2.1"));
	CHECK(json_is(json_get(row(1), "source_ip"), "2001:db8::1") && json_is(json_get(row(1), "header_from"), "sub.acme.example"));
	CHECK(!row(2).p && !get("bad").p && !get("defects").p && json_is(get("form"), "rfc7489"));
	snprintf(first, sizeof first, "%.32s", get("key").p + 1);
	buf_clear(&doc);	/* the same rows in another order: the same entity but for its form */
	buf_str(&doc, "<f:feedback xmlns:f=\"urn:ietf:params:xml:ns:dmarc-2.0\">");
	buf_str(&doc, "</f:feedback>");
	CHECK(read_text(doc.p, doc.len) == ST_BAD);
	CHECK(report(META, POLICY, ROW("2001:db8:0::1", "2", "sub.acme.example") ROW("192.0.2.1", "7", "acme.example")) == ST_OK);
	CHECK(memcmp(first, get("key").p + 1, 32) == 0 && number(json_get(row(0), "count")) == 7);
	CHECK(report(META, POLICY, ROW("::ffff:192.0.2.1", "7", "acme.example")) == ST_OK);
	CHECK(json_is(json_get(row(0), "source_ip"), "192.0.2.1"));
}

static void bad_records_are_named_and_the_rest_kept(void)
{
	static const struct { const char *record, *why; } bad[] = {
		{ ROW("192.0.2", "1", "acme.example"), "source_ip" }, { ROW("", "1", "acme.example"), "source_ip" },
		{ ROW("192.0.2.1\n192.0.2.2", "1", "acme.example"), "source_ip" }, { ROW("fe80::1%eth0", "1", "acme.example"), "source_ip" },
		{ ROW("192.0.2.1", "0", "acme.example"), "count" }, { ROW("192.0.2.1", "-1", "acme.example"), "count" },
		{ ROW("192.0.2.1", "1000000001", "acme.example"), "count" }, { ROW("192.0.2.1", "1e3", "acme.example"), "count" },
		{ ROW("192.0.2.1", "99999999999999999999", "acme.example"), "count" }, { ROW("192.0.2.1", "", "acme.example"), "count" },
		{ ROW("192.0.2.1", "1", ""), "header_from" }, { ROW("192.0.2.1", "1", "a b"), "header_from" },
		{ "<record><row><source_ip>192.0.2.1</source_ip><source_ip>192.0.2.2</source_ip><count>1</count></row></record>", "two of source_ip" },
		{ "<record><row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated><disposition>deleted</disposition>"
		  "</policy_evaluated></row><identifiers><header_from>acme.example</header_from></identifiers></record>", "disposition" },
		{ "<record><row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated><dkim>maybe</dkim></policy_evaluated>"
		  "</row><identifiers><header_from>acme.example</header_from></identifiers></record>", "policy_evaluated" },
		{ "<record/>", "source_ip" },
	};
	struct buf two = { 0 };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK(report(META, POLICY, bad[i].record) == ST_BAD && says(bad[i].why));
		buf_clear(&two);
		buf_fmt(&two, "%s%s", bad[i].record, ONE);
		CHECK(report(META, POLICY, two.p) == ST_OK && number(get("messages")) == 3 && number(get("bad.records")) == 1);
		CHECK(get("bad.first").p && memmem(get("bad.first").p, get("bad.first").len, bad[i].why, strlen(bad[i].why)));
	}
	CHECK(report(META, POLICY, ROW("192.0.2.1", "1000000000", "acme.example")) == ST_OK && number(get("messages")) == 1000000000);
	/* the record before lends nothing to the next one */
	CHECK(report(META, POLICY, ONE "<record><row><count>5</count></row></record>") == ST_OK && number(get("messages")) == 3);
	buf_free(&two);
}

static void heads_are_checked(void)
{
	static const struct { const char *meta, *policy, *why; } bad[] = {
		{ "", POLICY, "org_name" }, { META, "", "domain" }, { META META, POLICY, NULL },
		{ META "<report_metadata><report_id>r-2</report_id></report_metadata>", POLICY, "two of report_id" },
		{ META, POLICY "<policy_published><domain>globex.example</domain></policy_published>", "two of policy_published domain" },
		{ "<report_metadata><org_name>x</org_name><date_range><begin>1</begin><end>2</end></date_range></report_metadata>", POLICY, "report_id" },
		{ "<report_metadata><org_name>x</org_name><report_id>1</report_id></report_metadata>", POLICY, "date_range" },
		{ "<report_metadata><org_name>x</org_name><report_id>1</report_id><date_range><begin>3</begin><end>2</end></date_range></report_metadata>",
		  POLICY, "date_range" },
		{ "<report_metadata><org_name>x</org_name><report_id>1</report_id><date_range><begin>1</begin><end>253402300800</end></date_range>"
		  "</report_metadata>", POLICY, "date_range" },
		{ META, "<policy_published><domain>not a domain</domain></policy_published>", "domain" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(report(bad[i].meta, bad[i].policy, ONE) == (bad[i].why ? ST_BAD : ST_OK) && (!bad[i].why || says(bad[i].why)));
	CHECK(report(META, POLICY, "") == ST_BAD && says("no record"));
	CHECK(report("<report_metadata><org_name/><email>x@y.example</email><report_id>1</report_id><date_range><begin>1</begin><end>1</end>"
		"</date_range></report_metadata>", POLICY, ONE) == ST_OK && json_is(get("org"), "y.example") && defect("no_org_name"));
}

static void what_is_no_report(void)
{
	static const char *const bad[] = { "", "x", "<feedback>", "<feedback/>", "<html></html>", "<feedback><record></feedback>",
		"<!DOCTYPE feedback><feedback>" META POLICY ONE "</feedback>",
		"<!DOCTYPE f [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><feedback>" META POLICY ONE "&b;</feedback>",
		"<feedback>" META POLICY ONE "&undefined;</feedback>", "<feedback>" META POLICY ONE "&#27;</feedback>",
		"<?xml version=\"1.0\" encoding=\"x-none-such\"?><feedback>" META POLICY ONE "</feedback>",
		"<?xml version=\"1.0\" encoding=\"UTF-7\"?><feedback>" META POLICY ONE "</feedback>",
		"<p:feedback>" META POLICY ONE "</p:feedback>" };
	static const char nul[] = "<feedback>" META POLICY "<x>\0</x>" ONE "</feedback>";

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(read_text(bad[i], strlen(bad[i])) == ST_BAD);
	CHECK(read_text(nul, sizeof nul - 1) == ST_BAD);
}

static void only_its_namespace_counts(void)
{
	static const char own[] = "<feedback" NS " xmlns:e=\"urn:e\">" META POLICY ONE "<e:record><e:row/></e:record><e:x><record/></e:x></feedback>";
	static const char prefixed[] = "<d:feedback xmlns:d=\"urn:ietf:params:xml:ns:dmarc-2.0\"><record/></d:feedback>";
	static const char wrapped[] = "<s:schema xmlns:s=\"urn:s\"><feedback>" META POLICY ONE "</feedback>";

	CHECK(read_text(own, sizeof own - 1) == ST_OK && json_is(get("form"), "rfc9990") && number(get("messages")) == 3);
	CHECK(number(get("ignored")) == 4 && !get("bad").p);
	CHECK(read_text(prefixed, sizeof prefixed - 1) == ST_BAD && says("org_name"));
	CHECK(read_text(wrapped, sizeof wrapped - 1) == ST_OK && defect("trailing"));	/* as one large reporter sends it */
	CHECK(read_text(wrapped, sizeof wrapped - 12) == ST_BAD);
}

static void signatures(void)
{
#define SIG(d, s, r) "<dkim><domain>" d "</domain><selector>" s "</selector><result>" r "</result></dkim>"
#define SIGNED(sigs) "<record><row><source_ip>192.0.2.1</source_ip><count>1</count><policy_evaluated><disposition>pass</disposition>" \
	"<dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>acme.example</header_from></identifiers>" \
	"<auth_results>" sigs "</auth_results></record>"
	struct span it, e;
	struct buf many = { 0 };
	int n = 0;

	CHECK(report(META, POLICY, SIGNED(SIG("acme.example", "rsa", "pass") SIG("ACME.example", "ed", "permerror") SIG("list.example", "l", "fail"))) == ST_OK);
	it = json_get(row(0), "auth.dkim");
	CHECK(json_elem(&it, &e) && !json_get(e, "beside_pass").p);
	CHECK(json_elem(&it, &e) && json_true(json_get(e, "beside_pass")) && json_is(json_get(e, "result"), "permerror"));
	CHECK(json_elem(&it, &e) && !json_get(e, "beside_pass").p);	/* another domain's pass says nothing about this one */
	CHECK(report(META, POLICY, SIGNED(SIG("acme.example", "rsa", "fail") SIG("acme.example", "ed", "fail"))) == ST_OK);
	it = json_get(row(0), "auth.dkim");
	CHECK(json_elem(&it, &e) && !json_get(e, "beside_pass").p);
	CHECK(report(META, POLICY, SIGNED(SIG("acme.example", "a", "hardfail"))) == ST_OK && defect("unknown_word"));
	it = json_get(row(0), "auth.dkim");
	CHECK(json_elem(&it, &e) && json_is(json_get(e, "result"), "unknown") && json_is(json_get(e, "result_said"), "hardfail"));
	CHECK(report(META, POLICY, SIGNED("") SIGNED(SIG("", "a", "pass") SIG("", "b", "fail"))) == ST_OK);
	CHECK(!memmem(out.p, out.len, "beside_pass", 11));
	for (int limit = AGGREGATE_MAX_SIGNATURES; limit <= AGGREGATE_MAX_SIGNATURES + 1; limit++) {
		buf_clear(&many);
		buf_str(&many, "<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row><identifiers><header_from>acme.example"
			"</header_from></identifiers><auth_results>");
		for (int i = 0; i < limit; i++)
			buf_fmt(&many, SIG("acme.example", "s%d", "fail"), i);
		buf_str(&many, "</auth_results></record>");
		CHECK(report(META, POLICY, many.p) == ST_OK && defect("too_many") == (limit > AGGREGATE_MAX_SIGNATURES) && defect("no_result"));
	}
	it = json_get(row(0), "auth.dkim");
	while (json_elem(&it, &e))
		n++;
	CHECK(n == AGGREGATE_MAX_SIGNATURES);
	buf_free(&many);
}

static void words_and_charsets(void)
{
	static const char latin[] = "<?xml version=\"1.0\" encoding=\"windows-1252\"?><feedback>" META POLICY
		ONE "<x>\x80</x></feedback>";
	static const char lies[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feedback><report_metadata><error>K\xf6nig</error></report_metadata>"
		META POLICY ONE "</feedback>";

	CHECK(report(META, "<policy_published><domain>acme.example</domain><p>NONE</p><pct>101</pct><adkim>x</adkim></policy_published>", ONE) == ST_OK);
	CHECK(json_is(get("policy.p"), "none") && defect("letter_case") && defect("unknown_word") && !get("policy.pct").p);
	CHECK(json_is(get("policy.adkim"), "unknown") && json_is(get("policy.adkim_said"), "x"));
	CHECK(report(META, POLICY, ROW("192.0.2.1", "1", "evil.example") ROW("192.0.2.1", "1", "xacme.example")) == ST_OK && defect("foreign_from"));
	CHECK(read_text(latin, sizeof latin - 1) == ST_OK && !defect("charset"));
	CHECK(read_text(lies, sizeof lies - 1) == ST_OK && defect("charset"));
	CHECK(memmem(out.p, out.len, "K\xc3\xb6nig", 6) != NULL);
}

static void limits_hold_at_their_edges(void)
{
	struct buf b = { 0 };

	for (int depth = AGGREGATE_MAX_DEPTH; depth <= AGGREGATE_MAX_DEPTH + 1; depth++) {
		buf_clear(&b);
		for (int i = 1; i < depth; i++)
			buf_str(&b, "<x>");
		for (int i = 1; i < depth; i++)
			buf_str(&b, "</x>");
		buf_str(&b, ONE);
		CHECK(report(META, POLICY, b.p) == (depth > AGGREGATE_MAX_DEPTH ? ST_LIMIT : ST_OK));
	}
	for (int n = AGGREGATE_MAX_ROWS; n <= AGGREGATE_MAX_ROWS + 2; n += 2) {
		buf_clear(&b);
		for (int i = 0; i < n; i++)
			buf_fmt(&b, "<record><row><source_ip>10.%d.%d.%d</source_ip><count>2</count></row><identifiers><header_from>a.acme.example"
				"</header_from></identifiers></record>", i >> 16, i >> 8 & 255, i & 255);
		CHECK(report(META, POLICY, b.p) == ST_OK && number(get("messages")) == 2 * n);
		CHECK(n == AGGREGATE_MAX_ROWS ? !get("rest").p : number(get("rest.rows")) == 2 && number(get("rest.messages")) == 4);
	}
	for (int n = AGGREGATE_MAX_ODD; n <= AGGREGATE_MAX_ODD + 1; n++) {
		buf_clear(&b);
		for (int i = 0; i < n; i++)
			buf_str(&b, "<x/>");
		buf_str(&b, ONE);
		CHECK(report(META, POLICY, b.p) == (n > AGGREGATE_MAX_ODD ? ST_LIMIT : ST_OK));
	}
	buf_clear(&b);
	buf_str(&b, "<x a=\"");
	for (unsigned i = 0; i < AGGREGATE_MAX_TOKEN * 2; i++)
		buf_chr(&b, 'a');
	buf_str(&b, "\"/>" ONE);
	CHECK(report(META, POLICY, b.p) == ST_LIMIT);
	for (int n = AGGREGATE_MAX_TEXT; n <= AGGREGATE_MAX_TEXT + 1; n++) {
		buf_clear(&b);
		buf_str(&b, "<report_metadata><error>");
		for (int i = 0; i < n - 2; i++)
			buf_chr(&b, 'a');
		buf_str(&b, "\xc3\xa4</error></report_metadata>" ONE);
		CHECK(report(META, POLICY, b.p) == ST_OK && defect("cut") == (n > AGGREGATE_MAX_TEXT));
		CHECK(utf8_valid(out.p, out.len));
	}
	buf_free(&b);
}

int main(void)
{
	rows_add_up();
	bad_records_are_named_and_the_rest_kept();
	heads_are_checked();
	what_is_no_report();
	only_its_namespace_counts();
	signatures();
	words_and_charsets();
	limits_hold_at_their_edges();
	buf_free(&doc);
	buf_free(&out);
	return CHECK_DONE();
}
