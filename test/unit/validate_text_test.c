/*
 * validate_text_test.c
 *	  Tests of src/plain/validate_email.c and src/plain/python_text.c, as TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/python_text.h"
#include "plain/validate_email.h"
#include "tap.h"

#define L63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* A copy of exact size, so that sanitizers see an over-read. */
static char *
exact(const char *s, size_t len)
{
	char	   *copy = malloc(len ? len : 1);

	memcpy(copy, s, len);
	return copy;
}

static void
email(const char *s, bool want)
{
	char	   *copy = exact(s, strlen(s));

	ok(email_valid(copy, strlen(s)) == want, "%s", s);
	free(copy);
}

static void
integer(const char *s, PythonInt want, int64_t value)
{
	char	   *copy = exact(s, strlen(s));
	int64_t		got = 0;

	ok(python_int(copy, strlen(s), &got) == want &&
	   (want == PYTHON_INT_INVALID || got == value), "%s", s);
	free(copy);
}

static void
word(const char *s, int want)
{
	bool		value = false;
	bool		known = python_bool_word(s, strlen(s), &value);

	ok(want < 0 ? !known : known && value == (want == 1), "%s", s);
}

int
main(void)
{
	static const char *const good[] = {
		"a@b.com", "a@b.c1", "a@b.abcdefgh", "\"q\"@b.com", "\"\"@b.com",
		"a@localhost", "a@[127.0.0.1]", "a@[001.02.3.255]", "é@b.com",
		"日本@ex.com", "a@é.com", "a@" L63 ".com", "a@ｂ。com", "a@b.--",
		"-!#$%&'*+/=?^_`{}|~9@b.com", "a.b.c@b.com", "\"\\\"\"@b.com",
		"\"\\ \"@b.com", "\"a@b\"@b.com", "²@b.com", "a@\xe2\x84\xaa.com", NULL
	};
	static const char *const bad[] = {
		"a@b", "a@b.c", "a@LOCALHOST", " a@b.com", "a@b.com ", "a@b.com\n",
		"\"a b\"@b.com", "a.@b.com", ".a@b.com", "a..b@b.com", "a@b@c.com",
		"a@-b.com", "a@b-.com", "a@b_c.com", "a@b.co.", "a@.b.co", "a@b..co",
		"a@[1.2.3.400]", "a@[1.2.3]", "a@[1.2.3.4.5]", "a@[1.2.3.]",
		"a@[0001.2.3.4]", "a@[1.2.3.4", "a@[", "a@[]", "é@é", "a@" L63 "x.com",
		"foo", "", "@", "@b.com", "a@", "\"@b.com", "\"\\\"@b.com",
		"\"a\"b@b.com", "a\\@b.com", "\xff@b.com", "a@\xff.com", "a@é\xff.com",
		"a@\xe2\x84\xaa", "a@é .com", NULL
	};
	char	   *big;

	for (int i = 0; good[i]; i++)
		email(good[i], true);
	for (int i = 0; bad[i]; i++)
		email(bad[i], false);
	ok(!email_valid("a\0b@b.com", 9) && !email_valid("a@é\0.com", 8), "NUL");

	/* linear time and no overflow: 4 MiB of each sort */
	big = malloc(4 << 20);
	for (const char *fill = "a.-@\"\\[1\x80"; *fill; fill++)
	{
		memset(big, *fill, 4 << 20);
		ok(!email_valid(big, 4 << 20), "4 MiB of one character");
		memcpy(big, "a@", 2);
		(void) email_valid(big, 4 << 20);
	}
	memset(big, 'a', 4 << 20);
	memcpy(big + (4 << 20) - 6, "@b.com", 6);
	ok(email_valid(big, 4 << 20), "no limit on the local part");

	integer("0", PYTHON_INT_OK, 0);
	integer("-0", PYTHON_INT_OK, 0);
	integer("007", PYTHON_INT_OK, 7);
	integer(" 12 ", PYTHON_INT_OK, 12);
	integer("\t\n\v\f\r 12\xe3\x80\x80", PYTHON_INT_OK, 12);
	integer("+5", PYTHON_INT_OK, 5);
	integer("-5", PYTHON_INT_OK, -5);
	integer("1_0", PYTHON_INT_OK, 10);
	integer("٣٤", PYTHON_INT_OK, 34);
	integer("\xf0\x9d\x9f\x98\xf0\x9d\x9f\xbf", PYTHON_INT_OK, 9);	/* two of the adjoining sets */
	integer("9223372036854775807", PYTHON_INT_OK, INT64_MAX);
	integer("-9223372036854775808", PYTHON_INT_OK, INT64_MIN);
	integer("9223372036854775808", PYTHON_INT_ABOVE, INT64_MAX);
	integer("-9223372036854775809", PYTHON_INT_BELOW, INT64_MIN);
	integer("99999999999999999999999999", PYTHON_INT_ABOVE, INT64_MAX);
	integer("", PYTHON_INT_INVALID, 0);
	integer(" ", PYTHON_INT_INVALID, 0);
	integer("+", PYTHON_INT_INVALID, 0);
	integer("+ 1", PYTHON_INT_INVALID, 0);
	integer("+-1", PYTHON_INT_INVALID, 0);
	integer("1__0", PYTHON_INT_INVALID, 0);
	integer("_1", PYTHON_INT_INVALID, 0);
	integer("1_", PYTHON_INT_INVALID, 0);
	integer("1 0", PYTHON_INT_INVALID, 0);
	integer("10.0", PYTHON_INT_INVALID, 0);
	integer("1e3", PYTHON_INT_INVALID, 0);
	integer("0x1", PYTHON_INT_INVALID, 0);
	integer("²", PYTHON_INT_INVALID, 0);
	integer("\x1c" "1", PYTHON_INT_INVALID, 0);
	integer("1\xff", PYTHON_INT_INVALID, 0);
	{
		int64_t		value;

		memset(big, '1', PYTHON_INT_MAX_DIGITS + 1);
		ok(python_int(big, PYTHON_INT_MAX_DIGITS, &value) == PYTHON_INT_ABOVE,
		   "4,300 digits");
		ok(python_int(big, PYTHON_INT_MAX_DIGITS + 1, &value) == PYTHON_INT_INVALID,
		   "4,301 digits");
		ok(python_int("1\0", 2, &value) == PYTHON_INT_INVALID, "NUL");
	}

	word("t", 1);
	word("YES", 1);
	word("1", 1);
	word("NO", 0);
	word("0", 0);
	word("False", 0);
	word("", -1);
	word("tRUE", -1);
	word("true ", -1);
	word("2", -1);

	free(big);
	return tap_end();
}
