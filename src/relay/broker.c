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
#include "relay/broker_headers.h"
#include "relay/stream.h"

#define CHANNEL				1
#define HEARTBEAT_S			30
#define FRAME_MAX			131072

/* what the protocol allows before the sides have agreed on more */
#define FRAME_MIN			4096

/* milliseconds: until the broker takes messages, and without any confirmation */
#define CONNECT_TIMEOUT_MS	15000
#define CONFIRM_TIMEOUT_MS	30000

/* longest routing key, by the protocol */
#define SHORT_STRING_MAX	255

/* the whole of the headers has to fit into one frame, beside other properties */
#define OTHER_PROPERTIES	4096

/* no more messages are added to what is to be written beyond these bytes */
#define OUTPUT_MAX			(1024 * 1024)

#define READ_SIZE			16384

/* what RabbitMQ takes unless it is told otherwise */
#define BODY_MAX			(128 * 1024 * 1024)

/*
 * What is sent next in the greeting once the broker has answered with this
 * method; the answers come in this order.
 */
typedef enum Greeting
{
	AWAIT_START,
	AWAIT_TUNE,
	AWAIT_OPEN_OK,
	AWAIT_CHANNEL_OPEN_OK,
	AWAIT_EXCHANGE_DECLARE_OK,
	AWAIT_CONFIRM_SELECT_OK,
	GREETED
} Greeting;

static const struct
{
	amqp_method_number_t answer;
	const char *failure;		/* what it means when something else comes */
}			greetings[] = {
	[AWAIT_START] = {AMQP_CONNECTION_START_METHOD, "could not connect"},
	[AWAIT_TUNE] = {AMQP_CONNECTION_TUNE_METHOD, "could not log in"},
	[AWAIT_OPEN_OK] = {AMQP_CONNECTION_OPEN_OK_METHOD, "could not log in"},
	[AWAIT_CHANNEL_OPEN_OK] = {AMQP_CHANNEL_OPEN_OK_METHOD, "could not open a channel"},
	[AWAIT_EXCHANGE_DECLARE_OK] = {AMQP_EXCHANGE_DECLARE_OK_METHOD, "could not declare the exchange"},
	[AWAIT_CONFIRM_SELECT_OK] = {AMQP_CONFIRM_SELECT_OK_METHOD, "could not turn on confirmations"},
	[GREETED] = {0, NULL},
};

static Stream *stream = NULL;	/* NULL: there is no connection */
static MemoryContext context = NULL;	/* of the connection: what follows */
static StringInfoData input;
static StringInfoData output;	/* written up to its cursor */
static amqp_pool_t pool;		/* of decoded fields */
static char *uri;				/* what info points into; with a password */
static Size uri_len;
static struct amqp_connection_info info;
static char *exchange_name;
static char *exchange_type;

static Greeting greeting;
static TimestampTz greeting_end;	/* of the time for it */
static Size frame_max;
static int	heartbeat_ms;		/* 0: none */
static TimestampTz last_read;
static TimestampTz last_written;
static uint64 next_tag;			/* of the next message published */

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
	return stream == NULL ? BROKER_DOWN : greeting == GREETED ? BROKER_READY : BROKER_CONNECTING;
}

/* Are there messages without an outcome, and a chance that they get one? */
bool
broker_is_publishing(void)
{
	return stream != NULL && wave.n_open > 0;
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
	memset(&wave, 0, sizeof(wave));
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
	if (greeting != AWAIT_START && greeting != GREETED)
		fail("%s: %s", greetings[greeting].failure, stream_error(stream));
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
 * down.  The exchange is declared as upstream declares it: durable, not
 * auto-delete (contract: events.md section 1).
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
	exchange_type = pstrdup(config->exchange_type);
	initStringInfo(&input);
	initStringInfo(&output);
	MemoryContextSwitchTo(old);

	greeting = AWAIT_START;
	frame_max = FRAME_MIN;
	heartbeat_ms = 0;
	next_tag = 1;
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

static void
put_method(uint16 channel, amqp_method_number_t method, void *fields)
{
	if (!amqp_put_method(&output, channel, method, fields, frame_max))
		fail("%s: it does not fit into a frame",
			 greeting == GREETED ? "could not publish" : greetings[greeting].failure);
}

static amqp_table_entry_t
can(const char *what)
{
	amqp_table_entry_t entry = {
		.key = amqp_cstring_bytes(what),
		.value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}
	};

	return entry;
}

