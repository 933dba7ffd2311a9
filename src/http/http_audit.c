/*
 * http_audit.c
 *	  What the audit log wants to know of the request or statement that is
 *	  being carried out.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/portal.h"

#include "base/compat.h"
#include "http/http_call.h"

PG_FUNCTION_INFO_V1(wazo_auth_audit_actor);
PG_FUNCTION_INFO_V1(wazo_auth_is_loading);

/*
 * wazo_auth.audit_actor(OUT request text, OUT peer text, OUT auth_id text, OUT session_uuid uuid,
 *		OUT tenant_uuid uuid)
 *
 * Of the request that http() is answering; all null outside of one.  Whoever
 * asks writes a row about it, so it needs no other.
 */
Datum
wazo_auth_audit_actor(PG_FUNCTION_ARGS)
{
	HttpCall   *call = http_current_call;
	Datum		value[5] = {0};
	bool		isnull[5] = {true, true, true, true, true};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (call)
	{
		call->audited = true;
		value[0] = CStringGetTextDatum(psprintf("%s %s", call->route->method, call->route->path));
		isnull[0] = false;
		value[1] = PointerGetDatum(call->peer);
		isnull[1] = call->peer == NULL;
		if (call->has_session)
		{
			value[2] = PointerGetDatum(cstring_to_text_with_len(call->session.auth_id, call->session.auth_id_len));
			value[3] = UUIDPGetDatum(&call->session.uuid);
			isnull[2] = isnull[3] = false;
		}
		if (call->has_tenant || call->has_caller_tenant)
		{
			value[4] = UUIDPGetDatum(call->has_tenant ? &call->tenant : &call->caller_tenant);
			isnull[4] = false;
		}
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, isnull)));
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
