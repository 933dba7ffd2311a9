/*
 * broker_wave.c
 *	  The messages that are being published, as frames and until each has an
 *	  outcome.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "relay/amqp_frame.h"
#include "relay/broker_greeting.h"
#include "relay/broker_headers.h"
#include "relay/broker_wave.h"

/* milliseconds without any confirmation */
#define CONFIRM_TIMEOUT_MS	30000

/* longest routing key, by the protocol */
#define SHORT_STRING_MAX	255

/* the whole of the headers has to fit into one frame, beside other properties */
#define OTHER_PROPERTIES	4096

/* no more messages are added to what is to be written beyond these bytes */
#define OUTPUT_MAX			(1024 * 1024)

/* what RabbitMQ takes unless it is told otherwise */
#define BODY_MAX			(128 * 1024 * 1024)

/* The messages that are being published; the array is the caller's. */
static struct
{
	BrokerMessage **messages;
	int			n;
	int			n_given;		/* taken up so far, in their order */
	int			n_open;			/* not settled */
	uint64	   *tags;			/* 0: not sent */
	MemoryContext memory;
	TimestampTz end;			/* of the time for a next confirmation */
}			wave;

static uint64 next_tag;			/* of the next message published */

/* A connection begins, and with it the count of messages; or it has ended: none is under way. */
void
wave_reset(void)
{
	memset(&wave, 0, sizeof(wave));
	next_tag = 1;
}

/* Begins with messages, none of which has an outcome; see broker_publish(). */
void
wave_start(BrokerMessage **messages, int n, MemoryContext memory)
{
	for (int i = 0; i < n; i++)
		messages[i]->outcome = BROKER_PENDING;
	wave.messages = messages;
	wave.n = wave.n_open = n;
	wave.n_given = 0;
	wave.tags = MemoryContextAllocZero(memory, sizeof(uint64) * Max(n, 1));
	wave.memory = memory;
	wave.end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CONFIRM_TIMEOUT_MS);
}

/* Are there messages without an outcome? */
bool
wave_is_open(void)
{
	return wave.n_open > 0;
}

/* When the time for a next confirmation is over, while the wave is open. */
TimestampTz
wave_end(void)
{
	return wave.end;
}

static void
settle_one(int i, BrokerOutcome outcome, const char *error)
{
	wave.messages[i]->outcome = outcome;
	if (outcome == BROKER_REFUSED)
		wave.messages[i]->error = MemoryContextStrdup(wave.memory, error);
	wave.n_open--;
}

/* Settles the messages up to this tag, or the one that has it. */
void
wave_settle(uint64 tag, bool multiple, BrokerOutcome outcome)
{
	for (int i = 0; i < wave.n_given; i++)
		if (wave.messages[i]->outcome == BROKER_PENDING && (multiple ? wave.tags[i] <= tag : wave.tags[i] == tag))
			settle_one(i, outcome, "the broker did not take it (basic.nack)");
	wave.end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CONFIRM_TIMEOUT_MS);
}

/* Refuses the message if it is the only one under way, and of the wave. */
void
wave_refuse_only(const char *error)
{
	if (wave.n == 1 && wave.n_open == 1)
		settle_one(0, BROKER_REFUSED, error);
}

/* Why the protocol cannot carry a message, or NULL. */
static const char *
unfit(const BrokerMessage *message, Size frame_max)
{
	if (strlen(message->routing_key) > SHORT_STRING_MAX)
		return "the routing key is longer than 255 bytes";
	if (message->headers_len > frame_max - OTHER_PROPERTIES)
		return "the headers do not fit into a frame";
	if (message->body_len > BODY_MAX)
		return "the body is longer than 128 MB";
	return NULL;
}

/* Appends one message; returns why it cannot be sent, or NULL. */
static const char *
put_message(StringInfo output, const BrokerMessage *message, const char *exchange, Size frame_max)
{
	BrokerHeaders headers;
	int			start = output->len;
	const char *error = unfit(message, frame_max);
	amqp_basic_publish_t publish = {
		.exchange = amqp_cstring_bytes(exchange),
		.routing_key = amqp_cstring_bytes(message->routing_key),
	};
	amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
		AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
		AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG,
		.content_type = amqp_cstring_bytes("application/json"),
		.content_encoding = amqp_cstring_bytes("utf-8"),
		.delivery_mode = AMQP_DELIVERY_PERSISTENT,
		.priority = 0,
		.message_id = amqp_cstring_bytes(message->message_id),
	};

	if (error == NULL)
		error = broker_headers_parse(message->headers, message->headers_len, &headers);
	if (error)
		return error;
	properties.headers = headers.table;
	if (amqp_put_method(output, BROKER_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, &publish, frame_max) &&
		amqp_put_content(output, BROKER_CHANNEL, &properties, message->body, message->body_len, frame_max))
		return NULL;
	output->len = start;
	return "the headers do not fit into a frame";
}

/* Appends messages, as many as the output has room for; exchange, frame_max: of the connection. */
void
wave_give(StringInfo output, const char *exchange, Size frame_max)
{
	MemoryContext old;

	if (wave.n_given == wave.n)
		return;
	old = MemoryContextSwitchTo(wave.memory);
	while (wave.n_given < wave.n && output->len - output->cursor < OUTPUT_MAX)
	{
		int			i = wave.n_given++;
		const char *error = put_message(output, wave.messages[i], exchange, frame_max);

		if (error)
			settle_one(i, BROKER_REFUSED, error);
		else
			wave.tags[i] = next_tag++;
	}
	MemoryContextSwitchTo(old);
}
