/*
 * utf8.c: header values of any bytes as UTF-8.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "utf8.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

/* PostgreSQL's notion of UTF-8, which is utf8proc's: no surrogates, no overlong forms, nothing above U+10FFFF. */
static bool
is_utf8(const char *s, size_t len)
{
	utf8proc_int32_t c;
	size_t		i = 0;

	while (i < len)
	{
		utf8proc_ssize_t n;

		if ((unsigned char) s[i] < 0x80)
		{
			i++;
			continue;
		}
		n = utf8proc_iterate((const utf8proc_uint8_t *) s + i, (utf8proc_ssize_t) (len - i), &c);
		if (n <= 0)
			return false;
		i += (size_t) n;
	}
	return true;
}

/*
 * Bytes that are not valid UTF-8 are read as Latin-1 and transcoded; valid ones are copied.
 * out: room for 2 * len bytes. Returns the length of the result.
 */
size_t
text_to_utf8(const char *in, size_t len, char *out)
{
	size_t		n = 0;

	if (is_utf8(in, len))
	{
		memcpy(out, in, len);
		return len;
	}
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) in[i];

		if (c < 0x80)
			out[n++] = in[i];
		else
		{
			out[n++] = (char) (0xc0 | (c >> 6));
			out[n++] = (char) (0x80 | (c & 0x3f));
		}
	}
	return n;
}
