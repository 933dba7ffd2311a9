/*
 * http_call.c
 *	  What a request says: headers and path parameters.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"

#include "base/compat.h"
#include "http/http_call.h"

PG_FUNCTION_INFO_V1(wazo_auth_http_header);

HttpCall   *http_current_call = NULL;

/* A request of which nothing is known, in the current memory context. */
HttpCall *
http_call_new(void)
{
	HttpCall   *call = palloc(sizeof(HttpCall));

	memset(call, 0, offsetof(HttpCall, target));
	call->target.nsegments = call->target.nquery = 0;
	return call;
}

/* The value of the first of n names and values whose name this is, whatever the case, or NULL. */
static text *
find_header(const Datum *header, int n, const char *name, size_t len)
{
	for (int i = 0; i + 1 < n; i += 2)
	{
		text	   *t = DatumGetTextPP(header[i]);

		if (VARSIZE_ANY_EXHDR(t) == len && pg_strncasecmp(VARDATA_ANY(t), name, len) == 0)
			return DatumGetTextPP(header[i + 1]);
	}
	return NULL;
}

/* The headers as an array of name, value, name, value. */
ArrayType *
http_headers(HttpCall *call)
{
	if (call->headers == NULL)
		call->headers = construct_array(call->header, call->nheader, TEXTOID, -1, false, TYPALIGN_INT);
	return call->headers;
}

/* Puts a text into a jsonb that is being made, as a key, value or item. */
void
http_push_text(JsonbParseState **state, JsonbIteratorToken token, HttpSpan text)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text.s);
	value.val.string.len = (int) text.len;
	pushJsonbValue(state, token, &value);
}

/*
 * http_header
 *
 * Finds the first header of that name, whatever the case.
 */
bool
http_header(HttpCall *call, const char *name, HttpSpan *value)
{
	text	   *found;

	if (call->header == NULL)
		deconstruct_array(call->headers, TEXTOID, -1, false, TYPALIGN_INT,
						  &call->header, NULL, &call->nheader);
	found = find_header(call->header, call->nheader, name, strlen(name));
	if (found == NULL)
		return false;
	*value = (HttpSpan) {VARDATA_ANY(found), VARSIZE_ANY_EXHDR(found)};
	return true;
}

/*
 * wazo_auth.http_header(request wazo_auth.http_request, name text) returns text
 *
 * The same for handlers; null when there is none.  Raises 22004 when there is a
 * null among the headers.
 */
Datum
wazo_auth_http_header(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(1);
	bool		isnull;
	Datum		headers = GetAttributeByName(PG_GETARG_HEAPTUPLEHEADER(0), "headers", &isnull);
	Datum	   *header;
	int			n;
	text	   *found;

	if (isnull)
		PG_RETURN_NULL();
	deconstruct_array(DatumGetArrayTypeP(headers), TEXTOID, -1, false, TYPALIGN_INT, &header, NULL, &n);
	found = find_header(header, n, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	if (found == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(found);
}

/* A path parameter as sent; {NULL, 0} when the route has none of that name. */
HttpSpan
http_path_param(const HttpCall *call, const char *name, size_t len)
{
	for (int i = 0; i < call->route->nparams; i++)
		if (strlen(call->route->param[i]) == len && memcmp(call->route->param[i], name, len) == 0)
			return call->param[i];
	return (HttpSpan) {NULL, 0};
}
