/*
 * log_message.c
 *	  Messages from PL/pgSQL that leave the statement out.
 *
 * With RAISE, the server's log shows the statement of the client beside the
 * message, and where it came from; what the client wrote there may be secret.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "plain/log_text.h"

/* a longer one is cut */
#define MESSAGE_MAX_BYTES	1024

PG_FUNCTION_INFO_V1(wazo_auth_log_message);
PG_FUNCTION_INFO_V1(wazo_auth_warn_message);

/* wazo_auth.log_message(message text) returns void: a line in the server's log, and only there */
Datum
wazo_auth_log_message(PG_FUNCTION_ARGS)
{
	text	   *message = PG_GETARG_TEXT_PP(0);
	char		line[MESSAGE_MAX_BYTES];

	(void) log_text(line, sizeof(line), VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message), LOG_PLAIN);
	ereport(LOG_SERVER_ONLY,
			(errmsg("%s", line),
			 errhidestmt(true), errhidecontext(true)));
	PG_RETURN_VOID();
}

/* wazo_auth.warn_message(message text, hint text) returns void: a WARNING, with a hint unless that is empty */
Datum
wazo_auth_warn_message(PG_FUNCTION_ARGS)
{
	const char *hint = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	ereport(WARNING,
			(errmsg("%s", text_to_cstring(PG_GETARG_TEXT_PP(0))),
			 hint[0] ? errhint("%s", hint) : 0,
			 errhidestmt(true), errhidecontext(true)));
	PG_RETURN_VOID();
}
