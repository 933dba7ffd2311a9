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

#include "workers/mask_credentials.h"
#include "workers/worker_slots.h"

#define LOCK_TRANCHE		"wazo_auth workers"

/* databases with news that the launcher has not taken yet; beyond: "all" */
#define MAX_NOTICES			32

/*
 * A worker that has not started after this time (milliseconds) will not: the
 * postmaster could not fork, and forgot it.
 */
#define START_TIMEOUT_MS	60000

typedef enum SlotState
{
	SLOT_FREE = 0,
	SLOT_CLAIMED,				/* registered, not yet started */
	SLOT_RUNNING,
	SLOT_ENDED					/* waits for slots_collect() */
} SlotState;

typedef struct WorkerSlot
{
	SlotState	state;
	uint32		generation;
	WorkerKind	kind;
	Oid			database;
	TimestampTz claimed_at;
	pid_t		pid;			/* while running */
	Latch	   *latch;
	pg_atomic_uint32 listening; /* for slots_wake() */
	bool		notice;			/* extensions of the database changed */
	bool		outdated;		/* settings of the database changed */
	WorkerFinding finding;
	TimestampTz started_at;
	WorkerTrouble trouble[WORKS];
} WorkerSlot;

typedef struct WorkerSlots
{
	Latch	   *launcher;		/* NULL while there is none */
	ConditionVariable left;		/* a worker left its slot */
	int			needed;			/* see WorkerStatus */
	int			n_notices;
	Oid			notices[MAX_NOTICES];
	int			n_slots;
	WorkerSlot	slot[FLEXIBLE_ARRAY_MEMBER];
} WorkerSlots;

static WorkerSlots *slots = NULL;
static LWLock *slots_lock = NULL;
static WorkerSlot *my_slot = NULL;
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
	slots = ShmemInitStruct(LOCK_TRANCHE, slots_size(), &found);
	if (!found)
	{
		memset(slots, 0, slots_size());
		ConditionVariableInit(&slots->left);
		slots->n_slots = max_worker_processes;
		for (int i = 0; i < slots->n_slots; i++)
			pg_atomic_init_u32(&slots->slot[i].listening, 0);
	}
	slots_lock = &GetNamedLWLockTranche(LOCK_TRANCHE)->lock;
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
wake_launcher(void)
{
	if (slots->launcher)
		SetLatch(slots->launcher);
}

static void
detach_launcher(int code, Datum arg)
{
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	if (slots->launcher == &MyProc->procLatch)
		slots->launcher = NULL;
	LWLockRelease(slots_lock);
}

/* Makes this process the launcher, that is, the one whose latch is set. */
void
slots_attach_launcher(void)
{
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	slots->launcher = &MyProc->procLatch;
	LWLockRelease(slots_lock);
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

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slots->n_slots; i++)
	{
		WorkerSlot *slot = &slots->slot[i];
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
	LWLockRelease(slots_lock);
	return claimed != NULL;
}

/* Gives back a slot whose worker could not be registered. */
void
slots_release(const SlotId *id)
{
	WorkerSlot *slot = &slots->slot[id->index];

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	if (slot->state == SLOT_CLAIMED && slot->generation == id->generation)
		slot->state = SLOT_FREE;
	LWLockRelease(slots_lock);
}

/* Is there a worker of this kind in the database, or on its way? */
bool
slots_busy(WorkerKind kind, Oid database)
{
	bool		busy = false;

	LWLockAcquire(slots_lock, LW_SHARED);
	for (int i = 0; i < slots->n_slots && !busy; i++)
	{
		const WorkerSlot *slot = &slots->slot[i];

		busy = slot->state != SLOT_FREE && slot->kind == kind &&
			slot->database == database;
	}
	LWLockRelease(slots_lock);
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

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slots->n_slots && n < size; i++)
	{
		WorkerSlot *slot = &slots->slot[i];

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
	LWLockRelease(slots_lock);
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

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	n = slots->n_notices;
	if (n > MAX_NOTICES || n > size)
		n = -1;
	else
		memcpy(databases, slots->notices, n * sizeof(Oid));
	slots->n_notices = 0;
	LWLockRelease(slots_lock);
	return n;
}

