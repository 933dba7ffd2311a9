/*
 * broker.h
 *	  A connection to an AMQP 0-9-1 broker that confirms what it is given, and
 *	  for which nobody ever waits.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_BROKER_H
#define WAZO_AUTH_BROKER_H

#include "postgres.h"

#include "relay/broker_wave.h"
#include "storage/latch.h"

/* most sockets that broker_add_to_wait() adds */
#define BROKER_MAX_SOCKETS	1

/* What to connect to; the strings end with NUL. */
typedef struct BrokerConfig
{
	const char *uri;			/* amqp:// or amqps://, with user and password */
	const char *exchange_name;
	const char *exchange_type;
} BrokerConfig;

typedef enum BrokerState
{
	BROKER_DOWN,				/* broker_error() says why, unless it was asked for */
	BROKER_CONNECTING,
	BROKER_READY
} BrokerState;

extern void broker_connect(const BrokerConfig *config);
extern BrokerState broker_state(void);
extern void broker_publish(BrokerMessage **messages, int n, MemoryContext memory);
extern bool broker_is_publishing(void);
extern void broker_drive(void);
extern long broker_wait_limit(void);
extern void broker_add_to_wait(WaitEventSet *set);
extern void broker_disconnect(void);
extern const char *broker_error(void);

#endif							/* WAZO_AUTH_BROKER_H */
