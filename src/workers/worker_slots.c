/*
 * worker_slots.c
 *	  The workers of the whole server, in shared memory.
 *
 * A slot is claimed by the launcher for one worker in one database, taken by
 * the worker when it starts, left by it when it ends, and collected by the
 * launcher with what the worker found out.  So a launcher that is started anew
 * knows the workers that its predecessor started, and a backend that is about
 * to drop a database can stop the workers in it.
 *
 * What the worker in a slot does with it is in own_slot.c.
 *
 * There are as many slots as the server may have background workers; a slot
 * that the launcher cannot get is a worker that the server could not start.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "workers/slot_memory.h"
#include "workers/worker_slots.h"

#define LOCK_TRANCHE		"wazo_auth workers"

/*
 * A worker that has not started after this time (milliseconds) will not: the
 * postmaster could not fork, and forgot it.
 */
#define START_TIMEOUT_MS	60000

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static Size
slots_size(void)
{
	return add_size(offsetof(WorkerSlots, slot),
					mul_size(sizeof(WorkerSlot), max_worker_processes));
}

static void
request_shmem(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(slots_size()));
	RequestNamedLWLockTranche(LOCK_TRANCHE, 1);
}

static void
startup_shmem(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	slot_memory = ShmemInitStruct(LOCK_TRANCHE, slots_size(), &found);
	if (!found)
	{
		memset(slot_memory, 0, slots_size());
		ConditionVariableInit(&slot_memory->left);
		slot_memory->n_slots = max_worker_processes;
		for (int i = 0; i < slot_memory->n_slots; i++)
			pg_atomic_init_u32(&slot_memory->slot[i].listening, 0);
	}
	slot_memory_lock = &GetNamedLWLockTranche(LOCK_TRANCHE)->lock;
	LWLockRelease(AddinShmemInitLock);
}

/* Asks for the shared memory; only while shared_preload_libraries are loaded. */
void
worker_slots_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}

static void
detach_launcher(int code, Datum arg)
{
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	if (slot_memory->launcher == &MyProc->procLatch)
		slot_memory->launcher = NULL;
	LWLockRelease(slot_memory_lock);
}

/* Makes this process the launcher, that is, the one whose latch is set. */
void
slots_attach_launcher(void)
{
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	slot_memory->launcher = &MyProc->procLatch;
	LWLockRelease(slot_memory_lock);
	on_shmem_exit(detach_launcher, 0);
}

/*
 * Claims a slot for a worker that is about to be registered: the one that its
 * predecessor had, with what is known of its last error, if it is free.
 * Returns false when all are taken.
 */
bool
slots_claim(WorkerKind kind, Oid database, SlotId *id)
{
	WorkerSlot *claimed = NULL;

	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slot_memory->n_slots; i++)
	{
		WorkerSlot *slot = &slot_memory->slot[i];
		bool		own = slot->kind == kind && slot->database == database;

		if (slot->state != SLOT_FREE || (claimed && !own))
			continue;
		claimed = slot;
		id->index = i;
		if (own)
			break;
	}
	if (claimed)
	{
		if (claimed->kind != kind || claimed->database != database)
			memset(claimed->trouble, 0, sizeof(claimed->trouble));
		claimed->state = SLOT_CLAIMED;
		claimed->generation++;
		claimed->kind = kind;
		claimed->database = database;
		claimed->claimed_at = GetCurrentTimestamp();
		claimed->notice = false;
		claimed->outdated = false;
		claimed->finding = FOUND_NOTHING;
		id->generation = claimed->generation;
	}
	LWLockRelease(slot_memory_lock);
	return claimed != NULL;
}

/* Gives back a slot whose worker could not be registered. */
void
slots_release(const SlotId *id)
{
	WorkerSlot *slot = &slot_memory->slot[id->index];

	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	if (slot->state == SLOT_CLAIMED && slot->generation == id->generation)
		slot->state = SLOT_FREE;
	LWLockRelease(slot_memory_lock);
}

