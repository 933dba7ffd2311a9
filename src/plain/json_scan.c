/*
 * json_scan.c
 *	  How deep and how large a JSON text is, before a parser sees it.
 *
 * A parser takes some hundred bytes and a microsecond for each value, however
 * short it is written: a body of a megabyte can hold half a million of them.
 * This reads each byte once, takes no memory, and needs no well-formed text.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/json_scan.h"

/* The place behind a string, of which s is the first character. */
static const char *
skip_string(const char *s, const char *end)
{
	while (s < end && *s != '"')
		s += *s == '\\' && s + 1 < end ? 2 : 1;
	return s < end ? s + 1 : end;
}

/*
 * json_scan
 *
 * s, len: any text, of which the size would be that of its values were it JSON;
 * it has less than 2 GiB.  Of what is no JSON, no parser makes more than this.
 */
JsonSize
json_scan(const char *s, size_t len)
{
	const char *end = s + len;
	JsonSize	size = {.values = len > 0};
	int			depth = 0;

	while (s < end)
	{
		switch (*s++)
		{
			case '"':
				s = skip_string(s, end);
				break;
			case '[':
			case '{':
				size.values++;
				if (++depth > size.depth)
					size.depth = depth;
				break;
			case ']':
			case '}':
				depth--;
				break;
			case ',':
				size.values++;
				break;
			default:
				break;
		}
	}
	return size;
}
