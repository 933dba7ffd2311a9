/*
 * python_text.c
 *	  Integers and booleans given as text, as upstream's Python reads them.
 *
 * No PostgreSQL header is used here, so that the parsers can be tested by
 * themselves under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/python_text.h"

#include <string.h>
#include <utf8proc.h>

/* White space of any script; of ASCII only what C's isspace() takes. */
static bool
is_space(utf8proc_int32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 ||
		c == 0x85 || c == 0xa0 || c == 0x1680 ||
		(c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
		c == 0x202f || c == 0x205f || c == 0x3000;
}

/*
 * Value of a decimal digit of any script, or -1.  Unicode promises that such
 * digits stand in runs of ten in ascending order, so the distance from the
 * start of the run gives the value.
 */
static int
digit_value(utf8proc_int32_t c)
{
	utf8proc_int32_t start = c;

	if (c < 0x80)
		return c >= '0' && c <= '9' ? c - '0' : -1;
	if (utf8proc_category(c) != UTF8PROC_CATEGORY_ND)
		return -1;
	while (utf8proc_category(start - 1) == UTF8PROC_CATEGORY_ND)
		start--;
	return (c - start) % 10;
}

/* Reads the next character; false at the end and for invalid UTF-8. */
static bool
next_char(const char **p, const char *end, utf8proc_int32_t *c)
{
	utf8proc_ssize_t len;

	if (*p >= end)
		return false;
	len = utf8proc_iterate((const utf8proc_uint8_t *) *p, end - *p, c);
	if (len <= 0)
		return false;
	*p += len;
	return true;
}

/*
 * Reads what int() takes: surrounding white space, one sign, decimal digits of
 * any script with single underscores between them.
 *
 * s, len: UTF-8, need not end with NUL.  value: the number, or the nearest
 * int64 when it is beyond.
 */
PythonInt
python_int(const char *s, size_t len, int64_t *value)
{
	const char *p = s;
	const char *end = s + len;
	const char *last = s;
	utf8proc_int32_t c = 0;
	bool		negative = false;
	bool		beyond = false;
	bool		after_digit = false;
	uint64_t	magnitude = 0;
	uint64_t	limit;
	int			digits = 0;
	bool		more;

	do
	{
		last = p;
		more = next_char(&p, end, &c);
	} while (more && is_space(c));
	if (more && (c == '+' || c == '-'))
	{
		negative = c == '-';
		last = p;
		more = next_char(&p, end, &c);
	}
	limit = negative ? (uint64_t) INT64_MAX + 1 : (uint64_t) INT64_MAX;
	while (more)
	{
		int			digit = digit_value(c);

		if (digit >= 0)
		{
			if (++digits > PYTHON_INT_MAX_DIGITS)
				return PYTHON_INT_INVALID;
			if (magnitude > (limit - (uint64_t) digit) / 10)
				beyond = true;
			else
				magnitude = magnitude * 10 + (uint64_t) digit;
			after_digit = true;
		}
		else if (c == '_' && after_digit)
			after_digit = false;
		else
			break;
		last = p;
		more = next_char(&p, end, &c);
	}
	if (!after_digit)
		return PYTHON_INT_INVALID;
	while (more && is_space(c))
	{
		last = p;
		more = next_char(&p, end, &c);
	}
	if (more || last != end)
		return PYTHON_INT_INVALID;

	if (beyond)
	{
		*value = negative ? INT64_MIN : INT64_MAX;
		return negative ? PYTHON_INT_BELOW : PYTHON_INT_ABOVE;
	}
	*value = negative ? (int64_t) (0 - magnitude) : (int64_t) magnitude;
	return PYTHON_INT_OK;
}

/* Reads one of the words that marshmallow takes for a boolean. */
bool
python_bool_word(const char *s, size_t len, bool *value)
{
	static const char *const words[2][14] = {
		{"f", "F", "false", "False", "FALSE", "off", "Off", "OFF", "n", "N",
		"no", "No", "NO", "0"},
		{"t", "T", "true", "True", "TRUE", "on", "On", "ON", "y", "Y",
		"yes", "Yes", "YES", "1"},
	};

	for (int v = 0; v < 2; v++)
	{
		for (int i = 0; i < 14; i++)
		{
			const char *word = words[v][i];

			if (strlen(word) == len && memcmp(word, s, len) == 0)
			{
				*value = v == 1;
				return true;
			}
		}
	}
	return false;
}
