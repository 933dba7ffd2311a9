/*
 * oauth2_relay.c
 *	  The relay worker's third task: authorizations by OAuth2 whose answer comes
 *	  over WebSocket.
 *
 * One program, wazo-auth-oauth2-relay, waits for all of them, so a user who
 * takes his time costs a socket there and a row here.  What it hears is stored
 * first and then dealt with, by the program that asks token endpoints, so
 * neither a worker that dies nor one that is slow loses it.  Here nothing waits
 * for anybody: both programs are looked after like the broker and the mail
 * server.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/helper_process.h"
#include "crypto/secret.h"
#include "oauth2/oauth2_job.h"
#include "relay/oauth2_relay.h"
#include "relay/relay_query.h"
#include "relay/relay_settings.h"
#include "workers/live.h"

#define LISTENER			"wazo-auth-oauth2-relay"
#define LISTENER_OUTPUT_MAX (1024 * 1024)

/* a digest in hexadecimal */
#define KEY_SIZE			65

/* at least so much time between two looks at the table, milliseconds */
#define LOOK_PAUSE_MS		50

/* pause between two looks at a program that has closed its output but not ended yet, milliseconds */
#define ENDING_POLL_MS		5

/* between two lines of the log that say the same about the relay */
#define COMPLAINT_PAUSE_MS	60000

/* What the listener has been told to wait for. */
typedef struct Awaited
{
	char		key[KEY_SIZE];
	bool		seen;			/* by the look that is going on */
} Awaited;

/* A request to a token endpoint. */
typedef struct Exchange
{
	char		key[KEY_SIZE];
	HelperTalk *talk;			/* NULL: the place is free */
	bool		over;
	HelperEnd	end;
} Exchange;

static HelperTalk *listener = NULL;
static HTAB *awaited = NULL;
static Exchange exchanges[OAUTH2_MAX_EXCHANGES];
static TimestampTz start_not_before = 0;	/* after the listener has ended */

static void
forget_awaited(void)
{
	if (awaited)
		hash_destroy(awaited);
	awaited = NULL;
}

static void
stop_listener(void)
{
	if (listener)
		helper_talk_stop(listener);
	listener = NULL;
	forget_awaited();
}

static void
order(char sign, const char *key, const char *url)
{
	char	   *text = url ? psprintf("%c%s %s", sign, key, url) : psprintf("%c%s", sign, key);

	helper_talk_send(listener, text, strlen(text) + 1);
}

