/*
 * relay_query.c
 *	  Transactions and queries of the relay worker.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "replication/message.h"
#include "tcop/tcopprot.h"
#include "utils/timeout.h"

#include "base/compat.h"
#include "base/kept_plan.h"
#include "relay/relay_query.h"
#include "workers/own_slot.h"
#include "workers/worker.h"

WorkerWork	relay_work = WORK_MAIN;
MemoryContext relay_memory = NULL;

/*
 * Begins a transaction and connects to SPI; leaves when the extension is gone.
 */
void
relay_begin(const char *activity)
{
	worker_start_transaction();
	pgstat_report_activity(STATE_RUNNING, activity);
	debug_query_string = activity;
	if (!worker_lock_extension())
	{
		worker_commit_transaction();
		worker_leave(FOUND_NO_EXTENSION);
	}
	SPI_connect();
}

void
relay_commit(void)
{
	SPI_finish();
	worker_commit_transaction();
	MemoryContextSwitchTo(relay_memory);
	debug_query_string = NULL;
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Makes sure that what this transaction has seen is on disk: somebody may run
 * with synchronous_commit = off, and a published event must not be undone by a
 * crash.
 */
void
relay_flush_seen(void)
{
	XLogFlush(log_empty_message("wazo_auth"));
}

/* Runs a query whose plan is kept.  Its rows are in SPI_tuptable. */
void
relay_run(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *args)
{
	if (SPI_execute_plan(kept_plan(plan, query, nargs, types), args, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of \"%s\"", query);
}

/* The same for a query whose result is one integer, not null. */
int32
relay_run_for_count(SPIPlanPtr *plan, const char *query, int nargs, Oid *types, Datum *args)
{
	bool		isnull = true;
	int32		count = 0;

	relay_run(plan, query, nargs, types, args);
	if (SPI_processed == 1)
		count = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (isnull)
		elog(ERROR, "unexpected null from \"%s\"", query);
	return count;
}

/* A column of the last query as text, in relay_memory; NULL for null. */
char *
relay_column(HeapTuple row, int column)
{
	char	   *value = SPI_getvalue(row, SPI_tuptable->tupdesc, column);

	return value ? MemoryContextStrdup(relay_memory, value) : NULL;
}

/* The same for a column that is never null. */
char *
relay_copy_column(HeapTuple row, int column)
{
	char	   *value = relay_column(row, column);

	if (value == NULL)
		elog(ERROR, "unexpected null in the outbox");
	return value;
}

bool
relay_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/*
 * Runs something with transactions of its own.  When it raises an error the
 * transaction is rolled back, and false returned.  The error goes to the log,
 * or, with "error", its message there, in relay_memory.
 */
bool
relay_try(void (*turn) (void *), void *arg, char **error)
{
	volatile bool ok = true;

	PG_TRY();
	{
		turn(arg);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		disable_timeout(STATEMENT_TIMEOUT, false);
		MemoryContextSwitchTo(relay_memory);
		if (error)
		{
			ErrorData  *edata = CopyErrorData();

			*error = pstrdup(edata->message ? edata->message : "unknown error");
		}
		else
		{
			EmitErrorReport();
			slot_note_logged_error(relay_work);
		}
		AbortCurrentTransaction();
		FlushErrorState();
		/* the end of the transaction has gone back to another one */
		MemoryContextSwitchTo(relay_memory);
		debug_query_string = NULL;
		pgstat_report_activity(STATE_IDLE, NULL);
		RESUME_INTERRUPTS();
		ok = false;
	}
	PG_END_TRY();
	return ok;
}
