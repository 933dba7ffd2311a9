/*
 * http_error.c
 *	  Errors with a chosen HTTP status, and their way into an answer.
 *
 * An error that is meant for the client has the SQLSTATE WAnnn, nnn being the
 * status, a message for people, and for the API shape of contract/errors.md
 * section 1 a DETAIL that is a JSON object:
 *
 *	  {"error_id": ..., "details": {...}, "resource": "..."}
 *
 * With "message" in it that JSON value stands in the body in place of the
 * text; {"plain": true} makes {"message": ...} of it; without a DETAIL the
 * body has the token shape.  An SQL caller sees the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/datetime.h"

#include <utf8proc.h>

#include "http/http.h"
#include "http/http_error.h"
#include "base/json_text.h"

PG_FUNCTION_INFO_V1(wazo_auth_ascii);

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
	{ERRCODE_UNIQUE_VIOLATION, 409},
	{ERRCODE_FOREIGN_KEY_VIOLATION, 409},
};

/* WAnnn gives nnn; 0 for any other SQLSTATE. */
static int
status_of_class_wa(int sqlstate)
{
	const char *s = unpack_sql_state(sqlstate);
	int			status;

	if (s[0] != 'W' || s[1] != 'A')
		return 0;
	status = atoi(s + 2);
	return status >= 400 && status <= 599 ? status : 0;
}

/*
 * http_error
 *
 * Raises WAnnn for the status; "detail" as the head of this file says, or NULL.
 */
void
http_error(int status, const char *message, const char *detail)
{
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('W', 'A', '0' + status / 100, '0' + status / 10 % 10, '0' + status % 10)),
			 errmsg_internal("%s", message),
			 detail ? errdetail_internal("%s", detail) : 0));
}

/* 400 for a body that is no JSON document (contract: errors.md section 3) */
void
http_unreadable_body(void)
{
	http_error(400, "The browser (or proxy) sent a request that this server could not understand.", HTTP_PLAIN);
}

/*
 * Messages of the token routes are ASCII: marks come off letters, and what has
 * no ASCII counterpart goes (contract: errors.md section 6).
 */
static void
append_ascii(StringInfo out, const char *s, size_t len)
{
	utf8proc_int32_t c;
	utf8proc_int32_t parts[32];
	utf8proc_ssize_t used;
	int			last = 0;

	while (len > 0 && (used = utf8proc_iterate((const utf8proc_uint8_t *) s, len, &c)) > 0)
	{
		utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, lengthof(parts),
													 UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last);

		for (utf8proc_ssize_t i = 0; i < n && i < (utf8proc_ssize_t) lengthof(parts); i++)
			if (parts[i] < 0x80)
				appendStringInfoChar(out, (char) parts[i]);
		s += used;
		len -= used;
	}
}

/*
 * wazo_auth.ascii(value text) returns text
 *
 * The text as messages of the token routes show it.
 */
