/*
 * acl_heads.c
 *	  Patterns sorted by their literal head, to find those that can have an
 *	  access in common with another one.
 *
 * Two patterns have none when their heads part somewhere.  Those whose heads
 * do not are neighbours in the order of the heads: the ones whose head goes on
 * where the other ends follow each other, and the ones whose head ends before
 * hang together by "above".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_heads.h"

#include <stdlib.h>

/*
 * How many bytes every access that the pattern matches begins with; "words":
 * the reserved words in it mean something.
 */
size_t
acl_literal_head(const char *pattern, size_t len, bool words)
{
	size_t		from = 0;

	for (size_t i = 0; i <= len; i++)
	{
		if (i < len && (pattern[i] == '*' || pattern[i] == '#'))
			return i;
		if (words && (i == len || pattern[i] == '.'))
		{
			if (acl_reserved_word(pattern + from, i - from) != ACL_WORD_NONE)
				return from;
			from = i + 1;
		}
	}
	return len;
}

static int
compare_text(const char *a, size_t alen, const char *b, size_t blen)
{
	int			order = memcmp(a, b, alen < blen ? alen : blen);

	return order != 0 ? order : (alen > blen) - (alen < blen);
}

static int
compare_heads(const AclHead *x, const AclHead *y)
{
	return compare_text(x->text, x->head, y->text, y->head);
}

/* With the same head the shortest comes last, to be the first candidate. */
static int
compare_items(const void *a, const void *b)
{
	const AclHead *x = a;
	const AclHead *y = b;
	int			order = compare_heads(x, y);

	return order != 0 ? order : (x->len < y->len) - (x->len > y->len);
}

static bool
begins(const AclHead *item, const char *text, size_t len)
{
	return item->head <= len && memcmp(item->text, text, item->head) == 0;
}

/* From "at" up to the first item whose head begins the text. */
static size_t
climb(const AclHead *items, size_t at, const char *text, size_t len)
{
	while (at != ACL_NO_HEAD && !begins(&items[at], text, len))
		at = items[at].above;
	return at;
}

/* Put the items in order, of which text, len and head are set. */
void
acl_heads_sort(AclHeads *heads)
{
	AclHead    *items = heads->items;

	if (heads->count > 0)
		qsort(items, heads->count, sizeof(AclHead), compare_items);
	for (size_t i = 0; i < heads->count; i++)
	{
		AclHead    *item = &items[i];

		item->same = i > 0 && compare_heads(&items[i - 1], item) == 0;
		if (item->same)
			item->above = items[i - 1].above;
		else
			item->above = i == 0 ? ACL_NO_HEAD :
				climb(items, i - 1, item->text, item->head);
	}
}

/*
 * Start going over the items whose head begins the text, and with "longer"
 * over those as well whose head goes on behind it.  All must stay as it is
 * until the last acl_heads_next.
 */
void
acl_heads_start(AclHeadsScan *scan, const AclHeads *heads,
				const char *text, size_t len, bool longer)
{
	size_t		low = 0;
	size_t		high = heads->count;

	while (low < high)
	{
		size_t		mid = low + (high - low) / 2;

		if (compare_text(heads->items[mid].text, heads->items[mid].head,
						 text, len) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	scan->heads = heads;
	scan->text = text;
	scan->len = len;
	scan->up = low == 0 ? ACL_NO_HEAD : climb(heads->items, low - 1, text, len);
	scan->down = longer ? low : heads->count;
}

/* The next candidate, those with the longest head in common first; or NULL. */
const AclHead *
acl_heads_next(AclHeadsScan *scan)
{
	const AclHead *item;

	if (scan->up != ACL_NO_HEAD)
	{
		item = &scan->heads->items[scan->up];
		scan->up = item->same ? scan->up - 1 : item->above;
		return item;
	}
	if (scan->down < scan->heads->count)
	{
		item = &scan->heads->items[scan->down];
		if (item->head >= scan->len &&
			memcmp(item->text, scan->text, scan->len) == 0)
		{
			scan->down++;
			return item;
		}
		scan->down = scan->heads->count;
	}
	return NULL;
}
