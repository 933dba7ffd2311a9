/*
 * acl_bits.c
 *	  One access pattern against one requested access, for the hard cases.
 *
 * The set of places in the access that the pattern read so far can reach is a
 * row of bits, and each element of the pattern moves the whole row.  There is
 * no going back, so the cost is pattern length times access length / 64
 * whatever the pattern looks like, and nothing is assumed about newlines or
 * about what the ids contain.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_bits.h"

#include <string.h>

/* What a reserved word may stand for; an occurrence row is kept for each. */
enum
{
	ALT_ME,
	ALT_AUTH_ID,
	ALT_ANY_ME,
	ALT_MY_SESSION,
	ALT_SESSION_ID,
	ALT_ANY_SESSION,
	ALT_EDIT,
	ALT_UPDATE,
	ALT_ANY_EDIT,
	ALT_COUNT
};

struct AclBits
{
	size_t		words;			/* of a row: one bit for 0 .. access length */
	int16_t		row_of[256];	/* row of a byte value, -1 when absent */
	bool		alt_made[ALT_COUNT];
	uint64_t   *reached;
	uint64_t   *scratch;
	uint64_t   *not_newline;	/* bytes that '#' may pass */
	uint64_t   *in_segment;		/* bytes that '*' may pass */
	uint64_t   *alt;			/* ALT_COUNT rows */
	uint64_t   *bytes;			/* a row for each distinct byte */
};

static inline void
set_bit(uint64_t *row, size_t i)
{
	row[i / 64] |= (uint64_t) 1 << (i % 64);
}

static struct AclBits *
make_bits(const AclAccess *access)
{
	struct AclBits *bits;
	size_t		words = access->len / 64 + 1;
	size_t		distinct = 0;
	size_t		size;
	int16_t		row_of[256];

	memset(row_of, -1, sizeof(row_of));
	for (size_t i = 0; i < access->len; i++)
	{
		unsigned char c = (unsigned char) access->text[i];

		if (row_of[c] < 0)
			row_of[c] = (int16_t) distinct++;
	}

	size = sizeof(struct AclBits) +
		(4 + ALT_COUNT + distinct) * words * sizeof(uint64_t);
	bits = access->env->alloc(size);
	memset(bits, 0, size);
	bits->words = words;
	memcpy(bits->row_of, row_of, sizeof(row_of));
	bits->reached = (uint64_t *) (bits + 1);
	bits->scratch = bits->reached + words;
	bits->not_newline = bits->scratch + words;
	bits->in_segment = bits->not_newline + words;
	bits->alt = bits->in_segment + words;
	bits->bytes = bits->alt + ALT_COUNT * words;

	for (size_t i = 0; i < access->len; i++)
	{
		unsigned char c = (unsigned char) access->text[i];

		set_bit(bits->bytes + (size_t) row_of[c] * words, i);
		if (c != '\n')
			set_bit(bits->not_newline, i);
		if (c != '.' && c != '#')
			set_bit(bits->in_segment, i);
	}
	return bits;
}

/* row = (row & mask) moved up by one place; false when nothing is left. */
static bool
step_literal(uint64_t *row, const uint64_t *mask, size_t words)
{
	uint64_t	carry = 0;
	uint64_t	any = 0;

	for (size_t i = 0; i < words; i++)
	{
		uint64_t	hit = row[i] & mask[i];

		row[i] = hit << 1 | carry;
		carry = hit >> 63;
		any |= row[i];
	}
	return any != 0;
}

/*
 * Spread each reached place over the run of mask bits that starts there.
 * Adding the starts to the runs turns over all bits from a start to the end of
 * its run and one beyond; exclusive or with the runs shows them.
 */
static void
step_wildcard(uint64_t *row, const uint64_t *mask, size_t words)
{
	uint64_t	carry = 0;

	for (size_t i = 0; i < words; i++)
	{
		uint64_t	start = row[i] & mask[i];
		uint64_t	sum = start + mask[i];
		uint64_t	over = sum < start;

		sum += carry;
		over |= sum < carry;
		carry = over;
		row[i] |= sum ^ mask[i];
	}
}

