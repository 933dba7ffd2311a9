/*
 * log_text_test.c
 *	  Tests of src/plain/log_text.c, as TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/log_text.h"
#include "tap.h"

/* In buffers of exact size, so that sanitizers see every byte too many. */
static bool
gives(const char *s, size_t len, LogQuote quote, size_t size, const char *expected)
{
	char	   *copy = malloc(len ? len : 1);
	char	   *out = malloc(size);
	size_t		n;
	bool		good;

	memcpy(copy, s, len);
	n = log_text(out, size, copy, len, quote);
	good = n == strlen(out) && n < size && (expected == NULL || strcmp(out, expected) == 0);
	if (!good)
		printf("# %s\n", out);
	free(copy);
	free(out);
	return good;
}

#define GIVES(s, quote, size, expected) ok(gives(s, sizeof(s) - 1, quote, size, expected), "%s", expected)

static void
random_texts(int n)
{
	bool		good = true;

	srand(1);
	for (int i = 0; i < n && good; i++)
	{
		char		s[64];
		char		out[64];
		size_t		len = (size_t) (rand() % 64);
		size_t		size = 8 + (size_t) (rand() % 56);
		LogQuote	quote = (LogQuote) (rand() % 3);

		for (size_t j = 0; j < len; j++)
			s[j] = (char) (rand() % 3 ? rand() % 256 : "\"\\\n e"[rand() % 5]);
		good = gives(s, len, quote, size, NULL);
		for (const char *p = (log_text(out, size, s, len, quote), out); *p && good; p++)
			good = (unsigned char) *p >= 0x20 && *p != 0x7f;
	}
	ok(good, "bytes at random: no control character, and no byte too many");
}

int
main(void)
{
	GIVES("", LOG_PLAIN, 16, "");
	GIVES("", LOG_WORD, 16, "\"\"");
	GIVES("ann@x.org", LOG_WORD, 32, "ann@x.org");
	GIVES("ann smith", LOG_WORD, 32, "\"ann smith\"");
	GIVES("a\"b\\c", LOG_WORD, 32, "\"a\\\"b\\\\c\"");
	GIVES("a\"b\\c", LOG_PLAIN, 32, "a\"b\\c");
	GIVES("curl", LOG_QUOTED, 32, "\"curl\"");
	GIVES("a\nb\r\t\x7f", LOG_PLAIN, 32, "a\\x0ab\\x0d\\x09\\x7f");
	GIVES("a\nb", LOG_WORD, 32, "\"a\\x0ab\"");
	GIVES("a\0b", LOG_PLAIN, 32, "a\\x00b");
	GIVES("é😀", LOG_WORD, 32, "é😀");
	GIVES("\xc2\x85\xe2\x80\xa8\xe2\x80\xae\xc2\xa0", LOG_PLAIN, 64, "\\u0085\\u2028\\u202e\\u00a0");
	GIVES("\xf3\xa0\x81\x81", LOG_PLAIN, 64, "\\U000e0041");
	GIVES("a\xff\xc3", LOG_PLAIN, 32, "a\\xff\\xc3");
	GIVES("abcd", LOG_PLAIN, 8, "abcd");
	GIVES("abcdefgh", LOG_PLAIN, 8, "abcd...");
	GIVES("abcdefgh", LOG_QUOTED, 8, "\"ab...\"");
	GIVES("abc\n", LOG_PLAIN, 8, "abc...");
	GIVES("abcé", LOG_PLAIN, 8, "abc...");
	random_texts(100000);
	return tap_end();
}
