/*
 * relay_worker.c
 *	  The background worker "wazo_auth relay": sends the events of the outbox
 *	  to the message broker, and lets mail_relay.c send the mails.
 *
 * A turn reads events in one transaction, publishes them with none open, and
 * notes the outcome in another one.  A worker that dies in between has sent
 * events that it will send again, with the same message ids; none is lost.
 *
 * Events of one object go out one after the other: the next one is sent when
 * the broker has confirmed the one before, so a refused event holds up those of
 * its object, and only those, until it is taken or parked.
 *
 * Without a broker the events only move to the stream for readers in the
 * database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "relay/broker.h"
#include "relay/mail_relay.h"
#include "relay/relay_query.h"
#include "relay/relay_settings.h"
#include "relay/smtp.h"
#include "workers/live.h"
#include "workers/worker.h"

/* at least so much time between two claims, so that batches can grow */
#define GATHER_MS			20

/* most events that are under way at the same time */
#define WAVE_MAX			1000

/* see claim_floor() */
#define FLOOR_LAG_MS		5000

PGDLLEXPORT void wazo_auth_relay_main(Datum main_arg);

/* what the connection was, or is to be, made with; in TopMemoryContext */
static char *uri = NULL;
static char *exchange_name = NULL;
static char *exchange_type = NULL;

static TimestampTz connect_not_before = 0;
static int	connect_pause = 0;	/* the next one, milliseconds */
static int	batch_limit = 1;	/* doubled by every batch that went well */

static int64 floor_id = 0;
static int64 mark_id = 0;
static TimestampTz mark_time = 0;

/* The end of the process must not wait for a call of the broker's library. */
static void
handle_sigterm(SIGNAL_ARGS)
{
	int			save_errno = errno;

	die(postgres_signal_arg);
	broker_abort();
	errno = save_errno;
}

/* Ends the worker when the extension is gone. */
static void
look_for_extension(void)
{
	relay_begin("wazo_auth: looking for the extension");
	relay_commit();
}

/* Keeps a setting; returns whether it has changed. */
static bool
keep_setting(char **kept, int column)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);

	if (relay_same(*kept, value))
		return false;
	if (*kept)
	{
		explicit_bzero(*kept, strlen(*kept));
		pfree(*kept);
	}
	*kept = value ? MemoryContextStrdup(TopMemoryContext, value) : NULL;
	return true;
}

/*
 * Reads where to send to; another place ends the connection.  Events that found
 * no broker before get into the outbox again.
 */
static void
read_settings(void)
{
	static SPIPlanPtr plan = NULL;
	static SPIPlanPtr requeue_plan = NULL;
	static bool first = true;
	bool		changed;

	relay_run(&plan, "SELECT wazo_auth.secret_setting('amqp', 'uri'), a.amqp ->> 'exchange_name', a.amqp ->> 'exchange_type'"
		" FROM (SELECT wazo_auth.get_setting('amqp') AS amqp) a", 0, NULL, NULL);
	if (SPI_processed != 1)
		elog(ERROR, "unexpected number of settings");
	changed = keep_setting(&uri, 1);
	changed |= keep_setting(&exchange_name, 2);
	changed |= keep_setting(&exchange_type, 3);
	if (!changed && !first)
		return;
	first = false;
	broker_disconnect();
	connect_not_before = 0;
	connect_pause = 0;
	if (uri)
		(void) relay_run_for_count(&requeue_plan, "SELECT wazo_auth.requeue_unpublished_events()", 0, NULL, NULL);
}

/*
 * The id to look from.  Rows that are gone stay in the index until vacuum, and
 * while an old transaction is open vacuum cannot help; reading over them again
 * and again would cost more and more.  So a look that a commit has asked for
 * begins some seconds back, and only the regular look begins at the start: it
 * finds what was committed late or is to be sent again.
 */
static int64
claim_floor(bool from_start, TimestampTz now)
{
	if (from_start)
		return 0;
	if (now > TimestampTzPlusMilliseconds(mark_time, FLOOR_LAG_MS))
	{
		floor_id = mark_time ? mark_id : 0;
		mark_time = now;
	}
	return floor_id;
}

