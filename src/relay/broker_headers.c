/*
 * broker_headers.c
 *	  A JSON object as the headers of an AMQP message.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#include "base/compat.h"
#include "relay/broker_headers.h"

typedef struct ParseState
{
	BrokerHeaders *headers;
	JsonLexContext *lex;
	const char *error;
	char	   *name;
} ParseState;

static JsonActionResult
begin_field(void *arg, char *name, bool isnull)
{
	ParseState *state = arg;

	state->name = name;
	JSON_ACTION_DONE;
}

static JsonActionResult
begin_array(void *arg)
{
	((ParseState *) arg)->error = "a header is an array";
	JSON_ACTION_DONE;
}

static JsonActionResult
begin_object(void *arg)
{
	ParseState *state = arg;

	if (state->lex->lex_level > 0)
		state->error = "a header is an object";
	JSON_ACTION_DONE;
}

static JsonActionResult
scalar(void *arg, char *token, JsonTokenType type)
{
	ParseState *state = arg;
	BrokerHeaders *headers = state->headers;
	amqp_table_entry_t *entry;

	if (state->error)
		JSON_ACTION_DONE;
	if (state->name == NULL)
		state->error = "the headers are not an object";
	else if (headers->table.num_entries == BROKER_HEADERS_MAX)
		state->error = "too many headers";
	else if (strlen(state->name) > 255)
		state->error = "the name of a header is longer than 255 bytes";
	else if (type != JSON_TOKEN_STRING && type != JSON_TOKEN_TRUE && type != JSON_TOKEN_FALSE)
		state->error = "a header is neither text nor a boolean";
	if (state->error)
		JSON_ACTION_DONE;
	entry = &headers->entries[headers->table.num_entries++];
	entry->key = amqp_cstring_bytes(state->name);
	if (type == JSON_TOKEN_STRING)
	{
		entry->value.kind = AMQP_FIELD_KIND_UTF8;
		entry->value.value.bytes = amqp_cstring_bytes(token);
	}
	else
	{
		entry->value.kind = AMQP_FIELD_KIND_BOOLEAN;
		entry->value.value.boolean = type == JSON_TOKEN_TRUE;
	}
	JSON_ACTION_DONE;
}

/*
 * broker_headers_parse
 *
 * Texts become long strings, true and false booleans (contract: events.md
 * section 1).  Returns NULL, or why it is not possible; never raises an error
 * for what the document holds.  The strings live in the current memory context.
 */
const char *
broker_headers_parse(const char *json, Size len, BrokerHeaders *headers)
{
	ParseState	state = {.headers = headers};
	JsonSemAction actions = {
		.semstate = &state,
		.object_start = begin_object,
		.array_start = begin_array,
		.object_field_start = begin_field,
		.scalar = scalar,
	};

	headers->table.num_entries = 0;
	headers->table.entries = headers->entries;
	state.lex = json_lexer(json, len);
	if (pg_parse_json(state.lex, &actions) != JSON_SUCCESS)
		return "the headers are not JSON";
	return state.error;
}
