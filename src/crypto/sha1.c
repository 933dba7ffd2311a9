/*
 * sha1.c
 *	  SHA-1, in which lists of breached passwords are kept.
 *
 * Nothing of ours is protected by it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"

#include <openssl/evp.h>

#include "base/compat.h"

#define SHA1_LEN	20

PG_FUNCTION_INFO_V1(wazo_auth_sha1);

/*
 * wazo_auth.sha1(value text) returns bytea
 *
 * Raises XX000 where OpenSSL offers no SHA-1.
 */
Datum
wazo_auth_sha1(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	bytea	   *result = palloc(VARHDRSZ + SHA1_LEN);

	SET_VARSIZE(result, VARHDRSZ + SHA1_LEN);
	if (EVP_Digest(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), (unsigned char *) VARDATA(result), NULL,
				   EVP_sha1(), NULL) != 1)
		elog(ERROR, "OpenSSL offers no SHA-1");
	PG_RETURN_BYTEA_P(result);
}
