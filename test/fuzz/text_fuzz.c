/*
 * text_fuzz.c
 *	  libFuzzer target: the readers of UUIDs, password hashes, e-mail addresses,
 *	  integers and booleans; what is read and written again must be the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "plain/phc.h"
#include "plain/python_text.h"
#include "plain/uuid_text.h"
#include "plain/validate_email.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool good)
{
	if (!good)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *) data;
	uint8_t		uuid[UUID_BYTES];
	uint8_t		again[UUID_BYTES];
	char		text[UUID_TEXT_LEN + 1];
	char		phc_text[PHC_TEXT_MAX];
	PhcHash		hash;
	int64_t		number;
	bool		word;

	if (uuid_text_parse_lenient(s, size, uuid))
	{
		uuid_text_format(uuid, text);
		require(uuid_text_parse(text, UUID_TEXT_LEN, false, again) &&
				memcmp(uuid, again, UUID_BYTES) == 0);
	}
	if (uuid_text_parse(s, size, true, uuid))
		require(uuid_text_parse_lenient(s, size, again) &&
				memcmp(uuid, again, UUID_BYTES) == 0);
	if (phc_parse(s, size, &hash))
	{
		phc_format(&hash, phc_text);
		require(strlen(phc_text) == size && memcmp(phc_text, s, size) == 0);
	}
	if (email_valid(s, size))
		require(memchr(s, '@', size) != NULL && s[size - 1] != '\n');
	(void) python_int(s, size, &number);
	(void) python_bool_word(s, size, &word);
	return 0;
}
