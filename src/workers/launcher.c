/*
 * launcher.c
 *	  The background worker "wazo_auth launcher": starts the workers of each
 *	  database that has the extension.
 *
 * The launcher is connected to no database and reads only pg_database.  A
 * database that is new to it is looked at once by a probe, a worker that ends
 * right away; later on only when CREATE EXTENSION or DROP EXTENSION was
 * committed there (worker_hooks.c), and now and then all the same, for what a
 * hook does not see (COMMIT PREPARED).  One probe runs at a time.
 *
 * Background workers are few, and others need them too.  When there are not
 * enough for all databases, those with the lowest OIDs have theirs and the
 * others have none, so that which ones are served does not change by chance.
 *
 * The workers are not restarted by the postmaster but from here, which knows
 * whether the database and the extension are still there.  After a crash of the
 * server the postmaster restarts the launcher, which begins anew.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/logicallauncher.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "workers/launcher.h"
#include "workers/worker.h"
#include "workers/worker_hooks.h"

/* pause before a worker that ended is started again, milliseconds */
#define RESTART_PAUSE_MS	5000

/* pause before a database without the extension is looked at again */
#define RELOOK_PAUSE_MS		(10 * 60 * 1000)

/* pause before the postmaster restarts the launcher, seconds */
#define LAUNCHER_RESTART	5

#define REPORTS_AT_ONCE		32

/* the workers of a database, without the probe */
#define WORKERS_EACH		(WORKER_KINDS - 1)

/* background workers for a parallel query, or whatever else somebody wants */
#define LEFT_TO_OTHERS		2

/* What is known about a database. */
typedef struct DatabaseEntry
{
	Oid			oid;			/* key */
	bool		seen;			/* in this turn's list */
	bool		has_extension;
	bool		served;			/* there are background workers for it */
	TimestampTz not_before[WORKER_KINDS];	/* earliest start */
} DatabaseEntry;

PGDLLEXPORT void wazo_auth_launcher_main(Datum main_arg);

static int	launcher_interval = 10;
static HTAB *databases;
static MemoryContext turn_context;
static bool out_of_workers = false;
static int	needed_before = 0;	/* by share_out() */

static DatabaseEntry *
database_entry(Oid oid, bool create)
{
	bool		found;
	DatabaseEntry *entry = hash_search(databases, &oid,
									   create ? HASH_ENTER : HASH_FIND, &found);

	if (create && !found)
	{
		memset(entry, 0, sizeof(*entry));
		entry->oid = oid;
	}
	return entry;
}

static void
look_at_again(DatabaseEntry *entry)
{
	if (entry)
		entry->not_before[WORKER_PROBE] = 0;
}

/* Notes what ended workers found out. */
static void
collect_reports(void)
{
	WorkerReport reports[REPORTS_AT_ONCE];
	TimestampTz now = GetCurrentTimestamp();
	int			n;

	while ((n = slots_collect(reports, REPORTS_AT_ONCE)) > 0)
		for (int i = 0; i < n; i++)
		{
			DatabaseEntry *entry = database_entry(reports[i].database, false);
			WorkerKind	kind = reports[i].kind;

			if (!entry)
				continue;
			if (reports[i].finding == FOUND_NOTHING)
			{
				/* it failed or was stopped: no loop of failures */
				entry->not_before[kind] =
					TimestampTzPlusMilliseconds(now, RESTART_PAUSE_MS);
				continue;
			}
			entry->has_extension = reports[i].finding == FOUND_EXTENSION;
			entry->not_before[kind] = 0;
			if (kind == WORKER_PROBE)
				entry->not_before[kind] =
					TimestampTzPlusMilliseconds(now, RELOOK_PAUSE_MS);
			else
				look_at_again(entry);
		}
}

/* Notes where CREATE EXTENSION or DROP EXTENSION was committed. */
static void
collect_notices(void)
{
	Oid			news[REPORTS_AT_ONCE];
	int			n = slots_take_notices(news, REPORTS_AT_ONCE);

	for (int i = 0; i < n; i++)
		look_at_again(database_entry(news[i], false));
	if (n < 0)
	{
		HASH_SEQ_STATUS scan;
		DatabaseEntry *entry;

		hash_seq_init(&scan, databases);
		while ((entry = hash_seq_search(&scan)) != NULL)
			look_at_again(entry);
	}
}

/*
 * Can a worker connect to the database without waiting?  Not while it is being
 * dropped, renamed, moved or copied.
 */
static bool
connectable(Oid database)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	LockRelease(&tag, RowExclusiveLock, false);
	return true;
}

/*
 * Updates the entries from pg_database.  Returns the OIDs of the databases
 * that workers may run in now, in the turn's memory.
 */
static List *
list_databases(void)
{
	List	   *list = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;
	HASH_SEQ_STATUS known;
	DatabaseEntry *entry;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();

	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (form->datistemplate || !form->datallowconn)
		{
			(void) slots_stop(form->oid);
			continue;
		}
		database_entry(form->oid, true)->seen = true;
		if (!connectable(form->oid))
			continue;
		old = MemoryContextSwitchTo(turn_context);
		list = lappend_oid(list, form->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();

	hash_seq_init(&known, databases);
	while ((entry = hash_seq_search(&known)) != NULL)
	{
		if (!entry->seen)
			(void) hash_search(databases, &entry->oid, HASH_REMOVE, NULL);
		entry->seen = false;
	}
	return list;
}

/*
 * Background workers that are not for the workers of databases: this launcher,
 * PostgreSQL's of logical replication, and some for others.
 */
static int
processes_of_others(void)
{
	return 1 + (max_logical_replication_workers > 0 ? 1 : 0) + LEFT_TO_OTHERS;
}

static int
compare_oids(const void *a, const void *b)
{
	Oid			x = *(const Oid *) a;
	Oid			y = *(const Oid *) b;

	return x < y ? -1 : x > y;
}

static void
tell_needed(int needed, int n_databases, int n_served)
{
	if (needed > needed_before)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too few background workers for the %d databases with wazo_auth", n_databases),
				 errdetail("max_worker_processes is %d; %d databases have workers, those with the highest OIDs have none.",
						   max_worker_processes, n_served),
				 errhint("Set max_worker_processes to at least %d and restart.", needed)));
	needed_before = needed;
	slots_note_needed(needed);
}

