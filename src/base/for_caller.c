/*
 * for_caller.c
 *	  SECURITY DEFINER in two halves.
 *
 * In a SECURITY DEFINER function current_user is its owner, and session_user is
 * whoever logged in, which need not be who calls.  So what judges its caller has
 * two halves: wazo_auth.NAME(...), of a C function of this file, has the rights
 * of its caller and runs wazo_auth.NAME_for(caller oid, ...) as the owner of the
 * extension.
 *
 * The other half has the settings of pinned.c from here.  A SET clause for each
 * of them, as sql/pins.sql gives to functions in PL/pgSQL, is parsed and set at
 * each call, whatever holds already; for a login that is more than it reads.  So
 * what has to be quick has two halves too: wazo_auth.NAME(...) runs
 * wazo_auth.NAME_pinned(...).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_collation_d.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/pinned.h"

#define MAX_ARGS	24

PG_FUNCTION_INFO_V1(wazo_auth_as_owner);
PG_FUNCTION_INFO_V1(wazo_auth_for_caller);

/* The other half of a function, by the ending of its name. */
static Oid
find_rule(Oid function, const char *ending, bool takes_caller)
{
	Oid			types[MAX_ARGS] = {OIDOID};
	char	   *name = psprintf("%s%s", get_func_name(function), ending);
	Oid		   *argtype;
	int			nargs;
	int			first = takes_caller ? 1 : 0;

	(void) get_func_signature(function, &argtype, &nargs);
	if (nargs + first > MAX_ARGS)
		elog(ERROR, "too many arguments: %d", nargs);
	memcpy(types + first, argtype, sizeof(Oid) * nargs);
	return LookupFuncName(list_make2(makeString(get_namespace_name(wazo_catalog()->schema)), makeString(name)),
						  nargs + first, types, false);
}

/* Calls the other half as the owner. */
static Datum
call_rule(FunctionCallInfo fcinfo, const char *ending, bool takes_caller)
{
	LOCAL_FCINFO(rule, MAX_ARGS);
	FmgrInfo	flinfo;
	Oid			user;
	int			sec_context;
	int			nest_level;
	int			first = takes_caller ? 1 : 0;
	Datum		result;

	fmgr_info(find_rule(fcinfo->flinfo->fn_oid, ending, takes_caller), &flinfo);
	InitFunctionCallInfoData(*rule, &flinfo, PG_NARGS() + first, DEFAULT_COLLATION_OID, NULL, NULL);
	rule->args[0].value = ObjectIdGetDatum(GetUserId());
	rule->args[0].isnull = false;
	for (int i = 0; i < PG_NARGS(); i++)
		rule->args[i + first] = fcinfo->args[i];
	GetUserIdAndSecContext(&user, &sec_context);
	SetUserIdAndSecContext(wazo_catalog()->owner, sec_context | SECURITY_LOCAL_USERID_CHANGE);
	nest_level = NewGUCNestLevel();
	pin_settings();
	result = FunctionCallInvoke(rule);
	AtEOXact_GUC(true, nest_level);
	SetUserIdAndSecContext(user, sec_context);
	fcinfo->isnull = rule->isnull;
	return result;
}

/*
 * wazo_auth.NAME(...)
 *
 * Returns and raises what wazo_auth.NAME_for() does.
 */
Datum
wazo_auth_for_caller(PG_FUNCTION_ARGS)
{
	return call_rule(fcinfo, "_for", true);
}

/*
 * wazo_auth.NAME(...)
 *
 * Returns and raises what wazo_auth.NAME_pinned() does, which is not strict.
 */
Datum
wazo_auth_as_owner(PG_FUNCTION_ARGS)
{
	return call_rule(fcinfo, "_pinned", false);
}
