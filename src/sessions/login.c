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

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/catalog.h"
#include "sessions/login_fold.h"
#include "base/row_by_key.h"

PG_FUNCTION_INFO_V1(wazo_auth_resolve_login);
PG_FUNCTION_INFO_V1(wazo_auth_owner_of_login);
PG_FUNCTION_INFO_V1(wazo_auth_password_of_login);
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

/* Has the user this folded address, and is it confirmed? All its addresses cost the same. */
static bool
has_confirmed_address(const pg_uuid_t *user, const text *folded)
{
	RowByKey	row;
	bool		found = false;

	for (bool more = rows_open(&row, EMAIL_USER_UUID, user); more; more = row_next(&row))
	{
		bool		same = same_text(normal_login(row_get_text(&row, EMAIL_ADDRESS)), folded);

		found |= same && row_get_bool(&row, EMAIL_CONFIRMED);
	}
	row_close(&row);
	return found;
}

/*
 * The enabled user of a login, and its tenant.  Strangers may ask, and learn
 * nothing from how long it takes: for a login that nobody has the same is read
 * of the user whose login is the next one, or the last that was asked for where
 * there is none.
 */
static bool
find_user(text *login, pg_uuid_t *user, pg_uuid_t *tenant)
{
	static pg_uuid_t other = {{0}};
	text	   *folded = normal_login(login);
	bool		is_username = false;
	bool		enabled = false;
	bool		found;
	RowByKey	row;

	found = row_open_near_text(&row, T_LOGIN, folded);
	if (row.tuple != NULL)
	{
		other = row_get_uuid(&row, LOGIN_USER_UUID);
		is_username = row_get_bool(&row, LOGIN_IS_USERNAME);
	}
	row_close(&row);
	*user = other;
	if (row_open(&row, T_USER, user))
	{
		enabled = row_get_bool(&row, USER_ENABLED);
		*tenant = row_get_uuid(&row, USER_TENANT_UUID);
	}
	row_close(&row);
	is_username |= has_confirmed_address(user, folded);
	return found && enabled && is_username;
}

/* The value of a function that returns a row of two columns. */
static Datum
two_columns(FunctionCallInfo fcinfo, Datum first, bool first_is_null, Datum second, bool second_is_null)
{
	Datum		value[2] = {first, second};
	bool		isnull[2] = {first_is_null, second_is_null};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "the function has to return a row");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, isnull));
}

/*
 * wazo_auth.resolve_login(login text) returns uuid
 *
 * The enabled user that logs in with this username or confirmed address, or
 * null (contract: semantics.md section 1, step 4).
 */
Datum
wazo_auth_resolve_login(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user = palloc(sizeof(pg_uuid_t));
	pg_uuid_t	tenant;

	if (!find_user(PG_GETARG_TEXT_PP(0), user, &tenant))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(user);
}

/*
 * wazo_auth.owner_of_login(login text, OUT user_uuid uuid, OUT tenant_uuid uuid)
 *
 * The same, and in which tenant the user is.
 */
Datum
wazo_auth_owner_of_login(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	bool		found = find_user(PG_GETARG_TEXT_PP(0), &user, &tenant);

	return two_columns(fcinfo, UUIDPGetDatum(&user), !found, UUIDPGetDatum(&tenant), !found);
}

/*
 * wazo_auth.password_of_login(login text, OUT user_uuid uuid, OUT hash text)
 *
 * The same user, and its password hash, which is null where it has none; at the
 * same cost in any case.
 */
Datum
wazo_auth_password_of_login(PG_FUNCTION_ARGS)
{
	pg_uuid_t	user;
	pg_uuid_t	tenant;
	bool		found = find_user(PG_GETARG_TEXT_PP(0), &user, &tenant);
	RowByKey	row;
	bool		has_password = row_open_near(&row, T_PASSWORD, &user);
	text	   *hash = NULL;

	if (row.tuple != NULL)
		hash = row_get_text(&row, PASSWORD_HASH);
	row_close(&row);
	return two_columns(fcinfo, UUIDPGetDatum(&user), !found, PointerGetDatum(hash), !(found && has_password));
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
