/*
 * login_lock.c
 *	  The rows that a login locks: its user's, its refresh token's and that of
 *	  its set of accesses.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/row_by_key.h"
#include "base/row_lock.h"

PG_FUNCTION_INFO_V1(wazo_auth_lock_enabled_user);
PG_FUNCTION_INFO_V1(wazo_auth_refresh_token_user);
PG_FUNCTION_INFO_V1(wazo_auth_lock_refresh_token);
PG_FUNCTION_INFO_V1(wazo_auth_lock_acl_set);

/*
 * wazo_auth.lock_enabled_user(user_uuid uuid) returns wazo_auth.user
 *
 * SELECT * FROM wazo_auth.user WHERE uuid = $1 AND enabled FOR NO KEY UPDATE.
 * Who is not enabled may be locked nevertheless.
 */
Datum
wazo_auth_lock_enabled_user(PG_FUNCTION_ARGS)
{
	RowLock		row;
	bool		isnull;
	Datum		user = (Datum) 0;

	if (row_lock(&row, T_USER, PG_GETARG_UUID_P(0), LockTupleNoKeyExclusive) &&
		DatumGetBool(row_lock_get(&row, USER_ENABLED, &isnull)))
		user = row_lock_row(&row);
	row_lock_close(&row);
	if (user == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(user);
}

/*
 * wazo_auth.refresh_token_user(token_digest uuid, client_id text) returns uuid
 *
 * Whose refresh token it is, or null where this client has none of that digest.
 */
Datum
wazo_auth_refresh_token_user(PG_FUNCTION_ARGS)
{
	text	   *client = PG_GETARG_TEXT_PP(1);
	pg_uuid_t  *user = palloc(sizeof(pg_uuid_t));
	RowByKey	row;
	bool		found = false;

	if (row_open(&row, T_REFRESH_TOKEN, PG_GETARG_UUID_P(0)))
	{
		text	   *owner = row_get_text(&row, REFRESH_TOKEN_CLIENT_ID);

		*user = row_get_uuid(&row, REFRESH_TOKEN_USER_UUID);
		found = VARSIZE_ANY_EXHDR(owner) == VARSIZE_ANY_EXHDR(client) &&
			memcmp(VARDATA_ANY(owner), VARDATA_ANY(client), VARSIZE_ANY_EXHDR(client)) == 0;
	}
	row_close(&row);
	if (!found)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(user);
}

/*
 * wazo_auth.lock_refresh_token(token_digest uuid) returns wazo_auth.refresh_token
 *
 * SELECT * FROM wazo_auth.refresh_token WHERE token_digest = $1 FOR KEY SHARE.
 */
Datum
wazo_auth_lock_refresh_token(PG_FUNCTION_ARGS)
{
	RowLock		row;
	Datum		token = (Datum) 0;

	if (row_lock(&row, T_REFRESH_TOKEN, PG_GETARG_UUID_P(0), LockTupleKeyShare))
		token = row_lock_row(&row);
	row_lock_close(&row);
	if (token == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(token);
}

/*
 * wazo_auth.lock_acl_set(digest uuid) returns boolean
 *
 * Locks the set against being deleted.  Returns whether there is one.
 */
Datum
wazo_auth_lock_acl_set(PG_FUNCTION_ARGS)
{
	RowLock		row;
	bool		found = row_lock(&row, T_ACL_SET, PG_GETARG_UUID_P(0), LockTupleKeyShare);

	row_lock_close(&row);
	PG_RETURN_BOOL(found);
}
