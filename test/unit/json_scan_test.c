/*
 * json_scan_test.c
 *	  Sizes of JSON texts, with sanitizers; prints TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/json_scan.h"
#include "tap.h"

/* Scans a block of the exact size, so that a byte too far is seen. */
static JsonSize
scan(const char *text, size_t len)
{
	char	   *copy = malloc(len ? len : 1);
	JsonSize	size;

	memcpy(copy, text, len);
	size = json_scan(copy, len);
	free(copy);
	return size;
}

static void
size_is(const char *text, int depth, int values)
{
	JsonSize	size = scan(text, strlen(text));
	int			good = size.depth == depth && size.values == values;

	ok(good, "%s: %d deep, %d values", text, size.depth, size.values);
}

int
main(void)
{
	static const char pieces[] = "[]{},:\"\\x0 ";
	char		text[64];
	unsigned	seed = 1;
	bool		good = true;

	size_is("", 0, 0);
	size_is("1", 0, 1);
	size_is("[]", 1, 2);
	size_is("[[[]]]", 3, 4);
	size_is("[[],[],[]]", 2, 7);
	size_is("{\"a\": {\"b\": [1, 2]}}", 3, 5);
	size_is("\"[[[,,,\"", 0, 1);
	size_is("[\"\\\"[[\", \"\\\\\", [\"\\\\\\\"[\"]]", 2, 5);
	/* no JSON, but of some size */
	size_is("]]]]", 0, 1);
	size_is("]][", 0, 2);
	size_is("[\"[", 1, 2);
	size_is("\"\\", 0, 1);
	size_is("{{{{", 4, 5);

	for (int i = 0; good && i < 1000000; i++)
	{
		size_t		len = (seed = seed * 1103515245 + 12345) >> 16 & 31;
		JsonSize	size;

		for (size_t j = 0; j < len; j++)
			text[j] = pieces[((seed = seed * 1103515245 + 12345) >> 16) % (sizeof(pieces) - 1)];
		size = scan(text, len);
		good = size.depth >= 0 && size.depth < size.values + (len == 0) && size.values <= 1 + (int) len;
		if (!good)
			printf("# %.*s: %d deep, %d values\n", (int) len, text, size.depth, size.values);
	}
	ok(good, "a million texts of any kind");
	return tap_end();
}
