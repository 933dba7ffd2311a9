/*
 * acl_reference.h
 *	  A second, simple implementation of the pattern language, and helpers that
 *	  the unit test, the fuzzer and the benchmark share.
 *
 * The reference is plain dynamic programming over (element of the pattern,
 * byte of the access).  It shares no code with src/plain/acl_*.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_REFERENCE_H
#define ACL_REFERENCE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/acl_bits.h"
#include "plain/acl_compile.h"
#include "plain/acl_keys.h"

#define MAX_WORDS	4096		/* of a line of the data */

static void *
test_alloc(size_t size)
{
	void	   *p = malloc(size);

	if (p == NULL)
		abort();
	return p;
}

static const AclEnv test_env = {test_alloc, free, NULL};

/* A text with an explicit length; NULL text: null. */
typedef struct Text
{
	const char *text;
	size_t		len;
} Text;

static bool
reference_is(const char *pat, size_t len, size_t at, const char *word)
{
	size_t		n = strlen(word);

	return (at == 0 || pat[at - 1] == '.') && at + n <= len &&
		memcmp(pat + at, word, n) == 0 &&
		(at + n == len || pat[at + n] == '.');
}

static void
reference_alternative(const unsigned char *from, unsigned char *to,
					  Text text, Text alt)
{
	if (alt.text == NULL)
		return;
	for (size_t i = 0; i + alt.len <= text.len; i++)
		if (from[i] && memcmp(text.text + i, alt.text, alt.len) == 0)
			to[i + alt.len] = 1;
}

/*
 * Does one pattern (no '!' handling) match the whole text, with each "me" and
 * "my_session" standing for any of these holders?
 */
static bool
reference_match_any(Text pattern, Text text, const AclContext *ctx, size_t holders)
{
	const char *pat = pattern.text;
	unsigned char *cur = calloc(1, text.len + 1);
	unsigned char *next = calloc(1, text.len + 1);
	bool		result;

	cur[0] = 1;
	for (size_t p = 0; p < pattern.len;)
	{
		unsigned char *swap;

		memset(next, 0, text.len + 1);
		if (pat[p] == '#' || pat[p] == '*')
		{
			for (size_t i = 0; i <= text.len; i++)
			{
				if (cur[i])
					next[i] = 1;
				else if (i > 0 && next[i - 1])
				{
					char		c = text.text[i - 1];

					next[i] = pat[p] == '#' ? c != '\n' : c != '.' && c != '#';
				}
			}
			p++;
		}
		else if (reference_is(pat, pattern.len, p, "me"))
		{
			reference_alternative(cur, next, text, (Text) {"me", 2});
			for (size_t h = 0; h < holders; h++)
				reference_alternative(cur, next, text,
									  (Text) {ctx[h].auth_id, ctx[h].auth_id_len});
			p += 2;
		}
		else if (reference_is(pat, pattern.len, p, "my_session"))
		{
			reference_alternative(cur, next, text, (Text) {"my_session", 10});
			for (size_t h = 0; h < holders; h++)
				reference_alternative(cur, next, text,
									  (Text) {ctx[h].session_id, ctx[h].session_id_len});
			p += 10;
		}
		else if (reference_is(pat, pattern.len, p, "edit"))
		{
			reference_alternative(cur, next, text, (Text) {"edit", 4});
			reference_alternative(cur, next, text, (Text) {"update", 6});
			p += 4;
		}
		else
		{
			for (size_t i = 0; i < text.len; i++)
				next[i + 1] = cur[i] && text.text[i] == pat[p];
			p++;
		}
		swap = cur;
		cur = next;
		next = swap;
	}
	result = cur[text.len];
	free(cur);
	free(next);
	return result;
}

static bool
reference_match(Text pattern, Text text, const AclContext *ctx)
{
	return reference_match_any(pattern, text, ctx, 1);
}

/* Index of the deciding entry, or -1, as acl_list_decide gives it. */
static inline int32_t
reference_decide(const Text *entries, size_t count, Text access,
				 const AclContext *ctx, bool *granted)
{
	int32_t		positive = -1;

	*granted = false;
	for (size_t i = 0; i < count; i++)
	{
		bool		negative = entries[i].len > 0 && entries[i].text[0] == '!';
		Text		p = {entries[i].text + negative, entries[i].len - negative};

		if (!negative && positive >= 0)
			continue;
		if (reference_match(p, access, ctx))
		{
			if (negative)
			{
				*granted = false;
				return (int32_t) i;
			}
			*granted = true;
			positive = (int32_t) i;
		}
	}
	return positive;
}

/* Pack entries; the result is malloc'ed, with exactly *size bytes. */
static char *
test_pack(const Text *entries, size_t count, size_t *size)
{
	char	   *packed;
	char	   *at;

	*size = ACL_PACKED_HEADER;
	for (size_t i = 0; i < count; i++)
		*size += 2 + entries[i].len;
	packed = test_alloc(*size);
	acl_packed_put_header(packed, (uint32_t) count);
	at = packed + ACL_PACKED_HEADER;
	for (size_t i = 0; i < count; i++)
		at = acl_packed_put_entry(at, entries[i].text, entries[i].len);
	return packed;
}

/* Compile into a block of exactly the size used: sanitizers see overruns. */
static inline AclCompiled *
test_compile(const char *packed, size_t size)
{
	void	   *block = test_alloc(acl_compile_bound(packed, size));
	size_t		used = acl_compile(packed, size, block);
	void	   *exact = test_alloc(used);

	memcpy(exact, block, used);
	free(block);
	return exact;
}

typedef struct KeySearch
{
	const Text *entries;
	size_t		count;
	bool		found;
} KeySearch;

static inline void
test_find_key(void *arg, const char *key, size_t len)
{
	KeySearch  *search = arg;

	for (size_t i = 0; i < search->count && !search->found; i++)
	{
		AclEntry	entry = {search->entries[i].text, search->entries[i].len, false};
		char		stored[ACL_MAX_KEY];
		size_t		n;

		if (entry.len > 0 && entry.text[0] == '!')
			continue;
		n = acl_entry_key(&entry, stored);
		search->found = n == len && memcmp(stored, key, len) == 0;
	}
}

/* Would the index find this list for this access? */
static inline bool
test_index_finds(const Text *entries, size_t count, const AclAccess *access)
{
	KeySearch	search = {entries, count, false};

	return !acl_access_keys(access, test_find_key, &search) || search.found;
}

/* The words of a line of the data, which it is cut into. */
static inline int
test_split(char *line, char **words)
{
	int			n = 0;
	char	   *save = NULL;

	for (char *w = strtok_r(line, " \n", &save); w != NULL && n < MAX_WORDS;
		 w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	return n;
}

/* "x6162" -> ab, "-" -> null. */
static inline Text
test_unhex(const char *word)
{
	Text		t = {NULL, 0};
	char	   *out;

	if (word[0] != 'x')
		return t;
	t.len = strlen(word + 1) / 2;
	out = test_alloc(t.len + 1);
	for (size_t i = 0; i < t.len; i++)
	{
		unsigned	byte = 0;

		sscanf(word + 1 + 2 * i, "%2x", &byte);
		out[i] = (char) byte;
	}
	out[t.len] = '\0';
	t.text = out;
	return t;
}

#endif							/* ACL_REFERENCE_H */
