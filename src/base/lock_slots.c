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

#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"

#include "base/lock_slots.h"

/* So long (milliseconds) is waited for a slot: enough where others are done soon, little where they are not. */
#define WAIT_MS		250
#define POLL_MS		10

/* Who has waited so in vain does not wait again for this time. */
#define VAIN_MS		10000

/* By hash of what was waited for, until when it is vain. Two of the same hash only spare each other a wait. */
#define VAIN_PLACES	64
static TimestampTz vain_until[VAIN_PLACES];

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

/*
 * Between two tries to take slots, which the caller makes one after the other:
 * waits a moment and says whether to try again.  wait is zero before the first
 * one; key says what is waited for, across all classes.
 *
 * Each who waits holds a connection, so where slots stay taken waiting is worse
 * than a refusal for all others: not before some seconds are over does this
 * backend wait for the same again.  Answers cancel and terminate.
 */
bool
lock_slot_wait(SlotWait *wait, uint32 key)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz *vain = &vain_until[murmurhash32(key) % VAIN_PLACES];

	if (wait->deadline == 0)
	{
		if (now < *vain)
			return false;
		wait->deadline = TimestampTzPlusMilliseconds(now, WAIT_MS);
	}
	if (now >= wait->deadline)
	{
		*vain = TimestampTzPlusMilliseconds(now, VAIN_MS);
		return false;
	}
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, POLL_MS, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return true;
}
