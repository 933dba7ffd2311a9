/*
 * row_by_key.c
 *	  Rows of one of the extension's tables, by a key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "catalog/pg_collation_d.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "base/row_by_key.h"

/* entries of an index that row_open_near() reads, so that a transaction that has inserted many rows holds up nobody */
#define NEAR_ENTRIES	8

/* A scan that many look-ups share: rel is NULL where there is none. */
static struct
{
	Relation	rel;
	SysScanDesc scan;
	ColumnId	column;
	Snapshot	snapshot;
	ResourceOwner owner;
	bool		in_use;
}			kept;

/* Whatever it finds belongs to whoever began it, and is what its snapshot sees. */
static bool
can_share(ColumnId column, StrategyNumber strategy)
{
	return kept.rel != NULL && kept.column == column && strategy == BTEqualStrategyNumber && !kept.in_use &&
		kept.snapshot == GetActiveSnapshot() && kept.owner == CurrentResourceOwner;
}

/*
 * rows_keep
 *
 * From here to rows_release() look-ups of a table's rows by their key go
 * through one scan: half of what one costs is to open the table and its index
 * and to lock them.  Only for look-ups with the active snapshot of now, below
 * the same resource owner; others do as ever.  After an error rows_forget()
 * has to be called.
 */
void
rows_keep(TableId table)
{
	static const pg_uuid_t nobody = {{0}};
	ColumnId	column = catalog_key(table);
	RowByKey	row;

	(void) rows_open(&row, column, &nobody);
	if (row.scan->iscan == NULL)
	{
		row_close(&row);
		return;
	}
	kept.rel = row.rel;
	kept.scan = row.scan;
	kept.column = column;
	kept.snapshot = GetActiveSnapshot();
	kept.owner = CurrentResourceOwner;
	kept.in_use = false;
}

/* Ends what rows_keep() began. */
void
rows_release(void)
{
	if (kept.rel == NULL)
		return;
	systable_endscan(kept.scan);
	table_close(kept.rel, AccessShareLock);
	kept.rel = NULL;
}

/* The same after an error, which closes by itself what was open. */
void
rows_forget(void)
{
	kept.rel = NULL;
}

/* Begins a scan of its own, before its first row. */
static void
begin_scan(RowByKey *row, ColumnId column, StrategyNumber strategy, RegProcedure compare, Datum key)
{
	ScanKeyData skey;
	Oid			index;

	row->kept = false;
	row->tuple = NULL;
	row->rel = catalog_open(catalog_table_of(column), AccessShareLock);
	index = catalog_index(column);
	ScanKeyInit(&skey, catalog_column(column), strategy, compare, key);
	row->scan = systable_beginscan(row->rel, index, OidIsValid(index), GetActiveSnapshot(), 1, &skey);
}

static bool
open_scan(RowByKey *row, ColumnId column, StrategyNumber strategy, RegProcedure compare, Datum key)
{
	ScanKeyData skey;

	if (can_share(column, strategy))
	{
		row->kept = true;
		kept.in_use = true;
		row->rel = kept.rel;
		row->scan = kept.scan;
		ScanKeyInit(&skey, 1, strategy, compare, key);
		index_rescan(kept.scan->iscan, &skey, 1, NULL, 0);
		return row_next(row);
	}
	begin_scan(row, column, strategy, compare, key);
	return row_next(row);
}

/*
 * row_open
 *
 * Looks for the row of a key as the active snapshot sees it; row->tuple is it,
 * or NULL.  Returns whether there is one.  In either case row_close() follows.
 */
bool
row_open(RowByKey *row, TableId table, const pg_uuid_t *key)
{
	return rows_open(row, catalog_key(table), key);
}

/*
 * row_again
 *
 * The same after row_open() of the same table, which stays open: half of what a
 * look-up costs is to open it.
 */
bool
row_again(RowByKey *row, TableId table, const pg_uuid_t *key)
{
	ScanKeyData skey;

	if (row->kept || row->scan->iscan == NULL)
	{
		row_close(row);
		return row_open(row, table, key);
	}
	ScanKeyInit(&skey, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(key));
	index_rescan(row->scan->iscan, &skey, 1, NULL, 0);
	return row_next(row);
}

/* The same for a key that is a text with the collation "C". */
bool
row_open_text(RowByKey *row, TableId table, text *key)
{
	return open_scan(row, catalog_key(table), BTEqualStrategyNumber, F_TEXTEQ, PointerGetDatum(key));
}

/*
 * Of a scan by an index, the next row that the snapshot sees.  Counts down the
 * entries that it may read for that, and gives up where there are none left.
 */
