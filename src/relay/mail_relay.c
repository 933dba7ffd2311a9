/*
 * mail_relay.c
 *	  The relay worker's second task: writes the mails that were asked for, and
 *	  sends them by SMTP or gives them to a registered function.
 *
 * Mails are read in one transaction, sent with none open, while the worker
 * does other things, and deleted in another one.  A worker that dies in between
 * has sent mails that it will send again; none is lost.  A mail server that
 * cannot be reached holds up all mails and counts against none.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "relay/mail_relay.h"
#include "relay/relay_query.h"
#include "relay/relay_settings.h"
#include "relay/smtp.h"
#include "workers/live.h"
#include "workers/own_slot.h"

/* at least so much time between two looks at the outbox, milliseconds */
#define LOOK_PAUSE_MS		100

/* most mails that one look writes, or gives to a function */
#define WRITE_BATCH			50
#define FUNCTION_BATCH		20

/* longest time that a function may take for a mail, milliseconds */
#define FUNCTION_TIMEOUT_MS 30000

/* A mail that was read. */
typedef struct Mail
{
	int64		id;
	char	   *sender;			/* these are null when a function sends */
	char	   *recipient;
	char	   *message;
} Mail;

/* What one look at the outbox finds. */
typedef struct Look
{
	bool		more;			/* there may be more to do at once */
	bool		by_function;
	SmtpConfig	config;
	char	   *password;		/* of config, to be wiped */
	int			n;
	Mail		mail[FUNCTION_BATCH];
} Look;

/* A mail on its way. */
typedef struct Flight
{
	int64		id;
	SmtpTransfer *transfer;		/* NULL: the place is free */
} Flight;

StaticAssertDecl(SMTP_MAX_TRANSFERS <= FUNCTION_BATCH, "a look has too little room for mails");

static Flight flights[SMTP_MAX_TRANSFERS];
static TimestampTz send_not_before = 0; /* after the server was not there */
static int	send_pause = 0;		/* milliseconds */
static uint64 config_hash = 0;	/* of the settings that were read last */

static int
free_places(void)
{
	int			n = 0;

	for (int i = 0; i < SMTP_MAX_TRANSFERS; i++)
		n += flights[i].transfer == NULL;
	return n;
}

static bool
something_waits(void)
{
	static SPIPlanPtr plan = NULL;

	relay_run(&plan, "SELECT 1 FROM wazo_auth.mail_outbox m WHERE NOT m.parked LIMIT 1", 0, NULL, NULL);
	return SPI_processed > 0;
}

/* Other settings may lead to a server that is there: the pause is over. */
static void
note_config(void)
{
	HeapTuple	row = SPI_tuptable->vals[0];
	uint64		hash = 1;

	for (int i = 1; i <= SPI_tuptable->tupdesc->natts; i++)
	{
		const char *value = SPI_getvalue(row, SPI_tuptable->tupdesc, i);

		hash = hash_bytes_extended((const unsigned char *) (value ? value : ""), value ? strlen(value) + 1 : 0, hash);
	}
	if (hash == config_hash)
		return;
	config_hash = hash;
	send_not_before = 0;
	send_pause = 0;
}

static void
read_config(Look *look)
{
	static SPIPlanPtr plan = NULL;
	HeapTuple	row;

	relay_run(&plan, "SELECT by_function, hostname, port, tls, tls_verify, ca_file, username, password"
			  " FROM wazo_auth.mail_transport()", 0, NULL, NULL);
	if (SPI_processed != 1)
		elog(ERROR, "unexpected number of settings");
	note_config();
	row = SPI_tuptable->vals[0];
	look->by_function = strcmp(relay_copy_column(row, 1), "t") == 0;
	look->config.hostname = relay_copy_column(row, 2);
	look->config.port = pg_strtoint32(relay_copy_column(row, 3));
	look->config.tls = relay_copy_column(row, 4);
	look->config.tls_verify = strcmp(relay_copy_column(row, 5), "t") == 0;
	look->config.ca_file = relay_column(row, 6);
	look->config.username = relay_column(row, 7);
	look->config.password = look->password = relay_column(row, 8);
}

