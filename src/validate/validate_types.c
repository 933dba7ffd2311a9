/*
 * validate_types.c
 *	  Reading a single value of a request: conversion and constraints.
 *
 * The conversions are marshmallow's, which upstream uses: contract "schemas",
 * section 1, "Field types".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_collation_d.h"
#include "mb/pg_wchar.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "plain/python_text.h"
#include "plain/uuid_text.h"
#include "plain/validate_email.h"
#include "validate/validate_types.h"

/* longer texts count as not matching a pattern, whatever it is */
#define PATTERN_MAX_BYTES	65536

/* decimal digits of the largest number that is no infinity in Python */
#define FLOAT_MAX_DIGITS	309

/*
 * Checks the length of a text (in characters) or of a list (in items) and adds
 * the error.
 */
void
validate_length(const ValueRules *rules, int64 length, ErrorNode *errors)
{
	char	   *message;

	if (!(rules->has_min && length < rules->min) &&
		!(rules->has_max && length > rules->max))
		return;
	if (rules->has_min && rules->has_max)
		message = psprintf("Length must be between " INT64_FORMAT " and " INT64_FORMAT ".",
						   rules->min, rules->max);
	else if (rules->has_min)
		message = psprintf("Shorter than minimum length " INT64_FORMAT ".",
						   rules->min);
	else
		message = psprintf("Longer than maximum length " INT64_FORMAT ".",
						   rules->max);
	error_item(errors, message, "length", CONSTRAINT_LENGTH)->rules = rules;
}

/* Checks the bytes of a text; of this limit upstream knows nothing. */
static void
validate_bytes(const ValueRules *rules, int length, ErrorNode *errors)
{
	ValueRules *limit;

	if (rules->max_bytes == 0 || length <= rules->max_bytes)
		return;
	limit = palloc0(sizeof(ValueRules));
	limit->has_max = true;
	limit->max = rules->max_bytes;
	validate_length(limit, length, errors);
}

static void
validate_range(const ValueRules *rules, int64 value, ErrorNode *errors)
{
	char	   *message;

	if (!(rules->has_min && value < rules->min) &&
		!(rules->has_max && value > rules->max))
		return;
	if (rules->has_min && rules->has_max)
		message = psprintf("Must be greater than or equal to " INT64_FORMAT
						   " and less than or equal to " INT64_FORMAT ".",
						   rules->min, rules->max);
	else if (rules->has_min)
		message = psprintf("Must be greater than or equal to " INT64_FORMAT ".",
						   rules->min);
	else
		message = psprintf("Must be less than or equal to " INT64_FORMAT ".",
						   rules->max);
	error_item(errors, message, "range", CONSTRAINT_RANGE)->rules = rules;
}

static void
validate_pattern(const ValueRules *rules, const JsonbValue *in,
				 ErrorNode *errors)
{
	if (rules->check_pattern == NULL)
		return;
	if (in->val.string.len > PATTERN_MAX_BYTES ||
		!RE_compile_and_execute(rules->check_pattern, in->val.string.val,
								in->val.string.len, REG_ADVANCED,
								C_COLLATION_OID, 0, NULL))
		error_item(errors, pstrdup("String does not match expected pattern."),
				   "regex", CONSTRAINT_TEXT)->text =
			rules->pattern ? rules->pattern : text_to_cstring(rules->check_pattern);
}

static void
validate_choices(const ValueRules *rules, const JsonbValue *in,
				 ErrorNode *errors)
{
	StringInfoData message;

	if (!rules->has_choices)
		return;
	for (int i = 0; i < rules->nchoices; i++)
	{
		if (strlen(rules->choices[i]) == in->val.string.len &&
			memcmp(rules->choices[i], in->val.string.val,
				   in->val.string.len) == 0)
			return;
	}
	initStringInfo(&message);
	appendStringInfoString(&message, "Must be one of: ");
	for (int i = 0; i < rules->nchoices; i++)
		appendStringInfo(&message, "%s%s", i > 0 ? ", " : "", rules->choices[i]);
	appendStringInfoChar(&message, '.');
	error_item(errors, message.data, "enum", CONSTRAINT_CHOICES)->rules = rules;
}

/* All constraints of a text, in upstream's order. */
static void
validate_text(const ValueRules *rules, const JsonbValue *in, ErrorNode *errors)
{
	if (rules->has_min || rules->has_max)
		validate_length(rules,
						pg_mbstrlen_with_len(in->val.string.val,
											 in->val.string.len),
						errors);
	validate_pattern(rules, in, errors);
	if (error_is_empty(errors))
		validate_bytes(rules, in->val.string.len, errors);
	validate_choices(rules, in, errors);
}

/*
 * Cuts a number's fraction and finds its place among the int64.  Beyond what a
 * double holds Python sees an infinity, which is told by returning false.
 */
