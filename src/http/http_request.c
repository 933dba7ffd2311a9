/*
 * http_request.c
 *	  Runs the checks and the handler of a route, and catches what they raise.
 *
 * Everything happens in a subtransaction, so that an error rolls back what the
 * handler did and nothing else, and as the owner of the extension, since the
 * roles that may call http() have no rights to tables.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/resowner.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/catalog.h"
#include "base/pinned.h"
#include "base/plugin_call.h"
#include "base/error.h"
#include "http/http_access.h"
#include "http/http_error.h"
#include "http/http_form.h"
#include "http/http_request.h"
#include "validate/validate.h"

/* most bytes of what a registered function answers */
#define MAX_REGISTERED_ANSWER	(16 * 1024 * 1024)

/* Columns of wazo_auth.http_request, in the order of sql/http/tables.sql. */
enum
{
	REQUEST_METHOD,
	REQUEST_PATH,
	REQUEST_PARAMS,
	REQUEST_QUERY,
	REQUEST_HEADERS,
	REQUEST_BODY,
	REQUEST_RAW_BODY,
	REQUEST_PEER,
	REQUEST_TOKEN_AUTH_ID,
	REQUEST_TOKEN_SESSION_UUID,
	REQUEST_TOKEN_METADATA,
	REQUEST_CALLER_TENANT_UUID,
	REQUEST_TENANT_UUID,
	REQUEST_ACCESS,
	REQUEST_COLUMNS
};

/* {"name": "value"} of the path parameters, UUIDs in lower case. */
static Jsonb *
params_jsonb(const HttpCall *call)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < call->route->nparams; i++)
	{
		const char *name = call->route->param[i];
		HttpSpan	value = call->param[i];
		unsigned char uuid[UUID_LEN];
		char		text[UUID_TEXT_LEN + 1];
		size_t		len = strlen(name);

		if (len >= 4 && strcmp(name + len - 4, "uuid") == 0 &&
			uuid_text_parse(value.s, value.len, true, uuid))
		{
			uuid_text_format(uuid, text);
			value = (HttpSpan) {pnstrdup(text, UUID_TEXT_LEN), UUID_TEXT_LEN};
		}
		http_push_text(&state, WJB_KEY, (HttpSpan) {name, len});
		http_push_text(&state, WJB_VALUE, value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static bool
same_name(const HttpTarget *target, int i, int j)
{
	return target->name[i].len == target->name[j].len &&
		memcmp(target->name[i].s, target->name[j].s, target->name[i].len) == 0;
}

/*
 * {"name": "value"}, or {"name": ["value", ...]} for a repeated parameter.
 */
static Jsonb *
query_jsonb(const HttpTarget *target)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < target->nquery; i++)
	{
		bool		first = true;
		bool		repeated = false;

		for (int j = 0; j < i && first; j++)
			first = !same_name(target, i, j);
		if (!first)
			continue;
		for (int j = i + 1; j < target->nquery && !repeated; j++)
			repeated = same_name(target, i, j);
		http_push_text(&state, WJB_KEY, target->name[i]);
		if (!repeated)
		{
			http_push_text(&state, WJB_VALUE, target->value[i]);
			continue;
		}
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		for (int j = i; j < target->nquery; j++)
			if (same_name(target, i, j))
				http_push_text(&state, WJB_ELEM, target->value[j]);
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* 400 for a body that is no JSON document (contract: errors.md section 3) */
pg_noreturn static void
raise_unreadable_body(void)
{
	raise_status(400, "The browser (or proxy) sent a request that this server could not understand.", DETAIL_PLAIN);
}

/*
 * The body as JSON.  Raises WA413 or WA400 for one that is larger than the
 * shape takes it, WA400 for anything that is not one document in UTF-8,
 * without a word of the body in the message.
 */
static Jsonb *
body_jsonb(HttpCall *call, const char *schema)
{
	MemoryContext context = CurrentMemoryContext;
	const char *s;
	int			len;
	Jsonb	   *volatile result = NULL;

	/* a form is no JSON, whatever is in it (contract: schemas.md section 1) */
	if (call->body == NULL || http_is_form(call))
		raise_unreadable_body();
	s = VARDATA_ANY(call->body);
	len = VARSIZE_ANY_EXHDR(call->body);
	if (len >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0)
	{
		s += 3;
		len -= 3;
	}
	validate_body_size(schema, s, len);
	if (len == 0 || !pg_verify_mbstr(PG_UTF8, s, len, true))
		raise_unreadable_body();

	/* The parser touches memory only, so catching needs no subtransaction. */
	PG_TRY();
	{
		result = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(s, len))));
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_QUERY_CANCELED || geterrcode() == ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		result = NULL;
	}
	PG_END_TRY();
	if (result == NULL)
		raise_unreadable_body();
	return result;
}

