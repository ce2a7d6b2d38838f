/*
 * date.c - date-times: RFC 5322 3.3 and 4.3, ISO 8601, asctime, and their mixtures.
 *
 * Read as words: names of months and zones, numbers, times with colons, signed offsets. What cannot be one
 * date in one way is none: a guess would put a message years away in every list.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "header.h"

struct date {
	int num[3], digits[3];		/* day, year, and perhaps a month */
	int nums;
	int month;			/* 1-12; 0: no name seen */
	int month_at;			/* numbers seen before it */
	bool time_seen, zone_seen, zone_known;
	int hour, minute, second;
	int zone;			/* minutes east of UTC */
	int half;			/* 1 AM, 2 PM */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The text without comments (an unclosed one reaches to the end), folds made blanks. False: too long. */
static bool clean(const char *p, size_t n, char out[DATE_MAX_BYTES + 1])
{
	size_t depth = 0, k = 0;

	if (n > DATE_MAX_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == '\\' && depth && i + 1 < n)
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth)
			out[k++] = (unsigned char)c <= ' ' || c == 0x7f ? ' ' : c;
	}
	out[k] = '\0';
	return true;
}

static int read_int(const char **p, int *digits_out)
{
	int v = 0, digits = 0;

	for (; is_digit(**p); ++*p, digits++)
		if (digits < 8)
			v = v * 10 + (**p - '0');
	*digits_out = digits;
	return v;
}

/* ---- names ---- */

static bool month_name(const char *p, size_t n, int *out)
{
	static const char *const names[] = { "january", "february", "march", "april", "may", "june",
		"july", "august", "september", "october", "november", "december" };

	for (int i = 0; n >= 3 && i < 12; i++) {
		if (n <= strlen(names[i]) && strncasecmp(p, names[i], n) == 0) {
			*out = i + 1;
			return true;
		}
	}
	return false;
}

static bool day_name(const char *p, size_t n)
{
	static const char *const names[] = { "monday", "tuesday", "wednesday", "thursday", "friday",
		"saturday", "sunday" };

	for (int i = 0; n >= 2 && i < 7; i++)
		if (n <= strlen(names[i]) && strncasecmp(p, names[i], n) == 0)
			return true;
	return false;
}

/* Zones that mean one thing. RFC 5322 4.3: all other names, and military letters, are "-0000". */
static void zone_name(struct date *d, const char *p, size_t n)
{
	static const struct { const char *name; int hours10; } zones[] = {
		{ "UT", 0 }, { "UTC", 0 }, { "GMT", 0 }, { "Z", 0 },
		{ "EST", -50 }, { "EDT", -40 }, { "CST", -60 }, { "CDT", -50 },
		{ "MST", -70 }, { "MDT", -60 }, { "PST", -80 }, { "PDT", -70 },
		{ "EST5EDT", -50 }, { "CST6CDT", -60 }, { "MST7MDT", -70 }, { "PST8PDT", -80 },
		{ "WET", 0 }, { "WEST", 10 }, { "CET", 10 }, { "MET", 10 }, { "CEST", 20 }, { "MEST", 20 },
		{ "MESZ", 20 }, { "MEZ", 10 }, { "BST", 10 }, { "EET", 20 }, { "EEST", 30 }, { "MSK", 30 },
		{ "JST", 90 }, { "KST", 90 }, { "HKT", 80 }, { "SGT", 80 }, { "AEST", 100 }, { "AEDT", 110 },
		{ "NZST", 120 }, { "NZDT", 130 },
	};

	d->zone_seen = true;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (strlen(zones[i].name) == n && strncasecmp(p, zones[i].name, n) == 0) {
			d->zone = zones[i].hours10 * 6;
			d->zone_known = true;
		}
	}
}

/* A word of letters (zones may have digits: EST5EDT). False: it makes this no date. */
static bool take_word(struct date *d, const char **p)
{
	const char *w = *p;
	size_t n = 0;

	while (is_alpha(w[n]))
		n++;
	if (!d->month && month_name(w, n, &d->month)) {
		d->month_at = d->nums;
	} else if (n == 2 && d->time_seen && (w[1] | 0x20) == 'm' &&
			((w[0] | 0x20) == 'a' || (w[0] | 0x20) == 'p')) {
		d->half = (w[0] | 0x20) == 'a' ? 1 : 2;
	} else if (d->time_seen && !d->zone_seen) {
		while (is_alpha(w[n]) || is_digit(w[n]))
			n++;
		zone_name(d, w, n);
	} else if (!d->zone_seen && !day_name(w, n) && d->nums) {
		/* "1 de enero": a month in a language that we do not read */
		*p = w + n;
		return d->month != 0 || d->nums >= 2;
	}
	*p = w + n;
	return true;
}

/* ---- numbers ---- */

/* "10:52", "10:52:37", "10:52:37.123"; *p is behind the hour. */
static bool take_time(struct date *d, const char **p, int hour)
{
	int digits;

	if (d->time_seen)
		return false;
	d->time_seen = true;
	d->hour = hour;
	++*p;
	if (!is_digit(**p))
		return false;
	d->minute = read_int(p, &digits);
	if (digits > 2)
		return false;
	if (**p != ':')
		return true;
	++*p;
	if (!is_digit(**p))
		return false;
	d->second = read_int(p, &digits);
	if (digits > 2)
		return false;
	if ((**p == '.' || **p == ',') && is_digit((*p)[1])) {
		++*p;
		read_int(p, &digits);
	}
	return true;
}

