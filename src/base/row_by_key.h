/*
 * row_by_key.h
 *	  Rows of one of the extension's tables, by a key.
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
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "base/catalog.h"

typedef struct RowByKey
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		kept;			/* the scan is that of rows_keep() */
} RowByKey;

extern void rows_keep(TableId table);
extern void rows_release(void);
extern void rows_forget(void);
extern bool row_open(RowByKey *row, TableId table, const pg_uuid_t *key);
extern bool row_again(RowByKey *row, TableId table, const pg_uuid_t *key);
extern bool row_open_text(RowByKey *row, TableId table, text *key);
extern bool row_open_near(RowByKey *row, TableId table, const pg_uuid_t *key);
extern bool row_open_near_text(RowByKey *row, TableId table, text *key);
extern bool row_open_after(RowByKey *row, ColumnId column, text *key);
extern bool rows_open_from(RowByKey *row, ColumnId column, ArrayType *key);
extern bool rows_in_order(const RowByKey *row);
extern bool rows_open(RowByKey *row, ColumnId column, const pg_uuid_t *key);
extern bool row_next(RowByKey *row);
extern void row_close(RowByKey *row);
extern Datum row_get(const RowByKey *row, ColumnId column, bool *isnull);
extern pg_uuid_t row_get_uuid(const RowByKey *row, ColumnId column);
extern text *row_get_text(const RowByKey *row, ColumnId column);
extern bool row_get_bool(const RowByKey *row, ColumnId column);
extern bool row_uuid_of(TableId table, const pg_uuid_t *key, ColumnId column, pg_uuid_t *value);

#endif							/* WAZO_AUTH_ROW_BY_KEY_H */
