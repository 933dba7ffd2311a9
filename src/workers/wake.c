/*
 * wake.c
 *	  Wakes the relay of this database when a transaction that left it work
 *	  commits.
 *
 * A latch costs a login nothing; NOTIFY would make all committing
 * transactions queue up behind one lock.  Where there is no relay, or the wake
 * comes to nothing (a prepared transaction commits in another backend), the
 * relay finds the work at its next look.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "workers/wake.h"
#include "workers/worker_slots.h"

PG_FUNCTION_INFO_V1(wazo_auth_wake_relay);

static bool wake_at_commit = false;

static void
at_end_of_transaction(XactEvent event, void *arg)
{
	if (!wake_at_commit)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			/* by now everybody sees what the transaction did */
			wake_at_commit = false;
			slots_wake(WORKER_RELAY, MyDatabaseId);
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			wake_at_commit = false;
			break;
		default:
			break;
	}
}

/* Has the relay woken when the transaction commits. */
void
wake_relay_at_commit(void)
{
	wake_at_commit = true;
}

/*
 * wazo_auth.wake_relay() returns void
 *
 * A subtransaction that is rolled back leaves the wake-up in place: it is only
 * a look too many.
 */
Datum
wazo_auth_wake_relay(PG_FUNCTION_ARGS)
{
	wake_relay_at_commit();
	PG_RETURN_VOID();
}

/* Registers the callback; called once per backend. */
void
wake_init(void)
{
	RegisterXactCallback(at_end_of_transaction, NULL);
}