static Datum
make_request(HttpCall *call)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(wazo_catalog()->http_request, -1);
	Datum		value[REQUEST_COLUMNS] = {0};
	bool		isnull[REQUEST_COLUMNS];
	HeapTuple	tuple;
	Datum		result;

	if (desc->natts != REQUEST_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the library and the SQL objects of wazo_auth are of different versions"),
				 errhint("Run ALTER EXTENSION wazo_auth UPDATE.")));
	memset(isnull, true, sizeof(isnull));
#define SET(column, datum) (value[column] = (datum), isnull[column] = false)
	SET(REQUEST_METHOD, CStringGetTextDatum(call->method));
	SET(REQUEST_PATH, CStringGetTextDatum(call->route->path));
	if (call->params == NULL)
		call->params = params_jsonb(call);
	SET(REQUEST_PARAMS, JsonbPGetDatum(call->params));
	SET(REQUEST_QUERY, JsonbPGetDatum(call->query ? call->query : query_jsonb(&call->target)));
	SET(REQUEST_HEADERS, PointerGetDatum(http_headers(call)));
	if (call->json)
		SET(REQUEST_BODY, JsonbPGetDatum(call->json));
	if (call->body)
		SET(REQUEST_RAW_BODY, PointerGetDatum(call->body));
	if (call->peer)
		SET(REQUEST_PEER, PointerGetDatum(call->peer));
	if (call->has_session)
	{
		SET(REQUEST_TOKEN_AUTH_ID,
			PointerGetDatum(cstring_to_text_with_len(call->session.auth_id, call->session.auth_id_len)));
		SET(REQUEST_TOKEN_SESSION_UUID, UUIDPGetDatum(&call->session.uuid));
		SET(REQUEST_TOKEN_METADATA, PointerGetDatum(call->session.metadata));
		SET(REQUEST_ACCESS, CStringGetTextDatum(call->access));
	}
	if (call->has_caller_tenant)
		SET(REQUEST_CALLER_TENANT_UUID, UUIDPGetDatum(&call->caller_tenant));
	if (call->has_tenant)
		SET(REQUEST_TENANT_UUID, UUIDPGetDatum(&call->tenant));
#undef SET
	tuple = heap_form_tuple(desc, value, isnull);
	result = HeapTupleGetDatum(tuple);
	ReleaseTupleDesc(desc);
	return result;
}

pg_noreturn static void
raise_bad_response(const HttpCall *call, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the handler %s returned %s", call->route->handler, why),
			 errhint("It must return a wazo_auth.http_response: status 100 to 599, headers in pairs.")));
}

/* Takes the handler's row apart into the reply. */
static void
take_response(HttpCall *call, Datum row)
{
	HeapTupleHeader tuple = DatumGetHeapTupleHeader(row);
	bool		isnull;
	Datum		value;

	value = GetAttributeByName(tuple, "status", &isnull);
	if (isnull || DatumGetInt32(value) < 100 || DatumGetInt32(value) > 599)
		raise_bad_response(call, "no valid status");
	call->reply.status = DatumGetInt32(value);
	call->reply.content_type = NULL;
	value = GetAttributeByName(tuple, "headers", &isnull);
	if (!isnull)
	{
		bool	   *nulls;

		deconstruct_array(DatumGetArrayTypePCopy(value), TEXTOID, -1, false, TYPALIGN_INT,
						  &call->reply.headers, &nulls, &call->reply.nheaders);
		for (int i = 0; i < call->reply.nheaders; i++)
			if (nulls[i])
				raise_bad_response(call, "a header that is null");
		if (call->reply.nheaders % 2 != 0)
			raise_bad_response(call, "a header name without a value");
	}
	value = GetAttributeByName(tuple, "body", &isnull);
	initStringInfo(&call->reply.body);
	if (!isnull)
	{
		bytea	   *body = DatumGetByteaPP(value);

		appendBinaryStringInfo(&call->reply.body, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body));
	}
}

