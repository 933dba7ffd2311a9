/*
 * broker.c
 *	  A connection to an AMQP 0-9-1 broker that confirms what it is given, and
 *	  for which nobody ever waits.
 *
 * broker_drive() does what can be done at once: it opens the stream, talks its
 * way through the greeting, writes what is to be written and reads what has
 * come.  In between the process waits for the socket together with everything
 * else that it waits for, and serves whoever wants something of it.
 *
 * A process has one such connection.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "relay/amqp_frame.h"
#include "relay/broker.h"
#include "relay/broker_greeting.h"
#include "relay/broker_wave.h"
#include "relay/stream.h"

/* milliseconds: until the broker takes messages */
#define CONNECT_TIMEOUT_MS	15000

/* milliseconds: longest wait without a heartbeat */
#define WAIT_MS				30000

#define READ_SIZE			16384

static Stream *stream = NULL;	/* NULL: there is no connection */
static MemoryContext context = NULL;	/* of the connection: what follows */
static StringInfoData input;
static StringInfoData output;	/* written up to its cursor */
static amqp_pool_t pool;		/* of decoded fields */
static char *uri;				/* what info points into; with a password */
static Size uri_len;
static struct amqp_connection_info info;
static char *exchange_name;

static TimestampTz greeting_end;	/* of the time for it */
static TimestampTz last_read;
static TimestampTz last_written;

static char last_error[512];

/* The last error, in words that show no secret. */
const char *
broker_error(void)
{
	return last_error;
}

BrokerState
broker_state(void)
{
	return stream == NULL ? BROKER_DOWN : greeting_is_over() ? BROKER_READY : BROKER_CONNECTING;
}

/* Are there messages without an outcome, and a chance that they get one? */
bool
broker_is_publishing(void)
{
	return stream != NULL && wave_is_open();
}

/* Closes the connection without a word, which every broker understands. */
void
broker_disconnect(void)
{
	if (stream == NULL)
		return;
	stream_close(stream);
	stream = NULL;
	explicit_bzero(uri, uri_len);
	/* a login is in it */
	explicit_bzero(output.data, output.maxlen);
	empty_amqp_pool(&pool);
	MemoryContextDelete(context);
	context = NULL;
	wave_reset();
}

static void
pg_attribute_printf(1, 2)
fail(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, args);
	va_end(args);
	broker_disconnect();
}

/* The stream's own words, but for a broker that closes instead of answering. */
static void
fail_stream(void)
{
	if (greeting_is_answered() && !greeting_is_over())
		fail("%s: %s", greeting_failure(), stream_error(stream));
	else
		fail("%s", stream_error(stream));
}

/*
 * The reason of a channel.close or connection.close.  Its text comes from the
 * broker: printable ASCII of it is kept.
 */
static void
describe_close(const char *what, int code, amqp_bytes_t text)
{
	size_t		n;

	snprintf(last_error, sizeof(last_error), "%s: %d ", what, code);
	n = strlen(last_error);
	for (size_t i = 0; i < text.len && n + 1 < sizeof(last_error); i++)
	{
		char		c = ((const char *) text.bytes)[i];

		last_error[n++] = (c >= ' ' && c <= '~') ? c : '?';
	}
	last_error[n] = '\0';
}

/*
 * broker_connect
 *
 * Begins to connect; broker_drive() goes on, until broker_state() is ready or
 * down.
 */
void
broker_connect(const BrokerConfig *config)
{
	MemoryContext old;

	broker_disconnect();
	context = AllocSetContextCreate(TopMemoryContext, "wazo_auth broker", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	uri = pstrdup(config->uri);
	uri_len = strlen(uri);
	exchange_name = pstrdup(config->exchange_name);
	initStringInfo(&input);
	initStringInfo(&output);
	greeting_start(&info, exchange_name, pstrdup(config->exchange_type));
	MemoryContextSwitchTo(old);

	wave_reset();
	last_read = last_written = GetCurrentTimestamp();
	greeting_end = TimestampTzPlusMilliseconds(last_read, CONNECT_TIMEOUT_MS);
	/* cuts the copy into pieces */
	if (amqp_parse_url(uri, &info) == AMQP_STATUS_OK)
		stream = stream_open(info.host, info.port, info.ssl);
	if (stream == NULL)
	{
		strlcpy(last_error, "amqp.uri is not a valid URI", sizeof(last_error));
		explicit_bzero(uri, uri_len);
		MemoryContextDelete(context);
		context = NULL;
		return;
	}
	init_amqp_pool(&pool, 4096);
	amqp_put_protocol_header(&output);
}

/*
 * A channel that is closed because of the only message under way refuses that
 * message, unless it is for an exchange that somebody has deleted.
 */
static void
channel_closed(const amqp_channel_close_t *close)
{
	describe_close(greeting_is_over() ? "channel closed" : greeting_failure(),
				   close->reply_code, close->reply_text);
	if (close->reply_code != AMQP_NOT_FOUND)
		wave_refuse_only(last_error);
	broker_disconnect();
}

static void
connection_closed(const amqp_connection_close_t *close)
{
	describe_close(greeting_is_over() ? "connection closed" : greeting_failure(),
				   close->reply_code, close->reply_text);
	broker_disconnect();
}

/* Goes on with the greeting. */
static void
greet(const AmqpFrame *frame)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	const char *error = greeting_answer(frame, &output);

	MemoryContextSwitchTo(old);
	if (error)
		fail("%s: %s", greeting_failure(), error);
}

