/*
 * error.c
 *	  Errors of class WA: SQLSTATE WAnnn means the HTTP status nnn.
 *
 * Every such error of the extension, in C and in SQL, is raised here.  It has a
 * message for people and, where the API answers with more than a reason, a
 * DETAIL that is a JSON object:
 *
 *	  {"error_id": ..., "details": {...}, "resource": ..., "message": ...}
 *
 * "message" is the JSON that stands in the answer in place of the text; it and
 * "resource" may be missing.  {"plain": true} makes an answer of the message
 * alone; without a DETAIL the answer has the shape of the token routes, and with
 * {"retry_after": seconds} that and the header Retry-After.  An SQL caller sees
 * the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/error.h"
#include "base/json_text.h"

PG_FUNCTION_INFO_V1(wazo_auth_raise_error);
PG_FUNCTION_INFO_V1(wazo_auth_raise_try_later);

static int
sqlstate_of_status(int status)
{
	return MAKE_SQLSTATE('W', 'A', '0' + status / 100, '0' + status / 10 % 10, '0' + status % 10);
}

/* WAnnn gives nnn; 0 for any other SQLSTATE. */
int
status_of_sqlstate(int sqlstate)
{
	const char *s = unpack_sql_state(sqlstate);
	int			status;

	if (s[0] != 'W' || s[1] != 'A')
		return 0;
	status = atoi(s + 2);
	return status >= 400 && status <= 599 ? status : 0;
}

/*
 * raise_status
 *
 * Raises WAnnn for the status; "detail" is what error_detail() makes,
 * DETAIL_PLAIN, or NULL.
 */
void
raise_status(int status, const char *message, const char *detail)
{
	ereport(ERROR,
			(errcode(sqlstate_of_status(status)),
			 errmsg_internal("%s", message),
			 detail ? errdetail_internal("%s", detail) : 0));
}

/* The same without a DETAIL, and with what to do next. */
void
raise_status_hint(int status, const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(sqlstate_of_status(status)),
			 errmsg_internal("%s", message),
			 errhint("%s", hint)));
}

static void
append_cstring(StringInfo out, const char *s)
{
	json_append_string(out, s, strlen(s));
}

/*
 * error_detail
 *
 * The DETAIL of an error.  details and answer are JSON; details, resource and
 * answer may be NULL.
 */
const char *
error_detail(const char *error_id, const char *details, const char *resource, const char *answer)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"error_id\": ");
	append_cstring(&out, error_id);
	appendStringInfo(&out, ", \"details\": %s", details ? details : "{}");
	if (resource)
	{
		appendStringInfoString(&out, ", \"resource\": ");
		append_cstring(&out, resource);
	}
	if (answer)
		appendStringInfo(&out, ", \"message\": %s", answer);
	appendStringInfoChar(&out, '}');
	return out.data;
}

static void
append_name(StringInfo details, const char *name)
{
	if (details->len > 1)
		appendStringInfoString(details, ", ");
	append_cstring(details, name);
	appendStringInfoString(details, ": ");
}

/*
 * details_begin, details_text, details_null, details_end
 *
 * Write the object of details, member by member.
 */
void
details_begin(StringInfo details)
{
	initStringInfo(details);
	appendStringInfoChar(details, '{');
}

void
details_text(StringInfo details, const char *name, const char *value, size_t len)
{
	append_name(details, name);
	json_append_string(details, value, len);
}

void
details_null(StringInfo details, const char *name)
{
	append_name(details, name);
	appendStringInfoString(details, "null");
}

const char *
details_end(StringInfo details)
{
	appendStringInfoChar(details, '}');
	return details->data;
}

static const char *
text_arg(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/*
 * wazo_auth.raise_error(status integer, message text, error_id text,
 *		details json, resource text, answer json) returns void
 *
 * raise_status() for SQL.  Raises 22023 for what is no status of an error.
 */
Datum
wazo_auth_raise_error(PG_FUNCTION_ARGS)
{
	const char *message = text_arg(fcinfo, 1);
	const char *error_id = text_arg(fcinfo, 2);

	if (PG_ARGISNULL(0) || PG_GETARG_INT32(0) < 400 || PG_GETARG_INT32(0) > 599)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the status of an error is 400 to 599")));
	raise_status(PG_GETARG_INT32(0), message ? message : "error",
				 !error_id ? NULL :
				 error_detail(error_id, text_arg(fcinfo, 3), text_arg(fcinfo, 4), text_arg(fcinfo, 5)));
}

/*
 * wazo_auth.raise_try_later(message text, seconds integer) returns void
 *
 * WA429, and when it makes sense to come back.
 */
Datum
wazo_auth_raise_try_later(PG_FUNCTION_ARGS)
{
	const char *message = text_arg(fcinfo, 0);
	int			seconds = PG_ARGISNULL(1) ? 1 : Max(PG_GETARG_INT32(1), 1);

	raise_status(429, message ? message : "try later", psprintf("{\"retry_after\": %d}", seconds));
}