/* Calls a check's function or a handler; the row is made anew when it has become another. */
static Datum
call_with_request(HttpCall *call, const FmgrInfo *function, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		result;

	if (call->row == (Datum) 0)
		call->row = make_request(call);
	InitFunctionCallInfoData(*fcinfo, unconstify(FmgrInfo *, function), 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = call->row;
	fcinfo->args[0].isnull = false;
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

/*
 * The same for what others have registered.  Their errors of class WA are
 * answers; what else they say shows no token.
 */
static Datum
call_registered(HttpCall *call, const char *kind, const char *name, Oid result_type, bool *isnull)
{
	PluginCall	plugin = {
		.kind = kind, .name = name,
		.nargs = 1, .argtype = {wazo_catalog()->http_request},
		.result_type = result_type, .may_be_void = result_type == JSONBOID,
		.max_result = MAX_REGISTERED_ANSWER,
		.may_answer = true,
	};

	if (call->row == (Datum) 0)
		call->row = make_request(call);
	plugin.arg[0] = call->row;
	if (call->token)
		plugin.secret[plugin.nsecrets++] = call->token;
	return plugin_call(&plugin, isnull);
}

/* A check raises an error, or finds further parameters for what comes after it. */
static void
run_check_function(HttpCall *call, const RouteCheck *check)
{
	bool		isnull;
	Datum		found;

	if (check->registration)
		found = call_registered(call, "check", check->registration, JSONBOID, &isnull);
	else
		found = call_with_request(call, &check->function, &isnull);
	if (isnull || !(check->finds || check->registration))
		return;
	call->params = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(call->params), found));
	call->row = (Datum) 0;
}

/* The checks that http() does itself: they make the request another one. */
static void
run_own_check(HttpCall *call, RouteCheckKind kind)
{
	switch (kind)
	{
		case ROUTE_CHECK_TENANT:
			http_check_tenant(call);
			break;
		case ROUTE_CHECK_TOP_TENANT:
			http_check_top_tenant(call);
			break;
		case ROUTE_CHECK_QUERY:
			call->query = validate_query(call->route->query_schema, query_jsonb(&call->target));
			break;
		case ROUTE_CHECK_BODY:
			call->json = validate_object(call->route->body_schema, body_jsonb(call, call->route->body_schema));
			break;
		case ROUTE_CHECK_FORM:
			call->json = validate_object(call->route->body_schema, http_form_jsonb(call));
			break;
		case ROUTE_CHECK_JSON:
			call->json = body_jsonb(call, "any_json");
			break;
		case ROUTE_CHECK_FUNCTION:
		case ROUTE_CHECK_REGISTERED:
			break;
	}
	call->row = (Datum) 0;
}

static void
run_checks(HttpCall *call)
{
	http_check_access(call);
	for (int i = 0; i < call->route->nchecks; i++)
	{
		const RouteCheck *check = &call->route->check[i];

		if (check->kind == ROUTE_CHECK_FUNCTION || check->kind == ROUTE_CHECK_REGISTERED)
			run_check_function(call, check);
		else
			run_own_check(call, check->kind);
	}
}

static void
check_and_call(HttpCall *call)
{
	const Route *route = call->route;
	Datum		result;
	bool		isnull = true;

	run_checks(call);
	if (route->registration)
		result = call_registered(call, "route", route->registration, wazo_catalog()->http_response, &isnull);
	else if (route->has_function)
		result = call_with_request(call, &route->function, &isnull);
	else
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function %s or one of the route's checks does not exist", route->handler)));
	if (isnull)
		raise_bad_response(call, "null");
	take_response(call, result);
}

