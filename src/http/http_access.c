/*
 * http_access.c
 *	  Who asks: the caller's token, the access that it must grant, and the
 *	  tenant that the request is about.
 *
 * What the request names in its path is looked at by functions of the domains,
 * see sql/<domain>/checks.sql.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/error.h"
#include "http/http_access.h"
#include "crypto/secret.h"

/* What a header may put into an error's details, in bytes. */
#define MAX_SHOWN	256

PG_FUNCTION_INFO_V1(wazo_auth_raise_unauthorized);
PG_FUNCTION_INFO_V1(wazo_auth_caller_acl);

/*
 * Fills the parameters into an access template.  Dots become underscores, so
 * that a parameter stays one word; a UUID is written in lower case; {?name} is
 * a query parameter, raw (contract: acl.md section 3).
 */
static const char *
required_access(const HttpCall *call)
{
	StringInfoData out;
	const char *s = call->route->access;

	initStringInfo(&out);
	while (*s)
	{
		const char *close;
		HttpSpan	value;

		if (*s != '{' || (close = strchr(s, '}')) == NULL)
		{
			appendStringInfoChar(&out, *s++);
			continue;
		}
		if (s[1] == '?')
		{
			char	   *name = pnstrdup(s + 2, close - s - 2);

			if (!http_query_find(&call->target, name, &value))
				value = (HttpSpan) {"None", 4};
			appendBinaryStringInfo(&out, value.s, value.len);
		}
		else
		{
			pg_uuid_t	uuid;
			char		text[UUID_TEXT_LEN + 1];

			value = http_path_param(call, s + 1, close - s - 1);
			if (close - s > 4 && memcmp(close - 4, "uuid", 4) == 0 &&
				parse_uuid_strict(value.s, value.len, true, &uuid))
			{
				format_uuid(&uuid, text);
				value = (HttpSpan) {text, UUID_TEXT_LEN};
			}
			for (size_t i = 0; i < value.len; i++)
				appendStringInfoChar(&out, value.s[i] == '.' ? '_' : value.s[i]);
		}
		s = close + 1;
	}
	return out.data;
}

/* The caller's token as sent; empty when there is none. */
static HttpSpan
sent_token(HttpCall *call)
{
	static const char bearer[] = "Bearer ";
	HttpSpan	value;

	if (call->route->token_in_query && http_query_find(&call->target, "token", &value))
		return value;
	if (http_header(call, "X-Auth-Token", &value) && value.len > 0)
		return value;
	if (http_header(call, "Authorization", &value) &&
		value.len > strlen(bearer) && pg_strncasecmp(value.s, bearer, strlen(bearer)) == 0)
		return (HttpSpan) {value.s + strlen(bearer), value.len - strlen(bearer)};
	return (HttpSpan) {"", 0};
}

/*
 * 401 of errors.md section 2.  The token is given back to whoever sent it, as
 * upstream does; the error goes to nobody else, since http() catches it.
 */
pg_noreturn static void
raise_unauthorized(HttpCall *call, bool denied)
{
	const char *reason = denied ? "missing_permission_or_invalid_tenant" : "not_found_or_expired";
	StringInfoData details;
	HttpSpan	tenant;

	details_begin(&details);
	details_text(&details, "invalid_token", call->token, strlen(call->token));
	/* upstream's one route whose access is made of the query says no more */
	if (strstr(call->route->access, "{?") == NULL)
	{
		details_text(&details, "reason", reason, strlen(reason));
		details_text(&details, "required_access", call->access, strlen(call->access));
		if (denied && http_header(call, "Wazo-Tenant", &tenant))
			details_text(&details, "tenant_uuid", tenant.s, pg_mbcliplen(tenant.s, (int) tenant.len, MAX_SHOWN));
		else if (denied)
			details_null(&details, "tenant_uuid");
	}
	raise_status(401, "Unauthorized", error_detail("unauthorized", details_end(&details), NULL, NULL));
}

/*
 * 401 for a caller that the request's checks refuse; what it asked for and has
 * not, with its "!", or NULL (contract: errors.md section 2).
 */
