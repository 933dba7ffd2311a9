/*
 * row_insert.h
 *	  Inserts a row, without the executor.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_ROW_INSERT_H
#define WAZO_AUTH_ROW_INSERT_H

#include "postgres.h"

#include "base/catalog.h"

/* A column that gets another value than its default. */
typedef struct RowValue
{
	ColumnId	column;
	bool		isnull;
	Datum		value;
} RowValue;

extern Datum row_insert(TableId table, const RowValue *value, int n);

#endif							/* WAZO_AUTH_ROW_INSERT_H */
