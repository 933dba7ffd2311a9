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

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/catalog.h"
#include "base/error.h"
#include "http/http_access.h"
#include "http/http_sql.h"
#include "base/row_by_key.h"
#include "crypto/secret.h"

/* What a header may put into an error's details, in bytes. */
#define MAX_SHOWN	256

PG_FUNCTION_INFO_V1(wazo_auth_user_in_sight);

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
static void pg_attribute_noreturn()
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
 * raise_refused_grant
 *
 * 401 for a caller that may not give or take an access, shown with its "!"
 * (contract: errors.md section 2).
 */
void
raise_refused_grant(const HttpCall *call, const char *access, size_t len)
{
	StringInfoData details;

	details_begin(&details);
	details_text(&details, "invalid_token", call->token, strlen(call->token));
	details_text(&details, "required_access", access, len);
	raise_status(401, "Unauthorized", error_detail("unauthorized", details_end(&details), NULL, NULL));
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
	/* cut between characters: half of one would make the reader run on */
	call->token = pnstrdup(token.s, pg_mbcliplen(token.s, (int) token.len, MAX_SHOWN));
	call->access = required_access(call);
	call->has_session = session_find_text(token.s, token.len, SESSION_WITH_DETAILS, &call->session);
	if (!call->has_session)
		raise_unauthorized(call, false);
	if (!session_grants(&call->session, call->access, strlen(call->access)))
		raise_unauthorized(call, true);
	call->has_caller_tenant = session_owner_tenant(&call->session, &call->caller_tenant);
}

static void pg_attribute_noreturn()
raise_unknown(const char *what, const char *resource, const pg_uuid_t *uuid)
{
	char		text[UUID_TEXT_LEN + 1];

	format_uuid(uuid, text);
	raise_status(404, psprintf("No such %s: \"%s\"", what, text),
				 error_detail(psprintf("unknown-%s", what), psprintf("{\"uuid\": \"%s\"}", text), resource, NULL));
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
	StringInfoData details;

	if (!call->has_caller_tenant)
		raise_unknown("user", "users", &call->session.user_uuid);
	call->tenant = call->caller_tenant;
	call->has_tenant = true;
	if (!http_header(call, "Wazo-Tenant", &header) || header.len == 0)
		return;
	if (parse_uuid_strict(header.s, header.len, false, &call->tenant) &&
		tenant_contains(&call->caller_tenant, &call->tenant))
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
	StringInfoData details;

	if (call->session.has_user && call->has_caller_tenant && tenant_is_top(&call->caller_tenant))
		return;
	details_begin(&details);
	details_text(&details, "invalid_token", call->token, strlen(call->token));
	raise_status(401, "Unauthorized", error_detail("unauthorized", details_end(&details), NULL, NULL));
}

static pg_uuid_t
uuid_param(const HttpCall *call, const char *name)
{
	HttpSpan	value = http_path_param(call, name, strlen(name));
	pg_uuid_t	uuid;

	if (!parse_uuid_strict(value.s, value.len, true, &uuid))
		elog(ERROR, "the route %s has no {%s}", call->route->path, name);
	return uuid;
}

/* A user is in sight from its tenant and from those above, and to itself. */
static bool
user_in_sight(const pg_uuid_t *user, const pg_uuid_t *tenant, const pg_uuid_t *caller)
{
	pg_uuid_t	owner;

	return (caller && memcmp(caller, user, UUID_LEN) == 0) ||
		(row_uuid_of(BY(user, user_pkey), user, USER_TENANT_UUID, &owner) &&
		 tenant_contains(tenant, &owner));
}

/*
 * wazo_auth.user_in_sight(user_uuid uuid, tenant_uuid uuid, caller uuid)
 *		returns boolean
 *
 * The same for users that are not in the path.  False for a null user.
 */
Datum
wazo_auth_user_in_sight(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(user_in_sight(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1),
								 PG_ARGISNULL(2) ? NULL : PG_GETARG_UUID_P(2)));
}

static bool
group_in_sight(const HttpCall *call, const pg_uuid_t *group)
{
	pg_uuid_t	tenant;

	return row_uuid_of(BY(group, group_pkey), group, GROUP_TENANT_UUID, &tenant) &&
		tenant_contains(&call->tenant, &tenant);
}

/* An address is in sight where its user is; in a user's path only that user's. */
static bool
email_in_sight(const HttpCall *call, const pg_uuid_t *email)
{
	HttpSpan	named = http_path_param(call, "user_uuid", strlen("user_uuid"));
	pg_uuid_t	owner;
	pg_uuid_t	user;

	return row_uuid_of(BY(email, email_pkey), email, EMAIL_USER_UUID, &owner) &&
		(named.s == NULL ||
		 (parse_uuid_strict(named.s, named.len, true, &user) && memcmp(&user, &owner, UUID_LEN) == 0)) &&
		user_in_sight(&owner, &call->tenant, call->session.has_user ? &call->session.user_uuid : NULL);
}

/*
 * A policy is in sight from its tenant and from those above; a shared one from
 * all tenants below its own, too, and one from the configuration from
 * everywhere (contract: semantics.md section 8).
 */
static bool
policy_in_sight(const HttpCall *call, const pg_uuid_t *policy)
{
	RowByKey	row;
	bool		found;
	pg_uuid_t	tenant;
	bool		shared = false;
	bool		config_managed = false;
	bool		isnull;

	found = row_open(&row, BY(policy, policy_pkey), policy);
	if (found)
	{
		tenant = row_get_uuid(&row, POLICY_TENANT_UUID);
		shared = DatumGetBool(row_get(&row, POLICY_SHARED, &isnull));
		config_managed = DatumGetBool(row_get(&row, POLICY_CONFIG_MANAGED, &isnull));
	}
	row_close(&row);
	return found &&
		(config_managed || tenant_contains(&call->tenant, &tenant) ||
		 (shared && tenant_contains(&tenant, &call->tenant)));
}

