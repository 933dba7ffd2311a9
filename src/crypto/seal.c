/*
 * seal.c
 *	  Sealed values: encrypted with a key that is not in the database.
 *
 * AES-256-GCM.  A sealed value is
 *
 *	  1 byte version, 1 byte length of the key id, key id, 12 bytes nonce,
 *	  16 bytes tag, ciphertext
 *
 * The version, the key id and a context given by the caller (which column of
 * which row it is) are authenticated too, so that a sealed value cannot be
 * moved to another place.  Nonces are random: one key is good for some 2^32
 * values.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "crypto/key_file.h"
#include "crypto/secret.h"

/* longest plaintext, in bytes */
#define SEAL_MAX_BYTES	(1024 * 1024)

#define SEAL_VERSION	1
#define NONCE_BYTES		12
#define TAG_BYTES		16

/* The parts of a sealed value, all pointing into it. */
typedef struct SealedParts
{
	const unsigned char *header;	/* version, length and key id */
	Size		header_len;
	char		key_id[SEAL_KEY_ID_MAX + 1];
	const unsigned char *nonce;
	const unsigned char *tag;
	const unsigned char *ciphertext;
	Size		ciphertext_len;
} SealedParts;

PG_FUNCTION_INFO_V1(wazo_auth_seal);
PG_FUNCTION_INFO_V1(wazo_auth_unseal);
PG_FUNCTION_INFO_V1(wazo_auth_reseal);
PG_FUNCTION_INFO_V1(wazo_auth_sealed_key_id);
PG_FUNCTION_INFO_V1(wazo_auth_seal_key_id);

/* Finds the parts; raises 22023 when it is no sealed value. */
static void
split_sealed(const bytea *sealed, SealedParts *parts)
{
	const unsigned char *p = (const unsigned char *) VARDATA_ANY(sealed);
	Size		len = VARSIZE_ANY_EXHDR(sealed);
	Size		id_len = len > 1 ? p[1] : 0;

	if (len < 2 || p[0] != SEAL_VERSION || id_len < 1 ||
		id_len > SEAL_KEY_ID_MAX || len < 2 + id_len + NONCE_BYTES + TAG_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is not a sealed value")));
	parts->header = p;
	parts->header_len = 2 + id_len;
	memcpy(parts->key_id, p + 2, id_len);
	parts->key_id[id_len] = '\0';
	parts->nonce = p + parts->header_len;
	parts->tag = parts->nonce + NONCE_BYTES;
	parts->ciphertext = parts->tag + TAG_BYTES;
	parts->ciphertext_len = len - (parts->ciphertext - p);
}

/*
 * Encrypts or decrypts len bytes.  tag is written when encrypting and compared
 * when decrypting.  Returns false on any failure; raises no error, since
 * OpenSSL's context is not known to PostgreSQL's error handling.
 */
static bool
run_cipher(bool encrypt, const SealKey *key, const unsigned char *nonce,
		   const unsigned char *header, Size header_len,
		   const char *context, Size context_len,
		   const unsigned char *in, Size len, unsigned char *out,
		   unsigned char *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int			done = 0;
	int			last = 0;
	bool		good;

	good = ctx != NULL &&
		EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->key, nonce,
						  encrypt) == 1 &&
		EVP_CipherUpdate(ctx, NULL, &done, header, (int) header_len) == 1 &&
		(context_len == 0 ||
		 EVP_CipherUpdate(ctx, NULL, &done, (const unsigned char *) context,
						  (int) context_len) == 1) &&
		(encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
										tag) == 1);
	done = 0;
	if (good && len > 0)
		good = EVP_CipherUpdate(ctx, out, &done, in, (int) len) == 1;
	good = good && EVP_CipherFinal_ex(ctx, out + done, &last) == 1 &&
		(!encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
										 tag) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

/*
 * Seals a text or other bytes with the current key.
 *
 * context: where the value belongs, as "table.column:key"; unsealing needs the
 * same.  Errors: F0000 without a usable key file, 54000 beyond 1 MiB.
 */
static bytea *
seal(const char *plaintext, Size len, const char *context, Size context_len)
{
	const SealKey *key;
	Size		id_len;
	Size		header_len;
	bytea	   *sealed;
	unsigned char *p;

	if (len > SEAL_MAX_BYTES || context_len > SEAL_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a value to be sealed is longer than %d bytes",
						SEAL_MAX_BYTES)));
	key = key_file_current();
	id_len = strlen(key->id);
	header_len = 2 + id_len;

	sealed = palloc(VARHDRSZ + header_len + NONCE_BYTES + TAG_BYTES + len);
	SET_VARSIZE(sealed, VARHDRSZ + header_len + NONCE_BYTES + TAG_BYTES + len);
	p = (unsigned char *) VARDATA(sealed);
	p[0] = SEAL_VERSION;
	p[1] = (unsigned char) id_len;
	memcpy(p + 2, key->id, id_len);
	secret_random(p + header_len, NONCE_BYTES);
	if (!run_cipher(true, key, p + header_len, p, header_len,
					context, context_len,
					(const unsigned char *) plaintext, len,
					p + header_len + NONCE_BYTES + TAG_BYTES,
					p + header_len + NONCE_BYTES))
		elog(ERROR, "could not seal a value");
	return sealed;
}

