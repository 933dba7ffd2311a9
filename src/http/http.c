/*
 * http.c
 *	  wazo_auth.http(): one request in, one answer out.
 *
 * The front and SQL callers use the same entry.  Routes of the token path are
 * answered by C functions that only read ("direct" handlers): they get the
 * HttpCall itself, and neither a subtransaction nor a change of role is needed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/catalog.h"
#include "base/row_by_key.h"
#include "http/http_call.h"
#include "http/http_request.h"
#include "http/http_wire.h"
#include "plain/traceparent.h"
#include "sessions/replica.h"

#define HTTP_MAX_METHOD		16
#define HTTP_MAX_BODY		(1024 * 1024)
#define HTTP_MAX_HEADERS	65536	/* as an array, so a little less as sent */
#define HTTP_MAX_BATCH		64

PG_FUNCTION_INFO_V1(wazo_auth_http);
PG_FUNCTION_INFO_V1(wazo_auth_http_batch);

/*
 * Most answers have one header; its array is made once per backend.
 */
static Datum
json_only_headers(void)
{
	static Datum array = (Datum) 0;

	if (array == (Datum) 0)
	{
		MemoryContext old_context = MemoryContextSwitchTo(TopMemoryContext);
		Datum		header[2] = {CStringGetTextDatum("Content-Type"), CStringGetTextDatum(HTTP_JSON)};

		array = PointerGetDatum(construct_array(header, 2, TEXTOID, -1, false, TYPALIGN_INT));
		MemoryContextSwitchTo(old_context);
	}
	return array;
}

/* The row type's value of a reply. */
static Datum
form_response(HttpReply *reply)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(wazo_catalog()->http_response, -1);
	Datum		value[3];
	bool		isnull[3] = {false, false, false};
	HeapTuple	tuple;
	bytea	   *body;
	Datum		result;

	value[0] = Int32GetDatum(reply->status);
	if (reply->nheaders == 0 && reply->content_type && strcmp(reply->content_type, HTTP_JSON) == 0)
		value[1] = json_only_headers();
	else
	{
		if (reply->content_type)
			http_reply_header(reply, "Content-Type", reply->content_type);
		value[1] = PointerGetDatum(construct_array(reply->headers, reply->nheaders,
												   TEXTOID, -1, false, TYPALIGN_INT));
	}
	body = palloc(VARHDRSZ + reply->body.len);
	SET_VARSIZE(body, VARHDRSZ + reply->body.len);
	memcpy(VARDATA(body), reply->body.data, reply->body.len);
	value[2] = PointerGetDatum(body);
	tuple = heap_form_tuple(desc, value, isnull);
	result = HeapTupleGetDatum(tuple);
	ReleaseTupleDesc(desc);
	return result;
}

/*
 * The same, made once per backend for the answer to a token that is good: 204,
 * and nothing else to say.
 */
static Datum
make_response(HttpReply *reply)
{
	static Datum no_content = (Datum) 0;
	static Oid	of_type = InvalidOid;
	Oid			type = wazo_catalog()->http_response;
	MemoryContext old_context;

	if (reply->status != 204 || reply->nheaders > 0 || reply->body.len > 0 || reply->content_type == NULL ||
		strcmp(reply->content_type, HTTP_JSON) != 0)
		return form_response(reply);
	if (of_type != type)
	{
		old_context = MemoryContextSwitchTo(TopMemoryContext);
		no_content = form_response(reply);
		MemoryContextSwitchTo(old_context);
		of_type = type;
	}
	return no_content;
}

/* OPTIONS of a known path (contract: responses.md section 1) */
static void
options_reply(HttpReply *reply, const char *allow)
{
	reply->status = 200;
	reply->content_type = "text/html; charset=utf-8";
	http_reply_header(reply, "Allow", allow);
}

