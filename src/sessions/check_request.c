/*
 * check_request.c
 *	  A daemon's whole question about a request in one call.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/uuid.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "sessions/tenant_tree.h"
#include "sessions/token.h"

PG_FUNCTION_INFO_V1(wazo_auth_check_request);

/* The columns of the answer, in the order of sql/sessions/functions.sql. */
enum
{
	ANSWER_STATUS,
	ANSWER_USER_UUID,
	ANSWER_TENANT_UUID,
	ANSWER_VISIBLE_TENANTS,
	ANSWER_COLUMNS
};

typedef struct Visible
{
	Datum	   *tenant;
	int			n;
	int			room;
} Visible;

/* Adds a tenant, in the memory context of the array. */
static bool
add_visible(const RowByKey *row, void *arg)
{
	Visible    *visible = arg;
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	if (visible->n == visible->room)
	{
		visible->room = visible->room == 0 ? 8 : visible->room * 2;
		visible->tenant = visible->tenant == NULL ? palloc(visible->room * sizeof(Datum)) :
			repalloc_huge(visible->tenant, visible->room * sizeof(Datum));
	}
	*uuid = row_get_uuid(row, TENANT_UUID);
	visible->tenant[visible->n++] = UUIDPGetDatum(uuid);
	return true;
}

/* The tenant and those below it as uuid[]. */
static Datum
visible_from(const pg_uuid_t *tenant)
{
	Visible		visible = {0};

	(void) tenants_below(tenant, add_visible, &visible);
	if (visible.n == 0)
		return PointerGetDatum(construct_empty_array(UUIDOID));
	return PointerGetDatum(construct_array(visible.tenant, visible.n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

/* Fills in what is said of a good token; tenant: which one is asked for, or NULL. */
static void
describe(const Session *session, const pg_uuid_t *tenant, pg_uuid_t *owner, Datum *value, bool *isnull)
{
	isnull[ANSWER_USER_UUID] = !session->has_user;
	if (session->has_user)
		value[ANSWER_USER_UUID] = UUIDPGetDatum(&session->user_uuid);
	isnull[ANSWER_TENANT_UUID] = !session_owner_tenant(session, owner);
	if (!isnull[ANSWER_TENANT_UUID])
	{
		value[ANSWER_TENANT_UUID] = UUIDPGetDatum(owner);
		tenant = tenant != NULL ? tenant : owner;
	}
	isnull[ANSWER_VISIBLE_TENANTS] = false;
	value[ANSWER_VISIBLE_TENANTS] = tenant != NULL ? visible_from(tenant) :
		PointerGetDatum(construct_empty_array(UUIDOID));
}

/*
 * wazo_auth.check_request(token uuid, access text, tenant uuid, OUT status
 *		wazo_auth.token_status, OUT user_uuid uuid, OUT tenant_uuid uuid, OUT
 *		visible_tenants uuid[])
 *
 * token_check(), token_owner() and the tenants in sight, of a session that is
 * found once.  All but the status is null for a token that is not valid.
 * Raises nothing.
 */
Datum
wazo_auth_check_request(PG_FUNCTION_ARGS)
{
	const text *access = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	const pg_uuid_t *tenant = PG_ARGISNULL(2) ? NULL : PG_GETARG_UUID_P(2);
	TokenStatus status = TOKEN_UNKNOWN;
	Datum		value[ANSWER_COLUMNS] = {0};
	bool		isnull[ANSWER_COLUMNS] = {false, true, true, true};
	pg_uuid_t	owner;
	Session		session;
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "check_request() is declared wrongly");
	if (!PG_ARGISNULL(0) && session_find(PG_GETARG_UUID_P(0), SESSION_FOR_CHECK, &session))
		status = session_check(&session, access, tenant);
	if (status == TOKEN_VALID)
		describe(&session, tenant, &owner, value, isnull);
	value[ANSWER_STATUS] = ObjectIdGetDatum(wazo_catalog()->token_status_value[status]);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, isnull)));
}