/* Python's repr() of a text, as far as a path can hold it. */
static void
append_python_text(StringInfo out, HttpSpan value)
{
	char		quote = memchr(value.s, '\'', value.len) && !memchr(value.s, '"', value.len) ? '"' : '\'';

	appendStringInfoChar(out, quote);
	for (size_t i = 0; i < value.len; i++)
	{
		unsigned char c = value.s[i];

		if (c == '\\' || c == (unsigned char) quote)
			appendStringInfo(out, "\\%c", c);
		else if (c == '\n' || c == '\r' || c == '\t')
			appendStringInfo(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		else if (c < 0x20 || c == 0x7f)
			appendStringInfo(out, "\\x%02x", c);
		else
			appendStringInfoChar(out, c);
	}
	appendStringInfoChar(out, quote);
}

static void
check_policy(HttpCall *call)
{
	HttpSpan	slug = http_path_param(call, "policy_slug", strlen("policy_slug"));
	StringInfoData message;
	Datum		found;
	bool		isnull;

	initStringInfo(&message);
	if (slug.s == NULL)
	{
		call->policy = uuid_param(call, "policy_uuid");
		call->has_policy = policy_in_sight(call, &call->policy);
		if (!call->has_policy)
		{
			char		text[UUID_TEXT_LEN + 1];

			format_uuid(&call->policy, text);
			appendStringInfo(&message, "No such policy {'uuid': '%s'}", text);
		}
	}
	else
	{
		found = http_query_value(HTTP_SQL_POLICY_OF_SLUG, UUIDPGetDatum(&call->tenant),
								 PointerGetDatum(cstring_to_text_with_len(slug.s, slug.len)), &isnull);
		call->has_policy = !isnull;
		if (call->has_policy)
			call->policy = *DatumGetUUIDP(found);
		else
		{
			appendStringInfoString(&message, "No such policy {'slug': ");
			append_python_text(&message, slug);
			appendStringInfoChar(&message, '}');
		}
	}
	if (!call->has_policy)
		raise_status(404, message.data, NULL);
}

static void
check_idp(HttpCall *call)
{
	HttpSpan	type = http_path_param(call, "idp_type", strlen("idp_type"));
	StringInfoData details;
	bool		isnull;
	Datum		known = http_query_value(HTTP_SQL_IS_METHOD, PointerGetDatum(cstring_to_text_with_len(type.s, type.len)),
										 (Datum) 0, &isnull);

	if (!isnull && DatumGetBool(known))
		return;
	details_begin(&details);
	details_text(&details, "idp_type", type.s, type.len);
	raise_status(404, psprintf("No such IDP type: \"%.*s\"", (int) type.len, type.s),
				 error_detail("unknown-idp-type", details_end(&details), "idp", NULL));
}

/*
 * http_check_method
 *
 * The body's authentication_method, if it has one, must be known.  Raises
 * WA400 (contract: errors.md section 5, BAD-METHOD).
 */
void
http_check_method(HttpCall *call)
{
	JsonbValue	buffer;
	JsonbValue *method = NULL;
	bool		isnull;

	if (call->json && JB_ROOT_IS_OBJECT(call->json))
		method = getKeyJsonValueFromContainer(&call->json->root, "authentication_method", 21, &buffer);
	if (method && method->type == jbvString)
		(void) http_query_value(HTTP_SQL_CHECK_METHOD,
								PointerGetDatum(cstring_to_text_with_len(method->val.string.val, method->val.string.len)),
								(Datum) 0, &isnull);
}

/*
 * http_check_target
 *
 * What the path names must be in sight from the scoping tenant.  Raises the
 * WA404 of its kind (contract: errors.md section 5).
 */
void
http_check_target(HttpCall *call, RouteCheck check)
{
	pg_uuid_t	uuid;

	switch (check)
	{
		case ROUTE_CHECK_USER:
			uuid = uuid_param(call, "user_uuid");
			if (!user_in_sight(&uuid, &call->tenant, call->session.has_user ? &call->session.user_uuid : NULL))
				raise_unknown("user", "users", &uuid);
			break;
		case ROUTE_CHECK_GROUP:
			uuid = uuid_param(call, "group_uuid");
			if (!group_in_sight(call, &uuid))
				raise_unknown("group", "groups", &uuid);
			call->group = uuid;
			break;
		case ROUTE_CHECK_EMAIL:
			uuid = uuid_param(call, "email_uuid");
			if (!email_in_sight(call, &uuid))
				raise_unknown("email", "emails", &uuid);
			break;
		case ROUTE_CHECK_TARGET_TENANT:
		case ROUTE_CHECK_PARENT_TENANT:
			uuid = uuid_param(call, check == ROUTE_CHECK_TARGET_TENANT ? "tenant_uuid" : "parent_tenant_uuid");
			if (!tenant_contains(&call->tenant, &uuid))
				raise_unknown("tenant", "tenants", &uuid);
			break;
		case ROUTE_CHECK_POLICY:
			check_policy(call);
			break;
		case ROUTE_CHECK_IDP:
			check_idp(call);
			break;
		default:
			elog(ERROR, "check %d looks for nothing", (int) check);
	}
}
