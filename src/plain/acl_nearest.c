/*
 * acl_nearest.c
 *	  How far an entry is from granting an access, in segments: for the
 *	  explanation of a refusal.
 *
 * The distance is the smallest number of segments to replace, add or take away
 * until the entry matches.  A segment with a "#" may stand for several.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_nearest.h"

#include <string.h>

typedef struct Segment
{
	const char *text;
	size_t		len;
	bool		literal;		/* matches itself only */
	bool		many;			/* holds a '#' */
} Segment;

/* Split at dots; the number of segments, or 0 when they are too many. */
static int
split(const char *text, size_t len, Segment *segments)
{
	const char *end = text + len;
	int			count = 0;

	for (;;)
	{
		const char *dot = memchr(text, '.', (size_t) (end - text));
		size_t		n = (size_t) ((dot != NULL ? dot : end) - text);

		if (count == ACL_NEAREST_SEGMENTS)
			return 0;
		segments[count].text = text;
		segments[count].len = n;
		segments[count].many = memchr(text, '#', n) != NULL;
		segments[count].literal = !segments[count].many &&
			memchr(text, '*', n) == NULL &&
			acl_reserved_word(text, n) == ACL_WORD_NONE;
		count++;
		if (dot == NULL)
			return count;
		text = dot + 1;
	}
}

/* Does a segment of the entry match the access's segments from ... to? */
static bool
matches(const Segment *pattern, const Segment *from, const Segment *to,
		const AclAccess *access)
{
	size_t		len = (size_t) (to->text + to->len - from->text);
	AclAccess	part;
	bool		result;

	if (pattern->literal)
		return len == pattern->len && memcmp(from->text, pattern->text, len) == 0;
	if (pattern->many && pattern->len == 1)
		return memchr(from->text, '\n', len) == NULL;
	acl_access_init(&part, from->text, len, &access->ctx, access->env);
	result = acl_pattern_match(&part, pattern->text, pattern->len, 0);
	acl_access_done(&part);
	return result;
}

static void
add_edit(AclNearness *nearness, AclEditKind kind, int segment,
		 const Segment *wanted, const Segment *has)
{
	AclEdit    *edit = &nearness->edit[nearness->edits++];

	*edit = (AclEdit) {kind, segment, NULL, 0, NULL, 0};
	if (wanted != NULL)
	{
		edit->wanted = wanted->text;
		edit->wanted_len = wanted->len;
	}
	if (has != NULL)
	{
		edit->has = has->text;
		edit->has_len = has->len;
	}
}

/*
 * acl_nearness
 *
 * Compares the entry (its '!' taken off) with the access.  False when one of
 * them has more than ACL_NEAREST_SEGMENTS segments or the access is too long
 * to be granted at all; *nearness is then undefined.  Otherwise *nearness has
 * the edits of one way with the fewest of them, in the access's order: none
 * exactly when the entry matches segment by segment.
 */
bool
acl_nearness(const AclEntry *entry, const AclAccess *access,
			 AclNearness *nearness)
{
	Segment		p[ACL_NEAREST_SEGMENTS];
	Segment		a[ACL_NEAREST_SEGMENTS];

	/* edits needed from the i-th and j-th segment on */
	uint8_t		cost[ACL_NEAREST_SEGMENTS + 1][ACL_NEAREST_SEGMENTS + 1] = {{0}};

	/* how many of the access's segments the i-th takes for that; 0: an edit */
	uint8_t		takes[ACL_NEAREST_SEGMENTS][ACL_NEAREST_SEGMENTS] = {{0}};
	int			m = access->too_long ? 0 : split(entry->text, entry->len, p);
	int			n = m == 0 ? 0 : split(access->text, access->len, a);
	int			i = 0;
	int			j = 0;

	if (n == 0)
		return false;
	for (int c = 0; c <= n; c++)
		cost[m][c] = (uint8_t) (n - c);
	for (int r = m - 1; r >= 0; r--)
	{
		cost[r][n] = (uint8_t) (m - r);
		for (int c = n - 1; c >= 0; c--)
		{
			int			last = p[r].many ? n : c + 1;
			uint8_t		best = cost[r + 1][c + 1];

			if (cost[r + 1][c] < best)
				best = cost[r + 1][c];
			if (cost[r][c + 1] < best)
				best = cost[r][c + 1];
			best++;
			for (int k = c + 1; k <= last; k++)
				/* a match is taken rather than an edit of the same cost */
				if ((cost[r + 1][k] < best || (takes[r][c] == 0 && cost[r + 1][k] == best)) &&
					matches(&p[r], &a[c], &a[k - 1], access))
				{
					best = cost[r + 1][k];
					takes[r][c] = (uint8_t) (k - c);
				}
			cost[r][c] = best;
		}
	}

	nearness->edits = 0;
	nearness->prefix = n;
	while (i < m || j < n)
	{
		if (i < m && j < n && takes[i][j] > 0)
		{
			j += takes[i][j];
			i++;
			continue;
		}
		if (nearness->edits == 0)
			nearness->prefix = j;
		if (i < m && j < n && cost[i][j] == cost[i + 1][j + 1] + 1)
		{
			add_edit(nearness, ACL_EDIT_OTHER, j + 1, &a[j], &p[i]);
			i++;
			j++;
		}
		else if (i < m && cost[i][j] == cost[i + 1][j] + 1)
			add_edit(nearness, ACL_EDIT_ABSENT, j, NULL, &p[i++]);
		else
		{
			add_edit(nearness, ACL_EDIT_BEYOND, j + 1, &a[j], NULL);
			j++;
		}
	}
	return true;
}
