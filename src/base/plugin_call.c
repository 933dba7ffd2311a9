/*
 * plugin_call.c
 *	  Calls of functions that others have registered.
 *
 * A row of wazo_auth.registration names a function and a role.  The function
 * runs with the rights of that role and of nobody else, as index functions and
 * materialized views do in PostgreSQL: it cannot become another role, and
 * leaves nothing behind in the session (settings, prepared statements, cursors,
 * temporary tables).  It runs in a subtransaction, so that its failure is that
 * of its caller's request alone, within the limits of plugin_limits.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/kept_plan.h"
#include "base/pinned.h"
#include "base/plugin_call.h"
#include "base/plugin_limits.h"

/* most bytes of what a function says of its failure */
#define MESSAGE_MAX_BYTES	1000

/* most bytes of what a function called from SQL returns */
#define SQL_MAX_RESULT		(1024 * 1024)

/* the arguments of wazo_auth.call_plugin() that are not for the function */
#define OWN_ARGS			3

PG_FUNCTION_INFO_V1(wazo_auth_call_plugin);

typedef struct Registration
{
	const char *function;		/* its signature */
	const char *state;
	Oid			function_oid;
	Oid			role;			/* with whose rights it runs */
	int			time_limit_ms;
} Registration;

/*
 * Reads the registration, in the caller's memory, as the extension's owner.
 * Raises 42704 when there is none.
 */
static void
find_registration(const PluginCall *call, Registration *found)
{
	static SPIPlanPtr plan = NULL;
	static const char query[] =
	"SELECT g.function, s.state, s.function_oid, s.role_oid,"
	" pg_catalog.ceil(EXTRACT(epoch FROM g.time_limit) * 1000)::integer"
	" FROM wazo_auth.registration g CROSS JOIN LATERAL wazo_auth.registration_state(g) s"
	" WHERE g.kind = $1 AND g.name = $2 ORDER BY g.shipped LIMIT 1";
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		args[] = {CStringGetTextDatum(call->kind), CStringGetTextDatum(call->name)};
	MemoryContext context = CurrentMemoryContext;
	Oid			user;
	int			sec_context;
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;

	GetUserIdAndSecContext(&user, &sec_context);
	SetUserIdAndSecContext(wazo_catalog()->owner, sec_context | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(kept_plan(&plan, query, lengthof(types), types), args, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading wazo_auth.registration failed");
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no %s \"%s\" is registered", call->kind, call->name),
				 errhint("See SELECT * FROM wazo_auth.registrations.")));
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	MemoryContextSwitchTo(context);
	found->function = SPI_getvalue(row, desc, 1);
	found->state = SPI_getvalue(row, desc, 2);
	found->function_oid = DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull));
	found->role = DatumGetObjectId(SPI_getbinval(row, desc, 4, &isnull));
	found->time_limit_ms = DatumGetInt32(SPI_getbinval(row, desc, 5, &isnull));
	SPI_finish();
	SetUserIdAndSecContext(user, sec_context);
}

/* Does the function take and return what the call gives and wants? */
static bool
fits(const PluginCall *call, Oid function)
{
	Oid		   *argtype;
	int			nargs;
	Oid			result = get_func_signature(function, &argtype, &nargs);

	if (nargs != call->nargs || get_func_retset(function) ||
		(OidIsValid(call->result_type) && call->result_type != VOIDOID && result != call->result_type &&
		 !(call->may_be_void && result == VOIDOID)))
		return false;
	for (int i = 0; i < nargs; i++)
		if (argtype[i] != call->argtype[i])
			return false;
	return true;
}

static void
check_usable(const PluginCall *call, const Registration *registration)
{
	bool		ok = strcmp(registration->state, "ok") == 0;

	if (ok && fits(call, registration->function_oid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("the %s \"%s\" (%s) cannot be called: %s", call->kind, call->name, registration->function,
					ok ? "function differs" : registration->state),
			 errhint("Restore what is missing, register it anew,"
					 " or take it out with SELECT wazo_auth.unregister('%s', '%s').", call->kind, call->name)));
}