static void
handle_frame(const AmqpFrame *frame)
{
	if (frame->type != AMQP_FRAME_METHOD)
		return;
	switch (frame->method)
	{
		case AMQP_CHANNEL_CLOSE_METHOD:
			channel_closed(frame->decoded);
			break;
		case AMQP_CONNECTION_CLOSE_METHOD:
			connection_closed(frame->decoded);
			break;
		case AMQP_BASIC_ACK_METHOD:
			{
				const amqp_basic_ack_t *ack = frame->decoded;

				wave_settle(ack->delivery_tag, ack->multiple, BROKER_CONFIRMED);
				break;
			}
		case AMQP_BASIC_NACK_METHOD:
			{
				const amqp_basic_nack_t *nack = frame->decoded;

				wave_settle(nack->delivery_tag, nack->multiple, BROKER_REFUSED);
				break;
			}
		default:
			if (!greeting_is_over())
				greet(frame);
			break;
	}
}

/* Takes what has been read apart. */
static void
handle_input(void)
{
	AmqpFrame	frame;

	for (;;)
	{
		switch (amqp_read_frame(&input, greeting_terms()->frame_max, &pool, &frame))
		{
			case AMQP_READ_FRAME:
				handle_frame(&frame);
				if (stream == NULL)
					return;
				recycle_amqp_pool(&pool);
				break;
			case AMQP_READ_MORE:
				/* what is left moves to the front */
				memmove(input.data, input.data + input.cursor, input.len - input.cursor);
				input.len -= input.cursor;
				input.cursor = 0;
				return;
			case AMQP_READ_BROKEN:
				fail("%s: the other side does not speak AMQP 0-9-1",
					 greeting_is_over() ? "connection lost" : greeting_failure());
				return;
		}
	}
}

static void
read_input(void)
{
	int			n;

	do
	{
		enlargeStringInfo(&input, READ_SIZE);
		n = stream_read(stream, input.data + input.len, READ_SIZE);
		if (n > 0)
		{
			input.len += n;
			last_read = GetCurrentTimestamp();
			handle_input();
		}
		else if (n < 0)
			fail_stream();
	} while (stream && n > 0);
}

static void
write_output(void)
{
	int			n = 0;

	do
	{
		wave_give(&output, exchange_name, greeting_terms()->frame_max);
		if (output.cursor == output.len)
			break;
		n = stream_write(stream, output.data + output.cursor, output.len - output.cursor);
		if (n < 0)
		{
			fail_stream();
			return;
		}
		output.cursor += n;
		if (n > 0)
			last_written = GetCurrentTimestamp();
		if (output.cursor == output.len)
			output.len = output.cursor = 0;
	} while (n > 0);
}

/*
 * broker_publish
 *
 * Begins to publish messages in their order.  What the protocol cannot carry is
 * refused and not sent.  Until broker_is_publishing() says no, the messages,
 * which are in this memory, belong to the broker; when the connection is lost,
 * each has the outcome known by that time.
 */
void
broker_publish(BrokerMessage **messages, int n, MemoryContext memory)
{
	Assert(broker_state() == BROKER_READY && !broker_is_publishing());
	wave_start(messages, n, memory);
	broker_drive();
}

/* What is too late, and the heartbeat. */
static void
look_at_clock(TimestampTz now)
{
	int			heartbeat_ms = greeting_terms()->heartbeat_ms;

	if (!greeting_is_over() && now >= greeting_end)
		fail("%s: no answer in %d s", greeting_failure(), CONNECT_TIMEOUT_MS / 1000);
	else if (wave_is_open() && now >= wave_end())
		fail("the broker does not confirm");
	else if (heartbeat_ms > 0 && now >= TimestampTzPlusMilliseconds(last_read, 2 * heartbeat_ms))
		fail("connection lost: no heartbeat");
	else if (heartbeat_ms > 0 && now >= TimestampTzPlusMilliseconds(last_written, heartbeat_ms / 2) &&
			 output.cursor == output.len)
		amqp_put_heartbeat(&output);
}

/*
 * broker_drive
 *
 * Does all that can be done at once.  To be called when the socket or the time
 * is ripe, and as often as you like.
 */
void
broker_drive(void)
{
	if (stream == NULL)
		return;
	switch (stream_drive(stream))
	{
		case STREAM_FAILED:
			fail_stream();
			return;
		case STREAM_OPEN:
			read_input();
			break;
		case STREAM_OPENING:
			break;
	}
	if (stream)
		look_at_clock(GetCurrentTimestamp());
	if (stream && stream_drive(stream) == STREAM_OPEN)
		write_output();
}

/* How long (milliseconds) broker_drive() may go uncalled; -1: as long as you like. */
long
broker_wait_limit(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz end;
	int			heartbeat_ms = greeting_terms()->heartbeat_ms;

	if (stream == NULL)
		return -1;
	if (stream_has_data(stream))
		return 0;
	if (!greeting_is_over())
		end = greeting_end;
	else
	{
		end = TimestampTzPlusMilliseconds(now, WAIT_MS);
		if (wave_is_open())
			end = Min(end, wave_end());
		if (heartbeat_ms > 0)
		{
			end = Min(end, TimestampTzPlusMilliseconds(last_written, heartbeat_ms / 2));
			end = Min(end, TimestampTzPlusMilliseconds(last_read, 2 * heartbeat_ms));
		}
	}
	return TimestampDifferenceMilliseconds(now, end) + 1;
}

/* Adds what the connection waits for. */
void
broker_add_to_wait(WaitEventSet *set)
{
	if (stream)
		stream_add_to_wait(stream, set, output.cursor < output.len);
}
