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

#include "base/compat.h"
#include "base/json_text.h"

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
 * Eight characters at a time, since pages of lists are gone through several
 * times on their way.  A mark is the highest bit of a character's byte.
 */
#define EACH(byte)		(UINT64CONST(0x0101010101010101) * (byte))
#define MARKS			EACH(0x80)

/* Marks those that equal c; all of them are ASCII, so none carries into its neighbour. */
static inline uint64
equal_to(uint64 word, char c)
{
	return ~((word ^ EACH((uint64) c)) + EACH(0x7f)) & MARKS;
}

/* Is one of them not printable ASCII: below a blank, or beyond ~, where adding one sets the highest bit? */
static inline bool
has_unprintable(uint64 word)
{
	return (((((word - EACH(0x20)) & ~word) | word | (word + EACH(0x01))) & MARKS)) != 0;
}

/*
 * The first of these characters that does not stand for itself in a string:
 * a quote, a backslash, or one that is not printable ASCII.
 */
static const char *
skip_plain(const char *s, const char *end)
{
	while (end - s >= 8)
	{
		uint64		word;

		memcpy(&word, s, 8);
		if (has_unprintable(word) || (equal_to(word, '"') | equal_to(word, '\\')) != 0)
			break;
		s += 8;
	}
	while (s < end && *s >= ' ' && *s <= '~' && *s != '"' && *s != '\\')
		s++;
	return s;
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

		s = skip_plain(s, end);
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

static JsonActionResult
on_object_start(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, '{');
	JSON_ACTION_DONE;
}

static JsonActionResult
on_object_end(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, '}');
	JSON_ACTION_DONE;
}

static JsonActionResult
on_array_start(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, '[');
	JSON_ACTION_DONE;
}

static JsonActionResult
on_array_end(void *out)
{
	appendStringInfoCharMacro((StringInfo) out, ']');
	JSON_ACTION_DONE;
}

static JsonActionResult
on_field_start(void *out, char *name, bool isnull)
{
	append_separator(out, '{');
	json_append_string(out, name, strlen(name));
	appendBinaryStringInfo((StringInfo) out, ": ", 2);
	pfree(name);
	JSON_ACTION_DONE;
}

static JsonActionResult
on_element_start(void *out, bool isnull)
{
	append_separator(out, '[');
	JSON_ACTION_DONE;
}

static JsonActionResult
on_scalar(void *out, char *token, JsonTokenType type)
{
	if (type == JSON_TOKEN_STRING)
		json_append_string(out, token, strlen(token));
	else
		appendStringInfoString(out, token);
	pfree(token);
	JSON_ACTION_DONE;
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
	JsonLexContext *lex = json_lexer(json, len);

	pg_parse_json_or_ereport(lex, &actions);
	json_lexer_free(lex);
}

/* The code unit of four lower-case hexadecimal digits; -1 when they are none. */
static int
read_unit(const char *s, const char *end)
{
	int			unit = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		if (s[i] >= '0' && s[i] <= '9')
			unit = unit * 16 + s[i] - '0';
		else if (s[i] >= 'a' && s[i] <= 'f')
			unit = unit * 16 + s[i] - 'a' + 10;
		else
			return -1;
	}
	return unit;
}

/*
 * Length of what follows a backslash, when append_escaped() would have written
 * it that way; else 0.
 */
static int
escape_in_style(const char *s, const char *end)
{
	int			unit;

	if (s == end)
		return 0;
	if (*s != 'u')
		return strchr("\"\\nrtfb", *s) && *s ? 1 : 0;
	unit = read_unit(s + 1, end);
	if (unit >= 0xd800 && unit <= 0xdbff)
	{
		if (end - s < 11 || s[5] != '\\' || s[6] != 'u')
			return 0;
		unit = read_unit(s + 7, end);
		return unit >= 0xdc00 && unit <= 0xdfff ? 11 : 0;
	}
	if (unit <= 0 || (unit >= ' ' && unit <= '~') || (unit >= 0xdc00 && unit <= 0xdfff) ||
		unit == '\b' || unit == '\t' || unit == '\n' || unit == '\f' || unit == '\r')
		return 0;
	return 5;
}

/* How far a text was read. */
typedef struct StylePlace
{
	bool		in_string;
	bool		after_separator;	/* a blank has to follow */
} StylePlace;

typedef enum StyleWord
{
	STYLE_FINE,
	STYLE_OTHER,				/* to be looked at one by one */
	STYLE_BAD
} StyleWord;

/*
 * Eight characters of a text, in the order of memory.  After a character, as
 * many quotes have been read as stand up to it; the sums of a multiplication
 * count them for all eight, and where the count is odd a string goes on.
 */
static inline StyleWord
look_at_word(uint64 word, StylePlace *place)
{
#ifdef WORDS_BIGENDIAN
	return STYLE_OTHER;
#else
	uint64		inside;
	uint64		separators;
	uint64		blanks;

	if (has_unprintable(word) || equal_to(word, '\\') != 0)
		return STYLE_OTHER;
	inside = ((equal_to(word, '"') >> 7) * EACH(0x01) + EACH((uint64) place->in_string)) << 7 & MARKS;
	separators = (equal_to(word, ',') | equal_to(word, ':')) & ~inside;
	blanks = equal_to(word, ' ') & ~inside;
	if (blanks != (separators << 8 | (place->after_separator ? 0x80 : 0)))
		return STYLE_BAD;
	place->in_string = inside >> 63;
	place->after_separator = separators >> 63;
	return STYLE_FINE;
#endif
}

/* One character, with what its backslash begins; returns its length, 0 when it is not in style. */
static int
look_at_one(const char *s, const char *end, StylePlace *place)
{
	int			len;

	if (place->after_separator)
	{
		place->after_separator = false;
		return *s == ' ' ? 1 : 0;
	}
	if (*s == '"')
		place->in_string = !place->in_string;
	else if (place->in_string && *s == '\\')
	{
		len = escape_in_style(s + 1, end);
		return len > 0 ? 1 + len : 0;
	}
	else if (place->in_string)
		return *s >= ' ' && *s <= '~' ? 1 : 0;
	else if (*s == ',' || *s == ':')
		place->after_separator = true;
	else if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r')
		return 0;
	return 1;
}

/*
 * Is this JSON in upstream's style already?  One pass over the bytes: between
 * strings a comma or colon has one blank after it and there is no other white
 * space; strings are printable ASCII, with anything else escaped in the one
 * way that we escape it.
 */
static bool
is_in_style(const char *s, const char *end)
{
	StylePlace	place = {0};

	while (s < end)
	{
		StyleWord	found = STYLE_OTHER;
		uint64		word;
		int			len = 8;

		if (end - s >= 8)
		{
			memcpy(&word, s, 8);
			found = look_at_word(word, &place);
		}
		if (found == STYLE_OTHER)
			len = look_at_one(s, end, &place);
		if (found == STYLE_BAD || len == 0)
			return false;
		s += len;
	}
	return !place.after_separator;
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
