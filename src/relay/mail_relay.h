/*
 * mail_relay.h
 *	  Writes the mails that were asked for, and sends them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_MAIL_RELAY_H
#define WAZO_AUTH_MAIL_RELAY_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern long mail_step(TimestampTz now, int64 interval_ms, bool woken);
extern bool mail_is_sending(void);
extern void mail_stop(void);

#endif							/* WAZO_AUTH_MAIL_RELAY_H */
