/*
 * session_event.c
 *	  The event of a new session, which every login has.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/row_insert.h"
#include "crypto/secret.h"
#include "workers/wake.h"

PG_FUNCTION_INFO_V1(wazo_auth_emit_session_created);

/* A uuid as text; NULL for null. */
static const char *
uuid_argument(FunctionCallInfo fcinfo, int i, char out[UUID_TEXT_LEN + 1])
{
	if (PG_ARGISNULL(i))
		return NULL;
	format_uuid(PG_GETARG_UUID_P(i), out);
	return out;
}

/* What the event says, as json_build_object() writes it. */
static text *
event_data(const char *session, const char *tenant, const char *user, bool mobile)
{
	StringInfoData data;

	initStringInfo(&data);
	appendStringInfo(&data, "{\"uuid\" : \"%s\", \"tenant_uuid\" : \"%s\", \"user_uuid\" : ", session, tenant);
	if (user)
		appendStringInfo(&data, "\"%s\"", user);
	else
		appendStringInfoString(&data, "null");
	appendStringInfo(&data, ", \"mobile\" : %s}", mobile ? "true" : "false");
	return cstring_to_text_with_len(data.data, data.len);
}

static Datum
emit(FunctionCallInfo fcinfo, const char *session, const char *tenant, const char *user)
{
	RowValue	value[] = {
		{EVENT_OUTBOX_NAME, false, CStringGetTextDatum("auth_session_created")},
		{EVENT_OUTBOX_OBJECT_UUID, false, PG_GETARG_DATUM(user ? 2 : 0)},
		{EVENT_OUTBOX_ROUTING_KEY, false, CStringGetTextDatum(psprintf("auth.sessions.%s.created", session))},
		{EVENT_OUTBOX_DATA, false, PointerGetDatum(event_data(session, tenant, user, PG_GETARG_BOOL(3)))},
		{EVENT_OUTBOX_TENANT_UUID, false, PG_GETARG_DATUM(1)},
		{EVENT_OUTBOX_SESSION_UUID, false, PG_GETARG_DATUM(0)},
		{EVENT_OUTBOX_AUDIENCE, user == NULL, user ? CStringGetTextDatum(user) : (Datum) 0},
	};
	Datum		row = row_insert(T_EVENT_OUTBOX, value, lengthof(value));
	bool		isnull;

	wake_relay_at_commit();
	if (row == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(GetAttributeByName(DatumGetHeapTupleHeader(row), "id", &isnull));
}

/*
 * wazo_auth.emit_session_created(session_uuid uuid, tenant_uuid uuid, user_uuid uuid, mobile boolean)
 * returns bigint
 *
 * user_uuid may be null.  Raises 22004 when another one is.
 */
Datum
wazo_auth_emit_session_created(PG_FUNCTION_ARGS)
{
	char		session_room[UUID_TEXT_LEN + 1];
	char		tenant_room[UUID_TEXT_LEN + 1];
	char		user_room[UUID_TEXT_LEN + 1];
	const char *session = uuid_argument(fcinfo, 0, session_room);
	const char *tenant = uuid_argument(fcinfo, 1, tenant_room);
	const char *user = uuid_argument(fcinfo, 2, user_room);

	if (session == NULL || tenant == NULL || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a session without a uuid, a tenant, or a word whether it is mobile")));
	return emit(fcinfo, session, tenant, user);
}
