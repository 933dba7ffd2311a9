/*
 * token_rest.c
 *	  GET and HEAD of /token/{token_uuid}.
 *
 * These answer most of all requests, so they are C functions that http() calls
 * with the request itself: no JSON in between, no subtransaction, no writes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"

#include "crypto/secret.h"
#include "http/http_call.h"
#include "sessions/token_error.h"
#include "sessions/token_json.h"

/* Bytes of a scope: matching one against a large ACL takes its time for each. */
#define MAX_SCOPE	1024

PG_FUNCTION_INFO_V1(wazo_auth_rest_token_head);
PG_FUNCTION_INFO_V1(wazo_auth_rest_token_get);

/*
 * Checks scope and tenant of the query; an empty tenant is none, an empty scope
 * is the empty access (contract: schemas.md, TokenQuery).  Returns whether the
 * token passes; otherwise the reply is made.
 */
static bool
check_token(HttpCall *call, const pg_uuid_t *token, SessionDetail detail)
{
	TokenStatus status = TOKEN_VALID;
	HttpSpan	what = {"", 0};
	pg_uuid_t	tenant;
	StringInfoData message;

	if (!session_find(token, detail, &call->session))
		status = TOKEN_UNKNOWN;
	else if (http_query_find(&call->target, "scope", &what) && what.len > MAX_SCOPE)
	{
		http_token_reply(&call->reply, 400,
						 psprintf("{'scope': [{'constraint_id': 'length', 'constraint': {'min': None, 'max': %d},"
								  " 'message': 'Longer than maximum length %d.'}]}", MAX_SCOPE, MAX_SCOPE));
		return false;
	}
	else if (http_query_find(&call->target, "scope", &what) &&
			 !session_grants(&call->session, what.s, what.len))
		status = TOKEN_ACCESS_DENIED;
	else if (http_query_find(&call->target, "tenant", &what) && what.len > 0)
	{
		/* Compared as text: what is no lower-case UUID is no tenant. */
		if (!parse_uuid_strict(what.s, what.len, false, &tenant) ||
			!session_reaches_tenant(&call->session, &tenant))
			status = TOKEN_TENANT_DENIED;
	}
	if (status == TOKEN_VALID)
		return true;

	initStringInfo(&message);
	token_error_message(&message, status, what.s, what.len);
	http_token_reply(&call->reply, token_error_status(status), message.data);
	return false;
}

static pg_uuid_t
path_token(const HttpCall *call)
{
	pg_uuid_t	token;

	if (!parse_uuid_strict(call->param[0].s, call->param[0].len, true, &token))
		elog(ERROR, "the route %s has no {token_uuid}", call->route->path);
	return token;
}

/* HEAD /token/{token_uuid}: 204, 403 or 404 */
Datum
wazo_auth_rest_token_head(PG_FUNCTION_ARGS)
{
	HttpCall   *call = (HttpCall *) PG_GETARG_POINTER(0);
	pg_uuid_t	token = path_token(call);

	if (check_token(call, &token, SESSION_FOR_CHECK))
		call->reply.status = 204;
	PG_RETURN_VOID();
}

/* GET /token/{token_uuid}: 200 and the token, 403 or 404 */
Datum
wazo_auth_rest_token_get(PG_FUNCTION_ARGS)
{
	HttpCall   *call = (HttpCall *) PG_GETARG_POINTER(0);
	pg_uuid_t	token = path_token(call);

	if (check_token(call, &token, SESSION_WITH_DETAILS))
	{
		char		text[UUID_TEXT_LEN + 1];
		StringInfo	body = &call->reply.body;

		format_uuid(&token, text);
		call->reply.status = 200;
		appendStringInfoString(body, "{\"data\": ");
		token_append_json(body, text, &call->session, false, NULL);
		appendStringInfoString(body, "}\n");
	}
	PG_RETURN_VOID();
}
