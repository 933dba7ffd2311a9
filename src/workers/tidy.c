/*
 * tidy.c
 *	  Vacuums the tables whose rows come and go, when autovacuum is too slow.
 *
 * Autovacuum looks at a database once in autovacuum_naptime, a minute by
 * default.  In that time thousands of logins a second leave more dead rows in
 * the outbox, which is nearly empty, and among the sessions than there are live
 * ones, and the space they took is never given back.  The expiry worker looks
 * every second while rows come and go.  Large tables with few dead rows in
 * them are left to autovacuum, and so is everything while an old snapshot keeps
 * the dead rows.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/vacuum.h"
#include "nodes/makefuncs.h"
#include "pgstat.h"
#include "storage/procarray.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "workers/tidy.h"
#include "workers/worker.h"

/* a table is due with that many dead rows, and at least this part of the live ones */
#define LEAST_DEAD			5000
#define LIVE_PER_DEAD		10

/* milliseconds between two looks, while rows come and go and otherwise */
#define BUSY_LOOK_MS		1000
#define IDLE_LOOK_MS		3000

/* vacuum may take one part in that many of the time */
#define SHARE_OF_TIME		5

static struct
{
	const char *name;
	const char *activity;
	TimestampTz not_before;
	TransactionId horizon;		/* at the last vacuum: younger rows had to stay */
	PgStat_Counter dead;		/* at the last look */
}			tables[] = {
	{.name = "session", .activity = "wazo_auth: vacuuming sessions"},
	{.name = "event_outbox", .activity = "wazo_auth: vacuuming the outbox of events"},
};

/*
 * Is a table due?  Then *relid is it, and *horizon the oldest transaction whose
 * rows have to stay.  *busy: it has got more dead rows since the last look.
 */
static bool
is_due(int i, Oid *relid, TransactionId *horizon, bool *busy)
{
	bool		due = false;
	Oid			schema;
	PgStat_StatTabEntry *stats = NULL;

	*relid = InvalidOid;
	worker_start_transaction();
	schema = get_namespace_oid("wazo_auth", true);
	if (OidIsValid(schema))
		*relid = get_relname_relid(tables[i].name, schema);
	if (OidIsValid(*relid))
		stats = pgstat_fetch_stat_tabentry(*relid);
	if (stats)
	{
		due = stat_dead_rows(stats) >= Max(LEAST_DEAD, stat_live_rows(stats) / LIVE_PER_DEAD) &&
			GetCurrentTimestamp() >= tables[i].not_before;
		*busy |= stat_dead_rows(stats) > tables[i].dead;
		tables[i].dead = stat_dead_rows(stats);
	}
	if (due)
	{
		Relation	rel = try_relation_open(*relid, AccessShareLock);

		due = rel != NULL;
		if (rel)
		{
			/* while an old snapshot is open, there is nothing more to remove */
			*horizon = GetOldestNonRemovableTransactionId(rel);
			due = *horizon != tables[i].horizon;
			relation_close(rel, AccessShareLock);
		}
	}
	worker_commit_transaction();
	return due;
}

/* As VACUUM (SKIP_LOCKED, TRUNCATE off) of one table; outside of a transaction. */
static void
vacuum_table(Oid relid)
{
	VacuumParams params = {
		.options = VACOPT_VACUUM | VACOPT_SKIP_LOCKED | VACUUM_TABLE_ITSELF | VACOPT_PROCESS_TOAST,
		.freeze_min_age = -1,
		.freeze_table_age = -1,
		.multixact_freeze_min_age = -1,
		.multixact_freeze_table_age = -1,
		.log_min_duration = -1,
		.index_cleanup = VACOPTVALUE_UNSPECIFIED,
		/* would lock everybody out, and the space is needed again soon */
		.truncate = VACOPTVALUE_DISABLED,
		.nworkers = -1,
	};
	static MemoryContext context = NULL;
	MemoryContext old_portal_context = PortalContext;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "wazo_auth vacuum", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);
	StartTransactionCommand();
	/* vacuum() commits in between; what it is to remember stands here */
	PortalContext = context;
	PG_TRY();
	{
		List	   *relations;

		MemoryContextSwitchTo(context);
		relations = list_make1(makeVacuumRelation(NULL, relid, NIL));
		vacuum_relations(relations, params, context);
	}
	PG_FINALLY();
	{
		PortalContext = old_portal_context;
	}
	PG_END_TRY();
	CommitTransactionCommand();
	(void) pgstat_report_stat(true);
}

/*
 * tidy
 *
 * Vacuums what is due, outside of a transaction.  Returns when to look again.
 * Raises what VACUUM raises, with a transaction open.
 */
TimestampTz
tidy(void)
{
	bool		busy = false;

	for (int i = 0; i < lengthof(tables); i++)
	{
		TimestampTz started = GetCurrentTimestamp();
		long		took;
		Oid			relid;
		TransactionId horizon;

		if (!is_due(i, &relid, &horizon, &busy))
			continue;
		pgstat_report_activity(STATE_RUNNING, tables[i].activity);
		vacuum_table(relid);
		pgstat_report_activity(STATE_IDLE, NULL);
		tables[i].horizon = horizon;
		tables[i].dead = 0;
		took = TimestampDifferenceMilliseconds(started, GetCurrentTimestamp());
		tables[i].not_before = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), took * SHARE_OF_TIME);
	}
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), busy ? BUSY_LOOK_MS : IDLE_LOOK_MS);
}
