/*
 * setting_cache.c
 *	  Settings, kept by each backend until one of them changes.
 *
 * A login asks for half a dozen settings, and each would be a query.  A backend
 * reads all of them at once, defaults included, into one jsonb object, and
 * looks there until the trigger forget_cached() of wazo_auth.setting says that
 * they changed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/cached_query.h"
#include "base/catalog.h"
#include "base/pinned.h"

PG_FUNCTION_INFO_V1(wazo_auth_get_setting);

static MemoryContext context = NULL;	/* of the object below */
static Jsonb *settings = NULL;
static TableWatch settings_watch;

/* All settings as a snapshot sees them (NULL: the active one). */
static Jsonb *
read_settings(Snapshot snapshot)
{
	Datum		no_args = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
	bool		isnull;
	int			nest_level = NewGUCNestLevel();
	Datum		value;

	pin_settings();
	value = cached_query_value("SELECT wazo_auth.effective_settings()", no_args, JSONBOID, snapshot, &isnull);
	AtEOXact_GUC(true, nest_level);
	if (isnull)
		elog(ERROR, "wazo_auth.effective_settings() gave null");
	return DatumGetJsonbP(value);
}

/* The settings to answer from, read if need be. */
static const Jsonb *
current_settings(void)
{
	TableWatch	watch;
	Jsonb	   *read;
	MemoryContext old_context;

	/*
	 * A transaction that looks at an old snapshot sees the settings of that time; the workers of a parallel query
	 * share the leader's.
	 */
	if (IsolationUsesXactSnapshot() || IsInParallelMode())
		return read_settings(NULL);

	/* Inside a transaction nothing else listens between two statements. */
	AcceptInvalidationMessages();
	if (likely(table_watch_unchanged(&settings_watch)))
		return settings;
	watch = catalog_watch(TABLE_BIT(T_SETTING));
	read = read_settings(GetLatestSnapshot());
	if (context == NULL)
		context = AllocSetContextCreate(CacheMemoryContext, "wazo_auth settings", ALLOCSET_SMALL_SIZES);
	settings_watch = (TableWatch) {0};
	MemoryContextReset(context);
	old_context = MemoryContextSwitchTo(context);
	settings = DatumGetJsonbPCopy(JsonbPGetDatum(read));
	MemoryContextSwitchTo(old_context);
	settings_watch = watch;
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
