/*
 * own_slot.c
 *	  What a worker does with its own slot in shared memory.
 *
 * It takes the slot that the launcher claimed for it, listens there for those
 * who have work for it, leaves word of how the work goes, and leaves the slot
 * when it ends.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "workers/mask_credentials.h"
#include "workers/own_slot.h"
#include "workers/slot_memory.h"

static WorkerSlot *my_slot = NULL;

static void
slot_leave(int code, Datum arg)
{
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	my_slot->state = SLOT_ENDED;
	my_slot->pid = 0;
	my_slot->latch = NULL;
	my_slot = NULL;
	slots_wake_launcher();
	LWLockRelease(slot_memory_lock);
	ConditionVariableBroadcast(&slot_memory->left);
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
	if (slot_memory == NULL || id.index < 0 || id.index >= slot_memory->n_slots)
		elog(ERROR, "invalid slot %d of a background worker", id.index);
	slot = &slot_memory->slot[id.index];

	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
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
	LWLockRelease(slot_memory_lock);
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
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	my_slot->finding = finding;
	LWLockRelease(slot_memory_lock);
}

/* Have the database's extensions changed since the last call? */
bool
slot_take_notice(void)
{
	bool		notice;

	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	notice = my_slot->notice;
	my_slot->notice = false;
	LWLockRelease(slot_memory_lock);
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
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	trouble->failing = true;
	trouble->error_at = GetCurrentTimestamp();
	strlcpy(trouble->error, text, sizeof(trouble->error));
	LWLockRelease(slot_memory_lock);
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
	LWLockAcquire(slot_memory_lock, LW_EXCLUSIVE);
	trouble->failing = false;
	LWLockRelease(slot_memory_lock);
}
