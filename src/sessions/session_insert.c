/*
 * session_insert.c
 *	  The row of a new session, which every login writes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/row_insert.h"

PG_FUNCTION_INFO_V1(wazo_auth_insert_session);

/*
 * wazo_auth.insert_session(token_digest uuid, user_uuid uuid, tenant_uuid uuid, acl_digest uuid, expiration integer,
 *		mobile boolean, refresh_token_digest uuid, metadata json, user_agent text, remote_addr text)
 * returns wazo_auth.session
 */
Datum
wazo_auth_insert_session(PG_FUNCTION_ARGS)
{
	TimestampTz now = GetCurrentTimestamp();
	RowValue	value[] = {
		{SESSION_TOKEN_DIGEST, PG_ARGISNULL(0), PG_GETARG_DATUM(0)},
		{SESSION_USER_UUID, PG_ARGISNULL(1), PG_GETARG_DATUM(1)},
		{SESSION_TENANT_UUID, PG_ARGISNULL(2), PG_GETARG_DATUM(2)},
		{SESSION_ACL_DIGEST, PG_ARGISNULL(3), PG_GETARG_DATUM(3)},
		{SESSION_EXPIRES_AT, PG_ARGISNULL(4), TimestampTzGetDatum(now + PG_GETARG_INT32(4) * USECS_PER_SEC)},
		{SESSION_MOBILE, PG_ARGISNULL(5), PG_GETARG_DATUM(5)},
		{SESSION_REFRESH_TOKEN_DIGEST, PG_ARGISNULL(6), PG_GETARG_DATUM(6)},
		{SESSION_METADATA, PG_ARGISNULL(7), PG_GETARG_DATUM(7)},
		{SESSION_USER_AGENT, PG_ARGISNULL(8), PG_GETARG_DATUM(8)},
		{SESSION_REMOTE_ADDR, PG_ARGISNULL(9), PG_GETARG_DATUM(9)},
		{SESSION_ISSUED_AT, false, TimestampTzGetDatum(now)},
	};
	Datum		row = row_insert(T_SESSION, value, lengthof(value));

	if (row == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row);
}
