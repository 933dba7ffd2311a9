/*
 * oauth2_ask.c
 *	  Requests to providers of OAuth2 from a user's request.
 *
 * Such a request holds a connection of the front while the provider thinks, so
 * few of the whole server may, and one of each user and kind: of two who want
 * the same token, the second one finds what the first one got.  Who comes first
 * is told by a lock without rows; no row is locked while a provider is asked.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/lock_slots.h"
#include "crypto/secret.h"
#include "oauth2/oauth2_ask.h"
#include "oauth2/oauth2_job.h"

/* Longer (milliseconds) than the program takes by itself. */
#define GRACE_MS		250
#define KEY_POLL_MS		10

static int	max_oauth2_requests = 3;

PG_FUNCTION_INFO_V1(wazo_auth_oauth2_enter);
PG_FUNCTION_INFO_V1(wazo_auth_oauth2_ask);

/* One of the few of the whole server, held to the end of the transaction; false when none became free soon. */
static bool
take_server_slot(void)
{
	SlotWait	wait = {0};
	LOCKTAG		tag;

	while (!lock_slot_take(&tag, InvalidOid, 0, OAUTH2_SLOT_CLASS, max_oauth2_requests))
	{
		if (!lock_slot_wait(&wait, OAUTH2_SLOT_CLASS))
			return false;
	}
	return true;
}

/* The one of this key, held as long, after as much time as another one may take. */
static bool
take_key_slot(uint32 key)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), oauth2_timeout + GRACE_MS);
	LOCKTAG		tag;

	while (!lock_slot_take(&tag, MyDatabaseId, key, OAUTH2_KEY_SLOT_CLASS, 1))
	{
		if (GetCurrentTimestamp() >= deadline)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, KEY_POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* wazo_auth.oauth2_enter(key text) returns void */
Datum
wazo_auth_oauth2_enter(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	uint32		key = hash_bytes((const unsigned char *) VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (!take_server_slot() || !take_key_slot(key))
		raise_status_hint(503, "too many requests are waiting for providers of OAuth2",
						  "Try again later, or raise wazo_auth.max_oauth2_requests.");
	PG_RETURN_VOID();
}

static char *
text_member(HeapTupleHeader row, const char *name)
{
	bool		isnull;
	Datum		value = GetAttributeByName(row, name, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Puts the job to the program. */
static HelperEnd
run_program(const OAuth2Request *request, StringInfo output)
{
	StringInfoData job;
	HelperEnd	end;

	initStringInfo(&job);
	oauth2_write_job(&job, request);
	PG_TRY();
	{
		/* it keeps the limit itself and says where it was; this one is for when it does not */
		end = helper_run(OAUTH2_PROGRAM, job.data, job.len, output, OAUTH2_ANSWER_MAX, oauth2_timeout + GRACE_MS);
	}
	PG_FINALLY();
	{
		secret_wipe(job.data, job.maxlen);
	}
	PG_END_TRY();
	return end;
}

/* wazo_auth.oauth2_ask(request wazo_auth.oauth2_request) returns wazo_auth.oauth2_answer */
Datum
wazo_auth_oauth2_ask(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	OAuth2Request request = {
		text_member(row, "url"), text_member(row, "client_id"), text_member(row, "client_secret"),
		text_member(row, "form")
	};
	StringInfoData output;
	OAuth2Answer answer;
	HelperEnd	end;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "unexpected type of result");
	initStringInfo(&output);
	end = run_program(&request, &output);
	oauth2_read_answer(end, output.data, output.len, &answer);
	/* it may hold the only refresh token that is good from now on */
	if (answer.answered)
		ForceSyncCommit();
	values[0] = CStringGetTextDatum(answer.answered ? "answered" : "unreachable");
	values[1] = Int32GetDatum(answer.status);
	nulls[1] = !answer.answered;
	values[2] = CStringGetTextDatum(answer.body);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* Defines the settings; called from _PG_init. */
void
oauth2_ask_init(void)
{
	oauth2_job_init();
	DefineCustomIntVariable("wazo_auth.max_oauth2_requests",
							"Most requests that wait for providers of OAuth2 at the same time in the whole server.",
							"Further ones fail with SQLSTATE WA503 (HTTP 503).",
							&max_oauth2_requests,
							3, 1, 1024, PGC_SIGHUP, 0, NULL, NULL, NULL);
}
