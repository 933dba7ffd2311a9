/*
 * slot_memory.h
 *	  The shared memory of the workers' slots; for worker_slots.c and own_slot.c.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SLOT_MEMORY_H
#define WAZO_AUTH_SLOT_MEMORY_H

#include "postgres.h"

#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#include "workers/slot_types.h"

/* databases with news that the launcher has not taken yet; beyond: "all" */
#define MAX_NOTICES			32

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

extern WorkerSlots *slot_memory;	/* NULL: not in shared_preload_libraries */
extern LWLock *slot_memory_lock;

extern void slots_wake_launcher(void);

#endif							/* WAZO_AUTH_SLOT_MEMORY_H */