/* Is there a worker of this kind in the database, or on its way? */
bool
slots_busy(WorkerKind kind, Oid database)
{
	bool		busy = false;

	LWLockAcquire(slot_memory_lock, LW_SHARED);
	for (int i = 0; i < slot_memory->n_slots && !busy; i++)
	{
		const WorkerSlot *slot = &slot_memory->slot[i];

		busy = slot->state != SLOT_FREE && slot->kind == kind &&
			slot->database == database;
	}
	LWLockRelease(slot_memory_lock);
	return busy;
}

/*
 * Frees the slots of workers that have ended, or will not start any more, and
 * reports up to size of them.  Returns their number.
 */
int
slots_collect(WorkerReport *reports, int size)
{
	TimestampTz now = GetCurrentTimestamp();
	int			n = 0;

	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slot_memory->n_slots && n < size; i++)
	{
		WorkerSlot *slot = &slot_memory->slot[i];

		if (slot->state == SLOT_ENDED ||
			(slot->state == SLOT_CLAIMED &&
			 TimestampDifferenceExceeds(slot->claimed_at, now, START_TIMEOUT_MS)))
		{
			reports[n].kind = slot->kind;
			reports[n].database = slot->database;
			/* what it found is out of date when there was news since */
			reports[n].finding = slot->notice ? FOUND_NOTHING : slot->finding;
			n++;
			slot->state = SLOT_FREE;
		}
	}
	LWLockRelease(slot_memory_lock);
	return n;
}

/*
 * Moves the databases with news to the array.  Returns their number, or -1
 * when there were too many to remember and all are to be looked at.
 */
int
slots_take_notices(Oid *databases, int size)
{
	int			n;

	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	n = slot_memory->n_notices;
	if (n > MAX_NOTICES || n > size)
		n = -1;
	else
		memcpy(databases, slot_memory->notices, n * sizeof(Oid));
	slot_memory->n_notices = 0;
	LWLockRelease(slot_memory_lock);
	return n;
}

/*
 * Notes how many background workers the server should have for all databases;
 * 0 when it has enough.
 */
void
slots_note_needed(int processes)
{
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	slot_memory->needed = processes;
	LWLockRelease(slot_memory_lock);
}

/*
 * Lets the workers in a database end when they have nothing under way; the
 * launcher starts others, which have the database's settings as they are now.
 * Raises no error: it is called after a commit.
 */
void
slots_restart(Oid database)
{
	if (slot_memory == NULL)
		return;
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slot_memory->n_slots; i++)
	{
		WorkerSlot *slot = &slot_memory->slot[i];

		if (slot->state == SLOT_FREE || slot->database != database)
			continue;
		slot->outdated = true;
		if (slot->state == SLOT_RUNNING)
			SetLatch(slot->latch);
	}
	LWLockRelease(slot_memory_lock);
}

/*
 * Tells the launcher, and the workers in the database, that its extensions
 * have changed.  Raises no error: it is called after a commit.
 */
void
slots_notify(Oid database)
{
	bool		known = false;

	if (slot_memory == NULL)
		return;
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slot_memory->n_notices && i < MAX_NOTICES; i++)
		known |= slot_memory->notices[i] == database;
	if (!known && slot_memory->n_notices < MAX_NOTICES)
		slot_memory->notices[slot_memory->n_notices++] = database;
	else if (!known)
		slot_memory->n_notices = MAX_NOTICES + 1;
	for (int i = 0; i < slot_memory->n_slots; i++)
	{
		WorkerSlot *slot = &slot_memory->slot[i];

		if (slot->state != SLOT_FREE && slot->database == database)
		{
			slot->notice = true;
			if (slot->state == SLOT_RUNNING)
				SetLatch(slot->latch);
		}
	}
	slots_wake_launcher();
	LWLockRelease(slot_memory_lock);
}

