/*
 * validate.c
 *	  Reading request bodies and query strings by declared shapes.
 *
 * Goes through the declared fields in their order, collects what is wrong and
 * builds the cleaned document on the way.  Rules: contract "schemas",
 * section 1.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_collation_d.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/regproc.h"

#include "base/compat.h"
#include "plain/json_scan.h"
#include "plain/validate_email.h"
#include "validate/schema_registry.h"
#include "validate/validate.h"
#include "validate/validate_error.h"
#include "validate/validate_types.h"

#define INVALID_INPUT	"Invalid input type."

typedef struct Loader
{
	SchemaRegistry *registry;
	bool		query;			/* values are texts, or arrays of them */
	int			nerrors;
	JsonbParseState *result;
} Loader;

PG_FUNCTION_INFO_V1(wazo_auth_validate);
PG_FUNCTION_INFO_V1(wazo_auth_validate_query);
PG_FUNCTION_INFO_V1(wazo_auth_is_email_address);

static JsonbValue *load_object(Loader *loader, const SchemaSpec *schema,
							   const JsonbValue *value, ErrorNode *errors);

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data);
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data);
}

/* Python's idea of a value that counts as nothing. */
static bool
is_falsy(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return !value->val.boolean;
		case jbvString:
			return value->val.string.len == 0;
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq,
													NumericGetDatum(value->val.numeric),
													NumericGetDatum(int64_to_numeric(0))));
		case jbvBinary:
			return JsonContainerSize(value->val.binary.data) == 0;
		default:
			return false;
	}
}

/* The value of a whole document, as that of a member would be. */
static JsonbValue
document_value(Jsonb *document)
{
	JsonbValue	value;

	if (!JsonbExtractScalar(&document->root, &value))
	{
		value.type = jbvBinary;
		value.val.binary.data = &document->root;
		value.val.binary.len = VARSIZE(document) - VARHDRSZ;
	}
	return value;
}

static void
push_key(Loader *loader, const FieldSpec *field)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = field->name;
	key.val.string.len = field->name_len;
	(void) pushJsonbValue(&loader->result, WJB_KEY, &key);
}

/* Attaches errors to parent; false when there are as many as are collected. */
static bool
attach(Loader *loader, ErrorNode *parent, ErrorNode *child)
{
	if (error_attach(parent, child))
		loader->nerrors++;
	return loader->nerrors < MAX_COLLECTED_ERRORS;
}

static void
load_item(Loader *loader, const FieldSpec *field, const JsonbValue *item,
		  ErrorNode *errors)
{
	JsonbValue	cleaned;

	if (item->type == jbvNull)
		error_field(errors, "Field may not be null.", "not_null", "not_null");
	else if (validate_scalar(&field->items, item, &cleaned, errors))
		(void) pushJsonbValue(&loader->result, WJB_ELEM, &cleaned);
}

/* Reads a list of single values or of objects. */
static void
load_list(Loader *loader, const FieldSpec *field, const JsonbValue *value,
		  ErrorNode *errors)
{
	const SchemaSpec *nested = NULL;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	item;
	int			count = 0;

	if (field->own.type == FIELD_NESTED_LIST)
		nested = schema_registry_find(loader->registry, field->nested);

	push_key(loader, field);
	(void) pushJsonbValue(&loader->result, WJB_BEGIN_ARRAY, NULL);
	if (is_array(value))
	{
		it = JsonbIteratorInit(value->val.binary.data);
		while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		{
			ErrorNode  *child;

			if (token != WJB_ELEM)
				continue;
			CHECK_FOR_INTERRUPTS();
			child = error_node(NULL, count++);
			if (nested != NULL)
				(void) load_object(loader, nested, &item, child);
			else
				load_item(loader, field, &item, child);
			if (!attach(loader, errors, child))
				break;
		}
	}
	else
	{
		/* a query parameter given once */
		ErrorNode  *child = error_node(NULL, count++);

		load_item(loader, field, value, child);
		(void) attach(loader, errors, child);
	}
	(void) pushJsonbValue(&loader->result, WJB_END_ARRAY, NULL);
	if (error_is_empty(errors))
		validate_length(&field->own, count, errors);
}

/* Reads a value that is there and is not null. */
static void
load_value(Loader *loader, const FieldSpec *field, const JsonbValue *value,
		   ErrorNode *errors)
{
	JsonbValue	cleaned;

	switch (field->own.type)
	{
		case FIELD_LIST:
			if (is_array(value) || (loader->query && value->type == jbvString))
				load_list(loader, field, value, errors);
			else
				error_field(errors, "Not a valid list.", "type", "list");
			break;
		case FIELD_NESTED_LIST:
			if (is_array(value))
				load_list(loader, field, value, errors);
			else
				error_field(errors, "Invalid type.", "type", "dict");
			break;
		case FIELD_NESTED:
			push_key(loader, field);
			(void) load_object(loader,
							   schema_registry_find(loader->registry, field->nested),
							   value, errors);
			break;
		default:
			if (validate_scalar(&field->own, value, &cleaned, errors))
			{
				push_key(loader, field);
				(void) pushJsonbValue(&loader->result, WJB_VALUE, &cleaned);
			}
			break;
	}
}