/*
 * Notes how many background workers the server should have for all databases;
 * 0 when it has enough.
 */
void
slots_note_needed(int processes)
{
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	slots->needed = processes;
	LWLockRelease(slots_lock);
}

/*
 * Lets the workers in a database end when they have nothing under way; the
 * launcher starts others, which have the database's settings as they are now.
 * Raises no error: it is called after a commit.
 */
void
slots_restart(Oid database)
{
	if (slots == NULL)
		return;
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slots->n_slots; i++)
	{
		WorkerSlot *slot = &slots->slot[i];

		if (slot->state == SLOT_FREE || slot->database != database)
			continue;
		slot->outdated = true;
		if (slot->state == SLOT_RUNNING)
			SetLatch(slot->latch);
	}
	LWLockRelease(slots_lock);
}

/*
 * Tells the launcher, and the workers in the database, that its extensions
 * have changed.  Raises no error: it is called after a commit.
 */
void
slots_notify(Oid database)
{
	bool		known = false;

	if (slots == NULL)
		return;
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slots->n_notices && i < MAX_NOTICES; i++)
		known |= slots->notices[i] == database;
	if (!known && slots->n_notices < MAX_NOTICES)
		slots->notices[slots->n_notices++] = database;
	else if (!known)
		slots->n_notices = MAX_NOTICES + 1;
	for (int i = 0; i < slots->n_slots; i++)
	{
		WorkerSlot *slot = &slots->slot[i];

		if (slot->state != SLOT_FREE && slot->database == database)
		{
			slot->notice = true;
			if (slot->state == SLOT_RUNNING)
				SetLatch(slot->latch);
		}
	}
	wake_launcher();
	LWLockRelease(slots_lock);
}

/*
 * Sets the latch of the worker of this kind in the database, if there is one
 * and it listens; the first of many calls is enough.  Raises no error: it is
 * called after a commit.
 */
void
slots_wake(WorkerKind kind, Oid database)
{
	if (slots == NULL)
		return;
	/* what was done for the worker to see comes before the look at its flag */
	pg_memory_barrier();
	LWLockAcquire(slots_lock, LW_SHARED);
	for (int i = 0; i < slots->n_slots; i++)
	{
		WorkerSlot *slot = &slots->slot[i];

		if (slot->state == SLOT_RUNNING && slot->kind == kind && slot->database == database &&
			pg_atomic_read_u32(&slot->listening) != 0 &&
			pg_atomic_exchange_u32(&slot->listening, 0) != 0)
			SetLatch(slot->latch);
	}
	LWLockRelease(slots_lock);
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

	if (slots == NULL)
		return false;
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (int i = 0; i < slots->n_slots; i++)
	{
		WorkerSlot *slot = &slots->slot[i];

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
			wake_launcher();
		}
	}
	LWLockRelease(slots_lock);
	return any;
}