static amqp_table_entry_t
property(const char *name, const char *text)
{
	amqp_table_entry_t entry = {
		.key = amqp_cstring_bytes(name),
		.value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(text)}
	};

	return entry;
}

/* The name and password, and what we can do. */
static void
put_start_ok(void)
{
	amqp_table_entry_t capabilities[] = {
		can("authentication_failure_close"),
		can("basic.nack"),
		can("publisher_confirms"),
	};
	amqp_table_entry_t properties[] = {
		property("product", "wazo_auth"),
		property("version", WAZO_AUTH_VERSION),
		property("connection_name", "wazo_auth relay"),
		{
			.key = amqp_cstring_bytes("capabilities"),
			.value.kind = AMQP_FIELD_KIND_TABLE,
			.value.value.table = {.num_entries = lengthof(capabilities), .entries = capabilities}
		},
	};
	size_t		user_len = strlen(info.user);
	size_t		password_len = strlen(info.password);
	amqp_connection_start_ok_t start_ok = {
		.client_properties = {.num_entries = lengthof(properties), .entries = properties},
		.mechanism = amqp_cstring_bytes("PLAIN"),
		.response = {.len = user_len + password_len + 2},
		.locale = amqp_cstring_bytes("en_US"),
	};
	char	   *response = MemoryContextAllocZero(context, start_ok.response.len);

	memcpy(response + 1, info.user, user_len);
	memcpy(response + user_len + 2, info.password, password_len);
	start_ok.response.bytes = response;
	put_method(0, AMQP_CONNECTION_START_OK_METHOD, &start_ok);
	explicit_bzero(response, user_len + password_len + 2);
}

/* Agrees on what the broker offers, up to what we want. */
static void
put_tune_ok(const amqp_connection_tune_t *tune)
{
	amqp_connection_tune_ok_t tune_ok = {
		.channel_max = tune->channel_max ? Min(tune->channel_max, CHANNEL) : CHANNEL,
		.frame_max = tune->frame_max ? Max(Min(tune->frame_max, FRAME_MAX), FRAME_MIN) : FRAME_MAX,
		.heartbeat = tune->heartbeat ? Min(tune->heartbeat, HEARTBEAT_S) : HEARTBEAT_S,
	};

	/* kombu, which upstream uses, knows no empty virtual host */
	amqp_connection_open_t open = {
		.virtual_host = amqp_cstring_bytes(info.vhost[0] ? info.vhost : "/"),
	};

	frame_max = tune_ok.frame_max;
	heartbeat_ms = tune_ok.heartbeat * 1000;
	put_method(0, AMQP_CONNECTION_TUNE_OK_METHOD, &tune_ok);
	if (stream)
		put_method(0, AMQP_CONNECTION_OPEN_METHOD, &open);
}

/* Answers the greeting's next method with the one after it. */
static void
greet(const AmqpFrame *frame)
{
	amqp_channel_open_t open = {.out_of_band = amqp_empty_bytes};
	amqp_exchange_declare_t declare = {
		.exchange = amqp_cstring_bytes(exchange_name),
		.type = amqp_cstring_bytes(exchange_type),
		.durable = 1,
	};
	amqp_confirm_select_t select = {.nowait = 0};

	if (frame->method != greetings[greeting].answer)
	{
		fail("%s: unexpected answer", greetings[greeting].failure);
		return;
	}
	switch (greeting)
	{
		case AWAIT_START:
			put_start_ok();
			break;
		case AWAIT_TUNE:
			put_tune_ok(frame->decoded);
			break;
		case AWAIT_OPEN_OK:
			put_method(CHANNEL, AMQP_CHANNEL_OPEN_METHOD, &open);
			break;
		case AWAIT_CHANNEL_OPEN_OK:
			put_method(CHANNEL, AMQP_EXCHANGE_DECLARE_METHOD, &declare);
			break;
		case AWAIT_EXCHANGE_DECLARE_OK:
			put_method(CHANNEL, AMQP_CONFIRM_SELECT_METHOD, &select);
			break;
		default:
			break;
	}
	if (stream)
		greeting++;
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
static void
settle(uint64 tag, bool multiple, BrokerOutcome outcome)
{
	for (int i = 0; i < wave.n_given; i++)
		if (wave.messages[i]->outcome == BROKER_PENDING && (multiple ? wave.tags[i] <= tag : wave.tags[i] == tag))
			settle_one(i, outcome, "the broker did not take it (basic.nack)");
	wave.end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CONFIRM_TIMEOUT_MS);
}

