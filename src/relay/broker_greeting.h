/*
 * broker_greeting.h
 *	  What is said before a broker takes messages.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_BROKER_GREETING_H
#define WAZO_AUTH_BROKER_GREETING_H

#include "postgres.h"

#include "relay/amqp_frame.h"

/* the only one */
#define BROKER_CHANNEL		1

typedef struct BrokerTerms
{
	Size		frame_max;
	int			heartbeat_ms;	/* 0: none */
} BrokerTerms;

extern void greeting_start(const struct amqp_connection_info *info, const char *name, const char *type);
extern bool greeting_is_over(void);
extern bool greeting_is_answered(void);
extern const char *greeting_failure(void);
extern const BrokerTerms *greeting_terms(void);
extern const char *greeting_answer(const AmqpFrame *frame, StringInfo output);

#endif							/* WAZO_AUTH_BROKER_GREETING_H */
