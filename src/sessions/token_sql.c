/*
 * token_sql.c
 *	  The token functions of the SQL API.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/catalog.h"
#include "crypto/secret.h"
#include "sessions/token.h"
#include "sessions/token_error.h"
#include "sessions/token_json.h"

PG_FUNCTION_INFO_V1(wazo_auth_token_check);
PG_FUNCTION_INFO_V1(wazo_auth_token_get);
PG_FUNCTION_INFO_V1(wazo_auth_token_json);
PG_FUNCTION_INFO_V1(wazo_auth_token_owner);
PG_FUNCTION_INFO_V1(wazo_auth_token_grants);
PG_FUNCTION_INFO_V1(wazo_auth_try_uuid);

/*
 * wazo_auth.token_check(token uuid, access text, tenant uuid)
 *		returns wazo_auth.token_status
 *
 * A null access or tenant is not checked.  Raises nothing for any token.
 */
Datum
wazo_auth_token_check(PG_FUNCTION_ARGS)
{
	TokenStatus status = TOKEN_UNKNOWN;
	Session		session;

	if (!PG_ARGISNULL(0) && session_find(PG_GETARG_UUID_P(0), SESSION_FOR_CHECK, &session))
		status = session_check(&session,
							   PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1),
							   PG_ARGISNULL(2) ? NULL : PG_GETARG_UUID_P(2));
	PG_RETURN_OID(wazo_catalog()->token_status_value[status]);
}

/*
 * wazo_auth.token_grants(token uuid, accesses text[]) returns boolean[]
 *
 * The token's session is found once for all of them.  Raises nothing.
 */
Datum
wazo_auth_token_grants(PG_FUNCTION_ARGS)
{
	Session		session;
	bool		live = session_find(PG_GETARG_UUID_P(0), SESSION_FOR_CHECK, &session);
	Datum	   *access;
	bool	   *nulls;
	int			n;
	Datum	   *granted;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &access, &nulls, &n);
	granted = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		text	   *t = nulls[i] ? NULL : DatumGetTextPP(access[i]);

		CHECK_FOR_INTERRUPTS();
		granted[i] = BoolGetDatum(live && t && session_grants(&session, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)));
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(granted, n, BOOLOID, 1, true, TYPALIGN_CHAR));
}

/*
 * wazo_auth.token_owner(token uuid, OUT user_uuid uuid, OUT tenant_uuid uuid)
 *
 * The user, null for a session without one, and the owner's tenant as of now;
 * both null for a token that is not valid.  Raises nothing.
 */
Datum
wazo_auth_token_owner(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		value[2] = {0, 0};
	bool		isnull[2] = {true, true};
	Session		session;
	pg_uuid_t	tenant;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "token_owner() is declared wrongly");
	if (session_find(PG_GETARG_UUID_P(0), SESSION_FOR_CHECK, &session))
	{
		if (session.has_user)
			value[0] = UUIDPGetDatum(&session.user_uuid);
		isnull[0] = !session.has_user;
		isnull[1] = !session_owner_tenant(&session, &tenant);
		if (!isnull[1])
			value[1] = UUIDPGetDatum(&tenant);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, isnull)));
}

static Datum
token_json(const pg_uuid_t *token, const Session *session, bool precise, const text *refresh_token)
{
	char		token_text[UUID_TEXT_LEN + 1];
	StringInfoData out;

	format_uuid(token, token_text);
	initStringInfo(&out);
	token_append_json(&out, token_text, session, precise, refresh_token);
	secret_wipe(token_text, sizeof(token_text));
	return PointerGetDatum(cstring_to_text_with_len(out.data, out.len));
}

/*
 * wazo_auth.token_get(token uuid, access text, tenant uuid) returns json
 *
 * The token as responses.md section 3 shows it.  Raises WA404 for an unknown
 * or expired token, WA403 when access or tenant are refused.
 */
Datum
wazo_auth_token_get(PG_FUNCTION_ARGS)
{
	const text *access = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	const pg_uuid_t *tenant = PG_ARGISNULL(2) ? NULL : PG_GETARG_UUID_P(2);
	Session		session;

	if (PG_ARGISNULL(0) || !session_find(PG_GETARG_UUID_P(0), SESSION_WITH_DETAILS, &session))
		raise_token_error(TOKEN_UNKNOWN, NULL, 0);
	switch (session_check(&session, access, tenant))
	{
		case TOKEN_ACCESS_DENIED:
			raise_token_error(TOKEN_ACCESS_DENIED, VARDATA_ANY(access), VARSIZE_ANY_EXHDR(access));
			break;
		case TOKEN_TENANT_DENIED:
			{
				char		text[UUID_TEXT_LEN + 1];

				format_uuid(tenant, text);
				raise_token_error(TOKEN_TENANT_DENIED, text, UUID_TEXT_LEN);
				break;
			}
		default:
			break;
	}
	PG_RETURN_DATUM(token_json(PG_GETARG_UUID_P(0), &session, false, NULL));
}

/*
 * wazo_auth.token_json(token uuid, refresh_token text) returns json
 *
 * The answer of a login: like token_get(), with microseconds, and with the
 * refresh token if there is one.
 */
Datum
wazo_auth_token_json(PG_FUNCTION_ARGS)
{
	Session		session;

	if (PG_ARGISNULL(0) || !session_find(PG_GETARG_UUID_P(0), SESSION_WITH_DETAILS, &session))
		raise_token_error(TOKEN_UNKNOWN, NULL, 0);
	PG_RETURN_DATUM(token_json(PG_GETARG_UUID_P(0), &session, true,
							   PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1)));
}

/*
 * wazo_auth.try_uuid(value text) returns uuid
 *
 * Null for what is no canonical lower-case UUID; raises nothing, since the
 * text may be a secret.
 */
Datum
wazo_auth_try_uuid(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	if (!parse_uuid_strict(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), false, uuid))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(uuid);
}
