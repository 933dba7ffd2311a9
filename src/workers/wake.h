/*
 * wake.h
 *	  Wakes the relay of this database at commit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_WAKE_H
#define WAZO_AUTH_WAKE_H

extern void wake_relay_at_commit(void);
extern void wake_init(void);

#endif							/* WAZO_AUTH_WAKE_H */