/*
 * Gives back what was sealed, with a final NUL that *len does not count, in
 * memory that is wiped with the current context (do not pfree).
 *
 * Errors: 22023 for something that is no sealed value, 22000 for a changed one
 * or another context, F0000 when its key is not in the key file.
 */
static char *
unseal(const bytea *sealed, const char *context, Size context_len, Size *len)
{
	SealedParts parts;
	const SealKey *key;
	char	   *plaintext;
	unsigned char tag[TAG_BYTES];

	split_sealed(sealed, &parts);
	if (context_len > SEAL_MAX_BYTES || parts.ciphertext_len > SEAL_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a sealed value is longer than %d bytes",
						SEAL_MAX_BYTES)));
	key = key_file_find(parts.key_id);
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("the secret key file has no key for this sealed value"),
				 errdetail("It was sealed with the key \"%s\".", parts.key_id),
				 errhint("Put that key back into the file, below the current one.")));

	plaintext = secret_palloc(CurrentMemoryContext, parts.ciphertext_len + 1);
	memcpy(tag, parts.tag, TAG_BYTES);
	if (!run_cipher(false, key, parts.nonce, parts.header, parts.header_len,
					context, context_len, parts.ciphertext,
					parts.ciphertext_len, (unsigned char *) plaintext, tag))
	{
		secret_wipe(plaintext, parts.ciphertext_len);
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("a sealed value was changed, or belongs to another place")));
	}
	plaintext[parts.ciphertext_len] = '\0';
	*len = parts.ciphertext_len;
	return plaintext;
}

/* SQL: wazo_auth.seal(plaintext text, context text) returns bytea */
Datum
wazo_auth_seal(PG_FUNCTION_ARGS)
{
	text	   *plaintext = PG_GETARG_TEXT_PP(0);
	text	   *context = PG_GETARG_TEXT_PP(1);

	PG_RETURN_BYTEA_P(seal(VARDATA_ANY(plaintext), VARSIZE_ANY_EXHDR(plaintext),
						   VARDATA_ANY(context), VARSIZE_ANY_EXHDR(context)));
}

/* SQL: wazo_auth.unseal(sealed bytea, context text) returns text */
Datum
wazo_auth_unseal(PG_FUNCTION_ARGS)
{
	bytea	   *sealed = PG_GETARG_BYTEA_PP(0);
	text	   *context = PG_GETARG_TEXT_PP(1);
	Size		len;
	char	   *plaintext = unseal(sealed, VARDATA_ANY(context),
								   VARSIZE_ANY_EXHDR(context), &len);

	/* C callers may have sealed bytes that are no text */
	(void) pg_verifymbstr(plaintext, len, false);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(plaintext, len));
}

/*
 * SQL: wazo_auth.reseal(sealed bytea, context text) returns bytea
 *
 * The value itself when it is sealed with the current key already.
 */
Datum
wazo_auth_reseal(PG_FUNCTION_ARGS)
{
	bytea	   *sealed = PG_GETARG_BYTEA_PP(0);
	text	   *context = PG_GETARG_TEXT_PP(1);
	SealedParts parts;
	char	   *plaintext;
	Size		len;

	split_sealed(sealed, &parts);
	if (strcmp(parts.key_id, key_file_current()->id) == 0)
		PG_RETURN_BYTEA_P(sealed);
	plaintext = unseal(sealed, VARDATA_ANY(context),
					   VARSIZE_ANY_EXHDR(context), &len);
	PG_RETURN_BYTEA_P(seal(plaintext, len, VARDATA_ANY(context),
						   VARSIZE_ANY_EXHDR(context)));
}

/* SQL: wazo_auth.sealed_key_id(sealed bytea) returns text */
Datum
wazo_auth_sealed_key_id(PG_FUNCTION_ARGS)
{
	SealedParts parts;

	split_sealed(PG_GETARG_BYTEA_PP(0), &parts);
	PG_RETURN_TEXT_P(cstring_to_text(parts.key_id));
}

/* SQL: wazo_auth.seal_key_id() returns text */
Datum
wazo_auth_seal_key_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(key_file_current()->id));
}