static void
start_listener(void)
{
	HASHCTL		control = {.keysize = KEY_SIZE, .entrysize = sizeof(Awaited), .hcxt = TopMemoryContext};

	/* of a program that did not start */
	forget_awaited();
	awaited = hash_create("wazo_auth authorizations", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	listener = helper_talk_start(LISTENER, 0);
	helper_talk_send(listener, oauth2_ca_file, strlen(oauth2_ca_file) + 1);
	helper_talk_send(listener, oauth2_private_addresses ? "yes" : "", oauth2_private_addresses ? 4 : 1);
}

/* Tells the listener of one that it does not know. */
static void
await(const char *key, const char *url)
{
	Awaited    *entry;
	bool		found;

	entry = hash_search(awaited, key, HASH_ENTER, &found);
	entry->seen = true;
	if (!found)
		order('+', key, url);
}

/* Tells it to give up those that are not waited for any more. */
static void
give_up_others(void)
{
	HASH_SEQ_STATUS all;
	Awaited    *entry;

	hash_seq_init(&all, awaited);
	while ((entry = hash_seq_search(&all)) != NULL)
	{
		if (!entry->seen)
		{
			order('-', entry->key, NULL);
			(void) hash_search(awaited, entry->key, HASH_REMOVE, NULL);
		}
		else
			entry->seen = false;
	}
}

/* What one look at the table finds. */
typedef struct Look
{
	bool		held;
	int			states;
	char	  **key;
	char	  **url;
	int			requests;
	char		busy[OAUTH2_MAX_EXCHANGES][KEY_SIZE];
	OAuth2Request request[OAUTH2_MAX_EXCHANGES];
} Look;

static void
read_states(Look *look)
{
	static SPIPlanPtr plan = NULL;

	relay_run(&plan, "SELECT key, url FROM wazo_auth.oauth2_relay_states()", 0, NULL, NULL);
	look->states = SPI_processed;
	look->key = MemoryContextAlloc(relay_memory, sizeof(char *) * (look->states + 1));
	look->url = MemoryContextAlloc(relay_memory, sizeof(char *) * (look->states + 1));
	for (int i = 0; i < look->states; i++)
	{
		look->key[i] = relay_copy_column(SPI_tuptable->vals[i], 1);
		look->url[i] = relay_copy_column(SPI_tuptable->vals[i], 2);
	}
}

/* Reads the next request, but for those under way; false when there is none. */
static bool
read_request(Look *look)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {TEXTARRAYOID};
	Datum		keys[OAUTH2_MAX_EXCHANGES * 2];
	Datum		args[1];
	HeapTuple	row;
	OAuth2Request *request = &look->request[look->requests];
	const char *key;
	int			n = 0;

	for (int i = 0; i < OAUTH2_MAX_EXCHANGES; i++)
		if (exchanges[i].talk)
			keys[n++] = CStringGetTextDatum(exchanges[i].key);
	for (int i = 0; i < look->requests; i++)
		keys[n++] = CStringGetTextDatum(look->busy[i]);
	args[0] = PointerGetDatum(construct_array(keys, n, TEXTOID, -1, false, TYPALIGN_INT));
	relay_run(&plan, "SELECT key, (request).url, (request).client_id, (request).client_secret, (request).form"
			  " FROM wazo_auth.oauth2_relay_exchange($1)", 1, types, args);
	row = SPI_processed == 1 ? SPI_tuptable->vals[0] : NULL;
	key = row ? relay_column(row, 1) : NULL;
	if (key == NULL)
		return false;
	strlcpy(look->busy[look->requests], key, KEY_SIZE);
	request->url = relay_copy_column(row, 2);
	request->client_id = relay_column(row, 3);
	request->client_secret = relay_column(row, 4);
	request->form = relay_copy_column(row, 5);
	look->requests++;
	return true;
}

static int
free_places(void)
{
	int			n = 0;

	for (int i = 0; i < OAUTH2_MAX_EXCHANGES; i++)
		n += exchanges[i].talk == NULL;
	return n;
}

static bool
something_waits(void)
{
	static SPIPlanPtr plan = NULL;

	relay_run(&plan, "SELECT 1 FROM wazo_auth.oauth2_pending p WHERE p.relayed LIMIT 1", 0, NULL, NULL);
	return SPI_processed > 0;
}

static void
look_turn(void *arg)
{
	Look	   *look = arg;

	relay_begin("wazo_auth: reading authorizations");
	look->held = worker_is_held(QUEUE_EVENTS);
	if (!look->held && something_waits())
	{
		read_states(look);
		while (look->requests < free_places() && read_request(look))
			;
	}
	relay_commit();
}

/* Starts what the look has found. */
static void
start_exchange(const char *key, const OAuth2Request *request)
{
	int			place = 0;
	StringInfoData job;

	while (exchanges[place].talk)
		place++;
	initStringInfo(&job);
	oauth2_write_job(&job, request);
	strlcpy(exchanges[place].key, key, KEY_SIZE);
	exchanges[place].over = false;
	exchanges[place].talk = helper_talk_start(OAUTH2_PROGRAM, oauth2_timeout + LOOK_PAUSE_MS);
	helper_talk_send(exchanges[place].talk, job.data, job.len);
	helper_talk_end_input(exchanges[place].talk);
	secret_wipe(job.data, job.maxlen);
}

/* Makes the listener wait for what the look has found, and nothing else. */
static void
listen_turn(void *arg)
{
	Look	   *look = arg;

	if (look->states == 0)
		stop_listener();
	else if (listener == NULL)
		start_listener();
	for (int i = 0; i < look->states; i++)
		await(look->key[i], look->url[i]);
	if (listener)
		give_up_others();
}

