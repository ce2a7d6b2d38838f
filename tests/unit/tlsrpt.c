/* tlsrpt: what counts in a TLS report, what is refused, limits at, below and above. */
#include <stdlib.h>

#include "check.h"
#include "json.h"
#include "tlsrpt.h"

static struct buf doc, out;

#define HEAD "\"organization-name\":\"Fernpost\",\"report-id\":\"t-1\",\"contact-info\":\"mailto:t@fernpost.example\"," \
	"\"date-range\":{\"start-datetime\":\"2026-11-17T00:00:00Z\",\"end-datetime\":\"2026-11-17T23:59:59Z\"}"
#define POLICY(domain, ok, bad, details) "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"" domain "\"},\"summary\":{" \
	"\"total-successful-session-count\":" ok ",\"total-failure-session-count\":" bad "}" details "}"
#define ONE POLICY("acme.example", "5", "0", "")

static enum status read_text(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	enum status st;

	memcpy(copy, p, n);
	buf_clear(&out);
	st = tlsrpt_read(copy, n, NULL, &out);
	free(copy);
	CHECK(st == ST_OK || out.len == 0);
	return st;
}

static enum status report(const char *head, const char *policies)
{
	buf_clear(&doc);
	buf_fmt(&doc, "{%s,\"policies\":[%s]}", head, policies);
	return read_text(doc.p, doc.len);
}

static struct span get(const char *path)
{
	return json_get((struct span){ out.p, out.len }, path);
}

static int64_t number(struct span v)
{
	int64_t n = -1;

	json_get_int(v, &n);
	return n;
}

static bool has(const char *text)
{
	return memmem(out.p, out.len, text, strlen(text)) != NULL;
}

static void reports_are_read(void)
{
	CHECK(report(HEAD, POLICY("ACME.example.", "5", "3", ",\"failure-details\":[{\"result-type\":\"certificate-expired\","
		"\"sending-mta-ip\":\"2001:DB8:0::1\",\"failed-session-count\":2},{\"result-type\":\"bad-moon\",\"sending-mta-ip\":\"nobody\","
		"\"failed-session-count\":1,\"additional-information\":\"\\u001b[31mred\"}]")) == ST_OK);
	CHECK(json_is(get("domain"), "acme.example") && number(get("succeeded")) == 5 && number(get("failed")) == 3);
	CHECK(has("\"sending_mta_ip\":\"2001:db8::1\"") && has("\"result_type\":\"unknown\",\"result_type_said\":\"bad-moon\"")
		&& has("\"sending_mta_ip_said\":\"nobody\"") && has("\"defects\":[\"unknown_word\",\"bad_address\"]"));
	CHECK(json_is(get("time"), "2026-11-17T00:00:00Z") && get("key").len == 34);
	CHECK(report(HEAD, "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"acme.example\",\"mx-host\":\"*.acme.example\"},"
		"\"summary\":{\"total-successful-session-count\":1}}") == ST_OK && has("\"mx_host\":[\"*.acme.example\"]") && has("no_count"));
	CHECK(read_text("\xef\xbb\xbf {" HEAD ",\"policies\":[" ONE "]}\r\n", strlen("\xef\xbb\xbf {" HEAD ",\"policies\":[" ONE "]}\r\n")) == ST_OK);
}

static void what_is_wrong_is_left_out_and_named(void)
{
	CHECK(report(HEAD, ONE "," POLICY("globex.example", "7", "0", "")) == ST_OK && number(get("succeeded")) == 5);
	CHECK(number(get("bad.policies")) == 1 && has("policy-domain is not the report's") && !has("globex"));
	CHECK(report(HEAD, ONE ",3,{}," POLICY("acme.example", "-1", "0", "") "," POLICY("acme.example", "1000000001", "0", "")) == ST_OK);
	CHECK(number(get("bad.policies")) == 4 && number(get("succeeded")) == 5);
	CHECK(report(HEAD, POLICY("acme.example", "1000000000", "0", "")) == ST_OK && number(get("succeeded")) == 1000000000);
	CHECK(report(HEAD, POLICY("acme.example", "5", "1", ",\"failure-details\":[7,{},{\"failed-session-count\":\"1\"}]")) == ST_OK);
	CHECK(number(get("bad.failures")) == 3);
	CHECK(report(HEAD, ONE ",{\"policy\":{\"policy-type\":\"no-policy-found\"},\"summary\":{\"total-successful-session-count\":2,"
		"\"total-failure-session-count\":0}}") == ST_OK && number(get("succeeded")) == 7 && has("no_policy_domain"));
}

