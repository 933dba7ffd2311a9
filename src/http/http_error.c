/*
 * http_error.c
 *	  The answer for an error that stopped a request; src/base/error.c says how
 *	  errors that are meant for the client look.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/json_text.h"
#include "http/http_error.h"
#include "plain/http_target.h"

/* What other SQLSTATEs mean to a client: by code, then by class. */
static const struct
{
	int			sqlstate;
	int			status;
}			status_of[] = {
	{ERRCODE_T_R_SERIALIZATION_FAILURE, 503},
	{ERRCODE_T_R_DEADLOCK_DETECTED, 503},
	{ERRCODE_LOCK_NOT_AVAILABLE, 503},
	{ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, 503},
	{ERRCODE_READ_ONLY_SQL_TRANSACTION, 503},
	{ERRCODE_UNTRANSLATABLE_CHARACTER, 400},
	{ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, 400},
	{ERRCODE_STRING_DATA_RIGHT_TRUNCATION, 400},
	{ERRCODE_PROGRAM_LIMIT_EXCEEDED, 400},
	{ERRCODE_CHECK_VIOLATION, 400},
	{ERRCODE_UNIQUE_VIOLATION, 409},
	{ERRCODE_FOREIGN_KEY_VIOLATION, 409},
};

/* The members of an error's DETAIL, as spans of its text; NULL: not there. */
typedef struct DetailMembers
{
	JsonLexContext *lex;
	const char *start;			/* of the value that is being read */
	HttpSpan	plain;
	HttpSpan	error_id;
	HttpSpan	details;
	HttpSpan	resource;
	HttpSpan	message;
	HttpSpan	retry_after;
} DetailMembers;

static HttpSpan *
member(DetailMembers *members, const char *name)
{
	return strcmp(name, "plain") == 0 ? &members->plain :
		strcmp(name, "error_id") == 0 ? &members->error_id :
		strcmp(name, "details") == 0 ? &members->details :
		strcmp(name, "resource") == 0 ? &members->resource :
		strcmp(name, "message") == 0 ? &members->message :
		strcmp(name, "retry_after") == 0 ? &members->retry_after : NULL;
}

static JsonActionResult
member_start(void *state, char *name, bool isnull)
{
	DetailMembers *members = state;

	if (members->lex->lex_level == 1)
		members->start = members->lex->token_start;
	JSON_ACTION_DONE;
}

static JsonActionResult
member_end(void *state, char *name, bool isnull)
{
	DetailMembers *members = state;
	HttpSpan   *value = members->lex->lex_level == 1 ? member(members, name) : NULL;

	if (value)
		*value = (HttpSpan) {members->start, members->lex->prev_token_terminator - members->start};
	JSON_ACTION_DONE;
}

/*
 * Reads a DETAIL; without an error_id, "plain" or "retry_after" in it, it is not ours.  A
 * handler of somebody's may write what it likes.
 */
static bool
read_detail(const char *detail, DetailMembers *members)
{
	JsonSemAction actions = {
		.semstate = members,
		.object_field_start = member_start,
		.object_field_end = member_end,
	};

	memset(members, 0, sizeof(*members));
	if (detail == NULL || detail[0] != '{')
		return false;
	members->lex = json_lexer(detail, strlen(detail));
	return pg_parse_json(members->lex, &actions) == JSON_SUCCESS &&
		(members->plain.s || members->error_id.s || members->retry_after.s);
}

static void
append_member(StringInfo out, const char *name, HttpSpan json)
{
	appendStringInfo(out, ", \"%s\": ", name);
	json_append_ascii(out, json.s, json.len);
}

/* The status for an error that is not meant for the client. */
static int
status_of_other(int sqlstate)
{
	for (int i = 0; i < lengthof(status_of); i++)
		if (status_of[i].sqlstate == sqlstate)
			return status_of[i].status;
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES ? 503 : 500;
}

/*
 * What a client is told of an error of PostgreSQL's that is its own fault.  Its
 * words say which limit or encoding; those about a rule of a table would show
 * the row, so of that the rule's name.
 */
static const char *
reason_of_other(const ErrorData *edata)
{
	if (edata->sqlerrcode == ERRCODE_CHECK_VIOLATION && edata->constraint_name)
		return psprintf("a value breaks the rule %s", edata->constraint_name);
	return edata->message;
}

static void
other_error_reply(HttpReply *reply, const ErrorData *edata, const char *route)
{
	int			status = status_of_other(edata->sqlerrcode);

	if (status >= 500)
		ereport(LOG,
				(errcode(edata->sqlerrcode),
				 errmsg("%s failed: %s", route, edata->message),
				 edata->context ? errcontext("%s", edata->context) : 0,
				 errhidestmt(true)));
	http_plain_reply(reply, status,
					 status == 503 ? "Service temporarily unavailable, try again" :
					 status == 409 ? "Conflict detected" :
					 status == 400 ? psprintf("Bad request: %s", reason_of_other(edata)) : "Internal Server Error");
}

/*
 * http_error_reply
 *
 * Turns a caught error into the answer.  What is not meant for the client is
 * logged, with the route's template and not the target, which may hold a token,
 * and answered with 500.
 */
void
http_error_reply(HttpReply *reply, const ErrorData *edata, const char *route)
{
	int			status = status_of_sqlstate(edata->sqlerrcode);
	DetailMembers detail;

	if (status == 0)
	{
		other_error_reply(reply, edata, route);
		return;
	}
	if (!read_detail(edata->detail, &detail))
	{
		http_token_reply(reply, status, edata->message);
		return;
	}
	if (detail.retry_after.s)
	{
		http_token_reply(reply, status, edata->message);
		if (strspn(detail.retry_after.s, "0123456789") >= detail.retry_after.len)
			http_reply_header(reply, "Retry-After", pnstrdup(detail.retry_after.s, detail.retry_after.len));
		return;
	}
	if (detail.plain.s)
	{
		http_plain_reply(reply, status, edata->message);
		return;
	}
	http_reply_start(reply, status);
	appendStringInfoString(&reply->body, "{\"message\": ");
	if (detail.message.s)
		json_append_ascii(&reply->body, detail.message.s, detail.message.len);
	else
		json_append_string(&reply->body, edata->message, strlen(edata->message));
	append_member(&reply->body, "error_id", detail.error_id);
	append_member(&reply->body, "details", detail.details.s ? detail.details : (HttpSpan) {"{}", 2});
	appendStringInfoString(&reply->body, ", \"timestamp\": ");
	http_reply_timestamp(reply);
	if (detail.resource.s)
		append_member(&reply->body, "resource", detail.resource);
	appendStringInfoString(&reply->body, "}\n");
}
