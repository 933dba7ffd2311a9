/*
 * oauth2_relay.h
 *	  The relay worker's third task: authorizations by OAuth2 whose answer comes
 *	  over WebSocket.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_OAUTH2_RELAY_H
#define WAZO_AUTH_OAUTH2_RELAY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/latch.h"

/* requests to token endpoints at a time */
#define OAUTH2_MAX_EXCHANGES	4
#define OAUTH2_MAX_SOCKETS		(OAUTH2_MAX_EXCHANGES + 1)

extern long oauth2_step(TimestampTz now, int64 interval_ms, bool woken);
extern bool oauth2_is_asking(void);
extern void oauth2_stop(void);
extern void oauth2_add_to_wait(WaitEventSet *set);

#endif							/* WAZO_AUTH_OAUTH2_RELAY_H */
