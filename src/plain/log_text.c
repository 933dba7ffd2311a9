/*
 * log_text.c
 *	  Text of strangers as it may stand in a line of a log.
 *
 * Whatever somebody types as a name, the line stays one line, and what reads
 * it, a person or a program, can tell where the name ends: line breaks, control
 * characters and what is not seen are escaped, and so are quotes within
 * quotes.  No PostgreSQL header is used here, so that it can be tested by
 * itself under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/log_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define ESCAPE_MAX	12			/* \U and eight digits, with the NUL */

static const char cut[] = "...";

static bool
is_visible(utf8proc_int32_t c)
{
	switch (utf8proc_category(c))
	{
		case UTF8PROC_CATEGORY_CC:
		case UTF8PROC_CATEGORY_CF:
		case UTF8PROC_CATEGORY_CS:
		case UTF8PROC_CATEGORY_CO:
		case UTF8PROC_CATEGORY_CN:
		case UTF8PROC_CATEGORY_ZL:
		case UTF8PROC_CATEGORY_ZP:
			return false;
		case UTF8PROC_CATEGORY_ZS:
			return c == ' ';
		default:
			return true;
	}
}

/*
 * Writes the next character of s as it is shown, and returns how many bytes of
 * s it took.
 */
static size_t
show_char(char out[ESCAPE_MAX], const char *s, size_t len, bool quoted)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *) s, (utf8proc_ssize_t) len, &c);

	if (used <= 0)
	{
		snprintf(out, ESCAPE_MAX, "\\x%02x", (unsigned char) *s);
		return 1;
	}
	if (quoted && (c == '"' || c == '\\'))
		snprintf(out, ESCAPE_MAX, "\\%c", (char) c);
	else if (is_visible(c))
	{
		memcpy(out, s, (size_t) used);
		out[used] = '\0';
	}
	else
		snprintf(out, ESCAPE_MAX, c < 0x80 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned int) c);
	return (size_t) used;
}

/* Is it one word, all of it visible? */
static bool
is_word(const char *s, size_t len)
{
	char		shown[ESCAPE_MAX];

	if (len == 0)
		return false;
	while (len > 0)
	{
		size_t		used = show_char(shown, s, len, true);

		if (*shown == '\\' || *shown == ' ')
			return false;
		s += used;
		len -= used;
	}
	return true;
}

/*
 * log_text
 *
 * Writes s, len (UTF-8, or bytes) to out, of size bytes (at least 8), ended by
 * NUL; what has no room is cut off, and dots say so.  Returns how many bytes
 * there are without the NUL.
 */
size_t
log_text(char *out, size_t size, const char *s, size_t len, LogQuote quote)
{
	bool		quoted = quote == LOG_QUOTED || (quote == LOG_WORD && !is_word(s, len));
	size_t		room = size - sizeof(cut) - (quoted ? 1 : 0);
	size_t		n = 0;

	if (quoted)
		out[n++] = '"';
	while (len > 0)
	{
		char		shown[ESCAPE_MAX];
		size_t		used = show_char(shown, s, len, quoted);
		size_t		width = strlen(shown);

		if (n + width > room)
		{
			memcpy(out + n, cut, sizeof(cut) - 1);
			n += sizeof(cut) - 1;
			break;
		}
		memcpy(out + n, shown, width);
		n += width;
		s += used;
		len -= used;
	}
	if (quoted)
		out[n++] = '"';
	out[n] = '\0';
	return n;
}