static void
forget_floor(void)
{
	floor_id = mark_id = 0;
	mark_time = 0;
}

/* An event that was claimed. */
typedef struct Event
{
	int64		id;
	pg_uuid_t	object;
	BrokerMessage message;
} Event;

/* Reads the next events.  Returns their number. */
static int
claim(bool from_start, Event **events)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, INT4OID};
	Datum		args[2];
	int			n;

	args[0] = Int64GetDatum(claim_floor(from_start, GetCurrentTimestamp()));
	args[1] = Int32GetDatum(Min(batch_limit, relay_batch_size));
	relay_run(&plan, "SELECT id, object_uuid, message_id, routing_key, headers, body"
		" FROM wazo_auth.claim_events($1, $2) ORDER BY id", 2, types, args);
	n = SPI_processed;
	*events = MemoryContextAllocZero(relay_memory, sizeof(Event) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Event	   *event = &(*events)[i];
		bool		isnull;

		event->id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
		event->object = *DatumGetUUIDP(SPI_getbinval(row, desc, 2, &isnull));
		event->message.message_id = relay_copy_column(row, 3);
		event->message.routing_key = relay_copy_column(row, 4);
		event->message.headers = relay_copy_column(row, 5);
		event->message.headers_len = strlen(event->message.headers);
		event->message.body = relay_copy_column(row, 6);
		event->message.body_len = strlen(event->message.body);
		mark_id = Max(mark_id, event->id);
	}
	if (n > 0)
		relay_flush_seen();
	return n;
}

/* Is there an event of the object among these? */
static bool
has_object(const Event *events, int n, const pg_uuid_t *object, bool refused_only)
{
	for (int i = 0; i < n; i++)
		if ((!refused_only || events[i].message.outcome != BROKER_CONFIRMED) &&
			memcmp(&events[i].object, object, UUID_LEN) == 0)
			return true;
	return false;
}

/*
 * Publishes the events in their order.  Before the second event of an object,
 * the confirmations of all so far are waited for; when the first one did not
 * get its own, the second one stays behind.  Returns false when the connection
 * is lost.
 */
static bool
publish(Event *events, int n)
{
	BrokerMessage **wave = palloc(sizeof(BrokerMessage *) * n);
	bool		any_refused = false;
	int			first = 0;

	while (first < n)
	{
		int			size = 0;
		int			next = first;

		for (; next < n && next - first < WAVE_MAX; next++)
		{
			if (has_object(&events[first], next - first, &events[next].object, false))
				break;
			if (!any_refused || !has_object(events, first, &events[next].object, true))
				wave[size++] = &events[next].message;
		}
		if (size > 0 && !broker_publish(wave, size))
			return false;
		for (int i = first; i < next; i++)
			any_refused |= events[i].message.outcome != BROKER_CONFIRMED;
		first = next;
	}
	return true;
}

static void
finish(const Event *events, int n)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8ARRAYOID};
	Datum	   *ids = palloc(sizeof(Datum) * Max(n, 1));
	Datum		arg;
	int			n_ids = 0;

	for (int i = 0; i < n; i++)
		if (events[i].message.outcome == BROKER_CONFIRMED)
			ids[n_ids++] = Int64GetDatum(events[i].id);
	if (n_ids == 0)
		return;
	arg = PointerGetDatum(construct_array(ids, n_ids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	(void) relay_run_for_count(&plan, "SELECT wazo_auth.finish_events($1)", 1, types, &arg);
}

static void
note_refused(const Event *event)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, TEXTOID, INT4OID, FLOAT8OID};
	Datum		args[4];
	bool		isnull;

	args[0] = Int64GetDatum(event->id);
	args[1] = CStringGetTextDatum(event->message.error);
	args[2] = Int32GetDatum(relay_max_attempts);
	args[3] = Float8GetDatum(relay_retry_pause / 1000.0);
	relay_run(&plan, "SELECT wazo_auth.fail_event($1, $2, $3, pg_catalog.make_interval(secs => $4))", 4, types, args);
	if (SPI_processed == 1 &&
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) && !isnull)
		ereport(WARNING,
				(errmsg("event %lld is parked: %s", (long long) event->id, event->message.error),
				 errhint("See wazo_auth.parked_event, and wazo_auth.retry_parked_events().")));
}

