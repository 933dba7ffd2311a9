/*
 * tenant_tree.h
 *	  A tenant and those below it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TENANT_TREE_H
#define WAZO_AUTH_TENANT_TREE_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/row_by_key.h"

/* Is told each tenant's row; false ends the visit. */
typedef bool (*TenantVisit) (const RowByKey *row, void *arg);

extern bool tenants_below(const pg_uuid_t *tenant, TenantVisit visit, void *arg);

#endif							/* WAZO_AUTH_TENANT_TREE_H */
