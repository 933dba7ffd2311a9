/*
 * sight.c
 *	  Which tenants and users are in sight from a tenant.
 *
 * In C, through the primary keys, because nearly every request asks; what else
 * can be in sight or not is judged by functions of its domain, on top of these.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

#include "base/row_by_key.h"
#include "sessions/token.h"

PG_FUNCTION_INFO_V1(wazo_auth_tenant_contains);
PG_FUNCTION_INFO_V1(wazo_auth_tenant_is_top);
PG_FUNCTION_INFO_V1(wazo_auth_group_tenant_uuid);
PG_FUNCTION_INFO_V1(wazo_auth_user_in_sight);

/*
 * wazo_auth.tenant_contains(tenant_uuid uuid, below uuid) returns boolean
 *
 * Is the second tenant the first one or below it?  False for an unknown one.
 */
Datum
wazo_auth_tenant_contains(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && !PG_ARGISNULL(1) &&
				   tenant_contains(PG_GETARG_UUID_P(0), PG_GETARG_UUID_P(1)));
}

/*
 * wazo_auth.tenant_is_top(tenant_uuid uuid) returns boolean
 *
 * Is it the tenant above all others?  False for an unknown one.
 */
Datum
wazo_auth_tenant_is_top(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tenant_is_top(PG_GETARG_UUID_P(0)));
}

/*
 * wazo_auth.group_tenant_uuid(group_uuid uuid) returns uuid
 *
 * Null for an unknown one.
 */
Datum
wazo_auth_group_tenant_uuid(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *tenant = palloc(sizeof(pg_uuid_t));

	if (!row_uuid_of(T_GROUP, PG_GETARG_UUID_P(0), GROUP_TENANT_UUID, tenant))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(tenant);
}

/*
 * wazo_auth.user_in_sight(user_uuid uuid, tenant_uuid uuid, caller uuid)
 *		returns boolean
 *
 * A user is in sight from its tenant and from those above, and to itself.
 * False for a null user or tenant.
 */
Datum
wazo_auth_user_in_sight(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user;
	pg_uuid_t	owner;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	user = PG_GETARG_UUID_P(0);
	if (!PG_ARGISNULL(2) && memcmp(PG_GETARG_UUID_P(2), user, UUID_LEN) == 0)
		PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(row_uuid_of(T_USER, user, USER_TENANT_UUID, &owner) &&
				   tenant_contains(PG_GETARG_UUID_P(1), &owner));
}
