/*
 * setting_cache.c
 *	  Settings, kept by each backend until one of them changes.
 *
 * A login asks for half a dozen settings, and each would be a query.  A backend
 * reads all of them at once, defaults included, into one jsonb object, and
 * looks there until the trigger forget_cached() of wazo_auth.setting says that
 * they changed.  As with cached_count.c, what was read is kept only if nothing
 * was heard between the moment before its snapshot was taken and its end.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/cached_query.h"
#include "base/catalog.h"
#include "base/setting_cache.h"

PG_FUNCTION_INFO_V1(wazo_auth_get_setting);

static MemoryContext context = NULL;	/* of the object below */
static Jsonb *settings = NULL;
static uint64 generation = 1;
static uint64 settings_generation = 0;	/* of the object; older ones are void */

static void
setting_invalidate(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == wazo_catalog_setting())
		generation++;
}

/* Registers the invalidation callback; called once per backend. */
void
setting_cache_init(void)
{
	CacheRegisterRelcacheCallback(setting_invalidate, (Datum) 0);
}

/* All settings as a snapshot sees them (NULL: the active one). */
static Jsonb *
read_settings(Snapshot snapshot)
{
	Datum		no_args = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
	bool		isnull;
	Datum		value = cached_query_value("SELECT wazo_auth.effective_settings()", no_args, JSONBOID, snapshot, &isnull);

	if (isnull)
		elog(ERROR, "wazo_auth.effective_settings() gave null");
	return DatumGetJsonbP(value);
}

/* The settings to answer from, read if need be. */
static const Jsonb *
current_settings(void)
{
	uint64		started;
	Jsonb	   *read;

	/*
	 * A transaction that looks at an old snapshot sees the settings of that
	 * time; the workers of a parallel query share the leader's.
	 */
	if (IsolationUsesXactSnapshot() || IsInParallelMode())
		return read_settings(NULL);

	/* Inside a transaction nothing else listens between two statements. */
	AcceptInvalidationMessages();
	(void) wazo_catalog();
	if (likely(settings_generation == generation))
		return settings;
	started = generation;
	read = read_settings(GetLatestSnapshot());
	if (started == generation)
	{
		MemoryContext old_context;

		if (context == NULL)
			context = AllocSetContextCreate(CacheMemoryContext, "wazo_auth settings", ALLOCSET_SMALL_SIZES);
		settings_generation = 0;
		MemoryContextReset(context);
		old_context = MemoryContextSwitchTo(context);
		settings = DatumGetJsonbPCopy(JsonbPGetDatum(read));
		MemoryContextSwitchTo(old_context);
		settings_generation = started;
	}
	return read;
}

/*
 * wazo_auth.get_setting(name text) returns jsonb
 *
 * The value of a setting, or null.  Reading the settings takes the rights of
 * effective_settings(), answering from those that are kept does not: only the
 * owner may execute it (sql/grants.sql).
 */
Datum
wazo_auth_get_setting(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	JsonbValue	value;

	if (getKeyJsonValueFromContainer((JsonbContainer *) &current_settings()->root,
									 VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &value) == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(JsonbValueToJsonb(&value));
}
