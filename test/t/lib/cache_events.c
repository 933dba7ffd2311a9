/*
 * cache_events.c
 *	  Makes a session's caches live in bad company; for test/t/caches.t.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/sinval.h"
#include "utils/inval.h"

PG_MODULE_MAGIC;

#define NO_RELATION 1

PG_FUNCTION_INFO_V1(take_slots);
PG_FUNCTION_INFO_V1(start_storm);
PG_FUNCTION_INFO_V1(stop_storm);

static bool storm = false;

static void
ignore(Datum arg, Oid relid)
{
}

/* take_slots(integer): registers that many callbacks for changes of relations. */
Datum
take_slots(PG_FUNCTION_ARGS)
{
	for (int i = 0; i < PG_GETARG_INT32(0); i++)
		CacheRegisterRelcacheCallback(ignore, (Datum) 0);
	PG_RETURN_VOID();
}

/* News of a relation that does not exist, for when this process looks for news next. */
static void
send_news(void)
{
	SharedInvalidationMessage message;

	memset(&message, 0, sizeof(message));
	message.rc.id = SHAREDINVALRELCACHE_ID;
	message.rc.dbId = MyDatabaseId;
	message.rc.relId = NO_RELATION;
	SendSharedInvalidMessages(&message, 1);
}

static void
go_on(Datum arg, Oid relid)
{
	static bool inside = false;

	if (!storm || relid != NO_RELATION)
		return;
	send_news();
	if (inside)
		return;
	inside = true;
	InvalidateSystemCachesExtended(true);
	inside = false;
}

/*
 * start_storm(): from now on, every lock that this process takes voids all its
 * caches, as with debug_discard_caches = 1, which only servers with assertions
 * have.
 */
Datum
start_storm(PG_FUNCTION_ARGS)
{
	static bool registered = false;

	if (!registered)
		CacheRegisterRelcacheCallback(go_on, (Datum) 0);
	registered = true;
	storm = true;
	send_news();
	PG_RETURN_VOID();
}

Datum
stop_storm(PG_FUNCTION_ARGS)
{
	storm = false;
	PG_RETURN_VOID();
}
