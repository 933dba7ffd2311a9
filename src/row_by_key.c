/*
 * row_by_key.c
 *	  One row of one of the extension's tables, by its primary key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "row_by_key.h"

/*
 * row_open
 *
 * Looks for the row of a key as the active snapshot sees it; row->tuple is it,
 * or NULL.  Returns whether there is one.  In either case row_close() follows.
 */
bool
row_open(RowByKey *row, Oid relid, Oid pkey, const pg_uuid_t *key)
{
	ScanKeyData skey;

	ScanKeyInit(&skey, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(key));
	row->rel = table_open(relid, AccessShareLock);
	row->scan = systable_beginscan(row->rel, pkey, true, GetActiveSnapshot(), 1, &skey);
	row->tuple = systable_getnext(row->scan);
	return HeapTupleIsValid(row->tuple);
}

/* Ends what row_open() began; what points into the row is gone then. */
void
row_close(RowByKey *row)
{
	systable_endscan(row->scan);
	table_close(row->rel, AccessShareLock);
}

/*
 * row_uuid_of
 *
 * The value of a uuid column of the row with that key.  False when there is no
 * such row.
 */
bool
row_uuid_of(Oid relid, Oid pkey, const pg_uuid_t *key, int attnum, pg_uuid_t *value)
{
	RowByKey	row;
	bool		found = row_open(&row, relid, pkey, key);

	if (found)
		*value = row_get_uuid(&row, attnum);
	row_close(&row);
	return found;
}
