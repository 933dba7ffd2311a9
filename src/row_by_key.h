/*
 * row_by_key.h
 *	  One row of one of the extension's tables, by its primary key.
 *
 * For look-ups that every request makes: they go through the index without the
 * executor, so nothing is planned, written or locked against writers, and they
 * work on a standby.  Table rights are not consulted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_ROW_BY_KEY_H
#define WAZO_AUTH_ROW_BY_KEY_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "utils/rel.h"
#include "utils/uuid.h"

/* The key is a uuid and the table's first column. */
typedef struct RowByKey
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
} RowByKey;

/* Columns, in the order of sql/<domain>/tables.sql */
enum
{
	USER_UUID = 1,
	USER_TENANT_UUID
};
enum
{
	GROUP_UUID = 1,
	GROUP_TENANT_UUID
};
enum
{
	EMAIL_UUID = 1,
	EMAIL_USER_UUID
};
enum
{
	TENANT_UUID = 1,
	TENANT_PATH
};
enum
{
	POLICY_UUID = 1,
	POLICY_TENANT_UUID,
	POLICY_NAME,
	POLICY_SLUG,
	POLICY_DESCRIPTION,
	POLICY_ACL,
	POLICY_SHARED,
	POLICY_CONFIG_MANAGED
};

extern bool row_open(RowByKey *row, Oid relid, Oid pkey, const pg_uuid_t *key);
extern void row_close(RowByKey *row);
extern bool row_uuid_of(Oid relid, Oid pkey, const pg_uuid_t *key, int attnum, pg_uuid_t *value);

static inline Datum
row_get(const RowByKey *row, int attnum, bool *isnull)
{
	return heap_getattr(row->tuple, attnum, RelationGetDescr(row->rel), isnull);
}

static inline pg_uuid_t
row_get_uuid(const RowByKey *row, int attnum)
{
	bool		isnull;
	Datum		value = row_get(row, attnum, &isnull);

	Assert(!isnull);
	return *DatumGetUUIDP(value);
}

#endif							/* WAZO_AUTH_ROW_BY_KEY_H */
