/*
 * secret.c
 *	  Strong randomness, token digests, constant-time compares and memory that
 *	  is wiped when its context goes away.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "fmgr.h"

#include "crypto/secret.h"

/*
 * Made at the first digest of a backend and kept: fetching the algorithm costs
 * more than the digest itself.  Never made in the postmaster, where children
 * would share it.
 */
static EVP_MD *sha256 = NULL;
static EVP_MD_CTX *sha256_ctx = NULL;

PG_FUNCTION_INFO_V1(wazo_auth_token_digest);

/*
 * Fills buf with len bytes of the operating system's strong random source.
 * Errors: 58000 when the source fails.
 */
void
secret_random(void *buf, Size len)
{
	if (!pg_strong_random(buf, len))
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("could not read strong random bytes")));
}

/*
 * Computes the first 16 bytes of the SHA-256 of a text.
 * Errors: XX000 when OpenSSL fails, which a working installation never does.
 */
void
text_digest(const char *text, Size len, pg_uuid_t *digest)
{
	unsigned char md[EVP_MAX_MD_SIZE];

	if (unlikely(sha256_ctx == NULL))
	{
		if (sha256 == NULL)
			sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
		if (sha256 == NULL)
			elog(ERROR, "OpenSSL offers no SHA-256");
		sha256_ctx = EVP_MD_CTX_new();
		if (sha256_ctx == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory")));
	}
	if (EVP_DigestInit_ex2(sha256_ctx, sha256, NULL) != 1 ||
		EVP_DigestUpdate(sha256_ctx, text, len) != 1 ||
		EVP_DigestFinal_ex(sha256_ctx, md, NULL) != 1)
		elog(ERROR, "could not compute SHA-256");
	memcpy(digest->data, md, UUID_LEN);
}

/*
 * Computes the key under which a token is stored: text_digest() of its
 * canonical lower-case text.  token and digest may be the same.
 */
void
token_digest(const pg_uuid_t *token, pg_uuid_t *digest)
{
	char		text[UUID_TEXT_LEN + 1];

	uuid_text_format(token->data, text);
	text_digest(text, UUID_TEXT_LEN, digest);
	OPENSSL_cleanse(text, sizeof(text));
}

/* Compares len bytes in a time that depends on len alone. */
bool
secret_equal(const void *a, const void *b, Size len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

/* Overwrites len bytes in a way that the compiler keeps. */
void
secret_wipe(void *buf, Size len)
{
	OPENSSL_cleanse(buf, len);
}

typedef struct SecretBlock
{
	MemoryContextCallback callback;
	Size		size;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} SecretBlock;

/* Reset callback of a block: the memory is still there, so wipe it. */
static void
wipe_block(void *arg)
{
	SecretBlock *block = arg;

	OPENSSL_cleanse(block->data, block->size);
}

/*
 * Allocates size bytes in context that are wiped when the context is reset or
 * deleted, on errors too.  Such memory must not be pfree'd: the callback would
 * then write into memory of others.  Errors: 53200 out of memory.
 */
char *
secret_palloc(MemoryContext context, Size size)
{
	SecretBlock *block;

	block = MemoryContextAlloc(context, offsetof(SecretBlock, data) + size);
	block->size = size;
	block->callback.func = wipe_block;
	block->callback.arg = block;
	MemoryContextRegisterResetCallback(context, &block->callback);
	return block->data;
}

/* SQL: wazo_auth.token_digest(token uuid) returns uuid */
Datum
wazo_auth_token_digest(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *token = PG_GETARG_UUID_P(0);
	pg_uuid_t  *digest = palloc(sizeof(pg_uuid_t));

	token_digest(token, digest);
	PG_RETURN_UUID_P(digest);
}
