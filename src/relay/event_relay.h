/*
 * event_relay.h
 *	  Sends the events of the outbox to the message broker.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_EVENT_RELAY_H
#define WAZO_AUTH_EVENT_RELAY_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern long event_step(TimestampTz now, bool woken);
extern bool event_is_sending(void);
extern const char *event_activity(void);
extern void event_stop(void);

#endif							/* WAZO_AUTH_EVENT_RELAY_H */