static void
claim(Look *look, int limit)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT4OID, INT8ARRAYOID, BOOLOID};
	Datum		ids[SMTP_MAX_TRANSFERS];
	Datum		args[3];
	int			n = 0;

	for (int i = 0; i < SMTP_MAX_TRANSFERS; i++)
		if (flights[i].transfer)
			ids[n++] = Int64GetDatum(flights[i].id);
	args[0] = Int32GetDatum(limit);
	args[1] = PointerGetDatum(construct_array(ids, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	args[2] = BoolGetDatum(!look->by_function);
	relay_run(&plan, "SELECT id, sender, recipient, message FROM wazo_auth.claim_mails($1, $2, $3)", 3, types, args);
	look->n = Min(SPI_processed, FUNCTION_BATCH);
	for (int i = 0; i < look->n; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;

		look->mail[i].id = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		look->mail[i].sender = relay_column(row, 2);
		look->mail[i].recipient = relay_column(row, 3);
		look->mail[i].message = relay_column(row, 4);
	}
	if (look->n > 0)
		relay_flush_seen();
}

/* Writes what is to be written, and reads what is to be sent. */
static void
look_turn(void *arg)
{
	static SPIPlanPtr plan = NULL;
	Look	   *look = arg;
	int32		written;
	Oid			types[] = {INT4OID, INT4OID, FLOAT8OID};
	Datum		args[] = {
		Int32GetDatum(WRITE_BATCH), Int32GetDatum(relay_max_attempts), Float8GetDatum(relay_retry_pause / 1000.0)
	};

	relay_begin("wazo_auth: reading mails");
	if (something_waits() && !worker_is_held(QUEUE_MAILS))
	{
		written = relay_run_for_count(&plan,
									  "SELECT wazo_auth.write_mails($1, $2, pg_catalog.make_interval(secs => $3))",
									  3, types, args);
		look->more = written >= WRITE_BATCH;
		/* a worker's commits are not, but the token in a mail must outlive a crash */
		if (written > 0)
			ForceSyncCommit();
		read_config(look);
		if (look->by_function)
			claim(look, FUNCTION_BATCH);
		else if (free_places() > 0 && send_not_before == 0)
			claim(look, free_places());
	}
	relay_commit();
}

static void
wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
}

static void
start_transfers(const Look *look)
{
	int			place = 0;

	for (int i = 0; i < look->n; i++)
	{
		const Mail *mail = &look->mail[i];

		while (place < SMTP_MAX_TRANSFERS && flights[place].transfer)
			place++;
		if (place == SMTP_MAX_TRANSFERS || !mail->sender || !mail->recipient || !mail->message)
			break;
		flights[place].id = mail->id;
		flights[place].transfer = smtp_start(&look->config, mail->sender, mail->recipient,
											 mail->message, strlen(mail->message));
		wipe(mail->message);
	}
}

static void
note_failure(int64 id, const char *error)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, TEXTOID, INT4OID, FLOAT8OID};
	Datum		args[4];
	bool		isnull;

	args[0] = Int64GetDatum(id);
	args[1] = CStringGetTextDatum(error);
	args[2] = Int32GetDatum(relay_max_attempts);
	args[3] = Float8GetDatum(relay_retry_pause / 1000.0);
	relay_run(&plan, "SELECT wazo_auth.fail_mail($1, $2, $3, pg_catalog.make_interval(secs => $4))", 4, types, args);
	if (SPI_processed == 1 &&
		DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) && !isnull)
		ereport(WARNING,
				(errmsg("mail %lld is parked", (long long) id),
				 errhint("See wazo_auth.parked_mail for the reason, and wazo_auth.retry_parked_mails().")));
}

/* Notes what became of the mails whose transfer is over. */
static void
note_turn(void *arg)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID};

	relay_begin("wazo_auth: noting which mails were sent");
	for (int i = 0; i < SMTP_MAX_TRANSFERS; i++)
	{
		Datum		id = Int64GetDatum(flights[i].id);
		const char *error;

		if (flights[i].transfer == NULL)
			continue;
		switch (smtp_outcome(flights[i].transfer, &error))
		{
			case SMTP_SENT:
				(void) relay_run_for_count(&plan, "SELECT wazo_auth.finish_mail($1)", 1, types, &id);
				break;
			case SMTP_REFUSED:
				note_failure(flights[i].id, error);
				break;
			default:
				break;
		}
	}
	relay_commit();
}

static void
pause_sending(TimestampTz now, const char *error)
{
	/* the others of a batch that met the same say nothing new */
	if (send_not_before > now)
		return;
	send_pause = Min(Max(send_pause * 2, relay_retry_pause), LONGEST_PAUSE_MS);
	send_not_before = TimestampTzPlusMilliseconds(now, send_pause);
	ereport(LOG,
			(errmsg("mail server: %s", error),
			 errdetail("Mails stay in the outbox; the next attempt is in %d ms.", send_pause)));
	slot_note_error(WORK_MAIL, psprintf("mail server: %s", error));
}

/*
 * Frees the places of transfers that are over and noted.  Returns whether there
 * were any.
 */
static bool
collect(TimestampTz now)
{
	bool		any = false;

	for (int i = 0; i < SMTP_MAX_TRANSFERS; i++)
	{
		const char *error;
		SmtpOutcome outcome;

		if (flights[i].transfer == NULL)
			continue;
		outcome = smtp_outcome(flights[i].transfer, &error);
		if (outcome == SMTP_RUNNING)
			continue;
		if (outcome == SMTP_UNREACHABLE)
			pause_sending(now, error);
		else
			send_pause = 0;
		smtp_free(flights[i].transfer);
		flights[i].transfer = NULL;
		any = true;
	}
	return any;
}

