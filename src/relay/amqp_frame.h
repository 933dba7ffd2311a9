/*
 * amqp_frame.h
 *	  Frames of AMQP 0-9-1, written to and read from buffers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_AMQP_FRAME_H
#define WAZO_AUTH_AMQP_FRAME_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "relay/rabbitmq.h"

/* what a frame has beside its payload: type, channel, size, end */
#define AMQP_FRAME_OVERHEAD 8

/* A frame that was read; what it points to lives as long as the buffer and the pool. */
typedef struct AmqpFrame
{
	uint8		type;			/* AMQP_FRAME_METHOD and so on */
	uint16		channel;
	amqp_method_number_t method;	/* of a method; 0 for one that the library does not know */
	void	   *decoded;		/* its fields */
} AmqpFrame;

typedef enum AmqpReadResult
{
	AMQP_READ_FRAME,
	AMQP_READ_MORE,				/* there is no whole frame yet */
	AMQP_READ_BROKEN			/* this is not the protocol */
} AmqpReadResult;

extern void amqp_put_protocol_header(StringInfo out);
extern bool amqp_put_method(StringInfo out, uint16 channel, amqp_method_number_t method, void *fields, Size frame_max);
extern bool amqp_put_content(StringInfo out, uint16 channel, amqp_basic_properties_t *properties,
							 const char *body, Size len, Size frame_max);
extern void amqp_put_heartbeat(StringInfo out);
extern AmqpReadResult amqp_read_frame(StringInfo in, Size frame_max, amqp_pool_t *pool, AmqpFrame *frame);

#endif							/* WAZO_AUTH_AMQP_FRAME_H */
