/*
 * worker.c
 *	  What all background workers of a database do alike: start, look whether
 *	  the extension is there, run transactions, leave.  And the probe, which
 *	  does nothing else.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "base/extension.h"
#include "base/pinned.h"
#include "workers/own_slot.h"
#include "workers/worker.h"

static const struct
{
	const char *type;			/* backend_type in pg_stat_activity */
	const char *main_function;
}			kinds[WORKER_KINDS] = {
	[WORKER_PROBE] = {"wazo_auth probe", "wazo_auth_probe_main"},
	[WORKER_EXPIRY] = {"wazo_auth expiry", "wazo_auth_expiry_main"},
	[WORKER_RELAY] = {"wazo_auth relay", "wazo_auth_relay_main"},
};

PGDLLEXPORT void wazo_auth_probe_main(Datum main_arg);

/* The name of a kind of worker, as pg_stat_activity shows it. */
const char *
worker_type(WorkerKind kind)
{
	return kinds[kind].type;
}

/* The function of this library that a worker of this kind runs. */
const char *
worker_main_function(WorkerKind kind)
{
	return kinds[kind].main_function;
}

static void
set_option(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_USERSET, PGC_S_SESSION);
}

/*
 * Starts a worker: takes its slot, installs and unblocks the signals, connects
 * to the database whose OID is the worker's argument.
 */
void
worker_begin(Datum main_arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	slot_attach(MyBgworkerEntry);
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(main_arg), InvalidOid, 0);

	set_option("application_name", MyBgworkerEntry->bgw_type);
	pin_settings_of_session();
	/* the SQL functions lock first and look again with a new snapshot */
	set_option("default_transaction_isolation", "read committed");
	set_option("default_transaction_deferrable", "off");

	/*
	 * What a worker has done and a crash undoes, the next worker does again, so its commits need not wait for a disk
	 * or a standby.
	 */
	set_option("synchronous_commit", "off");

	/* from 16 on it shows the parameters of our own statements, which have tokens among them */
	if (GetConfigOption("auto_explain.log_parameter_max_length", true, false))
		SetConfigOption("auto_explain.log_parameter_max_length", "0", PGC_SUSET, PGC_S_SESSION);
}

/*
 * To be called between transactions: ends the process quietly when it was
 * terminated, else handles interrupts and reads the configuration again if
 * that was asked for.
 */
void
worker_check_interrupts(void)
{
	/* in a transaction, ProcessInterrupts() would end it, and say so */
	if (ProcDiePending)
		proc_exit(0);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* Starts a transaction with a snapshot. */
void
worker_start_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Commits it, and tells the statistics, by which autovacuum goes. */
void
worker_commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	(void) pgstat_report_stat(true);
}

/*
 * Is the extension in this database, under its name?  If so, it stays until the end of the
 * transaction: DROP EXTENSION waits for that, and no longer.
 */
bool
worker_lock_extension(void)
{
	Oid			extension = extension_usable();

	if (!OidIsValid(extension))
		return false;
	LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	/* somebody may have dropped it, and even made it anew, while we waited */
	return extension_usable() == extension;
}

/* Ends the worker, outside of a transaction, leaving word for the launcher. */
void
worker_leave(WorkerFinding finding)
{
	slot_report(finding);
	proc_exit(0);
}

/* Main function of the probe: looks once whether the extension is there. */
void
wazo_auth_probe_main(Datum main_arg)
{
	bool		found;

	worker_begin(main_arg);
	worker_start_transaction();
	pgstat_report_activity(STATE_RUNNING, "wazo_auth: looking for the extension");
	found = OidIsValid(extension_usable());
	worker_commit_transaction();
	worker_leave(found ? FOUND_EXTENSION : FOUND_NO_EXTENSION);
}
