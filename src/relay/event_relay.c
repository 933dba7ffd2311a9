/*
 * event_relay.c
 *	  The relay worker's first task: sends the events of the outbox to the
 *	  message broker.
 *
 * Events are read in one transaction, published with none open, while the
 * worker does other things, and their outcome is noted in another one.  A
 * worker that dies in between has sent events that it will send again, with the
 * same message ids; none is lost.
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
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "relay/broker.h"
#include "relay/event_relay.h"
#include "relay/relay_query.h"
#include "relay/relay_settings.h"
#include "workers/live.h"
#include "workers/own_slot.h"
#include "workers/worker_slots.h"

/* most events that are under way at the same time */
#define WAVE_MAX			1000

/* at least so much time between two claims, so that batches can grow */
#define GATHER_MS			20

/* see claim_floor() */
#define FLOOR_LAG_MS		5000

/* what the connection was, or is to be, made with; in TopMemoryContext */
static char *uri = NULL;
static char *exchange_name = NULL;
static char *exchange_type = NULL;

static bool was_connecting = false;
static TimestampTz connect_not_before = 0;
static int	connect_pause = 0;	/* the next one, milliseconds */
static int	batch_limit = 1;	/* doubled by every batch that went well */

static int64 floor_id = 0;
static int64 mark_id = 0;
static TimestampTz mark_time = 0;

/* An event that was claimed. */
typedef struct Event
{
	int64		id;
	pg_uuid_t	object;
	BrokerMessage message;
} Event;

/* The events that are being published, in waves. */
static struct
{
	MemoryContext memory;		/* of all of it; NULL: there are none */
	Event	   *events;
	int			n;
	int			limit;			/* how many could have been claimed */
	int			first;			/* of the wave under way */
	int			next;			/* of the next one */
	bool		any_refused;
}			batch;

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

/* A column of the last query that is never null, in the batch's memory. */
static char *
batch_column(HeapTuple row, int column)
{
	char	   *value = SPI_getvalue(row, SPI_tuptable->tupdesc, column);

	if (value == NULL)
		elog(ERROR, "unexpected null in the outbox");
	return MemoryContextStrdup(batch.memory, value);
}

static void
forget_batch(void)
{
	if (batch.memory)
		MemoryContextDelete(batch.memory);
	memset(&batch, 0, sizeof(batch));
}

/* Ends the connection.  What is under way will be sent again. */
static void
disconnect(void)
{
	broker_disconnect();
	was_connecting = false;
	forget_batch();
	forget_floor();
}

/* Reads the next events into the batch. */
static void
claim(bool from_start)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, INT4OID};
	Datum		args[2];

	batch.limit = Min(batch_limit, relay_batch_size);
	args[0] = Int64GetDatum(claim_floor(from_start, GetCurrentTimestamp()));
	args[1] = Int32GetDatum(batch.limit);
	relay_run(&plan, "SELECT id, object_uuid, message_id, routing_key, headers, body"
			  " FROM wazo_auth.claim_events($1, $2) ORDER BY id", 2, types, args);
	if (SPI_processed == 0)
		return;
	batch.memory = AllocSetContextCreate(TopMemoryContext, "wazo_auth events", ALLOCSET_DEFAULT_SIZES);
	batch.n = SPI_processed;
	batch.events = MemoryContextAllocZero(batch.memory, sizeof(Event) * batch.n);
	for (int i = 0; i < batch.n; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Event	   *event = &batch.events[i];
		bool		isnull;

		event->id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
		event->object = *DatumGetUUIDP(SPI_getbinval(row, desc, 2, &isnull));
		event->message.message_id = batch_column(row, 3);
		event->message.routing_key = batch_column(row, 4);
		event->message.headers = batch_column(row, 5);
		event->message.headers_len = strlen(event->message.headers);
		event->message.body = batch_column(row, 6);
		event->message.body_len = strlen(event->message.body);
		mark_id = Max(mark_id, event->id);
	}
	relay_flush_seen();
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

	relay_run(&plan, "SELECT wazo_auth.secret_setting('amqp', 'uri'),"
			  " a.amqp ->> 'exchange_name', a.amqp ->> 'exchange_type'"
			  " FROM (SELECT wazo_auth.get_setting('amqp') AS amqp) a", 0, NULL, NULL);
	if (SPI_processed != 1)
		elog(ERROR, "unexpected number of settings");
	changed = keep_setting(&uri, 1);
	changed |= keep_setting(&exchange_name, 2);
	changed |= keep_setting(&exchange_type, 3);
	if (!changed && !first)
		return;
	first = false;
	disconnect();
	connect_not_before = 0;
	connect_pause = 0;
	if (uri)
		(void) relay_run_for_count(&requeue_plan, "SELECT wazo_auth.requeue_unpublished_events()", 0, NULL, NULL);
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
 * Begins to publish the next wave.  Before the second event of an object, the
 * confirmations of all so far are waited for; when the first one did not get
 * its own, the second one stays behind.  Returns false when there is no more.
 */
