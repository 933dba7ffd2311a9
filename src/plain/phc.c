/*
 * phc.c
 *	  Password hashes as text: reading and writing PHC strings.
 *
 *	  $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
 *	  $pbkdf2-sha512$i=250000$<salt>$<hash>
 *
 * Salt and hash are base64 without padding.  No PostgreSQL header is used
 * here, so that the parser can be tested by itself under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/phc.h"

#include <stdio.h>
#include <string.h>

static const char base64_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

typedef struct Cursor
{
	const char *p;
	const char *end;
} Cursor;

/* Steps over word; false when something else is there. */
static bool
take_word(Cursor *c, const char *word)
{
	size_t		len = strlen(word);

	if ((size_t) (c->end - c->p) < len || memcmp(c->p, word, len) != 0)
		return false;
	c->p += len;
	return true;
}

/* Reads a decimal number without leading zeros between min and max. */
static bool
take_number(Cursor *c, uint32_t min, uint32_t max, uint32_t *out)
{
	uint32_t	value = 0;
	const char *start = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
	{
		value = value * 10 + (uint32_t) (*c->p - '0');
		if (value > max)		/* max is far from overflow */
			return false;
		c->p++;
	}
	if (c->p == start || (*start == '0' && c->p - start > 1))
		return false;
	*out = value;
	return value >= min;
}

/*
 * Reads unpadded base64 up to the next '$' or the end, between min and
 * PHC_MAX_BYTES bytes.  Bits that belong to no byte must be zero, so that each
 * value has one text.
 */
static bool
take_base64(Cursor *c, size_t min, uint8_t *out, size_t *out_len)
{
	uint32_t	bits = 0;
	int			bit_count = 0;
	size_t		len = 0;

	while (c->p < c->end && *c->p != '$')
	{
		const char *digit = *c->p ? strchr(base64_digits, *c->p) : NULL;

		if (digit == NULL)
			return false;
		bits = (bits << 6 | (uint32_t) (digit - base64_digits)) & 0xffff;
		bit_count += 6;
		if (bit_count >= 8)
		{
			if (len == PHC_MAX_BYTES)
				return false;
			bit_count -= 8;
			out[len++] = (uint8_t) (bits >> bit_count);
		}
		c->p++;
	}
	*out_len = len;
	return bit_count < 6 && (bits & ((1u << bit_count) - 1)) == 0 &&
		len >= min;
}

/*
 * Reads a stored hash.  s, len: the text, need not end with NUL.  Answers
 * false for unknown schemes, ill-formed text and parameters beyond the bounds
 * of phc.h; the caller then treats the login as one without a password.
 */
bool
phc_parse(const char *s, size_t len, PhcHash *out)
{
	Cursor		c = {s, s + len};

	memset(out, 0, sizeof(*out));
	if (take_word(&c, "$argon2id$v=19$m="))
	{
		out->scheme = PHC_ARGON2ID;
		if (!take_number(&c, PHC_MIN_MEMORY, PHC_MAX_MEMORY, &out->memory) ||
			!take_word(&c, ",t=") ||
			!take_number(&c, 1, PHC_MAX_ITERATIONS, &out->iterations) ||
			!take_word(&c, ",p=") ||
			!take_number(&c, 1, PHC_MAX_PARALLELISM, &out->parallelism))
			return false;
	}
	else if (take_word(&c, "$pbkdf2-sha512$i="))
	{
		out->scheme = PHC_PBKDF2_SHA512;
		if (!take_number(&c, 1, PHC_MAX_PBKDF2_ROUNDS, &out->iterations))
			return false;
	}
	else
		return false;

	return take_word(&c, "$") &&
		take_base64(&c, PHC_MIN_SALT, out->salt, &out->salt_len) &&
		take_word(&c, "$") &&
		take_base64(&c, PHC_MIN_HASH, out->hash, &out->hash_len) &&
		c.p == c.end;
}

/* Appends unpadded base64; returns the new end. */
static char *
put_base64(char *p, const uint8_t *data, size_t len)
{
	uint32_t	bits = 0;
	int			bit_count = 0;

	for (size_t i = 0; i < len; i++)
	{
		bits = (bits << 8 | data[i]) & 0xffff;
		bit_count += 8;
		while (bit_count >= 6)
		{
			bit_count -= 6;
			*p++ = base64_digits[bits >> bit_count & 63];
		}
	}
	if (bit_count > 0)
		*p++ = base64_digits[bits << (6 - bit_count) & 63];
	return p;
}

/*
 * Writes the text of a hash whose parameters are within the bounds of phc.h,
 * with a final NUL.
 */
void
phc_format(const PhcHash *hash, char out[PHC_TEXT_MAX])
{
	char	   *p = out;

	if (hash->scheme == PHC_ARGON2ID)
		p += snprintf(p, 64, "$argon2id$v=19$m=%u,t=%u,p=%u$",
					  hash->memory, hash->iterations, hash->parallelism);
	else
		p += snprintf(p, 64, "$pbkdf2-sha512$i=%u$", hash->iterations);
	p = put_base64(p, hash->salt, hash->salt_len);
	*p++ = '$';
	p = put_base64(p, hash->hash, hash->hash_len);
	*p = '\0';
}