Datum
wazo_auth_ascii(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	StringInfoData out;

	initStringInfo(&out);
	append_ascii(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* The message for a status that is not TOKEN_VALID; "what" was refused. */
void
token_error_message(StringInfo message, TokenStatus status, const char *what, size_t len)
{
	if (status == TOKEN_UNKNOWN)
	{
		appendStringInfoString(message, "No such token");
		return;
	}
	appendStringInfoString(message, status == TOKEN_TENANT_DENIED ? "Unauthorized for tenant " : "Unauthorized for ");
	append_ascii(message, what, len);
}

/* Raises WA404 or WA403 for a token that did not pass. */
void
token_error(TokenStatus status, const char *what, size_t len)
{
	StringInfoData message;

	initStringInfo(&message);
	token_error_message(&message, status, what, len);
	http_error(status == TOKEN_UNKNOWN ? 404 : 403, message.data, NULL);
}

static void
append_json_cstring(StringInfo out, const char *s)
{
	json_append_string(out, s, strlen(s));
}

static void
append_timestamp(StringInfo out)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		epoch_us = now + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

	appendStringInfo(out, INT64_FORMAT ".%06d", epoch_us / USECS_PER_SEC, (int) (epoch_us % USECS_PER_SEC));
}

static void
start_reply(HttpReply *reply, int status)
{
	reply->status = status;
	reply->content_type = HTTP_JSON;
	reply->nheaders = 0;
	if (reply->body.data == NULL)
		initStringInfo(&reply->body);
	resetStringInfo(&reply->body);
	if (status == 503)
		http_reply_header(reply, "Retry-After", "1");
}

/* {"message": "..."} */
void
http_plain_reply(HttpReply *reply, int status, const char *message)
{
	start_reply(reply, status);
	appendStringInfoString(&reply->body, "{\"message\": ");
	append_json_cstring(&reply->body, message);
	appendStringInfoString(&reply->body, "}\n");
}

/* {"reason": ["..."], "timestamp": [...], "status_code": ...} */
void
http_token_reply(HttpReply *reply, int status, const char *message)
{
	start_reply(reply, status);
	appendStringInfoString(&reply->body, "{\"reason\": [");
	append_json_cstring(&reply->body, message);
	appendStringInfoString(&reply->body, "], \"timestamp\": [");
	append_timestamp(&reply->body);
	appendStringInfo(&reply->body, "], \"status_code\": %d}\n", status);
}

/* A member of a JSON object as JSON text, or NULL. */
static text *
json_member(Datum object, const char *key)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum		value;

	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = object;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = PointerGetDatum(cstring_to_text(key));
	fcinfo->args[1].isnull = false;
	value = json_object_field(fcinfo);
	return fcinfo->isnull ? NULL : DatumGetTextPP(value);
}

static void
append_member(StringInfo out, const char *name, const text *json)
{
	appendStringInfo(out, ", \"%s\": ", name);
	json_append_ascii(out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
}

/* Is it JSON at all?  A handler of somebody's may write what it likes. */
static bool
is_json_object(const char *s)
{
	JsonLexContext *lex = makeJsonLexContextCstringLen(unconstify(char *, s), strlen(s), PG_UTF8, false);

	while (*s == ' ')
		s++;
	return *s == '{' && pg_parse_json(lex, &nullSemAction) == JSON_SUCCESS;
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
	int			status = status_of_class_wa(edata->sqlerrcode);
	Datum		detail;
	text	   *message;
	text	   *error_id;
	text	   *details;
	text	   *resource;

	if (status == 0)
	{
		status = 500;
		for (int i = 0; i < lengthof(status_of); i++)
			if (status_of[i].sqlstate == edata->sqlerrcode)
				status = status_of[i].status;
		if (ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES &&
			status == 500)
			status = 503;
		if (status >= 500)
			ereport(LOG,
					(errcode(edata->sqlerrcode),
					 errmsg("%s failed: %s", route, edata->message),
					 edata->context ? errcontext("%s", edata->context) : 0,
					 errhidestmt(true)));
		http_plain_reply(reply, status,
						 status == 503 ? "Service temporarily unavailable, try again" :
						 status == 409 ? "Conflict detected" :
						 status == 400 ? "Bad request" : "Internal Server Error");
		return;
	}
	if (edata->detail == NULL || !is_json_object(edata->detail))
	{
		http_token_reply(reply, status, edata->message);
		return;
	}
	detail = CStringGetTextDatum(edata->detail);
	if (json_member(detail, "plain"))
	{
		http_plain_reply(reply, status, edata->message);
		return;
	}
	error_id = json_member(detail, "error_id");
	if (error_id == NULL)
	{
		http_token_reply(reply, status, edata->message);
		return;
	}
	message = json_member(detail, "message");
	details = json_member(detail, "details");
	resource = json_member(detail, "resource");

	start_reply(reply, status);
	appendStringInfoString(&reply->body, "{\"message\": ");
	if (message)
		json_append_ascii(&reply->body, VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message));
	else
		append_json_cstring(&reply->body, edata->message);
	append_member(&reply->body, "error_id", error_id);
	append_member(&reply->body, "details", details ? details : cstring_to_text("{}"));
	appendStringInfoString(&reply->body, ", \"timestamp\": ");
	append_timestamp(&reply->body);
	if (resource)
		append_member(&reply->body, "resource", resource);
	appendStringInfoString(&reply->body, "}\n");
}
