/*
 * json_build.c
 *	  Makes JSON for answers: as upstream writes it, and fast.
 *
 * The server's json_build_object() looks up the types of its arguments for
 * every object, and its result has to be rewritten to pure ASCII afterwards.
 * A page of a list has a hundred objects, so these two write the final form at
 * once and look up everything once per query.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/json_text.h"
#include "plain/uuid_text.h"

PG_FUNCTION_INFO_V1(wazo_auth_json_object);
PG_FUNCTION_INFO_V1(wazo_auth_json_list_add);
PG_FUNCTION_INFO_V1(wazo_auth_json_list_end);

typedef struct JsonMember
{
	char	   *key;			/* with quotes, colon and what stands before */
	int			key_len;
	Oid			type;
	FmgrInfo	output;			/* for types that have no case of their own */
} JsonMember;

typedef struct JsonShape
{
	int			n;
	JsonMember	member[FLEXIBLE_ARRAY_MEMBER];
} JsonShape;

static JsonShape *
make_shape(FunctionCallInfo fcinfo)
{
	MemoryContext old_context = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	int			n = PG_NARGS() - 1;
	JsonShape  *shape = palloc0(offsetof(JsonShape, member) + n * sizeof(JsonMember));
	Datum	   *name;
	bool	   *isnull;
	int			nnames;

	if (PG_ARGISNULL(0) || get_fn_expr_variadic(fcinfo->flinfo))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("wazo_auth.json_object() needs an array of names and the values as arguments")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &name, &isnull, &nnames);
	if (nnames != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("wazo_auth.json_object() has %d names for %d values", nnames, n)));
	shape->n = n;
	for (int i = 0; i < n; i++)
	{
		JsonMember *member = &shape->member[i];
		StringInfoData key;
		text	   *t;

		if (isnull[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a name of wazo_auth.json_object() must not be null")));
		t = DatumGetTextPP(name[i]);
		initStringInfo(&key);
		appendStringInfoString(&key, i == 0 ? "{" : ", ");
		json_append_string(&key, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
		appendStringInfoString(&key, ": ");
		member->key = key.data;
		member->key_len = key.len;
		member->type = get_fn_expr_argtype(fcinfo->flinfo, i + 1);
		if (!OidIsValid(member->type))
			elog(ERROR, "could not determine the type of argument %d", i + 2);
		if (member->type != UNKNOWNOID)
		{
			Oid			function;
			bool		is_varlena;

			getTypeOutputInfo(member->type, &function, &is_varlena);
			fmgr_info(function, &member->output);
		}
	}
	MemoryContextSwitchTo(old_context);
	return shape;
}

/* An array of texts as a list; its dimensions do not count. */
static void
append_texts(StringInfo out, ArrayType *texts)
{
	Datum	   *item;
	bool	   *isnull;
	int			n;

	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &item, &isnull, &n);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < n; i++)
	{
		text	   *t = isnull[i] ? NULL : DatumGetTextPP(item[i]);

		if (i > 0)
			appendBinaryStringInfo(out, ", ", 2);
		if (t == NULL)
			appendBinaryStringInfo(out, "null", 4);
		else
			json_append_string(out, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	}
	appendStringInfoChar(out, ']');
}

static void
append_value(StringInfo out, JsonMember *member, Datum value)
{
	char		uuid[UUID_TEXT_LEN + 1];
	text	   *t;
	char	   *s;

	switch (member->type)
	{
		case BOOLOID:
			appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
			return;
		case UUIDOID:
			uuid_text_format(DatumGetUUIDP(value)->data, uuid);
			appendStringInfoChar(out, '"');
			appendBinaryStringInfo(out, uuid, UUID_TEXT_LEN);
			appendStringInfoChar(out, '"');
			return;
		case TEXTOID:
			t = DatumGetTextPP(value);
			json_append_string(out, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
			return;
		case TEXTARRAYOID:
			append_texts(out, DatumGetArrayTypeP(value));
			return;
		case JSONOID:
			t = DatumGetTextPP(value);
			json_append_compact(out, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
			return;
		case UNKNOWNOID:
			s = DatumGetCString(value);
			json_append_string(out, s, strlen(s));
			return;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			s = OutputFunctionCall(&member->output, value);
			appendStringInfoString(out, s);
			return;
		default:
			s = OutputFunctionCall(&member->output, value);
			if (member->type == JSONBOID)
				json_append_ascii(out, s, strlen(s));
			else
				json_append_string(out, s, strlen(s));
	}
}

/*
 * wazo_auth.json_object(names text[], VARIADIC "values" "any") returns json
 *
 * Booleans, integers, json and jsonb as such, text[] as a list of strings,
 * anything else as a string; null as null.  The names are those of the first call of a query.  Raises 22023 or
 * 22004 when they do not fit.
 */
Datum
wazo_auth_json_object(PG_FUNCTION_ARGS)
{
	JsonShape  *shape = fcinfo->flinfo->fn_extra;
	StringInfoData out;

	if (shape == NULL)
		fcinfo->flinfo->fn_extra = shape = make_shape(fcinfo);
	initStringInfo(&out);
	/* Space for the length word, so that the buffer is the result. */
	appendStringInfoSpaces(&out, VARHDRSZ);
	for (int i = 0; i < shape->n; i++)
	{
		JsonMember *member = &shape->member[i];

		appendBinaryStringInfo(&out, member->key, member->key_len);
		if (PG_ARGISNULL(i + 1))
			appendBinaryStringInfo(&out, "null", 4);
		else
			append_value(&out, member, PG_GETARG_DATUM(i + 1));
	}
	appendStringInfoChar(&out, '}');
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_TEXT_P((text *) out.data);
}

/*
 * Is the aggregate's argument a call of wazo_auth.json_object()?  What that has
 * made need not be looked through.
 */
static bool
items_are_made(FunctionCallInfo fcinfo)
{
	static bool yes = true;
	static bool no = false;

	if (fcinfo->flinfo->fn_extra == NULL)
	{
		Aggref	   *aggregate = AggGetAggref(fcinfo);
		Expr	   *item = aggregate && aggregate->args ? linitial_node(TargetEntry, aggregate->args)->expr : NULL;
		FmgrInfo	function = {0};

		if (item && IsA(item, FuncExpr))
			fmgr_info(castNode(FuncExpr, item)->funcid, &function);
		fcinfo->flinfo->fn_extra = function.fn_addr == wazo_auth_json_object ? &yes : &no;
	}
	return *(bool *) fcinfo->flinfo->fn_extra;
}

/* Transition function of wazo_auth.json_list(json): a null is a null item. */
Datum
wazo_auth_json_list_add(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	StringInfo	state;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "wazo_auth.json_list_add() called in non-aggregate context");
	if (PG_ARGISNULL(0))
	{
		MemoryContext old_context = MemoryContextSwitchTo(context);

		state = makeStringInfo();
		appendStringInfoSpaces(state, VARHDRSZ);
		appendStringInfoChar(state, '[');
		MemoryContextSwitchTo(old_context);
	}
	else
	{
		state = (StringInfo) PG_GETARG_POINTER(0);
		appendBinaryStringInfo(state, ", ", 2);
	}
	if (PG_ARGISNULL(1))
		appendBinaryStringInfo(state, "null", 4);
	else
	{
		text	   *t = PG_GETARG_TEXT_PP(1);

		if (items_are_made(fcinfo))
			appendBinaryStringInfo(state, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
		else
			json_append_compact(state, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	}
	PG_RETURN_POINTER(state);
}

/* Final function: [] without any row. */
Datum
wazo_auth_json_list_end(PG_FUNCTION_ARGS)
{
	StringInfo	state;
	text	   *result;

	if (PG_ARGISNULL(0))
		PG_RETURN_TEXT_P(cstring_to_text("[]"));
	/* The state may be asked for again, so it is left as it is. */
	state = (StringInfo) PG_GETARG_POINTER(0);
	result = palloc(state->len + 1);
	memcpy(result, state->data, state->len);
	((char *) result)[state->len] = ']';
	SET_VARSIZE(result, state->len + 1);
	PG_RETURN_TEXT_P(result);
}
