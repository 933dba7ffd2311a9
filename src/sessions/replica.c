/*
 * replica.c
 *	  Reading on a standby what was written on the primary.
 *
 * Who has written learns the transaction's 64-bit number, and may ask a standby
 * for an answer that knows of it.  A position in the WAL would not do: the one
 * of a commit is known only after it, and so to no function; and that a
 * transaction is visible is what is asked for, which replay up to a position
 * only stands for.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "sessions/replica.h"

/* between two looks whether a transaction has come, milliseconds */
#define LOOK_PAUSE_MS	1

/* how long is waited for one where nothing is said, milliseconds */
#define PATIENCE_MS		100

/* the longest that is waited for one, milliseconds */
#define MAX_PATIENCE_MS	60000

static bool remote_apply_revocations = false;

PG_FUNCTION_INFO_V1(wazo_auth_wait_for_transaction);

/* Whether what a transaction did is seen under a snapshot.  One that was rolled back did nothing, and that is seen. */
static bool
is_seen(FullTransactionId transaction, Snapshot snapshot)
{
	FullTransactionId next = ReadNextFullTransactionId();

	if (FullTransactionIdFollowsOrEquals(transaction, next))
		return false;
	/* so long ago that its 32 bits stand for another one by now */
	if (U64FromFullTransactionId(next) - U64FromFullTransactionId(transaction) > PG_INT32_MAX)
		return true;
	if (!TransactionIdIsNormal(XidFromFullTransactionId(transaction)))
		return true;
	return !XidInMVCCSnapshot(XidFromFullTransactionId(transaction), snapshot);
}

/* Reads the digits of a transaction's number; false for anything else. */
static bool
parse_transaction(const char *s, size_t len, FullTransactionId *transaction)
{
	uint64		value = 0;

	/* 19 digits do not overflow */
	if (len == 0 || len > 19)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = value * 10 + (uint64) (s[i] - '0');
	}
	*transaction = FullTransactionIdFromU64(value);
	return true;
}

/*
 * Whether this is a standby whose statement does not see the transaction of
 * that number yet.  What is no number is a transaction that nobody has seen.
 * Needs a snapshot.
 */
bool
replica_lacks(const char *transaction, size_t len)
{
	FullTransactionId wanted;

	if (!RecoveryInProgress())
		return false;
	return !parse_transaction(transaction, len, &wanted) || !is_seen(wanted, GetActiveSnapshot());
}

static bool
seen_by_next_statement(FullTransactionId transaction)
{
	Snapshot	snapshot = GetLatestSnapshot();

	return is_seen(transaction, snapshot);
}

/*
 * wazo_auth.wait_for_transaction(transaction xid8, patience interval)
 *		returns boolean
 *
 * Waits until statements that begin from now on see what the transaction did,
 * and returns whether they do; null for a null transaction.  Answers cancel and terminate.  Raises 22023 for
 * a patience that is negative or above a minute.
 */
Datum
wazo_auth_wait_for_transaction(PG_FUNCTION_ARGS)
{
	FullTransactionId transaction;
	Interval	usual = {.time = PATIENCE_MS * INT64CONST(1000)};
	Interval   *patience = PG_ARGISNULL(1) ? &usual : PG_GETARG_INTERVAL_P(1);
	TimestampTz deadline;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	transaction = PG_GETARG_FULLTRANSACTIONID(0);
	if (patience->month != 0 || patience->day != 0 || patience->time < 0 ||
		patience->time > MAX_PATIENCE_MS * INT64CONST(1000))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("patience must be from 0 to %d seconds", MAX_PATIENCE_MS / 1000)));
	deadline = GetCurrentTimestamp() + patience->time;
	while (!seen_by_next_statement(transaction))
	{
		if (GetCurrentTimestamp() >= deadline)
			PG_RETURN_BOOL(false);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_PAUSE_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_BOOL(true);
}

/* Defines the setting that wazo_auth.delete_sessions() asks for.  Called from _PG_init. */
void
replica_init(void)
{
	DefineCustomBoolVariable("wazo_auth.remote_apply_revocations",
							 "Whether the end of a session is confirmed only when synchronous standbys show it.",
							 "As synchronous_commit = remote_apply does; for standbys of synchronous_standby_names.",
							 &remote_apply_revocations,
							 false, PGC_SIGHUP, 0, NULL, NULL, NULL);
}
