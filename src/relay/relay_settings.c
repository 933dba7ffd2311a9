/*
 * relay_settings.c
 *	  Settings that both kinds of delivery, events and mails, go by.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "utils/guc.h"

#include "relay/relay_settings.h"

int			relay_interval = 5;
int			relay_batch_size = 500;
int			relay_max_attempts = 10;
int			relay_retry_pause = 1000;

/* Defines the settings; called once per backend. */
void
relay_settings_init(void)
{
	DefineCustomIntVariable("wazo_auth.relay_interval",
							"Longest time between two looks for events and mails to send.",
							"New ones wake the relay at once. 0 turns it off: they stay where they are.",
							&relay_interval,
							5, 0, 3600, PGC_SUSET, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.relay_batch_size",
							"Most events that are sent before their outcome is noted.",
							NULL,
							&relay_batch_size,
							500, 1, 10000, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.relay_max_attempts",
							"How often an event or mail is sent that the other side refuses, before it is parked.",
							NULL,
							&relay_max_attempts,
							10, 1, 1000, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.relay_retry_pause",
							"Pause before a second attempt to connect or to send what was refused.",
							"It doubles from attempt to attempt, up to a minute for connecting and an hour for an event or mail.",
							&relay_retry_pause,
							1000, 10, 60000, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
}