/* HEAD: the length of what GET would have sent, and nothing of it */
static void
strip_body(HttpReply *reply)
{
	char		length[16];

	if (reply->status == 204)
		return;
	snprintf(length, sizeof(length), "%d", reply->body.len);
	http_reply_header(reply, "Content-Length", length);
	resetStringInfo(&reply->body);
}

/*
 * Headers come as name and value in turn, and none of them is null.  That is
 * between the caller and us, and no matter of the client's.
 */
static ArrayType *
checked_headers(ArrayType *headers)
{
	if (array_contains_nulls(headers))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the headers of wazo_auth.http() must not contain nulls"),
				 errhint("Leave out a header that has no value.")));
	if (ArrayGetNItems(ARR_NDIM(headers), ARR_DIMS(headers)) % 2 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the headers of wazo_auth.http() must be name and value in turn")));
	return headers;
}

/* Bytes of a request's headers as an array. */
static Size
headers_size(const HttpCall *call)
{
	Size		size = 0;

	if (call->headers)
		return VARSIZE_ANY_EXHDR(call->headers);
	for (int i = 0; i < call->nheader; i++)
		size += VARSIZE_ANY(DatumGetPointer(call->header[i]));
	return size;
}

/* Whether this is a standby that does not know yet of what the client has written. */
static bool
is_behind(HttpCall *call)
{
	HttpSpan	transaction;

	return RecoveryInProgress() && http_header(call, HTTP_TRANSACTION, &transaction) &&
		replica_lacks(transaction.s, transaction.len);
}

/*
 * Until the end of the transaction application_name tells the trace of the request, so that who looks at
 * pg_stat_activity, or at a log whose lines have %a, knows whose work it is.  Of a batch there is no one trace.
 */