static void
exchange_turn(void *arg)
{
	Look	   *look = arg;

	for (int i = 0; i < look->requests; i++)
		start_exchange(look->busy[i], &look->request[i]);
}

/* A record of the listener's. */
typedef struct Message
{
	const char *key;
	const char *text;
	bool		awaited;		/* it is stored now */
} Message;

static void
message_turn(void *arg)
{
	static SPIPlanPtr plan = NULL;
	Message    *message = arg;
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		args[2];

	relay_begin("wazo_auth: storing the answer of an authorization");
	args[0] = CStringGetTextDatum(message->key);
	args[1] = CStringGetTextDatum(message->text);
	message->awaited = relay_run_for_count(&plan, "SELECT wazo_auth.oauth2_note_message($1, $2)", 2, types, args) > 0;
	/* the relay says it once */
	ForceSyncCommit();
	relay_commit();
}

static void
complain(TimestampTz now, const char *reason)
{
	static TimestampTz said_at = 0;
	static char said[128];
	OAuth2Answer line;

	if (strncmp(said, reason, sizeof(said) - 1) == 0 && now < TimestampTzPlusMilliseconds(said_at, COMPLAINT_PAUSE_MS))
		return;
	said_at = now;
	strlcpy(said, reason, sizeof(said));
	oauth2_no_answer(&line, reason);
	ereport(LOG, (errmsg("relay of OAuth2: %s", line.body),
				  errdetail("The worker tries again, with pauses of up to a minute.")));
}

/* Deals with a record: "key message" or "! reason". */
static bool
take_record(TimestampTz now, char *record)
{
	char	   *blank = strchr(record, ' ');
	Message		message = {record, blank ? blank + 1 : "", false};

	if (blank == NULL)
		return false;
	*blank = '\0';
	if (strcmp(record, "!") == 0)
	{
		complain(now, message.text);
		return false;
	}
	if (!pg_verify_mbstr(PG_UTF8, message.text, strlen(message.text), true))
		message.text = "";
	/* one that could not be stored is waited for anew */
	(void) relay_try(message_turn, &message, NULL);
	if (awaited)
		(void) hash_search(awaited, message.key, HASH_REMOVE, NULL);
	return message.awaited;
}

/* Takes what the listener has written; true when there is an answer to deal with. */
static bool
hear(TimestampTz now)
{
	HelperEnd	end;
	bool		over;
	bool		any = false;
	StringInfo	output;
	char	   *zero;

	if (listener == NULL)
		return false;
	over = helper_talk_turn(listener, LISTENER_OUTPUT_MAX, &end);
	output = helper_talk_output(listener);
	while ((zero = memchr(output->data, '\0', output->len)) != NULL)
	{
		int			size = zero - output->data + 1;
		char	   *record = MemoryContextStrdup(relay_memory, output->data);

		memmove(output->data, output->data + size, output->len - size + 1);
		output->len -= size;
		any |= take_record(now, record);
	}
	if (over)
	{
		stop_listener();
		start_not_before = TimestampTzPlusMilliseconds(now, relay_retry_pause);
		complain(now, "the program " LISTENER " ended");
	}
	return any;
}

static void
finish_turn(void *arg)
{
	static SPIPlanPtr plan = NULL;
	Exchange   *exchange = arg;
	StringInfo	output = helper_talk_output(exchange->talk);
	OAuth2Answer answer;
	Oid			types[] = {TEXTOID, TEXTOID, INT4OID, TEXTOID};
	Datum		args[4];

	oauth2_read_answer(exchange->end, output->data, output->len, &answer);
	relay_begin("wazo_auth: finishing an authorization");
	args[0] = CStringGetTextDatum(exchange->key);
	args[1] = CStringGetTextDatum(answer.answered ? "answered" : "unreachable");
	args[2] = Int32GetDatum(answer.status);
	args[3] = CStringGetTextDatum(answer.body);
	relay_run(&plan, "SELECT wazo_auth.oauth2_relay_finish($1,"
			  " ROW($2, NULLIF($3, 0), $4)::wazo_auth.oauth2_answer)", 4, types, args);
	ForceSyncCommit();
	relay_commit();
}

