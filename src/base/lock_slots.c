/*
 * lock_slots.c
 *	  At most N at a time in the whole server, by heavyweight locks.
 *
 * Slower than a counter in shared memory and without an order of arrival, but
 * as strict, without shared_preload_libraries, and nothing is left behind: the
 * locks belong to the transaction, so an error or the end of the backend
 * releases them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "base/lock_slots.h"

/*
 * Takes one of limit slots of this class and key, if one is free, and says in
 * tag which.  Waits for nothing.
 */
bool
lock_slot_take(LOCKTAG *tag, Oid database, uint32 key, uint16 lock_class, int limit)
{
	for (int slot = 0; slot < limit; slot++)
	{
		SET_LOCKTAG_ADVISORY(*tag, database, key, slot, lock_class);
		if (LockAcquire(tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
			return true;
	}
	return false;
}

/* Gives a slot back before the end of the transaction. */
void
lock_slot_release(LOCKTAG *tag)
{
	(void) LockRelease(tag, ExclusiveLock, false);
}
