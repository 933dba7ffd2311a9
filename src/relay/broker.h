/*
 * broker.h
 *	  A connection to an AMQP 0-9-1 broker that confirms what it is given.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_BROKER_H
#define WAZO_AUTH_BROKER_H

#include "postgres.h"

/* What to connect to; the strings end with NUL. */
typedef struct BrokerConfig
{
	const char *uri;			/* amqp:// or amqps://, with user and password */
	const char *exchange_name;
	const char *exchange_type;
} BrokerConfig;

typedef enum BrokerOutcome
{
	BROKER_PENDING,				/* not known: to be sent again */
	BROKER_CONFIRMED,
	BROKER_REFUSED				/* the message's own fault; error says why */
} BrokerOutcome;

/* A message to publish, and what became of it. */
typedef struct BrokerMessage
{
	const char *routing_key;
	const char *message_id;
	const char *headers;		/* a flat JSON object of strings and booleans */
	Size		headers_len;
	const char *body;
	Size		body_len;
	BrokerOutcome outcome;
	const char *error;			/* of a refused one; in the caller's memory */
} BrokerMessage;

extern void broker_init(void);
extern bool broker_connect(const BrokerConfig *config);
extern bool broker_is_connected(void);
extern bool broker_publish(BrokerMessage **messages, int n);
extern bool broker_idle(void);
extern int	broker_socket(void);
extern int	broker_idle_limit(void);
extern void broker_disconnect(void);
extern void broker_abort(void);
extern const char *broker_error(void);

#endif							/* WAZO_AUTH_BROKER_H */
