/*
 * tenant_tree.c
 *	  A tenant and those below it.
 *
 * In C, by one range of the index on wazo_auth.tenant.path, because a daemon
 * asks with each request that it serves.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/array.h"

#include "sessions/tenant_tree.h"

static ArrayType *
path_of(const RowByKey *row)
{
	bool		isnull;

	return DatumGetArrayTypeP(row_get(row, TENANT_PATH, &isnull));
}

/* Whether a path begins with the other one. */
static bool
starts_with(const ArrayType *path, const ArrayType *top)
{
	int			n = ArrayGetNItems(ARR_NDIM(top), ARR_DIMS(top));

	return ArrayGetNItems(ARR_NDIM(path), ARR_DIMS(path)) >= n &&
		memcmp(ARR_DATA_PTR(path), ARR_DATA_PTR(top), n * sizeof(pg_uuid_t)) == 0;
}

/*
 * tenants_below
 *
 * Visits the tenant and all below it, as the active snapshot sees them, in no
 * order.  Returns whether the visit came to its end; nobody is visited for an
 * unknown tenant.
 */
bool
tenants_below(const pg_uuid_t *tenant, TenantVisit visit, void *arg)
{
	RowByKey	row;
	ArrayType  *top = NULL;
	bool		going = true;

	if (row_open(&row, T_TENANT, tenant))
		top = DatumGetArrayTypePCopy(PointerGetDatum(path_of(&row)));
	row_close(&row);
	if (top == NULL)
		return true;
	for (bool found = rows_open_from(&row, TENANT_PATH, top); found && going; found = row_next(&row))
	{
		CHECK_FOR_INTERRUPTS();
		if (starts_with(path_of(&row), top))
			going = visit(&row, arg);
		else if (rows_in_order(&row))
			break;
	}
	row_close(&row);
	return going;
}
