/*
 * login.c
 *	  What a login reads of its user, without the executor.
 *
 * A login computes a hash over a memory as large as the processor's caches, so
 * all that it runs besides starts from cold ones: the executor's start alone
 * would cost a query more than its row does.  The functions go to the tables
 * through their indexes and see what the calling statement sees.  Table rights
 * are not consulted: whoever may execute them may know.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/catalog.h"
#include "sessions/login_fold.h"
#include "base/row_by_key.h"

PG_FUNCTION_INFO_V1(wazo_auth_resolve_login);
PG_FUNCTION_INFO_V1(wazo_auth_stored_password);
PG_FUNCTION_INFO_V1(wazo_auth_effective_authentication_method);
PG_FUNCTION_INFO_V1(wazo_auth_has_live_sessions);
PG_FUNCTION_INFO_V1(wazo_auth_was_rotated);

static bool
same_text(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static bool
is_enabled(const pg_uuid_t *user)
{
	RowByKey	row;
	bool		enabled;

	enabled = row_open(&row, T_USER, user) && row_get_bool(&row, USER_ENABLED);
	row_close(&row);
	return enabled;
}

/* Has the user this folded address, and is it confirmed? */
static bool
has_confirmed_address(const pg_uuid_t *user, const text *folded)
{
	RowByKey	row;
	bool		found = false;

	for (bool more = rows_open(&row, EMAIL_USER_UUID, user);
		 more && !found; more = row_next(&row))
		found = row_get_bool(&row, EMAIL_CONFIRMED) &&
			same_text(normal_login(row_get_text(&row, EMAIL_ADDRESS)), folded);
	row_close(&row);
	return found;
}

/*
 * wazo_auth.resolve_login(login text) returns uuid
 *
 * The enabled user that logs in with this username or confirmed address, or
 * null (contract: semantics.md section 1, step 4).  For a login that nobody
 * has the same is looked for, under a uuid that nobody has: strangers may ask,
 * and learn nothing from how long it takes.
 */
Datum
wazo_auth_resolve_login(PG_FUNCTION_ARGS)
{
	text	   *folded = normal_login(PG_GETARG_TEXT_PP(0));
	pg_uuid_t  *user = palloc0(sizeof(pg_uuid_t));
	bool		is_username = false;
	bool		enabled;
	bool		has_address;
	RowByKey	row;

	if (row_open_text(&row, T_LOGIN, folded))
	{
		*user = row_get_uuid(&row, LOGIN_USER_UUID);
		is_username = row_get_bool(&row, LOGIN_IS_USERNAME);
	}
	row_close(&row);
	enabled = is_enabled(user);
	has_address = has_confirmed_address(user, folded);
	if (enabled && (is_username || has_address))
		PG_RETURN_UUID_P(user);
	PG_RETURN_NULL();
}

/*
 * wazo_auth.stored_password(user_uuid uuid) returns text
 *
 * The user's password hash, or null.
 */
Datum
wazo_auth_stored_password(PG_FUNCTION_ARGS)
{
	RowByKey	row;
	text	   *hash = NULL;

	if (row_open(&row, T_PASSWORD, PG_GETARG_UUID_P(0)))
		hash = row_get_text(&row, PASSWORD_HASH);
	row_close(&row);
	if (hash == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hash);
}

/*
 * wazo_auth.effective_authentication_method(user_uuid uuid) returns text
 *
 * The user's own method, or its tenant's where the own one is "default"; null
 * for an unknown user.
 */
Datum
wazo_auth_effective_authentication_method(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant;
	text	   *method = NULL;
	RowByKey	row;

	if (row_open(&row, T_USER, PG_GETARG_UUID_P(0)))
	{
		method = row_get_text(&row, USER_AUTHENTICATION_METHOD);
		tenant = row_get_uuid(&row, USER_TENANT_UUID);
	}
	row_close(&row);
	if (method == NULL)
		PG_RETURN_NULL();
	if (VARSIZE_ANY_EXHDR(method) == strlen("default") &&
		memcmp(VARDATA_ANY(method), "default", strlen("default")) == 0)
	{
		method = NULL;
		if (row_open(&row, T_TENANT, &tenant))
			method = row_get_text(&row, TENANT_DEFAULT_AUTHENTICATION_METHOD);
		row_close(&row);
		if (method == NULL)
			PG_RETURN_NULL();
	}
	PG_RETURN_TEXT_P(method);
}

/*
 * wazo_auth.has_live_sessions(user_uuid uuid, number integer) returns boolean
 *
 * Has the user at least that many sessions that have not expired?  Looks no
 * further than these.
 */
Datum
wazo_auth_has_live_sessions(PG_FUNCTION_ARGS)
{
	int32		missing = PG_GETARG_INT32(1);
	TimestampTz now = GetCurrentTimestamp();
	RowByKey	row;

	for (bool more = rows_open(&row, SESSION_USER_UUID, PG_GETARG_UUID_P(0));
		 more && missing > 0; more = row_next(&row))
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetTimestampTz(row_get(&row, SESSION_EXPIRES_AT, &isnull)) > now)
			missing--;
	}
	row_close(&row);
	PG_RETURN_BOOL(missing <= 0);
}

/*
 * wazo_auth.was_rotated(family uuid) returns boolean
 *
 * Has a refresh token of this family been replaced, ever?
 */
Datum
wazo_auth_was_rotated(PG_FUNCTION_ARGS)
{
	RowByKey	row;
	bool		found = rows_open(&row, REFRESH_TOKEN_ROTATION_FAMILY, PG_GETARG_UUID_P(0));

	row_close(&row);
	PG_RETURN_BOOL(found);
}