/* Reads one declared field.  value: NULL when the key is missing. */
static void
load_field(Loader *loader, const FieldSpec *field, const JsonbValue *value,
		   ErrorNode *errors)
{
	JsonbValue	first;

	/* of a repeated query parameter the first one counts */
	if (loader->query && value != NULL && is_array(value) &&
		field->own.type != FIELD_LIST)
		value = JsonContainerSize(value->val.binary.data) > 0 ?
			getIthJsonbValueFromContainer(value->val.binary.data, 0) : NULL;

	if (value == NULL)
	{
		if (field->required)
			error_field(errors, "Missing data for required field.",
						"required", "required");
		else if (field->default_value != NULL)
		{
			first = document_value(field->default_value);
			push_key(loader, field);
			(void) pushJsonbValue(&loader->result, WJB_VALUE, &first);
		}
	}
	else if (value->type != jbvNull)
		load_value(loader, field, value, errors);
	else if (field->nullable)
	{
		first.type = jbvNull;
		push_key(loader, field);
		(void) pushJsonbValue(&loader->result, WJB_VALUE, &first);
	}
	else
		error_field(errors, "Field may not be null.", "not_null", "not_null");
}

/* Adds an error if the object has a key that is not declared. */
static void
refuse_unknown_keys(const SchemaSpec *schema, JsonbContainer *object,
					ErrorNode *errors)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	key;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		bool		known = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; i < schema->nfields && !known; i++)
			known = schema->fields[i].name_len == key.val.string.len &&
				memcmp(schema->fields[i].name, key.val.string.val,
					   key.val.string.len) == 0;
		if (!known)
		{
			/* the key is the client's text and is not repeated */
			error_schema_message(errors, pstrdup("Unknown field."));
			return;
		}
	}
}

/* Runs the rules between fields on the cleaned object. */
static void
run_cross_check(const SchemaSpec *schema, JsonbValue *object, ErrorNode *errors)
{
	Oid			argtypes[1] = {JSONBOID};
	Oid			function;
	FmgrInfo	flinfo;
	Datum		answer;
	Datum	   *messages;
	bool	   *nulls;
	int			count;

	LOCAL_FCINFO(fcinfo, 1);

	function = LookupFuncName(qualified_name_list(schema->cross_check),
							  1, argtypes, false);
	if (get_func_rettype(function) != TEXTARRAYOID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s(jsonb) of request schema \"%s\" must return text[]",
						schema->cross_check, schema->name)));
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 1, C_COLLATION_OID, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(JsonbValueToJsonb(object));
	fcinfo->args[0].isnull = false;
	answer = FunctionCallInvoke(fcinfo);
	if (fcinfo->isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(answer), TEXTOID, -1, false,
					  TYPALIGN_INT, &messages, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			error_schema_message(errors, TextDatumGetCString(messages[i]));
	}
}

/*
 * Reads an object and pushes the cleaned one, complete even when something is
 * wrong.  Returns the pushed value.
 */
static JsonbValue *
load_object(Loader *loader, const SchemaSpec *schema, const JsonbValue *value,
			ErrorNode *errors)
{
	JsonbContainer *object = is_object(value) ? value->val.binary.data : NULL;
	bool		readable = object != NULL || is_falsy(value);
	JsonbValue *pushed;

	check_stack_depth();
	(void) pushJsonbValue(&loader->result, WJB_BEGIN_OBJECT, NULL);
	if (!readable)
		error_schema_message(errors, pstrdup(INVALID_INPUT));
	else
	{
		for (int i = 0; i < schema->nfields; i++)
		{
			const FieldSpec *field = &schema->fields[i];
			ErrorNode  *child = error_node(field->name, 0);
			JsonbValue	buffer;
			JsonbValue *member = NULL;

			if (object != NULL)
				member = getKeyJsonValueFromContainer(object, field->name,
													  field->name_len, &buffer);
			load_field(loader, field, member, child);
			if (!attach(loader, errors, child))
				break;
		}
		if (schema->refuse_unknown && object != NULL)
			refuse_unknown_keys(schema, object, errors);
	}
	pushed = pushJsonbValue(&loader->result, WJB_END_OBJECT, NULL);
	if (schema->cross_check != NULL && error_is_empty(errors))
		run_cross_check(schema, pushed, errors);
	return pushed;
}

