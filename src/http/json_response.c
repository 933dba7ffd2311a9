/*
 * json_response.c
 *	  What a handler returns for a JSON body.
 *
 * Every answer with a body comes through here, and those of lists are long:
 * the text is written once, into the row itself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/catalog.h"
#include "base/json_text.h"

PG_FUNCTION_INFO_V1(wazo_auth_json_response);

static Datum
response_headers(FunctionCallInfo fcinfo)
{
	Datum	   *more = NULL;
	Datum	   *header;
	bool	   *isnull = NULL;
	int			n = 0;

	if (!PG_ARGISNULL(2))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &more, &isnull, &n);
	header = palloc((n + 2) * sizeof(Datum));
	header[0] = CStringGetTextDatum("Content-Type");
	header[1] = CStringGetTextDatum("application/json");
	for (int i = 0; i < n; i++)
	{
		if (isnull[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("headers must not contain null")));
		header[i + 2] = more[i];
	}
	return PointerGetDatum(construct_array(header, n + 2, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * wazo_auth.json_response(body json, status integer, headers text[])
 *		returns wazo_auth.http_response
 *
 * The body as ASCII with a final newline; a null one stays null.  headers:
 * further ones, name and value in turn.  Raises 22004 for a header that is null.
 */
Datum
wazo_auth_json_response(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(wazo_catalog()->http_response, -1);
	Datum		value[3] = {0};
	bool		isnull[3] = {false, false, PG_ARGISNULL(0)};
	HeapTuple	tuple;

	value[0] = PG_ARGISNULL(1) ? Int32GetDatum(200) : PG_GETARG_DATUM(1);
	value[1] = response_headers(fcinfo);
	if (!isnull[2])
	{
		text	   *json = PG_GETARG_TEXT_PP(0);
		StringInfoData out;

		initStringInfo(&out);
		enlargeStringInfo(&out, VARHDRSZ + VARSIZE_ANY_EXHDR(json) + 1);
		/* Space for the length word, so that the buffer is the value. */
		appendStringInfoSpaces(&out, VARHDRSZ);
		json_append_compact(&out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
		appendStringInfoChar(&out, '\n');
		SET_VARSIZE(out.data, out.len);
		value[2] = PointerGetDatum(out.data);
	}
	tuple = heap_form_tuple(desc, value, isnull);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(tuple);
}
