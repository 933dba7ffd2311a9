/*
 * expiry_worker.h
 *	  The background worker that clears away what has expired.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_EXPIRY_WORKER_H
#define WAZO_AUTH_EXPIRY_WORKER_H

extern void expiry_worker_init(void);

#endif							/* WAZO_AUTH_EXPIRY_WORKER_H */
