/*
 * login_guard.c
 *	  Keys of failed logins, of which every login asks for three.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "crypto/secret.h"

PG_FUNCTION_INFO_V1(wazo_auth_login_failure_key);

/*
 * wazo_auth.login_failure_key(login text, network cidr) returns uuid
 *
 * The digest of both, either of which may be null.
 */
Datum
wazo_auth_login_failure_key(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *key = palloc(sizeof(pg_uuid_t));
	StringInfoData name;

	initStringInfo(&name);
	if (!PG_ARGISNULL(1))
		appendStringInfoString(&name, DatumGetCString(DirectFunctionCall1(cidr_out, PG_GETARG_DATUM(1))));
	if (!PG_ARGISNULL(0))
	{
		text	   *login = PG_GETARG_TEXT_PP(0);

		appendStringInfoString(&name, " login ");
		appendBinaryStringInfo(&name, VARDATA_ANY(login), VARSIZE_ANY_EXHDR(login));
	}
	text_digest(name.data, name.len, key);
	PG_RETURN_UUID_P(key);
}
