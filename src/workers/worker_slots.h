/*
 * worker_slots.h
 *	  The workers of the whole server, in shared memory.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_WORKER_SLOTS_H
#define WAZO_AUTH_WORKER_SLOTS_H

#include "postgres.h"

#include "workers/slot_types.h"

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

#endif							/* WAZO_AUTH_WORKER_SLOTS_H */