static void
end_subtransaction(bool keep, MemoryContext context, ResourceOwner owner)
{
	if (keep)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/* Tells the client which transaction it has written in, if it has. */
static void
tell_transaction(HttpReply *reply)
{
	FullTransactionId transaction = GetTopFullTransactionIdIfAny();

	if (FullTransactionIdIsValid(transaction))
		http_reply_header(reply, HTTP_TRANSACTION, psprintf(UINT64_FORMAT, U64FromFullTransactionId(transaction)));
}

/* Runs a step of a call as the owner of the extension, under settings that nobody else chooses. */
static void
run_as_owner(HttpCall *call, void (*step) (HttpCall *))
{
	Oid			user;
	int			sec_context;
	int			nest_level = NewGUCNestLevel();

	GetUserIdAndSecContext(&user, &sec_context);
	SetUserIdAndSecContext(wazo_catalog()->owner, sec_context | SECURITY_LOCAL_USERID_CHANGE);
	pin_settings();
	step(call);
	AtEOXact_GUC(true, nest_level);
	SetUserIdAndSecContext(user, sec_context);
}

/*
 * Runs a step in a subtransaction of its own, which stays if "keep".  Returns
 * NULL, or the error that stopped it and that nothing is left of; raises on what
 * is no answer: that the statement is cancelled or the server shut down.
 */
static ErrorData *
run_step(HttpCall *call, void (*step) (HttpCall *), bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	HttpCall   *outer_call = http_current_call;
	ErrorData  *volatile edata = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		http_current_call = call;
		run_as_owner(call, step);
		http_current_call = outer_call;
		end_subtransaction(keep, context, owner);
	}
	PG_CATCH();
	{
		http_current_call = outer_call;
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		end_subtransaction(false, context, owner);
		if (edata->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			edata->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			ReThrowError(edata);
	}
	PG_END_TRY();
	return edata;
}

/* "GET /path", as the log names a request */
static const char *
route_name(const HttpCall *call)
{
	return psprintf("%s %s", call->route->method, call->route->path);
}

/* Calls a function of the request and the status of its answer. */
static void
call_with_status(HttpCall *call, const FmgrInfo *function)
{
	LOCAL_FCINFO(fcinfo, 2);

	if (call->row == (Datum) 0)
		call->row = make_request(call);
	InitFunctionCallInfoData(*fcinfo, unconstify(FmgrInfo *, function), 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = call->row;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = Int32GetDatum(call->reply.status);
	fcinfo->args[1].isnull = false;
	(void) FunctionCallInvoke(fcinfo);
}

static void
call_after(HttpCall *call)
{
	call_with_status(call, &call->route->after);
}

static void
call_audit(HttpCall *call)
{
	call_with_status(call, &call->route->audit);
}

/* Is there something to be called after an answer of this status? */
static bool
has_after(const HttpCall *call)
{
	const Route *route = call->route;

	if (!route->has_after || route->after_status == NULL)
		return route->has_after;
	for (int i = 0; i < route->nafter_status; i++)
		if (DatumGetInt32(route->after_status[i]) == call->reply.status)
			return true;
	return false;
}

/* Runs what comes after the answer, which it does not change: a failure is in the log. */
static void
follow(HttpCall *call, void (*step) (HttpCall *))
{
	ErrorData  *edata = run_step(call, step, true);

	if (edata == NULL)
		return;
	ereport(LOG,
			(errcode(edata->sqlerrcode),
			 errmsg("what follows %s failed: %s", route_name(call), edata->message),
			 errhidestmt(true), errhidecontext(true)));
	FreeErrorData(edata);
}

/*
 * http_run_handler
 *
 * Fills call->reply from the route's handler, or from the error that stopped
 * it.  A cancelled or terminated statement is no answer: that is raised on.
 *
 * HEAD answers as GET would, and nothing of what GET would do stays: programs
 * that look at links before people do send it.
 *
 * What comes after the answer stays whatever that was: what the route has for
 * it, and a row in the audit log unless what it changed has left one.
 */
void
http_run_handler(HttpCall *call)
{
	bool		is_head = strcmp(call->method, "HEAD") == 0;
	ErrorData  *edata = run_step(call, check_and_call, !is_head);

	if (edata)
	{
		/* what it wrote there is gone, too */
		call->audited = false;
		http_error_reply(&call->reply, edata, route_name(call));
		FreeErrorData(edata);
	}
	else if (!is_head)
		tell_transaction(&call->reply);
	/* on a standby there is nothing to write to */
	if (is_head || XactReadOnly)
		return;
	if (has_after(call))
		follow(call, call_after);
	if (call->route->has_audit && !call->audited)
		follow(call, call_audit);
}