static bool
next_within(RowByKey *row, int *entries)
{
	IndexScanDesc scan = row->scan->iscan;
	bool		is_copy;

	while (*entries > 0 && index_getnext_tid(scan, ForwardScanDirection) != NULL)
	{
		(*entries)--;
		if (index_fetch_heap(scan, row->scan->slot))
		{
			row->tuple = ExecFetchSlotHeapTuple(row->scan->slot, false, &is_copy);
			Assert(!is_copy);
			return true;
		}
	}
	return false;
}

/* The first row of which the key is not less, if it is near; whether it is equal. */
static bool
open_near(RowByKey *row, TableId table, RegProcedure not_less, RegProcedure equal, Datum key)
{
	ColumnId	column = catalog_key(table);
	int			entries = NEAR_ENTRIES;
	bool		isnull;

	begin_scan(row, column, BTGreaterEqualStrategyNumber, not_less, key);
	if (rows_in_order(row))
	{
		if (next_within(row, &entries))
			return DatumGetBool(OidFunctionCall2Coll(equal, C_COLLATION_OID, row_get(row, column, &isnull), key));
		if (entries > 0)
			return false;
	}
	row_close(row);
	return open_scan(row, column, BTEqualStrategyNumber, equal, key);
}

/*
 * row_open_near
 *
 * As row_open(), but where there is no row of the key, row->tuple is the next
 * one in the order of the keys: whoever is not to learn from the time whether
 * there is one has as much read for nothing.  NULL beyond the last key, and
 * where there are too many rows before the next one that nobody sees any more,
 * or yet.  Returns whether the row is that of the key.
 */
bool
row_open_near(RowByKey *row, TableId table, const pg_uuid_t *key)
{
	return open_near(row, table, F_UUID_GE, F_UUID_EQ, UUIDPGetDatum(key));
}

/* The same for a key that is a text with the collation "C". */
bool
row_open_near_text(RowByKey *row, TableId table, text *key)
{
	return open_near(row, table, F_TEXT_GE, F_TEXTEQ, PointerGetDatum(key));
}

/*
 * row_open_after
 *
 * The first row, in the order of the index, of which a text column with the
 * collation "C" is greater than the key.  The column is the index's first one.
 */
bool
row_open_after(RowByKey *row, ColumnId column, text *key)
{
	return open_scan(row, column, BTGreaterStrategyNumber, F_TEXT_GT, PointerGetDatum(key));
}

/*
 * rows_open_from
 *
 * The first row of which an array column is not less than the key, and by
 * row_next() all others; in the order of the index if rows_in_order().  The
 * column is the index's first one.
 */
bool
rows_open_from(RowByKey *row, ColumnId column, ArrayType *key)
{
	return open_scan(row, column, BTGreaterEqualStrategyNumber, F_ARRAY_GE, PointerGetDatum(key));
}

/* Whether they come by an index; without one the table is read as it is. */
bool
rows_in_order(const RowByKey *row)
{
	return row->scan->iscan != NULL;
}

/*
 * rows_open
 *
 * Starts with the first of all rows that have the value in a column, in no
 * order; row_next() goes on.
 */
bool
rows_open(RowByKey *row, ColumnId column, const pg_uuid_t *key)
{
	return open_scan(row, column, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(key));
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
	if (row->kept)
	{
		kept.in_use = false;
		return;
	}
	systable_endscan(row->scan);
	table_close(row->rel, AccessShareLock);
}

/* A column's value, which points into the row where its type does. */
Datum
row_get(const RowByKey *row, ColumnId column, bool *isnull)
{
	Assert(catalog_table(catalog_table_of(column)) == RelationGetRelid(row->rel));
	return heap_getattr(row->tuple, catalog_column(column), RelationGetDescr(row->rel), isnull);
}

/* The value of a uuid column that is not null. */
pg_uuid_t
row_get_uuid(const RowByKey *row, ColumnId column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	Assert(!isnull);
	return *DatumGetUUIDP(value);
}

/* A text column, copied to the current memory context; the column is not null. */
text *
row_get_text(const RowByKey *row, ColumnId column)
{
	bool		isnull;
	Datum		value = row_get(row, column, &isnull);

	Assert(!isnull);
	return DatumGetTextPCopy(value);
}

/* A boolean column; null is false. */
bool
row_get_bool(const RowByKey *row, ColumnId column)
{
	bool		isnull;

	return DatumGetBool(row_get(row, column, &isnull));
}

/*
 * row_uuid_of
 *
 * The value of a uuid column of the row with that key.  False when there is no
 * such row.
 */
bool
row_uuid_of(TableId table, const pg_uuid_t *key, ColumnId column, pg_uuid_t *value)
{
	RowByKey	row;
	bool		found = row_open(&row, table, key);

	if (found)
		*value = row_get_uuid(&row, column);
	row_close(&row);
	return found;
}
