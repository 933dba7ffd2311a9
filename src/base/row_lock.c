/*
 * row_lock.c
 *	  Locks the row of a key, without the executor.
 *
 * As SELECT * ... WHERE key = $1 FOR ... does it, for the rows that every login
 * locks: it waits for whoever is changing the row, and goes on with what that
 * has made of it.  Rights are not consulted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/row_lock.h"

/* The row of the key as the active snapshot sees it, in the slot. */
static bool
find_row(RowLock *row, ColumnId key_column, const pg_uuid_t *key)
{
	ScanKeyData skey;
	Relation	index = index_open(catalog_index(key_column), AccessShareLock);
	IndexScanDesc scan = begin_index_scan(row->rel, index, GetActiveSnapshot(), 1);
	bool		found;

	/* in an index, a column has the number of its place there: the first */
	ScanKeyInit(&skey, 1, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(key));
	index_rescan(scan, &skey, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, row->slot);
	/* the slot holds its page by itself */
	index_endscan(scan);
	index_close(index, AccessShareLock);
	return found;
}

pg_noreturn static void
raise_changed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update")));
}

/* Locks the row in the slot, or what has become of it; false when it is gone. */
static bool
lock_found(RowLock *row, LockTupleMode mode)
{
	TM_FailureData failure;
	ItemPointerData tid = row->slot->tts_tid;
	uint8		flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
	TM_Result	result;

	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	result = table_tuple_lock(row->rel, &tid, GetActiveSnapshot(), row->slot, GetCurrentCommandId(true), mode,
							  LockWaitBlock, flags, &failure);
	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_SelfModified:	/* by the statement that calls us */
			return false;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				raise_changed();
			if (result == TM_Deleted)
				return false;
			/* FALLTHROUGH */
		default:
			elog(ERROR, "unexpected result of table_tuple_lock: %d", result);
	}
}

static bool
has_key(const RowLock *row, ColumnId key_column, const pg_uuid_t *key)
{
	bool		isnull;
	Datum		value = row_lock_get(row, key_column, &isnull);

	return !isnull && memcmp(DatumGetUUIDP(value), key, UUID_LEN) == 0;
}

/*
 * row_lock
 *
 * Locks the row of a key, a uuid; row->slot is what was locked.  Returns
 * whether there is one: it may have been deleted while we waited.  In either
 * case row_lock_close() follows, which leaves the lock to the transaction.
 * Raises 25006 where rows cannot be locked, 40001 where the transaction's
 * snapshot is older than the row, and what waiting raises.
 */
bool
row_lock(RowLock *row, TableId table, const pg_uuid_t *key, LockTupleMode mode)
{
	ColumnId	key_column = catalog_key(table);

	PreventCommandIfReadOnly("locking a row");
	PreventCommandDuringRecovery("locking a row");
	PreventCommandIfParallelMode("locking a row");
	row->rel = catalog_open(table, RowShareLock);
	row->slot = table_slot_create(row->rel, NULL);
	return find_row(row, key_column, key) && lock_found(row, mode) && has_key(row, key_column, key);
}

/* A column's value, which points into the row where its type does. */
Datum
row_lock_get(const RowLock *row, ColumnId column, bool *isnull)
{
	return slot_getattr(row->slot, catalog_column(column), isnull);
}

/* The row as a value of the table's row type, in the current memory context. */
Datum
row_lock_row(const RowLock *row)
{
	return ExecFetchSlotHeapTupleDatum(row->slot);
}

void
row_lock_close(RowLock *row)
{
	ExecDropSingleTupleTableSlot(row->slot);
	table_close(row->rel, NoLock);
}