static bool
any_running(Oid database)
{
	bool		any = false;

	LWLockAcquire(slots_lock, LW_SHARED);
	for (int i = 0; i < slots->n_slots && !any; i++)
		any = slots->slot[i].state == SLOT_RUNNING &&
			slots->slot[i].database == database;
	LWLockRelease(slots_lock);
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

	ConditionVariablePrepareToSleep(&slots->left);
	while (any_running(database))
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

		if (left <= 0)
			break;
		ConditionVariableTimedSleep(&slots->left, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

static void
slot_leave(int code, Datum arg)
{
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	my_slot->state = SLOT_ENDED;
	my_slot->pid = 0;
	my_slot->latch = NULL;
	my_slot = NULL;
	wake_launcher();
	LWLockRelease(slots_lock);
	ConditionVariableBroadcast(&slots->left);
}

/*
 * Takes the slot that the launcher claimed for this worker; the process ends
 * here when it is not wanted any more.
 */
void
slot_attach(const BackgroundWorker *worker)
{
	SlotId		id;
	WorkerSlot *slot;
	bool		wanted;

	memcpy(&id, worker->bgw_extra, sizeof(id));
	if (slots == NULL || id.index < 0 || id.index >= slots->n_slots)
		elog(ERROR, "invalid slot %d of a background worker", id.index);
	slot = &slots->slot[id.index];

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	wanted = slot->state == SLOT_CLAIMED && slot->generation == id.generation;
	if (wanted)
	{
		slot->state = SLOT_RUNNING;
		slot->pid = MyProcPid;
		slot->started_at = GetCurrentTimestamp();
		slot->latch = &MyProc->procLatch;
		pg_atomic_write_u32(&slot->listening, 0);
		my_slot = slot;
	}
	LWLockRelease(slots_lock);
	if (!wanted)
		proc_exit(0);

	/*
	 * Not before_shmem_exit(): whoever waits for the slot wants the process out of the list of processes that are
	 * connected to the database.
	 */
	on_shmem_exit(slot_leave, 0);
}

/*
 * From here on slots_wake() sets our latch, once.  To be called before looking
 * for work: what is committed after the look is then not missed, if
 * slot_listens() is asked before every sleep.  The latch alone does not tell:
 * whatever waits within the process, for a lock or for a broker, resets it.
 */
void
slot_listen(void)
{
	pg_atomic_write_u32(&my_slot->listening, 1);
	pg_memory_barrier();
}

/* Has nobody called since slot_listen()? */
bool
slot_listens(void)
{
	return pg_atomic_read_u32(&my_slot->listening) != 0;
}

/* Leaves word for the launcher. */
void
slot_report(WorkerFinding finding)
{
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	my_slot->finding = finding;
	LWLockRelease(slots_lock);
}

/* Have the database's extensions changed since the last call? */
bool
slot_take_notice(void)
{
	bool		notice;

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	notice = my_slot->notice;
	my_slot->notice = false;
	LWLockRelease(slots_lock);
	return notice;
}

/* Have the database's settings changed since this worker was started? */
bool
slot_is_outdated(void)
{
	/* one byte, set by others and never reset; its latch is set after it */
	return ((volatile WorkerSlot *) my_slot)->outdated;
}

/*
 * Notes that an attempt of this worker at its work failed, and why; for
 * worker_status.  Credentials in URIs are left out.
 */
void
slot_note_error(WorkerWork work, const char *message)
{
	char		text[WORKER_ERROR_SIZE];
	WorkerTrouble *trouble = &my_slot->trouble[work];

	mask_credentials(message, text, sizeof(text));
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	trouble->failing = true;
	trouble->error_at = GetCurrentTimestamp();
	strlcpy(trouble->error, text, sizeof(trouble->error));
	LWLockRelease(slots_lock);
}

/* The same with the error at hand in PG_CATCH; uses the current memory context. */
void
slot_note_logged_error(WorkerWork work)
{
	ErrorData  *error = CopyErrorData();

	slot_note_error(work, error->message ? error->message : "unknown error");
	FreeErrorData(error);
}

/* Notes that this worker does its work (again).  Costs nothing while it does. */
void
slot_note_success(WorkerWork work)
{
	WorkerTrouble *trouble = &my_slot->trouble[work];

	/* nobody else writes it */
	if (!trouble->failing)
		return;
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	trouble->failing = false;
	LWLockRelease(slots_lock);
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
	status->state = slots ? WORKER_STOPPED : WORKER_NOT_LOADED;
	if (slots == NULL)
		return;
	LWLockAcquire(slots_lock, LW_SHARED);
	status->needed = slots->needed;
	for (int i = 0; i < slots->n_slots; i++)
	{
		const WorkerSlot *slot = &slots->slot[i];

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
	LWLockRelease(slots_lock);
}
