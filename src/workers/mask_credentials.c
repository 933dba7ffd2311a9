/*
 * mask_credentials.c
 *	  Leaves credentials in URIs out of messages.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "workers/mask_credentials.h"

/*
 * Copies a text, cut off at size bytes with their end, and with *** for what
 * stands between "://" and "@".  No library should write a URI with a password
 * into its messages; this is for the one that does.
 */
void
mask_credentials(const char *text, char *masked, Size size)
{
	Size		n = 0;

	while (*text && n + 1 < size)
	{
		const char *word_end;
		const char *at = NULL;

		if (strncmp(text, "://", 3) != 0)
		{
			masked[n++] = *text++;
			continue;
		}
		word_end = text + strcspn(text, " \t\r\n\"'<>");
		for (const char *p = text; p < word_end; p++)
			if (*p == '@')
				at = p;
		n += strlcpy(masked + n, at ? "://***" : "://", size - n);
		n = Min(n, size - 1);
		text = at ? at : text + 3;
	}
	n = pg_mbcliplen(masked, n, n);
	masked[n] = '\0';
}
