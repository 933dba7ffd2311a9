/*
 * live.c
 *	  Is this database the live one, in which the workers work?
 *
 * The SQL functions in sql/workers/live_functions.sql decide; they also say
 * what a copy or a restored dump has to be told.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/kept_plan.h"
#include "workers/live.h"

PG_FUNCTION_INFO_V1(wazo_auth_database_identity);

static const char *const queue_names[QUEUES] = {
	[QUEUE_SESSIONS] = "sessions",
	[QUEUE_EVENTS] = "events",
	[QUEUE_MAILS] = "mails",
};

/* The name that worker_status and wazo_auth.hold_reason() know it by. */
const char *
queue_name(WorkerQueue queue)
{
	return queue_names[queue];
}

/*
 * Why a kind of work is to be left alone, in the caller's memory, or NULL.
 * Needs a transaction with a snapshot.
 */
char *
hold_reason(WorkerQueue queue)
{
	static SPIPlanPtr plan = NULL;
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = TEXTOID;
	Datum		arg;
	char	   *reason;

	SPI_connect();
	(void) kept_plan(&plan, "SELECT wazo_auth.hold_reason($1)", 1, &type);
	arg = CStringGetTextDatum(queue_names[queue]);
	/* not read-only: what was committed since the transaction's snapshot counts */
	if (SPI_execute_plan(plan, &arg, NULL, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "unexpected result of wazo_auth.hold_reason()");
	reason = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (reason)
		reason = MemoryContextStrdup(caller, reason);
	SPI_finish();
	return reason;
}

/*
 * The same for a worker, who says it in the log when that changes.
 */
bool
worker_is_held(WorkerQueue queue)
{
	static bool said[QUEUES];
	char	   *reason = hold_reason(queue);

	if (reason && !said[queue])
		ereport(LOG,
				(errmsg("work at %s is held in database \"%s\"", queue_names[queue], get_database_name(MyDatabaseId)),
				 errdetail("%s", reason)));
	else if (!reason && said[queue])
		ereport(LOG,
				(errmsg("work at %s goes on in database \"%s\"", queue_names[queue], get_database_name(MyDatabaseId))));
	said[queue] = reason != NULL;
	return reason != NULL;
}

/*
 * wazo_auth.database_identity() returns text
 */
Datum
wazo_auth_database_identity(PG_FUNCTION_ARGS)
{
	char	   *name = get_database_name(MyDatabaseId);

	/* somebody may be dropping it */
	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT "/%u/%s", GetSystemIdentifier(), MyDatabaseId, name)));
}
