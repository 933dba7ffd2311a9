/*
 * uuid_text_test.c
 *	  Tests of src/plain/uuid_text.c, as TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/uuid_text.h"
#include "tap.h"

#define CANON "0123a567-89ab-4def-8123-456789abcdef"

/* Copies into a block of exact size, so that sanitizers see an over-read. */
static bool
parse(const char *s, size_t len, bool upper, bool lenient, char *text)
{
	uint8_t		uuid[UUID_BYTES];
	char	   *copy = malloc(len ? len : 1);
	bool		good;

	memcpy(copy, s, len);
	good = lenient ? uuid_text_parse_lenient(copy, len, uuid)
		: uuid_text_parse(copy, len, upper, uuid);
	free(copy);
	if (good)
		uuid_text_format(uuid, text);
	return good;
}

static void
strict(const char *s, bool upper, bool want)
{
	char		text[UUID_TEXT_LEN + 1];
	bool		got = parse(s, strlen(s), upper, false, text);

	ok(got == want && (!got || strcmp(text, CANON) == 0), "%s", s);
}

static void
lenient(const char *s, bool want)
{
	char		text[UUID_TEXT_LEN + 1];
	bool		got = parse(s, strlen(s), false, true, text);

	ok(got == want && (!got || strcmp(text, CANON) == 0), "%s", s);
}

int
main(void)
{
	char		big[1024];
	char		text[UUID_TEXT_LEN + 1];

	strict(CANON, false, true);
	strict(CANON, true, true);
	strict("0123A567-89AB-4DEF-8123-456789ABCDEF", true, true);
	strict("0123A567-89AB-4DEF-8123-456789ABCDEF", false, false);
	strict("0123a56789ab4def8123456789abcdef", true, false);
	strict("{0123a567-89ab-4def-8123-456789abcdef}", true, false);
	strict("0123a567-89ab-4def-8123-456789abcde", true, false);
	strict("0123a567-89ab-4def-8123-456789abcdeff", true, false);
	strict("0123a567-89ab-4def-8123-456789abcdeg", true, false);
	strict("0123a567889ab-4def-8123-456789abcdef", true, false);
	strict("0123a567-89ab-4def-8123-456789abcd\xc3\xa9", true, false);
	strict("", true, false);
	ok(!parse("0123a567-89ab-4def-8123-456789abcd\0f", 36, true, false, text),
	   "NUL inside");

	lenient(CANON, true);
	lenient("0123A567-89AB-4DEF-8123-456789ABCDEF", true);
	lenient("0123a56789ab4def8123456789abcdef", true);
	lenient("{" CANON "}", true);
	lenient("urn:uuid:" CANON, true);
	lenient("uuid:" CANON, true);
	lenient("0-1-2-3-a-5-6-7-8-9-a-b-4-d-e-f-8-1-2-3-4-5-6-7-8-9-a-b-c-d-e-f",
			true);
	lenient("{{" CANON, true);
	lenient("uurn:uid:" CANON, true);
	lenient("-{" CANON "}", false);
	lenient("0123a567-89ab-{}4def-8123-456789abcdef", false);
	lenient("URN:UUID:" CANON, false);
	lenient(" " CANON, false);
	lenient(CANON "\n", false);
	lenient("0123a567-89ab-4def-8123-456789abcde", false);
	lenient("0123a567-89ab-4def-8123-456789abcdef0", false);
	lenient("0_123a567-89ab-4def-8123-456789abcde", false);
	lenient("", false);
	lenient("{}", false);
	memset(big, '-', sizeof(big));
	ok(!parse(big, sizeof(big), false, true, text), "1,024 hyphens");
	memcpy(big, CANON, UUID_TEXT_LEN);
	ok(parse(big, UUID_LENIENT_MAX, false, true, text), "hyphens up to the bound");
	ok(!parse(big, UUID_LENIENT_MAX + 1, false, true, text), "one over the bound");
	return tap_end();
}
