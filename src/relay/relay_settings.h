/*
 * relay_settings.h
 *	  Settings that both kinds of delivery, events and mails, go by.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_RELAY_SETTINGS_H
#define WAZO_AUTH_RELAY_SETTINGS_H

/* longest pause between attempts to reach a server, and after errors, milliseconds */
#define LONGEST_PAUSE_MS	60000

extern int	relay_interval;
extern int	relay_batch_size;
extern int	relay_max_attempts;
extern int	relay_retry_pause;

extern void relay_settings_init(void);

#endif							/* WAZO_AUTH_RELAY_SETTINGS_H */
