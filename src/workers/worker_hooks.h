/*
 * worker_hooks.h
 *	  What ordinary backends do for the workers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_WORKER_HOOKS_H
#define WAZO_AUTH_WORKER_HOOKS_H

extern void worker_hooks_init(void);

#endif							/* WAZO_AUTH_WORKER_HOOKS_H */
