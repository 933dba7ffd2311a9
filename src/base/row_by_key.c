/*
 * row_by_key.c
 *	  Rows of one of the extension's tables, by a key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "base/row_by_key.h"

static Oid
member(size_t offset)
{
	return *(const Oid *) ((const char *) wazo_catalog() + offset);
}

/*
 * Locks the table and then looks for its index once more: REINDEX CONCURRENTLY
 * may have replaced it since this process last heard of changes, and waits for
 * our lock before it drops the old one.
 */
static bool
open_scan(RowByKey *row, KeyOfTable by, ScanKey skey)
{
	Oid			relid;
	Oid			index;

	for (;;)
	{
		relid = member(by.table);
		row->rel = table_open(relid, AccessShareLock);
		index = member(by.index);
		if (member(by.table) == relid)
			break;
		table_close(row->rel, AccessShareLock);
	}
	row->scan = systable_beginscan(row->rel, index, OidIsValid(index), GetActiveSnapshot(), 1, skey);
	return row_next(row);
}

/*
 * row_open
 *
 * Looks for the row of a key as the active snapshot sees it; row->tuple is it,
 * or NULL.  Returns whether there is one.  In either case row_close() follows.
 * The key is the table's first column.
 */
bool
row_open(RowByKey *row, KeyOfTable by, const pg_uuid_t *key)
{
	return rows_open(row, by, 1, key);
}

/* The same for a text with the collation "C". */
bool
row_open_text(RowByKey *row, KeyOfTable by, text *key)
{
	ScanKeyData skey;

	ScanKeyInit(&skey, 1, BTEqualStrategyNumber, F_TEXTEQ, PointerGetDatum(key));
	return open_scan(row, by, &skey);
}

/*
 * rows_open
 *
 * Starts with the first of all rows that have the key in a column, in no
 * order; row_next() goes on.  The column is the first one of the index;
 * without such an index (InvalidOid) the table is scanned.
 */
bool
rows_open(RowByKey *row, KeyOfTable by, int attnum, const pg_uuid_t *key)
{
	ScanKeyData skey;

	ScanKeyInit(&skey, attnum, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(key));
	return open_scan(row, by, &skey);
}

/* On to the next row; false when there is none. */
bool
row_next(RowByKey *row)
{
	row->tuple = systable_getnext(row->scan);
	return HeapTupleIsValid(row->tuple);
}

/* Ends what row_open() or rows_open() began; what points into the row is gone then. */
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
row_uuid_of(KeyOfTable by, const pg_uuid_t *key, int attnum, pg_uuid_t *value)
{
	RowByKey	row;
	bool		found = row_open(&row, by, key);

	if (found)
		*value = row_get_uuid(&row, attnum);
	row_close(&row);
	return found;
}
