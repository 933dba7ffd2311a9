/*
 * moment.c
 *	  Reads "2026-01-31T12:00:00Z", with or without a fraction.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "moment.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

static bool
digits(const char **p, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, (*p)++)
	{
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool
step(const char **p, char c)
{
	return **p == c ? ((*p)++, true) : false;
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t
days(int year, int month, int day)
{
	int64_t		y = month <= 2 ? year - 1 : year;
	int64_t		m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int
days_of_month(int year, int month)
{
	static const int usual[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : usual[month - 1];
}

/*
 * Seconds since 1970, a fraction cut off. SAML wants UTC: a text without Z, or
 * with an offset, is refused rather than guessed at.
 */
bool
moment_read(const char *text, int64_t *seconds)
{
	const char *p = text;
	int			year,
				month,
				day,
				hour,
				minute,
				second;

	if (text == NULL ||
		!digits(&p, 4, &year) || !step(&p, '-') || !digits(&p, 2, &month) || !step(&p, '-') ||
		!digits(&p, 2, &day) || !step(&p, 'T') || !digits(&p, 2, &hour) || !step(&p, ':') ||
		!digits(&p, 2, &minute) || !step(&p, ':') || !digits(&p, 2, &second))
		return false;
	if (step(&p, '.'))
	{
		size_t		fraction = strspn(p, "0123456789");

		if (fraction == 0)
			return false;
		p += fraction;
	}
	if (strcmp(p, "Z") != 0 || year < 1970 || month < 1 || month > 12 || day < 1 ||
		day > days_of_month(year, month) || hour > 23 || minute > 59 || second > 59)
		return false;
	*seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

/* The text of a moment, for moments of the years 1970 to 9999. */
void
moment_write(int64_t seconds, char text[MOMENT_TEXT])
{
	time_t		t = (time_t) seconds;
	struct tm	tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(text, MOMENT_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) != MOMENT_TEXT - 1)
		text[0] = '\0';
}
