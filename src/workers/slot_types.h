/*
 * slot_types.h
 *	  What the workers of the server and their slots are told by.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SLOT_TYPES_H
#define WAZO_AUTH_SLOT_TYPES_H

#include "postgres.h"

#include "datatype/timestamp.h"

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

#endif							/* WAZO_AUTH_SLOT_TYPES_H */
