/*
 * launcher.h
 *	  The background worker that starts the workers of each database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LAUNCHER_H
#define WAZO_AUTH_LAUNCHER_H

extern void launcher_init(void);

#endif							/* WAZO_AUTH_LAUNCHER_H */