/*
 * Sets the latch of the worker of this kind in the database, if there is one
 * and it listens; the first of many calls is enough.  Raises no error: it is
 * called after a commit.
 */
void
slots_wake(WorkerKind kind, Oid database)
{
	if (slot_memory == NULL)
		return;
	/* what was done for the worker to see comes before the look at its flag */
	pg_memory_barrier();
	LWLockAcquire(slot_memory_lock, LW_SHARED);
	for (int i = 0; i < slot_memory->n_slots; i++)
	{
		WorkerSlot *slot = &slot_memory->slot[i];

		if (slot->state == SLOT_RUNNING && slot->kind == kind && slot->database == database &&
			pg_atomic_read_u32(&slot->listening) != 0 &&
			pg_atomic_exchange_u32(&slot->listening, 0) != 0)
			SetLatch(slot->latch);
	}
	LWLockRelease(slot_memory_lock);
}

/*
 * Ends the workers in a database: terminates those that run, and lets those
 * that have not started yet end by themselves.  Does not wait.  Returns
 * whether there were any.
 */
bool
slots_stop(Oid database)
{
	bool		any = false;

	if (slot_memory == NULL)
		return false;
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slot_memory->n_slots; i++)
	{
		WorkerSlot *slot = &slot_memory->slot[i];

		if (slot->database != database)
			continue;
		if (slot->state == SLOT_RUNNING)
		{
			/* a process leaves its slot before it ends, so the pid is its */
			kill(slot->pid, SIGTERM);
			any = true;
		}
		else if (slot->state == SLOT_CLAIMED)
		{
			slot->generation++;
			slot->state = SLOT_ENDED;
			slots_wake_launcher();
		}
	}
	LWLockRelease(slot_memory_lock);
	return any;
}

static bool
any_running(Oid database)
{
	bool		any = false;

	LWLockAcquire(slot_memory_lock, LW_SHARED);
	for (int i = 0; i < slot_memory->n_slots && !any; i++)
		any = slot_memory->slot[i].state == SLOT_RUNNING &&
			slot_memory->slot[i].database == database;
	LWLockRelease(slot_memory_lock);
	return any;
}

/*
 * Waits until no worker is connected to the database, at most timeout_ms.
 * Answers cancel and terminate.
 */
void
slots_wait_gone(Oid database, int timeout_ms)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);

	ConditionVariablePrepareToSleep(&slot_memory->left);
	while (any_running(database))
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

		if (left <= 0)
			break;
		ConditionVariableTimedSleep(&slot_memory->left, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/*
 * Reads what is known of the worker of this kind in the database; of one that
 * has ended, its last errors.
 */
void
slots_look(WorkerKind kind, Oid database, WorkerStatus *status)
{
	static const WorkerState states[] = {
		[SLOT_FREE] = WORKER_STOPPED,
		[SLOT_CLAIMED] = WORKER_STARTING,
		[SLOT_RUNNING] = WORKER_RUNNING,
		[SLOT_ENDED] = WORKER_STOPPED,
	};

	memset(status, 0, sizeof(*status));
	status->state = slot_memory ? WORKER_STOPPED : WORKER_NOT_LOADED;
	if (slot_memory == NULL)
		return;
	LWLockAcquire(slot_memory_lock, LW_SHARED);
	status->needed = slot_memory->needed;
	for (int i = 0; i < slot_memory->n_slots; i++)
	{
		const WorkerSlot *slot = &slot_memory->slot[i];

		if (slot->generation == 0 || slot->kind != kind || slot->database != database)
			continue;
		/* a predecessor's slot says less than its own */
		if (states[slot->state] == WORKER_STOPPED && status->state != WORKER_STOPPED)
			continue;
		status->state = states[slot->state];
		status->pid = slot->pid;
		status->started_at = slot->started_at;
		memcpy(status->trouble, slot->trouble, sizeof(status->trouble));
	}
	LWLockRelease(slot_memory_lock);
}