static bool
publish_wave(void)
{
	while (batch.next < batch.n)
	{
		Event	   *events = batch.events;
		BrokerMessage **wave = MemoryContextAlloc(batch.memory, sizeof(BrokerMessage *) * batch.n);
		int			size = 0;
		int			first = batch.next;
		int			next = first;

		for (; next < batch.n && next - first < WAVE_MAX; next++)
		{
			if (has_object(&events[first], next - first, &events[next].object, false))
				break;
			if (!batch.any_refused || !has_object(events, first, &events[next].object, true))
				wave[size++] = &events[next].message;
		}
		batch.first = first;
		batch.next = next;
		if (size > 0)
		{
			broker_publish(wave, size, batch.memory);
			return true;
		}
	}
	return false;
}

/*
 * Goes on with the batch.  Returns whether it is under way: waiting for the
 * broker.
 */
static bool
drive_batch(void)
{
	while (!broker_is_publishing())
	{
		for (int i = batch.first; i < batch.next; i++)
			batch.any_refused |= batch.events[i].message.outcome != BROKER_CONFIRMED;
		batch.first = batch.next;
		if (broker_state() != BROKER_READY || !publish_wave())
			return false;
	}
	return true;
}

static void
finish_confirmed(void)
{
	const Event *events = batch.events;
	int			n = batch.n;
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

/* Notes what became of the events. */
static void
note_turn(void *arg)
{
	int		   *settled = arg;

	relay_begin("wazo_auth: noting which events were delivered");
	finish_confirmed();
	for (int i = 0; i < batch.n; i++)
	{
		if (batch.events[i].message.outcome == BROKER_REFUSED)
			note_refused(&batch.events[i]);
		if (batch.events[i].message.outcome != BROKER_PENDING)
			(*settled)++;
	}
	relay_commit();
}

static void
pause_connecting(void)
{
	connect_pause = Min(Max(connect_pause * 2, relay_retry_pause), LONGEST_PAUSE_MS);
	connect_not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), connect_pause);
	was_connecting = false;
	forget_floor();
	ereport(LOG,
			(errmsg("message broker: %s", broker_error()),
			 errdetail("Events stay in the outbox; the next attempt is in %d ms.", connect_pause)));
	slot_note_error(WORK_MAIN, psprintf("message broker: %s", broker_error()));
}

static void
drive_turn(void *arg)
{
	broker_drive();
}

/*
 * Lets the connection do what it can, and notes what becomes of it.  Returns
 * whether it has just become ready.
 */
static bool
drive_connection(void)
{
	BrokerState before = broker_state();

	if (before == BROKER_DOWN && !was_connecting)
		return false;
	if (!relay_try(drive_turn, NULL, NULL))
		broker_disconnect();
	if (broker_state() == BROKER_DOWN)
	{
		pause_connecting();
		return false;
	}
	if (!was_connecting || broker_state() != BROKER_READY)
		return false;
	was_connecting = false;
	batch_limit = 1;
	forget_floor();
	ereport(LOG, (errmsg("connected to the message broker")));
	return true;
}

