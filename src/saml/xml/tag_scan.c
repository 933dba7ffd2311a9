/*
 * tag_scan.c
 *	  How many attributes the tags of a document have, before it is parsed.
 *
 * The parser compares each attribute of an element, and each declaration of a
 * namespace, with all others of it, and canonicalisation sorts them as slowly:
 * some thousands in one tag cost seconds, and anybody may post them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "tag_scan.h"

#include <string.h>

/* The place behind the next word after p; end when there is none. */
static const char *
behind(const char *p, const char *end, const char *word)
{
	const char *found = memmem(p, (size_t) (end - p), word, strlen(word));

	return found != NULL ? found + strlen(word) : end;
}

static bool
begins(const char *p, const char *end, const char *word)
{
	return (size_t) (end - p) >= strlen(word) && memcmp(p, word, strlen(word)) == 0;
}

/* The place behind the tag that begins before p, or NULL for one with more attributes. */
static const char *
behind_tag(const char *p, const char *end, int max_attributes)
{
	int			attributes = 0;

	for (; p < end && *p != '>'; p++)
	{
		if (*p != '"' && *p != '\'')
			continue;
		if (++attributes > max_attributes)
			return NULL;
		p = memchr(p + 1, *p, (size_t) (end - p - 1));
		if (p == NULL)
			return end;
	}
	return p;
}

/*
 * Has no tag more attributes than that, declarations of namespaces among them?
 * Where the document is not well-formed the parser stops, and what this says of
 * the rest means nothing.
 */
bool
tags_are_short(const char *bytes, size_t len, int max_attributes)
{
	const char *end = bytes + len;
	const char *p = memchr(bytes, '<', len);

	while (p != NULL)
	{
		if (begins(p, end, "<!--"))
			p = behind(p + 4, end, "-->");
		else if (begins(p, end, "<![CDATA["))
			p = behind(p + 9, end, "]]>");
		else if (begins(p, end, "<?"))
			p = behind(p + 2, end, "?>");
		else
			p = behind_tag(p + 1, end, max_attributes);
		if (p == NULL)
			return false;
		p = memchr(p, '<', (size_t) (end - p));
	}
	return true;
}
