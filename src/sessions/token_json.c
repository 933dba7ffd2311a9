/*
 * token_json.c
 *	  A token as the API shows it (contract: responses.md sections 2 and 3).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "plain/acl_match.h"
#include "base/json_text.h"
#include "sessions/token_json.h"

/*
 * ISO 8601 without an offset: local time of the session's time zone, whose
 * fraction is left out when it is zero, or UTC, which always has six digits.
 * A stored token shows whole seconds, the answer of a login microseconds.
 */
static void
append_time(StringInfo out, const char *name, TimestampTz t, bool utc, bool precise)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;

	if (!precise)
		t -= ((t % USECS_PER_SEC) + USECS_PER_SEC) % USECS_PER_SEC;
	if (timestamp2tm(t, utc ? NULL : &tz, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp of a session is out of range");
	appendStringInfo(out, ", \"%s\": \"%04d-%02d-%02dT%02d:%02d:%02d",
					 name, tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (utc || fsec != 0)
		appendStringInfo(out, ".%06d", (int) fsec);
	appendStringInfoChar(out, '"');
}

/* One member of the metadata as text, or NULL. */
static text *
metadata_text(text *metadata, const char *key)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum		value;

	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = PointerGetDatum(metadata);
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = PointerGetDatum(cstring_to_text(key));
	fcinfo->args[1].isnull = false;
	value = json_object_field_text(fcinfo);
	return fcinfo->isnull ? NULL : DatumGetTextPP(value);
}

static void
append_text(StringInfo out, const char *name, const text *value)
{
	appendStringInfo(out, ", \"%s\": ", name);
	if (value)
		json_append_string(out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	else
		appendStringInfoString(out, "null");
}

/*
 * token_append_json
 *
 * Appends the JSON object of a token.  "session" was found with details.
 * "precise" shows microseconds; "refresh_token" is left out when NULL.
 */
void
token_append_json(StringInfo out, const char *token, const Session *session,
				  bool precise, const text *refresh_token)
{
	const char *packed = VARDATA_ANY(DatumGetPointer(session_acl(session)));
	AclReader	reader;
	const char *entry;
	size_t		len;
	const char *separator = "";

	appendStringInfo(out, "{\"token\": \"%s\", \"auth_id\": ", token);
	json_append_string(out, session->auth_id, session->auth_id_len);
	append_text(out, "xivo_user_uuid", metadata_text(session->metadata, "pbx_user_uuid"));
	append_text(out, "xivo_uuid", metadata_text(session->metadata, "xivo_uuid"));
	append_time(out, "issued_at", session->issued_at, false, precise);
	append_time(out, "expires_at", session->expires_at, false, precise);
	append_time(out, "utc_issued_at", session->issued_at, true, precise);
	append_time(out, "utc_expires_at", session->expires_at, true, precise);

	appendStringInfoString(out, ", \"acl\": [");
	acl_reader_init(&reader, packed);
	while (acl_reader_raw(&reader, &entry, &len))
	{
		appendStringInfoString(out, separator);
		json_append_string(out, entry, len);
		separator = ", ";
	}
	appendStringInfoString(out, "], \"metadata\": ");
	json_append_ascii(out, VARDATA_ANY(session->metadata), VARSIZE_ANY_EXHDR(session->metadata));
	appendStringInfo(out, ", \"session_uuid\": \"%s\"", session->uuid_text);
	append_text(out, "remote_addr", session->remote_addr);
	append_text(out, "user_agent", session->user_agent);
	if (refresh_token)
		append_text(out, "refresh_token", refresh_token);
	appendStringInfoChar(out, '}');
}