static bool
numeric_to_int(Numeric number, int64 *value, PythonInt *range)
{
	Numeric		whole = DatumGetNumeric(DirectFunctionCall2(numeric_trunc,
															NumericGetDatum(number),
															Int32GetDatum(0)));
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out,
														   NumericGetDatum(whole)));
	Size		len = strlen(text);

	if (len - (text[0] == '-') > FLOAT_MAX_DIGITS)
		return false;
	*range = python_int(text, len, value);
	return true;
}

static bool
read_integer(const ValueRules *rules, const JsonbValue *in, JsonbValue *out,
			 ErrorNode *errors)
{
	PythonInt	range = PYTHON_INT_INVALID;
	int64		value = 0;
	bool		finite = true;

	if (in->type == jbvNumeric)
		finite = numeric_to_int(in->val.numeric, &value, &range);
	else if (in->type == jbvString)
		range = python_int(in->val.string.val, in->val.string.len, &value);

	if (finite && range == PYTHON_INT_INVALID)
	{
		error_field(errors, "Not a valid integer.", "type", "integer");
		return false;
	}
	if (finite)
		validate_range(rules, value, errors);
	/* a number in range that no bigint holds is an infinity for us */
	if (!finite || (range != PYTHON_INT_OK && error_is_empty(errors)))
		(void) error_item(errors, pstrdup("Number too large."), NULL,
						  CONSTRAINT_NONE);
	out->type = jbvNumeric;
	out->val.numeric = int64_to_numeric(value);
	return error_is_empty(errors);
}

static bool
read_boolean(const JsonbValue *in, JsonbValue *out, ErrorNode *errors)
{
	bool		known = false;
	bool		value = false;

	if (in->type == jbvBool)
	{
		known = true;
		value = in->val.boolean;
	}
	else if (in->type == jbvString)
		known = python_bool_word(in->val.string.val, in->val.string.len, &value);
	else if (in->type == jbvNumeric)
	{
		for (int v = 0; v <= 1 && !known; v++)
		{
			known = DatumGetBool(DirectFunctionCall2(numeric_eq,
													 NumericGetDatum(in->val.numeric),
													 NumericGetDatum(int64_to_numeric(v))));
			value = v == 1;
		}
	}
	if (!known)
	{
		error_field(errors, "Not a valid boolean.", "type", "boolean");
		return false;
	}
	out->type = jbvBool;
	out->val.boolean = value;
	return true;
}

static bool
read_uuid(const JsonbValue *in, JsonbValue *out, ErrorNode *errors)
{
	uint8		uuid[UUID_BYTES];

	if (in->type != jbvString ||
		!uuid_text_parse_lenient(in->val.string.val, in->val.string.len, uuid))
	{
		error_field(errors, "Not a valid UUID.", "type", "uuid");
		return false;
	}
	out->type = jbvString;
	out->val.string.val = palloc(UUID_TEXT_LEN + 1);
	out->val.string.len = UUID_TEXT_LEN;
	uuid_text_format(uuid, out->val.string.val);
	return true;
}

static bool
read_email(const ValueRules *rules, const JsonbValue *in, JsonbValue *out,
		   ErrorNode *errors)
{
	static const char message[] = "Not a valid email address.";

	if (in->type != jbvString)
	{
		error_field(errors, message, "type", "email");
		return false;
	}
	if (!email_valid(in->val.string.val, in->val.string.len))
	{
		ErrorItem  *item = error_item(errors, pstrdup(message), "type",
									  CONSTRAINT_TEXT);

		item->text = "email";
		item->message_first = true;
	}
	validate_text(rules, in, errors);
	*out = *in;
	return error_is_empty(errors);
}

/*
 * Reads one value that is neither a list nor an object by its rules.
 *
 * in: not null.  out: the converted value, in the current context or shared
 * with in.  Returns whether nothing was wrong; what was is added to errors.
 */
bool
validate_scalar(const ValueRules *rules, const JsonbValue *in, JsonbValue *out,
				ErrorNode *errors)
{
	switch (rules->type)
	{
		case FIELD_STRING:
			if (in->type != jbvString)
			{
				error_field(errors, "Not a valid string.", "type", "string");
				return false;
			}
			validate_text(rules, in, errors);
			*out = *in;
			return error_is_empty(errors);
		case FIELD_INTEGER:
			return read_integer(rules, in, out, errors);
		case FIELD_BOOLEAN:
			return read_boolean(in, out, errors);
		case FIELD_UUID:
			return read_uuid(in, out, errors);
		case FIELD_EMAIL:
			return read_email(rules, in, out, errors);
		case FIELD_ANY:
			*out = *in;
			return true;
		default:
			elog(ERROR, "a list or object is no single value");
	}
}
