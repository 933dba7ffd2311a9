/*
 * broker_wave.h
 *	  The messages that are being published.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_BROKER_WAVE_H
#define WAZO_AUTH_BROKER_WAVE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

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
	const char *error;			/* of a refused one; lives as long as the messages' memory */
} BrokerMessage;

extern void wave_reset(void);
extern void wave_start(BrokerMessage **messages, int n, MemoryContext memory);
extern bool wave_is_open(void);
extern TimestampTz wave_end(void);
extern void wave_settle(uint64 tag, bool multiple, BrokerOutcome outcome);
extern void wave_refuse_only(const char *error);
extern void wave_give(StringInfo output, const char *exchange, Size frame_max);

#endif							/* WAZO_AUTH_BROKER_WAVE_H */