static void
connect_broker(void)
{
	BrokerConfig config = {uri, exchange_name, exchange_type};

	was_connecting = true;
	broker_connect(&config);
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
 * One turn in the database.  Raises whatever the functions raise, with the
 * transaction open.
 */
static void
event_turn(void *arg)
{
	static SPIPlanPtr plan = NULL;
	EventTurn  *turn = arg;

	relay_begin("wazo_auth: reading events");
	turn->held = worker_is_held(QUEUE_EVENTS);
	if (turn->held)
		disconnect();
	else
	{
		read_settings();
		if (uri == NULL)
			turn->more = relay_run_for_count(&plan, "SELECT wazo_auth.deliver_events_locally(5000)",
											 0, NULL, NULL) >= 5000;
		else if (broker_state() == BROKER_READY)
			claim(turn->regular);
	}
	relay_commit();
	if (turn->regular && !turn->held)
		turn->more |= clear_log();
}

/* Notes the outcome of the batch.  Returns whether there may be more at once. */
static bool
end_batch(bool *failed)
{
	int			settled = 0;
	bool		all;
	bool		full = batch.n >= batch.limit;

	*failed = !relay_try(note_turn, &settled, NULL);
	all = settled == batch.n && !*failed && broker_state() == BROKER_READY;
	forget_batch();
	if (settled > 0)
		connect_pause = 0;
	if (all)
	{
		batch_limit = Min(batch_limit * 2, relay_batch_size);
		return full;
	}
	/* smaller, until the one that the broker does not like is alone */
	batch_limit = 1;
	forget_floor();
	return !*failed && broker_state() == BROKER_READY;
}

static TimestampTz regular_at = 0;	/* of the next regular turn */
static TimestampTz turn_at = 0; /* what comes before its time waits for it */
static int	error_pause = 0;
static bool wanted = true;		/* a turn is */

/* After an error of the database: everything anew, after a pause. */
static void
start_over(void)
{
	disconnect();
	error_pause = Min(Max(error_pause * 2, relay_retry_pause), LONGEST_PAUSE_MS);
	turn_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), error_pause);
	wanted = true;
}

static void
run_turn(TimestampTz now, bool regular)
{
	EventTurn	turn = {.regular = regular};

	if (!relay_try(event_turn, &turn, NULL))
	{
		start_over();
		return;
	}
	error_pause = 0;
	wanted = turn.more;
	turn_at = turn.more ? 0 : TimestampTzPlusMilliseconds(now, GATHER_MS);
	if (turn.held || uri == NULL || broker_state() == BROKER_READY)
		slot_note_success(WORK_MAIN);
	if (!turn.held && uri && broker_state() == BROKER_DOWN && now >= connect_not_before)
		connect_broker();
}

/*
 * event_step
 *
 * Does what there is to do about events without waiting for anybody but the
 * database.  woken: something was committed since the last call.  Returns how
 * long (milliseconds) it may go uncalled unless a socket or the latch is set.
 */
long
event_step(TimestampTz now, bool woken)
{
	long		wait;
	long		limit;

	wanted |= woken;
	if (drive_connection())
		wanted = true;
	if (batch.memory && !drive_batch())
	{
		bool		failed;

		wanted |= end_batch(&failed);
		if (failed)
			start_over();
		else
			turn_at = 0;
	}
	if (now >= regular_at || (uri && broker_state() == BROKER_DOWN && now >= connect_not_before))
		wanted = true;
	if (wanted && batch.memory == NULL && now >= turn_at)
	{
		bool		regular = now >= regular_at;

		if (regular)
			regular_at = TimestampTzPlusMilliseconds(now, relay_interval * INT64CONST(1000));
		run_turn(now, regular);
		if (batch.memory)
			(void) drive_batch();
	}

	now = GetCurrentTimestamp();
	wait = TimestampDifferenceMilliseconds(now, regular_at) + 1;
	if (batch.memory)
		wait = broker_is_publishing() ? LONGEST_PAUSE_MS : 0;
	else if (wanted)
		wait = Min(wait, TimestampDifferenceMilliseconds(now, turn_at) + 1);
	if (uri && broker_state() == BROKER_DOWN && connect_not_before > now)
		wait = Min(wait, TimestampDifferenceMilliseconds(now, connect_not_before) + 1);
	limit = broker_wait_limit();
	return limit < 0 ? wait : Min(wait, limit);
}

/* Is an event under way? */
bool
event_is_sending(void)
{
	return batch.memory != NULL;
}

/* What the step waits for, or NULL. */
const char *
event_activity(void)
{
	if (broker_state() == BROKER_CONNECTING)
		return "wazo_auth: connecting to the message broker";
	return batch.memory ? "wazo_auth: publishing events" : NULL;
}

/* Ends the connection; what is under way will be sent again. */
void
event_stop(void)
{
	disconnect();
}
