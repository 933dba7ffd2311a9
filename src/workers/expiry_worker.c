/*
 * expiry_worker.c
 *	  The background worker "wazo_auth expiry": clears away what has expired,
 *	  every wazo_auth.token_cleanup_interval seconds, and vacuums in between.
 *
 * What is done, and to which rows, is up to SQL functions, the same that
 * wazo_auth.tick() calls.  Here are the timing, the batches (one transaction
 * each), and what happens after an error: it is logged, and the next round
 * comes after a pause that grows from error to error.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "workers/expiry_worker.h"
#include "workers/live.h"
#include "workers/own_slot.h"
#include "workers/tidy.h"
#include "workers/worker.h"

/* pauses after errors, milliseconds */
#define FIRST_PAUSE_MS		1000
#define LONGEST_PAUSE_MS	60000

/* longest pause between two batches of a round */
#define LONGEST_YIELD_MS	1000

PGDLLEXPORT void wazo_auth_expiry_main(Datum main_arg);

static int	cleanup_interval = 60;
static int	batch_size = 5000;

/*
 * The work of a round, in order.  Each function takes the size of a batch and
 * returns how many rows it did; it is called again while that is at least
 * this part (per cent) of the batch.
 */
static const struct
{
	const char *activity;
	const char *query;
	int			again;
}			tasks[] = {
	{"wazo_auth: deleting expired sessions",
	"SELECT wazo_auth.delete_expired_sessions($1)", 100},
	{"wazo_auth: announcing sessions that expire soon",
	"SELECT wazo_auth.announce_expiring_sessions($1)", 100},
	{"wazo_auth: deleting old SAML logins",
	"SELECT wazo_auth.delete_expired_saml_logins($1)", 100},
	/* it looks at so many sets, of which few are unused */
	{"wazo_auth: deleting unused ACL sets",
	"SELECT wazo_auth.delete_unused_acl_sets($1)", 10},
	{"wazo_auth: deleting counts of failed logins",
	"SELECT wazo_auth.delete_login_failures($1)", 100},
	{"wazo_auth: deleting expired refresh tokens",
	"SELECT wazo_auth.delete_expired_refresh_tokens($1)", 100},
	{"wazo_auth: keeping the audit log",
	"SELECT wazo_auth.keep_audit($1)", 100},
	{"wazo_auth: deleting authorizations that nobody finished",
	"SELECT wazo_auth.delete_expired_oauth2($1)", 100},
};

/* Defines the settings; called once per backend. */
void
expiry_worker_init(void)
{
	DefineCustomIntVariable("wazo_auth.token_cleanup_interval",
							"Time between two rounds of deleting expired sessions.",
							"0 turns the worker off; expired tokens are refused all the same.",
							&cleanup_interval,
							60, 0, 86400, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.token_cleanup_batch_size",
							"Most expired sessions that are deleted in one transaction.",
							NULL,
							&batch_size,
							5000, 1, 100000, PGC_SUSET, 0, NULL, NULL, NULL);
}

/*
 * Calls a function with the size of a batch and returns its result.  The
 * caller runs the transaction.
 */
static int
call(const char *query, int batch)
{
	Oid			type = INT4OID;
	Datum		arg = Int32GetDatum(batch);
	Datum		result;
	bool		isnull = true;

	SPI_connect();
	if (SPI_execute_with_args(query, 1, &type, &arg, NULL, false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "unexpected result of \"%s\"", query);
	result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "unexpected null from \"%s\"", query);
	SPI_finish();
	return DatumGetInt32(result);
}

static TimestampTz tidy_at = 0;

static void
tidy_if_due(void)
{
	if (GetCurrentTimestamp() >= tidy_at)
		tidy_at = tidy();
}

/*
 * Leaves the server to others for as long as the last batch took: after a long
 * stop there may be millions of rows to clear away, and nobody waits for it.
 */
