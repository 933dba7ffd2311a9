/*
 * worker_status.c
 *	  What people see of the background workers of their database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "workers/live.h"
#include "workers/worker_slots.h"

#define STATUS_COLUMNS 8

PG_FUNCTION_INFO_V1(wazo_auth_worker_states);

static const struct
{
	WorkerKind	kind;
	WorkerWork	work;
	const char *worker;
	WorkerQueue queue;
	const char *interval;		/* the setting whose 0 turns it off */
}			shown[] = {
	{WORKER_EXPIRY, WORK_MAIN, "expiry", QUEUE_SESSIONS, "wazo_auth.token_cleanup_interval"},
	{WORKER_RELAY, WORK_MAIN, "relay", QUEUE_EVENTS, "wazo_auth.relay_interval"},
	{WORKER_RELAY, WORK_MAIL, "relay", QUEUE_MAILS, "wazo_auth.relay_interval"},
};

static const char *const state_names[WORKER_STATES] = {
	[WORKER_NOT_LOADED] = "not loaded",
	[WORKER_STOPPED] = "stopped",
	[WORKER_STARTING] = "starting",
	[WORKER_RUNNING] = "running",
};

static bool
is_off(const char *interval)
{
	const char *value = GetConfigOption(interval, true, false);

	return value && strcmp(value, "0") == 0;
}

/* Why a worker does not run, and what to do about it, or NULL. */
static const char *
why_stopped(const WorkerStatus *status)
{
	if (status->state == WORKER_NOT_LOADED)
		return "wazo_auth is not in shared_preload_libraries; call wazo_auth.tick() regularly, or put it there and restart PostgreSQL";
	if (status->state == WORKER_STOPPED && status->needed > 0)
		return psprintf("there are too few background workers: set max_worker_processes to at least %d and restart PostgreSQL",
						status->needed);
	return NULL;
}

/* The state in a word, and why it is so, or NULL. */
static const char *
state_name(const WorkerStatus *status, WorkerWork work, WorkerQueue queue, const char *interval, const char **reason)
{
	*reason = why_stopped(status);
	if (status->state != WORKER_NOT_LOADED && is_off(interval))
	{
		*reason = NULL;
		return "off";
	}
	if (status->state == WORKER_RUNNING || status->state == WORKER_STARTING)
		*reason = hold_reason(queue);
	if (*reason && status->state != WORKER_NOT_LOADED && status->state != WORKER_STOPPED)
		return "held";
	if (status->state == WORKER_RUNNING && status->trouble[work].failing)
		return "failing";
	return state_names[status->state];
}

/*
 * wazo_auth.worker_states(OUT worker text, OUT queue text, OUT pid integer,
 * OUT state text, OUT started_at timestamptz, OUT last_error text,
 * OUT last_error_at timestamptz, OUT reason text) returns setof record
 */
Datum
wazo_auth_worker_states(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(shown); i++)
	{
		Datum		values[STATUS_COLUMNS];
		bool		nulls[STATUS_COLUMNS] = {0};
		WorkerStatus status;
		const WorkerTrouble *trouble = &status.trouble[shown[i].work];
		const char *state;
		const char *reason;

		slots_look(shown[i].kind, MyDatabaseId, &status);
		state = state_name(&status, shown[i].work, shown[i].queue, shown[i].interval, &reason);
		values[0] = CStringGetTextDatum(shown[i].worker);
		values[1] = CStringGetTextDatum(queue_name(shown[i].queue));
		values[2] = Int32GetDatum(status.pid);
		values[3] = CStringGetTextDatum(state);
		values[4] = TimestampTzGetDatum(status.started_at);
		values[5] = CStringGetTextDatum(trouble->error);
		values[6] = TimestampTzGetDatum(trouble->error_at);
		values[7] = reason ? CStringGetTextDatum(reason) : (Datum) 0;
		nulls[7] = reason == NULL;
		nulls[2] = nulls[4] = status.pid == 0;
		nulls[5] = nulls[6] = trouble->error_at == 0;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
