/*
 * uuid_text.c
 *	  UUIDs as text: strict reading, lenient reading, writing.
 *
 * No PostgreSQL header is used here, so that the parsers can be tested by
 * themselves under sanitizers.  Nothing allocates and nothing raises errors:
 * an ill-formed text is an ordinary answer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/uuid_text.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

/* Where the digits of each byte begin. */
static const uint8_t digit_place[UUID_BYTES] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

/* Value of a hexadecimal digit plus one, plus UPPER for A to F; 0: none. */
#define UPPER 32
static const uint8_t digit_value[256] = {
	['0'] = 1,['1'] = 2,['2'] = 3,['3'] = 4,['4'] = 5,['5'] = 6,['6'] = 7,['7'] = 8,['8'] = 9,['9'] = 10,
	['a'] = 11,['b'] = 12,['c'] = 13,['d'] = 14,['e'] = 15,['f'] = 16,
	['A'] = UPPER + 11,['B'] = UPPER + 12,['C'] = UPPER + 13,['D'] = UPPER + 14,['E'] = UPPER + 15,
	['F'] = UPPER + 16
};

/* Value of a hexadecimal digit, or -1. */
static int
hex_value(char c, bool accept_upper)
{
	uint8_t		value = digit_value[(unsigned char) c];

	return value <= UPPER ? value - 1 : accept_upper ? value - UPPER - 1 : -1;
}

/*
 * Reads the 8-4-4-4-12 form, and nothing else.
 *
 * s, len: the text, need not end with NUL.  accept_upper: whether A to F are
 * digits too (path parameters: yes, X-Auth-Token and Wazo-Tenant: no, because
 * upstream compares those as text).  out: the 16 bytes; undefined after false.
 */
bool
uuid_text_parse(const char *s, size_t len, bool accept_upper,
				uint8_t out[UUID_BYTES])
{
	int			all = 0;		/* negative once one digit was none */

	if (len != UUID_TEXT_LEN || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-')
		return false;
	for (int i = 0; i < UUID_BYTES; i++)
	{
		int			high = hex_value(s[digit_place[i]], accept_upper);
		int			low = hex_value(s[digit_place[i] + 1], accept_upper);

		all |= high | low;
		out[i] = (uint8_t) ((unsigned) high << 4 | (unsigned) low);
	}
	return all >= 0;
}

/* Removes every occurrence of word from buf, left to right; returns the new length. */
static size_t
remove_word(char *buf, size_t len, const char *word)
{
	size_t		word_len = strlen(word);
	size_t		kept = 0;

	for (size_t pos = 0; pos < len;)
	{
		if (len - pos >= word_len && memcmp(buf + pos, word, word_len) == 0)
			pos += word_len;
		else
			buf[kept++] = buf[pos++];
	}
	return kept;
}

/*
 * Reads what a uuid field of a request body may hold: 32 hexadecimal digits of
 * either case after removing "urn:", "uuid:", enclosing braces and every
 * hyphen, in that order, as Python's uuid.UUID() does.
 *
 * Texts over UUID_LENIENT_MAX bytes are refused; upstream takes any number of
 * hyphens, which no client sends.
 */
bool
uuid_text_parse_lenient(const char *s, size_t len, uint8_t out[UUID_BYTES])
{
	char		buf[UUID_LENIENT_MAX];
	char	   *p = buf;

	if (len > sizeof(buf))
		return false;
	memcpy(buf, s, len);
	len = remove_word(buf, len, "urn:");
	len = remove_word(buf, len, "uuid:");
	while (len > 0 && (p[0] == '{' || p[0] == '}'))
	{
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == '{' || p[len - 1] == '}'))
		len--;
	len = remove_word(p, len, "-");
	if (len != 2 * UUID_BYTES)
		return false;
	for (int i = 0; i < UUID_BYTES; i++)
	{
		int			high = hex_value(p[2 * i], true);
		int			low = hex_value(p[2 * i + 1], true);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

/* Writes the canonical lower-case 36 characters and a final NUL. */
void
uuid_text_format(const uint8_t uuid[UUID_BYTES], char out[UUID_TEXT_LEN + 1])
{
	out[8] = out[13] = out[18] = out[23] = '-';
	for (int i = 0; i < UUID_BYTES; i++)
	{
		out[digit_place[i]] = hex_digits[uuid[i] >> 4];
		out[digit_place[i] + 1] = hex_digits[uuid[i] & 15];
	}
	out[UUID_TEXT_LEN] = '\0';
}