static bool
any_over(void)
{
	for (int i = 0; i < SMTP_MAX_TRANSFERS; i++)
	{
		const char *error;

		if (flights[i].transfer && smtp_outcome(flights[i].transfer, &error) != SMTP_RUNNING)
			return true;
	}
	return false;
}

/* Lets the registered function send one mail. */
static void
function_turn(void *arg)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID};
	Datum		id = Int64GetDatum(((Mail *) arg)->id);

	relay_begin("wazo_auth: sending a mail");
	enable_timeout_after(STATEMENT_TIMEOUT, FUNCTION_TIMEOUT_MS);
	(void) relay_run_for_count(&plan, "SELECT wazo_auth.deliver_mail_by_function($1)", 1, types, &id);
	disable_timeout(STATEMENT_TIMEOUT, false);
	relay_commit();
}

typedef struct Failure
{
	int64		id;
	const char *error;
} Failure;

static void
failure_turn(void *arg)
{
	const Failure *failure = arg;

	relay_begin("wazo_auth: noting that a mail was not sent");
	note_failure(failure->id, failure->error);
	relay_commit();
}

static void
send_by_function(Look *look)
{
	for (int i = 0; i < look->n; i++)
	{
		Failure		failure = {look->mail[i].id, NULL};
		char	   *error = NULL;

		CHECK_FOR_INTERRUPTS();
		if (relay_try(function_turn, &look->mail[i], &error))
			continue;
		failure.error = error;
		(void) relay_try(failure_turn, &failure, NULL);
	}
	look->more |= look->n == FUNCTION_BATCH;
}

/* Looks for mails and begins to send them.  Returns for how long (milliseconds) no other look is to follow. */
static int
look_for_mails(bool *more)
{
	static int	error_pause = 0;
	Look		look;

	memset(&look, 0, sizeof(look));
	if (relay_try(look_turn, &look, NULL))
	{
		error_pause = 0;
		if (send_pause == 0)
			slot_note_success(WORK_MAIL);
		if (look.by_function)
			send_by_function(&look);
		else
			start_transfers(&look);
		*more = look.more;
	}
	else
		error_pause = Min(Max(error_pause * 2, relay_retry_pause), LONGEST_PAUSE_MS);
	wipe(look.password);
	return error_pause > 0 ? error_pause : LOOK_PAUSE_MS;
}

/*
 * mail_step
 *
 * Does what there is to do about mails without waiting for anybody but the
 * database.  woken: something was committed since the last call.  Returns how
 * long (milliseconds) it may go uncalled unless a socket or the latch is set.
 */
long
mail_step(TimestampTz now, int64 interval_ms, bool woken)
{
	static TimestampTz regular_at = 0;
	static TimestampTz look_at = 0; /* not before */
	static TimestampTz note_at = 0; /* likewise */
	static bool wanted = true;
	long		wait;
	long		limit;

	smtp_drive();
	if (any_over() && now >= note_at)
	{
		if (!relay_try(note_turn, NULL, NULL))
			/* they are kept, or they would be sent once more */
			note_at = TimestampTzPlusMilliseconds(now, relay_retry_pause);
		else if (collect(now))
		{
			wanted = true;
			look_at = 0;
		}
	}
	if (send_not_before != 0 && now >= send_not_before)
	{
		send_not_before = 0;
		wanted = true;
	}
	if (now >= regular_at)
	{
		regular_at = TimestampTzPlusMilliseconds(now, interval_ms);
		wanted = true;
	}
	wanted |= woken;
	if (wanted && now >= look_at)
	{
		look_at = TimestampTzPlusMilliseconds(now, look_for_mails(&wanted));
		smtp_drive();
	}

	wait = TimestampDifferenceMilliseconds(now, regular_at) + 1;
	if (wanted)
		wait = Min(wait, TimestampDifferenceMilliseconds(now, look_at) + 1);
	if (send_not_before != 0)
		wait = Min(wait, TimestampDifferenceMilliseconds(now, send_not_before) + 1);
	if (any_over())
		wait = Min(wait, TimestampDifferenceMilliseconds(now, note_at) + 1);
	limit = smtp_wait_limit();
	return limit < 0 ? wait : Min(wait, limit);
}

/* Is a mail under way? */
bool
mail_is_sending(void)
{
	return free_places() < SMTP_MAX_TRANSFERS;
}

/* Gives up all transfers; their mails stay in the outbox. */
void
mail_stop(void)
{
	for (int i = 0; i < SMTP_MAX_TRANSFERS; i++)
	{
		if (flights[i].transfer)
			smtp_free(flights[i].transfer);
		flights[i].transfer = NULL;
	}
}