static void
show_trace(HttpCall *call)
{
	HttpSpan	value;
	const char *id;
	char		name[NAMEDATALEN];

	if (!call->alone || !http_header(call, "traceparent", &value))
		return;
	id = traceparent_id(value.s, value.len);
	if (id == NULL)
		return;
	snprintf(name, sizeof(name), "wazo-auth %.*s", TRACE_ID_LEN, id);
	(void) set_config_option("application_name", name, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

/* Tells whoever asks for it which route the request had. */
static void
tell_route(HttpCall *call)
{
	HttpSpan	asked;

	if (call->alone && call->route != NULL && http_header(call, HTTP_TELL_ROUTE, &asked))
		http_reply_header(&call->reply, HTTP_ROUTE, call->route->path);
}

/* Whether the quick form of a route has answered; HEAD is answered as GET, and by the handler. */
static bool
answer_quickly(HttpCall *call)
{
	return call->route->has_quick && strcmp(call->method, "GET") == 0 &&
		DatumGetBool(FunctionCall1(unconstify(FmgrInfo *, &call->route->quick), PointerGetDatum(call)));
}

/* Whether it is asked only as long as it is quick, and is to be asked elsewhere if not. */
static bool
must_be_quick(HttpCall *call)
{
	HttpSpan	asked;

	return http_header(call, HTTP_QUICK_ONLY, &asked);
}

static void
dispatch(HttpCall *call)
{
	HttpReply  *reply = &call->reply;
	const text *target = call->target_text;
	HttpTargetResult parsed;
	const char *allow = NULL;

	if (VARSIZE_ANY_EXHDR(target) > HTTP_MAX_TARGET)
	{
		http_plain_reply(reply, 414, "The request target is too long.");
		return;
	}
	if (headers_size(call) > HTTP_MAX_HEADERS)
	{
		http_plain_reply(reply, 431, "The request headers are too large.");
		return;
	}
	if (call->body && VARSIZE_ANY_EXHDR(call->body) > HTTP_MAX_BODY)
	{
		http_plain_reply(reply, 413, "The request body is too large.");
		return;
	}
	show_trace(call);
	parsed = http_target_parse(VARDATA_ANY(target), VARSIZE_ANY_EXHDR(target),
							   palloc(HTTP_TARGET_ROOM(VARSIZE_ANY_EXHDR(target))), &call->target);
	if (parsed == HTTP_TARGET_NO_PATH)
	{
		http_plain_reply(reply, 404, "Not Found");
		return;
	}
	switch (route_find(call->method, &call->target, &call->route, call->param, &allow))
	{
		case ROUTE_NO_PATH:
			http_plain_reply(reply, 404, "Not Found");
			return;
		case ROUTE_NO_METHOD:
			if (strcmp(call->method, "OPTIONS") == 0)
				options_reply(reply, allow);
			else
			{
				http_plain_reply(reply, 405, "The method is not allowed for the requested URL.");
				http_reply_header(reply, "Allow", allow);
			}
			return;
		case ROUTE_FOUND:
			break;
	}
	if (parsed == HTTP_TARGET_LONG_QUERY)
		http_plain_reply(reply, 400, psprintf("The query string has more than %d parameters.", HTTP_MAX_QUERY));
	else if (parsed == HTTP_TARGET_NUL_QUERY)
		http_plain_reply(reply, 400, "The query string holds a null character.");
	else if (is_behind(call))
		http_plain_reply(reply, 421, "This is a standby that does not know of that transaction yet; ask the primary.");
	else if (call->route->direct)
		(void) FunctionCall1(unconstify(FmgrInfo *, &call->route->function), PointerGetDatum(call));
	else if (answer_quickly(call))
		return;
	else if (must_be_quick(call))
		http_plain_reply(reply, 421, "This may take its time; ask where others do not wait for it.");
	else
		http_run_handler(call);
}

/* Makes the reply to a request of which everything else is set. */
static void
answer(HttpCall *call, const text *method)
{
	call->method = VARSIZE_ANY_EXHDR(method) <= HTTP_MAX_METHOD ? text_to_cstring(method) : "?";
	call->reply.content_type = HTTP_JSON;
	initStringInfo(&call->reply.body);

	dispatch(call);
	if (strcmp(call->method, "HEAD") == 0)
		strip_body(&call->reply);
	tell_route(call);
}

/*
 * wazo_auth.http(method text, target text, headers text[], body bytea, peer text)
 *		returns wazo_auth.http_response
 *
 * headers: name, value, name, value.  target: path and query as sent.  Raises
 * nothing that is an answer to the client; 22004 for a null method or target or
 * a null among the headers, 22023 for a header without a value.
 */
Datum
wazo_auth_http(PG_FUNCTION_ARGS)
{
	HttpCall   *call = http_call_new();

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("method and target of wazo_auth.http() must not be null")));
	call->alone = true;
	call->target_text = PG_GETARG_TEXT_PP(1);
	call->headers = checked_headers(PG_ARGISNULL(2) ? construct_empty_array(TEXTOID) : PG_GETARG_ARRAYTYPE_P(2));
	call->body = PG_ARGISNULL(3) ? NULL : PG_GETARG_BYTEA_PP(3);
	call->peer = PG_ARGISNULL(4) ? NULL : PG_GETARG_TEXT_PP(4);
	answer(call, PG_GETARG_TEXT_PP(0));
	PG_RETURN_DATUM(make_response(&call->reply));
}

/* An argument of wazo_auth.http_batch(), which holds n elements (any number when n is -1). Returns how many. */
static int
batch_array(ArrayType *array, Oid type, int n, Datum **element, bool **isnull)
{
	int			found;

	deconstruct_array(array, type, type == INT4OID ? sizeof(int32) : -1, type == INT4OID, TYPALIGN_INT,
					  element, isnull, &found);
	if (n >= 0 && found != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the arrays of wazo_auth.http_batch() do not fit together"),
				 errdetail("There are %d elements where %d are due.", found, n)));
	return found;
}

/* The elements of an array that has no null among them. */
static Datum *
batch_values(ArrayType *array, Oid type, int n)
{
	Datum	   *element;
	bool	   *isnull;

	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("only bodies and peers of wazo_auth.http_batch() may be null")));
	(void) batch_array(array, type, n, &element, &isnull);
	return element;
}

