/*
 * hash_limit.c
 *	  At most N password hashes at a time in the whole server.
 *
 * A password hash takes tens of milliseconds of a core and tens of megabytes on
 * purpose.  Without a limit a flood of logins would take every core and starve
 * the token checks, so a hash needs a slot; there are as many as cores unless
 * wazo_auth.max_concurrent_hashes says otherwise.
 *
 * With shared_preload_libraries the slots are a counter in shared memory with
 * a condition variable.  Without it they are heavyweight locks, tried in turn:
 * slower and without an order of arrival, but as strict.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <unistd.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/error.h"
#include "base/lock_slots.h"
#include "crypto/hash_limit.h"

/* pause between two rounds over the lock slots, milliseconds */
#define LOCK_POLL_MS		10

/*
 * A waiter looks at the limit anew at least this often (milliseconds), so that
 * a limit raised by a reload is seen without anybody releasing a slot.
 */
#define WAIT_SLICE_MS		1000

/* key of the locks that are the slots without shared memory */
#define SLOT_LOCK_KEY		0x77617a6f	/* "wazo" */

typedef struct HashLimitState
{
	slock_t		mutex;
	int			in_use;
	int			waiting;
	ConditionVariable freed;
} HashLimitState;

static int	max_concurrent_hashes = 0;
static int	hash_wait_timeout = 10000;

static HashLimitState *state = NULL;
static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/* what this backend holds, for its exit */
static bool holding = false;
static bool queued = false;
static bool exit_registered = false;
static LOCKTAG held_tag;

PG_FUNCTION_INFO_V1(wazo_auth_hash_slots);

/* The limit in force: the setting, or the number of cores when it is 0. */
static int
slot_limit(void)
{
	static int	cores = 0;

	if (max_concurrent_hashes > 0)
		return max_concurrent_hashes;
	if (cores == 0)
		cores = (int) Max(sysconf(_SC_NPROCESSORS_ONLN), 1);
	return cores;
}

static void
raise_busy(void)
{
	raise_status_hint(503, "too many logins at the same time",
					  "Try again later, or raise wazo_auth.max_concurrent_hashes or wazo_auth.hash_wait_timeout.");
}

/* Leaves the queue, or gives the slot back, when the backend ends meanwhile. */
static void
leave_at_exit(int code, Datum arg)
{
	if (state == NULL || (!holding && !queued))
		return;
	ConditionVariableCancelSleep();
	SpinLockAcquire(&state->mutex);
	if (holding)
		state->in_use--;
	if (queued)
		state->waiting--;
	SpinLockRelease(&state->mutex);
	holding = queued = false;
	ConditionVariableSignal(&state->freed);
}

/*
 * Takes a slot if one is free.  A newcomer stays behind those who wait
 * already; one who waits becomes a holder in the same step.
 */
static bool
try_shared_slot(void)
{
	bool		wake_next;

	SpinLockAcquire(&state->mutex);
	if (state->in_use < slot_limit() && (queued || state->waiting == 0))
	{
		state->in_use++;
		holding = true;
		if (queued)
			state->waiting--;
		queued = false;
	}
	wake_next = holding && state->waiting > 0 &&
		state->in_use < slot_limit();
	SpinLockRelease(&state->mutex);
	if (wake_next)
		ConditionVariableSignal(&state->freed);
	return holding;
}

static void
acquire_shared_slot(TimestampTz deadline)
{
	if (try_shared_slot())
		return;

	SpinLockAcquire(&state->mutex);
	state->waiting++;
	queued = true;
	SpinLockRelease(&state->mutex);

	PG_TRY();
	{
		ConditionVariablePrepareToSleep(&state->freed);
		while (!try_shared_slot())
		{
			long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);

			if (left <= 0)
				raise_busy();
			/* answers cancel and terminate at once */
			ConditionVariableTimedSleep(&state->freed,
										Min(left, WAIT_SLICE_MS),
										PG_WAIT_EXTENSION);
		}
	}
	PG_FINALLY();
	{
		/* hands a wake-up that came too late to the next one */
		ConditionVariableCancelSleep();
		if (queued)
		{
			SpinLockAcquire(&state->mutex);
			state->waiting--;
			queued = false;
			SpinLockRelease(&state->mutex);
		}
	}
	PG_END_TRY();
}

/*
 * The way without shared memory.  The locks belong to the transaction, so an
 * error or the end of the backend releases them.
 */
static void
acquire_lock_slot(TimestampTz deadline)
{
	for (;;)
	{
		if (lock_slot_take(&held_tag, InvalidOid, SLOT_LOCK_KEY, HASH_SLOT_CLASS, slot_limit()))
		{
			holding = true;
			return;
		}
		if (GetCurrentTimestamp() >= deadline)
			raise_busy();
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOCK_POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Waits for a slot, at most wazo_auth.hash_wait_timeout milliseconds.
 *
 * The caller computes one hash, raises no error and looks at no interrupt on
 * the way, and calls hash_limit_release().  Errors: WA503 when the time is up;
 * 57014 and 57P01 on cancel and terminate.
 */
void
hash_limit_acquire(void)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													   hash_wait_timeout);

	Assert(!holding && !queued);
	if (state == NULL)
	{
		acquire_lock_slot(deadline);
		return;
	}
	if (!exit_registered)
	{
		before_shmem_exit(leave_at_exit, 0);
		exit_registered = true;
	}
	acquire_shared_slot(deadline);
}

/* Gives the slot back.  Raises no error. */
void
hash_limit_release(void)
{
	if (!holding)
		return;
	holding = false;
	if (state == NULL)
	{
		lock_slot_release(&held_tag);
		return;
	}
	SpinLockAcquire(&state->mutex);
	state->in_use--;
	SpinLockRelease(&state->mutex);
	ConditionVariableSignal(&state->freed);
}

static void
request_shmem(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(HashLimitState)));
}

static void
startup_shmem(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	state = ShmemInitStruct("wazo_auth hash slots", sizeof(HashLimitState),
							&found);
	if (!found)
	{
		SpinLockInit(&state->mutex);
		state->in_use = 0;
		state->waiting = 0;
		ConditionVariableInit(&state->freed);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Defines the settings and asks for shared memory; called from _PG_init. */
void
hash_limit_init(void)
{
	DefineCustomIntVariable("wazo_auth.max_concurrent_hashes",
							"Most password hashes that are computed at the same time in the whole server.",
							"0 means as many as there are processor cores.",
							&max_concurrent_hashes,
							0, 0, 1024, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.hash_wait_timeout",
							"Longest time that a login waits for its turn to compute a password hash.",
							"After it the login fails with SQLSTATE WA503 (HTTP 503).",
							&hash_wait_timeout,
							10000, 0, 600000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);

	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

/*
 * SQL: wazo_auth.hash_slots(OUT slot_limit, OUT in_use, OUT waiting, OUT shared)
 *
 * Without shared memory in_use and waiting are not known here (pg_locks shows
 * the locks): both are NULL and shared is false.
 */
Datum
wazo_auth_hash_slots(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	values[0] = Int32GetDatum(slot_limit());
	values[3] = BoolGetDatum(state != NULL);
	if (state != NULL)
	{
		int			in_use;
		int			waiting;

		SpinLockAcquire(&state->mutex);
		in_use = state->in_use;
		waiting = state->waiting;
		SpinLockRelease(&state->mutex);
		values[1] = Int32GetDatum(in_use);
		values[2] = Int32GetDatum(waiting);
	}
	else
		nulls[1] = nulls[2] = true;

	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
													  values, nulls)));
}