/*
 * A channel that is closed because of the only message under way refuses that
 * message, unless it is for an exchange that somebody has deleted.
 */
static void
channel_closed(const amqp_channel_close_t *close)
{
	describe_close(greeting == GREETED ? "channel closed" : greetings[greeting].failure,
				   close->reply_code, close->reply_text);
	if (wave.n == 1 && wave.n_open == 1 && close->reply_code != AMQP_NOT_FOUND)
		settle_one(0, BROKER_REFUSED, last_error);
	broker_disconnect();
}

static void
connection_closed(const amqp_connection_close_t *close)
{
	describe_close(greeting == GREETED ? "connection closed" : greetings[greeting].failure,
				   close->reply_code, close->reply_text);
	broker_disconnect();
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

				settle(ack->delivery_tag, ack->multiple, BROKER_CONFIRMED);
				break;
			}
		case AMQP_BASIC_NACK_METHOD:
			{
				const amqp_basic_nack_t *nack = frame->decoded;

				settle(nack->delivery_tag, nack->multiple, BROKER_REFUSED);
				break;
			}
		default:
			if (greeting != GREETED)
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
		switch (amqp_read_frame(&input, frame_max, &pool, &frame))
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
					 greeting == GREETED ? "connection lost" : greetings[greeting].failure);
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

/* Why the protocol cannot carry a message, or NULL. */
static const char *
unfit(const BrokerMessage *message)
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
put_message(const BrokerMessage *message)
{
	BrokerHeaders headers;
	int			start = output.len;
	const char *error = unfit(message);
	amqp_basic_publish_t publish = {
		.exchange = amqp_cstring_bytes(exchange_name),
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
	if (amqp_put_method(&output, CHANNEL, AMQP_BASIC_PUBLISH_METHOD, &publish, frame_max) &&
		amqp_put_content(&output, CHANNEL, &properties, message->body, message->body_len, frame_max))
		return NULL;
	output.len = start;
	return "the headers do not fit into a frame";
}

/* Takes up messages, as many as the output has room for. */
static void
give_messages(void)
{
	MemoryContext old = MemoryContextSwitchTo(wave.memory);

	while (wave.n_given < wave.n && output.len - output.cursor < OUTPUT_MAX)
	{
		int			i = wave.n_given++;
		const char *error = put_message(wave.messages[i]);

		if (error)
			settle_one(i, BROKER_REFUSED, error);
		else
			wave.tags[i] = next_tag++;
	}
	MemoryContextSwitchTo(old);
}

static void
write_output(void)
{
	int			n = 0;

	do
	{
		if (wave.n_given < wave.n)
			give_messages();
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
	for (int i = 0; i < n; i++)
		messages[i]->outcome = BROKER_PENDING;
	wave.messages = messages;
	wave.n = wave.n_open = n;
	wave.n_given = 0;
	wave.tags = MemoryContextAllocZero(memory, sizeof(uint64) * Max(n, 1));
	wave.memory = memory;
	wave.end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CONFIRM_TIMEOUT_MS);
	broker_drive();
}

/* What is too late, and the heartbeat. */
static void
look_at_clock(TimestampTz now)
{
	if (greeting != GREETED && now >= greeting_end)
		fail("%s: no answer in %d s", greetings[greeting].failure, CONNECT_TIMEOUT_MS / 1000);
	else if (wave.n_open > 0 && now >= wave.end)
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

	if (stream == NULL)
		return -1;
	if (stream_has_data(stream))
		return 0;
	if (greeting != GREETED)
		end = greeting_end;
	else
	{
		end = TimestampTzPlusMilliseconds(now, HEARTBEAT_S * 1000);
		if (wave.n_open > 0)
			end = Min(end, wave.end);
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
