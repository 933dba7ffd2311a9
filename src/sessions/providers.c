/*
 * providers.c
 *	  The identity providers that a login is put to, and how one is asked.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/kept_value.h"

PG_FUNCTION_INFO_V1(wazo_auth_kept_identity_providers);
PG_FUNCTION_INFO_V1(wazo_auth_call_identity_provider);

static KeptValue providers = {
	.query = "SELECT ARRAY(SELECT p FROM wazo_auth.identity_providers() p)",
	.tables = TABLE_BIT(T_IDENTITY_PROVIDER) | TABLE_BIT(T_REGISTRATION) | TABLE_BIT(T_SETTING),
};

/*
 * wazo_auth.kept_identity_providers() returns wazo_auth.identity_provider[]
 *
 * The rows of identity_providers() in their order.  Only the owner may execute
 * it, since reading them takes rights and answering from what is kept none.
 */
Datum
wazo_auth_kept_identity_providers(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(DatumGetArrayTypePCopy(kept_value(&providers, get_func_rettype(fcinfo->flinfo->fn_oid))));
}

/* The function of a provider; raises 42883 when it is gone or returns something else than "result". */
static Oid
find_provider(const char *name, char *function, Oid argument, Oid result)
{
	Oid			found = LookupFuncName(qualified_name_list(function), 1, &argument, true);

	if (!OidIsValid(found))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function of the identity provider \"%s\" does not exist", name),
				 errhint("Create it again, or turn the provider off in the setting idp_plugins.")));
	if (get_func_rettype(found) != result || get_func_retset(found))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function of the identity provider \"%s\" returns no wazo_auth.login_answer",
						name)));
	return found;
}

/*
 * wazo_auth.call_identity_provider(name text, function text, attempt wazo_auth.login_attempt)
 * returns wazo_auth.login_answer
 *
 * Calls the function of a provider, as EXECUTE would, but without planning a
 * query for it; null for a provider without a name or function.  Raises 42883
 * when it is gone or returns something else, 42501 when the caller may not
 * execute it, and what it raises.
 */
Datum
wazo_auth_call_identity_provider(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, 1);
	Oid		   *argtype;
	int			nargs;
	Oid			result = get_func_signature(fcinfo->flinfo->fn_oid, &argtype, &nargs);
	Oid			function;
	FmgrInfo	flinfo;
	Datum		answer;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	function = find_provider(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)),
							 argtype[2], result);
	if (!may_execute(function, GetUserId()))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
	InvokeFunctionExecuteHook(function);
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*call, &flinfo, 1, DEFAULT_COLLATION_OID, NULL, NULL);
	call->args[0] = fcinfo->args[2];
	if (flinfo.fn_strict && call->args[0].isnull)
		PG_RETURN_NULL();
	answer = FunctionCallInvoke(call);
	if (call->isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(answer);
}
