/* Dates as they come. */
#include "same.h"
#include "header.h"

/* want NULL: no date. zone: minutes; 9999: unknown. */
static void is(const char *in, const char *want, int zone)
{
	int64_t t = -1;
	int z = -1;
	bool known = false;
	char got[32] = "none", *exact = exactly(in, strlen(in));

	if (date_parse(exact, strlen(in), &t, &z, &known) == ST_OK)
		date_rfc3339(t, got);
	if (strcmp(got, want ? want : "none") != 0 || (want && (known ? z : 9999) != zone)) {
		printf("[%s]: %s zone %d\n", in, got, known ? z : 9999);
		CHECK(!"date");
	}
	free(exact);
}

int main(void)
{
	char text[32];

	is("Tue, 1 Jul 2003 10:52:37 +0200", "2003-07-01T08:52:37Z", 120);
	is("1 Jul 2003 10:52:37 +0200", "2003-07-01T08:52:37Z", 120);
	is(" Tue,\r\n\t1 July 2003 (c (d)) 10:52 -0330 (x)", "2003-07-01T14:22:00Z", -210);
	is("Tue, 01 Jul 2003 10:52:37 -0000", "2003-07-01T10:52:37Z", 9999);
	is("Tue, 01 Jul 2003 10:52:37", "2003-07-01T10:52:37Z", 9999);
	is("Tue, 01 Jul 2003 10:52:37 GMT", "2003-07-01T10:52:37Z", 0);
	is("Tue, 01 Jul 2003 10:52:37 EDT", "2003-07-01T14:52:37Z", -240);
	is("Tue, 01 Jul 2003 10:52:37 GMT+0200", "2003-07-01T08:52:37Z", 120);
	is("Tue, 01 Jul 2003 10:52:37 +02:00", "2003-07-01T08:52:37Z", 120);
	is("Tue, 01 Jul 2003 10:52:37 K", "2003-07-01T10:52:37Z", 9999);
	is("Tue, 01 Jul 2003 10:52:37 Z", "2003-07-01T10:52:37Z", 0);
	is("Tue, 01 Jul 2003 10:52:37 Moon Time", "2003-07-01T10:52:37Z", 9999);
	is("Tue, 01 Jul 2003 10:52:37 +9999", NULL, 0);
	is("Tue, 01 Jul 2003 10:52:37 +9900", "2003-07-01T10:52:37Z", 9999);
	is("Tue Jul  1 10:52:37 2003", "2003-07-01T10:52:37Z", 9999);
	is("Tue Jul  1 10:52:37 EDT 2003", "2003-07-01T14:52:37Z", -240);
	is("2003-07-01T10:52:37Z", "2003-07-01T10:52:37Z", 0);
	is("2003-07-01 10:52:37.123+02:00", "2003-07-01T08:52:37Z", 120);
	is("Jul 1, 2003 10:52:37 PM", "2003-07-01T22:52:37Z", 9999);
	is("7/1/2003 12:00 AM", "2003-01-07T00:00:00Z", 9999);
	is("13/1/2003 12:00", "2003-01-13T12:00:00Z", 9999);
	is("1/13/2003 12:00", "2003-01-13T12:00:00Z", 9999);
	is("1-Jul-03 10:52:37 +0000", "2003-07-01T10:52:37Z", 0);
	/* RFC 5322 4.3 */
	is("1 Jul 49 10:52:37 +0000", "2049-07-01T10:52:37Z", 0);
	is("1 Jul 70 10:52:37 +0000", "1970-07-01T10:52:37Z", 0);
	is("1 Jul 103 10:52:37 +0000", "2003-07-01T10:52:37Z", 0);
	/* edges */
	is("1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z", 0);
	is("1 Jan 1970 00:00:00 +0001", NULL, 0);
	is("31 Dec 1969 23:59:59 +0000", NULL, 0);
	is("31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z", 0);
	is("31 Dec 9999 23:59:60 +0000", NULL, 0);
	is("1 Jan 10000 00:00:00 +0000", NULL, 0);
	is("31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00Z", 0);
	is("31 Dec 2016 23:59:61 +0000", NULL, 0);
	is("29 Feb 2000 0:0:0 +0000", "2000-02-29T00:00:00Z", 0);
	is("29 Feb 2100 0:0:0 +0000", NULL, 0);
	is("31 Jun 2003 10:52:37 +0000", NULL, 0);
	is("0 Jun 2003 10:52:37 +0000", NULL, 0);
	is("1 Jun 2003 24:00:00 +0000", NULL, 0);
	is("1 Jun 2003 10:60:00 +0000", NULL, 0);
	/* none */
	is("", NULL, 0);
	is("Tue, 1 juillet 2003 10:52:37 +0200", NULL, 0);
	is("\xd0\x92\xd1\x82, 1 \xd0\xb8\xd1\x8e\xd0\xbb 2003 10:52:37 +0200", NULL, 0);
	is("some numbers 0 1 2 but invalid", NULL, 0);
	is("1 Jul 2003", NULL, 0);
	is("1 Jul 2003 10:52:37 +0200 (CE", "2003-07-01T08:52:37Z", 120);
	is("1 Jul 2003 (10:52:37 +0200", NULL, 0);
	is("99999999999999999999 Jul 2003 10:52", NULL, 0);

	date_rfc3339(-1, text);
	CHECK_STR(text, "1970-01-01T00:00:00Z");
	date_rfc3339(INT64_MAX, text);
	CHECK_STR(text, "9999-12-31T23:59:59Z");
	/* each day of 800 years reads back */
	for (int64_t t = 0; t < 800ll * 366 * 86400; t += 86400 + 61) {
		int64_t back = -1;
		int zone;
		bool known;

		date_rfc3339(t, text);
		if (date_parse(text, strlen(text), &back, &zone, &known) != ST_OK || back != t) {
			CHECK_STR(text, "to read back");
			break;
		}
	}
	return CHECK_DONE();
}
