/*
 * tap.h
 *	  What every unit test prints: an assertion a line, as TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TAP_H
#define WAZO_AUTH_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int	tap_tests;
static int	tap_failures;

/* An assertion: prints its line, at once, so that a crash comes after it. */
static inline void
__attribute__((format(printf, 2, 3)))
ok(bool good, const char *format,...)
{
	char		what[512];
	va_list		args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* TAP would read a "#" as a directive */
	for (char *c = what; *c; c++)
		if (*c == '\n' || *c == '#')
			*c = '?';
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_tests, what);
	fflush(stdout);
	tap_failures += !good;
}

/* The end of main(): prints the plan, returns the exit status. */
static inline int
tap_end(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures != 0;
}

#endif							/* WAZO_AUTH_TAP_H */