/*
 * Decides which of the databases with the extension are served, and stops the
 * workers of the others.  One is served in any case: without a free background
 * worker its own cannot be started, and that is said then.
 */
static void
share_out(void)
{
	int			room = Max((max_worker_processes - processes_of_others()) / WORKERS_EACH, 1);
	Oid		   *oids = MemoryContextAlloc(turn_context, sizeof(Oid) * Max(hash_get_num_entries(databases), 1));
	int			n = 0;
	HASH_SEQ_STATUS scan;
	DatabaseEntry *entry;

	hash_seq_init(&scan, databases);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (entry->has_extension)
			oids[n++] = entry->oid;
	qsort(oids, n, sizeof(Oid), compare_oids);
	for (int i = 0; i < n; i++)
	{
		database_entry(oids[i], false)->served = i < room;
		if (i >= room)
			(void) slots_stop(oids[i]);
	}
	tell_needed(n > room ? processes_of_others() + n * WORKERS_EACH : 0, n, Min(n, room));
}

/* Says it once, not at every turn. */
static void
complain(const char *type, Oid database)
{
	if (!out_of_workers)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("could not start \"%s\" in the database with OID %u: no free background worker", type, database),
				 errhint("You might need to increase max_worker_processes.")));
	out_of_workers = true;
}

static void
start_worker(WorkerKind kind, Oid database)
{
	BackgroundWorker worker;
	SlotId		id;

	if (!slots_claim(kind, database, &id))
	{
		complain(worker_type(kind), database);
		return;
	}
	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "wazo_auth");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "%s", worker_main_function(kind));
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s in database %u", worker_type(kind), database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "%s", worker_type(kind));
	memcpy(worker.bgw_extra, &id, sizeof(id));
	if (!RegisterDynamicBackgroundWorker(&worker, NULL))
	{
		slots_release(&id);
		complain(worker_type(kind), database);
		return;
	}
	out_of_workers = false;
}

/*
 * Starts what the database lacks.  Moves *next up to the time when something
 * can be started that cannot yet.
 */
static void
serve_database(Oid database, TimestampTz now, TimestampTz *next, bool *probing)
{
	DatabaseEntry *entry = database_entry(database, false);

	if (!entry)
		return;
	for (WorkerKind kind = 0; kind < WORKER_KINDS; kind++)
	{
		if (kind != WORKER_PROBE && !(entry->has_extension && entry->served))
			continue;
		/* a worker that runs there sees by itself when the extension goes */
		if (kind == WORKER_PROBE && entry->has_extension)
			continue;
		if (slots_busy(kind, database))
			continue;
		if (entry->not_before[kind] > now)
			*next = Min(*next, entry->not_before[kind]);
		else if (kind != WORKER_PROBE)
			start_worker(kind, database);
		else if (!*probing)
		{
			/* the end of it wakes us */
			start_worker(kind, database);
			*probing = true;
		}
	}
}

/* One turn.  Returns the time of the next one, unless the latch is set. */
static TimestampTz
launcher_turn(void)
{
	List	   *list;
	ListCell   *cell;
	TimestampTz now;
	TimestampTz next;
	bool		probing = false;

	MemoryContextReset(turn_context);
	collect_reports();
	list = list_databases();
	collect_notices();
	now = GetCurrentTimestamp();
	next = TimestampTzPlusMilliseconds(now, launcher_interval * INT64CONST(1000));
	share_out();
	foreach(cell, list)
		probing |= slots_busy(WORKER_PROBE, lfirst_oid(cell));
	foreach(cell, list)
		serve_database(lfirst_oid(cell), now, &next, &probing);
	return next;
}

/* Main function of the launcher. */
void
wazo_auth_launcher_main(Datum main_arg)
{
	HASHCTL		ctl;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	SetConfigOption("application_name", MyBgworkerEntry->bgw_type, PGC_USERSET, PGC_S_SESSION);

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(DatabaseEntry);
	databases = hash_create("wazo_auth databases", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	turn_context = AllocSetContextCreate(TopMemoryContext, "wazo_auth launcher",
										 ALLOCSET_DEFAULT_SIZES);
	slots_attach_launcher();

	for (;;)
	{
		TimestampTz next;

		/* not 0: the postmaster restarts it, unless the server stops */
		if (ProcDiePending)
			proc_exit(1);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		next = launcher_turn();
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next),
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/*
 * Defines the launcher's setting, and registers the launcher when the library
 * is in shared_preload_libraries.  Called from _PG_init.
 */
void
launcher_init(void)
{
	BackgroundWorker worker;

	DefineCustomIntVariable("wazo_auth.launcher_interval",
							"Time between two looks for new databases.",
							"CREATE EXTENSION and DROP EXTENSION are noticed at once.",
							&launcher_interval,
							10, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	worker_slots_init();
	worker_hooks_init();

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = LAUNCHER_RESTART;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "wazo_auth");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "wazo_auth_launcher_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "wazo_auth launcher");
	snprintf(worker.bgw_type, BGW_MAXLEN, "wazo_auth launcher");
	RegisterBackgroundWorker(&worker);
}
