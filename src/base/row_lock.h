/*
 * row_lock.h
 *	  Locks the row of a key, without the executor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_ROW_LOCK_H
#define WAZO_AUTH_ROW_LOCK_H

#include "postgres.h"

#include "access/relation.h"
#include "executor/tuptable.h"
#include "nodes/lockoptions.h"
#include "utils/uuid.h"

#include "base/catalog.h"

typedef struct RowLock
{
	Relation	rel;
	TupleTableSlot *slot;		/* the row as it was locked */
} RowLock;

extern bool row_lock(RowLock *row, TableId table, const pg_uuid_t *key, LockTupleMode mode);
extern Datum row_lock_get(const RowLock *row, ColumnId column, bool *isnull);
extern Datum row_lock_row(const RowLock *row);
extern void row_lock_close(RowLock *row);

#endif							/* WAZO_AUTH_ROW_LOCK_H */