/* Cursors that the function has opened and left, in this subtransaction. */
static void
close_left_cursors(void)
{
	static SPIPlanPtr plan = NULL;
	SubTransactionId mine = GetCurrentSubTransactionId();

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(kept_plan(&plan, "SELECT c.name FROM pg_catalog.pg_cursors c", 0, NULL),
						 NULL, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the cursors failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Portal		portal = GetPortalByName(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));

		if (PortalIsValid(portal) && portal->createSubid == mine)
			PortalDrop(portal, false);
	}
	SPI_finish();
}

/* Copies the result out of the call's memory. */
static Datum
keep_result(const PluginCall *call, Datum result, MemoryContext context)
{
	int16		len;
	bool		byval;
	MemoryContext call_context;

	if (!OidIsValid(call->result_type) || call->result_type == VOIDOID)
		return (Datum) 0;
	get_typlenbyval(call->result_type, &len, &byval);
	if (len == -1 && toast_raw_datum_size(result) > call->max_result)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("it returned more than %zu bytes", call->max_result)));
	call_context = MemoryContextSwitchTo(context);
	result = len == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(result)) : datumCopy(result, byval, len);
	MemoryContextSwitchTo(call_context);
	return result;
}

/* Calls the function; the result is in "context". */
static Datum
invoke(const PluginCall *call, Oid function, MemoryContext context, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, PLUGIN_MAX_ARGS);
	FmgrInfo	flinfo;
	Datum		result;

	InvokeFunctionExecuteHook(function);
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, call->nargs, DEFAULT_COLLATION_OID, NULL, NULL);
	*isnull = true;
	for (int i = 0; i < call->nargs; i++)
	{
		fcinfo->args[i].value = call->arg[i];
		fcinfo->args[i].isnull = call->argnull[i];
		if (flinfo.fn_strict && call->argnull[i])
			return (Datum) 0;
	}
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull || (call->may_be_void && get_func_rettype(function) == VOIDOID);
	return *isnull ? (Datum) 0 : keep_result(call, result, context);
}

/*
 * The first bytes of what a function says, with *** in the place of secrets
 * that it was given.
 */
static const char *
without_secrets(const PluginCall *call, const char *text)
{
	StringInfoData out;
	int			len = strnlen(text, MESSAGE_MAX_BYTES + 1);

	initStringInfo(&out);
	for (const char *s = text; *s != '\0' && out.len < MESSAGE_MAX_BYTES;)
	{
		int			hidden = 0;

		for (int i = 0; i < call->nsecrets && hidden == 0; i++)
			if (strncmp(s, call->secret[i], strlen(call->secret[i])) == 0)
				hidden = strlen(call->secret[i]);
		if (hidden > 0)
			appendStringInfoString(&out, "***");
		else
			appendStringInfoChar(&out, *s);
		s += Max(hidden, 1);
	}
	if (len > MESSAGE_MAX_BYTES)
		out.data[pg_mbcliplen(out.data, out.len, Min(out.len, MESSAGE_MAX_BYTES))] = '\0';
	return out.data;
}

/* Raises what the function's error is to its caller. */
pg_noreturn static void
raise_failure(const PluginCall *call, const Registration *registration, ErrorData *edata, PluginStop stop)
{
	if (edata->sqlerrcode == ERRCODE_QUERY_CANCELED && (stop == PLUGIN_CANCELLED || RecoveryInProgress()))
		ReThrowError(edata);
	if (stop == PLUGIN_CANCELLED)
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("canceling statement due to user request")));
	if (stop == PLUGIN_OUT_OF_TIME)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("the %s \"%s\" (%s) has not ended within %d ms", call->kind, call->name,
						registration->function, registration->time_limit_ms)));
	if (call->may_answer && status_of_sqlstate(edata->sqlerrcode) != 0)
		ReThrowError(edata);
	ereport(ERROR,
			(errcode(ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK ? edata->sqlerrcode :
					 ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			 errmsg("the %s \"%s\" (%s) failed: %s", call->kind, call->name, registration->function,
					without_secrets(call, edata->message ? edata->message : "")),
			 edata->context ? errcontext("%s", without_secrets(call, edata->context)) : 0));
}