/* The arguments of wazo_auth.http_batch(), and how far they are used up. */
typedef struct HttpBatch
{
	int			n;
	Datum	   *method;
	Datum	   *target;
	Datum	   *header;			/* of the requests to come */
	int			headers_left;
	Datum	   *header_count;
	Datum	   *body;
	bool	   *no_body;
	Datum	   *peer;
	bool	   *no_peer;
} HttpBatch;

static void
raise_odd_headers(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
			 errmsg("the header counts of wazo_auth.http_batch() do not fit its headers")));
}

static void
read_batch(FunctionCallInfo fcinfo, HttpBatch *batch)
{
	ArrayType  *methods = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *headers = PG_GETARG_ARRAYTYPE_P(2);
	int			n = ArrayGetNItems(ARR_NDIM(methods), ARR_DIMS(methods));

	if (n > HTTP_MAX_BATCH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("wazo_auth.http_batch() takes at most %d requests", HTTP_MAX_BATCH)));
	batch->n = n;
	batch->method = batch_values(methods, TEXTOID, n);
	batch->target = batch_values(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, n);
	batch->headers_left = ArrayGetNItems(ARR_NDIM(headers), ARR_DIMS(headers));
	batch->header = batch_values(headers, TEXTOID, batch->headers_left);
	batch->header_count = batch_values(PG_GETARG_ARRAYTYPE_P(3), INT4OID, n);
	(void) batch_array(PG_GETARG_ARRAYTYPE_P(4), BYTEAOID, n, &batch->body, &batch->no_body);
	(void) batch_array(PG_GETARG_ARRAYTYPE_P(5), TEXTOID, n, &batch->peer, &batch->no_peer);
}

/* Answers the request number i, the next one. */
static void
answer_next(HttpBatch *batch, int i, StringInfo out)
{
	HttpCall   *call = http_call_new();
	int32		mine = DatumGetInt32(batch->header_count[i]);

	if (mine < 0 || mine > batch->headers_left || mine % 2 != 0)
		raise_odd_headers();
	CHECK_FOR_INTERRUPTS();
	call->target_text = DatumGetTextPP(batch->target[i]);
	call->header = batch->header;
	call->nheader = mine;
	batch->header += mine;
	batch->headers_left -= mine;
	call->body = batch->no_body[i] ? NULL : DatumGetByteaPP(batch->body[i]);
	call->peer = batch->no_peer[i] ? NULL : DatumGetTextPP(batch->peer[i]);
	answer(call, DatumGetTextPP(batch->method[i]));
	http_wire_add(out, &call->reply);
}

/* The same for all of them, most of which look for a session. */
static void
answer_all(HttpBatch *batch, StringInfo out)
{
	rows_keep(T_SESSION);
	PG_TRY();
	{
		for (int i = 0; i < batch->n; i++)
			answer_next(batch, i, out);
	}
	PG_CATCH();
	{
		rows_forget();
		PG_RE_THROW();
	}
	PG_END_TRY();
	rows_release();
}

/*
 * wazo_auth.http_batch(methods text[], targets text[], headers text[], header_counts integer[], bodies bytea[],
 *		peers text[]) returns bytea
 *
 * What wazo_auth.http() says to each of several requests, in their order, as
 * array_send() would give it.  headers: those of all requests, one behind the
 * other; header_counts: how many elements of them belong to each.  Raises as
 * wazo_auth.http() does; 2202E when the arrays do not fit together, 54000 for
 * more than HTTP_MAX_BATCH requests.
 */
Datum
wazo_auth_http_batch(PG_FUNCTION_ARGS)
{
	HttpBatch	batch;
	StringInfoData out;

	read_batch(fcinfo, &batch);
	http_wire_start(&out, batch.n);
	answer_all(&batch, &out);
	if (batch.headers_left != 0)
		raise_odd_headers();
	PG_RETURN_BYTEA_P(http_wire_end(&out));
}
