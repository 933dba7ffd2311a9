/*
 * worker_hooks.c
 *	  What ordinary backends do for the workers: tell the launcher about CREATE
 *	  EXTENSION and DROP EXTENSION, restart the workers of a database whose
 *	  settings have changed, and stop those of one that is about to be dropped,
 *	  renamed, moved or copied, since PostgreSQL refuses that while anybody is
 *	  connected to it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "workers/worker_hooks.h"
#include "workers/worker_slots.h"

/* longest wait for workers to end, milliseconds; PostgreSQL then waits 5 s more */
#define STOP_TIMEOUT_MS		5000

static object_access_hook_type prev_object_access_hook = NULL;
static ProcessUtility_hook_type prev_process_utility_hook = NULL;

/* extensions of this database were made or dropped in this transaction */
static bool extensions_changed = false;

/* databases whose settings were changed in it; in the transaction's memory */
static List *altered_databases = NIL;

/*
 * Any extension counts: at this time the catalog does not show yet which one
 * is being made, and a look at the database is cheap.
 */
static void
on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class_id, object_id, sub_id, arg);
	if (class_id == ExtensionRelationId &&
		(access == OAT_POST_CREATE || access == OAT_DROP))
		extensions_changed = true;
}

static void
on_transaction_end(XactEvent event, void *arg)
{
	ListCell   *cell;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (event == XACT_EVENT_COMMIT && extensions_changed)
		slots_notify(MyDatabaseId);
	if (event == XACT_EVENT_COMMIT)
		foreach(cell, altered_databases)
			slots_restart(lfirst_oid(cell));
	extensions_changed = false;
	altered_databases = NIL;
}

/* Value of a text option in a list of DefElem, or NULL. */
static const char *
text_option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0 && option->arg)
			return defGetString(option);
	}
	return NULL;
}

/*
 * Stops the workers in a database and keeps new ones from connecting until the
 * end of the transaction, by the lock that the statement itself takes next.
 *
 * Does nothing for a database that does not exist or is not the user's: the
 * statement then fails by itself.
 */
static void
clear_database(const char *name, LOCKMODE lockmode)
{
	Oid			database = get_database_oid(name, true);

	if (!OidIsValid(database) || database == MyDatabaseId ||
		!owns_database(database, GetUserId()))
		return;
	LockSharedObject(DatabaseRelationId, database, 0, lockmode);
	if (slots_stop(database))
		slots_wait_gone(database, STOP_TIMEOUT_MS);
}

static void
before_utility(Node *statement, bool top_level)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			PreventInTransactionBlock(top_level, "DROP DATABASE");
			clear_database(((DropdbStmt *) statement)->dbname, AccessExclusiveLock);
			break;
		case T_CreatedbStmt:
			{
				const char *template = text_option(((CreatedbStmt *) statement)->options, "template");

				PreventInTransactionBlock(top_level, "CREATE DATABASE");
				if (template)
					clear_database(template, ShareLock);
				break;
			}
		case T_RenameStmt:
			if (((RenameStmt *) statement)->renameType == OBJECT_DATABASE)
				clear_database(((RenameStmt *) statement)->subname, AccessExclusiveLock);
			break;
		case T_AlterDatabaseStmt:
			if (text_option(((AlterDatabaseStmt *) statement)->options, "tablespace"))
			{
				PreventInTransactionBlock(top_level, "ALTER DATABASE SET TABLESPACE");
				clear_database(((AlterDatabaseStmt *) statement)->dbname, AccessExclusiveLock);
			}
			break;
		default:
			break;
	}
}

/* Remembers the database of ALTER DATABASE ... SET. */
static void
after_utility(Node *statement)
{
	if (IsA(statement, AlterDatabaseSetStmt))
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);

		altered_databases = lappend_oid(altered_databases,
										get_database_oid(((AlterDatabaseSetStmt *) statement)->dbname, false));
		MemoryContextSwitchTo(old);
	}
}

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	before_utility(pstmt->utilityStmt, context == PROCESS_UTILITY_TOPLEVEL);
	if (prev_process_utility_hook)
		prev_process_utility_hook(pstmt, query, read_only_tree, context, params, env, dest, qc);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context, params, env, dest, qc);
	after_utility(pstmt->utilityStmt);
}

/* Installs the hooks; only while shared_preload_libraries are loaded. */
void
worker_hooks_init(void)
{
	prev_object_access_hook = object_access_hook;
	object_access_hook = on_object_access;
	prev_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	RegisterXactCallback(on_transaction_end, NULL);
}
