/*
 * http_access.c
 *	  What stands before a handler: the caller's token, the access it must
 *	  grant, the tenant the request is about, the user named in the path.
 *
 * This is the one place that decides what a caller can see: the scoping tenant
 * and everything below it, and always itself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "http.h"
#include "http_error.h"
#include "json_text.h"
#include "secret.h"

static HttpSpan
path_param(const HttpCall *call, const char *name, size_t len)
{
	for (int i = 0; i < call->route->nparams; i++)
		if (strlen(call->route->param[i]) == len && memcmp(call->route->param[i], name, len) == 0)
			return call->param[i];
	return (HttpSpan) {NULL, 0};
}

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

			value = path_param(call, s + 1, close - s - 1);
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

static void
append_detail(StringInfo out, const char *name, const char *value, size_t len)
{
	appendStringInfo(out, "%s\"%s\": ", out->data[out->len - 1] == '{' ? "" : ", ", name);
	json_append_string(out, value, len);
}

/*
 * 401 of errors.md section 2.  The token is given back to whoever sent it, as
 * upstream does; the error goes to nobody else, since http() catches it.
 */
static void
unauthorized(HttpCall *call, bool denied)
{
	StringInfoData detail;
	HttpSpan	tenant;

	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"error_id\": \"unauthorized\", \"details\": {");
	append_detail(&detail, "invalid_token", call->token, strlen(call->token));
	if (denied)
		append_detail(&detail, "reason", "missing_permission_or_invalid_tenant", 36);
	else
		append_detail(&detail, "reason", "not_found_or_expired", 20);
	append_detail(&detail, "required_access", call->access, strlen(call->access));
	if (denied)
	{
		if (http_header(call, "Wazo-Tenant", &tenant))
			append_detail(&detail, "tenant_uuid", tenant.s, tenant.len);
		else
			appendStringInfoString(&detail, ", \"tenant_uuid\": null");
	}
	appendStringInfoString(&detail, "}}");
	http_error(401, "Unauthorized", detail.data);
}

/*
 * http_check_access
 *
 * Finds the caller's session and checks the route's access.  Nothing to do for
 * a route that asks for no token.  Raises WA401.
 */
void
http_check_access(HttpCall *call)
{
	HttpSpan	token;

	if (call->route->access == NULL)
		return;
	token = sent_token(call);
	call->token = pnstrdup(token.s, Min(token.len, 256));
	call->access = required_access(call);
	call->has_session = session_find_text(token.s, token.len, SESSION_WITH_DETAILS, &call->session);
	if (!call->has_session)
		unauthorized(call, false);
	if (!session_grants(&call->session, call->access, strlen(call->access)))
		unauthorized(call, true);
	call->has_caller_tenant = session_owner_tenant(&call->session, &call->caller_tenant);
}

static void
unknown_user(const pg_uuid_t *user)
{
	char		text[UUID_TEXT_LEN + 1];

	format_uuid(user, text);
	http_error(404, psprintf("No such user: \"%s\"", text),
			   psprintf("{\"error_id\": \"unknown-user\", \"details\": {\"uuid\": \"%s\"}, \"resource\": \"users\"}", text));
}

/*
 * http_check_tenant
 *
 * Sets the scoping tenant: the header Wazo-Tenant if it names the caller's
 * tenant or one below it, the caller's own without the header (contract:
 * semantics.md section 4).  Raises WA401, or WA404 when the caller is gone.
 */
void
http_check_tenant(HttpCall *call)
{
	HttpSpan	header;
	StringInfoData detail;

	if (!call->has_caller_tenant)
		unknown_user(&call->session.user_uuid);
	call->tenant = call->caller_tenant;
	call->has_tenant = true;
	if (!http_header(call, "Wazo-Tenant", &header) || header.len == 0)
		return;
	if (parse_uuid_strict(header.s, header.len, false, &call->tenant) &&
		tenant_contains(&call->caller_tenant, &call->tenant))
		return;
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"error_id\": \"unauthorized-tenant\", \"details\": {");
	append_detail(&detail, "tenant_uuid", header.s, Min(header.len, 256));
	appendStringInfoString(&detail, "}}");
	http_error(401, "Unauthorized tenant", detail.data);
}

/*
 * http_check_user
 *
 * The user of the path's {user_uuid} must be in the scoping tenant or below it,
 * or be the caller.  Raises WA404.
 */
void
http_check_user(HttpCall *call)
{
	HttpSpan	value = path_param(call, "user_uuid", 9);
	Session		target = {.has_user = true};
	pg_uuid_t	tenant;

	if (!parse_uuid_strict(value.s, value.len, true, &target.user_uuid))
		elog(ERROR, "the route %s has no {user_uuid}", call->route->path);
	if (call->session.has_user &&
		memcmp(&call->session.user_uuid, &target.user_uuid, UUID_LEN) == 0)
		return;
	if (!session_owner_tenant(&target, &tenant) || !tenant_contains(&call->tenant, &tenant))
		unknown_user(&target.user_uuid);
}
