/*
 * kept_value.h
 *	  What SQL computes from a few tables, kept by each backend until one of
 *	  them changes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_KEPT_VALUE_H
#define WAZO_AUTH_KEPT_VALUE_H

#include "postgres.h"

#include "base/table_watch.h"

typedef struct KeptValue
{
	const char *query;			/* a SELECT of one value */
	uint64		tables;			/* what it reads (bits by their number) */
	/* the rest is kept_value()'s */
	MemoryContext context;
	Datum		value;
	TableWatch	watch;
} KeptValue;

extern Datum kept_value(KeptValue *kept, Oid type);

#endif							/* WAZO_AUTH_KEPT_VALUE_H */
