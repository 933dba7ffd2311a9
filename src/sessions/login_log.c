/*
 * login_log.c
 *	  Who logged in or failed to, and from where, for the server's log.
 *
 * The lines are those of the Python server, so that what operators have for
 * them goes on working.  Neither the password nor the whole token is in them,
 * and no name or agent can make another line or a part of this one.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "crypto/secret.h"
#include "plain/log_text.h"
#include "plain/uuid_text.h"

/* bytes of each part */
#define NAME_MAX_BYTES	256
#define PEER_MAX_BYTES	128
#define AGENT_MAX_BYTES	256

/* as much of a token as the Python server shows */
#define SHOWN_DIGITS	8

PG_FUNCTION_INFO_V1(wazo_auth_log_login);

/* An argument as it is shown; "otherwise" where there is none. */
static const char *
shown(FunctionCallInfo fcinfo, int i, char *out, size_t size, LogQuote quote, const char *otherwise)
{
	text	   *value = PG_ARGISNULL(i) ? NULL : PG_GETARG_TEXT_PP(i);

	if (value == NULL || (VARSIZE_ANY_EXHDR(value) == 0 && quote == LOG_WORD))
		return otherwise;
	(void) log_text(out, size, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), quote);
	return out;
}

/*
 * wazo_auth.log_login(login text, token uuid, remote_addr text, user_agent text)
 *		returns boolean
 *
 * token: null for a login that failed.
 */
Datum
wazo_auth_log_login(PG_FUNCTION_ARGS)
{
	char		name_room[NAME_MAX_BYTES];
	char		peer_room[PEER_MAX_BYTES];
	char		agent_room[AGENT_MAX_BYTES];
	const char *name = shown(fcinfo, 0, name_room, sizeof(name_room), LOG_WORD, "-");
	const char *peer = shown(fcinfo, 2, peer_room, sizeof(peer_room), LOG_WORD, "-");
	const char *agent = shown(fcinfo, 3, agent_room, sizeof(agent_room), LOG_QUOTED, "\"\"");

	if (PG_ARGISNULL(1))
		ereport(LOG_SERVER_ONLY,
				(errmsg("Failed login: %s from %s using agent %s", name, peer, agent),
				 errhidestmt(true), errhidecontext(true)));
	else
	{
		char		token[UUID_TEXT_LEN + 1];

		uuid_text_format(PG_GETARG_UUID_P(1)->data, token);
		ereport(LOG_SERVER_ONLY,
				(errmsg("Successful login: %s got token XXXXXXXX-XXXX-XXXX-XXXX-XXXX%s from %s using agent %s",
						name, token + UUID_TEXT_LEN - SHOWN_DIGITS, peer, agent),
				 errhidestmt(true), errhidecontext(true)));
		secret_wipe(token, sizeof(token));
	}
	PG_RETURN_BOOL(!PG_ARGISNULL(1));
}
