/*
 * sight.c
 *	  Who and what is in sight from a tenant.
 *
 * In C, through the primary keys, because nearly every request asks, and lists
 * ask for each row that a filter finds.
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
PG_FUNCTION_INFO_V1(wazo_auth_policy_in_sight);
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
 * wazo_auth.policy_in_sight(policy_uuid uuid, tenant_uuid uuid) returns boolean
 *
 * A policy is in sight from its tenant and from those above; a shared one from
 * all tenants below its own, too, and one from the configuration from
 * everywhere (contract: semantics.md section 8).
 */
Datum
wazo_auth_policy_in_sight(PG_FUNCTION_ARGS)
{
	const pg_uuid_t *tenant = PG_GETARG_UUID_P(1);
	RowByKey	row;
	pg_uuid_t	owner;
	bool		shared = false;
	bool		everywhere = false;
	bool		found = row_open(&row, T_POLICY, PG_GETARG_UUID_P(0));

	if (found)
	{
		owner = row_get_uuid(&row, POLICY_TENANT_UUID);
		shared = row_get_bool(&row, POLICY_SHARED);
		everywhere = row_get_bool(&row, POLICY_CONFIG_MANAGED);
	}
	row_close(&row);
	PG_RETURN_BOOL(found &&
				   (everywhere || tenant_contains(tenant, &owner) ||
					(shared && tenant_contains(&owner, tenant))));
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
