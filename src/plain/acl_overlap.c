/*
 * acl_overlap.c
 *	  Have two access patterns an access in common?
 *
 * One pattern is prepared, and the other one is read against it.  The set of
 * places in the prepared one at which some common text can have arrived is a
 * row of bits, and each element of the other one moves the whole row: nothing
 * is tried and taken back, so the cost is the product of the lengths / 64
 * whatever the patterns look like.
 *
 * Here is no holder: "me", "my_session" and "edit" are letters like any other
 * (acl_judge.c writes out what they stand for).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_overlap.h"

struct AclOverlap
{
	size_t		words;			/* of a row: one bit for 0 .. places */
	size_t		places;
	int16_t		row_of[256];	/* row of a byte value, -1 when absent */
	uint64_t   *reached;
	uint64_t   *wild;			/* places of '*' and '#' */
	uint64_t   *hash;			/* places of '#' */
	uint64_t   *no_dot;			/* places that a text without dots can pass */
	uint64_t   *bytes;			/* a row for each distinct byte */
};

static inline void
set_bit(uint64_t *row, size_t i)
{
	row[i / 64] |= (uint64_t) 1 << (i % 64);
}

static inline bool
is_wild(char c)
{
	return c == '*' || c == '#';
}

/*
 * Prepare a pattern.  To be released with env->release.
 */
AclOverlap *
acl_overlap_make(const char *pattern, size_t len, const AclEnv *env)
{
	AclOverlap *o;
	size_t		words = len / 64 + 1;
	size_t		distinct = 0;
	size_t		size;
	int16_t		row_of[256];

	memset(row_of, -1, sizeof(row_of));
	for (size_t i = 0; i < len; i++)
		if (!is_wild(pattern[i]) && row_of[(unsigned char) pattern[i]] < 0)
			row_of[(unsigned char) pattern[i]] = (int16_t) distinct++;
	size = sizeof(AclOverlap) + (4 + distinct) * words * sizeof(uint64_t);
	o = env->alloc(size);
	memset(o, 0, size);
	o->words = words;
	memcpy(o->row_of, row_of, sizeof(row_of));
	o->reached = (uint64_t *) (o + 1);
	o->wild = o->reached + words;
	o->hash = o->wild + words;
	o->no_dot = o->hash + words;
	o->bytes = o->no_dot + words;

	/* wildcards side by side become one place: behind one is never another */
	for (size_t i = 0; i < len; i++)
	{
		char		c = pattern[i];
		size_t		at = o->places;

		if (!is_wild(c))
			set_bit(o->bytes + (size_t) row_of[(unsigned char) c] * words, at);
		else if (i > 0 && is_wild(pattern[i - 1]))
			at--;
		if (is_wild(c))
			set_bit(o->wild, at);
		if (c == '#')
			set_bit(o->hash, at);
		if (c != '.')
			set_bit(o->no_dot, at);
		o->places = at + 1;
	}
	return o;
}

/* How many words of bits one element of another pattern moves. */
size_t
acl_overlap_words(const AclOverlap *overlap)
{
	return overlap->words;
}

/* Who stands in front of a wildcard stands behind it too. */
static void
skip_wild(AclOverlap *o)
{
	uint64_t	carry = 0;

	for (size_t i = 0; i < o->words; i++)
	{
		uint64_t	hit = o->reached[i] & o->wild[i];

		o->reached[i] |= hit << 1 | carry;
		carry = hit >> 63;
	}
}

/* Both read the byte; false when no place is left. */
static bool
step_byte(AclOverlap *o, char c)
{
	static const uint64_t none = 0;
	int			r = o->row_of[(unsigned char) c];
	const uint64_t *byte = r < 0 ? NULL : o->bytes + (size_t) r * o->words;
	const uint64_t *stay = c == '.' ? o->hash : o->wild;
	uint64_t	carry = 0;
	uint64_t	any = 0;

	for (size_t i = 0; i < o->words; i++)
	{
		uint64_t	from = o->reached[i];
		uint64_t	hit = from & (byte != NULL ? byte[i] : none);

		o->reached[i] = hit << 1 | carry | (from & stay[i]);
		carry = hit >> 63;
		any |= o->reached[i];
	}
	skip_wild(o);
	return any != 0;
}

/* The other one reads '*': on over all that a text without dots can pass. */
static void
step_star(AclOverlap *o)
{
	uint64_t	carry = 0;

	/* as step_wildcard() of acl_bits.c */
	for (size_t i = 0; i < o->words; i++)
	{
		uint64_t	mask = o->no_dot[i];
		uint64_t	start = o->reached[i] & mask;
		uint64_t	sum = start + mask;
		uint64_t	over = sum < start;

		sum += carry;
		over |= sum < carry;
		carry = over;
		o->reached[i] |= sum ^ mask;
	}
}

/* The other one reads '#': every place from the first one on. */
static void
step_hash(AclOverlap *o)
{
	bool		on = false;

	for (size_t i = 0; i < o->words; i++)
	{
		uint64_t	row = o->reached[i];

		if (on)
			o->reached[i] = ~UINT64_C(0);
		else if (row != 0)
		{
			o->reached[i] = ~((row & -row) - 1);
			on = true;
		}
	}
}

/*
 * Is there an access that the prepared pattern and this one both match?
 * Accesses with a newline count as well, which '#' does not match: then the
 * answer may be yes where it is no.
 */
bool
acl_overlap_with(AclOverlap *overlap, const char *other, size_t len)
{
	memset(overlap->reached, 0, overlap->words * sizeof(uint64_t));
	set_bit(overlap->reached, 0);
	skip_wild(overlap);
	for (size_t i = 0; i < len; i++)
	{
		if (other[i] == '#')
			step_hash(overlap);
		else if (other[i] == '*')
			step_star(overlap);
		else if (!step_byte(overlap, other[i]))
			return false;
	}
	return (overlap->reached[overlap->places / 64] >>
			(overlap->places % 64) & 1) != 0;
}