/* The row of places where "needle" starts in the access. */
static const uint64_t *
occurrences(const AclAccess *access, int which, const char *needle, size_t len)
{
	struct AclBits *bits = access->bits;
	uint64_t   *row = bits->alt + (size_t) which * bits->words;

	if (bits->alt_made[which])
		return row;

	/* every place first, then those whose following bytes do not fit go */
	if (len <= access->len)
	{
		for (size_t i = 0; i <= access->len - len; i++)
			set_bit(row, i);
		for (size_t k = 0; k < len; k++)
		{
			int			r = bits->row_of[(unsigned char) needle[k]];
			const uint64_t *byte;
			size_t		skip = k / 64;
			unsigned	shift = k % 64;

			if (r < 0)
			{
				memset(row, 0, bits->words * sizeof(uint64_t));
				break;
			}
			byte = bits->bytes + (size_t) r * bits->words;
			for (size_t i = 0; i < bits->words; i++)
			{
				uint64_t	w = 0;

				if (i + skip < bits->words)
					w = byte[i + skip] >> shift;
				if (shift != 0 && i + skip + 1 < bits->words)
					w |= byte[i + skip + 1] << (64 - shift);
				row[i] &= w;
			}
		}
	}
	bits->alt_made[which] = true;
	return row;
}

/* out |= (row & starts) moved up by "distance" places. */
static void
jump(uint64_t *out, const uint64_t *row, const uint64_t *starts,
	 size_t words, size_t distance)
{
	size_t		skip = distance / 64;
	unsigned	shift = distance % 64;

	for (size_t i = skip; i < words; i++)
	{
		uint64_t	w = (row[i - skip] & starts[i - skip]) << shift;

		if (shift != 0 && i > skip)
			w |= (row[i - skip - 1] & starts[i - skip - 1]) >> (64 - shift);
		out[i] |= w;
	}
}

/* scratch |= the places behind "text", read from those reached. */
static void
step_text(const AclAccess *access, int which, const char *text, size_t len)
{
	struct AclBits *bits = access->bits;

	if (text != NULL && len <= access->len)
		jump(bits->scratch, bits->reached,
			 occurrences(access, which, text, len), bits->words, len);
}

static bool
step_word(const AclAccess *access, AclWord word)
{
	struct AclBits *bits = access->bits;
	const AclContext *ctx = &access->ctx;
	bool		any_holder = access->of_entry;
	uint64_t	any = 0;

	memset(bits->scratch, 0, bits->words * sizeof(uint64_t));
	switch (word)
	{
		case ACL_WORD_ME:
			step_text(access, ALT_ME, "me", 2);
			step_text(access, ALT_AUTH_ID, ctx->auth_id, ctx->auth_id_len);
			if (any_holder)
				step_text(access, ALT_ANY_ME, ACL_ANY_ME, ACL_ANY_ME_LEN);
			break;
		case ACL_WORD_MY_SESSION:
			step_text(access, ALT_MY_SESSION, "my_session", 10);
			step_text(access, ALT_SESSION_ID, ctx->session_id, ctx->session_id_len);
			if (any_holder)
				step_text(access, ALT_ANY_SESSION, ACL_ANY_SESSION, ACL_ANY_SESSION_LEN);
			break;
		case ACL_WORD_EDIT:
			step_text(access, ALT_EDIT, "edit", 4);
			step_text(access, ALT_UPDATE, "update", 6);
			if (any_holder)
				step_text(access, ALT_ANY_EDIT, ACL_ANY_EDIT, ACL_ANY_EDIT_LEN);
			break;
		case ACL_WORD_NONE:
			break;
	}
	for (size_t i = 0; i < bits->words; i++)
	{
		bits->reached[i] = bits->scratch[i];
		any |= bits->scratch[i];
	}
	return any != 0;
}

/*
 * Same contract as acl_pattern_match, without its fast way.  The rows are made
 * at the first call for an access and stay with it until acl_access_done.
 */
bool
acl_bits_match(AclAccess *access, const char *pattern, size_t len, size_t from)
{
	struct AclBits *bits = access->bits;

	if (bits == NULL)
		bits = access->bits = make_bits(access);
	memset(bits->reached, 0, bits->words * sizeof(uint64_t));
	set_bit(bits->reached, from);

	for (size_t p = 0; p < len;)
	{
		char		c = pattern[p];
		int			r;

		if (c == '#' || c == '*')
		{
			step_wildcard(bits->reached,
						  c == '#' ? bits->not_newline : bits->in_segment,
						  bits->words);
			p++;
			continue;
		}
		if ((c == 'm' || c == 'e') && (p == 0 || pattern[p - 1] == '.'))
		{
			const char *dot = memchr(pattern + p, '.', len - p);
			size_t		seg = dot != NULL ? (size_t) (dot - pattern) - p : len - p;
			AclWord		word = acl_reserved_word(pattern + p, seg);

			if (word != ACL_WORD_NONE)
			{
				if (!step_word(access, word))
					return false;
				p += seg;
				continue;
			}
		}
		r = bits->row_of[(unsigned char) c];
		if (r < 0 ||
			!step_literal(bits->reached, bits->bytes + (size_t) r * bits->words,
						  bits->words))
			return false;
		p++;
	}
	return (bits->reached[access->len / 64] >> (access->len % 64) & 1) != 0;
}
