/*
 * http_audit.c
 *	  What the audit log wants to know of the request or statement that is
 *	  being carried out.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/row_insert.h"
#include "http/http_call.h"

/* most characters of an address */
#define MAX_SHOWN	256

PG_FUNCTION_INFO_V1(wazo_auth_request_tenant);
PG_FUNCTION_INFO_V1(wazo_auth_insert_audit);
PG_FUNCTION_INFO_V1(wazo_auth_is_loading);

/* The tenant of the request that is being answered; NULL: none. */
static const pg_uuid_t *
request_tenant(void)
{
	const HttpCall *call = http_current_call;

	if (call == NULL || !(call->has_tenant || call->has_caller_tenant))
		return NULL;
	return call->has_tenant ? &call->tenant : &call->caller_tenant;
}

/*
 * wazo_auth.request_tenant() returns uuid
 */
Datum
wazo_auth_request_tenant(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *tenant = request_tenant();

	if (tenant == NULL)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(tenant);
}

static void
set(RowValue *value, Datum datum)
{
	value->value = datum;
	value->isnull = false;
}

/* Who asks for what, in the place of what the caller of insert_audit() says; the request needs no other row then. */
static void
set_actor(HttpCall *call, RowValue *auth_id, RowValue *session, RowValue *peer, RowValue *request)
{
	call->audited = true;
	set(request, CStringGetTextDatum(psprintf("%s %s", call->route->method, call->route->path)));
	if (call->peer)
		set(peer, PointerGetDatum(call->peer));
	if (call->has_session)
	{
		set(auth_id, PointerGetDatum(cstring_to_text_with_len(call->session.auth_id, call->session.auth_id_len)));
		set(session, UUIDPGetDatum(&call->session.uuid));
	}
}

/* The first characters of a text that has too many. */
static void
shorten(RowValue *value)
{
	if (!value->isnull && VARSIZE_ANY_EXHDR(DatumGetPointer(value->value)) > MAX_SHOWN)
		value->value = DirectFunctionCall2(text_left, value->value, Int32GetDatum(MAX_SHOWN));
}

/*
 * wazo_auth.insert_audit(object text, action text, object_uuid uuid, tenant_uuid uuid, before jsonb, after jsonb,
 *		status integer, auth_id text, session_uuid uuid, peer text) returns bigint
 *
 * Who, from where and by what is that of the request that http() is answering,
 * or else as given; outside of one the row names the role that had connected.
 */
Datum
wazo_auth_insert_audit(PG_FUNCTION_ARGS)
{
	enum
	{
		AT, OBJECT, ACTION, OF, TENANT, BEFORE, AFTER, STATUS, AUTH_ID, SESSION, PEER, REQUEST, ROLE, APPLICATION, N
	};
	RowValue	value[N] = {
		[AT] = {AUDIT_AT, false, TimestampTzGetDatum(GetCurrentTimestamp())},
		[OBJECT] = {AUDIT_OBJECT, PG_ARGISNULL(0), PG_GETARG_DATUM(0)},
		[ACTION] = {AUDIT_ACTION, PG_ARGISNULL(1), PG_GETARG_DATUM(1)},
		[OF] = {AUDIT_OBJECT_UUID, PG_ARGISNULL(2), PG_GETARG_DATUM(2)},
		[TENANT] = {AUDIT_TENANT_UUID, PG_ARGISNULL(3), PG_GETARG_DATUM(3)},
		[BEFORE] = {AUDIT_BEFORE, PG_ARGISNULL(4), PG_GETARG_DATUM(4)},
		[AFTER] = {AUDIT_AFTER, PG_ARGISNULL(5), PG_GETARG_DATUM(5)},
		[STATUS] = {AUDIT_STATUS, PG_ARGISNULL(6), PG_GETARG_DATUM(6)},
		[AUTH_ID] = {AUDIT_AUTH_ID, PG_ARGISNULL(7), PG_GETARG_DATUM(7)},
		[SESSION] = {AUDIT_SESSION_UUID, PG_ARGISNULL(8), PG_GETARG_DATUM(8)},
		[PEER] = {AUDIT_PEER, PG_ARGISNULL(9), PG_GETARG_DATUM(9)},
		[REQUEST] = {AUDIT_REQUEST, true},
		[ROLE] = {AUDIT_ROLE, true},
		[APPLICATION] = {AUDIT_APPLICATION, true},
	};
	Datum		row;
	bool		isnull;

	if (http_current_call)
		set_actor(http_current_call, &value[AUTH_ID], &value[SESSION], &value[PEER], &value[REQUEST]);
	else
	{
		set(&value[ROLE], CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false)));
		set(&value[APPLICATION], CStringGetTextDatum(application_name));
	}
	shorten(&value[PEER]);
	row = row_insert(T_AUDIT, value, N);
	if (row == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(GetAttributeByName(DatumGetHeapTupleHeader(row), "id", &isnull));
}

/*
 * wazo_auth.is_loading(relation oid) returns boolean
 *
 * Is the client's statement a COPY into this very table?  So a restore loads,
 * and that is nothing that anybody did.
 */
Datum
wazo_auth_is_loading(PG_FUNCTION_ARGS)
{
	PlannedStmt *statement = NULL;
	CopyStmt   *copy;

	if (ActivePortal && ActivePortal->stmts)
		statement = linitial_node(PlannedStmt, ActivePortal->stmts);

	if (statement == NULL || statement->utilityStmt == NULL || !IsA(statement->utilityStmt, CopyStmt))
		PG_RETURN_BOOL(false);
	copy = castNode(CopyStmt, statement->utilityStmt);
	PG_RETURN_BOOL(copy->is_from && copy->relation &&
				   RangeVarGetRelid(copy->relation, NoLock, true) == PG_GETARG_OID(0));
}