static void
yield_since(TimestampTz batch_started)
{
	TimestampTz until = GetCurrentTimestamp();
	long		left;

	until += Min(until - batch_started, LONGEST_YIELD_MS * INT64CONST(1000));
	while ((left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until)) > 0)
	{
		worker_check_interrupts();
		if (WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left, PG_WAIT_EXTENSION) & WL_LATCH_SET)
			ResetLatch(MyLatch);
	}
}

/*
 * Runs the tasks, batch by batch.  Returns false when the extension is gone.
 * Raises whatever the functions raise, with the transaction open.
 */
static bool
run_round(void)
{
	for (int i = 0; i < lengthof(tasks); i++)
	{
		int			batch;
		int			done = 0;
		TimestampTz batch_started = 0;

		do
		{
			if (done > 0)
			{
				yield_since(batch_started);
				tidy_if_due();
			}
			worker_check_interrupts();
			batch_started = GetCurrentTimestamp();
			batch = batch_size;
			worker_start_transaction();
			pgstat_report_activity(STATE_RUNNING, tasks[i].activity);
			debug_query_string = tasks[i].query;
			if (!worker_lock_extension())
			{
				worker_commit_transaction();
				return false;
			}
			done = worker_is_held(QUEUE_SESSIONS) ? 0 : call(tasks[i].query, batch);
			worker_commit_transaction();
			debug_query_string = NULL;
			pgstat_report_activity(STATE_IDLE, NULL);
		} while (done >= Max((int64) batch * tasks[i].again / 100, 1));
	}
	return true;
}

static bool
run_tidy(void)
{
	/* after an error not at once again */
	tidy_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LONGEST_PAUSE_MS);
	tidy_at = tidy();
	return true;
}

/*
 * Runs a round, or the vacuum between two, and logs its error, if there is one.
 * Returns whether there was none; ends the worker when the extension is gone.
 */
static bool
try_work(MemoryContext context, bool (*work) (void))
{
	volatile bool ok = true;
	volatile bool gone = false;

	PG_TRY();
	{
		gone = !work();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		slot_note_logged_error(WORK_MAIN);
		AbortCurrentTransaction();
		FlushErrorState();
		debug_query_string = NULL;
		pgstat_report_activity(STATE_IDLE, NULL);
		RESUME_INTERRUPTS();
		ok = false;
	}
	PG_END_TRY();
	if (gone)
		worker_leave(FOUND_NO_EXTENSION);
	if (ok && work == run_round)
		slot_note_success(WORK_MAIN);
	return ok;
}

/* Ends the worker when the extension is gone. */
static void
look_for_extension(void)
{
	bool		found;

	worker_start_transaction();
	found = worker_lock_extension();
	worker_commit_transaction();
	if (!found)
		worker_leave(FOUND_NO_EXTENSION);
}

/* Main function of the worker. */
void
wazo_auth_expiry_main(Datum main_arg)
{
	MemoryContext context;
	TimestampTz started = 0;	/* of the last round */
	int			pause = 0;		/* after an error */

	worker_begin(main_arg);
	context = AllocSetContextCreate(TopMemoryContext, "wazo_auth expiry",
									ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		TimestampTz due;
		long		left = 0;

		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		worker_check_interrupts();
		if (slot_take_notice())
			look_for_extension();
		if (slot_is_outdated())
			worker_leave(FOUND_EXTENSION);

		/* the time that a round takes counts, that of a failed one does not */
		due = TimestampTzPlusMilliseconds(started, pause ? pause : cleanup_interval * INT64CONST(1000));
		if (cleanup_interval > 0)
			left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due);
		if (cleanup_interval > 0 && left <= 0)
		{
			started = GetCurrentTimestamp();
			if (try_work(context, run_round))
				pause = 0;
			else
			{
				pause = Min(Max(pause * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
				started = GetCurrentTimestamp();
			}
			continue;
		}

		if (cleanup_interval > 0)
		{
			TimestampTz now = GetCurrentTimestamp();

			if (now >= tidy_at)
			{
				(void) try_work(context, run_tidy);
				continue;
			}
			left = Min(left, TimestampDifferenceMilliseconds(now, tidy_at) + 1);
		}

		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (cleanup_interval > 0 ? WL_TIMEOUT : 0),
						 left, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
