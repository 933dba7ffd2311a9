/*
 * text_fuzz.c
 *	  libFuzzer target: the readers of UUIDs, password hashes, e-mail addresses,
 *	  integers and booleans, of which what is read and written again must be the
 *	  same; what a log shows, the normal form of a domain, and the size of JSON.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "plain/json_scan.h"
#include "plain/log_text.h"
#include "plain/normal_domain.h"
#include "plain/phc.h"
#include "plain/python_text.h"
#include "plain/uuid_text.h"
#include "plain/validate_email.h"
#include "require.h"

/* Whatever somebody types, the log gets one line, and quotes that end where they should. */
static void
shown_in_log(const char *s, size_t len, LogQuote quote)
{
	char		out[64];
	size_t		n = log_text(out, sizeof(out), s, len, quote);

	require(n < sizeof(out) && out[n] == '\0' && strlen(out) == n);
	for (size_t i = 0; i < n; i++)
		require((unsigned char) out[i] >= ' ' && out[i] != 0x7f);
	if (quote == LOG_QUOTED)
	{
		require(n >= 2 && out[0] == '"' && out[n - 1] == '"');
		for (size_t i = 1; i < n - 1; i++)
		{
			if (out[i] == '\\')
				i++;
			else
				require(out[i] != '"');
			require(i < n - 1);
		}
	}
}

/* A normal form is its own. */
static void
normal_once(const char *s, size_t len)
{
	char		once[DOMAIN_MAX_BYTES];
	char		twice[DOMAIN_MAX_BYTES];
	size_t		n = normal_domain(s, len, once);

	require(n < DOMAIN_MAX_BYTES);
	if (n > 0)
		require(normal_domain(once, n, twice) == n && memcmp(once, twice, n) == 0);
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
	JsonSize	json = json_scan(s, size);

	require(json.depth >= 0 && json.depth <= json.values && json.values <= (int) size + 1);
	for (LogQuote quote = LOG_PLAIN; quote <= LOG_QUOTED; quote++)
		shown_in_log(s, size, quote);
	normal_once(s, size);
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
