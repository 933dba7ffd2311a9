/*
 * normal_domain.c
 *	  The one form of a domain name that stands for all of its spellings.
 *
 * Capital and small letters, the final dot, full-width letters, the full stops
 * of other scripts and names outside ASCII beside their "xn--" form: they all
 * lead to the same place.  So do [127.0.0.1] and [127.000.0.01].  The mapping
 * of names outside ASCII is IDNA's of 2003, which is fixed, as for the check of
 * addresses.  No PostgreSQL header is used here, so that it can be tested by
 * itself under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/normal_domain.h"

#include <idna.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool
is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) s[i] >= 0x80)
			return false;
	return true;
}

/* The ASCII form of a name outside ASCII; 0 when it has none. */
static size_t
to_ascii(const char *s, size_t len, char out[DOMAIN_MAX_BYTES])
{
	char		copy[DOMAIN_MAX_BYTES];
	char	   *ascii = NULL;
	size_t		n = 0;

	if (memchr(s, '\0', len) != NULL)
		return 0;
	memcpy(copy, s, len);
	copy[len] = '\0';
	if (idna_to_ascii_8z(copy, &ascii, IDNA_ALLOW_UNASSIGNED) == IDNA_SUCCESS && strlen(ascii) < DOMAIN_MAX_BYTES)
	{
		n = strlen(ascii);
		memcpy(out, ascii, n);
	}
	free(ascii);
	return n;
}

/* "[127.000.0.01]": the zeros before a digit go. */
static size_t
drop_zeros(char *s, size_t len)
{
	size_t		n = 0;

	for (size_t i = 0; i < len; i++)
	{
		bool		starts = i > 0 && (s[i - 1] == '[' || s[i - 1] == '.');

		while (starts && s[i] == '0' && i + 1 < len && s[i + 1] >= '0' && s[i + 1] <= '9')
			i++;
		s[n++] = s[i];
	}
	return n;
}

/*
 * normal_domain
 *
 * Writes the normal form of s, len (UTF-8) to out, without a NUL, and returns
 * its length; the normal form of that is itself.  0 for what has none: an empty
 * text, a longer one than DOMAIN_MAX_BYTES - 1, a name outside ASCII that is no
 * domain name.
 */
size_t
normal_domain(const char *s, size_t len, char out[DOMAIN_MAX_BYTES])
{
	size_t		n = len;

	if (len >= DOMAIN_MAX_BYTES)
		return 0;
	if (is_ascii(s, len))
		memcpy(out, s, len);
	else
		n = to_ascii(s, len, out);
	for (size_t i = 0; i < n; i++)
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] += 'a' - 'A';
	if (n > 0 && out[0] == '[')
		return drop_zeros(out, n);
	/* of "a.." none: what is left would have another form than its own */
	if (n > 1 && out[n - 1] == '.' && out[n - 2] != '.')
		n--;
	return n;
}
