/*
 * kept_value.c
 *	  What SQL computes from a few tables, kept by each backend until one of
 *	  them changes.
 *
 * A login asks for half a dozen settings and for the identity providers, and
 * each would be a query.  A backend computes such a value once, and again when
 * the trigger forget_cached() of one of its tables says that this changed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/cached_query.h"
#include "base/catalog.h"
#include "base/kept_value.h"
#include "base/pinned.h"

/* The value as a snapshot sees it (NULL: the active one), in the current memory context. */
static Datum
compute(const KeptValue *kept, Oid type, Snapshot snapshot)
{
	Datum		no_args = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
	bool		isnull;
	int			nest_level = NewGUCNestLevel();
	Datum		value;

	pin_settings();
	value = cached_query_value(kept->query, no_args, type, snapshot, &isnull);
	AtEOXact_GUC(true, nest_level);
	if (isnull)
		elog(ERROR, "\"%s\" gave null", kept->query);
	return value;
}

static void
keep(KeptValue *kept, Datum value, TableWatch watch)
{
	MemoryContext old_context;

	if (kept->context == NULL)
		kept->context = AllocSetContextCreate(CacheMemoryContext, "wazo_auth kept value", ALLOCSET_SMALL_SIZES);
	kept->watch = (TableWatch) {0};
	MemoryContextReset(kept->context);
	old_context = MemoryContextSwitchTo(kept->context);
	kept->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	MemoryContextSwitchTo(old_context);
	kept->watch = watch;
}

/*
 * kept_value
 *
 * The value of a varlena type that the query gives now, computed if need be,
 * with the rights of the caller.  It is not the caller's to change, and there
 * until anything else is asked of the database.  Raises what the query raises,
 * and 42704 when one of the tables is not there.
 */
Datum
kept_value(KeptValue *kept, Oid type)
{
	TableWatch	watch;
	Datum		value;

	/*
	 * A transaction that looks at an old snapshot sees the tables of that time; the workers of a parallel query share
	 * the leader's.
	 */
	if (IsolationUsesXactSnapshot() || IsInParallelMode())
		return compute(kept, type, NULL);

	/* Inside a transaction nothing else listens between two statements. */
	AcceptInvalidationMessages();
	if (likely(table_watch_unchanged(&kept->watch)))
		return kept->value;
	watch = catalog_watch(kept->tables);
	value = compute(kept, type, GetLatestSnapshot());
	keep(kept, value, watch);
	return value;
}
