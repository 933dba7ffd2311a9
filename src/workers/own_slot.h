/*
 * own_slot.h
 *	  What a worker does with the slot that it has.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_OWN_SLOT_H
#define WAZO_AUTH_OWN_SLOT_H

#include "postgres.h"

#include "postmaster/bgworker.h"

#include "workers/slot_types.h"

extern void slot_attach(const BackgroundWorker *worker);
extern void slot_report(WorkerFinding finding);
extern bool slot_take_notice(void);
extern bool slot_is_outdated(void);
extern void slot_listen(void);
extern bool slot_listens(void);
extern void slot_note_error(WorkerWork work, const char *message);
extern void slot_note_logged_error(WorkerWork work);
extern void slot_note_success(WorkerWork work);

#endif							/* WAZO_AUTH_OWN_SLOT_H */
