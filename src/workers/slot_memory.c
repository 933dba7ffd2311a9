/*
 * slot_memory.c
 *	  The shared memory of the workers' slots.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "workers/slot_memory.h"

WorkerSlots *slot_memory = NULL;
LWLock	   *slot_memory_lock = NULL;

/* Has the launcher look around; called with the lock held. */
void
slots_wake_launcher(void)
{
	if (slot_memory->launcher)
		SetLatch(slot_memory->launcher);
}
