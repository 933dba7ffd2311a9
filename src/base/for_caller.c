/*
 * for_caller.c
 *	  SECURITY DEFINER for functions that want to know who has called them.
 *
 * In a SECURITY DEFINER function current_user is its owner, and session_user is
 * whoever logged in, which need not be who calls.  So what judges its caller has
 * two halves: wazo_auth.NAME(...), of this one C function, has the rights of its
 * caller and runs wazo_auth.NAME_for(caller oid, ...) as the owner of the
 * extension.
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

PG_FUNCTION_INFO_V1(wazo_auth_for_caller);

/* The other half of a function. */
static Oid
find_rule(Oid function)
{
	Oid			types[MAX_ARGS] = {OIDOID};
	char	   *name = psprintf("%s_for", get_func_name(function));
	Oid		   *argtype;
	int			nargs;

	(void) get_func_signature(function, &argtype, &nargs);
	if (nargs >= MAX_ARGS)
		elog(ERROR, "too many arguments: %d", nargs);
	memcpy(types + 1, argtype, sizeof(Oid) * nargs);
	return LookupFuncName(list_make2(makeString(get_namespace_name(wazo_catalog()->schema)), makeString(name)),
						  nargs + 1, types, false);
}

/*
 * wazo_auth.NAME(...)
 *
 * Returns and raises what wazo_auth.NAME_for() does.
 */
Datum
wazo_auth_for_caller(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(rule, MAX_ARGS);
	FmgrInfo	flinfo;
	Oid			user;
	int			sec_context;
	int			nest_level;
	Datum		result;

	fmgr_info(find_rule(fcinfo->flinfo->fn_oid), &flinfo);
	InitFunctionCallInfoData(*rule, &flinfo, PG_NARGS() + 1, DEFAULT_COLLATION_OID, NULL, NULL);
	rule->args[0].value = ObjectIdGetDatum(GetUserId());
	rule->args[0].isnull = false;
	for (int i = 0; i < PG_NARGS(); i++)
		rule->args[i + 1] = fcinfo->args[i];
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
