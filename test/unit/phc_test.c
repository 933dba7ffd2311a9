/*
 * phc_test.c
 *	  Tests of src/plain/phc.c, as TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/phc.h"
#include "tap.h"

#define SALT "MDEyMzQ1Njc4OWFiY2RlZg"	/* 0123456789abcdef */
#define HASH "tmg8kTzmJLkguc2kOGId3nFi6amvRKU5PrSeYJW6QRk"

/* Parses a copy of exact size, so that sanitizers see an over-read. */
static bool
parse(const char *s, size_t len, PhcHash *hash)
{
	char	   *copy = malloc(len ? len : 1);
	bool		good;

	memcpy(copy, s, len);
	good = phc_parse(copy, len, hash);
	free(copy);
	return good;
}

static void
refused(const char *s)
{
	PhcHash		hash;

	ok(!parse(s, strlen(s), &hash), "%s", s);
}

static void
round_trip(const char *s)
{
	PhcHash		hash;
	char		text[PHC_TEXT_MAX];
	bool		good = parse(s, strlen(s), &hash);

	if (good)
		phc_format(&hash, text);
	ok(good && strcmp(s, text) == 0, "%s", s);
	/* no beginning of it is one */
	for (size_t len = 0; len < strlen(s); len++)
	{
		/* but where only the hash gets shorter and stays long enough */
		if (strrchr(s, '$') - s + 22 <= (long) len)
			break;
		if (parse(s, len, &hash))
			good = false;
	}
	ok(good, "prefixes are refused");
}

int
main(void)
{
	PhcHash		hash;
	uint32_t	seed = 1;
	int			wrong = 0;

	round_trip("$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH);
	round_trip("$argon2id$v=19$m=64,t=1,p=8$" SALT "$" HASH);
	round_trip("$argon2id$v=19$m=262144,t=16,p=1$" SALT "$" HASH);
	round_trip("$pbkdf2-sha512$i=250000$" SALT "$" HASH);
	round_trip("$pbkdf2-sha512$i=1$" SALT SALT "$" HASH);

	parse("$argon2id$v=19$m=64,t=3,p=2$" SALT "$" HASH,
		  strlen("$argon2id$v=19$m=64,t=3,p=2$" SALT "$" HASH), &hash);
	ok(hash.scheme == PHC_ARGON2ID && hash.memory == 64 &&
	   hash.iterations == 3 && hash.parallelism == 2 &&
	   hash.salt_len == 16 && memcmp(hash.salt, "0123456789abcdef", 16) == 0 &&
	   hash.hash_len == 32 && hash.hash[0] == 0xb6, "the parts");

	refused("");
	refused("$");
	refused("argon2id$v=19$m=64,t=1,p=1$" SALT "$" HASH);
	refused("$argon2i$v=19$m=64,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$v=16$m=64,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$m=64,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=63,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=262145,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=4294967360,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=064,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=-64,t=1,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=64,t=0,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=64,t=17,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=64,t=1,p=0$" SALT "$" HASH);
	refused("$argon2id$v=19$m=64,t=1,p=9$" SALT "$" HASH);
	refused("$argon2id$v=19$m=64,t=1,p=1,x=1$" SALT "$" HASH);
	refused("$argon2id$v=19$t=1,m=64,p=1$" SALT "$" HASH);
	refused("$argon2id$v=19$m=64,t=1,p=1$" SALT "$" HASH "\n");
	refused("$argon2id$v=19$m=64,t=1,p=1$" SALT "$" HASH "$");
	refused("$argon2id$v=19$m=64,t=1,p=1$" SALT "==$" HASH);
	refused("$argon2id$v=19$m=64,t=1,p=1$" SALT "$");
	refused("$argon2id$v=19$m=64,t=1,p=1$$" HASH);
	refused("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc$L3dslQ");	/* short hash */
	refused("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1$" HASH);	/* short salt */
	refused("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZh$" HASH);	/* spare bits */
	refused("$argon2id$v=19$m=64,t=1,p=1$" SALT "AAA$" HASH);
	refused("$argon2id$v=19$m=64,t=1,p=1$" SALT "$" HASH HASH HASH);
	refused("$argon2id$v=19$m=64,t=1,p=1$" SALT "$" HASH "\xc3\xa9");
	refused("$pbkdf2-sha512$i=0$" SALT "$" HASH);
	refused("$pbkdf2-sha512$i=1000001$" SALT "$" HASH);
	refused("$pbkdf2-sha512$i=$" SALT "$" HASH);
	refused("$pbkdf2-sha256$i=1$" SALT "$" HASH);
	ok(!parse("$argon2id$v=19$m=64,t=1,p=1$" SALT "\0$" HASH,
			  strlen("$argon2id$v=19$m=64,t=1,p=1$" SALT) + 2 + strlen(HASH),
			  &hash), "NUL inside");

	/* random damage: never a crash, and what is accepted is written alike */
	for (int i = 0; i < 200000; i++)
	{
		char		s[] = "$argon2id$v=19$m=19456,t=2,p=1$" SALT "$" HASH;
		char		text[PHC_TEXT_MAX];

		for (int k = 0; k < 2; k++)
		{
			seed = seed * 1103515245u + 12345u;
			s[(seed >> 8) % (sizeof(s) - 1)] = (char) (seed >> 16 & 0x7f);
		}
		if (parse(s, sizeof(s) - 1, &hash))
		{
			phc_format(&hash, text);
			if (strcmp(s, text) != 0)
				wrong++;
		}
	}
	ok(wrong == 0, "one text for each value");
	return tap_end();
}
