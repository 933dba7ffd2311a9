/*
 * validate_email.c
 *	  Which texts upstream takes for an e-mail address.
 *
 * The rules are marshmallow's: a dot-atom or quoted string, then "@", then
 * "localhost", dotted labels, an IPv4 literal, or a name that becomes dotted
 * labels in its IDNA form (the 2003 edition, as in Python, hence libidn and not
 * its successor).  Hand-written instead of a regular expression, so the time
 * is linear.  No PostgreSQL header is used here, so that it can be tested by
 * itself under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/validate_email.h"

#include <idna.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

typedef enum CharClass
{
	CHAR_OTHER,
	CHAR_ALNUM,
	CHAR_HYPHEN,
	CHAR_DOT
} CharClass;

/* Reads the character at *p and steps over it; false for invalid UTF-8. */
static bool
next_char(const char **p, const char *end, utf8proc_int32_t *c)
{
	utf8proc_ssize_t len;

	len = utf8proc_iterate((const utf8proc_uint8_t *) *p, end - *p, c);
	if (len <= 0)
		return false;
	*p += len;
	return true;
}

/*
 * The characters outside ASCII that a case-insensitive Python expression takes
 * for one of a to z: dotted capital and dotless small i, long s, Kelvin sign.
 */
static bool
folds_to_ascii(utf8proc_int32_t c)
{
	return c == 0x130 || c == 0x131 || c == 0x17f || c == 0x212a;
}

/* A character of a dot-atom: the listed signs, or a letter, digit or "_" of any script. */
static bool
is_atom_char(utf8proc_int32_t c)
{
	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') ||
			(c != 0 && strchr("-!#$%&'*+/=?^_`{}|~", c) != NULL);
	switch (utf8proc_category(c))
	{
		case UTF8PROC_CATEGORY_LU:
		case UTF8PROC_CATEGORY_LL:
		case UTF8PROC_CATEGORY_LT:
		case UTF8PROC_CATEGORY_LM:
		case UTF8PROC_CATEGORY_LO:
		case UTF8PROC_CATEGORY_ND:
		case UTF8PROC_CATEGORY_NL:
		case UTF8PROC_CATEGORY_NO:
			return true;
		default:
			return false;
	}
}

static bool
is_dot_atom(const char *p, const char *end)
{
	bool		in_atom = false;
	utf8proc_int32_t c;

	while (p < end)
	{
		if (!next_char(&p, end, &c))
			return false;
		if (c == '.')
		{
			if (!in_atom)
				return false;
			in_atom = false;
		}
		else if (is_atom_char(c))
			in_atom = true;
		else
			return false;
	}
	return in_atom;
}

/* Control characters that a quoted string may hold, but for tab. */
static bool
is_quoted_control(utf8proc_int32_t c)
{
	return (c >= 1 && c <= 8) || c == 11 || c == 12 || (c >= 14 && c <= 31);
}

static bool
is_quoted_string(const char *p, const char *end)
{
	utf8proc_int32_t c;

	if (end - p < 2 || *p != '"' || end[-1] != '"')
		return false;
	p++;
	end--;
	while (p < end)
	{
		if (!next_char(&p, end, &c))
			return false;
		if (c == '\\')
		{
			/* the closing quote is not part of a pair */
			if (p >= end || !next_char(&p, end, &c))
				return false;
			if (!is_quoted_control(c) && c != 9 && !(c >= 32 && c <= 127) &&
				!folds_to_ascii(c))
				return false;
		}
		else if (!is_quoted_control(c) && c != '!' &&
				 !(c >= '#' && c <= 127) && !folds_to_ascii(c))
			return false;
	}
	return true;
}

static CharClass
classify(utf8proc_int32_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || folds_to_ascii(c))
		return CHAR_ALNUM;
	if (c == '-')
		return CHAR_HYPHEN;
	if (c == '.')
		return CHAR_DOT;
	return CHAR_OTHER;
}

/*
 * Labels of 1 to 63 letters, digits and inner hyphens, each with its dot, then
 * a last label of at least two letters, digits or hyphens.
 */
static bool
is_dotted_name(const char *p, const char *end)
{
	int			labels = 0;
	int			len = 0;
	CharClass	first = CHAR_OTHER;
	CharClass	last = CHAR_OTHER;
	utf8proc_int32_t c;

	while (p < end)
	{
		CharClass	class;

		if (!next_char(&p, end, &c))
			return false;
		class = classify(c);
		if (class == CHAR_OTHER)
			return false;
		if (class == CHAR_DOT)
		{
			if (len < 1 || len > 63 || first != CHAR_ALNUM || last != CHAR_ALNUM)
				return false;
			labels++;
			len = 0;
			continue;
		}
		if (len == 0)
			first = class;
		last = class;
		if (len < 64)
			len++;
	}
	return labels > 0 && len >= 2;
}

/* "[127.0.0.1]": four numbers up to 255, leading zeros up to three digits. */
static bool
is_ipv4_literal(const char *p, const char *end)
{
	if (end - p < 2 || *p != '[' || end[-1] != ']')
		return false;
	p++;
	end--;
	for (int part = 0; part < 4; part++)
	{
		int			value = 0;
		int			digits = 0;

		if (part > 0 && (p >= end || *p++ != '.'))
			return false;
		while (p < end && *p >= '0' && *p <= '9' && digits < 3)
		{
			value = value * 10 + (*p++ - '0');
			digits++;
		}
		if (digits == 0 || value > 255)
			return false;
	}
	return p == end;
}

/* Whether the IDNA form of a domain with characters outside ASCII is dotted. */
static bool
is_international_name(const char *domain, size_t len)
{
	char		copy[EMAIL_IDNA_MAX_BYTES + 1];
	char	   *ascii = NULL;
	bool		ascii_only = true;
	bool		good = false;

	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) domain[i] >= 0x80)
			ascii_only = false;
		if (domain[i] == '\0')
			return false;
	}
	/* the IDNA form of an ASCII name is itself, which did not match */
	if (ascii_only || len > EMAIL_IDNA_MAX_BYTES)
		return false;
	memcpy(copy, domain, len);
	copy[len] = '\0';
	if (idna_to_ascii_8z(copy, &ascii, IDNA_ALLOW_UNASSIGNED) == IDNA_SUCCESS)
	{
		const char *end = ascii + strlen(ascii);

		good = is_dotted_name(ascii, end) || is_ipv4_literal(ascii, end);
	}
	free(ascii);
	return good;
}

/*
 * Tells whether a text is an e-mail address.  s, len: UTF-8, need not end with
 * NUL.  Nothing is trimmed; a final newline makes it invalid.
 */
bool
email_valid(const char *s, size_t len)
{
	const char *end = s + len;
	const char *at = end;
	const char *domain;

	while (at > s && at[-1] != '@')
		at--;
	if (at == s)
		return false;
	domain = at;
	at--;

	if (!is_dot_atom(s, at) && !is_quoted_string(s, at))
		return false;
	if (end - domain == 9 && memcmp(domain, "localhost", 9) == 0)
		return true;
	return is_dotted_name(domain, end) || is_ipv4_literal(domain, end) ||
		is_international_name(domain, (size_t) (end - domain));
}
