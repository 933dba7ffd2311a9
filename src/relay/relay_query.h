/*
 * relay_query.h
 *	  Transactions and queries of the relay worker.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_RELAY_QUERY_H
#define WAZO_AUTH_RELAY_QUERY_H

#include "postgres.h"

#include "executor/spi.h"

#include "workers/worker_slots.h"

/* what the worker is at */
extern WorkerWork relay_work;

/* emptied at each turn of the worker's loop */
extern MemoryContext relay_memory;

extern void relay_begin(const char *activity);
extern void relay_commit(void);
extern void relay_flush_seen(void);
extern void relay_run(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *args);
extern int32 relay_run_for_count(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *args);
extern char *relay_column(HeapTuple row, int column);
extern char *relay_copy_column(HeapTuple row, int column);
extern bool relay_try(void (*turn) (void *), void *arg, char **error);
extern bool relay_same(const char *a, const char *b);

#endif							/* WAZO_AUTH_RELAY_QUERY_H */
