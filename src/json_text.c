/*
 * json_text.c
 *	  JSON as upstream writes it: pure ASCII, with ", " and ": ".
 *
 * Clients of the Python wazo-auth see the output of json.dumps(): every
 * character outside printable ASCII as \uXXXX in lower-case hexadecimal, with
 * surrogate pairs, and one blank after commas and colons.  The order of keys
 * and the text of numbers stay as they are.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonfuncs.h"

#include "json_text.h"

PG_FUNCTION_INFO_V1(wazo_auth_json_ascii);

/* Appends \uXXXX. */
static void
append_unit(StringInfo out, unsigned int unit)
{
	static const char hex_digits[] = "0123456789abcdef";
	char		text[6] = {'\\', 'u',
		hex_digits[unit >> 12 & 15],
		hex_digits[unit >> 8 & 15],
		hex_digits[unit >> 4 & 15],
	hex_digits[unit & 15]};

	appendBinaryStringInfo(out, text, sizeof(text));
}

/* Appends a character that does not stand for itself; returns its length. */
static int
append_escaped(StringInfo out, const char *s)
{
	pg_wchar	c;

	switch (*s)
	{
		case '"':
			appendStringInfoString(out, "\\\"");
			return 1;
		case '\\':
			appendStringInfoString(out, "\\\\");
			return 1;
		case '\n':
			appendStringInfoString(out, "\\n");
			return 1;
		case '\r':
			appendStringInfoString(out, "\\r");
			return 1;
		case '\t':
			appendStringInfoString(out, "\\t");
			return 1;
		case '\f':
			appendStringInfoString(out, "\\f");
			return 1;
		case '\b':
			appendStringInfoString(out, "\\b");
			return 1;
	}
	c = utf8_to_unicode((const unsigned char *) s);
	if (c > 0xffff)
	{
		append_unit(out, 0xd800 + ((c - 0x10000) >> 10));
		append_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
	}
	else
		append_unit(out, c);
	return pg_utf_mblen((const unsigned char *) s);
}

/*
 * Appends a string with its quotes.  s, len: valid UTF-8 (the database's
 * encoding), len in bytes.
 */
void
json_append_string(StringInfo out, const char *s, int len)
{
	const char *end = s + len;

	appendStringInfoCharMacro(out, '"');
	while (s < end)
	{
		const char *start = s;

		while (s < end && *s >= ' ' && *s <= '~' && *s != '"' && *s != '\\')
			s++;
		appendBinaryStringInfo(out, start, s - start);
		if (s < end)
			s += append_escaped(out, s);
	}
	appendStringInfoCharMacro(out, '"');
}

/*
 * The separator is known from what was written last: only the opening of an
 * object or array ends with its bracket, since strings end with a quote.
 */
static void
append_separator(StringInfo out, char opening)
{
	if (out->data[out->len - 1] != opening)
		appendBinaryStringInfo(out, ", ", 2);
}

static void
on_object_start(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, '{');
}

static void
on_object_end(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, '}');
}

static void
on_array_start(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, '[');
}

static void
on_array_end(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, ']');
}

static void
on_field_start(void *out, char *name, bool isnull)
{
	append_separator(out, '{');
	json_append_string(out, name, strlen(name));
	appendBinaryStringInfo((StringInfo) out, ": ", 2);
	pfree(name);
}

static void
on_element_start(void *out, bool isnull)
{
	append_separator(out, '[');
}

static void
on_scalar(void *out, char *token, JsonTokenType type)
{
	if (type == JSON_TOKEN_STRING)
		json_append_string(out, token, strlen(token));
	else
		appendStringInfoString(out, token);
	pfree(token);
}

/*
 * Appends a JSON text in upstream's style.
 *
 * json, len: any JSON text in UTF-8.  Errors: 22P02 when it is none, 22P05 for
 * \u0000, which no text of the database can hold, 54001 when it is nested too
 * deeply.
 */
void
json_append_ascii(StringInfo out, const char *json, int len)
{
	JsonSemAction actions = {
		.semstate = out,
		.object_start = on_object_start,
		.object_end = on_object_end,
		.array_start = on_array_start,
		.array_end = on_array_end,
		.object_field_start = on_field_start,
		.array_element_start = on_element_start,
		.scalar = on_scalar,
	};
	JsonLexContext *lex = makeJsonLexContextCstringLen(unconstify(char *, json),
													   len, PG_UTF8, true);

	pg_parse_json_or_ereport(lex, &actions);
	pfree(lex->strval->data);
	pfree(lex->strval);
	pfree(lex);
}

/*
 * Is this JSON in upstream's style already?  One pass over the bytes: between
 * strings a comma or colon has one blank after it and there is no other white
 * space; strings are printable ASCII.  Those with a backslash count as no, for
 * there are several ways to escape a character.
 */
static bool
is_in_style(const char *s, const char *end)
{
	while (s < end)
	{
		switch (*s++)
		{
			case '"':
				while (s < end && *s != '"')
				{
					if (*s < ' ' || *s > '~' || *s == '\\')
						return false;
					s++;
				}
				s++;
				break;
			case ',':
			case ':':
				if (s == end || *s++ != ' ')
					return false;
				break;
			case ' ':
			case '\t':
			case '\n':
			case '\r':
				return false;
		}
	}
	return true;
}

/*
 * Same as json_append_ascii(), for a value of type json, which needs no check:
 * what is in upstream's style already, as what json_build.c makes, is copied.
 */
void
json_append_compact(StringInfo out, const char *json, int len)
{
	if (is_in_style(json, json + len))
		appendBinaryStringInfo(out, json, len);
	else
		json_append_ascii(out, json, len);
}

/* SQL: wazo_auth.json_ascii(json) returns text */
Datum
wazo_auth_json_ascii(PG_FUNCTION_ARGS)
{
	text	   *json = PG_GETARG_TEXT_PP(0);
	StringInfoData out;

	initStringInfo(&out);
	enlargeStringInfo(&out, VARSIZE_ANY_EXHDR(json));
	json_append_compact(&out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