static void what_is_no_report(void)
{
	static const char *const bad[] = { "", "[]", "{}", "null", "{\"policies\":[]}", "{" HEAD "}", "{" HEAD ",\"policies\":[]}",
		"{" HEAD ",\"policies\":{}}", "{" HEAD ",\"policies\":[{\"policy\":{\"policy-domain\":\"not a domain\"}}]}",
		"{" HEAD "," HEAD ",\"policies\":[" ONE "]}", "{" HEAD ",\"policies\":[" ONE "]}{}", "{" HEAD ",\"policies\":[" ONE "]",
		"{\"organization-name\":\"x\",\"report-id\":\"1\",\"policies\":[" ONE "]}",
		"{\"organization-name\":\"x\",\"report-id\":\"1\",\"date-range\":{\"start-datetime\":\"2026-11-18T00:00:00Z\","
		"\"end-datetime\":\"2026-11-17T00:00:00Z\"},\"policies\":[" ONE "]}" };
	static const char nul[] = "{" HEAD ",\"policies\":[" ONE "],\"x\":\"\0\"}";

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(read_text(bad[i], strlen(bad[i])) == ST_BAD);
	CHECK(read_text(nul, sizeof nul - 1) == ST_BAD);
}

static void limits_hold_at_their_edges(void)
{
	struct buf b = { 0 };

	for (int n = TLSRPT_MAX_POLICIES; n <= TLSRPT_MAX_POLICIES + 1; n++) {
		buf_clear(&b);
		for (int i = 0; i < n; i++)
			buf_fmt(&b, "%s" ONE, i ? "," : "");
		CHECK(report(HEAD, b.p) == (n > TLSRPT_MAX_POLICIES ? ST_LIMIT : ST_OK));
	}
	for (int n = TLSRPT_MAX_FAILURES; n <= TLSRPT_MAX_FAILURES + 1; n++) {
		buf_clear(&b);
		buf_str(&b, "{\"policy\":{\"policy-domain\":\"acme.example\"},\"summary\":{},\"failure-details\":[");
		for (int i = 0; i < n; i++)
			buf_fmt(&b, "%s{\"failed-session-count\":2}", i ? "," : "");
		buf_str(&b, "]}");
		CHECK(report(HEAD, b.p) == ST_OK && (n == TLSRPT_MAX_FAILURES ? !get("rest").p : number(get("rest.sessions")) == 2));
	}
	for (int n = JSON_MAX_DEPTH - 1; n <= JSON_MAX_DEPTH; n++) {
		buf_clear(&b);
		buf_str(&b, HEAD ",\"x\":");
		for (int i = 0; i < n; i++)
			buf_chr(&b, '[');
		for (int i = 0; i < n; i++)
			buf_chr(&b, ']');
		CHECK(report(b.p, ONE) == (n < JSON_MAX_DEPTH ? ST_OK : ST_LIMIT));
	}
	buf_clear(&b);
	for (unsigned i = 0; i < TLSRPT_MAX_BYTES; i++)
		buf_chr(&b, ' ');
	CHECK(read_text(b.p, b.len) == ST_BAD);
	buf_chr(&b, ' ');
	CHECK(read_text(b.p, b.len) == ST_LIMIT);
	buf_free(&b);
}

int main(void)
{
	reports_are_read();
	what_is_wrong_is_left_out_and_named();
	what_is_no_report();
	limits_hold_at_their_edges();
	buf_free(&doc);
	buf_free(&out);
	return CHECK_DONE();
}
