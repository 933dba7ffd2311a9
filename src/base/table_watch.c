/*
 * table_watch.c
 *	  Has one of the extension's tables changed since a cache was filled?
 *
 * A cache begins its watch before it takes a snapshot, reads, and keeps what it
 * read together with the watch.  If something changed meanwhile the watch is
 * over before it is asked for the first time, so what was kept is read again;
 * nobody has to compare anything while reading.
 *
 * Changes of rows reach no other process by themselves: the tables that are
 * kept in caches have the statement trigger forget_cached().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "base/table_watch.h"

PG_FUNCTION_INFO_V1(wazo_auth_forget_cached);

#define MAX_TABLES	64			/* bits of TableWatch.tables */

static Oid	place[MAX_TABLES];	/* InvalidOid: not known, so any change may be its */
static uint64 changed_at[MAX_TABLES];
static uint64 now = 1;			/* moves when one of them changes */

/* relid: InvalidOid for all of them */
static void
on_relcache_change(Datum arg, Oid relid)
{
	now++;
	for (int i = 0; i < MAX_TABLES; i++)
		if (!OidIsValid(relid) || !OidIsValid(place[i]) || place[i] == relid)
			changed_at[i] = now;
}

/* A schema was made, dropped, renamed or given away: rare, so whichever it was. */
static void
on_schema_change(Datum arg, int cacheid, uint32 hashvalue)
{
	on_relcache_change(arg, InvalidOid);
}

/* Registers for changes of relations and schemas; called once per process. */
void
table_watch_init(void)
{
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, on_schema_change, (Datum) 0);
}

/* Says which relation a table is; InvalidOid when that is not known any more. */
void
table_watch_place(int table, Oid relid)
{
	Assert(table >= 0 && table < MAX_TABLES);
	place[table] = relid;
}

/* Begins to watch some tables, before they are read. */
TableWatch
table_watch_begin(uint64 tables)
{
	return (TableWatch) {.tables = tables, .moment = now};
}

/*
 * table_watch_unchanged
 *
 * Has nothing been heard of any of the tables since the watch began?  False
 * for a watch that never began (all zero).
 */
bool
table_watch_unchanged(TableWatch *watch)
{
	if (likely(watch->moment == now))
		return true;
	for (int i = 0; i < MAX_TABLES; i++)
		if ((watch->tables & (UINT64CONST(1) << i)) != 0 && changed_at[i] > watch->moment)
			return false;
	if (watch->moment == 0)
		return false;
	watch->moment = now;		/* so that the next look is short */
	return true;
}

/*
 * wazo_auth.forget_cached() returns trigger
 *
 * Statement trigger on the tables that are kept in caches: makes all processes
 * read them again.  It reaches them too when the change is rolled back, which
 * does no harm.  Raises 39P01 when called otherwise.
 */
Datum
wazo_auth_forget_cached(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wazo_auth.forget_cached() can only be called as a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}