/* Reads a document that is an array of objects. */
static JsonbValue *
load_many(Loader *loader, const SchemaSpec *schema, const JsonbValue *value,
		  ErrorNode *errors)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	item;
	int			count = 0;

	(void) pushJsonbValue(&loader->result, WJB_BEGIN_ARRAY, NULL);
	if (!is_array(value))
		error_schema_message(errors, pstrdup(INVALID_INPUT));
	else if (JsonContainerSize(value->val.binary.data) > schema->max_items)
		error_schema_message(errors, psprintf("Longer than maximum length %d.", schema->max_items));
	else
	{
		it = JsonbIteratorInit(value->val.binary.data);
		while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		{
			ErrorNode  *child;

			if (token != WJB_ELEM)
				continue;
			CHECK_FOR_INTERRUPTS();
			child = error_node(NULL, count++);
			if (is_object(&item))
				(void) load_object(loader, schema, &item, child);
			else
				error_schema_message(child, pstrdup(INVALID_INPUT));
			if (!attach(loader, errors, child))
				break;
		}
	}
	return pushJsonbValue(&loader->result, WJB_END_ARRAY, NULL);
}

static Jsonb *
load_document(Loader *loader, const char *name, Jsonb *input)
{
	const SchemaSpec *schema = schema_registry_find(loader->registry, name);
	ErrorNode  *errors = error_node(NULL, 0);
	JsonbValue	value = {.type = jbvNull};
	JsonbValue *cleaned;

	if (input != NULL)
		value = document_value(input);
	if (schema->many)
		cleaned = load_many(loader, schema, &value, errors);
	else
		cleaned = load_object(loader, schema, &value, errors);
	if (!error_is_empty(errors))
		raise_validation_error(schema, errors, 400);
	return JsonbValueToJsonb(cleaned);
}

/* body: NULL for a form, which has no depth, and few fields */
static void
check_body(const SchemaSpec *schema, const char *body, size_t len)
{
	JsonSize	size;

	if (len > (size_t) schema->body_bytes)
		raise_body_refused(schema, psprintf("Longer than maximum length %d.", schema->body_bytes),
						   "length", schema->body_bytes, 413);
	if (body == NULL)
		return;
	size = json_scan(body, len);
	if (size.depth > schema->body_depth)
		raise_body_refused(schema, psprintf("Nested deeper than %d levels.", schema->body_depth),
						   "depth", schema->body_depth, 400);
	if (size.values > schema->body_values)
		raise_body_refused(schema, psprintf("More than %d values.", schema->body_values),
						   "values", schema->body_values, 400);
}

/*
 * Refuses a body that is larger, deeper or of more values than its shape
 * allows; a scan of its bytes, before any parser sees it.  Raises WA413 or
 * WA400 in the shape of the route's other errors, 42704 for an unknown shape.
 */
void
validate_body_size(const char *schema, const char *body, size_t len)
{
	SchemaRegistry *registry = schema_registry_acquire();

	PG_TRY();
	{
		check_body(schema_registry_find(registry, schema), body, len);
	}
	PG_FINALLY();
	{
		schema_registry_release(registry);
	}
	PG_END_TRY();
}

/* The same for a form, whose bytes alone count. */
void
validate_form_size(const char *schema, size_t len)
{
	validate_body_size(schema, NULL, len);
}

static Jsonb *
validate(const char *schema, Jsonb *input, bool query)
{
	Loader		loader = {.query = query};
	Jsonb	   *volatile cleaned = NULL;

	loader.registry = schema_registry_acquire();
	PG_TRY();
	{
		cleaned = load_document(&loader, schema, input);
	}
	PG_FINALLY();
	{
		schema_registry_release(loader.registry);
	}
	PG_END_TRY();
	return cleaned;
}

/*
 * Reads a request body.
 *
 * schema: name of a declared shape.  input: any JSON value; NULL and falsy
 * documents count as {}.  Returns the declared fields alone, converted and with
 * defaults; optional fields without a default stay absent.  Errors: WA400 as
 * raise_validation_error() describes, 42704 for an unknown shape, and whatever a function
 * with rules between fields raises.
 */
Jsonb *
validate_object(const char *schema, Jsonb *input)
{
	return validate(schema, input, false);
}

/*
 * Reads a query string, given as an object of texts or arrays of texts.  A list
 * takes one text or several, any other field the first one.  Otherwise as
 * validate_object().
 */
Jsonb *
validate_query(const char *schema, Jsonb *input)
{
	return validate(schema, input, true);
}

static Datum
validate_sql(FunctionCallInfo fcinfo, bool query)
{
	char	   *schema;
	Jsonb	   *input = NULL;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the name of the request schema must not be null")));
	schema = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
		input = PG_GETARG_JSONB_P(1);
	PG_RETURN_JSONB_P(validate(schema, input, query));
}

/* SQL: wazo_auth.validate(schema text, input jsonb) returns jsonb */
Datum
wazo_auth_validate(PG_FUNCTION_ARGS)
{
	return validate_sql(fcinfo, false);
}

/* SQL: wazo_auth.validate_query(schema text, input jsonb) returns jsonb */
Datum
wazo_auth_validate_query(PG_FUNCTION_ARGS)
{
	return validate_sql(fcinfo, true);
}

/* SQL: wazo_auth.is_email_address(address text) returns boolean */
Datum
wazo_auth_is_email_address(PG_FUNCTION_ARGS)
{
	text	   *address = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(email_valid(VARDATA_ANY(address), VARSIZE_ANY_EXHDR(address)));
}