/* Notes what became of the events.  Returns how many are settled. */
static int
note_outcome(const Event *events, int n)
{
	int			settled = 0;

	relay_begin("wazo_auth: noting which events were delivered");
	finish(events, n);
	for (int i = 0; i < n; i++)
	{
		if (events[i].message.outcome == BROKER_REFUSED)
			note_refused(&events[i]);
		if (events[i].message.outcome != BROKER_PENDING)
			settled++;
	}
	relay_commit();
	return settled;
}

static void
pause_connecting(void)
{
	connect_pause = Min(Max(connect_pause * 2, relay_retry_pause), LONGEST_PAUSE_MS);
	connect_not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), connect_pause);
	ereport(LOG,
			(errmsg("message broker: %s", broker_error()),
			 errdetail("Events stay in the outbox; the next attempt is in %d ms.", connect_pause)));
	slot_note_error(WORK_MAIN, psprintf("message broker: %s", broker_error()));
}

/* Returns whether there is a connection. */
static bool
connect_broker(void)
{
	BrokerConfig config = {uri, exchange_name, exchange_type};

	if (broker_is_connected())
		return true;
	if (GetCurrentTimestamp() < connect_not_before)
		return false;
	pgstat_report_activity(STATE_RUNNING, "wazo_auth: connecting to the message broker");
	if (!broker_connect(&config))
	{
		/* the end of this process may be the reason */
		worker_check_interrupts();
		pause_connecting();
		pgstat_report_activity(STATE_IDLE, NULL);
		return false;
	}
	ereport(LOG, (errmsg("connected to the message broker")));
	pgstat_report_activity(STATE_IDLE, NULL);
	batch_limit = 1;
	forget_floor();
	return true;
}

/* Returns whether there may be more to do at once. */
static bool
send_batch(bool from_start)
{
	Event	   *events;
	int			n;
	int			settled;
	bool		ok;

	relay_begin("wazo_auth: reading events");
	n = claim(from_start, &events);
	relay_commit();
	if (n == 0)
		return false;

	pgstat_report_activity(STATE_RUNNING, "wazo_auth: publishing events");
	ok = publish(events, n);
	settled = note_outcome(events, n);
	if (settled > 0)
		connect_pause = 0;
	if (ok && settled == n)
	{
		bool		full = n >= Min(batch_limit, relay_batch_size);

		batch_limit = Min(batch_limit * 2, relay_batch_size);
		return full;
	}
	/* smaller, until the one that the broker does not like is alone */
	batch_limit = 1;
	forget_floor();
	if (!ok)
		pause_connecting();
	return ok;
}

static bool
clear_log(void)
{
	static SPIPlanPtr plan = NULL;
	int			n;

	relay_begin("wazo_auth: removing old events from the stream");
	n = relay_run_for_count(&plan, "SELECT wazo_auth.purge_event_log(5000)", 0, NULL, NULL);
	relay_commit();
	return n >= 5000;
}

typedef struct EventTurn
{
	bool		regular;
	bool		more;			/* there may be more to do at once */
	bool		held;			/* by worker_is_held() */
} EventTurn;

/*
 * One turn.  Raises whatever the functions raise, with the transaction open.
 */
static void
event_turn(void *arg)
{
	static SPIPlanPtr plan = NULL;
	EventTurn  *turn = arg;
	int			moved = 0;

	relay_begin("wazo_auth: reading settings");
	turn->held = worker_is_held(QUEUE_EVENTS);
	if (turn->held)
	{
		relay_commit();
		broker_disconnect();
		return;
	}
	read_settings();
	if (uri == NULL)
		moved = relay_run_for_count(&plan, "SELECT wazo_auth.deliver_events_locally(5000)", 0, NULL, NULL);
	relay_commit();
	turn->more = moved >= 5000;
	if (uri)
		turn->more = connect_broker() && send_batch(turn->regular);
	if (turn->regular)
		turn->more |= clear_log();
}