/* "+0200", "+02:00", "+2", "-0000" behind a time, and perhaps behind "GMT". */
static bool take_offset(struct date *d, const char **p)
{
	bool minus = **p == '-';
	int digits, v, minutes = 0;

	++*p;
	v = read_int(p, &digits);
	if (digits == 0 || digits > 4)
		return false;
	if (digits >= 3) {
		minutes = v % 100;
		v /= 100;
	} else if (**p == ':' && is_digit((*p)[1])) {
		++*p;
		minutes = read_int(p, &digits);
	}
	if (minutes > 59 || v > 99)
		return false;
	d->zone_seen = true;
	d->zone = v * 60 + minutes;
	d->zone_known = !(minus && d->zone == 0);
	if (minus)
		d->zone = -d->zone;
	/* No such place: the time is taken as UTC. */
	if (v > 23) {
		d->zone = 0;
		d->zone_known = false;
	}
	return true;
}

/* True once what follows cannot change the date any more. */
static bool complete(const struct date *d)
{
	return d->time_seen && d->zone_seen && d->nums + (d->month != 0) >= 3;
}

static bool scan(struct date *d, const char *p)
{
	bool signed_zone = false;

	while (*p) {
		int digits, v;

		if (is_digit(*p)) {
			v = read_int(&p, &digits);
			if (*p == ':' && digits <= 2) {
				if (!take_time(d, &p, v))
					return complete(d);
				/* ISO 8601 puts the zone right behind */
				continue;
			}
			if (d->nums + (d->month != 0) >= 3)
				continue;	/* later numbers say nothing */
			if (digits > 4)
				return false;
			d->num[d->nums] = v;
			d->digits[d->nums++] = digits;
		} else if ((*p == '+' || *p == '-') && is_digit(p[1]) && d->time_seen && !signed_zone) {
			if (!take_offset(d, &p))
				return complete(d);
			signed_zone = true;
		} else if (is_alpha(*p)) {
			if (*p == 'T' && is_digit(p[1]) && d->nums == 3)
				p++;		/* 2026-11-23T06:00 */
			else if (!take_word(d, &p))
				return false;
		} else if ((unsigned char)*p >= 0x80) {
			return complete(d);	/* a name we cannot read */
		} else {
			p++;
		}
	}
	return d->time_seen;
}

/* ---- putting together ---- */

static bool year_like(const struct date *d, int i)
{
	return d->digits[i] >= 3 || d->num[i] > 31;
}

static int full_year(int v, int digits)
{
	/* RFC 5322 4.3 */
	if (digits <= 2)
		return v < 50 ? v + 2000 : v + 1900;
	return digits == 3 ? v + 1900 : v;
}

static bool order(struct date *d, int *year, int *month, int *day)
{
	int y, first = d->nums == 3 ? year_like(d, 0) : -1;

	if (d->month && d->nums == 2) {
		y = year_like(d, 0) ? 0 : 1;
		*month = d->month;
		*day = d->num[1 - y];
	} else if (!d->month && d->nums == 3 && first) {
		y = 0;
		*month = d->num[1];
		*day = d->num[2];
	} else if (!d->month && d->nums == 3) {
		y = 2;
		*day = d->num[0];
		*month = d->num[1];
		if (*month > 12 && *day <= 12) {	/* 11/23/2026 */
			*month = d->num[0];
			*day = d->num[1];
		}
	} else {
		return false;
	}
	*year = full_year(d->num[y], d->digits[y]);
	return true;
}

static int month_days(int year, int month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01; March is the first month of this reckoning's year. */
static int64_t days_since_1970(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

enum status date_parse(const char *p, size_t n, int64_t *unix_out, int *zone_min_out, bool *zone_known_out)
{
	char text[DATE_MAX_BYTES + 1];
	struct date d = { 0 };
	int year = 0, month = 0, day = 0;
	int64_t t;

	if (!clean(p, n, text) || !scan(&d, text) || !order(&d, &year, &month, &day))
		return st_fail(ST_BAD, "no date");
	if (d.half && d.hour >= 1 && d.hour <= 12)
		d.hour = d.hour % 12 + (d.half == 2 ? 12 : 0);
	if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return st_fail(ST_BAD, "no such day");
	if (d.hour > 23 || d.minute > 59 || d.second > 60)
		return st_fail(ST_BAD, "no such time");
	t = ((days_since_1970(year, month, day) * 24 + d.hour) * 60 + d.minute - d.zone) * 60 + d.second;
	if (t < 0 || t > 253402300799)
		return st_fail(ST_BAD, "out of range");
	*unix_out = t;
	*zone_min_out = d.zone;
	*zone_known_out = d.zone_known;
	return ST_OK;
}

void date_rfc3339(int64_t unix_time, char out[32])
{
	int64_t days, secs, z, era, doe, yoe, doy, mp;
	int year, month, day;

	if (unix_time < 0)
		unix_time = 0;
	if (unix_time > 253402300799)
		unix_time = 253402300799;
	days = unix_time / 86400;
	secs = unix_time % 86400;
	/* the other way round: eras of 400 years, years from March */
	z = days + 719468;
	era = z / 146097;
	doe = z % 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	day = (int)(doy - (153 * mp + 2) / 5 + 1);
	month = (int)(mp < 10 ? mp + 3 : mp - 9);
	year = (int)(yoe + era * 400 + (month <= 2));
	snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day,
		(int)(secs / 3600), (int)(secs / 60 % 60), (int)(secs % 60));
}