pg_noreturn static void
raise_refused(const HttpCall *call, const text *required)
{
	StringInfoData details;

	details_begin(&details);
	if (call && call->token)
		details_text(&details, "invalid_token", call->token, strlen(call->token));
	if (required)
		details_text(&details, "required_access", VARDATA_ANY(required), VARSIZE_ANY_EXHDR(required));
	raise_status(401, "Unauthorized", error_detail("unauthorized", details_end(&details), NULL, NULL));
}

/*
 * wazo_auth.raise_unauthorized(required_access text) returns void
 *
 * raise_refused() for checks in SQL, which need not know the token to show it.
 */
Datum
wazo_auth_raise_unauthorized(PG_FUNCTION_ARGS)
{
	raise_refused(http_current_call, PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0));
}

/*
 * wazo_auth.caller_acl() returns wazo_auth.acl
 *
 * Of the token of the request that is being judged; null without one.
 */
Datum
wazo_auth_caller_acl(PG_FUNCTION_ARGS)
{
	if (http_current_call == NULL || !http_current_call->has_session)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(session_acl(&http_current_call->session));
}

/*
 * http_find_access
 *
 * Finds the caller's session and judges the route's access.  Nothing to do for
 * a route that asks for no token.
 */
HttpAccess
http_find_access(HttpCall *call)
{
	HttpSpan	token;

	if (call->route->access == NULL)
		return HTTP_GRANTED;
	token = sent_token(call);
	/* cut between characters: half of one would make the reader run on */
	call->token = pnstrdup(token.s, pg_mbcliplen(token.s, (int) token.len, MAX_SHOWN));
	call->access = required_access(call);
	call->has_session = session_find_text(token.s, token.len, SESSION_WITH_DETAILS, &call->session);
	if (!call->has_session)
		return HTTP_NO_SESSION;
	if (!session_grants(&call->session, call->access, strlen(call->access)))
		return HTTP_DENIED;
	call->has_caller_tenant = session_owner_tenant(&call->session, &call->caller_tenant);
	return HTTP_GRANTED;
}

/* The same, for whoever is to be told what is missing.  Raises WA401. */
void
http_check_access(HttpCall *call)
{
	HttpAccess	access = http_find_access(call);

	if (access != HTTP_GRANTED)
		raise_unauthorized(call, access == HTTP_DENIED);
}

/* 404: the user of the token is gone. */
pg_noreturn static void
raise_no_caller(const HttpCall *call)
{
	const char *uuid = call->session.user_text;

	raise_status(404, psprintf("No such user: \"%s\"", uuid),
				 error_detail("unknown-user", psprintf("{\"uuid\": \"%s\"}", uuid), "users", NULL));
}

/*
 * http_find_tenant
 *
 * Sets the scoping tenant of a caller who has one: the header Wazo-Tenant if it
 * names the caller's tenant or one below it, the caller's own without the
 * header (contract: semantics.md section 4).  Returns false for a header,
 * *asked, that names no such tenant.
 */
bool
http_find_tenant(HttpCall *call, HttpSpan *asked)
{
	call->tenant = call->caller_tenant;
	call->has_tenant = true;
	if (!http_header(call, "Wazo-Tenant", asked) || asked->len == 0)
		return true;
	return parse_uuid_strict(asked->s, asked->len, false, &call->tenant) &&
		tenant_contains(&call->caller_tenant, &call->tenant);
}

/* The same.  Raises WA401, or WA404 when the caller is gone. */
void
http_check_tenant(HttpCall *call)
{
	HttpSpan	header;
	StringInfoData details;

	if (!call->has_caller_tenant)
		raise_no_caller(call);
	if (http_find_tenant(call, &header))
		return;
	details_begin(&details);
	details_text(&details, "tenant_uuid", header.s, pg_mbcliplen(header.s, (int) header.len, MAX_SHOWN));
	raise_status(401, "Unauthorized tenant", error_detail("unauthorized-tenant", details_end(&details), NULL, NULL));
}

/*
 * http_check_top_tenant
 *
 * The caller must be a user of the top tenant; the header Wazo-Tenant has no
 * part in it (contract: errors.md section 2, /config).  Raises WA401.
 */
void
http_check_top_tenant(HttpCall *call)
{
	if (call->session.has_user && call->has_caller_tenant && tenant_is_top(&call->caller_tenant))
		return;
	raise_refused(call, NULL);
}
