/*
 * worker.h
 *	  What all background workers of a database do alike.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_WORKER_H
#define WAZO_AUTH_WORKER_H

#include "postgres.h"

#include "base/compat.h"
#include "workers/worker_slots.h"

extern const char *worker_type(WorkerKind kind);
extern const char *worker_main_function(WorkerKind kind);
extern void worker_begin(Datum main_arg);
extern void worker_check_interrupts(void);
extern void worker_start_transaction(void);
extern void worker_commit_transaction(void);
extern bool worker_lock_extension(void);
pg_noreturn extern void worker_leave(WorkerFinding finding);

#endif							/* WAZO_AUTH_WORKER_H */