/* Stores what has become of the requests that are over; true when there is room for others. */
static bool
collect(void)
{
	bool		any = false;

	for (int i = 0; i < OAUTH2_MAX_EXCHANGES; i++)
	{
		Exchange   *exchange = &exchanges[i];

		if (exchange->talk == NULL)
			continue;
		exchange->over |= helper_talk_turn(exchange->talk, OAUTH2_ANSWER_MAX, &exchange->end);
		if (!exchange->over || !relay_try(finish_turn, exchange, NULL))
			continue;
		helper_talk_stop(exchange->talk);
		exchange->talk = NULL;
		any = true;
	}
	return any;
}

/* Has a program closed its output and not ended yet? Then it has no socket to wait for. */
static bool
any_ending(void)
{
	if (listener && helper_talk_socket(listener) == PGINVALID_SOCKET)
		return true;
	for (int i = 0; i < OAUTH2_MAX_EXCHANGES; i++)
		if (exchanges[i].talk && !exchanges[i].over && helper_talk_socket(exchanges[i].talk) == PGINVALID_SOCKET)
			return true;
	return false;
}

/*
 * oauth2_step
 *
 * Does what there is to do about authorizations without waiting for anybody but
 * the database.  woken: something was committed since the last call.  Returns
 * how long (milliseconds) it may go uncalled unless a socket or the latch is
 * set.
 */
long
oauth2_step(TimestampTz now, int64 interval_ms, bool woken)
{
	static TimestampTz regular_at = 0;
	static TimestampTz look_at = 0; /* not before */
	static bool wanted = true;
	Look		look;

	wanted |= woken | hear(now);
	wanted |= collect();
	if (now >= regular_at)
	{
		regular_at = TimestampTzPlusMilliseconds(now, interval_ms);
		wanted = true;
	}
	if (any_ending())
		return ENDING_POLL_MS;
	if (!wanted)
		return TimestampDifferenceMilliseconds(now, regular_at) + 1;
	if (now < look_at || now < start_not_before)
		return TimestampDifferenceMilliseconds(now, Max(look_at, start_not_before)) + 1;
	memset(&look, 0, sizeof(look));
	look_at = TimestampTzPlusMilliseconds(now, LOOK_PAUSE_MS);
	wanted = false;
	if (!relay_try(look_turn, &look, NULL) || !relay_try(listen_turn, &look, NULL) ||
		!relay_try(exchange_turn, &look, NULL))
	{
		look_at = TimestampTzPlusMilliseconds(now, relay_retry_pause);
		wanted = true;
	}
	return wanted ? relay_retry_pause : TimestampDifferenceMilliseconds(now, regular_at) + 1;
}

/* Is a token endpoint being asked? A code can be exchanged once. */
bool
oauth2_is_asking(void)
{
	return free_places() < OAUTH2_MAX_EXCHANGES;
}

/* Ends both programs' work; the rows stay, and what the relay said is in them. */
void
oauth2_stop(void)
{
	stop_listener();
	for (int i = 0; i < OAUTH2_MAX_EXCHANGES; i++)
	{
		if (exchanges[i].talk)
			helper_talk_stop(exchanges[i].talk);
		exchanges[i].talk = NULL;
	}
}

static void
add_talk(WaitEventSet *set, HelperTalk *talk)
{
	if (talk && helper_talk_socket(talk) != PGINVALID_SOCKET)
		AddWaitEventToSet(set, helper_talk_events(talk), helper_talk_socket(talk), NULL, NULL);
}

/* Adds the sockets of the programs, at most OAUTH2_MAX_SOCKETS. */
void
oauth2_add_to_wait(WaitEventSet *set)
{
	add_talk(set, listener);
	for (int i = 0; i < OAUTH2_MAX_EXCHANGES; i++)
		if (!exchanges[i].over)
			add_talk(set, exchanges[i].talk);
}
