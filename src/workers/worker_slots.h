/*
 * worker_slots.h
 *	  The workers of the whole server, in shared memory.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_WORKER_SLOTS_H
#define WAZO_AUTH_WORKER_SLOTS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "postmaster/bgworker.h"

/*
 * A probe looks once whether a database has the extension; the other kinds run
 * in each database that has it.
 */
typedef enum WorkerKind
{
	WORKER_PROBE,
	WORKER_EXPIRY,
	WORKER_RELAY,
	WORKER_KINDS
} WorkerKind;

/* What a worker that has ended knew about its database. */
typedef enum WorkerFinding
{
	FOUND_NOTHING,				/* it was stopped, or failed, before it knew */
	FOUND_EXTENSION,
	FOUND_NO_EXTENSION
} WorkerFinding;

/* For wazo_auth.worker_status. */
typedef enum WorkerState
{
	WORKER_NOT_LOADED,			/* no shared_preload_libraries */
	WORKER_STOPPED,
	WORKER_STARTING,
	WORKER_RUNNING,
	WORKER_STATES
} WorkerState;

/* The relay has two kinds of work, of which one may fail and the other not. */
typedef enum WorkerWork
{
	WORK_MAIN,					/* events, or what is the worker's only work */
	WORK_MAIL,
	WORKS
} WorkerWork;

#define WORKER_ERROR_SIZE	256

typedef struct WorkerTrouble
{
	bool		failing;		/* the last attempt at this work failed */
	TimestampTz error_at;		/* 0: there was no error */
	char		error[WORKER_ERROR_SIZE];
} WorkerTrouble;

typedef struct WorkerStatus
{
	WorkerState state;
	pid_t		pid;			/* 0 while it does not run */
	int			needed;			/* max_worker_processes that would do for all; 0: it does */
	TimestampTz started_at;
	WorkerTrouble trouble[WORKS];
} WorkerStatus;

/*
 * Names a claimed slot; travels to the worker in bgw_extra.  The generation
 * tells a worker that starts too late that its slot went to another one.
 */
typedef struct SlotId
{
	int			index;
	uint32		generation;
} SlotId;

typedef struct WorkerReport
{
	WorkerKind	kind;
	Oid			database;
	WorkerFinding finding;
} WorkerReport;

/* for the launcher */
extern void worker_slots_init(void);
extern void slots_attach_launcher(void);
extern bool slots_claim(WorkerKind kind, Oid database, SlotId *id);
extern void slots_release(const SlotId *id);
extern bool slots_busy(WorkerKind kind, Oid database);
extern int	slots_collect(WorkerReport *reports, int size);
extern int	slots_take_notices(Oid *databases, int size);
extern void slots_note_needed(int processes);

/* for everybody */
extern bool slots_stop(Oid database);
extern void slots_wait_gone(Oid database, int timeout_ms);
extern void slots_notify(Oid database);
extern void slots_restart(Oid database);
extern void slots_wake(WorkerKind kind, Oid database);
extern void slots_look(WorkerKind kind, Oid database, WorkerStatus *status);

/* for the worker in its slot */
extern void slot_attach(const BackgroundWorker *worker);
extern void slot_report(WorkerFinding finding);
extern bool slot_take_notice(void);
extern bool slot_is_outdated(void);
extern void slot_listen(void);
extern bool slot_listens(void);
extern void slot_note_error(WorkerWork work, const char *message);
extern void slot_note_logged_error(WorkerWork work);
extern void slot_note_success(WorkerWork work);

#endif							/* WAZO_AUTH_WORKER_SLOTS_H */
