/*
 * relay.h
 *	  What the relay worker's two kinds of delivery, events and mails, share.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_RELAY_H
#define WAZO_AUTH_RELAY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "storage/latch.h"

#include "workers/worker.h"

/* longest pause between attempts to reach a server, and after errors, milliseconds */
#define LONGEST_PAUSE_MS	60000

/* relay_worker.c: settings */
extern int	relay_max_attempts;
extern int	relay_retry_pause;

/*
 * relay_query.c; relay_work is what the worker is at, and relay_memory is
 * emptied at each turn of its loop.
 */
extern WorkerWork relay_work;
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

/* mail_relay.c */
extern long mail_step(TimestampTz now, int64 interval_ms, bool woken);
extern void mail_stop(void);

#endif							/* WAZO_AUTH_RELAY_H */