/* Becomes the role, calls the function, and leaves the session as it was. */
static Datum
run_as_role(const PluginCall *call, const Registration *registration, MemoryContext context, bool *isnull)
{
	Oid			user;
	int			sec_context;
	int			nest_level = NewGUCNestLevel();
	ErrorContextCallback *caller_context = error_context_stack;
	Datum		result;

	/* Where we are is not for its messages to say: our caller's will. */
	error_context_stack = NULL;
	GetUserIdAndSecContext(&user, &sec_context);
	SetUserIdAndSecContext(registration->role,
						   sec_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	pin_settings();
	result = invoke(call, registration->function_oid, context, isnull);
	/* as if it had failed: what it has set goes, even with SET */
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(user, sec_context);
	error_context_stack = caller_context;
	return result;
}

/*
 * plugin_call
 *
 * Calls the registered function; the result is in the current memory context.
 * Raises 42704 when nothing of this kind and name is registered; 42883 when it
 * cannot be called, with what to do; 53400 when it did not end in time; 38000
 * when it failed; what it raised itself when that is an answer and may be one;
 * and 57014 when the statement was cancelled, whatever the function made of it.
 */
Datum
plugin_call(const PluginCall *call, bool *isnull)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Registration registration;
	PluginLimits limits;
	volatile PluginStop stop = PLUGIN_NOT_STOPPED;
	volatile bool limited = false;
	volatile Datum result = (Datum) 0;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	find_registration(call, &registration);
	check_usable(call, &registration);

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(AllocSetContextCreate(CurrentMemoryContext, "wazo_auth plugin", ALLOCSET_DEFAULT_SIZES));
	PG_TRY();
	{
		limits = plugin_limits_begin(registration.time_limit_ms);
		limited = true;
		result = run_as_role(call, &registration, context, isnull);
		stop = plugin_limits_end(&limits);
		limited = false;
		if (stop != PLUGIN_NOT_STOPPED)
			elog(ERROR, "it has caught its cancel");
		close_left_cursors();
		MemoryContextSwitchTo(context);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *edata;

		if (limited)
			stop = plugin_limits_end(&limits);
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		raise_failure(call, &registration, edata, stop);
	}
	PG_END_TRY();
	return result;
}

/* The third argument of wazo_auth.call_plugin(): texts, of which none or some may be null */
static void
take_secrets(PluginCall *call, ArrayType *secrets)
{
	Datum	   *item;
	bool	   *isnull;
	int			n;

	deconstruct_array(secrets, TEXTOID, -1, false, TYPALIGN_INT, &item, &isnull, &n);
	for (int i = 0; i < n && call->nsecrets < PLUGIN_MAX_SECRETS; i++)
		if (!isnull[i])
			call->secret[call->nsecrets++] = TextDatumGetCString(item[i]);
}

/*
 * wazo_auth.call_plugin(kind text, name text, secrets text[], ...)
 *
 * plugin_call() for SQL.  What follows the third argument is for the function;
 * each list of types that a kind has is a function of its own there, whose
 * declaration says what is taken and returned.
 */
Datum
wazo_auth_call_plugin(PG_FUNCTION_ARGS)
{
	PluginCall	call = {0};
	Oid		   *argtype;
	int			nargs;
	bool		isnull;
	Datum		result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("kind and name of what is called must not be null")));
	call.kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	call.name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	call.may_answer = strcmp(call.kind, "idp") == 0;
	call.max_result = SQL_MAX_RESULT;
	call.result_type = get_func_signature(fcinfo->flinfo->fn_oid, &argtype, &nargs);
	if (nargs != PG_NARGS() || nargs < OWN_ARGS || nargs > OWN_ARGS + PLUGIN_MAX_ARGS)
		elog(ERROR, "wrong number of arguments: %d", nargs);
	if (!PG_ARGISNULL(2))
		take_secrets(&call, PG_GETARG_ARRAYTYPE_P(2));
	for (int i = OWN_ARGS; i < nargs; i++)
	{
		call.argtype[call.nargs] = argtype[i];
		call.arg[call.nargs] = PG_GETARG_DATUM(i);
		call.argnull[call.nargs++] = PG_ARGISNULL(i);
	}
	result = plugin_call(&call, &isnull);
	if (isnull && call.result_type != VOIDOID)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}
