/*
 * live.h
 *	  Is this database the live one, in which the workers work?
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LIVE_H
#define WAZO_AUTH_LIVE_H

#include "postgres.h"

/* What is held or not, each by itself; the names are those of worker_status. */
typedef enum WorkerQueue
{
	QUEUE_SESSIONS,
	QUEUE_EVENTS,
	QUEUE_MAILS,
	QUEUES
} WorkerQueue;

extern const char *queue_name(WorkerQueue queue);
extern char *hold_reason(WorkerQueue queue);
extern bool worker_is_held(WorkerQueue queue);

#endif							/* WAZO_AUTH_LIVE_H */
