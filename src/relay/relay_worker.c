/*
 * relay_worker.c
 *	  The background worker "wazo_auth relay": lets event_relay.c send events,
 *	  mail_relay.c mails, and oauth2_relay.c hear of users who came back from a
 *	  provider, and waits for whatever they wait for.
 *
 * None of them waits by itself for anybody outside of the database, so the
 * process is always ready to serve interrupts, barriers and the others.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "relay/broker.h"
#include "relay/event_relay.h"
#include "relay/mail_relay.h"
#include "relay/oauth2_relay.h"
#include "relay/relay_query.h"
#include "relay/relay_settings.h"
#include "relay/smtp.h"
#include "workers/own_slot.h"
#include "workers/worker.h"

/* at least so much time between two looks, so that batches can grow */
#define LOOK_PAUSE_MS		20

/* latch and postmaster's death */
#define OTHER_EVENTS		2

PGDLLEXPORT void wazo_auth_relay_main(Datum main_arg);

/* Ends the worker when the extension is gone. */
static void
look_for_extension(void)
{
	relay_begin("wazo_auth: looking for the extension");
	relay_commit();
}

/*
 * Waits for the latch, for the broker or a mail server to say something, or for
 * the time.
 */
static void
wait_for_work(long timeout_ms)
{
	int			most = OTHER_EVENTS + BROKER_MAX_SOCKETS + SMTP_MAX_SOCKETS + OAUTH2_MAX_SOCKETS;
	WaitEventSet *set = create_wait_set(relay_memory, most);
	const char *activity = event_activity();
	WaitEvent	event;

	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	broker_add_to_wait(set);
	smtp_add_to_wait(set);
	oauth2_add_to_wait(set);
	pgstat_report_activity(activity ? STATE_RUNNING : STATE_IDLE, activity);
	if (WaitEventSetWait(set, Max(timeout_ms, 0), &event, 1, PG_WAIT_EXTENSION) == 1 &&
		event.events == WL_LATCH_SET)
		ResetLatch(MyLatch);
	FreeWaitEventSet(set);
}

/* Main function of the worker. */
void
wazo_auth_relay_main(Datum main_arg)
{
	bool		asked = true;	/* to look for work */
	TimestampTz look_at = 0;	/* not before; who asks meanwhile need not wake us */

	worker_begin(main_arg);
	relay_memory = AllocSetContextCreate(TopMemoryContext, "wazo_auth relay", ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		TimestampTz now;
		bool		look;
		long		timeout;

		MemoryContextReset(relay_memory);
		MemoryContextSwitchTo(relay_memory);
		worker_check_interrupts();
		if (slot_take_notice())
			look_for_extension();
		if (slot_is_outdated() && !mail_is_sending() && !event_is_sending() && !oauth2_is_asking())
			worker_leave(FOUND_EXTENSION);
		if (relay_interval == 0)
		{
			event_stop();
			mail_stop();
			oauth2_stop();
			wait_for_work(60000);
			asked = true;
			continue;
		}
		now = GetCurrentTimestamp();
		look = asked && now >= look_at;
		if (look)
		{
			slot_listen();
			asked = false;
			look_at = TimestampTzPlusMilliseconds(now, LOOK_PAUSE_MS);
		}
		relay_work = WORK_MAIN;
		timeout = event_step(now, look);
		MemoryContextSwitchTo(relay_memory);
		relay_work = WORK_MAIL;
		timeout = Min(timeout, mail_step(GetCurrentTimestamp(), relay_interval * INT64CONST(1000), look));
		MemoryContextSwitchTo(relay_memory);
		relay_work = WORK_MAIN;
		timeout = Min(timeout, oauth2_step(GetCurrentTimestamp(), relay_interval * INT64CONST(1000), look));
		MemoryContextSwitchTo(relay_memory);
		asked |= !slot_listens();
		if (asked)
			timeout = Min(timeout, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), look_at) + 1);
		/* also when there is more to do: somebody may be waiting for us */
		wait_for_work(timeout);
		asked |= !slot_listens();
	}
}