/* Sends events.  Returns how long (milliseconds) it may go uncalled. */
static long
event_step(TimestampTz now)
{
	static TimestampTz regular_at = 0;	/* of the next regular turn */
	static TimestampTz turn_at = 0; /* what comes before its time waits for it */
	static int	error_pause = 0;
	TimestampTz next;
	EventTurn	turn = {0};

	if (now < turn_at)
		return TimestampDifferenceMilliseconds(now, turn_at) + 1;
	turn.regular = now >= regular_at;
	if (turn.regular)
		regular_at = TimestampTzPlusMilliseconds(now, relay_interval * INT64CONST(1000));
	if (relay_try(event_turn, &turn, NULL))
	{
		error_pause = 0;
		if (turn.held || uri == NULL || broker_is_connected())
			slot_note_success(WORK_MAIN);
		turn_at = turn.more ? 0 : TimestampTzPlusMilliseconds(now, GATHER_MS);
	}
	else
	{
		broker_disconnect();
		forget_floor();
		turn.more = false;
		error_pause = Min(Max(error_pause * 2, relay_retry_pause), LONGEST_PAUSE_MS);
		turn_at = TimestampTzPlusMilliseconds(now, error_pause);
	}
	if (turn.more)
		return 0;
	now = GetCurrentTimestamp();
	next = regular_at;
	if (!turn.held && uri && !broker_is_connected() && connect_not_before > now && connect_not_before < regular_at)
		next = connect_not_before;
	return TimestampDifferenceMilliseconds(now, next) + 1;
}

/*
 * Waits for the latch, for the broker or a mail server to say something, or for
 * the time.
 */
static void
wait_for_work(long timeout_ms)
{
	WaitEventSet *set = create_wait_set(relay_memory, 3 + SMTP_MAX_SOCKETS);
	pgsocket	sock = broker_socket();
	WaitEvent	event;

	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	if (sock != PGINVALID_SOCKET)
	{
		AddWaitEventToSet(set, WL_SOCKET_READABLE, sock, NULL, NULL);
		timeout_ms = Min(timeout_ms, broker_idle_limit());
	}
	smtp_add_to_wait(set);
	if (WaitEventSetWait(set, Max(timeout_ms, 0), &event, 1, PG_WAIT_EXTENSION) == 1 &&
		event.events == WL_LATCH_SET)
		ResetLatch(MyLatch);
	FreeWaitEventSet(set);
	if (broker_is_connected() && !broker_idle())
		pause_connecting();
}

/* Main function of the worker. */
void
wazo_auth_relay_main(Datum main_arg)
{
	bool		asked = true;	/* to look for work */
	TimestampTz look_at = 0;	/* not before; who asks meanwhile need not wake us */

	worker_begin(main_arg);
	pqsignal(SIGTERM, handle_sigterm);
	broker_init();
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
		if (slot_is_outdated() && !mail_is_sending())
			worker_leave(FOUND_EXTENSION);
		if (relay_interval == 0)
		{
			mail_stop();
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
			look_at = TimestampTzPlusMilliseconds(now, GATHER_MS);
		}
		relay_work = WORK_MAIN;
		timeout = event_step(now);
		MemoryContextSwitchTo(relay_memory);
		relay_work = WORK_MAIL;
		timeout = Min(timeout, mail_step(GetCurrentTimestamp(), relay_interval * INT64CONST(1000), look));
		MemoryContextSwitchTo(relay_memory);
		asked |= !slot_listens();
		if (asked)
			timeout = Min(timeout, TimestampDifferenceMilliseconds(GetCurrentTimestamp(), look_at) + 1);
		/* also when there is more to do: somebody may be waiting for us */
		wait_for_work(timeout);
		asked |= !slot_listens();
	}
}
