/*
 * phc.h
 *	  Password hashes as text: reading and writing PHC strings.  Plain C.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PHC_H
#define WAZO_AUTH_PHC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a stored string may ask for.  A row written by somebody else must not
 * make the server allocate 4 GiB or compute for minutes.  The settings for new
 * hashes have the same upper bounds.
 */
#define PHC_MIN_MEMORY		64	/* kB; Argon2 needs 8 for each lane */
#define PHC_MAX_MEMORY		(256 * 1024)
#define PHC_MAX_ITERATIONS	16
#define PHC_MAX_PARALLELISM 8
#define PHC_MAX_PBKDF2_ROUNDS 1000000
#define PHC_MIN_SALT		8
#define PHC_MIN_HASH		16
#define PHC_MAX_BYTES		64	/* of salt and of hash */

/* long enough for every string that phc_format writes, NUL included */
#define PHC_TEXT_MAX		256

typedef enum PhcScheme
{
	PHC_ARGON2ID,
	PHC_PBKDF2_SHA512
} PhcScheme;

typedef struct PhcHash
{
	PhcScheme	scheme;
	uint32_t	memory;			/* kB, Argon2 only */
	uint32_t	iterations;		/* passes, or rounds of PBKDF2 */
	uint32_t	parallelism;	/* lanes, Argon2 only */
	size_t		salt_len;
	size_t		hash_len;
	uint8_t		salt[PHC_MAX_BYTES];
	uint8_t		hash[PHC_MAX_BYTES];
} PhcHash;

extern bool phc_parse(const char *s, size_t len, PhcHash *out);
extern void phc_format(const PhcHash *hash, char out[PHC_TEXT_MAX]);

#endif							/* WAZO_AUTH_PHC_H */
