/*
 * current_token.c
 *	  The token on whose behalf a transaction runs, for row-level security.
 *
 * It is kept in this process and not in a setting, which anybody could set,
 * and which would show the token.  It ends with the transaction, and with a
 * rolled back subtransaction that chose it: then there is none, also when
 * there was another one before.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "crypto/secret.h"
#include "sessions/token.h"

PG_FUNCTION_INFO_V1(wazo_auth_set_token);
PG_FUNCTION_INFO_V1(wazo_auth_can);
PG_FUNCTION_INFO_V1(wazo_auth_can_reach);
PG_FUNCTION_INFO_V1(wazo_auth_current_user_uuid);
PG_FUNCTION_INFO_V1(wazo_auth_current_tenant_uuid);

/* What changes when another statement or snapshot looks, or something has been committed. */
typedef struct Moment
{
	TimestampTz statement;
	TransactionId xmax;
	uint32		xcnt;
	int32		subxcnt;
	CommandId	command;
} Moment;

static Session current;
static pg_uuid_t current_digest;	/* of the token, to look for its session again */
static bool has_current = false;
static Moment judged_at;		/* when it was looked for last */
static bool judged_live;
static int	chosen_level = 0;	/* nesting of the transaction that chose it */

static void
forget(XactEvent event, void *arg)
{
	/* commit, abort and prepare alike; the events before them change nothing */
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PARALLEL_PRE_COMMIT &&
		event != XACT_EVENT_PRE_PREPARE)
		has_current = false;
}

static void
forget_in_subtransaction(SubXactEvent event, SubTransactionId own,
						 SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();

	if (!has_current || chosen_level < level)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		has_current = false;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		chosen_level = level - 1;
}

static Moment
moment_of(Snapshot snapshot)
{
	return (Moment)
	{
		GetCurrentStatementStartTimestamp(), snapshot->xmax, snapshot->xcnt, snapshot->subxcnt, snapshot->curcid
	};
}

static bool
same_moment(const Moment *a, const Moment *b)
{
	return a->statement == b->statement && a->xmax == b->xmax && a->xcnt == b->xcnt &&
		a->subxcnt == b->subxcnt && a->command == b->command;
}

/*
 * set_token(token uuid): from here to the end of the transaction can() and the
 * others speak for this token.  Returns whether it is a live one; with null,
 * an unknown or an expired token there is none any more.  What the session's
 * row said is kept until then; whether there still is one is not.
 */
Datum
wazo_auth_set_token(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	Session		found;

	if (!registered)
	{
		RegisterXactCallback(forget, NULL);
		RegisterSubXactCallback(forget_in_subtransaction, NULL);
		registered = true;
	}
	has_current = false;
	if (PG_ARGISNULL(0) ||
		!session_find(PG_GETARG_UUID_P(0), SESSION_FOR_CHECK, &found))
		PG_RETURN_BOOL(false);

	current = found;
	token_digest(PG_GETARG_UUID_P(0), &current_digest);
	judged_at = moment_of(GetActiveSnapshot());
	judged_live = true;
	if (found.has_user)
		current.auth_id = current.user_text;
	else
	{
		char	   *copy = MemoryContextAlloc(TopTransactionContext,
											  Max(found.auth_id_len, 1));

		memcpy(copy, found.auth_id, found.auth_id_len);
		current.auth_id = copy;
	}
	chosen_level = GetCurrentTransactionNestLevel();
	has_current = true;
	PG_RETURN_BOOL(true);
}

/*
 * A transaction that keeps one snapshot would not see that the token was
 * revoked since; in parallel mode there can be no other snapshot.
 */
static bool
look_again(void)
{
	bool		latest = IsolationUsesXactSnapshot() && !IsInParallelMode();
	bool		live;

	if (latest)
		PushActiveSnapshot(GetLatestSnapshot());
	live = session_live(&current_digest, &current.expires_at);
	if (latest)
		PopActiveSnapshot();
	return live;
}

/*
 * A transaction may be longer than the token lives.  Policies ask for each row,
 * so the session is looked for again only when it can have changed.
 */
static bool
alive(void)
{
	Moment		now;

	if (!has_current)
		return false;
	now = moment_of(GetActiveSnapshot());
	if (!same_moment(&now, &judged_at))
	{
		judged_live = look_again();
		judged_at = now;
	}
	return judged_live && current.expires_at > GetCurrentStatementStartTimestamp();
}

/* can(access): does the current token grant it?  False without a token. */
Datum
wazo_auth_can(PG_FUNCTION_ARGS)
{
	text	   *access = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(alive() &&
				   session_grants(&current, VARDATA_ANY(access),
								  VARSIZE_ANY_EXHDR(access)));
}

/* can_reach(tenant): is it the tenant of the current token, or below it? */
Datum
wazo_auth_can_reach(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(alive() &&
				   session_reaches_tenant(&current, PG_GETARG_UUID_P(0)));
}

static Datum
uuid_datum(const pg_uuid_t *uuid)
{
	pg_uuid_t  *copy = palloc(sizeof(pg_uuid_t));

	*copy = *uuid;
	return UUIDPGetDatum(copy);
}

/* current_user_uuid(): whose the current token is; null when nobody's. */
Datum
wazo_auth_current_user_uuid(PG_FUNCTION_ARGS)
{
	if (!alive() || !current.has_user)
		PG_RETURN_NULL();
	return uuid_datum(&current.user_uuid);
}

/* current_tenant_uuid(): the tenant its owner belongs to now, or null. */
Datum
wazo_auth_current_tenant_uuid(PG_FUNCTION_ARGS)
{
	pg_uuid_t	tenant;

	if (!alive() || !session_owner_tenant(&current, &tenant))
		PG_RETURN_NULL();
	return uuid_datum(&tenant);
}
