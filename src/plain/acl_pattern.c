/*
 * acl_pattern.c
 *	  One access pattern against one requested access, the fast way.
 *
 * The language (upstream's class AccessCheck, without its accidents):
 *
 *	  #		zero or more characters but the newline
 *	  *		zero or more characters but '.' and '#'
 *	  me, my_session, edit, when they are a whole segment between dots:
 *			themselves, or the auth id, the session id, "update"
 *	  else	the character itself
 *
 * Patterns and accesses are UTF-8.  Every character with a meaning is ASCII,
 * so bytes may be compared in place of code points.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_bits.h"
#include "plain/acl_pattern.h"

#include <string.h>

/* End of the segment that starts at "from": the next dot or the text's end. */
static inline size_t
segment_end(const char *text, size_t len, size_t from)
{
	const char *dot = memchr(text + from, '.', len - from);

	return dot != NULL ? (size_t) (dot - text) : len;
}

/*
 * Match by taking the earliest place for everything behind a wildcard and
 * going back only to the last '*', then to the last '#'.
 *
 * Why no earlier choice needs a second look, provided that the access has no
 * newline and no id has a '.', a '#' or a newline: then a piece of pattern
 * without '#' matches a text with a fixed number of dots, a reserved word
 * reaches exactly to the next dot, and an earlier start therefore never ends
 * later.  From an earlier end everything is in reach that is in reach from a
 * later one: a '*' is stopped by the same dot, a '#' by nothing.
 *
 * That is right but not yet linear ("#a*b" tries all pairs), so the steps are
 * counted: *undecided is set when they run out, and the caller takes the slow
 * matcher, whose cost does not depend on the pattern's shape.
 */
static bool
match_greedy(const AclAccess *access, const char *pat, size_t plen,
			 size_t from, bool *undecided)
{
	const char *text = access->text;
	size_t		len = access->len;
	size_t		budget = 2 * (len - from) + 4 * plen + 256;
	size_t		p = 0;
	size_t		t = from;
	size_t		star_p = 0;
	size_t		star_t = 0;
	size_t		hash_p = 0;
	size_t		hash_t = 0;
	bool		star = false;
	bool		hash = false;

	for (;;)
	{
		if (budget-- == 0)
		{
			*undecided = true;
			return false;
		}
		if (p == plen)
		{
			if (t == len)
				return true;
		}
		else
		{
			char		c = pat[p];

			if (c == '#')
			{
				if (++p == plen)
					return true;
				hash = true;
				star = false;
				hash_p = p;
				hash_t = t;
				continue;
			}
			if (c == '*')
			{
				star = true;
				star_p = ++p;
				star_t = t;
				continue;
			}
			if ((c == 'm' || c == 'e') && (p == 0 || pat[p - 1] == '.'))
			{
				size_t		pend = segment_end(pat, plen, p);
				AclWord		word = acl_reserved_word(pat + p, pend - p);

				if (word != ACL_WORD_NONE)
				{
					size_t		tend = segment_end(text, len, t);

					if (acl_word_matches(access, word, text + t, tend - t))
					{
						p = pend;
						t = tend;
						continue;
					}
					goto mismatch;
				}
			}
			if (t < len && text[t] == c)
			{
				p++;
				t++;
				continue;
			}
		}
mismatch:
		if (star && star_t < len && text[star_t] != '.' && text[star_t] != '#')
		{
			p = star_p;
			t = ++star_t;
			continue;
		}
		if (hash && hash_t < len)
		{
			char		next = pat[hash_p];

			star = false;
			p = hash_p;
			hash_t++;
			if (next != '*' && next != '#')
			{
				const char *at = memchr(text + hash_t, next, len - hash_t);

				/* '#' is not followed by a segment's start: next is literal */
				if (at == NULL)
					return false;
				hash_t = (size_t) (at - text);
			}
			t = hash_t;
			continue;
		}
		return false;
	}
}

/*
 * Does "pattern" (without a leading '!', starting at a segment's start) match
 * the access from byte "from" (a segment's start) to its end?
 *
 * Cost: O(access + pattern) for nearly all patterns, at worst
 * O(pattern * access / 64).
 */
bool
acl_pattern_match(AclAccess *access, const char *pattern, size_t len,
				  size_t from)
{
	bool		undecided = false;
	bool		result;

	if (access->too_long)
		return false;
	if (access->len > 1024 && access->env->poll != NULL)
		access->env->poll();
	if (!access->has_newline && access->plain_ids)
	{
		result = match_greedy(access, pattern, len, from, &undecided);
		if (!undecided)
			return result;
	}
	return acl_bits_match(access, pattern, len, from);
}
