/*
 * traceparent_test.c
 *	  Tests of src/plain/traceparent.c, as TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "plain/traceparent.h"
#include "tap.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define REST "b7ad6b7169203331-01"

static void
check(const char *value, bool good)
{
	size_t		len = strlen(value);
	char	   *copy = malloc(len ? len : 1);	/* of exact size, so that sanitizers see an over-read */
	const char *id;

	memcpy(copy, value, len);
	id = traceparent_id(copy, len);
	ok(good ? id == copy + 3 && memcmp(id, ID, TRACE_ID_LEN) == 0 : id == NULL, "\"%s\"", value);
	free(copy);
}

int
main(void)
{
	char		cut[64];

	check("00-" ID "-" REST, true);
	check("01-" ID "-" REST "-more", true);
	check("01-" ID "-" REST "more", false);
	check("ff-" ID "-" REST, false);
	check("00-00000000000000000000000000000000-" REST, false);
	check("00-0AF7651916cd43dd8448eb211c80319c-" REST, false);
	check("00-0af7651916cd43dd8448eb211c80319'-" REST, false);
	check("00 " ID "-" REST, false);
	check("00-" ID "_" REST, false);
	for (size_t len = 0; len < 55; len += 6)
	{
		memcpy(cut, "00-" ID "-" REST, len);
		cut[len] = '\0';
		check(cut, false);
	}
	return tap_end();
}
